/* SPDX-License-Identifier: MIT */
#include "observe/record_check.h"

#include "base/sample.h"
#include "observe/agent_list.h"
#include "observe/email.h"
#include "observe/site_priv.h"

struct check_of {
        const struct record *record;
        size_t size; /* of the message */
        const struct record_limits *limits;
};

struct record_limits record_limits_of(const struct site *site, int64_t newest_ns)
{
        return (struct record_limits){ .pages = site->page_count,
                                       .prefix_v4 = site->prefix_v4,
                                       .prefix_v6 = site->prefix_v6,
                                       .newest_ns = newest_ns };
}

static bool is_size(const struct check_of *c)
{
        return c->size >= sizeof(struct record) && c->size <= RECORD_SIZE_MAX &&
               c->size % 8 == 0 && c->record->size == c->size;
}

static bool are_flags(const struct check_of *c)
{
        return (c->record->flags & ~(uint32_t)RECORD_ALL_FLAGS) == 0;
}

/* ---- times ---- */

static bool is_time(int64_t time_ns, int64_t newest_ns)
{
        return time_ns >= 0 && time_ns <= newest_ns && time_ns <= RECORD_TIME_MAX;
}

/* -1 where there is none. */
static bool is_span_of_time(int64_t span_ns)
{
        return span_ns >= -1 && span_ns <= RECORD_TIME_MAX;
}

/* Packets may be stamped out of order, so the start may be the later one. */
static bool are_times(const struct check_of *c)
{
        const struct record *r = c->record;
        int64_t newest_ns = c->limits->newest_ns;

        return is_time(r->start_ns, newest_ns) && is_time(r->end_ns, newest_ns) &&
               is_span_of_time(r->duration_ns) && is_span_of_time(r->latency_ns);
}

/* ---- networks ---- */

static bool is_network_of(const struct network *network, const struct ip *ip,
                          uint8_t bits)
{
        struct network expected = network_of(ip, bits);

        return network_equal(network, &expected);
}

static bool are_networks(const struct check_of *c)
{
        const struct record *r = c->record;
        bool v4 = ip_is_v4(&r->client);

        return is_network_of(&r->client_host, &r->client, v4 ? 128 : 64) &&
               is_network_of(&r->client_prefix, &r->client,
                             v4 ? c->limits->prefix_v4 : c->limits->prefix_v6);
}

/* ---- numbers ---- */

static bool is_page(const struct check_of *c)
{
        return c->record->page < c->limits->pages;
}

static bool is_status(const struct check_of *c)
{
        return c->record->status <= 999;
}

static bool is_version(const struct check_of *c)
{
        const struct record *r = c->record;

        return (r->version_major == 1 && r->version_minor <= 9) ||
               (r->version_major == 2 && r->version_minor == 0);
}

static bool is_sample(const struct check_of *c)
{
        return c->record->sample_shift <= SAMPLE_SHIFT_MAX;
}

static bool is_tcp_shape(const struct check_of *c)
{
        return tcp_shape_is_sound(&c->record->tcp_shape);
}

/* ---- texts ---- */

/* Those that are shorter than RECORD_TEXT_CAP. */
static const uint16_t text_caps[RECORD_TEXTS] = {
        [RECORD_UA_FAMILY] = AGENT_FAMILY_MAX,
        [RECORD_EMAIL_DOMAIN] = EMAIL_DOMAIN_MAX,
        [RECORD_EMAIL_CANONICAL] = EMAIL_MAX,
        [RECORD_EMAIL_SKELETON] = EMAIL_SKELETON_MAX,
        [RECORD_NAME_SKELETON] = NAME_SKELETON_MAX,
        [RECORD_PHONE_PREFIX] = PHONE_PREFIX,
};

static bool is_span(const struct check_of *c, struct record_span span, uint32_t cap)
{
        if (span.offset == 0)
                return span.len == 0;
        return span.offset >= sizeof(struct record) && span.offset <= c->size &&
               span.len <= cap && span.len <= c->size - span.offset;
}

static bool are_texts(const struct check_of *c)
{
        for (unsigned i = 0; i < RECORD_TEXTS; i++)
                if (!is_span(c, c->record->texts[i],
                             text_caps[i] ? text_caps[i] : RECORD_TEXT_CAP))
                        return false;
        return true;
}

static bool are_headers(const struct check_of *c)
{
        if (c->record->header_count > RECORD_HEADERS)
                return false;
        for (unsigned i = 0; i < RECORD_HEADERS; i++)
                if (!is_span(c, c->record->headers[i], RECORD_TEXT_CAP))
                        return false;
        return true;
}

/* The size is first: the others read what it promises. */
static const struct {
        const char *name;
        bool (*is_sound)(const struct check_of *);
} checks[] = {
        { "size", is_size },           { "flags", are_flags },
        { "times", are_times },        { "networks", are_networks },
        { "page", is_page },           { "status", is_status },
        { "version", is_version },     { "tcp_shape", is_tcp_shape },
        { "texts", are_texts },        { "headers", are_headers },
        { "sample_shift", is_sample },
};

const char *record_fault(const struct record *record, size_t size,
                         const struct record_limits *limits)
{
        const struct check_of check = { record, size, limits };

        for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++)
                if (!checks[i].is_sound(&check))
                        return checks[i].name;
        return NULL;
}

bool unanswered_is_sound(const struct unanswered *u, size_t size, int64_t newest_ns)
{
        return size == sizeof(*u) && is_time(u->begin_ns, newest_ns);
}
