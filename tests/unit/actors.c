/* SPDX-License-Identifier: MIT */
#include "unit/detect_world.h"

#include "detect/actors.h"

/* What an actor may show beside its address; a bit of a mask each. */
static const struct {
        enum participant_kind kind;
        int text; /* enum record_text; -1: of the hello */
        const char *value;
} shown[] = {
        { PARTICIPANT_SESSION, RECORD_SESSION, "s1" },
        { PARTICIPANT_ACCOUNT, RECORD_ACCOUNT, "anna" },
        { PARTICIPANT_EMAIL_DOMAIN, RECORD_EMAIL_DOMAIN, "example.org" },
        { PARTICIPANT_EMAIL_SKELETON, RECORD_EMAIL_SKELETON, "aaaa99" },
        { PARTICIPANT_TLS_JA4, -1, "t13d1516h2_8daaf6152771_02713d6af862" },
};

enum { SHOWN = sizeof(shown) / sizeof(*shown) };

struct fixture {
        struct budget budget;
        struct hash_key key;
        struct actors actors;
};

static void begin(struct fixture *f, uint64_t bytes)
{
        f->key = hash_key_fixed();
        assert_true(budget_init(&f->budget, bytes));
        assert_true(actors_init(&f->actors, &f->budget, &f->key, 1 << 20));
}

static void end(struct fixture *f)
{
        assert_int_equal(f->budget.pages.used, 0);
        actors_free(&f->actors);
        budget_free(&f->budget);
}

static uint32_t take(struct fixture *f, const char *client, unsigned mask)
{
        struct hit h = { .client = client, .shape = mask % 3 ? mask : 0 };
        struct world_record r;
        struct slice ja4 = slice_none();

        world_make_record(&h, &r);
        for (unsigned i = 0; i < SHOWN; i++)
                if (!(mask >> i & 1))
                        continue;
                else if (shown[i].text < 0)
                        ja4 = slice_str(shown[i].value);
                else
                        world_put_text(&r, &r.record.texts[shown[i].text],
                                       shown[i].value);
        return actors_take(&f->actors, &r.record, ja4);
}

static void expect(struct fixture *f, uint32_t handle, enum participant_kind kind,
                   const char *value)
{
        const struct actor *actor = actors_at(&f->actors, handle);
        char out[256];

        assert_int_equal(actor_has(actor, kind), value != NULL);
        assert_int_equal(actors_compare(&f->actors, kind, actor, actor), 0);
        if (!value)
                return;
        size_t len = actors_publish(&f->actors, kind, actor, out);
        assert_int_equal(len, strlen(value));
        assert_memory_equal(out, value, len);
}

static const char *const clients[] = { "198.51.100.7", "2001:db8::7" };
static const char *const prefixes[] = { "198.51.100.0/24", "2001:db8::/64" };

static void an_actor_shows_what_it_was_made_of(void **state)
{
        struct fixture f;

        (void)state;
        begin(&f, 1 << 20);
        for (unsigned mask = 0; mask < 2 << SHOWN; mask++) {
                unsigned v6 = mask >> SHOWN;
                uint32_t handle = take(&f, clients[v6], mask & 31);
                assert_int_not_equal(handle, 0);
                assert_int_equal(take(&f, clients[v6], mask & 31), handle);
                actors_drop(&f.actors, handle);
                expect(&f, handle, PARTICIPANT_CLIENT_IP, clients[v6]);
                expect(&f, handle, PARTICIPANT_CLIENT_PREFIX, prefixes[v6]);
                for (unsigned i = 0; i < SHOWN; i++)
                        expect(&f, handle, shown[i].kind,
                               mask >> i & 1 ? shown[i].value : NULL);
                actors_drop(&f.actors, handle);
                assert_int_equal(f.actors.actors.count + f.actors.texts.count, 0);
                assert_int_equal(f.budget.pages.used, 0);
        }
        end(&f);
}

static uint32_t block_size(const struct fixture *f, uint32_t handle)
{
        const struct budget_page *page =
            slab_at(&f->budget.descriptors, (uint32_t)((size_t)handle * 8 / BUDGET_PAGE));

        return f->budget.class[page->size_class].size;
}

static void who_shows_little_takes_little(void **state)
{
        struct fixture f;
        uint32_t handles[3];

        (void)state;
        begin(&f, 1 << 20);
        handles[0] = take(&f, clients[0], 1);
        handles[1] = take(&f, clients[0], 31);
        handles[2] = take(&f, clients[1], 31);
        assert_int_equal(block_size(&f, handles[0]), 32);
        assert_int_equal(block_size(&f, handles[1]), 48);
        assert_int_equal(block_size(&f, handles[2]), 64);
        for (unsigned i = 0; i < 3; i++)
                actors_drop(&f.actors, handles[i]);
        end(&f);
}

static void addresses_are_told_apart(void **state)
{
        static const char *const order[] = { "198.51.100.7", "198.51.100.8",
                                             "198.51.101.7", "2001:db8::7",
                                             "2001:db8::1:7" };
        uint32_t handles[5];
        struct fixture f;

        (void)state;
        begin(&f, 1 << 20);
        for (unsigned i = 0; i < 5; i++)
                handles[i] = take(&f, order[i], 1);
        for (unsigned i = 0; i < 25; i++) {
                const struct actor *x = actors_at(&f.actors, handles[i / 5]),
                                   *y = actors_at(&f.actors, handles[i % 5]);
                bool same_network = i / 5 == i % 5 || (i / 5 < 2 && i % 5 < 2) ||
                                    (i / 5 > 2 && i % 5 > 2);
                int ip = actors_compare(&f.actors, PARTICIPANT_CLIENT_IP, x, y);
                int network = actors_compare(&f.actors, PARTICIPANT_CLIENT_PREFIX, x, y);
                int session = actors_compare(&f.actors, PARTICIPANT_SESSION, x, y);
                assert_int_equal(ip < 0, i / 5 < i % 5);
                assert_int_equal(ip > 0, i / 5 > i % 5);
                assert_int_equal(network == 0, same_network);
                assert_int_equal(session, 0);
        }
        for (unsigned i = 0; i < 5; i++)
                actors_drop(&f.actors, handles[i]);
        end(&f);
}

/* What was taken of it already goes back. */
static void without_room_there_is_no_actor(void **state)
{
        struct fixture f;
        uint32_t taken[200];
        unsigned count = 0;

        (void)state;
        begin(&f, 1 << 20);
        unsigned page = budget_class_of(&f.budget, BUDGET_PAGE);
        while ((taken[count] = budget_take(&f.budget, page, BUDGET_NEWCOMER)))
                assert_true(++count < 200);
        /* No page; then one, which its texts take. */
        for (unsigned room = 0; room < 2; room++) {
                assert_int_equal(take(&f, clients[0], 3), 0);
                assert_int_equal(f.actors.actors.count + f.actors.texts.count, 0);
                budget_give(&f.budget, taken[--count]);
        }
        uint32_t handle = take(&f, clients[0], 3);
        assert_int_not_equal(handle, 0);
        actors_drop(&f.actors, handle);
        while (count)
                budget_give(&f.budget, taken[--count]);
        end(&f);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_actor_shows_what_it_was_made_of),
                cmocka_unit_test(who_shows_little_takes_little),
                cmocka_unit_test(addresses_are_told_apart),
                cmocka_unit_test(without_room_there_is_no_actor),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
