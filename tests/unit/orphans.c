/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "detect/orphans.h"
#include "detect/report.h"

#include <stdio.h>
#include <string.h>

#define LATE 1000000

static struct told_incident told(unsigned number, int64_t time_ns)
{
        static char ids[8][INCIDENT_ID_MAX];
        char *id = ids[number];

        snprintf(id, INCIDENT_ID_MAX, "01JDDA0000AAAAAAAABEF0RE%02u", number);
        return (struct told_incident){ .id = slice_str(id),
                                       .rule = SLICE("r"),
                                       .subject_type = SLICE("client.ip"),
                                       .subject = slice_str(id),
                                       .time_ns = time_ns };
}

static bool add(struct orphans *o, unsigned number, int64_t time_ns)
{
        struct told_incident incident = told(number, time_ns);

        return orphans_add(o, &incident, LATE - number);
}

static bool take(struct orphans *o, unsigned number, struct orphan *orphan)
{
        struct told_incident incident = told(number, 0);

        return orphans_take(o, "r", "client.ip", incident.subject, orphan);
}

static void those_added_first_give_way(void **state)
{
        struct orphan orphan;
        struct orphans o;
        (void)state;

        orphans_init(&o, 3);
        for (unsigned i = 0; i < 3; i++)
                assert_true(add(&o, i, i));
        assert_false(add(&o, 3, 3));
        assert_false(add(&o, 4, 4));
        assert_int_equal(o.count, 3);
        assert_false(take(&o, 0, &orphan));
        assert_false(take(&o, 1, &orphan));
        for (unsigned i = 2; i < 5; i++)
                assert_true(take(&o, i, &orphan));
        assert_false(take(&o, 4, &orphan));
        orphans_free(&o);
}

static void in_the_order_in_which_they_end(void **state)
{
        struct orphan orphan;
        struct orphans o;
        (void)state;

        orphans_init(&o, 8);
        for (unsigned i = 0; i < 3; i++)
                assert_true(add(&o, i, 0));
        assert_false(orphans_due(&o, LATE - 3, &orphan));
        assert_true(orphans_due(&o, LATE - 1, &orphan));
        assert_int_equal(orphan.until_ns, LATE - 2);
        assert_true(orphans_due(&o, LATE - 1, &orphan));
        assert_int_equal(orphan.until_ns, LATE - 1);
        assert_false(orphans_due(&o, LATE - 1, &orphan));
        assert_true(orphans_due(&o, LATE, &orphan));
        assert_false(orphans_due(&o, INT64_MAX, &orphan));
        assert_null(o.items);
        orphans_free(&o);
}

static void what_names_another_is_not_taken(void **state)
{
        struct told_incident incident = told(0, 0);
        struct orphan orphan;
        struct orphans o;
        (void)state;

        orphans_init(&o, 8);
        assert_true(orphans_add(&o, &incident, LATE));
        assert_false(orphans_take(&o, "other", "client.ip", incident.subject, &orphan));
        assert_false(orphans_take(&o, "r", "client.host", incident.subject, &orphan));
        assert_true(orphans_take(&o, "r", "client.ip", incident.subject, &orphan));
        assert_string_equal(orphan.group, orphan.id); /* the record had none */
        assert_int_equal(orphan.start_ns, orphan.raised_ns);
        assert_int_equal(orphan.raised_ns, report_raised(orphan.id));
        orphans_free(&o);
}

static void what_is_too_long_is_refused(void **state)
{
        static char text[ORPHAN_SUBJECT_MAX];
        struct told_incident incident = told(0, 0);
        struct orphans o;
        (void)state;

        orphans_init(&o, 8);
        memset(text, 'x', sizeof(text));
        incident.subject = slice_of(text, ORPHAN_SUBJECT_MAX);
        assert_false(orphans_add(&o, &incident, LATE));
        incident.subject = slice_of(text, ORPHAN_SUBJECT_MAX - 1);
        assert_true(orphans_add(&o, &incident, LATE));
        incident.rule = slice_of(text, ORPHAN_RULE_MAX);
        assert_false(orphans_add(&o, &incident, LATE));
        incident = told(0, 0);
        incident.id = slice_str("short");
        assert_false(orphans_add(&o, &incident, LATE));
        assert_int_equal(o.count, 1);
        orphans_free(&o);
}

static void the_time_of_an_id(void **state)
{
        static const uint8_t key[32] = { 1 };
        char id[INCIDENT_ID_MAX];
        (void)state;

        report_id(key, INT64_C(1795431600123456789), slice_str("x"), id);
        assert_int_equal(report_raised(id), INT64_C(1795431600123000000));
        id[3] = 'U';
        assert_int_equal(report_raised(id), -1);
        id[3] = '\0';
        assert_int_equal(report_raised(id), -1);
        assert_int_equal(report_raised("ZZZZZZZZZZAAAAAAAAAAAAAAAA"), -1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(those_added_first_give_way),
                cmocka_unit_test(in_the_order_in_which_they_end),
                cmocka_unit_test(what_names_another_is_not_taken),
                cmocka_unit_test(what_is_too_long_is_refused),
                cmocka_unit_test(the_time_of_an_id),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
