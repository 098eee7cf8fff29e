/* SPDX-License-Identifier: MIT */
#include "detect/statistics.h"

#include "base/check.h"

#include "detect/transfer.h"

#include <math.h>
#include <stdlib.h>

/* Of the memory: one in so many bytes. */
#define COUNTS_PART 16
#define MARKS_PART  16
#define FIT_PART    64
#define KNOWN_PART  32
#define QUOTA_PART  64

static bool is_of_population(enum slot_kind kind)
{
        return kind == SLOT_COLD_SURGE || kind == SLOT_COLLISIONS ||
               kind == SLOT_SYNCHRONY;
}

static bool any_slot(const struct rules *rules, bool (*is)(enum slot_kind))
{
        for (unsigned i = 0; i < rules->table_count; i++)
                for (unsigned k = 0; k < rules->tables[i].slot_count; k++)
                        if (is(rules->tables[i].slots[k].kind))
                                return true;
        return false;
}

static bool judges_many(const struct rules *rules)
{
        for (unsigned i = 0; i < rules->table_count; i++)
                for (unsigned k = 0; k < rules->tables[i].slot_count; k++)
                        if (!rules->tables[i].is_of_one &&
                            rules->tables[i].slots[k].kind == SLOT_COLD_SURGE)
                                return true;
        return false;
}

static bool is_of_counts(enum slot_kind kind)
{
        return kind == SLOT_COLLISIONS;
}

static bool is_of_marks(enum slot_kind kind)
{
        return kind == SLOT_COLD_SURGE || kind == SLOT_VIEWS || kind == SLOT_COLD_VIEWS;
}

/* ---- populations ---- */

static bool *pages_of(const struct statistics *s, unsigned condition)
{
        bool *pages = calloc(s->page_count, sizeof(*pages));

        for (unsigned i = 0; pages && i < s->page_count; i++)
                pages[i] = rules_may_hold_on(s->rules, condition, i);
        return pages;
}

/* Takes `pages` over; one population for equal ones. */
static struct population *find_population(struct statistics *s, bool *pages)
{
        struct population *p = s->populations;

        for (unsigned i = 0; i < s->population_count; i++, p++)
                if (memcmp(p->pages, pages, s->page_count) == 0) {
                        free(pages);
                        return p;
                }
        p = realloc(s->populations, (s->population_count + 1) * sizeof(*p));
        if (!p) {
                free(pages);
                return NULL;
        }
        s->populations = p;
        p += s->population_count++;
        *p = (struct population){ .pages = pages };
        for (unsigned i = 0; i < COLD_KINDS; i++)
                cold_site_init(&p->cold[i]);
        return p;
}

static bool add_population(struct statistics *s, const struct slot *slot)
{
        bool *pages = pages_of(s, slot->condition);
        struct population *p = pages ? find_population(s, pages) : NULL;

        if (!p)
                return false;
        s->population_of[slot->condition] = (unsigned)(p - s->populations);
        p->surges |= slot->kind == SLOT_COLD_SURGE;
        if (slot->kind == SLOT_SYNCHRONY && !p->has_paces) {
                p->has_paces = true;
                return paces_init(&p->paces);
        }
        if (slot->kind != SLOT_COLLISIONS || p->collides)
                return true;
        p->collides = true;
        return collisions_site_init(&p->collisions);
}

static bool init_populations(struct statistics *s)
{
        const struct value_names *pages = site_page_names(s->rules->vocabulary.site);
        const struct rules *rules = s->rules;

        while (pages->name(pages->context, (int)s->page_count))
                s->page_count++;
        s->population_of = calloc(rules->condition_count, sizeof(*s->population_of));
        s->fit_pages = calloc(s->page_count + 1, sizeof(*s->fit_pages));
        if (!s->population_of || !s->fit_pages)
                return false;
        for (unsigned i = 0; i < s->page_count; i++)
                s->fit_pages[i] = rules_read_field_on(rules, "ua.fit", i);
        for (unsigned i = 0; i < rules->table_count; i++)
                for (unsigned k = 0; k < rules->tables[i].slot_count; k++)
                        if (is_of_population(rules->tables[i].slots[k].kind) &&
                            !add_population(s, &rules->tables[i].slots[k]))
                                return false;
        size_t spreads = (size_t)rules->table_count * s->population_count;
        s->spreads = calloc(spreads + 1, sizeof(*s->spreads));
        for (size_t i = 0; s->spreads && i < spreads; i++)
                cold_spread_init(&s->spreads[i]);
        return s->spreads != NULL;
}

struct population *statistics_population(const struct statistics *s,
                                         const struct slot *slot)
{
        return &s->populations[s->population_of[slot->condition]];
}

struct cold_spread *statistics_spread(const struct statistics *s, const struct slot *slot,
                                      const struct table_plan *table)
{
        size_t number = (size_t)(table - s->rules->tables);

        return &s->spreads[number * s->population_count +
                           s->population_of[slot->condition]];
}

/* ---- memory ---- */

static uint64_t part_of(uint64_t *memory, unsigned part)
{
        uint64_t bytes = *memory / part;

        *memory -= bytes;
        return bytes;
}

static bool make_memories(struct statistics *s, uint64_t *memory)
{
        uint64_t counts = s->wants_counts ? part_of(memory, COUNTS_PART) : 0;
        uint64_t marks = s->wants_marks ? part_of(memory, MARKS_PART) : 0;

        return views_init(&s->views, counts, marks, s->counters) &&
               (!s->wants_fit ||
                fit_init(&s->fit, part_of(memory, FIT_PART), s->counters)) &&
               (!s->wants_known ||
                known_init(&s->known, part_of(memory, KNOWN_PART), s->counters)) &&
               (!s->wants_quota || quota_init(&s->quota, part_of(memory, QUOTA_PART)));
}

bool statistics_init(struct statistics *s, const struct rules *rules,
                     const struct hash_key *key, uint64_t *memory,
                     struct counters *counters)
{
        uint64_t whole = *memory;

        /* One that is read back has no expressions; statistics_transfer fills it. */
        *s = (struct statistics){ .rules = rules, .key = key, .counters = counters };
        if (rules->is_plan)
                return true;
        s->wants_counts =
            rules_read_field(rules, "target.views") || any_slot(rules, is_of_counts);
        s->wants_marks =
            rules_read_field(rules, "target.cold") || any_slot(rules, is_of_marks);
        s->wants_fit = rules_read_field(rules, "ua.fit");
        s->wants_known = rules_read_field(rules, "session.known");
        s->wants_quota = judges_many(rules);
        CHECK(whole >= FIT_PART);
        return make_memories(s, memory) && init_populations(s);
}

void statistics_free(struct statistics *s)
{
        for (unsigned i = 0; i < s->population_count; i++) {
                free(s->populations[i].pages);
                collisions_site_free(&s->populations[i].collisions);
                paces_free(&s->populations[i].paces);
        }
        free(s->populations);
        free(s->population_of);
        free(s->fit_pages);
        free(s->spreads);
        views_free(&s->views);
        fit_free(&s->fit);
        known_free(&s->known);
        quota_free(&s->quota);
        *s = (struct statistics){ 0 };
}

/* ---- other rules, other runs ---- */

static void carry_population(struct population *from, struct population *to)
{
        memcpy(to->cold, from->cold, sizeof(to->cold));
        if (from->has_paces && to->has_paces) {
                paces_free(&to->paces);
                to->paces = from->paces;
                from->paces = (struct paces){ .places = NULL };
        }
        if (!from->collides || !to->collides)
                return;
        collisions_site_free(&to->collisions);
        to->collisions = from->collisions;
        from->collisions = (struct collisions_site){ .table = NULL };
}

static void carry_spreads(const struct statistics *from, unsigned old,
                          struct statistics *to, unsigned new, const unsigned *tables)
{
        for (unsigned i = 0; i < from->rules->table_count; i++)
                if (tables[i] != UINT32_MAX)
                        to->spreads[tables[i] * (size_t)to->population_count + new] =
                            from->spreads[i * (size_t)from->population_count + old];
}

static void carry_populations(struct statistics *from, struct statistics *to,
                              const unsigned *tables)
{
        if (from->page_count != to->page_count)
                return;
        for (unsigned i = 0; i < to->population_count; i++)
                for (unsigned k = 0; k < from->population_count; k++) {
                        struct population *a = &from->populations[k];
                        struct population *b = &to->populations[i];
                        if (memcmp(a->pages, b->pages, to->page_count) != 0)
                                continue;
                        carry_population(a, b);
                        carry_spreads(from, k, to, i, tables);
                }
}

void statistics_carry(struct statistics *from, struct statistics *to,
                      const unsigned *tables)
{
        views_carry(&from->views, &to->views);
        if (from->wants_fit && to->wants_fit && from->fit.sets == to->fit.sets) {
                fit_free(&to->fit);
                to->fit = from->fit;
                from->fit = (struct fit){ .entries = NULL };
        }
        if (from->wants_known && to->wants_known &&
            from->known.count == to->known.count) {
                known_free(&to->known);
                to->known = from->known;
                from->known = (struct known){ .places = NULL };
        }
        if (from->wants_quota && to->wants_quota &&
            from->quota.width == to->quota.width) {
                quota_free(&to->quota);
                to->quota = from->quota;
                from->quota = (struct quota){ .counts = NULL };
        }
        carry_populations(from, to, tables);
}

static void transfer_paces(struct population *p, struct transfer *t)
{
        if (!p->has_paces)
                return;
        if (t->is_reading && !paces_init(&p->paces))
                transfer_fail(t, "there is no memory for it");
        else
                paces_transfer(&p->paces, t);
}

static void transfer_populations(struct statistics *s, struct transfer *t)
{
        unsigned conditions = s->rules->condition_count;
        unsigned count = s->population_count, spreads = count * s->rules->table_count;

        TRANSFER(t, s->page_count);
        transfer_array(t, &s->populations, &count, sizeof(*s->populations), 4096);
        for (unsigned i = 0; t->is_reading && i < count; i++) {
                s->populations[i].pages = NULL;
                s->populations[i].collisions.table = NULL;
                s->populations[i].paces.places = NULL;
        }
        s->population_count = count;
        for (unsigned i = 0; i < count; i++) {
                struct population *p = &s->populations[i];
                unsigned pages = s->page_count;
                transfer_array(t, &p->pages, &pages, sizeof(*p->pages), 65536);
                if (pages != s->page_count)
                        transfer_fail(t, "a list is too long");
                transfer_paces(p, t);
                if (!p->collides)
                        continue;
                if (t->is_reading && !collisions_site_init(&p->collisions))
                        transfer_fail(t, "there is no memory for it");
                collisions_site_transfer(&p->collisions, t);
        }
        transfer_array(t, &s->population_of, &conditions, sizeof(*s->population_of),
                       1 << 20);
        transfer_array(t, &s->spreads, &spreads, sizeof(*s->spreads), 1 << 20);
}

void statistics_transfer(struct statistics *s, struct transfer *t, uint64_t memory)
{
        TRANSFER(t, s->wants_counts);
        TRANSFER(t, s->wants_marks);
        TRANSFER(t, s->wants_fit);
        TRANSFER(t, s->wants_known);
        TRANSFER(t, s->wants_quota);
        if (t->has_failed)
                return;
        if (t->is_reading && !make_memories(s, &memory)) {
                transfer_fail(t, "there is no memory for it");
                return;
        }
        views_transfer(&s->views, t);
        if (s->wants_fit)
                fit_transfer(&s->fit, t);
        if (s->wants_known)
                known_transfer(&s->known, t);
        if (s->wants_quota)
                quota_transfer(&s->quota, t);
        transfer_populations(s, t);
}

/* ---- a transaction ---- */

static uint64_t hash_network(const struct hash_key *key, const struct network *n)
{
        uint8_t bytes[17];

        memcpy(bytes, n->ip.bytes, 16);
        bytes[16] = n->bits;
        return hash_bytes(key, bytes, sizeof(bytes));
}

static bool wants_views(const struct statistics *s)
{
        return s->wants_counts || s->wants_marks;
}

static uint64_t host_of(const struct statistics *s, const struct record *r,
                        const struct seen_early *seen)
{
        return seen->host ? seen->host : hash_network(s->key, &r->client_host);
}

static bool is_view(const struct record *r)
{
        return r->status >= 200 && r->status <= 299;
}

/* Targets of two pages are two, even of one name. */
static uint64_t page_target(uint64_t target, const struct record *r)
{
        return hash_mix(target, r->page + 1U);
}

static bool has_fit(const struct statistics *s, const struct record *r)
{
        return s->wants_fit && s->fit_pages[r->page] && r->http_shape &&
               !slice_is_none(record_text(r, RECORD_UA_FAMILY));
}

void statistics_ahead(const struct statistics *s, const struct record *r,
                      struct seen_early *seen)
{
        struct slice target = record_text(r, RECORD_TARGET);

        if (wants_views(s) && !slice_is_none(target)) {
                if (!seen->target)
                        seen->target = hash_slice(s->key, target);
                if (is_view(r)) {
                        views_prefetch(&s->views, page_target(seen->target, r));
                        if (s->wants_quota) {
                                seen->host = host_of(s, r, seen);
                                quota_prefetch(&s->quota, seen->host);
                        }
                }
        }
        if (has_fit(s, r)) {
                seen->host = host_of(s, r, seen);
                if (!seen->family)
                        seen->family =
                            hash_slice(s->key, record_text(r, RECORD_UA_FAMILY));
        }
}

static void see_target(struct statistics *s, const struct record *r,
                       const struct seen_early *seen)
{
        s->sight.has_target = !slice_is_none(record_text(r, RECORD_TARGET));
        if (!wants_views(s) || !s->sight.has_target)
                return;
        s->sight.is_view = is_view(r);
        s->sight.page = r->page;
        s->sight.target = page_target(seen->target, r);
        s->sight.recency = views_recency(&s->views, s->sight.target);
}

static uint64_t never_0(uint64_t hash)
{
        return hash ? hash : 1;
}

static void see_software(struct statistics *s, const struct record *r,
                         const struct seen_early *seen, struct slice ja4)
{
        if (!has_fit(s, r))
                return;
        /* These two are many things, which not all visitors ask for. */
        bool is_mixed = r->page == 0 || (int)r->page == s->rules->asset_page;
        s->sight.fit = (struct fit_sight){
                .visitor = seen->host,
                .family = never_0(seen->family),
                .page = hash_mix(r->page, is_mixed ? r->request_kind : 0),
                .shape = r->http_shape,
                .ja4 = slice_is_none(ja4) ? 0 : never_0(hash_slice(s->key, ja4)),
        };
}

static void see_session(struct statistics *s, const struct record *r)
{
        struct slice now = record_text(r, RECORD_SESSION);
        struct slice was = record_text(r, RECORD_SESSION_WAS);

        if (!s->wants_known || !(r->flags & RECORD_SESSION_SENT))
                return;
        s->sight.sent = never_0(hash_slice(s->key, slice_is_none(was) ? now : was));
        s->sight.found_of_sent = known_find(&s->known, s->sight.sent);
        s->sight.is_known = slice_is_none(was) && known_is(s->sight.found_of_sent);
}

static uint64_t person_of(const struct statistics *s, const struct record *r,
                          const struct seen_early *seen)
{
        struct slice session = record_text(r, RECORD_SESSION);

        if (session.len)
                return seen->session ? seen->session : hash_slice(s->key, session);
        return host_of(s, r, seen);
}

static void note_collision(struct statistics *s, struct population *p,
                           const struct record *r, const struct seen_early *seen)
{
        s->sight.is_top = views_is_top(&s->views, s->sight.target);
        if (!s->sight.is_top)
                collisions_site_note(&p->collisions, s->sight.target,
                                     person_of(s, r, seen), s->views.now_ns);
}

static bool is_compared(const struct statistics *s, unsigned page)
{
        for (unsigned i = 0; i < s->population_count; i++)
                if (s->populations[i].surges && page < s->page_count &&
                    s->populations[i].pages[page])
                        return true;
        return false;
}

/* For what the view counts where views are judged by how rare their targets are. */
static void see_rareness(struct statistics *s, const struct record *r,
                         const struct seen_early *seen)
{
        bool is_judged = s->sight.is_view && s->sight.recency.cold != COLD_UNKNOWN &&
                         is_compared(s, r->page);

        s->sight.counts_for[COLD_OF_ONE] = is_judged;
        if (!is_judged || !s->wants_quota)
                return;
        bool counts = quota_take(&s->quota, host_of(s, r, seen));
        s->sight.counts_for[COLD_OF_MANY] = counts;
        s->counters->views_over_quota += !counts;
}

static void note_populations(struct statistics *s, const struct record *r,
                             const struct seen_early *seen)
{
        for (unsigned i = 0; i < s->population_count; i++) {
                struct population *p = &s->populations[i];
                for (unsigned k = 0; p->surges && k < COLD_KINDS; k++)
                        cold_site_advance(&p->cold[k], s->views.now_ns);
                if (r->page >= s->page_count || !p->pages[r->page])
                        continue;
                for (unsigned k = 0; p->surges && k < COLD_KINDS; k++)
                        if (s->sight.counts_for[k])
                                cold_site_note(&p->cold[k], s->sight.recency.level);
                if (p->has_paces)
                        paces_note(&p->paces, person_of(s, r, seen), r->end_ns);
                if (p->collides && s->sight.is_view)
                        note_collision(s, p, r, seen);
        }
}

void statistics_begin(struct statistics *s, const struct record *r,
                      const struct seen_early *seen, struct slice ja4)
{
        s->sight = (struct sight){ .recency.cold = COLD_UNKNOWN };
        if (wants_views(s))
                views_advance(&s->views, r->end_ns);
        if (s->wants_fit)
                fit_advance(&s->fit, r->end_ns);
        if (s->wants_known)
                known_advance(&s->known, r->end_ns);
        if (s->wants_quota)
                quota_advance(&s->quota, r->end_ns);
        see_target(s, r, seen);
        see_software(s, r, seen, ja4);
        see_session(s, r);
        see_rareness(s, r, seen);
        note_populations(s, r, seen);
}

void statistics_end(struct statistics *s)
{
        if (s->sight.is_view)
                views_note(&s->views, s->sight.target);
        if (s->wants_fit)
                fit_note(&s->fit, &s->sight.fit);
        if (s->sight.sent)
                known_note(&s->known, s->sight.sent, s->sight.found_of_sent);
}

double statistics_views(const struct statistics *s)
{
        return s->sight.has_target ? (double)views_count(&s->views, s->sight.target)
                                   : NAN;
}

double statistics_fit(const struct statistics *s)
{
        return fit_value(&s->fit, &s->sight.fit);
}
