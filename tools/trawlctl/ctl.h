/* SPDX-License-Identifier: MIT */
/*
 * ctl - what the commands of trawlctl share: options, exit statuses, sources.
 *
 * A command is a row in main.c. It gets the options that every command takes
 * already read, and what is left of the arguments.
 */
#ifndef TRAWLCTL_CTL_H
#define TRAWLCTL_CTL_H

#include <stdio.h>

#include "app/check.h"
#include "app/exit_status.h"

struct ctl {
        struct check_request request; /* -c and -o */
        const char *journal;          /* --journal, or NULL */
        bool json;
        const char *command; /* for messages */
        int argument_count;  /* what the command's own parsing left */
        char **arguments;
};

/* An option of one command: `value` is set, or `flag` when it takes none. */
struct ctl_option {
        const char *name; /* without the dashes: two, or one before a single letter */
        const char **value;
        bool *flag;
};

/*
 * Reads the options that all commands take and those of `own` (ends with a NULL
 * name); the rest, in order, is in ctl->arguments. EXIT_DONE, or EXIT_USAGE after
 * a message.
 */
enum exit_status ctl_parse(struct ctl *, int argc, char **argv,
                           const struct ctl_option *own);
void ctl_free(struct ctl *);

/* `trawlctl COMMAND: ...` on standard error. */
void ctl_complain(const struct ctl *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The bytes of `text` on a stream. */
void ctl_put(FILE *, const struct buf *text);

/*
 * The configuration: -c, else the installed file where there is one, then -o.
 * Mistakes are printed; false then and *config needs no config_free.
 */
bool ctl_config(const struct ctl *, struct config *);

enum exit_status command_check(struct ctl *, int argc, char **argv);
enum exit_status command_alerts(struct ctl *, int argc, char **argv);
enum exit_status command_show(struct ctl *, int argc, char **argv);
enum exit_status command_blocks(struct ctl *, int argc, char **argv);
enum exit_status command_key(struct ctl *, int argc, char **argv);
enum exit_status command_reference(struct ctl *, int argc, char **argv);
enum exit_status command_status(struct ctl *, int argc, char **argv);
enum exit_status command_top(struct ctl *, int argc, char **argv);
enum exit_status command_reload(struct ctl *, int argc, char **argv);
enum exit_status command_test(struct ctl *, int argc, char **argv);

#endif
