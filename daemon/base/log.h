/* SPDX-License-Identifier: MIT */
/*
 * log - what the operator is told on standard error.
 *
 * One line says what happened, to what, and what to do. Strange traffic is
 * never logged: it is counted. Under systemd (JOURNAL_STREAM is set) lines
 * carry a priority prefix and no time of their own.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Lines above `level` are dropped. Info is the default. */
void log_set_level(enum log_level level);

/* What lines begin with, outside of systemd; borrowed. `trawlwatch` is the default. */
void log_set_program(const char *name);

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A message that trouble repeats: at most one line a minute goes out. */
struct log_limit {
        int64_t next_ns;
        uint64_t held_back;
};

/* True when a line may go out at `now_ns`; counts what it holds back. */
bool log_limit_pass(struct log_limit *limit, int64_t now_ns);

#endif
