/* SPDX-License-Identifier: MIT */
#include "observe/headers.h"

#include "unit/unit.h"

#include <stdio.h>
#include <stdlib.h>

static struct headers table;

static void test_lower(void **state)
{
        uint8_t out[HEADER_LOWER_ROOM];

        (void)state;
        /* Every byte at every place of the word, against the plain definition. */
        for (size_t len = 0; len <= HEADER_NAME_MAX; len++)
                for (int byte = 0; byte < 256; byte++) {
                        /* Exactly as long: one byte too many is seen by a sanitizer. */
                        uint8_t *name = malloc(len ? len : 1);
                        for (size_t i = 0; i < len; i++)
                                name[i] = (uint8_t)(byte + (int)i);
                        assert_int_equal(headers_lower(slice_of(name, len), out), len);
                        for (size_t i = 0; i < len; i++) {
                                uint8_t c = name[i];
                                assert_int_equal(out[i],
                                                 c >= 'A' && c <= 'Z' ? c + 32 : c);
                        }
                        free(name);
                }
}

static void test_find(void **state)
{
        (void)state;
        headers_init(&table);
        const struct header_kind *kind = headers_find(&table, slice_str("HOST"));
        assert_non_null(kind);
        assert_int_equal(kind->slot, HEADER_HOST);
        assert_int_equal(headers_find(&table, slice_str("sec-Fetch-dest"))->slot,
                         HEADER_SEC_FETCH_DEST);
        assert_int_equal(headers_find(&table, slice_str("Cookie"))->roles,
                         HEADER_IS_COOKIE);
        assert_null(headers_find(&table, slice_str("hosts")));
        assert_null(headers_find(&table, slice_str("hos")));
        assert_null(headers_find(&table, slice_str("sec-fetch-XXst")));
        assert_null(headers_find(&table, slice_str("accept-EncodinG2")));
        assert_null(headers_find(&table, slice_str("")));
}

/* Names that differ in one byte only, at each place: all bytes, so that some of
 * them fall into the same bucket. */
static void test_every_byte_counts(void **state)
{
        char name[HEADER_NAME_MAX + 1];

        (void)state;
        for (size_t len = 1; len <= HEADER_NAME_MAX; len++) {
                headers_init(&table);
                memset(name, 'q', len);
                assert_non_null(headers_add(&table, slice_of(name, len)));
                for (size_t i = 0; i < len; i++) {
                        for (int byte = 0; byte < 256; byte++) {
                                name[i] = (char)byte;
                                const struct header_kind *kind =
                                    headers_find(&table, slice_of(name, len));
                                if ((kind != NULL) != (byte == 'q' || byte == 'Q'))
                                        fail_msg("byte %d at %zu of %zu", byte, i, len);
                        }
                        name[i] = 'q';
                }
        }
}

static void test_add(void **state)
{
        char name[HEADER_NAME_MAX + 2];

        (void)state;
        headers_init(&table);
        assert_int_equal(headers_add_slot(&table, slice_str("accept")), HEADER_ACCEPT);
        assert_int_equal(headers_add_slot(&table, slice_str("X-Own")),
                         HEADER_SLOTS_FIXED);
        assert_int_equal(headers_add_slot(&table, slice_str("x-OWN")),
                         HEADER_SLOTS_FIXED);
        assert_int_equal(headers_add_slot(&table, slice_str("via")),
                         HEADER_SLOTS_FIXED + 1);
        memset(name, 'a', sizeof(name));
        assert_null(headers_add(&table, slice_of(name, HEADER_NAME_MAX + 1)));
        assert_null(headers_add(&table, slice_str("")));
        while (table.count < HEADER_NAMES_MAX) {
                snprintf(name, sizeof(name), "x-%u", table.count);
                assert_non_null(headers_add(&table, slice_str(name)));
        }
        assert_null(headers_add(&table, slice_str("x-one-more")));
        assert_int_equal(headers_add_slot(&table, slice_str("x-one-more")),
                         HEADER_SLOT_NONE);
        assert_non_null(headers_find(&table, slice_str("X-249")));
}

static void test_shape_parts(void **state)
{
        static const struct {
                const char *name;
                enum header_shape part;
        } rows[] = {
                { "Content-Language", HEADER_SHAPE_OUT },
                { "If-Range", HEADER_SHAPE_OUT },
                { "X-Forwarded-Anything", HEADER_SHAPE_OUT },
                { "Content", HEADER_SHAPE_NAME },
                { "X-Forwarded", HEADER_SHAPE_NAME },
                { "DNT", HEADER_SHAPE_NAME },
                { "I", HEADER_SHAPE_NAME },
                { "", HEADER_SHAPE_NAME },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
                assert_int_equal(headers_shape_unknown(slice_str(rows[i].name)),
                                 rows[i].part);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_lower),
                cmocka_unit_test(test_find),
                cmocka_unit_test(test_every_byte_counts),
                cmocka_unit_test(test_add),
                cmocka_unit_test(test_shape_parts),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
