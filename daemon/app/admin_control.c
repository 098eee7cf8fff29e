/* SPDX-License-Identifier: MIT */
/*
 * The control socket of admin: one line in, one line of JSON out, and the end.
 *
 * Who may connect is said by the socket's mode (0660: the daemon's user and group) and
 * asked again of the kernel (SO_PEERCRED), which also holds where a file system does
 * not honour the mode.
 */
#include "app/admin_priv.h"

#include "app/paths.h"
#include "app/status.h"
#include "base/check.h"
#include "base/json.h"
#include "base/log.h"
#include "detect/busiest.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define LINE_BYTES 256
#define TOP_KEYS   10
#define GROUPS_MAX 256
#define MODE       0660

static const struct timeval deadline = { ADMIN_SECONDS, 0 };

struct client {
        struct admin_control *control;
        struct bufferevent *link;
        struct event *deadline;
        bool waits_for_reload, is_answered;
        unsigned waits_for_top; /* keys of each table; 0: it does not */
        LIST_ENTRY(client) list;
};

struct admin_control {
        struct admin *admin;
        char *path;
        struct admin_top *top;
        struct evconnlistener *listener;
        dev_t device; /* of the socket's file: what another put there is not ours */
        ino_t number;
        gid_t group;
        LIST_HEAD(, client) clients;
        unsigned count;
};

/* ---- clients ---- */

static void drop(struct client *c)
{
        LIST_REMOVE(c, list);
        c->control->count--;
        bufferevent_free(c->link);
        event_free(c->deadline);
        free(c);
}

static void on_deadline(evutil_socket_t fd, short what, void *context)
{
        struct client *c = context;

        (void)fd, (void)what;
        c->control->admin->options.counters->admin_cut++;
        drop(c);
}

static void on_event(struct bufferevent *link, short what, void *context)
{
        (void)link, (void)what;
        drop(context);
}

static void on_written(struct bufferevent *link, void *context)
{
        struct client *c = context;

        (void)link;
        if (c->is_answered)
                drop(c);
}

static void answer(struct client *c, const struct buf *line)
{
        c->is_answered = true;
        evtimer_add(c->deadline, &deadline); /* a reload may have taken most of it */
        bufferevent_disable(c->link, EV_READ);
        bufferevent_write(c->link, line->data, line->len);
}

static void answer_error(struct client *c, const char *why)
{
        struct buf line = { 0 };
        struct json j = json_into(&line);

        json_open(&j, NULL);
        json_text(&j, "error", why);
        json_close(&j);
        buf_put_byte(&line, '\n');
        answer(c, &line);
        buf_free(&line);
}

/* ---- commands ---- */

static void command_status(struct client *c, struct slice argument)
{
        struct buf line = { 0 };

        (void)argument;
        admin_put_status(c->control->admin, &line);
        answer(c, &line);
        buf_free(&line);
}

static void command_reload(struct client *c, struct slice argument)
{
        struct admin *a = c->control->admin;

        (void)argument;
        c->waits_for_reload = true;
        a->options.reload(a->options.context);
}

static void command_top(struct client *c, struct slice argument)
{
        uint64_t keys = TOP_KEYS;

        if (argument.len && (!slice_to_u64(argument, &keys) || keys == 0)) {
                answer_error(c, "top takes how many keys of each table");
                return;
        }
        c->waits_for_top = keys < BUSIEST_MAX ? (unsigned)keys : BUSIEST_MAX;
        admin_top_begin(c->control->top);
}

static void on_top(void *context)
{
        struct admin_control *control = context;
        struct client *c;

        LIST_FOREACH(c, &control->clients, list)
        {
                struct buf line = { 0 };
                if (!c->waits_for_top || c->is_answered)
                        continue;
                admin_top_put(control->top, c->waits_for_top, &line);
                answer(c, &line);
                buf_free(&line);
        }
}

static const char *const reload_words[] = {
        [ADMIN_RELOAD_TAKEN] = "taken up",
        [ADMIN_RELOAD_MISTAKES] = "mistakes",
        [ADMIN_RELOAD_FAILED] = "failed",
        [ADMIN_RELOAD_HANDED] = "handed over",
};

static void put_reloaded(struct admin *a, enum admin_reload result, struct slice messages,
                         struct buf *out)
{
        struct json j = json_into(out);
        struct slice line;

        a->options.figures(a->options.context, &a->figures);
        json_open(&j, NULL);
        json_text(&j, "result", reload_words[result]);
        json_u64(&j, "rules", rules_count(a->figures.setup->rules));
        json_time(&j, "started", a->figures.started_ns);
        status_put_reloads(&j, a->figures.counters);
        json_array(&j, "messages");
        while (messages.len && slice_next(&messages, '\n', &line))
                if (line.len)
                        json_string(&j, NULL, line);
        json_array_close(&j);
        json_close(&j);
        buf_put_byte(out, '\n');
}

void admin_control_reloaded(struct admin_control *control, enum admin_reload result,
                            struct slice messages)
{
        struct buf line = { 0 };
        struct client *c;

        put_reloaded(control->admin, result, messages, &line);
        LIST_FOREACH(c, &control->clients, list)
        {
                if (c->waits_for_reload && !c->is_answered)
                        answer(c, &line);
        }
        buf_free(&line);
}

static const struct {
        const char *name;
        void (*run)(struct client *, struct slice argument);
} commands[] = {
        { "status", command_status },
        { "reload", command_reload },
        { "top", command_top },
};

static void run_line(struct client *c, struct slice line)
{
        size_t blank = slice_find(line, ' ');
        struct slice name = slice_first(line, blank);
        struct slice argument = slice_from(line, blank < line.len ? blank + 1 : blank);

        for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
                if (slice_is(name, commands[i].name)) {
                        commands[i].run(c, argument);
                        return;
                }
        answer_error(c, "no such command");
}

static void on_readable(struct bufferevent *link, void *context)
{
        struct client *c = context;
        struct evbuffer *input = bufferevent_get_input(link);
        size_t len = 0;
        char *line = evbuffer_readln(input, &len, EVBUFFER_EOL_LF);

        if (line && len <= LINE_BYTES) {
                bufferevent_disable(link, EV_READ);
                run_line(c, slice_of(line, len));
        } else if (line || evbuffer_get_length(input) > LINE_BYTES) {
                answer_error(c, "the line is too long");
        }
        free(line);
}

/* ---- who connects ---- */

static bool has_group(int fd, gid_t own, gid_t wanted)
{
        gid_t groups[GROUPS_MAX];
        socklen_t len = sizeof(groups);

        if (own == wanted)
                return true;
        if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) != 0)
                return false;
        for (size_t i = 0; i < len / sizeof(groups[0]); i++)
                if (groups[i] == wanted)
                        return true;
        return false;
}

static bool may_connect(const struct admin_control *control, int fd)
{
        struct ucred who;
        socklen_t len = sizeof(who);

        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) != 0)
                return false;
        return who.uid == 0 || who.uid == geteuid() ||
               has_group(fd, who.gid, control->group);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd,
                      struct sockaddr *address, int len, void *context)
{
        struct admin_control *control = context;
        struct event_base *loop = control->admin->options.loop;

        (void)listener, (void)address, (void)len;
        if (control->count == ADMIN_CONNECTIONS || !may_connect(control, fd)) {
                control->admin->options.counters->admin_cut++;
                close(fd);
                return;
        }
        struct client *c = calloc(1, sizeof(*c));
        CHECK(c);
        c->control = control;
        c->link = bufferevent_socket_new(loop, fd, BEV_OPT_CLOSE_ON_FREE);
        c->deadline = evtimer_new(loop, on_deadline, c);
        CHECK(c->link && c->deadline && evtimer_add(c->deadline, &deadline) == 0);
        LIST_INSERT_HEAD(&control->clients, c, list);
        control->count++;
        bufferevent_setcb(c->link, on_readable, on_written, on_event, c);
        bufferevent_setwatermark(c->link, EV_READ, 0, LINE_BYTES + 2);
        bufferevent_enable(c->link, EV_READ | EV_WRITE);
}

/* ---- the listening socket ---- */

static bool fill_address(struct sockaddr_un *address, const char *path)
{
        *address = (struct sockaddr_un){ .sun_family = AF_UNIX };
        if (strlen(path) >= sizeof(address->sun_path)) {
                errno = ENAMETOOLONG;
                return false;
        }
        strcpy(address->sun_path, path);
        return true;
}

/* Takes away what a daemon left behind that is gone. False with errno. */
static bool clear_stale(const struct sockaddr_un *address)
{
        struct stat status;
        int fd, error;

        if (lstat(address->sun_path, &status) != 0)
                return errno == ENOENT;
        if (!S_ISSOCK(status.st_mode)) {
                errno = EEXIST;
                return false;
        }
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return false;
        error = connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0
                    ? EADDRINUSE
                    : errno;
        close(fd);
        if (error != ECONNREFUSED) {
                errno = error == EAGAIN ? EADDRINUSE : error;
                return false;
        }
        return unlink(address->sun_path) == 0;
}

/* A listening descriptor, or -1 with errno. */
static int listen_at(const char *path)
{
        struct sockaddr_un address;
        int fd = -1;

        if (!fill_address(&address, path) || !clear_stale(&address))
                return -1;
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -1;
        mode_t mask = umask(0777 & ~MODE);
        bool good = bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
        umask(mask);
        if (good && listen(fd, ADMIN_CONNECTIONS) == 0)
                return fd;
        int error = errno;
        close(fd);
        errno = error;
        return -1;
}

static bool open_control(struct admin_control *control)
{
        struct stat status;
        int fd = listen_at(control->path);

        if (fd < 0)
                return false;
        if (lstat(control->path, &status) == 0) {
                control->device = status.st_dev;
                control->number = status.st_ino;
                control->group = status.st_gid;
        }
        control->listener =
            evconnlistener_new(control->admin->options.loop, on_accept, control,
                               LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
        CHECK(control->listener);
        return true;
}

static const char *why_not(int error)
{
        return error == EADDRINUSE ? "another daemon answers there"
               : error == EEXIST   ? "there is a file that is no socket"
                                   : strerror(error);
}

struct admin_control *admin_control_new(struct admin *a, const char *path, bool is_wanted)
{
        struct admin_control *control = calloc(1, sizeof(*control));

        CHECK(control);
        control->admin = a;
        control->path = path ? strdup(path) : paths_control(true);
        LIST_INIT(&control->clients);
        control->top = admin_top_new(a, on_top, control);
        if (control->path && open_control(control))
                return control;
        (is_wanted ? log_error : log_warning)(
            "admin.socket: %s: %s; name another path with -o admin.socket=PATH, or "
            "none%s",
            control->path ? control->path : "no folder for it", why_not(errno),
            is_wanted ? ""
                      : "; trawlctl status, top and reload do not reach this daemon");
        admin_control_free(&control);
        return NULL;
}

void admin_control_free(struct admin_control **pointer)
{
        struct admin_control *control = *pointer;
        struct stat status;
        struct client *c;

        if (!control)
                return;
        while ((c = LIST_FIRST(&control->clients)))
                drop(c);
        admin_top_free(&control->top);
        if (control->listener) {
                evconnlistener_free(control->listener);
                if (lstat(control->path, &status) == 0 &&
                    status.st_dev == control->device && status.st_ino == control->number)
                        unlink(control->path);
        }
        free(control->path);
        free(control);
        *pointer = NULL;
}
