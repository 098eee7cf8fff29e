/* SPDX-License-Identifier: MIT */
#include "app/figures.h"

#include "app/run.h"

void figures_add_budget(struct figures *f, const char *name, uint64_t used,
                        uint64_t limit)
{
        if (f->budget_count < FIGURES_BUDGETS)
                f->budgets[f->budget_count++] =
                    (struct figures_budget){ name, used, limit };
}

void figures_add_interface(struct figures *f, const struct figures_interface *interface)
{
        if (f->interface_count < FIGURES_INTERFACES)
                f->interfaces[f->interface_count++] = *interface;
}

void figures_add_worker(struct figures *f, const struct figures_worker *worker)
{
        if (f->worker_count < FIGURES_WORKERS)
                f->workers[f->worker_count++] = *worker;
}

static void add_pipeline(struct figures *f, const struct run *run)
{
        const struct config *config = &run->setup->config;
        struct pipeline_state state;
        struct engine_usage engine;

        pipeline_look(run->pipeline, &state);
        f->engine = pipeline_engine(run->pipeline);
        f->evaluation = state.evaluation;
        f->has_flows = true;
        f->flows = state.flows;
        f->flows_max = state.flows_max;
        engine_usage(f->engine, &engine);
        figures_add_budget(f, "detect", engine.memory, engine.memory_max);
        figures_add_budget(f, "reassembly", state.reassembly, config->limits.reassembly);
        figures_add_budget(f, "http_memory", state.http, config->limits.http_memory);
        figures_add_budget(f, "fragments", state.fragments, config->limits.fragments);
        /* Once for those of QUIC, and once for those of TCP. */
        figures_add_budget(f, "hello_memory", state.hellos,
                           2 * config->limits.hello_memory);
}

void figures_of_run(const struct run *run, struct figures *f)
{
        *f = (struct figures){ .counters = &run->counters,
                               .setup = run->setup,
                               .config_path = run->line->check.config,
                               .journal_path = run->journal_path,
                               .sensor = run->sensor,
                               .started_ns = run->started_ns,
                               .snapshot_failed = run->state.failed };
        if (run->alerts) {
                f->has_alerts = true;
                alerts_look(run->alerts, &f->alerts);
        }
        if (run->pipeline)
                add_pipeline(f, run);
}
