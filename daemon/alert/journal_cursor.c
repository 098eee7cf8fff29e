/* SPDX-License-Identifier: MIT */
#include "alert/journal_cursor.h"

#include "alert/journal_segment_priv.h"
#include "base/check.h"
#include "base/clock.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

struct journal_cursor {
        char *directory;
        struct segment_reader segment;
        uint64_t after; /* first number of the segment that is done; 0: none */
        uint64_t want;  /* records below this number are passed over */
        uint64_t damaged;
        bool is_stuck;
};

struct journal_cursor *journal_cursor_new(const char *directory)
{
        struct journal_cursor *c = calloc(1, sizeof(*c));

        CHECK(c);
        c->directory = strdup(directory);
        CHECK(c->directory);
        c->segment.fd = -1;
        return c;
}

void journal_cursor_free(struct journal_cursor **c)
{
        if (!*c)
                return;
        segment_close(&(*c)->segment);
        free((*c)->directory);
        free(*c);
        *c = NULL;
}

void journal_cursor_seek(struct journal_cursor *c, uint64_t sequence)
{
        segment_close(&c->segment);
        c->after = 0;
        c->want = sequence;
}

static bool is_older(const char *directory, uint64_t first, int64_t time_ns)
{
        char path[PATH_MAX], name[JOURNAL_NAME_MAX];
        struct stat st;

        journal_name(first, name);
        snprintf(path, sizeof(path), "%s/%s", directory, name);
        return stat(path, &st) == 0 &&
               (int64_t)st.st_mtim.tv_sec * NS_PER_SEC + st.st_mtim.tv_nsec < time_ns;
}

void journal_cursor_seek_time(struct journal_cursor *c, int64_t time_ns)
{
        struct journal_list list;

        journal_cursor_seek(c, 0);
        if (!journal_list_read(c->directory, &list))
                return;
        for (size_t i = 0;
             i < list.count && is_older(c->directory, list.first[i], time_ns); i++)
                c->after = list.first[i];
        journal_list_free(&list);
}

/*
 * Of the segments after c->after, the one that holds c->want: the last that begins
 * at it or before; without one the first. 0: no segment.
 */
static uint64_t choose(const struct journal_cursor *c, const struct journal_list *list)
{
        uint64_t chosen = 0;

        for (size_t i = 0; i < list->count; i++) {
                uint64_t first = list->first[i];
                if (first > c->after && (chosen == 0 || first <= c->want))
                        chosen = first;
        }
        return chosen;
}

/* RECORD: a segment is open. */
static enum journal_result open_next(struct journal_cursor *c)
{
        struct journal_list list;

        for (;;) {
                if (!journal_list_read(c->directory, &list))
                        return errno == ENOENT ? JOURNAL_END : JOURNAL_FAILED;
                uint64_t first = choose(c, &list);
                journal_list_free(&list);
                if (first == 0)
                        return JOURNAL_END;
                if (segment_open(&c->segment, c->directory, first))
                        return JOURNAL_RECORD;
                if (errno != ENOENT) /* else retention was faster: choose again */
                        return JOURNAL_FAILED;
        }
}

static bool has_newer(struct journal_cursor *c)
{
        struct journal_list list;

        if (!journal_list_read(c->directory, &list))
                return false;
        bool newer = list.count && list.first[list.count - 1] > c->segment.first;
        journal_list_free(&list);
        return newer;
}

static bool is_at_end(const struct segment_reader *r)
{
        struct stat st;

        return fstat(r->fd, &st) == 0 && (uint64_t)st.st_size <= r->offset;
}

static void leave_segment(struct journal_cursor *c)
{
        if (!is_at_end(&c->segment))
                c->damaged++;
        c->after = c->segment.first;
        segment_close(&c->segment);
}

/*
 * The next whole record of the open segment. Once a newer segment is there nothing is
 * added to this one any more: only then is what is not whole given up, after one
 * more look.
 */
static enum segment_result next_here(struct journal_cursor *c,
                                     struct journal_record *record)
{
        enum segment_result got = segment_next(&c->segment, record);

        c->is_stuck = false;
        if ((got == SEGMENT_PART || got == SEGMENT_DAMAGED) && has_newer(c)) {
                got = segment_next(&c->segment, record);
                if (got == SEGMENT_PART || got == SEGMENT_DAMAGED)
                        leave_segment(c);
        } else if (got == SEGMENT_DAMAGED) {
                c->is_stuck = true;
        }
        return got;
}

enum journal_result journal_cursor_next(struct journal_cursor *c,
                                        struct journal_record *record)
{
        for (;;) {
                if (c->segment.fd < 0) {
                        enum journal_result opened = open_next(c);
                        if (opened != JOURNAL_RECORD)
                                return opened;
                }
                enum segment_result got = next_here(c, record);
                if (got == SEGMENT_FAILED)
                        return JOURNAL_FAILED;
                if (got == SEGMENT_RECORD && record->sequence >= c->want) {
                        c->want = record->sequence + 1;
                        return JOURNAL_RECORD;
                }
                if (got != SEGMENT_RECORD && c->segment.fd >= 0)
                        return JOURNAL_END;
        }
}

uint64_t journal_cursor_damaged(const struct journal_cursor *c)
{
        return c->damaged;
}

bool journal_cursor_is_stuck(const struct journal_cursor *c)
{
        return c->is_stuck;
}

enum journal_result journal_cursor_alerts(struct journal_cursor *c, alert_fn *visit,
                                          void *context)
{
        struct journal_record record;
        struct alert alert;

        for (;;) {
                enum journal_result got = journal_cursor_next(c, &record);
                if (got != JOURNAL_RECORD)
                        return got;
                if (!alert_decode(record.payload, &alert))
                        continue;
                alert.sequence = record.sequence;
                if (!visit(context, &alert))
                        return JOURNAL_RECORD;
        }
}
