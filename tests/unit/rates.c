/* SPDX-License-Identifier: MIT */
#include "app/rates.h"

#include "base/clock.h"
#include "unit/unit.h"

static void expect(const struct rates *r, const struct counters *c, int64_t now_ns,
                   const char *part)
{
        struct buf out = { 0 };
        struct json j = json_into(&out);

        rates_print(r, c, now_ns, &j, NULL);
        buf_put_byte(&out, 0);
        assert_non_null(strstr((char *)out.data, part));
        buf_free(&out);
}

static void the_last_seconds_count(void **state)
{
        struct counters c = { 0 };
        struct rates r = { 0 };

        (void)state;
        expect(&r, &c, 5, "\"requests\":0");
        for (int second = 0; second < 97; second++) {
                rates_tick(&r, &c, second * NS_PER_SEC);
                if (second == 4) /* since the first one */
                        expect(&r, &c, second * NS_PER_SEC, "\"requests\":50");
                c.requests += second < 90 ? 50 : 10;
        }
        /* The oldest of ten samples is that of second 87. */
        expect(&r, &c, 97 * NS_PER_SEC, "\"requests\":22,");
        expect(&r, &c, 97 * NS_PER_SEC, "\"packets\":0,");
}

/* Those of a process that died may be missing for a while. */
static void what_became_less_has_no_rate(void **state)
{
        struct counters c = { .requests = 100 };
        struct rates r = { 0 };

        (void)state;
        rates_tick(&r, &c, 0);
        c.requests = 40;
        expect(&r, &c, NS_PER_SEC, "\"requests\":0,");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_last_seconds_count),
                cmocka_unit_test(what_became_less_has_no_rate),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
