/* SPDX-License-Identifier: MIT */
#include "app/admin_priv.h"

#include "app/health.h"
#include "app/metrics.h"
#include "app/status.h"
#include "base/check.h"
#include "base/clock.h"

#include <event2/event.h>
#include <stdlib.h>

static void look(struct admin *a)
{
        a->options.figures(a->options.context, &a->figures);
}

void admin_put_metrics(struct admin *a, struct buf *out)
{
        look(a);
        metrics_print(&a->figures, out);
}

bool admin_put_health(struct admin *a, struct buf *out)
{
        look(a);
        if (!health_check(&a->figures, a->redis_grace_ns, clock_monotonic_ns(), out))
                return false;
        buf_put_str(out, "ok\n");
        return true;
}

void admin_put_status(struct admin *a, struct buf *out)
{
        struct buf reasons = { 0 };
        int64_t now_ns = clock_monotonic_ns();

        look(a);
        bool good = health_check(&a->figures, a->redis_grace_ns, now_ns, &reasons);
        struct status status = { &a->figures, &a->rates, clock_wall_ns(),
                                 now_ns,      good,      buf_slice(&reasons) };
        status_print(&status, out);
        buf_free(&reasons);
}

static void on_second(evutil_socket_t fd, short what, void *context)
{
        struct admin *a = context;

        (void)fd, (void)what;
        rates_tick(&a->rates, a->options.counters, clock_monotonic_ns());
}

static bool is_written(const struct config *config, const char *key)
{
        return config_place(config, key).file != NULL;
}

static bool is_off(const char *value)
{
        return value && (!*value || strcmp(value, "none") == 0);
}

/* False when something that the operator asked for by name cannot be had. */
static bool open_both(struct admin *a, const struct config *config)
{
        bool wants_http = is_written(config, "admin.listen");
        bool wants_socket = is_written(config, "admin.socket");

        if (!is_off(config->admin.listen)) {
                a->http = admin_http_new(a, config->admin.listen, wants_http);
                if (!a->http && wants_http)
                        return false;
        }
        if (!is_off(config->admin.socket)) {
                a->control = admin_control_new(a, config->admin.socket, wants_socket);
                if (!a->control && wants_socket)
                        return false;
        }
        return true;
}

struct admin *admin_new(const struct admin_options *options)
{
        const struct timeval second = { 1, 0 };
        const struct config *config = options->config;
        struct admin *a = calloc(1, sizeof(*a));

        CHECK(a);
        a->options = *options;
        a->options.config = NULL;
        a->redis_grace_ns = config->admin.redis_grace_ns;
        for (unsigned i = 0; i < config->admin.names.count; i++)
                text_list_add(&a->names, config->admin.names.items[i]);
        a->second = event_new(options->loop, -1, EV_PERSIST, on_second, a);
        CHECK(a->second && event_add(a->second, &second) == 0);
        on_second(-1, 0, a);
        if (!open_both(a, config))
                admin_free(&a);
        return a;
}

void admin_free(struct admin **admin)
{
        struct admin *a = *admin;

        if (!a)
                return;
        admin_http_free(&a->http);
        admin_control_free(&a->control);
        event_free(a->second);
        text_list_clear(&a->names);
        free(a);
        *admin = NULL;
}

void admin_reloaded(struct admin *a, enum admin_reload result, struct slice messages)
{
        if (a && a->control)
                admin_control_reloaded(a->control, result, messages);
}
