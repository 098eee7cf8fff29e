/* SPDX-License-Identifier: MIT */
/*
 * reasm - what one direction of a TCP connection holds back.
 *
 * Segments that cannot be delivered yet wait here, in order, each byte once:
 *
 *            next             hole              held
 *       -------+- - - - - - - - - - - - - - +==============+
 *
 * The first copy of a byte wins; a later copy that differs is counted. Positions
 * are offsets: 64-bit distances from the first byte of the direction, so that
 * sequence numbers may wrap as they like.
 *
 * Owns the bytes it holds, nothing else. Keeps no timer, reads no clock, calls
 * nobody: flow.c decides what is delivered and when a hole is given up.
 * Cost: O(k) for k held pieces, from the end for what belongs there; k is capped.
 */
#ifndef STREAM_REASM_H
#define STREAM_REASM_H

#include "base/blocks.h"
#include "base/counters.h"

struct reasm_limits {
        uint32_t bytes;  /* held for one direction */
        uint32_t pieces; /* the same */
};

/* One run of bytes, cut from one segment. */
struct reasm_piece {
        struct reasm_piece *next, *before;
        int64_t offset;
        int64_t heard;   /* what its sender had received from the peer by then */
        int64_t time_ns; /* of its packet */
        uint32_t len;
        uint32_t room; /* of the block that this lies in */
        bool starts_segment;
        uint8_t data[];
};

struct reasm {
        struct reasm_piece *first, *last;
        uint32_t bytes, pieces;
};

enum reasm_result {
        REASM_HELD,      /* all of it that was new */
        REASM_DUPLICATE, /* nothing was new */
        REASM_FULL,      /* a cap was reached: the rest was not taken */
};

struct reasm_segment {
        int64_t offset, heard, time_ns;
        struct slice bytes; /* borrowed for the call, copied */
};

/* Holds what is new in a segment. */
enum reasm_result reasm_hold(struct reasm *, struct blocks *, const struct reasm_limits *,
                             const struct reasm_segment *, struct counters *);

/* Takes the first piece out; the caller gives it back with reasm_piece_free. */
struct reasm_piece *reasm_take_first(struct reasm *);
void reasm_piece_free(struct blocks *, struct reasm_piece *);
void reasm_clear(struct reasm *, struct blocks *);

#endif
