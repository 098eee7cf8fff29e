/* SPDX-License-Identifier: MIT */
/*
 * Rings into one stream. Hellos with names stand for all that can come; the lines that
 * the pipeline prints of them show the order.
 */
#include "app/merge.h"

#include "app/pipeline.h"
#include "base/clock.h"
#include "tls/hello_pack.h"
#include "unit/unit.h"

#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#define START  (INT64_C(1795431600) * NS_PER_SEC)
#define MS     NS_PER_MS
#define NEWEST (START + 3600 * NS_PER_SEC)
#define BEHIND (5 * NS_PER_SEC)

enum { RINGS = 2 };

struct world {
        struct setup setup;
        struct counters counters, ended;
        struct buf lines;
        struct pipeline *pipeline;
        struct merge *merge;
        struct ring *rings[RINGS + 1]; /* by number, from 1 on */
        unsigned gone;
};

static void on_incident(void *context, const struct incident *incident)
{
        (void)context, (void)incident;
}

static size_t no_pseudonym(void *context, const char *type, struct slice raw,
                           char out[256])
{
        (void)context, (void)type, (void)raw, (void)out;
        return 0;
}

static void on_gone(void *context, const struct ring *ring)
{
        struct world *w = context;

        assert_non_null(ring);
        w->gone++;
}

static struct ring *other_side(const struct ring *ring)
{
        struct ring *other = ring_open(dup(ring_memory_fd(ring)), dup(ring_wake_fd(ring)),
                                       sizeof(struct worker_page));

        assert_non_null(other);
        return other;
}

static void add_at(struct world *w, unsigned number, unsigned generation, int64_t now_ns)
{
        w->rings[number] = ring_new(1 << 16, sizeof(struct worker_page));
        assert_non_null(w->rings[number]);
        assert_true(merge_add(w->merge, other_side(w->rings[number]), number, generation,
                              now_ns));
}

static void add(struct world *w, unsigned number, unsigned generation)
{
        add_at(w, number, generation, 0);
}

static int begin(void **state)
{
        static struct world w;
        struct check_request request = { .site = "../rules/sites/profile-network.yaml" };
        struct buf messages = { 0 };

        w = (struct world){ 0 };
        check_add_rules(&request, "none");
        assert_true(check_load(&request, &w.setup, &messages));
        buf_free(&messages);
        check_request_free(&request);
        struct pipeline_options pipeline = {
                .setup = &w.setup,
                .has_no_front = true,
                .flow_key = hash_key_fixed(),
                .engine_key = hash_key_fixed(),
                .pseudonym = no_pseudonym,
                .incident = on_incident,
                .hellos = &w.lines,
                .counters = &w.counters,
        };
        w.pipeline = pipeline_new(&pipeline);
        assert_non_null(w.pipeline);
        struct merge_options merge = {
                .wait_ns = 200 * MS,
                .oldest_ns = NEWEST - START + BEHIND,
                .counters = &w.counters,
                .ended = &w.ended,
                .site = w.setup.site,
                .generation = 5,
                .gone = on_gone,
                .gone_context = &w,
        };
        w.merge = merge_new(&merge);
        for (unsigned number = 1; number <= RINGS; number++)
                add(&w, number, 5);
        *state = &w;
        return 0;
}

static int end(void **state)
{
        struct world *w = *state;

        merge_free(&w->merge);
        for (unsigned i = 1; i <= RINGS; i++)
                ring_free(&w->rings[i]);
        pipeline_free(&w->pipeline);
        check_free(&w->setup);
        buf_free(&w->lines);
        return 0;
}

static void put_time(struct world *w, unsigned ring, int64_t time_ns)
{
        assert_true(ring_put(w->rings[ring], MESSAGE_TIME, &time_ns, sizeof(time_ns)));
        ring_publish(w->rings[ring]);
}

static void put_hello(struct world *w, unsigned ring, const char *name)
{
        struct hello hello = {
                .time_ns = START,
                .client = { ip_from_v4((uint8_t[]){ 203, 0, 113, 9 }), 50000 },
                .server = { ip_from_v4((uint8_t[]){ 192, 0, 2, 2 }), 443 },
                .server_name = slice_str(name),
                .ciphers = SLICE("\x13\x01"),
                .ja3 = "253b80039dce39c1c9fe81249fcdf598",
                .ja4 = "t13d1517h2_8daaf6152771_cb7bf5808d99",
        };
        struct tcp_shape syn = { 0 };
        struct buf packed = { 0 };

        hello_pack(&hello, &syn, &packed);
        assert_true(ring_put(w->rings[ring], MESSAGE_HELLO, packed.data, packed.len));
        ring_publish(w->rings[ring]);
        buf_free(&packed);
}

/* The names in the order in which they came out, with blanks between. */
static void require(struct world *w, int64_t now_ns, const char *names)
{
        struct slice rest, line;
        struct buf got = { 0 };

        while (merge_read(w->merge, w->pipeline, NEWEST, now_ns, 100))
                ;
        rest = buf_slice(&w->lines);
        while (rest.len && slice_next(&rest, '\n', &line)) {
                static const char key[] = "\"server_name\":\"";
                size_t at = 0;
                while (at + sizeof(key) < line.len &&
                       memcmp(line.data + at, key, sizeof(key) - 1) != 0)
                        at++;
                struct slice name = slice_from(line, at + sizeof(key) - 1), first;
                slice_next(&name, '"', &first);
                buf_printf(&got, "%s%.*s", got.len ? " " : "", (int)first.len,
                           (const char *)first.data);
        }
        assert_slice(buf_slice(&got), names);
        buf_clear(&w->lines);
        buf_free(&got);
}

static void test_rings_are_merged_by_their_times(void **state)
{
        struct world *w = *state;

        put_time(w, 1, START + 10 * MS);
        put_hello(w, 1, "one.example");
        put_time(w, 1, START + 30 * MS);
        put_hello(w, 1, "three.example");
        put_time(w, 2, START + 20 * MS);
        put_hello(w, 2, "two.example");
        put_time(w, 2, START + 40 * MS);
        require(w, MS, "one.example two.example three.example");
}

static void test_what_may_still_be_overtaken_waits(void **state)
{
        struct world *w = *state;

        put_time(w, 1, START + 30 * MS);
        put_hello(w, 1, "later.example");
        put_time(w, 2, START + 20 * MS);
        require(w, NS_PER_SEC, "");
        assert_int_equal(merge_time(w->merge, 0), START + 20 * MS);
        put_hello(w, 2, "earlier.example");
        require(w, NS_PER_SEC, "earlier.example");
        put_time(w, 2, START + 30 * MS);
        require(w, NS_PER_SEC, "later.example");
}

static bool is_woken(struct world *w, unsigned index)
{
        struct pollfd wake = { .fd = ring_wake_fd(merge_ring(w->merge, index)),
                               .events = POLLIN };

        return poll(&wake, 1, 0) == 1;
}

/* Whoever looked again and again until the other ring comes would never rest. */
static void test_who_waits_for_a_ring_sleeps(void **state)
{
        struct world *w = *state;

        put_time(w, 1, START + 30 * MS);
        put_hello(w, 1, "later.example");
        put_hello(w, 1, "last.example");
        put_time(w, 2, START + 20 * MS);
        assert_false(merge_sleep(w->merge));
        require(w, NS_PER_SEC, "");
        assert_true(merge_sleep(w->merge));
        put_hello(w, 1, "after.example");
        assert_false(is_woken(w, 0));
        put_time(w, 2, START + 30 * MS);
        assert_true(is_woken(w, 1));
        require(w, NS_PER_SEC, "later.example last.example after.example");
        assert_true(merge_sleep(w->merge));
        put_time(w, 1, START + 40 * MS);
        assert_true(is_woken(w, 0));
}

static void test_a_silent_ring_is_not_waited_for_long(void **state)
{
        struct world *w = *state;

        put_time(w, 1, START + 30 * MS);
        put_time(w, 2, START + 20 * MS);
        require(w, NS_PER_SEC, "");
        put_hello(w, 1, "waits.example");
        require(w, NS_PER_SEC + 199 * MS, "");
        require(w, NS_PER_SEC + 200 * MS, "waits.example");
}

/* A worker that begins has to begin first: what others have read meanwhile waits. */
static void test_a_ring_that_has_not_spoken_yet_is_waited_for(void **state)
{
        struct world *w = *state;

        merge_is_over(w->merge, 2);
        put_time(w, 1, START + 30 * MS);
        require(w, NS_PER_SEC, "");
        ring_free(&w->rings[2]);
        add_at(w, 2, 5, NS_PER_SEC);
        put_hello(w, 1, "request.example");
        require(w, NS_PER_SEC + 199 * MS, "");
        assert_int_equal(merge_time(w->merge, 99), 99);
        put_time(w, 2, START + 20 * MS);
        put_hello(w, 2, "hello.example");
        put_time(w, 2, START + 30 * MS);
        require(w, NS_PER_SEC + 199 * MS, "hello.example request.example");
        merge_is_over(w->merge, 2);
        require(w, 2 * NS_PER_SEC, "");
        ring_free(&w->rings[2]);
        add_at(w, 2, 5, 3 * NS_PER_SEC);
        put_hello(w, 1, "alone.example");
        require(w, 3 * NS_PER_SEC + 200 * MS, "alone.example");
}

/* One that speaks all the time, of a time that never comes. */
static void test_a_ring_that_is_far_behind_holds_up_nobody(void **state)
{
        struct world *w = *state;

        put_time(w, 1, START + 30 * MS);
        put_hello(w, 1, "truth.example");
        put_time(w, 2, START - BEHIND);
        require(w, NS_PER_SEC, "");
        assert_int_equal(merge_time(w->merge, 0), START - BEHIND);
        assert_true(
            ring_put(w->rings[1], MESSAGE_TIME, &(int64_t){ START + 40 * MS }, 8));
        put_hello(w, 1, "second.example");
        merge_is_over(w->merge, 2);
        require(w, NS_PER_SEC, "truth.example second.example");
        ring_free(&w->rings[2]);
        add(w, 2, 5);
        put_time(w, 2, START - BEHIND - 1);
        put_hello(w, 1, "third.example");
        require(w, NS_PER_SEC, "third.example");
        assert_int_equal(merge_time(w->merge, 0), START + 40 * MS);
        /* Nor one that only says that it is 1970, or says no time at all. */
        for (int64_t now_ns = 2 * NS_PER_SEC; now_ns < 3 * NS_PER_SEC;
             now_ns += 50 * MS) {
                put_time(w, 2, 0);
                put_hello(w, 1, "goes-on.example");
                require(w, now_ns, "goes-on.example");
        }
        merge_is_over(w->merge, 2);
        require(w, 3 * NS_PER_SEC, "");
        ring_free(&w->rings[2]);
        add_at(w, 2, 5, 4 * NS_PER_SEC);
        for (int64_t now_ns = 4 * NS_PER_SEC; now_ns < 5 * NS_PER_SEC;
             now_ns += 50 * MS) {
                put_hello(w, 2, "untimed.example");
                put_hello(w, 1, "on.example");
                require(w, now_ns, "untimed.example on.example");
        }
}

/* In the memory of a ring the reader's position is the writer's to spoil, too. */
static void test_one_that_is_over_goes_whatever_its_header_says(void **state)
{
        enum { TAIL = 128 }; /* the reader's line of the header */
        struct world *w = *state;
        uint8_t *header = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
                               ring_memory_fd(w->rings[2]), 0);
        uint64_t tail;

        assert_ptr_not_equal(header, MAP_FAILED);
        put_time(w, 2, START + 20 * MS);
        require(w, NS_PER_SEC, "");
        memcpy(&tail, header + TAIL, sizeof(tail));
        assert_int_equal(tail, 16);
        memset(header + TAIL, 0, sizeof(tail));
        munmap(header, 4096);
        merge_is_over(w->merge, 2);
        merge_is_over(w->merge, 1);
        require(w, NS_PER_SEC, "");
        assert_int_equal(w->gone, 2);
        assert_true(merge_is_done(w->merge));
}

static void test_one_that_is_over_is_read_out_and_dropped(void **state)
{
        struct world *w = *state;

        put_time(w, 1, START + 30 * MS);
        put_hello(w, 1, "last.example");
        ((struct worker_page *)ring_shared(w->rings[1]))->counters.packets = 7;
        merge_is_over(w->merge, 1);
        merge_is_over(w->merge, 2);
        assert_false(merge_is_done(w->merge));
        require(w, NS_PER_SEC, "last.example");
        assert_true(merge_is_done(w->merge));
        assert_int_equal(w->gone, 2);
        struct counters sum;
        merge_counters(w->merge, &sum);
        assert_int_equal(sum.packets, 7);
        assert_int_equal(merge_time(w->merge, 99), 99);
}

/* What a writer that was taken over might write. */
static void test_what_is_not_sound_ends_the_ring(void **state)
{
        struct world *w = *state;
        unsigned number;

        assert_false(merge_refused(w->merge, &number));
        put_time(w, 2, START + 20 * MS);
        assert_true(ring_put(w->rings[2], MESSAGE_RECORD, "rubbish", 7));
        put_hello(w, 2, "lies.example");
        put_time(w, 1, START + 30 * MS);
        put_hello(w, 1, "truth.example");
        require(w, NS_PER_SEC, "truth.example");
        assert_true(merge_refused(w->merge, &number));
        assert_int_equal(number, 2);
        assert_int_equal(w->counters.rings_refused, 1);
        merge_is_over(w->merge, 2);
        require(w, NS_PER_SEC, "");
        assert_int_equal(w->gone, 1);
}

static void test_times_that_cannot_be_are_refused(void **state)
{
        struct world *w = *state;

        put_time(w, 1, NEWEST + 1);
        put_time(w, 2, -1);
        require(w, NS_PER_SEC, "");
        assert_int_equal(w->counters.rings_refused, 2);
}

/* A step back is only believed when the time that was is not possible. */
static void test_one_writer_cannot_undo_what_is_known(void **state)
{
        struct world *w = *state;
        int64_t step[2] = { START + 30 * MS, START - 3600 * NS_PER_SEC };

        merge_is_over(w->merge, 2);
        put_time(w, 1, START + 30 * MS);
        put_hello(w, 1, "before.example");
        assert_true(ring_put(w->rings[1], MESSAGE_STEP_BACK, step, sizeof(step)));
        put_hello(w, 1, "after.example");
        require(w, NS_PER_SEC, "before.example after.example");
        assert_int_equal(w->counters.rings_refused, 0);
        assert_int_equal(w->counters.clock_resets, 0);
        /* Now the clock was set back for good: such packets cannot be. */
        while (merge_read(w->merge, w->pipeline, START, NS_PER_SEC, 100))
                ;
        assert_true(ring_put(w->rings[1], MESSAGE_STEP_BACK, step, sizeof(step)));
        ring_publish(w->rings[1]);
        while (merge_read(w->merge, w->pipeline, START, NS_PER_SEC, 100))
                ;
        assert_int_equal(w->counters.clock_resets, 1);
}

static void test_the_next_generation_waits(void **state)
{
        struct world *w = *state;

        merge_is_over(w->merge, 2);
        require(w, NS_PER_SEC, "");
        ring_free(&w->rings[2]);
        add(w, 2, 6);
        put_time(w, 1, START + 30 * MS);
        put_time(w, 2, START + 10 * MS);
        put_hello(w, 2, "new.example");
        put_hello(w, 1, "old.example");
        require(w, NS_PER_SEC, "old.example");
        merge_is_over(w->merge, 1);
        require(w, NS_PER_SEC, "");
        assert_true(merge_is_done(w->merge));
        merge_go_on(w->merge, 6, w->setup.site);
        require(w, NS_PER_SEC, "new.example");
}

/* At a hand-over, what was taken out of the rings already is not left behind. */
static void test_what_was_taken_is_handed_on(void **state)
{
        struct world *w = *state;

        put_time(w, 1, START + 10 * MS);
        put_hello(w, 1, "first.example");
        put_time(w, 2, START + 20 * MS);
        put_hello(w, 2, "second.example");
        put_hello(w, 2, "for-the-next.example");
        assert_true(merge_read(w->merge, w->pipeline, NEWEST, 1, 1));
        assert_false(merge_read(w->merge, w->pipeline, NEWEST, 1, 1));
        merge_hand_on_taken(w->merge, w->pipeline);
        pipeline_settle(w->pipeline);
        assert_non_null(memmem(w->lines.data, w->lines.len, "second.example", 14));
        assert_null(memmem(w->lines.data, w->lines.len, "for-the-next.example", 20));
}

/* Rings of a site map that was taken back: nobody can read them, but they are counted. */
static void test_what_nobody_can_read_is_counted(void **state)
{
        struct world *w = *state;

        merge_is_over(w->merge, 1);
        merge_is_over(w->merge, 2);
        require(w, NS_PER_SEC, "");
        ring_free(&w->rings[2]);
        add(w, 2, 6);
        put_hello(w, 2, "one.example");
        put_time(w, 2, START + 10 * MS);
        put_hello(w, 2, "two.example");
        merge_is_over(w->merge, 2);
        merge_go_on(w->merge, 7, w->setup.site);
        require(w, NS_PER_SEC, "");
        assert_int_equal(w->counters.reload_lost, 2);
        assert_null(merge_find(w->merge, 2));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
        const struct CMUnitTest tests[] = {
                TEST(test_rings_are_merged_by_their_times),
                TEST(test_what_may_still_be_overtaken_waits),
                TEST(test_who_waits_for_a_ring_sleeps),
                TEST(test_a_silent_ring_is_not_waited_for_long),
                TEST(test_a_ring_that_has_not_spoken_yet_is_waited_for),
                TEST(test_a_ring_that_is_far_behind_holds_up_nobody),
                TEST(test_one_that_is_over_goes_whatever_its_header_says),
                TEST(test_one_that_is_over_is_read_out_and_dropped),
                TEST(test_what_is_not_sound_ends_the_ring),
                TEST(test_times_that_cannot_be_are_refused),
                TEST(test_one_writer_cannot_undo_what_is_known),
                TEST(test_the_next_generation_waits),
                TEST(test_what_was_taken_is_handed_on),
                TEST(test_what_nobody_can_read_is_counted),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
