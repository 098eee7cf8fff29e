/* SPDX-License-Identifier: MIT */
/* trawlctl reload: as SIGHUP, with the answer. */
#include <stdlib.h>

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

static enum exit_status report(const struct ctl *ctl, json_t *object)
{
        const char *result = json_string_value(json_object_get(object, "result"));

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

static enum exit_status ask(const struct ctl *ctl, const char *path)
{
        struct buf answer = { 0 }, why = { 0 };
        enum exit_status status = EXIT_FAILED;
        json_t *object = NULL;

        if (daemon_ask(path, "reload\n", &answer, &why))
                object = daemon_parse(&answer, &why);
        if (object)
                status = report(ctl, object);
        else
                ctl_complain(ctl, "%.*s", (int)why.len, (const char *)why.data);
        json_decref(object);
        buf_free(&answer);
        buf_free(&why);
        return status;
}

enum exit_status command_reload(struct ctl *ctl, int argc, char **argv)
{
        const struct ctl_option own[] = { { NULL, NULL, NULL } };
        enum exit_status status = ctl_parse(ctl, argc, argv, own);

        if (status != EXIT_DONE)
                return status;
        if (ctl->argument_count) {
                ctl_complain(ctl, "takes no '%s'; see trawlctl reload --help",
                             ctl->arguments[0]);
                return EXIT_USAGE;
        }
        char *path = daemon_path(ctl, &status);
        if (path)
                status = ask(ctl, path);
        free(path);
        return status;
}
