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

/* One transaction of that visitor. */
static void involve(struct fixture *f, unsigned visitor, struct involvement i)
{
        struct world_record r;
        char client[32];

        snprintf(client, sizeof(client), "198.51.%u.%u", visitor / 200, visitor % 200);
        world_make_record(&(struct hit){ .client = client }, &r);
        i.actor = actors_take(&f->actors, &r.record, slice_none());
        involved_add(&f->store, &f->list, &i);
        actors_drop(&f->actors, i.actor);
}

static void add(struct fixture *f, unsigned visitor)
{
        involve(f, visitor, (struct involvement){ .met = 1, .now = 1000, .keep = 3600 });
}

static unsigned count(const struct fixture *f)
{
        const struct actor *actors[INVOLVED_MAX];

        return involved_actors(&f->store, &f->list, 1, 0, actors, INVOLVED_MAX);
}

static uint32_t bytes_taken(const struct fixture *f)
{
        return f->list.size ? f->budget.class[f->store.classes[f->list.size]].size : 0;
}

static struct involved_query all_addresses(uint64_t condition)
{
        return (struct involved_query){ PARTICIPANT_CLIENT_IP, condition, 0 };
}

/* At every size of block; with little more than sixteen bytes for each. */
static void all_are_named_up_to_the_last(void **state)
{
        const struct actor *actors[INVOLVED_MAX];
        const struct involved_query query = all_addresses(1);
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
        assert_int_equal(involved_values(&f.store, &f.list, &query, actors, 1, &total),
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

static void add_one(struct fixture *f, unsigned visitor, uint32_t now, uint64_t met,
                    uint64_t few, uint32_t keep)
{
        involve(f, visitor,
                (struct involvement){ .met = met, .few = few, .now = now, .keep = keep });
}

/* With an incident that is open, or without. */
static void add_while(struct fixture *f, unsigned visitor, uint32_t now, bool is_open)
{
        involve(f, visitor,
                (struct involvement){
                    .met = 1, .now = now, .keep = 86401, .keep_all = is_open });
}

static void add_who(struct fixture *f, unsigned visitor, uint32_t now, uint64_t met,
                    uint64_t few)
{
        add_one(f, visitor, now, met, few, 3600);
}

static void add_at(struct fixture *f, unsigned visitor, uint32_t now)
{
        add_who(f, visitor, now, 1 + visitor % 2, 0);
}

static void of_as_busy_ones_the_newest_is_named_first(void **state)
{
        static const char *const order[] = { "198.51.0.5", "198.51.0.9", "198.51.0.8",
                                             "198.51.0.7" };
        const struct actor *actors[INVOLVED_MAX];
        const struct involved_query query = all_addresses(3);
        struct fixture f;
        uint64_t total;
        char text[256];

        (void)state;
        begin(&f);
        add_at(&f, 5, 1000);
        add_at(&f, 5, 1001);
        add_at(&f, 7, 1002);
        add_at(&f, 9, 1004);
        add_at(&f, 8, 1003);
        assert_int_equal(involved_values(&f.store, &f.list, &query, actors, 4, &total),
                         4);
        for (unsigned i = 0; i < 4; i++) {
                size_t len =
                    actors_publish(&f.actors, PARTICIPANT_CLIENT_IP, actors[i], text);
                assert_int_equal(len, strlen(order[i]));
                assert_memory_equal(text, order[i], len);
        }
        end(&f);
}

/* One comes every eight seconds, and each stays for an hour: a list that never overflows,
   of which some always leave; those of the last hour are there, whatever line they stand
   in. */
static void who_was_not_seen_gives_up_a_place(void **state)
{
        const struct actor *actors[INVOLVED_MAX];
        struct fixture f;

        (void)state;
        begin(&f);
        for (unsigned n = 0; n < 4000; n++) {
                add_at(&f, n, 10000 + 8 * n);
                unsigned here = n < 450 ? n + 1 : 451;
                uint32_t since = 10000 + 8 * n - 3600;
                assert_int_equal(
                    involved_actors(&f.store, &f.list, 3, since, actors, INVOLVED_MAX),
                    here);
        }
        assert_false(f.list.overflow);
        assert_true(f.list.count <= 552);
        end(&f);
}

/* Two come each second and stay for 500, so that the list is just too small: it lets go
   of an eighth at a time, and nobody who was seen since. */
static void a_full_list_lets_go_of_an_eighth_at_a_time(void **state)
{
        struct fixture f;
        unsigned least = INVOLVED_MAX, passes = 0;

        (void)state;
        begin(&f);
        for (unsigned n = 0; n < 20000; n++) {
                unsigned before = f.list.count;
                add_one(&f, n, 10000 + n / 2, 1, 0, 505);
                if (before == INVOLVED_MAX && f.list.count < before) {
                        passes++;
                        least = f.list.count < least ? f.list.count : least;
                }
        }
        assert_true(f.list.overflow);
        assert_in_range(least, INVOLVED_MAX - INVOLVED_MAX / 8 - 20,
                        INVOLVED_MAX - INVOLVED_MAX / 8 + 1);
        assert_in_range(passes, 19000 / (INVOLVED_MAX / 8 + 20),
                        20000 / (INVOLVED_MAX / 8));
        end(&f);
}

/* A thousand came in the morning; the key remembers a day, and an incident that is open
   may last for one. */
static void those_of_the_evening_are_named(void **state)
{
        const struct actor *actors[INVOLVED_MAX];
        struct fixture f;

        (void)state;
        for (unsigned is_open = 0; is_open < 2; is_open++) {
                begin(&f);
                for (unsigned n = 0; n < 1500; n++)
                        add_while(&f, n, 10000 + n / 10, is_open);
                assert_int_equal(f.list.count, INVOLVED_MAX);
                for (unsigned n = 2000; n < 2050; n++)
                        add_while(&f, n, 20000 + n, is_open);
                assert_in_range(
                    involved_actors(&f.store, &f.list, 1, 20000, actors, INVOLVED_MAX),
                    43, 50);
                end(&f);
        }
}

static unsigned who_met(struct fixture *f, uint64_t condition)
{
        const struct actor *actors[INVOLVED_MAX];

        return involved_actors(&f->store, &f->list, condition, 0, actors, INVOLVED_MAX);
}

/* Thousands read (1) while some sign up (2), which a rule needs eight times. */
static void the_few_take_the_places_of_the_many(void **state)
{
        struct fixture f;

        (void)state;
        begin(&f);
        for (unsigned n = 0; n < 5000; n++) {
                add_who(&f, n, 10000 + n / 10, 1, 2);
                if (n % 250 == 249)
                        add_who(&f, 20000 + n, 10000 + n / 10, 2, 2);
        }
        assert_true(f.list.overflow);
        assert_int_equal(who_met(&f, 2), 20);
        assert_in_range(who_met(&f, 1), INVOLVED_MAX - 20 - INVOLVED_MAX / 8,
                        INVOLVED_MAX - 20);
        /* Where all are of the few those who came last are there. */
        for (unsigned n = 0; n < 1500; n++)
                add_who(&f, 6000 + n, 11000 + n / 10, 2, 2);
        assert_int_equal(who_met(&f, 1), 0);
        assert_in_range(who_met(&f, 2), INVOLVED_MAX * 7 / 8, INVOLVED_MAX);
        end(&f);
}

/* The addresses that the next message names, of three at most, in one string. */
static const char *message(struct fixture *f, uint64_t condition, bool anew)
{
        const struct involved_query query = all_addresses(condition);
        const struct actor *actors[3];
        static char text[256];
        uint64_t total;
        size_t len = 0;

        unsigned count =
            involved_name(&f->store, &f->list, &query, anew, actors, 3, &total);
        for (unsigned i = 0; i < count; i++) {
                if (i)
                        text[len++] = ' ';
                len += actors_publish(&f->actors, PARTICIPANT_CLIENT_IP, actors[i],
                                      text + len);
        }
        text[len] = '\0';
        return text;
}

static void each_is_named_by_some_message(void **state)
{
        struct fixture f;

        (void)state;
        begin(&f);
        for (unsigned n = 1; n <= 7; n++)
                for (unsigned hits = 0; hits < n; hits++)
                        add_who(&f, n, 1000 + n, 1, 0);
        assert_string_equal(message(&f, 1, true), "198.51.0.7 198.51.0.6 198.51.0.5");
        assert_string_equal(message(&f, 1, false), "198.51.0.4 198.51.0.3 198.51.0.2");
        /* One is left, and beside it the busiest. */
        assert_string_equal(message(&f, 1, false), "198.51.0.7 198.51.0.6 198.51.0.1");
        assert_string_equal(message(&f, 1, false), "198.51.0.7 198.51.0.6 198.51.0.5");
        add_who(&f, 8, 1010, 1, 0);
        assert_string_equal(message(&f, 1, false), "198.51.0.7 198.51.0.6 198.51.0.8");
        end(&f);
}

static void the_next_incident_names_them_anew(void **state)
{
        struct fixture f;

        (void)state;
        begin(&f);
        for (unsigned n = 1; n <= 5; n++)
                for (unsigned hits = 0; hits < n; hits++)
                        add_who(&f, n, 1000 + n, 1 + n % 2, 0);
        assert_string_equal(message(&f, 3, true), "198.51.0.5 198.51.0.4 198.51.0.3");
        assert_string_equal(message(&f, 3, false), "198.51.0.5 198.51.0.2 198.51.0.1");
        assert_string_equal(message(&f, 3, true), "198.51.0.5 198.51.0.4 198.51.0.3");
        assert_string_equal(message(&f, 3, false), "198.51.0.5 198.51.0.2 198.51.0.1");
        end(&f);
}

static void a_session_has_a_place_for_each_part_and_one_name(void **state)
{
        struct fixture f;

        (void)state;
        begin(&f);
        for (unsigned n = 1; n <= 4; n++)
                for (unsigned hits = 0; hits < n; hits++)
                        add_who(&f, n, 1000 + n, UINT64_C(1) << 40 | 1, 0);
        assert_string_equal(message(&f, 1, true), "198.51.0.4 198.51.0.3 198.51.0.2");
        assert_string_equal(message(&f, UINT64_C(1) << 40 | 1, false),
                            "198.51.0.4 198.51.0.3 198.51.0.1");
        end(&f);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(all_are_named_up_to_the_last),
                cmocka_unit_test(of_as_busy_ones_the_newest_is_named_first),
                cmocka_unit_test(each_is_named_by_some_message),
                cmocka_unit_test(the_next_incident_names_them_anew),
                cmocka_unit_test(a_session_has_a_place_for_each_part_and_one_name),
                cmocka_unit_test(without_room_the_list_stays_as_it_is),
                cmocka_unit_test(who_was_not_seen_gives_up_a_place),
                cmocka_unit_test(a_full_list_lets_go_of_an_eighth_at_a_time),
                cmocka_unit_test(those_of_the_evening_are_named),
                cmocka_unit_test(the_few_take_the_places_of_the_many),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
