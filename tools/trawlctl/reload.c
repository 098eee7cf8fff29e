/* SPDX-License-Identifier: MIT */
/* trawlctl reload: as SIGHUP, with the answer. */
#include "daemon.h"
#include "screen.h"

#include <time.h>

#include "base/clock.h"
#include "base/log.h"

/* Its predecessor ends, and it reads a snapshot. */
#define NEXT_BEGINS (60 * NS_PER_SEC)

static void print_messages(json_t *object)
{
        size_t i;
        json_t *line;

        json_array_foreach(json_object_get(object, "messages"), i, line)
        {
                struct buf text = { 0 };
                put_printable(&text, slice_str(json_string_value(line)));
                buf_put_byte(&text, '\n');
                log_text(LOG_LEVEL_ERROR,
                         buf_slice(&text)); /* by a service manager: so marked */
                buf_free(&text);
        }
}

static enum exit_status taken_up(json_t *object)
{
        printf("Taken up; %lld rules.\n",
               (long long)json_integer_value(json_object_get(object, "rules")));
        return EXIT_DONE;
}

static enum exit_status failed(const struct ctl *ctl)
{
        ctl_complain(ctl,
                     "it could not be taken up: the old rules stay; the daemon's log "
                     "says why");
        return EXIT_FAILED;
}

static json_int_t failures(json_t *object)
{
        return json_integer_value(
            json_object_get(json_object_get(object, "reloads"), "failed"));
}

/* The status of an engine that began at another time than the one that handed over. */
static json_t *ask_next(const char *path, json_t *handed)
{
        struct buf answer = { 0 }, why = { 0 };
        json_t *status = NULL;

        if (daemon_ask(path, "status\n", &answer, &why))
                status = daemon_parse(&answer, &why);
        if (status && json_equal(json_object_get(status, "started"),
                                 json_object_get(handed, "started"))) {
                json_decref(status);
                status = NULL;
        }
        buf_free(&answer);
        buf_free(&why);
        return status;
}

/* It is taken up when a new engine has begun with it, and not by one with the old files.
 */
static enum exit_status await_next(const struct ctl *ctl, const char *path,
                                   json_t *handed)
{
        const struct timespec pause = { 0, 100 * NS_PER_MS };
        int64_t until_ns = clock_monotonic_ns() + NEXT_BEGINS;
        json_t *status;

        while (!(status = ask_next(path, handed))) {
                if (clock_monotonic_ns() > until_ns) {
                        ctl_complain(ctl, "no new engine answers yet; the daemon's log "
                                          "tells how it goes on");
                        return EXIT_FAILED;
                }
                nanosleep(&pause, NULL);
        }
        enum exit_status result =
            failures(status) > failures(handed) ? failed(ctl) : taken_up(status);
        json_decref(status);
        return result;
}

static enum exit_status report(const struct ctl *ctl, const char *path,
                               const struct buf *answer, json_t *object)
{
        const char *result = json_string_value(json_object_get(object, "result"));

        (void)answer;
        print_messages(object);
        if (result && strcmp(result, "taken up") == 0)
                return taken_up(object);
        if (result && strcmp(result, "handed over") == 0)
                return await_next(ctl, path, object);
        if (!result || strcmp(result, "mistakes") != 0)
                return failed(ctl);
        ctl_complain(ctl, "mistakes in the files: the old rules stay");
        return EXIT_MISTAKE;
}

enum exit_status command_reload(struct ctl *ctl, int argc, char **argv)
{
        return daemon_command(ctl, argc, argv, "reload", report);
}
