/* SPDX-License-Identifier: MIT */
#include "observe/route.h"

#include "base/check.h"
#include "observe/text.h"

#include <stdlib.h>

#define BUCKETS 256

struct entry {
        struct pattern *pattern;
        uint32_t methods;
        uint16_t page;
        uint16_t next; /* in its list; 0 is the end */
        bool owns;     /* the first of a template's alternatives */
};

struct routes {
        struct entry *entries; /* number 0 is not used */
        unsigned count, cap;
        struct list {
                uint16_t head, last;
        } by_first[BUCKETS], /* by the first segment, where it is fixed */
            by_end[BUCKETS], /* else by the last byte, where that is */
            open;            /* the rest */
        struct slice methods[ROUTE_METHODS_MAX];
        unsigned method_count;
};

struct routes *routes_new(void)
{
        struct routes *r = calloc(1, sizeof(*r));

        CHECK(r);
        return r;
}

void routes_free(struct routes **routes)
{
        struct routes *r = *routes;

        if (!r)
                return;
        for (unsigned i = 1; i <= r->count; i++)
                if (r->entries[i].owns)
                        pattern_free(&r->entries[i].pattern);
        for (unsigned i = 0; i < r->method_count; i++)
                free((void *)(uintptr_t)r->methods[i].data);
        free(r->entries);
        free(r);
        *routes = NULL;
}

static uint32_t method_bit(const struct routes *r, struct slice name)
{
        for (unsigned i = 0; i < r->method_count; i++)
                if (text_equal(r->methods[i], name))
                        return UINT32_C(1) << i;
        return 0;
}

uint32_t routes_method(struct routes *r, struct slice name)
{
        uint32_t bit = method_bit(r, name);

        if (bit == 0 && r->method_count < ROUTE_METHODS_MAX) {
                uint8_t *copy = malloc(name.len + 1);
                CHECK(copy);
                memcpy(copy, name.data, name.len);
                bit = UINT32_C(1) << r->method_count;
                r->methods[r->method_count++] = slice_of(copy, name.len);
        }
        if (bit && slice_is(name, "GET"))
                bit |= routes_method(r, slice_str("HEAD"));
        return bit;
}

/*
 * Traffic chooses what is looked up, never what is in the table: a plain mix of
 * both ends will do.
 */
static unsigned bucket_of(struct slice segment)
{
        uint64_t mixed = segment.len * 0x9e3779b97f4a7c15ULL;

        if (segment.len)
                mixed += segment.data[0] * 131u + segment.data[segment.len - 1] * 31u +
                         segment.data[segment.len / 2];
        return (unsigned)((mixed * 0x9e3779b97f4a7c15ULL) >> 56);
}

static void add(struct routes *r, struct pattern *pattern, uint32_t methods,
                uint16_t page, bool owns)
{
        struct slice first = pattern_first_segment(pattern);
        uint8_t end = pattern_last_byte(pattern);
        uint16_t number = (uint16_t)++r->count;
        struct list *list = !slice_is_none(first) ? &r->by_first[bucket_of(first)]
                            : end                 ? &r->by_end[end]
                                                  : &r->open;

        if (r->count >= r->cap) {
                r->cap = r->cap ? 2 * r->cap : 32;
                r->entries = realloc(r->entries, r->cap * sizeof(*r->entries));
                CHECK(r->entries);
        }
        r->entries[number] = (struct entry){ pattern, methods, page, 0, owns };
        if (list->head)
                r->entries[list->last].next = number;
        else
                list->head = number;
        list->last = number;
}

bool routes_add_take(struct routes *r, struct pattern *pattern, uint32_t methods,
                     uint16_t page)
{
        bool owns = true;

        if (r->count + 2 > ROUTE_ENTRIES_MAX) {
                pattern_free(&pattern);
                return false;
        }
        for (struct pattern *p = pattern; p; p = pattern_next(p), owns = false)
                add(r, p, methods, page, owns);
        return true;
}

/* The lowest number of three lists, 0 being none, taken off its list. */
static uint16_t take_first(const struct routes *r, uint16_t heads[3])
{
        unsigned best = 0;

        for (unsigned i = 1; i < 3; i++)
                if (heads[i] && (!heads[best] || heads[i] < heads[best]))
                        best = i;
        uint16_t number = heads[best];
        if (number)
                heads[best] = r->entries[number].next;
        return number;
}

uint16_t routes_find(const struct routes *r, const struct route_query *q,
                     struct pattern_target *target)
{
        uint32_t method = method_bit(r, q->method);
        uint16_t heads[3] = { r->open.head, 0, 0 }, number;

        if (q->path->count) {
                struct slice end = q->path->segments[q->path->count - 1];
                heads[1] = r->by_first[bucket_of(q->path->segments[0])].head;
                heads[2] = end.len ? r->by_end[end.data[end.len - 1]].head : 0;
        }
        while ((number = take_first(r, heads))) {
                const struct entry *e = &r->entries[number];
                if ((e->methods == 0 || (e->methods & method)) &&
                    pattern_match(e->pattern, q->path, q->query, target))
                        return e->page;
        }
        *target = (struct pattern_target){ slice_none(), false };
        return 0;
}
