/* SPDX-License-Identifier: MIT */
#include "detect/views.h"

#include "base/huge.h"
#include "detect/bloom.h"
#include "detect/transfer.h"

#include <string.h>

#define WIDTH_MIN  64
#define PLACES_MIN 1024
#define DAYS       8
#define DAY_NS     (24 * 3600 * NS_PER_SEC)
#define TOP_PART   1000

static size_t columns_size(const struct views *v)
{
        return (size_t)v->width * VIEWS_ROWS * sizeof(*v->columns);
}

bool views_init(struct views *v, uint64_t bytes, bool days, struct counters *counters)
{
        uint64_t counting = days ? bytes / 2 : bytes;
        uint64_t width = counting / (sizeof(*v->columns) * VIEWS_ROWS);

        *v = (struct views){
                .counters = counters, .now_ns = -1, .began_ns = -1, .top = UINT32_MAX
        };
        v->width = width < WIDTH_MIN    ? WIDTH_MIN
                   : width > UINT32_MAX ? UINT32_MAX
                                        : (uint32_t)width;
        v->columns = huge_take(columns_size(v));
        if (days) {
                v->day_places = bytes / 2 < PLACES_MIN ? PLACES_MIN : bytes / 2;
                v->days = huge_take(v->day_places);
        }
        return v->columns && (v->days || !days);
}

void views_free(struct views *v)
{
        huge_give(v->columns, columns_size(v));
        huge_give(v->days, v->day_places);
        *v = (struct views){ 0 };
}

void views_transfer(struct views *v, struct transfer *t)
{
        static const char *const why = "limits.detect was another";

        transfer_same(t, v->width, why);
        transfer_same(t, v->day_places, why);
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
        transfer_bytes(t, v->days, v->day_places);
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

static void advance_slices(struct views *v, int64_t slice)
{
        if (slice == v->slice)
                return;
        v->top = slice == v->slice + 1 ? top_of(v) : UINT32_MAX;
        for (int64_t s = v->slice + 1; s <= slice && s <= v->slice + VIEWS_SLICES; s++)
                forget_slice(v, slice - (s - v->slice - 1));
        v->slice = slice;
        v->slice_views = v->targets = 0;
        memset(v->histogram, 0, sizeof(v->histogram));
}

static void advance_days(struct views *v, int64_t day)
{
        uint8_t keep = 0xff;

        if (day == v->day)
                return;
        for (int64_t d = 0; d < DAYS && d < day - v->day; d++)
                keep &= (uint8_t) ~(1U << (day - d) % DAYS);
        for (size_t i = 0; i < v->day_places; i++)
                v->days[i] &= keep;
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

/* ---- when last ---- */

static uint8_t days_of(const struct views *v, uint64_t target)
{
        struct bloom_walk w = bloom_begin(target);
        uint8_t days = 0xff;

        for (unsigned i = 0; days && i < BLOOM_HASHES; i++)
                days &= v->days[bloom_next(&w, v->day_places)];
        return days;
}

static void mark(struct views *v, uint64_t target)
{
        struct bloom_walk w = bloom_begin(target);
        uint8_t today = (uint8_t)(1U << v->day % DAYS);

        if (days_of(v, target) & today)
                return;
        for (unsigned i = 0; i < BLOOM_HASHES; i++)
                v->days[bloom_next(&w, v->day_places)] |= today;
        v->counters->cold_saturated +=
            (double)++v->day_targets > (double)v->day_places / VIEWS_PER_DAY;
}

enum coldness views_coldness(const struct views *v, uint64_t target)
{
        if (!v->days || v->began_ns < 0 || v->now_ns - v->began_ns < VIEWS_HISTORY)
                return COLD_UNKNOWN;
        return days_of(v, target) ? COLD_NO : COLD_YES;
}

void views_note(struct views *v, uint64_t target)
{
        count(v, target);
        if (v->days)
                mark(v, target);
}

void views_prefetch(const struct views *v, uint64_t target)
{
        struct found found = find(v, target);
        unsigned slice = (unsigned)(v->slice % VIEWS_SLICES);
        struct bloom_walk w = bloom_begin(target);

        for (unsigned row = 0; row < VIEWS_ROWS; row++)
                __builtin_prefetch(&found.column[row][slice], 1);
        for (unsigned i = 0; v->days && i < BLOOM_HASHES; i++)
                __builtin_prefetch(&v->days[bloom_next(&w, v->day_places)], 1);
}
