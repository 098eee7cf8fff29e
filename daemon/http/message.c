/* SPDX-License-Identifier: MIT */
#include "http/h2_priv.h"

/* ---- bodies ---- */

void message_ends(struct http *h, struct flow *flow, enum flow_side which,
                  int64_t time_ns)
{
        struct connection *conn = flow_user(flow);
        struct http_side *side = &conn->side[which];

        side->state = conn->h2 ? SIDE_H2 : SIDE_HEAD;
        side->kept_until = 0;
        if (!connection_is_client(conn, which)) {
                struct exchange *e = conn->first;
                e->transaction.response_complete = true;
                e->transaction.response_last_ns = time_ns;
                connection_emit(h, conn, e);
        } else if (conn->requesting) {
                conn->requesting->transaction.request_last_ns = time_ns;
                conn->requesting->request_is_complete = true;
                conn->requesting = NULL;
        }
}

void message_run_ends(struct http *h, struct flow *flow, enum flow_side which,
                      int64_t time_ns)
{
        struct connection *conn = flow_user(flow);
        struct http_side *side = &conn->side[which];

        if (side->state == SIDE_BODY)
                message_ends(h, flow, which, time_ns);
        else if (side->state == SIDE_CHUNK)
                side->state = SIDE_CHUNKED;
}

/* The body that bytes of this direction belong to; NULL when there is none to keep. */
static struct body *kept_body(struct connection *conn, enum flow_side which)
{
        bool client = connection_is_client(conn, which);
        struct exchange *e = client ? conn->requesting : conn->first;

        if (!e)
                return NULL;
        return client ? &e->request_body : &e->response_body;
}

/* Keeps what is here of the next `len` bytes. True when the rest is wanted as well. */
static bool keep(struct feed *f, uint64_t len)
{
        struct body *body = kept_body(f->conn, f->which);
        size_t here = len < f->bytes.bytes.len ? (size_t)len : f->bytes.bytes.len;

        if (!body || !body_is_wanted(body))
                return false;
        body_add(body, &f->http->blocks, slice_first(f->bytes.bytes, here));
        return body_is_wanted(body);
}

/*
 * Passes over `len` bytes of the message. True when they are all there and the
 * next byte can be looked at; else the stream calls http_skipped some time, or
 * http_bytes with the next ones of a body that is kept.
 */
static bool pass_over(struct feed *f, uint64_t len, enum side_state meanwhile)
{
        bool kept = keep(f, len);

        if (len <= f->bytes.bytes.len) {
                feed_pass(&f->bytes, (size_t)len);
                return true;
        }
        f->side->state = (uint8_t)meanwhile;
        if (kept)
                f->side->kept_until = f->bytes.offset + (int64_t)len;
        else
                flow_skip(f->flow, f->which, f->bytes.offset + (int64_t)len);
        feed_pass(&f->bytes, f->bytes.bytes.len);
        return false;
}

void message_feed_kept(struct feed *f)
{
        struct http_side *side = f->side;
        uint64_t left = (uint64_t)(side->kept_until - f->bytes.offset);

        side->kept_until = 0;
        if (pass_over(f, left, side->state))
                message_run_ends(f->http, f->flow, f->which, f->bytes.time_ns);
}

bool message_survives_gap(struct http *h, struct flow *flow, enum flow_side which,
                          int64_t time_ns)
{
        struct connection *conn = flow_user(flow);
        struct http_side *side = &conn->side[which];
        int64_t until = side->kept_until, position = flow_position(flow, which);
        struct body *body = kept_body(conn, which);

        if (!until)
                return false;
        side->kept_until = 0;
        if (body)
                body->cut = true;
        if (position < until)
                flow_skip(flow, which, until);
        else
                message_run_ends(h, flow, which, time_ns);
        return position <= until;
}

/* The bytes of the message up to where the feed stands. */
static uint64_t message_bytes(const struct feed *f)
{
        return (uint64_t)(f->bytes.offset - f->side->message_start);
}

static void note_bytes(struct feed *f, uint64_t bytes)
{
        if (!connection_is_client(f->conn, f->which))
                f->conn->first->transaction.response_bytes = bytes;
        else if (f->conn->requesting)
                f->conn->requesting->transaction.request_bytes = bytes;
}

void message_feed_chunked(struct feed *f)
{
        struct http_side *side = f->side;

        while (f->bytes.bytes.len) {
                struct slice rest = f->bytes.bytes;
                enum chunked_result result = chunked_feed(&side->chunked, &rest);
                feed_pass(&f->bytes, f->bytes.bytes.len - rest.len);
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
                        connection_lose_step(f->http, f->flow, f->which,
                                             f->bytes.time_ns);
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
        connection_describe(f, t);
        t->pipelined = f->conn->behind;
        t->request_first_ns = f->side->first_ns;
        t->request_last_ns = f->bytes.time_ns;
        t->request_bytes = message_bytes(f);
        return t;
}

static struct transaction *describe_head(struct feed *f, const struct head *head,
                                         struct transaction *t)
{
        *t = (struct transaction){
                .method = head->method,
                .target = head->target,
                .version_major = 1,
                .version_minor = head->version_minor,
                .request_headers = { head->lines, head->line_count },
        };
        return describe(f, t);
}

/* There is no memory to keep it: hands it on at once, without its response. */
static void emit_at_once(struct feed *f, const struct head *head)
{
        struct transaction t;

        f->http->counters->requests_unanswered++;
        f->http->transaction(f->http->context, describe_head(f, head, &t));
}

static bool is_wanted(struct feed *f, const struct head *head)
{
        struct http *h = f->http;
        struct transaction t;

        return !h->wanted || h->wanted(h->context, describe_head(f, head, &t));
}

/* Appends the request to those outstanding. NULL when it could not be kept. */
static struct exchange *begin_exchange(struct feed *f, const struct head *head,
                                       struct slice bytes)
{
        struct http *h = f->http;
        struct connection *conn = f->conn;
        struct exchange *e = NULL;
        bool wanted = is_wanted(f, head);

        if (conn->outstanding < h->options.pipeline_max) {
                e = wanted ? exchange_new(&h->blocks, head, bytes)
                           : exchange_new_unwanted(&h->blocks, head, bytes);
                h->counters->http_memory_full += !e;
        } else {
                h->counters->http_pipeline_full++;
        }
        if (!e) {
                /* From here on nobody knows which response is whose. */
                conn->pipelines = true;
                connection_lose_step(h, f->flow, !f->which, f->bytes.time_ns);
                if (wanted)
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
        if (conn->pipelines || conn->may_pipeline || conn->outstanding != 1) {
                connection_emit_all(f->http, conn, f->flow, f->bytes.time_ns);
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

static void begin_request_body(struct feed *f, const struct head_framing *framing)
{
        if (f->conn->requesting)
                connection_ask_for_body(f->http, f->conn->requesting, BODY_OF_REQUEST);
        if (framing->chunked)
                begin_chunked(f);
        else
                begin_body(f, framing->length);
}

static void on_request(struct feed *f, const struct head *head, struct slice bytes)
{
        const struct head_framing *framing = &head->framing;
        struct connection *conn = f->conn;

        count_request(f->http->counters, head);
        connection_count_request(conn);
        conn->behind = conn->first != NULL;
        if (connection_asks_unheard(conn, f->side->message_heard) || conn->behind)
                conn->pipelines = true;
        conn->requesting = begin_exchange(f, head, bytes);
        expect_response(f);
        if (framing->faulty || (framing->has_encoding && !framing->chunked))
                /* RFC 9112 6.3: the server must refuse it and close. */
                connection_lose_step(f->http, f->flow, f->which, f->bytes.time_ns);
        else if (framing->chunked || (framing->has_length && framing->length))
                begin_request_body(f, framing);
        else
                begin_body(f, 0);
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

        if (e->is_unwanted) {
                e->transaction.response_headers = (struct http_headers){ NULL, 0 };
                return;
        }
        if (ends_here && !head->folded)
                return;
        if (!exchange_keep_response(&f->http->blocks, e,
                                    slice_first(bytes, head->length)))
                f->http->counters->http_memory_full++;
        else if (head->folded)
                exchange_unfold(e->transaction.response_headers);
}

/* The server had the client's lost bytes when it answered: they were sent unanswered. */
static void note_lost_pipelining(const struct feed *f, const struct exchange *e)
{
        struct connection *conn = f->conn;

        if (conn->side[conn->client].state == SIDE_LOST && e->request_is_complete &&
            f->side->message_heard >= conn->client_mark)
                conn->pipelines = true;
}

static void on_final_response(struct feed *f, const struct head *head, struct slice bytes,
                              bool in_packet)
{
        const struct head_framing *framing = &head->framing;
        struct exchange *e = f->conn->first;

        if (head->status == 101 && h2_upgrades(f, head))
                return;
        note_lost_pipelining(f, e);
        exchange_set_response(e, head);
        e->response_begun = true;
        e->response_start = f->side->message_start;
        e->transaction.response_first_ns = f->side->first_ns;
        if (turns_opaque(e)) {
                f->http->counters->http_upgrades++;
                note_bytes(f, message_bytes(f));
                message_ends(f->http, f->flow, f->which, f->bytes.time_ns);
                connection_give_up(f->http, f->flow, f->bytes.time_ns);
                feed_pass(&f->bytes, f->bytes.bytes.len);
        } else if (has_no_body(e)) {
                begin_body(f, 0);
        } else if (framing->faulty) {
                connection_lose_step(f->http, f->flow, f->which, f->bytes.time_ns);
        } else {
                keep_if_needed(f, e, head, bytes, in_packet);
                connection_ask_for_body(f->http, e, BODY_OF_RESPONSE);
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
                connection_lose_step(f->http, f->flow, f->which, f->bytes.time_ns);
        }
}

/* ---- heads ---- */

bool message_keep_partial(struct feed *f, struct slice more)
{
        struct http *h = f->http;
        struct http_side *side = f->side;
        size_t need = side->partial_len + more.len, room;

        if (need > h->options.head_max) {
                h->counters->http_heads_too_long++;
                return false;
        }
        if (need > side->partial_room || !side->partial) {
                uint8_t *block = blocks_take(&h->blocks, need, &room);
                if (!block) {
                        h->counters->http_memory_full++;
                        return false;
                }
                if (side->partial)
                        memcpy(block, side->partial, side->partial_len);
                connection_give_partial(h, side->partial, side->partial_len,
                                        side->partial_room);
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
        bool client = connection_is_client(f->conn, f->which);

        if (f->conn->side[f->conn->client].lost_early)
                opening_look_inside(f);
        if (!f->conn->spoken && !flow_is_midstream(f->flow)) {
                c->flows_ignored++;
                connection_give_up(f->http, f->flow, f->bytes.time_ns);
                feed_pass(&f->bytes, f->bytes.bytes.len);
                return;
        }
        if (!f->side->unproven)
                *(client ? &c->http_malformed_requests : &c->http_malformed_responses) +=
                    1;
        connection_lose_step(f->http, f->flow, f->which, f->bytes.time_ns);
        feed_pass(&f->bytes, f->bytes.bytes.len);
}

static enum head_kind head_kind(const struct feed *f)
{
        return connection_is_client(f->conn, f->which) ? HEAD_REQUEST : HEAD_RESPONSE;
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
        connection_is_http(f->http, f->conn);
        if (connection_is_client(f->conn, f->which))
                on_request(f, &f->http->head, bytes);
        else
                on_response(f, &f->http->head, bytes, in_packet);
}

/* A head of which some bytes came before. */
static void feed_partial(struct feed *f)
{
        struct http_side *side = f->side;
        size_t before = side->partial_len;

        if (!message_keep_partial(f, f->bytes.bytes)) {
                on_bad_head(f);
                return;
        }
        struct slice bytes = slice_of(side->partial, side->partial_len);
        if (head_find_end(bytes, before) == 0) {
                feed_pass(&f->bytes, f->bytes.bytes.len);
                return;
        }
        if (parse_head(f, bytes) != HEAD_OK) {
                on_bad_head(f);
                return;
        }
        uint8_t *block = side->partial;
        uint32_t len = side->partial_len, room = side->partial_room;
        side->partial = NULL;
        side->partial_len = 0;
        feed_pass(&f->bytes, f->http->head.length - before);
        on_head(f, bytes, false);
        connection_give_partial(f->http, block, len, room);
}

/* Empty lines before a request are nothing (RFC 9112 2.2). */
static void pass_empty_lines(struct feed *f)
{
        struct slice bytes = f->bytes.bytes;
        size_t blank = 0;

        while (blank < bytes.len &&
               (bytes.data[blank] == '\r' || bytes.data[blank] == '\n'))
                blank++;
        feed_pass(&f->bytes, blank);
}

void message_begin(struct feed *f)
{
        f->side->message_start = f->bytes.offset;
        f->side->message_heard = f->bytes.heard;
        f->side->first_ns = f->bytes.time_ns;
}

void message_feed_head(struct feed *f)
{
        struct http_side *side = f->side;

        if (!f->conn->spoken && h2_takes(f))
                return;
        if (side->partial) {
                feed_partial(f);
                return;
        }
        if (connection_is_client(f->conn, f->which))
                pass_empty_lines(f);
        struct slice bytes = f->bytes.bytes;
        if (bytes.len == 0)
                return;
        message_begin(f);
        enum head_result result =
            head_may_begin(bytes, head_kind(f)) ? parse_head(f, bytes) : HEAD_BAD;
        if (result == HEAD_OK && f->http->head.length <= f->http->options.head_max) {
                feed_pass(&f->bytes, f->http->head.length);
                on_head(f, bytes, true);
        } else if (result == HEAD_MORE && message_keep_partial(f, bytes)) {
                feed_pass(&f->bytes, bytes.len);
        } else {
                f->http->counters->http_heads_too_long += result == HEAD_OK;
                on_bad_head(f);
        }
}
