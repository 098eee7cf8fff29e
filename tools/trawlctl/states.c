/* SPDX-License-Identifier: MIT */
#include "states.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "view.h"

/* Clocks of sensors and of Redis differ, and Redis may have been away. */
#define MARGIN (600 * NS_PER_SEC)

void states_add(struct states *s, const char *id, int64_t since_ns)
{
        if (strlen(id) != INCIDENT_ID_MAX - 1)
                return;
        if ((s->count & (s->count - 1)) == 0) {
                s->rows =
                    realloc(s->rows, (s->count ? 2 * s->count : 1) * sizeof(*s->rows));
                CHECK(s->rows);
        }
        struct state_row *row = &s->rows[s->count++];
        *row = (struct state_row){ .since_ns = since_ns };
        memcpy(row->id, id, INCIDENT_ID_MAX - 1);
}

static int by_id(const void *a, const void *b)
{
        return strcmp(((const struct state_row *)a)->id,
                      ((const struct state_row *)b)->id);
}

static struct state_row *find(const struct states *s, const char *id)
{
        struct state_row wanted = { .state = "" };

        snprintf(wanted.id, sizeof(wanted.id), "%s", id);
        return s->count ? bsearch(&wanted, s->rows, s->count, sizeof(*s->rows), by_id)
                        : NULL;
}

static int by_id_and_since(const void *a, const void *b)
{
        int64_t x = ((const struct state_row *)a)->since_ns;
        int64_t y = ((const struct state_row *)b)->since_ns;
        int order = by_id(a, b);

        return order ? order : (x > y) - (x < y);
}

static int by_since(const void *a, const void *b)
{
        int64_t x = (*(struct state_row *const *)a)->since_ns;
        int64_t y = (*(struct state_row *const *)b)->since_ns;

        return (x > y) - (x < y);
}

/* Several blocks may be of one incident: the first of its rows has the state. */
static void drop_doubles(struct states *s)
{
        unsigned kept = 0;

        qsort(s->rows, s->count, sizeof(*s->rows), by_id_and_since);
        for (unsigned i = 0; i < s->count; i++)
                if (kept == 0 || by_id(&s->rows[kept - 1], &s->rows[i]) != 0)
                        s->rows[kept++] = s->rows[i];
        s->count = kept;
}

static void sort_by_since(struct states *s)
{
        s->by_since = calloc(s->count, sizeof(struct state_row *));
        CHECK(s->by_since);
        for (unsigned i = 0; i < s->count; i++)
                s->by_since[i] = &s->rows[i];
        qsort(s->by_since, s->count, sizeof(struct state_row *), by_since);
}

/* Where to read from: nothing before that can be of a block without a state. */
static int64_t need_from(struct states *s)
{
        while (s->settled < s->count && s->by_since[s->settled]->state[0])
                s->settled++;
        if (s->settled == s->count)
                return INT64_MAX;
        int64_t since_ns = s->by_since[s->settled]->since_ns;
        return since_ns > MARGIN ? since_ns - MARGIN : 0;
}

/* When Redis took it: its id begins with the milliseconds. */
static int64_t published_ns(const struct alert *alert)
{
        uint64_t ms;

        return slice_to_u64(
                   slice_first(alert->stream_id, slice_find(alert->stream_id, '-')),
                   &ms) &&
                       ms < INT64_MAX / NS_PER_MS
                   ? (int64_t)ms * NS_PER_MS
                   : INT64_MAX;
}

static void take_state(struct states *s, const struct alert *alert)
{
        char id[INCIDENT_ID_MAX] = "";

        if (alert->id.len != INCIDENT_ID_MAX - 1)
                return;
        memcpy(id, alert->id.data, alert->id.len);
        struct state_row *row = find(s, id);
        if (!row || (s->goes_back && row->state[0]))
                return;
        struct view *view = view_of(alert->json);
        if (view && *view->block_state)
                snprintf(row->state, sizeof(row->state), "%.11s", view->block_state);
        view_free(&view);
}

static bool take_alert(void *context, const struct alert *alert)
{
        struct states *s = context;

        if (s->goes_back && published_ns(alert) < need_from(s))
                return false;
        take_state(s, alert);
        return !s->goes_back || need_from(s) < INT64_MAX;
}

enum exit_status states_read(struct states *s, struct source *source)
{
        if (s->count == 0)
                return EXIT_DONE;
        drop_doubles(s);
        sort_by_since(s);
        s->goes_back = source_goes_back(source);
        return source_alerts_back(source, need_from(s), take_alert, s);
}

const char *states_find(const struct states *s, const char *id)
{
        const struct state_row *row = find(s, id);

        return row ? row->state : "";
}

void states_free(struct states *s)
{
        free(s->rows);
        free(s->by_since);
        *s = (struct states){ 0 };
}
