/* SPDX-License-Identifier: MIT */
/*
 * window_oracle - random traffic for functions over a window, and all of it kept, so that
 * a test can compute a function the slow way, as it is defined.
 *
 * The traffic has silences, records that come late, requests that begin at one moment or
 * in another order than they end, and times at the very edges of panes. Of its two
 * windows (8 s and 1 m) the panes are 1 s and 7.5 s long.
 */
#ifndef UNIT_WINDOW_ORACLE_H
#define UNIT_WINDOW_ORACLE_H

#include "unit/detect_world.h"

#include "detect/engine_priv.h"

#include <math.h>

#define ORACLE_MAX     6000
#define ORACLE_CLIENTS 5

struct oracle_past {
        int64_t start_ns, end_ns, now_ns; /* now: the engine's time with it */
        unsigned client, value;
        uint64_t number;
        bool profile, not_found, numeric;
};

struct oracle {
        struct world *world;
        unsigned count;
        uint32_t seed;
        int64_t now_ms, last_start_ns;
        struct oracle_past past[ORACLE_MAX];
};

/* One question: a key, a condition, a window, at the present. */
struct oracle_question {
        const struct oracle *oracle;
        bool all;        /* of all clients; else of the last one's */
        bool not_found;  /* only status 404 */
        int64_t pane_ns; /* of its window */
};

static inline uint32_t oracle_draw(struct oracle *o, uint32_t below)
{
        o->seed = o->seed * 1664525 + 1013904223;
        return (uint32_t)((uint64_t)o->seed * below >> 32);
}

/* What one of the kept transactions is to the question. */
static inline bool oracle_meets(const struct oracle_question *q,
                                const struct oracle_past *p)
{
        return p->profile && (p->not_found || !q->not_found) &&
               (q->all || p->client == q->oracle->past[q->oracle->count - 1].client);
}

/* Whether a time is in the newest eight panes at another. */
static inline bool oracle_is_inside(const struct oracle_question *q, int64_t time_ns,
                                    int64_t now_ns)
{
        return now_ns / q->pane_ns - time_ns / q->pane_ns < 8;
}

static inline int64_t oracle_now(const struct oracle_question *q)
{
        return q->oracle->past[q->oracle->count - 1].now_ns;
}

static inline int64_t oracle_next_time(struct oracle *o)
{
        switch (oracle_draw(o, 200)) {
        case 0:
                return (o->now_ms / 1000 + 1) * 1000;
        case 1:
                return (o->now_ms / 7500 + 1) * 7500;
        case 2:
                return (o->now_ms / 1000 + 1) * 1000 - 1;
        case 3: /* silence */
                return o->now_ms + oracle_draw(o, oracle_draw(o, 4) ? 9000 : 70000);
        default:
                return o->now_ms + oracle_draw(o, 60);
        }
}

static inline void oracle_hit(struct oracle *o, const struct oracle_past *p)
{
        struct world_record r;
        char client[32], target[32];

        snprintf(client, sizeof(client), "198.51.100.%u", p->client);
        snprintf(target, sizeof(target), "t%u", p->value);
        world_make_record(&(struct hit){ .client = client,
                                         .page = p->profile ? PAGE_PROFILE : PAGE_OTHER,
                                         .status = p->not_found ? 404 : 200,
                                         .target = target },
                          &r);
        r.record.start_ns = p->start_ns;
        r.record.end_ns = p->end_ns;
        r.record.target_number = p->number;
        r.record.flags |= p->numeric ? RECORD_TARGET_NUMERIC : 0;
        engine_record(o->world->engine, &r.record);
}

/* Everything that makes a transaction but its value and number, which are the test's. */
static inline struct oracle_past oracle_next(struct oracle *o)
{
        o->now_ms = oracle_next_time(o);
        /* One in eight comes late, up to 20 s. */
        int64_t at_ms =
            oracle_draw(o, 8) ? o->now_ms : o->now_ms - (int64_t)oracle_draw(o, 20000);
        struct oracle_past p = {
                .end_ns = WORLD_BEGIN + (at_ms > 0 ? at_ms : 0) * NS_PER_MS,
                .client = 1 + oracle_draw(o, ORACLE_CLIENTS),
                .profile = oracle_draw(o, 10) != 0,
                .not_found = oracle_draw(o, 3) == 0,
        };

        p.start_ns = p.end_ns - oracle_draw(o, 300) * NS_PER_MS;
        if (oracle_draw(o, 10) == 0)
                p.start_ns = o->last_start_ns;
        o->last_start_ns = p.start_ns;
        p.now_ns = o->count && o->past[o->count - 1].now_ns > p.end_ns
                       ? o->past[o->count - 1].now_ns
                       : p.end_ns;
        return p;
}

typedef void oracle_value_fn(struct oracle *, struct oracle_past *);
typedef void oracle_compare_fn(const struct oracle_question *,
                               const struct rule_aggregate *, double actual);

static inline void oracle_check(struct oracle *o, oracle_compare_fn *compare)
{
        struct engine *e = o->world->engine;

        if (!o->past[o->count - 1].profile)
                return;
        for (unsigned i = 0; i < e->rules->rule_count; i++) {
                const struct rule *rule = &e->rules->rules[i];
                struct table *t = &e->tables[rule->table];
                uint64_t hash;
                assert_true(table_key(t, &e->facts, &hash));
                const struct entry *entry = table_at(t, table_find(t, hash));
                for (unsigned k = 0; k < rule->aggregate_count; k++) {
                        const struct rule_aggregate *a = &rule->aggregates[k];
                        struct value v = table_value(t, entry, a);
                        struct oracle_question q = { o, strcmp(t->plan->type, "all") == 0,
                                                     strstr(a->text, "status") != NULL,
                                                     (strstr(a->text, "8s)") ? 8 : 60) *
                                                         NS_PER_SEC / 8 };
                        compare(&q, a, v.type == VALUE_MISSING ? NAN : v.number);
                }
        }
}

/* At the end every key is forgotten, and all memory must have been given back. */
static inline void oracle_run(const char *rules, unsigned transactions,
                              oracle_value_fn *value, oracle_compare_fn *compare)
{
        struct oracle *o = calloc(1, sizeof(*o));

        assert_non_null(o);
        assert_true(transactions <= ORACLE_MAX);
        o->seed = 7;
        o->world = world_new(rules);
        while (o->count < transactions) {
                struct oracle_past p = oracle_next(o);
                value(o, &p);
                o->past[o->count++] = p;
                oracle_hit(o, &p);
                if (o->count % 4 == 0)
                        oracle_check(o, compare);
        }
        engine_finish(o->world->engine);
        for (unsigned i = 0; i < o->world->rules->table_count; i++)
                table_evict(&o->world->engine->tables[i], UINT32_MAX);
        assert_int_equal(o->world->engine->budget.pages.used, 0);
        world_free(o->world);
        free(o);
}

/* Equal, or both missing. */
static inline void oracle_same(const struct rule_aggregate *a, double actual,
                               double expected)
{
        if (isnan(actual) == isnan(expected) &&
            (isnan(actual) || fabs(actual - expected) <= 1e-9 * (1 + fabs(expected))))
                return;
        print_error("%s is %.12g, should be %.12g\n", a->text, actual, expected);
        fail();
}

#endif
