/* SPDX-License-Identifier: MIT */
/*
 * The HTTP side of admin. One request a connection.
 *
 * libevent's server bounds heads and bodies; its timeout is for silence alone, and it
 * counts no connections. So each one is known here from its first moment to its end: we
 * make its bufferevent, and keep a reference. That the server has let go of it is seen by
 * its callbacks, which are gone then; as long as there are any, we look. A connection
 * that lasts too long is cut, and so is the oldest one when there are too many: who is
 * quick gets through a crowd of those who are not.
 */
#include "app/admin_priv.h"

#include "app/metrics.h"
#include "base/check.h"
#include "base/log.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/queue.h>
#include <sys/socket.h>

#define HEAD_BYTES 8192
#define BODY_BYTES 4096 /* are read, so that the answer is seen */

static const struct timeval deadline = { ADMIN_SECONDS, 0 };
static const struct timeval try_again = { 5, 0 };
static const struct timeval sweep = { 0, 50000 };

struct connection {
        struct admin_http *http;
        struct bufferevent *link; /* the server's, with a reference of ours */
        struct event *deadline;
        bool is_cut;
        TAILQ_ENTRY(connection) list;
};

struct admin_http {
        struct admin *admin;
        struct evhttp *server;
        char address[IP_TEXT_MAX];
        uint16_t port;
        const char *listen; /* as written, for messages */
        struct event *retry, *sweep;
        TAILQ_HEAD(, connection) connections; /* oldest first */
        unsigned count;                       /* of those that are not cut */
};

/* ---- connections ---- */

static void cut(struct connection *c)
{
        c->is_cut = true;
        c->http->count--;
        c->http->admin->options.counters->admin_cut++;
        shutdown(bufferevent_getfd(c->link), SHUT_RDWR);
}

static void on_deadline(evutil_socket_t fd, short what, void *context)
{
        struct connection *c = context;

        (void)fd, (void)what;
        if (!c->is_cut)
                cut(c);
}

static void forget(struct connection *c)
{
        TAILQ_REMOVE(&c->http->connections, c, list);
        c->http->count -= !c->is_cut;
        event_free(c->deadline);
        bufferevent_decref(c->link);
        free(c);
}

static bool has_ended(const struct connection *c)
{
        bufferevent_event_cb on_event;

        bufferevent_getcb(c->link, NULL, NULL, &on_event, NULL);
        return !on_event;
}

static void forget_ended(struct admin_http *h)
{
        struct connection *c = TAILQ_FIRST(&h->connections), *next;

        for (; c; c = next) {
                next = TAILQ_NEXT(c, list);
                if (has_ended(c))
                        forget(c);
        }
}

static void on_sweep(evutil_socket_t fd, short what, void *context)
{
        struct admin_http *h = context;

        (void)fd, (void)what;
        forget_ended(h);
        if (!TAILQ_EMPTY(&h->connections))
                evtimer_add(h->sweep, &sweep);
}

static void cut_oldest(struct admin_http *h)
{
        struct connection *c;

        TAILQ_FOREACH(c, &h->connections, list)
        {
                if (!c->is_cut) {
                        cut(c);
                        return;
                }
        }
}

/* Those that are cut are gone with the next turn of the loop, so there are few. */
static struct bufferevent *on_accept(struct event_base *loop, void *context)
{
        struct admin_http *h = context;
        struct connection *c = calloc(1, sizeof(*c));

        CHECK(c);
        forget_ended(h);
        if (h->count == ADMIN_CONNECTIONS)
                cut_oldest(h);
        c->http = h;
        c->link = bufferevent_socket_new(loop, -1, BEV_OPT_CLOSE_ON_FREE);
        c->deadline = evtimer_new(loop, on_deadline, c);
        CHECK(c->link && c->deadline && evtimer_add(c->deadline, &deadline) == 0);
        bufferevent_incref(c->link);
        if (TAILQ_EMPTY(&h->connections))
                evtimer_add(h->sweep, &sweep);
        TAILQ_INSERT_TAIL(&h->connections, c, list);
        h->count++;
        return c->link;
}

/* ---- answers ---- */

static const struct {
        const char *name, *value;
} safe_headers[] = {
        { "Cache-Control", "no-store" },
        { "Connection", "close" },
        { "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'" },
        { "Cross-Origin-Resource-Policy", "same-origin" },
        { "Referrer-Policy", "no-referrer" },
        { "X-Content-Type-Options", "nosniff" },
        { "X-Frame-Options", "DENY" },
};

static void answer(struct evhttp_request *request, int status, const char *reason,
                   const char *type, const struct buf *body)
{
        struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
        struct evbuffer *out = evbuffer_new();

        CHECK(out && evbuffer_add(out, body->data, body->len) == 0);
        evhttp_add_header(headers, "Content-Type", type);
        for (size_t i = 0; i < sizeof(safe_headers) / sizeof(safe_headers[0]); i++)
                evhttp_add_header(headers, safe_headers[i].name, safe_headers[i].value);
        evhttp_send_reply(request, status, reason, out);
        evbuffer_free(out);
}

#define PLAIN "text/plain; charset=utf-8"

static void refuse(struct admin *a, struct evhttp_request *request, int status,
                   const char *reason, const char *why)
{
        struct buf body = { 0 };

        a->options.counters->admin_refused++;
        buf_printf(&body, "%s\n", why);
        answer(request, status, reason, PLAIN, &body);
        buf_free(&body);
}

static int put_index(struct admin *a, struct buf *out)
{
        (void)a;
        buf_put_str(out, "Trawlwatch " TRAWLWATCH_VERSION "\n\n"
                         "/healthz        ok, or 503 and the reasons\n"
                         "/metrics        for Prometheus\n"
                         "/api/v1/status  JSON, as trawlctl status shows it\n");
        return HTTP_OK;
}

static int put_health(struct admin *a, struct buf *out)
{
        return admin_put_health(a, out) ? HTTP_OK : HTTP_SERVUNAVAIL;
}

static int put_metrics(struct admin *a, struct buf *out)
{
        admin_put_metrics(a, out);
        return HTTP_OK;
}

static int put_status(struct admin *a, struct buf *out)
{
        admin_put_status(a, out);
        return HTTP_OK;
}

static const struct page {
        const char *path, *type;
        int (*put)(struct admin *, struct buf *); /* the status */
} pages[] = {
        { "/", PLAIN, put_index },
        { "/healthz", PLAIN, put_health },
        { "/metrics", METRICS_TYPE, put_metrics },
        { "/api/v1/status", "application/json", put_status },
};

static const struct page *find_page(const char *path)
{
        for (size_t i = 0; path && i < sizeof(pages) / sizeof(pages[0]); i++)
                if (strcmp(path, pages[i].path) == 0)
                        return &pages[i];
        return NULL;
}

/* ---- requests ---- */

bool admin_http_host_is_ours(const struct text_list *names, const char *host)
{
        struct slice name = slice_str(host);
        struct ip ip;

        size_t end = slice_find(name, ']');
        if (name.len && name.data[0] == '[')
                return end < name.len && ip_parse(slice_of(name.data + 1, end - 1), &ip);
        name = slice_first(name, slice_find(name, ':'));
        if (name.len > 1 && name.data[name.len - 1] == '.')
                name.len--;
        if (ip_parse(name, &ip) ||
            (name.len == 9 && strncasecmp((const char *)name.data, "localhost", 9) == 0))
                return true;
        for (unsigned i = 0; i < names->count; i++)
                if (name.len == strlen(names->items[i]) &&
                    strncasecmp((const char *)name.data, names->items[i], name.len) == 0)
                        return true;
        return false;
}

/*
 * A page of another site can make its visitor's browser ask us by a name that leads here
 * (DNS rebinding); it cannot make the browser ask for one of our names. What is no
 * browser may leave the header out where HTTP/1.0 lets it.
 */
static bool host_is_ours(const struct admin *a, struct evhttp_request *request)
{
        const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
        const char *absolute = uri ? evhttp_uri_get_host(uri) : NULL;
        const char *host =
            evhttp_find_header(evhttp_request_get_input_headers(request), "Host");

        if (absolute && !admin_http_host_is_ours(&a->names, absolute))
                return false;
        if (host)
                return admin_http_host_is_ours(&a->names, host);
        return !absolute && request->major == 1 && request->minor == 0;
}

static bool has_body(struct evhttp_request *request)
{
        struct evkeyvalq *headers = evhttp_request_get_input_headers(request);
        const char *length = evhttp_find_header(headers, "Content-Length");

        return evhttp_find_header(headers, "Transfer-Encoding") ||
               (length && strcmp(length, "0") != 0);
}

static void on_request(struct evhttp_request *request, void *context)
{
        struct admin_http *h = context;
        struct admin *a = h->admin;
        const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
        enum evhttp_cmd_type method = evhttp_request_get_command(request);
        const struct page *page = find_page(uri ? evhttp_uri_get_path(uri) : NULL);
        struct buf body = { 0 };

        a->options.counters->admin_requests++;
        if (!host_is_ours(a, request)) {
                refuse(
                    a, request, 421, "Misdirected Request",
                    "ask by address or as localhost, or name this host in admin.names");
                return;
        }
        if (method != EVHTTP_REQ_GET && method != EVHTTP_REQ_HEAD) {
                evhttp_add_header(evhttp_request_get_output_headers(request), "Allow",
                                  "GET, HEAD");
                refuse(a, request, HTTP_BADMETHOD, "Method Not Allowed",
                       "only GET and HEAD");
                return;
        }
        if (has_body(request)) {
                refuse(a, request, HTTP_BADREQUEST, "Bad Request", "no body is taken");
                return;
        }
        if (!page) {
                refuse(a, request, HTTP_NOTFOUND, "Not Found", "see / for what there is");
                return;
        }
        int status = page->put(a, &body);
        answer(request, status, status == HTTP_OK ? "OK" : "Service Unavailable",
               page->type, &body);
        buf_free(&body);
}

/* ---- the listening socket ---- */

/* `text` as config_options.c lets it pass. */
static void parse_listen(struct admin_http *h, const char *text)
{
        const char *colon = strrchr(text, ':');
        struct slice address = slice_of(text, (size_t)(colon - text));
        struct ip ip;
        uint64_t port;

        if (address.len && address.data[0] == '[')
                address = slice_of(address.data + 1, address.len - 2);
        CHECK(ip_parse(address, &ip) && slice_to_u64(slice_str(colon + 1), &port));
        snprintf(h->address, sizeof(h->address), "%.*s", (int)address.len,
                 (const char *)address.data);
        h->port = (uint16_t)port;
        if (!(ip_is_v4(&ip) ? ip.bytes[12] == 127 : slice_is(address, "::1")))
                log_warning("admin.listen: %s is no loopback address: whoever can reach "
                            "it sees metrics and status",
                            text);
}

static bool bind_server(struct admin_http *h)
{
        return evhttp_bind_socket(h->server, h->address, h->port) == 0;
}

static void on_retry(evutil_socket_t fd, short what, void *context)
{
        struct admin_http *h = context;

        (void)fd, (void)what;
        if (bind_server(h))
                log_info("status page on http://%s/", h->listen);
        else
                evtimer_add(h->retry, &try_again);
}

static void make_server(struct admin_http *h)
{
        struct event_base *loop = h->admin->options.loop;

        h->server = evhttp_new(loop);
        h->retry = evtimer_new(loop, on_retry, h);
        h->sweep = evtimer_new(loop, on_sweep, h);
        CHECK(h->server && h->retry && h->sweep);
        evhttp_set_max_headers_size(h->server, HEAD_BYTES);
        evhttp_set_max_body_size(h->server, BODY_BYTES);
        evhttp_set_timeout(h->server, ADMIN_SECONDS);
        /* All that it knows: each is answered here. */
        evhttp_set_allowed_methods(
            h->server, EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD |
                           EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS |
                           EVHTTP_REQ_TRACE | EVHTTP_REQ_CONNECT | EVHTTP_REQ_PATCH);
        evhttp_set_bevcb(h->server, on_accept, h);
        evhttp_set_gencb(h->server, on_request, h);
}

struct admin_http *admin_http_new(struct admin *a, const char *listen, bool is_wanted)
{
        struct admin_http *h = calloc(1, sizeof(*h));

        CHECK(h);
        h->admin = a;
        h->listen = strdup(listen);
        CHECK(h->listen);
        TAILQ_INIT(&h->connections);
        parse_listen(h, listen);
        make_server(h);
        if (bind_server(h))
                return h;
        (is_wanted ? log_error : log_warning)(
            "admin.listen: %s: %s; name another address and port with "
            "-o admin.listen=ADDRESS:PORT, or none%s",
            listen, strerror(errno), is_wanted ? "" : "; it is tried again by itself");
        if (is_wanted)
                admin_http_free(&h);
        else
                evtimer_add(h->retry, &try_again);
        return h;
}

void admin_http_free(struct admin_http **http)
{
        struct admin_http *h = *http;
        struct connection *c;

        if (!h)
                return;
        evhttp_free(h->server);
        while ((c = TAILQ_FIRST(&h->connections)))
                forget(c);
        event_free(h->retry);
        event_free(h->sweep);
        free((char *)(uintptr_t)h->listen);
        free(h);
        *http = NULL;
}
