/* SPDX-License-Identifier: MIT */
#include "variants.h"

#include "base/clock.h"
#include "carry.h"
#include "packet/fragment.h"
#include "stream/stream.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>

enum { SHUFFLES = 50, SHUFFLE_WINDOW = 4 };

static const int64_t start_ns = INT64_C(1795431600) * NS_PER_SEC;

struct totals {
        run_fn *run;
        unsigned scenarios, runs, failures;
};

void variants_play(const struct wire *wire, struct stream *stream,
                   struct counters *counters)
{
        static const struct frame_options options;
        int64_t now_ns = start_ns;
        struct fragments *fragments = fragment_new(4 << 20, hash_key_fixed(), counters);

        for (size_t i = 0; i < wire->count; i++) {
                /* As long as the packet, so that a sanitizer sees one byte too many. */
                size_t len = wire->packets[i].bytes.len;
                uint8_t *copy = malloc(len);
                union frame frame;
                memcpy(copy, wire->packets[i].bytes.data, len);
                now_ns +=
                    (wire->packets[i].at_once ? 0 : NS_PER_MS) + wire->packets[i].wait_ns;
                enum frame_result found = frame_decode(
                    FRAME_LINK_RAW, slice_of(copy, len), (uint32_t)len, &options, &frame);
                found = fragment_resolve(fragments, found, &options, now_ns, &frame);
                if (found == FRAME_SEGMENT)
                        stream_segment(stream, &frame.segment, now_ns);
                else if (found != FRAME_FRAGMENT)
                        errx(1, "the runner made a packet that is none");
                free(copy);
        }
        fragment_finish(fragments);
        fragment_free(&fragments);
}

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
        struct result result = { .distrust = script->distrust };

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

static void check_tunnels(struct totals *totals, const struct script *script)
{
        struct wire wire;

        for (enum carry_tunnel tunnel = 0; tunnel < CARRY_TUNNELS; tunnel++) {
                for (int ipv6 = 0; ipv6 < 2; ipv6++) {
                        wire_make(&wire, script, &(struct wire_options){ .ipv6 = ipv6 });
                        carry_wrap(&wire, tunnel);
                        check(totals, script, carry_name(tunnel), &wire, true);
                        wire_free(&wire);
                }
        }
}

/* Fragments that cut the TCP header, and such as a small MTU makes. */
static void check_fragments(struct totals *totals, const struct script *script)
{
        static const size_t sizes[] = { 16, 576 };
        struct wire wire;

        for (int i = 0; i < 2 * 2 * CARRY_ORDERS; i++) {
                enum carry_order order = (enum carry_order)(i / 4);
                wire_make(&wire, script, &(struct wire_options){ .ipv6 = i & 1 });
                carry_cut(&wire, sizes[i >> 1 & 1], order);
                check(totals, script, carry_order_name(order), &wire, true);
                wire_free(&wire);
        }
        wire_make(&wire, script, &(struct wire_options){ 0 });
        carry_wrap(&wire, CARRY_VXLAN);
        carry_cut(&wire, 64, CARRY_BACKWARD);
        check(totals, script, "in fragments of VXLAN", &wire, true);
        wire_free(&wire);
        wire_make(&wire, script, &(struct wire_options){ 0 });
        carry_cut(&wire, 576, CARRY_FORWARD);
        carry_wrap(&wire, CARRY_ERSPAN_II);
        carry_cut(&wire, 400, CARRY_TWICE);
        check(totals, script, "in fragments in ERSPAN in fragments", &wire, true);
        wire_free(&wire);
}

static void check_overlaps(struct totals *totals, const struct script *script)
{
        check_made(totals, script, "overlapping a little",
                   (struct wire_options){ .split_size = 20, .overlap = 7 }, false);
        check_made(totals, script, "overlapping more than one segment",
                   (struct wire_options){ .split_size = 20, .overlap = 45 }, false);
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

/* What a mirror doubles is not sent again. */
static void check_copies(struct totals *totals, const struct script *script,
                         const struct wire *wire, const struct wire *twice)
{
        struct result once = { .distrust = script->distrust }, both = once;

        totals->run(wire, &once);
        totals->run(twice, &both);
        if (both.counters.segments_retransmitted !=
            once.counters.segments_retransmitted) {
                totals->failures++;
                printf("FAILED: %s: %llu copies count as retransmissions\n", script->name,
                       (unsigned long long)(both.counters.segments_retransmitted -
                                            once.counters.segments_retransmitted));
        }
        buf_free(&once.text);
        buf_free(&both.text);
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
        check_copies(totals, script, &wire, &twice);
        wire_free(&twice);
        wire_free(&wire);
}

static void on_script(void *context, const struct script *script)
{
        struct totals *totals = context;

        totals->scenarios++;
        check_made(totals, script, "as written", (struct wire_options){ 0 }, true);
        check_made(totals, script, "IPv6", (struct wire_options){ .ipv6 = true }, true);
        check_tunnels(totals, script);
        check_fragments(totals, script);
        if (script->as_is)
                return;
        check_overlaps(totals, script);
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
