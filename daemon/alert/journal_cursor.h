/* SPDX-License-Identifier: MIT */
/*
 * journal_cursor - reads a journal, in this process or another, while it is written.
 *
 * A record that is half there is "no more yet": asking again later gives it once
 * it is whole. A damaged record that newer segments follow ends its segment: the
 * rest of that segment is passed over and counted. Segments that retention
 * removed are passed over too.
 *
 * Reads 256 KiB at a time; keeps one file open.
 */
#ifndef ALERT_JOURNAL_CURSOR_H
#define ALERT_JOURNAL_CURSOR_H

#include "alert/alert.h"

struct journal_cursor;

enum journal_result {
        JOURNAL_RECORD, /* here is one */
        JOURNAL_END,    /* no more yet */
        JOURNAL_FAILED, /* the folder or a segment cannot be read: errno */
};

struct journal_record {
        uint64_t sequence;
        struct slice payload; /* valid until the next call */
};

/* Starts at the oldest record. The folder need not be there yet. */
struct journal_cursor *journal_cursor_new(const char *directory);
void journal_cursor_free(struct journal_cursor **);

/* The next record will be the first whose number is at least `sequence`. */
void journal_cursor_seek(struct journal_cursor *, uint64_t sequence);

/*
 * Passes over segments last written before `time_ns`. The first records after it
 * may still be older.
 */
void journal_cursor_seek_time(struct journal_cursor *, int64_t time_ns);

enum journal_result journal_cursor_next(struct journal_cursor *, struct journal_record *);

/* Damaged places that were passed over so far. */
uint64_t journal_cursor_damaged(const struct journal_cursor *);

/* The newest segment is damaged where the next record should be: no more comes of it. */
bool journal_cursor_is_stuck(const struct journal_cursor *);

/* All alerts from here to the end (foreign payloads are passed over), until `visit`
   says stop. */
enum journal_result journal_cursor_alerts(struct journal_cursor *, alert_fn *visit,
                                          void *context);

#endif
