/* SPDX-License-Identifier: MIT */
/*
 * figures - what the daemon is like at this moment, for whoever shows it.
 *
 * Filled anew each time somebody asks (figures_fn), by whoever runs the daemon. What is
 * not there is NULL or has a count of 0, and is not shown. All is borrowed until the
 * next turn of the event loop.
 */
#ifndef APP_FIGURES_H
#define APP_FIGURES_H

#include "alert/alerts.h"
#include "app/check.h"
#include "app/front.h"

#define FIGURES_INTERFACES 128
#define FIGURES_WORKERS    128
#define FIGURES_BUDGETS    8

struct run;

struct figures_interface {
        const char *name;
        bool is_open;
        uint64_t kernel_drops, interface_drops; /* packets, since the start */
};

/* A process that hands records over through a ring in shared memory. */
struct figures_worker {
        const char *name;
        uint64_t ring_bytes, ring_fill; /* room, and what of it waits */
        uint64_t ring_drops;            /* records, since the start */
        uint64_t restarts;
};

/* Memory that traffic can make grow up to a limit of the configuration. */
struct figures_budget {
        const char *name; /* of the option below limits: */
        uint64_t used, limit;
};

struct figures {
        const struct counters *counters;
        const struct setup *setup;
        const char *config_path, *journal_path, *sensor;
        int64_t started_ns; /* wall clock */
        struct engine *engine;
        const struct histogram *evaluation; /* of a transaction, sampled */
        uint8_t sample_shift;               /* one in 2^this visitors is looked at */
        bool has_flows;
        uint64_t flows, flows_max;
        bool has_alerts;
        struct alerts_state alerts;
        bool snapshot_failed; /* the last one */
        unsigned budget_count, interface_count, worker_count;
        struct figures_budget budgets[FIGURES_BUDGETS];
        struct figures_interface interfaces[FIGURES_INTERFACES];
        struct figures_worker workers[FIGURES_WORKERS];
};

typedef void figures_fn(void *context, struct figures *);

/* Empty, and then what a run of one process has but for its interfaces. */
void figures_of_run(const struct run *, struct figures *);

/* One more of each; those past the room for them are left out. */
void figures_add_budget(struct figures *, const char *name, uint64_t used,
                        uint64_t limit);
void figures_add_interface(struct figures *, const struct figures_interface *);
/* What so many fronts use, all in all. */
void figures_add_front(struct figures *, const struct config *, unsigned fronts,
                       const struct front_use *);
void figures_add_worker(struct figures *, const struct figures_worker *);

#endif
