/* SPDX-License-Identifier: MIT */
#include "states.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "view.h"

void states_add(struct states *s, const char *id)
{
        if (strlen(id) != INCIDENT_ID_MAX - 1)
                return;
        if ((s->count & (s->count - 1)) == 0) {
                s->rows =
                    realloc(s->rows, (s->count ? 2 * s->count : 1) * sizeof(*s->rows));
                CHECK(s->rows);
        }
        memset(&s->rows[s->count], 0, sizeof(*s->rows));
        memcpy(s->rows[s->count++].id, id, INCIDENT_ID_MAX - 1);
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

/* Several blocks may be of one incident: the first of its rows has the state. */
static void drop_doubles(struct states *s)
{
        unsigned kept = 0;

        qsort(s->rows, s->count, sizeof(*s->rows), by_id);
        for (unsigned i = 0; i < s->count; i++)
                if (kept == 0 || by_id(&s->rows[kept - 1], &s->rows[i]) != 0)
                        s->rows[kept++] = s->rows[i];
        s->count = kept;
}

static bool take_alert(void *context, const struct alert *alert)
{
        char id[INCIDENT_ID_MAX] = "";

        if (alert->id.len != INCIDENT_ID_MAX - 1)
                return true;
        memcpy(id, alert->id.data, alert->id.len);
        struct state_row *row = find(context, id);
        struct view *view = row ? view_of(alert->json) : NULL;
        if (view && *view->block_state)
                snprintf(row->state, sizeof(row->state), "%.11s", view->block_state);
        view_free(&view);
        return true;
}

enum exit_status states_read(struct states *s, struct source *source)
{
        if (s->count == 0)
                return EXIT_DONE;
        drop_doubles(s);
        return source_alerts(source, 0, take_alert, s);
}

const char *states_find(const struct states *s, const char *id)
{
        const struct state_row *row = find(s, id);

        return row ? row->state : "";
}

void states_free(struct states *s)
{
        free(s->rows);
        *s = (struct states){ 0 };
}
