/* SPDX-License-Identifier: MIT */
/* The busiest keys, looked for in slices between the turns of the loop. */
#include "app/admin_priv.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/json.h"
#include "detect/busiest.h"

#include <event2/event.h>
#include <stdlib.h>

#define SLICE_NS   (5 * NS_PER_MS) /* of work, and as long a rest */
#define SLOTS      512             /* between two looks at the clock */
#define ROWS_TOTAL 1000

static const struct timeval rest = { 0, SLICE_NS / NS_PER_US };
static const struct timeval at_once = { 0, 0 };

struct admin_top {
        struct admin *admin;
        struct busiest *busiest; /* NULL: nobody waits */
        struct event *slice;
        void (*done)(void *context);
        void *context;
};

static void on_slice(evutil_socket_t fd, short what, void *context)
{
        struct admin_top *top = context;
        struct admin *a = top->admin;
        int64_t end_ns = clock_monotonic_ns() + SLICE_NS;
        bool is_done = false;

        (void)fd, (void)what;
        a->options.figures(a->options.context, &a->figures);
        while (a->figures.engine && !is_done && clock_monotonic_ns() < end_ns)
                is_done = busiest_look(top->busiest, a->figures.engine, SLOTS);
        if (a->figures.engine && !is_done) {
                evtimer_add(top->slice, &rest);
                return;
        }
        top->done(top->context);
        busiest_free(&top->busiest);
}

struct admin_top *admin_top_new(struct admin *a, void (*done)(void *context),
                                void *context)
{
        struct admin_top *top = calloc(1, sizeof(*top));

        CHECK(top);
        *top = (struct admin_top){ .admin = a, .done = done, .context = context };
        top->slice = evtimer_new(a->options.loop, on_slice, top);
        CHECK(top->slice);
        return top;
}

void admin_top_free(struct admin_top **pointer)
{
        struct admin_top *top = *pointer;

        if (!top)
                return;
        event_free(top->slice);
        busiest_free(&top->busiest);
        free(top);
        *pointer = NULL;
}

void admin_top_begin(struct admin_top *top)
{
        if (top->busiest)
                return;
        top->busiest = busiest_new(BUSIEST_MAX);
        evtimer_add(top->slice, &at_once);
}

/* ---- as JSON ---- */

struct rows {
        struct json json;
        unsigned keys; /* of each table */
        const char *per;
        unsigned of_table, total;
};

static void put_nearest(struct json *j, const struct busiest_key *key)
{
        if (!key->rule)
                return;
        json_open(j, "nearest");
        json_text(j, "rule", key->rule);
        json_number(j, "share", key->share);
        if (key->measure.len) {
                json_string(j, "measure", key->measure);
                json_number(j, "value", key->value);
                json_number(j, "threshold", key->threshold);
        }
        json_close(j);
}

static void put_incident(struct json *j, const struct busiest_key *key)
{
        if (key->incident) {
                json_open(j, "incident");
                json_text(j, "id", key->incident);
                json_text(j, "rule", key->incident_rule);
                json_close(j);
        }
        if (key->blocked_until_ns)
                json_time(j, "blocked_until", key->blocked_until_ns);
}

static void put_key(void *context, const struct busiest_key *key)
{
        struct rows *rows = context;
        struct json *j = &rows->json;
        char id[17];

        if (rows->per != key->per)
                rows->of_table = 0;
        rows->per = key->per;
        if (rows->of_table++ == rows->keys || rows->total == ROWS_TOTAL) {
                rows->of_table = rows->keys;
                return;
        }
        rows->total++;
        snprintf(id, sizeof(id), "%016llx", (unsigned long long)key->hash);
        json_open(j, NULL);
        json_text(j, "per", key->per);
        json_string(j, "key", key->key);
        json_text(j, "id", id);
        json_u64(j, "transactions", key->transactions);
        json_number(j, "count", key->count);
        if (key->window_ns)
                json_number(j, "window_seconds",
                            (double)key->window_ns / (double)NS_PER_SEC);
        json_time(j, "seen", key->seen_ns);
        put_nearest(j, key);
        put_incident(j, key);
        json_close(j);
}

void admin_top_put(struct admin_top *top, unsigned keys, struct buf *out)
{
        struct rows rows = { .json = json_into(out), .keys = keys };
        struct figures *figures = &top->admin->figures;

        json_open(&rows.json, NULL);
        json_time(&rows.json, "time", clock_wall_ns());
        json_array(&rows.json, "keys");
        if (figures->engine)
                busiest_each(top->busiest, figures->engine, put_key, &rows);
        json_array_close(&rows.json);
        json_close(&rows.json);
        buf_put_byte(out, '\n');
}
