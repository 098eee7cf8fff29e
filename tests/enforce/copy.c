/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "copy.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static struct subject subject(const char *member)
{
        struct subject s;

        assert_int_equal(subject_parse(slice_str(member), &s), SUBJECT_GOOD);
        return s;
}

static void put(struct copy *c, const char *member, int64_t end_ms)
{
        struct subject s = subject(member);

        copy_put(c, &s, end_ms);
}

static void drop(struct copy *c, const char *member)
{
        struct subject s = subject(member);

        copy_drop(c, &s);
}

static void note(void *context, const struct subject *s, int64_t end_ms)
{
        struct buf *out = context;

        subject_put(s, out);
        buf_printf(out, "=%" PRId64 " ", end_ms);
}

static void expect_changes(const struct copy *c, const char *expected)
{
        struct buf found = { 0 };

        copy_changes(c, note, &found);
        if (!slice_is(buf_slice(&found), expected))
                fail_msg("%.*s is not %s", (int)found.len,
                         found.len ? (const char *)found.data : "", expected);
        buf_free(&found);
}

static void test_changes(void **state)
{
        struct copy *c = copy_new(10, true);

        (void)state;
        put(c, "ip:203.0.113.9", 100);
        put(c, "session:a", 200);
        expect_changes(c, "203.0.113.9=100 a=200 ");
        copy_settle(c);
        expect_changes(c, "");
        put(c, "ip:203.0.113.9", 100); /* the same again */
        expect_changes(c, "");
        put(c, "ip:203.0.113.9", 150); /* longer */
        drop(c, "session:a");
        drop(c, "session:b"); /* never heard of */
        expect_changes(c, "203.0.113.9=150 a=0 ");
        put(c, "session:a", 200); /* and back, before anybody did anything */
        expect_changes(c, "203.0.113.9=150 ");
        copy_settle(c);
        assert_int_equal(copy_count(c).held, 2);
        assert_int_equal(copy_count(c).wanted, 2);
        copy_free(&c);
}

/* Who has no ends of his own need not be told of a longer one. */
static void test_without_ends(void **state)
{
        struct copy *c = copy_new(10, false);

        (void)state;
        put(c, "ip:203.0.113.9", 100);
        copy_settle(c);
        put(c, "ip:203.0.113.9", 150);
        expect_changes(c, "");
        assert_int_equal(copy_expire(c, 149), 150);
        expect_changes(c, "");
        assert_true(copy_expire(c, 150) == INT64_MAX);
        expect_changes(c, "203.0.113.9=0 ");
        copy_settle(c);
        assert_int_equal(copy_count(c).held, 0);
        copy_free(&c);
}

/* Who has them is told nothing at the end. */
static void test_ends(void **state)
{
        struct copy *c = copy_new(10, true);

        (void)state;
        put(c, "ip:203.0.113.9", 100);
        put(c, "ip:203.0.113.10", 120);
        copy_settle(c);
        assert_int_equal(copy_expire(c, 99), 100);
        assert_int_equal(copy_count(c).held, 2);
        assert_int_equal(copy_expire(c, 100), 120);
        assert_int_equal(copy_count(c).held, 1);
        assert_int_equal(copy_count(c).wanted, 1);
        expect_changes(c, "");
        put(c, "ip:203.0.113.9", 300);
        expect_changes(c, "203.0.113.9=300 ");
        copy_free(&c);
}

static void test_rounds(void **state)
{
        struct copy *c = copy_new(10, true);

        (void)state;
        copy_begin_round(c);
        put(c, "ip:203.0.113.9", 100);
        put(c, "ip:203.0.113.10", 100);
        put(c, "ip:203.0.113.11", 100);
        copy_end_round(c);
        copy_settle(c);
        copy_begin_round(c);
        put(c, "ip:203.0.113.10", 100);
        expect_changes(c, ""); /* nothing is taken away before the end */
        put(c, "ip:203.0.113.12", 100);
        copy_end_round(c);
        expect_changes(c, "203.0.113.12=100 203.0.113.9=0 203.0.113.11=0 ");
        copy_free(&c);
}

static void test_room(void **state)
{
        struct copy *c = copy_new(2, true);

        (void)state;
        put(c, "ip:203.0.113.1", 100);
        put(c, "ip:203.0.113.2", 100);
        put(c, "ip:203.0.113.3", 100);
        assert_int_equal(copy_count(c).wanted, 2);
        assert_int_equal(copy_count(c).beyond, 1);
        put(c, "ip:203.0.113.2", 200);
        copy_settle(c);
        drop(c, "ip:203.0.113.1");
        put(c, "ip:203.0.113.3", 100); /* it is not gone from the target yet */
        assert_int_equal(copy_count(c).beyond, 2);
        copy_settle(c);
        put(c, "ip:203.0.113.3", 100);
        expect_changes(c, "203.0.113.3=100 ");
        copy_free(&c);
}

static void test_forgetting(void **state)
{
        struct copy *c = copy_new(4, true);

        (void)state;
        put(c, "ip:203.0.113.1", 100);
        put(c, "ip:203.0.113.2", 100);
        copy_settle(c);
        drop(c, "ip:203.0.113.2");
        copy_forget_held(c);
        assert_int_equal(copy_count(c).held, 0);
        expect_changes(c, "203.0.113.1=100 ");
        copy_settle(c);
        assert_int_equal(copy_count(c).held, 1);
        copy_free(&c);
}

#define SUBJECTS 40

struct model {
        int64_t wanted[SUBJECTS], held[SUBJECTS];
        bool is_named[SUBJECTS];
};

static void apply(void *context, const struct subject *s, int64_t end_ms)
{
        ((struct model *)context)->held[s->network.ip.bytes[15]] = end_ms;
}

static void step(struct copy *c, struct model *m, int64_t now)
{
        char member[32];
        int i = rand() % SUBJECTS;

        snprintf(member, sizeof(member), "ip:203.0.113.%d", i);
        switch (rand() % 8) {
        case 0:
        case 1:
        case 2:
                m->wanted[i] = now + 1 + rand() % 50;
                m->is_named[i] = true;
                put(c, member, m->wanted[i]);
                return;
        case 3:
                m->wanted[i] = 0;
                drop(c, member);
                return;
        case 4:
                copy_begin_round(c);
                memset(m->is_named, 0, sizeof(m->is_named));
                return;
        case 5:
                if (rand() % 10)
                        return;
                copy_end_round(c);
                for (int j = 0; j < SUBJECTS; j++)
                        if (!m->is_named[j])
                                m->wanted[j] = 0;
                return;
        default:
                copy_changes(c, apply, m);
                copy_settle(c);
        }
}

/* Whatever happens in which order: once settled, the target has what is wanted. */
static void test_by_chance(void **state)
{
        (void)state;
        srand(7);
        for (int ends = 0; ends < 2; ends++) {
                struct copy *c = copy_new(SUBJECTS, ends);
                struct model m = { 0 };
                for (int64_t now = 1; now < 20000; now++) {
                        step(c, &m, now);
                        copy_expire(c, now);
                        for (int i = 0; i < SUBJECTS; i++) {
                                if (m.wanted[i] <= now)
                                        m.wanted[i] = 0;
                                if (ends && m.held[i] <= now)
                                        m.held[i] = 0;
                        }
                        if (now % 7)
                                continue;
                        copy_changes(c, apply, &m);
                        copy_settle(c);
                        uint32_t count = 0;
                        for (int i = 0; i < SUBJECTS; i++) {
                                assert_true(ends ? m.held[i] == m.wanted[i]
                                                 : !m.held[i] == !m.wanted[i]);
                                count += m.wanted[i] != 0;
                        }
                        assert_int_equal(copy_count(c).held, count);
                        assert_int_equal(copy_count(c).wanted, count);
                }
                assert_int_equal(copy_count(c).beyond, 0);
                copy_free(&c);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_changes),   cmocka_unit_test(test_without_ends),
                cmocka_unit_test(test_ends),      cmocka_unit_test(test_rounds),
                cmocka_unit_test(test_room),      cmocka_unit_test(test_forgetting),
                cmocka_unit_test(test_by_chance),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
