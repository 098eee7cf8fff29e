/* SPDX-License-Identifier: MIT */
/*
 * The agenda is one heap of what is due: steps of actors and answers of the site. Both
 * are taken in the order of their times, and of their being put there where those are
 * equal.
 */
#include "lab.h"

#include "parameters.h"
#include "sources.h"
#include "truth.h"
#include "wire.h"

#include "base/buf.h"
#include "base/check.h"
#include "base/json.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NS_PER_DAY INT64_C(86400000000000)
#define HEAD_MAX   8192
#define BODY_MAX   2048
#define COOKIE_MAX 256
#define SERVED_BY  1024 /* answers that are taken from the system at once */

/* What the lab keeps of an actor, before what its class knows of. */
struct seat {
        struct wire_seat wire;
        struct address last; /* its text is made once, mostly */
        char address[46];
        bool has_asked;
        uint32_t person; /* from 1; 0: nobody's */
        struct actor actor;
};

struct answer {
        struct answer *next; /* of unused ones */
        struct connection *connection;
        struct response response;
        char set_session[40], set_account[24], session[40];
        enum request_kind kind;
        enum method method;
        uint32_t group;
        int32_t target;
        const char *agent;
        bool is_signup;
        struct buf note; /* for the file of requests */
};

struct due {
        int64_t at_ns;
        uint64_t order; /* twice a running number, 1 more for an answer */
        void *what;
};

/* People who have asked for something: a bit each. */
struct seen {
        uint8_t *bits;
        size_t bytes;
};

/* What lab_keep gave, until the end. */
struct kept {
        struct kept *next;
        max_align_t bytes[];
};

struct lab {
        const struct parameters *p;
        struct softwares *softwares;
        struct site *site;
        struct places *places;
        struct wire *wire;
        struct truth *truth;
        FILE *requests;
        int64_t begin_ns, end_ns, now_ns;

        struct due *heap;
        size_t count, room;
        uint64_t order;

        struct answer *unused;
        void **blocks;
        unsigned block_count;
        uint32_t browsers;

        struct kept *kept;
        struct seen people, today;
        uint64_t *by_day; /* visitors; for the truth */
        uint32_t days, day;
        struct lab_counts counts;

        int64_t date_second;
        char date[40];
        uint8_t head[HEAD_MAX], body[BODY_MAX];
};

/* ---- agenda ---- */

static bool is_before(const struct due *a, const struct due *b)
{
        return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

static void sift_up(struct due *heap, size_t i, struct due due)
{
        for (; i > 0 && is_before(&due, &heap[(i - 1) / 4]); i = (i - 1) / 4)
                heap[i] = heap[(i - 1) / 4];
        heap[i] = due;
}

static void sift_down(struct due *heap, size_t count, struct due due)
{
        size_t i = 0;

        for (;;) {
                size_t first = 4 * i + 1, best = first;
                if (first >= count)
                        break;
                for (size_t child = first + 1; child < first + 4 && child < count;
                     child++)
                        if (is_before(&heap[child], &heap[best]))
                                best = child;
                if (!is_before(&heap[best], &due))
                        break;
                heap[i] = heap[best];
                i = best;
        }
        heap[i] = due;
}

static void put_due(struct lab *lab, int64_t at_ns, void *what, bool is_answer)
{
        if (lab->count == lab->room) {
                lab->room = lab->room ? 2 * lab->room : 1024;
                lab->heap = realloc(lab->heap, lab->room * sizeof(*lab->heap));
                CHECK(lab->heap);
        }
        sift_up(lab->heap, lab->count++,
                (struct due){ at_ns, 2 * lab->order++ + is_answer, what });
}

static struct due take_due(struct lab *lab)
{
        struct due first = lab->heap[0];

        if (--lab->count)
                sift_down(lab->heap, lab->count, lab->heap[lab->count]);
        return first;
}

/* ---- actors ---- */

static struct seat *seat_of(const struct actor *actor)
{
        return (struct seat *)((char *)(uintptr_t)actor - offsetof(struct seat, actor));
}

struct actor *lab_add(struct lab *lab, const struct actor_class *class, uint64_t name,
                      int64_t first_ns)
{
        struct seat *seat = calloc(1, offsetof(struct seat, actor) + class->size);

        CHECK(seat && class->size >= sizeof(struct actor));
        seat->actor.class = class;
        seat->actor.dice = dice_of(lab->p->seed, name);
        seat->actor.browser = ++lab->browsers;
        lab->counts.actors++;
        put_due(lab, first_ns, seat, false);
        return &seat->actor;
}

void lab_person(struct lab *lab, struct actor *actor, uint32_t person)
{
        (void)lab;
        seat_of(actor)->person = person + 1;
}

static bool was_seen(struct seen *seen, uint32_t person)
{
        size_t byte = person / 8;
        uint8_t bit = (uint8_t)(1 << person % 8);

        if (byte >= seen->bytes) {
                size_t room = 2 * byte + 64;
                seen->bits = realloc(seen->bits, room);
                CHECK(seen->bits);
                memset(seen->bits + seen->bytes, 0, room - seen->bytes);
                seen->bytes = room;
        }
        bool was = seen->bits[byte] & bit;
        seen->bits[byte] |= bit;
        return was;
}

/* Who is still there after midnight counts for the day on which he came. */
static void count_today(struct lab *lab, const struct seat *seat)
{
        uint32_t day = (uint32_t)((lab->now_ns - lab->begin_ns) / NS_PER_DAY);

        day = day < lab->days ? day : lab->days - 1;
        if (day != lab->day && lab->today.bytes)
                memset(lab->today.bits, 0, lab->today.bytes);
        lab->day = day;
        if (!seat->person || !was_seen(&lab->today, seat->person - 1))
                lab->by_day[day]++;
}

static void count_visitor(struct lab *lab, struct seat *seat)
{
        if (seat->has_asked)
                return;
        seat->has_asked = true;
        count_today(lab, seat);
        if (seat->person && was_seen(&lab->people, seat->person - 1))
                return;
        lab->counts.visitors++;
        lab->counts.people += !seat->actor.group;
}

/* ---- the world ---- */

uint32_t lab_group(struct lab *lab, enum side side, const char *class,
                   const char *parameters)
{
        CHECK(side != SIDE_PERSON);
        return truth_group(lab->truth, side, class, parameters);
}

const struct site *lab_site(const struct lab *lab)
{
        return lab->site;
}

struct places *lab_places(struct lab *lab)
{
        return lab->places;
}

struct softwares *lab_softwares(const struct lab *lab)
{
        return lab->softwares;
}

const struct parameters *lab_parameters(const struct lab *lab)
{
        return lab->p;
}

int64_t lab_begin(const struct lab *lab)
{
        return lab->begin_ns;
}

int64_t lab_end(const struct lab *lab)
{
        return lab->end_ns;
}

uint64_t lab_name(const struct lab *lab, const char *source, uint64_t number)
{
        return dice_name(lab->p->seed, source, number);
}

/* ---- memory for all that belongs to a group ---- */

void *lab_keep(struct lab *lab, size_t size)
{
        struct kept *kept = calloc(1, sizeof(*kept) + size);

        CHECK(kept);
        kept->next = lab->kept;
        lab->kept = kept;
        return kept->bytes;
}

static void free_kept(struct lab *lab)
{
        while (lab->kept) {
                struct kept *next = lab->kept->next;

                free(lab->kept);
                lab->kept = next;
        }
}

/* ---- requests ---- */

static struct slice cookie_of(const struct lab *lab, const struct request *r,
                              char text[COOKIE_MAX])
{
        int len = 0;

        if (r->session)
                len = snprintf(text, COOKIE_MAX, "%s=%s", lab->p->site.session_cookie,
                               r->session);
        if (r->account && len < COOKIE_MAX)
                len += snprintf(text + len, (size_t)(COOKIE_MAX - len), "%s%s=%s",
                                len ? "; " : "", lab->p->site.account_cookie, r->account);
        CHECK(len < COOKIE_MAX);
        return len ? slice_of(text, (size_t)len) : slice_none();
}

static size_t put_escaped(uint8_t *at, size_t room, const char *text)
{
        static const char hex[] = "0123456789ABCDEF";
        size_t len = 0;

        for (; *text && len + 3 < room; text++) {
                uint8_t c = (uint8_t)*text;
                bool is_plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                                (c >= 'a' && c <= 'z') || strchr("-._*", c);
                if (is_plain || c == ' ') {
                        at[len++] = c == ' ' ? '+' : c;
                } else {
                        at[len++] = '%';
                        at[len++] = (uint8_t)hex[c >> 4];
                        at[len++] = (uint8_t)hex[c & 15];
                }
        }
        return len;
}

/* `name=value`, with a `&` before all but the first. */
static void put_field(struct lab *lab, size_t *len, const char *name, const char *value)
{
        if (!value)
                return;
        if (*len)
                lab->body[(*len)++] = '&';
        *len += put_escaped(lab->body + *len, BODY_MAX / 2 - *len, name);
        lab->body[(*len)++] = '=';
        *len += put_escaped(lab->body + *len, BODY_MAX - *len - 8, value);
}

static size_t put_json_body(struct lab *lab, const struct signup_fields *f)
{
        const struct site_parameters *p = &lab->p->site;
        struct buf text = { 0 };
        struct json json = json_into(&text);

        json_open(&json, NULL);
        json_text(&json, p->field_email, f->email);
        json_text(&json, p->field_name, f->name);
        if (f->phone)
                json_text(&json, p->field_phone, f->phone);
        json_close(&json);
        size_t len = text.len < BODY_MAX ? text.len : BODY_MAX;
        memcpy(lab->body, text.data, len);
        buf_free(&text);
        return len;
}

/* What a POST sends: a sign-up's fields, as a form or (by a script) as JSON. */
static struct slice body_of(struct lab *lab, const struct request *r)
{
        size_t len = 0;

        if (r->method != METHOD_POST)
                return slice_none();
        if (r->fields && r->kind == REQUEST_FETCH) {
                len = put_json_body(lab, r->fields);
        } else if (r->fields) {
                put_field(lab, &len, lab->p->site.field_email, r->fields->email);
                put_field(lab, &len, lab->p->site.field_name, r->fields->name);
                put_field(lab, &len, lab->p->site.field_phone, r->fields->phone);
        } else {
                put_field(lab, &len, "login", r->session ? r->session : "1");
        }
        return slice_of(lab->body, len);
}

static const char *const methods[] = { "GET", "HEAD", "POST" };

/* What is written out for one head. */
struct values {
        struct slice of[HEAD_VALUES];
        char cookie[COOKIE_MAX], referer[SITE_PATH_MAX + 300], length[16], origin[300];
};

static void set_referer(const struct lab *lab, const struct request *r, struct values *v)
{
        const char *host = lab->p->site.host;

        if (r->referer) {
                size_t len = (size_t)snprintf(v->referer, sizeof(v->referer),
                                              "https://%s%s", host, r->referer);
                v->of[HEAD_REFERER] = slice_of(v->referer, len);
        }
        v->of[HEAD_FETCH_SITE] = slice_str(r->referer ? "same-origin" : "none");
}

static void set_body(const struct lab *lab, const struct request *r, struct slice body,
                     struct values *v)
{
        if (r->method != METHOD_POST)
                return;
        snprintf(v->length, sizeof(v->length), "%zu", body.len);
        snprintf(v->origin, sizeof(v->origin), "https://%s", lab->p->site.host);
        v->of[HEAD_LENGTH] = slice_str(v->length);
        v->of[HEAD_ORIGIN] = slice_str(v->origin);
        v->of[HEAD_TYPE] = slice_str(r->fields && r->kind == REQUEST_FETCH
                                         ? "application/json"
                                         : "application/x-www-form-urlencoded");
}

static struct slice head_of(struct lab *lab, const struct seat *seat,
                            const struct request *r, struct slice body)
{
        struct values v;

        memset(v.of, 0, sizeof(v.of));
        v.of[HEAD_METHOD] = slice_str(methods[r->method]);
        v.of[HEAD_PATH] = slice_str(r->path);
        v.of[HEAD_COOKIE] = cookie_of(lab, r, v.cookie);
        v.of[HEAD_LANGUAGE] =
            slice_str(r->language ? r->language : software_language(r->software));
        v.of[HEAD_FORWARDED] = slice_str(seat->address);
        set_referer(lab, r, &v);
        set_body(lab, r, body, &v);
        size_t len = software_head(r->software, r->kind, v.of, lab->head, HEAD_MAX);
        CHECK(len > 0);
        return slice_of(lab->head, len);
}

static void set_address(struct seat *seat, const struct address *from)
{
        if (seat->address[0] && memcmp(&seat->last, from, sizeof(*from)) == 0)
                return;
        seat->last = *from;
        address_text(from, seat->address);
}

static void tell_names(struct lab *lab, int64_t now_ns, const struct seat *seat,
                       const struct request *r)
{
        uint32_t group = seat->actor.group;

        if (!group)
                return;
        truth_name(lab->truth, now_ns, group, TRUTH_ADDRESS, seat->address);
        if (r->session)
                truth_name(lab->truth, now_ns, group, TRUTH_SESSION, r->session);
        if (r->account)
                truth_name(lab->truth, now_ns, group, TRUTH_ACCOUNT, r->account);
}

static struct answer *take_answer(struct lab *lab)
{
        if (!lab->unused) {
                struct answer *block = calloc(SERVED_BY, sizeof(*block));
                lab->blocks =
                    realloc(lab->blocks, (lab->block_count + 1) * sizeof(void *));
                CHECK(block && lab->blocks);
                lab->blocks[lab->block_count++] = block;
                for (unsigned i = 0; i < SERVED_BY; i++) {
                        block[i].next = lab->unused;
                        lab->unused = &block[i];
                }
        }
        struct answer *answer = lab->unused;
        lab->unused = answer->next;
        return answer;
}

static void copy_text(char *to, size_t room, const char *from)
{
        size_t len = from ? strlen(from) : 0;

        CHECK(len < room);
        memcpy(to, from ? from : "", len + 1);
}

/* A line for the file of requests, but for the status, which is known then too. */
static void note(int64_t now_ns, const struct seat *seat, const struct request *r,
                 const struct response *response, struct buf *line)
{
        struct json json = json_into(line);
        bool is_set = response->set_session != NULL;

        buf_clear(line);
        json_open(&json, NULL);
        json_time(&json, "t", now_ns);
        json_u64(&json, "group", seat->actor.group);
        json_text(&json, "actor", seat->actor.class->name);
        json_u64(&json, "browser", seat->actor.browser);
        if (seat->person)
                json_u64(&json, "person", seat->person - 1);
        json_text(&json, "client", seat->address);
        json_text(&json, "software", software_name(r->software));
        json_text(&json, "method", methods[r->method]);
        json_text(&json, "path", r->path);
        if (is_set || r->session)
                json_text(&json, "session", is_set ? response->set_session : r->session);
        if (is_set)
                json_bool(&json, "sets_session", true);
        if (response->set_account || r->account)
                json_text(&json, "account",
                          response->set_account ? response->set_account : r->account);
        if (r->target >= 0)
                json_u64(&json, "profile", (uint64_t)r->target);
        json_u64(&json, "status", response->status);
        json_close(&json);
}

/* Without the cookies where its software does not send them: truth is what was sent. */
static struct request as_sent(const struct request *r)
{
        struct request sent = *r;

        if (!software_sends_cookies(r->software, r->kind))
                sent.session = sent.account = NULL;
        return sent;
}

void lab_request(struct lab *lab, const struct actor *actor, int64_t now_ns,
                 const struct request *asked, const struct response *response)
{
        const struct request sent = as_sent(asked), *r = &sent;
        struct seat *seat = seat_of(actor);
        struct answer *answer = take_answer(lab);

        set_address(seat, &r->from);
        count_visitor(lab, seat);
        tell_names(lab, now_ns, seat, r);
        struct slice body = body_of(lab, r);
        answer->connection =
            wire_request(lab->wire, now_ns, &seat->wire, &r->from,
                         head_of(lab, seat, r, body), body, software_closes(r->software));
        answer->response = *response;
        copy_text(answer->set_session, sizeof(answer->set_session),
                  response->set_session);
        copy_text(answer->set_account, sizeof(answer->set_account),
                  response->set_account);
        copy_text(answer->session, sizeof(answer->session), r->session);
        answer->kind = r->kind;
        answer->method = r->method;
        answer->group = actor->group;
        answer->target = r->target;
        answer->agent = software_agent(r->software);
        answer->is_signup = r->fields != NULL;
        if (lab->requests)
                note(now_ns, seat, r, response, &answer->note);
        lab->counts.requests++;
        CHECK(response->latency_ns >= 0);
        put_due(lab, now_ns + response->latency_ns, answer, true);
}

void lab_hang_up(struct lab *lab, const struct actor *actor)
{
        wire_hang_up(lab->wire, lab->now_ns, &seat_of(actor)->wire);
}

/* ---- answers ---- */

static const char *reason(unsigned status)
{
        switch (status) {
        case 200:
                return "OK";
        case 201:
                return "Created";
        case 204:
                return "No Content";
        case 301:
                return "Moved Permanently";
        case 302:
                return "Found";
        case 303:
                return "See Other";
        case 304:
                return "Not Modified";
        case 400:
                return "Bad Request";
        case 401:
                return "Unauthorized";
        case 403:
                return "Forbidden";
        case 404:
                return "Not Found";
        case 410:
                return "Gone";
        case 422:
                return "Unprocessable Content";
        case 429:
                return "Too Many Requests";
        case 500:
                return "Internal Server Error";
        case 503:
                return "Service Unavailable";
        default:
                return "Status";
        }
}

static const char *content_type(enum request_kind kind)
{
        switch (kind) {
        case REQUEST_STYLE:
                return "text/css";
        case REQUEST_SCRIPT:
                return "text/javascript";
        case REQUEST_FONT:
                return "font/woff2";
        case REQUEST_IMAGE:
                return "image/jpeg";
        case REQUEST_FETCH:
                return "application/json";
        default:
                return "text/html; charset=utf-8";
        }
}

static const char *date(struct lab *lab, int64_t now_ns)
{
        time_t second = (time_t)(now_ns / 1000000000);
        struct tm parts;

        if (second == lab->date_second)
                return lab->date;
        gmtime_r(&second, &parts);
        strftime(lab->date, sizeof(lab->date), "%a, %d %b %Y %H:%M:%S GMT", &parts);
        lab->date_second = second;
        return lab->date;
}

static size_t put_text(uint8_t *at, const char *text)
{
        size_t len = strlen(text);

        memcpy(at, text, len);
        return len;
}

static size_t put_number(uint8_t *at, uint32_t value)
{
        uint8_t text[10];
        size_t len = 0;

        do
                text[len++] = (uint8_t)('0' + value % 10);
        while (value /= 10);
        for (size_t i = 0; i < len; i++)
                at[i] = text[len - 1 - i];
        return len;
}

static size_t put_cookie(uint8_t *at, const char *name, const char *value)
{
        size_t len = put_text(at, "\r\nSet-Cookie: ");

        len += put_text(at + len, name);
        at[len++] = '=';
        len += put_text(at + len, value);
        return len + put_text(at + len, "; Path=/; HttpOnly; Secure; SameSite=Lax");
}

/* 204 and 304 have no body, and say nothing of one (RFC 9110, 8.6). */
static bool may_have_body(unsigned status)
{
        return status != 204 && status != 304;
}

static struct slice answer_head(struct lab *lab, int64_t now_ns, const struct answer *a)
{
        const struct site_parameters *p = &lab->p->site;
        uint8_t *at = lab->head;
        size_t len = put_text(at, "HTTP/1.1 ");

        len += put_number(at + len, a->response.status);
        at[len++] = ' ';
        len += put_text(at + len, reason(a->response.status));
        len += put_text(at + len, "\r\nServer: nginx\r\nDate: ");
        len += put_text(at + len, date(lab, now_ns));
        if (may_have_body(a->response.status)) {
                len += put_text(at + len, "\r\nContent-Type: ");
                len += put_text(at + len, content_type(a->kind));
                len += put_text(at + len, "\r\nContent-Length: ");
                len += put_number(at + len, a->response.bytes);
        }
        if (a->response.status / 100 == 3 && a->response.status != 304) {
                len += put_text(at + len, "\r\nLocation: ");
                len += put_text(at + len, p->path[PAGE_FEED]);
        }
        if (a->set_session[0])
                len += put_cookie(at + len, p->session_cookie, a->set_session);
        if (a->set_account[0])
                len += put_cookie(at + len, p->account_cookie, a->set_account);
        len += put_text(at + len, "\r\n\r\n");
        return slice_of(at, len);
}

static void tell_outcome(struct lab *lab, int64_t now_ns, const struct answer *a)
{
        unsigned class = a->response.status / 100;
        const char *session = a->set_session[0] ? a->set_session
                              : a->session[0]   ? a->session
                                                : NULL;

        bool is_view = a->target >= 0 && class == 2 && a->method != METHOD_HEAD;

        if (is_view)
                truth_viewed(lab->truth, now_ns, a->group, a->agent);
        if (!a->group)
                return;
        if (a->set_session[0])
                truth_name(lab->truth, now_ns, a->group, TRUTH_SESSION, a->set_session);
        if (a->set_account[0])
                truth_name(lab->truth, now_ns, a->group, TRUTH_ACCOUNT, a->set_account);
        if (is_view)
                truth_served(lab->truth, now_ns, a->group, (uint32_t)a->target, session);
        if (a->is_signup && (class == 2 || class == 3))
                truth_accepted(lab->truth, now_ns, a->group, session);
}

static void give_answer(struct lab *lab, int64_t now_ns, struct answer *a)
{
        bool has_body = may_have_body(a->response.status) && a->method != METHOD_HEAD;

        wire_answer(lab->wire, now_ns, a->connection, answer_head(lab, now_ns, a),
                    has_body ? a->response.bytes : 0);
        tell_outcome(lab, now_ns, a);
        if (lab->requests) {
                fwrite(a->note.data, 1, a->note.len, lab->requests);
                fputc('\n', lab->requests);
        }
        a->next = lab->unused;
        lab->unused = a;
}

/* ---- the run ---- */

static void free_seat(struct seat *seat)
{
        if (seat->actor.class->end)
                seat->actor.class->end(&seat->actor);
        wire_leave(&seat->wire);
        free(seat);
}

static void take_step(struct lab *lab, int64_t now_ns, struct seat *seat)
{
        if (now_ns >= lab->end_ns) {
                free_seat(seat);
                return;
        }
        int64_t next = seat->actor.class->step(&seat->actor, lab, now_ns);
        CHECK(next >= now_ns);
        if (next == LAB_NEVER)
                free_seat(seat);
        else
                put_due(lab, next, seat, false);
}

bool lab_run(struct lab *lab)
{
        while (lab->count && !wire_has_failed(lab->wire)) {
                struct due due = take_due(lab);
                wire_tick(lab->wire, due.at_ns);
                lab->now_ns = due.at_ns;
                if (due.order & 1)
                        give_answer(lab, due.at_ns, due.what);
                else
                        take_step(lab, due.at_ns, due.what);
        }
        struct lab_counts counts = lab_counts(lab);
        truth_end(lab->truth, &(struct truth_summary){
                                  .begin_ns = lab->begin_ns,
                                  .end_ns = lab->end_ns,
                                  .requests = counts.requests,
                                  .visitors = counts.visitors,
                                  .people = counts.people,
                                  .packets = counts.packets,
                                  .visitors_by_day = lab->by_day,
                                  .days = lab->days,
                              });
        return !wire_has_failed(lab->wire);
}

struct lab_counts lab_counts(const struct lab *lab)
{
        struct wire_counts wire = wire_counts(lab->wire);
        struct lab_counts counts = lab->counts;

        counts.packets = wire.packets;
        counts.bytes = wire.bytes;
        counts.connections = wire.connections;
        return counts;
}

static bool open_files(struct lab *lab, const struct lab_options *o)
{
        lab->wire = wire_open(lab->p, o->capture);
        lab->truth = truth_open(o->truth);
        if (o->requests && !(lab->requests = fopen(o->requests, "w"))) {
                fprintf(stderr, "trawl-lab: %s: %s\n", o->requests, strerror(errno));
                return false;
        }
        return lab->wire && lab->truth;
}

struct lab *lab_new(const struct parameters *p, struct softwares *softwares,
                    const struct lab_options *o)
{
        struct lab *lab = calloc(1, sizeof(*lab));

        CHECK(lab);
        lab->p = p;
        lab->softwares = softwares;
        lab->begin_ns = p->begin_ns;
        lab->end_ns = p->begin_ns + (int64_t)(p->days * (double)NS_PER_DAY);
        lab->days = (uint32_t)ceil(p->days > 0 ? p->days : 1);
        lab->by_day = calloc(lab->days, sizeof(*lab->by_day));
        CHECK(lab->by_day);
        lab->date_second = -1;
        lab->site = site_new(p, p->seed);
        lab->places =
            places_new(p->seed, &p->place,
                       (uint64_t)((double)people_population(p) * p->people.mobile));
        if (!open_files(lab, o))
                lab_free(&lab);
        return lab;
}

static void free_dues(struct lab *lab)
{
        for (size_t i = 0; i < lab->count; i++)
                if (!(lab->heap[i].order & 1))
                        free_seat(lab->heap[i].what);
        free(lab->heap);
}

static void free_answers(struct lab *lab)
{
        for (unsigned i = 0; i < lab->block_count; i++) {
                struct answer *block = lab->blocks[i];
                for (unsigned j = 0; j < SERVED_BY; j++)
                        buf_free(&block[j].note);
                free(block);
        }
        free(lab->blocks);
}

bool lab_free(struct lab **link)
{
        struct lab *lab = *link;
        bool good = true;

        if (!lab)
                return true;
        free_dues(lab);
        free_answers(lab);
        good &= wire_close(&lab->wire);
        good &= truth_close(&lab->truth);
        if (lab->requests && (ferror(lab->requests) | fclose(lab->requests))) {
                fprintf(stderr, "trawl-lab: the file of requests: %s\n", strerror(errno));
                good = false;
        }
        site_free(&lab->site);
        places_free(&lab->places);
        free_kept(lab);
        free(lab->people.bits);
        free(lab->today.bits);
        free(lab->by_day);
        free(lab);
        *link = NULL;
        return good;
}
