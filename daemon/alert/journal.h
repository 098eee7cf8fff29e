/* SPDX-License-Identifier: MIT */
/*
 * journal - alerts on disk before anybody is told about them. The writer.
 *
 * A folder of segments, NUMBER.journal, where NUMBER is that of its first record in
 * 20 digits. Records are only ever appended, to the newest segment:
 *
 *      segment   8 bytes "TRWLJNL1", then records
 *      record    u32 length of the payload | u32 CRC-32C of all that follows, with the
 *                length before it | u64 number | payload             (little-endian)
 *
 * A run begins a segment of its own with its first record, so numbers in a
 * segment have no holes. Numbers only grow. A run starts at the wall clock in
 * microseconds, or past the last record if that is later: a journal that lost its
 * tail or its folder never gives out a number that Redis has seen.
 *
 * At opening, the newest segment is cut at its first damaged record, with a
 * warning. Retention removes whole segments, the oldest first, by bytes and by age.
 *
 * A write that fails stops nothing: the record waits in memory (backlog, capped)
 * and is written when there is space again. The publisher can have it meanwhile. A disk
 * may be full or read-only at the opening already (waits_for_disk).
 *
 * One process writes (the folder is locked); any number read (journal_cursor.h).
 * Cost: one writev a record, and an fdatasync as the policy says.
 */
#ifndef ALERT_JOURNAL_H
#define ALERT_JOURNAL_H

#include "base/counters.h"

#define JOURNAL_PAYLOAD_MAX (8u << 20)

struct journal;

enum journal_sync {
        JOURNAL_SYNC_ALWAYS,   /* nothing is published before the disk was told to keep
                                  it; one that refuses is said, and stops nothing */
        JOURNAL_SYNC_INTERVAL, /* a power cut costs at most `sync_interval_ns` */
        JOURNAL_SYNC_OFF,      /* the kernel writes when it likes */
};

struct journal_options {
        const char *directory;
        uint64_t max_bytes;     /* of all segments; 0: no limit */
        int64_t max_age_ns;     /* of a segment's last record; 0: no limit */
        uint32_t segment_bytes; /* 0: 16 MiB */
        uint32_t backlog_bytes; /* held in memory while the disk refuses; 0: 8 MiB */
        enum journal_sync sync;
        int64_t sync_interval_ns; /* 0: 1 s */
        bool is_published;        /* somebody publishes what is written: count what
                                     goes unpublished */
        bool waits_for_disk; /* a folder that is there is opened on a disk that is full or
                                read-only too, after one log_error */
        struct counters *counters;
};

/*
 * Makes the folder (mode 0750) if it is not there. `wall_ns` is the wall clock. NULL
 * after one log_error: no permission, no space, or another process writes there.
 */
struct journal *journal_open(const struct journal_options *, int64_t wall_ns);

/* Writes what is held back, if the disk lets it, syncs, and unlocks the folder. */
void journal_free(struct journal **);

/*
 * Nothing will be tried again: lets go of what is still held in memory, and counts as
 * lost what of it is not published either.
 */
void journal_give_up(struct journal *);

/* Takes one payload and returns its number; 0 when it is empty or above the cap. */
uint64_t journal_append(struct journal *, struct slice payload, int64_t wall_ns);

/* Time has passed: sync, write held records, retention. Cheap when nothing is due. */
void journal_tick(struct journal *, int64_t wall_ns);

/* When journal_tick is due next; INT64_MAX: not before the next append. */
int64_t journal_due_ns(const struct journal *);

/* Syncs now and tries to write what is held, whatever the policy says. */
void journal_flush(struct journal *, int64_t wall_ns);

/* The number of the newest record; 0: there is none. */
uint64_t journal_last(const struct journal *);

/* Every number of this run is at least this one, and none of an earlier run is. */
uint64_t journal_run_first(const struct journal *);

/* The newest number that the sync policy lets go out. */
uint64_t journal_publishable(const struct journal *);

/* What it is like at this moment. */
struct journal_state {
        uint64_t bytes;   /* of all segments */
        uint64_t held;    /* records in memory because the disk refuses them */
        uint64_t waiting; /* records that are not published: see journal_look */
};

/*
 * Before anything is known of the cursor only the numbers of this run count as waiting.
 * Those of an earlier run are counted once its segment was read, one segment a call (at
 * most segment_bytes); until then they are missing in `waiting`.
 */
void journal_look(struct journal *, struct journal_state *);

/* Redis has everything up to this one (backwards too). */
void journal_published(struct journal *, uint64_t sequence);

/*
 * The first record after `sequence` that is held in memory because it could not be
 * written. Valid until the next call with this journal. False: there is none.
 */
bool journal_held(const struct journal *, uint64_t sequence, uint64_t *found,
                  struct slice *payload);

#endif
