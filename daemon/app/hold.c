/* SPDX-License-Identifier: MIT */
#include "app/hold.h"

#include "base/check.h"

void hold_init(struct hold *h, int64_t wait_ns, size_t cap)
{
        CHECK(cap >= RECORD_SIZE_MAX);
        *h = (struct hold){ .wait_ns = wait_ns, .cap = cap };
}

void hold_free(struct hold *h)
{
        buf_free(&h->records);
        *h = (struct hold){ 0 };
}

/* Moves what waits to the front, once at least half of the buffer is behind it. */
static void close_up(struct hold *h)
{
        size_t left = h->records.len - h->first;

        if (h->first < left)
                return;
        if (left)
                memmove(h->records.data, h->records.data + h->first, left);
        h->records.len = left;
        h->first = 0;
}

bool hold_put(struct hold *h, const struct record *record)
{
        if (h->records.len - h->first + record->size > h->cap)
                return false;
        close_up(h);
        buf_put(&h->records, record, record->size);
        return true;
}

const struct record *hold_take(struct hold *h, int64_t now_ns)
{
        if (h->first == h->records.len)
                return NULL;
        const struct record *record =
            (const struct record *)(const void *)(h->records.data + h->first);
        if (now_ns != INT64_MAX && now_ns - record->end_ns < h->wait_ns)
                return NULL;
        h->first += record->size;
        return record;
}
