/* SPDX-License-Identifier: MIT */
#include "app/output.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "unit/unit.h"

enum { LINE = 1000 };

/* Standard output is a pipe of ours while a test runs. */
struct stage {
        int saved, reader;
        struct event_base *loop;
        struct counters counters;
        struct output output;
};

static void begin(struct stage *s, bool live)
{
        int ends[2];

        *s = (struct stage){ .loop = event_base_new() };
        fflush(stdout);
        s->saved = dup(STDOUT_FILENO);
        assert_int_equal(pipe(ends), 0);
        s->reader = ends[0];
        dup2(ends[1], STDOUT_FILENO);
        close(ends[1]);
        output_init(&s->output, s->loop, &s->counters, live);
}

static void end(struct stage *s)
{
        output_free(&s->output);
        event_base_free(s->loop);
        dup2(s->saved, STDOUT_FILENO);
        close(s->saved);
        if (s->reader >= 0)
                close(s->reader);
}

/* Numbered lines, all of one length. */
static void put_lines(struct stage *s, unsigned from, unsigned count)
{
        for (unsigned i = from; i < from + count; i++)
                buf_printf(&s->output.lines, "%0*u\n", LINE - 1, i);
        output_flush(&s->output, true);
}

/* Turns the loop and reads until nothing comes; every line must be whole. */
static unsigned read_lines(struct stage *s)
{
        char line[LINE + 1] = "";
        unsigned count = 0;

        fcntl(s->reader, F_SETFL, O_NONBLOCK);
        for (;;) {
                size_t len = 0;
                while (len < LINE) {
                        ssize_t n = read(s->reader, line + len, LINE - len);
                        if (n > 0)
                                len += (size_t)n;
                        else if (event_base_get_num_events(s->loop,
                                                           EVENT_BASE_COUNT_ADDED) > 0)
                                event_base_loop(s->loop, EVLOOP_ONCE);
                        else
                                break;
                }
                if (len == 0)
                        return count;
                assert_int_equal(len, LINE);
                assert_int_equal(atoi(line), count);
                assert_int_equal(line[LINE - 1], '\n');
                count++;
        }
}

static void test_live_never_waits(void **state)
{
        struct stage s;

        (void)state;
        begin(&s, true);
        put_lines(&s, 0, 1000);
        assert_int_equal(s.counters.lines_dropped, 0);
        assert_int_equal(read_lines(&s), 1000);
        end(&s);
}

static void test_what_waits_is_bounded(void **state)
{
        const unsigned more = OUTPUT_MAX / LINE + 1000;
        unsigned kept;
        struct stage s;

        (void)state;
        begin(&s, true);
        for (unsigned i = 0; i < more; i += 100)
                put_lines(&s, i, 100);
        assert_true(s.output.waiting.len - s.output.sent <= OUTPUT_MAX);
        assert_true(s.counters.lines_dropped > 0);
        kept = read_lines(&s);
        assert_true(kept >= OUTPUT_MAX / LINE);
        assert_true(kept + s.counters.lines_dropped >= more);
        assert_true(kept + s.counters.lines_dropped < more + 100);
        /* And it goes on when somebody reads again. */
        put_lines(&s, 0, 10);
        assert_int_equal(read_lines(&s), 10);
        end(&s);
}

static void test_the_end_waits_a_while_only(void **state)
{
        struct stage s;

        (void)state;
        begin(&s, true);
        put_lines(&s, 0, 500);
        output_finish(&s.output);
        assert_true(s.counters.lines_dropped > 400);
        end(&s);
}

static void test_a_reader_that_left(void **state)
{
        struct stage s;

        (void)state;
        for (int live = 0; live < 2; live++) {
                begin(&s, live);
                close(s.reader);
                s.reader = -1;
                put_lines(&s, 0, 10);
                assert_int_equal(s.output.error, EPIPE);
                put_lines(&s, 10, 10);
                assert_int_equal(s.output.lines.len, 0);
                end(&s);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_live_never_waits),
                cmocka_unit_test(test_what_waits_is_bounded),
                cmocka_unit_test(test_the_end_waits_a_while_only),
                cmocka_unit_test(test_a_reader_that_left),
        };

        signal(SIGPIPE, SIG_IGN);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
