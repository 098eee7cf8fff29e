/* SPDX-License-Identifier: MIT */
/*
 * transfer - plain memory to a file or from it, by the same calls.
 *
 * A transfer that has failed does nothing more; the reason of the first failure stays.
 * Reading, every count is checked against its cap before memory is taken for it.
 */
#ifndef DETECT_TRANSFER_H
#define DETECT_TRANSFER_H

#include "base/arena.h"
#include "detect/index.h"

#include <stdio.h>

struct transfer {
        FILE *file;
        bool is_reading, has_failed;
        uint32_t crc;        /* of all bytes so far */
        const char *why;     /* after a failure */
        struct arena *texts; /* where texts that are read are kept */
};

void transfer_fail(struct transfer *, const char *why);
void transfer_bytes(struct transfer *, void *, size_t);

#define TRANSFER(t, x) transfer_bytes(t, &(x), sizeof(x))

/* What is read must be what is there. */
void transfer_same(struct transfer *, uint64_t, const char *why);

/* A text of at most 64 KiB; NULL stays NULL. */
void transfer_text(struct transfer *, const char **);

/* An array on the heap, of *count elements, at most `max`. Reading, it is made. */
void transfer_array(struct transfer *, void *array, unsigned *count, size_t size,
                    unsigned max);

void transfer_slab(struct transfer *, struct slab *);
void transfer_budget(struct transfer *, struct budget *);
void transfer_index(struct transfer *, struct index *);

#endif
