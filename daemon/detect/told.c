/* SPDX-License-Identifier: MIT */
#include "detect/told.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
        return memcmp(((const struct told_event *)a)->id,
                      ((const struct told_event *)b)->id, INCIDENT_ID_MAX);
}

/* Of the events of one incident the last is enough. */
static void make_room(struct told *t)
{
        told_ready(t);
        if (t->room && t->count <= t->room / 2)
                return;
        t->room = t->room ? 2 * t->room : 64;
        t->events = realloc(t->events, t->room * sizeof(*t->events));
        CHECK(t->events);
}

void told_note(struct told *t, struct slice id, uint32_t n, bool has_ended)
{
        if (id.len != INCIDENT_ID_MAX - 1)
                return;
        if (t->count == t->room)
                make_room(t);
        struct told_event *event = &t->events[t->count++];
        *event = (struct told_event){ .n = n, .has_ended = has_ended };
        memcpy(event->id, id.data, id.len);
}

void told_ready(struct told *t)
{
        size_t kept = 0;

        if (t->count)
                qsort(t->events, t->count, sizeof(*t->events), compare);
        for (size_t i = 0; i < t->count; i++) {
                struct told_event *last = kept ? &t->events[kept - 1] : NULL;
                const struct told_event *event = &t->events[i];
                if (!last || compare(last, event) != 0) {
                        t->events[kept++] = *event;
                        continue;
                }
                last->n = event->n > last->n ? event->n : last->n;
                last->has_ended |= event->has_ended;
        }
        t->count = kept;
}

struct told_event *told_find(const struct told *t, const char id[INCIDENT_ID_MAX])
{
        struct told_event wanted = { .n = 0 };

        memcpy(wanted.id, id, INCIDENT_ID_MAX);
        return t->count ? bsearch(&wanted, t->events, t->count, sizeof(wanted), compare)
                        : NULL;
}

void told_free(struct told *t)
{
        free(t->events);
        *t = (struct told){ 0 };
}
