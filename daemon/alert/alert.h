/* SPDX-License-Identifier: MIT */
/*
 * alert - one event of an incident, flattened for the journal and for Redis.
 *
 * What the publisher needs lies beside the JSON, so that nobody has to parse
 * that again. All texts are borrowed: from the buffer they were decoded from,
 * or from the reply they came in.
 *
 * The bytes of alert_encode are the payload of a journal record: a version
 * byte, then integers in little-endian order and texts with their length before
 * them. alert_decode trusts none of them.
 */
#ifndef ALERT_ALERT_H
#define ALERT_ALERT_H

#include "base/buf.h"
#include "detect/incident.h"

#define ALERT_BLOCKS_MAX 1024 /* blocks that one alert may put */

/* One block, as it stands under {prefix}:block:TYPE:VALUE. */
struct block {
        struct slice type, value; /* type: ip, prefix, session, account, ja4, shape */
        struct slice rule, id, why;
        int64_t since_ns, until_ns;
        uint32_t level;
};

struct alert {
        uint64_t sequence;      /* journal number; not part of the encoded bytes */
        struct slice stream_id; /* of the Redis stream it was read from, else none */
        struct slice sensor;    /* likewise */
        struct slice id;
        struct slice action; /* raised, updated, ended */
        uint32_t n;
        int64_t time_ns;
        enum severity severity;
        struct slice rule, subject_type, subject;
        struct slice json; /* one line, without the newline */
        struct slice why;  /* what its blocks say: the rule's description */
        /* New blocks to put; encoded form, read with alert_block_next. */
        uint32_t block_count;
        struct slice blocks;
        /* What a restart goes on from; false: it was written before there was any. */
        bool has_rest;
        bool dry_run;
        struct slice group;
        int64_t start_ns, last_ns;
        uint64_t served_targets, served_bytes;
        /* Blocks that are running still; read with alert_named_next. */
        uint32_t named_count;
        struct slice named;
};

/* A walk over the alerts of a journal or a stream; false stops it. */
typedef bool alert_fn(void *context, const struct alert *);

/* Appends the payload. `json` is what alert_json made of the same incident. */
void alert_encode(struct buf *out, const struct incident *, struct slice json);

/* False when the bytes are not a payload of this version. */
bool alert_decode(struct slice payload, struct alert *);

/* Takes the next block off alert->blocks. False when there is none. */
bool alert_block_next(struct alert *, struct block *);

/* Takes the next block off alert->named: its type and its value, nothing else of it is
   given. False when there is none. */
bool alert_named_next(struct alert *, struct block *);

/* The value of the block key: {"rule":…,"id":…,"since":…,"until":…,"level":…,"why":…} */
void block_json(const struct block *, struct buf *out);

/*
 * What the channel is told when a person changes a block, as an alert without a rule:
 * `action` is blocked or unblocked.
 */
void block_change_json(const struct block *, const char *action, struct buf *out);

#endif
