/* SPDX-License-Identifier: MIT */
/* Tags, their origins, groups, signals and ages, through the engine. */
#include "unit/detect_world.h"

#include "detect/engine_priv.h"

#define MINUTE_MS (60 * INT64_C(1000))
#define DAY_MS    (24 * 60 * MINUTE_MS)

static const char farm[] =
    "rules:\n"
    "  - name: signup-burst\n"
    "    where: page == signup and signup.accepted\n"
    "    per: client.prefix\n"
    "    when: count(30m) >= 3\n"
    "    tag: { session: burst-account, for: 30d }\n"
    "  - name: farm-harvest\n"
    "    where: page == profile and tagged(session, burst-account)\n"
    "    per: tag_origin(session, burst-account)\n"
    "    when: distinct(target, 1h) >= 4 and distinct(session, 1h) >= 2\n";

static void sign_up(struct world *w, int64_t at_ms, const char *client,
                    const char *session)
{
        world_hit(w, (struct hit){ .at_ms = at_ms,
                                   .client = client,
                                   .page = PAGE_SIGNUP,
                                   .session = session,
                                   .flags = RECORD_SIGNUP_ACCEPTED });
}

static void view(struct world *w, int64_t at_ms, const char *client, const char *session,
                 const char *target)
{
        world_hit(w, (struct hit){ .at_ms = at_ms,
                                   .client = client,
                                   .page = PAGE_PROFILE,
                                   .session = session,
                                   .target = target });
}

/* Three sessions of one network, which raises the burst at the third. */
static void burst(struct world *w, int64_t at_ms)
{
        sign_up(w, at_ms, "198.51.100.1", "s1");
        sign_up(w, at_ms + 1000, "198.51.100.2", "s2");
        sign_up(w, at_ms + 2000, "198.51.100.3", "s3");
}

/* The sessions look at profiles from elsewhere, and so does somebody else. */
static void harvest(struct world *w, int64_t at_ms, const char *one, const char *two)
{
        for (unsigned i = 0; i < 8; i++) {
                char target[8];
                snprintf(target, sizeof(target), "t%u", i);
                view(w, at_ms + 3 * i, "203.0.113.1", "innocent", target);
                view(w, at_ms + 3 * i + 1, i % 2 ? "192.0.2.77" : "192.0.2.88",
                     i % 2 ? one : two, target);
        }
}

static void a_farm_is_found_and_named_by_the_burst(void **state)
{
        struct world *w = world_new(farm);
        char expected[200];
        (void)state;

        burst(w, 0);
        world_expect(w,
                     "raised signup-burst client.prefix=198.51.100.0/24 n=0 at=2000\n");
        char burst_id[INCIDENT_ID_MAX];
        memcpy(burst_id, w->id, sizeof(burst_id));
        assert_string_equal(w->group, burst_id);
        assert_int_equal(w->counters.tags, 3);
        harvest(w, 600000, "s1", "s3");
        snprintf(expected, sizeof(expected),
                 "raised farm-harvest incident=%s n=0 at=600010\n", burst_id);
        world_expect(w, expected);
        world_expect_last(w, "involved client.ip 2: 192.0.2.77 192.0.2.88\n");
        world_expect_last(w, "involved session 2: <session:s1> <session:s3>\n");
        world_expect_last(w, "evidence distinct(session, 1h) = 2\n");
        world_free(w);
}

static void who_joins_while_it_holds_is_tagged_too(void **state)
{
        struct world *w = world_new(farm);
        (void)state;

        burst(w, 0);
        sign_up(w, 200000, "198.51.100.9", "late");
        assert_int_equal(w->counters.tags, 4);
        /* The window has run out, nearly: the incident is open still, but does not hold.
         */
        sign_up(w, 1990000, "198.51.100.9", "too-late");
        assert_int_equal(w->ended, 0);
        assert_int_equal(w->counters.tags, 4);
        buf_clear(&w->told);
        harvest(w, 40 * MINUTE_MS, "too-late", "stranger");
        assert_int_equal(w->raised, 1);
        harvest(w, 50 * MINUTE_MS, "late", "s2");
        assert_int_equal(w->raised, 2);
        world_free(w);
}

static void who_came_while_it_did_not_hold_is_tagged_when_it_does(void **state)
{
        struct world *w =
            world_new("rules:\n"
                      "  - name: burst\n"
                      "    where: page == signup\n"
                      "    per: client.prefix\n"
                      "    when: count(1h) >= 3 and count(not signup.accepted, 1m) == 0\n"
                      "    tag: { session: burst-account, for: 30d }\n"
                      "  - name: back\n"
                      "    where: page == profile and tagged(session, burst-account)\n"
                      "    per: session\n"
                      "    when: count(1h) >= 1\n");
        struct hit refused = { .at_ms = 10000,
                               .client = "198.51.100.1",
                               .page = PAGE_SIGNUP,
                               .session = "s1" };
        (void)state;

        burst(w, 0);
        world_hit(w, refused);
        sign_up(w, 20000, "198.51.100.4", "s4");
        view(w, 30000, "203.0.113.1", "s4", "t");
        assert_int_equal(w->raised, 1);
        sign_up(w, 120000, "198.51.100.5", "s5");
        view(w, 120001, "203.0.113.1", "s4", "t");
        assert_int_equal(w->raised, 2);

        /* Again within a minute: that is put off, and not forgotten. */
        refused.at_ms = 121000;
        world_hit(w, refused);
        sign_up(w, 122000, "198.51.100.6", "s6");
        sign_up(w, 179000, "198.51.100.7", "s7");
        view(w, 179001, "203.0.113.1", "s6", "t");
        assert_int_equal(w->raised, 2);
        sign_up(w, 190000, "198.51.100.8", "s8");
        view(w, 190001, "203.0.113.1", "s6", "t");
        assert_int_equal(w->raised, 3);
        world_free(w);
}

/* Of each session, silently. */
static void a_signal_tags_who_shows_it(void **state)
{
        struct world *w =
            world_new("defaults: { tag: { session: not-this, for: 1d } }\n"
                      "rules:\n"
                      "  - name: busy\n"
                      "    signal: true\n"
                      "    where: page == profile\n"
                      "    per: session\n"
                      "    when: distinct(target, 1h) >= 2\n"
                      "    tag: { session: busy, for: 1h }\n"
                      "  - name: told\n"
                      "    per: session\n"
                      "    when: count(1h) >= 1 and (score() > 0 or families() > 0)\n"
                      "    tag: { session: found, for: 1h }\n"
                      "  - name: plain\n"
                      "    signal: true\n"
                      "    weight: 1\n"
                      "    family: a\n"
                      "    per: client.host\n"
                      "    when: count(1h) >= 1\n"
                      "  - name: many-busy\n"
                      "    where: page == profile and tagged(session, busy)\n"
                      "    per: client.prefix\n"
                      "    when: distinct(session, 1h) >= 2\n"
                      "    tag: { session: found, for: 1h }\n"
                      "  - name: default\n"
                      "    where: tagged(session, not-this)\n"
                      "    per: session\n"
                      "    when: count(1h) >= 1\n");
        (void)state;

        view(w, 0, "203.0.113.1", "one", "t1");
        view(w, 1000, "203.0.113.2", "two", "t1");
        view(w, 2000, "203.0.113.2", "two", "t2");
        view(w, 3000, "203.0.113.2", "two", "t2");
        view(w, 4000, "203.0.113.1", "one", "t1");
        assert_int_equal(w->raised, 0);
        view(w, 5000, "203.0.113.1", "one", "t2");
        assert_int_equal(w->raised, 0);
        view(w, 6000, "203.0.113.1", "one", "t2");
        world_expect(w, "raised many-busy client.prefix=203.0.113.0/24 n=0 at=6000\n");
        world_free(w);
}

/* Whatever stands first, and whoever asks. */
static void a_tag_is_seen_from_the_next_request_on(void **state)
{
        static const char sign[] = "  - name: sign\n"
                                   "    where: page == profile\n"
                                   "    per: session\n"
                                   "    when: count(1h) >= 2\n"
                                   "    tag: { session: seen, for: 1h }\n";
        static const char *const asking[] = {
                "    per: client.host\n"
                "    when: distinct(session, tagged(session, seen), 1h) >= 1\n",
                "    per: client.host\n"
                "    when: distinct(tag_origin(session, seen), 1h) >= 1\n",
                "    where: tagged(session, seen)\n"
                "    per: client.host\n"
                "    when: count(1h) >= 1\n",
                "    per: tag_origin(session, seen)\n"
                "    when: count(1h) >= 1\n",
                "    per: client.host\n"
                "    when: count(1h) >= 1 and tagged(session, seen)\n",
        };
        (void)state;

        for (unsigned i = 0; i < 10; i++) {
                char text[1000], asks[300];
                snprintf(asks, sizeof(asks), "  - name: asks\n%s", asking[i / 2]);
                snprintf(text, sizeof(text), "rules:\n%s%s", i % 2 ? asks : sign,
                         i % 2 ? sign : asks);
                struct world *w = world_new(text);
                view(w, 0, "203.0.113.1", "one", "t1");
                view(w, 1000, "203.0.113.1", "one", "t2");
                assert_int_equal(w->raised, 1); /* sign */
                view(w, 2000, "203.0.113.1", "one", "t3");
                assert_int_equal(w->raised, 2);
                world_free(w);
        }
}

/* It came first; the incident that puts the same tag is the origin then. */
static void an_incident_is_the_origin_of_a_tag_that_a_signal_put(void **state)
{
        struct world *w = world_new("rules:\n"
                                    "  - name: sign\n"
                                    "    signal: true\n"
                                    "    where: page == signup\n"
                                    "    per: session\n"
                                    "    when: count(1h) >= 1\n"
                                    "    tag: { session: seen, for: 1h }\n"
                                    "  - name: burst\n"
                                    "    where: page == signup\n"
                                    "    per: client.prefix\n"
                                    "    when: count(1h) >= 3\n"
                                    "    tag: { session: seen, for: 1h }\n"
                                    "  - name: back\n"
                                    "    where: page == profile\n"
                                    "    per: tag_origin(session, seen)\n"
                                    "    when: count(1h) >= 1\n");
        char expected[200];
        (void)state;

        sign_up(w, 0, "198.51.100.1", "s1");
        view(w, 500, "203.0.113.1", "s1", "t");
        assert_int_equal(w->raised, 0);
        sign_up(w, 1000, "198.51.100.2", "s2");
        sign_up(w, 2000, "198.51.100.3", "s3");
        assert_int_equal(w->raised, 1);
        snprintf(expected, sizeof(expected), "raised back incident=%s n=0 at=3000\n",
                 w->id);
        buf_clear(&w->told);
        view(w, 3000, "203.0.113.1", "s1", "t");
        world_expect(w, expected);
        world_free(w);
}

/* Of one request: the sessions are one group under the id of the first. */
static void two_incidents_of_one_request_put_one_tag(void **state)
{
        struct world *w = world_new("rules:\n"
                                    "  - name: network\n"
                                    "    where: page == signup\n"
                                    "    per: client.prefix\n"
                                    "    when: count(1h) >= 3\n"
                                    "    tag: { session: burst, for: 1d }\n"
                                    "  - name: site\n"
                                    "    where: page == signup\n"
                                    "    per: page\n"
                                    "    when: count(1h) >= 3\n"
                                    "    tag: { session: burst, for: 1d }\n"
                                    "  - name: back\n"
                                    "    where: page == profile\n"
                                    "    per: tag_origin(session, burst)\n"
                                    "    when: distinct(session, 1h) >= 3\n");
        char expected[200];
        (void)state;

        burst(w, 0);
        world_expect(w, "raised network client.prefix=198.51.100.0/24 n=0 at=2000\n"
                        "raised site page=signup n=0 at=2000\n");
        assert_string_not_equal(w->group, w->id);
        snprintf(expected, sizeof(expected), "raised back incident=%s n=0 at=5000\n",
                 w->group);
        buf_clear(&w->told);
        view(w, 3000, "203.0.113.1", "s1", "t");
        view(w, 4000, "203.0.113.1", "s2", "t");
        view(w, 5000, "203.0.113.1", "s3", "t");
        world_expect(w, expected);
        world_free(w);
}

static void who_was_there_before_the_window_is_not_tagged(void **state)
{
        struct world *w = world_new(farm);
        (void)state;

        sign_up(w, 0, "198.51.100.1", "early");
        for (unsigned i = 0; i < 3; i++)
                sign_up(w, 60 * MINUTE_MS + i, "198.51.100.1", "s1");
        assert_int_equal(w->raised, 1);
        assert_int_equal(w->counters.tags, 1);
        world_free(w);
}

/* In transactions that met different conditions of the table, s1 is one participant. */
static void who_takes_part_twice_is_tagged_once(void **state)
{
        static const char rules[] = "rules:\n"
                                    "  - name: burst\n"
                                    "    where: page == signup\n"
                                    "    per: client.prefix\n"
                                    "    when: count(30m) >= 3\n"
                                    "    tag: { session: a, for: 30d }\n"
                                    "  - name: other\n"
                                    "    where: status == 201\n"
                                    "    per: client.prefix\n"
                                    "    when: count(30m) >= 30\n";
        struct world *w = world_new(rules);
        struct hit hit = { .client = "198.51.100.1",
                           .page = PAGE_SIGNUP,
                           .session = "s1" };
        (void)state;

        world_hit(w, hit);
        hit.status = 201;
        world_hit(w, hit);
        hit.session = "s2";
        world_hit(w, hit);
        assert_int_equal(w->raised, 1);
        assert_int_equal(w->counters.tags, 2);
        world_free(w);
}

static void a_dry_run_tags_nobody(void **state)
{
        char rules[2000];
        (void)state;

        snprintf(rules, sizeof(rules), "defaults: { mode: dry-run }\n%s", farm);
        struct world *w = world_new(rules);
        burst(w, 0);
        assert_int_equal(w->raised, 1);
        world_expect_last(w, "dry_run=1");
        assert_int_equal(w->counters.tags, 0);
        harvest(w, 600000, "s1", "s2");
        assert_int_equal(w->raised, 1);
        world_free(w);
}

static void a_tag_ends_with_its_time(void **state)
{
        struct world *w = world_new(farm);
        (void)state;

        burst(w, 0);
        harvest(w, 2000 + 30 * DAY_MS - 100, "s1", "s2"); /* a part of it */
        assert_int_equal(w->raised, 2);
        engine_finish(w->engine);
        harvest(w, 31 * DAY_MS, "s1", "s2");
        assert_int_equal(w->raised, 2);
        world_free(w);
}

static void several_kinds_carry_several_tags(void **state)
{
        static const char rules[] =
            "rules:\n"
            "  - name: burst\n"
            "    where: page == signup\n"
            "    per: all\n"
            "    when: count(1m) >= 2\n"
            "    tag: { client.ip: a, client.host: b, client.prefix: c, account: d,\n"
            "           http.shape: e, session: f, for: 1d }\n"
            "  - name: seen\n"
            "    where: page == profile\n"
            "    per: all\n"
            "    when: >\n"
            "      sum(hour, tagged(client.ip, a), 1h) > 0 and tagged(client.host, b) "
            "and\n"
            "      tagged(client.prefix, c) and tagged(account, d) and "
            "tagged(http.shape, e)\n"
            "      and tagged(session, f)\n";
        struct hit hit = { .client = "2001:db8::1",
                           .page = PAGE_SIGNUP,
                           .session = "s",
                           .account = "anna",
                           .shape = 0xabc,
                           .prefix = 48 };
        struct world *w = world_new(rules);
        (void)state;

        world_hit(w, hit);
        hit.at_ms = 1;
        world_hit(w, hit);
        assert_int_equal(w->raised, 1);
        assert_int_equal(w->counters.tags, 6);
        struct hit look = hit;
        look.page = PAGE_PROFILE;
        look.at_ms = 1000;
        look.client = "2001:db8::2"; /* another address of that host */
        world_hit(w, look);
        assert_int_equal(w->raised, 1);
        look.client = "2001:db8::1";
        world_hit(w, look);
        assert_int_equal(w->raised, 2);
        world_free(w);
}

static void an_address_is_the_host_that_it_is(void **state)
{
        static const char rules[] =
            "rules:\n"
            "  - name: burst\n"
            "    where: page == signup\n"
            "    per: all\n"
            "    when: count(1m) >= 1\n"
            "    tag: { client.ip: a, for: 1d }\n"
            "  - name: seen\n"
            "    where: page == profile and tagged(client.host, a)\n"
            "    per: client.host\n"
            "    when: count(1m) >= 1\n";
        struct world *w = world_new(rules);
        (void)state;

        sign_up(w, 0, "198.51.100.1", "s");
        view(w, 1, "198.51.100.2", "s", "t");
        assert_int_equal(w->raised, 1);
        view(w, 2, "198.51.100.1", "s", "t");
        assert_int_equal(w->raised, 2);
        world_free(w);
}

static void the_earliest_origin_stays(void **state)
{
        struct world *w = world_new(farm);
        char first[INCIDENT_ID_MAX], expected[200];
        (void)state;

        burst(w, 0);
        memcpy(first, w->id, sizeof(first));
        /* The same sessions and as many others, elsewhere: a group of their own would
           need more of others, so these are four. */
        for (unsigned i = 0; i < 4; i++) {
                char client[32], session[8];
                snprintf(client, sizeof(client), "203.0.113.%u", i);
                snprintf(session, sizeof(session), "%s%u", i ? "x" : "s", i ? i : 1);
                sign_up(w, 60000 + i, client, session);
        }
        assert_int_equal(w->raised, 2);
        char second[INCIDENT_ID_MAX];
        memcpy(second, w->id, sizeof(second));
        assert_string_equal(w->group, second);
        assert_string_not_equal(first, second);
        buf_clear(&w->told);
        harvest(w, 600000, "s1", "s2");
        snprintf(expected, sizeof(expected),
                 "raised farm-harvest incident=%s n=0 at=600010\n", first);
        world_expect(w, expected);
        harvest(w, 700000, "x1", "x2");
        snprintf(expected, sizeof(expected),
                 "raised farm-harvest incident=%s n=0 at=700010\n", second);
        world_expect(w, expected);
        world_free(w);
}

static void incidents_that_share_half_are_a_group(void **state)
{
        static const char rules[] = "rules:\n"
                                    "  - name: burst\n"
                                    "    where: page == signup\n"
                                    "    per_each: [client.prefix, http.shape]\n"
                                    "    when: count(30m) >= 4\n"
                                    "    tag: { session: burst-account, for: 30d }\n"
                                    "  - name: farm\n"
                                    "    where: page == profile\n"
                                    "    per: tag_origin(session, burst-account)\n"
                                    "    when: distinct(session, 1h) >= 5\n";
        struct world *w = world_new(rules);
        char first[INCIDENT_ID_MAX], session[8];
        (void)state;

        for (unsigned i = 0; i < 6; i++) {
                snprintf(session, sizeof(session), "s%u", i);
                world_hit(w, (struct hit){ .at_ms = i,
                                           .client = "198.51.100.1",
                                           .page = PAGE_SIGNUP,
                                           .session = session,
                                           .shape = i < 2 ? 1 : 2 });
                if (w->raised == 1 && i == 3)
                        memcpy(first, w->id, sizeof(first));
        }
        /* The network at the fourth, the shape 2 at the sixth. */
        assert_int_equal(w->raised, 2);
        assert_string_not_equal(w->id, first);
        assert_string_equal(w->group, first);
        /* One farm, whichever incident tagged them. */
        for (unsigned i = 0; i < 6; i++) {
                snprintf(session, sizeof(session), "s%u", i);
                view(w, 1000 + i, "192.0.2.1", session, "t");
        }
        assert_int_equal(w->raised, 3);
        char expected[100];
        snprintf(expected, sizeof(expected), "raised farm incident=%s n=0", first);
        world_expect_last(w, expected);
        world_free(w);
}

static void incidents_of_other_people_are_not(void **state)
{
        struct world *w = world_new(farm);
        char first[INCIDENT_ID_MAX];
        (void)state;

        burst(w, 0);
        memcpy(first, w->id, sizeof(first));
        for (unsigned i = 0; i < 3; i++) {
                char client[32], session[8];
                snprintf(client, sizeof(client), "203.0.113.%u", i);
                snprintf(session, sizeof(session), "x%u", i);
                sign_up(w, 60000 + i, client, session);
        }
        assert_int_equal(w->raised, 2);
        assert_string_equal(w->group, w->id);
        assert_string_not_equal(w->group, first);
        world_free(w);
}

static void a_session_that_is_changed_keeps_its_tag(void **state)
{
        struct world *w = world_new(farm);
        char first[INCIDENT_ID_MAX], expected[200];
        (void)state;

        burst(w, 0);
        memcpy(first, w->id, sizeof(first));
        buf_clear(&w->told);
        /* Both log in, which is no page that any rule looks at; one does so twice. */
        world_hit(w, (struct hit){ .at_ms = 60000,
                                   .client = "192.0.2.77",
                                   .session = "n1",
                                   .was = "s1" });
        world_hit(w, (struct hit){ .at_ms = 61000,
                                   .client = "192.0.2.77",
                                   .session = "m1",
                                   .was = "n1" });
        world_hit(w, (struct hit){ .at_ms = 62000,
                                   .client = "192.0.2.88",
                                   .session = "n2",
                                   .was = "s2" });
        world_hit(w, (struct hit){ .at_ms = 63000,
                                   .client = "192.0.2.99",
                                   .session = "n3",
                                   .was = "stranger" });
        harvest(w, 600000, "n3", "stranger");
        assert_int_equal(w->raised, 1);
        harvest(w, 700000, "m1", "n2");
        snprintf(expected, sizeof(expected),
                 "raised farm-harvest incident=%s n=0 at=700010\n", first);
        world_expect(w, expected);
        world_free(w);
}

/* The tag counts in the very response that changes the session. */
static void the_change_itself_carries_the_tag(void **state)
{
        static const char rules[] = "rules:\n"
                                    "  - name: burst\n"
                                    "    where: page == signup\n"
                                    "    per: session\n"
                                    "    when: count(1m) >= 1\n"
                                    "    tag: { session: a, for: 1d }\n"
                                    "  - name: seen\n"
                                    "    where: page == profile\n"
                                    "    per: client.host\n"
                                    "    when: tagged(session, a) and count(1m) >= 1\n";
        struct world *w = world_new(rules);
        (void)state;

        sign_up(w, 0, "198.51.100.1", "s");
        world_hit(w, (struct hit){ .at_ms = 1,
                                   .client = "192.0.2.1",
                                   .page = PAGE_PROFILE,
                                   .session = "n",
                                   .was = "s" });
        assert_int_equal(w->raised, 2);
        world_free(w);
}

static void exemptions_and_conditions_inside_read_tags(void **state)
{
        static const char rules[] =
            "rules:\n"
            "  - name: burst\n"
            "    where: page == signup\n"
            "    per: session\n"
            "    when: count(1m) >= 1\n"
            "    tag: { session: burst, account: staff, for: 1d }\n"
            "  - name: share\n"
            "    where: page == profile\n"
            "    per: client.host\n"
            "    when: count(1h) >= 4 and share(tagged(session, burst), 1h) == 0.5\n"
            "exempt:\n"
            "  - when: page == profile and tagged(account, staff)\n";
        struct world *w = world_new(rules);
        (void)state;

        sign_up(w, 0, "198.51.100.1", "s");
        world_hit(w, (struct hit){ .at_ms = 1,
                                   .client = "198.51.100.2",
                                   .page = PAGE_SIGNUP,
                                   .session = "x",
                                   .account = "anna" });
        buf_clear(&w->told);
        for (unsigned i = 0; i < 4; i++)
                world_hit(w, (struct hit){ .at_ms = 100 + i,
                                           .client = "192.0.2.1",
                                           .page = PAGE_PROFILE,
                                           .session = "s",
                                           .account = "anna" });
        assert_int_equal(w->counters.exempted, 4);
        for (unsigned i = 0; i < 4; i++)
                view(w, 200 + i, "192.0.2.1", i % 2 ? "s" : "y", "t");
        world_expect(w, "raised share client.host=192.0.2.1 n=0 at=203\n");
        world_free(w);
}

static void participants_of_an_incident_key_are_blocked(void **state)
{
        char rules[2000];
        (void)state;

        snprintf(rules, sizeof(rules),
                 "%s    block: 1h\n    block_what: [session, client.ip]\n", farm);
        struct world *w = world_new(rules);
        burst(w, 0);
        /* A private address is never blocked, whatever the key is. */
        view(w, 60000, "10.1.2.3", "s3", "t");
        harvest(w, 600000, "s1", "s2");
        world_expect_last(w, "block ip:192.0.2.77 level=1 for=3600s");
        world_expect_last(w, "block ip:192.0.2.88 level=1 for=3600s");
        world_expect_last(w, "block session:<session:s1> level=1 for=3600s");
        world_expect_last(w, "block session:<session:s3> level=1 for=3600s");
        buf_put_byte(&w->last, 0);
        assert_null(strstr((char *)w->last.data, "ip:10.1.2.3 "));
        assert_int_equal(w->counters.blocks_withheld, 1);
        world_free(w);
}

static void an_incident_key_alone_cannot_be_blocked(void **state)
{
        char rules[2000];
        struct diag *diag = diag_new();
        struct site *site = site_parse("site.yaml", slice_str(world_site), diag);
        struct buf out = { 0 };
        (void)state;

        snprintf(rules, sizeof(rules), "%s    block: 1h\n", farm);
        assert_null(rules_parse("r.yaml", slice_str(rules), site, diag));
        diag_print(diag, &out);
        assert_slice(buf_slice(&out),
                     "r.yaml:11:12: a key 'incident' cannot be blocked: say "
                     "with 'block_what' what is\n");
        buf_free(&out);
        site_free(&site);
        diag_free(&diag);
}

static void the_age_of_an_account_is_known_by_its_session(void **state)
{
        static const char rules[] = "rules:\n"
                                    "  - name: young\n"
                                    "    where: page == profile and account.age < 1h\n"
                                    "    per: session\n"
                                    "    when: count(10m) >= 1\n"
                                    "  - name: old\n"
                                    "    where: page == profile and account.age >= 1h\n"
                                    "    per: session\n"
                                    "    when: max(account.age, 10m) >= 2h\n";
        struct world *w = world_new(rules);
        (void)state;

        /* No rule looks at a sign-up, but it has to be seen. */
        assert_true(rules_look_at(w->rules, PAGE_SIGNUP));
        assert_false(rules_look_at(w->rules, PAGE_ASSET));
        assert_true(rules_follow_sessions(w->rules));
        sign_up(w, 0, "198.51.100.1", "s");
        view(w, 1000, "192.0.2.1", "stranger", "t");
        assert_int_equal(w->events, 0);
        world_hit(w, (struct hit){ .at_ms = 59 * MINUTE_MS,
                                   .client = "192.0.2.1",
                                   .session = "n",
                                   .was = "s" });
        view(w, 60 * MINUTE_MS - 1, "192.0.2.1", "n", "t");
        world_expect(w, "raised young session=<session:n> n=0 at=3599999\n");
        view(w, 60 * MINUTE_MS, "192.0.2.1", "n", "t");
        engine_advance(w->engine, WORLD_BEGIN + 100 * MINUTE_MS * NS_PER_MS);
        buf_clear(&w->told);
        view(w, 120 * MINUTE_MS, "192.0.2.1", "n", "t");
        world_expect(w, "raised old session=<session:n> n=0 at=7200000\n");
        world_expect_last(w, "evidence max(account.age, 10m) = 7200\n");
        world_free(w);
}

static const char signals[] =
    "rules:\n"
    "  - name: sum\n"
    "    per: client.host\n"
    "    where: page == other\n"
    "    when: score() >= 0 and families() >= 0\n"
    "    again: 1s\n"
    "  - { name: views, signal: true, weight: 4, family: reads, per: client.host,\n"
    "      where: page == profile, when: count(1m) >= 2 }\n"
    "  - { name: view, signal: true, weight: 1.5, family: reads, per: client.host,\n"
    "      where: page == profile, when: count(1m) >= 1 }\n"
    "  - { name: search, signal: true, weight: 2, family: search, per: client.host,\n"
    "      where: page == search, when: count(1m) >= 1 }\n"
    "  - { name: dry, signal: true, weight: 6, family: dry, per: client.host,\n"
    "      mode: dry-run, when: count(1m) >= 1 }\n";

static void expect_score(struct world *w, int64_t at_ms, const char *client,
                         const char *score, unsigned families)
{
        char text[100];

        world_hit(w, (struct hit){ .at_ms = at_ms, .client = client });
        snprintf(text, sizeof(text), "evidence score() = %s\nevidence families() = %u\n",
                 score, families);
        world_expect_last(w, text);
}

static void signals_add_up_and_fade(void **state)
{
        static const char me[] = "198.51.100.1", other[] = "198.51.100.2";
        struct world *w = world_new(signals);
        (void)state;

        expect_score(w, 0, me, "0", 0);
        world_view(w, 1000, me, 1);
        expect_score(w, 2000, me, "1.499", 1); /* a second old */
        world_view(w, 3000, me, 2);
        world_hit(w, (struct hit){ .at_ms = 3000, .client = me, .page = PAGE_SEARCH });
        expect_score(w, 3000, me, "6", 2); /* one family once: 4, not 5.5 */
        expect_score(w, 3000 + 30 * MINUTE_MS, me, "3", 2);
        expect_score(w, 3000 + 60 * MINUTE_MS, me, "1.5", 2);
        expect_score(w, 3000 + 60 * MINUTE_MS, other, "0", 0);
        /* It holds anew, and counts in full. */
        world_hit(w, (struct hit){ .at_ms = 3000 + 90 * MINUTE_MS,
                                   .client = me,
                                   .page = PAGE_SEARCH });
        expect_score(w, 3000 + 90 * MINUTE_MS, me, "2.5", 2);
        expect_score(w, 3001 + 120 * MINUTE_MS, me, "1.25", 1);
        buf_put_byte(&w->told, 0);
        assert_null(strstr((char *)w->told.data, "view"));
        world_free(w);
}

static void a_signal_is_heard_in_the_transaction_that_gives_it(void **state)
{
        static const char rules[] =
            "rules:\n"
            "  - { name: high, per: client.host, when: score() >= 5 and families() >= 2 "
            "}\n"
            "  - { name: a, signal: true, weight: 3, family: a, per: client.host,\n"
            "      when: count(1m) >= 1 }\n"
            "  - { name: b, signal: true, weight: 2, family: b, per: client.host,\n"
            "      when: count(1m) >= 2 }\n";
        struct world *w = world_new(rules);
        (void)state;

        world_view(w, 0, "198.51.100.1", 1);
        assert_int_equal(w->raised, 0);
        world_view(w, 0, "198.51.100.1", 1);
        world_expect(w, "raised high client.host=198.51.100.1 n=0 at=0\n");
        world_expect_last(w, "evidence score() = 5\nevidence families() = 2\n");
        world_free(w);
}

/* So many keys that most are forgotten: their signals go with them. */
static void signals_are_forgotten_with_their_key(void **state)
{
        static const char rules[] =
            "rules:\n"
            "  - { name: a, signal: true, weight: 3, family: a, per: client.host,\n"
            "      when: count(1m) >= 1 }\n"
            "  - { name: high, per: client.host, when: score() >= 5 }\n";
        struct world *w = world_new_with(world_site, rules, 2 << 20, 10);
        char client[32];
        (void)state;

        for (unsigned i = 0; i < 100000; i++) {
                snprintf(client, sizeof(client), "2001:db8:%x:%x::1", i >> 8, i & 255);
                world_view(w, i, client, i);
        }
        assert_true(w->counters.entries_evicted > 50000);
        assert_int_equal(w->counters.signals_dropped, 0);
        table_evict(&w->engine->tables[0], UINT32_MAX);
        assert_int_equal(w->engine->budget.pages.used, 0);
        world_free(w);
}

/* A signal alerts nobody: whom it looked at need not be remembered. */
static void participants_are_those_of_rules_that_alert(void **state)
{
        struct world *w = world_new(
            "rules:\n"
            "  - { name: sign, signal: true, weight: 1, family: a, per: client.prefix,\n"
            "      where: page == signup, when: count(1h) >= 1 }\n"
            "  - { name: read, where: page == profile, per: client.prefix,\n"
            "      when: count(1h) >= 2 and score() > 0.5 }\n");
        (void)state;

        sign_up(w, 0, "198.51.100.1", "s1");
        assert_int_equal(w->engine->actors.actors.count, 0);
        view(w, 1000, "198.51.100.2", "s2", "t");
        assert_int_equal(w->engine->actors.actors.count, 1);
        view(w, 2000, "198.51.100.3", "s3", "t");
        world_expect(w, "raised read client.prefix=198.51.100.0/24 n=0 at=2000\n");
        world_expect_last(w, "involved session 2: <session:s3> <session:s2>\n");
        world_free(w);
}

static void mistakes_with_signals(void **state)
{
        static const char rules[] =
            "rules:\n"
            "  - { name: a, signal: true, weight: 3, family: a, per: client.host,\n"
            "      when: score() >= 1 }\n"
            "  - { name: b, per: session, when: families() >= 1 }\n";
        struct diag *diag = diag_new();
        struct site *site = site_parse("site.yaml", slice_str(world_site), diag);
        struct buf out = { 0 };
        (void)state;

        assert_null(rules_parse("r.yaml", slice_str(rules), site, diag));
        diag_print(diag, &out);
        assert_slice(buf_slice(&out),
                     "r.yaml:3:13: a signal cannot read score() or families(), which are "
                     "made of signals\n");
        buf_clear(&out);
        diag_free(&diag);
        diag = diag_new();
        struct rules *read =
            rules_parse("r.yaml",
                        slice_str("rules: [{ name: b, per: session, when: "
                                  "families() >= 1 }]\n"),
                        site, diag);
        assert_non_null(read);
        diag_print(diag, &out);
        assert_slice(buf_slice(&out),
                     "r.yaml:1:17: warning: no signal has the key 'session': score() and "
                     "families() are always 0\n");
        rules_free(&read);
        buf_free(&out);
        site_free(&site);
        diag_free(&diag);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_farm_is_found_and_named_by_the_burst),
                cmocka_unit_test(who_joins_while_it_holds_is_tagged_too),
                cmocka_unit_test(who_came_while_it_did_not_hold_is_tagged_when_it_does),
                cmocka_unit_test(a_signal_tags_who_shows_it),
                cmocka_unit_test(a_tag_is_seen_from_the_next_request_on),
                cmocka_unit_test(an_incident_is_the_origin_of_a_tag_that_a_signal_put),
                cmocka_unit_test(two_incidents_of_one_request_put_one_tag),
                cmocka_unit_test(who_was_there_before_the_window_is_not_tagged),
                cmocka_unit_test(who_takes_part_twice_is_tagged_once),
                cmocka_unit_test(a_dry_run_tags_nobody),
                cmocka_unit_test(a_tag_ends_with_its_time),
                cmocka_unit_test(several_kinds_carry_several_tags),
                cmocka_unit_test(an_address_is_the_host_that_it_is),
                cmocka_unit_test(the_earliest_origin_stays),
                cmocka_unit_test(incidents_that_share_half_are_a_group),
                cmocka_unit_test(incidents_of_other_people_are_not),
                cmocka_unit_test(a_session_that_is_changed_keeps_its_tag),
                cmocka_unit_test(the_change_itself_carries_the_tag),
                cmocka_unit_test(exemptions_and_conditions_inside_read_tags),
                cmocka_unit_test(participants_of_an_incident_key_are_blocked),
                cmocka_unit_test(an_incident_key_alone_cannot_be_blocked),
                cmocka_unit_test(the_age_of_an_account_is_known_by_its_session),
                cmocka_unit_test(signals_add_up_and_fade),
                cmocka_unit_test(a_signal_is_heard_in_the_transaction_that_gives_it),
                cmocka_unit_test(signals_are_forgotten_with_their_key),
                cmocka_unit_test(participants_are_those_of_rules_that_alert),
                cmocka_unit_test(mistakes_with_signals),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
