/* SPDX-License-Identifier: MIT */
#include "detect/synchrony.h"

#include "detect/statistics.h"
#include "detect/table.h"

#include <math.h>
#include <string.h>

#define CHOICES   20.0 /* half octaves in which people's paces are */
#define STRETCH   2.0  /* how much commoner a pace may be in a group of people */
#define SHARE_MIN 0.05
#define MINUTE_NS (60 * NS_PER_SEC)

_Static_assert(sizeof(struct synchrony_members) <= 512, "as the header says");

static struct synchrony_members *members_of(const struct synchrony *s,
                                            const struct budget *budget)
{
        return budget_at(budget, s->members);
}

/* ---- the few, while there is no sample ---- */

/* False when it is one more than they may be. */
static bool is_few(struct synchrony *s, uint32_t name, uint32_t now_ms, uint32_t window)
{
        if (now_ms - s->since_ms > window)
                memset(s->few, 0, sizeof(s->few));
        for (unsigned i = 0; i < SYNCHRONY_FEW; i++) {
                if (s->few[i] == name)
                        return true;
                if (s->few[i] != 0)
                        continue;
                if (i == 0)
                        s->since_ms = now_ms;
                s->few[i] = name;
                return true;
        }
        return false;
}

/* ---- the sample: those who have a pace, and behind them those who are measured ---- */

static unsigned find(const struct synchrony_members *m, uint32_t name)
{
        unsigned i = 0;

        while (i < SYNCHRONY_MEMBERS && m->hash[i] != name)
                i++;
        return i;
}

/*
 * A place from `begin` to `end` for a name: one that is empty or whose member has been
 * away for so long, else that of the largest name, where that is larger; else `end`.
 */
static unsigned place_for(const struct synchrony_members *m, unsigned begin, unsigned end,
                          uint32_t name, uint32_t now_ms, uint32_t away)
{
        unsigned largest = begin;

        for (unsigned i = begin; i < end; i++) {
                if (m->hash[i] == 0 || now_ms - m->pace[i].last_ms > away)
                        return i;
                if (m->hash[i] > m->hash[largest])
                        largest = i;
        }
        return name < m->hash[largest] ? largest : end;
}

static void begin(struct synchrony_members *m, uint32_t name, uint32_t time_ms,
                  uint32_t now_ms)
{
        unsigned i =
            place_for(m, SYNCHRONY_PACED, SYNCHRONY_MEMBERS, name, now_ms, PACES_VISIT);

        if (i == SYNCHRONY_MEMBERS)
                return;
        m->hash[i] = name;
        m->pace[i] = (struct pace){ .last_ms = time_ms };
}

/* The member that is measured at `i` has a pace now. */
static void enter(struct synchrony_members *m, unsigned i, int bin, uint32_t now_ms,
                  uint32_t window)
{
        unsigned to = place_for(m, 0, SYNCHRONY_PACED, m->hash[i], now_ms, window);

        if (to == SYNCHRONY_PACED)
                return;
        m->hash[to] = m->hash[i];
        m->pace[to] = m->pace[i];
        m->bin[to] = (uint8_t)bin;
        m->hash[i] = 0;
        m->minute = 0;
}

static void sample(struct synchrony_members *m, uint32_t name, uint32_t time_ms,
                   uint32_t now_ms, uint32_t window)
{
        unsigned i = find(m, name);

        if (i == SYNCHRONY_MEMBERS) {
                begin(m, name, time_ms, now_ms);
                return;
        }
        int bin = pace_add(&m->pace[i], time_ms);
        if (bin < 0)
                return;
        if (i >= SYNCHRONY_PACED) {
                enter(m, i, bin, now_ms, window);
        } else if (m->bin[i] != bin) {
                m->bin[i] = (uint8_t)bin;
                m->minute = 0;
        }
}

void synchrony_count(struct synchrony *s, struct budget *budget,
                     struct counters *counters, uint64_t member, int64_t time_ns,
                     int64_t now_ns, int64_t window_ns)
{
        uint32_t name = (uint32_t)(member >> 32) | 1, now_ms = paces_ms(now_ns);
        uint32_t window = (uint32_t)(window_ns / NS_PER_MS);

        if (s->members == 0) {
                if (is_few(s, name, now_ms, window))
                        return;
                s->members = budget_take(
                    budget, budget_class_of(budget, sizeof(struct synchrony_members)),
                    BUDGET_GROWTH);
                if (s->members == 0) {
                        counters->windows_refused++;
                        return;
                }
        }
        sample(members_of(s, budget), name, paces_ms(time_ns), now_ms, window);
}

void synchrony_clear(struct synchrony *s, struct budget *budget)
{
        if (s->members)
                budget_give(budget, s->members);
        s->members = 0;
}

/* ---- the value ---- */

double synchrony_surprise(unsigned k, unsigned m, double q)
{
        double sum = 1, term = 1;

        if (k == 0 || q >= 1)
                return 0;
        for (unsigned i = k; i < m; i++)
                sum += term *= (double)(m - i) / (i + 1) * q / (1 - q);
        double first = lgamma(m + 1.0) - lgamma(k + 1.0) - lgamma(m - k + 1.0) +
                       k * log(q) + (m - k) * log1p(-q);
        return fmax(0, -(first + log(sum)) / M_LN10);
}

static double find_value(const struct synchrony_members *m, const struct paces *site,
                         uint32_t now_ms, uint32_t window)
{
        uint8_t bins[PACES_BINS + 1] = { 0 };
        unsigned all = 0;
        double most = 0;

        for (unsigned i = 0; i < SYNCHRONY_PACED; i++)
                if (m->hash[i] && now_ms - m->pace[i].last_ms <= window) {
                        bins[m->bin[i]]++;
                        all++;
                }
        if (all < SYNCHRONY_LEAST || isnan(paces_share(site, 0)))
                return NAN;
        for (unsigned b = 0; b < PACES_BINS; b++) {
                unsigned k = bins[b] + bins[b + 1];
                double q = fmax(STRETCH * paces_share(site, b), SHARE_MIN);
                if (k > q * all)
                        most = fmax(most, synchrony_surprise(k, all, q));
        }
        return fmax(0, most - log10(CHOICES));
}

double synchrony_value(const struct synchrony *s, const struct budget *budget,
                       const struct paces *site, int64_t now_ns, int64_t window_ns)
{
        uint32_t minute = (uint32_t)(now_ns / MINUTE_NS);

        if (s->members == 0)
                return NAN;
        struct synchrony_members *m = members_of(s, budget);
        if (m->minute != minute) {
                m->value = (float)find_value(m, site, paces_ms(now_ns),
                                             (uint32_t)(window_ns / NS_PER_MS));
                m->minute = minute;
        }
        return m->value;
}

/* ---- the slot ---- */

void synchrony_slot_count(const struct slot_place *p, struct facts *facts, int64_t pane)
{
        (void)pane;
        synchrony_count(p->cells, p->table->budget, p->table->counters,
                        facts_hash(facts, p->slot->operand),
                        facts->subject.record->end_ns, p->clock->now_ns,
                        p->clock->window_ns);
}

double synchrony_slot_value(const struct slot_place *p)
{
        const struct population *population =
            statistics_population(p->table->statistics, p->slot);

        return synchrony_value(p->cells, p->table->budget, &population->paces,
                               p->clock->now_ns, p->clock->window_ns);
}

void synchrony_slot_clear(const struct slot_place *p)
{
        synchrony_clear(p->cells, p->table->budget);
}
