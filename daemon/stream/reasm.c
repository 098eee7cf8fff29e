/* SPDX-License-Identifier: MIT */
#include "stream/reasm.h"

#include "base/check.h"

static int64_t end_of(const struct reasm_piece *piece)
{
        return piece->offset + piece->len;
}

/* Puts a copy of `bytes` behind `before` (NULL: first). False at a cap. */
static bool insert(struct reasm *r, struct blocks *blocks,
                   const struct reasm_limits *limits, struct reasm_piece *before,
                   const struct reasm_segment *segment, int64_t offset,
                   struct slice bytes)
{
        size_t room;

        if (r->pieces >= limits->pieces || r->bytes + bytes.len > limits->bytes)
                return false;
        struct reasm_piece *piece =
            blocks_take(blocks, sizeof(*piece) + bytes.len, &room);
        if (!piece)
                return false;
        *piece = (struct reasm_piece){
                .next = before ? before->next : r->first,
                .before = before,
                .offset = offset,
                .heard = segment->heard,
                .time_ns = segment->time_ns,
                .len = (uint32_t)bytes.len,
                .room = (uint32_t)room,
                .starts_segment = offset == segment->offset,
        };
        memcpy(piece->data, bytes.data, bytes.len);
        *(before ? &before->next : &r->first) = piece;
        *(piece->next ? &piece->next->before : &r->last) = piece;
        r->bytes += piece->len;
        r->pieces++;
        return true;
}

/* Does the held piece differ from the segment where they overlap? */
static bool conflicts(const struct reasm_piece *piece,
                      const struct reasm_segment *segment)
{
        int64_t from = segment->offset > piece->offset ? segment->offset : piece->offset;
        int64_t to = segment->offset + (int64_t)segment->bytes.len;

        if (to > end_of(piece))
                to = end_of(piece);
        return to > from && memcmp(piece->data + (from - piece->offset),
                                   segment->bytes.data + (from - segment->offset),
                                   (size_t)(to - from)) != 0;
}

enum reasm_result reasm_hold(struct reasm *r, struct blocks *blocks,
                             const struct reasm_limits *limits,
                             const struct reasm_segment *segment,
                             struct counters *counters)
{
        int64_t at = segment->offset, end = at + (int64_t)segment->bytes.len;
        struct reasm_piece *before = r->last;
        bool overlap = false, conflict = false, new = false, full = false;

        while (before && before->offset > at)
                before = before->before;
        while (at < end && !full) {
                struct reasm_piece *after = before ? before->next : r->first;
                if (before && at < end_of(before)) {
                        overlap = true;
                        conflict |= conflicts(before, segment);
                        at = end_of(before);
                }
                int64_t to = after && after->offset < end ? after->offset : end;
                if (to > at) {
                        struct slice bytes = { segment->bytes.data +
                                                   (at - segment->offset),
                                               (size_t)(to - at) };
                        full = !insert(r, blocks, limits, before, segment, at, bytes);
                        new |= !full;
                        at = to;
                }
                before = after;
                if (!after)
                        break;
        }
        counters->segments_overlapping += overlap;
        counters->segments_conflicting += conflict;
        return full ? REASM_FULL : new ? REASM_HELD : REASM_DUPLICATE;
}

struct reasm_piece *reasm_take_first(struct reasm *r)
{
        struct reasm_piece *piece = r->first;

        CHECK(piece);
        r->first = piece->next;
        *(piece->next ? &piece->next->before : &r->last) = NULL;
        r->bytes -= piece->len;
        r->pieces--;
        return piece;
}

void reasm_piece_free(struct blocks *blocks, struct reasm_piece *piece)
{
        blocks_give(blocks, piece, piece->room);
}

void reasm_clear(struct reasm *r, struct blocks *blocks)
{
        while (r->first)
                reasm_piece_free(blocks, reasm_take_first(r));
}
