/* SPDX-License-Identifier: MIT */
#include "detect/missed.h"

#include "base/clock.h"

#include <stdlib.h>

static uint32_t minute_of(int64_t time_ns)
{
        return (uint32_t)(time_ns / (60 * NS_PER_SEC));
}

bool missed_init(struct missed *m)
{
        m->began_ns = m->lost_ns = -1;
        m->minutes = calloc(MISSED_MINUTES, sizeof(*m->minutes));
        return m->minutes;
}

void missed_free(struct missed *m)
{
        free(m->minutes);
        m->minutes = NULL;
}

void missed_add(struct missed *m, int64_t now_ns, double share)
{
        uint32_t minute = minute_of(now_ns);
        struct missed_minute *place = &m->minutes[minute % MISSED_MINUTES];

        if (!(share >= 0))
                return;
        if (share > 0 && now_ns > m->lost_ns)
                m->lost_ns = now_ns;
        if (place->minute != minute)
                *place = (struct missed_minute){ .minute = minute };
        place->sum += share > 1 ? 1 : share;
        place->count++;
}

double missed_mean(const struct missed *m, int64_t now_ns, int64_t window_ns)
{
        uint32_t last = minute_of(now_ns);
        uint32_t first = now_ns > window_ns ? minute_of(now_ns - window_ns) : 0;
        double sum = 0;
        unsigned count = 0;

        if (last - first >= MISSED_MINUTES)
                first = last - MISSED_MINUTES + 1;
        for (uint32_t minute = first; minute <= last; minute++) {
                const struct missed_minute *place = &m->minutes[minute % MISSED_MINUTES];
                if (place->minute != minute || place->count == 0)
                        continue;
                sum += place->sum / place->count;
                count++;
        }
        return count ? sum / count : 0;
}
