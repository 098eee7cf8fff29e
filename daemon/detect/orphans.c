/* SPDX-License-Identifier: MIT */
#include "detect/orphans.h"

#include "base/check.h"
#include "base/clock.h"
#include "detect/report.h"

#include <stdlib.h>
#include <string.h>

bool orphans_init(struct orphans *o, uint32_t max)
{
        *o = (struct orphans){ .max = max < ORPHANS_MAX ? max : ORPHANS_MAX,
                               .due_ns = INT64_MAX };
        return true;
}

void orphans_free(struct orphans *o)
{
        free(o->items);
        *o = (struct orphans){ .due_ns = INT64_MAX };
}

/* False when it does not fit. */
static bool copy_text(char *to, size_t size, struct slice from)
{
        if (from.len >= size)
                return false;
        if (from.len)
                memcpy(to, from.data, from.len);
        to[from.len] = '\0';
        return true;
}

static bool fill(struct orphan *orphan, const struct told_incident *told,
                 int64_t until_ns)
{
        *orphan = (struct orphan){ .n = told->n,
                                   .dry_run = told->dry_run,
                                   .severity = told->severity,
                                   .start_ns = told->start_ns,
                                   .last_ns = told->last_ns,
                                   .told_ns = told->time_ns,
                                   .until_ns = until_ns,
                                   .served_targets = told->served_targets,
                                   .served_bytes = told->served_bytes };
        if (told->id.len != INCIDENT_ID_MAX - 1 ||
            !copy_text(orphan->id, sizeof(orphan->id), told->id) ||
            !copy_text(orphan->group, sizeof(orphan->group),
                       told->group.len == told->id.len ? told->group : told->id) ||
            !copy_text(orphan->rule, sizeof(orphan->rule), told->rule) ||
            !copy_text(orphan->type, sizeof(orphan->type), told->subject_type) ||
            !copy_text(orphan->subject, sizeof(orphan->subject), told->subject))
                return false;
        orphan->subject_len = (uint32_t)told->subject.len;
        orphan->raised_ns = report_raised(orphan->id);
        if (orphan->raised_ns < 0)
                orphan->raised_ns = told->time_ns;
        if (orphan->start_ns == 0)
                orphan->start_ns = orphan->raised_ns;
        return true;
}

static struct orphan *new_place(struct orphans *o)
{
        if (o->count == o->room) {
                o->room = o->room ? 2 * o->room : 16;
                o->items = realloc(o->items, o->room * sizeof(*o->items));
                CHECK(o->items);
        }
        return &o->items[o->count++];
}

bool orphans_add(struct orphans *o, const struct told_incident *told, int64_t until_ns)
{
        struct orphan orphan;

        if (o->max == 0 || !fill(&orphan, told, until_ns))
                return false;
        o->due_ns = until_ns < o->due_ns ? until_ns : o->due_ns;
        if (o->count < o->max) {
                *new_place(o) = orphan;
                return true;
        }
        o->items[o->hand++ % o->count] = orphan;
        return false;
}

static void take(struct orphans *o, struct orphan *from, struct orphan *orphan)
{
        *orphan = *from;
        *from = o->items[--o->count];
        if (o->count)
                return;
        free(o->items);
        o->items = NULL;
        o->room = 0;
}

bool orphans_take(struct orphans *o, const char *rule, const char *type,
                  struct slice subject, struct orphan *orphan)
{
        for (unsigned i = 0; i < o->count; i++) {
                struct orphan *at = &o->items[i];
                if (strcmp(at->rule, rule) == 0 && strcmp(at->type, type) == 0 &&
                    slice_equal(slice_of(at->subject, at->subject_len), subject)) {
                        take(o, at, orphan);
                        return true;
                }
        }
        return false;
}

static struct orphan *ends_first(struct orphans *o)
{
        struct orphan *first = NULL;

        for (unsigned i = 0; i < o->count; i++) {
                struct orphan *at = &o->items[i];
                if (!first || at->until_ns < first->until_ns ||
                    (at->until_ns == first->until_ns && strcmp(at->id, first->id) < 0))
                        first = at;
        }
        return first;
}

bool orphans_due(struct orphans *o, int64_t now_ns, struct orphan *orphan)
{
        if (now_ns < o->due_ns)
                return false;
        struct orphan *first = ends_first(o);
        o->due_ns = first ? first->until_ns : INT64_MAX;
        if (!first || first->until_ns > now_ns)
                return false;
        take(o, first, orphan);
        return true;
}

void orphans_catch_up(struct orphans *o, struct told *told)
{
        struct orphan gone;

        for (unsigned i = o->count; i-- > 0;) {
                struct orphan *at = &o->items[i];
                struct told_event *last = told_find(told, at->id);
                if (!last)
                        continue;
                last->is_known = true;
                at->n = last->n > at->n ? last->n : at->n;
                if (last->has_ended)
                        take(o, at, &gone);
        }
}

static bool has_ends(const struct orphan *orphan)
{
        return memchr(orphan->id, 0, sizeof(orphan->id)) &&
               memchr(orphan->group, 0, sizeof(orphan->group)) &&
               memchr(orphan->rule, 0, sizeof(orphan->rule)) &&
               memchr(orphan->type, 0, sizeof(orphan->type)) &&
               orphan->subject_len <= sizeof(orphan->subject);
}

/* A snapshot may have more than now are allowed: it had them, so it keeps them. */
void orphans_transfer(struct orphans *o, struct transfer *t)
{
        unsigned count = o->count;

        transfer_same(t, sizeof(struct orphan), "it is of another version");
        TRANSFER(t, count);
        if (count > ORPHANS_MAX)
                transfer_fail(t, "it is damaged or cut short");
        for (unsigned i = 0; !t->has_failed && i < count; i++) {
                struct orphan *at = t->is_reading ? new_place(o) : &o->items[i];
                transfer_bytes(t, at, sizeof(*at));
                if (!t->has_failed && !has_ends(at))
                        transfer_fail(t, "it is damaged or cut short");
        }
        if (t->is_reading)
                o->due_ns = o->count ? INT64_MIN : INT64_MAX;
}
