/* SPDX-License-Identifier: MIT */
/*
 * The oracle: keeps every transaction and computes each function the slow way, as
 * it is defined. Random traffic, with late records and times at the edges of
 * panes; what the tables say must be the same, except for the sketch's error. Two rules
 * look at transactions of their own, and some of both, for the same keys.
 */
#include "unit/detect_world.h"

#include "detect/engine_priv.h"

#include <math.h>

#define TRANSACTIONS 5000

static const char rules_text[] =
    "rules:\n"
    "  - name: a\n"
    "    where: page == profile\n"
    "    per_each: [client.ip, client.prefix, all]\n"
    "    when: >\n"
    "      count(8s) < 0 or count(status == 404, 1m) < 0 or sum(response.bytes, 1m) < 0\n"
    "      or mean(response.bytes, 8s) < 0 or max(response.bytes, 1m) < 0\n"
    "      or distinct(target, 1m) < 0 or distinct(target, status == 404, 8s) < 0\n"
    "      or share(status == 404, 1m) > 2\n"
    "  - name: b\n"
    "    where: status == 404\n"
    "    per_each: [client.ip, client.prefix, all]\n"
    "    when: >\n"
    "      count(1m) < 0 or sum(response.bytes, 8s) < 0 or max(response.bytes, 8s) < 0\n"
    "      or distinct(target, 1m) < 0 or distinct(target, 8s) < 0\n";

enum { RULES = 2, PARTS = 3 };

struct past {
        int64_t time_ns;
        uint8_t client;
        bool profile, missing_page;
        uint32_t target;
        double bytes;
};

static struct past past[TRANSACTIONS];
static uint32_t seed = 1;

static uint32_t draw(uint32_t below)
{
        seed = seed * 1664525 + 1013904223;
        return (uint32_t)((uint64_t)seed * below >> 32);
}

/* How much of a transaction a window still holds: 1, the ninth pane's part, or 0. */
static double weight(int64_t time_ns, int64_t now_ns, int64_t window_ns,
                     bool newest_eight)
{
        int64_t pane_ns = window_ns / 8;
        int64_t age = now_ns / pane_ns - time_ns / pane_ns;

        if (age < 8)
                return 1;
        if (age > 8 || newest_eight)
                return 0;
        return (double)(pane_ns - now_ns % pane_ns) / (double)pane_ns;
}

struct oracle {
        double count, sum, max;
        uint64_t distinct;
};

static bool is_of_key(const struct past *p, unsigned part, uint8_t client)
{
        return part == 2 ||
               (part == 0 ? p->client == client : p->client / 4 == client / 4);
}

static bool looks_at(unsigned rule, const struct past *p)
{
        return rule == 0 ? p->profile : p->missing_page;
}

static struct oracle ask(unsigned upto, unsigned rule, unsigned part, int64_t now_ns,
                         int64_t window_ns, bool only_missing)
{
        static uint8_t seen[100000];
        struct oracle o = { .max = -1 };

        memset(seen, 0, sizeof(seen));
        for (unsigned i = 0; i <= upto; i++) {
                const struct past *p = &past[i];
                if (!looks_at(rule, p) || (only_missing && !p->missing_page) ||
                    !is_of_key(p, part, past[upto].client))
                        continue;
                double w = weight(p->time_ns, now_ns, window_ns, false);
                o.count += w;
                o.sum += w * p->bytes;
                if (weight(p->time_ns, now_ns, window_ns, true) == 0)
                        continue;
                o.max = p->bytes > o.max ? p->bytes : o.max;
                o.distinct += !seen[p->target];
                seen[p->target] = 1;
        }
        return o;
}

static double squares;
static unsigned sketched;

static void compare(const struct rule_aggregate *a, double actual, bool missing,
                    const struct oracle *one, const struct oracle *other)
{
        double expected = NAN;

        switch (a->function) {
        case FUNCTION_COUNT:
                expected = one->count;
                break;
        case FUNCTION_SUM:
                expected = one->sum;
                break;
        case FUNCTION_MEAN:
                expected = one->count > 0 ? one->sum / one->count : NAN;
                break;
        case FUNCTION_MAX:
                expected = one->max >= 0 ? one->max : NAN;
                break;
        case FUNCTION_SHARE:
                expected = other->count > 0 ? one->count / other->count : NAN;
                break;
        case FUNCTION_DISTINCT:
                expected = (double)one->distinct;
                if (actual == floor(actual) && actual <= 128)
                        break;
                /* A sketch. */
                squares += pow(actual / expected - 1, 2);
                sketched++;
                assert_true(fabs(actual / expected - 1) < 5 * 0.023);
                return;
        default:
                fail_msg("%s has no definition here", a->text);
        }
        if (isnan(expected) != missing ||
            (!missing && fabs(actual - expected) > 1e-9 * (1 + fabs(expected)))) {
                print_error("%s is %.12g, should be %.12g\n", a->text, actual, expected);
                fail();
        }
}

static void check_rule(const struct engine *e, unsigned upto, unsigned number,
                       unsigned part, const struct entry *entry)
{
        const struct rule *rule = &e->rules->rules[number * PARTS + part];

        for (unsigned i = 0; i < rule->aggregate_count; i++) {
                const struct rule_aggregate *a = &rule->aggregates[i];
                struct value v = table_value(&e->tables[part], entry, a);
                int64_t window =
                    strstr(a->text, "8s)") ? 8 * NS_PER_SEC : 60 * NS_PER_SEC;
                bool only_missing = strstr(a->text, "status");
                struct oracle one =
                    ask(upto, number, part, e->now_ns, window, only_missing);
                struct oracle other = ask(upto, number, part, e->now_ns, window, false);
                compare(a, v.number, v.type == VALUE_MISSING, &one, &other);
        }
}

static void check_tables(struct world *w, unsigned upto)
{
        struct engine *e = w->engine;

        for (unsigned i = 0; i < RULES * PARTS; i++) {
                unsigned number = i / PARTS, part = i % PARTS;
                struct table *t = &e->tables[part];
                uint64_t hash;
                if (!looks_at(number, &past[upto]))
                        continue;
                assert_true(table_key(t, &e->facts, &hash));
                check_rule(e, upto, number, part, table_at(t, table_find(t, hash)));
        }
}

static int64_t next_time(int64_t now_ms)
{
        switch (draw(300)) {
        case 0: /* to the edge of a pane, of 1 s or 7.5 s */
                return (now_ms / 1000 + 1) * 1000;
        case 1:
                return (now_ms / 7500 + 1) * 7500;
        case 2:
                return (now_ms / 1000 + 1) * 1000 - 1;
        case 3:
                return draw(4) ? now_ms : now_ms + draw(70000);
        default:
                return now_ms + draw(40);
        }
}

static void tables_agree_with_the_definition(void **state)
{
        struct world *w = world_new(rules_text);
        int64_t now_ms = 0;
        (void)state;

        assert_int_equal(w->rules->table_count, PARTS);
        for (unsigned i = 0; i < TRANSACTIONS; i++) {
                struct past *p = &past[i];
                char client[32], target[32];
                now_ms = next_time(now_ms);
                /* One in eight comes late, up to 20 s. */
                int64_t at_ms = draw(8) ? now_ms : now_ms - (int64_t)draw(20000);
                if (at_ms < 0)
                        at_ms = 0;
                *p = (struct past){ .time_ns = WORLD_BEGIN + at_ms * NS_PER_MS,
                                    .client = (uint8_t)draw(8),
                                    .profile = draw(10) != 0,
                                    .missing_page = draw(3) == 0,
                                    .target = draw(i % 3 ? 100 : 3000),
                                    .bytes = 1 + draw(100000) };
                snprintf(client, sizeof(client), "198.51.%u.%u", p->client / 4u,
                         p->client);
                snprintf(target, sizeof(target), "t%u", p->target);
                world_hit(w, (struct hit){ .at_ms = at_ms,
                                           .client = client,
                                           .page = p->profile ? PAGE_PROFILE : PAGE_OTHER,
                                           .status = p->missing_page ? 404 : 200,
                                           .target = target,
                                           .bytes = (uint64_t)p->bytes });
                if (i % 4 == 0)
                        check_tables(w, i);
        }
        printf("%u sketched counts, RMSE %.2f %%\n", sketched,
               sketched ? 100 * sqrt(squares / sketched) : 0);
        assert_true(sketched > 100);
        assert_true(sqrt(squares / sketched) < 0.04);
        world_free(w);
}

static void equal_parts_are_there_once(void **state)
{
        struct world *w =
            world_new("rules:\n"
                      "  - name: a\n"
                      "    where: page == profile and status == 200\n"
                      "    per: client.ip\n"
                      "    when: distinct(target, 10m) > 5 and count(10m) > 5\n"
                      "  - name: b\n"
                      "    where: status == 200 and page == profile\n"
                      "    per: client.ip\n"
                      "    when: distinct(target, 10m) > 9\n"
                      "  - name: c\n"
                      "    where: page == profile\n"
                      "    per: client.ip\n"
                      "    when: count(status == 200, 10m) > 7\n");
        const struct table_plan *t = &w->rules->tables[0];
        (void)state;

        assert_int_equal(w->rules->table_count, 1);
        /*
         * a: distinct, count, bytes (2xx is implied, so what was served is what is
         * counted); b: its own two, as its text is another; c: the count of a, and
         * what was served with its own condition, two.
         */
        assert_int_equal(t->slot_count, 3 + 2 + 2);
        assert_string_equal(t->type, "client.ip");
        world_free(w);
}

static void flood(struct world *w, unsigned keys, bool scrape)
{
        uint64_t max = w->engine->budget.pages.capacity;
        char client[32], session[32];

        for (unsigned i = 0; i < keys; i++) {
                snprintf(client, sizeof(client), "%u.%u.%u.%u", 11 + (i >> 24),
                         i >> 16 & 255, i >> 8 & 255, i & 255);
                snprintf(session, sizeof(session), "visitor-%u", i);
                world_hit(w, (struct hit){ .at_ms = 1000 + i / 1000,
                                           .client = client,
                                           .page = PAGE_PROFILE,
                                           .target = session,
                                           .session = session });
                if (scrape && i % 8192 == 8191)
                        world_view(w, 1000 + i / 1000, "198.51.100.9", i);
                assert_true(w->engine->budget.pages.used <= max);
        }
}

static const char flood_rules[] = "rules:\n"
                                  "  - name: harvest\n"
                                  "    where: page == profile\n"
                                  "    per_each: [client.host, session]\n"
                                  "    when: distinct(target, 10m) >= 100\n";

static void a_flood_of_keys_forgets_no_scraper(void **state)
{
        struct world *w = world_new_with(world_site, flood_rules, 8 << 20, 100);
        (void)state;

        for (unsigned i = 0; i < 20; i++)
                world_view(w, i * 10, "198.51.100.9", 5000000 + i);
        flood(w, 1000000, true);
        assert_true(w->counters.entries_evicted > 900000);
        assert_true(w->engine->tables[0].index.count > 1000);
        world_expect_last(w, "raised harvest client.host=198.51.100.9 n=0");
        assert_int_equal(w->raised, 1);
        /* Everything that was taken is given back with the last key, but for the page on
           which the scraper is remembered as one of its group. */
        engine_finish(w->engine);
        for (unsigned i = 0; i < 2; i++)
                table_evict(&w->engine->tables[i], UINT32_MAX);
        assert_int_equal(w->engine->groups.index.count, 1);
        assert_int_equal(w->engine->budget.pages.used, 1);
        world_free(w);
}

static void one_key_with_targets_without_end(void **state)
{
        struct world *w = world_new_with(world_site, flood_rules, 1 << 20, 100);
        (void)state;

        for (unsigned i = 0; i < 200000; i++)
                world_view(w, i / 1000, "198.51.100.9", i);
        assert_int_equal(w->raised, 1);
        engine_finish(w->engine);
        double served = 0;
        sscanf(strstr((char *)w->last.data, "targets="), "targets=%lf", &served);
        assert_true(fabs(served / 200000 - 1) < 0.1);
        world_free(w);
}

/* Nothing is kept of who is seen twice, unless it is of a kind that is rare. */
static void samples_cost_nothing_for_who_is_seen_five_times(void **state)
{
        struct world *w = world_new("rules:\n"
                                    "  - name: harvest\n"
                                    "    where: page == profile\n"
                                    "    per: client.ip\n"
                                    "    when: count(10m) >= 17\n"
                                    "  - name: burst\n"
                                    "    where: page == signup\n"
                                    "    per: client.ip\n"
                                    "    when: count(10m) >= 16\n");
        const struct table *t = &w->engine->tables[0];
        uint64_t hash;
        (void)state;

        for (unsigned i = 0; i < 6; i++) {
                world_view(w, i, "198.51.100.1", i);
                assert_true(table_key(t, &w->engine->facts, &hash));
                const struct entry *e = table_at(t, table_find(t, hash));
                assert_int_equal(e->samples.block != 0, i == 5);
        }
        world_hit(w, (struct hit){ .client = "198.51.100.2", .page = PAGE_SIGNUP });
        assert_true(table_key(t, &w->engine->facts, &hash));
        assert_true(((struct entry *)table_at(t, table_find(t, hash)))->samples.block);
        world_free(w);
}

/* Everybody is as telling as can be: one goes all the same, and few are looked at. */
static void an_eviction_is_bounded_work(void **state)
{
        struct world *w = world_new("rules:\n"
                                    "  - name: harvest\n"
                                    "    where: page == profile\n"
                                    "    per: client.ip\n"
                                    "    when: count(10m) >= 9999\n");
        struct table *t = &w->engine->tables[0];
        char client[24];
        uint32_t hand = 0;
        unsigned worn = 0;
        (void)state;

        for (unsigned i = 0; i < 200 * 600; i++) {
                snprintf(client, sizeof(client), "198.51.%u.%u", i % 600 / 200,
                         1 + i % 200);
                world_view(w, i, client, i);
        }
        assert_int_equal(t->index.count, 600);
        assert_int_equal(table_evict(t, 1), 1);
        assert_int_equal(t->index.count, 599);
        for (unsigned i = 0; i < 599; i++) {
                const struct entry *e = table_at(t, index_walk(&t->index, &hand));
                worn += e->lives < 4;
        }
        assert_in_range(worn, 1, 24);
        world_free(w);
}

static void sessions_of_one_key_without_end(void **state)
{
        struct world *w = world_new_with(world_site, flood_rules, 4 << 20, 100);
        char session[32];
        (void)state;

        for (unsigned i = 0; i < 300000; i++) {
                snprintf(session, sizeof(session), "s%u", i);
                world_hit(w, (struct hit){ .at_ms = i / 100,
                                           .client = "198.51.100.9",
                                           .page = PAGE_PROFILE,
                                           .target = session,
                                           .session = session });
        }
        assert_int_equal(w->raised, 1);
        engine_finish(w->engine);
        world_expect_last(w, "involved session 1000+:");
        world_free(w);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(tables_agree_with_the_definition),
                cmocka_unit_test(equal_parts_are_there_once),
                cmocka_unit_test(a_flood_of_keys_forgets_no_scraper),
                cmocka_unit_test(one_key_with_targets_without_end),
                cmocka_unit_test(samples_cost_nothing_for_who_is_seen_five_times),
                cmocka_unit_test(an_eviction_is_bounded_work),
                cmocka_unit_test(sessions_of_one_key_without_end),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
