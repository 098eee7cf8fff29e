/* SPDX-License-Identifier: MIT */
#include "app/run.h"

#include "app/advice.h"
#include "app/paths.h"
#include "app/reach.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "packet/frame.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Interfaces lie apart by their blocks, and by how long one is read before the next. */
#define HOLD_MORE (30 * NS_PER_MS)

/* How long the end waits for Redis; what it does not take stays in the journal. */
#define DRAIN_TIME (5 * NS_PER_SEC)

static void on_alert_line(void *context, struct slice json)
{
        struct output *output = context;

        buf_put_slice(&output->lines, json);
        buf_put_byte(&output->lines, '\n');
}

/* The alerts are there before the pipeline is. */
static void on_block_held(void *context, const struct block_held *held)
{
        struct run *run = context;

        if (run->pipeline)
                pipeline_block_held(run->pipeline, held);
}

/* ---- the journal of a run over files ---- */

static char *make_own_journal(void)
{
        const char *folder = getenv("TMPDIR");
        char *path = NULL;

        if (asprintf(&path, "%s/trawlwatch-run-XXXXXX",
                     folder && *folder ? folder : "/tmp") < 0)
                return NULL;
        if (mkdtemp(path))
                return path;
        log_error("%s: %s; -o journal.dir=DIR names another place for the journal", path,
                  strerror(errno));
        free(path);
        return NULL;
}

static void remove_own_journal(const char *path)
{
        DIR *folder = opendir(path);
        struct dirent *entry;

        if (!folder)
                return;
        while ((entry = readdir(folder)))
                if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
                        unlinkat(dirfd(folder), entry->d_name, 0);
        closedir(folder);
        rmdir(path);
}

/* ---- making ---- */

/* False after a line when there is no place for the key. Free options->state_directory.
 */
static bool privacy_options(bool is_live, const struct config *config,
                            struct privacy_options *options)
{
        *options = (struct privacy_options){ config->privacy.key_file, NULL,
                                             config->privacy.clear };
        if (!is_live || config->privacy.key_file)
                return true;
        options->state_directory = paths_state(true);
        if (!options->state_directory)
                log_error("no folder for the key file (%s): give privacy.key_file",
                          strerror(errno));
        return options->state_directory;
}

static bool open_privacy(struct run *run)
{
        struct privacy_options options;

        if (!privacy_options(run->live, &run->setup->config, &options))
                return false;
        run->privacy = privacy_open(&options);
        free((char *)(uintptr_t)options.state_directory);
        if (run->privacy)
                privacy_tick(run->privacy, clock_wall_ns());
        return run->privacy;
}

bool run_observe_key(const struct config *config, struct hash_key *key)
{
        struct privacy_options options;
        struct privacy *privacy = NULL;

        if (privacy_options(true, config, &options))
                privacy = privacy_open(&options);
        free((char *)(uintptr_t)options.state_directory);
        if (privacy)
                *key = privacy_hash_key(privacy);
        bool good = privacy;
        privacy_free(&privacy);
        return good;
}

bool run_reload_privacy(struct run *run, const struct config *config)
{
        struct privacy_options options;
        bool good = privacy_options(run->live, config, &options) &&
                    privacy_reload(run->privacy, &options);

        free((char *)(uintptr_t)options.state_directory);
        if (good)
                privacy_tick(run->privacy, clock_wall_ns());
        return good;
}

bool run_may_reload_privacy(struct run *run, const struct config *config)
{
        struct privacy_options options;
        struct privacy *next = NULL;

        if (privacy_options(run->live, config, &options))
                next = privacy_open(&options);
        bool good = next;
        privacy_free(&next);
        free((char *)(uintptr_t)options.state_directory);
        return good;
}

/*
 * What a configuration file says of Redis and of the journal is meant for the daemon:
 * reading files takes these two from -o alone.
 */
static bool applies(const struct run *run, const char *key)
{
        return run->live || config_is_from_option(&run->setup->config, key);
}

/* Reading a file has a journal of its own unless one is named. */
static char *journal_folder(struct run *run)
{
        const char *configured =
            applies(run, "journal.dir") ? run->setup->config.journal.dir : NULL;

        if (run->live || configured) {
                char *folder = paths_journal(configured, true);
                if (!folder)
                        log_error(
                            "journal %s: %s; -o journal.dir=DIR names another place",
                            configured ? configured : "folder", strerror(errno));
                return folder;
        }
        run->own_journal = make_own_journal();
        return run->own_journal ? strdup(run->own_journal) : NULL;
}

/* A run over files must not move the cursor of the daemon on the same host. */
static const char *sensor_name(const struct config *config, bool live, char name[300])
{
        char host[256] = "";

        if (config->redis.sensor) {
                snprintf(name, 300, "%s", config->redis.sensor);
                return name;
        }
        if (gethostname(host, sizeof(host) - 1) != 0 || !host[0])
                strcpy(host, "sensor");
        snprintf(name, 300, "%s%s", host, live ? "" : "-offline");
        return name;
}

static bool open_alerts(struct run *run)
{
        const struct config *config = &run->setup->config;
        enum print print = run->line->print;
        struct redis_options redis = {
                .prefix = config->redis.prefix,
                .sensor = sensor_name(config, run->live, run->sensor),
                .keep = (uint32_t)config->redis.keep,
                .seen_ns = config->journal.keep_ns,
                .held = on_block_held,
                .held_context = run,
                .others = &run->others,
        };
        struct alerts_options options = {
                .loop = run->loop,
                .counters = &run->counters,
                .journal = { .max_bytes = config->journal.max,
                             .max_age_ns = config->journal.keep_ns,
                             .sync = run->own_journal
                                         ? JOURNAL_SYNC_OFF
                                         : (enum journal_sync)config->journal.fsync,
                             .waits_for_disk = run->live },
                .line_context = &run->output,
        };
        char *folder = journal_folder(run);

        if (!folder)
                return false;
        if (config->redis.url && applies(run, "redis.url")) {
                char error[REACH_ERROR_MAX];
                if (!reach_redis(config, &redis.url, false, error)) {
                        log_error("%s", error);
                        free(folder);
                        return false;
                }
                options.redis = &redis;
                run->has_redis = true;
        }
        if (print == PRINT_ALERTS || (print == PRINT_UNSET && !run->live))
                options.line = on_alert_line;
        options.journal.directory = folder;
        run->alerts = alerts_new(&options);
        state_init(&run->state, folder, run->live ? config->journal.snapshot_ns : 0,
                   &run->counters);
        run->journal_path = folder;
        return run->alerts;
}

static int64_t hold_time(const struct run *run)
{
        const struct config *config = &run->setup->config;

        if (!run->live || run->has_no_front || config->capture.interfaces.count < 2)
                return 0;
        return 2 * config->capture.timeout_ns + HOLD_MORE;
}

/* Only where an answer could matter. */
static bool asks_for_names(const struct run *run)
{
        const struct setup *setup = run->setup;
        unsigned dns = setup->config.data.dns;

        return setup->crawlers && crawlers_have_hosts(setup->crawlers) &&
               check_wants_crawlers(setup) &&
               (dns == DNS_ON || (dns == DNS_AUTO && run->live));
}

static bool open_dns(struct run *run)
{
        const struct config *config = &run->setup->config;
        struct reverse_dns_options options = {
                .crawlers = run->setup->crawlers,
                .servers = (const char *const *)config->data.dns_servers.items,
                .server_count = config->data.dns_servers.count,
                .cache_size = (uint32_t)config->limits.dns_cache,
                .hash_key = privacy_hash_key(run->privacy),
                .loop = run->loop,
                .wait = !run->live,
                .counters = &run->counters,
        };

        if (!asks_for_names(run))
                return true;
        run->dns = reverse_dns_new(&options);
        return run->dns;
}

static bool open_pipeline(struct run *run)
{
        struct pipeline_options options = {
                .setup = run->setup,
                .has_no_front = run->has_no_front,
                .traffic = run->has_no_front ? &run->others : &run->counters,
                .flow_key = run->live ? hash_key_random() : hash_key_fixed(),
                .engine_key = privacy_hash_key(run->privacy),
                .pseudonym = privacy_pseudonym,
                .pseudonym_context = run->privacy,
                /* In files, or where nobody is told, no block could have been enforced.
                 */
                .raises_ignored = run->live && run->setup->config.redis.url,
                .incident = alerts_incident,
                .incident_context = run->alerts,
                .hold_ns = hold_time(run),
                .hellos = run->line->print == PRINT_HELLOS ? &run->output.lines : NULL,
                .requests =
                    run->line->print == PRINT_REQUESTS ? &run->output.lines : NULL,
                .hosts = run->dns ? reverse_dns_find : NULL,
                .hosts_context = run->dns,
                .clock = run->live ? clock_monotonic_ns : NULL,
                .counters = &run->counters,
        };

        privacy_id_key(run->privacy, options.id_key);
        options.snapshot = state_open(&run->state);
        options.now_ns = clock_wall_ns();
        run->pipeline = pipeline_new(&options);
        if (run->live && run->pipeline)
                state_catch_up(&run->state, options.snapshot, run->pipeline);
        if (options.snapshot)
                fclose(options.snapshot);
        if (!run->pipeline)
                log_error(
                    "the memory for the limits cannot be reserved; lower limits.flows, "
                    "limits.reassembly, limits.http_memory or limits.detect");
        return run->pipeline;
}

static bool is_same_list(const struct text_list *a, const struct text_list *b)
{
        if (a->count != b->count)
                return false;
        for (unsigned i = 0; i < a->count; i++)
                if (strcmp(a->items[i], b->items[i]) != 0)
                        return false;
        return true;
}

/* Whether the names that are known, and whoever was asked for them, are still good. */
static bool keeps_dns(const struct run *run, const struct setup *old)
{
        const struct setup *new = run->setup;

        return run->dns && asks_for_names(run) &&
               is_same_list(&old->config.data.dns_servers,
                            &new->config.data.dns_servers) &&
               crawlers_have_same_hosts(old->crawlers, new->crawlers);
}

static bool reload_pipeline(struct run *run)
{
        if (pipeline_reload(run->pipeline, run->setup, run->dns ? reverse_dns_find : NULL,
                            run->dns))
                return true;
        log_error("there is no memory for the new rules");
        return false;
}

bool run_reload(struct run *run, const struct setup *setup)
{
        const struct setup *old_setup = run->setup;
        struct reverse_dns *old_dns = run->dns;

        run->setup = setup;
        bool keeps = keeps_dns(run, old_setup);
        if (!keeps)
                run->dns = NULL;
        if ((keeps || open_dns(run)) && reload_pipeline(run)) {
                if (keeps)
                        reverse_dns_set_crawlers(run->dns, setup->crawlers);
                else
                        reverse_dns_free(&old_dns);
                return true;
        }
        if (!keeps)
                reverse_dns_free(&run->dns);
        run->dns = old_dns;
        run->setup = old_setup;
        return false;
}

void run_release(struct run *run)
{
        pipeline_free(&run->pipeline);
        state_free(&run->state);
        reverse_dns_free(&run->dns);
        alerts_free(&run->alerts);
        privacy_free(&run->privacy);
        if (run->own_journal)
                remove_own_journal(run->own_journal);
        free(run->own_journal);
        free(run->journal_path);
        output_free(&run->output);
        event_base_free(run->loop);
}

bool run_begin(struct run *run, const struct command_line *line,
               const struct setup *setup, bool live)
{
        *run = (struct run){ .line = line, .setup = setup, .live = live };
        run->started_ns = clock_wall_ns();
        run->loop = event_base_new();
        CHECK(run->loop);
        output_init(&run->output, run->loop, &run->counters, live);
        if (open_alerts(run))
                return true;
        run_release(run);
        return false;
}

bool run_prepare(struct run *run)
{
        return open_privacy(run) && open_dns(run) && open_pipeline(run);
}

static struct counters total(const struct run *run)
{
        struct counters sum = run->counters;

        counters_add(&sum, &run->others);
        return sum;
}

bool run_advise(const struct run *run)
{
        struct counters all = total(run);
        struct buf text = { 0 };
        bool says = false;

        if (all.packets > 0 || !run->is_broken_off)
                says = advice(&all, run->setup->config.capture.filter, &text);
        if (says)
                log_warning("%.*s", (int)text.len, (const char *)text.data);
        buf_free(&text);
        return says;
}

/* False after a line when alerts of files that were read did not reach Redis. */
static bool drain(struct run *run)
{
        uint64_t left = alerts_drain(run->alerts, DRAIN_TIME);

        if (left == 0)
                return true;
        if (run->live) {
                log_warning("%llu alerts are in the journal that Redis does not have "
                            "yet; they are sent when the daemon runs again",
                            (unsigned long long)left);
                return true;
        }
        if (!run->own_journal) {
                log_error("%llu alerts are in the journal that Redis does not have; they "
                          "are sent by the next run with this journal.dir",
                          (unsigned long long)left);
                return false;
        }
        log_error("%llu alerts did not reach Redis; they are kept in %s: run this again "
                  "with -o journal.dir=%s when Redis answers, or read them with "
                  "trawlctl alerts --journal %s",
                  (unsigned long long)left, run->own_journal, run->own_journal,
                  run->own_journal);
        free(run->own_journal);
        run->own_journal = NULL;
        return false;
}

/*
 * False after a line when alerts are lost for good. A journal that goes away with the run
 * and that no Redis waits for loses nothing: its alerts were lines.
 */
static bool account_for_lost(struct run *run)
{
        alerts_give_up(run->alerts);
        uint64_t lost = run->counters.alerts_lost;

        if (lost == 0 || (run->own_journal && !run->has_redis))
                return true;
        log_error(
            "%llu alerts could not be written to the journal and are lost; free some "
            "space%s",
            (unsigned long long)lost,
            run->live ? ""
                      : ", or name another place with -o journal.dir=DIR, and "
                        "run this again");
        return false;
}

static void print_counters(const struct run *run)
{
        struct counters all = total(run);
        struct buf text = { 0 };

        counters_print(&all, &text);
        fwrite(text.data, 1, text.len, stderr);
        buf_free(&text);
}

/* Incidents that the next run will go on with are not ended. */
static void finish_pipeline(struct run *run)
{
        pipeline_flush(run->pipeline);
        if (!state_write(&run->state, run->pipeline))
                pipeline_finish(run->pipeline);
}

bool run_finish(struct run *run)
{
        bool good;

        finish_pipeline(run);
        output_finish(&run->output);
        good = run->live || !run->output.error || run->output.error == EPIPE;
        good &= run->hands_over || drain(run);
        good &= account_for_lost(run);
        if (!run->live)
                run_advise(run);
        if (run->line->stats)
                print_counters(run);
        return good;
}

struct capture_options run_capture_options(const struct config *config)
{
        return (struct capture_options){
                .filter = config->capture.filter,
                .snaplen = (uint32_t)config->capture.snaplen,
                .buffer = config->capture.buffer,
                .timeout_ms = (int)(config->capture.timeout_ns / NS_PER_MS),
                .promiscuous = config->capture.promiscuous,
        };
}

void run_link_unknown(const struct capture *capture, int link,
                      char error[CAPTURE_ERROR_MAX])
{
        snprintf(error, CAPTURE_ERROR_MAX,
                 "%s: link type %s is not read; Ethernet, Linux cooked, loopback and raw "
                 "IP are",
                 capture_name(capture), capture_link_name(link));
}

bool run_link_is_known(const struct capture *capture, char error[CAPTURE_ERROR_MAX])
{
        int link = capture_link(capture);
        bool is_known = link == CAPTURE_LINKS_DIFFER || frame_link_is_known(link);

        if (!is_known)
                run_link_unknown(capture, link, error);
        return is_known;
}
