/* SPDX-License-Identifier: MIT */
/*
 * Pieces of eight packets, in any order and overlapping as they like. What comes out
 * whole must be what a plain array says, when no piece contradicted another.
 *
 * A piece is written as: packet and flags, offset in eights, length, time in
 * milliseconds, then its bytes.
 */
#include "packet/fragment.h"
#include "base/check.h"
#include "base/clock.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PACKETS = 8, LONGEST = 255 * 8 + 255, BUDGET = 64 << 10 };

/* The first bytes that came for each place, as long as the packet waits. */
static uint8_t seen[PACKETS][LONGEST];

static void note(const struct fragment *piece)
{
        memcpy(seen[piece->identification] + piece->offset, piece->bytes.data,
               piece->bytes.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct counters counters = { 0 };
        struct fragments *fragments = fragment_new(BUDGET, hash_key_fixed(), &counters);
        int64_t now_ns = 0;

        CHECK(fragments);
        while (size >= 4) {
                size_t len = data[2] < size - 4 ? data[2] : size - 4;
                struct fragment whole, piece = {
                        .identification = data[0] % PACKETS,
                        .is_last = data[0] & 8,
                        .is_ipv6 = data[0] & 16,
                        .protocol = data[0] & 32 ? 17 : 6,
                        .offset = data[1] * 8U,
                        .length = (uint32_t)len + (data[0] & 64 ? 8 : 0),
                        .bytes = slice_of(data + 4, len),
                };
                uint64_t bad =
                    counters.fragments_overlapping + counters.fragments_malformed;
                now_ns += data[3] * NS_PER_MS * (data[0] & 128 ? 100 : 1);
                /* One family and one protocol of each is compared. */
                bool compared = !piece.is_ipv6 && piece.protocol == 6;
                bool complete = fragment_put(fragments, &piece, now_ns, &whole);
                CHECK(fragment_memory(fragments) <= BUDGET);
                if (compared &&
                    bad == counters.fragments_overlapping + counters.fragments_malformed)
                        note(&piece);
                if (complete) {
                        CHECK(whole.length == whole.bytes.len && whole.length > 0);
                        CHECK(whole.identification == piece.identification);
                        if (compared)
                                CHECK(memcmp(whole.bytes.data, seen[whole.identification],
                                             whole.length) == 0);
                        static const struct frame_options options = { .verify = true };
                        union frame frame;
                        frame_resume(&whole, &options, &frame);
                }
                data += 4 + len;
                size -= 4 + len;
        }
        fragment_finish(fragments);
        CHECK(fragment_count(fragments) == 0 && fragment_memory(fragments) == 0);
        fragment_free(&fragments);
        return 0;
}
