/* SPDX-License-Identifier: MIT */
#include "detect/births.h"

#include "unit/detect_world.h"

#define DAY_MS (24 * 3600 * INT64_C(1000))

static struct budget budget;
static struct hash_key key;
static struct births births;
static uint64_t evicted;

static void begin(uint32_t max, uint64_t index_bytes)
{
        key = hash_key_fixed();
        evicted = 0;
        assert_true(budget_init(&budget, 4 << 20));
        assert_true(births_init(&births, &budget, &key, index_bytes, max, &evicted));
}

static void end(void)
{
        births_free(&births);
        budget_free(&budget);
}

static void note(struct hit hit)
{
        struct world_record r;

        hit.client = "198.51.100.1";
        world_make_record(&hit, &r);
        births_note(&births, &r.record, BIRTH_ACCOUNTS | BIRTH_DOMAINS);
}

static void sign_up(int64_t at_ms, const char *session, const char *account)
{
        note((struct hit){ .at_ms = at_ms,
                           .page = PAGE_SIGNUP,
                           .session = session,
                           .account = account,
                           .flags = RECORD_SIGNUP_ACCEPTED });
}

/* In milliseconds; -1: not known. */
static int64_t age(int64_t at_ms, const char *session, const char *account)
{
        struct hit hit = { .at_ms = at_ms,
                           .client = "198.51.100.1",
                           .session = session,
                           .account = account };
        struct world_record r;

        world_make_record(&hit, &r);
        int64_t ns = births_age_ns(&births, &r.record);
        return ns < 0 ? ns : ns / NS_PER_MS;
}

static void an_age_is_that_of_the_account_or_else_of_the_session(void **state)
{
        (void)state;

        begin(100, 65536);
        assert_int_equal(age(0, "s", "anna"), -1);
        sign_up(0, "s", NULL);
        sign_up(500, "t", "anna");
        assert_int_equal(age(2000, "s", NULL), 2000);
        assert_int_equal(age(2000, "s", "bert"), 2000);
        assert_int_equal(age(2000, "s", "anna"), 1500);
        assert_int_equal(age(2000, "x", "anna"), 1500);
        assert_int_equal(age(2000, "x", NULL), -1);
        /* A record that is older than the sign-up. */
        assert_int_equal(age(400, "t", NULL), 0);
        end();
}

static void a_refused_sign_up_bears_nobody(void **state)
{
        (void)state;

        begin(100, 65536);
        note((struct hit){ .page = PAGE_SIGNUP, .session = "s", .account = "anna" });
        assert_int_equal(age(1, "s", "anna"), -1);
        end();
}

static void
a_session_counts_from_its_newest_sign_up_an_account_from_its_first(void **state)
{
        (void)state;

        begin(100, 65536);
        sign_up(0, "s", "anna");
        sign_up(1000, "s", "anna");
        assert_int_equal(age(3000, "s", NULL), 2000);
        assert_int_equal(age(3000, "s", "anna"), 3000);
        end();
}

static void a_session_hands_its_birth_on(void **state)
{
        (void)state;

        begin(100, 65536);
        sign_up(0, "s", NULL);
        note((struct hit){ .at_ms = 1000, .session = "t", .was = "s" });
        note((struct hit){ .at_ms = 2000, .session = "u", .was = "t" });
        note((struct hit){ .at_ms = 2000, .session = "y", .was = "x" });
        assert_int_equal(age(5000, "u", NULL), 5000);
        assert_int_equal(age(5000, "y", NULL), -1);
        /* One that has its own keeps it. */
        sign_up(3000, "v", NULL);
        note((struct hit){ .at_ms = 4000, .session = "v", .was = "s" });
        assert_int_equal(age(5000, "v", NULL), 2000);
        end();
}

static void births_are_forgotten_after_30_days(void **state)
{
        (void)state;

        begin(100, 65536);
        sign_up(0, "s", "anna");
        note((struct hit){ .at_ms = 20 * DAY_MS, .session = "t", .was = "s" });
        assert_int_equal(age(30 * DAY_MS - 1, "t", NULL), 30 * DAY_MS - 1);
        assert_int_equal(age(30 * DAY_MS, "t", NULL), -1);
        assert_int_equal(age(30 * DAY_MS, "s", "anna"), -1);
        /* Signed up again, it is new. */
        sign_up(31 * DAY_MS, "s", "anna");
        assert_int_equal(age(32 * DAY_MS, "s", "anna"), DAY_MS);
        end();
}

static void the_oldest_are_forgotten_when_there_is_no_room(void **state)
{
        char session[16];
        (void)state;

        begin(10, 65536);
        for (unsigned i = 0; i < 12; i++) {
                snprintf(session, sizeof(session), "s%u", i);
                sign_up(i, session, NULL);
        }
        assert_int_equal(evicted, 2);
        assert_int_equal(births.index.count, 10);
        assert_int_equal(age(100, "s1", NULL), -1);
        assert_int_equal(age(100, "s2", NULL), 98);
        assert_int_equal(age(100, "s11", NULL), 89);
        end();
}

static void many_births_stay_within_their_room(void **state)
{
        char session[16];
        (void)state;

        begin(UINT32_MAX, 16384);
        for (unsigned i = 0; i < 50000; i++) {
                snprintf(session, sizeof(session), "s%u", i);
                sign_up(i, session, NULL);
        }
        assert_true(births.index.count >= 768 && births.index.count <= 1536);
        assert_int_equal(evicted, 50000 - births.index.count);
        assert_int_equal(age(50000, "s49999", NULL), 1);
        end();
}

static void with_domain(struct world_record *r, int64_t at_ms, const char *domain,
                        uint32_t flags)
{
        world_make_record(&(struct hit){ .at_ms = at_ms,
                                         .client = "198.51.100.1",
                                         .page = PAGE_SIGNUP,
                                         .flags = flags },
                          r);
        world_put_text(r, &r->record.texts[RECORD_EMAIL_DOMAIN], domain);
}

static void join_from(int64_t at_ms, const char *domain)
{
        struct world_record r;

        with_domain(&r, at_ms, domain, RECORD_SIGNUP_ACCEPTED);
        births_note(&births, &r.record, BIRTH_DOMAINS);
}

/* In milliseconds; -1: not known. */
static int64_t domain_age(int64_t at_ms, const char *domain)
{
        struct world_record r;

        with_domain(&r, at_ms, domain, 0);
        int64_t ns = births_domain_age_ns(&births, &r.record);
        return ns < 0 ? ns : ns / NS_PER_MS;
}

static void a_domain_is_as_old_as_its_first_sign_up(void **state)
{
        (void)state;
        begin(100, 65536);
        assert_int_equal(domain_age(0, "old.example"), -1);
        join_from(0, "old.example");
        assert_int_equal(domain_age(DAY_MS - 1, "new.example"),
                         -1); /* too early to say */
        assert_int_equal(domain_age(DAY_MS, "new.example"), 0);
        assert_int_equal(domain_age(DAY_MS, "old.example"), 7 * DAY_MS);
        join_from(DAY_MS, "new.example");
        join_from(2 * DAY_MS, "new.example");
        assert_int_equal(domain_age(3 * DAY_MS, "new.example"), 2 * DAY_MS);
        assert_int_equal(domain_age(20 * DAY_MS, "new.example"), 7 * DAY_MS);
        end();
}

/* However many sign up, the domain that everybody has is not taken for a new one. */
static void a_flood_of_accounts_or_domains_leaves_the_others(void **state)
{
        char name[32];
        (void)state;

        begin(400, 65536);
        for (unsigned i = 0; i < 10; i++) {
                snprintf(name, sizeof(name), "old%u.example", i);
                join_from(0, name);
        }
        for (unsigned i = 0; i < 4000; i++) {
                snprintf(name, sizeof(name), "s%u", i);
                sign_up(DAY_MS + i, name, NULL);
        }
        assert_int_equal(births.index.count, 400);
        for (unsigned i = 0; i < 4000; i++) {
                snprintf(name, sizeof(name), "new%u.example", i);
                join_from(DAY_MS + 4000 + i, name);
        }
        for (unsigned i = 0; i < 10; i++) {
                snprintf(name, sizeof(name), "old%u.example", i);
                assert_int_equal(domain_age(DAY_MS + 8000, name), 7 * DAY_MS);
        }
        /* Nor do domains drive out accounts: the newest of these are there still. */
        assert_int_equal(births.index.count, 400);
        assert_int_equal(age(DAY_MS + 8000, "s3999", NULL), 4001);
        assert_int_equal(age(DAY_MS + 8000, "s3990", NULL), 4010);
        end();
}

/* One that is used goes on being old; one that nobody used for long is new again. */
static void a_domain_is_forgotten_when_nobody_uses_it(void **state)
{
        (void)state;
        begin(100, 65536);
        join_from(0, "used.example");
        join_from(0, "left.example");
        for (int day = 5; day < 60; day += 5)
                join_from(day * DAY_MS, "used.example");
        assert_int_equal(domain_age(60 * DAY_MS, "used.example"), 7 * DAY_MS);
        assert_int_equal(domain_age(60 * DAY_MS, "left.example"), 0);
        end();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_age_is_that_of_the_account_or_else_of_the_session),
                cmocka_unit_test(a_refused_sign_up_bears_nobody),
                cmocka_unit_test(
                    a_session_counts_from_its_newest_sign_up_an_account_from_its_first),
                cmocka_unit_test(a_session_hands_its_birth_on),
                cmocka_unit_test(births_are_forgotten_after_30_days),
                cmocka_unit_test(the_oldest_are_forgotten_when_there_is_no_room),
                cmocka_unit_test(many_births_stay_within_their_room),
                cmocka_unit_test(a_domain_is_as_old_as_its_first_sign_up),
                cmocka_unit_test(a_domain_is_forgotten_when_nobody_uses_it),
                cmocka_unit_test(a_flood_of_accounts_or_domains_leaves_the_others),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
