/* SPDX-License-Identifier: MIT */
#include "detect/carrier.h"

#include "unit/detect_world.h"

static struct hash_key key;

static uint64_t of_text(enum field_kind kind, const char *text)
{
        struct value value = { .type = VALUE_STRING, .text = slice_str(text) };

        return carrier_of_value(&key, kind, &value);
}

static uint64_t of_network(enum field_kind kind, const char *text)
{
        struct value value = { .type = VALUE_NETWORK };

        assert_true(network_parse(slice_str(text), &value.network, NULL));
        return carrier_of_value(&key, kind, &value);
}

/* What an actor carries is found by what a field of its next request says. */
static void an_actor_and_a_field_are_one_carrier(void **state)
{
        char session[4000];
        struct hit hit = { .client = "2001:db8:1:2::3",
                           .session = session,
                           .account = "anna",
                           .shape = 0xabcdef,
                           .prefix = 48 };
        struct world_record r;
        struct budget budget;
        struct actors actors;
        (void)state;

        memset(session, 'x', sizeof(session));
        session[sizeof(session) - 1] = '\0'; /* too long to be kept as it is */
        key = hash_key_fixed();
        assert_true(budget_init(&budget, 1 << 20));
        assert_true(actors_init(&actors, &budget, &key, 65536));
        world_make_record(&hit, &r);
        world_put_text(&r, &r.record.texts[RECORD_EMAIL_DOMAIN], "mail.ex");
        world_put_text(&r, &r.record.texts[RECORD_EMAIL_SKELETON], "l.ld2");
        uint32_t handle = actors_take(&actors, &r.record, slice_str("t13d"));
        const struct actor *actor = actors_at(&actors, handle);
        struct {
                enum field_kind kind;
                uint64_t field;
        } rows[] = {
                { FIELD_IP, of_network(FIELD_IP, "2001:db8:1:2::3") },
                { FIELD_HOST, of_network(FIELD_HOST, "2001:db8:1:2::/64") },
                { FIELD_PREFIX, of_network(FIELD_PREFIX, "2001:db8:1::/48") },
                { FIELD_SESSION, of_text(FIELD_SESSION, session) },
                { FIELD_SESSION, of_text(FIELD_SESSION_WAS, session) },
                { FIELD_ACCOUNT, of_text(FIELD_ACCOUNT, "anna") },
                { FIELD_SHAPE, of_text(FIELD_SHAPE, "0000000000abcdef") },
                { FIELD_JA4, of_text(FIELD_JA4, "t13d") },
                { FIELD_EMAIL_DOMAIN, of_text(FIELD_EMAIL_DOMAIN, "mail.ex") },
                { FIELD_EMAIL_SKELETON, of_text(FIELD_EMAIL_SKELETON, "l.ld2") },
        };
        for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
                assert_true(carrier_is_kind(rows[i].kind));
                assert_true(carrier_of_actor(&actors, rows[i].kind, actor) ==
                            rows[i].field);
        }
        actors_drop(&actors, handle);
        actors_free(&actors);
        budget_free(&budget);
}

static void one_text_of_two_kinds_is_two_carriers(void **state)
{
        (void)state;

        key = hash_key_fixed();
        assert_true(of_text(FIELD_SESSION, "x") != of_text(FIELD_ACCOUNT, "x"));
        assert_true(of_network(FIELD_IP, "192.0.2.1") ==
                    of_network(FIELD_HOST, "192.0.2.1"));
        assert_true(of_network(FIELD_IP, "192.0.2.0") !=
                    of_network(FIELD_PREFIX, "192.0.2.0/24"));
        assert_true(carrier_of_text(&key, PARTICIPANT_SESSION, slice_none()) == 0);
}

static void who_shows_nothing_carries_nothing(void **state)
{
        struct hit hit = { .client = "192.0.2.1" };
        struct world_record r;
        struct budget budget;
        struct actors actors;
        (void)state;

        key = hash_key_fixed();
        assert_true(budget_init(&budget, 1 << 20));
        assert_true(actors_init(&actors, &budget, &key, 65536));
        world_make_record(&hit, &r);
        uint32_t handle = actors_take(&actors, &r.record, slice_none());
        for (unsigned kind = FIELD_PLAIN; kind <= FIELD_JA4; kind++) {
                bool is_address =
                    kind == FIELD_IP || kind == FIELD_HOST || kind == FIELD_PREFIX;
                assert_int_equal(
                    carrier_of_actor(&actors, kind, actors_at(&actors, handle)) != 0,
                    is_address);
        }
        assert_false(carrier_is_kind(FIELD_PLAIN));
        assert_false(carrier_is_kind(FIELD_EMAIL));
        actors_drop(&actors, handle);
        actors_free(&actors);
        budget_free(&budget);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_actor_and_a_field_are_one_carrier),
                cmocka_unit_test(one_text_of_two_kinds_is_two_carriers),
                cmocka_unit_test(who_shows_nothing_carries_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
