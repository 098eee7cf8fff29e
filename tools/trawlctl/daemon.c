/* SPDX-License-Identifier: MIT */
#include "daemon.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "app/paths.h"
#include "base/check.h"
#include "base/clock.h"

#define ANSWER_MAX (64u << 20)
#define WAIT       (15 * NS_PER_SEC)

char *daemon_path(const struct ctl *ctl, enum exit_status *status)
{
        struct config config;
        char *path;

        *status = EXIT_MISTAKE;
        if (!ctl_config(ctl, &config))
                return NULL;
        *status = EXIT_FAILED;
        const char *configured = config.admin.socket;
        if (configured && (!*configured || strcmp(configured, "none") == 0)) {
                ctl_complain(ctl, "the configuration turns the control socket off: set "
                                  "admin.socket and start the daemon again");
                path = NULL;
        } else {
                path = configured ? strdup(configured) : paths_control(false);
                if (!path)
                        ctl_complain(ctl, "no daemon has run here: start trawlwatchd, or "
                                          "name its socket with -o admin.socket=PATH");
        }
        config_free(&config);
        return path;
}

static int connect_to(const char *path)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd, error;

        if (strlen(path) >= sizeof(address.sun_path)) {
                errno = ENAMETOOLONG;
                return -1;
        }
        strcpy(address.sun_path, path);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
                return fd;
        error = errno;
        close(fd);
        errno = error;
        return -1;
}

/* False at the end of the time, with errno. Signals do not shorten it. */
static bool wait_readable(int fd, int64_t until_ns)
{
        struct pollfd link = { .fd = fd, .events = POLLIN };

        for (;;) {
                int64_t left_ns = until_ns - clock_monotonic_ns();
                int n = left_ns <= 0 ? 0 : poll(&link, 1, (int)(left_ns / NS_PER_MS) + 1);
                if (n > 0)
                        return true;
                if (n == 0) {
                        errno = ETIMEDOUT;
                        return false;
                }
                if (errno != EINTR)
                        return false;
        }
}

static bool read_answer(int fd, struct buf *answer)
{
        int64_t until_ns = clock_monotonic_ns() + WAIT;

        while (answer->len < ANSWER_MAX && wait_readable(fd, until_ns)) {
                uint8_t part[1 << 16];
                ssize_t n = recv(fd, part, sizeof(part), 0);
                if (n > 0) {
                        buf_put(answer, part, (size_t)n);
                } else if (n == 0) {
                        errno = ECONNRESET; /* when it is not a whole line */
                        return answer->len && answer->data[--answer->len] == '\n';
                } else if (errno != EINTR) {
                        return false;
                }
        }
        return false;
}

static void explain(const char *path, int error, struct buf *why)
{
        if (error == EACCES || error == EPERM)
                buf_printf(
                    why, "%s: %s; run this as root, or as a member of the socket's group",
                    path, strerror(error));
        else if (error == ENOENT || error == ECONNREFUSED)
                buf_printf(
                    why,
                    "no daemon answers at %s; start trawlwatchd, or name the socket "
                    "of the one that runs with -o admin.socket=PATH",
                    path);
        else if (error == ECONNRESET)
                buf_printf(why,
                           "%s: the daemon closed the connection; it may be busy, or you "
                           "may not be in its group",
                           path);
        else
                buf_printf(why, "%s: %s", path, strerror(error));
}

bool daemon_ask(const char *path, const char *line, struct buf *answer, struct buf *why)
{
        int fd = connect_to(path);
        bool good = fd >= 0;

        buf_clear(answer);
        if (good)
                good =
                    send(fd, line, strlen(line), MSG_NOSIGNAL) == (ssize_t)strlen(line) &&
                    read_answer(fd, answer);
        if (!good)
                explain(path, errno == EPIPE ? ECONNRESET : errno, why);
        if (fd >= 0)
                close(fd);
        return good;
}

json_t *daemon_parse(const struct buf *answer, struct buf *why)
{
        json_t *object = json_loadb((const char *)answer->data, answer->len, 0, NULL);
        const char *error = json_string_value(json_object_get(object, "error"));

        if (json_is_object(object) && !error)
                return object;
        buf_printf(why, "the daemon says: %s",
                   error ? error : "something that is no JSON");
        json_decref(object);
        return NULL;
}

static enum exit_status ask(const struct ctl *ctl, const char *path, const char *name,
                            daemon_tell_fn *tell)
{
        struct buf line = { 0 }, answer = { 0 }, why = { 0 };
        enum exit_status status = EXIT_FAILED;
        json_t *object = NULL;

        buf_printf(&line, "%s\n", name);
        buf_put_byte(&line, '\0');
        if (daemon_ask(path, (const char *)line.data, &answer, &why))
                object = daemon_parse(&answer, &why);
        if (object)
                status = tell(ctl, path, &answer, object);
        else
                ctl_complain(ctl, "%.*s", (int)why.len, (const char *)why.data);
        json_decref(object);
        buf_free(&line);
        buf_free(&answer);
        buf_free(&why);
        return status;
}

enum exit_status daemon_command(struct ctl *ctl, int argc, char **argv, const char *name,
                                daemon_tell_fn *tell)
{
        const struct ctl_option own[] = { { NULL, NULL, NULL } };
        enum exit_status status = ctl_parse(ctl, argc, argv, own);

        if (status != EXIT_DONE)
                return status;
        if (ctl->argument_count) {
                ctl_complain(ctl, "takes no '%s'; see trawlctl %s --help",
                             ctl->arguments[0], name);
                return EXIT_USAGE;
        }
        char *path = daemon_path(ctl, &status);
        if (path)
                status = ask(ctl, path, name, tell);
        free(path);
        return status;
}
