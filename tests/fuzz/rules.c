/* SPDX-License-Identifier: MIT */
/*
 * A rule file from hostile hands and, behind a NUL, traffic for whatever came out of it:
 * a byte of limits, then steps of STEP bytes. Each is a run of alike records or
 * ClientHellos, a time without any, or a share that was missed. Incidents come from pages
 * that a rule looks at; no more are open than may be, and all that were raised have ended
 * when the engine has.
 */
#include "detect/engine.h"

#include "base/check.h"
#include "base/clock.h"
#include "observe/record_build.h"
#include "tls/hello.h"

#include <math.h>
#include <stdio.h>

enum { STEP = 8, RECORDS_MAX = 768, PAGES = 4 };

static const char site_text[] = "pages:\n"
                                "  - { name: profile, path: \"/in/{target}\" }\n"
                                "  - { name: signup_form, method: GET, path: /signup }\n"
                                "  - { name: signup, method: POST, path: /signup }\n";

/* What a file without traffic sees: three views. */
static const uint8_t usual[] = { 0, 0, 2, 1, 1, 1, 1, 3, 2 };

/* Bits of a step's last byte: what differs from one record of it to the next. */
enum differs {
        DIFFERS_CLIENT = 1,
        DIFFERS_TARGET = 2,
        DIFFERS_SESSION = 4,
        DIFFERS_ACCOUNT = 8,
        DIFFERS_SHAPE = 16,
        DIFFERS_EMAIL = 32,
        DIFFERS_LENGTH = 64,
        DIFFERS_NETWORK = 128,
};

struct traffic {
        const struct rules *rules;
        struct engine *engine;
        struct counters counters;
        uint32_t incidents_max;
        uint64_t raised, ended;
        int64_t now_ns;
        unsigned records;
        struct record_builder builder;
};

static void on_incident(void *context, const struct incident *i)
{
        struct traffic *t = context;

        CHECK((i->action == INCIDENT_RAISED) == (i->n == 0));
        CHECK(i->n || rules_look_at(t->rules, t->builder.record->page));
        t->raised += i->action == INCIDENT_RAISED;
        t->ended += i->action == INCIDENT_ENDED;
        CHECK(t->ended <= t->raised && t->raised - t->ended <= t->incidents_max);
        CHECK(strlen(i->id) == INCIDENT_ID_MAX - 1);
        CHECK(strlen(i->group) == INCIDENT_ID_MAX - 1);
        for (unsigned k = 0; k < i->evidence_count; k++)
                CHECK(i->evidence[k].missing || !isnan(i->evidence[k].value));
        for (int k = 0; k < PARTICIPANT_KINDS; k++)
                CHECK(i->involved[k].count <= i->involved[k].total);
        for (unsigned k = 0; k < i->block_count; k++)
                CHECK(i->blocks[k].since_ns < i->blocks[k].until_ns);
        CHECK(i->missed >= 0 && i->missed <= 1);
}

static size_t pseudonym(void *context, const char *type, struct slice raw, char out[256])
{
        uint64_t sum = 0;

        (void)context;
        for (size_t i = 0; i < raw.len; i++)
                sum = sum * 31 + raw.data[i];
        return (size_t)snprintf(out, 256, "%s:%016llx", type, (unsigned long long)sum);
}

/* ---- one step ---- */

static unsigned value_of(const uint8_t *step, int at, enum differs bit, unsigned n)
{
        return step[at] * 16U + (step[7] & bit ? n : 0);
}

static struct ip client_of(const uint8_t *step, unsigned n)
{
        unsigned client = step[3] + (step[7] & DIFFERS_CLIENT ? n : 0);
        unsigned network = step[3] + (step[7] & DIFFERS_NETWORK ? n : 0);
        uint8_t v4[] = { 198, 51, (uint8_t)network, (uint8_t)client };
        uint8_t v6[16] = {
                0x20, 0x01, 0x0d, 0xb8, 0, 0, (uint8_t)network, (uint8_t)client
        };

        return step[0] & 16 ? ip_from_v6(v6) : ip_from_v4(v4);
}

static void put_text(struct traffic *t, enum record_text which, const char *format,
                     unsigned value)
{
        char text[64];

        if (value) /* of nobody and nothing there is no text */
                record_put(
                    &t->builder, which,
                    slice_of(text, (size_t)snprintf(text, sizeof(text), format, value)));
}

static void put_texts(struct traffic *t, const uint8_t *step, unsigned n)
{
        unsigned target = value_of(step, 4, DIFFERS_TARGET, n);
        unsigned account = value_of(step, 5, DIFFERS_ACCOUNT, n);
        unsigned email = value_of(step, 4, DIFFERS_EMAIL, n);

        record_put(&t->builder, RECORD_METHOD,
                   slice_str(step[2] % PAGES == 3 ? "POST" : "GET"));
        record_put(&t->builder, RECORD_HOST, slice_str("x.example"));
        put_text(t, RECORD_RAW_PATH, "/in/%u", target);
        put_text(t, RECORD_PATH, "/in/%u", target);
        put_text(t, RECORD_TARGET, "%u", target);
        put_text(t, RECORD_SESSION, "s%u", value_of(step, 5, DIFFERS_SESSION, n));
        if (step[0] & 8)
                put_text(t, RECORD_SESSION_WAS, "s%u",
                         value_of(step, 3, DIFFERS_SESSION, n));
        put_text(t, RECORD_ACCOUNT, "a%u", account);
        put_text(t, RECORD_USER_AGENT, "bot/%u.0", step[3] & 3U);
        put_text(t, RECORD_UA_FAMILY, "bot%u", step[3] & 3U);
        put_text(t, RECORD_REFERER, "http://x.example/%u", step[4] & 1U);
        put_text(t, RECORD_EMAIL_DOMAIN, "d%u.example", email);
        put_text(t, RECORD_EMAIL_SKELETON, "l.ld%u", email);
        put_text(t, RECORD_PHONE_PREFIX, "+49%u", email);
        record_put_header(&t->builder, 0, slice_str(step[5] & 1 ? "x" : NULL));
}

static void make_record(struct traffic *t, const uint8_t *step, unsigned n)
{
        struct record *r = t->builder.record;

        record_begin(&t->builder);
        r->flags = step[0] & 32 ? RECORD_SIGNUP_ACCEPTED | RECORD_RESPONSE_COMPLETE
                                : RECORD_TARGET_NUMERIC;
        r->target_number = value_of(step, 4, DIFFERS_TARGET, n);
        r->end_ns = t->now_ns;
        r->latency_ns = step[4] * NS_PER_MS;
        r->duration_ns = step[0] & 64 ? -1 : 2 * r->latency_ns;
        r->start_ns = r->end_ns - (r->duration_ns < 0 ? 0 : r->duration_ns);
        r->client = r->peer = client_of(step, n);
        r->client_host = network_of(&r->client, ip_is_v4(&r->client) ? 128 : 64);
        r->client_prefix = network_of(&r->client, ip_is_v4(&r->client) ? 120 : 48);
        r->peer_port = r->client_port = (uint16_t)(1024 + n % 4);
        r->page = step[2] % PAGES;
        r->status = (uint16_t)(step[2] & 64 ? 404 : step[2] & 128 ? 0 : 200);
        r->cookies = step[5] & 3;
        r->version_major = 1;
        r->header_count = 1;
        r->request_bytes = 300;
        r->response_bytes = (uint64_t)value_of(step, 2, DIFFERS_LENGTH, n) << 8;
        r->http_shape = r->software = value_of(step, 5, DIFFERS_SHAPE, n);
        put_texts(t, step, n);
        record_end(&t->builder);
}

static void say_hello(struct traffic *t, const uint8_t *step, unsigned n)
{
        struct tcp_shape syn = { .window = step[4], .hops = 1 };
        struct hello hello = {
                .time_ns = t->now_ns,
                .client = { client_of(step, n), (uint16_t)(1024 + n % 4) },
                .transport = step[5] & 1 ? HELLO_QUIC : HELLO_TCP,
                .alpn = slice_str(step[5] & 2 ? "h2" : NULL),
        };

        snprintf(hello.ja4, sizeof(hello.ja4), "t13d%04u",
                 value_of(step, 5, DIFFERS_SHAPE, n) % 10000);
        engine_hello(t->engine, &hello, &syn);
}

/* From a millisecond to two hours between two; backwards as well. */
static void pass_time(struct traffic *t, const uint8_t *step)
{
        int64_t by = NS_PER_MS << step[6] % 24;

        if (step[6] & 128)
                by = -by;
        t->now_ns += by;
}

static void take_step(struct traffic *t, const uint8_t *step)
{
        for (unsigned n = 0; n <= step[1] && t->records < RECORDS_MAX; n++) {
                pass_time(t, step);
                t->records++;
                switch (step[0] & 7) {
                case 5:
                        say_hello(t, step, n);
                        break;
                case 6:
                        engine_advance(t->engine, t->now_ns);
                        break;
                case 7:
                        engine_missed(t->engine, t->now_ns, step[3] / 255.0);
                        break;
                default:
                        make_record(t, step, n);
                        engine_record(t->engine, t->builder.record);
                }
        }
}

static void run(const struct rules *rules, const struct site *site, struct slice traffic)
{
        static uint64_t room[RECORD_SIZE_MAX / sizeof(uint64_t)];
        struct traffic t = { .rules = rules,
                             .builder.record = (struct record *)room,
                             .now_ns = INT64_C(1795431600) * NS_PER_SEC };
        struct slice limits, step;

        if (!slice_take(&traffic, 1, &limits))
                return;
        t.incidents_max = 1U << limits.data[0] / 4 % 8;
        struct engine_options options = { .rules = rules,
                                          .site = site,
                                          .hash_key = hash_key_fixed(),
                                          .memory_max = 1 << (18 + limits.data[0] % 4),
                                          .incidents_max = t.incidents_max,
                                          .hellos_max = 64,
                                          .hello_join_ns = 600 * NS_PER_SEC,
                                          .pseudonym = pseudonym,
                                          .incident = on_incident,
                                          .incident_context = &t,
                                          .counters = &t.counters };
        t.engine = engine_new(&options);
        if (!t.engine)
                return;
        while (slice_take(&traffic, STEP, &step))
                take_step(&t, step.data);
        engine_finish(t.engine);
        CHECK(t.raised == t.ended && t.raised == t.counters.incidents_raised);
        engine_free(&t.engine);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct slice input = slice_of(data, size);
        struct slice file = slice_first(input, slice_find(input, '\0'));
        struct slice traffic = file.len < size ? slice_from(input, file.len + 1)
                                               : slice_of(usual, sizeof(usual));
        struct diag *diag = diag_new();
        struct site *site = site_parse("site.yaml", slice_str(site_text), diag);
        struct buf text = { 0 };

        CHECK(site);
        struct rules *rules = rules_parse("rules.yaml", file, site, diag);
        CHECK((rules == NULL) == (diag_errors(diag) > 0));
        if (rules) {
                rules_read_agents(rules);
                rules_read_field(rules, "email.disposable");
                run(rules, site, traffic);
        }
        diag_print(diag, &text);
        buf_free(&text);
        rules_free(&rules);
        site_free(&site);
        diag_free(&diag);
        return 0;
}
