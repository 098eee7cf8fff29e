/* SPDX-License-Identifier: MIT */
#include "http/body.h"

#include "unit/unit.h"

static void test_unwanted(void **state)
{
        struct blocks blocks;
        struct body body = { 0 };

        (void)state;
        assert_true(blocks_init(&blocks, 1 << 20));
        body_add(&body, &blocks, slice_str("hello"));
        assert_true(slice_is_none(body_slice(&body)));
        assert_false(body.cut);
        body_want(&body, 10);
        assert_false(slice_is_none(body_slice(&body)));
        assert_int_equal(body_slice(&body).len, 0);
        body_free(&body, &blocks);
        assert_int_equal(blocks.used, 0);
        blocks_free(&blocks);
}

/* Every cap, in pieces of every size: always the first bytes. */
static void test_cap(void **state)
{
        uint8_t text[1000];
        struct blocks blocks;

        (void)state;
        for (unsigned i = 0; i < sizeof(text); i++)
                text[i] = (uint8_t)(i * 7 + i / 256);
        assert_true(blocks_init(&blocks, 1 << 20));
        for (size_t max = 1; max <= sizeof(text) + 1; max += 37) {
                for (size_t piece = 1; piece <= sizeof(text); piece = piece * 2 + 1) {
                        struct body body = { 0 };
                        body_want(&body, max);
                        for (size_t at = 0; at < sizeof(text); at += piece)
                                body_add(
                                    &body, &blocks,
                                    slice_first(slice_of(text + at, sizeof(text) - at),
                                                piece));
                        size_t len = max < sizeof(text) ? max : sizeof(text);
                        assert_int_equal(body_slice(&body).len, len);
                        assert_memory_equal(body_slice(&body).data, text, len);
                        assert_int_equal(body.cut, len < sizeof(text));
                        body_free(&body, &blocks);
                        assert_int_equal(blocks.used, 0);
                }
        }
        blocks_free(&blocks);
}

/* Half of the budget is left to heads. */
static void test_budget(void **state)
{
        uint8_t text[4096] = { 0 };
        struct blocks blocks;
        struct body bodies[8] = { 0 };
        unsigned cut = 0;

        (void)state;
        assert_true(blocks_init(&blocks, 16384));
        for (unsigned i = 0; i < 8; i++) {
                body_want(&bodies[i], 8192);
                body_add(&bodies[i], &blocks, slice_of(text, sizeof(text)));
                cut += bodies[i].cut;
        }
        assert_true(blocks.used <= 16384 / 2);
        assert_int_equal(cut, 6);
        for (unsigned i = 0; i < 8; i++)
                body_free(&bodies[i], &blocks);
        assert_int_equal(blocks.used, 0);
        blocks_free(&blocks);
}

/* What a body held is not left behind in the memory that others get. */
static void test_wiped(void **state)
{
        struct blocks blocks;
        struct body body = { 0 };
        size_t room;

        (void)state;
        assert_true(blocks_init(&blocks, 1 << 16));
        body_want(&body, 1000);
        body_add(&body, &blocks, slice_str("aaaaaaaaaaaaaaaaaaaapassword=secret"));
        body_free(&body, &blocks);
        uint8_t *block = blocks_take(&blocks, 100, &room);
        assert_non_null(block);
        assert_null(memmem(block, room, "secret", 6));
        blocks_give(&blocks, block, room);
        blocks_free(&blocks);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_unwanted),
                cmocka_unit_test(test_cap),
                cmocka_unit_test(test_budget),
                cmocka_unit_test(test_wiped),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
