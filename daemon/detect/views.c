/* SPDX-License-Identifier: MIT */
#include "detect/views.h"

#include "base/huge.h"
#include "detect/bloom.h"
#include "detect/transfer.h"

#include <string.h>

#define WIDTH_MIN  64
#define PLACES_MIN 1024
#define DAYS       8
#define MARKED     8 /* slices */
#define DAY_NS     (24 * 3600 * NS_PER_SEC)
#define TOP_PART   1000

static size_t columns_size(const struct views *v)
{
        return (size_t)v->width * VIEWS_ROWS * sizeof(*v->columns);
}

static size_t marks_size(const struct views *v)
{
        return v->places * sizeof(*v->marks);
}

static bool make_columns(struct views *v, uint64_t bytes)
{
        uint64_t width = bytes / (sizeof(*v->columns) * VIEWS_ROWS);

        v->width = width < WIDTH_MIN    ? WIDTH_MIN
                   : width > UINT32_MAX ? UINT32_MAX
                                        : (uint32_t)width;
        v->columns = huge_take(columns_size(v));
        return v->columns != NULL;
}

static bool make_marks(struct views *v, uint64_t bytes)
{
        uint64_t places = bytes / sizeof(*v->marks);

        v->places = places < PLACES_MIN ? PLACES_MIN : places;
        v->marks = huge_take(marks_size(v));
        return v->marks != NULL;
}

bool views_init(struct views *v, uint64_t counts, uint64_t marks,
                struct counters *counters)
{
        *v = (struct views){
                .counters = counters, .now_ns = -1, .began_ns = -1, .top = UINT32_MAX
        };
        return (!counts || make_columns(v, counts)) && (!marks || make_marks(v, marks));
}

void views_free(struct views *v)
{
        huge_give(v->columns, columns_size(v));
        huge_give(v->marks, marks_size(v));
        *v = (struct views){ 0 };
}

static void swap_columns(struct views *a, struct views *b)
{
        uint32_t(*columns)[VIEWS_SLICES] = a->columns;
        uint32_t width = a->width;

        a->columns = b->columns;
        a->width = b->width;
        b->columns = columns;
        b->width = width;
}

static void swap_marks(struct views *a, struct views *b)
{
        uint16_t *marks = a->marks;
        size_t places = a->places;

        a->marks = b->marks;
        a->places = b->places;
        b->marks = marks;
        b->places = places;
}

void views_carry(struct views *from, struct views *to)
{
        struct views had = *to;

        if (had.places && from->places != had.places)
                return;
        *to = *from;
        *from = had;
        to->counters = had.counters;
        if (to->places != had.places)
                swap_marks(from, to);
        if (to->width == had.width)
                return;
        swap_columns(from, to);
        to->slice_views = to->targets = 0;
        to->top = UINT32_MAX;
        memset(to->histogram, 0, sizeof(to->histogram));
}

void views_transfer(struct views *v, struct transfer *t)
{
        static const char *const why = "limits.detect was another";

        transfer_same(t, v->width, why);
        transfer_same(t, v->places, why);
        TRANSFER(t, v->now_ns);
        TRANSFER(t, v->began_ns);
        TRANSFER(t, v->slice);
        TRANSFER(t, v->day);
        TRANSFER(t, v->slice_views);
        TRANSFER(t, v->day_targets);
        TRANSFER(t, v->targets);
        TRANSFER(t, v->top);
        TRANSFER(t, v->histogram);
        transfer_bytes(t, v->columns, columns_size(v));
        transfer_bytes(t, v->marks, marks_size(v));
}

/* ---- the histogram of counts: exact to 15, then eight steps an octave ---- */

static unsigned bucket_of(uint32_t count)
{
        unsigned octave;

        if (count < 16)
                return count;
        octave = 31 - (unsigned)__builtin_clz(count);
        return 16 + (octave - 4) * 8 + (count >> (octave - 3) & 7);
}

static uint32_t bucket_last(unsigned bucket)
{
        if (bucket < 16)
                return bucket;
        unsigned octave = 4 + (bucket - 16) / 8;
        uint64_t end = (uint64_t)(8 + (bucket - 16) % 8 + 1) << (octave - 3);
        return (uint32_t)(end - 1);
}

/* The count that at most one target in a thousand exceeds. */
static uint32_t top_of(const struct views *v)
{
        unsigned bucket = VIEWS_BUCKETS - 1;
        uint64_t above = v->histogram[bucket];

        while (bucket > 0 && above <= v->targets / TOP_PART)
                above += v->histogram[--bucket];
        return v->targets ? bucket_last(bucket) : UINT32_MAX;
}

/* ---- time ---- */

static void forget_slice(struct views *v, int64_t slice)
{
        for (size_t i = 0; i < (size_t)v->width * VIEWS_ROWS; i++)
                v->columns[i][slice % VIEWS_SLICES] = 0;
}

static uint16_t day_bit(int64_t day)
{
        return (uint16_t)(1U << day % DAYS);
}

static uint16_t slice_bit(int64_t slice)
{
        return (uint16_t)(1U << (DAYS + slice % MARKED));
}

static void unmark(struct views *v, uint16_t bits)
{
        for (size_t i = 0; i < v->places; i++)
                v->marks[i] &= (uint16_t)~bits;
}

static void advance_slices(struct views *v, int64_t slice)
{
        uint16_t over = 0;

        if (slice == v->slice)
                return;
        v->top = slice == v->slice + 1 ? top_of(v) : UINT32_MAX;
        for (int64_t s = v->slice + 1; s <= slice && s <= v->slice + VIEWS_SLICES; s++)
                forget_slice(v, slice - (s - v->slice - 1));
        for (int64_t s = v->slice + 1; s <= slice && s <= v->slice + MARKED; s++)
                over |= slice_bit(s);
        unmark(v, over);
        v->slice = slice;
        v->slice_views = v->targets = 0;
        memset(v->histogram, 0, sizeof(v->histogram));
}

static void advance_days(struct views *v, int64_t day)
{
        uint16_t over = 0;

        if (day == v->day)
                return;
        for (int64_t d = v->day + 1; d <= day && d <= v->day + DAYS; d++)
                over |= day_bit(d);
        unmark(v, over);
        v->day = day;
        v->day_targets = 0;
}

void views_advance(struct views *v, int64_t now_ns)
{
        if (v->began_ns < 0) {
                v->began_ns = now_ns;
                v->slice = now_ns / VIEWS_SLICE_NS;
                v->day = now_ns / DAY_NS;
        }
        if (now_ns <= v->now_ns)
                return;
        v->now_ns = now_ns;
        advance_slices(v, now_ns / VIEWS_SLICE_NS);
        advance_days(v, now_ns / DAY_NS);
}

/* ---- how often ---- */

struct found {
        uint32_t *column[VIEWS_ROWS];
};

static struct found find(const struct views *v, uint64_t target)
{
        struct found found;
        struct bloom_walk w = bloom_begin(hash_mix(target, 1));

        for (unsigned row = 0; row < VIEWS_ROWS; row++)
                found.column[row] =
                    v->columns[(size_t)row * v->width + bloom_next(&w, v->width)];
        return found;
}

static uint32_t least(const struct found *found, unsigned slice)
{
        uint32_t least = UINT32_MAX;

        for (unsigned row = 0; row < VIEWS_ROWS; row++)
                if (found->column[row][slice] < least)
                        least = found->column[row][slice];
        return least;
}

static void count(struct views *v, uint64_t target)
{
        struct found found = find(v, target);
        unsigned slice = (unsigned)(v->slice % VIEWS_SLICES);
        uint32_t before = least(&found, slice);

        if (before == UINT32_MAX)
                return;
        /* Conservative update: only what is smallest can be true. */
        for (unsigned row = 0; row < VIEWS_ROWS; row++)
                if (found.column[row][slice] == before)
                        found.column[row][slice]++;
        v->counters->views_saturated += ++v->slice_views > v->width;
        if (before)
                v->histogram[bucket_of(before)]--;
        else
                v->targets++;
        v->histogram[bucket_of(before + 1)]++;
}

uint64_t views_count(const struct views *v, uint64_t target)
{
        struct found found = find(v, target);
        uint64_t sum = 0;

        for (unsigned slice = 0; slice < VIEWS_SLICES; slice++)
                sum += least(&found, slice);
        return sum;
}

bool views_is_top(const struct views *v, uint64_t target)
{
        if (v->top == UINT32_MAX)
                return false;
        struct found found = find(v, target);
        return least(&found, (unsigned)(v->slice % VIEWS_SLICES)) > v->top ||
               least(&found, (unsigned)((v->slice - 1) % VIEWS_SLICES)) > v->top;
}

/* ---- when ---- */

static uint16_t marks_of(const struct views *v, uint64_t target)
{
        struct bloom_walk w = bloom_begin(target);
        uint16_t marks = UINT16_MAX;

        for (unsigned i = 0; marks && i < BLOOM_HASHES; i++)
                marks &= v->marks[bloom_next(&w, v->places)];
        return marks;
}

static void mark(struct views *v, uint64_t target)
{
        struct bloom_walk w = bloom_begin(target);
        uint16_t now = day_bit(v->day) | slice_bit(v->slice);
        uint16_t missing = now & (uint16_t)~marks_of(v, target);

        if (!missing)
                return;
        for (unsigned i = 0; i < BLOOM_HASHES; i++)
                v->marks[bloom_next(&w, v->places)] |= now;
        if (missing & day_bit(v->day))
                v->counters->cold_saturated +=
                    (double)++v->day_targets > (double)v->places / VIEWS_PER_DAY;
}

struct recency views_recency(const struct views *v, uint64_t target)
{
        if (!v->marks || v->began_ns < 0 || v->now_ns - v->began_ns < VIEWS_HISTORY)
                return (struct recency){ .cold = COLD_UNKNOWN };
        unsigned marks = marks_of(v, target);
        /* Past what the memory is made for a slice may have what its day has not. */
        if (!(marks & UINT8_MAX))
                return (struct recency){ .cold = COLD_YES };
        return (struct recency){ COLD_NO, (uint8_t)__builtin_popcount(marks) };
}

void views_note(struct views *v, uint64_t target)
{
        if (v->columns)
                count(v, target);
        if (v->marks)
                mark(v, target);
}

static void prefetch_columns(const struct views *v, uint64_t target)
{
        struct found found = find(v, target);
        unsigned slice = (unsigned)(v->slice % VIEWS_SLICES);

        for (unsigned row = 0; row < VIEWS_ROWS; row++)
                __builtin_prefetch(&found.column[row][slice], 1);
}

void views_prefetch(const struct views *v, uint64_t target)
{
        struct bloom_walk w = bloom_begin(target);

        if (v->columns)
                prefetch_columns(v, target);
        for (unsigned i = 0; v->marks && i < BLOOM_HASHES; i++)
                __builtin_prefetch(&v->marks[bloom_next(&w, v->places)], 1);
}
