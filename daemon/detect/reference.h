/* SPDX-License-Identifier: MIT */
/*
 * reference - the words of rules and what they mean, from the rows that the loader reads.
 *
 * docs/rule-reference.md and the manual page trawlwatch-rules(5) are these texts word
 * for word (unit.reference), and trawlctl prints them. A word that this version refuses
 * is marked "not yet".
 */
#ifndef DETECT_REFERENCE_H
#define DETECT_REFERENCE_H

#include "base/buf.h"

enum reference_kind { REFERENCE_FIELD, REFERENCE_FUNCTION, REFERENCE_KEY };

struct reference {
        enum reference_kind kind;
        const char *name;
        struct slice
            form; /* how it is written: header('name'), count([condition,] window) */
        struct slice type; /* what it gives, or takes */
        const char *help;
};

/* Calls `each` for every word: fields, functions, keys. Texts are borrowed for the call.
 */
typedef void reference_fn(void *context, const struct reference *);
void reference_each(reference_fn *each, void *context);

void reference_markdown(struct buf *out);
void reference_man(struct buf *out); /* scdoc */

#endif
