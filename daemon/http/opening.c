/* SPDX-License-Identifier: MIT */
#include "http/connection_priv.h"
#include "http/h2_priv.h"
#include "http/proxy.h"

enum opening_result {
        OPENING_HTTP, /* these bytes are a request, as far as can be seen */
        OPENING_MORE, /* not decided */
        OPENING_PASS, /* the first `length` of them are done with */
        OPENING_OVER, /* the connection is no HTTP */
};

static enum opening_result take_proxy(struct feed *f, struct slice bytes, size_t *length)
{
        const struct http_opening_handler *handler = &f->http->options.opening;
        struct counters *counters = f->http->counters;
        struct proxy_header header;
        enum proxy_result result = proxy_parse(bytes, &header);

        if (result == PROXY_NONE)
                return OPENING_HTTP;
        if (result == PROXY_MORE)
                return OPENING_MORE;
        if (!handler->believes ||
            !handler->believes(handler->context, &flow_endpoint(f->flow, f->which)->ip)) {
                counters->proxy_headers_untrusted++;
                return OPENING_OVER;
        }
        if (result == PROXY_BAD) {
                counters->proxy_headers_malformed++;
                return OPENING_OVER;
        }
        counters->proxy_headers++;
        f->conn->is_proxied = true;
        f->conn->is_announced = header.tells;
        f->conn->announced = header.client;
        *length = header.length;
        return OPENING_PASS;
}

bool opening_may_be_foreign(const struct http *h, struct slice first)
{
        const struct http_opening_handler *handler = &h->options.opening;

        return handler->foreign && handler->may_be_foreign(first);
}

void opening_look_inside(struct feed *f)
{
        const struct http_opening_handler *handler = &f->http->options.opening;

        if (!f->conn->spoken && f->bytes.starts_segment && handler->may_go_on_foreign &&
            handler->may_go_on_foreign(f->bytes.bytes))
                f->conn->hello_is_missed = true;
}

static enum opening_result show_foreign(struct feed *f, struct slice bytes)
{
        const struct http_opening_handler *handler = &f->http->options.opening;
        struct http_opening opening = {
                .bytes = bytes,
                .client = f->conn->is_announced ? f->conn->announced
                                                : *flow_endpoint(f->flow, f->which),
                .server = *flow_endpoint(f->flow, !f->which),
                .time_ns = f->side->first_ns,
                .flow = f->flow,
        };

        if (!opening_may_be_foreign(f->http, bytes))
                return OPENING_HTTP; /* a bad one: message.c says so */
        switch (handler->foreign(handler->context, &opening)) {
        case HTTP_FOREIGN_MORE:
                return OPENING_MORE;
        case HTTP_FOREIGN_DONE:
                f->conn->hello_is_missed = false;
                return OPENING_OVER;
        case HTTP_FOREIGN_UNKNOWN:
                break;
        }
        return OPENING_HTTP;
}

static enum opening_result look(struct feed *f, struct slice bytes, size_t *length)
{
        if (!f->conn->is_proxied && proxy_may_begin(bytes)) {
                enum opening_result result = take_proxy(f, bytes, length);
                if (result != OPENING_HTTP)
                        return result;
        }
        if (head_may_begin(bytes, HEAD_REQUEST))
                return OPENING_HTTP;
        return show_foreign(f, bytes);
}

static void end_here(struct feed *f)
{
        f->http->counters->flows_ignored++;
        connection_give_up(f->http, f->flow, f->bytes.time_ns);
        feed_pass(&f->bytes, f->bytes.bytes.len);
}

/* The bytes behind the first `before` come again, as those of a head and its body. */
static void take_back(struct http_side *side, size_t before)
{
        if (side->partial)
                explicit_bzero(side->partial + before, side->partial_len - before);
        side->partial_len = (uint32_t)before;
}

/* Empty lines that were kept, as they might have been a signature, are nothing. */
static void forget_empty_lines(struct http *h, struct http_side *side)
{
        uint32_t blank = 0;

        while (blank < side->partial_len &&
               (side->partial[blank] == '\r' || side->partial[blank] == '\n'))
                blank++;
        side->message_start += blank;
        side->partial_len -= blank;
        if (side->partial_len)
                memmove(side->partial, side->partial + blank, side->partial_len);
        else
                connection_drop_partial(h, side);
}

/* Joined in the middle, and not what it seemed: who is the client is open again. */
static void forget_roles(struct feed *f)
{
        connection_drop_partial(f->http, f->side);
        f->conn->side[0].state = f->conn->side[1].state = SIDE_HEAD;
        f->conn->roles_known = false;
        feed_pass(&f->bytes, f->bytes.bytes.len);
}

/*
 * The bytes are looked at where they lie; when that is not enough they are kept like
 * those of a head, and go on as one if that is what they turn out to be.
 */
void opening_feed(struct feed *f)
{
        struct http_side *side = f->side;
        size_t before = side->partial_len, length = 0;
        struct slice bytes = f->bytes.bytes;

        if (!side->partial) {
                message_begin(f);
        } else if (message_keep_partial(f, bytes)) {
                bytes = slice_of(side->partial, side->partial_len);
        } else {
                end_here(f);
                return;
        }
        switch (look(f, bytes, &length)) {
        case OPENING_HTTP:
                if (flow_is_midstream(f->flow)) {
                        forget_roles(f);
                        break;
                }
                take_back(side, before);
                forget_empty_lines(f->http, side);
                if (f->conn->h2) /* the server spoke first, and said so */
                        h2_adopt(f->http, f->conn, f->which);
                else
                        side->state = SIDE_HEAD;
                break;
        case OPENING_MORE:
                if (!side->partial && !message_keep_partial(f, bytes))
                        end_here(f);
                else
                        feed_pass(&f->bytes, f->bytes.bytes.len);
                break;
        case OPENING_PASS:
                connection_drop_partial(f->http, side);
                feed_pass(&f->bytes, length - before);
                break;
        case OPENING_OVER:
                end_here(f);
                break;
        }
}
