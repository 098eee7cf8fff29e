/* SPDX-License-Identifier: MIT */
/*
 * samples - a few requests of a key, kept before anybody knows that it matters.
 *
 * The 6th, 12th, 24th and 64th transaction of a key, as text; so a key that is
 * seen five times costs nothing. They are counted from the key's last silence on, so
 * that a visitor who comes back has samples of this visit.
 *
 * Some rules need but a few transactions (five sign-ups), which must be rare then.
 * These are kept from the first one on, and take the places of others: an incident
 * that begins with the fifth shows five.
 *
 * Each sample says which conditions of its table it met, so an incident shows only
 * requests that its rule looks at.
 */
#ifndef DETECT_SAMPLES_H
#define DETECT_SAMPLES_H

#include "detect/budget.h"
#include "observe/record.h"

#define SAMPLES_KEPT    4
#define SAMPLE_TEXT_MAX 200
#define SAMPLE_SIZES    4

struct samples {
        uint32_t block; /* of handles, oldest first, 0 after the last; and one more, below */
};

struct sample_store {
        struct budget *budget;
        unsigned list_class, text_classes[SAMPLE_SIZES];
};

/* Masks have a bit for each condition of the key's table. */
struct sample_source {
        const struct record *record;
        uint64_t met;
        bool few;     /* of a kind that some rule needs but a few of */
        uint32_t nth; /* transaction of the key since its silence, from 1 */
        uint32_t now; /* seconds */
};

void sample_store_init(struct sample_store *, struct budget *);

/* "GET /in/anna 200"; at most SAMPLE_TEXT_MAX bytes. Returns the length. */
size_t sample_print(const struct record *, char out[SAMPLE_TEXT_MAX]);

void samples_add(const struct sample_store *, struct samples *,
                 const struct sample_source *);

/* Up to SAMPLES_KEPT texts that met `condition`, seen since `since`, oldest first. */
unsigned samples_get(const struct sample_store *, const struct samples *,
                     uint64_t condition, uint32_t since,
                     struct slice texts[SAMPLES_KEPT]);
/* Lets go of the texts; and of the block, unless something stands beside them. */
void samples_clear(const struct sample_store *, struct samples *);

/*
 * Most keys have neither samples nor signals, so both share four bytes of an entry: the
 * block has a word for the signals. NULL: there is no block, or, for `take`, no room.
 */
uint32_t *samples_beside(const struct sample_store *, const struct samples *);
uint32_t *samples_take_beside(const struct sample_store *, struct samples *);

/* The masks of what was met become others: those of other rules. */
void samples_translate(const struct sample_store *, struct samples *,
                       uint64_t (*met)(void *context, uint64_t), void *context);

#endif
