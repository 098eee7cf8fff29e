/* SPDX-License-Identifier: MIT */
#include "detect/actors.h"

#include "base/check.h"

#include <inttypes.h>
#include <stdio.h>

static const size_t text_sizes[ACTOR_TEXT_SIZES] = { 32, 48, 64, 128, 512 };

void actors_find_classes(struct actors *a)
{
        for (unsigned i = 1; i < ACTOR_SIZES; i++)
                a->classes[i] = budget_class_of(a->budget, (size_t)i * 8);
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

/* Hash of a text in the space of its kind; 0 for none. `known`: of its bytes, or 0. */
static uint64_t text_hash(const struct actors *a, enum participant_kind kind,
                          struct slice raw, uint64_t known)
{
        if (slice_is_none(raw))
                return 0;
        return hash_mix(known ? known : hash_slice(a->key, raw), kind + 1);
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

/* ---- what an actor has, in as many words as that takes ---- */

static unsigned ip_words(bool is_v4)
{
        return is_v4 ? 1 : ACTOR_IP_WORDS;
}

static struct ip ip_of(const struct actor *actor)
{
        struct ip ip = { { [10] = 0xff, [11] = 0xff } };
        size_t len = ip_words(actor->is_v4) * sizeof(uint32_t);

        memcpy(ip.bytes + sizeof(ip.bytes) - len, actor->words, len);
        return ip;
}

/* Whether a session of that length stands in the actor itself. */
static bool is_own(unsigned kind, size_t len)
{
        return kind == ACTOR_SESSION && len && len <= ACTOR_OWN_MAX;
}

/* Where its text of a kind is, or would be, if it is not an own one. */
static unsigned word_of(const struct actor *actor, unsigned kind)
{
        unsigned at = ip_words(actor->is_v4);

        for (unsigned i = actor->own_len ? ACTOR_SESSION + 1 : 0; i < kind; i++)
                at += actor->texts >> i & 1;
        return at;
}

/* Its text of a kind; 0: it has none, or it is its own. */
static uint32_t text_of(const struct actor *actor, unsigned kind)
{
        if (!(actor->texts >> kind & 1) || is_own(kind, actor->own_len))
                return 0;
        return actor->words[word_of(actor, kind)];
}

static uint8_t *own_of(const struct actor *actor)
{
        return (uint8_t *)&actor->words[word_of(actor, ACTOR_TEXTS)];
}

/* `own`: its session, where that is to stand in it; or none. */
static uint32_t actor_new(const struct actors *a, const struct record *r,
                          const uint32_t texts[ACTOR_TEXTS], struct slice own)
{
        bool is_v4 = ip_is_v4(&r->client);
        unsigned at = ip_words(is_v4), words = at;

        for (unsigned i = 0; i < ACTOR_TEXTS; i++)
                words += texts[i] != 0;
        size_t size = offsetof(struct actor, words) + words * sizeof(uint32_t) + own.len;
        uint32_t handle =
            budget_take(a->budget, a->classes[(size + 7) / 8], BUDGET_NEWCOMER);
        if (handle == 0)
                return 0;
        struct actor *actor = budget_at(a->budget, handle);
        actor->http_shape = r->http_shape;
        actor->references = 1;
        actor->prefix_bits = r->client_prefix.bits;
        actor->is_v4 = is_v4;
        memcpy(actor->words, r->client.bytes + sizeof(r->client.bytes) - at * 4, at * 4);
        for (unsigned i = 0; i < ACTOR_TEXTS; i++) {
                if (texts[i] == 0)
                        continue;
                actor->texts |= (uint8_t)(1U << i);
                actor->words[at++] = texts[i];
        }
        if (own.len) {
                actor->texts |= 1U << ACTOR_SESSION;
                actor->own_len = own.len & 127;
                memcpy(own_of(actor), own.data, own.len);
        }
        return handle;
}

static void drop_texts(struct actors *a, const uint32_t texts[ACTOR_TEXTS])
{
        for (unsigned i = 0; i < ACTOR_TEXTS; i++)
                text_drop(a, texts[i]);
}

static void drop_all(struct actors *a, uint32_t handle)
{
        for (unsigned i = 0; i < ACTOR_TEXTS; i++)
                text_drop(a, text_of(actors_at(a, handle), i));
        budget_give(a->budget, handle);
}

/* False when there is no room for all. */
static bool take_texts(struct actors *a, uint32_t texts[ACTOR_TEXTS],
                       const struct record *r, struct slice ja4,
                       const uint64_t hashes[ACTOR_TEXTS])
{
        bool full = false;

        for (unsigned i = 0; i < ACTOR_TEXTS; i++) {
                struct slice text = source_text(r, ja4, i);
                texts[i] = is_own(i, text.len) ? 0
                                               : text_take(a, text_sources[i].kind, text,
                                                           hashes[i], &full);
        }
        return !full;
}

void actors_key(const struct actors *a, const struct record *r, struct slice ja4,
                const uint64_t known[ACTOR_TEXTS], struct actor_key *key)
{
        struct {
                struct ip ip;
                uint64_t shape;
        } who = { r->client, r->http_shape };

        key->hash = hash_bytes(a->key, &who, sizeof(who));
        for (unsigned i = 0; i < ACTOR_TEXTS; i++) {
                struct slice text = source_text(r, ja4, i);
                key->texts[i] = text_hash(a, text_sources[i].kind, text, known[i]);
                /* It says of which kind the text is. */
                if (key->texts[i])
                        key->hash = hash_mix(key->hash, key->texts[i]);
        }
}

uint32_t actors_take_known(struct actors *a, const struct record *r, struct slice ja4,
                           const struct actor_key *key)
{
        uint32_t handle = index_find(&a->actors, a->budget, key->hash);
        if (handle) {
                actors_hold(a, handle);
                return handle;
        }
        struct slice session = source_text(r, ja4, ACTOR_SESSION);
        uint32_t texts[ACTOR_TEXTS];
        if (take_texts(a, texts, r, ja4, key->texts))
                handle = actor_new(a, r, texts,
                                   is_own(ACTOR_SESSION, session.len) ? session
                                                                      : slice_none());
        if (handle == 0) {
                drop_texts(a, texts);
                return 0;
        }
        ((struct actor *)budget_at(a->budget, handle))->hash = key->hash;
        if (!index_put(&a->actors, key->hash, handle)) {
                drop_all(a, handle);
                return 0;
        }
        return handle;
}

uint32_t actors_take(struct actors *a, const struct record *r, struct slice ja4)
{
        static const uint64_t none[ACTOR_TEXTS];
        struct actor_key key;

        actors_key(a, r, ja4, none, &key);
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
        drop_all(a, handle);
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
                return actor->texts >> text_number(kind) & 1;
        case PARTICIPANT_HTTP_SHAPE:
                return actor->http_shape != 0;
        default:
                return false;
        }
}

struct network actor_network(const struct actor *actor, enum field_kind kind)
{
        struct ip ip = ip_of(actor);
        uint8_t bits = 128;

        if (kind == FIELD_PREFIX)
                bits = actor->prefix_bits;
        else if (kind == FIELD_HOST && !actor->is_v4)
                bits = 64;
        return network_of(&ip, bits);
}

uint64_t actors_text_hash(const struct actors *a, enum participant_kind kind,
                          const struct actor *actor)
{
        unsigned i = text_number(kind);

        if (i < ACTOR_TEXTS && is_own(i, actor->own_len))
                return text_hash(a, kind, slice_of(own_of(actor), actor->own_len), 0);
        uint32_t text = i < ACTOR_TEXTS ? text_of(actor, i) : 0;
        return text ? text_at(a, text)->hash : 0;
}

/* The bytes of a text that it has. */
static struct slice bytes_of(const struct actors *a, const struct actor *actor,
                             unsigned kind)
{
        if (is_own(kind, actor->own_len))
                return slice_of(own_of(actor), actor->own_len);
        const struct actor_text *text = text_at(a, text_of(actor, kind));
        return slice_of(text->bytes, text->len);
}

static int compare_texts(struct slice s, struct slice t)
{
        int order = memcmp(s.data, t.data, s.len < t.len ? s.len : t.len);

        return order ? order : (s.len > t.len) - (s.len < t.len);
}

int actors_compare(const struct actors *a, enum participant_kind kind,
                   const struct actor *x, const struct actor *y)
{
        struct network p, q;
        struct ip x_ip = ip_of(x), y_ip = ip_of(y);

        switch (kind) {
        case PARTICIPANT_CLIENT_IP:
                return memcmp(x_ip.bytes, y_ip.bytes, sizeof(x_ip.bytes));
        case PARTICIPANT_CLIENT_PREFIX:
                p = network_of(&x_ip, x->prefix_bits);
                q = network_of(&y_ip, y->prefix_bits);
                return memcmp(p.ip.bytes, q.ip.bytes, sizeof(p.ip.bytes));
        case PARTICIPANT_SESSION:
        case PARTICIPANT_ACCOUNT:
        case PARTICIPANT_EMAIL_DOMAIN:
        case PARTICIPANT_EMAIL_SKELETON:
        case PARTICIPANT_TLS_JA4:
                return compare_texts(bytes_of(a, x, text_number(kind)),
                                     bytes_of(a, y, text_number(kind)));
        case PARTICIPANT_HTTP_SHAPE:
                return (x->http_shape > y->http_shape) - (x->http_shape < y->http_shape);
        default:
                return 0;
        }
}

static size_t publish_clear(struct slice text, char out[256])
{
        memcpy(out, text.data, text.len); /* 253 bytes at the most */
        return text.len;
}

static size_t publish_private(const struct actors *a, enum participant_kind kind,
                              const struct actor *actor, char out[256])
{
        uint32_t handle = text_of(actor, text_number(kind));
        struct slice text = bytes_of(a, actor, text_number(kind));

        if (handle && text_at(a, handle)->is_published)
                return publish_clear(text, out);
        return actors_pseudonym(a, kind, text, out);
}

size_t actors_publish(const struct actors *a, enum participant_kind kind,
                      const struct actor *actor, char out[256])
{
        struct ip ip = ip_of(actor);
        struct network prefix;

        switch (kind) {
        case PARTICIPANT_CLIENT_IP:
                return ip_format(&ip, out);
        case PARTICIPANT_CLIENT_PREFIX:
                prefix = network_of(&ip, actor->prefix_bits);
                return network_format(&prefix, out);
        case PARTICIPANT_SESSION:
        case PARTICIPANT_ACCOUNT:
                return publish_private(a, kind, actor, out);
        case PARTICIPANT_EMAIL_DOMAIN:
        case PARTICIPANT_EMAIL_SKELETON:
        case PARTICIPANT_TLS_JA4:
                return publish_clear(bytes_of(a, actor, text_number(kind)), out);
        case PARTICIPANT_HTTP_SHAPE:
                return (size_t)snprintf(out, 256, "%016" PRIx64, actor->http_shape);
        default:
                return 0;
        }
}
