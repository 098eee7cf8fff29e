/* SPDX-License-Identifier: MIT */
#include "unit/detect_world.h"

#include "detect/engine_priv.h"
#include "detect/told.h"

#define RULES                                                         \
        "rules: [{ name: r, where: page == profile, per: client.ip, " \
        "when: \"distinct(target, 10m) >= 3\" }]\n"

static void note(struct told *t, const char *id, uint32_t n, bool has_ended)
{
        told_note(t, slice_str(id), n, has_ended);
}

static void the_last_number_and_whether_it_ended(void **state)
{
        static const char one[] = "01JDDA0000AAAAAAAAFIRSTONE";
        static const char two[] = "01JDDA0000AAAAAAAASECNDONE";
        struct told t = { 0 };
        (void)state;

        told_ready(&t);
        assert_null(told_find(&t, one));
        note(&t, two, 3, false);
        note(&t, one, 1, false);
        note(&t, two, 4, true);
        note(&t, two, 2, false);
        note(&t, "short", 9, true);
        told_ready(&t);
        assert_int_equal(t.count, 2);
        assert_int_equal(told_find(&t, one)->n, 1);
        assert_false(told_find(&t, one)->has_ended);
        assert_int_equal(told_find(&t, two)->n, 4);
        assert_true(told_find(&t, two)->has_ended);
        told_free(&t);
}

static void views(struct world *w, int64_t from_ms, const char *client)
{
        for (unsigned i = 0; i < 3; i++)
                world_view(w, from_ms + i, client, i);
}

/* Two incidents and one of the engine's own; of each more was told than it remembers. */
static void numbers_go_on_and_what_ended_is_over(void **state)
{
        struct own_state own = { .subject_type = "ip", .subject = SLICE("203.0.113.9") };
        struct world *w = world_new(RULES);
        struct told t = { 0 };
        (void)state;

        views(w, 0, "198.51.100.1");
        note(&t, w->id, 7, false);
        views(w, 10, "198.51.100.2");
        note(&t, w->id, 2, true);
        own_hold(&w->engine->own, OWN_BLOCK_IGNORED, &own, WORLD_BEGIN);
        note(&t, w->id, 4, false);
        told_ready(&t);
        buf_clear(&w->told);
        engine_catch_up(w->engine, &t);
        engine_finish(w->engine);
        world_expect(w, "ended r client.ip=198.51.100.1 n=8 at=12\n"
                        "ended block-ignored ip=203.0.113.9 n=5 at=12\n");
        told_free(&t);
        world_free(w);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_last_number_and_whether_it_ended),
                cmocka_unit_test(numbers_go_on_and_what_ended_is_over),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
