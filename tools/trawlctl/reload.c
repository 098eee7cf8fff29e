/* SPDX-License-Identifier: MIT */
/* trawlctl reload: as SIGHUP, with the answer. */
#include "daemon.h"
#include "screen.h"

static void print_messages(json_t *object)
{
        size_t i;
        json_t *line;

        json_array_foreach(json_object_get(object, "messages"), i, line)
        {
                struct buf text = { 0 };
                put_printable(&text, slice_str(json_string_value(line)));
                buf_put_byte(&text, '\n');
                ctl_put(stderr, &text);
                buf_free(&text);
        }
}

static enum exit_status report(const struct ctl *ctl, const struct buf *answer,
                               json_t *object)
{
        const char *result = json_string_value(json_object_get(object, "result"));

        (void)answer;
        print_messages(object);
        if (result && strcmp(result, "taken up") == 0) {
                printf("Taken up; %lld rules.\n",
                       (long long)json_integer_value(json_object_get(object, "rules")));
                return EXIT_DONE;
        }
        if (result && strcmp(result, "mistakes") == 0) {
                ctl_complain(ctl, "mistakes in the files: the old rules stay");
                return EXIT_MISTAKE;
        }
        ctl_complain(ctl,
                     "it could not be taken up: the old rules stay; the daemon's log "
                     "says why");
        return EXIT_FAILED;
}

enum exit_status command_reload(struct ctl *ctl, int argc, char **argv)
{
        return daemon_command(ctl, argc, argv, "reload", report);
}
