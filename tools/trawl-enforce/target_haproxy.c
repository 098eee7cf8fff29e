/* SPDX-License-Identifier: MIT */
#include "target_haproxy.h"

#include "base/check.h"
#include "base/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define COMMAND_MAX 12000 /* HAProxy takes tune.bufsize at once, 16384 by default */
#define ANSWER_MAX  65536
#define TIMEOUT     (5 * NS_PER_SEC)

struct map {
        char *name;             /* NULL: not kept */
        struct buf added, gone; /* keys of this batch, a line each */
};

struct target_haproxy {
        struct sockaddr_un address;
        struct map maps[SUBJECT_KINDS];
        struct buf command, answer;
        bool is_whole;
        uint64_t pid;
        int64_t started; /* by its uptime, in our monotonic seconds; 0: not seen yet */
};

bool target_haproxy_map_is_good(const char *map)
{
        size_t len = strlen(map);

        for (size_t i = 0; i < len; i++)
                if ((unsigned char)map[i] <= ' ' || strchr(";#\"'\\@\x7f", map[i]))
                        return false;
        return len > 0 && len <= HAPROXY_MAP_MAX;
}

struct target_haproxy *target_haproxy_open(const char *socket,
                                           const char *const maps[SUBJECT_KINDS])
{
        struct target_haproxy *t = calloc(1, sizeof(*t));

        CHECK(t);
        t->address.sun_family = AF_UNIX;
        CHECK(strlen(socket) < sizeof(t->address.sun_path));
        memcpy(t->address.sun_path, socket, strlen(socket));
        for (int i = 0; i < SUBJECT_KINDS; i++)
                if (maps[i])
                        CHECK((t->maps[i].name = strdup(maps[i])));
        return t;
}

void target_haproxy_close(struct target_haproxy **target)
{
        struct target_haproxy *t = *target;

        if (!t)
                return;
        for (int i = 0; i < SUBJECT_KINDS; i++) {
                free(t->maps[i].name);
                buf_free(&t->maps[i].added);
                buf_free(&t->maps[i].gone);
        }
        buf_free(&t->command);
        buf_free(&t->answer);
        free(t);
        *target = NULL;
}

/* --- one command: a connection of its own --- */

static bool wait_for(int fd, short what, int64_t end_ns)
{
        struct pollfd p = { .fd = fd, .events = what };
        int64_t left = end_ns - clock_monotonic_ns();

        if (left <= 0 || poll(&p, 1, (int)(left / NS_PER_MS) + 1) <= 0) {
                errno = ETIMEDOUT;
                return false;
        }
        return true;
}

static bool send_all(int fd, struct slice bytes, int64_t end_ns)
{
        while (bytes.len) {
                ssize_t n = send(fd, bytes.data, bytes.len, MSG_NOSIGNAL);
                if (n > 0)
                        bytes = slice_from(bytes, (size_t)n);
                else if ((errno != EAGAIN && errno != EINTR) ||
                         !wait_for(fd, POLLOUT, end_ns))
                        return false;
        }
        return true;
}

/* Until HAProxy closes. */
static bool receive_all(int fd, struct buf *answer, int64_t end_ns)
{
        for (;;) {
                buf_reserve(answer, 4096);
                ssize_t n = recv(fd, answer->data + answer->len, 4096, 0);
                if (n == 0)
                        return true;
                if (n > 0)
                        answer->len += (size_t)n;
                else if ((errno != EAGAIN && errno != EINTR) ||
                         !wait_for(fd, POLLIN, end_ns))
                        return false;
                if (answer->len > ANSWER_MAX) {
                        errno = EMSGSIZE;
                        return false;
                }
        }
}

/* t->command to t->answer. */
static bool ask(struct target_haproxy *t, char why[TARGET_WHY_MAX])
{
        int64_t end_ns = clock_monotonic_ns() + TIMEOUT;
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        bool ok = fd >= 0 &&
                  connect(fd, (struct sockaddr *)&t->address, sizeof(t->address)) == 0;

        buf_clear(&t->answer);
        ok = ok && send_all(fd, buf_slice(&t->command), end_ns) &&
             receive_all(fd, &t->answer, end_ns);
        if (!ok)
                snprintf(
                    why, TARGET_WHY_MAX,
                    "HAProxy at %.107s: %.60s; is it running, and its stats socket of "
                    "level admin?",
                    t->address.sun_path, strerror(errno));
        if (fd >= 0)
                close(fd);
        return ok;
}

/* The first words of an answer, on one line. */
static struct slice first_words(const struct buf *answer)
{
        struct slice rest = buf_slice(answer), line = slice_none();

        while (slice_next(&rest, '\n', &line))
                if (slice_trim(line).len)
                        return slice_first(slice_trim(line), 80);
        return slice_of("", 0);
}

static void complain(struct target_haproxy *t, const struct map *map,
                     char why[TARGET_WHY_MAX])
{
        struct slice words = first_words(&t->answer);

        snprintf(why, TARGET_WHY_MAX,
                 "HAProxy's map %.100s: %.*s; does its configuration use it?", map->name,
                 (int)words.len, (const char *)words.data);
}

/* For commands that say nothing when they are done. */
static bool tell(struct target_haproxy *t, const struct map *map,
                 char why[TARGET_WHY_MAX])
{
        if (!ask(t, why))
                return false;
        if (first_words(&t->answer).len == 0)
                return true;
        complain(t, map, why);
        return false;
}

/* --- a batch --- */

static void begin(void *target, bool is_whole)
{
        struct target_haproxy *t = target;

        t->is_whole = is_whole;
        for (int i = 0; i < SUBJECT_KINDS; i++) {
                buf_clear(&t->maps[i].added);
                buf_clear(&t->maps[i].gone);
        }
}

static void put_line(struct buf *out, const struct subject *s)
{
        subject_put(s, out);
        buf_put_byte(out, '\n');
}

static void add(void *target, const struct subject *s, int64_t left_ms)
{
        struct target_haproxy *t = target;

        (void)left_ms;
        put_line(&t->maps[s->kind].added, s);
}

static void drop(void *target, const struct subject *s)
{
        struct target_haproxy *t = target;

        put_line(&t->maps[s->kind].gone, s);
}

/* `version` is "@5 " or "". */
static bool add_lines(struct target_haproxy *t, const struct map *map,
                      const char *version, char why[TARGET_WHY_MAX])
{
        struct slice rest = buf_slice(&map->added), line = slice_none();
        bool more = rest.len && slice_next(&rest, '\n', &line);

        while (more && line.len) {
                buf_clear(&t->command);
                buf_printf(&t->command, "add map %s%s <<\n", version, map->name);
                do {
                        buf_put_slice(&t->command, line);
                        buf_put_str(&t->command, " 1\n");
                        more = slice_next(&rest, '\n', &line);
                } while (more && line.len && t->command.len + line.len + 8 < COMMAND_MAX);
                buf_put_byte(&t->command, '\n');
                if (!tell(t, map, why))
                        return false;
        }
        return true;
}

/* What is not there any more is no error: HAProxy says `Key not found.` */
static bool delete_lines(struct target_haproxy *t, const struct map *map,
                         char why[TARGET_WHY_MAX])
{
        struct slice rest = buf_slice(&map->gone), line = slice_none();
        bool more = rest.len && slice_next(&rest, '\n', &line);

        while (more && line.len) {
                buf_clear(&t->command);
                do {
                        buf_printf(&t->command, "del map %s ", map->name);
                        buf_put_slice(&t->command, line);
                        buf_put_byte(&t->command, ';');
                        more = slice_next(&rest, '\n', &line);
                } while (more && line.len &&
                         t->command.len + line.len + HAPROXY_MAP_MAX + 16 < COMMAND_MAX);
                t->command.data[t->command.len - 1] = '\n';
                if (!ask(t, why))
                        return false;
                struct slice words = first_words(&t->answer);
                if (words.len && !slice_starts_with(words, slice_str("Key not found"))) {
                        complain(t, map, why);
                        return false;
                }
        }
        return true;
}

/* prepare map answers `New version created: 5`. */
static bool replace_map(struct target_haproxy *t, const struct map *map,
                        char why[TARGET_WHY_MAX])
{
        static const char created[] = "New version created: ";
        char version[32];
        uint64_t number;

        buf_clear(&t->command);
        buf_printf(&t->command, "prepare map %s\n", map->name);
        if (!ask(t, why))
                return false;
        struct slice words = first_words(&t->answer);
        if (!slice_starts_with(words, slice_str(created)) ||
            !slice_to_u64(slice_from(words, strlen(created)), &number)) {
                complain(t, map, why);
                return false;
        }
        snprintf(version, sizeof(version), "@%" PRIu64 " ", number);
        if (!add_lines(t, map, version, why))
                return false;
        buf_clear(&t->command);
        buf_printf(&t->command, "commit map %s%s\n", version, map->name);
        return tell(t, map, why);
}

/* The number behind `name` in the answer to show info. */
static bool find_number(const struct buf *answer, const char *name, uint64_t *number)
{
        struct slice rest = buf_slice(answer), line;

        while (slice_next(&rest, '\n', &line))
                if (slice_starts_with(line, slice_str(name)))
                        return slice_to_u64(slice_trim(slice_from(line, strlen(name))),
                                            number);
        return false;
}

/* Remembers which process it is. */
static enum target_result look(struct target_haproxy *t, char why[TARGET_WHY_MAX])
{
        uint64_t pid = 0, uptime = 0;

        buf_clear(&t->command);
        buf_put_str(&t->command, "show info\n");
        if (!ask(t, why))
                return TARGET_FAILED;
        if (!find_number(&t->answer, "Pid:", &pid) ||
            !find_number(&t->answer, "Uptime_sec:", &uptime)) {
                snprintf(why, TARGET_WHY_MAX, "%.120s: this is not HAProxy's socket",
                         t->address.sun_path);
                return TARGET_FAILED;
        }
        int64_t started = clock_monotonic_ns() / NS_PER_SEC - (int64_t)uptime;
        bool is_same = pid == t->pid && llabs(started - t->started) <= 2;
        t->pid = pid;
        t->started = started;
        return is_same ? TARGET_OK : TARGET_LOST;
}

static bool write_map(struct target_haproxy *t, const struct map *map,
                      char why[TARGET_WHY_MAX])
{
        if (t->is_whole)
                return replace_map(t, map, why);
        return delete_lines(t, map, why) && add_lines(t, map, "", why);
}

static enum target_result commit(void *target, char why[TARGET_WHY_MAX])
{
        struct target_haproxy *t = target;
        enum target_result seen = look(t, why);

        if (seen == TARGET_FAILED || (seen == TARGET_LOST && !t->is_whole))
                return seen;
        for (int i = 0; i < SUBJECT_KINDS; i++)
                if (t->maps[i].name && !write_map(t, &t->maps[i], why))
                        return TARGET_FAILED;
        return TARGET_OK;
}

static enum target_result check(void *target, char why[TARGET_WHY_MAX])
{
        return look(target, why);
}

const struct target_kind target_haproxy_kind = {
        .name = "haproxy",
        .is_refreshed = true,
        .batch = 1000,
        .begin = begin,
        .add = add,
        .remove = drop,
        .commit = commit,
        .check = check,
};
