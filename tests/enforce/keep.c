/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "base/clock.h"
#include "base/log.h"
#include "keep.h"

#include <inttypes.h>
#include <stdio.h>

/* A target that writes down what it is told, and answers what the test says. */
struct fake {
        struct buf told;
        enum target_result commit, check;
        unsigned commits, checks;
};

static void begin(void *target, bool is_whole)
{
        struct fake *f = target;

        buf_put_str(&f->told, is_whole ? "[whole " : "[");
}

static void add(void *target, const struct subject *s, int64_t left_ms)
{
        struct fake *f = target;

        buf_put_byte(&f->told, '+');
        subject_put(s, &f->told);
        buf_printf(&f->told, "/%" PRId64 " ", left_ms);
}

static void drop(void *target, const struct subject *s)
{
        struct fake *f = target;

        buf_put_byte(&f->told, '-');
        subject_put(s, &f->told);
        buf_put_byte(&f->told, ' ');
}

static enum target_result commit(void *target, char why[TARGET_WHY_MAX])
{
        struct fake *f = target;

        f->commits++;
        buf_put_str(&f->told, "]");
        snprintf(why, TARGET_WHY_MAX, "it is not there");
        return f->commit;
}

static enum target_result check(void *target, char why[TARGET_WHY_MAX])
{
        struct fake *f = target;

        f->checks++;
        snprintf(why, TARGET_WHY_MAX, "it is not there");
        return f->check;
}

static const struct target_kind plain = {
        .name = "fake",
        .kinds = SUBJECT_BIT(SUBJECT_ADDRESS),
        .batch = 3,
        .begin = begin,
        .add = add,
        .remove = drop,
        .commit = commit,
        .check = check,
};

struct world {
        struct fake fake;
        struct copy *copy;
        struct keep *keep;
        struct target_kind kind;
        int64_t now_ms;
};

static void make(struct world *w, struct target_kind kind, int64_t interval_ns)
{
        *w = (struct world){ .kind = kind, .now_ms = 1000 };
        w->copy = copy_new(100, kind.ends_itself);
        struct keep_options options = { &w->kind, &w->fake, "fake", interval_ns };
        w->keep = keep_new(&options, w->copy);
        log_set_level(LOG_LEVEL_ERROR);
}

static void unmake(struct world *w)
{
        keep_free(&w->keep);
        copy_free(&w->copy);
        buf_free(&w->fake.told);
}

static void put(struct world *w, const char *member, int64_t end_ms)
{
        struct subject s;

        assert_int_equal(subject_parse(slice_str(member), &s), SUBJECT_GOOD);
        if (end_ms)
                copy_put(w->copy, &s, end_ms);
        else
                copy_drop(w->copy, &s);
}

/* Runs at `now_ms` (of Redis' clock, and of ours) and looks at what was told. */
static int64_t run(struct world *w, int64_t now_ms, const char *told)
{
        buf_clear(&w->fake.told);
        int64_t next = keep_run(w->keep, now_ms * NS_PER_MS, now_ms);
        if (!slice_is(buf_slice(&w->fake.told), told))
                fail_msg("at %" PRId64 ": %.*s is not %s", now_ms, (int)w->fake.told.len,
                         w->fake.told.len ? (const char *)w->fake.told.data : "", told);
        return next;
}

/* What a target has from an earlier run stays until Redis has told everything. */
static void test_nothing_before_it_is_complete(void **state)
{
        struct world w;

        (void)state;
        make(&w, plain, 0);
        put(&w, "ip:203.0.113.9", 9000);
        assert_true(run(&w, 1000, "") == INT64_MAX);
        keep_ready(w.keep);
        run(&w, 1001, "[whole +203.0.113.9/7999 ]");
        assert_true(keep_is_synced(w.keep));
        unmake(&w);
}

static void test_changes(void **state)
{
        struct world w;

        (void)state;
        make(&w, plain, 0);
        keep_ready(w.keep);
        run(&w, 1000, "[whole ]");
        run(&w, 1001, "");
        put(&w, "ip:203.0.113.9", 9000);
        assert_false(keep_is_synced(w.keep));
        run(&w, 1002, "[+203.0.113.9/7998 ]");
        put(&w, "ip:203.0.113.9", 0);
        run(&w, 1003, "[-203.0.113.9 ]");
        put(&w, "ip:203.0.113.8", 1010);
        run(&w, 1004, "[+203.0.113.8/6 ]");
        assert_true(run(&w, 1005, "") <= 1010 * NS_PER_MS);
        run(&w, 1010, "[-203.0.113.8 ]");
        unmake(&w);
}

static void test_many_changes_are_a_whole(void **state)
{
        struct world w;

        (void)state;
        make(&w, plain, 0);
        keep_ready(w.keep);
        run(&w, 1000, "[whole ]");
        put(&w, "ip:203.0.113.1", 9000);
        put(&w, "ip:203.0.113.2", 9000);
        put(&w, "ip:203.0.113.3", 9000);
        run(&w, 1001, "[+203.0.113.1/7999 +203.0.113.2/7999 +203.0.113.3/7999 ]");
        for (int i = 1; i <= 3; i++)
                put(&w,
                    i == 1   ? "ip:203.0.113.1"
                    : i == 2 ? "ip:203.0.113.2"
                             : "ip:203.0.113.3",
                    0);
        put(&w, "ip:203.0.113.4", 9000);
        run(&w, 1002, "[whole +203.0.113.4/7998 ]");
        unmake(&w);
}

static void test_batches_keep_their_distance(void **state)
{
        struct world w;
        struct target_kind whole = plain;

        (void)state;
        whole.is_whole = true;
        make(&w, whole, NS_PER_SEC);
        keep_ready(w.keep);
        run(&w, 1000, "[whole ]");
        put(&w, "ip:203.0.113.9", 9000);
        assert_true(run(&w, 1500, "") == 2000 * NS_PER_MS);
        put(&w, "ip:203.0.113.8", 9000);
        put(&w, "ip:203.0.113.9", 0);
        run(&w, 2000, "[whole +203.0.113.8/7000 ]");
        run(&w, 5000, ""); /* nothing changed, nothing is written */
        assert_int_equal(w.fake.commits, 2);
        unmake(&w);
}

static void test_failure_is_tried_again_as_a_whole(void **state)
{
        struct world w;

        (void)state;
        make(&w, plain, 0);
        keep_ready(w.keep);
        put(&w, "ip:203.0.113.1", 90000);
        run(&w, 1000, "[whole +203.0.113.1/89000 ]");
        put(&w, "ip:203.0.113.2", 90000);
        w.fake.commit = TARGET_FAILED;
        assert_true(run(&w, 1001, "[+203.0.113.2/88999 ]") == 1501 * NS_PER_MS);
        assert_false(keep_is_synced(w.keep));
        assert_int_equal(keep_failures(w.keep), 1);
        run(&w, 1500, "");
        assert_true(run(&w, 1501, "[whole +203.0.113.1/88499 +203.0.113.2/88499 ]") ==
                    2501 * NS_PER_MS); /* twice as long */
        w.fake.commit = TARGET_OK;
        run(&w, 2501, "[whole +203.0.113.1/87499 +203.0.113.2/87499 ]");
        assert_true(keep_is_synced(w.keep));
        unmake(&w);
}

static void test_lost_target_is_filled_again(void **state)
{
        struct world w;

        (void)state;
        make(&w, plain, 0);
        keep_ready(w.keep);
        put(&w, "ip:203.0.113.1", 90000);
        run(&w, 1000, "[whole +203.0.113.1/89000 ]");
        run(&w, 1500, "");
        unsigned checks = w.fake.checks;
        w.fake.check = TARGET_LOST;
        run(&w, 2600, "[whole +203.0.113.1/87400 ]");
        assert_int_equal(w.fake.checks, checks + 1);
        w.fake.check = TARGET_OK;
        /* A change finds that it is lost: the whole follows at once. */
        put(&w, "ip:203.0.113.2", 90000);
        w.fake.commit = TARGET_LOST;
        assert_true(run(&w, 2700, "[+203.0.113.2/87300 ]") <= 2700 * NS_PER_MS);
        w.fake.commit = TARGET_OK;
        run(&w, 2700, "[whole +203.0.113.1/87300 +203.0.113.2/87300 ]");
        assert_int_equal(keep_failures(w.keep), 0);
        unmake(&w);
}

static void test_refresh(void **state)
{
        struct world w;
        struct target_kind refreshed = plain;

        (void)state;
        refreshed.is_refreshed = true;
        make(&w, refreshed, 0);
        keep_ready(w.keep);
        run(&w, 1000, "[whole ]");
        run(&w, 600000, "");
        run(&w, 601000, "[whole ]");
        keep_refresh(w.keep);
        run(&w, 601001, "[whole ]");
        unmake(&w);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_nothing_before_it_is_complete),
                cmocka_unit_test(test_changes),
                cmocka_unit_test(test_many_changes_are_a_whole),
                cmocka_unit_test(test_batches_keep_their_distance),
                cmocka_unit_test(test_failure_is_tried_again_as_a_whole),
                cmocka_unit_test(test_lost_target_is_filled_again),
                cmocka_unit_test(test_refresh),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
