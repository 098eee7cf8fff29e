/* SPDX-License-Identifier: MIT */
#include "app/health.h"

#include "base/clock.h"
#include "unit/unit.h"

#include <stdlib.h>

#define NOW   (1000 * NS_PER_SEC)
#define GRACE (60 * NS_PER_SEC)

static struct figures *healthy(void)
{
        struct figures *f = calloc(1, sizeof(*f));

        f->has_alerts = f->alerts.has_redis = f->alerts.redis.is_up = true;
        figures_add_interface(
            f, &(struct figures_interface){ .name = "lo", .is_open = true });
        return f;
}

/* The reasons; "" when all is well. */
static void expect(struct figures *f, const char *part)
{
        struct buf out = { 0 };
        bool good = health_check(f, GRACE, NOW, &out);

        buf_put_byte(&out, 0);
        assert_int_equal(good, part == NULL);
        if (part)
                assert_non_null(strstr((char *)out.data, part));
        else
                assert_int_equal(out.len, 1);
        buf_free(&out);
        free(f);
}

static void redis_has_a_while_to_come_back(void **state)
{
        struct figures *f;

        (void)state;
        expect(healthy(), NULL);
        f = healthy();
        f->alerts.redis = (struct redis_state){ .down_ns = NOW - GRACE };
        expect(f, NULL);
        f = healthy();
        f->alerts.redis = (struct redis_state){ .down_ns = NOW - GRACE - 1 };
        f->alerts.journal.waiting = 5;
        expect(f, "since 60 s; 5 alerts wait");
        f = healthy();
        f->alerts.has_redis = f->alerts.redis.is_up = false;
        expect(f, NULL);
}

static void what_else_is_wrong_is_told_at_once(void **state)
{
        struct figures *f;

        (void)state;
        f = healthy();
        f->alerts.journal.held = 3;
        expect(f, "journal: it cannot be written, 3 alerts");
        f = healthy();
        f->interfaces[0].is_open = false;
        expect(f, "capture: lo is not captured from");
        f = healthy();
        f->snapshot_failed = true;
        expect(f, "snapshot: ");
        f = healthy();
        f->snapshot_failed = true;
        f->alerts.journal.held = 1;
        expect(f, "free some space\nsnapshot: ");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(redis_has_a_while_to_come_back),
                cmocka_unit_test(what_else_is_wrong_is_told_at_once),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
