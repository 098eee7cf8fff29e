/* SPDX-License-Identifier: MIT */
/*
 * record_build - fills the one block in which a record and its texts lie.
 *
 * Owns nothing; never grows. A text is cut at RECORD_TEXT_CAP and where the
 * block ends.
 */
#ifndef OBSERVE_RECORD_BUILD_H
#define OBSERVE_RECORD_BUILD_H

#include "observe/record.h"

struct record_builder {
        struct record *record; /* of RECORD_SIZE_MAX bytes */
        uint32_t used;
        bool cut; /* a text did not fit */
};

/* Begins a record of zeroes, without texts. */
void record_begin(struct record_builder *);

/* Copies a text; none stays missing, an empty one does not. */
void record_put(struct record_builder *, enum record_text, struct slice);
void record_put_header(struct record_builder *, unsigned number, struct slice);

/* Sets the record's size. */
void record_end(struct record_builder *);

#endif
