/* SPDX-License-Identifier: MIT */
#include "unit/detect_world.h"

static const char harvest[] =
    "rules:\n"
    "  - name: harvest\n"
    "    description: Opens many profiles.\n"
    "    references: [OWASP OAT-011]\n"
    "    severity: high\n"
    "    where: page == profile and status == 200\n"
    "    per: client.host\n"
    "    when: distinct(target, 10m) >= 20 and distinct(target, 10m) / count(10m) > 0.8\n"
    "    block: [10m, 1h, 24h]\n"
    "    again: 5m\n";

static void a_scraper_is_raised_once_and_named(void **state)
{
        struct world *w = world_new(harvest);
        (void)state;

        for (unsigned i = 0; i < 30; i++)
                world_view(w, i * 500, "198.51.100.9", i);
        world_expect(w, "raised harvest client.host=198.51.100.9 n=0 at=9500 "
                        "block ip:198.51.100.9 level=1 for=600s\n");
        world_expect_last(
            w, "severity=high dry_run=0 start=0 last=9500 targets=20 bytes=20000");
        world_expect_last(w, "evidence distinct(target, 10m) = 20\n");
        world_expect_last(w, "evidence count(10m) = 20\n");
        world_expect_last(w, "involved client.ip 1: 198.51.100.9\n");
        world_expect_last(w, "involved client.prefix 1: 198.51.100.0/24\n");
        world_expect_last(w, "sample GET /in/user5 200\nsample GET /in/user11 200\n"
                             "sample GET /in/user19 200\n");
        assert_int_equal(strlen(w->id), 26);
        assert_int_equal(w->counters.incidents_raised, 1);
        engine_finish(w->engine);
        world_expect(w, "ended harvest client.host=198.51.100.9 n=1 at=14500 "
                        "blocked ip:198.51.100.9 level=1 for=600s\n");
        world_expect_last(w, "targets=30 bytes=30000");
        world_free(w);
}

/* A signal shows nobody any requests: what is kept is what its neighbour needs. */
static void a_signal_has_no_samples_kept(void **state)
{
        struct world *w = world_new("rules:\n"
                                    "  - name: early\n"
                                    "    signal: true\n"
                                    "    weight: 1\n"
                                    "    family: early\n"
                                    "    where: page == profile\n"
                                    "    per: client.host\n"
                                    "    when: count(10m) >= 4\n"
                                    "  - name: late\n"
                                    "    where: page == profile\n"
                                    "    per: client.host\n"
                                    "    when: count(10m) >= 20\n");
        (void)state;

        for (unsigned i = 0; i < 20; i++)
                world_view(w, i * 500, "198.51.100.9", i);
        world_expect_last(w, "sample GET /in/user5 200\nsample GET /in/user11 200\n"
                             "sample GET /in/user19 200\n");
        world_free(w);
}

static void a_reader_is_left_alone(void **state)
{
        struct world *w = world_new(harvest);
        (void)state;

        /* 40 profiles an hour, and one profile 200 times. */
        for (unsigned i = 0; i < 80; i++)
                world_view(w, i * 90000LL, "198.51.100.7", i);
        for (unsigned i = 0; i < 200; i++)
                world_view(w, 7200000 + i * 100, "198.51.100.8", 1);
        engine_finish(w->engine);
        assert_int_equal(w->events, 0);
        world_free(w);
}

static void an_incident_is_updated_and_ends_by_time(void **state)
{
        struct world *w = world_new(harvest);
        (void)state;

        for (unsigned i = 0; i <= 600; i++)
                world_view(w, i * 1000LL, "2001:db8::5", i);
        world_expect(w, "raised harvest client.host=2001:db8::/64 n=0 at=19000 "
                        "block prefix:2001:db8::/64 level=1 for=600s\n"
                        "updated harvest client.host=2001:db8::/64 n=1 at=319000 "
                        "blocked prefix:2001:db8::/64 level=1 for=600s\n");
        /* It held until 600 s: the window is 10 min. */
        engine_advance(w->engine, WORLD_BEGIN + 1199 * NS_PER_SEC);
        assert_int_equal(w->ended, 0);
        engine_advance(w->engine, WORLD_BEGIN + 1200 * NS_PER_SEC);
        world_expect(w, "ended harvest client.host=2001:db8::/64 n=2 at=1200000\n");
        world_expect_last(w, "last=600000 targets=59");
        world_free(w);
}

static void a_block_that_ran_out_comes_back_one_rung_higher(void **state)
{
        struct world *w = world_new(harvest);
        (void)state;

        for (unsigned i = 0; i <= 640; i++)
                world_view(w, i * 1000LL, "198.51.100.9", i);
        world_expect(w, "raised harvest client.host=198.51.100.9 n=0 at=19000 "
                        "block ip:198.51.100.9 level=1 for=600s\n"
                        "updated harvest client.host=198.51.100.9 n=1 at=319000 "
                        "blocked ip:198.51.100.9 level=1 for=600s\n"
                        "updated harvest client.host=198.51.100.9 n=2 at=619000 "
                        "block ip:198.51.100.9 level=2 for=3600s\n");
        engine_finish(w->engine);
        buf_clear(&w->told);
        /* Raised again six days later: the third time within seven days. */
        int64_t later = 6 * 86400000LL;
        for (unsigned i = 0; i < 20; i++)
                world_view(w, later + i * 1000LL, "198.51.100.9", i);
        world_expect(w, "raised harvest client.host=198.51.100.9 n=0 at=518419000 "
                        "block ip:198.51.100.9 level=3 for=86400s\n");
        engine_finish(w->engine);
        buf_clear(&w->told);
        /* And eight days after that: the first time again. */
        later += 8 * 86400000LL;
        for (unsigned i = 0; i < 20; i++)
                world_view(w, later + i * 1000LL, "198.51.100.9", i);
        world_expect_last(w, "block ip:198.51.100.9 level=1 for=600s");
        world_free(w);
}

static void who_may_not_be_blocked_is_not(void **state)
{
        static const char *const clients[] = { "10.1.2.3", "127.0.0.1", "203.0.113.200",
                                               "fd00::1" };
        struct world *w = world_new(harvest);
        (void)state;

        for (unsigned k = 0; k < 4; k++)
                for (unsigned i = 0; i < 30; i++)
                        world_view(w, k * 100000 + i * 100, clients[k], i);
        assert_int_equal(w->raised, 4);
        assert_int_equal(w->counters.blocks_withheld, 4);
        buf_put_byte(&w->told, 0);
        assert_null(strstr((const char *)w->told.data, "block"));
        world_free(w);
}

static void a_private_address_is_blocked_where_the_site_says_so(void **state)
{
        char site[2000];
        (void)state;

        snprintf(site, sizeof(site), "block_private: true\n%s", world_site);
        struct world *w = world_new_with(site, harvest, 64 << 20, 100);
        for (unsigned i = 0; i < 30; i++)
                world_view(w, i * 100, "10.1.2.3", i);
        world_expect_last(w, "block ip:10.1.2.3 level=1");
        world_free(w);
}

static void a_dry_run_blocks_nothing(void **state)
{
        char rules[1000];
        (void)state;

        snprintf(rules, sizeof(rules), "%s    mode: dry-run\n", harvest);
        struct world *w = world_new(rules);
        for (unsigned i = 0; i < 30; i++)
                world_view(w, i * 100, "198.51.100.9", i);
        world_expect(w, "raised harvest client.host=198.51.100.9 n=0 at=1900\n");
        world_expect_last(w, "dry_run=1");
        world_free(w);
}

static void sessions_leave_as_pseudonyms(void **state)
{
        static const char rules[] = "rules:\n"
                                    "  - name: session-harvest\n"
                                    "    where: page == profile\n"
                                    "    per: [session, client.prefix]\n"
                                    "    when: count(1m) >= 3\n";
        struct world *w = world_new(rules);
        (void)state;

        for (unsigned i = 0; i < 4; i++) {
                world_hit(w,
                          (struct hit){ .at_ms = i * 100,
                                        .client = i % 2 ? "198.51.100.1" : "198.51.100.2",
                                        .page = PAGE_PROFILE,
                                        .session = "s3cret",
                                        .account = i ? "anna" : NULL,
                                        .shape = 0xabcdef + i });
                /* No session: a part of the key is missing. */
                world_hit(w, (struct hit){ .at_ms = i * 100,
                                           .client = "198.51.100.1",
                                           .page = PAGE_PROFILE });
        }
        world_expect(w, "raised session-harvest session|client.prefix="
                        "<session:s3cret>|198.51.100.0/24 n=0 at=200\n");
        world_expect_last(w, "involved client.ip 2: 198.51.100.2 198.51.100.1\n");
        world_expect_last(w, "involved session 1: <session:s3cret>\n");
        world_expect_last(w, "involved account 1: <account:anna>\n");
        world_expect_last(w, "involved http.shape 3: 0000000000abcdef");
        world_free(w);
}

static void participants_are_blocked_and_so_are_those_who_join(void **state)
{
        static const char rules[] = "rules:\n"
                                    "  - name: network-harvest\n"
                                    "    where: page == profile\n"
                                    "    per: client.prefix\n"
                                    "    when: count(1m) >= 3\n"
                                    "    block: 2m\n"
                                    "    block_what: [client.ip, session]\n";
        struct world *w = world_new(rules);
        (void)state;

        for (unsigned i = 0; i < 3; i++)
                world_hit(w, (struct hit){ .at_ms = i,
                                           .client = i ? "198.51.100.1" : "198.51.100.2",
                                           .page = PAGE_PROFILE,
                                           .session = "s" });
        world_expect(w, "raised network-harvest client.prefix=198.51.100.0/24 n=0 at=2"
                        " block ip:198.51.100.1 level=1 for=120s"
                        " block ip:198.51.100.2 level=1 for=120s"
                        " block session:<session:s> level=1 for=120s\n");
        world_hit(w, (struct hit){
                         .at_ms = 5, .client = "198.51.100.3", .page = PAGE_PROFILE });
        world_expect(w, "updated network-harvest client.prefix=198.51.100.0/24 n=1 at=5"
                        " block ip:198.51.100.3 level=1 for=120s\n");
        world_free(w);
}

static void accepted_signups_of_one_network(void **state)
{
        static const char rules[] = "rules:\n"
                                    "  - name: burst\n"
                                    "    where: page == signup and signup.accepted\n"
                                    "    per_each: [client.host, client.prefix]\n"
                                    "    when: count(30m) >= 5\n";
        struct world *w = world_new(rules);
        char client[32];
        (void)state;

        for (unsigned i = 0; i < 10; i++) {
                snprintf(client, sizeof(client), "198.51.100.%u", i);
                /* Refused ones do not count. */
                world_hit(w, (struct hit){ .at_ms = i * 1000,
                                           .client = client,
                                           .page = PAGE_SIGNUP,
                                           .path = "/signup",
                                           .status = i % 2 ? 422 : 302,
                                           .flags = i % 2 ? 0 : RECORD_SIGNUP_ACCEPTED });
        }
        world_expect(w, "raised burst client.prefix=198.51.100.0/24 n=0 at=8000\n");
        world_expect_last(w, "targets=0 bytes=0");
        world_expect_last(w, "sample POST /signup 302");
        world_free(w);
}

/* Two rules share a key, but not those whom they look at. */
static void only_whom_the_rule_looks_at_is_involved(void **state)
{
        static const char rules[] = "rules:\n"
                                    "  - name: joins\n"
                                    "    where: page == signup and signup.accepted\n"
                                    "    per: client.prefix\n"
                                    "    when: count(30m) >= 2\n"
                                    "  - name: reads\n"
                                    "    where: page == profile\n"
                                    "    per: client.prefix\n"
                                    "    when: count(30m) >= 1000\n";
        struct world *w = world_new(rules);
        (void)state;

        for (unsigned i = 0; i < 50; i++)
                world_view(w, i, "198.51.100.7", i);
        for (unsigned i = 0; i < 2; i++)
                world_hit(w, (struct hit){ .at_ms = 100 + i,
                                           .client = i ? "198.51.100.7" : "198.51.100.8",
                                           .page = PAGE_SIGNUP,
                                           .status = 302,
                                           .flags = RECORD_SIGNUP_ACCEPTED });
        world_view(w, 200, "198.51.100.9", 1);
        world_expect(w, "raised joins client.prefix=198.51.100.0/24 n=0 at=101\n");
        world_expect_last(w, "involved client.ip 2: 198.51.100.7 198.51.100.8\n");
        world_free(w);
}

/* The hundred that read most are told of first, then those of whom nobody was told, and
   at the end the first again. */
static void in_the_end_each_of_many_was_named(void **state)
{
        static const char rules[] = "rules:\n"
                                    "  - name: many\n"
                                    "    where: page == profile\n"
                                    "    per: page\n"
                                    "    when: count(30m) >= 300\n"
                                    "    again: 5m\n";
        struct world *w = world_new(rules);
        char client[32];

        (void)state;
        for (unsigned i = 0; i < 500; i++) { /* a hundred three times, two hundred once */
                unsigned n = i < 300 ? i % 100 : i - 200;
                snprintf(client, sizeof(client), "198.51.%u.%u", n / 100, n % 100);
                world_view(w, i, client, i);
        }
        world_expect_last(w, "raised many page=profile n=0 at=299\n");
        world_expect_last(w, "involved client.ip 100: 198.51.0.0 198.51.0.1 ");
        world_view(w, 301000, "198.51.1.11", 1);
        world_expect_last(w, "updated many page=profile n=1 at=301000\n");
        world_expect_last(w, "involved client.ip 300: 198.51.1.11 198.51.1.0 ");
        world_view(w, 602000, "198.51.2.50", 1);
        world_expect_last(w, "involved client.ip 300: 198.51.2.50 198.51.2.0 ");
        for (unsigned i = 0; i < 100; i++) { /* who come too late for another update */
                snprintf(client, sizeof(client), "198.51.3.%u", i);
                world_view(w, 603000 + i, client, i);
        }
        engine_advance(w->engine, WORLD_BEGIN + 4000 * NS_PER_SEC);
        assert_int_equal(w->ended, 1);
        world_expect_last(w, "involved client.ip 400: 198.51.0.0 198.51.0.1 ");
        world_free(w);
}

static void lists_are_looked_into(void **state)
{
        static const char rules[] =
            "lists:\n"
            "  empty: []\n"
            "  staff: [17, '18']\n"
            "  hosts: [203.0.113.1, ex.org]\n"
            "rules:\n"
            "  - { name: none, per: client.ip, where: client.ip in @empty or account in "
            "@empty or status in @empty, when: count(1m) >= 1 }\n"
            "  - { name: staff, per: client.ip, where: account in @staff, "
            "when: count(1m) >= 1 }\n"
            "  - { name: number, per: client.ip, where: cookies in @staff, "
            "when: count(1m) >= 1 }\n"
            "  - { name: host, per: client.ip, where: path in @hosts, "
            "when: count(1m) >= 1 }\n";
        struct world *w = world_new(rules);
        (void)state;

        world_hit(w, (struct hit){ .client = "198.51.100.1", .account = "017" });
        assert_int_equal(w->events, 0);
        world_hit(w, (struct hit){ .client = "198.51.100.2", .account = "18" });
        world_hit(w, (struct hit){ .client = "198.51.100.3", .path = "203.0.113.1" });
        world_expect(w, "raised staff client.ip=198.51.100.2 n=0 at=0\n"
                        "raised host client.ip=198.51.100.3 n=0 at=0\n");
        struct world_record r;
        world_make_record(&(struct hit){ .client = "198.51.100.4" }, &r);
        r.record.cookies = 17;
        engine_record(w->engine, &r.record);
        world_expect(w, "raised number client.ip=198.51.100.4 n=0 at=0\n");
        world_free(w);
}

static void lists_and_exemptions(void **state)
{
        static const char rules[] =
            "lists:\n"
            "  office: [198.51.100.0/28, 2001:db8:1::/48]\n"
            "  famous: [user1, user2]\n"
            "exempt:\n"
            "  - when: client.ip in @office\n"
            "    until: 2026-11-23\n"
            "    comment: the office\n"
            "rules:\n"
            "  - name: many\n"
            "    where: page == profile and not (target in @famous)\n"
            "    per: client.ip\n"
            "    when: count(1h) >= 10\n";
        struct world *w = world_new(rules);
        (void)state;

        for (unsigned i = 0; i < 20; i++) {
                world_view(w, i * 10, "198.51.100.3", 100 + i);
                world_view(w, i * 10, "198.51.100.33", 1 + i % 2);
                world_view(w, i * 10, "2001:db8:1::9", 100 + i);
        }
        assert_int_equal(w->events, 0);
        assert_int_equal(w->counters.exempted, 40);
        /* The day after, the exemption is over. */
        for (unsigned i = 0; i < 20; i++)
                world_view(w, 13 * 3600000 + i * 10, "198.51.100.3", 100 + i);
        world_expect(w, "raised many client.ip=198.51.100.3 n=0 at=46800090\n");
        world_free(w);
}

static void the_whole_site_is_a_key(void **state)
{
        static const char rules[] =
            "rules:\n"
            "  - name: errors\n"
            "    per: all\n"
            "    when: share(status >= 500, 1m) > 50% and count(1m) >= 4\n"
            "    severity: info\n";
        struct world *w = world_new(rules);
        (void)state;

        for (unsigned i = 0; i < 6; i++)
                world_hit(w,
                          (struct hit){ .at_ms = i,
                                        .client = i % 2 ? "198.51.100.1" : "198.51.100.2",
                                        .status = i < 2 ? 200 : 502 });
        world_expect(w, "raised errors all=all n=0 at=4\n");
        world_expect_last(w, "evidence share(status >= 500, 1m) = 0.6\n");
        world_free(w);
}

static void durations_are_evidence_in_seconds(void **state)
{
        static const char rules[] =
            "rules:\n"
            "  - name: slow\n"
            "    per: client.ip\n"
            "    when: mean(latency, 1m) >= 2ms and max(status, 1m) == 200\n";
        struct world *w = world_new(rules);
        (void)state;

        world_hit(w, (struct hit){ .at_ms = 1, .client = "198.51.100.1" });
        world_expect_last(w, "evidence mean(latency, 1m) = 0.002\n");
        world_expect_last(w, "evidence max(status, 1m) = 200\n");
        world_free(w);
}

static void what_was_missed_is_told(void **state)
{
        struct world *w = world_new(harvest);
        (void)state;

        engine_missed(w->engine, WORLD_BEGIN - 5 * 60 * NS_PER_SEC, 0.2);
        engine_missed(w->engine, WORLD_BEGIN, 0.4);
        engine_missed(w->engine, WORLD_BEGIN - 3600 * NS_PER_SEC, 1);
        for (unsigned i = 0; i < 20; i++)
                world_view(w, i * 500, "198.51.100.9", i);
        world_expect_last(w, "missed=0.300");
        world_free(w);
}

static void too_many_incidents_are_counted(void **state)
{
        struct world *w = world_new_with(world_site, harvest, 64 << 20, 2);
        char client[32];
        (void)state;

        for (unsigned k = 0; k < 5; k++) {
                snprintf(client, sizeof(client), "198.51.100.%u", k);
                for (unsigned i = 0; i < 20; i++)
                        world_view(w, k * 1000 + i, client, i);
        }
        assert_int_equal(w->raised, 2);
        assert_int_equal(w->counters.incidents_dropped, 3);
        engine_finish(w->engine);
        assert_int_equal(w->ended, 2);
        world_free(w);
}

static void record_times_that_cannot_be_are_passed_over(void **state)
{
        struct world *w = world_new(harvest);
        struct world_record r;
        (void)state;

        world_make_record(&(struct hit){ .client = "198.51.100.1" }, &r);
        r.record.end_ns = INT64_MAX;
        engine_record(w->engine, &r.record);
        r.record.end_ns = -1;
        engine_record(w->engine, &r.record);
        engine_advance(w->engine, INT64_MAX);
        engine_advance(w->engine, INT64_MIN);
        for (unsigned i = 0; i < 20; i++)
                world_view(w, i, "198.51.100.9", i);
        assert_int_equal(w->raised, 1);
        world_free(w);
}

/* Random traffic of a few clients, twice: the same bytes must come out. */
static void run_random(struct world *w)
{
        uint32_t seed = 7;
        char client[32], session[16];

        for (unsigned i = 0; i < 20000; i++) {
                seed = seed * 1664525 + 1013904223;
                snprintf(client, sizeof(client), "198.51.%u.%u", seed >> 30,
                         seed >> 24 & 7);
                snprintf(session, sizeof(session), "s%u", seed >> 20 & 15);
                world_hit(w, (struct hit){ .at_ms = i * 300,
                                           .client = client,
                                           .page = PAGE_PROFILE,
                                           .target = session + (seed >> 29),
                                           .session = session,
                                           .shape = 1 + (seed >> 27 & 3) });
        }
        engine_finish(w->engine);
}

static void the_same_traffic_gives_the_same_incidents(void **state)
{
        static const char rules[] =
            "rules:\n"
            "  - name: a\n"
            "    where: page == profile\n"
            "    per_each: [client.host, session, http.shape]\n"
            "    when: distinct(target, 1m) >= 4 and count(1m) >= 8\n"
            "    block: [1m, 2m]\n";
        struct buf first = { 0 };
        char id[INCIDENT_ID_MAX];
        (void)state;

        for (unsigned run = 0; run < 2; run++) {
                struct world *w = world_new(rules);
                run_random(w);
                assert_true(w->raised > 10);
                assert_int_equal(w->raised, w->ended);
                if (run == 0) {
                        buf_put_slice(&first, buf_slice(&w->told));
                        memcpy(id, w->id, sizeof(id));
                } else {
                        assert_int_equal(first.len, w->told.len);
                        assert_memory_equal(first.data, w->told.data, first.len);
                        assert_string_equal(id, w->id);
                }
                world_free(w);
        }
        buf_free(&first);
}

static const char of_group_and_one[] =
    "rules:\n"
    "  - name: crowd\n"
    "    description: d\n"
    "    severity: low\n"
    "    per_each: [client.prefix, client.host, session, \"header('dnt')\", all]\n"
    "    when: count(10m) >= 160 and sum(response.bytes, 10m) > 0\n"
    "          and max(status, 10m) > 0 and distinct(target, 10m) > 0\n"
    "          and share(status == 200, 10m) > 0.4 and mean(response.bytes, 10m) > 0\n";

/* Everybody has one session, and every other request is refused. */
static void visit(struct world *w, unsigned i, uint8_t sample)
{
        char client[32], target[32];

        snprintf(client, sizeof(client), "198.51.100.%u", i % 100);
        snprintf(target, sizeof(target), "user%u", i);
        world_hit(w, (struct hit){ .at_ms = i * 1000LL,
                                   .client = client,
                                   .page = PAGE_PROFILE,
                                   .session = "same",
                                   .header = "same",
                                   .target = target,
                                   .status = i % 2 ? 200 : 404,
                                   .sample = sample });
}

/* One in four visitors is seen: those of a group are four times as many. */
static void groups_are_scaled_and_visitors_are_not(void **state)
{
        struct world *w = world_new(of_group_and_one);

        (void)state;
        for (unsigned i = 0; i < 40; i++)
                visit(w, i, 2);
        world_expect(w, "raised crowd client.prefix=198.51.100.0/24 n=0 at=39000\n"
                        "raised crowd all=all n=0 at=39000\n");
        world_expect_last(w, "evidence count(10m) = 160\n");
        world_expect_last(w, "evidence sum(response.bytes, 10m) = 1.6e+05\n");
        world_expect_last(w, "evidence max(status, 10m) = 404 at least\n");
        world_expect_last(w, "evidence distinct(target, 10m) = 40 at least\n");
        world_expect_last(w, "evidence share(status == 200, 10m) = 0.5\n");
        world_expect_last(w, "evidence mean(response.bytes, 10m) = 1000\n");
        for (unsigned i = 40; i < 160; i++)
                visit(w, i, 2);
        world_expect(w, "raised crowd session=<session:same> n=0 at=159000\n"
                        "raised crowd header('dnt')=same n=0 at=159000\n");
        world_expect_last(w, "evidence count(10m) = 160\n");
        world_expect_last(w, "evidence distinct(target, 10m) = 160\n");
        world_free(w);
}

/* What was seen whole and what was sampled go into one window, each with its weight. */
static void the_weight_is_that_of_the_moment(void **state)
{
        struct world *w = world_new(of_group_and_one);

        (void)state;
        for (unsigned i = 0; i < 60; i++)
                visit(w, i, 0);
        for (unsigned i = 60; i < 70; i++)
                visit(w, i, 3);
        assert_int_equal(w->raised, 0);
        for (unsigned i = 70; i < 80; i++)
                visit(w, i, 1);
        world_expect(w, "raised crowd client.prefix=198.51.100.0/24 n=0 at=79000\n"
                        "raised crowd all=all n=0 at=79000\n");
        world_expect_last(w, "evidence count(10m) = 160\n");
        world_free(w);
}

/* Nobody came while visitors were sampled: that they were is known all the same. */
static void a_bound_is_one_for_a_window(void **state)
{
        static const struct {
                int64_t sampled_s;
                const char *evidence;
        } rows[] = {
                { -700, "distinct(target, 10m) = 160\n" },
                { -300, "distinct(target, 10m) = 160 at least\n" },
        };

        (void)state;
        for (unsigned k = 0; k < 2; k++) {
                struct world *w = world_new(of_group_and_one);
                engine_sampled(w->engine, WORLD_BEGIN + rows[k].sampled_s * NS_PER_SEC);
                for (unsigned i = 0; i < 160; i++)
                        visit(w, i, 0);
                assert_int_equal(w->raised, 4);
                world_expect_last(w, rows[k].evidence);
                world_free(w);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_scraper_is_raised_once_and_named),
                cmocka_unit_test(a_signal_has_no_samples_kept),
                cmocka_unit_test(a_reader_is_left_alone),
                cmocka_unit_test(an_incident_is_updated_and_ends_by_time),
                cmocka_unit_test(a_block_that_ran_out_comes_back_one_rung_higher),
                cmocka_unit_test(who_may_not_be_blocked_is_not),
                cmocka_unit_test(a_private_address_is_blocked_where_the_site_says_so),
                cmocka_unit_test(a_dry_run_blocks_nothing),
                cmocka_unit_test(sessions_leave_as_pseudonyms),
                cmocka_unit_test(participants_are_blocked_and_so_are_those_who_join),
                cmocka_unit_test(accepted_signups_of_one_network),
                cmocka_unit_test(only_whom_the_rule_looks_at_is_involved),
                cmocka_unit_test(in_the_end_each_of_many_was_named),
                cmocka_unit_test(lists_are_looked_into),
                cmocka_unit_test(lists_and_exemptions),
                cmocka_unit_test(the_whole_site_is_a_key),
                cmocka_unit_test(durations_are_evidence_in_seconds),
                cmocka_unit_test(what_was_missed_is_told),
                cmocka_unit_test(groups_are_scaled_and_visitors_are_not),
                cmocka_unit_test(the_weight_is_that_of_the_moment),
                cmocka_unit_test(a_bound_is_one_for_a_window),
                cmocka_unit_test(too_many_incidents_are_counted),
                cmocka_unit_test(record_times_that_cannot_be_are_passed_over),
                cmocka_unit_test(the_same_traffic_gives_the_same_incidents),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
