/* SPDX-License-Identifier: MIT */
#include "alert/redis_link_priv.h"

#include "base/check.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>

/* Our replies are short: whoever sends more without ending one is no Redis. */
#define REPLY_MAX (1u << 20)

struct redis_link {
        struct bufferevent *bev;
        redisReader *reader;
        size_t unanswered_bytes; /* fed since the last whole reply */
        struct redis_link_handler handler;
        bool *freed; /* set by redis_link_free while a callback runs */
};

static void report_down(struct redis_link *link, const char *why)
{
        bufferevent_disable(link->bev, EV_READ | EV_WRITE);
        link->handler.down(link->handler.context, why);
}

/* False when the link is gone. */
static bool feed(struct redis_link *link, struct evbuffer *in)
{
        unsigned char *bytes = evbuffer_pullup(in, -1);
        size_t len = evbuffer_get_length(in);

        if (redisReaderFeed(link->reader, (char *)bytes, len) != REDIS_OK) {
                report_down(link, "what it says is not RESP");
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
        bool freed = false;

        if (redisReaderGetReply(link->reader, &reply) != REDIS_OK) {
                report_down(link, "what it says is not RESP");
                return false;
        }
        if (!reply) {
                if (link->unanswered_bytes > REPLY_MAX)
                        report_down(link, "its reply does not end");
                return false;
        }
        link->unanswered_bytes = 0;
        link->freed = &freed;
        link->handler.reply(link->handler.context, reply);
        freeReplyObject(reply);
        if (freed)
                return false;
        link->freed = NULL;
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

static void on_event(struct bufferevent *bev, short what, void *context)
{
        struct redis_link *link = context;
        int on = 1;

        if (what & BEV_EVENT_CONNECTED) {
                /* Fails on a unix socket, where nothing is delayed anyway. */
                (void)setsockopt(bufferevent_getfd(bev), IPPROTO_TCP, TCP_NODELAY, &on,
                                 sizeof(on));
                link->handler.up(link->handler.context);
                return;
        }
        if (what & BEV_EVENT_EOF)
                report_down(link, "it closed the connection");
        else
                report_down(link, strerror(EVUTIL_SOCKET_ERROR()));
}

struct redis_link *redis_link_open(struct event_base *base,
                                   const struct sockaddr *address, socklen_t len,
                                   const struct redis_link_handler *handler)
{
        struct redis_link *link = calloc(1, sizeof(*link));

        CHECK(link);
        link->handler = *handler;
        link->reader = redisReaderCreate();
        link->bev = bufferevent_socket_new(
            base, -1, BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
        CHECK(link->reader && link->bev);
        bufferevent_setcb(link->bev, on_read, NULL, on_event, link);
        bufferevent_enable(link->bev, EV_READ | EV_WRITE);
        if (bufferevent_socket_connect(link->bev, address, (int)len) != 0) {
                int why = errno;
                redis_link_free(&link);
                errno = why;
        }
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
