/* SPDX-License-Identifier: MIT */
#include "http/h2_priv.h"

#include "base/check.h"

enum {
        /* Frames of one header block; sixteen would do for the longest. */
        CONTINUATIONS_MAX = 256,
        /* One payload that is looked at. Only a receiver that asks for more gets more. */
        PAYLOAD_MAX = 96 << 10,
};

static struct h2_side *side_of(const struct feed *f)
{
        return &f->conn->h2->side[f->which];
}

static bool is_client(const struct feed *f)
{
        return connection_is_client(f->conn, f->which);
}

/* ---- what is kept of pieces ---- */

static void drop_buffer(struct http *h, struct h2_side *s)
{
        if (s->buffer)
                blocks_give(&h->blocks, s->buffer, s->buffer_room);
        s->buffer = NULL;
        s->buffer_len = s->buffer_room = s->block_len = 0;
}

static bool keep(struct http *h, struct h2_side *s, struct slice more)
{
        size_t need = s->buffer_len + more.len, room;

        if (need > s->buffer_room) {
                uint8_t *block = blocks_take(&h->blocks, need, &room);
                if (!block) {
                        h->counters->http_memory_full++;
                        return false;
                }
                if (s->buffer) {
                        memcpy(block, s->buffer, s->buffer_len);
                        blocks_give(&h->blocks, s->buffer, s->buffer_room);
                }
                s->buffer = block;
                s->buffer_room = (uint32_t)room;
        }
        if (more.len)
                memcpy(s->buffer + s->buffer_len, more.data, more.len);
        s->buffer_len += (uint32_t)more.len;
        return true;
}

/* ---- the end ---- */

static void drop_side(struct http *h, struct h2_side *s)
{
        drop_buffer(h, s);
        hpack_free(&s->hpack);
}

void h2_lose(struct http *h, struct flow *flow, enum flow_side which, int64_t time_ns)
{
        struct connection *conn = flow_user(flow);
        struct h2_side *s = &conn->h2->side[which];

        if (s->phase == H2_BLIND)
                return;
        h->counters->http2_blind++;
        drop_side(h, s);
        s->phase = H2_BLIND;
        flow_skip(flow, which, INT64_MAX);
        /* What this side would have allowed the other from now on is not known. */
        conn->h2->side[!which].frame_max = UINT32_MAX;
        conn->h2->side[!which].table_max = HPACK_TABLE_MAX;
        if (!connection_is_client(conn, which))
                h2_emit_all(h, flow, time_ns);
        if (conn->h2->side[!which].phase == H2_BLIND ||
            (connection_is_client(conn, which) && conn->h2->stream_count == 0))
                flow_ignore(flow);
}

static void lose(struct feed *f)
{
        h2_lose(f->http, f->flow, f->which, f->bytes.time_ns);
        feed_pass(&f->bytes, f->bytes.bytes.len);
}

static void on_malformed(struct feed *f)
{
        f->http->counters->http2_malformed_frames++;
        lose(f);
}

void h2_close(struct http *h, struct flow *flow, int64_t time_ns)
{
        struct connection *conn = flow_user(flow);
        struct h2 *h2 = conn->h2;

        h2_emit_all(h, flow, time_ns);
        drop_side(h, &h2->side[0]);
        drop_side(h, &h2->side[1]);
        if (h2->streams)
                blocks_give(&h->blocks, h2->streams, h2->streams_room);
        blocks_give(&h->blocks, h2, h2->room);
        conn->h2 = NULL;
}

/* It began like HTTP/2 and is something else. */
static void on_stranger(struct feed *f)
{
        f->http->counters->flows_ignored++;
        h2_emit_all(f->http, f->flow, f->bytes.time_ns);
        connection_give_up(f->http, f->flow, f->bytes.time_ns);
        feed_pass(&f->bytes, f->bytes.bytes.len);
}

/* ---- header blocks ---- */

/* Made when it is first needed; told when the peer allows more. */
static bool have_table(struct feed *f, struct h2_side *s)
{
        if (!s->hpack)
                s->hpack = hpack_new(&f->http->blocks);
        if (s->hpack) {
                hpack_allow(s->hpack, s->table_max);
                return true;
        }
        f->http->counters->http_memory_full++;
        lose(f);
        return false;
}

static bool decode(struct feed *f, struct slice piece, bool last,
                   struct h2_fields *fields)
{
        struct h2_side *s = side_of(f);

        if (!have_table(f, s))
                return false;
        switch (
            hpack_decode(s->hpack, piece, last, fields ? h2_fields_add : NULL, fields)) {
        case HPACK_OK:
                return true;
        case HPACK_BAD:
                f->http->counters->http2_malformed_blocks++;
                break;
        case HPACK_FULL:
                f->http->counters->http_memory_full++;
                break;
        }
        lose(f);
        return false;
}

static void end_block(struct feed *f, struct slice block)
{
        struct http *h = f->http;
        struct h2_side *s = side_of(f);
        struct h2_fields fields;
        bool wanted =
            s->block.type == H2_HEADERS && s->block.stream % 2 && !s->block_ignored;

        h->head.lines_max = h->options.lines_max;
        h2_fields_begin(&fields, is_client(f) ? HEAD_REQUEST : HEAD_RESPONSE, &h->head,
                        h->h2_text, h->options.head_max);
        if (!decode(f, block, true, wanted ? &fields : NULL))
                return;
        fields.too_long |= s->block_ignored;
        s->in_block = s->block_ignored = false;
        if (s->block.type == H2_HEADERS)
                h2_on_block(f, &fields);
        if (s->phase != H2_BLIND)
                drop_buffer(h, s);
}

/*
 * The block is longer than anybody's limit. It is not kept any more, only decompressed,
 * so that those behind it can still be read.
 */
static bool ignore_block(struct feed *f)
{
        struct h2_side *s = side_of(f);

        if (s->block_ignored)
                return true;
        f->http->counters->http2_floods++;
        struct slice block =
            slice_of(s->buffer ? s->buffer : f->http->h2_text, s->block_len);
        if (!decode(f, block, false, NULL))
                return false;
        s->block_ignored = true;
        drop_buffer(f->http, s);
        return true;
}

static void begin_block(struct h2_side *s)
{
        s->block = s->frame;
        s->block_ns = s->frame_ns;
        s->block_bytes = 0;
        s->continuations = 0;
        s->prioritised = s->frame.type == H2_HEADERS && s->frame.flags & H2_PRIORITISED;
}

/* `payload` lies in the packet, or in the buffer behind the block so far. */
static void on_fragment(struct feed *f, struct slice payload)
{
        struct h2_side *s = side_of(f);
        struct slice fragment;

        if (!h2_frame_fragment(&s->frame, payload, &fragment, NULL)) {
                on_malformed(f);
                return;
        }
        if (s->frame.type != H2_CONTINUATION)
                begin_block(s);
        s->block_bytes += H2_FRAME_HEAD + s->frame.length;
        bool last = s->frame.flags & H2_END_HEADERS;
        if (s->block_ignored || (last && s->block_len == 0)) {
                if (last)
                        end_block(f, fragment);
                else if (decode(f, fragment, false, NULL))
                        drop_buffer(f->http, s);
                return;
        }
        if (s->buffer_len > s->block_len) {
                memmove(s->buffer + s->block_len, fragment.data, fragment.len);
                s->buffer_len = s->block_len + (uint32_t)fragment.len;
        } else if (!keep(f->http, s, fragment)) {
                lose(f);
                return;
        }
        s->block_len = s->buffer_len;
        s->in_block = !last;
        if (last)
                end_block(f, slice_of(s->buffer, s->block_len));
}

/* ---- other payloads ---- */

void h2_apply_settings(struct h2 *h2, enum flow_side from, struct slice payload)
{
        struct h2_side *peer = &h2->side[!from];
        uint16_t id;
        uint32_t value;

        while (h2_frame_setting(&payload, &id, &value)) {
                /*
                 * Only more is noted: it holds from when it is said. To use less is for
                 * the sender to announce, in its own time (RFC 7541 4.2).
                 */
                if (id == H2_HEADER_TABLE_SIZE && value > peer->table_max)
                        peer->table_max = value;
                else if (id == H2_MAX_FRAME_SIZE && value > peer->frame_max)
                        peer->frame_max = value;
        }
}

static void on_settings(struct feed *f, struct slice payload)
{
        struct h2 *h2 = f->conn->h2;

        h2_apply_settings(h2, f->which, payload);
        if (is_client(f) && !h2->spoken)
                h2_shape_settings(&h2->shape, payload);
}

static void on_priority(struct feed *f, struct slice payload)
{
        struct h2_priority priority = h2_frame_priority(payload.data);

        h2_shape_priority(&f->conn->h2->shape, side_of(f)->frame.stream, &priority);
}

static void on_payload(struct feed *f, struct slice payload)
{
        struct h2_side *s = side_of(f);

        s->phase = H2_FRAME;
        switch (s->frame.type) {
        case H2_HEADERS:
        case H2_PUSH_PROMISE:
        case H2_CONTINUATION:
                on_fragment(f, payload);
                return;
        case H2_SETTINGS:
                on_settings(f, payload);
                break;
        case H2_WINDOW_UPDATE:
                h2_shape_window(&f->conn->h2->shape, payload);
                break;
        case H2_PRIORITY:
                on_priority(f, payload);
                break;
        default:
                CHECK(false);
        }
        drop_buffer(f->http, s);
}

/* Waits for the whole payload; where it lies in one piece it is not copied. */
static void feed_payload(struct feed *f)
{
        struct h2_side *s = side_of(f);
        uint32_t have = s->buffer_len - s->block_len;
        struct slice part = slice_first(f->bytes.bytes, s->frame.length - have);

        feed_pass(&f->bytes, part.len);
        if (have == 0 && part.len == s->frame.length) {
                on_payload(f, part);
        } else if (!keep(f->http, s, part)) {
                lose(f);
        } else if (s->buffer_len - s->block_len == s->frame.length) {
                on_payload(f, slice_of(s->buffer + s->block_len, s->frame.length));
        }
}

/* ---- frames ---- */

static bool is_looked_at(const struct feed *f, const struct h2_frame *frame)
{
        bool shapes = is_client(f) && !f->conn->h2->spoken;

        switch (frame->type) {
        case H2_HEADERS:
        case H2_PUSH_PROMISE:
        case H2_CONTINUATION:
        case H2_SETTINGS:
                return true;
        case H2_WINDOW_UPDATE:
                return shapes && frame->stream == 0;
        case H2_PRIORITY:
                return shapes;
        default:
                return false;
        }
}

/* May this frame come here? */
static bool is_allowed(const struct feed *f, const struct h2_side *s)
{
        const struct h2_frame *frame = &s->frame;

        if (!h2_frame_is_sound(frame) || frame->length > s->frame_max)
                return false;
        if (!s->settled && !is_client(f) &&
            (frame->type != H2_SETTINGS || frame->flags & H2_ACK))
                return false;
        if (frame->type == H2_PUSH_PROMISE && is_client(f))
                return false;
        return (frame->type == H2_CONTINUATION) == s->in_block &&
               (!s->in_block || frame->stream == s->block.stream);
}

/* Its payload was not looked at, and is over. */
static void on_passed(struct http *h, struct flow *flow, enum flow_side which,
                      int64_t time_ns)
{
        struct connection *conn = flow_user(flow);
        struct h2_side *s = &conn->h2->side[which];

        s->phase = H2_FRAME;
        if (s->frame.type == H2_DATA)
                h2_on_data(h, flow, which, time_ns);
        else if (s->frame.type == H2_RST_STREAM)
                h2_on_reset(h, flow, which, time_ns);
}

/* Offsets in the stream. */
static int64_t payload_start(const struct h2_side *s)
{
        return s->frame_start + H2_FRAME_HEAD;
}

static int64_t payload_end(const struct h2_side *s)
{
        return payload_start(s) + s->frame.length;
}

/* Passes over what is left of the payload, whether it is there or lost. */
static void pass_payload(struct feed *f)
{
        struct h2_side *s = side_of(f);
        size_t left = (size_t)(payload_end(s) - f->bytes.offset);

        if (left <= f->bytes.bytes.len) {
                feed_pass(&f->bytes, left);
                on_passed(f->http, f->flow, f->which, f->bytes.time_ns);
                return;
        }
        s->phase = H2_PASSING;
        flow_skip(f->flow, f->which, payload_end(s));
        feed_pass(&f->bytes, f->bytes.bytes.len);
}

/* ---- DATA that is kept ---- */

static bool is_kept(const struct feed *f, const struct h2_frame *frame)
{
        return frame->type == H2_DATA && frame->length && f->http->body_wanted &&
               h2_wanting_body(f->conn, f->which);
}

/* Takes the length of the padding, the payload's first byte. False when none is so long.
 */
static bool take_padding(struct feed *f)
{
        struct h2_side *s = side_of(f);

        s->padding = f->bytes.bytes.data[0];
        feed_pass(&f->bytes, 1);
        return s->padding < s->frame.length;
}

/* Keeps what is here, and passes over the rest when it is not wanted, or padding. */
static void feed_data(struct feed *f)
{
        struct h2_side *s = side_of(f);
        struct body *body = h2_wanting_body(f->conn, f->which);

        if (s->frame.flags & H2_PADDED && f->bytes.offset == payload_start(s) &&
            !take_padding(f)) {
                on_malformed(f);
                return;
        }
        int64_t end = payload_end(s) - s->padding;
        if (body && f->bytes.offset < end) {
                struct slice part =
                    slice_first(f->bytes.bytes, (size_t)(end - f->bytes.offset));
                body_add(body, &f->http->blocks, part);
                feed_pass(&f->bytes, part.len);
                if (f->bytes.offset < end && body_is_wanted(body))
                        return;
        }
        pass_payload(f);
}

bool h2_survives_gap(struct http *h, struct flow *flow, enum flow_side which,
                     int64_t time_ns)
{
        struct connection *conn = flow_user(flow);
        struct h2_side *s = &conn->h2->side[which];
        struct body *body = h2_wanting_body(conn, which);
        int64_t end = payload_end(s), position = flow_position(flow, which);

        if (s->phase != H2_DATA_KEPT)
                return false;
        if (body)
                body->cut = true;
        if (position < end) {
                s->phase = H2_PASSING;
                flow_skip(flow, which, end);
        } else {
                on_passed(h, flow, which, time_ns);
        }
        return position <= end;
}

/* ---- each frame ---- */

/* Longer than what is kept of a block: its beginning goes, and it is too long. */
static bool make_room(struct feed *f)
{
        struct h2_side *s = side_of(f);

        if (s->frame.length > PAYLOAD_MAX) {
                f->http->counters->http_heads_too_long++;
                lose(f);
                return false;
        }
        if (s->frame.type == H2_CONTINUATION &&
            (++s->continuations > CONTINUATIONS_MAX ||
             s->block_len + s->frame.length > f->http->options.head_max))
                return ignore_block(f);
        return true;
}

static void on_frame(struct feed *f)
{
        struct h2_side *s = side_of(f);

        if (!is_allowed(f, s)) {
                if (f->conn->h2->side[f->conn->client].phase == H2_PREFACE ||
                    !f->conn->h2->proven)
                        on_stranger(f);
                else
                        on_malformed(f);
                return;
        }
        s->settled = true;
        if (!is_client(f))
                f->conn->h2->proven = true;
        if (is_kept(f, &s->frame)) {
                s->phase = H2_DATA_KEPT;
                s->padding = 0;
        } else if (!is_looked_at(f, &s->frame)) {
                pass_payload(f);
        } else if (make_room(f)) {
                s->phase = H2_PAYLOAD;
                if (s->frame.length == 0)
                        on_payload(f, slice_of(f->http->h2_text, 0));
        }
}

static void feed_frame(struct feed *f)
{
        struct h2_side *s = side_of(f);
        struct slice rest = f->bytes.bytes;

        if (s->reader.have == 0) {
                s->frame_start = f->bytes.offset;
                s->frame_ns = f->bytes.time_ns;
        }
        bool complete = h2_frame_read(&s->reader, &rest, &s->frame);
        feed_pass(&f->bytes, f->bytes.bytes.len - rest.len);
        if (complete)
                on_frame(f);
}

static void feed_preface(struct feed *f)
{
        struct h2_side *s = side_of(f);
        struct slice rest = slice_from(h2_preface, s->preface_have);
        struct slice part = slice_first(f->bytes.bytes, rest.len);

        if (!slice_starts_with(rest, part)) {
                on_stranger(f);
                return;
        }
        feed_pass(&f->bytes, part.len);
        s->preface_have += (uint8_t)part.len;
        if (s->preface_have == h2_preface.len) {
                s->phase = H2_FRAME;
                f->http->counters->http2_connections++;
        }
}

void h2_feed(struct feed *f)
{
        while (f->bytes.bytes.len) {
                switch ((enum h2_phase)side_of(f)->phase) {
                case H2_PREFACE:
                        feed_preface(f);
                        break;
                case H2_FRAME:
                        feed_frame(f);
                        break;
                case H2_PAYLOAD:
                        feed_payload(f);
                        break;
                case H2_DATA_KEPT:
                        feed_data(f);
                        break;
                case H2_PASSING:
                case H2_BLIND:
                        feed_pass(&f->bytes, f->bytes.bytes.len);
                        break;
                }
        }
}

void h2_skipped(struct http *h, struct flow *flow, enum flow_side which, int64_t time_ns)
{
        struct connection *conn = flow_user(flow);

        if (conn->h2->side[which].phase == H2_PASSING)
                on_passed(h, flow, which, time_ns);
}
