/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum log_level threshold = LOG_LEVEL_INFO;
static const char *program = "trawlwatch";

static const struct {
        const char *name;
        const char *journal; /* sd-daemon(3) priority prefix */
        const char *plain;
} levels[] = {
        [LOG_LEVEL_ERROR] = { "error", "<3>", "error: " },
        [LOG_LEVEL_WARNING] = { "warning", "<4>", "warning: " },
        [LOG_LEVEL_INFO] = { "info", "<6>", "" },
        [LOG_LEVEL_DEBUG] = { "debug", "<7>", "debug: " },
};

void log_set_program(const char *name)
{
        program = name;
}

void log_set_level(enum log_level level)
{
        threshold = level;
}

static void write_line(enum log_level level, const char *format, va_list args)
{
        char line[2048];

        if (level > threshold)
                return;
        vsnprintf(line, sizeof(line), format, args);
        for (char *c = line; *c; c++)
                if ((unsigned char)*c < 0x20)
                        *c = ' ';
        if (getenv("JOURNAL_STREAM"))
                fprintf(stderr, "%s%s\n", levels[level].journal, line);
        else
                fprintf(stderr, "%s: %s%s\n", program, levels[level].plain, line);
}

#define DEFINE_LOG(name, level)                  \
        void name(const char *format, ...)       \
        {                                        \
                va_list args;                    \
                va_start(args, format);          \
                write_line(level, format, args); \
                va_end(args);                    \
        }

DEFINE_LOG(log_error, LOG_LEVEL_ERROR)
DEFINE_LOG(log_warning, LOG_LEVEL_WARNING)
DEFINE_LOG(log_info, LOG_LEVEL_INFO)

bool log_limit_pass(struct log_limit *limit, int64_t now_ns)
{
        if (now_ns < limit->next_ns) {
                limit->held_back++;
                return false;
        }
        limit->next_ns = now_ns + 60 * INT64_C(1000000000);
        limit->held_back = 0;
        return true;
}
