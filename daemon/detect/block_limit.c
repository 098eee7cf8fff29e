/* SPDX-License-Identifier: MIT */
#include "detect/block_limit.h"

#include "base/clock.h"

#include <string.h>

#define OVERS   (LIMIT_HOUR + 2)
#define PANE_NS (LIMIT_HOUR / SKETCH_PANES * NS_PER_SEC)

void block_limit_init(struct block_limit *l)
{
        sketch_init(&l->visitors);
        l->closes_ns = INT64_MAX;
}

static void advance(struct block_limit *l, int64_t now_ns)
{
        int64_t second = now_ns / NS_PER_SEC;

        if (second - l->second >= OVERS) {
                memset(l->put, 0, sizeof(l->put));
                memset(l->over, 0, sizeof(l->over));
                l->minute = l->running = 0;
                l->second = second;
        }
        while (l->second < second) {
                l->second++;
                uint32_t *put = &l->put[l->second % LIMIT_MINUTE];
                uint32_t *over = &l->over[l->second % OVERS];
                l->minute -= *put;
                l->running -= *over;
                *put = *over = 0;
        }
}

static void turn_pane(struct block_limit *l, int64_t now_ns)
{
        int64_t pane = now_ns / PANE_NS;

        if (pane <= l->pane)
                return;
        sketch_rotate(&l->visitors, l->words, l->pane, pane);
        l->pane = pane;
}

void block_limit_visitor(struct block_limit *l, uint64_t hash, int64_t now_ns)
{
        turn_pane(l, now_ns);
        sketch_add(&l->visitors, l->words, (uint32_t)(hash >> 32), l->pane);
}

struct block_count block_limit_count(struct block_limit *l, int64_t now_ns)
{
        advance(l, now_ns);
        turn_pane(l, now_ns);
        return (struct block_count){ l->minute, l->running,
                                     sketch_estimate(&l->visitors) };
}

bool block_limit_allows(struct block_limit *l, const struct block_limits *limits,
                        int64_t now_ns)
{
        struct block_count count = block_limit_count(l, now_ns);
        bool many = limits->per_minute && count.minute >= (double)limits->per_minute;
        bool large = limits->share > 0 && count.visitors >= LIMIT_VISITORS &&
                     count.running + 1 > limits->share * count.visitors;

        if (!many && !large)
                return true;
        if (!block_limit_is_open(l))
                l->refused = 0;
        l->refused++;
        l->closes_ns = now_ns + LIMIT_MINUTE * NS_PER_SEC;
        return false;
}

void block_limit_put(struct block_limit *l, int64_t now_ns, int64_t until_ns)
{
        int64_t hour_ns = now_ns + LIMIT_HOUR * NS_PER_SEC;
        int64_t over_ns = until_ns < hour_ns ? until_ns : hour_ns;
        int64_t over = (over_ns + NS_PER_SEC - 1) / NS_PER_SEC;

        advance(l, now_ns);
        l->put[l->second % LIMIT_MINUTE]++;
        l->minute++;
        if (over <= l->second)
                return;
        l->over[over % OVERS]++;
        l->running++;
}

void block_limit_close(struct block_limit *l)
{
        l->closes_ns = INT64_MAX;
}
