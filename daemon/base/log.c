/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* $JOURNAL_STREAM names the file that is the journal; children of a service have it too,
 * wherever their standard error goes (systemd.exec(5)). */
static bool is_journal(void)
{
        const char *name = getenv("JOURNAL_STREAM");
        unsigned long long device, inode;
        struct stat status;

        return name && sscanf(name, "%llu:%llu", &device, &inode) == 2 &&
               fstat(STDERR_FILENO, &status) == 0 && status.st_dev == device &&
               status.st_ino == inode;
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
        if (is_journal())
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

void log_text(enum log_level level, struct slice text)
{
        struct slice line;
        bool journal = is_journal();

        while (text.len && slice_next(&text, '\n', &line))
                if (line.len)
                        fprintf(stderr, "%s%.*s\n", journal ? levels[level].journal : "",
                                (int)line.len, (const char *)line.data);
}

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
