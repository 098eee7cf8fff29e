/* SPDX-License-Identifier: MIT */
#include "detect/actors.h"

#include "base/check.h"

#include <inttypes.h>
#include <stdio.h>

static const enum participant_kind kind_of[ACTOR_TEXTS] = {
        [ACTOR_SESSION] = PARTICIPANT_SESSION,
        [ACTOR_ACCOUNT] = PARTICIPANT_ACCOUNT,
        [ACTOR_JA4] = PARTICIPANT_TLS_JA4,
};

static const size_t text_sizes[ACTOR_TEXT_SIZES] = { 32, 48, 64, 128, 512 };

bool actors_init(struct actors *a, struct budget *budget, const struct hash_key *key,
                 uint64_t index_bytes)
{
        *a = (struct actors){ .budget = budget, .key = key };
        a->class = budget_class_of(budget, sizeof(struct actor));
        for (unsigned i = 0; i < ACTOR_TEXT_SIZES; i++)
                a->text_classes[i] = budget_class_of(budget, text_sizes[i]);
        return index_init(&a->actors, index_bytes) && index_init(&a->texts, index_bytes);
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
        text->is_published = is_long || kind == PARTICIPANT_TLS_JA4;
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

/* What identifies an actor; no byte of it is padding. */
struct who {
        struct ip ip;
        uint64_t shape;
        uint64_t texts[ACTOR_TEXTS];
};

static void drop_texts(struct actors *a, const struct actor *actor)
{
        for (unsigned i = 0; i < ACTOR_TEXTS; i++)
                text_drop(a, actor->texts[i]);
}

/* 0 when there is no room for it or for one of its texts. */
static uint32_t actor_new(struct actors *a, const struct record *r, uint64_t hash,
                          const struct who *who, const struct slice *texts)
{
        uint32_t handle = budget_take(a->budget, a->class, BUDGET_NEWCOMER);
        bool full = false;

        if (handle == 0)
                return 0;
        struct actor *actor = budget_at(a->budget, handle);
        *actor = (struct actor){ .hash = hash,
                                 .ip = r->client,
                                 .http_shape = r->http_shape,
                                 .references = 1,
                                 .prefix_bits = r->client_prefix.bits };
        for (unsigned i = 0; i < ACTOR_TEXTS; i++)
                actor->texts[i] =
                    text_take(a, kind_of[i], texts[i], who->texts[i], &full);
        if (full || !index_put(&a->actors, hash, handle)) {
                drop_texts(a, actor);
                budget_give(a->budget, handle);
                return 0;
        }
        return handle;
}

uint32_t actors_take(struct actors *a, const struct record *r, struct slice ja4)
{
        const struct slice texts[ACTOR_TEXTS] = {
                [ACTOR_SESSION] = record_text(r, RECORD_SESSION),
                [ACTOR_ACCOUNT] = record_text(r, RECORD_ACCOUNT),
                [ACTOR_JA4] = ja4,
        };
        struct who who = { .ip = r->client, .shape = r->http_shape };

        for (unsigned i = 0; i < ACTOR_TEXTS; i++)
                who.texts[i] = text_hash(a, kind_of[i], texts[i]);
        uint64_t hash = hash_bytes(a->key, &who, sizeof(who));
        uint32_t handle = index_find(&a->actors, a->budget, hash);
        if (handle == 0)
                return actor_new(a, r, hash, &who, texts);
        actors_hold(a, handle);
        return handle;
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

bool actor_has(const struct actor *actor, enum participant_kind kind)
{
        switch (kind) {
        case PARTICIPANT_CLIENT_IP:
        case PARTICIPANT_CLIENT_PREFIX:
                return true;
        case PARTICIPANT_SESSION:
                return actor->texts[ACTOR_SESSION] != 0;
        case PARTICIPANT_ACCOUNT:
                return actor->texts[ACTOR_ACCOUNT] != 0;
        case PARTICIPANT_TLS_JA4:
                return actor->texts[ACTOR_JA4] != 0;
        case PARTICIPANT_HTTP_SHAPE:
                return actor->http_shape != 0;
        default:
                return false;
        }
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
                return compare_texts(a, x->texts[ACTOR_SESSION], y->texts[ACTOR_SESSION]);
        case PARTICIPANT_ACCOUNT:
                return compare_texts(a, x->texts[ACTOR_ACCOUNT], y->texts[ACTOR_ACCOUNT]);
        case PARTICIPANT_TLS_JA4:
                return compare_texts(a, x->texts[ACTOR_JA4], y->texts[ACTOR_JA4]);
        case PARTICIPANT_HTTP_SHAPE:
                return (x->http_shape > y->http_shape) - (x->http_shape < y->http_shape);
        default:
                return 0;
        }
}

static size_t publish_text(const struct actors *a, uint32_t handle, char out[256])
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
                return publish_text(a, actor->texts[ACTOR_SESSION], out);
        case PARTICIPANT_ACCOUNT:
                return publish_text(a, actor->texts[ACTOR_ACCOUNT], out);
        case PARTICIPANT_TLS_JA4:
                return publish_text(a, actor->texts[ACTOR_JA4], out);
        case PARTICIPANT_HTTP_SHAPE:
                return (size_t)snprintf(out, 256, "%016" PRIx64, actor->http_shape);
        default:
                return 0;
        }
}
