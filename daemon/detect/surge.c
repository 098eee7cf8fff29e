/* SPDX-License-Identifier: MIT */
#include "detect/surge.h"

#include "base/clock.h"

#include <math.h>
#include <stdlib.h>

#define HOUR_NS          (3600 * NS_PER_SEC)
#define DAY_SECONDS      86400.0
#define LATE_NS          (600 * NS_PER_SEC)
#define DEAD_SHARE       0.05
#define DEAD_MIN         1.0
#define DEAD_MAX         20.0
#define WEEK_SECONDS     (7 * DAY_SECONDS)
#define MEMORY_SECONDS   WEEK_SECONDS
#define MEMORY_ARRIVALS  512.0
#define SILENCE_ARRIVALS 16.0
#define YOUNG_ARRIVALS   64.0F
#define SUSPECT_GROWTH   1.5
#define TABLE_ARRIVALS   65536.0 /* of all keys; at so many the older half is forgotten */
#define DAYS_KEPT        7.0
#define WEEKS_KEPT       4.0
#define OUTSTANDING      1.5  /* times what three of four hours or days do not exceed */
#define EVEN_ARRIVALS    16.0 /* that an even day or week is worth, in each hour or day */

/* ---- the hours of the week ---- */

static int compare(const void *a, const void *b)
{
        double x = *(const double *)a, y = *(const double *)b;

        return (x > y) - (x < y);
}

/* The rate that three of four cells do not exceed. */
static double upper_quartile(const struct surge_cell *cells, unsigned count)
{
        double rates[24];
        size_t known = 0;

        for (unsigned i = 0; i < count; i++)
                if (cells[i].times > 0)
                        rates[known++] = cells[i].arrivals / cells[i].times;
        if (known == 0)
                return 0;
        qsort(rates, known, sizeof(*rates), compare);
        return rates[(known - 1) * 3 / 4];
}

/* How busy each is against the mean of all. */
static void speeds_of(const struct surge_cell *cells, unsigned count, double *speeds)
{
        double quartile = upper_quartile(cells, count), arrivals = 0, times = 0;

        for (unsigned i = 0; i < count; i++) {
                const struct surge_cell *c = &cells[i];
                /* One that stands out cannot make all the others look quiet. */
                speeds[i] = quartile > 0
                                ? fmin(c->arrivals, OUTSTANDING * quartile * c->times)
                                : c->arrivals;
                arrivals += speeds[i];
                times += c->times;
        }
        for (unsigned i = 0; i < count; i++) {
                double even = times > 0 ? arrivals / times * cells[i].times : 0;
                speeds[i] = (speeds[i] + EVEN_ARRIVALS) / (even + EVEN_ARRIVALS);
        }
}

static void set_speeds(struct surge_week *w)
{
        double hours[24], days[7], sum = 0;

        speeds_of(w->hours, 24, hours);
        speeds_of(w->days, 7, days);
        for (int i = 0; i < 168; i++)
                sum += days[i / 24] * hours[i % 24];
        for (int i = 0; i < 168; i++)
                w->begin[i + 1] =
                    w->begin[i] + WEEK_SECONDS / sum * days[i / 24] * hours[i % 24];
}

static void fade_and_add(struct surge_cell *c, double kept, double arrivals, double times)
{
        c->arrivals = c->arrivals * (1 - 1 / kept) + arrivals;
        c->times = c->times * (1 - 1 / kept) + times;
}

static void end_hour(struct surge_week *w, int64_t hour, double arrivals)
{
        fade_and_add(&w->hours[hour % 24], DAYS_KEPT, arrivals, 1);
        w->today.arrivals += arrivals;
        w->today.times += 1.0 / 24;
        if (hour % 24 < 23)
                return;
        /* Of a day that was half seen, nobody knows which half. */
        if (w->today.times > 0.99)
                fade_and_add(&w->days[hour / 24 % 7], WEEKS_KEPT, w->today.arrivals, 1);
        w->today = (struct surge_cell){ 0, 0 };
}

static void begin_hour(struct surge_week *w, int64_t hour)
{
        int64_t passed = hour - w->hour;

        if (w->hour && (passed == 0 || passed == -1))
                return;
        /* A table that is silent for a day was not looked at; for hours: it was night. */
        bool goes_on = w->hour && passed > 0 && passed <= 24;
        if (goes_on && w->is_whole)
                end_hour(w, w->hour, w->arrivals);
        for (int64_t h = w->hour + 1; goes_on && h < hour; h++)
                end_hour(w, h, 0);
        if (!goes_on)
                w->today = (struct surge_cell){ 0, 0 };
        w->is_whole = goes_on;
        w->hour = hour;
        w->arrivals = 0;
        set_speeds(w);
}

/* Seconds as they would pass if every hour were as busy as the mean one. */
static double usual_clock(const struct surge_week *w, int64_t time_ns)
{
        int64_t hour = time_ns / HOUR_NS, of_week = hour % 168;
        double part = (double)(time_ns % HOUR_NS) / (double)HOUR_NS;

        return (double)(hour / 168) * WEEK_SECONDS + w->begin[of_week] +
               part * (w->begin[of_week + 1] - w->begin[of_week]);
}

/* ---- one key ---- */

struct belief {
        double arrivals, seconds; /* gamma; the rate is their quotient */
};

/* False while nothing at all is known. */
static bool believe(const struct surge_usual *u, const struct surge *s, struct belief *b)
{
        *b = (struct belief){ (double)s->arrivals, s->seconds };
        if (u->arrivals > 0) {
                b->arrivals += SURGE_PRIOR;
                b->seconds += SURGE_PRIOR * u->seconds / u->arrivals;
        }
        return b->seconds > 0;
}

static double dead_seconds(const struct belief *b)
{
        double share = DEAD_SHARE * b->seconds / b->arrivals;

        return fmin(fmax(share, DEAD_MIN), DEAD_MAX);
}

/*
 * Returns how many arrivals it was taken for. A young key learns all: it may be one of
 * those that are busier than most, and an attack is told by the table's rate.
 */
static double learn(struct surge_usual *u, struct surge *s, const struct belief *b,
                    double t)
{
        double gap = b->seconds > 0 ? b->seconds / b->arrivals : t;
        double seconds = fmin(t, SILENCE_ARRIVALS * gap);
        double fade = exp(-seconds / fmax(MEMORY_SECONDS, MEMORY_ARRIVALS * gap));
        double arrivals =
            s->cusum >= SURGE_SUSPECT ? fmin(1, SUSPECT_GROWTH * seconds / gap) : 1;

        s->arrivals =
            (float)(s->arrivals * fade + (s->arrivals < YOUNG_ARRIVALS ? 1 : arrivals));
        s->seconds = s->seconds * fade + seconds;
        if (u->arrivals >= TABLE_ARRIVALS) {
                u->arrivals /= 2;
                u->seconds /= 2;
        }
        u->arrivals += arrivals;
        u->seconds += seconds;
        return arrivals;
}

static void move(struct surge *s, const struct belief *b, double ratio, double t)
{
        double later = log1p((ratio - 1) * t / (b->seconds + t));

        s->cusum = (float)fmin(
            fmax(s->cusum - b->arrivals * later, 0) + log(ratio) - later, SURGE_MAX);
}

void surge_add(struct surge_usual *u, struct surge *s, double ratio, int64_t time_ns)
{
        struct belief b;

        begin_hour(&u->week, time_ns / HOUR_NS);
        if (u->first_ns == 0 || time_ns < u->first_ns)
                u->first_ns = time_ns;
        if (s->last_ns == 0 || time_ns < s->last_ns - LATE_NS) {
                u->week.arrivals += s->last_ns == 0;
                s->last_ns = time_ns;
                return;
        }
        double dead = believe(u, s, &b) ? dead_seconds(&b) : DEAD_MAX;
        int64_t alive_ns = s->last_ns + (int64_t)(dead * (double)NS_PER_SEC);
        if (time_ns < alive_ns)
                return;
        double t = usual_clock(&u->week, time_ns) - usual_clock(&u->week, alive_ns);
        if ((double)(time_ns - s->last_ns) > DAY_SECONDS * (double)NS_PER_SEC)
                s->cusum = 0;
        s->last_ns = time_ns;
        if (u->is_known)
                move(s, &b, ratio, t);
        u->week.arrivals += learn(u, s, &b, t);
        u->is_known |= u->arrivals >= SURGE_BASIS && u->seconds > 0 &&
                       time_ns - u->first_ns >= HOUR_NS;
}

double surge_value(const struct surge_usual *u, const struct surge *s)
{
        return u->is_known ? (double)s->cusum : (double)NAN;
}
