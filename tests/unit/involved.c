/* SPDX-License-Identifier: MIT */
#include "unit/detect_world.h"

#include "detect/involved.h"

struct fixture {
        struct budget budget;
        struct hash_key key;
        struct actors actors;
        struct involved_store store;
        struct involved list;
};

static void begin(struct fixture *f)
{
        *f = (struct fixture){ .key = hash_key_fixed() };
        assert_true(budget_init(&f->budget, 1 << 20));
        assert_true(actors_init(&f->actors, &f->budget, &f->key, 1 << 20));
        involved_store_init(&f->store, &f->actors);
}

static void end(struct fixture *f)
{
        involved_clear(&f->store, &f->list);
        assert_int_equal(f->actors.actors.count, 0);
        assert_int_equal(f->budget.pages.used, 0);
        actors_free(&f->actors);
        budget_free(&f->budget);
}

/* A transaction of that visitor, which meets the conditions; of these the second is rare. */
static void add_met(struct fixture *f, unsigned visitor, uint64_t met, uint32_t now)
{
        struct world_record r;
        char client[32];

        snprintf(client, sizeof(client), "198.51.%u.%u", visitor / 200, visitor % 200);
        world_make_record(&(struct hit){ .client = client }, &r);
        uint32_t actor = actors_take(&f->actors, &r.record, slice_none());
        involved_add(&f->store, &f->list,
                     &(struct involvement){
                         .actor = actor, .met = met, .few = 2, .now = now, .keep = 3600 });
        actors_drop(&f->actors, actor);
}

static void add(struct fixture *f, unsigned visitor)
{
        add_met(f, visitor, 1, 1000);
}

static unsigned count_met(const struct fixture *f, uint64_t condition)
{
        const struct actor *actors[INVOLVED_MAX];

        return involved_actors(&f->store, &f->list, condition, 0, actors, INVOLVED_MAX);
}

static unsigned count(const struct fixture *f)
{
        return count_met(f, 1);
}

static uint32_t bytes_taken(const struct fixture *f)
{
        return f->list.size ? f->budget.class[f->store.classes[f->list.size]].size : 0;
}

/* At every size of block; with little more than sixteen bytes for each. */
static void all_are_named_up_to_the_last(void **state)
{
        const struct actor *actors[INVOLVED_MAX];
        struct fixture f;
        uint64_t total;

        (void)state;
        begin(&f);
        for (unsigned n = 1; n <= INVOLVED_MAX; n++) {
                add(&f, n);
                assert_int_equal(count(&f), n);
                assert_true(bytes_taken(&f) <= (n == 1 ? 0 : n * 16 * 3 / 2));
        }
        assert_false(f.list.overflow);
        add(&f, INVOLVED_MAX + 1);
        assert_true(f.list.overflow);
        assert_int_equal(count(&f), INVOLVED_MAX);
        /* The first one, whose place moved with every block, is known still. */
        add(&f, 1);
        assert_int_equal(involved_values(&f.store, &f.list, PARTICIPANT_CLIENT_IP, 1, 0,
                                         actors, 1, &total),
                         1);
        assert_int_equal(total, INVOLVED_MAX);
        char text[256];
        size_t len = actors_publish(&f.actors, PARTICIPANT_CLIENT_IP, actors[0], text);
        assert_memory_equal(text, "198.51.0.1", len);
        end(&f);
}

static void without_room_the_list_stays_as_it_is(void **state)
{
        struct fixture f;
        uint32_t taken[100];
        unsigned pages = 0;

        (void)state;
        begin(&f);
        for (unsigned n = 0; n < 32; n++)
                add(&f, n);
        add(&f, 0);
        unsigned page = budget_class_of(&f.budget, BUDGET_PAGE);
        while ((taken[pages] = budget_take(&f.budget, page, BUDGET_GROWTH)))
                assert_true(++pages < 100);
        add(&f, 100);
        assert_true(f.list.overflow);
        assert_int_equal(count(&f), 32);
        while (pages)
                budget_give(&f.budget, taken[--pages]);
        add(&f, 100);
        assert_int_equal(count(&f), 33);
        end(&f);
}

/* A browser that thousands have, some of whom sign up. */
static void the_few_have_a_place_among_many_others(void **state)
{
        struct fixture f;

        (void)state;
        begin(&f);
        for (unsigned n = 0; n < INVOLVED_MAX; n++)
                add_met(&f, n, 1, 1000 + n);
        for (unsigned n = 0; n < 8; n++)
                add_met(&f, 2000 + n, 2, 2001);
        assert_int_equal(count_met(&f, 2), 8);
        assert_int_equal(count_met(&f, 1), INVOLVED_MAX - 8);
        /* They took those of who was seen longest ago. */
        const struct actor *actors[INVOLVED_MAX];
        assert_int_equal(
            involved_actors(&f.store, &f.list, 1, 1008, actors, INVOLVED_MAX),
            INVOLVED_MAX - 8);
        /* When all are of the few, the newest stay. */
        for (unsigned n = 0; n < INVOLVED_MAX + 5; n++)
                add_met(&f, 3000 + n, 2, 3000 + n);
        assert_int_equal(count_met(&f, 2), INVOLVED_MAX);
        assert_int_equal(
            involved_actors(&f.store, &f.list, 2, 3005, actors, INVOLVED_MAX),
            INVOLVED_MAX);
        /* Others find no place. */
        add_met(&f, 9000, 1, 5001);
        assert_int_equal(count_met(&f, 1), 0);
        end(&f);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_few_have_a_place_among_many_others),
                cmocka_unit_test(all_are_named_up_to_the_last),
                cmocka_unit_test(without_room_the_list_stays_as_it_is),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
