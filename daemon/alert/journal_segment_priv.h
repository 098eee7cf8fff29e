/* SPDX-License-Identifier: MIT */
/*
 * journal_segment - one file of the journal: its name, its records, how far they are
 * whole. Shared by the writer's recovery and by the cursor. journal.h draws the format.
 */
#ifndef ALERT_JOURNAL_SEGMENT_PRIV_H
#define ALERT_JOURNAL_SEGMENT_PRIV_H

#include "alert/journal_cursor.h"
#include "base/buf.h"

#define JOURNAL_MAGIC     "TRWLJNL1"
#define JOURNAL_MAGIC_LEN 8
#define JOURNAL_HEAD_LEN  16
#define JOURNAL_NAME_MAX  32

void journal_name(uint64_t first, char name[JOURNAL_NAME_MAX]);

/* First numbers of the segments of a folder, ascending. */
struct journal_list {
        uint64_t *first;
        size_t count;
};

/* False with errno. Files of other names are left out. */
bool journal_list_read(const char *directory, struct journal_list *);
void journal_list_free(struct journal_list *);

/* The head of a record: length, checksum, number. */
void journal_head(uint64_t sequence, struct slice payload,
                  uint8_t head[JOURNAL_HEAD_LEN]);

enum segment_result {
        SEGMENT_RECORD,
        SEGMENT_PART,    /* the file ends here, or inside a record */
        SEGMENT_DAMAGED, /* these bytes are no record */
        SEGMENT_FAILED,  /* errno */
};

struct segment_reader {
        int fd;            /* -1: closed */
        uint64_t first;    /* number in its name */
        uint64_t next;     /* number of the record at `offset` */
        uint64_t offset;   /* of the first byte that is no whole record yet */
        struct buf window; /* bytes of the file from `offset - start` on */
        size_t start;
};

/* False with errno. */
bool segment_open(struct segment_reader *, const char *directory, uint64_t first);
void segment_close(struct segment_reader *);

/* After PART or DAMAGED the next call reads the file again from the same place. */
enum segment_result segment_next(struct segment_reader *, struct journal_record *);

#endif
