/* SPDX-License-Identifier: MIT */
/*
 * What a worker that has been taken over may put into its ring: records, hellos and
 * visitors without an answer, through their checks and, if they are sound, through the
 * shipped rules or through some that ask for everything and block at once. The engine,
 * record_print, hello_print and the alerts must stand whatever it is.
 *
 * An input is a byte of what is set up, then steps: how, a length of two bytes, and so
 * many bytes of a message.
 */
#include "alert/alert_json.h"
#include "base/check.h"
#include "base/clock.h"
#include "detect/engine.h"
#include "observe/record_check.h"
#include "tls/hello_pack.h"

#include <stdio.h>
#include <stdlib.h>

enum { SHIPPED = 1, WATCHING = 2 }; /* bits of the first byte */

/* A step's first byte. */
enum how {
        HOW_RECORD = 0,
        HOW_HELLO = 1,
        HOW_UNANSWERED = 2,
        HOW_TIME = 3,
        HOW_KINDS = 3,
        HOW_OFTEN = 12,        /* so many times: 1, 4, 16, 64 */
        HOW_OTHER_CLIENT = 16, /* from one to the next */
        HOW_OTHER_TARGET = 32,
        HOW_OTHER_SESSION = 64,
        HOW_MENDED = 128, /* what hangs together does, so that more of them are sound */
};

enum { STEP_HEAD = 3, MESSAGES_MAX = 512 };

#define BEGIN (INT64_C(1795431600) * NS_PER_SEC)

static const char all_rules[] =
    "rules:\n"
    "  - { name: host, per: client.host, where: status < 1000, when: count(1m) >= 2,\n"
    "      block: [1m, 1h] }\n"
    "  - { name: ip, per: client.ip, when: \"max(request.bytes, 1m) > 1 or\n"
    "      sum(response.bytes, 1h) > 1 or mean(latency, 1m) > 1ms\", block: 1m }\n"
    "  - { name: prefix, per: client.prefix, when: \"distinct(target, 1d) >= 2\",\n"
    "      block: 1m, block_what: [client.ip, client.host, client.prefix, session,\n"
    "      account, http.shape, tls.ja4], tag: { session: bad, for: 1h } }\n"
    "  - { name: session, per: session, when: \"gap_entropy(10m) >= 0 or\n"
    "      modal_gap_share(10m) > 0 or sequential(target.number, 10m) > 0\", block: 1m "
    "}\n"
    "  - { name: account, per: account, when: \"account.age > 0s or count(1m) > 1\",\n"
    "      block: 1m }\n"
    "  - { name: shape, per: http.shape, when: \"undercollision(target, 1h) > 0\n"
    "      or skew(tcp.shape, 1h) > 0 or ua.fit < 100\", block: 1m }\n"
    "  - { name: ja4, per: tls.ja4, when: \"count(1m) >= 1 and tls.ja3 != 'a' and\n"
    "      tls.alpn != 'h3'\", block: 1m }\n"
    "  - { name: texts, per: [target, target.block, query, path],\n"
    "      when: \"count(ua =~ 'b.t' or referer =~ '^h' or header('x') != 'y' or host == "
    "'h' or\n"
    "      ua.version != '1', 1m) > 1 or http.version == '2'\" }\n"
    "  - { name: forms, per: email.domain, when: \"count(signup.fill_time < 2s or\n"
    "      signup.form_seen == no or email.disposable, 1h) >= 1\" }\n"
    "  - { name: skeletons, per: [email.skeleton, name.skeleton, phone.prefix],\n"
    "      when: \"distinct(email.canonical, 1h) >= 1 or top_share(email.domain, 1h) > "
    "0\" }\n"
    "  - { name: other, per: tcp.shape, when: \"cold_share(1d) > 0 or target.views > 1\n"
    "      or hour > 3 or weekday == 1 or block.state == ignored or tls.uncertain\" }\n"
    "  - { name: hint, signal: true, weight: 2, family: a, per: client.host,\n"
    "      when: count(1m) >= 1 }\n"
    "  - { name: scored, per: client.host, when: score() >= 2 and families() >= 1 }\n"
    "  - { name: surge, per: all, when: \"surge(2x) > 0 or cold_surge() > 0\" }\n"
    "  - { name: tags, per: session.was, where: 'tagged(session, bad)',\n"
    "      when: count(1m) >= 1 }\n";

/* Site map and rules are read once; only the engine is new for each input. */
struct world {
        struct site *site;
        struct rules *shipped, *all;
};

struct run {
        const struct world *world;
        struct engine *engine;
        struct counters counters;
        struct buf out;
        int64_t now_ns;
        unsigned messages;
};

static struct world worlds;

static void free_world(void)
{
        rules_free(&worlds.shipped);
        rules_free(&worlds.all);
        site_free(&worlds.site);
}

static const struct world *the_world(void)
{
        static const char *const folder[] = { RULES };
        struct diag *diag = diag_new();
        struct buf said = { 0 };

        if (!worlds.site) {
                worlds.site = site_read(RULES "/sites/profile-network.yaml", diag);
                worlds.shipped = rules_read(folder, 1, worlds.site, diag);
                worlds.all =
                    rules_parse("all.yaml", slice_str(all_rules), worlds.site, diag);
                diag_print(diag, &said);
                fprintf(stderr, "%.*s", (int)said.len,
                        said.len ? (const char *)said.data : "");
                CHECK(worlds.site && worlds.shipped && worlds.all);
                atexit(free_world);
        }
        buf_free(&said);
        diag_free(&diag);
        return &worlds;
}

static void on_incident(void *context, const struct incident *i)
{
        struct run *run = context;

        buf_clear(&run->out);
        alert_json(i, &run->out);
        for (unsigned k = 0; k < i->block_count; k++) {
                CHECK(i->blocks[k].since_ns < i->blocks[k].until_ns);
                buf_put_slice(&run->out, i->blocks[k].value);
        }
}

static size_t pseudonym(void *context, const char *type, struct slice raw, char out[256])
{
        uint64_t sum = 0;

        (void)context;
        for (size_t i = 0; i < raw.len; i++)
                sum = sum * 31 + raw.data[i];
        return (size_t)snprintf(out, 256, "%s:%016llx", type, (unsigned long long)sum);
}

/* ---- records ---- */

static void mend_networks(struct record *r, const struct record_limits *limits)
{
        bool v4 = ip_is_v4(&r->client);

        r->client_host = network_of(&r->client, v4 ? 128 : 64);
        r->client_prefix =
            network_of(&r->client, v4 ? limits->prefix_v4 : limits->prefix_v6);
}

static void mend_record(struct record *r, size_t size, const struct record_limits *limits)
{
        r->size = (uint32_t)size;
        r->page = (uint16_t)(r->page % limits->pages);
        mend_networks(r, limits);
}

/* What differs from the record before; its texts may be parts of each other. */
static void vary_text(struct record *r, size_t size, enum record_text which, unsigned n)
{
        struct record_span span = r->texts[which];

        if (span.offset >= sizeof(*r) && span.len && span.offset < size)
                ((uint8_t *)r)[span.offset] = (uint8_t)(' ' + n);
}

static void vary(struct record *r, size_t size, unsigned how, unsigned n)
{
        if (how & HOW_OTHER_CLIENT)
                r->client.bytes[n % 2 ? 15 : 14] ^= (uint8_t)n;
        if (how & HOW_OTHER_TARGET) {
                r->target_number++;
                vary_text(r, size, RECORD_TARGET, n);
        }
        if (how & HOW_OTHER_SESSION)
                vary_text(r, size, RECORD_SESSION, n);
        r->start_ns += n * NS_PER_MS;
        r->end_ns += n * NS_PER_MS;
}

/* As `--print requests` shows it, and every text with it. */
static void print(struct run *run, const struct record *r)
{
        const struct value_names *pages = site_page_names(run->world->site);
        const char *page = pages->name(pages->context, r->page);

        CHECK(page);
        buf_clear(&run->out);
        record_print(r, page, pseudonym, NULL, engine_ja4(run->engine, r), &run->out);
        for (unsigned i = 0; i < RECORD_TEXTS; i++)
                buf_put_slice(&run->out, record_text(r, i));
        for (unsigned i = 0; i < r->header_count; i++)
                buf_put_slice(&run->out, record_span_text(r, r->headers[i]));
}

static void take_record(struct run *run, struct record *r, size_t size, unsigned how)
{
        struct record_limits limits =
            record_limits_of(run->world->site, run->now_ns + NS_PER_SEC);

        if (how & HOW_MENDED && size >= sizeof(*r))
                mend_record(r, size, &limits);
        if (!record_is_sound(r, size, &limits))
                return;
        run->now_ns = r->end_ns > run->now_ns ? r->end_ns : run->now_ns;
        print(run, r);
        engine_record(run->engine, r);
}

static void take_records(struct run *run, struct slice bytes, unsigned how)
{
        unsigned times = 1U << 2 * (how / 4 % 4);
        struct record *r = malloc(bytes.len + 1);

        CHECK(r);
        for (unsigned n = 0; n < times && run->messages < MESSAGES_MAX; n++) {
                if (bytes.len)
                        memcpy(r, bytes.data, bytes.len);
                if (n && bytes.len >= sizeof(*r) && r->end_ns < RECORD_TIME_MAX &&
                    r->start_ns < RECORD_TIME_MAX)
                        vary(r, bytes.len, how, n);
                take_record(run, r, bytes.len, how);
                run->messages++;
        }
        free(r);
}

/* ---- the others ---- */

static void take_hello(struct run *run, struct slice bytes)
{
        struct buf packed = { 0 };
        struct tcp_shape syn;
        struct hello hello;

        if (!hello_unpack(bytes, run->now_ns + NS_PER_SEC, &hello, &syn))
                return;
        buf_clear(&run->out);
        hello_print(&hello, &run->out);
        engine_hello(run->engine, &hello, &syn);
        hello_pack(&hello, &syn, &packed);
        CHECK(slice_equal(buf_slice(&packed), bytes));
        buf_free(&packed);
}

static void take_unanswered(struct run *run, struct slice bytes)
{
        struct unanswered u = { 0 };

        memcpy(&u, bytes.data, bytes.len < sizeof(u) ? bytes.len : sizeof(u));
        if (unanswered_is_sound(&u, bytes.len, run->now_ns + NS_PER_SEC))
                engine_unanswered(run->engine, &u.client, u.begin_ns);
}

static void take_step(struct run *run, unsigned how, struct slice bytes)
{
        switch (how & HOW_KINDS) {
        case HOW_RECORD:
                take_records(run, bytes, how);
                break;
        case HOW_HELLO:
                take_hello(run, bytes);
                break;
        case HOW_UNANSWERED:
                take_unanswered(run, bytes);
                break;
        default:
                run->now_ns += NS_PER_MS << (bytes.len % 24);
                engine_advance(run->engine, run->now_ns);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct run run = { .world = the_world(), .now_ns = BEGIN };
        struct slice rest = slice_of(data, size), first, head, bytes;

        if (!slice_take(&rest, 1, &first))
                return 0;
        struct engine_options options = {
                .rules = first.data[0] & SHIPPED ? run.world->shipped : run.world->all,
                .site = run.world->site,
                .hash_key = hash_key_fixed(),
                .memory_max = 4 << 20,
                .incidents_max = 64,
                .hellos_max = 64,
                .hello_join_ns = 600 * NS_PER_SEC,
                .watch = { first.data[0] & WATCHING ? NS_PER_MS : 0, true, { 403 }, 1 },
                .pseudonym = pseudonym,
                .incident = on_incident,
                .incident_context = &run,
                .counters = &run.counters
        };
        run.engine = engine_new(&options);
        CHECK(run.engine);
        while (slice_take(&rest, STEP_HEAD, &head)) {
                size_t len = head.data[1] | (size_t)head.data[2] << 8;
                bytes = slice_first(rest, len);
                rest = slice_from(rest, len);
                take_step(&run, head.data[0], bytes);
        }
        engine_finish(run.engine);
        engine_free(&run.engine);
        buf_free(&run.out);
        return 0;
}
