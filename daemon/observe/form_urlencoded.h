/* SPDX-License-Identifier: MIT */
/*
 * form_urlencoded - application/x-www-form-urlencoded (WHATWG URL, section 5).
 *
 * Names are compared as they are after decoding; of several fields of one name the
 * first counts. A percent sign without two hex digits behind it stands for itself, so
 * no body is malformed; of one that was cut the last field is left out.
 *
 * Cost: one pass; nothing is allocated.
 */
#ifndef OBSERVE_FORM_URLENCODED_H
#define OBSERVE_FORM_URLENCODED_H

#include "observe/form_values.h"

/* `cut`: bytes are missing behind the end of `body`. */
enum form_result form_urlencoded_read(struct slice body, bool cut, struct form_values *);

#endif
