/* SPDX-License-Identifier: MIT */
#include "detect/quota.h"

#include "base/huge.h"
#include "detect/bloom.h"
#include "detect/transfer.h"

#include <string.h>

#define WIDTH_MIN 2048

bool quota_init(struct quota *q, uint64_t bytes)
{
        *q = (struct quota){ .spell = -1 };
        q->width = bytes / 2 < WIDTH_MIN ? WIDTH_MIN : bytes / 2;
        q->counts = huge_take(2 * q->width);
        return q->counts != NULL;
}

void quota_free(struct quota *q)
{
        huge_give(q->counts, 2 * q->width);
        *q = (struct quota){ 0 };
}

void quota_transfer(struct quota *q, struct transfer *t)
{
        transfer_same(t, q->width, "limits.detect was another");
        TRANSFER(t, q->spell);
        transfer_bytes(t, q->counts, 2 * q->width);
}

void quota_advance(struct quota *q, int64_t now_ns)
{
        int64_t spell = now_ns / QUOTA_SPELL_NS;

        if (spell <= q->spell)
                return;
        if (q->spell >= 0) /* they are 0 at first, and no page is touched */
                memset(q->counts, 0, 2 * q->width);
        q->spell = spell;
}

struct places {
        size_t first, second;
};

static struct places places_of(const struct quota *q, uint64_t visitor)
{
        struct bloom_walk walk = bloom_begin(visitor);
        size_t first = bloom_next(&walk, q->width);

        return (struct places){ first, q->width + bloom_next(&walk, q->width) };
}

void quota_prefetch(const struct quota *q, uint64_t visitor)
{
        struct places at = places_of(q, visitor);

        __builtin_prefetch(&q->counts[at.first], 1);
        __builtin_prefetch(&q->counts[at.second], 1);
}

bool quota_take(struct quota *q, uint64_t visitor)
{
        struct places at = places_of(q, visitor);
        uint8_t *first = &q->counts[at.first], *second = &q->counts[at.second];
        uint8_t least = *first < *second ? *first : *second;

        if (least >= QUOTA_MAX)
                return false;
        *first += *first == least;
        *second += *second == least;
        return true;
}
