/* SPDX-License-Identifier: MIT */
#include "detect/forms.h"

#include <stdlib.h>

#define ENTRY_BYTES  (sizeof(struct forms_entry) + 2 * sizeof(uint32_t))
#define CAPACITY_MIN 64

bool forms_init(struct forms *f, uint64_t bytes, int page, const struct hash_key *key,
                const struct missed *missed)
{
        uint32_t capacity = CAPACITY_MIN;

        while (capacity < UINT32_C(1) << 30 && capacity * 2 * ENTRY_BYTES <= bytes)
                capacity *= 2;
        *f = (struct forms){ .key = key,
                             .missed = missed,
                             .capacity = capacity,
                             .began_ns = -1,
                             .forgotten_ns = -1,
                             .page = page };
        f->ring = calloc(capacity, sizeof(*f->ring));
        f->slots = calloc((size_t)capacity * 2, sizeof(*f->slots));
        return f->ring && f->slots;
}

void forms_free(struct forms *f)
{
        free(f->ring);
        free(f->slots);
        *f = (struct forms){ 0 };
}

/* ---- the index: linear probing, deletion by shifting back ---- */

static uint32_t mask_of(const struct forms *f)
{
        return f->capacity * 2 - 1;
}

static uint32_t home_of(const struct forms *f, uint32_t slot)
{
        return (uint32_t)f->ring[slot - 1].hash & mask_of(f);
}

/* The slot of a hash, or the empty one where it belongs. */
static uint32_t find(const struct forms *f, uint64_t hash)
{
        uint32_t i = (uint32_t)hash & mask_of(f);

        while (f->slots[i] && f->ring[f->slots[i] - 1].hash != hash)
                i = (i + 1) & mask_of(f);
        return i;
}

static void remove_slot(struct forms *f, uint32_t hole)
{
        uint32_t mask = mask_of(f);

        for (uint32_t i = (hole + 1) & mask; f->slots[i]; i = (i + 1) & mask) {
                /* May it stand in the hole? Not if its home lies behind the hole. */
                if (((i - home_of(f, f->slots[i])) & mask) < ((i - hole) & mask))
                        continue;
                f->slots[hole] = f->slots[i];
                hole = i;
        }
        f->slots[hole] = 0;
}

/* ---- the ring ---- */

/* Makes room at `next`, unless what is there was remembered anew since. */
static void forget_oldest(struct forms *f)
{
        const struct forms_entry *oldest = &f->ring[f->next];

        if (oldest->hash == 0)
                return;
        uint32_t slot = find(f, oldest->hash);
        if (f->slots[slot] != f->next + 1)
                return;
        remove_slot(f, slot);
        if (oldest->served_ns > f->forgotten_ns)
                f->forgotten_ns = oldest->served_ns;
}

static void remember(struct forms *f, uint64_t hash, struct forms_entry entry)
{
        forget_oldest(f);
        uint32_t slot = find(f, hash);
        f->ring[f->next] = entry;
        f->ring[f->next].hash = hash;
        f->slots[slot] = f->next + 1;
        f->next = (f->next + 1) & (f->capacity - 1);
}

/* ---- records ---- */

/* Never 0, which is an empty place of the ring. */
static uint64_t session_hash(const struct forms *f, struct slice session)
{
        uint64_t hash = hash_mix(hash_slice(f->key, session), 1);

        return hash ? hash : 1;
}

static uint64_t visitor_hash(const struct forms *f, const struct record *r)
{
        struct {
                struct ip ip;
                uint64_t software;
        } who = { r->client, r->software };
        uint64_t hash = hash_mix(hash_bytes(f->key, &who, sizeof(who)), 2);

        return hash ? hash : 1;
}

/* Of whoever makes this transaction, or is served it. */
static struct forms_entry entry_of(const struct forms *f, const struct record *r)
{
        const struct network *n = &r->client_prefix;
        uint64_t agent = hash_slice(f->key, record_text(r, RECORD_USER_AGENT));
        uint64_t network = hash_bytes(f->key, &n->ip, sizeof(n->ip));

        return (struct forms_entry){ .served_ns = r->end_ns,
                                     .agent = (uint32_t)agent,
                                     .network = (uint32_t)hash_mix(network, n->bits) };
}

void forms_note(struct forms *f, const struct record *r)
{
        struct slice session = record_text(r, RECORD_SESSION);

        if (r->page != f->page || r->status < 200 || r->status > 299 ||
            slice_is(record_text(r, RECORD_METHOD), "HEAD"))
                return;
        struct forms_entry entry = entry_of(f, r);
        if (session.len)
                remember(f, session_hash(f, session), entry);
        remember(f, visitor_hash(f, r), entry);
}

/* What was served, and before `until_ns`; else NULL. */
static const struct forms_entry *served(const struct forms *f, uint64_t hash,
                                        int64_t until_ns)
{
        uint32_t slot = f->slots[find(f, hash)];

        return slot && f->ring[slot - 1].served_ns <= until_ns ? &f->ring[slot - 1]
                                                               : NULL;
}

static const struct forms_entry *served_session(const struct forms *f,
                                                const struct record *r)
{
        struct slice session = record_text(r, RECORD_SESSION_WAS);

        /* Where the response sets no other, the request's is the session. */
        if (slice_is_none(session))
                session = record_text(r, RECORD_SESSION);
        return session.len ? served(f, session_hash(f, session), r->start_ns) : NULL;
}

static const struct forms_entry *served_visitor(const struct forms *f,
                                                const struct record *r)
{
        return served(f, visitor_hash(f, r), r->start_ns);
}

/* Would it be known if the form had been served? */
static bool is_known(const struct forms *f, int64_t now_ns)
{
        int64_t since_ns = now_ns - FORMS_HISTORY;

        return f->began_ns >= 0 && f->began_ns <= since_ns &&
               f->forgotten_ns < since_ns &&
               missed_mean(f->missed, now_ns, FORMS_HISTORY) == 0;
}

struct form_answer forms_answer(const struct forms *f, const struct record *r)
{
        const struct forms_entry *e = served_session(f, r);

        if (!e)
                e = served_visitor(f, r);
        if (e)
                return (struct form_answer){ FORM_SEEN_YES, e->served_ns };
        return (struct form_answer){ is_known(f, r->start_ns) ? FORM_SEEN_NO
                                                              : FORM_SEEN_UNKNOWN,
                                     0 };
}

static enum form_from compare(const struct forms_entry *e, const struct forms_entry *now)
{
        if (!e)
                return FORM_FROM_NOBODY;
        if (e->agent != now->agent)
                return FORM_FROM_OTHER;
        return e->network == now->network ? FORM_FROM_SAME : FORM_FROM_MOVED;
}

enum form_from forms_from(const struct forms *f, const struct record *r)
{
        struct forms_entry now = entry_of(f, r);
        enum form_from session = compare(served_session(f, r), &now);
        enum form_from visitor = compare(served_visitor(f, r), &now);

        return session < visitor ? session : visitor;
}
