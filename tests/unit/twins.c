/* SPDX-License-Identifier: MIT */
#include "unit/detect_world.h"

#include "detect/engine_priv.h"
#include "detect/twins.h"

#define ELDER                                                                    \
        "  - name: served\n"                                                     \
        "    where: page == profile and status == 200\n"                         \
        "    per: client.host\n"                                                 \
        "    when: distinct(target, 2m) > 9999 or distinct(target, 10m) > 9999 " \
        "or distinct(target, 1h) > 9999 or distinct(target, 24h) > 9999\n"
#define YOUNGER                                          \
        "  - name: asked\n"                              \
        "    where: page == profile and status != 500\n" \
        "    per: client.host\n"                         \
        "    when: distinct(target, 10m) > 9999 or distinct(target, 1h) > 9999 " \
        "or distinct(target, 24h) > 9999\n"

/* The same traffic: to both rules, and to each alone, which then has no elder. */
enum { BOTH, SERVED, ASKED, WORLDS };

struct fixture {
        struct world *world[WORLDS];
        unsigned twins, parted; /* how often it was one, and was none with values */
        unsigned byte_twins, bytes_parted;
};

static void begin(struct fixture *f)
{
        static const char *const rules[WORLDS] = { "rules:\n" ELDER YOUNGER,
                                                   "rules:\n" ELDER, "rules:\n" YOUNGER };

        *f = (struct fixture){ .twins = 0 };
        for (unsigned i = 0; i < WORLDS; i++)
                f->world[i] = world_new(rules[i]);
}

static void end(struct fixture *f)
{
        for (unsigned i = 0; i < WORLDS; i++)
                world_free(f->world[i]);
}

static void view(struct fixture *f, int64_t at_ms, unsigned target, uint16_t status)
{
        char name[16];

        snprintf(name, sizeof(name), "user%u", target);
        for (unsigned i = 0; i < WORLDS; i++)
                world_hit(f->world[i], (struct hit){ .at_ms = at_ms,
                                                     .client = "198.51.100.9",
                                                     .page = PAGE_PROFILE,
                                                     .target = name,
                                                     .status = status,
                                                     .bytes = 100 + target % 9 * 70000 });
}

/* The one key of that world; NULL: it was counted nowhere. */
static struct entry *entry_of(const struct world *w)
{
        struct table *t = &w->engine->tables[0];
        uint32_t hand = 0;

        if (t->index.count == 0)
                return NULL;
        struct entry *e = table_at(t, index_walk(&t->index, &hand));
        table_set_time(t, w->engine->now_ns);
        table_rotate(t, e);
        return e;
}

/* distinct(target, window) as that rule has it. */
static double value(const struct world *w, const char *rule, unsigned aggregate)
{
        const struct rules *rules = w->rules;
        struct entry *e = entry_of(w);
        unsigned i = 0;

        while (strcmp(rules->rules[i].name, rule) != 0)
                i++;
        return e ? table_slot(&w->engine->tables[0], e,
                              rules->rules[i].aggregates[aggregate].a)
                 : 0;
}

/* What it served, as that rule has it. */
static uint64_t bytes(const struct world *w, const char *rule)
{
        const struct rules *rules = w->rules;
        struct entry *e = entry_of(w);
        unsigned i = 0;

        while (strcmp(rules->rules[i].name, rule) != 0)
                i++;
        return e ? table_bytes(&w->engine->tables[0], e, rules->rules[i].served_bytes) : 0;
}

static void look_at_bytes(struct fixture *f, const struct table *t, const struct entry *e)
{
        assert_int_equal(bytes(f->world[BOTH], "served"),
                         bytes(f->world[SERVED], "served"));
        assert_int_equal(bytes(f->world[BOTH], "asked"), bytes(f->world[ASKED], "asked"));
        for (unsigned i = t->twin_families; e && i < t->twin_count; i++) {
                const struct window_bytes *cells =
                    table_cells(t, e, &t->plan->slots[t->twins[i].number]);
                if (!cells)
                        continue;
                f->byte_twins += window_bytes_are_twin(cells);
                f->bytes_parted +=
                    !window_bytes_are_twin(cells) && !window_bytes_are_none(cells);
        }
}

static void look(struct fixture *f)
{
        const struct table *t = &f->world[BOTH]->engine->tables[0];
        const struct entry *e = entry_of(f->world[BOTH]);

        for (unsigned i = 0; i < 4; i++)
                assert_float_equal(value(f->world[BOTH], "served", i),
                                   value(f->world[SERVED], "served", i), 0);
        look_at_bytes(f, t, e);
        for (unsigned i = 0; i < 3; i++)
                assert_float_equal(value(f->world[BOTH], "asked", i),
                                   value(f->world[ASKED], "asked", i), 0);
        for (unsigned i = 0; e && i < t->twin_families; i++) {
                const struct family *family = &t->plan->families[t->twins[i].number];
                for (unsigned k = 0; k < t->plan->slot_count; k++) {
                        const struct slot *s = &t->plan->slots[k];
                        const struct distinct *set = table_cells(t, e, s);
                        if (s->kind != SLOT_DISTINCT || !set ||
                            &t->plan->families[s->family] != family)
                                continue;
                        f->twins += set->kind == DISTINCT_TWIN;
                        f->parted += set->kind != DISTINCT_TWIN && set->kind;
                }
        }
}

static uint64_t next(uint64_t *random)
{
        *random = *random * UINT64_C(6364136223846793005) + 1;
        return *random >> 33;
}

/* One answer in `other` is one that only one of the rules counts. */
static void run(struct fixture *f, uint64_t seed, unsigned other, unsigned targets)
{
        uint64_t random = seed;
        int64_t at_ms = 0;

        for (unsigned i = 0; i < 2000; i++) {
                uint64_t silence = next(&random) % 400;
                at_ms += silence == 0   ? 26 * 3600 * 1000
                         : silence < 4  ? 20 * 60 * 1000
                         : silence < 20 ? 60 * 1000
                                        : 700;
                int64_t late = next(&random) % 8 ? 0 : 90 * 1000;
                unsigned kind = (unsigned)(next(&random) % other);
                view(f, at_ms > late ? at_ms - late : 0,
                     (unsigned)(next(&random) % targets),
                     kind == 0   ? 404
                     : kind == 1 ? 500
                     : kind == 2 ? 201
                                 : 200);
                if (i % 7 == 0)
                        look(f);
        }
}

static void a_twin_shows_what_a_set_of_its_own_would(void **state)
{
        static const unsigned others[] = { 2000, 300, 20 }, many[] = { 30, 400, 3000 };
        unsigned twins = 0, parted = 0, byte_twins = 0, bytes_parted = 0;

        (void)state;
        for (uint64_t seed = 0; seed < 36; seed++) {
                struct fixture f;
                begin(&f);
                run(&f, seed, others[seed % 3], many[seed / 3 % 3]);
                twins += f.twins;
                parted += f.parted;
                byte_twins += f.byte_twins;
                bytes_parted += f.bytes_parted;
                end(&f);
        }
        assert_true(twins > 1000 && parted > 1000);
        assert_true(byte_twins > 1000 && bytes_parted > 1000);
}

/* Times of values come around after 16 384 units of 15 s; what they were copied from was
   not looked at in the meantime. */
static void a_copy_is_of_the_present(void **state)
{
        const int64_t around_ms = INT64_C(16384) * 15000;
        struct fixture f;

        (void)state;
        begin(&f);
        for (unsigned i = 0; i < 20; i++)
                view(&f, i * 500, i, 200);
        view(&f, around_ms + 10000, 7, 404);
        look(&f);
        assert_float_equal(value(f.world[BOTH], "asked", 1), 1, 0);
        end(&f);
}

static uint64_t blocks_of(const struct world *w)
{
        uint64_t blocks = 0;

        for (uint32_t n = 1; n <= w->engine->budget.pages.touched; n++) {
                const struct budget_page *page =
                    slab_at(&w->engine->budget.descriptors, n);
                blocks += page->used;
        }
        return blocks;
}

/* What two rules count of the same targets takes no block more than one rule's. */
static void a_twin_takes_no_memory(void **state)
{
        struct fixture f;

        (void)state;
        begin(&f);
        for (unsigned i = 0; i < 100; i++)
                view(&f, i * 500, i, 200);
        look(&f);
        assert_int_equal(blocks_of(f.world[BOTH]) - blocks_of(f.world[SERVED]), 0);
        view(&f, 60000, 7, 404);
        look(&f);
        /* The copy, and the client among those involved: it met something else. */
        assert_int_equal(blocks_of(f.world[BOTH]) - blocks_of(f.world[SERVED]), 2);
        end(&f);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_twin_shows_what_a_set_of_its_own_would),
                cmocka_unit_test(a_copy_is_of_the_present),
                cmocka_unit_test(a_twin_takes_no_memory),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
