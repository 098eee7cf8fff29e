/* SPDX-License-Identifier: MIT */
#include "http/connection_priv.h"

#include "base/check.h"
#include "http/h2_priv.h"

void connection_describe(const struct feed *f, struct transaction *t)
{
        t->client = *flow_endpoint(f->flow, f->which);
        t->server = *flow_endpoint(f->flow, !f->which);
        t->announced = f->conn->announced;
        t->is_announced = f->conn->is_announced;
        t->is_proxied = f->conn->is_proxied;
        if (f->which == FLOW_INITIATOR)
                t->tcp_shape = flow_tcp_shape(f->flow);
        t->connection_request = f->conn->requests;
}

/* ---- exchanges ---- */

void connection_ask_for_body(struct http *h, struct exchange *e, enum body_of of)
{
        struct body *body = of == BODY_OF_REQUEST ? &e->request_body : &e->response_body;

        if (h->body_wanted && !e->is_unwanted)
                body_want(body, h->body_wanted(h->context, &e->transaction, of));
}

void connection_hand_on(struct http *h, struct exchange *e)
{
        if (e->transaction.status)
                h->counters->responses++;
        else
                h->counters->requests_unanswered++;
        if (!e->is_unwanted) {
                exchange_set_bodies(e);
                h->transaction(h->context, &e->transaction);
        }
        exchange_free(&h->blocks, e);
}

void connection_emit(struct http *h, struct connection *conn, struct exchange *e)
{
        CHECK(conn->first == e);
        conn->first = e->next;
        if (!conn->first)
                conn->last = NULL;
        if (conn->requesting == e)
                conn->requesting = NULL;
        conn->outstanding--;
        connection_hand_on(h, e);
}

/* Response bytes that have passed by now. */
void connection_close_response(const struct connection *conn, struct flow *flow,
                               struct exchange *e, int64_t time_ns)
{
        if (!e->response_begun)
                return;
        e->transaction.response_bytes =
            (uint64_t)(flow_position(flow, !conn->client) - e->response_start);
        e->transaction.response_last_ns = time_ns;
}

/* Nobody will answer these any more, as far as can be seen. */
void connection_emit_all(struct http *h, struct connection *conn, struct flow *flow,
                         int64_t time_ns)
{
        while (conn->first) {
                connection_close_response(conn, flow, conn->first, time_ns);
                connection_emit(h, conn, conn->first);
        }
}

/* ---- out of step ---- */

void connection_give_partial(struct http *h, uint8_t *block, uint32_t len, uint32_t room)
{
        if (!block)
                return;
        explicit_bzero(block, len);
        blocks_give(&h->blocks, block, room);
}

void connection_drop_partial(struct http *h, struct http_side *side)
{
        connection_give_partial(h, side->partial, side->partial_len, side->partial_room);
        side->partial = NULL;
        side->partial_len = 0;
}

void connection_lose_step(struct http *h, struct flow *flow, enum flow_side which,
                          int64_t time_ns)
{
        struct connection *conn = flow_user(flow);
        struct http_side *side = &conn->side[which];

        if (side->state == SIDE_OPENING && side->partial &&
            opening_may_be_foreign(h, slice_of(side->partial, side->partial_len)))
                conn->hello_is_missed = true;
        connection_drop_partial(h, side);
        if (conn->h2) {
                side->state = SIDE_H2;
                h2_lose(h, flow, which, time_ns);
                return;
        }
        if (side->state != SIDE_LOST && !side->unproven) {
                h->counters->http_desyncs += conn->spoken;
                side->lost_early = !conn->spoken;
        }
        side->state = SIDE_LOST;
        side->kept_until = 0;
        side->unproven = false;
        if (connection_is_client(conn, which)) {
                conn->server_mark = flow_position(flow, !which);
                conn->client_mark = flow_position(flow, which);
                conn->requesting = NULL;
        } else {
                conn->response_expected = false;
                connection_emit_all(h, conn, flow, time_ns);
        }
}

void connection_count_hello(struct http *h, struct connection *conn)
{
        h->counters->hellos_lost += conn->hello_is_missed && !conn->spoken;
        conn->hello_is_missed = false;
}

/* It is not HTTP, or none any more that could be followed. */
void connection_give_up(struct http *h, struct flow *flow, int64_t time_ns)
{
        struct connection *conn = flow_user(flow);

        connection_emit_all(h, conn, flow, time_ns);
        connection_count_hello(h, conn);
        connection_drop_partial(h, &conn->side[0]);
        connection_drop_partial(h, &conn->side[1]);
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

bool connection_asks_unheard(struct connection *conn, int64_t heard)
{
        bool unheard = conn->has_asked && conn->asked_heard == heard;

        conn->has_asked = true;
        conn->asked_heard = heard;
        return unheard;
}

/* Out of step: these may be requests, or what an upload carries. */
static void note_likely_requests(const struct feed *f)
{
        struct slice bytes = f->bytes.bytes;
        size_t end = 1;

        if (!f->bytes.starts_segment)
                return;
        for (; end && head_begins(bytes, HEAD_REQUEST); bytes = slice_from(bytes, end)) {
                f->conn->may_pipeline |= connection_asks_unheard(f->conn, f->bytes.heard);
                end = head_find_end(bytes, 0);
        }
}

/* Passes over bytes until a boundary is proved. */
void connection_feed_lost(struct feed *f)
{
        struct connection *conn = f->conn;

        opening_look_inside(f);
        if (connection_is_client(conn, f->which)) {
                if (request_is_proved(f)) {
                        found_step(f->http, f->side);
                } else {
                        note_likely_requests(f);
                        feed_pass(&f->bytes, f->bytes.bytes.len);
                }
                return;
        }
        int64_t ahead = conn->response_start - f->bytes.offset;
        if (!conn->response_expected || ahead >= (int64_t)f->bytes.bytes.len) {
                feed_pass(&f->bytes, f->bytes.bytes.len);
        } else if (ahead < 0) {
                connection_lose_step(f->http, f->flow, f->which, f->bytes.time_ns);
        } else {
                feed_pass(&f->bytes, (size_t)ahead);
                conn->response_expected = false;
                found_step(f->http, f->side);
        }
}
