/* SPDX-License-Identifier: MIT */
/*
 * regex - regular expressions over what traffic sends, at a bounded cost.
 *
 * PCRE2 with a budget of steps that is counted here (decision 006): a match may
 * try REGEX_STEPS items of the pattern, and one more for each byte of the text.
 * Bytes, not characters: traffic need not be UTF-8, and what a pattern could
 * switch on for itself ((*UTF) and the like) is off for good.
 *
 * A regex is immutable once made. What a match writes to lies in a regex_room,
 * which any number of regexes share: its memory is kept between matches.
 * The only user of PCRE2.
 */
#ifndef LANG_REGEX_H
#define LANG_REGEX_H

#include "base/slice.h"

/* Looking through a long text alone is no offence: hence one more for each byte. */
#define REGEX_STEPS 10000

struct regex;
struct regex_room;

/* What is wrong with a pattern, and at which byte of it. */
struct regex_mistake {
        char message[120];
        size_t offset;
};

/* NULL with *mistake set. The pattern is copied. */
struct regex *regex_new(struct slice pattern, struct regex_mistake *mistake);
void regex_free(struct regex **);
struct slice regex_pattern(const struct regex *);

struct regex_room *regex_room_new(void);
void regex_room_free(struct regex_room **);

enum regex_result {
        REGEX_NO,
        REGEX_YES,
        REGEX_LIMIT, /* given up: count it, and take it as no */
};

/* *found, where not NULL, gets the part of the text that matched. 8 ms at the worst. */
enum regex_result regex_match(const struct regex *, struct regex_room *,
                              struct slice text, struct slice *found);

#endif
