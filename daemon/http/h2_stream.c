/* SPDX-License-Identifier: MIT */
#include "http/h2_priv.h"

#include "base/check.h"

enum { STREAMS_FIRST_ROOM = 16 };

/* ---- the list of streams ---- */

/* Where `id` is, or would be. */
static uint32_t find(const struct h2 *h2, uint32_t id)
{
        uint32_t from = 0, to = h2->stream_count;

        if (to && h2->streams[to - 1].id <= id)
                return to - (h2->streams[to - 1].id == id);
        while (from < to) {
                uint32_t middle = from + (to - from) / 2;
                if (h2->streams[middle].id < id)
                        from = middle + 1;
                else
                        to = middle;
        }
        return from;
}

static struct exchange *find_exchange(const struct h2 *h2, uint32_t id)
{
        uint32_t at = find(h2, id);

        return at < h2->stream_count && h2->streams[at].id == id
                   ? h2->streams[at].exchange
                   : NULL;
}

bool h2_add_stream(struct http *h, struct h2 *h2, uint32_t id, struct exchange *e)
{
        const size_t each = sizeof(*h2->streams);

        if ((h2->stream_count + 1) * each > h2->streams_room) {
                size_t want =
                    h2->streams ? 2 * h2->streams_room : STREAMS_FIRST_ROOM * each;
                size_t room;
                struct h2_stream *more = blocks_take(&h->blocks, want, &room);
                if (!more)
                        return false;
                if (h2->streams) {
                        memcpy(more, h2->streams, h2->stream_count * each);
                        blocks_give(&h->blocks, h2->streams, h2->streams_room);
                }
                h2->streams = more;
                h2->streams_room = (uint32_t)room;
        }
        h2->streams[h2->stream_count++] = (struct h2_stream){ id, e };
        return true;
}

static void remove_stream(struct h2 *h2, uint32_t id)
{
        uint32_t at = find(h2, id);

        CHECK(at < h2->stream_count && h2->streams[at].id == id);
        h2->stream_count--;
        memmove(h2->streams + at, h2->streams + at + 1,
                (h2->stream_count - at) * sizeof(*h2->streams));
}

/* ---- handing on ---- */

static bool is_blind(const struct connection *conn, bool client)
{
        return conn->h2->side[client ? conn->client : !conn->client].phase == H2_BLIND;
}

static void hand_on(struct http *h, struct flow *flow, uint32_t id, struct exchange *e)
{
        struct connection *conn = flow_user(flow);

        remove_stream(conn->h2, id);
        if (conn->h2->proven)
                connection_hand_on(h, e);
        else
                exchange_free(&h->blocks, e);
        if (conn->h2->stream_count == 0 && is_blind(conn, true))
                flow_ignore(flow);
}

/* Its end will not be seen; the bytes that have come are counted. */
static void cut(struct http *h, struct flow *flow, uint32_t id, struct exchange *e,
                int64_t time_ns)
{
        struct connection *conn = flow_user(flow);
        const struct h2_side *s = &conn->h2->side[!conn->client];

        if (e->response_begun) {
                e->transaction.response_last_ns = time_ns;
                if ((s->phase == H2_PASSING || s->phase == H2_DATA_KEPT) &&
                    s->frame.stream == id)
                        e->transaction.response_bytes +=
                            (uint64_t)(flow_position(flow, !conn->client) -
                                       s->frame_start);
        }
        hand_on(h, flow, id, e);
}

void h2_emit_all(struct http *h, struct flow *flow, int64_t time_ns)
{
        struct connection *conn = flow_user(flow);

        while (conn->h2->stream_count)
                cut(h, flow, conn->h2->streams[0].id, conn->h2->streams[0].exchange,
                    time_ns);
}

static void end_request(struct http *h, struct flow *flow, uint32_t id,
                        struct exchange *e, int64_t time_ns)
{
        e->transaction.request_last_ns = time_ns;
        e->request_is_complete = true;
        if (is_blind(flow_user(flow), false))
                hand_on(h, flow, id, e);
}

static void end_response(struct http *h, struct flow *flow, uint32_t id,
                         struct exchange *e, int64_t time_ns)
{
        if (e->response_begun) {
                e->transaction.response_complete = true;
                e->transaction.response_last_ns = time_ns;
        }
        hand_on(h, flow, id, e);
}

/* ---- requests ---- */

static void describe(const struct feed *f, const struct h2_fields *fields,
                     struct transaction *t)
{
        const struct h2_side *s = &f->conn->h2->side[f->which];

        connection_describe(f, t);
        t->version_major = 2;
        t->version_minor = 0;
        t->request_first_ns = s->block_ns;
        t->request_last_ns = f->bytes.time_ns;
        t->request_bytes = s->block_bytes;
        t->h2_shape = h2_shape_text(&f->conn->h2->shape);
        t->h2_order = fields->order << 1 | s->prioritised;
}

static void describe_head(const struct feed *f, const struct h2_fields *fields,
                          struct transaction *t)
{
        const struct head *head = fields->head;

        *t = (struct transaction){
                .method = head->method,
                .target = head->target,
                .request_headers = { head->lines, head->line_count },
        };
        describe(f, fields, t);
}

static bool is_wanted(const struct feed *f, const struct h2_fields *fields)
{
        const struct http *h = f->http;
        struct transaction t;

        if (!h->wanted)
                return true;
        describe_head(f, fields, &t);
        return h->wanted(h->context, &t);
}

/* It cannot be kept: hands it on at once, without its response. */
static void emit_at_once(struct feed *f, const struct h2_fields *fields)
{
        struct transaction t;

        if (!f->conn->h2->proven)
                return;
        describe_head(f, fields, &t);
        f->http->counters->requests_unanswered++;
        f->http->transaction(f->http->context, &t);
}

static struct exchange *begin_exchange(struct feed *f, const struct h2_fields *fields,
                                       uint32_t id, bool wanted)
{
        struct http *h = f->http;
        struct h2 *h2 = f->conn->h2;
        struct slice text = slice_of(fields->text, fields->head->length);

        if (h2->stream_count >= h->options.h2_streams_max) {
                h->counters->http2_streams_full++;
                return NULL;
        }
        struct exchange *e = wanted
                                 ? exchange_new(&h->blocks, fields->head, text)
                                 : exchange_new_unwanted(&h->blocks, fields->head, text);
        if (e && !h2_add_stream(h, h2, id, e)) {
                exchange_free(&h->blocks, e);
                e = NULL;
        }
        if (!e) {
                h->counters->http_memory_full++;
                return NULL;
        }
        describe(f, fields, &e->transaction);
        return e;
}

static void on_request(struct feed *f, const struct h2_fields *fields)
{
        const struct h2_side *s = &f->conn->h2->side[f->which];
        struct counters *c = f->http->counters;

        f->conn->h2->spoken = true;
        c->requests++;
        c->requests_http2++;
        c->http_malformed_requests += fields->head->bad_lines;
        c->http_too_many_headers += fields->head->too_many;
        connection_count_request(f->conn);
        bool wanted = is_wanted(f, fields);
        struct exchange *e = begin_exchange(f, fields, s->block.stream, wanted);
        if (!e && wanted)
                emit_at_once(f, fields);
        else if (!e)
                return;
        else if (s->block.flags & H2_END_STREAM)
                end_request(f->http, f->flow, s->block.stream, e, f->bytes.time_ns);
        else
                connection_ask_for_body(f->http, e, BODY_OF_REQUEST);
}

static void on_request_block(struct feed *f, struct h2_fields *fields)
{
        struct h2 *h2 = f->conn->h2;
        const struct h2_side *s = &h2->side[f->which];
        uint32_t id = s->block.stream;
        struct exchange *e = find_exchange(h2, id);

        if (e) { /* trailers */
                e->transaction.request_bytes += s->block_bytes;
                if (s->block.flags & H2_END_STREAM && !e->request_is_complete)
                        end_request(f->http, f->flow, id, e, f->bytes.time_ns);
                return;
        }
        if (id <= h2->last_id)
                return; /* of a stream that is over for us */
        h2->last_id = id;
        switch (h2_fields_end(fields)) {
        case H2_FIELDS_MESSAGE:
                on_request(f, fields);
                break;
        case H2_FIELDS_TOO_LONG:
                f->http->counters->http_heads_too_long++;
                break;
        case H2_FIELDS_TRAILERS:
        case H2_FIELDS_BROKEN:
                f->http->counters->http_malformed_requests++;
                break;
        }
}

/* ---- responses ---- */

static bool becomes_tunnel(const struct exchange *e)
{
        return slice_is(e->transaction.method, "CONNECT") &&
               e->transaction.status / 100 == 2;
}

static void on_final_response(struct feed *f, const struct h2_fields *fields,
                              struct exchange *e)
{
        struct http *h = f->http;
        const struct head *head = fields->head;
        const struct h2_side *s = &f->conn->h2->side[f->which];

        h->counters->http_malformed_responses += head->bad_lines;
        h->counters->http_too_many_headers += head->too_many;
        exchange_set_response(e, head);
        e->response_begun = true;
        e->transaction.response_first_ns = s->block_ns;
        e->transaction.response_bytes = s->block_bytes;
        if (becomes_tunnel(e))
                h->counters->http_upgrades++;
        if (becomes_tunnel(e) || s->block.flags & H2_END_STREAM) {
                end_response(h, f->flow, s->block.stream, e, f->bytes.time_ns);
                return;
        }
        if (e->is_unwanted)
                e->transaction.response_headers = (struct http_headers){ NULL, 0 };
        else if (!exchange_keep_response(&h->blocks, e,
                                         slice_of(fields->text, head->length)))
                h->counters->http_memory_full++;
        connection_ask_for_body(h, e, BODY_OF_RESPONSE);
}

/* What cannot be read has no status; where it ends, so does the exchange. */
static void on_bad_response(struct feed *f, struct exchange *e)
{
        const struct h2_side *s = &f->conn->h2->side[f->which];

        f->http->counters->http_malformed_responses++;
        if (s->block.flags & H2_END_STREAM)
                end_response(f->http, f->flow, s->block.stream, e, f->bytes.time_ns);
}

static void on_response(struct feed *f, struct h2_fields *fields, struct exchange *e)
{
        enum h2_fields_result result = h2_fields_end(fields);
        struct head *head = fields->head;

        if (result == H2_FIELDS_TOO_LONG && head->status) {
                f->http->counters->http_heads_too_long++;
                head->line_count = 0;
                result = H2_FIELDS_MESSAGE;
        }
        if (result != H2_FIELDS_MESSAGE)
                on_bad_response(f, e);
        else if (head->status >= 200)
                on_final_response(f, fields, e);
        else
                f->http->counters->responses_interim++;
}

static void on_response_block(struct feed *f, struct h2_fields *fields)
{
        struct h2 *h2 = f->conn->h2;
        const struct h2_side *s = &h2->side[f->which];
        uint32_t id = s->block.stream;
        struct exchange *e = find_exchange(h2, id);

        if (!e) {
                /* A pushed one, of even number, answers nobody. */
                f->http->counters->responses_unpaired += id % 2 && id > h2->last_id;
        } else if (!e->response_begun) {
                on_response(f, fields, e);
        } else { /* trailers */
                e->transaction.response_bytes += s->block_bytes;
                if (s->block.flags & H2_END_STREAM)
                        end_response(f->http, f->flow, id, e, f->bytes.time_ns);
        }
}

/* ---- frames ---- */

void h2_on_block(struct feed *f, struct h2_fields *fields)
{
        if (!connection_is_client(f->conn, f->which))
                on_response_block(f, fields);
        else if (f->conn->h2->side[f->which].block.stream % 2)
                on_request_block(f, fields);
        else
                f->http->counters->http_malformed_requests++;
}

struct body *h2_wanting_body(const struct connection *conn, enum flow_side which)
{
        struct exchange *e = find_exchange(conn->h2, conn->h2->side[which].frame.stream);
        struct body *body = NULL;

        if (e && !connection_is_client(conn, which))
                body = &e->response_body;
        else if (e && !e->request_is_complete)
                body = &e->request_body;
        return body && body_is_wanted(body) ? body : NULL;
}

void h2_on_data(struct http *h, struct flow *flow, enum flow_side which, int64_t time_ns)
{
        struct connection *conn = flow_user(flow);
        const struct h2_frame *frame = &conn->h2->side[which].frame;
        struct exchange *e = find_exchange(conn->h2, frame->stream);
        uint64_t bytes = H2_FRAME_HEAD + (uint64_t)frame->length;
        bool ends = frame->flags & H2_END_STREAM;

        if (!e)
                return;
        if (connection_is_client(conn, which)) {
                e->transaction.request_bytes += bytes;
                if (ends && !e->request_is_complete)
                        end_request(h, flow, frame->stream, e, time_ns);
        } else {
                if (e->response_begun)
                        e->transaction.response_bytes += bytes;
                if (ends)
                        end_response(h, flow, frame->stream, e, time_ns);
        }
}

void h2_on_reset(struct http *h, struct flow *flow, enum flow_side which, int64_t time_ns)
{
        struct connection *conn = flow_user(flow);
        uint32_t id = conn->h2->side[which].frame.stream;
        struct exchange *e = find_exchange(conn->h2, id);

        h->counters->http2_resets++;
        if (e)
                cut(h, flow, id, e, time_ns);
}
