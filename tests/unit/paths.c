/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/paths.h"

static char root[64];

static int make_root(void **state)
{
        (void)state;
        snprintf(root, sizeof(root), "/tmp/paths-XXXXXX");
        return mkdtemp(root) ? 0 : -1;
}

static int drop_root(void **state)
{
        char command[128];

        (void)state;
        snprintf(command, sizeof(command), "rm -rf %s", root);
        return system(command);
}

static char *below_root(const char *name)
{
        char *path;

        assert_true(asprintf(&path, "%s/%s", root, name) > 0);
        return path;
}

static bool is_folder(const char *path)
{
        struct stat status;

        return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static void folders_are_made_with_those_above(void **state)
{
        char *deep = below_root("a/b/c"), *file = below_root("file");
        char *under_file = below_root("file/x");
        FILE *f = fopen(file, "w");

        (void)state;
        fclose(f);
        assert_true(paths_make(deep));
        assert_true(is_folder(deep));
        assert_true(paths_make(deep));
        assert_false(paths_make(under_file));
        assert_false(paths_make(file));
        free(deep);
        free(file);
        free(under_file);
}

static void a_configured_journal_is_taken_as_it_is(void **state)
{
        char *wanted = below_root("journal"), *got;

        (void)state;
        got = paths_journal(wanted, false);
        assert_string_equal(got, wanted);
        assert_false(is_folder(got));
        free(got);
        got = paths_journal(wanted, true);
        assert_true(is_folder(got));
        free(got);
        free(wanted);
}

/* Whoever may write to /var/lib/trawlwatch uses it; everybody else has a folder of
   their own, and a relative XDG_STATE_HOME does not count. */
static void state_is_personal_without_the_system_one(void **state)
{
        char *home = below_root("home"), *xdg = below_root("xdg"), *got, *expected;

        (void)state;
        if (access("/var/lib/trawlwatch", F_OK) == 0 || geteuid() == 0) {
                got = paths_state(false);
                if (access("/var/lib/trawlwatch", W_OK | X_OK) == 0)
                        assert_string_equal(got, "/var/lib/trawlwatch");
                free(got);
                free(home);
                free(xdg);
                return;
        }
        setenv("HOME", home, 1);
        setenv("XDG_STATE_HOME", xdg, 1);
        assert_null(paths_state(false));
        got = paths_state(true);
        expected = below_root("xdg/trawlwatch");
        assert_string_equal(got, expected);
        assert_true(is_folder(got));
        free(got);
        free(expected);
        setenv("XDG_STATE_HOME", "relative", 1);
        got = paths_state(true);
        expected = below_root("home/.local/state/trawlwatch");
        assert_string_equal(got, expected);
        free(got);
        free(expected);
        free(home);
        free(xdg);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(folders_are_made_with_those_above),
                cmocka_unit_test(a_configured_journal_is_taken_as_it_is),
                cmocka_unit_test(state_is_personal_without_the_system_one),
        };

        return cmocka_run_group_tests(tests, make_root, drop_root);
}
