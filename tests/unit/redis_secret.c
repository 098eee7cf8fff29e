/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "alert/redis_secret.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[] = "/tmp/trawlwatch-secret-XXXXXX";
static char secret[REDIS_SECRET_MAX], error[REDIS_SECRET_ERROR_MAX];
static char warning[REDIS_SECRET_ERROR_MAX];

static void write_file(const void *text, size_t len, mode_t mode)
{
        FILE *file = fopen(path, "wb");

        assert_non_null(file);
        assert_int_equal(fwrite(text, 1, len, file), len);
        fclose(file);
        chmod(path, mode);
}

static bool reads(const char *text)
{
        write_file(text, strlen(text), 0600);
        memset(secret, 'x', sizeof(secret));
        return redis_secret_read("key", path, secret, error, warning);
}

static void test_one_line(void **state)
{
        char longest[REDIS_SECRET_MAX + 1];

        (void)state;
        assert_true(reads("a b#:@\n"));
        assert_string_equal(secret, "a b#:@");
        assert_true(reads("dos\r\n"));
        assert_string_equal(secret, "dos");
        assert_true(reads("none"));
        assert_string_equal(secret, "none");
        memset(longest, 'a', sizeof(longest));
        longest[REDIS_SECRET_MAX - 1] = '\n';
        longest[REDIS_SECRET_MAX] = '\0';
        assert_true(reads(longest));
        assert_int_equal(strlen(secret), REDIS_SECRET_MAX - 1);
}

static void test_what_is_no_password(void **state)
{
        char too_long[3 * REDIS_SECRET_MAX];

        (void)state;
        assert_false(reads(""));
        assert_non_null(strstr(error, "is empty; write the password into it"));
        assert_false(reads("\n"));
        assert_false(reads("hush-1\nhush-2\n"));
        assert_non_null(strstr(error, "more than one line"));
        assert_null(strstr(error, "hush"));
        memset(too_long, 'a', sizeof(too_long));
        too_long[REDIS_SECRET_MAX] = '\0';
        assert_false(reads(too_long));
        assert_non_null(strstr(error, "longer than 511"));
        too_long[REDIS_SECRET_MAX] = 'a';
        too_long[sizeof(too_long) - 1] = '\0';
        assert_false(reads(too_long));
        write_file("a\0b", 3, 0600);
        assert_false(redis_secret_read("key", path, secret, error, warning));
        assert_false(
            redis_secret_read("redis.password_file", "/no/file", secret, error, warning));
        assert_non_null(strstr(error, "redis.password_file /no/file: No such file"));
        assert_false(redis_secret_read("key", "/tmp", secret, error, warning));
}

static bool is_warned(mode_t mode)
{
        write_file("hush\n", 5, mode);
        assert_true(
            redis_secret_read("redis.password_file", path, secret, error, warning));
        assert_null(strstr(warning, "hush"));
        return strstr(warning, "others can get at it; chmod 0600") != NULL;
}

static void test_mode(void **state)
{
        (void)state;
        assert_false(is_warned(0600));
        assert_false(is_warned(0440));
        assert_false(is_warned(0640));
        assert_true(is_warned(0644));
        assert_true(is_warned(0660));
        assert_true(is_warned(0602));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_one_line),
                cmocka_unit_test(test_what_is_no_password),
                cmocka_unit_test(test_mode),
        };
        int fd = mkstemp(path);

        close(fd);
        int failed = cmocka_run_group_tests(tests, NULL, NULL);
        unlink(path);
        return failed;
}
