/* SPDX-License-Identifier: MIT */
/* Looking ahead changes no result: many records at once are one after the other. */
#include "unit/detect_world.h"

#include "detect/engine_priv.h"

enum { RECORDS = 6000, RUNS = 12 };

static uint64_t random_state;

static uint32_t pick(uint32_t below)
{
        random_state ^= random_state << 13;
        random_state ^= random_state >> 7;
        random_state ^= random_state << 17;
        return (uint32_t)((random_state >> 32) * below >> 32);
}

/* Keys that the record tells, one that it does not, and what one record does to the next:
   tags, blocks, forms of the key that change with the memory. */
static const char rules[] =
    "rules:\n"
    "  - name: host\n"
    "    where: page == profile and status == 200\n"
    "    per: client.host\n"
    "    when: distinct(target, 10m) >= 9 and distinct(session, 10m) < 9\n"
    "    block: [1m, 10m]\n"
    "    tag: { session: reader, for: 1h }\n"
    "  - name: pair\n"
    "    where: page == profile\n"
    "    per: [client.prefix, client.ip]\n"
    "    when: count(1m) >= 12\n"
    "  - name: session\n"
    "    where: page in [profile, search]\n"
    "    per: session\n"
    "    when: distinct(client.host, 10m) >= 4 or sum(response.bytes, 1m) > 20000\n"
    "  - name: group\n"
    "    where: page == profile and tagged(session, reader)\n"
    "    per: tag_origin(session, reader)\n"
    "    when: count(10m) >= 2\n"
    "  - name: all\n"
    "    where: page == search\n"
    "    per: all\n"
    "    when: count(1m) >= 30\n"
    "  - name: shape\n"
    "    per: http.shape\n"
    "    when: distinct(client.host, 10m) >= 20\n";

static void make_one(unsigned i, struct world_record *r)
{
        char client[32], session[16], target[16];
        uint32_t many =
            i / 2000 % 2 ? 4000 : 40; /* in between, too many for the memory */
        struct hit hit = { .at_ms = (int64_t)i * 90 - pick(2000),
                           .client = client,
                           .page = (uint16_t)pick(PAGE_ASSET + 1),
                           .status = pick(8) ? 200 : 404,
                           .target = pick(9) ? target : NULL,
                           .session = pick(4) ? session : NULL,
                           .shape = pick(5),
                           .bytes = 1 + pick(3000) };

        if (pick(3))
                hit.page = PAGE_PROFILE;
        uint32_t who = pick(many);
        snprintf(client, sizeof(client), "198.51.%u.%u", who / 250, who % 250 + 1);
        snprintf(session, sizeof(session), "s%u", pick(many));
        snprintf(target, sizeof(target), "t%u", pick(50));
        world_make_record(&hit, r);
        if (pick(400) == 0)
                r->record.end_ns = -1;
        if (pick(400) == 0)
                r->record.page = 999;
}

/* Tells everything of every event, not its first line alone. */
static void on_incident(void *context, const struct incident *i)
{
        struct world *w = context;

        world_incident(w, i);
        world_print_details(i, &w->told);
}

static void run(uint64_t seed, unsigned at_once, struct buf *told)
{
        static struct world_record made[64];
        const struct record *records[64];
        struct world *w = world_new_with(world_site, rules, 1 << 20, 50);

        w->engine->options.incident = on_incident;
        random_state = seed;
        for (unsigned i = 0; i < RECORDS; i += at_once) {
                for (unsigned k = 0; k < at_once; k++) {
                        make_one(i + k, &made[k]);
                        records[k] = &made[k].record;
                }
                engine_records(w->engine, records, at_once);
        }
        engine_finish(w->engine);
        buf_printf(told, "%.*s\n%llu %llu %llu\n", (int)w->told.len,
                   (const char *)w->told.data,
                   (unsigned long long)w->counters.transactions,
                   (unsigned long long)w->counters.entries_evicted,
                   (unsigned long long)w->counters.incidents_raised);
        assert_true(w->counters.entries_evicted > 100);
        assert_true(w->counters.incidents_raised > 50);
        world_free(w);
}

static void many_at_once_are_one_after_the_other(void **state)
{
        static const unsigned sizes[] = { 2, 15, 16, 20, 60 };
        (void)state;

        for (uint64_t seed = 1; seed <= RUNS; seed++) {
                struct buf one = { 0 }, many = { 0 };
                run(seed * 7919, 1, &one);
                run(seed * 7919, sizes[seed % 5], &many);
                assert_int_equal(one.len, many.len);
                assert_memory_equal(one.data, many.data, one.len);
                buf_free(&one);
                buf_free(&many);
        }
}

static void none_are_none(void **state)
{
        struct world *w = world_new(rules);
        (void)state;

        engine_records(w->engine, NULL, 0);
        assert_int_equal(w->counters.transactions, 0);
        assert_int_equal(engine_now(w->engine), -1);
        world_free(w);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(many_at_once_are_one_after_the_other),
                cmocka_unit_test(none_are_none),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
