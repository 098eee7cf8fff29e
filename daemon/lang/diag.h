/* SPDX-License-Identifier: MIT */
/*
 * diag - the mistakes found in what operators write.
 *
 * All mistakes of all files are collected in one run and printed in the order
 * of file, line and column as `file:line:column: message`. Warnings are printed
 * the same way, with `warning: ` before the message, and do not make a load
 * fail. Bounded: after 200 errors (and 200 warnings) the rest is only counted.
 * The same message for the same place is kept once.
 */
#ifndef LANG_DIAG_H
#define LANG_DIAG_H

#include "base/buf.h"

/*
 * Where something stands. Line and column from 1, a column is a character.
 * Line 0 is the file as a whole: `file: message`. `file` is copied by whoever
 * keeps it longer than the call.
 */
struct place {
        const char *file;
        unsigned line, column;
};

struct diag;

struct diag *diag_new(void);
void diag_free(struct diag **);

void diag_error(struct diag *, struct place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void diag_warning(struct diag *, struct place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* How many errors (warnings not counted). */
unsigned diag_errors(const struct diag *);

/* All of them, sorted, one a line; ends with how many more there were, if any. */
void diag_print(const struct diag *, struct buf *out);

/*
 * The known name nearest to `unknown` by edit distance (Damerau-Levenshtein,
 * adjacent swaps count one, case does not), if it is near enough to be meant, or
 * the one that ends in `.unknown`; else NULL.
 * Used as `did you mean ...?`. `candidates` ends with a NULL.
 */
const char *diag_suggest(struct slice unknown, const char *const *candidates);

#endif
