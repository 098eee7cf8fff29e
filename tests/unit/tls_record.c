/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "tls/tls_record.h"
#include "unit/hello_maker.h"

static struct blocks blocks;

/* Feeds in pieces of `step` bytes; the result, and in *hello a copy of the message. */
static enum tls_record_result feed(struct slice all, size_t step, struct buf *hello)
{
        struct tls_record r = { .kept = NULL };
        enum tls_record_result result = TLS_RECORD_MORE;
        struct slice message;

        for (size_t at = 0; at < all.len && result == TLS_RECORD_MORE; at += step) {
                struct slice part = slice_first(slice_from(all, at), step);
                uint8_t *copy = malloc(part.len);
                memcpy(copy, part.data, part.len);
                result = tls_record_feed(&r, &blocks, slice_of(copy, part.len), &message);
                if (result == TLS_RECORD_DONE && hello)
                        buf_put_slice(hello, message);
                free(copy);
        }
        tls_record_release(&r, &blocks);
        assert_int_equal(blocks.used, 0);
        return result;
}

/* The message cut into records of `size` bytes each. */
static void put_records(struct buf *out, struct slice message, size_t size)
{
        while (message.len) {
                struct slice part = slice_first(message, size);
                put_be(out, 0x160301, 3);
                put_be(out, part.len, 2);
                buf_put_slice(out, part);
                message = slice_from(message, part.len);
        }
}

static void test_split_anywhere(void **state)
{
        static const char *const names[] = { "openssl.tls", "curl.tls", "chromium.tls" };

        (void)state;
        for (size_t i = 0; i < 3; i++) {
                struct buf file = { 0 };
                read_capture(names[i], &file);
                buf_put_str(&file, "what follows");
                struct slice all = buf_slice(&file);
                struct slice message = slice_from(all, 5);
                message.len -= strlen("what follows");
                for (size_t step = 1; step <= all.len; step++) {
                        struct buf hello = { 0 };
                        assert_int_equal(feed(all, step, &hello), TLS_RECORD_DONE);
                        assert_true(slice_equal(buf_slice(&hello), message));
                        buf_free(&hello);
                }
                buf_free(&file);
        }
}

static void test_many_records(void **state)
{
        static const size_t steps[] = { 1, 2, 3, 5, 7, 100, 100000 };
        struct buf file = { 0 };

        (void)state;
        read_capture("openssl.tls", &file);
        struct slice message = recorded_message(&file);
        for (size_t size = 1; size < message.len + 2; size++) {
                struct buf records = { 0 };
                put_records(&records, message, size);
                for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
                        struct buf hello = { 0 };
                        assert_int_equal(feed(buf_slice(&records), steps[i], &hello),
                                         TLS_RECORD_DONE);
                        assert_true(slice_equal(buf_slice(&hello), message));
                        buf_free(&hello);
                }
                buf_free(&records);
        }
        buf_free(&file);
}

/* A hello that lies in one record and one call is handed over where it is. */
static void test_no_copy(void **state)
{
        struct tls_record r = { .kept = NULL };
        struct buf file = { 0 };
        struct slice hello;

        (void)state;
        read_capture("chromium.tls", &file);
        assert_int_equal(tls_record_feed(&r, &blocks, buf_slice(&file), &hello),
                         TLS_RECORD_DONE);
        assert_ptr_equal(hello.data, file.data + 5);
        assert_int_equal(blocks.used, 0);
        tls_record_release(&r, &blocks);
        buf_free(&file);
}

static void test_not_tls(void **state)
{
        static const char *const rows[] = {
                "474554202f20485454502f312e31", /* GET / HTTP/1.1 */
                "1503010002022816",             /* an alert */
                "1602010005010000000000",       /* version 2.1 */
                "1603050005010000000000",       /* version 3.5 */
                "160301000001000000",           /* an empty record */
                "160301400101000000",           /* longer than a record may be */
                "1603010005020000010000",       /* a ServerHello */
                "16030100010115030100020228",   /* in pieces, an alert in between */
                "800101030100",                 /* SSL 2.0 */
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct buf bytes = { 0 };
                put_hex(&bytes, rows[i]);
                for (size_t step = 1; step <= bytes.len; step++)
                        assert_int_equal(feed(buf_slice(&bytes), step, NULL),
                                         TLS_RECORD_NOT_TLS);
                buf_free(&bytes);
        }
}

static void test_may_begin(void **state)
{
        static const char good[] = "\x16\x03\x01\x02\x00\x01\x00";
        static const char *const bad[] = { "15",       "1602",       "160305",
                                           "160301ff", "1603010000", "160301020002" };

        (void)state;
        for (size_t len = 0; len < sizeof(good); len++)
                assert_true(tls_may_begin(slice_of(good, len)));
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                struct buf bytes = { 0 };
                put_hex(&bytes, bad[i]);
                /* The length is judged when both its bytes are there. */
                assert_int_equal(tls_may_begin(buf_slice(&bytes)), i == 3);
                buf_free(&bytes);
        }
}

static void put_long_hello(struct buf *records, size_t length)
{
        struct buf message = { 0 };

        put_be(&message, 1, 1);
        put_be(&message, length - CLIENT_HELLO_HEADER, 3);
        while (message.len < length)
                buf_put_byte(&message, 'x');
        put_records(records, buf_slice(&message), 16384);
        buf_free(&message);
}

static void test_longest(void **state)
{
        static const size_t steps[] = { 1, 1448, 1000000 };

        (void)state;
        for (size_t i = 0; i < 3; i++) {
                struct buf records = { 0 }, longer = { 0 };
                put_long_hello(&records, CLIENT_HELLO_MAX);
                put_long_hello(&longer, CLIENT_HELLO_MAX + 1);
                assert_int_equal(feed(buf_slice(&records), steps[i], NULL),
                                 TLS_RECORD_DONE);
                assert_int_equal(feed(buf_slice(&longer), steps[i], NULL),
                                 TLS_RECORD_TOO_LONG);
                buf_free(&records);
                buf_free(&longer);
        }
}

/* What is kept follows what has come, not what a length promises. */
static void test_memory(void **state)
{
        struct tls_record r = { .kept = NULL };
        struct buf records = { 0 };
        struct blocks none;
        struct slice hello;

        (void)state;
        put_long_hello(&records, CLIENT_HELLO_MAX);
        assert_int_equal(
            tls_record_feed(&r, &blocks, slice_first(buf_slice(&records), 100), &hello),
            TLS_RECORD_MORE);
        assert_in_range(blocks.used, 1, 256);
        tls_record_release(&r, &blocks);
        assert_true(blocks_init(&none, 0));
        assert_int_equal(
            tls_record_feed(&r, &none, slice_first(buf_slice(&records), 100), &hello),
            TLS_RECORD_NO_ROOM);
        tls_record_release(&r, &none);
        blocks_free(&none);
        buf_free(&records);
}

/* A look is due when the hello is whole, however it is cut; not before, and not never. */
static void test_when_a_look_is_due(void **state)
{
        static const size_t sizes[] = { 100, 1, 7, 400 };
        struct buf message = { 0 };

        (void)state;
        buf_put(&message, "\1\0\0\300", 4);
        for (int i = 0; i < 192; i++)
                buf_put_byte(&message, (uint8_t)i);
        for (size_t k = 0; k < sizeof(sizes) / sizeof(*sizes); k++) {
                struct buf out = { 0 };
                bool many = message.len / sizes[k] > TLS_RECORDS_MAX;
                size_t due = 0;
                put_records(&out, buf_slice(&message), sizes[k]);
                while (due < out.len && !tls_hello_is_due(slice_of(out.data, due)))
                        due++;
                if (many)
                        assert_in_range(due, TLS_RECORDS_MAX * 6,
                                        TLS_RECORDS_MAX * 6 + 5);
                else
                        assert_int_equal(due, out.len);
                buf_free(&out);
        }
        assert_true(tls_hello_is_due(slice_of("\26\3\1\0\4\1\377\0\0", 9)));
        assert_true(tls_hello_is_due(slice_of("\25\3\1\0\2", 5)));
        buf_free(&message);
}

/* A segment from the middle: of any type, of either side. */
static void test_record_may_begin(void **state)
{
        static const struct {
                const char bytes[6];
                size_t len;
                bool may;
        } rows[] = {
                { "\26\3\3\0\172\2", 6, true }, /* ServerHello */
                { "\24\3\3\0\1", 5, true },     /* change_cipher_spec */
                { "\25\3\1\0\2", 5, true },     /* alert */
                { "\27\3\3\100\0", 5, true },   /* application data, 2^14 */
                { "\27\3\3\110\0", 5, true },   /* the longest of TLS 1.2 */
                { "\27\3\3\110\1", 5, false },  /* longer */
                { "\27\3\3\0\0", 5, false },    /* empty */
                { "\23\3\3\0\1", 5, false },    /* other types */
                { "\30\3\3\0\1", 5, false },
                { "\27\2\3\0\1", 5, false }, /* other versions */
                { "\27\3\5\0\1", 5, false },
                { "\27\3\3\0\1", 4, false }, /* not the whole header */
                { "", 0, false },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                uint8_t *copy = malloc(rows[i].len + !rows[i].len);
                memcpy(copy, rows[i].bytes, rows[i].len);
                if (tls_record_may_begin(slice_of(copy, rows[i].len)) != rows[i].may)
                        fail_msg("row %zu", i);
                free(copy);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_when_a_look_is_due),
                cmocka_unit_test(test_split_anywhere),
                cmocka_unit_test(test_many_records),
                cmocka_unit_test(test_no_copy),
                cmocka_unit_test(test_not_tls),
                cmocka_unit_test(test_may_begin),
                cmocka_unit_test(test_record_may_begin),
                cmocka_unit_test(test_longest),
                cmocka_unit_test(test_memory),
        };
        if (!blocks_init(&blocks, 1 << 20))
                return 1;
        int failed = cmocka_run_group_tests(tests, NULL, NULL);
        blocks_free(&blocks);
        return failed;
}
