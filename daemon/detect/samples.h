/* SPDX-License-Identifier: MIT */
/*
 * samples - a few requests of a key, kept before anybody knows that it matters.
 *
 * The 3rd, 8th, 24th and 64th transaction of a key, as text; so a key that is
 * seen twice costs nothing. Each says which conditions of its table it met, so an
 * incident shows only requests that its rule looks at.
 */
#ifndef DETECT_SAMPLES_H
#define DETECT_SAMPLES_H

#include "detect/budget.h"
#include "observe/record.h"

#define SAMPLES_KEPT    4
#define SAMPLE_TEXT_MAX 200

struct samples {
        uint32_t block; /* of handles */
};

struct sample_store {
        struct budget *budget;
        unsigned list_class, text_classes[3];
};

void sample_store_init(struct sample_store *, struct budget *);

/* "GET /in/anna 200"; at most SAMPLE_TEXT_MAX bytes. Returns the length. */
size_t sample_print(const struct record *, char out[SAMPLE_TEXT_MAX]);

/* `nth` transaction of the key; `met` has a bit for each condition. */
void samples_add(const struct sample_store *, struct samples *, uint32_t nth,
                 const struct record *, uint32_t met, uint32_t now);

/* Up to SAMPLES_KEPT texts that met `condition`, seen since `since`, oldest first. */
unsigned samples_get(const struct sample_store *, const struct samples *,
                     uint32_t condition, uint32_t since,
                     struct slice texts[SAMPLES_KEPT]);
void samples_clear(const struct sample_store *, struct samples *);

#endif
