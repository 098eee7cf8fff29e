/* SPDX-License-Identifier: MIT */
#include "http/http.h"

#include "base/check.h"
#include "http/chunked.h"
#include "http/exchange.h"

#include <stdlib.h>

enum {
        /* Segments of a flow joined in the middle that may pass without HTTP in them. */
        STRANGE_SEGMENTS_MAX = 32,
};

enum side_state {
        SIDE_HEAD, /* at a message boundary, or inside a head */
        SIDE_BODY, /* being passed over by the stream */
        SIDE_CHUNKED,
        SIDE_CHUNK, /* the data of one chunk, passed over */
        SIDE_UNTIL_CLOSE,
        SIDE_LOST, /* out of step */
};

/* One direction. */
struct http_side {
        uint8_t *partial; /* a head that came in pieces, so far */
        uint32_t partial_len, partial_room;
        int64_t message_start; /* offset of the message's first byte */
        int64_t message_heard; /* and what its sender had heard then */
        int64_t first_ns;
        struct chunked chunked;
        uint8_t state;
        bool unproven; /* the head begins where a boundary is only likely */
};

/* The handler's bytes of a flow. All zero is a connection that has not spoken. */
struct connection {
        struct http_side side[2];
        struct exchange *first, *last; /* outstanding, oldest first */
        struct exchange *requesting;   /* one of them, whose body is still coming */
        int64_t server_mark;           /* a request is proved by a response behind this */
        int64_t response_start; /* where the next response must begin, when out of step */
        uint8_t client;         /* which flow_side it is */
        uint8_t outstanding;
        uint8_t strange;
        bool roles_known, spoken, pipelines, response_expected, refused;
};

struct http {
        struct http_options options;
        struct stream_handler handler;
        struct pool pool;
        transaction_fn *transaction;
        void *context;
        struct counters *counters;
        struct head head; /* scratch of the head that is being parsed */
};

/* Bytes that are being looked at, and what the handler functions share. */
struct feed {
        struct http *http;
        struct flow *flow;
        struct connection *conn;
        enum flow_side which;
        struct http_side *side;
        struct flow_bytes bytes;
};

static bool is_client(const struct connection *conn, enum flow_side which)
{
        return which == conn->client;
}

static void pass(struct flow_bytes *bytes, size_t len)
{
        bytes->bytes = slice_from(bytes->bytes, len);
        bytes->offset += (int64_t)len;
        bytes->starts_segment = bytes->starts_segment && len == 0;
}

/* ---- exchanges ---- */

static void emit(struct http *h, struct connection *conn, struct exchange *e)
{
        struct transaction *t = &e->transaction;

        CHECK(conn->first == e);
        conn->first = e->next;
        if (!conn->first)
                conn->last = NULL;
        if (conn->requesting == e)
                conn->requesting = NULL;
        conn->outstanding--;
        if (t->status)
                h->counters->responses++;
        else
                h->counters->requests_unanswered++;
        h->transaction(h->context, t);
        exchange_free(&h->pool, e);
}

/* Response bytes that have passed by now. */
static void close_response(const struct connection *conn, struct flow *flow,
                           struct exchange *e, int64_t time_ns)
{
        if (!e->response_begun)
                return;
        e->transaction.response_bytes =
            (uint64_t)(flow_position(flow, !conn->client) - e->response_start);
        e->transaction.response_last_ns = time_ns;
}

/* Nobody will answer these any more, as far as can be seen. */
static void emit_all(struct http *h, struct connection *conn, struct flow *flow,
                     int64_t time_ns)
{
        while (conn->first) {
                close_response(conn, flow, conn->first, time_ns);
                emit(h, conn, conn->first);
        }
}

/* ---- out of step ---- */

static void drop_partial(struct http *h, struct http_side *side)
{
        if (side->partial)
                pool_give(&h->pool, side->partial, side->partial_room);
        side->partial = NULL;
        side->partial_len = 0;
}

static void lose_step(struct http *h, struct flow *flow, enum flow_side which,
                      int64_t time_ns)
{
        struct connection *conn = flow_user(flow);
        struct http_side *side = &conn->side[which];

        drop_partial(h, side);
        if (side->state != SIDE_LOST && !side->unproven)
                h->counters->http_desyncs++;
        side->state = SIDE_LOST;
        side->unproven = false;
        if (is_client(conn, which)) {
                conn->server_mark = flow_position(flow, !which);
                conn->requesting = NULL;
        } else {
                conn->response_expected = false;
                emit_all(h, conn, flow, time_ns);
        }
}

/* It is not HTTP, or none any more that could be followed. */
static void give_up(struct http *h, struct flow *flow, int64_t time_ns)
{
        struct connection *conn = flow_user(flow);

        emit_all(h, conn, flow, time_ns);
        drop_partial(h, &conn->side[0]);
        drop_partial(h, &conn->side[1]);
        flow_ignore(flow);
}

static void found_step(struct http *h, struct http_side *side)
{
        h->counters->http_resyncs++;
        side->state = SIDE_HEAD;
        side->unproven = true;
}

/* May a request begin here, although we are out of step? */
static bool request_is_proved(const struct feed *f)
{
        const struct connection *conn = f->conn;
        bool first_words = flow_is_midstream(f->flow) && f->bytes.offset == 0;

        return f->bytes.starts_segment && !conn->first && !conn->pipelines &&
               (first_words || f->bytes.heard > conn->server_mark) &&
               head_may_begin(f->bytes.bytes, HEAD_REQUEST);
}

/* Passes over bytes until a boundary is proved. */
static void feed_lost(struct feed *f)
{
        struct connection *conn = f->conn;

        if (is_client(conn, f->which)) {
                if (request_is_proved(f))
                        found_step(f->http, f->side);
                else
                        pass(&f->bytes, f->bytes.bytes.len);
                return;
        }
        int64_t ahead = conn->response_start - f->bytes.offset;
        if (!conn->response_expected || ahead >= (int64_t)f->bytes.bytes.len) {
                pass(&f->bytes, f->bytes.bytes.len);
        } else if (ahead < 0) {
                lose_step(f->http, f->flow, f->which, f->bytes.time_ns);
        } else {
                pass(&f->bytes, (size_t)ahead);
                conn->response_expected = false;
                found_step(f->http, f->side);
        }
}

/* ---- bodies ---- */

static void message_ends(struct http *h, struct flow *flow, enum flow_side which,
                         int64_t time_ns)
{
        struct connection *conn = flow_user(flow);
        struct http_side *side = &conn->side[which];

        side->state = SIDE_HEAD;
        if (!is_client(conn, which)) {
                struct exchange *e = conn->first;
                e->transaction.response_complete = true;
                e->transaction.response_last_ns = time_ns;
                emit(h, conn, e);
        } else if (conn->requesting) {
                conn->requesting->transaction.request_last_ns = time_ns;
                conn->requesting->request_is_complete = true;
                conn->requesting = NULL;
        }
}

/*
 * Passes over `len` bytes of the message. True when they are all there and the
 * next byte can be looked at; else the stream calls http_skipped some time.
 */
static bool pass_over(struct feed *f, uint64_t len, enum side_state meanwhile)
{
        if (len <= f->bytes.bytes.len) {
                pass(&f->bytes, (size_t)len);
                return true;
        }
        f->side->state = (uint8_t)meanwhile;
        flow_skip(f->flow, f->which, f->bytes.offset + (int64_t)len);
        pass(&f->bytes, f->bytes.bytes.len);
        return false;
}

/* The bytes of the message up to where the feed stands. */
static uint64_t message_bytes(const struct feed *f)
{
        return (uint64_t)(f->bytes.offset - f->side->message_start);
}

static void note_bytes(struct feed *f, uint64_t bytes)
{
        if (!is_client(f->conn, f->which))
                f->conn->first->transaction.response_bytes = bytes;
        else if (f->conn->requesting)
                f->conn->requesting->transaction.request_bytes = bytes;
}

static void feed_chunked(struct feed *f)
{
        struct http_side *side = f->side;

        while (f->bytes.bytes.len) {
                struct slice rest = f->bytes.bytes;
                enum chunked_result result = chunked_feed(&side->chunked, &rest);
                pass(&f->bytes, f->bytes.bytes.len - rest.len);
                switch (result) {
                case CHUNKED_MORE:
                        break;
                case CHUNKED_DATA:
                        if (!pass_over(f, side->chunked.size, SIDE_CHUNK))
                                return;
                        break;
                case CHUNKED_DONE:
                        note_bytes(f, message_bytes(f));
                        message_ends(f->http, f->flow, f->which, f->bytes.time_ns);
                        return;
                case CHUNKED_BAD:
                        f->http->counters->http_malformed_chunks++;
                        lose_step(f->http, f->flow, f->which, f->bytes.time_ns);
                        return;
                }
        }
}

static void begin_chunked(struct feed *f)
{
        f->side->state = SIDE_CHUNKED;
        f->side->chunked = (struct chunked){ 0 };
}

/* A body of `len` bytes comes next; the message ends with it. */
static void begin_body(struct feed *f, uint64_t len)
{
        note_bytes(f, message_bytes(f) + len);
        if (pass_over(f, len, SIDE_BODY))
                message_ends(f->http, f->flow, f->which, f->bytes.time_ns);
}

/* ---- requests ---- */

static struct transaction *describe(struct feed *f, struct transaction *t)
{
        t->client = *flow_endpoint(f->flow, f->which);
        t->server = *flow_endpoint(f->flow, !f->which);
        t->request_first_ns = f->side->first_ns;
        t->request_last_ns = f->bytes.time_ns;
        t->request_bytes = message_bytes(f);
        return t;
}

/* There is no memory to keep it: hands it on at once, without its response. */
static void emit_at_once(struct feed *f, const struct head *head)
{
        struct transaction t = {
                .method = head->method,
                .target = head->target,
                .version_minor = head->version_minor,
                .request_headers = { head->lines, head->line_count },
        };

        f->http->counters->requests_unanswered++;
        f->http->transaction(f->http->context, describe(f, &t));
}

/* Appends the request to those outstanding. NULL when it could not be kept. */
static struct exchange *begin_exchange(struct feed *f, const struct head *head,
                                       struct slice bytes)
{
        struct http *h = f->http;
        struct connection *conn = f->conn;
        struct exchange *e = NULL;

        if (conn->outstanding < h->options.pipeline_max) {
                e = exchange_new(&h->pool, head, bytes);
                h->counters->http_memory_full += !e;
        } else {
                h->counters->http_pipeline_full++;
        }
        if (!e) {
                /* From here on nobody knows which response is whose. */
                conn->pipelines = true;
                lose_step(h, f->flow, !f->which, f->bytes.time_ns);
                emit_at_once(f, head);
                return NULL;
        }
        e->request_start = f->side->message_start;
        describe(f, &e->transaction);
        *(conn->last ? &conn->last->next : &conn->first) = e;
        conn->last = e;
        conn->outstanding++;
        return e;
}

/* Where its response must begin, if the server's direction is out of step. */
static void expect_response(struct feed *f)
{
        struct connection *conn = f->conn;

        if (conn->side[!f->which].state != SIDE_LOST)
                return;
        if (conn->pipelines || conn->outstanding != 1) {
                emit_all(f->http, conn, f->flow, f->bytes.time_ns);
                return;
        }
        conn->response_expected = true;
        conn->response_start = f->side->message_heard;
}

static void count_request(struct counters *c, const struct head *head)
{
        c->requests++;
        *(head->version_minor == 0 ? &c->requests_http10 : &c->requests_http11) += 1;
        c->http_conflicting_lengths += head->framing.conflicting;
        c->http_obsolete_folds += head->folded;
        c->http_bare_lf += head->bare_lf;
        c->http_malformed_requests += head->bad_lines;
        c->http_too_many_headers += head->too_many;
}

static void on_request(struct feed *f, const struct head *head, struct slice bytes)
{
        const struct head_framing *framing = &head->framing;
        struct connection *conn = f->conn;

        count_request(f->http->counters, head);
        conn->spoken = true;
        if (conn->first)
                conn->pipelines = true;
        conn->requesting = begin_exchange(f, head, bytes);
        expect_response(f);
        if (framing->faulty || (framing->has_encoding && !framing->chunked))
                /* RFC 9112 6.3: the server must refuse it and close. */
                lose_step(f->http, f->flow, f->which, f->bytes.time_ns);
        else if (framing->chunked)
                begin_chunked(f);
        else
                begin_body(f, framing->has_length ? framing->length : 0);
}

/* ---- responses ---- */

static void count_response(struct counters *c, const struct head *head)
{
        c->http_conflicting_lengths += head->framing.conflicting;
        c->http_obsolete_folds += head->folded;
        c->http_bare_lf += head->bare_lf;
        c->http_malformed_responses += head->bad_lines;
        c->http_too_many_headers += head->too_many;
}

/* After this the connection speaks something else (RFC 9110 7.8, 9.3.6). */
static bool turns_opaque(const struct exchange *e)
{
        return e->transaction.status == 101 ||
               (slice_is(e->transaction.method, "CONNECT") &&
                e->transaction.status / 100 == 2);
}

static bool has_no_body(const struct exchange *e)
{
        uint16_t status = e->transaction.status;

        return status == 204 || status == 304 || slice_is(e->transaction.method, "HEAD");
}

/* The response's head must outlive its packet unless the body ends in it too. */
static void keep_if_needed(struct feed *f, struct exchange *e, const struct head *head,
                           struct slice bytes, bool in_packet)
{
        bool ends_here = in_packet && head->framing.has_length &&
                         head->framing.length <= f->bytes.bytes.len;

        if (ends_here && !head->folded)
                return;
        if (!exchange_keep_response(&f->http->pool, e, slice_first(bytes, head->length)))
                f->http->counters->http_memory_full++;
        else if (head->folded)
                exchange_unfold(e->transaction.response_headers);
}

static void on_final_response(struct feed *f, const struct head *head, struct slice bytes,
                              bool in_packet)
{
        const struct head_framing *framing = &head->framing;
        struct exchange *e = f->conn->first;

        exchange_set_response(e, head);
        e->response_begun = true;
        e->response_start = f->side->message_start;
        e->transaction.response_first_ns = f->side->first_ns;
        if (turns_opaque(e)) {
                f->http->counters->http_upgrades++;
                note_bytes(f, message_bytes(f));
                message_ends(f->http, f->flow, f->which, f->bytes.time_ns);
                give_up(f->http, f->flow, f->bytes.time_ns);
                pass(&f->bytes, f->bytes.bytes.len);
        } else if (has_no_body(e)) {
                begin_body(f, 0);
        } else if (framing->faulty) {
                lose_step(f->http, f->flow, f->which, f->bytes.time_ns);
        } else {
                keep_if_needed(f, e, head, bytes, in_packet);
                if (framing->chunked) {
                        begin_chunked(f);
                } else if (framing->has_length) {
                        begin_body(f, framing->length);
                } else {
                        pass_over(f, INT64_MAX - (uint64_t)f->bytes.offset,
                                  SIDE_UNTIL_CLOSE);
                }
        }
}

static void on_response(struct feed *f, const struct head *head, struct slice bytes,
                        bool in_packet)
{
        struct connection *conn = f->conn;

        count_response(f->http->counters, head);
        if (head->status < 200 && head->status != 101) {
                f->http->counters->responses_interim++;
                f->side->state = SIDE_HEAD;
                if (!conn->first)
                        conn->server_mark = f->bytes.offset;
        } else if (conn->first) {
                on_final_response(f, head, bytes, in_packet);
        } else {
                /* Whose? Without the request not even its length is known. */
                f->http->counters->responses_unpaired++;
                lose_step(f->http, f->flow, f->which, f->bytes.time_ns);
        }
}

/* ---- heads ---- */

/* Appends to the head that comes in pieces. False when it is too long. */
static bool keep_partial(struct feed *f, struct slice more)
{
        struct http *h = f->http;
        struct http_side *side = f->side;
        size_t need = side->partial_len + more.len, room;

        if (need > h->options.head_max) {
                h->counters->http_heads_too_long++;
                return false;
        }
        if (need > side->partial_room || !side->partial) {
                uint8_t *block = pool_take(&h->pool, need, &room);
                if (!block) {
                        h->counters->http_memory_full++;
                        return false;
                }
                if (side->partial) {
                        memcpy(block, side->partial, side->partial_len);
                        pool_give(&h->pool, side->partial, side->partial_room);
                }
                side->partial = block;
                side->partial_room = (uint32_t)room;
        }
        memcpy(side->partial + side->partial_len, more.data, more.len);
        side->partial_len += (uint32_t)more.len;
        return true;
}

/*
 * This is no head. The first words of a connection say that it is not HTTP at
 * all; later on it is a message that breaks the grammar.
 */
static void on_bad_head(struct feed *f)
{
        struct counters *c = f->http->counters;
        bool client = is_client(f->conn, f->which);

        if (!f->conn->spoken && !flow_is_midstream(f->flow)) {
                c->flows_ignored++;
                give_up(f->http, f->flow, f->bytes.time_ns);
                pass(&f->bytes, f->bytes.bytes.len);
                return;
        }
        if (!f->side->unproven)
                *(client ? &c->http_malformed_requests : &c->http_malformed_responses) +=
                    1;
        lose_step(f->http, f->flow, f->which, f->bytes.time_ns);
        pass(&f->bytes, f->bytes.bytes.len);
}

static enum head_kind head_kind(const struct feed *f)
{
        return is_client(f->conn, f->which) ? HEAD_REQUEST : HEAD_RESPONSE;
}

static enum head_result parse_head(struct feed *f, struct slice bytes)
{
        struct head *head = &f->http->head;

        head->lines_max = f->http->options.lines_max;
        return head_parse(bytes, head_kind(f), head);
}

static void on_head(struct feed *f, struct slice bytes, bool in_packet)
{
        f->side->unproven = false;
        if (is_client(f->conn, f->which))
                on_request(f, &f->http->head, bytes);
        else
                on_response(f, &f->http->head, bytes, in_packet);
}

/* A head of which some bytes came before. */
static void feed_partial(struct feed *f)
{
        struct http_side *side = f->side;
        size_t before = side->partial_len;

        if (!keep_partial(f, f->bytes.bytes)) {
                on_bad_head(f);
                return;
        }
        struct slice bytes = slice_of(side->partial, side->partial_len);
        if (head_find_end(bytes, before) == 0) {
                pass(&f->bytes, f->bytes.bytes.len);
                return;
        }
        if (parse_head(f, bytes) != HEAD_OK) {
                on_bad_head(f);
                return;
        }
        uint8_t *block = side->partial;
        uint32_t room = side->partial_room;
        side->partial = NULL;
        side->partial_len = 0;
        pass(&f->bytes, f->http->head.length - before);
        on_head(f, bytes, false);
        pool_give(&f->http->pool, block, room);
}

/* Empty lines before a request are nothing (RFC 9112 2.2). */
static void pass_empty_lines(struct feed *f)
{
        struct slice bytes = f->bytes.bytes;
        size_t blank = 0;

        while (blank < bytes.len &&
               (bytes.data[blank] == '\r' || bytes.data[blank] == '\n'))
                blank++;
        pass(&f->bytes, blank);
}

static void feed_head(struct feed *f)
{
        struct http_side *side = f->side;

        if (side->partial) {
                feed_partial(f);
                return;
        }
        if (is_client(f->conn, f->which))
                pass_empty_lines(f);
        struct slice bytes = f->bytes.bytes;
        if (bytes.len == 0)
                return;
        side->message_start = f->bytes.offset;
        side->message_heard = f->bytes.heard;
        side->first_ns = f->bytes.time_ns;
        enum head_result result =
            head_may_begin(bytes, head_kind(f)) ? parse_head(f, bytes) : HEAD_BAD;
        if (result == HEAD_OK && f->http->head.length <= f->http->options.head_max) {
                pass(&f->bytes, f->http->head.length);
                on_head(f, bytes, true);
        } else if (result == HEAD_MORE && keep_partial(f, bytes)) {
                pass(&f->bytes, bytes.len);
        } else {
                on_bad_head(f);
        }
}

/* ---- roles ---- */

/*
 * Who is the client? The initiator; of a connection joined in the middle, the
 * side whose words can be a request when the other's cannot.
 */
static bool find_roles(struct feed *f)
{
        struct connection *conn = f->conn;

        if (!flow_is_midstream(f->flow)) {
                conn->client = FLOW_INITIATOR;
        } else if (head_begins(f->bytes.bytes, HEAD_RESPONSE)) {
                conn->client = !f->which;
        } else if (head_begins(f->bytes.bytes, HEAD_REQUEST)) {
                conn->client = f->which;
        } else {
                return false;
        }
        conn->roles_known = true;
        if (flow_is_midstream(f->flow))
                conn->side[0].state = conn->side[1].state = SIDE_LOST;
        return true;
}

/* Somewhere inside a connection, and nothing that looks like HTTP yet. */
static void feed_strange(struct feed *f)
{
        pass(&f->bytes, f->bytes.bytes.len);
        if (++f->conn->strange < STRANGE_SEGMENTS_MAX)
                return;
        f->http->counters->flows_ignored++;
        give_up(f->http, f->flow, f->bytes.time_ns);
}

/* ---- stream_handler ---- */

static void http_bytes(void *context, struct flow *flow, enum flow_side which,
                       const struct flow_bytes *bytes)
{
        struct connection *conn = flow_user(flow);
        struct feed f = { context, flow, conn, which, &conn->side[which], *bytes };

        if (!conn->roles_known && !find_roles(&f)) {
                feed_strange(&f);
                return;
        }
        while (f.bytes.bytes.len) {
                switch ((enum side_state)f.side->state) {
                case SIDE_HEAD:
                        feed_head(&f);
                        break;
                case SIDE_CHUNKED:
                        feed_chunked(&f);
                        break;
                case SIDE_LOST:
                        feed_lost(&f);
                        break;
                case SIDE_BODY:
                case SIDE_CHUNK:
                case SIDE_UNTIL_CLOSE:
                        return; /* the stream passes over these itself */
                }
        }
}

static void http_skipped(void *context, struct flow *flow, enum flow_side which,
                         int64_t time_ns)
{
        struct connection *conn = flow_user(flow);
        struct http_side *side = &conn->side[which];

        if (side->state == SIDE_BODY)
                message_ends(context, flow, which, time_ns);
        else if (side->state == SIDE_CHUNK)
                side->state = SIDE_CHUNKED;
}

static void http_gap(void *context, struct flow *flow, enum flow_side which,
                     int64_t time_ns)
{
        struct connection *conn = flow_user(flow);

        if (conn->roles_known)
                lose_step(context, flow, which, time_ns);
        else if (!flow_is_midstream(flow)) {
                /* The first words are lost: the roles are known all the same. */
                conn->roles_known = true;
                conn->client = FLOW_INITIATOR;
                lose_step(context, flow, which, time_ns);
        }
}

static void http_ended(void *context, struct flow *flow, enum flow_side which,
                       int64_t time_ns)
{
        struct connection *conn = flow_user(flow);
        struct http_side *side = &conn->side[which];

        if (side->state != SIDE_UNTIL_CLOSE)
                return;
        close_response(conn, flow, conn->first, time_ns);
        message_ends(context, flow, which, time_ns);
}

static void http_closed(void *context, struct flow *flow, int64_t time_ns)
{
        struct http *h = context;
        struct connection *conn = flow_user(flow);

        emit_all(h, conn, flow, time_ns);
        drop_partial(h, &conn->side[0]);
        drop_partial(h, &conn->side[1]);
}

struct http *http_new(const struct http_options *options, transaction_fn *transaction,
                      void *context, struct counters *counters)
{
        struct http *h = calloc(1, sizeof(*h));

        CHECK(h && options->lines_max <= HEAD_LINES_MAX &&
              options->pipeline_max <= UINT8_MAX);
        h->options = *options;
        h->transaction = transaction;
        h->context = context;
        h->counters = counters;
        h->handler = (struct stream_handler){
                .user_size = sizeof(struct connection),
                .bytes = http_bytes,
                .gap = http_gap,
                .skipped = http_skipped,
                .ended = http_ended,
                .closed = http_closed,
                .context = h,
        };
        if (!pool_init(&h->pool, options->memory_max))
                http_free(&h);
        return h;
}

void http_free(struct http **http)
{
        if (!*http)
                return;
        pool_free(&(*http)->pool);
        free(*http);
        *http = NULL;
}

const struct stream_handler *http_handler(const struct http *h)
{
        return &h->handler;
}

uint64_t http_memory(const struct http *h)
{
        return h->pool.used;
}
