/* SPDX-License-Identifier: MIT */
#include "detect/actors.h"

#include "base/check.h"

#include <inttypes.h>
#include <stdio.h>

static const size_t text_sizes[ACTOR_TEXT_SIZES] = { 32, 48, 64, 128, 512 };

void actors_find_classes(struct actors *a)
{
        a->class = budget_class_of(a->budget, sizeof(struct actor));
        for (unsigned i = 0; i < ACTOR_TEXT_SIZES; i++)
                a->text_classes[i] = budget_class_of(a->budget, text_sizes[i]);
}

bool actors_init(struct actors *a, struct budget *budget, const struct hash_key *key,
                 uint64_t index_bytes)
{
        *a = (struct actors){ .budget = budget, .key = key };
        actors_find_classes(a);
        return index_init(&a->actors, index_bytes, &budget->index_room) &&
               index_init(&a->texts, index_bytes, &budget->index_room);
}

void actors_free(struct actors *a)
{
        index_free(&a->actors);
        index_free(&a->texts);
        *a = (struct actors){ 0 };
}

size_t actors_pseudonym(const struct actors *a, enum participant_kind kind,
                        struct slice raw, char out[256])
{
        if (a->pseudonym)
                return a->pseudonym(a->pseudonym_context, participant_name(kind), raw,
                                    out);
        raw = slice_first(raw, 256);
        memcpy(out, raw.data, raw.len);
        return raw.len;
}

static struct actor_text *text_at(const struct actors *a, uint32_t text)
{
        return budget_at(a->budget, text);
}

static uint32_t text_new(struct actors *a, enum participant_kind kind, struct slice raw,
                         uint64_t hash)
{
        char pseudonym[256];
        bool is_long = raw.len > ACTOR_TEXT_MAX;
        unsigned size = 0;

        if (is_long)
                raw = slice_of(pseudonym, actors_pseudonym(a, kind, raw, pseudonym));
        while (sizeof(struct actor_text) + raw.len > text_sizes[size])
                size++;
        uint32_t handle = budget_take(a->budget, a->text_classes[size], BUDGET_NEWCOMER);
        if (handle == 0)
                return 0;
        struct actor_text *text = text_at(a, handle);
        text->hash = hash;
        text->len = (uint16_t)raw.len;
        text->is_published = is_long;
        text->kind = (uint8_t)kind;
        memcpy(text->bytes, raw.data, raw.len);
        if (!index_put(&a->texts, hash, handle)) {
                budget_give(a->budget, handle);
                return 0;
        }
        return handle;
}

/* 0 for no text; *full tells that there is one and no room for it. */
static uint32_t text_take(struct actors *a, enum participant_kind kind, struct slice raw,
                          uint64_t hash, bool *full)
{
        if (slice_is_none(raw))
                return 0;
        uint32_t handle = index_find(&a->texts, a->budget, hash);
        if (handle == 0)
                handle = text_new(a, kind, raw, hash);
        if (handle == 0)
                *full = true;
        else
                text_at(a, handle)->references++;
        return handle;
}

static void text_drop(struct actors *a, uint32_t handle)
{
        if (handle == 0)
                return;
        struct actor_text *text = text_at(a, handle);
        CHECK(text->references > 0);
        if (--text->references)
                return;
        index_remove(&a->texts, text->hash, handle);
        budget_give(a->budget, handle);
}

/* Hash of a text in the space of its kind; 0 for none. */
static uint64_t text_hash(const struct actors *a, enum participant_kind kind,
                          struct slice raw)
{
        return slice_is_none(raw) ? 0 : hash_mix(hash_slice(a->key, raw), kind + 1);
}

/* Which participant each text is, and what it is read from. */
static const struct {
        enum participant_kind kind;
        enum record_text text;
} text_sources[ACTOR_TEXTS] = {
        [ACTOR_SESSION] = { PARTICIPANT_SESSION, RECORD_SESSION },
        [ACTOR_ACCOUNT] = { PARTICIPANT_ACCOUNT, RECORD_ACCOUNT },
        [ACTOR_EMAIL_DOMAIN] = { PARTICIPANT_EMAIL_DOMAIN, RECORD_EMAIL_DOMAIN },
        [ACTOR_EMAIL_SKELETON] = { PARTICIPANT_EMAIL_SKELETON, RECORD_EMAIL_SKELETON },
        [ACTOR_JA4] = { PARTICIPANT_TLS_JA4, RECORD_TEXTS }, /* of the hello */
};

static struct slice source_text(const struct record *r, struct slice ja4, unsigned i)
{
        return i == ACTOR_JA4 ? ja4 : record_text(r, text_sources[i].text);
}

static void drop_texts(struct actors *a, const struct actor *actor)
{
        for (unsigned i = 0; i < ACTOR_TEXTS; i++)
                text_drop(a, actor->texts[i]);
}

/* False when there is no room for all. */
static bool take_texts(struct actors *a, struct actor *actor, const struct record *r,
                       struct slice ja4, const uint64_t hashes[ACTOR_TEXTS])
{
        bool full = false;

        for (unsigned i = 0; i < ACTOR_TEXTS; i++)
                actor->texts[i] = text_take(a, text_sources[i].kind,
                                            source_text(r, ja4, i), hashes[i], &full);
        return !full;
}

void actors_key(const struct actors *a, const struct record *r, struct slice ja4,
                struct actor_key *key)
{
        struct {
                struct ip ip;
                uint64_t shape, texts[ACTOR_TEXTS];
        } who = { r->client, r->http_shape, { 0 } };

        for (unsigned i = 0; i < ACTOR_TEXTS; i++)
                who.texts[i] = text_hash(a, text_sources[i].kind, source_text(r, ja4, i));
        memcpy(key->texts, who.texts, sizeof(key->texts));
        key->hash = hash_bytes(a->key, &who, sizeof(who));
}

uint32_t actors_take_known(struct actors *a, const struct record *r, struct slice ja4,
                           const struct actor_key *key)
{
        uint32_t handle = index_find(&a->actors, a->budget, key->hash);
        if (handle) {
                actors_hold(a, handle);
                return handle;
        }
        handle = budget_take(a->budget, a->class, BUDGET_NEWCOMER);
        if (handle == 0)
                return 0;
        struct actor *actor = budget_at(a->budget, handle);
        *actor = (struct actor){ .hash = key->hash,
                                 .ip = r->client,
                                 .http_shape = r->http_shape,
                                 .references = 1,
                                 .prefix_bits = r->client_prefix.bits };
        if (!take_texts(a, actor, r, ja4, key->texts) ||
            !index_put(&a->actors, key->hash, handle)) {
                drop_texts(a, actor);
                budget_give(a->budget, handle);
                return 0;
        }
        return handle;
}

uint32_t actors_take(struct actors *a, const struct record *r, struct slice ja4)
{
        struct actor_key key;

        actors_key(a, r, ja4, &key);
        return actors_take_known(a, r, ja4, &key);
}

void actors_hold(struct actors *a, uint32_t handle)
{
        struct actor *actor = budget_at(a->budget, handle);

        actor->references++;
}

void actors_drop(struct actors *a, uint32_t handle)
{
        if (handle == 0)
                return;
        struct actor *actor = budget_at(a->budget, handle);
        CHECK(actor->references > 0);
        if (--actor->references)
                return;
        index_remove(&a->actors, actor->hash, handle);
        drop_texts(a, actor);
        budget_give(a->budget, handle);
}

/* Number of the text that shows a kind, or ACTOR_TEXTS. */
static unsigned text_number(enum participant_kind kind)
{
        unsigned i = 0;

        while (i < ACTOR_TEXTS && text_sources[i].kind != kind)
                i++;
        return i;
}

bool actor_has(const struct actor *actor, enum participant_kind kind)
{
        switch (kind) {
        case PARTICIPANT_CLIENT_IP:
        case PARTICIPANT_CLIENT_PREFIX:
                return true;
        case PARTICIPANT_SESSION:
        case PARTICIPANT_ACCOUNT:
        case PARTICIPANT_EMAIL_DOMAIN:
        case PARTICIPANT_EMAIL_SKELETON:
        case PARTICIPANT_TLS_JA4:
                return actor->texts[text_number(kind)] != 0;
        case PARTICIPANT_HTTP_SHAPE:
                return actor->http_shape != 0;
        default:
                return false;
        }
}

struct network actor_network(const struct actor *actor, enum field_kind kind)
{
        uint8_t bits = 128;

        if (kind == FIELD_PREFIX)
                bits = actor->prefix_bits;
        else if (kind == FIELD_HOST && !ip_is_v4(&actor->ip))
                bits = 64;
        return network_of(&actor->ip, bits);
}

uint64_t actors_text_hash(const struct actors *a, enum participant_kind kind,
                          const struct actor *actor)
{
        unsigned i = text_number(kind);
        uint32_t text = i < ACTOR_TEXTS ? actor->texts[i] : 0;

        return text ? text_at(a, text)->hash : 0;
}

static int compare_texts(const struct actors *a, uint32_t x, uint32_t y)
{
        const struct actor_text *s = text_at(a, x), *t = text_at(a, y);

        if (x == y)
                return 0;
        int order = memcmp(s->bytes, t->bytes, s->len < t->len ? s->len : t->len);
        return order ? order : (s->len > t->len) - (s->len < t->len);
}

int actors_compare(const struct actors *a, enum participant_kind kind,
                   const struct actor *x, const struct actor *y)
{
        struct network p, q;

        switch (kind) {
        case PARTICIPANT_CLIENT_IP:
                return memcmp(x->ip.bytes, y->ip.bytes, sizeof(x->ip.bytes));
        case PARTICIPANT_CLIENT_PREFIX:
                p = network_of(&x->ip, x->prefix_bits);
                q = network_of(&y->ip, y->prefix_bits);
                return memcmp(p.ip.bytes, q.ip.bytes, sizeof(p.ip.bytes));
        case PARTICIPANT_SESSION:
        case PARTICIPANT_ACCOUNT:
        case PARTICIPANT_EMAIL_DOMAIN:
        case PARTICIPANT_EMAIL_SKELETON:
        case PARTICIPANT_TLS_JA4:
                return compare_texts(a, x->texts[text_number(kind)],
                                     y->texts[text_number(kind)]);
        case PARTICIPANT_HTTP_SHAPE:
                return (x->http_shape > y->http_shape) - (x->http_shape < y->http_shape);
        default:
                return 0;
        }
}

static size_t publish_clear(const struct actors *a, uint32_t handle, char out[256])
{
        const struct actor_text *text = text_at(a, handle);

        memcpy(out, text->bytes, text->len); /* 253 bytes at the most */
        return text->len;
}

static size_t publish_private(const struct actors *a, uint32_t handle, char out[256])
{
        const struct actor_text *text = text_at(a, handle);

        if (!text->is_published)
                return actors_pseudonym(a, text->kind, slice_of(text->bytes, text->len),
                                        out);
        memcpy(out, text->bytes, text->len);
        return text->len;
}

size_t actors_publish(const struct actors *a, enum participant_kind kind,
                      const struct actor *actor, char out[256])
{
        struct network prefix;

        switch (kind) {
        case PARTICIPANT_CLIENT_IP:
                return ip_format(&actor->ip, out);
        case PARTICIPANT_CLIENT_PREFIX:
                prefix = network_of(&actor->ip, actor->prefix_bits);
                return network_format(&prefix, out);
        case PARTICIPANT_SESSION:
        case PARTICIPANT_ACCOUNT:
                return publish_private(a, actor->texts[text_number(kind)], out);
        case PARTICIPANT_EMAIL_DOMAIN:
        case PARTICIPANT_EMAIL_SKELETON:
        case PARTICIPANT_TLS_JA4:
                return publish_clear(a, actor->texts[text_number(kind)], out);
        case PARTICIPANT_HTTP_SHAPE:
                return (size_t)snprintf(out, 256, "%016" PRIx64, actor->http_shape);
        default:
                return 0;
        }
}
