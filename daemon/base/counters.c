/* SPDX-License-Identifier: MIT */
#include "base/counters.h"

#include "base/json.h"

void counters_add(struct counters *sum, const struct counters *more)
{
#define COUNTER_ADD(field, metric, help) sum->field += more->field;
        COUNTERS(COUNTER_ADD)
#undef COUNTER_ADD
}

void counters_print(const struct counters *counters, struct buf *out)
{
        struct json j = json_into(out);

        json_open(&j, NULL);
#define COUNTER_PRINT(field, metric, help) json_u64(&j, metric, counters->field);
        COUNTERS(COUNTER_PRINT)
#undef COUNTER_PRINT
        json_close(&j);
        buf_put_byte(out, '\n');
}
