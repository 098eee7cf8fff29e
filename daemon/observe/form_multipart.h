/* SPDX-License-Identifier: MIT */
/*
 * form_multipart - multipart/form-data (RFC 7578, RFC 2046 5.1).
 *
 * Each part is one field; a part with a filename is a file and passed over, as is the
 * text before the first boundary. Of several fields of one name the first counts. Lines
 * may end in LF alone. A value counts only once the boundary behind it was seen, so a
 * body without an end costs no more than its length and gives no half value.
 *
 * Cost: one pass, by memmem for the boundary; nothing is allocated.
 */
#ifndef OBSERVE_FORM_MULTIPART_H
#define OBSERVE_FORM_MULTIPART_H

#include "observe/form_values.h"

#define MULTIPART_BOUNDARY_MAX 70   /* RFC 2046 5.1.1 */
#define MULTIPART_HEAD_MAX     4096 /* bytes of one part's head */

/* The boundary of a Content-Type value; none when it has no usable one. */
struct slice form_multipart_boundary(struct slice content_type);

/* `boundary` as above; `cut`: bytes are missing behind the end of `body`. */
enum form_result form_multipart_read(struct slice body, struct slice boundary, bool cut,
                                     struct form_values *);

#endif
