/* SPDX-License-Identifier: MIT */
#include "detect/cases.h"

#include "base/check.h"

#include <stdlib.h>

bool cases_init(struct cases *c, uint32_t max)
{
        *c = (struct cases){ .count = 0 };
        if (max == 0)
                max = 1;
        c->heap = calloc(max, sizeof(*c->heap));
        return c->heap && slab_init(&c->slab, sizeof(struct incident_case), max);
}

void cases_free(struct cases *c)
{
        slab_free(&c->slab);
        free(c->heap);
        *c = (struct cases){ .count = 0 };
}

static bool is_before(const struct case_deadline *a, const struct case_deadline *b)
{
        return a->time_ns != b->time_ns ? a->time_ns < b->time_ns : a->order < b->order;
}

static void sift_up(struct cases *c, unsigned at)
{
        struct case_deadline moving = c->heap[at];

        while (at && is_before(&moving, &c->heap[(at - 1) / 2])) {
                c->heap[at] = c->heap[(at - 1) / 2];
                at = (at - 1) / 2;
        }
        c->heap[at] = moving;
}

static void sift_down(struct cases *c, unsigned at)
{
        struct case_deadline moving = c->heap[at];

        for (unsigned child; (child = 2 * at + 1) < c->count; at = child) {
                if (child + 1 < c->count &&
                    is_before(&c->heap[child + 1], &c->heap[child]))
                        child++;
                if (!is_before(&c->heap[child], &moving))
                        break;
                c->heap[at] = c->heap[child];
        }
        c->heap[at] = moving;
}

uint32_t cases_open(struct cases *c, int64_t deadline_ns)
{
        uint32_t number = slab_take(&c->slab);

        if (number == 0)
                return 0;
        c->heap[c->count] = (struct case_deadline){ deadline_ns, c->opened++, number };
        sift_up(c, c->count++);
        return number;
}

uint32_t cases_due(const struct cases *c, int64_t now_ns)
{
        return c->count && c->heap[0].time_ns <= now_ns ? c->heap[0].number : 0;
}

void cases_postpone(struct cases *c, int64_t deadline_ns)
{
        CHECK(c->count > 0);
        c->heap[0].time_ns = deadline_ns;
        sift_down(c, 0);
}

void cases_close(struct cases *c)
{
        CHECK(c->count > 0);
        slab_give(&c->slab, c->heap[0].number);
        c->heap[0] = c->heap[--c->count];
        if (c->count)
                sift_down(c, 0);
}

void cases_hurry(struct cases *c, uint32_t number)
{
        unsigned at = 0;

        while (c->heap[at].number != number)
                CHECK(++at < c->count);
        c->heap[at].time_ns = INT64_MIN;
        sift_up(c, at);
}
