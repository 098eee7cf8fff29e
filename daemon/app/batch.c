/* SPDX-License-Identifier: MIT */
#include "app/batch.h"

#include "base/check.h"

void batch_free(struct batch *b)
{
        buf_free(&b->bytes);
        b->count = 0;
}

bool batch_put(struct batch *b, const struct record *record)
{
        CHECK(b->count < BATCH_RECORDS);
        if (b->count == 0)
                buf_clear(&b->bytes);
        b->at[b->count++] = b->bytes.len;
        buf_put(&b->bytes, record, record->size);
        return b->count == BATCH_RECORDS;
}

unsigned batch_take(struct batch *b, const struct record *records[BATCH_RECORDS])
{
        unsigned count = b->count;

        for (unsigned i = 0; i < count; i++)
                records[i] =
                    (const struct record *)(const void *)(b->bytes.data + b->at[i]);
        b->count = 0;
        return count;
}
