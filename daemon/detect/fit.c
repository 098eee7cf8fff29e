/* SPDX-License-Identifier: MIT */
#include "detect/fit.h"

#include "base/huge.h"
#include "detect/bloom.h"
#include "detect/transfer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DAY_NS       (24 * 3600 * NS_PER_SEC)
#define KEEP         0.875 /* of a day's weight, the day after */
#define BITS_A_VALUE 15
#define BYTES_MIN    4096

static size_t entries_size(const struct fit *f)
{
        return (size_t)f->sets * FIT_WAYS * sizeof(*f->entries);
}

bool fit_init(struct fit *f, uint64_t bytes, struct counters *counters)
{
        if (bytes < BYTES_MIN)
                bytes = BYTES_MIN;
        if (bytes > UINT64_C(1) << 34)
                bytes = UINT64_C(1) << 34;
        *f = (struct fit){ .counters = counters, .began_ns = -1, .now_ns = -1 };
        f->sets = (uint32_t)(bytes / 2 / (FIT_WAYS * sizeof(*f->entries)));
        f->bits = bytes / 2 * 8;
        f->entries = huge_take(entries_size(f));
        f->counted = huge_take(f->bits / 8);
        f->seen = calloc(FIT_SEEN, sizeof(*f->seen));
        return f->entries && f->counted && f->seen;
}

void fit_free(struct fit *f)
{
        huge_give(f->entries, entries_size(f));
        huge_give(f->counted, f->bits / 8);
        free(f->seen);
        *f = (struct fit){ 0 };
}

void fit_transfer(struct fit *f, struct transfer *t)
{
        static const char *const why = "limits.detect was another";

        transfer_same(t, f->sets, why);
        transfer_same(t, f->bits, why);
        TRANSFER(t, f->counted_today);
        TRANSFER(t, f->began_ns);
        TRANSFER(t, f->now_ns);
        TRANSFER(t, f->day);
        transfer_bytes(t, f->entries, entries_size(f));
        transfer_bytes(t, f->counted, f->bits / 8);
}

void fit_advance(struct fit *f, int64_t now_ns)
{
        if (f->began_ns < 0)
                f->began_ns = now_ns;
        if (now_ns <= f->now_ns)
                return;
        f->now_ns = now_ns;
        if (now_ns / DAY_NS == f->day)
                return;
        f->day = (uint32_t)(now_ns / DAY_NS);
        memset(f->counted, 0, f->bits / 8);
        memset(f->seen, 0, FIT_SEEN * sizeof(*f->seen));
        f->counted_today = 0;
}

/* ---- what is counted: all visitors of a family, and those with one shape ---- */

struct names {
        uint64_t all, one;
};

static struct names names_of_shape(const struct fit_sight *s)
{
        uint64_t all = hash_mix(hash_mix(s->family, s->page), 1);

        return (struct names){ all, hash_mix(all, s->shape) };
}

static struct names names_of_ja4(const struct fit_sight *s)
{
        uint64_t all = hash_mix(s->family, 2);

        return (struct names){ all, hash_mix(all, s->ja4) };
}

static struct fit_entry *set_of(const struct fit *f, uint64_t key)
{
        return &f->entries[(size_t)((unsigned __int128)key * f->sets >> 64) * FIT_WAYS];
}

static double visitors_of(const struct fit *f, const struct fit_entry *e)
{
        return e->day == f->day ? e->visitors
                                : e->visitors * pow(KEEP, (double)(f->day - e->day));
}

/* Of today and, with less weight, of the days before. */
static double visitors(const struct fit *f, uint64_t key)
{
        const struct fit_entry *set = set_of(f, key);

        for (unsigned i = 0; i < FIT_WAYS; i++)
                if (set[i].key == key)
                        return visitors_of(f, &set[i]);
        return 0;
}

static struct fit_entry *take(struct fit *f, uint64_t key)
{
        struct fit_entry *set = set_of(f, key), *rarest = set;

        for (unsigned i = 0; i < FIT_WAYS; i++) {
                if (set[i].key == key)
                        return &set[i];
                if (visitors_of(f, &set[i]) < visitors_of(f, rarest))
                        rarest = &set[i];
        }
        f->counters->fit_evicted += rarest->key != 0;
        *rarest = (struct fit_entry){ key, 0, f->day };
        return rarest;
}

static uint64_t counted_as(uint64_t key, uint64_t visitor)
{
        return hash_mix(key, visitor);
}

static uint64_t *seen_of(const struct fit *f, uint64_t value)
{
        return &f->seen[value % FIT_SEEN];
}

/* A visitor makes one request after the other: whom the filter knew is remembered. */
static bool is_counted(const struct fit *f, uint64_t key, uint64_t visitor)
{
        uint64_t value = counted_as(key, visitor), *seen = seen_of(f, value);

        if (*seen == value)
                return true;
        if (!bloom_has(f->counted, f->bits, value))
                return false;
        *seen = value;
        return true;
}

static void count(struct fit *f, uint64_t key, uint64_t visitor)
{
        if (is_counted(f, key, visitor))
                return;
        struct fit_entry *e = take(f, key);
        e->visitors = (float)visitors_of(f, e) + 1;
        e->day = f->day;
        bloom_put(f->counted, f->bits, counted_as(key, visitor));
        f->counters->fit_saturated += ++f->counted_today > f->bits / BITS_A_VALUE;
}

/* Others than the visitor itself. */
static double others(const struct fit *f, uint64_t key, uint64_t visitor)
{
        double all = visitors(f, key);

        return fmax(0, all - is_counted(f, key, visitor));
}

static double fit_of(const struct fit *f, struct names names, uint64_t visitor)
{
        double all = others(f, names.all, visitor), one = others(f, names.one, visitor);

        return fmin(0, log2((one + 0.5) / (all + 1)));
}

double fit_value(const struct fit *f, const struct fit_sight *s)
{
        if (s->family == 0 || s->shape == 0 || f->began_ns < 0 ||
            f->now_ns - f->began_ns < FIT_HISTORY)
                return NAN;
        double fit = fit_of(f, names_of_shape(s), s->visitor);
        return s->ja4 ? fmin(fit, fit_of(f, names_of_ja4(s), s->visitor)) : fit;
}

static void note(struct fit *f, struct names names, uint64_t visitor)
{
        count(f, names.all, visitor);
        count(f, names.one, visitor);
}

void fit_note(struct fit *f, const struct fit_sight *s)
{
        if (s->family == 0 || s->shape == 0)
                return;
        note(f, names_of_shape(s), s->visitor);
        if (s->ja4)
                note(f, names_of_ja4(s), s->visitor);
}
