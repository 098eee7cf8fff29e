/* SPDX-License-Identifier: MIT */
/*
 * block_limit - how many blocks may be put: the circuit breaker of a rule gone wrong.
 *
 * Two limits, each of which may be off:
 *
 *   per_minute   blocks put within the last 60 seconds
 *   share        blocks that run and were put within the last hour, against the different
 *                visitors (client.host) that were seen within the last hour. Looked at
 *                from LIMIT_VISITORS visitors on: of three a share says nothing.
 *
 * Both sides of the share are of one hour, so that long blocks, whose visitors are seen
 * no more because they work, do not add up over days. A block counts as one visitor,
 * whatever it is put on and however many a network or a fingerprint holds; a subject that
 * two rules block counts twice, one that is blocked again does not, once its block is
 * over. What people put by hand, and other sensors, is not counted.
 *
 *      allows: no ---- open --- (a minute without such an answer) ---- closed
 *                       '---- no again
 *
 * While it is open blocks are put as soon as the limits let them: a flood of attackers
 * does not keep the breaker from those that may still be put.
 *
 * Times are those of packets and never go back; it reads no clock. Seconds are whole
 * ones: a block is in the minute for 59 to 60 s, and counts as running up to 1 s too
 * long. Visitors are those of 52 to 60 minutes, within 2.3 % (sketch.h).
 *
 * All of it is plain memory, 23 KiB, and part of a snapshot. Cost: a hash of the visitor
 * and 2 ns more for a transaction, 17 ns in all, where a rule blocks and there is a limit
 * to the share.
 */
#ifndef DETECT_BLOCK_LIMIT_H
#define DETECT_BLOCK_LIMIT_H

#include "detect/sketch.h"

#include <stdbool.h>

#define LIMIT_VISITORS 200
#define LIMIT_MINUTE   60
#define LIMIT_HOUR     3600

struct block_limits {
        uint64_t per_minute; /* 0: no limit */
        double share;        /* 0 to 1; 0: no limit */
};

struct block_limit {
        int64_t second;                /* that the two rings were brought to */
        uint32_t put[LIMIT_MINUTE];    /* blocks, by the second in which they were put */
        uint32_t over[LIMIT_HOUR + 2]; /* by the second from which they do not count */
        uint32_t minute, running;      /* sums of the two */
        int64_t pane;                  /* of the visitors */
        struct sketch visitors;
        uint32_t words[SKETCH_REGISTERS];
        int64_t closes_ns; /* INT64_MAX: it is closed */
        int64_t told_ns;   /* the caller's: when it last said that it is open */
        uint64_t refused;  /* since it opened */
};

/* The memory is all zeroes. */
void block_limit_init(struct block_limit *);

/* A visitor is seen: the keyed hash of its host. */
void block_limit_visitor(struct block_limit *, uint64_t hash, int64_t now_ns);

/* Whether one more block may be put; a no opens it, or keeps it open. */
bool block_limit_allows(struct block_limit *, const struct block_limits *,
                        int64_t now_ns);

/* A block was put that runs until then. */
void block_limit_put(struct block_limit *, int64_t now_ns, int64_t until_ns);

static inline bool block_limit_is_open(const struct block_limit *l)
{
        return l->closes_ns != INT64_MAX;
}

/* The minute without a no is over at `closes_ns`. */
void block_limit_close(struct block_limit *);

/* What is counted at `now_ns`. */
struct block_count {
        double minute, running, visitors;
};

struct block_count block_limit_count(struct block_limit *, int64_t now_ns);

#endif
