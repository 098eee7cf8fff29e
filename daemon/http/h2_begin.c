/* SPDX-License-Identifier: MIT */
#include "http/h2_priv.h"

/* Its first line is enough to know it: no HTTP/1 has this version (RFC 9113 3.4). */
enum { PREFACE_LINE = 16, HTTP2_SETTINGS_MAX = 256 };

const struct slice h2_preface = SLICE("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

bool h2_is_preface(struct slice bytes)
{
        return bytes.len >= PREFACE_LINE &&
               slice_starts_with(h2_preface, slice_first(bytes, h2_preface.len));
}

/* A server may speak first: SETTINGS (RFC 9113 3.4). No HTTP/1 begins with a NUL. */
static bool may_be_settings(struct slice bytes)
{
        static const uint8_t head[H2_FRAME_HEAD] = { 0, 0, 0, H2_SETTINGS };
        static const uint8_t mask[H2_FRAME_HEAD] = { 0xff, 0xf0, 0,    0xff, 0xff,
                                                     0xff, 0xff, 0xff, 0xff };

        for (size_t i = 0; i < sizeof(head) && i < bytes.len; i++)
                if ((bytes.data[i] ^ head[i]) & mask[i])
                        return false;
        return true;
}

/* ---- the connection ---- */

static struct h2 *begin(struct feed *f)
{
        struct http *h = f->http;
        size_t room;
        struct h2 *h2 = blocks_take(&h->blocks, sizeof(*h2), &room);

        if (!h2) {
                h->counters->http_memory_full++;
                return NULL;
        }
        memset(h2, 0, sizeof(*h2));
        h2->room = (uint32_t)room;
        h2->proven = !flow_is_midstream(f->flow);
        for (int i = 0; i < 2; i++) {
                h2->side[i].frame_max = H2_FRAME_SIZE_DEFAULT;
                h2->side[i].table_max = HPACK_TABLE_DEFAULT;
                h2->side[i].phase = i == f->conn->client ? H2_PREFACE : H2_FRAME;
        }
        f->conn->h2 = h2;
        connection_is_http(h, f->conn);
        return h2;
}

/* Both directions, as far as they stand at the start of a message. */
static void change_over(struct feed *f)
{
        for (int i = 0; i < 2; i++) {
                struct http_side *side = &f->conn->side[i];
                if (side->state == SIDE_HEAD)
                        h2_adopt(f->http, f->conn, i);
                else if (side->state == SIDE_LOST)
                        connection_lose_step(f->http, f->flow, i, f->bytes.time_ns);
                else if (side->state != SIDE_OPENING) /* opening.c hands that over */
                        connection_drop_partial(f->http, side);
        }
}

void h2_adopt(struct http *h, struct connection *conn, enum flow_side which)
{
        struct http_side *side = &conn->side[which];
        struct slice kept = slice_of(side->partial, side->partial_len);

        if (connection_is_client(conn, which) && slice_starts_with(h2_preface, kept))
                conn->h2->side[which].preface_have = (uint8_t)kept.len;
        connection_drop_partial(h, side);
        side->state = SIDE_H2;
}

bool h2_takes(struct feed *f)
{
        struct http_side *side = f->side;
        struct slice kept = slice_of(side->partial, side->partial_len);
        bool client = connection_is_client(f->conn, f->which);

        if (client) {
                struct slice rest = slice_from(h2_preface, kept.len);
                if (kept.len > h2_preface.len || !slice_starts_with(h2_preface, kept) ||
                    !slice_starts_with(rest, slice_first(f->bytes.bytes, rest.len)) ||
                    kept.len + f->bytes.bytes.len < PREFACE_LINE)
                        return false;
        } else if (kept.len || f->bytes.offset != 0 || !may_be_settings(f->bytes.bytes)) {
                return false;
        }
        if (!begin(f)) {
                connection_give_up(f->http, f->flow, f->bytes.time_ns);
                feed_pass(&f->bytes, f->bytes.bytes.len);
                return true;
        }
        change_over(f);
        return true;
}

/* ---- the upgrade (RFC 7540 3.2) ---- */

static struct slice find_line(const struct http_header *lines, uint32_t count,
                              const char *name)
{
        for (uint32_t i = 0; i < count; i++)
                if (slice_equal_nocase(lines[i].name, slice_str(name)))
                        return lines[i].value;
        return slice_none();
}

static bool has_h2c(struct slice list)
{
        struct slice part;

        while (slice_next(&list, ',', &part))
                if (slice_equal_nocase(slice_trim(part), slice_str("h2c")))
                        return true;
        return false;
}

static int base64url_digit(uint8_t c)
{
        if (c >= 'A' && c <= 'Z')
                return c - 'A';
        if (c >= 'a' && c <= 'z')
                return c - 'a' + 26;
        if (c >= '0' && c <= '9')
                return c - '0' + 52;
        return c == '-' ? 62 : c == '_' ? 63 : -1;
}

/* The payload of a SETTINGS frame, as a header line holds it. What is none is passed
 * over. */
static size_t read_settings(struct slice text, uint8_t out[HTTP2_SETTINGS_MAX])
{
        uint32_t bits = 0;
        size_t len = 0;

        for (size_t i = 0; i < text.len && len < HTTP2_SETTINGS_MAX; i++) {
                int digit = base64url_digit(text.data[i]);
                if (digit < 0)
                        break;
                bits = bits << 6 | (uint32_t)digit;
                if (i % 4)
                        out[len++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
        }
        return len;
}

/* The request leaves the pipeline and becomes stream 1. */
static bool move_to_stream(struct feed *f, struct h2 *h2, struct exchange *e)
{
        struct connection *conn = f->conn;

        if (!h2_add_stream(f->http, h2, 1, e))
                return false;
        h2->last_id = 1;
        conn->first = conn->last = NULL;
        conn->outstanding = 0;
        e->request_is_complete = conn->requesting != e;
        e->request_body.cut |= !e->request_is_complete; /* the rest is passed over */
        conn->requesting = NULL;
        return true;
}

bool h2_upgrades(struct feed *f, const struct head *response)
{
        struct connection *conn = f->conn;
        struct exchange *e = conn->first;
        struct http_headers asked = e->transaction.request_headers;
        uint8_t settings[HTTP2_SETTINGS_MAX];

        if (e->next ||
            !has_h2c(find_line(response->lines, response->line_count, "upgrade")) ||
            !has_h2c(find_line(asked.lines, asked.count, "upgrade")))
                return false;
        struct h2 *h2 = begin(f);
        if (!h2 || !move_to_stream(f, h2, e)) {
                connection_give_up(f->http, f->flow, f->bytes.time_ns);
                feed_pass(&f->bytes, f->bytes.bytes.len);
                return true;
        }
        struct slice text = find_line(asked.lines, asked.count, "http2-settings");
        h2_apply_settings(h2, conn->client,
                          slice_of(settings, read_settings(text, settings)));
        f->side->state = SIDE_HEAD;
        change_over(f);
        f->http->counters->responses_interim++;
        return true;
}
