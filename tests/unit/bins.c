/* SPDX-License-Identifier: MIT */
#include "unit/detect_world.h"

#include "detect/bins.h"
#include "detect/engine_priv.h"

#define KINDS 24

struct fixture {
        struct budget budget;
        struct counters counters;
        struct bins_store store;
        struct bins bins;
        int64_t pane;
};

static void begin(struct fixture *f)
{
        memset(f, 0, sizeof(*f));
        assert_true(budget_init(&f->budget, 1 << 20));
        f->store = (struct bins_store){ &f->budget, &f->counters, KINDS };
        f->pane = 1000;
}

static void go_to(struct fixture *f, int64_t pane)
{
        bins_rotate(&f->store, &f->bins, f->pane, pane);
        f->pane = pane;
}

static uint32_t draw(uint32_t *seed, uint32_t below)
{
        *seed = *seed * 1664525 + 1013904223;
        return (uint32_t)((uint64_t)*seed * below >> 32);
}

/* Against counts of all panes there ever were; quiet and busy times in turn. */
static void sums_are_those_of_the_newest_eight_panes(void **state)
{
        static uint64_t kept[4000][KINDS];
        unsigned early = 0, in_block = 0, given_back = 0;
        struct fixture f;
        uint32_t seed = 3;
        (void)state;

        begin(&f);
        for (unsigned i = 0; i < 20000; i++) {
                bool had_block = bins_block(&f.bins) != 0;
                uint64_t sums[BINS_MAX], expected = 0;
                if (draw(&seed, i / 1000 % 2 ? 2 : 40) == 0 && f.pane < 3980)
                        go_to(&f, f.pane + 1 + (draw(&seed, 12) ? 0 : draw(&seed, 12)));
                given_back += had_block && !bins_block(&f.bins);
                unsigned bin = draw(&seed, KINDS);
                int64_t pane = f.pane - draw(&seed, 8);
                bins_add(&f.store, &f.bins, pane, bin);
                kept[pane][bin]++;
                uint64_t all = bins_sum(&f.store, &f.bins, sums);
                for (unsigned k = 0; k < KINDS; k++) {
                        uint64_t sum = 0;
                        for (int64_t p = f.pane - 7; p <= f.pane; p++)
                                sum += kept[p][k];
                        assert_int_equal(sums[k], sum);
                        expected += sum;
                }
                assert_int_equal(all, expected);
                early += f.bins.words[0] != 0 && bins_block(&f.bins) == 0;
                in_block += bins_block(&f.bins) != 0;
        }
        assert_true(early > 100 && in_block > 100 && given_back > 3);
        bins_clear(&f.store, &f.bins);
        assert_int_equal(f.budget.pages.used, 0);
        budget_free(&f.budget);
}

static void nine_take_no_block(void **state)
{
        struct fixture f;
        (void)state;

        begin(&f);
        for (unsigned i = 0; i < BINS_EARLY; i++)
                bins_add(&f.store, &f.bins, f.pane, i);
        assert_int_equal(f.budget.pages.used, 0);
        bins_add(&f.store, &f.bins, f.pane, 0);
        assert_int_equal(f.budget.pages.used, 1);
        go_to(&f, f.pane + 8);
        assert_int_equal(f.budget.pages.used, 0);
        budget_free(&f.budget);
}

static void what_finds_no_memory_is_not_counted_but_noted(void **state)
{
        struct fixture f;
        uint64_t sums[BINS_MAX];
        uint32_t taken[100];
        unsigned count = 0;
        (void)state;

        begin(&f);
        unsigned size_class = budget_class_of(&f.budget, BUDGET_PAGE);
        while ((taken[count] = budget_take(&f.budget, size_class, BUDGET_GROWTH)))
                assert_true(++count < 100);
        for (unsigned i = 0; i < 15; i++)
                bins_add(&f.store, &f.bins, f.pane, 5);
        assert_int_equal(bins_sum(&f.store, &f.bins, sums), BINS_EARLY);
        assert_int_equal(f.counters.windows_refused, 15 - BINS_EARLY);
        budget_give(&f.budget, taken[0]);
        bins_add(&f.store, &f.bins, f.pane, 5);
        assert_int_equal(bins_sum(&f.store, &f.bins, sums), BINS_EARLY + 1);
        assert_int_equal(sums[5], BINS_EARLY + 1);
        budget_free(&f.budget);
}

/* Every kind that takes blocks, for more keys than there is memory for. */
static void a_flood_of_keys_takes_no_more_than_the_budget(void **state)
{
        struct world *w = world_new_with(
            world_site,
            "rules:\n"
            "  - name: a\n"
            "    per_each: [client.ip, all]\n"
            "    when: >\n"
            "      top_share(target, 1h) > 2 or gap_entropy(1h) < 0 or skew(path, 1h) < "
            "0\n"
            "      or modal_gap_share(1h) > 2 or sequential(request.bytes, 1h) > 2\n",
            2 << 20, 10);
        const struct budget *budget = &w->engine->budget;
        char client[32], target[32];
        uint32_t seed = 1;
        (void)state;

        for (unsigned i = 0; i < 60000; i++) {
                uint32_t number = draw(&seed, 3000);
                snprintf(client, sizeof(client), "198.51.%u.%u", number >> 8,
                         number & 255);
                snprintf(target, sizeof(target), "t%u", draw(&seed, 100));
                world_hit(w, (struct hit){ .at_ms = i * 40LL,
                                           .client = client,
                                           .target = target,
                                           .path = target });
                assert_true(budget->pages.used <= budget->pages.capacity);
        }
        assert_true(w->counters.entries_evicted > 1000);
        for (unsigned i = 0; i < 2; i++)
                table_evict(&w->engine->tables[i], UINT32_MAX);
        assert_int_equal(budget->pages.used, 0);
        world_free(w);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(sums_are_those_of_the_newest_eight_panes),
                cmocka_unit_test(nine_take_no_block),
                cmocka_unit_test(what_finds_no_memory_is_not_counted_but_noted),
                cmocka_unit_test(a_flood_of_keys_takes_no_more_than_the_budget),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
