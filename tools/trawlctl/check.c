/* SPDX-License-Identifier: MIT */
/* trawlctl check: what trawlwatchd -t does, for files named one by one too. */
#include <stdio.h>
#include <unistd.h>

#include "app/paths.h"
#include "ctl.h"

enum exit_status command_check(struct ctl *ctl, int argc, char **argv)
{
        static const struct ctl_option own[] = { { NULL, NULL, NULL } };
        enum exit_status status = ctl_parse(ctl, argc, argv, own);
        struct buf messages = { 0 }, summary = { 0 };
        struct setup setup;
        bool ok = true;

        if (status != EXIT_DONE)
                return status;
        for (int i = 0; i < ctl->argument_count; i++)
                ok &= check_add_file(&ctl->request, ctl->arguments[i], &messages);
        if (!ctl->request.config && access(PATHS_CONFIG, F_OK) == 0)
                ctl->request.config = PATHS_CONFIG;
        ok = check_load(&ctl->request, &setup, &messages) && ok;
        ctl_put(stderr, &messages);
        if (ok) {
                check_summary(&ctl->request, &setup, &summary);
                ctl_put(stdout, &summary);
        }
        check_free(&setup);
        buf_free(&messages);
        buf_free(&summary);
        return ok ? EXIT_DONE : EXIT_MISTAKE;
}
