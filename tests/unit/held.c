/* SPDX-License-Identifier: MIT */
#include "app/held.h"
#include "unit/unit.h"

#include <stdio.h>

struct told {
        char text[400];
        unsigned count;
        struct held *adds_to; /* a notice that comes while others are handed over */
};

static const struct block_held session = { SLICE("01M8"), SLICE("harvest"),
                                           SLICE("session"), SLICE("a\0b:c") };

static void on_held(void *context, const struct block_held *held)
{
        struct told *told = context;
        size_t len = strlen(told->text);

        snprintf(told->text + len, sizeof(told->text) - len, "%.*s %.*s %.*s %zu\n",
                 (int)held->id.len, (const char *)held->id.data, (int)held->rule.len,
                 (const char *)held->rule.data, (int)held->type.len,
                 (const char *)held->type.data, held->value.len);
        told->count++;
        if (told->adds_to)
                held_add(told->adds_to, &session);
}

static void all_come_out_once_and_in_order(void **state)
{
        const struct block_held ip = { SLICE(""), SLICE("many"), SLICE("ip"),
                                       SLICE("203.0.113.9") };
        struct held held = { 0 };
        struct told told = { .count = 0 };
        (void)state;

        held_take(&held, on_held, &told);
        held_add(&held, &session);
        held_add(&held, &ip);
        held_take(&held, on_held, &told);
        held_take(&held, on_held, &told);
        assert_string_equal(told.text, "01M8 harvest session 5\n many ip 11\n");
        held_free(&held);
}

static void what_comes_meanwhile_waits(void **state)
{
        struct held held = { 0 };
        struct told told = { .adds_to = &held };
        (void)state;

        held_add(&held, &session);
        held_take(&held, on_held, &told);
        assert_int_equal(told.count, 1);
        held_take(&held, on_held, &told);
        assert_int_equal(told.count, 2);
        held_free(&held);
}

static void no_more_than_there_is_room_for(void **state)
{
        struct held held = { 0 };
        struct told told = { .count = 0 };
        (void)state;

        for (unsigned i = 0; i < 100000; i++)
                held_add(&held, &session);
        assert_true(held.notices.len <= HELD_BYTES);
        held_take(&held, on_held, &told);
        assert_in_range(told.count, 10000, 30000);
        held_add(&held, &session);
        held_free(&held);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(all_come_out_once_and_in_order),
                cmocka_unit_test(what_comes_meanwhile_waits),
                cmocka_unit_test(no_more_than_there_is_room_for),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
