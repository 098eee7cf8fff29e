/* SPDX-License-Identifier: MIT */
#include "app/status.h"

#include "base/clock.h"
#include "base/json.h"

static void put_text(struct json *j, const char *key, const char *text)
{
        if (text)
                json_text(j, key, text);
}

static void put_reasons(struct json *j, const struct status *s)
{
        struct slice rest = s->reasons, line;

        json_array(j, "reasons");
        while (rest.len && slice_next(&rest, '\n', &line))
                if (line.len)
                        json_string(j, NULL, line);
        json_array_close(j);
}

static void put_files(struct json *j, const struct figures *f)
{
        const struct text_list *rules = &f->setup->rule_paths;

        json_open(j, "files");
        put_text(j, "config", f->config_path);
        put_text(j, "site", f->setup->site_path);
        json_array(j, "rules");
        for (unsigned i = 0; i < rules->count; i++)
                json_text(j, NULL, rules->items[i]);
        json_array_close(j);
        put_text(j, "journal", f->journal_path);
        json_close(j);
}

static void put_interfaces(struct json *j, const struct figures *f)
{
        json_array(j, "interfaces");
        for (unsigned i = 0; i < f->interface_count; i++) {
                const struct figures_interface *one = &f->interfaces[i];
                json_open(j, NULL);
                json_text(j, "name", one->name);
                json_bool(j, "open", one->is_open);
                json_u64(j, "kernel_drops", one->kernel_drops);
                json_u64(j, "interface_drops", one->interface_drops);
                json_close(j);
        }
        json_array_close(j);
}

static void put_workers(struct json *j, const struct figures *f)
{
        if (f->worker_count == 0)
                return;
        json_array(j, "workers");
        for (unsigned i = 0; i < f->worker_count; i++) {
                const struct figures_worker *one = &f->workers[i];
                json_open(j, NULL);
                json_text(j, "name", one->name);
                json_u64(j, "ring_bytes", one->ring_bytes);
                json_u64(j, "ring_fill_bytes", one->ring_fill);
                json_u64(j, "ring_drops", one->ring_drops);
                json_u64(j, "restarts", one->restarts);
                json_close(j);
        }
        json_array_close(j);
}

static void put_totals(struct json *j, const struct counters *c)
{
        json_open(j, "totals");
        json_u64(j, "packets", c->packets);
        json_u64(j, "bytes", c->packet_bytes);
        json_u64(j, "requests", c->requests);
        json_u64(j, "transactions", c->transactions);
        json_u64(j, "hellos", c->hellos);
        json_u64(j, "incidents", c->incidents_raised);
        json_u64(j, "alerts", c->alerts_journalled);
        json_u64(j, "kernel_drops", c->kernel_drops);
        json_u64(j, "interface_drops", c->interface_drops);
        json_u64(j, "gap_bytes", c->gap_bytes);
        json_close(j);
}

static void put_limits(struct json *j, const struct figures *f)
{
        struct engine_usage usage = { 0 };

        json_open(j, "memory");
        for (unsigned i = 0; i < f->budget_count; i++) {
                json_open(j, f->budgets[i].name);
                json_u64(j, "bytes", f->budgets[i].used);
                json_u64(j, "limit", f->budgets[i].limit);
                json_close(j);
        }
        json_close(j);
        if (f->has_flows) {
                json_open(j, "flows");
                json_u64(j, "open", f->flows);
                json_u64(j, "limit", f->flows_max);
                json_close(j);
        }
        if (!f->engine)
                return;
        engine_usage(f->engine, &usage);
        json_open(j, "incidents");
        json_u64(j, "open", usage.incidents);
        json_u64(j, "limit", usage.incidents_max);
        json_close(j);
}

static void put_tables(struct json *j, const struct figures *f)
{
        struct table_usage usage;

        json_array(j, "tables");
        for (unsigned i = 0; f->engine && engine_table_usage(f->engine, i, &usage); i++) {
                json_open(j, NULL);
                json_text(j, "per", usage.per);
                json_u64(j, "keys", usage.keys);
                json_u64(j, "bytes", usage.bytes);
                json_u64(j, "evicted", usage.evicted);
                json_close(j);
        }
        json_array_close(j);
}

static void put_alerts(struct json *j, const struct figures *f, int64_t monotonic_ns)
{
        const struct alerts_state *a = &f->alerts;

        if (!f->has_alerts)
                return;
        json_open(j, "journal");
        json_u64(j, "last", a->last);
        json_u64(j, "bytes", a->journal.bytes);
        json_u64(j, "limit", f->setup->config.journal.max);
        json_u64(j, "held", a->journal.held);
        json_close(j);
        json_open(j, "redis");
        json_bool(j, "configured", a->has_redis);
        if (a->has_redis) {
                json_bool(j, "up", a->redis.is_up);
                if (!a->redis.is_up)
                        json_number(j, "down_seconds",
                                    (double)(monotonic_ns - a->redis.down_ns) /
                                        (double)NS_PER_SEC);
                json_u64(j, "published", a->published);
                json_u64(j, "waiting", a->journal.waiting);
        }
        json_close(j);
}

void status_put_reloads(struct json *j, const struct counters *c)
{
        json_open(j, "reloads");
        json_u64(j, "taken", c->reloads);
        json_u64(j, "failed", c->reloads_failed);
        json_close(j);
}

void status_print(const struct status *s, struct buf *out)
{
        const struct figures *f = s->figures;
        struct json j = json_into(out);

        json_open(&j, NULL);
        json_text(&j, "version", TRAWLWATCH_VERSION);
        put_text(&j, "sensor", f->sensor);
        json_time(&j, "started", f->started_ns);
        json_number(&j, "uptime_seconds",
                    (double)((s->wall_ns - f->started_ns) / NS_PER_MS) / 1000);
        json_bool(&j, "healthy", s->is_healthy);
        put_reasons(&j, s);
        put_files(&j, f);
        json_u64(&j, "rules", rules_count(f->setup->rules));
        status_put_reloads(&j, f->counters);
        put_interfaces(&j, f);
        put_workers(&j, f);
        rates_print(s->rates, f->counters, s->monotonic_ns, &j, "rates");
        put_totals(&j, f->counters);
        put_limits(&j, f);
        put_tables(&j, f);
        put_alerts(&j, f, s->monotonic_ns);
        json_close(&j);
        buf_put_byte(out, '\n');
}
