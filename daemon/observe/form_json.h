/* SPDX-License-Identifier: MIT */
/*
 * form_json - values of a JSON text (RFC 8259) by name.
 *
 * A name is met literally (a key `user.email` of the outermost object), or its dots go
 * into objects (`{"user":{"email":...}}`); also in part, as the key `b.c` of the object
 * `a` is `a.b.c`. The rank is the number of objects gone into, and the smaller one
 * counts; of the same, the last, as nearly every server has it. Strings are unescaped,
 * numbers are taken as written; null, truths, and whatever stands in an array are no
 * values.
 *
 * A tokenizer with a stack of its own, FORM_JSON_DEPTH levels high: what is nested
 * deeper ends the reading. Lenient in what does not matter here: bytes that are not
 * UTF-8 and control characters in strings, the form of numbers. Strings and numbers
 * that nobody wants are passed over.
 *
 * Cost: one pass; a key is compared with those names only whose beginning led to its
 * object. Nothing is allocated.
 */
#ifndef OBSERVE_FORM_JSON_H
#define OBSERVE_FORM_JSON_H

#include "observe/form_values.h"

#define FORM_JSON_DEPTH 64

/* `cut`: bytes are missing behind the end of `body`. */
enum form_result form_json_read(struct slice body, bool cut, struct form_values *);

#endif
