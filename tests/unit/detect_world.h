/* SPDX-License-Identifier: MIT */
/*
 * detect_world - a site, rules from a text, and records that a test makes up.
 *
 * What the engine tells is written down as lines: "raised harvest
 * client.host=203.0.113.9 n=0 ...", so that a scenario can be read.
 */
#ifndef UNIT_DETECT_WORLD_H
#define UNIT_DETECT_WORLD_H

#include "unit/unit.h"

#include "base/clock.h"
#include "detect/engine.h"

#include <stdio.h>
#include <stdlib.h>

/* 2026-11-23 11:00:00 UTC, a Monday. */
#define WORLD_BEGIN (INT64_C(1795431600) * NS_PER_SEC)

static const char world_site[] = "client:\n"
                                 "  trusted_proxies: [10.9.0.0/16, 203.0.113.200/32]\n"
                                 "  header: X-Forwarded-For\n"
                                 "session: { cookie: sid }\n"
                                 "account: { cookie: uid }\n"
                                 "pages:\n"
                                 "  - { name: profile, path: \"/in/{target}\" }\n"
                                 "  - { name: search, path: \"/search/**\" }\n"
                                 "  - { name: signup, method: POST, path: /signup }\n"
                                 "  - { name: asset, path: \"**.css\" }\n";

enum { PAGE_OTHER, PAGE_PROFILE, PAGE_SEARCH, PAGE_SIGNUP, PAGE_ASSET };

/* One request as a test writes it; what is not said is usual. */
struct hit {
        int64_t at_ms; /* since WORLD_BEGIN */
        const char *client;
        uint16_t page, status;
        const char *target, *session, *account, *path, *header, *family;
        uint64_t shape, bytes;
        uint32_t flags;
        const char *was; /* the session that the request came with */
        uint8_t sample;  /* 1 in 2^this visitors is looked at */
        uint8_t prefix;  /* length of client.prefix, as IPv6 has it; 0: /24 or /64 */
};

struct world {
        struct site *site;
        struct rules *rules;
        struct engine *engine;
        struct counters counters;
        struct buf told; /* one line an event */
        struct buf last; /* everything of the last event */
        unsigned events, raised, updated, ended;
        struct incident_block block; /* first of the last event that had one */
        char block_text[256];
        char id[INCIDENT_ID_MAX], group[INCIDENT_ID_MAX];
};

static inline size_t world_pseudonym(void *context, const char *type, struct slice raw,
                                     char out[256])
{
        (void)context;
        return (size_t)snprintf(out, 256, "<%s:%.*s>", type,
                                (int)(raw.len < 200 ? raw.len : 200),
                                (const char *)raw.data);
}

static inline void world_print_incident(const struct incident *i, struct buf *out)
{
        buf_printf(out, "%s %s %s=%.*s n=%u at=%lld", incident_action_name(i->action),
                   i->rule, i->subject_type, (int)i->subject.len,
                   (const char *)i->subject.data, i->n,
                   (long long)((i->time_ns - WORLD_BEGIN) / NS_PER_MS));
        for (unsigned k = 0; k < i->block_count; k++)
                buf_printf(out, " %s %s:%.*s level=%u for=%llds",
                           i->blocks_are_new ? "block" : "blocked", i->blocks[k].type,
                           (int)i->blocks[k].value.len,
                           (const char *)i->blocks[k].value.data, i->blocks[k].level,
                           (long long)((i->blocks[k].until_ns - i->blocks[k].since_ns) /
                                       NS_PER_SEC));
        if (i->enforcement.is_known) {
                buf_printf(out, " %s %llu/%llu", block_state_name(i->enforcement.state),
                           (unsigned long long)i->enforcement.refused,
                           (unsigned long long)i->enforcement.requests);
                if (i->enforcement.first_refusal_ms >= 0)
                        buf_printf(out, " first=%lldms",
                                   (long long)i->enforcement.first_refusal_ms);
        }
        buf_put_byte(out, '\n');
}

static inline void world_print_details(const struct incident *i, struct buf *out)
{
        buf_printf(out,
                   "id=%s severity=%s dry_run=%d start=%lld last=%lld targets=%llu "
                   "bytes=%llu missed=%.3f\n",
                   i->id, severity_name(i->severity), i->dry_run,
                   (long long)((i->start_ns - WORLD_BEGIN) / NS_PER_MS),
                   (long long)((i->last_ns - WORLD_BEGIN) / NS_PER_MS),
                   (unsigned long long)i->served_targets,
                   (unsigned long long)i->served_bytes, i->missed);
        for (unsigned k = 0; k < i->evidence_count; k++)
                buf_printf(out, "evidence %s = %.4g%s\n", i->evidence[k].expression,
                           i->evidence[k].value,
                           i->evidence[k].missing          ? " missing"
                           : i->evidence[k].is_lower_bound ? " at least"
                                                           : "");
        for (unsigned k = 0; k < PARTICIPANT_KINDS; k++) {
                const struct incident_involved *v = &i->involved[k];
                if (v->total == 0)
                        continue;
                buf_printf(out, "involved %s %llu%s:", participant_name(k),
                           (unsigned long long)v->total, v->at_least ? "+" : "");
                for (unsigned n = 0; n < v->count && n < 5; n++)
                        buf_printf(out, " %.*s", (int)v->values[n].len,
                                   (const char *)v->values[n].data);
                buf_put_byte(out, '\n');
        }
        for (unsigned k = 0; k < i->sample_count; k++)
                buf_printf(out, "sample %.*s\n", (int)i->samples[k].len,
                           (const char *)i->samples[k].data);
}

static inline void world_incident(void *context, const struct incident *i)
{
        struct world *w = context;

        w->events++;
        w->raised += i->action == INCIDENT_RAISED;
        w->updated += i->action == INCIDENT_UPDATED;
        w->ended += i->action == INCIDENT_ENDED;
        memcpy(w->id, i->id, sizeof(w->id));
        memcpy(w->group, i->group, sizeof(w->group));
        buf_clear(&w->last);
        world_print_incident(i, &w->told);
        world_print_incident(i, &w->last);
        world_print_details(i, &w->last);
}

static inline void world_fail(struct diag *diag)
{
        struct buf text = { 0 };

        diag_print(diag, &text);
        buf_put_byte(&text, 0);
        print_error("%s", (const char *)text.data);
        fail();
}

static inline struct world *world_new_outside(const char *site, const char *rules,
                                              uint64_t memory, uint32_t incidents_max,
                                              struct outside_sources outside)
{
        struct world *w = calloc(1, sizeof(*w));
        struct diag *diag = diag_new();

        assert_non_null(w);
        w->site = site_parse("site.yaml", slice_str(site), diag);
        if (!w->site)
                world_fail(diag);
        w->rules = rules_parse("rules.yaml", slice_str(rules), w->site, diag);
        if (!w->rules)
                world_fail(diag);
        diag_free(&diag);
        struct engine_options options = { .rules = w->rules,
                                          .site = w->site,
                                          .hash_key = hash_key_fixed(),
                                          .memory_max = memory,
                                          .incidents_max = incidents_max,
                                          .hellos_max = 64,
                                          .hello_join_ns = 600 * NS_PER_SEC,
                                          .outside = outside,
                                          .pseudonym = world_pseudonym,
                                          .incident = world_incident,
                                          .incident_context = w,
                                          .counters = &w->counters };
        w->engine = engine_new(&options);
        assert_non_null(w->engine);
        return w;
}

static inline struct world *world_new_with(const char *site, const char *rules,
                                           uint64_t memory, uint32_t incidents_max)
{
        return world_new_outside(site, rules, memory, incidents_max,
                                 (struct outside_sources){ 0 });
}

static inline struct world *world_new(const char *rules)
{
        return world_new_with(world_site, rules, 64 << 20, 1000);
}

/* As blocks.verify_after: 10s and blocks.refused_status: [403, 429] have it. */
static inline void world_watch(struct world *w)
{
        static const struct watch_options watch = {
                10 * NS_PER_SEC, true, { 403, 429 }, 2
        };

        engine_watch(w->engine, &watch);
}

static inline void world_free(struct world *w)
{
        engine_free(&w->engine);
        rules_free(&w->rules);
        site_free(&w->site);
        buf_free(&w->told);
        buf_free(&w->last);
        free(w);
}

struct world_record {
        struct record record;
        char text[4096];
        size_t used;
};

static inline void world_put_text(struct world_record *r, struct record_span *span,
                                  const char *text)
{
        if (!text)
                return;
        size_t len = strlen(text);
        assert_true(r->used + len <= sizeof(r->text));
        memcpy(r->text + r->used, text, len);
        span->offset = (uint32_t)(offsetof(struct world_record, text) + r->used);
        span->len = (uint32_t)len;
        r->used += len;
}

static inline void world_make_record(const struct hit *h, struct world_record *r)
{
        struct record *record = &r->record;

        memset(record, 0, sizeof(*record));
        r->used = 0;
        record->size = sizeof(*r);
        record->flags = h->flags | RECORD_RESPONSE_COMPLETE;
        record->end_ns = WORLD_BEGIN + h->at_ms * NS_PER_MS;
        record->start_ns = record->end_ns - 5 * NS_PER_MS;
        record->latency_ns = 2 * NS_PER_MS;
        record->duration_ns = 5 * NS_PER_MS;
        assert_true(ip_parse(slice_str(h->client), &record->client));
        record->peer = record->client;
        record->client_host =
            network_of(&record->client, ip_is_v4(&record->client) ? 128 : 64);
        record->client_prefix =
            network_of(&record->client, h->prefix                   ? h->prefix
                                        : ip_is_v4(&record->client) ? 120
                                                                    : 64);
        record->page = h->page;
        record->status = h->status ? h->status : 200;
        record->version_minor = 1;
        record->request_bytes = 300;
        record->response_bytes = h->bytes ? h->bytes : 1000;
        record->http_shape = h->shape;
        record->sample_shift = h->sample;
        world_put_text(r, &record->texts[RECORD_METHOD],
                       h->page == PAGE_SIGNUP ? "POST" : "GET");
        world_put_text(r, &record->texts[RECORD_TARGET], h->target);
        world_put_text(r, &record->texts[RECORD_SESSION], h->session);
        world_put_text(r, &record->texts[RECORD_SESSION_WAS], h->was);
        world_put_text(r, &record->texts[RECORD_ACCOUNT], h->account);
        world_put_text(r, &record->texts[RECORD_RAW_PATH], h->path ? h->path : "/x");
        world_put_text(r, &record->texts[RECORD_PATH], h->path ? h->path : "/x");
        world_put_text(r, &record->texts[RECORD_UA_FAMILY], h->family);
        world_put_text(r, &record->headers[0], h->header);
        record->header_count = h->header != NULL;
}

static inline void world_hit(struct world *w, struct hit h)
{
        struct world_record r;

        world_make_record(&h, &r);
        engine_record(w->engine, &r.record);
}

/* Profile number n viewed, as in "GET /in/user7". */
static inline void world_view(struct world *w, int64_t at_ms, const char *client,
                              unsigned n)
{
        char target[32], path[40];

        snprintf(target, sizeof(target), "user%u", n);
        snprintf(path, sizeof(path), "/in/%s", target);
        world_hit(w, (struct hit){ .at_ms = at_ms,
                                   .client = client,
                                   .page = PAGE_PROFILE,
                                   .target = target,
                                   .path = path });
}

static inline void world_expect(struct world *w, const char *text)
{
        buf_put_byte(&w->told, 0);
        assert_string_equal((const char *)w->told.data, text);
        buf_clear(&w->told);
}

static inline void world_expect_last(struct world *w, const char *part)
{
        buf_put_byte(&w->last, 0);
        w->last.len--;
        if (!w->last.data || !strstr((const char *)w->last.data, part)) {
                print_error("no \"%s\" in:\n%s", part,
                            w->last.data ? (char *)w->last.data : "");
                fail();
        }
}

#endif
