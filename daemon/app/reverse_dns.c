/* SPDX-License-Identifier: MIT */
#include "app/reverse_dns.h"

#include "app/host_cache.h"
#include "base/buf.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"

/* What later versions prefer is not in 1.18. */
#define CARES_NO_DEPRECATED
#include <ares.h>
#include <arpa/nameser.h>
#include <event2/event.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#define TIMEOUT_MS 1000 /* of the first try; c-ares doubles it for the second */
#define TRIES      2
#define POLLED_MAX 32 /* c-ares has two sockets a server at the most */

/* How long what was learnt is good: crawlers keep their addresses for months. */
#define CONFIRMED_TIME (6 * 3600 * NS_PER_SEC)
#define NO_NAME_TIME   (3600 * NS_PER_SEC)
#define FAILED_TIME    (60 * NS_PER_SEC)

#define REVERSE_NAME_MAX (32 * 2 + 16)

struct question;

/* One name that is asked for its addresses. */
struct forward {
        struct question *question;
        uint64_t families;
};

struct question {
        struct reverse_dns *dns;
        struct host_entry *entry; /* NULL: free */
        unsigned waiting;         /* for so many answers */
        bool failed;
        uint64_t asked, confirmed; /* families */
        unsigned forward_count;
        struct forward forwards[REVERSE_DNS_FORWARD];
};

struct watch {
        struct watch *next;
        struct event *event;
        ares_socket_t socket;
        short polled; /* what is waited for, in the words of poll(2) */
};

struct reverse_dns {
        struct reverse_dns_options options;
        ares_channel channel;
        struct event *timer;
        struct watch *watches;
        struct host_cache *cache;
        struct question questions[REVERSE_DNS_PENDING];
        int64_t second; /* of the traffic's time */
        unsigned asked_in_second;
        unsigned silent; /* addresses in a row without an answer */
        bool is_over;    /* nobody is asked any more */
        bool is_ending;
        struct log_limit failed_limit;
};

/* ---- sockets and time ---- */

static void set_timer(struct reverse_dns *d)
{
        struct timeval room, *next = ares_timeout(d->channel, NULL, &room);

        if (next)
                event_add(d->timer, next);
        else
                event_del(d->timer);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
        struct reverse_dns *d = context;

        (void)fd, (void)what;
        ares_process_fd(d->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
        set_timer(d);
}

static void on_socket(evutil_socket_t fd, short what, void *context)
{
        struct reverse_dns *d = context;

        ares_process_fd(d->channel, what & EV_READ ? fd : ARES_SOCKET_BAD,
                        what & EV_WRITE ? fd : ARES_SOCKET_BAD);
        set_timer(d);
}

static void watch_socket(void *context, ares_socket_t socket, int readable, int writable)
{
        struct reverse_dns *d = context;
        struct watch **link = &d->watches, *w;
        short what = (short)((readable ? EV_READ : 0) | (writable ? EV_WRITE : 0));

        while (*link && (*link)->socket != socket)
                link = &(*link)->next;
        if ((w = *link)) {
                event_free(w->event);
                *link = w->next;
                free(w);
        }
        if (!what)
                return;
        w = calloc(1, sizeof(*w));
        CHECK(w);
        w->socket = socket;
        w->polled = (short)((readable ? POLLIN : 0) | (writable ? POLLOUT : 0));
        w->event = event_new(d->options.loop, socket, what | EV_PERSIST, on_socket, d);
        CHECK(w->event && event_add(w->event, NULL) == 0);
        w->next = d->watches;
        d->watches = w;
}

/* ---- answers ---- */

/* A word of the server that there is nothing, as against no word at all. */
static bool is_nothing(int status)
{
        return status == ARES_ENOTFOUND || status == ARES_ENODATA;
}

static void note_failure(struct reverse_dns *d, const struct host_entry *e)
{
        d->options.counters->dns_failed++;
        if (log_limit_pass(&d->failed_limit, e->asked_ns))
                log_warning(
                    "DNS has no answer about %llu of %llu addresses that claim to "
                    "be crawlers; bot.check is unknown there",
                    (unsigned long long)d->options.counters->dns_failed,
                    (unsigned long long)d->options.counters->dns_lookups);
        if (d->options.wait && ++d->silent == REVERSE_DNS_SILENT) {
                d->is_over = true;
                log_warning("DNS does not answer: no more names are asked for");
        }
}

static void conclude(struct question *q)
{
        struct reverse_dns *d = q->dns;
        struct host_entry *e = q->entry;

        e->state = q->failed ? HOST_FAILED : HOST_KNOWN;
        e->families = q->confirmed;
        e->until_ns = e->asked_ns + (q->failed      ? FAILED_TIME
                                     : q->confirmed ? CONFIRMED_TIME
                                                    : NO_NAME_TIME);
        if (q->failed && !d->is_ending)
                note_failure(d, e);
        if (!q->failed)
                d->silent = 0;
        d->options.counters->dns_unconfirmed += !q->failed && (q->asked & ~q->confirmed);
        q->entry = NULL;
}

static void answered(struct question *q)
{
        if (--q->waiting == 0)
                conclude(q);
}

static bool is_address(const struct ares_addrinfo_node *node, const struct ip *ip)
{
        struct ip found;

        if (node->ai_family == AF_INET)
                found = ip_from_v4(
                    (const uint8_t *)&(
                        (const struct sockaddr_in *)(const void *)node->ai_addr)
                        ->sin_addr);
        else if (node->ai_family == AF_INET6)
                found = ip_from_v6(
                    (const uint8_t *)&(
                        (const struct sockaddr_in6 *)(const void *)node->ai_addr)
                        ->sin6_addr);
        else
                return false;
        return ip_equal(&found, ip);
}

static void on_addresses(void *context, int status, int timeouts,
                         struct ares_addrinfo *result)
{
        struct forward *f = context;
        struct question *q = f->question;
        unsigned looked_at = 0;

        (void)timeouts;
        if (status == ARES_SUCCESS)
                for (const struct ares_addrinfo_node *node = result->nodes;
                     node && looked_at < REVERSE_DNS_RECORDS;
                     node = node->ai_next, looked_at++)
                        if (is_address(node, &q->entry->ip))
                                q->confirmed |= f->families;
        q->failed |= status != ARES_SUCCESS && !is_nothing(status);
        ares_freeaddrinfo(result);
        answered(q);
}

static void ask_forward(struct question *q, const char *name)
{
        struct reverse_dns *d = q->dns;
        struct ares_addrinfo_hints hints = {
                .ai_flags = ARES_AI_NOSORT,
                .ai_family = ip_is_v4(&q->entry->ip) ? AF_INET : AF_INET6,
                .ai_socktype = SOCK_STREAM,
        };
        uint64_t families = crawlers_match_host(d->options.crawlers, slice_str(name));

        if (!families || q->forward_count == REVERSE_DNS_FORWARD)
                return;
        struct forward *f = &q->forwards[q->forward_count++];
        *f = (struct forward){ q, families };
        q->asked |= families;
        q->waiting++;
        ares_getaddrinfo(d->channel, name, NULL, &hints, on_addresses, f);
}

static void look_at_names(struct question *q, const struct hostent *host)
{
        /* The list has all of them; the name is one of it, or stands alone. */
        if (!host->h_aliases || !host->h_aliases[0])
                ask_forward(q, host->h_name);
        for (unsigned i = 0;
             host->h_aliases && host->h_aliases[i] && i < REVERSE_DNS_NAMES; i++)
                ask_forward(q, host->h_aliases[i]);
}

/*
 * An answer whose names are none is the doing of the address's owner, and as good as one
 * without: he could else keep out of what is known to be false.
 */
static void on_names(void *context, int status, int timeouts, unsigned char *answer,
                     int len)
{
        struct question *q = context;
        struct hostent *host = NULL;

        (void)timeouts;
        if (status == ARES_SUCCESS &&
            ares_parse_ptr_reply(answer, len, NULL, 0,
                                 ip_is_v4(&q->entry->ip) ? AF_INET : AF_INET6,
                                 &host) == ARES_SUCCESS) {
                look_at_names(q, host);
                ares_free_hostent(host);
        }
        q->failed |= status != ARES_SUCCESS && !is_nothing(status);
        answered(q);
}

/* ---- questions ---- */

static struct question *free_question(struct reverse_dns *d)
{
        for (unsigned i = 0; i < REVERSE_DNS_PENDING; i++)
                if (!d->questions[i].entry)
                        return &d->questions[i];
        return NULL;
}

static bool may_ask(struct reverse_dns *d, int64_t now_ns)
{
        int64_t second = now_ns / NS_PER_SEC;

        if (d->second != second) {
                d->second = second;
                d->asked_in_second = 0;
        }
        return d->asked_in_second < REVERSE_DNS_RATE;
}

/* Without the event loop, which would run what else waits for it in the middle of a
 * request. */
static void wait_for(struct reverse_dns *d, const struct host_entry *e)
{
        while (e->state == HOST_PENDING) {
                struct pollfd polled[POLLED_MAX];
                struct timeval most = { 1, 0 }, room;
                struct timeval *next = ares_timeout(d->channel, &most, &room);
                nfds_t count = 0;

                for (const struct watch *w = d->watches; w && count < POLLED_MAX;
                     w = w->next)
                        polled[count++] = (struct pollfd){ w->socket, w->polled, 0 };
                poll(polled, count,
                     (int)(next->tv_sec * 1000 + next->tv_usec / 1000 + 1));
                ares_process_fd(d->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
                for (nfds_t i = 0; i < count; i++)
                        ares_process_fd(
                            d->channel,
                            polled[i].revents & ~POLLOUT ? polled[i].fd : ARES_SOCKET_BAD,
                            polled[i].revents & POLLOUT ? polled[i].fd : ARES_SOCKET_BAD);
        }
}

/* 9.113.0.203.in-addr.arpa; of IPv6 its 32 digits, the last one first (RFC 3596). */
static const char *reverse_name(const struct ip *ip, char name[REVERSE_NAME_MAX])
{
        const uint8_t *b = ip->bytes;
        size_t used = 0;

        if (ip_is_v4(ip)) {
                snprintf(name, REVERSE_NAME_MAX, "%u.%u.%u.%u.in-addr.arpa", b[15], b[14],
                         b[13], b[12]);
                return name;
        }
        for (unsigned i = 16; i-- > 0;)
                used += (size_t)snprintf(name + used, REVERSE_NAME_MAX - used, "%x.%x.",
                                         b[i] & 0xf, b[i] >> 4);
        snprintf(name + used, REVERSE_NAME_MAX - used, "ip6.arpa");
        return name;
}

/* NULL: it may not be asked now. */
static struct host_entry *ask(struct reverse_dns *d, const struct ip *ip, int64_t now_ns)
{
        char name[REVERSE_NAME_MAX];
        struct question *q = !d->is_over && may_ask(d, now_ns) ? free_question(d) : NULL;
        struct host_entry *e = q ? host_cache_take(d->cache, ip, now_ns) : NULL;

        if (!e) {
                d->options.counters->dns_refused++;
                return NULL;
        }
        *q = (struct question){ .dns = d, .entry = e, .waiting = 1 };
        d->asked_in_second++;
        d->options.counters->dns_lookups++;
        /* ares_gethostbyaddr would say that there is no name where a server fails. */
        ares_query(d->channel, reverse_name(ip, name), ns_c_in, ns_t_ptr, on_names, q);
        if (d->options.wait)
                wait_for(d, e);
        set_timer(d);
        return e;
}

struct hosts_answer reverse_dns_find(void *context, const struct ip *ip, int64_t now_ns)
{
        struct reverse_dns *d = context;
        struct host_entry *e = host_cache_find(d->cache, ip, now_ns);

        if (!e)
                e = ask(d, ip, now_ns);
        if (!e)
                return (struct hosts_answer){ HOSTS_UNKNOWN, 0 };
        return (struct hosts_answer){ e->state == HOST_KNOWN     ? HOSTS_KNOWN
                                      : e->state == HOST_PENDING ? HOSTS_PENDING
                                                                 : HOSTS_UNKNOWN,
                                      e->families };
}

/* ---- making ---- */

static int open_channel(struct reverse_dns *d)
{
        char lookups[] = "b"; /* no /etc/hosts */
        struct ares_options options = {
                .flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES,
                .timeout = TIMEOUT_MS,
                .tries = TRIES,
                .lookups = lookups,
                .sock_state_cb = watch_socket,
                .sock_state_cb_data = d,
        };
        struct buf servers = { 0 };
        int status = ares_init_options(&d->channel, &options,
                                       ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS |
                                           ARES_OPT_TRIES | ARES_OPT_DOMAINS |
                                           ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB);

        if (status != ARES_SUCCESS || d->options.server_count == 0)
                return status;
        for (unsigned i = 0; i < d->options.server_count; i++)
                buf_printf(&servers, "%s%s", i ? "," : "", d->options.servers[i]);
        buf_put_byte(&servers, 0);
        status = ares_set_servers_ports_csv(d->channel, (const char *)servers.data);
        buf_free(&servers);
        return status;
}

struct reverse_dns *reverse_dns_new(const struct reverse_dns_options *options)
{
        struct reverse_dns *d = calloc(1, sizeof(*d));

        CHECK(d);
        d->options = *options;
        CHECK(ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS);
        d->timer = event_new(options->loop, -1, 0, on_timer, d);
        CHECK(d->timer);
        d->cache =
            host_cache_new(options->cache_size, &options->hash_key, options->counters);
        int status = open_channel(d);
        if (status == ARES_SUCCESS)
                return d;
        log_error("DNS cannot be used: %s; data.dns=off does without",
                  ares_strerror(status));
        reverse_dns_free(&d);
        return NULL;
}

void reverse_dns_set_crawlers(struct reverse_dns *d, const struct crawlers *crawlers)
{
        CHECK(crawlers_have_same_hosts(d->options.crawlers, crawlers));
        d->options.crawlers = crawlers;
}

void reverse_dns_free(struct reverse_dns **dns)
{
        struct reverse_dns *d = *dns;

        if (!d)
                return;
        /* Ends the questions, and closes the sockets and with them their events. */
        d->is_ending = true;
        if (d->channel)
                ares_destroy(d->channel);
        event_free(d->timer);
        host_cache_free(&d->cache);
        ares_library_cleanup();
        free(d);
        *dns = NULL;
}
