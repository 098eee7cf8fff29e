/* SPDX-License-Identifier: MIT */
#include "app/rates.h"

#include "base/clock.h"

#include <stddef.h>

/* Whose rates are told. */
static const struct followed {
        const char *name;
        size_t offset; /* in struct counters */
} followed[] = {
        { "packets", offsetof(struct counters, packets) },
        { "bytes", offsetof(struct counters, packet_bytes) },
        { "requests", offsetof(struct counters, requests) },
        { "transactions", offsetof(struct counters, transactions) },
        { "hellos", offsetof(struct counters, hellos) },
        { "alerts", offsetof(struct counters, alerts_journalled) },
};

#define FOLLOWED (sizeof(followed) / sizeof(followed[0]))

_Static_assert(FOLLOWED <= RATES_MAX, "RATES_MAX");

static uint64_t value_of(const struct counters *counters, unsigned i)
{
        return *(const uint64_t *)((const char *)counters + followed[i].offset);
}

void rates_tick(struct rates *r, const struct counters *counters, int64_t now_ns)
{
        struct rates_sample *sample = &r->samples[r->next];

        sample->time_ns = now_ns;
        for (unsigned i = 0; i < FOLLOWED; i++)
                sample->values[i] = value_of(counters, i);
        r->next = (r->next + 1) % RATES_SECONDS;
        r->count += r->count < RATES_SECONDS;
}

void rates_print(const struct rates *r, const struct counters *counters, int64_t now_ns,
                 struct json *j, const char *key)
{
        const struct rates_sample *oldest =
            &r->samples[r->count < RATES_SECONDS ? 0 : r->next];
        double passed = (double)(now_ns - oldest->time_ns) / (double)NS_PER_SEC;

        json_open(j, key);
        for (unsigned i = 0; i < FOLLOWED; i++) {
                uint64_t now = value_of(counters, i), before = oldest->values[i];
                double grown = now > before ? (double)(now - before) : 0;
                bool is_known = r->count && passed > 0;
                json_number(j, followed[i].name, is_known ? grown / passed : 0);
        }
        json_close(j);
}
