/* SPDX-License-Identifier: MIT */
#include "app/metrics.h"

#include "base/clock.h"
#include "base/histogram.h"
#include "base/json.h"

#include <inttypes.h>

#define PREFIX "trawlwatch_"

struct family;

/* The lines of one family; its head comes with the first of them. */
struct writer {
        struct buf *out;
        const struct figures *figures;
        const struct family *family;
        bool has_begun;
};

struct family {
        const char *name, *type, *help;
        void (*write)(struct writer *);
};

struct label {
        const char *name, *value;
};

void metrics_put_label(struct buf *out, const char *value)
{
        struct buf clean = { 0 };

        json_put_utf8(&clean, slice_str(value));
        for (size_t i = 0; i < clean.len; i++) {
                uint8_t c = clean.data[i];
                if (c == '\\' || c == '"')
                        buf_put_byte(out, '\\');
                if (c == '\n')
                        buf_put_str(out, "\\n");
                else
                        buf_put_byte(out, c);
        }
        buf_free(&clean);
}

static void put_head(struct buf *out, const char *name, const char *type,
                     const char *help)
{
        buf_printf(out, "# HELP " PREFIX "%s %s\n# TYPE " PREFIX "%s %s\n", name, help,
                   name, type);
}

static void put_labels(struct buf *out, const struct label labels[2])
{
        if (!labels || !labels[0].name)
                return;
        for (unsigned i = 0; i < 2 && labels[i].name; i++) {
                buf_printf(out, "%c%s=\"", i ? ',' : '{', labels[i].name);
                metrics_put_label(out, labels[i].value);
                buf_put_byte(out, '"');
        }
        buf_put_byte(out, '}');
}

static void begin_sample(struct writer *w, const char *suffix)
{
        if (!w->has_begun)
                put_head(w->out, w->family->name, w->family->type, w->family->help);
        w->has_begun = true;
        buf_printf(w->out, PREFIX "%s%s", w->family->name, suffix);
}

/* Two labels at most, one without a name ends them; NULL: none. */
static void put(struct writer *w, const struct label labels[2], uint64_t value)
{
        begin_sample(w, "");
        put_labels(w->out, labels);
        buf_printf(w->out, " %" PRIu64 "\n", value);
}

static void put_one(struct writer *w, const char *label, const char *value,
                    uint64_t number)
{
        put(w, (struct label[2]){ { label, value } }, number);
}

static double seconds(int64_t ns)
{
        return (double)ns / (double)NS_PER_SEC;
}

/* The edges from `first` to `last`; what is below is in the first. */
static void put_histogram(struct writer *w, const struct histogram *h, unsigned first,
                          unsigned last)
{
        uint64_t count = 0;

        for (unsigned i = 0; i <= last; i++) {
                count += h->counts[i];
                if (i < first)
                        continue;
                begin_sample(w, "_bucket");
                buf_printf(w->out, "{le=\"%.9g\"} %" PRIu64 "\n",
                           seconds(histogram_edges_ns[i]), count);
        }
        begin_sample(w, "_bucket");
        buf_printf(w->out, "{le=\"+Inf\"} %" PRIu64 "\n", h->count);
        begin_sample(w, "_sum");
        buf_printf(w->out, " %.9g\n", seconds(h->sum_ns));
        begin_sample(w, "_count");
        buf_printf(w->out, " %" PRIu64 "\n", h->count);
}

/* ---- the daemon ---- */

static void write_build(struct writer *w)
{
        put_one(w, "version", TRAWLWATCH_VERSION, 1);
}

static void write_start(struct writer *w)
{
        begin_sample(w, "");
        buf_printf(w->out, " %.3f\n", seconds(w->figures->started_ns));
}

static void write_sample(struct writer *w)
{
        put(w, NULL, 1U << w->figures->sample_shift);
}

static void write_flows(struct writer *w)
{
        if (w->figures->has_flows)
                put(w, NULL, w->figures->flows);
}

static void write_flows_max(struct writer *w)
{
        if (w->figures->has_flows)
                put(w, NULL, w->figures->flows_max);
}

static void write_memory(struct writer *w)
{
        for (unsigned i = 0; i < w->figures->budget_count; i++)
                put_one(w, "budget", w->figures->budgets[i].name,
                        w->figures->budgets[i].used);
}

static void write_memory_max(struct writer *w)
{
        for (unsigned i = 0; i < w->figures->budget_count; i++)
                put_one(w, "budget", w->figures->budgets[i].name,
                        w->figures->budgets[i].limit);
}

/* ---- interfaces and workers ---- */

static void write_interfaces(struct writer *w)
{
        for (unsigned i = 0; i < w->figures->interface_count; i++)
                put_one(w, "interface", w->figures->interfaces[i].name,
                        w->figures->interfaces[i].is_open);
}

static void write_drops(struct writer *w)
{
        for (unsigned i = 0; i < w->figures->interface_count; i++) {
                const struct figures_interface *one = &w->figures->interfaces[i];
                put(w,
                    (struct label[2]){ { "interface", one->name }, { "by", "kernel" } },
                    one->kernel_drops);
                put(w,
                    (struct label[2]){ { "interface", one->name },
                                       { "by", "interface" } },
                    one->interface_drops);
        }
}

static void write_rings(struct writer *w)
{
        for (unsigned i = 0; i < w->figures->worker_count; i++)
                put_one(w, "worker", w->figures->workers[i].name,
                        w->figures->workers[i].ring_bytes);
}

static void write_ring_fill(struct writer *w)
{
        for (unsigned i = 0; i < w->figures->worker_count; i++)
                put_one(w, "worker", w->figures->workers[i].name,
                        w->figures->workers[i].ring_fill);
}

static void write_ring_drops(struct writer *w)
{
        for (unsigned i = 0; i < w->figures->worker_count; i++)
                put_one(w, "worker", w->figures->workers[i].name,
                        w->figures->workers[i].ring_drops);
}

static void write_restarts(struct writer *w)
{
        for (unsigned i = 0; i < w->figures->worker_count; i++)
                put_one(w, "worker", w->figures->workers[i].name,
                        w->figures->workers[i].restarts);
}

/* ---- the engine ---- */

static void write_tables(struct writer *w, size_t offset)
{
        struct table_usage usage;

        for (unsigned i = 0;
             w->figures->engine && engine_table_usage(w->figures->engine, i, &usage); i++)
                put_one(w, "table", usage.per,
                        *(const uint64_t *)((const char *)&usage + offset));
}

static void write_table_keys(struct writer *w)
{
        write_tables(w, offsetof(struct table_usage, keys));
}

static void write_table_bytes(struct writer *w)
{
        write_tables(w, offsetof(struct table_usage, bytes));
}

static void write_table_evicted(struct writer *w)
{
        write_tables(w, offsetof(struct table_usage, evicted));
}

static void write_rules(struct writer *w, size_t offset)
{
        struct rule_usage usage;

        for (unsigned i = 0;
             w->figures->engine && engine_rule_usage(w->figures->engine, i, &usage); i++)
                put(w, (struct label[2]){ { "rule", usage.name }, { "per", usage.per } },
                    *(const uint64_t *)((const char *)&usage + offset));
}

static void write_matched(struct writer *w)
{
        write_rules(w, offsetof(struct rule_usage, matched));
}

static void write_held(struct writer *w)
{
        write_rules(w, offsetof(struct rule_usage, held));
}

static void write_raised(struct writer *w)
{
        write_rules(w, offsetof(struct rule_usage, raised));
}

static void write_dry_run(struct writer *w)
{
        write_rules(w, offsetof(struct rule_usage, dry_run));
}

static void write_incidents(struct writer *w)
{
        struct engine_usage usage;

        if (!w->figures->engine)
                return;
        engine_usage(w->figures->engine, &usage);
        put(w, NULL, usage.incidents);
}

static void write_incidents_max(struct writer *w)
{
        struct engine_usage usage;

        if (!w->figures->engine)
                return;
        engine_usage(w->figures->engine, &usage);
        put(w, NULL, usage.incidents_max);
}

/* From 100 ns to 10 ms. */
static void write_evaluation(struct writer *w)
{
        if (w->figures->evaluation)
                put_histogram(w, w->figures->evaluation, 0, 15);
}

/* ---- alerts ---- */

static void write_waiting(struct writer *w)
{
        if (w->figures->has_alerts && w->figures->alerts.has_redis)
                put(w, NULL, w->figures->alerts.journal.waiting);
}

static void write_held_back(struct writer *w)
{
        if (w->figures->has_alerts)
                put(w, NULL, w->figures->alerts.journal.held);
}

static void write_journal(struct writer *w)
{
        if (w->figures->has_alerts)
                put(w, NULL, w->figures->alerts.journal.bytes);
}

static void write_journal_max(struct writer *w)
{
        if (w->figures->has_alerts)
                put(w, NULL, w->figures->setup->config.journal.max);
}

static void write_redis(struct writer *w)
{
        if (w->figures->has_alerts && w->figures->alerts.has_redis)
                put(w, NULL, w->figures->alerts.redis.is_up);
}

/* From 100 us to 10 s. */
static void write_publish(struct writer *w)
{
        if (w->figures->has_alerts && w->figures->alerts.has_redis)
                put_histogram(w, w->figures->alerts.redis.publish, 9,
                              HISTOGRAM_EDGES - 1);
}

/* clang-format off */
static const struct family families[] = {
        { "build_info", "gauge", "the version that runs; always 1", write_build },
        { "start_time_seconds", "gauge", "when the daemon was started, in seconds since 1970", write_start },
        { "visitors_one_in", "gauge", "one in so many visitors is looked at (limits.sample, limits.overload)", write_sample },
        { "flows_open", "gauge", "TCP connections that are followed", write_flows },
        { "flows_limit", "gauge", "the most that are followed (limits.flows)", write_flows_max },
        { "memory_bytes", "gauge", "memory in use of what traffic can make grow, by the limit that holds it", write_memory },
        { "memory_limit_bytes", "gauge", "the same limits", write_memory_max },
        { "interface_open", "gauge", "1 while the interface is captured from", write_interfaces },
        { "interface_dropped_total", "counter", "packets dropped before they were read, by whom", write_drops },
        { "ring_bytes", "gauge", "room in the ring between a worker and the engine", write_rings },
        { "ring_fill_bytes", "gauge", "what of it waits for the engine", write_ring_fill },
        { "ring_drops_total", "counter", "records dropped because the ring was full", write_ring_drops },
        { "capture_restarts_total", "counter", "times the worker was started again", write_restarts },
        { "table_entries", "gauge", "keys that are counted for", write_table_keys },
        { "table_bytes", "gauge", "memory of their entries and index, without sets and lists", write_table_bytes },
        { "table_evicted_total", "counter", "keys forgotten because the memory was full", write_table_evicted },
        { "rule_matched_total", "counter", "transactions that the rule looked at", write_matched },
        { "rule_held_total", "counter", "of them, those for which the rule held", write_held },
        { "rule_raised_total", "counter", "incidents that the rule raised", write_raised },
        { "rule_dry_run_total", "counter", "incidents that the rule raised in its dry run", write_dry_run },
        { "incidents_open", "gauge", "incidents that are open", write_incidents },
        { "incidents_limit", "gauge", "the most that are open at a time (limits.incidents)", write_incidents_max },
        { "evaluation_seconds", "histogram", "time that the rules took for a transaction, as the mean of every 64th batch", write_evaluation },
        { "alerts_waiting", "gauge", "alerts in the journal that Redis does not have", write_waiting },
        { "alerts_held", "gauge", "alerts in memory alone, because the journal cannot be written", write_held_back },
        { "journal_bytes", "gauge", "room that the journal takes", write_journal },
        { "journal_limit_bytes", "gauge", "the most that it may take (journal.max)", write_journal_max },
        { "redis_up", "gauge", "1 while Redis is connected and takes alerts", write_redis },
        { "redis_publish_seconds", "histogram", "time from the call to the answer of Redis, for each alert", write_publish },
};
/* clang-format on */

static void print_counters(const struct counters *counters, struct buf *out)
{
#define COUNTER_PRINT(field, metric, help)      \
        put_head(out, metric, "counter", help); \
        buf_printf(out, PREFIX "%s %" PRIu64 "\n", metric, counters->field);
        COUNTERS(COUNTER_PRINT)
#undef COUNTER_PRINT
}

void metrics_print(const struct figures *figures, struct buf *out)
{
        print_counters(figures->counters, out);
        for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
                struct writer w = { out, figures, &families[i], false };
                families[i].write(&w);
        }
}
