/* SPDX-License-Identifier: MIT */
/*
 * alert_driver JOURNAL SENSOR URL [FSYNC [KEEP [KEY=VALUE...]]] - the alert layer alone,
 * told what to do. KEY is one of the section redis of the configuration, or timeout_ms.
 *
 * Lines on standard input, one answer line each on standard output:
 *
 *      alerts FROM COUNT            raises incidents FROM, FROM + 1, ...
 *      block FROM COUNT MS [LEVEL]  the same, each with a block that lives for MS
 *      swarm NUMBER COUNT MS        one incident with a block for each of so many
 * addresses update NUMBER N              event N of incident NUMBER, its block still
 * running drain MS                     "left N" stats                        the counters
 * as JSON held                         the blocks that were told of as held, or "none"
 *      script                       the publishing script's SHA-1
 *
 * The end of the input is an orderly stop without draining.
 */
#include <event2/event.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "alert/alerts.h"
#include "alert/redis_script_priv.h"
#include "alert/redis_secret.h"
#include "base/clock.h"

struct driver {
        struct event_base *loop;
        struct alerts *alerts;
        struct counters counters;
        struct buf input, held;
        bool is_over;
};

#define SWARM_MAX 1000

/* What an incident puts: COUNT blocks, of its own address and those behind it. */
struct blocks {
        int64_t ms;
        unsigned level, count;
};

static struct slice address_of(uint64_t number, char text[32])
{
        int len = snprintf(text, 32, "203.0.%u.%u", (unsigned)(number >> 8 & 255),
                           (unsigned)(number & 255));

        return slice_of(text, (size_t)len);
}

static void raise_incident(struct driver *d, uint64_t number, uint32_t n,
                           struct blocks put)
{
        static struct incident_block blocks[SWARM_MAX];
        static char addresses[SWARM_MAX][32];
        static const char *const references[] = { "OWASP OAT-011", NULL };
        struct incident_involved involved[PARTICIPANT_KINDS] = { 0 };
        struct incident_evidence evidence = { "distinct(target, 10m)", 131, false,
                                              false };
        int64_t now = clock_wall_ns();
        struct slice subject = address_of(number, addresses[0]);
        struct incident incident = {
                .action = n ? INCIDENT_UPDATED : INCIDENT_RAISED,
                .n = n,
                .time_ns = now,
                .start_ns = now - NS_PER_SEC,
                .last_ns = now,
                .rule = "profile-harvest",
                .description =
                    "One client opens far more distinct profiles than a person.",
                .references = references,
                .severity = SEVERITY_HIGH,
                .subject_type = "client.host",
                .subject = subject,
                .evidence_count = 1,
                .evidence = &evidence,
                .involved = involved,
                .block_count = put.ms > 0 ? put.count : 0,
                .blocks_are_new = n == 0,
                .blocks = blocks,
        };

        for (unsigned i = 0; i < put.count; i++)
                blocks[i] =
                    (struct incident_block){ "ip", address_of(number + i, addresses[i]),
                                             now, now + put.ms * NS_PER_MS, put.level };
        involved[PARTICIPANT_CLIENT_IP].total = 1;
        involved[PARTICIPANT_CLIENT_IP].count = 1;
        involved[PARTICIPANT_CLIENT_IP].values[0] = subject;
        snprintf(incident.id, sizeof(incident.id), "%026" PRIu64, number);
        alerts_incident(d->alerts, &incident);
}

static void obey(struct driver *d, const char *line)
{
        struct blocks put = { .level = 1, .count = 1 };
        uint64_t from, count;
        int64_t ms;
        uint32_t n;

        if (sscanf(line, "alerts %" SCNu64 " %" SCNu64, &from, &count) == 2) {
                for (uint64_t i = 0; i < count; i++)
                        raise_incident(d, from + i, 0, put);
                printf("ok\n");
        } else if (sscanf(line, "block %" SCNu64 " %" SCNu64 " %" SCNd64 " %u", &from,
                          &count, &put.ms, &put.level) >= 3) {
                for (uint64_t i = 0; i < count; i++)
                        raise_incident(d, from + i, 0, put);
                printf("ok\n");
        } else if (sscanf(line, "swarm %" SCNu64 " %u %" SCNd64, &from, &put.count,
                          &put.ms) == 3 &&
                   put.count <= SWARM_MAX) {
                raise_incident(d, from, 0, put);
                printf("ok\n");
        } else if (sscanf(line, "update %" SCNu64 " %" SCNu32, &from, &n) == 2) {
                put.ms = 60000;
                raise_incident(d, from, n, put);
                printf("ok\n");
        } else if (sscanf(line, "drain %" SCNd64, &ms) == 1) {
                printf("left %" PRIu64 "\n", alerts_drain(d->alerts, ms * NS_PER_MS));
        } else if (strcmp(line, "held") == 0) {
                printf("%.*s\n", d->held.len ? (int)d->held.len : 4,
                       d->held.len ? (const char *)d->held.data : "none");
                buf_clear(&d->held);
        } else if (strcmp(line, "script") == 0) {
                printf("%s\n", publish_sha1());
        } else if (strcmp(line, "stats") == 0) {
                struct buf text = { 0 };
                counters_print(&d->counters, &text);
                while (text.len && text.data[text.len - 1] == '\n')
                        text.len--;
                printf("%.*s\n", (int)text.len, (const char *)text.data);
                buf_free(&text);
        } else {
                printf("what?\n");
        }
        fflush(stdout);
}

static void on_held(void *context, const struct block_held *held)
{
        struct driver *d = context;

        buf_printf(&d->held, "%s%.*s %.*s %.*s:%.*s", d->held.len ? " " : "",
                   (int)held->id.len, (const char *)held->id.data, (int)held->rule.len,
                   (const char *)held->rule.data, (int)held->type.len,
                   (const char *)held->type.data, (int)held->value.len,
                   (const char *)held->value.data);
}

static void obey_all(struct driver *d)
{
        struct slice rest = buf_slice(&d->input), line;
        char copy[256];

        while (slice_find(rest, '\n') < rest.len && slice_next(&rest, '\n', &line)) {
                snprintf(copy, sizeof(copy), "%.*s", (int)line.len,
                         (const char *)line.data);
                obey(d, copy);
        }
        if (rest.len)
                memmove(d->input.data, rest.data, rest.len);
        d->input.len = rest.len;
}

static void on_input(evutil_socket_t fd, short what, void *context)
{
        struct driver *d = context;

        (void)what;
        buf_reserve(&d->input, 4096);
        ssize_t n = read(fd, d->input.data + d->input.len, 4096);
        d->is_over = n <= 0;
        d->input.len += n > 0 ? (size_t)n : 0;
}

static bool parse_sync(const char *name, enum journal_sync *sync)
{
        static const char *const names[] = {
                [JOURNAL_SYNC_ALWAYS] = "always",
                [JOURNAL_SYNC_INTERVAL] = "interval",
                [JOURNAL_SYNC_OFF] = "off",
        };

        for (int i = 0; i <= JOURNAL_SYNC_OFF; i++) {
                if (strcmp(name, names[i]) == 0) {
                        *sync = (enum journal_sync)i;
                        return true;
                }
        }
        return false;
}

/* KEY=VALUE as the configuration has it; the daemon itself does this in app/reach.c. */
static bool take_setting(struct redis_options *redis, const char *setting)
{
        struct redis_url *url = &redis->url;
        const struct {
                const char *key, **text;
        } texts[] = {
                { "tls_ca=", &url->tls.ca },
                { "tls_cert=", &url->tls.cert },
                { "tls_key=", &url->tls.key },
                { "tls_name=", &url->tls.name },
        };
        char error[REDIS_SECRET_ERROR_MAX], warning[REDIS_SECRET_ERROR_MAX];
        const char *value = strchr(setting, '=');

        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
                if (strncmp(setting, texts[i].key, strlen(texts[i].key)) == 0) {
                        *texts[i].text = value + 1;
                        return true;
                }
        }
        if (strncmp(setting, "timeout_ms=", 11) == 0) {
                redis->timeout_ns = atoll(value + 1) * NS_PER_MS;
                return true;
        }
        if (strncmp(setting, "user=", 5) == 0) {
                snprintf(url->user, sizeof(url->user), "%s", value + 1);
                return true;
        }
        if (strncmp(setting, "sentinel_user=", 14) == 0) {
                snprintf(url->sentinel_user, sizeof(url->sentinel_user), "%s", value + 1);
                return true;
        }
        if (strncmp(setting, "password_file=", 14) == 0 &&
            redis_secret_read("redis.password_file", value + 1, url->password, error,
                              warning))
                return true;
        if (strncmp(setting, "sentinel_password_file=", 23) == 0 &&
            redis_secret_read("redis.sentinel_password_file", value + 1,
                              url->sentinel_password, error, warning))
                return true;
        fprintf(stderr, "%s?\n", setting);
        return false;
}

int main(int argc, char **argv)
{
        struct driver d = { .loop = event_base_new() };
        struct redis_options redis = { 0 };
        struct alerts_options options = { .loop = d.loop, .counters = &d.counters };

        signal(SIGPIPE, SIG_IGN); /* as the daemon does: Redis may go at any time */
        if (argc < 4)
                return 2;
        options.journal.directory = argv[1];
        options.journal.sync = JOURNAL_SYNC_INTERVAL;
        options.journal.waits_for_disk = true;
        redis.sensor = argv[2];
        redis.held = on_held;
        redis.held_context = &d;
        const char *wrong = redis_url_parse(argv[3], &redis.url);
        if (wrong || (argc > 4 && !parse_sync(argv[4], &options.journal.sync))) {
                fprintf(stderr, "%s\n", wrong ? wrong : "fsync?");
                return 2;
        }
        if (argc > 5)
                redis.keep = (uint32_t)atoi(argv[5]);
        for (int i = 6; i < argc; i++)
                if (!take_setting(&redis, argv[i]))
                        return 2;
        options.redis = &redis;
        options.journal.segment_bytes = 1u << 20;
        d.alerts = alerts_new(&options);
        if (!d.alerts) {
                event_base_free(d.loop);
                return 1;
        }
        struct event *input =
            event_new(d.loop, STDIN_FILENO, EV_READ | EV_PERSIST, on_input, &d);
        event_add(input, NULL);
        printf("ready\n");
        fflush(stdout);
        while (!d.is_over) { /* draining turns the loop: not from one of its callbacks */
                event_base_loop(d.loop, EVLOOP_ONCE);
                obey_all(&d);
        }
        event_free(input);
        alerts_free(&d.alerts);
        event_base_free(d.loop);
        buf_free(&d.input);
        buf_free(&d.held);
        return 0;
}
