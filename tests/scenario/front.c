/* SPDX-License-Identifier: MIT */
/*
 * front - runs scenarios through frame, stream and http with a fake clock.
 *
 * Each scenario that is not `as-is` must give the same transactions when its
 * segments are cut in two at every byte, cut into single bytes, swapped with
 * their neighbours, shuffled, sent twice, and carried by IPv6.
 */
#include "base/clock.h"
#include "http/http.h"
#include "packet/frame.h"
#include "stream/stream.h"
#include "wire.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>

enum { SHUFFLES = 50, SHUFFLE_WINDOW = 4 };

static const int64_t start_ns = INT64_C(1795431600) * NS_PER_SEC;

struct totals {
        unsigned scenarios, runs, failures;
};

struct result {
        struct buf text;
        struct counters counters;
};

static void put_printable(struct buf *out, struct slice text)
{
        for (size_t i = 0; i < text.len; i++)
                if (text.data[i] < 0x20 || text.data[i] > 0x7e)
                        buf_printf(out, "\\x%02x", text.data[i]);
                else
                        buf_put_byte(out, text.data[i]);
}

static void on_transaction(void *context, const struct transaction *t)
{
        struct buf *out = context;

        put_printable(out, t->method);
        buf_put_byte(out, ' ');
        put_printable(out, t->target);
        if (t->status)
                buf_printf(out, " %u", t->status);
        else
                buf_put_str(out, " -");
        if (t->status && !t->response_complete)
                buf_put_str(out, " cut");
        buf_put_byte(out, '\n');
}

static void run_wire(const struct wire *wire, struct result *result)
{
        struct http_options http_options = { 65536, 100, 32, 16 << 20, 8 };
        struct stream_options stream_options = {
                .flows_max = 1000,
                .idle_ns = 300 * NS_PER_SEC,
                .half_open_ns = 30 * NS_PER_SEC,
                .reorder_ns = 200 * NS_PER_MS,
                .memory_max = 16 << 20,
                .flow_memory = 256 << 10,
                .hash_key = hash_key_fixed(),
        };
        int64_t now_ns = start_ns;

        *result = (struct result){ 0 };
        struct http *http =
            http_new(&http_options, on_transaction, &result->text, &result->counters);
        struct stream *stream =
            stream_new(&stream_options, http_handler(http), &result->counters);
        for (size_t i = 0; i < wire->count; i++) {
                /* As long as the packet, so that a sanitizer sees one byte too many. */
                size_t len = wire->packets[i].bytes.len;
                uint8_t *copy = malloc(len);
                struct segment segment;
                memcpy(copy, wire->packets[i].bytes.data, len);
                now_ns += NS_PER_MS + wire->packets[i].wait_ns;
                if (frame_decode(FRAME_LINK_RAW, slice_of(copy, len), (uint32_t)len,
                                 false, &segment) != FRAME_SEGMENT)
                        errx(1, "the runner made a packet that is none");
                stream_segment(stream, &segment, now_ns);
                free(copy);
        }
        stream_finish(stream);
        stream_free(&stream);
        if (http_memory(http) != 0)
                errx(1, "%llu bytes of heads were kept",
                     (unsigned long long)http_memory(http));
        http_free(&http);
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
        struct result result;

        run_wire(wire, &result);
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

int main(int argc, char **argv)
{
        struct totals totals = { 0 };

        for (int i = 1; i < argc; i++)
                script_read(argv[i], on_script, &totals);
        printf("%u scenarios, %u runs, %u failures\n", totals.scenarios, totals.runs,
               totals.failures);
        return totals.failures || totals.scenarios == 0;
}
