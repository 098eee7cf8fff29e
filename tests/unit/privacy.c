/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "alert/privacy.h"
#include "base/buf.h"
#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];
static FILE *real_stderr;
static char said[4096];

static int set_up(void **state)
{
        (void)state;
        snprintf(folder, sizeof(folder), "/tmp/trawlwatch-privacy-XXXXXX");
        memset(said, 0, sizeof(said));
        unsetenv("JOURNAL_STREAM");
        return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
        char command[128];

        (void)state;
        snprintf(command, sizeof(command), "rm -rf %s", folder);
        return system(command);
}

/* What is logged from here on lands in `said`. */
static void listen_to_log(void)
{
        memset(said, 0, sizeof(said));
        real_stderr = stderr;
        stderr = fmemopen(said, sizeof(said), "w");
}

static void stop_listening(void)
{
        fclose(stderr);
        stderr = real_stderr;
}

static struct privacy *open_with(const char *key_file, const char *state_directory,
                                 unsigned clear)
{
        const struct privacy_options options = { key_file, state_directory, clear };

        listen_to_log();
        struct privacy *p = privacy_open(&options);
        stop_listening();
        return p;
}

static void expect(struct privacy *p, const char *type, const char *raw,
                   const char *expected)
{
        char out[256];
        size_t len = privacy_pseudonym(p, type, slice_str(raw), out);

        assert_slice(slice_of(out, len), expected);
}

/* Computed with Python's hmac module. */
static void test_vectors(void **state)
{
        struct privacy *p = open_with(NULL, NULL, 0);

        (void)state;
        expect(p, "session", "abc123", "ce9c9a6a4e2db764220804a39f9ad9a2");
        expect(p, "account", "42", "0f8fad238e2a0bf1d7bdfde7d33026a8");
        expect(p, "email", "anna@example.org", "fe26b0d8704411b6641bc286cae9e2a6");
        expect(p, "session", "", "c867c01cf6323f86cfa5906ebc566a23");
        expect(p, "session", "abc123", "ce9c9a6a4e2db764220804a39f9ad9a2");
        privacy_free(&p);
        assert_null(p);
        privacy_free(&p);
}

static void test_derived_keys(void **state)
{
        struct privacy *p = open_with(NULL, NULL, 0);
        struct hash_key key = privacy_hash_key(p);
        uint8_t id[32];
        static const uint8_t expected[32] = { 0xda, 0xd0, 0xa7, 0x68, 0x7d, 0x0a, 0x4f,
                                              0x32, 0xb8, 0x99, 0xef, 0x31, 0xd0, 0x79,
                                              0x8a, 0x91, 0xef, 0x2b, 0x8e, 0x53, 0x3a,
                                              0xba, 0xfa, 0xa6, 0xa2, 0x1a, 0x43, 0xd5,
                                              0x88, 0x72, 0x87, 0x5f };

        (void)state;
        privacy_id_key(p, id);
        assert_memory_equal(id, expected, sizeof(id));
        assert_true(key.k0 == UINT64_C(0x9dfb5d04151750be));
        assert_true(key.k1 == UINT64_C(0x746364eaf353b10e));
        privacy_free(&p);
}

static void test_clear(void **state)
{
        struct privacy *p = open_with(NULL, NULL, PRIVACY_CLEAR_ACCOUNT);
        char out[256], raw[1000];

        (void)state;
        expect(p, "account", "42", "42");
        expect(p, "session", "abc123", "ce9c9a6a4e2db764220804a39f9ad9a2");
        memset(raw, 'x', sizeof(raw));
        assert_int_equal(privacy_pseudonym(p, "account", slice_of(raw, sizeof(raw)), out),
                         256);
        assert_int_equal(privacy_pseudonym(p, "account", slice_none(), out), 0);
        privacy_free(&p);
}

static const char *key_path(const char *text, mode_t mode)
{
        static char path[128];

        snprintf(path, sizeof(path), "%s/key", folder);
        unlink(path);
        FILE *file = fopen(path, "w");
        fputs(text, file);
        fclose(file);
        assert_int_equal(chmod(path, mode), 0);
        return path;
}

#define F16 "ffffffffffffffff"

static void test_key_file(void **state)
{
        static const mode_t good[] = { 0600, 0640, 0400 },
                            bad[] = { 0644, 0660, 0604, 0700 };

        (void)state;
        for (size_t i = 0; i < 3; i++) {
                struct privacy *p = open_with(
                    key_path(F16 F16 F16 "FFFFffffFFFFffff\r\n", good[i]), "/nowhere", 0);
                assert_non_null(p);
                assert_string_equal(said, "");
                expect(p, "session", "abc123", "93dca5041675b760c7c55aee489cf471");
                privacy_free(&p);
        }
        for (size_t i = 0; i < 4; i++) {
                struct privacy *p = open_with(key_path(F16 F16 F16 F16, bad[i]), NULL, 0);
                assert_non_null(p);
                assert_non_null(strstr(said, "chmod 0600"));
                assert_null(strstr(said, F16));
                privacy_free(&p);
        }
}

static void test_wrong_key_file(void **state)
{
        static const struct {
                const char *text, *message;
        } cases[] = {
                { "", "is empty" },
                { "\n", "is empty" },
                { F16 F16 F16 "fffffffffffffff", "is shorter than 64" },
                { F16 F16 F16 F16 "f", "is longer than 64" },
                { F16 F16 F16 "ffffffffffffffg0", "else than hex" },
                { F16 F16 F16 "ffffffffffff fff", "else than hex" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                assert_null(open_with(key_path(cases[i].text, 0600), NULL, 0));
                assert_non_null(strstr(said, cases[i].message));
                assert_non_null(strstr(said, "openssl rand -hex 32"));
                assert_null(strstr(said, F16));
        }
        assert_null(open_with("/nonexistent/key", NULL, 0));
        assert_non_null(strstr(said, "No such file"));
        assert_null(open_with(folder, NULL, 0));
        assert_non_null(strstr(said, "not a regular file"));
}

/* Made once, with mode 0600, in a folder that is made too. */
static void test_key_is_made(void **state)
{
        char directory[128], path[160], first[256], second[256];
        struct stat st;

        (void)state;
        snprintf(directory, sizeof(directory), "%s/a/b", folder);
        snprintf(path, sizeof(path), "%s/" PRIVACY_KEY_NAME, directory);
        struct privacy *p = open_with(NULL, directory, 0);
        assert_non_null(p);
        assert_non_null(strstr(said, path));
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        assert_int_equal(st.st_size, 65);
        privacy_pseudonym(p, "session", slice_str("x"), first);
        privacy_free(&p);

        p = open_with(NULL, directory, 0);
        assert_string_equal(said, "");
        privacy_pseudonym(p, "session", slice_str("x"), second);
        assert_memory_equal(first, second, 32);
        privacy_free(&p);

        p = open_with(NULL, NULL, 0);
        privacy_pseudonym(p, "session", slice_str("x"), second);
        assert_memory_not_equal(first, second, 32);
        privacy_free(&p);

        assert_null(open_with(NULL, "/proc/nowhere", 0));
        assert_non_null(strstr(said, "privacy.key_file"));
}

#define E16       "eeeeeeeeeeeeeeee"
#define OLD       F16 F16 F16 F16
#define NEW       E16 E16 E16 E16
#define TIME_2030 INT64_C(1893456000) /* 2030-01-01T00:00:00Z */

static void expect_other(struct privacy *p, const char * not )
{
        char out[256];

        assert_int_equal(privacy_pseudonym(p, "session", slice_str("abc123"), out), 32);
        assert_memory_not_equal(out, not, 32);
}

/* Pseudonyms change at the second key's time; windows and ids stay with the first. */
static void test_next_key(void **state)
{
        static const char under_old[] = "93dca5041675b760c7c55aee489cf471";
        struct privacy *p = open_with(
            key_path(OLD "\n" NEW " from 2030-01-01T00:00:00Z\n", 0600), NULL, 0);
        struct privacy *alone = open_with(key_path(NEW, 0600), NULL, 0);
        struct hash_key before = privacy_hash_key(p), after;
        char out[256];

        (void)state;
        assert_false(privacy_tick(p, TIME_2030 * NS_PER_SEC - 1));
        expect(p, "session", "abc123", under_old);
        assert_true(privacy_tick(p, TIME_2030 * NS_PER_SEC));
        assert_false(privacy_tick(p, TIME_2030 * NS_PER_SEC));
        expect_other(p, under_old);
        size_t len = privacy_pseudonym(alone, "session", slice_str("abc123"), out);
        out[len] = '\0';
        expect(p, "session", "abc123", out);
        after = privacy_hash_key(p);
        assert_true(before.k0 == after.k0 && before.k1 == after.k1);
        privacy_free(&p);
        privacy_free(&alone);
}

static void test_reload(void **state)
{
        const char *path = key_path(OLD, 0600);
        struct privacy *p = open_with(path, NULL, 0);
        struct privacy_options options = { path, NULL, 0 };

        (void)state;
        key_path(NEW, 0600);
        expect(p, "session", "abc123", "93dca5041675b760c7c55aee489cf471");
        assert_true(privacy_reload(p, &options));
        expect_other(p, "93dca5041675b760c7c55aee489cf471");
        key_path("spoilt", 0600);
        listen_to_log();
        assert_false(privacy_reload(p, &options));
        stop_listening();
        assert_non_null(strstr(said, "shorter"));
        expect_other(p, "93dca5041675b760c7c55aee489cf471");
        privacy_free(&p);
}

static void test_wrong_later_keys(void **state)
{
        static const struct {
                const char *text, *message;
        } cases[] = {
                { OLD "\n" NEW, "without a time" },
                { OLD "\n" NEW " from yesterday", "without a time" },
                { OLD "\n" NEW " from 2030-01-01T00:00:00Z!", "without a time" },
                { OLD "\n" NEW " from 2030-01-01", "without a time" },
                { OLD "\nabc from 2030-01-01T00:00:00Z", "is shorter" },
                { OLD " from 2030-01-01T00:00:00Z", "is longer" },
                { OLD "\n" NEW " from 2030-01-01T00:00:00Z\n" NEW
                      " from 2030-01-01T00:00:00Z",
                  "do not ascend" },
        };
        struct privacy_keys keys;
        struct buf many = { 0 };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                const char *wrong = privacy_keys_parse(slice_str(cases[i].text), &keys);
                assert_non_null(wrong);
                assert_non_null(strstr(wrong, cases[i].message));
        }
        buf_put_str(&many, OLD "\n");
        for (int i = 1; i < PRIVACY_KEYS_MAX; i++)
                buf_printf(&many, NEW " from 2030-01-0%dT00:00:00Z\n", i);
        assert_null(privacy_keys_parse(buf_slice(&many), &keys));
        assert_int_equal(keys.count, PRIVACY_KEYS_MAX);
        buf_put_str(&many, NEW " from 2031-01-01T00:00:00Z\n");
        assert_non_null(strstr(privacy_keys_parse(buf_slice(&many), &keys), "more than"));
        buf_free(&many);
}

/* Written as it was read; who may read the file stays. */
static void test_replace(void **state)
{
        static const char text[] = OLD "\n" NEW " from 2030-01-01T00:00:00Z\n";
        const char *path = key_path(OLD, 0640);
        struct privacy_keys keys;
        char got[sizeof(text) + 8] = { 0 };
        struct stat st;

        (void)state;
        assert_null(privacy_keys_parse(slice_str(text), &keys));
        assert_true(privacy_keys_replace(path, &keys));
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0640);
        FILE *file = fopen(path, "r");
        assert_int_equal(fread(got, 1, sizeof(got), file), sizeof(text) - 1);
        fclose(file);
        assert_string_equal(got, text);
        assert_false(privacy_keys_replace("/nonexistent/key", &keys));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        const struct CMUnitTest tests[] = {
                TEST(test_vectors),
                TEST(test_derived_keys),
                TEST(test_clear),
                TEST(test_key_file),
                TEST(test_wrong_key_file),
                TEST(test_key_is_made),
                TEST(test_next_key),
                TEST(test_reload),
                TEST(test_wrong_later_keys),
                TEST(test_replace),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
