/* SPDX-License-Identifier: MIT */
#include "alert/redis_link_priv.h"

#include "alert/redis_tls_priv.h"
#include "base/check.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>

/* The daemon's replies are short: whoever sends more without ending one is no Redis. */
#define BEV_OPTIONS (BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS)

struct redis_link {
        struct bufferevent *bev;
        redisReader *reader;
        struct ssl_st *ssl;      /* owned by bev; NULL: no TLS */
        size_t unanswered_bytes; /* fed since the last whole reply */
        size_t reply_max;
        struct redis_link_handler handler;
        bool is_up, has_answered;
        bool *taken; /* set by redis_link_take_reply while `reply` runs */
        bool *freed; /* set by redis_link_free while a callback runs */
};

static void report_down(struct redis_link *link, const char *why)
{
        bufferevent_disable(link->bev, EV_READ | EV_WRITE);
        link->handler.down(link->handler.context, why);
}

/* A server that expects TLS answers plain text with a TLS alert. */
static void report_not_resp(struct redis_link *link, const uint8_t *bytes, size_t len)
{
        static const uint8_t alert[] = { 0x15, 0x03 };
        bool is_tls = !link->ssl && !link->has_answered && len >= sizeof(alert) &&
                      memcmp(bytes, alert, sizeof(alert)) == 0;

        report_down(link, is_tls ? "it speaks TLS; use rediss:// in redis.url"
                                 : "what it says is not RESP");
}

/* False when the link is gone. */
static bool feed(struct redis_link *link, struct evbuffer *in)
{
        unsigned char *bytes = evbuffer_pullup(in, -1);
        size_t len = evbuffer_get_length(in);

        /* A TLS alert does not fail to parse before its first line would end. */
        if (redisReaderFeed(link->reader, (char *)bytes, len) != REDIS_OK ||
            (len && !link->has_answered && bytes[0] < ' ')) {
                report_not_resp(link, bytes, len);
                return false;
        }
        evbuffer_drain(in, len);
        link->unanswered_bytes += len;
        return true;
}

/* False when there is none to hand on, or the link is gone. */
static bool hand_on_reply(struct redis_link *link)
{
        void *reply = NULL;
        bool freed = false, taken = false;

        if (redisReaderGetReply(link->reader, &reply) != REDIS_OK) {
                report_down(link, "what it says is not RESP");
                return false;
        }
        if (!reply) {
                if (link->unanswered_bytes > link->reply_max)
                        report_down(link, "its reply does not end");
                return false;
        }
        link->unanswered_bytes = 0;
        link->has_answered = true;
        link->freed = &freed;
        link->taken = &taken;
        link->handler.reply(link->handler.context, reply);
        if (!taken)
                freeReplyObject(reply);
        if (freed)
                return false;
        link->freed = NULL;
        link->taken = NULL;
        return true;
}

static void on_read(struct bufferevent *bev, void *context)
{
        struct redis_link *link = context;

        if (!feed(link, bufferevent_get_input(bev)))
                return;
        while (hand_on_reply(link))
                ;
}

/*
 * In TLS 1.3 a server looks at our certificate when we think that all is done. Its
 * refusal may then be lost with what we had sent already, and a closed connection is all
 * we see.
 */
static const char *remedy_for_silence(const struct redis_link *link)
{
        if (!link->is_up || link->has_answered)
                return "";
        return link->ssl ? " after the TLS handshake; it may want a certificate of its "
                           "CA: redis.tls_cert and redis.tls_key"
                         : " before it answered; if it speaks TLS, use rediss:// in "
                           "redis.url";
}

static void report_end(struct redis_link *link, int error)
{
        bool is_closed = error == 0 || error == EPIPE || error == ECONNRESET;
        char why[REDIS_WHY_MAX];

        if (link->ssl &&
            redis_tls_why(link->ssl, bufferevent_get_openssl_error(link->bev), why)) {
                report_down(link, why);
                return;
        }
        snprintf(why, sizeof(why), "%s%s",
                 is_closed ? "it closed the connection" : strerror(error),
                 remedy_for_silence(link));
        report_down(link, why);
}

static void on_event(struct bufferevent *bev, short what, void *context)
{
        struct redis_link *link = context;
        int on = 1;

        if (what & BEV_EVENT_CONNECTED) {
                /* Fails on a unix socket, where nothing is delayed anyway. */
                (void)setsockopt(bufferevent_getfd(bev), IPPROTO_TCP, TCP_NODELAY, &on,
                                 sizeof(on));
                /* Redis closes without TLS' own farewell. */
                if (link->ssl)
                        bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
                link->is_up = true;
                link->handler.up(link->handler.context);
                return;
        }
        report_end(link, what & BEV_EVENT_EOF ? 0 : EVUTIL_SOCKET_ERROR());
}

static struct redis_link *begin(struct bufferevent *bev, const struct sockaddr *address,
                                socklen_t len, const struct redis_link_handler *handler)
{
        struct redis_link *link = calloc(1, sizeof(*link));

        CHECK(link && bev);
        link->bev = bev;
        link->handler = *handler;
        link->reply_max = REDIS_REPLY_MAX;
        link->reader = redisReaderCreate();
        CHECK(link->reader);
        bufferevent_setcb(link->bev, on_read, NULL, on_event, link);
        bufferevent_enable(link->bev, EV_READ | EV_WRITE);
        if (bufferevent_socket_connect(link->bev, address, (int)len) != 0) {
                int why = errno;
                redis_link_free(&link);
                errno = why;
        }
        return link;
}

struct redis_link *redis_link_open(struct event_base *base,
                                   const struct sockaddr *address, socklen_t len,
                                   const struct redis_link_handler *handler)
{
        return begin(bufferevent_socket_new(base, -1, BEV_OPTIONS), address, len,
                     handler);
}

struct redis_link *redis_link_open_tls_take(struct event_base *base,
                                            const struct sockaddr *address, socklen_t len,
                                            struct ssl_st *ssl,
                                            const struct redis_link_handler *handler)
{
        struct bufferevent *bev = bufferevent_openssl_socket_new(
            base, -1, ssl, BUFFEREVENT_SSL_CONNECTING, BEV_OPTIONS);

        struct redis_link *link = begin(bev, address, len, handler);
        if (link)
                link->ssl = ssl;
        return link;
}

void redis_link_free(struct redis_link **link)
{
        if (!*link)
                return;
        if ((*link)->freed)
                *(*link)->freed = true;
        bufferevent_free((*link)->bev);
        redisReaderFree((*link)->reader);
        free(*link);
        *link = NULL;
}

void redis_link_send(struct redis_link *link, struct redis_args *args)
{
        char *bytes = NULL;
        const char **argv = args_argv(args);
        int len =
            redisFormatCommandArgv(&bytes, (int)args_count(args), argv, args_lens(args));

        CHECK(len > 0);
        bufferevent_write(link->bev, bytes, (size_t)len);
        redisFreeCommand(bytes);
}

size_t redis_link_backlog(const struct redis_link *link)
{
        return evbuffer_get_length(bufferevent_get_output(link->bev));
}

void redis_link_set_reply_max(struct redis_link *link, size_t bytes)
{
        link->reply_max = bytes;
}

void redis_link_take_reply(struct redis_link *link)
{
        CHECK(link->taken);
        *link->taken = true;
}
