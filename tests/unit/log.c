/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* What is written to standard error meanwhile goes into a file. */
struct caught {
        int saved, file;
        char text[4096];
};

static void catch_errors(struct caught *c)
{
        char name[] = "/tmp/trawl-log-XXXXXX";

        c->file = mkstemp(name);
        assert_true(c->file >= 0);
        unlink(name);
        c->saved = dup(STDERR_FILENO);
        dup2(c->file, STDERR_FILENO);
}

static const char *caught(struct caught *c)
{
        fflush(stderr);
        dup2(c->saved, STDERR_FILENO);
        close(c->saved);
        ssize_t n = pread(c->file, c->text, sizeof(c->text) - 1, 0);
        assert_true(n >= 0);
        c->text[n] = '\0';
        close(c->file);
        return c->text;
}

/* As systemd says where the journal is; `of` is another file. */
static void set_journal(int of)
{
        struct stat status;
        char name[64];

        assert_int_equal(fstat(of, &status), 0);
        snprintf(name, sizeof(name), "%llu:%llu", (unsigned long long)status.st_dev,
                 (unsigned long long)status.st_ino);
        setenv("JOURNAL_STREAM", name, 1);
}

static void say_all(void)
{
        log_error("one %d", 1);
        log_warning("two");
        log_info("three\nlines");
        log_text(LOG_LEVEL_ERROR, slice_str("a.yaml:1:2: wrong\n\nb.yaml:3:4: too\n"));
}

static void priorities_are_for_the_journal(void **state)
{
        struct caught c;

        (void)state;
        catch_errors(&c);
        set_journal(STDERR_FILENO);
        say_all();
        assert_string_equal(caught(&c), "<3>one 1\n<4>two\n<6>three lines\n"
                                        "<3>a.yaml:1:2: wrong\n<3>b.yaml:3:4: too\n");
        unsetenv("JOURNAL_STREAM");
}

static const char plain[] = "trawlwatch: error: one 1\ntrawlwatch: warning: two\n"
                            "trawlwatch: three lines\n"
                            "a.yaml:1:2: wrong\nb.yaml:3:4: too\n";

static void others_read_words(void **state)
{
        struct caught c;

        (void)state;
        unsetenv("JOURNAL_STREAM");
        catch_errors(&c);
        say_all();
        assert_string_equal(caught(&c), plain);
}

/* A service's child whose standard error goes to a file. */
static void the_journal_is_another_file(void **state)
{
        static const char *const nonsense[] = { "", "x", "1", "1:", "-1:-1" };
        struct caught c;
        int nothing = open("/dev/null", O_WRONLY);

        (void)state;
        catch_errors(&c);
        set_journal(nothing);
        say_all();
        assert_string_equal(caught(&c), plain);
        close(nothing);
        for (size_t i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++) {
                setenv("JOURNAL_STREAM", nonsense[i], 1);
                catch_errors(&c);
                say_all();
                assert_string_equal(caught(&c), plain);
        }
        unsetenv("JOURNAL_STREAM");
}

static void what_is_above_the_level_is_dropped(void **state)
{
        struct caught c;

        (void)state;
        catch_errors(&c);
        log_set_level(LOG_LEVEL_ERROR);
        log_warning("two");
        log_error("one");
        log_set_level(LOG_LEVEL_INFO);
        assert_string_equal(caught(&c), "trawlwatch: error: one\n");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(priorities_are_for_the_journal),
                cmocka_unit_test(others_read_words),
                cmocka_unit_test(the_journal_is_another_file),
                cmocka_unit_test(what_is_above_the_level_is_dropped),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
