/* SPDX-License-Identifier: MIT */
/*
 * batch - records on their way to the engine, some at a time.
 *
 * The engine waits less for memory when it gets many records at once (engine_records).
 * Whoever lets the engine's time pass, tells it something else or asks it has to send
 * what waits before.
 *
 * Owns copies. Cost: one copy of a record.
 */
#ifndef APP_BATCH_H
#define APP_BATCH_H

#include "base/buf.h"
#include "observe/record.h"

#define BATCH_RECORDS 16

struct batch {
        struct buf bytes;
        size_t at[BATCH_RECORDS];
        unsigned count;
};

void batch_free(struct batch *);

/* There is room: it is not full. True when it is now. */
bool batch_put(struct batch *, const struct record *);

/* The records in their order, which are taken out. Valid until the next one is put. */
unsigned batch_take(struct batch *, const struct record *records[BATCH_RECORDS]);

#endif
