/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define WORDS 16

/* The words between blanks, after the program's name. */
static enum exit_status read_words(struct options *o, const char *line)
{
        static char copy[512], program[] = "trawl-enforce";
        char *argv[WORDS + 1] = { program };
        int argc = 1;

        assert_true(strlen(line) < sizeof(copy));
        strcpy(copy, line);
        for (char *at = strtok(copy, " "); at; at = strtok(NULL, " "))
                argv[argc++] = at;
        optind = 0; /* glibc: begin anew */
        return options_read(o, argc, argv);
}

static void expect(const char *line, enum exit_status status)
{
        struct options o;
        enum exit_status got = read_words(&o, line);

        if (got != status)
                fail_msg("%s: %d", line, (int)got);
        options_free(&o);
}

static void test_statuses(void **state)
{
        (void)state;
        unsetenv(REDIS_PASSWORD_VARIABLE);
        expect("--redis redis://h --nftables", EXIT_DONE);
        expect("--redis redis://h --nftables own_table --reject", EXIT_DONE);
        expect("-o redis.url=redis://h --haproxy /run/h.sock /etc/a.map "
               "session=/etc/s.map",
               EXIT_DONE);
        expect("--redis redis://h --nginx /etc/n.conf --reload true --reload-every 0.5",
               EXIT_DONE);
        expect("--nftables", EXIT_USAGE);
        expect("--redis redis://h", EXIT_USAGE);
        expect("--redis redis://h --nftables --nginx /f", EXIT_USAGE);
        expect("--redis redis://h --nftables bad;name", EXIT_USAGE);
        expect("--redis redis://h --nftables a b", EXIT_USAGE);
        expect("--redis redis://h --haproxy /run/h.sock", EXIT_USAGE);
        expect("--redis redis://h --haproxy /run/h.sock a;b", EXIT_USAGE);
        expect("--redis redis://h --haproxy /run/h.sock a session=b session=c",
               EXIT_USAGE);
        expect("--redis redis://h --nginx /f --reject", EXIT_USAGE);
        expect("--redis redis://h --nginx /f --reload-every nan", EXIT_USAGE);
        expect("--redis redis://h --nftables --max 0", EXIT_USAGE);
        expect("--redis redis://h --nftables --no-such", EXIT_USAGE);
        expect("--redis", EXIT_USAGE);
        expect("--redis http://h --nftables", EXIT_MISTAKE);
        expect("--redis redis://h --prefix none --nftables", EXIT_MISTAKE);
        expect("-c /nonexistent --nftables", EXIT_MISTAKE);
        expect("--redis redis://h -o redis.nothing=1 --nftables", EXIT_MISTAKE);
}

static void test_values(void **state)
{
        struct options o;

        (void)state;
        assert_int_equal(read_words(&o, "--redis redis://h:7/2 --prefix {x} --name n "
                                        "--max 5 --haproxy /s m ja4=j --dry-run --once"),
                         EXIT_DONE);
        assert_string_equal(o.follow.prefix, "{x}");
        assert_string_equal(o.follow.name, "n");
        assert_int_equal(o.follow.url.database, 2);
        assert_int_equal(o.max, 5);
        assert_true(o.is_dry && o.is_once);
        assert_string_equal(o.place, "/s");
        assert_string_equal(o.maps[SUBJECT_ADDRESS], "m");
        assert_string_equal(o.maps[SUBJECT_JA4], "j");
        assert_null(o.maps[SUBJECT_SESSION]);
        options_free(&o);
}

/* The daemon's file is enough. */
static void test_file(void **state)
{
        char path[] = "/tmp/trawl-enforce-XXXXXX", line[128];
        static const char text[] = "redis:\n  url: unix:/run/r.sock\n  prefix: \"{p}\"\n";
        struct options o;
        int fd = mkstemp(path);

        (void)state;
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
        close(fd);
        snprintf(line, sizeof(line), "-c %s --nftables", path);
        assert_int_equal(read_words(&o, line), EXIT_DONE);
        assert_true(o.follow.url.is_unix);
        assert_string_equal(o.follow.prefix, "{p}");
        options_free(&o);
        unlink(path);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_statuses),
                cmocka_unit_test(test_values),
                cmocka_unit_test(test_file),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
