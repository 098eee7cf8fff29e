/* SPDX-License-Identifier: MIT */
#include "detect/vocabulary.h"

#include "base/check.h"
#include "base/clock.h"
#include "detect/births.h"
#include "detect/join.h"
#include "detect/statistics.h"
#include "detect/watch.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

static const struct record *record_of(const void *subject)
{
        return ((const struct subject *)subject)->record;
}

static struct value missing(void)
{
        return (struct value){ .type = VALUE_MISSING };
}

static struct value number(double n)
{
        return (struct value){ .type = VALUE_NUMBER, .number = n };
}

static struct value text(struct slice s)
{
        if (slice_is_none(s))
                return missing();
        return (struct value){ .type = VALUE_STRING, .text = s };
}

static struct value read_text(const void *subject, unsigned which)
{
        return text(record_text(record_of(subject), which));
}

static struct value read_flag(const void *subject, unsigned flag)
{
        return (struct value){ .type = VALUE_BOOL,
                               .truth = (record_of(subject)->flags & flag) != 0 };
}

static struct value read_header(const void *subject, unsigned which)
{
        const struct record *r = record_of(subject);

        return which < r->header_count ? text(record_span_text(r, r->headers[which]))
                                       : missing();
}

static struct value read_client(const void *subject, unsigned kind)
{
        const struct record *r = record_of(subject);
        struct value v = { .type = VALUE_NETWORK };

        if (kind == FIELD_HOST)
                v.network = r->client_host;
        else if (kind == FIELD_PREFIX)
                v.network = r->client_prefix;
        else
                v.network = (struct network){ r->client, 128 };
        return v;
}

static struct value read_client_port(const void *subject, unsigned argument)
{
        uint16_t port = record_of(subject)->client_port;

        (void)argument;
        return port ? number(port) : missing();
}

static struct value read_page(const void *subject, unsigned argument)
{
        (void)argument;
        return (struct value){ .type = VALUE_ENUM, .number = record_of(subject)->page };
}

static struct value read_target_number(const void *subject, unsigned per_block)
{
        const struct record *r = record_of(subject);

        if (!(r->flags & RECORD_TARGET_NUMERIC))
                return missing();
        return number((double)(r->target_number / per_block));
}

static struct value read_status(const void *subject, unsigned argument)
{
        uint16_t status = record_of(subject)->status;

        (void)argument;
        return status ? number(status) : missing();
}

static struct value read_request_bytes(const void *subject, unsigned argument)
{
        (void)argument;
        return number((double)record_of(subject)->request_bytes);
}

static struct value read_response_bytes(const void *subject, unsigned argument)
{
        const struct record *r = record_of(subject);

        (void)argument;
        return r->status ? number((double)r->response_bytes) : missing();
}

static struct value read_latency(const void *subject, unsigned argument)
{
        int64_t latency = record_of(subject)->latency_ns;

        (void)argument;
        if (latency < 0)
                return missing();
        return (struct value){ .type = VALUE_DURATION, .number = (double)latency / 1e9 };
}

static struct value read_version(const void *subject, unsigned argument)
{
        static const struct slice versions[] = { SLICE("1.0"), SLICE("1.1"), SLICE("2") };
        const struct record *r = record_of(subject);

        (void)argument;
        return text(versions[r->version_major == 2 ? 2 : r->version_minor > 0]);
}

static struct value read_cookies(const void *subject, unsigned argument)
{
        (void)argument;
        return number(record_of(subject)->cookies);
}

/* Sixteen digits, eight at a time: a half of the number is spread to a digit a byte. */
static void put_hex(uint64_t number, char out[16])
{
        for (unsigned half = 0; half < 2; half++) {
                uint64_t x = half ? (uint32_t)number : number >> 32;
                x = (x << 16 | x) & UINT64_C(0x0000ffff0000ffff);
                x = (x << 8 | x) & UINT64_C(0x00ff00ff00ff00ff);
                x = (x << 4 | x) & UINT64_C(0x0f0f0f0f0f0f0f0f);
                /* 1 in each byte that is a letter */
                uint64_t letters = (x + UINT64_C(0x0606060606060606)) >> 4 &
                                   UINT64_C(0x0101010101010101);
                x += UINT64_C(0x3030303030303030) + letters * ('a' - '0' - 10);
                x = __builtin_bswap64(x);
                memcpy(out + 8 * half, &x, sizeof(x));
        }
}

static struct value read_shape(const void *subject, unsigned argument)
{
        const struct subject *s = subject;

        (void)argument;
        if (s->record->http_shape == 0)
                return missing();
        put_hex(s->record->http_shape, s->scratch);
        return text(slice_of(s->scratch, 16));
}

struct slice subject_ja4(const struct subject *s)
{
        return s->fingerprint && s->fingerprint->ja4[0] ? slice_str(s->fingerprint->ja4)
                                                        : slice_none();
}

static struct value read_hello(const void *subject, unsigned offset)
{
        const struct fingerprint *f = ((const struct subject *)subject)->fingerprint;

        if (!f || !((const char *)f)[offset])
                return missing();
        return text(slice_str((const char *)f + offset));
}

static struct value read_uncertain_hello(const void *subject, unsigned argument)
{
        const struct subject *s = subject;

        (void)argument;
        return (struct value){ .type = VALUE_BOOL,
                               .truth = s->fingerprint && s->fingerprint_is_uncertain };
}

static struct value read_tcp_shape(const void *subject, unsigned argument)
{
        const struct subject *s = subject;

        (void)argument;
        const struct tcp_shape *shape = &s->record->tcp_shape;
        if (tcp_shape_is_none(shape) && s->fingerprint)
                shape = &s->fingerprint->tcp_shape;
        if (tcp_shape_is_none(shape))
                return missing();
        return text(slice_of(s->scratch, tcp_shape_format(shape, s->scratch)));
}

static struct value read_asn(const void *subject, unsigned argument)
{
        const struct subject *s = subject;
        uint32_t asn;

        (void)argument;
        if (!s->outside || !outside_asn(s->outside, s->record, &asn))
                return missing();
        return number(asn);
}

static struct value read_country(const void *subject, unsigned argument)
{
        const struct subject *s = subject;

        (void)argument;
        return s->outside ? text(outside_country(s->outside, s->record)) : missing();
}

/* False where nobody claims to be a bot. */
static bool bot_check(const struct subject *s, enum bot_check *check)
{
        if (!(s->record->flags & RECORD_BOT_CLAIMED))
                return false;
        *check = s->outside ? outside_bot(s->outside, s->record) : BOT_UNKNOWN;
        return true;
}

static struct value read_bot_check(const void *subject, unsigned argument)
{
        enum bot_check check;

        (void)argument;
        if (!bot_check(subject, &check))
                return missing();
        return (struct value){ .type = VALUE_ENUM, .number = check };
}

static struct value read_bot_verified(const void *subject, unsigned argument)
{
        enum bot_check check;

        (void)argument;
        return (struct value){ .type = VALUE_BOOL,
                               .truth =
                                   bot_check(subject, &check) && check == BOT_PASSED };
}

static struct form_answer form_answer(const void *subject)
{
        const struct subject *s = subject;

        return s->forms ? forms_answer(s->forms, s->record)
                        : (struct form_answer){ FORM_SEEN_UNKNOWN, 0 };
}

static struct value read_form_seen(const void *subject, unsigned argument)
{
        (void)argument;
        return (struct value){ .type = VALUE_ENUM, .number = form_answer(subject).seen };
}

static struct value read_form_from(const void *subject, unsigned argument)
{
        const struct subject *s = subject;
        enum form_from from =
            s->forms ? forms_from(s->forms, s->record) : FORM_FROM_NOBODY;

        (void)argument;
        if (from == FORM_FROM_NOBODY)
                return missing();
        return (struct value){ .type = VALUE_ENUM, .number = from };
}

static struct value read_fill_time(const void *subject, unsigned argument)
{
        struct form_answer answer = form_answer(subject);
        int64_t time_ns = record_of(subject)->start_ns - answer.served_ns;

        (void)argument;
        if (answer.seen != FORM_SEEN_YES)
                return missing();
        return (struct value){ .type = VALUE_DURATION, .number = (double)time_ns / 1e9 };
}

static struct value number_or_missing(double n)
{
        return isnan(n) ? missing() : number(n);
}

static struct value read_target_views(const void *subject, unsigned argument)
{
        const struct subject *s = subject;

        (void)argument;
        return s->statistics ? number_or_missing(statistics_views(s->statistics))
                             : missing();
}

static struct value read_target_cold(const void *subject, unsigned argument)
{
        const struct subject *s = subject;

        (void)argument;
        return (struct value){ .type = VALUE_BOOL,
                               .truth = s->statistics &&
                                        s->statistics->sight.recency.cold == COLD_YES };
}

static struct value read_known(const void *subject, unsigned argument)
{
        const struct subject *s = subject;

        (void)argument;
        return (struct value){ .type = VALUE_BOOL,
                               .truth = s->statistics && s->statistics->sight.is_known };
}

static struct value read_fit(const void *subject, unsigned argument)
{
        const struct subject *s = subject;

        (void)argument;
        return s->statistics ? number_or_missing(statistics_fit(s->statistics))
                             : missing();
}

static struct value age(int64_t age_ns)
{
        if (age_ns < 0)
                return missing();
        return (struct value){ .type = VALUE_DURATION, .number = (double)age_ns / 1e9 };
}

static struct value read_age(const void *subject, unsigned argument)
{
        const struct subject *s = subject;

        (void)argument;
        return age(s->births ? births_age_ns(s->births, s->record) : -1);
}

static struct value read_domain_age(const void *subject, unsigned argument)
{
        const struct subject *s = subject;

        (void)argument;
        return age(s->births ? births_domain_age_ns(s->births, s->record) : -1);
}

static struct value read_block_state(const void *subject, unsigned argument)
{
        const struct subject *s = subject;
        const struct watched *w =
            s->watch ? watch_running(s->watch, s->watched, s->record->end_ns) : NULL;

        (void)argument;
        if (!w)
                return missing();
        return (struct value){ .type = VALUE_ENUM, .number = watched_state(w) };
}

static int64_t floor_div(int64_t a, int64_t b)
{
        return a / b - (a % b < 0);
}

static int64_t local_ns(const void *subject)
{
        const struct subject *s = subject;
        int64_t now = s->record->end_ns;

        return now + (s->site ? site_utc_offset_ns(s->site, now) : 0);
}

static struct value read_hour(const void *subject, unsigned argument)
{
        int64_t hours = floor_div(local_ns(subject), 3600 * NS_PER_SEC);

        (void)argument;
        return number((double)(hours - floor_div(hours, 24) * 24));
}

static struct value read_weekday(const void *subject, unsigned argument)
{
        /* 1970-01-01 was a Thursday, the fourth day. */
        int64_t days = floor_div(local_ns(subject), 24 * 3600 * NS_PER_SEC) + 3;

        (void)argument;
        return number((double)(days - floor_div(days, 7) * 7 + 1));
}

static int words_find(const void *context, struct slice name)
{
        const char *const *words = context;

        for (int i = 0; words[i]; i++)
                if (slice_is(name, words[i]))
                        return i;
        return -1;
}

static const char *words_name(const void *context, int i)
{
        const char *const *words = context;

        for (int k = 0; k < i; k++)
                if (!words[k])
                        return NULL;
        return i < 0 ? NULL : words[i];
}

static const char *name_block_state(const void *context, int i)
{
        (void)context;
        return i < 0 ? NULL : block_state_name((enum block_state)i);
}

static int find_block_state(const void *context, struct slice name)
{
        for (int i = 0; name_block_state(context, i); i++)
                if (slice_is(name, name_block_state(context, i)))
                        return i;
        return -1;
}

static const char *const form_seen_words[] = { "yes", "no", "unknown", NULL };
static const char *const form_from_words[] = { "same", "moved", "other", NULL };
static const char *const bot_check_words[] = { "passed", "failed", "pending", "unknown",
                                               NULL };
static const struct value_names bot_check_names = { "result of a check", words_find,
                                                    words_name, bot_check_words };
static const struct value_names form_seen_names = { "answer", words_find, words_name,
                                                    form_seen_words };
static const struct value_names form_from_names = { "origin", words_find, words_name,
                                                    form_from_words };
static const struct value_names block_state_names = { "block state", find_block_state,
                                                      name_block_state, NULL };

/* clang-format off */
static const struct field rows[] = {
        { "client.ip", VALUE_NETWORK, read_client, FIELD_IP, NULL, "the visitor's address", FIELD_IP },
        { "client.host", VALUE_NETWORK, read_client, FIELD_HOST, NULL, "the address; of IPv6 the /64", FIELD_HOST },
        { "client.prefix", VALUE_NETWORK, read_client, FIELD_PREFIX, NULL, "the visitor's network, by the site map's lengths", FIELD_PREFIX },
        { "client.port", VALUE_NUMBER, read_client_port, 0, NULL, "the visitor's port, where it is the peer", 0 },
        { "client.asn", VALUE_NUMBER, read_asn, 0, NULL, "number of the visitor's autonomous system", 0 },
        { "client.country", VALUE_STRING, read_country, 0, NULL, "the visitor's country, two letters", 0 },
        { "client.uncertain", VALUE_BOOL, read_flag, RECORD_CLIENT_UNCERTAIN, NULL, "the visitor header was missing or bad", 0 },
        { "session", VALUE_STRING, read_text, RECORD_SESSION, NULL, "the session, by the site map", FIELD_SESSION },
        { "session.was", VALUE_STRING, read_text, RECORD_SESSION_WAS, NULL, "the request's session where the response sets another", FIELD_SESSION_WAS },
        { "session.known", VALUE_BOOL, read_known, 0, NULL, "the session was sent here ten minutes ago or before, in some six days", 0 },
        { "account", VALUE_STRING, read_text, RECORD_ACCOUNT, NULL, "the account, by the site map", FIELD_ACCOUNT },
        { "account.age", VALUE_DURATION, read_age, 0, NULL, "since the sign-up seen here", 0 },
        { "page", VALUE_ENUM, read_page, 0, NULL, "the page, by the site map", 0 },
        { "target", VALUE_STRING, read_text, RECORD_TARGET, NULL, "what was viewed", 0 },
        { "target.number", VALUE_NUMBER, read_target_number, 1, NULL, "the same, where it is a number", 0 },
        { "target.block", VALUE_NUMBER, read_target_number, 1024, NULL, "target.number / 1024", 0 },
        { "method", VALUE_STRING, read_text, RECORD_METHOD, NULL, "the method", 0 },
        { "host", VALUE_STRING, read_text, RECORD_HOST, NULL, "the host in lower case, without the port", 0 },
        { "path", VALUE_STRING, read_text, RECORD_PATH, NULL, "the path as matched", 0 },
        { "query", VALUE_STRING, read_text, RECORD_QUERY, NULL, "the query as it came", 0 },
        { "status", VALUE_NUMBER, read_status, 0, NULL, "the status of the response", 0 },
        { "request.bytes", VALUE_NUMBER, read_request_bytes, 0, NULL, "head and body of the request", 0 },
        { "response.bytes", VALUE_NUMBER, read_response_bytes, 0, NULL, "head and body of the response", 0 },
        { "latency", VALUE_DURATION, read_latency, 0, NULL, "last byte of the request to the first of the response", 0 },
        { "http.version", VALUE_STRING, read_version, 0, NULL, "1.0, 1.1 or 2", 0 },
        { "referer", VALUE_STRING, read_text, RECORD_REFERER, NULL, "the Referer header", 0 },
        { "referer.same_site", VALUE_BOOL, read_flag, RECORD_REFERER_SAME_SITE, NULL, "the Referer names this site", 0 },
        { "cookies", VALUE_NUMBER, read_cookies, 0, NULL, "how many cookies were sent", 0 },
        { "ua", VALUE_STRING, read_text, RECORD_USER_AGENT, NULL, "the User-Agent header", 0 },
        { "ua.family", VALUE_STRING, read_text, RECORD_UA_FAMILY, NULL, "what it says it is: chrome, curl, googlebot ...", FIELD_AGENT },
        { "ua.version", VALUE_STRING, read_text, RECORD_UA_VERSION, NULL, "its version, major[.minor] as it stands", FIELD_AGENT },
        { "bot.claimed", VALUE_BOOL, read_flag, RECORD_BOT_CLAIMED, NULL, "it is on the list of declared bots", FIELD_AGENT },
        { "bot.verified", VALUE_BOOL, read_bot_verified, 0, NULL, "it is the bot that it claims to be, by its address", FIELD_AGENT },
        { "bot.check", VALUE_ENUM, read_bot_check, 0, &bot_check_names, "what came of checking that", FIELD_AGENT },
        { "tcp.shape", VALUE_STRING, read_tcp_shape, 0, NULL, "how the client's system opened the connection", 0 },
        { "http.shape", VALUE_STRING, read_shape, 0, NULL, "hash of the header order, 16 hex digits", FIELD_SHAPE },
        { "tls.ja4", VALUE_STRING, read_hello, offsetof(struct fingerprint, ja4), NULL, "JA4 of the visitor's ClientHello", FIELD_JA4 },
        { "tls.ja3", VALUE_STRING, read_hello, offsetof(struct fingerprint, ja3), NULL, "JA3 of the visitor's ClientHello", 0 },
        { "tls.alpn", VALUE_STRING, read_hello, offsetof(struct fingerprint, alpn), NULL, "the protocol that the ClientHello likes best", 0 },
        { "tls.uncertain", VALUE_BOOL, read_uncertain_hello, 0, NULL, "the visitor's address showed several ClientHellos", 0 },
        { "signup.accepted", VALUE_BOOL, read_flag, RECORD_SIGNUP_ACCEPTED, NULL, "the sign-up was accepted", 0 },
        { "hour", VALUE_NUMBER, read_hour, 0, NULL, "0 to 23, in the site map's time zone", 0 },
        { "weekday", VALUE_NUMBER, read_weekday, 0, NULL, "1 (Monday) to 7", 0 },
        { "ua.fit", VALUE_NUMBER, read_fit, 0, NULL, "log2 of how usual this shape is for the family", FIELD_AGENT },
        { "block.state", VALUE_ENUM, read_block_state, 0, &block_state_names, "what is seen of the key's block; in `when` only", FIELD_OF_KEY },
        { "signup.fill_time", VALUE_DURATION, read_fill_time, 0, NULL, "from the form to the sign-up", FIELD_FORM },
        { "signup.form_seen", VALUE_ENUM, read_form_seen, 0, &form_seen_names, "whether the form was served before", FIELD_FORM },
        { "signup.form_from", VALUE_ENUM, read_form_from, 0, &form_from_names, "to whom the form was served that is sent: the same, one that moved, another software", FIELD_FORM },
        { "email.domain", VALUE_STRING, read_text, RECORD_EMAIL_DOMAIN, NULL, "domain of the e-mail address", FIELD_EMAIL_DOMAIN },
        { "email.domain_age", VALUE_DURATION, read_domain_age, 0, NULL, "since the first sign-up with this domain here", 0 },
        { "email.canonical", VALUE_STRING, read_text, RECORD_EMAIL_CANONICAL, NULL, "the address without tags", FIELD_EMAIL },
        { "email.skeleton", VALUE_STRING, read_text, RECORD_EMAIL_SKELETON, NULL, "the local part with its runs folded", FIELD_EMAIL_SKELETON },
        { "email.disposable", VALUE_BOOL, read_flag, RECORD_EMAIL_DISPOSABLE, NULL, "the domain is a disposable one", 0 },
        { "name.skeleton", VALUE_STRING, read_text, RECORD_NAME_SKELETON, NULL, "the name with its runs folded", 0 },
        { "phone.prefix", VALUE_STRING, read_text, RECORD_PHONE_PREFIX, NULL, "first six digits of the number", 0 },
        { "target.views", VALUE_NUMBER, read_target_views, 0, NULL, "views of the target in 24 h, site-wide", 0 },
        { "target.cold", VALUE_BOOL, read_target_cold, 0, NULL, "not viewed for 7 days", 0 },
        { .name = NULL },
};

#define CONDITION_WINDOW PARAMETER_OPTIONAL_CONDITION, PARAMETER_WINDOW
#define TRANSACTION_FUNCTIONS \
        { "tagged", { PARAMETER_FIELD, PARAMETER_TAG }, VALUE_BOOL, FUNCTION_TAGGED, "the value carries the tag", true, NULL }, \
        { "tag_origin", { PARAMETER_FIELD, PARAMETER_TAG }, VALUE_STRING, FUNCTION_TAG_ORIGIN, "the incident that put the tag there", true, NULL }

static const struct function functions[] = {
        { "count", { CONDITION_WINDOW }, VALUE_NUMBER, FUNCTION_COUNT, "how many transactions", false, NULL },
        { "sum", { PARAMETER_NUMBER_FIELD, CONDITION_WINDOW }, VALUE_MISSING, FUNCTION_SUM, "sum of the values", false, NULL },
        { "mean", { PARAMETER_NUMBER_FIELD, CONDITION_WINDOW }, VALUE_MISSING, FUNCTION_MEAN, "mean of the values; missing while there are none", false, NULL },
        { "max", { PARAMETER_NUMBER_FIELD, CONDITION_WINDOW }, VALUE_MISSING, FUNCTION_MAX, "largest value; missing while there is none", false, NULL },
        { "distinct", { PARAMETER_FIELD, CONDITION_WINDOW }, VALUE_NUMBER, FUNCTION_DISTINCT, "how many different values: exact to 128, then within 3 %", false, NULL },
        { "share", { PARAMETER_CONDITION, PARAMETER_WINDOW }, VALUE_NUMBER, FUNCTION_SHARE, "part of the transactions; missing while there are none", false, NULL },
        { "top_share", { PARAMETER_FIELD, CONDITION_WINDOW }, VALUE_NUMBER, FUNCTION_TOP_SHARE, "share of the commonest value, of the 8 that are kept", false, NULL },
        { "surge", { PARAMETER_RATIO }, VALUE_NUMBER, FUNCTION_SURGE, "CUSUM in nats for so many times the usual rate", false, NULL },
        { "gap_entropy", { CONDITION_WINDOW }, VALUE_NUMBER, FUNCTION_GAP_ENTROPY, "entropy, in bits, of the times between requests", false, NULL },
        { "modal_gap_share", { CONDITION_WINDOW }, VALUE_NUMBER, FUNCTION_MODAL_GAP_SHARE, "share of the commonest second among the times between requests", false, NULL },
        { "sequential", { PARAMETER_NUMBER_FIELD, CONDITION_WINDOW }, VALUE_NUMBER, FUNCTION_SEQUENTIAL, "share of steps between values that are small and of one sign", false, NULL },
        { "cold_share", { CONDITION_WINDOW }, VALUE_NUMBER, FUNCTION_COLD_SHARE, "share of views of cold targets", false, NULL },
        { "cold_surge", { PARAMETER_END }, VALUE_NUMBER, FUNCTION_COLD_SURGE, "CUSUM of how rare the targets are against the rest of the site; of groups, 16 views an address in 3 h", false, NULL },
        { "undercollision", { PARAMETER_FIELD, CONDITION_WINDOW }, VALUE_NUMBER, FUNCTION_UNDERCOLLISION, "-log10 of the chance that people would repeat so few targets", false, "target" },
        { "unfetched", { CONDITION_WINDOW }, VALUE_NUMBER, FUNCTION_UNFETCHED, "-log10 of the chance that one would fetch so little of what its pages bring", false, NULL },
        { "synchrony", { PARAMETER_FIELD, CONDITION_WINDOW }, VALUE_NUMBER, FUNCTION_SYNCHRONY, "-log10 of the chance that so many of the values would go at one pace", false, NULL },
        { "skew", { PARAMETER_FIELD, CONDITION_WINDOW }, VALUE_NUMBER, FUNCTION_SKEW, "G statistic of the values against the whole site's", false, NULL },
        { "score", { PARAMETER_END }, VALUE_NUMBER, FUNCTION_SCORE, "sum of the key's signals, one of each family", false, NULL },
        { "families", { PARAMETER_END }, VALUE_NUMBER, FUNCTION_FAMILIES, "how many families the key has signals of", false, NULL },
        TRANSACTION_FUNCTIONS,
        { .name = NULL },
};

/* Those that need no key, for `where`, keys and exemptions. */
static const struct function transaction_functions[] = {
        TRANSACTION_FUNCTIONS,
        { .name = NULL },
};
/* clang-format on */

static bool resolve_header(void *context, struct slice name, unsigned *which,
                           const char **message)
{
        if (name.len == 0) {
                *message = "header() needs the name of a header";
                return false;
        }
        int at = site_want_header(context, name);
        if (at < 0) {
                *message = "rules may ask for 32 different headers at most";
                return false;
        }
        *which = (unsigned)at;
        return true;
}

static const struct field_with_argument argument_rows[] = {
        { "header", VALUE_STRING, read_header, resolve_header,
          "first header line of that name" },
        { .name = NULL },
};

bool field_is_of_one(enum field_kind kind)
{
        static const bool are[] = {
                [FIELD_SESSION_WAS] = true, [FIELD_EMAIL] = true,
                [FIELD_IP] = true,          [FIELD_HOST] = true,
                [FIELD_SESSION] = true,     [FIELD_ACCOUNT] = true,
                [FIELD_JA4] = false,
        };

        return are[kind];
}

bool field_is_of_record(const struct field *field)
{
        static field_read_fn *const reads[] = {
                read_text,          read_client,  read_status,        read_shape,
                read_cookies,       read_version, read_header,        read_client_port,
                read_target_number, read_latency, read_request_bytes, read_response_bytes
        };

        for (size_t i = 0; i < sizeof(reads) / sizeof(*reads); i++)
                if (field->read == reads[i])
                        return field->kind != FIELD_AGENT;
        return false;
}

enum participant_kind field_participant(enum field_kind kind)
{
        switch (kind) {
        case FIELD_IP:
        case FIELD_HOST:
                return PARTICIPANT_CLIENT_IP;
        case FIELD_PREFIX:
                return PARTICIPANT_CLIENT_PREFIX;
        case FIELD_SESSION:
                return PARTICIPANT_SESSION;
        case FIELD_ACCOUNT:
                return PARTICIPANT_ACCOUNT;
        case FIELD_SHAPE:
                return PARTICIPANT_HTTP_SHAPE;
        case FIELD_JA4:
                return PARTICIPANT_TLS_JA4;
        case FIELD_EMAIL_DOMAIN:
                return PARTICIPANT_EMAIL_DOMAIN;
        case FIELD_EMAIL_SKELETON:
                return PARTICIPANT_EMAIL_SKELETON;
        case FIELD_PLAIN:
        case FIELD_OF_KEY:
        case FIELD_SESSION_WAS:
        case FIELD_AGENT:
        case FIELD_EMAIL:
        case FIELD_FORM:
                break;
        }
        return PARTICIPANT_KINDS;
}

void vocabulary_init(struct vocabulary *v, struct site *site,
                     const struct value_list *const *lists)
{
        CHECK(sizeof(rows) / sizeof(*rows) <= VOCABULARY_FIELDS);
        v->site = site;
        memcpy(v->fields, rows, sizeof(rows));
        for (struct field *f = v->fields; f->name; f++)
                if (f->read == read_page)
                        f->names = site_page_names(site);
        v->conditions = (struct expr_language){ .fields = v->fields,
                                                .argument_fields = argument_rows,
                                                .resolve_context = site,
                                                .lists = lists };
        v->full = v->conditions;
        v->full.functions = functions;
        v->conditions.functions = transaction_functions;
        v->conditions.elsewhere = functions;
}

const struct field *vocabulary_fields(void)
{
        return rows;
}

const struct field_with_argument *vocabulary_argument_fields(void)
{
        return argument_rows;
}

const struct function *vocabulary_functions(void)
{
        return functions;
}
