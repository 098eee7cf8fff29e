/* SPDX-License-Identifier: MIT */
/* Random conditions: what is known by the page and asked by parts is what they say. */
#include "unit/detect_world.h"

#include "detect/engine_priv.h"

enum { RULES = 7, SETS = 150, RECORDS = 60 };

static uint64_t random_state = 88172645463325252;

static uint32_t pick(uint32_t below)
{
        random_state ^= random_state << 13;
        random_state ^= random_state >> 7;
        random_state ^= random_state << 17;
        return (uint32_t)((random_state >> 32) * below >> 32);
}

/* Some read the page alone, some the page and more, some may be missing. */
static const char *const leaves[] = {
        "page == profile",
        "page != search",
        "page in [profile, signup]",
        "present(page)",
        "not (page == asset)",
        "status == 200",
        "status in [404, 410]",
        "present(status)",
        "session == 's1'",
        "session != 's1'",
        "present(session)",
        "header('x') starts_with 'a'",
        "tagged(session, made)",
        "(page == search or status == 404)",
        "(page == profile or page == search)",
        "not (page == profile and status == 200)",
        "1 == 1",
        "1 == 2",
};

static void put_condition(struct buf *text)
{
        unsigned count = 1 + pick(4);

        for (unsigned i = 0; i < count; i++) {
                if (i)
                        buf_put_str(text, pick(6) ? " and " : " or ");
                buf_put_str(text, leaves[pick(sizeof(leaves) / sizeof(leaves[0]))]);
        }
}

static struct world *make_world(struct buf *text)
{
        buf_put_str(text, "rules:\n");
        for (unsigned i = 0; i < RULES; i++) {
                buf_printf(text, "  - name: r%u\n    where: ", i);
                put_condition(text);
                buf_printf(text, "\n    per: %s\n    when: count(10m) >= 3 or share(",
                           i % 2 ? "client.host" : "session");
                put_condition(text);
                buf_put_str(text, ", 1h) > 50%\n    tag: { session: made, for: 1h }\n");
        }
        buf_put_byte(text, 0);
        return world_new((const char *)text->data);
}

static void make_random(struct world_record *r)
{
        static const uint16_t statuses[] = { 200, 404, 410, 500 };
        struct hit hit = { .client = "198.51.100.1",
                           .page = (uint16_t)pick(PAGE_ASSET + 1),
                           .status = statuses[pick(4)],
                           .session = pick(3) == 0   ? NULL
                                      : pick(2) == 0 ? "s1"
                                                     : "s2",
                           .header = pick(2) ? "abc" : NULL };

        world_make_record(&hit, r);
        if (pick(6) == 0)
                r->record.status = 0;
        if (pick(20) == 0)
                r->record.page = 500; /* the map has no such page */
}

static bool is_true(const struct world *w, unsigned condition)
{
        const struct condition *c = &w->rules->conditions[condition];

        return condition == CONDITION_ALWAYS ||
               (is_true(w, c->base) && expr_true(c->expr, &w->engine->facts.reading));
}

static void compare_tables(const struct world *w)
{
        const struct page_kind *kind = w->engine->facts.page;

        for (unsigned i = 0; i < w->rules->table_count; i++) {
                const struct table_plan *t = &w->rules->tables[i];
                uint64_t may = 0;
                for (unsigned k = 0; k < kind->table_count; k++)
                        if (kind->tables[k].table == i)
                                may = kind->tables[k].may;
                for (unsigned k = 0; k < t->where_count; k++)
                        if (is_true(w, t->wheres[k]))
                                assert_true(may >> k & 1);
        }
}

static void compare(struct world *w, const char *text)
{
        struct world_record r;
        unsigned count = w->rules->condition_count, first = pick(count);

        make_random(&r);
        facts_begin(&w->engine->facts, &r.record);
        for (unsigned i = 0; i < 2 * count; i++) {
                unsigned condition = (first + i) % count;
                if (facts_condition(&w->engine->facts, condition) !=
                    is_true(w, condition))
                        fail_msg("%s on page %u, in\n%s",
                                 w->rules->conditions[condition].text, r.record.page,
                                 text);
        }
        compare_tables(w);
}

static void what_the_page_tells_is_what_they_say(void **state)
{
        (void)state;
        for (unsigned set = 0; set < SETS; set++) {
                struct buf text = { 0 };
                struct world *w = make_world(&text);
                if (set % 8 == 0) /* the numbers of transactions begin anew */
                        w->engine->facts.transaction = UINT32_MAX - 41;
                for (unsigned i = 0; i < RECORDS; i++)
                        compare(w, (const char *)text.data);
                world_free(w);
                buf_free(&text);
        }
}

static const char two_kinds[] =
    "rules:\n"
    "  - name: a\n"
    "    where: page == profile and status == 200\n"
    "    per: session\n"
    "    when: count(1h) > 3 or share(status == 200, 1h) > 1\n"
    "  - name: b\n"
    "    where: status == 200 and page == profile\n"
    "    per: client.host\n"
    "    when: count(1h) > 3\n";

/* One part for all, asked once; pages that no rule looks at are one kind. */
static void equal_parts_are_there_once(void **state)
{
        struct world *w = world_new(two_kinds);
        const struct conditions *c = &w->engine->facts.conditions;
        const struct page_kind *profile = conditions_kind(c, PAGE_PROFILE);
        const struct page_kind *search = conditions_kind(c, PAGE_SEARCH);
        (void)state;

        assert_int_equal(c->part_count, 2);
        assert_int_equal(c->kind_count, 3);
        assert_ptr_equal(search, conditions_kind(c, PAGE_ASSET));
        assert_ptr_equal(conditions_kind(c, 60000), &c->kinds[2]);
        assert_int_equal(search->table_count, 0);
        assert_int_equal(profile->table_count, 2);
        for (unsigned i = CONDITION_ALWAYS + 1; i < w->rules->condition_count; i++) {
                assert_int_equal(profile->conditions[i].count, 1);
                assert_int_equal(search->conditions[i].count, CONDITION_NEVER);
        }
        world_free(w);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_the_page_tells_is_what_they_say),
                cmocka_unit_test(equal_parts_are_there_once),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
