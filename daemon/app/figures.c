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

void figures_add_front(struct figures *f, const struct config *config, unsigned fronts,
                       const struct front_use *use)
{
        const struct {
                const char *name;
                uint64_t used, limit;
        } budgets[] = {
                { "reassembly", use->reassembly, config->limits.reassembly },
                { "http_memory", use->http, config->limits.http_memory },
                { "fragments", use->fragments, config->limits.fragments },
                /* Once for those of QUIC, and once for those of TCP. */
                { "hello_memory", use->hellos, 2 * config->limits.hello_memory },
        };

        f->has_flows = true;
        f->flows = use->flows;
        f->flows_max = fronts * config->limits.flows;
        for (size_t i = 0; i < sizeof(budgets) / sizeof(budgets[0]); i++)
                figures_add_budget(f, budgets[i].name, budgets[i].used,
                                   fronts * budgets[i].limit);
}

static void add_pipeline(struct figures *f, const struct run *run)
{
        const struct config *config = &run->setup->config;
        struct pipeline_state state;
        struct engine_usage engine;

        pipeline_look(run->pipeline, &state);
        f->engine = pipeline_engine(run->pipeline);
        f->evaluation = state.evaluation;
        f->sample_shift = state.sample_shift;
        engine_usage(f->engine, &engine);
        figures_add_budget(f, "detect", engine.memory, engine.memory_max);
        if (state.has_front)
                figures_add_front(f, config, 1, &state.front);
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
