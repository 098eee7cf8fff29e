/* SPDX-License-Identifier: MIT */
#include "variants.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>

enum { SHUFFLES = 50, SHUFFLE_WINDOW = 4 };

struct totals {
        run_fn *run;
        unsigned scenarios, runs, failures;
};

static uint64_t counter_value(const struct counters *counters, const char *name)
{
#define COUNTER_NAME(field, metric, help) \
        if (strcmp(name, #field) == 0)    \
                return counters->field;
        COUNTERS(COUNTER_NAME)
#undef COUNTER_NAME
        errx(1, "no counter is called %s", name);
}

static void check(struct totals *totals, const struct script *script, const char *variant,
                  const struct wire *wire, bool with_counters)
{
        struct result result;

        result = (struct result){ 0 };
        totals->run(wire, &result);
        totals->runs++;
        if (!slice_equal(buf_slice(&result.text), buf_slice(&script->expected))) {
                totals->failures++;
                printf("FAILED: %s (%s)\n expected:\n%.*s got:\n%.*s", script->name,
                       variant, (int)script->expected.len, script->expected.data,
                       (int)result.text.len, result.text.data);
        }
        for (unsigned i = 0; with_counters && i < script->count_count; i++) {
                uint64_t value = counter_value(&result.counters, script->counts[i].name);
                if (value == script->counts[i].value)
                        continue;
                totals->failures++;
                printf("FAILED: %s (%s): %s is %llu, not %llu\n", script->name, variant,
                       script->counts[i].name, (unsigned long long)value,
                       (unsigned long long)script->counts[i].value);
        }
        buf_free(&result.text);
}

static void check_made(struct totals *totals, const struct script *script,
                       const char *variant, struct wire_options options,
                       bool with_counters)
{
        struct wire wire;

        wire_make(&wire, script, &options);
        check(totals, script, variant, &wire, with_counters);
        wire_free(&wire);
}

static size_t longest(const struct script *script)
{
        size_t most = 0;

        for (unsigned i = 0; i < script->step_count; i++)
                if (script->steps[i].bytes.len > most)
                        most = script->steps[i].bytes.len;
        return most;
}

static void check_splits(struct totals *totals, const struct script *script)
{
        char variant[64];
        size_t most = longest(script);

        for (size_t at = 1; at < most && at < 2048; at++) {
                snprintf(variant, sizeof(variant), "cut at byte %zu", at);
                check_made(totals, script, variant,
                           (struct wire_options){ .split_at = at }, false);
        }
        for (size_t size = 1; size <= 7; size += 3) {
                snprintf(variant, sizeof(variant), "cut into %zu bytes", size);
                check_made(totals, script, variant,
                           (struct wire_options){ .split_size = size }, false);
        }
}

static void swap(struct wire *wire, size_t a, size_t b)
{
        struct buf bytes = wire->packets[a].bytes;

        wire->packets[a].bytes = wire->packets[b].bytes;
        wire->packets[b].bytes = bytes;
}

static void check_swaps(struct totals *totals, const struct script *script)
{
        struct wire wire;
        char variant[64];

        wire_make(&wire, script, &(struct wire_options){ 0 });
        for (size_t i = 0; i + 1 < wire.count; i++) {
                swap(&wire, i, i + 1);
                snprintf(variant, sizeof(variant), "packets %zu and %zu swapped", i,
                         i + 1);
                check(totals, script, variant, &wire, false);
                swap(&wire, i, i + 1);
        }
        wire_free(&wire);
}

/* Behind the handshake: each packet up to SHUFFLE_WINDOW places from its own. */
static void check_shuffles(struct totals *totals, const struct script *script)
{
        struct wire wire;
        char variant[64];

        for (unsigned seed = 1; seed <= SHUFFLES; seed++) {
                wire_make(&wire, script, &(struct wire_options){ .split_size = 20 });
                srand(seed);
                for (size_t i = 3; i + 1 < wire.count; i++) {
                        size_t reach = wire.count - i;
                        if (reach > SHUFFLE_WINDOW)
                                reach = SHUFFLE_WINDOW;
                        swap(&wire, i, i + (size_t)rand() % reach);
                }
                snprintf(variant, sizeof(variant), "shuffled with seed %u", seed);
                check(totals, script, variant, &wire, false);
                wire_free(&wire);
        }
}

static void check_duplicates(struct totals *totals, const struct script *script)
{
        struct wire wire, twice = { 0 };

        wire_make(&wire, script, &(struct wire_options){ 0 });
        twice.count = wire.count * 2;
        twice.packets = calloc(twice.count, sizeof(*twice.packets));
        for (size_t i = 0; i < twice.count; i++) {
                twice.packets[i].wait_ns = i % 2 ? 0 : wire.packets[i / 2].wait_ns;
                buf_put_slice(&twice.packets[i].bytes,
                              buf_slice(&wire.packets[i / 2].bytes));
        }
        check(totals, script, "everything twice", &twice, false);
        wire_free(&twice);
        wire_free(&wire);
}

static void on_script(void *context, const struct script *script)
{
        struct totals *totals = context;

        totals->scenarios++;
        check_made(totals, script, "as written", (struct wire_options){ 0 }, true);
        check_made(totals, script, "IPv6", (struct wire_options){ .ipv6 = true }, true);
        if (script->as_is)
                return;
        check_splits(totals, script);
        check_swaps(totals, script);
        check_shuffles(totals, script);
        check_duplicates(totals, script);
}

int variants_main(int argc, char **argv, run_fn *run)
{
        struct totals totals = { .run = run };

        for (int i = 1; i < argc; i++)
                script_read(argv[i], on_script, &totals);
        printf("%u scenarios, %u runs, %u failures\n", totals.scenarios, totals.runs,
               totals.failures);
        return totals.failures || totals.scenarios == 0;
}
