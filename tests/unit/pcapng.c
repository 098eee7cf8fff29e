/* SPDX-License-Identifier: MIT */
/*
 * Files are built block by block in either byte order. Each is also read through a pipe
 * that gives one byte at a time, and cut at every length.
 */
#include "unit/unit.h"

#include "base/buf.h"
#include "base/clock.h"
#include "capture/capture.h"
#include "capture/pcapng.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

struct file {
        struct buf bytes;
        bool big_endian;
};

static void put16(struct file *f, unsigned value)
{
        uint8_t little[2] = { (uint8_t)value, (uint8_t)(value >> 8) };

        buf_put_byte(&f->bytes, little[f->big_endian]);
        buf_put_byte(&f->bytes, little[!f->big_endian]);
}

static void put32(struct file *f, uint32_t value)
{
        put16(f, f->big_endian ? value >> 16 : value & 0xffff);
        put16(f, f->big_endian ? value & 0xffff : value >> 16);
}

static void put_bytes(struct file *f, const char *bytes, size_t len)
{
        buf_put(&f->bytes, bytes, len);
        buf_put(&f->bytes, "\0\0\0", (4 - len % 4) % 4);
}

static size_t begin_block(struct file *f, uint32_t type)
{
        put32(f, type);
        put32(f, 0);
        return f->bytes.len - 8;
}

static void end_block(struct file *f, size_t start)
{
        struct file length = { .big_endian = f->big_endian };

        put32(&length, (uint32_t)(f->bytes.len + 4 - start));
        memcpy(f->bytes.data + start + 4, length.bytes.data, 4);
        buf_put_slice(&f->bytes, buf_slice(&length.bytes));
        buf_free(&length.bytes);
}

static void put_section(struct file *f, bool big_endian)
{
        f->big_endian = big_endian;
        size_t start = begin_block(f, 0x0a0d0d0a);
        put32(f, 0x1a2b3c4d);
        put16(f, 1);
        put16(f, 0);
        put32(f, UINT32_MAX);
        put32(f, UINT32_MAX);
        end_block(f, start);
}

static void put_interface(struct file *f, unsigned link, uint32_t snaplen, int resolution,
                          int64_t offset_s)
{
        size_t start = begin_block(f, 1);

        put16(f, link);
        put16(f, 0);
        put32(f, snaplen);
        put16(f, 2); /* a name, which nobody asks for */
        put16(f, 5);
        put_bytes(f, "eth0", 5);
        if (resolution >= 0) {
                char byte = (char)resolution;
                put16(f, 9);
                put16(f, 1);
                put_bytes(f, &byte, 1);
        }
        if (offset_s) {
                put16(f, 14);
                put16(f, 8);
                uint64_t bits = (uint64_t)offset_s;
                put32(f, (uint32_t)(f->big_endian ? bits >> 32 : bits));
                put32(f, (uint32_t)(f->big_endian ? bits : bits >> 32));
        }
        put16(f, 0);
        put16(f, 0);
        end_block(f, start);
}

static void put_packet(struct file *f, uint32_t interface, uint64_t units,
                       const char *bytes, uint32_t wire_length)
{
        size_t start = begin_block(f, 6);

        put32(f, interface);
        put32(f, (uint32_t)(units >> 32));
        put32(f, (uint32_t)units);
        put32(f, (uint32_t)strlen(bytes));
        put32(f, wire_length);
        put_bytes(f, bytes, strlen(bytes));
        end_block(f, start);
}

static void put_obsolete_packet(struct file *f, unsigned interface, const char *bytes)
{
        size_t start = begin_block(f, 2);

        put16(f, interface);
        put16(f, 0xffff);
        put32(f, 0);
        put32(f, 7000000);
        put32(f, (uint32_t)strlen(bytes));
        put32(f, (uint32_t)strlen(bytes));
        put_bytes(f, bytes, strlen(bytes));
        end_block(f, start);
}

static void put_simple_packet(struct file *f, const char *bytes, uint32_t wire_length)
{
        size_t start = begin_block(f, 3);

        put32(f, wire_length);
        put_bytes(f, bytes, strlen(bytes));
        end_block(f, start);
}

/* Of a kind that is not known. */
static void put_other(struct file *f, uint32_t type, size_t size)
{
        size_t start = begin_block(f, type);

        for (size_t i = 0; i < size; i += 4)
                put32(f, 0xdeadbeef);
        end_block(f, start);
}

/* ---- what comes out, one line a packet ---- */

static void tell(FILE *in, struct buf *told)
{
        struct pcapng *p = pcapng_new(in);
        struct pcapng_packet packet;
        enum pcapng_result result;

        while ((result = pcapng_next(p, &packet)) == PCAPNG_PACKET)
                buf_printf(told, "%d@%lld.%09lld %.*s/%u\n", packet.link,
                           (long long)(packet.time_ns / NS_PER_SEC),
                           (long long)(packet.time_ns % NS_PER_SEC),
                           (int)packet.captured.len, packet.captured.data,
                           packet.wire_length);
        if (result == PCAPNG_DAMAGED) {
                buf_printf(told, "%s\n", pcapng_error(p));
                assert_int_equal(pcapng_next(p, &packet), PCAPNG_DAMAGED);
        }
        pcapng_free(&p);
}

static void tell_memory(struct slice bytes, struct buf *told)
{
        FILE *in = fmemopen((void *)(uintptr_t)bytes.data, bytes.len, "r");

        assert_non_null(in);
        tell(in, told);
        fclose(in);
}

static void tell_pipe(struct slice bytes, struct buf *told)
{
        int ends[2];

        assert_int_equal(pipe(ends), 0);
        pid_t child = fork();
        if (child == 0) {
                for (size_t i = 0; i < bytes.len; i++)
                        if (write(ends[1], bytes.data + i, 1) != 1)
                                _exit(1);
                _exit(0);
        }
        close(ends[1]);
        FILE *in = fdopen(ends[0], "r");
        setvbuf(in, NULL, _IONBF, 0);
        tell(in, told);
        fclose(in);
        waitpid(child, NULL, 0);
}

/* Whole, through a pipe, and cut: what is told of a part is how the whole begins. */
static void assert_tells(struct file *f, const char *text)
{
        struct slice all = buf_slice(&f->bytes);
        struct buf whole = { 0 }, piped = { 0 };

        tell_memory(all, &whole);
        assert_slice(buf_slice(&whole), text);
        tell_pipe(all, &piped);
        assert_slice(buf_slice(&piped), text);
        for (size_t cut = 1; cut < all.len; cut++) {
                struct buf part = { 0 };
                tell_memory(slice_first(all, cut), &part);
                struct slice told = buf_slice(&part);
                const char *byte =
                    told.len ? memmem(told.data, told.len, "byte ", 5) : NULL;
                if (byte)
                        told.len = (size_t)((const uint8_t *)byte - told.data);
                assert_true(slice_starts_with(slice_str(text), told));
                buf_free(&part);
        }
        buf_free(&whole);
        buf_free(&piped);
        buf_free(&f->bytes);
}

static void test_interfaces_that_differ(void **state)
{
        (void)state;
        for (int big = 0; big < 2; big++) {
                struct file f = { 0 };
                put_section(&f, big);
                put_interface(&f, 1, 65535, -1, 0);
                put_interface(&f, 101, 96, 9, 0);
                put_interface(&f, 113, 0, 0x80 | 10, -100);
                put_packet(&f, 0, 1700000000123456, "ether", 5);
                put_other(&f, 0xbad, 40);
                put_packet(&f, 1, 1700000000123456789, "raw", 1500);
                put_packet(&f, 2, UINT64_C(1700000000) * 1024 + 256, "cooked", 6);
                assert_tells(&f, "1@1700000000.123456000 ether/5\n"
                                 "101@1700000000.123456789 raw/1500\n"
                                 "113@1699999900.250000000 cooked/6\n");
        }
}

static void test_sections(void **state)
{
        struct file f = { 0 };

        (void)state;
        put_section(&f, false);
        put_interface(&f, 1, 0, -1, 0);
        put_packet(&f, 0, 1000000, "a", 1);
        put_other(&f, 5, 16);
        put_section(&f, true);
        put_interface(&f, 101, 0, 3, 0);
        put_packet(&f, 0, 2000, "b", 1);
        put_section(&f, false); /* its interfaces are its own */
        put_packet(&f, 0, 2000, "c", 1);
        assert_tells(&f,
                     "1@1.000000000 a/1\n"
                     "101@2.000000000 b/1\n"
                     "byte 264: a packet of interface 0, of which nothing is known\n");
}

static void test_other_packet_blocks(void **state)
{
        struct file f = { 0 };

        (void)state;
        put_section(&f, true);
        put_interface(&f, 1, 4, -1, 0);
        put_simple_packet(&f, "abcd", 9);
        put_obsolete_packet(&f, 0, "obsolete");
        put_simple_packet(&f, "abc", 3);
        put_packet(&f, 0, 8000000, "long", 2); /* longer than it says it was */
        assert_tells(&f, "1@0.000000000 abcd/9\n"
                         "1@7.000000000 obsolete/8\n"
                         "1@7.000000000 abc/3\n"
                         "1@8.000000000 long/4\n");
}

static void test_impossible_times(void **state)
{
        struct file f = { 0 };

        (void)state;
        put_section(&f, false);
        put_interface(&f, 1, 0, 0, 0);         /* seconds */
        put_interface(&f, 1, 0, 127, 0);       /* 10^-127 */
        put_interface(&f, 1, 0, 255, 1);       /* 2^-127 */
        put_interface(&f, 1, 0, 6, INT64_MIN); /* before everything */
        put_interface(&f, 1, 0, 6, INT64_MAX);
        for (uint32_t i = 0; i < 5; i++)
                put_packet(&f, i, UINT64_MAX, "x", 1);
        struct buf told = { 0 };
        tell_memory(buf_slice(&f.bytes), &told);
        assert_slice(buf_slice(&told), "1@4611686018.427387903 x/1\n"
                                       "1@0.000000000 x/1\n"
                                       "1@1.000000000 x/1\n"
                                       "1@0.000000000 x/1\n"
                                       "1@4611686018.427387903 x/1\n");
        buf_free(&told);
        buf_free(&f.bytes);
}

static void spoil(struct file *f, size_t from_end, uint32_t value)
{
        struct file word = { .big_endian = f->big_endian };

        put32(&word, value);
        memcpy(f->bytes.data + f->bytes.len - from_end, word.bytes.data, 4);
        buf_free(&word.bytes);
}

/* The last block is spoilt in one word, counted from the end. */
static void test_damage(void **state)
{
        static const struct {
                size_t from_end;
                uint32_t value;
                const char *message;
        } cases[] = {
                { 32, 35, "a block cannot be 35 bytes long" },
                { 32, 8, "a block cannot be 8 bytes long" },
                { 32, 12, "the two lengths of the block differ" },
                { 32, 44, "the file ends inside of a block" },
                { 32, 1 << 25, "a block of 33554432 bytes; 16777216 are read at most" },
                { 4, 40, "the two lengths of the block differ" },
                { 16, 5, "a packet runs over the end of its block" },
                { 16, UINT32_MAX, "a packet runs over the end of its block" },
                { 28, 1, "a packet of interface 1, of which nothing is known" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct file f = { 0 };
                char text[200];
                put_section(&f, i & 1);
                put_interface(&f, 1, 0, -1, 0);
                put_packet(&f, 0, 1000000, "good", 4);
                size_t at = f.bytes.len;
                put_packet(&f, 0, 1000000, "badd", 4);
                spoil(&f, cases[i].from_end, cases[i].value);
                snprintf(text, sizeof(text), "1@1.000000000 good/4\nbyte %zu: %s\n", at,
                         cases[i].message);
                struct buf told = { 0 };
                tell_memory(buf_slice(&f.bytes), &told);
                assert_slice(buf_slice(&told), text);
                buf_free(&told);
                buf_free(&f.bytes);
        }
}

static void test_damaged_sections_and_interfaces(void **state)
{
        struct file f = { 0 };

        (void)state;
        put_section(&f, false);
        spoil(&f, 20, 0x1a2b3c4e);
        assert_tells(&f, "byte 0: no pcapng section begins here\n");
        put_section(&f, true);
        spoil(&f, 16, 0x00020000);
        assert_tells(&f, "byte 0: version 2 of pcapng; 1 is read\n");
        put_section(&f, false);
        put_interface(&f, 1, 0, 6, 0);
        spoil(&f, 16, 0xff000009); /* the option says that it is longer */
        assert_tells(&f, "byte 28: an option runs over the end of its block\n");
        put_other(&f, 1, 4);
        assert_tells(&f, "byte 0: no pcapng section begins here\n");
        put_section(&f, false);
        put_other(&f, 1, 4);
        assert_tells(&f, "byte 28: the block is too small for what it holds\n");
        put_section(&f, false);
        put_other(&f, 6, 16);
        assert_tells(&f, "byte 28: the block is too small for what it holds\n");
        put_section(&f, false);
        put_other(&f, 3, 0);
        assert_tells(&f, "byte 28: the block is too small for what it holds\n");
        put_section(&f, false);
        assert_tells(&f, "");
}

/* Behind the interfaces there is a large block, which needs a larger buffer. */
static void test_large_blocks(void **state)
{
        struct file f = { 0 };

        (void)state;
        put_section(&f, false);
        put_interface(&f, 1, 0, -1, 0);
        put_other(&f, 0xbad, 3 << 20);
        put_packet(&f, 0, 1000000, "a", 1);
        struct buf told = { 0 };
        tell_memory(buf_slice(&f.bytes), &told);
        assert_slice(buf_slice(&told), "1@1.000000000 a/1\n");
        buf_free(&told);
        buf_free(&f.bytes);
}

/* ---- as the daemon reads it ---- */

static void on_frame(void *context, const struct capture_frame *frame)
{
        buf_printf(context, "%d:%u ", frame->link, frame->wire_length);
}

static void assert_captured(const char *path, const char *filter, const char *text,
                            enum capture_result end)
{
        struct capture_options options = { .filter = filter };
        char error[CAPTURE_ERROR_MAX];
        struct capture *capture = capture_open_file(path, &options, error);
        struct buf told = { 0 };
        enum capture_result result;

        assert_non_null(capture);
        assert_int_equal(capture_link(capture), CAPTURE_LINKS_DIFFER);
        while ((result = capture_read(capture, 2, on_frame, &told)) == CAPTURE_MORE)
                ;
        assert_int_equal(result, end);
        assert_slice(buf_slice(&told), text);
        if (end == CAPTURE_ERROR)
                assert_non_null(strstr(capture_error(capture), filter ? filter : path));
        buf_free(&told);
        capture_close(&capture);
}

static void write_file(const char *path, const struct file *f)
{
        FILE *out = fopen(path, "wb");

        assert_non_null(out);
        assert_int_equal(fwrite(f->bytes.data, 1, f->bytes.len, out), f->bytes.len);
        fclose(out);
}

#define IP_OF(protocol)                                            \
        "\x45\x10\x10\x1c\x10\x10\x40\x10\x40" protocol "\x10\x10" \
        "\x0a\x01\x01\x01\x0a\x01\x01\x02\x01\x02\x01\x50\x10\x10\x10\x10"

static void test_filters(void **state)
{
        char path[] = "/tmp/unit-pcapng-XXXXXX", error[CAPTURE_ERROR_MAX];
        struct capture_options wrong = { .filter = "tcp and and" };
        struct file f = { 0 };

        (void)state;
        put_section(&f, false);
        put_interface(&f, 1, 0, -1, 0);
        put_interface(&f, 101, 0, -1, 0);
        put_packet(&f, 0, 1, "\2\1\1\1\1\1\2\1\1\1\1\2\x08\x06", 60);
        put_packet(&f, 1, 1, IP_OF("\x06"), 100);
        put_packet(&f, 1, 1, IP_OF("\x11"), 200);
        put_packet(&f, 0, 1, "\2\1\1\1\1\1\2\1\1\1\1\2\x86\xdd", 300);
        int fd = mkstemp(path);
        assert_true(fd >= 0);
        write_file(path, &f);
        assert_captured(path, NULL, "1:60 101:100 101:200 1:300 ", CAPTURE_END);
        assert_captured(path, "tcp", "101:100 ", CAPTURE_END);
        assert_captured(path, "arp or udp", "1:60 101:200 ", CAPTURE_END);
        assert_captured(path, "greater 200", "101:200 1:300 ", CAPTURE_END);
        /* Raw IP has no such thing: known when the first such packet comes. */
        assert_captured(path, "ether host 2:1:1:1:1:1", "1:60 ", CAPTURE_ERROR);
        assert_null(capture_open_file(path, &wrong, error));
        assert_non_null(strstr(error, "tcp and and"));
        /* Cut short: everything before is read. */
        f.bytes.len -= 4;
        write_file(path, &f);
        assert_captured(path, NULL, "1:60 101:100 101:200 ", CAPTURE_ERROR);
        close(fd);
        unlink(path);
        buf_free(&f.bytes);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_interfaces_that_differ),
                cmocka_unit_test(test_sections),
                cmocka_unit_test(test_other_packet_blocks),
                cmocka_unit_test(test_impossible_times),
                cmocka_unit_test(test_damage),
                cmocka_unit_test(test_damaged_sections_and_interfaces),
                cmocka_unit_test(test_large_blocks),
                cmocka_unit_test(test_filters),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
