/* SPDX-License-Identifier: MIT */
#include "ctl.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/paths.h"
#include "base/check.h"
#include "base/log.h"
#include "screen.h"

#define OWN_MAX 8

enum { OPTION_JOURNAL = 256, OPTION_JSON, OPTION_OWN };

void ctl_complain(const struct ctl *ctl, const char *format, ...)
{
        struct buf line = { 0 };
        char text[4096];
        va_list args;

        va_start(args, format);
        vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        buf_printf(&line, "trawlctl %s: ", ctl->command);
        put_printable(&line, slice_str(text)); /* Redis may have had its say in it */
        buf_put_byte(&line, '\n');
        ctl_put(stderr, &line);
        buf_free(&line);
}

void ctl_put(FILE *out, const struct buf *text)
{
        if (text->len)
                fwrite(text->data, 1, text->len, out);
}

/* The options all commands take, then those of this one. */
static void fill_options(struct option *all, char *letters, const struct ctl_option *own)
{
        static const struct option common[] = {
                { "journal", required_argument, NULL, OPTION_JOURNAL },
                { "json", no_argument, NULL, OPTION_JSON },
        };
        unsigned count = sizeof(common) / sizeof(common[0]);

        memcpy(all, common, sizeof(common));
        letters += sprintf(letters, ":c:o:");
        for (unsigned i = 0; own[i].name; i++) {
                CHECK(i < OWN_MAX);
                all[count++] =
                    (struct option){ own[i].name,
                                     own[i].value ? required_argument : no_argument, NULL,
                                     OPTION_OWN + (int)i };
                if (!own[i].name[1])
                        letters += sprintf(letters, "%s%s", own[i].name,
                                           own[i].value ? ":" : "");
        }
        all[count] = (struct option){ 0 };
}

/* What getopt_long gave, when it is one of these; or NULL. */
static const struct ctl_option *own_option(const struct ctl_option *own, int letter)
{
        for (unsigned i = 0; own[i].name; i++)
                if (letter == OPTION_OWN + (int)i ||
                    (!own[i].name[1] && letter == own[i].name[0]))
                        return &own[i];
        return NULL;
}

enum exit_status ctl_parse(struct ctl *ctl, int argc, char **argv,
                           const struct ctl_option *own)
{
        struct option all[OWN_MAX + 3];
        char letters[2 * OWN_MAX + 8];
        const struct ctl_option *option;
        int letter;

        fill_options(all, letters, own);
        optind = 1;
        opterr = 0;
        while ((letter = getopt_long(argc, argv, letters, all, NULL)) != -1) {
                if (letter == 'c') {
                        ctl->request.config = optarg;
                } else if (letter == 'o') {
                        text_list_add(&ctl->request.settings, optarg);
                } else if (letter == OPTION_JOURNAL) {
                        ctl->journal = optarg;
                } else if (letter == OPTION_JSON) {
                        ctl->json = true;
                } else if ((option = own_option(own, letter))) {
                        if (option->value)
                                *option->value = optarg;
                        else
                                *option->flag = true;
                } else {
                        ctl_complain(ctl, "%s %s; see trawlctl %s --help",
                                     letter == ':' ? "a value is missing after"
                                                   : "no such option:",
                                     argv[optind - 1], ctl->command);
                        return EXIT_USAGE;
                }
        }
        ctl->argument_count = argc - optind;
        ctl->arguments = argv + optind;
        return EXIT_DONE;
}

void ctl_free(struct ctl *ctl)
{
        check_request_free(&ctl->request);
}

bool ctl_config(const struct ctl *ctl, struct config *config)
{
        const char *file = ctl->request.config;
        struct diag *diag = diag_new();
        struct buf messages = { 0 };
        bool ok;

        if (!file && access(PATHS_CONFIG, F_OK) == 0)
                file = PATHS_CONFIG;
        config_init(config);
        if (file)
                config_read(config, file, diag);
        for (unsigned i = 0; i < ctl->request.settings.count; i++)
                config_set(config, ctl->request.settings.items[i], diag);
        ok = diag_errors(diag) == 0;
        if (!ok) {
                diag_print(diag, &messages);
                log_text(LOG_LEVEL_ERROR, buf_slice(&messages));
                buf_free(&messages);
                config_free(config);
        }
        diag_free(&diag);
        return ok;
}
