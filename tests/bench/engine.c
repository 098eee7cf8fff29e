/* SPDX-License-Identifier: MIT */
/*
 * engine - transactions straight into the rules: how many a second, how long the slowest
 * take, and what a visitor costs.
 *
 *      bench-engine [visitors=N] [speed] [latency] [memory] [flood] [many] [tables]
 *                   [busy] [busiest]
 *
 * speed    a million visitors, five profile views each, in random order and within an
 *          hour: with the shipped rules
 * many     the same, two views each: 10, 100 and 1 000 rules on one key
 * tables   the same: one rule each for 1, 4 and 16 keys
 * busy     the same: 1, 10 and 100 rules that are asked with each transaction
 * latency  five views each with the shipped rules, each transaction timed
 * memory   five views each: bytes a visitor
 * flood    ten times as many visitors pass by; one scraper among them
 * busiest  a look at all keys, in steps of 512 slots
 *
 * With fewer visitors they come as much slower, so that each sees as much time pass. For
 * counting instructions: valgrind --tool=callgrind --toggle-collect=engine_records.
 * One JSON object a line. To be run where the project's `rules` folder is.
 */
#include "base/check.h"
#include "base/clock.h"
#include "detect/busiest.h"
#include "detect/engine_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BEGIN        (INT64_C(1795431600) * NS_PER_SEC)
#define VISITORS     1000000U
#define HASTE_NS     700000 /* between two requests, when there are as many visitors */
#define TARGETS      300000U
#define PAGE_PROFILE "profile"
#define AT_ONCE      16 /* records that the engine gets, as from the pipeline */

struct bench {
        struct site *site;
        struct rules *rules;
        struct engine *engine;
        struct counters counters;
        uint64_t raised, random;
        uint32_t visitors;
        uint16_t page;
        unsigned number; /* of the next record */
        struct {
                struct record record;
                char texts[384];
        } made[AT_ONCE];
};

static void on_incident(void *context, const struct incident *incident)
{
        struct bench *b = context;

        b->raised += incident->action == INCIDENT_RAISED;
}

static size_t as_it_is(void *context, const char *type, struct slice raw, char out[256])
{
        (void)context, (void)type;
        raw = slice_first(raw, 256);
        memcpy(out, raw.data, raw.len);
        return raw.len;
}

static void begin(struct bench *b, uint64_t memory)
{
        struct engine_options options = { .rules = b->rules,
                                          .site = b->site,
                                          .hash_key = hash_key_fixed(),
                                          .memory_max = memory,
                                          .incidents_max = 100000,
                                          .hellos_max = 1000,
                                          .hello_join_ns = NS_PER_SEC,
                                          .block_limits = { 600, 0.05 },
                                          .pseudonym = as_it_is,
                                          .incident = on_incident,
                                          .incident_context = b,
                                          .counters = &b->counters };

        b->counters = (struct counters){ 0 };
        b->raised = 0;
        b->random = 88172645463325252;
        b->engine = engine_new(&options);
        CHECK(b->engine);
}

static uint32_t pick(struct bench *b, uint32_t below)
{
        b->random ^= b->random << 13;
        b->random ^= b->random >> 7;
        b->random ^= b->random << 17;
        return (uint32_t)((b->random >> 32) * below >> 32);
}

static void put(char *texts, size_t *used, struct record_span *span, const char *text)
{
        size_t len = strlen(text);

        memcpy(texts + *used, text, len);
        *span = (struct record_span){ (uint32_t)(sizeof(struct record) + *used),
                                      (uint32_t)len };
        *used += len;
}

/* A profile view of that visitor; each has an address of its own, a session and a
   browser, and comes from a page of the site. */
static const struct record *make(struct bench *b, uint32_t visitor, uint32_t target,
                                 int64_t time_ns)
{
        struct record *r = &b->made[b->number].record;
        char *texts = b->made[b->number].texts;
        uint32_t address = 0x0b000000U + visitor * 7;
        char name[32], path[40], session[32];
        size_t used = 0;

        b->number = (b->number + 1) % AT_ONCE;
        *r = (struct record){ .flags = RECORD_REFERER_SAME_SITE,
                              .start_ns = time_ns - NS_PER_MS,
                              .end_ns = time_ns,
                              .duration_ns = NS_PER_MS,
                              .latency_ns = NS_PER_MS,
                              .page = b->page,
                              .status = 200,
                              .cookies = 1,
                              .request_bytes = 400,
                              .response_bytes = 9000,
                              .version_major = 1,
                              .version_minor = 1,
                              .http_shape = visitor % 40 + 1 };
        r->client = (struct ip){ 0 };
        r->client.bytes[10] = r->client.bytes[11] = 0xff;
        for (unsigned i = 0; i < 4; i++)
                r->client.bytes[12 + i] = (uint8_t)(address >> (24 - 8 * i));
        r->client_host = network_of(&r->client, 128);
        r->client_prefix = network_of(&r->client, 96 + 24);
        snprintf(name, sizeof(name), "user%u", target);
        snprintf(path, sizeof(path), "/in/user%u", target);
        snprintf(session, sizeof(session), "%08x%08x", visitor * 2654435761U, visitor);
        put(texts, &used, &r->texts[RECORD_METHOD], "GET");
        put(texts, &used, &r->texts[RECORD_TARGET], name);
        put(texts, &used, &r->texts[RECORD_PATH], path);
        r->texts[RECORD_RAW_PATH] = r->texts[RECORD_PATH];
        put(texts, &used, &r->texts[RECORD_SESSION], session);
        put(texts, &used, &r->texts[RECORD_USER_AGENT],
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like "
            "Gecko) Chrome/126.0.0.0 Safari/537.36");
        put(texts, &used, &r->texts[RECORD_UA_FAMILY], "chrome");
        put(texts, &used, &r->texts[RECORD_UA_VERSION], "126.0");
        r->size = (uint32_t)((sizeof(*r) + used + 7) / 8 * 8);
        return r;
}

static double cpu_seconds(void)
{
        struct timespec now;

        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
        return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* The time of the n-th transaction: a visitor's next one comes 700 seconds later. */
static int64_t time_of(const struct bench *b, unsigned n)
{
        return BEGIN + (int64_t)n * HASTE_NS * VISITORS / b->visitors;
}

static int64_t monotonic_ns(void)
{
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (int64_t)now.tv_sec * NS_PER_SEC + now.tv_nsec;
}

/* What making the records costs is measured alone and taken off. */
static double seconds_to_make(struct bench *b, unsigned count)
{
        double from = cpu_seconds();
        uint64_t sum = 0;

        for (unsigned i = 0; i < count; i++)
                sum += make(b, pick(b, b->visitors), pick(b, TARGETS), BEGIN + i)->size;
        CHECK(sum);
        return cpu_seconds() - from;
}

static double speed(struct bench *b, const char *name, unsigned count)
{
        double making = seconds_to_make(b, count);

        begin(b, UINT64_C(2) << 30);
        double from = cpu_seconds();
        for (unsigned i = 0; i < count; i += AT_ONCE) {
                const struct record *records[AT_ONCE];
                for (unsigned k = 0; k < AT_ONCE; k++)
                        records[k] = make(b, pick(b, b->visitors), pick(b, TARGETS),
                                          time_of(b, i + k));
                engine_records(b->engine, records, AT_ONCE);
        }
        double ns = (cpu_seconds() - from - making) * 1e9 / count;
        printf("{\"case\":\"speed\",\"rules\":\"%s\",\"transactions\":%u,\"visitors\":%u,"
               "\"ns_each\":%.0f,\"per_second\":%.0f,\"raised\":%" PRIu64
               ",\"evicted\":%" PRIu64 "}\n",
               name, count, b->visitors, ns, 1e9 / ns, b->raised,
               b->counters.entries_evicted);
        fflush(stdout);
        engine_free(&b->engine);
        return ns;
}

static int compare(const void *a, const void *b)
{
        uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

        return (x > y) - (x < y);
}

static void latency(struct bench *b, unsigned count)
{
        uint32_t *took = malloc(count * sizeof(*took));

        CHECK(took);
        begin(b, UINT64_C(256) << 20);
        for (unsigned i = 0; i < count; i++) {
                const struct record *r =
                    make(b, pick(b, b->visitors), pick(b, TARGETS), time_of(b, i));
                int64_t from = monotonic_ns();
                engine_record(b->engine, r);
                took[i] = (uint32_t)(monotonic_ns() - from);
        }
        qsort(took, count, sizeof(*took), compare);
        printf("{\"case\":\"latency\",\"transactions\":%u,\"p50_ns\":%u,\"p99_ns\":%u,"
               "\"p99.9_ns\":%u,\"max_ns\":%u,\"evicted\":%" PRIu64 "}\n",
               count, took[count / 2], took[count / 100 * 99], took[count / 1000 * 999],
               took[count - 1], b->counters.entries_evicted);
        fflush(stdout);
        free(took);
        engine_free(&b->engine);
}

static uint64_t bytes_used(const struct engine *e)
{
        uint64_t bytes = 0;

        for (uint32_t n = 1; n <= e->budget.pages.touched; n++) {
                const struct budget_page *page = slab_at(&e->budget.descriptors, n);
                bytes += (uint64_t)page->used * e->budget.class[page->size_class].size;
        }
        for (unsigned i = 0; i < e->rules->table_count; i++)
                bytes += 8 * (uint64_t)e->tables[i].index.count;
        return bytes + 8 * (uint64_t)(e->actors.actors.count + e->actors.texts.count);
}

static void memory(struct bench *b)
{
        begin(b, UINT64_C(4) << 30);
        uint64_t before = bytes_used(b->engine);
        for (unsigned round = 0; round < 5; round++)
                for (unsigned visitor = 0; visitor < b->visitors; visitor++)
                        engine_record(
                            b->engine,
                            make(b, visitor, pick(b, TARGETS),
                                 BEGIN +
                                     (int64_t)(round * b->visitors + visitor) * 100000));
        printf("{\"case\":\"memory\",\"visitors\":%u,\"requests\":5,\"bytes_each\":%.0f,"
               "\"evicted\":%" PRIu64 "}\n",
               b->visitors, (double)(bytes_used(b->engine) - before) / b->visitors,
               b->counters.entries_evicted);
        fflush(stdout);
        engine_free(&b->engine);
}

/* The scraper takes one of a thousand requests, a new profile each time. */
static void flood(struct bench *b)
{
        enum { SCRAPER = 0 };
        unsigned own = 0, count = 10 * b->visitors;

        begin(b, UINT64_C(256) << 20);
        for (unsigned i = 1; i < count; i++) {
                bool scraper = i % 1000 == 0;
                engine_record(b->engine, make(b, scraper ? SCRAPER : i,
                                              scraper ? own++ : pick(b, TARGETS),
                                              BEGIN + (int64_t)i * 100000));
        }
        printf("{\"case\":\"flood\",\"visitors\":%u,\"budget\":%u,\"bytes_used\":%" PRIu64
               ",\"evicted\":%" PRIu64 ",\"scraper_found\":%s}\n",
               count, 256U << 20, bytes_used(b->engine), b->counters.entries_evicted,
               b->raised ? "true" : "false");
        fflush(stdout);
        engine_free(&b->engine);
}

static void count_key(void *context, const struct busiest_key *key)
{
        (void)key;
        ++*(unsigned *)context;
}

static void busiest(struct bench *b)
{
        struct busiest *look = busiest_new(BUSIEST_MAX);
        int64_t longest_ns = 0, total_ns = 0, begin_ns;
        unsigned told = 0;
        bool is_done = false;

        begin(b, UINT64_C(4) << 30);
        for (unsigned visitor = 0; visitor < b->visitors; visitor++)
                engine_record(b->engine, make(b, visitor, pick(b, TARGETS),
                                              BEGIN + (int64_t)visitor * 100000));
        while (!is_done) {
                begin_ns = monotonic_ns();
                is_done = busiest_look(look, b->engine, 512);
                int64_t took_ns = monotonic_ns() - begin_ns;
                total_ns += took_ns;
                longest_ns = took_ns > longest_ns ? took_ns : longest_ns;
        }
        begin_ns = monotonic_ns();
        busiest_each(look, b->engine, count_key, &told);
        printf("{\"case\":\"busiest\",\"visitors\":%u,\"look_ms\":%.1f,"
               "\"longest_step_ms\":%.3f,\"told\":%u,\"telling_ms\":%.3f}\n",
               b->visitors, (double)total_ns / NS_PER_MS, (double)longest_ns / NS_PER_MS,
               told, (double)(monotonic_ns() - begin_ns) / NS_PER_MS);
        fflush(stdout);
        busiest_free(&look);
        engine_free(&b->engine);
}

static void load(struct bench *b, const char *path, struct slice text)
{
        struct diag *diag = diag_new();
        struct buf said = { 0 };

        rules_free(&b->rules);
        b->rules = path ? rules_read((const char *const *)&path, 1, b->site, diag)
                        : rules_parse("made", text, b->site, diag);
        if (!b->rules) {
                diag_print(diag, &said);
                fprintf(stderr, "%.*s", (int)said.len, (const char *)said.data);
                exit(1);
        }
        diag_free(&diag);
}

/* On one key; windows of four lengths, and conditions that differ from rule to rule. */
static void load_many(struct bench *b, unsigned count)
{
        static const char *const windows[] = { "1m", "10m", "1h", "6h" };
        struct buf text = { 0 };

        buf_put_str(&text, "rules:\n");
        for (unsigned i = 0; i < count; i++)
                buf_printf(&text,
                           "  - name: rule-%u\n"
                           "    where: page == profile and status == 200\n"
                           "    per: client.host\n"
                           "    when: distinct(target, %s) >= %u and count(%s) >= %u\n",
                           i, windows[i % 4], 150 + i, windows[i / 4 % 4], 160 + i / 2);
        load(b, NULL, buf_slice(&text));
        buf_free(&text);
}

static void many(struct bench *b)
{
        char name[16];
        double ten = 0;

        for (unsigned count = 10; count <= 1000; count *= 10) {
                load_many(b, count);
                snprintf(name, sizeof(name), "%u", count);
                double ns = speed(b, name, 2 * b->visitors);
                ten = count == 10 ? ns : ten;
                printf("{\"case\":\"many\",\"rules\":%u,\"times_ten\":%.2f}\n", count,
                       ns / ten);
        }
}

/* Rules that have to be asked for each transaction: what they need is no number of it. */
static void load_busy(struct bench *b, unsigned count)
{
        static const char *const windows[] = { "1m", "10m", "1h", "6h" };
        struct buf text = { 0 };

        buf_put_str(&text, "rules:\n");
        for (unsigned i = 0; i < count; i++)
                buf_printf(&text,
                           "  - name: rule-%u\n"
                           "    where: page == profile and status == 200\n"
                           "    per: client.prefix\n"
                           "    when: distinct(target, %s) / count(%s) > %u\n",
                           i, windows[i % 4], windows[i % 4], 10 + i);
        load(b, NULL, buf_slice(&text));
        buf_free(&text);
}

static void busy(struct bench *b)
{
        char name[32];

        for (unsigned count = 1; count <= 100; count *= 10) {
                load_busy(b, count);
                snprintf(name, sizeof(name), "%u busy", count);
                speed(b, name, 2 * b->visitors);
        }
}

/* As many different keys, each of one visitor. */
static void load_tables(struct bench *b, unsigned count)
{
        static const char *const who[] = { "client.host", "session", "client.ip",
                                           "[client.host, session]" };
        static const char *const more[] = { "", "method", "status", "http.shape" };
        struct buf text = { 0 };

        buf_put_str(&text, "rules:\n");
        for (unsigned i = 0; i < count; i++) {
                buf_printf(&text,
                           "  - name: rule-%u\n"
                           "    where: page == profile and status == 200\n"
                           "    when: distinct(target, 10m) >= 150\n"
                           "    per: ",
                           i);
                size_t len = strlen(who[i % 4]) - (i % 4 == 3);
                if (i < 4)
                        buf_printf(&text, "%s\n", who[i % 4]);
                else
                        buf_printf(&text, "%s%.*s, %s]\n", i % 4 == 3 ? "" : "[",
                                   (int)len, who[i % 4], more[i / 4]);
        }
        load(b, NULL, buf_slice(&text));
        buf_free(&text);
}

static void tables(struct bench *b)
{
        char name[32];

        for (unsigned count = 1; count <= 16; count *= 4) {
                load_tables(b, count);
                snprintf(name, sizeof(name), "%u keys", count);
                speed(b, name, 2 * b->visitors);
        }
}

static bool is_wanted(int argc, char **argv, const char *name)
{
        for (int i = 1; i < argc; i++)
                if (strcmp(argv[i], name) == 0)
                        return true;
        return argc == 1;
}

int main(int argc, char **argv)
{
        struct bench *b = calloc(1, sizeof(*b));
        struct diag *diag = diag_new();

        CHECK(b);
        b->visitors = VISITORS;
        if (argc > 1 && sscanf(argv[1], "visitors=%" SCNu32, &b->visitors) == 1)
                argv++, argc--;
        CHECK(b->visitors >= AT_ONCE && b->visitors <= VISITORS);
        b->site = site_read("rules/sites/profile-network.yaml", diag);
        if (!b->site) {
                fputs("bench-engine: there is no rules/sites/profile-network.yaml here\n",
                      stderr);
                return 1;
        }
        diag_free(&diag);
        const struct value_names *pages = site_page_names(b->site);
        b->page = (uint16_t)pages->find(pages->context, slice_str(PAGE_PROFILE));
        load(b, "rules", slice_none());
        if (is_wanted(argc, argv, "speed"))
                speed(b, "shipped", 5 * b->visitors);
        if (is_wanted(argc, argv, "latency"))
                latency(b, 5 * b->visitors);
        if (is_wanted(argc, argv, "memory"))
                memory(b);
        if (is_wanted(argc, argv, "flood"))
                flood(b);
        if (is_wanted(argc, argv, "busiest"))
                busiest(b);
        if (is_wanted(argc, argv, "many"))
                many(b);
        if (is_wanted(argc, argv, "tables"))
                tables(b);
        if (is_wanted(argc, argv, "busy"))
                busy(b);
        rules_free(&b->rules);
        site_free(&b->site);
        free(b);
        return 0;
}
