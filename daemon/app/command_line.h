/* SPDX-License-Identifier: MIT */
/*
 * command_line - what trawlwatchd was asked to do.
 */
#ifndef APP_COMMAND_LINE_H
#define APP_COMMAND_LINE_H

#include "app/check.h"
#include "app/exit_status.h"

enum print { PRINT_UNSET, PRINT_ALERTS, PRINT_REQUESTS, PRINT_HELLOS, PRINT_NONE };
enum command {
        COMMAND_RUN,
        COMMAND_CHECK,
        COMMAND_PRINT_CONFIG,
        COMMAND_VERSION,
        COMMAND_HELP
};

struct command_line {
        enum command command;
        enum print print;
        bool stats;
        struct text_list files; /* -r */
        struct check_request check;
};

/* False after one line on standard error: wrong usage. */
bool command_line_parse(struct command_line *, int argc, char **argv);
void command_line_free(struct command_line *);
void command_line_help(struct buf *out);

#endif
