/* SPDX-License-Identifier: MIT */
/*
 * form - the e-mail address, name and telephone number in the body of a sign-up.
 *
 * A struct form is what the site map says of one page: for each of the three a list of
 * choices that are tried in order, a choice being one field's name or several that are
 * joined by a blank. The first choice of which a part is there and not empty counts.
 *
 * A reader takes the content coding off a body, reads it by its Content-Type
 * (urlencoded, multipart, JSON) and picks the answers. It owns its buffers, all taken
 * at the start. Of a body that was cut, or unfolds past the cap, the part that is there
 * is read.
 */
#ifndef OBSERVE_FORM_H
#define OBSERVE_FORM_H

#include "base/counters.h"
#include "observe/content.h"
#include "observe/form_values.h"

#define FORM_CHOICES_MAX 8
#define FORM_PARTS_MAX   4

enum form_kind { FORM_EMAIL, FORM_NAME, FORM_PHONE, FORM_KINDS };

struct form_choice {
        unsigned count;
        uint8_t parts[FORM_PARTS_MAX]; /* numbers of names */
};

struct form {
        struct form_names names;
        struct {
                unsigned count;
                struct form_choice choices[FORM_CHOICES_MAX];
        } fields[FORM_KINDS];
};

/*
 * Adds a choice as the site map has it, `first_name+last_name`; the names are borrowed.
 * NULL, or what is wrong with it.
 */
const char *form_add(struct form *, enum form_kind, struct slice text);

struct form_body {
        struct slice type, encoding; /* Content-Type, Content-Encoding; may be none */
        struct slice bytes;
        bool cut;
};

struct form_reader;

/* `body_max`: bytes of a body that are looked at after its coding is off. */
struct form_reader *form_reader_new(size_t body_max, struct counters *);
void form_reader_free(struct form_reader **);

/*
 * False when the body is of no kind that we read. Else each answer is a text, valid
 * until the next call, or none.
 */
bool form_read(struct form_reader *, const struct form *, const struct form_body *,
               struct slice answers[FORM_KINDS]);

/* A body without its coding, for those who look at it themselves; none where there is no
 * telling. Valid until the next call. */
struct slice form_plain(struct form_reader *, struct slice encoding, struct slice bytes);

/* Wipes what the last call left of a body. */
void form_reader_forget(struct form_reader *);

#endif
