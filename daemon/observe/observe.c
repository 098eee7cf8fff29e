/* SPDX-License-Identifier: MIT */
#include "observe/observe.h"

#include "base/check.h"
#include "base/sample.h"
#include "observe/email.h"
#include "observe/record_build.h"
#include "observe/shape.h"
#include "observe/site_priv.h"
#include "observe/target.h"
#include "observe/text.h"

#include <stdlib.h>

/* What one pass over the headers of a transaction finds. */
struct seen {
        struct slice slots[HEADER_SLOTS_FIXED + HEADER_NAMES_MAX];
        struct slice cookies[COOKIE_NAMES_MAX], set_cookies[COOKIE_NAMES_MAX];
        struct slice visitor_lines[VISITOR_HOPS]; /* a ring: the last ones */
        unsigned visitor_count, cookie_count;
};

struct observe {
        const struct site *site;
        struct hash_key key;
        struct counters *counters;
        const bool *wanted;        /* by page; NULL: all */
        bool follows_sessions;     /* of other pages those that change one */
        struct agents *agents;     /* NULL: nobody asks */
        bool behind_proxy;         /* the transaction at hand came through one */
        struct form_reader *forms; /* NULL: bodies are not looked at */
        size_t body_max;
        const struct domains *disposable; /* may be NULL */
        struct target url;                /* of the transaction at hand */
        struct pattern_target matched;
        unsigned page;
        struct slice normal_path; /* in `normal` */
        struct seen seen;
        struct shape shape;
        struct path path;
        struct record_builder builder;
        struct hash_key sample_key;
        uint8_t sample_shift;
        bool is_reduced, takes_shape;
        uint8_t normal[PATH_MAX_NORMAL];
        uint8_t target[RECORD_TEXT_CAP + 1]; /* one more, so that a cut is noticed */
        uint64_t block[RECORD_SIZE_MAX / 8];
};

struct observe *observe_new(const struct site *site, const struct hash_key *key,
                            struct counters *counters)
{
        struct observe *o = calloc(1, sizeof(*o));

        CHECK(o);
        o->site = site;
        o->key = *key;
        o->sample_key = sample_key(key);
        o->counters = counters;
        o->builder.record = (struct record *)o->block;
        return o;
}

void observe_only(struct observe *o, const bool *pages)
{
        o->wanted = pages;
}

void observe_sessions(struct observe *o)
{
        o->follows_sessions = true;
}

void observe_reduce(struct observe *o, bool is_reduced)
{
        o->is_reduced = is_reduced;
}

void observe_sample(struct observe *o, uint8_t shift)
{
        o->sample_shift = shift;
}

void observe_agents(struct observe *o, struct agents *agents)
{
        o->agents = agents;
}

void observe_forms(struct observe *o, size_t body_max, const struct domains *disposable)
{
        o->disposable = disposable;
        o->body_max = body_max;
        if (!o->forms && o->site->has_forms)
                o->forms = form_reader_new(body_max, o->counters);
}

void observe_free(struct observe **observe)
{
        if (*observe)
                form_reader_free(&(*observe)->forms);
        free(*observe);
        *observe = NULL;
}

static void keep_line(struct observe *o, const struct header_kind *kind,
                      struct slice value)
{
        struct seen *seen = &o->seen;

        if (kind->slot != HEADER_SLOT_NONE && slice_is_none(seen->slots[kind->slot]))
                seen->slots[kind->slot] = value;
        if (kind->roles & HEADER_IS_COOKIE)
                seen->cookie_count +=
                    cookies_read(value, &o->site->cookies, seen->cookies);
        if (kind->roles & HEADER_IS_VISITOR)
                seen->visitor_lines[seen->visitor_count++ % VISITOR_HOPS] = value;
}

static void read_request_headers(struct observe *o, const struct http_headers *headers)
{
        const struct headers *table = &o->site->headers;

        memset(o->seen.slots, 0, table->slots * sizeof(o->seen.slots[0]));
        memset(o->seen.cookies, 0, o->site->cookies.count * sizeof(o->seen.cookies[0]));
        o->seen.visitor_count = 0;
        o->seen.cookie_count = 0;
        for (uint32_t i = 0; i < headers->count; i++) {
                const struct http_header *line = &headers->lines[i];
                const struct header_kind *kind = headers_find(table, line->name);
                if (o->takes_shape)
                        shape_line(&o->shape, kind, line->name, line->value);
                if (kind)
                        keep_line(o, kind, line->value);
        }
}

/* In wire order, wherever the ring begins. */
static unsigned visitor_lines(const struct seen *seen, struct slice lines[VISITOR_HOPS])
{
        unsigned count =
            seen->visitor_count < VISITOR_HOPS ? seen->visitor_count : VISITOR_HOPS;

        for (unsigned i = 0; i < count; i++)
                lines[i] =
                    seen->visitor_lines[(seen->visitor_count - count + i) % VISITOR_HOPS];
        return count;
}

static void read_set_cookies(struct observe *o, const struct transaction *t)
{
        const struct cookie_names *names = &o->site->cookies;
        const struct http_headers *headers = &t->response_headers;

        memset(o->seen.set_cookies, 0, names->count * sizeof(o->seen.set_cookies[0]));
        if (names->count == 0)
                return;
        for (uint32_t i = 0; i < headers->count; i++) {
                const struct http_header *line = &headers->lines[i];
                if (line->name.len == 10 &&
                    slice_equal_nocase(line->name, slice_of("set-cookie", 10)))
                        cookies_read_set(line->value, names, t->response_last_ns,
                                         o->seen.set_cookies);
        }
}

static void read_response_headers(const struct identity *identity,
                                  const struct transaction *t, struct identity_seen *seen)
{
        for (unsigned i = 0; i < identity->count; i++) {
                const struct identity_source *s = &identity->sources[i];
                const struct http_header *line = t->response_headers.lines;
                seen->response_headers[i] = slice_none();
                if (s->kind != IDENTITY_RESPONSE_HEADER)
                        continue;
                for (uint32_t n = t->response_headers.count; n > 0; n--, line++)
                        if (slice_equal_nocase(line->name, s->name)) {
                                seen->response_headers[i] = line->value;
                                break;
                        }
        }
}

static void put_identities(struct observe *o, const struct transaction *t)
{
        struct identity_seen seen = { .cookies = o->seen.cookies,
                                      .set_cookies = o->seen.set_cookies,
                                      .slots = o->seen.slots };
        struct slice was;

        read_set_cookies(o, t);
        read_response_headers(&o->site->session, t, &seen);
        record_put(&o->builder, RECORD_SESSION,
                   identity_find(&o->site->session, &seen, &was));
        record_put(&o->builder, RECORD_SESSION_WAS, was);
        if (identity_is_sent(&o->site->session, &seen))
                o->builder.record->flags |= RECORD_SESSION_SENT;
        read_response_headers(&o->site->account, t, &seen);
        record_put(&o->builder, RECORD_ACCOUNT,
                   identity_find(&o->site->account, &seen, &was));
}

/* Packets may be stamped out of order; no span of time is negative. */
static int64_t span_ns(int64_t from_ns, int64_t to_ns)
{
        return to_ns > from_ns ? to_ns - from_ns : 0;
}

static void put_times(struct record *r, const struct transaction *t)
{
        r->start_ns = t->request_first_ns;
        r->duration_ns = r->latency_ns = -1;
        r->end_ns = t->request_last_ns;
        if (t->status) {
                r->end_ns = t->response_last_ns;
                r->duration_ns = span_ns(t->request_first_ns, t->response_last_ns);
                r->latency_ns = span_ns(t->request_last_ns, t->response_first_ns);
        }
}

/* A proxy that must say who is there did not, or nobody saw what it said. */
static bool announcement_is_missed(const struct observe *o, const struct transaction *t)
{
        return o->site->proxy_protocol == PROXY_PROTOCOL_ALWAYS && !t->is_proxied &&
               trusted_has(&o->site->trusted, &t->client.ip);
}

/* By the lines of the visitor header that were kept. */
static struct visitor find_visitor(const struct observe *o, const struct transaction *t)
{
        struct slice lines[VISITOR_HOPS];
        const struct endpoint *from = t->is_announced ? &t->announced : &t->client;

        return visitor_find(&o->site->trusted, o->site->syntax, &from->ip, from->port,
                            lines, visitor_lines(&o->seen, lines));
}

/* ---- when only some visitors are looked at ---- */

uint8_t observe_rank(const struct observe *o, const struct ip *peer)
{
        return trusted_has(&o->site->trusted, peer) ? SAMPLE_ALWAYS
                                                    : sample_rank(&o->sample_key, peer);
}

static bool is_in_sample(struct observe *o, const struct visitor *v)
{
        if (o->sample_shift == 0 ||
            sample_rank(&o->sample_key, &v->ip) >= o->sample_shift)
                return true;
        o->counters->requests_sampled_out++;
        return false;
}

static void read_visitor_lines(struct observe *o, const struct http_headers *headers)
{
        o->seen.visitor_count = 0;
        for (uint32_t i = 0; i < headers->count; i++) {
                const struct http_header *line = &headers->lines[i];
                const struct header_kind *kind =
                    headers_find(&o->site->headers, line->name);
                if (kind && kind->roles & HEADER_IS_VISITOR)
                        o->seen.visitor_lines[o->seen.visitor_count++ % VISITOR_HOPS] =
                            line->value;
        }
}

bool observe_visitor_wanted(struct observe *o, const struct transaction *t)
{
        const struct endpoint *from = t->is_announced ? &t->announced : &t->client;

        o->seen.visitor_count = 0;
        if (trusted_has(&o->site->trusted, &from->ip))
                read_visitor_lines(o, &t->request_headers);
        struct visitor v = find_visitor(o, t);
        return is_in_sample(o, &v);
}

static void put_visitor(struct observe *o, const struct transaction *t,
                        const struct visitor *visitor)
{
        const struct site *site = o->site;
        struct record *r = o->builder.record;
        struct visitor v = *visitor;
        bool v4 = ip_is_v4(&v.ip);

        r->peer = t->client.ip;
        r->peer_port = t->client.port;
        r->server = t->server.ip;
        r->server_port = t->server.port;
        r->client = v.ip;
        r->client_port = v.port;
        r->client_host = network_of(&v.ip, v4 ? 128 : 64);
        r->client_prefix = network_of(&v.ip, v4 ? site->prefix_v4 : site->prefix_v6);
        if (v.uncertain || announcement_is_missed(o, t)) {
                r->flags |= RECORD_CLIENT_UNCERTAIN;
                o->counters->visitors_uncertain++;
        }
        if (v.trusted)
                r->flags |= RECORD_CLIENT_TRUSTED;
}

static void lower_in_place(uint8_t *text, size_t len)
{
        for (size_t i = 0; i < len; i++)
                if (text[i] >= 'A' && text[i] <= 'Z')
                        text[i] |= 0x20;
}

static void put_host(struct observe *o, struct slice host)
{
        struct record *r = o->builder.record;
        struct slice from = target_url_host(o->seen.slots[HEADER_REFERER]);

        if (host.len == 0)
                host = slice_none();
        record_put(&o->builder, RECORD_DOMAIN, host);
        record_put(&o->builder, RECORD_HOST, host);
        lower_in_place((uint8_t *)r + r->texts[RECORD_HOST].offset,
                       r->texts[RECORD_HOST].len);
        if (host.len && (text_equal(from, host) || slice_equal_nocase(from, host)))
                r->flags |= RECORD_REFERER_SAME_SITE;
}

static void put_target(struct observe *o, const struct pattern_target *target)
{
        struct record *r = o->builder.record;

        if (slice_is_none(target->raw))
                return;
        struct slice plain =
            path_decode(target->raw, target->in_query, o->target, sizeof(o->target));
        record_put(&o->builder, RECORD_TARGET, plain);
        if (slice_to_u64(plain, &r->target_number))
                r->flags |= RECORD_TARGET_NUMERIC;
}

/* Which page is it? Needs the request line only. */
static void find_page(struct observe *o, const struct transaction *t)
{
        o->url = target_parse(t->method, t->target, slice_none());
        if (slice_is_none(o->url.path)) { /* CONNECT: an authority has no path */
                o->page = 0;
                o->normal_path = slice_none();
                o->matched = (struct pattern_target){ 0 };
                return;
        }
        o->normal_path = path_normalise(o->url.path, o->normal);
        path_split(o->normal_path, &o->path);
        struct slice query = o->url.query;
        query.len = slice_find(query, '#');
        struct route_query route = { t->method, &o->path, query };
        o->page = routes_find(o->site->routes, &route, &o->matched);
}

/* Target, host and the rest of the URL; the Host line speaks where the target does not.
 */
static void put_url(struct observe *o, const struct transaction *t)
{
        struct slice host = o->url.host;

        if (slice_is_none(host) && t->target.len && t->target.data[0] == '/')
                host = target_host(slice_trim(o->seen.slots[HEADER_HOST]));
        else if (slice_is_none(host))
                host =
                    target_parse(t->method, t->target, o->seen.slots[HEADER_HOST]).host;
        o->builder.cut |= o->url.path.len > PATH_MAX_RAW;
        o->builder.record->page = (uint16_t)o->page;
        put_host(o, host);
        record_put(&o->builder, RECORD_RAW_PATH, o->url.path);
        record_put(&o->builder, RECORD_PATH, o->normal_path);
        record_put(&o->builder, RECORD_QUERY, o->url.query);
        put_target(o, &o->matched);
}

/* What the software says it is, as far as the record holds the text. */
static void put_agent(struct observe *o, struct slice text)
{
        struct record *r = o->builder.record;
        struct record_span ua = r->texts[RECORD_USER_AGENT];
        struct agent agent = agents_find(o->agents, text);

        if (agent.is_bot)
                r->flags |= RECORD_BOT_CLAIMED;
        record_put(&o->builder, RECORD_UA_FAMILY, agents_family(o->agents, agent));
        if (agent.version_len && agent.version_at + agent.version_len <= ua.len)
                r->texts[RECORD_UA_VERSION] =
                    (struct record_span){ ua.offset + agent.version_at,
                                          agent.version_len };
}

/* What the connection tells, rather than the message. */
static void put_connection(struct observe *o, const struct transaction *t)
{
        struct record *r = o->builder.record;

        if (!o->behind_proxy)
                r->tcp_shape = t->tcp_shape;
        r->connection_request = t->connection_request;
        if (t->pipelined)
                r->flags |= RECORD_PIPELINED;
        if (t->unanswered && !o->behind_proxy)
                r->flags |= RECORD_UNANSWERED;
}

static void put_headers(struct observe *o)
{
        const struct site *site = o->site;

        record_put(&o->builder, RECORD_USER_AGENT, o->seen.slots[HEADER_USER_AGENT]);
        record_put(&o->builder, RECORD_REFERER, o->seen.slots[HEADER_REFERER]);
        if (o->agents)
                put_agent(o, o->seen.slots[HEADER_USER_AGENT]);
        o->builder.record->header_count = (uint8_t)site->wanted_count;
        for (unsigned i = 0; i < site->wanted_count; i++)
                record_put_header(&o->builder, i, o->seen.slots[site->wanted_slots[i]]);
}

static void put_email(struct observe *o, struct slice text)
{
        uint8_t canonical[EMAIL_MAX], skeleton[EMAIL_SKELETON_MAX];
        struct email email;

        if (!email_parse(text, &email))
                return;
        record_put(&o->builder, RECORD_EMAIL_DOMAIN, email.domain);
        record_put(&o->builder, RECORD_EMAIL_CANONICAL,
                   slice_of(canonical, email_canonical(&email, canonical)));
        record_put(&o->builder, RECORD_EMAIL_SKELETON,
                   slice_of(skeleton, email_skeleton(&email, skeleton)));
        if (o->disposable && domains_cover(o->disposable, email.domain))
                o->builder.record->flags |= RECORD_EMAIL_DISPOSABLE;
}

static void put_name(struct observe *o, struct slice text)
{
        uint8_t skeleton[NAME_SKELETON_MAX];
        size_t len = name_skeleton(text, skeleton);

        if (len)
                record_put(&o->builder, RECORD_NAME_SKELETON, slice_of(skeleton, len));
}

static void put_phone(struct observe *o, struct slice text)
{
        uint8_t prefix[PHONE_PREFIX];

        if (phone_prefix(text, prefix))
                record_put(&o->builder, RECORD_PHONE_PREFIX,
                           slice_of(prefix, sizeof(prefix)));
}

/* What the form's fields say goes into the record; the fields themselves do not. */
static void put_form(struct observe *o, const struct transaction *t)
{
        const struct page *page = &o->site->pages[o->page];
        struct form_body body = { o->seen.slots[HEADER_CONTENT_TYPE],
                                  o->seen.slots[HEADER_CONTENT_ENCODING], t->request_body,
                                  t->request_body_cut };
        struct slice answers[FORM_KINDS];

        if (page->is_signup || page->is_form)
                o->builder.record->software = shape_software(&o->shape, &o->key);
        if (o->is_reduced && page->form)
                o->counters->body_bytes_skipped += t->request_bytes;
        if (!o->forms || !page->form || slice_is_none(t->request_body))
                return;
        if (form_read(o->forms, page->form, &body, answers)) {
                o->builder.record->flags |= RECORD_FORM_READ;
                put_email(o, answers[FORM_EMAIL]);
                put_name(o, answers[FORM_NAME]);
                put_phone(o, answers[FORM_PHONE]);
        }
        form_reader_forget(o->forms);
}

static struct slice response_header(const struct transaction *t, const char *name)
{
        for (uint32_t i = 0; i < t->response_headers.count; i++)
                if (slice_equal_nocase(t->response_headers.lines[i].name,
                                       slice_str(name)))
                        return t->response_headers.lines[i].value;
        return slice_none();
}

static void put_accepted(struct observe *o, const struct transaction *t)
{
        const struct page *page = &o->site->pages[o->page];
        struct site_response response = { t->status, slice_none() };
        bool reads = page->reads_body && o->forms && !slice_is_none(t->response_body);

        if (!t->status || !page->is_signup)
                return;
        if (reads)
                response.body = slice_first(
                    form_plain(o->forms, response_header(t, "content-encoding"),
                               t->response_body),
                    SITE_RESPONSE_BODY);
        if (site_accepts(o->site, o->page, &response, o->counters))
                o->builder.record->flags |= RECORD_SIGNUP_ACCEPTED;
        if (reads)
                form_reader_forget(o->forms);
}

static void put_numbers(struct observe *o, const struct transaction *t)
{
        struct record *r = o->builder.record;

        put_times(r, t);
        r->status = t->status;
        r->cookies = o->seen.cookie_count > UINT16_MAX ? UINT16_MAX
                                                       : (uint16_t)o->seen.cookie_count;
        r->version_major = t->version_major;
        r->version_minor = t->version_minor;
        r->sample_shift = o->sample_shift;
        r->request_bytes = t->request_bytes;
        r->response_bytes = t->status ? t->response_bytes : 0;
        if (o->takes_shape) {
                r->http_shape = shape_end(&o->shape, &o->key, t->method, o->seen.slots);
                r->request_kind = o->shape.kind;
        }
        if (t->status && t->response_complete)
                r->flags |= RECORD_RESPONSE_COMPLETE;
}

size_t observe_body_wanted(struct observe *o, const struct transaction *t,
                           enum body_of of)
{
        bool request = of == BODY_OF_REQUEST;

        if (!o->forms || !(request || o->site->reads_bodies))
                return 0;
        find_page(o, t);
        const struct page *page = &o->site->pages[o->page];
        if (!page->form || (o->wanted && !o->wanted[o->page]))
                return 0;
        if (request && o->is_reduced) {
                o->counters->bodies_skipped++;
                return 0;
        }
        if (request)
                return o->body_max;
        return page->reads_body ? SITE_RESPONSE_BODY : 0;
}

/* Only a cookie can change a session. */
static bool may_change_session(const struct observe *o, const struct transaction *t)
{
        return o->follows_sessions && o->site->session.count &&
               !slice_is_none(response_header(t, "set-cookie"));
}

/* Those pages' requests are few, and told apart by it (record.software). */
static bool takes_shape(const struct observe *o)
{
        const struct page *page = &o->site->pages[o->page];

        return !o->is_reduced || page->is_signup || page->is_form;
}

const struct record *observe_transaction(struct observe *o, const struct transaction *t)
{
        find_page(o, t);
        bool is_wanted = !o->wanted || o->wanted[o->page];
        if (!is_wanted && !may_change_session(o, t))
                return NULL;
        o->takes_shape = takes_shape(o);
        o->behind_proxy = trusted_has(&o->site->trusted, &t->client.ip);
        shape_begin(&o->shape, o->behind_proxy);
        shape_http2(&o->shape, t->h2_shape, t->h2_order);
        read_request_headers(o, &t->request_headers);
        struct visitor visitor = find_visitor(o, t);
        if (!is_in_sample(o, &visitor))
                return NULL;
        record_begin(&o->builder);
        put_visitor(o, t, &visitor);
        put_connection(o, t);
        put_form(o, t); /* first of the texts: no long header crowds it out */
        record_put(&o->builder, RECORD_METHOD, t->method);
        put_url(o, t);
        put_identities(o, t);
        put_headers(o);
        put_accepted(o, t);
        put_numbers(o, t);
        record_end(&o->builder);
        if (!is_wanted && !o->builder.record->texts[RECORD_SESSION_WAS].offset)
                return NULL;
        o->counters->records_truncated += o->builder.cut;
        o->counters->shapes_skipped += !o->takes_shape;
        return o->builder.record;
}
