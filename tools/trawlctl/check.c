/* SPDX-License-Identifier: MIT */
/* trawlctl check: what trawlwatchd -t does, for files named one by one too. */
#include <stdio.h>
#include <unistd.h>

#include "app/paths.h"
#include "ctl.h"

/* `headed`: as one of several documents. */
static void put_site(const struct setup *setup, bool headed, struct buf *out)
{
        if (headed)
                buf_printf(out, "--- # site map: %s\n", setup->site_path);
        site_print(setup->site, out);
}

static void put_rules(const struct setup *setup, bool headed, struct buf *out)
{
        if (headed)
                buf_put_str(out, "--- # rules");
        for (unsigned i = 0; headed && i < setup->rule_paths.count; i++)
                buf_printf(out, "%s%s", i ? ", " : ": ", setup->rule_paths.items[i]);
        buf_put_str(out, headed ? "\n" : "");
        rules_print(setup->rules, out);
}

enum exit_status command_check(struct ctl *ctl, int argc, char **argv)
{
        bool print = false, print_site = false, print_rules = false;
        const struct ctl_option own[] = { { "print", NULL, &print },
                                          { "print-site", NULL, &print_site },
                                          { "print-rules", NULL, &print_rules },
                                          { NULL, NULL, NULL } };
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
                if (!print && !print_site && !print_rules)
                        check_summary(&ctl->request, &setup, &summary);
                if (print || print_site)
                        put_site(&setup, print, &summary);
                if (print || print_rules)
                        put_rules(&setup, print, &summary);
                ctl_put(stdout, &summary);
        }
        check_free(&setup);
        buf_free(&messages);
        buf_free(&summary);
        return ok ? EXIT_DONE : EXIT_MISTAKE;
}
