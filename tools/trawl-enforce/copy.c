/* SPDX-License-Identifier: MIT */
#include "copy.h"

#include "base/check.h"
#include "base/hash.h"
#include "base/slab.h"

#include <stdlib.h>

struct entry {
        uint32_t next; /* in its bucket */
        uint32_t round;
        bool is_used; /* else it is the slab's */
        bool is_change;
        struct subject subject; /* its text is ours */
        int64_t end_ms;         /* 0: not to be blocked */
        int64_t held_ms;        /* 0: the target does not block it */
};

struct copy {
        struct slab entries;
        uint32_t *buckets;
        uint32_t bucket_mask;
        struct hash_key key;
        struct buf changes; /* uint32_t: numbers of entries */
        uint32_t round, wanted, held;
        bool ends_itself;
        int64_t first_end_ms; /* no entry ends before */
        uint64_t beyond;
};

struct copy *copy_new(uint32_t max, bool ends_itself)
{
        struct copy *c = calloc(1, sizeof(*c));
        uint32_t buckets = 16;

        CHECK(c);
        while (buckets < max && buckets < 1u << 30)
                buckets *= 2;
        c->buckets = calloc(buckets, sizeof(*c->buckets));
        if (!c->buckets || !slab_init(&c->entries, sizeof(struct entry), max)) {
                free(c->buckets);
                free(c);
                return NULL;
        }
        c->bucket_mask = buckets - 1;
        c->key = hash_key_random();
        c->ends_itself = ends_itself;
        c->first_end_ms = INT64_MAX;
        return c;
}

static struct entry *entry_at(const struct copy *c, uint32_t number)
{
        return slab_at(&c->entries, number);
}

static void free_text(struct entry *e)
{
        free((void *)(uintptr_t)e->subject.text.data);
}

void copy_free(struct copy **copy)
{
        struct copy *c = *copy;

        if (!c)
                return;
        for (uint32_t n = 1; n <= c->entries.touched; n++)
                if (entry_at(c, n)->is_used)
                        free_text(entry_at(c, n));
        slab_free(&c->entries);
        buf_free(&c->changes);
        free(c->buckets);
        free(c);
        *copy = NULL;
}

static uint32_t *bucket_of(const struct copy *c, const struct subject *s)
{
        uint8_t key[18] = { (uint8_t)s->kind, s->network.bits };
        uint64_t hash;

        memcpy(key + 2, s->network.ip.bytes, 16);
        hash = s->kind == SUBJECT_ADDRESS ? hash_bytes(&c->key, key, sizeof(key))
                                          : hash_slice(&c->key, s->text);
        return &c->buckets[hash & c->bucket_mask];
}

static uint32_t find(const struct copy *c, const struct subject *s)
{
        uint32_t n = *bucket_of(c, s);

        while (n && !subject_equal(&entry_at(c, n)->subject, s))
                n = entry_at(c, n)->next;
        return n;
}

static uint32_t add(struct copy *c, const struct subject *s)
{
        uint32_t n = slab_take(&c->entries), *bucket = bucket_of(c, s);

        if (!n) {
                c->beyond++;
                return 0;
        }
        struct entry *e = entry_at(c, n);
        e->is_used = true;
        e->subject = *s;
        if (s->text.len) {
                void *text = malloc(s->text.len);
                CHECK(text);
                memcpy(text, s->text.data, s->text.len);
                e->subject.text.data = text;
        }
        e->next = *bucket;
        *bucket = n;
        return n;
}

static void take_out(struct copy *c, uint32_t number)
{
        struct entry *e = entry_at(c, number);
        uint32_t *at = bucket_of(c, &e->subject);

        while (*at != number)
                at = &entry_at(c, *at)->next;
        *at = e->next;
        free_text(e);
        e->is_used = false;
        slab_give(&c->entries, number);
}

static void set_end(struct copy *c, struct entry *e, int64_t end_ms)
{
        c->wanted += (end_ms != 0) - (e->end_ms != 0);
        e->end_ms = end_ms;
        if (end_ms && end_ms < c->first_end_ms)
                c->first_end_ms = end_ms;
}

static void set_held(struct copy *c, struct entry *e, int64_t held_ms)
{
        c->held += (held_ms != 0) - (e->held_ms != 0);
        e->held_ms = held_ms;
}

/* A target without ends of its own does not care how long. */
static bool is_settled(const struct copy *c, const struct entry *e)
{
        if (!c->ends_itself)
                return (e->end_ms == 0) == (e->held_ms == 0);
        return e->end_ms == e->held_ms;
}

/* After each change of an entry. Those in the list of changes stay until it is done. */
static void look_at(struct copy *c, uint32_t number)
{
        struct entry *e = entry_at(c, number);

        if (e->is_change)
                return;
        if (!is_settled(c, e)) {
                e->is_change = true;
                buf_put(&c->changes, &number, sizeof(number));
        } else if (e->end_ms == 0) {
                take_out(c, number);
        }
}

void copy_put(struct copy *c, const struct subject *s, int64_t end_ms)
{
        uint32_t n = find(c, s);

        if (!n)
                n = add(c, s);
        if (!n)
                return;
        set_end(c, entry_at(c, n), end_ms);
        entry_at(c, n)->round = c->round;
        look_at(c, n);
}

void copy_drop(struct copy *c, const struct subject *s)
{
        uint32_t n = find(c, s);

        if (!n)
                return;
        set_end(c, entry_at(c, n), 0);
        look_at(c, n);
}

void copy_begin_round(struct copy *c)
{
        c->round++;
}

/* Calls `visit` with each entry; it may take that one out. */
static void each(struct copy *c, void (*visit)(struct copy *, uint32_t, int64_t),
                 int64_t argument)
{
        for (uint32_t n = 1; n <= c->entries.touched; n++)
                if (entry_at(c, n)->is_used)
                        visit(c, n, argument);
}

static void drop_unnamed(struct copy *c, uint32_t n, int64_t unused)
{
        struct entry *e = entry_at(c, n);

        (void)unused;
        if (e->end_ms == 0 || e->round == c->round)
                return;
        set_end(c, e, 0);
        look_at(c, n);
}

void copy_end_round(struct copy *c)
{
        each(c, drop_unnamed, 0);
}

static void drop_ended(struct copy *c, uint32_t n, int64_t now_ms)
{
        struct entry *e = entry_at(c, n);

        if (e->held_ms && c->ends_itself && e->held_ms <= now_ms)
                set_held(c, e, 0);
        if (e->end_ms && e->end_ms <= now_ms)
                set_end(c, e, 0);
        if (e->end_ms && e->end_ms < c->first_end_ms)
                c->first_end_ms = e->end_ms;
        look_at(c, n);
}

int64_t copy_expire(struct copy *c, int64_t now_ms)
{
        if (c->first_end_ms <= now_ms) {
                c->first_end_ms = INT64_MAX;
                each(c, drop_ended, now_ms);
        }
        return c->first_end_ms;
}

static uint32_t change_count(const struct copy *c)
{
        return (uint32_t)(c->changes.len / sizeof(uint32_t));
}

static uint32_t change_at(const struct copy *c, uint32_t i)
{
        uint32_t n;

        memcpy(&n, c->changes.data + i * sizeof(n), sizeof(n));
        return n;
}

void copy_changes(const struct copy *c, copy_fn *visit, void *context)
{
        for (uint32_t i = 0; i < change_count(c); i++) {
                const struct entry *e = entry_at(c, change_at(c, i));
                if (!is_settled(c, e))
                        visit(context, &e->subject, e->end_ms);
        }
}

void copy_all(const struct copy *c, copy_fn *visit, void *context)
{
        for (uint32_t n = 1; n <= c->entries.touched; n++) {
                const struct entry *e = entry_at(c, n);
                if (e->is_used && e->end_ms)
                        visit(context, &e->subject, e->end_ms);
        }
}

void copy_settle(struct copy *c)
{
        uint32_t count = change_count(c);

        for (uint32_t i = 0; i < count; i++) {
                uint32_t n = change_at(c, i);
                struct entry *e = entry_at(c, n);
                e->is_change = false;
                set_held(c, e, e->end_ms);
                look_at(c, n);
        }
        CHECK(change_count(c) == count);
        buf_clear(&c->changes);
}

static void forget_held(struct copy *c, uint32_t n, int64_t unused)
{
        (void)unused;
        set_held(c, entry_at(c, n), 0);
        look_at(c, n);
}

void copy_forget_held(struct copy *c)
{
        each(c, forget_held, 0);
}

struct copy_counts copy_count(const struct copy *c)
{
        return (struct copy_counts){ c->wanted, c->held, change_count(c), c->beyond };
}
