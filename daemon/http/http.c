/* SPDX-License-Identifier: MIT */
#include "http/http.h"

#include "base/check.h"
#include "http/h2_priv.h"

#include <stdlib.h>

enum {
        /* Segments of a flow joined in the middle that may pass without HTTP in them. */
        STRANGE_SEGMENTS_MAX = 32,
};

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
                conn->side[FLOW_INITIATOR].state = SIDE_OPENING;
        } else if (f->bytes.offset == 0 && h2_is_preface(f->bytes.bytes)) {
                conn->client = f->which;
                conn->roles_known = true;
                return true; /* nothing came before it */
        } else if (f->bytes.offset == 0 &&
                   opening_may_be_foreign(f->http, f->bytes.bytes)) {
                /* Only the handshake was not seen, or it is soon found to be nothing. */
                conn->client = f->which;
                conn->side[f->which].state = SIDE_OPENING;
                conn->side[!f->which].state = SIDE_LOST;
        } else if (head_begins(f->bytes.bytes, HEAD_RESPONSE)) {
                conn->client = !f->which;
        } else if (head_begins(f->bytes.bytes, HEAD_REQUEST)) {
                conn->client = f->which;
        } else {
                return false;
        }
        conn->roles_known = true;
        if (f->side->state != SIDE_OPENING && flow_is_midstream(f->flow))
                conn->side[0].state = conn->side[1].state = SIDE_LOST;
        return true;
}

/* Somewhere inside a connection, and nothing that looks like HTTP yet. */
static void feed_strange(struct feed *f)
{
        opening_look_inside(f);
        feed_pass(&f->bytes, f->bytes.bytes.len);
        if (++f->conn->strange < STRANGE_SEGMENTS_MAX)
                return;
        f->http->counters->flows_ignored++;
        connection_give_up(f->http, f->flow, f->bytes.time_ns);
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
                        message_feed_head(&f);
                        break;
                case SIDE_OPENING:
                        opening_feed(&f);
                        break;
                case SIDE_CHUNKED:
                        message_feed_chunked(&f);
                        break;
                case SIDE_LOST:
                        connection_feed_lost(&f);
                        break;
                case SIDE_H2:
                        h2_feed(&f);
                        break;
                case SIDE_BODY:
                case SIDE_CHUNK:
                case SIDE_UNTIL_CLOSE:
                        if (!f.side->kept_until)
                                return; /* the stream passes over these itself */
                        message_feed_kept(&f);
                        break;
                }
        }
}

static void http_skipped(void *context, struct flow *flow, enum flow_side which,
                         int64_t time_ns)
{
        if (((struct connection *)flow_user(flow))->side[which].state == SIDE_H2)
                h2_skipped(context, flow, which, time_ns);
        else
                message_run_ends(context, flow, which, time_ns);
}

static bool survives_gap(struct http *h, struct flow *flow, enum flow_side which,
                         int64_t time_ns)
{
        const struct connection *conn = flow_user(flow);

        return conn->side[which].state == SIDE_H2
                   ? h2_survives_gap(h, flow, which, time_ns)
                   : message_survives_gap(h, flow, which, time_ns);
}

static void http_gap(void *context, struct flow *flow, enum flow_side which,
                     int64_t time_ns)
{
        struct connection *conn = flow_user(flow);

        if (conn->roles_known) {
                if (!survives_gap(context, flow, which, time_ns))
                        connection_lose_step(context, flow, which, time_ns);
        } else if (!flow_is_midstream(flow)) {
                /* The first words are lost: the roles are known all the same. */
                conn->roles_known = true;
                conn->client = FLOW_INITIATOR;
                conn->side[FLOW_INITIATOR].state = SIDE_OPENING;
                connection_lose_step(context, flow, which, time_ns);
        }
}

/* At a boundary of the server's, where nothing was missed and nothing has begun. */
static void note_unanswered(struct connection *conn, const struct flow *flow)
{
        const struct http_side *server = &conn->side[!conn->client];

        if (!conn->first || conn->server_ended || server->state != SIDE_HEAD ||
            server->partial || server->unproven || !flow_was_refused(flow, conn->client))
                return;
        for (struct exchange *e = conn->first; e; e = e->next)
                e->transaction.unanswered = !e->response_begun && !e->transaction.status;
}

static void http_ended(void *context, struct flow *flow, enum flow_side which,
                       int64_t time_ns)
{
        struct connection *conn = flow_user(flow);
        struct http_side *side = &conn->side[which];

        if (conn->roles_known && which != conn->client) {
                /* A request that comes after this has met an idle connection's end. */
                note_unanswered(conn, flow);
                conn->server_ended = true;
        }
        if (side->state != SIDE_UNTIL_CLOSE)
                return;
        connection_close_response(conn, flow, conn->first, time_ns);
        message_ends(context, flow, which, time_ns);
}

static void http_closed(void *context, struct flow *flow, int64_t time_ns)
{
        struct http *h = context;
        struct connection *conn = flow_user(flow);

        note_unanswered(conn, flow);
        connection_emit_all(h, conn, flow, time_ns);
        connection_count_hello(h, conn);
        connection_drop_partial(h, &conn->side[0]);
        connection_drop_partial(h, &conn->side[1]);
        if (conn->h2)
                h2_close(h, flow, time_ns);
}

struct http *http_new(const struct http_options *options, transaction_fn *transaction,
                      void *context, struct counters *counters)
{
        struct http *h = calloc(1, sizeof(*h));

        CHECK(h && options->lines_max <= HEAD_LINES_MAX &&
              options->pipeline_max <= UINT8_MAX);
        h->options = *options;
        h->h2_text = malloc(options->head_max);
        CHECK(h->h2_text);
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
        if (!blocks_init(&h->blocks, options->memory_max))
                http_free(&h);
        return h;
}

void http_free(struct http **http)
{
        if (!*http)
                return;
        blocks_free(&(*http)->blocks);
        free((*http)->h2_text);
        free(*http);
        *http = NULL;
}

void http_want_bodies(struct http *h, body_wanted_fn *body_wanted)
{
        h->body_wanted = body_wanted;
}

void http_want_only(struct http *h, transaction_wanted_fn *wanted)
{
        h->wanted = wanted;
}

const struct stream_handler *http_handler(const struct http *h)
{
        return &h->handler;
}

uint64_t http_memory(const struct http *h)
{
        return h->blocks.used;
}
