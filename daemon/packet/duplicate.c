/* SPDX-License-Identifier: MIT */
#include "packet/duplicate.h"

enum { WINDOW_US = DUPLICATE_WINDOW / 1000 };

_Static_assert((DUPLICATE_SLOTS & (DUPLICATE_SLOTS - 1)) == 0, "taken by a mask");

/* All that a copy shares with its original, in 64 bits of which each depends on each. */
static uint64_t mark_of(const struct duplicates *d, const struct segment *s,
                        uint32_t flow)
{
        uint64_t numbers = (uint64_t)s->seq << 32 | s->ack;
        uint64_t rest = (uint64_t)s->identification << 48 | (uint64_t)s->checksum << 32 |
                        (uint64_t)s->window << 16 | s->source_port;

        rest ^= (uint64_t)s->flags << 40 ^ (uint64_t)s->length << 20 ^ flow;
        uint64_t x = (numbers ^ d->key.k0) * 0x9e3779b97f4a7c15ULL;
        x = (x ^ x >> 32 ^ rest ^ d->key.k1) * 0xbf58476d1ce4e5b9ULL;
        return x ^ x >> 29;
}

static uint32_t time_us(int64_t time_ns)
{
        return (uint32_t)(time_ns / 1000);
}

void duplicate_init(struct duplicates *d, struct hash_key key)
{
        *d = (struct duplicates){ .key = key };
}

void duplicate_note(struct duplicates *d, const struct segment *segment, uint32_t flow,
                    int64_t time_ns)
{
        uint64_t mark = mark_of(d, segment, flow);
        size_t slot = (mark >> 32) & (DUPLICATE_SLOTS - 1);

        d->notes[slot].mark = (uint32_t)mark;
        d->notes[slot].time_us = time_us(time_ns);
}

bool duplicate_is_known(const struct duplicates *d, const struct segment *segment,
                        uint32_t flow, int64_t time_ns)
{
        uint64_t mark = mark_of(d, segment, flow);
        size_t slot = (mark >> 32) & (DUPLICATE_SLOTS - 1);

        return d->notes[slot].mark == (uint32_t)mark &&
               time_us(time_ns) - d->notes[slot].time_us <= WINDOW_US;
}
