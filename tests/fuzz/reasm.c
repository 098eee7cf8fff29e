/* SPDX-License-Identifier: MIT */
/*
 * Segments of one direction against a model that keeps every byte at its place. The
 * first byte of the input chooses the limits, the second how far from zero all offsets
 * lie. Then operations: 0x80 and more takes the first piece out; else a segment follows
 * as low bits of its offset, its offset in eights, a length, and its bytes.
 */
#include "stream/reasm.h"

#include "base/bytes.h"
#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PLACES = 255 * 8 + 7 + 255, BUDGET = 1 << 13 };

/* What is held at each place, and the segment that brought it (0: nothing). */
static struct {
        uint8_t byte;
        uint32_t segment;
} model[PLACES];

static int64_t base;
static uint32_t held; /* places of the model that are in use */

static int64_t base_of(uint8_t choice)
{
        static const int64_t bases[] = { 0, -1024, INT32_MAX - 1024,
                                         (int64_t)UINT32_MAX - 1024 };

        return bases[choice % 4];
}

/* What a segment has to give, by the model before it is held. */
struct expected {
        bool fresh, overlap, conflict;
};

static struct expected look(size_t at, struct slice bytes)
{
        struct expected e = { false, false, false };

        for (size_t i = 0; i < bytes.len; i++) {
                bool is_held = model[at + i].segment;
                e.fresh |= !is_held;
                e.overlap |= is_held;
                e.conflict |= is_held && model[at + i].byte != bytes.data[i];
        }
        return e;
}

/* A piece holds what the model says, or what segment `number` brought for a free place.
 */
static void check_piece(const struct reasm_piece *piece, uint32_t number, size_t from,
                        struct slice bytes)
{
        int64_t place = piece->offset - base;

        CHECK(piece->len > 0 && place >= 0 && place + piece->len <= PLACES);
        for (size_t i = 0, at = (size_t)place; i < piece->len; i++, at++) {
                if (!model[at].segment) {
                        CHECK(at >= from && at < from + bytes.len);
                        model[at].byte = bytes.data[at - from];
                        model[at].segment = number;
                        held++;
                }
                CHECK(piece->data[i] == model[at].byte);
                CHECK(piece->time_ns == model[at].segment);
                CHECK(piece->heard == -piece->time_ns);
        }
        if (piece->time_ns == number)
                CHECK(piece->starts_segment == ((size_t)place == from));
}

/* In order, none over another, linked both ways, and as many as is said. */
static void check_all(const struct reasm *r, uint32_t number, size_t from,
                      struct slice bytes)
{
        const struct reasm_piece *before = NULL;
        uint32_t pieces = 0, sum = 0;

        for (const struct reasm_piece *p = r->first; p; before = p, p = p->next) {
                CHECK(p->before == before);
                CHECK(!before || before->offset + before->len <= p->offset);
                check_piece(p, number, from, bytes);
                pieces++;
                sum += p->len;
        }
        CHECK(r->last == before);
        CHECK(r->pieces == pieces && r->bytes == sum && sum == held);
}

/* The first run that was not taken would have broken a limit; nothing behind it came. */
static void check_full(const struct reasm *r, const struct blocks *blocks,
                       const struct reasm_limits *limits, uint32_t number, size_t from,
                       size_t len)
{
        size_t at = 0, run = 0, room = BLOCKS_SIZE_MIN;

        while (at < len && model[from + at].segment)
                at++;
        while (at + run < len && !model[from + at + run].segment)
                run++;
        CHECK(run > 0);
        for (size_t i = at; i < len; i++)
                CHECK(model[from + i].segment != number);
        while (room < sizeof(struct reasm_piece) + run)
                room *= 2;
        CHECK(r->pieces >= limits->pieces || r->bytes + run > limits->bytes ||
              blocks->used + room > blocks->budget);
}

static void hold(struct reasm *r, struct blocks *blocks,
                 const struct reasm_limits *limits, uint32_t number, size_t from,
                 struct slice bytes)
{
        struct counters counters = { 0 };
        struct reasm_segment segment = { base + (int64_t)from, -(int64_t)number, number,
                                         bytes };
        struct expected e = look(from, bytes);
        enum reasm_result result = reasm_hold(r, blocks, limits, &segment, &counters);

        check_all(r, number, from, bytes);
        CHECK(r->pieces <= limits->pieces && r->bytes <= limits->bytes);
        if (result == REASM_FULL) {
                check_full(r, blocks, limits, number, from, bytes.len);
                return;
        }
        CHECK(result == (e.fresh ? REASM_HELD : REASM_DUPLICATE));
        CHECK(counters.segments_overlapping == e.overlap);
        CHECK(counters.segments_conflicting == e.conflict);
        CHECK(!look(from, bytes).fresh);
}

static void take(struct reasm *r, struct blocks *blocks)
{
        if (!r->first)
                return;
        struct reasm_piece *piece = reasm_take_first(r);
        size_t at = (size_t)(piece->offset - base);
        for (size_t i = 0; i < at; i++)
                CHECK(!model[i].segment);
        for (size_t i = 0; i < piece->len; i++)
                model[at + i].segment = 0;
        held -= piece->len;
        reasm_piece_free(blocks, piece);
        check_all(r, UINT32_MAX, 0, slice_none());
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct blocks blocks;
        struct reasm r = { .first = NULL };
        uint32_t number = 0;

        if (size < 2)
                return 0;
        if (!blocks.budget)
                CHECK(blocks_init(&blocks, BUDGET));
        struct reasm_limits limits = { data[0] & 1 ? 512 : PLACES,
                                       data[0] & 2 ? 4 : 1000 };
        base = base_of(data[1]);
        data += 2, size -= 2;
        while (size >= 3) {
                if (data[0] & 0x80) {
                        take(&r, &blocks);
                        data++, size--;
                        continue;
                }
                struct slice bytes =
                    slice_of(data + 3, data[2] < size - 3 ? data[2] : size - 3);
                hold(&r, &blocks, &limits, ++number, data[1] * 8U + (data[0] & 7), bytes);
                data += 3 + bytes.len, size -= 3 + bytes.len;
        }
        while (r.first && (number & 1))
                take(&r, &blocks);
        reasm_clear(&r, &blocks);
        CHECK(blocks.used == 0 && r.bytes == 0 && r.pieces == 0 && !r.last);
        memset(model, 0, sizeof(model));
        held = 0;
        return 0;
}
