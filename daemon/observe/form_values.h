/* SPDX-License-Identifier: MIT */
/*
 * form_values - the few values that are taken out of a form's body.
 *
 * The names are those of the site map. A reader (form_urlencoded, form_multipart,
 * form_json) asks for each name that it meets whether it is wanted, and writes only
 * then: the value of any other name, a password say, is copied nowhere.
 *
 * A value has a rank, by how literally its name was met: 0 is best (form_json.h).
 * Bounded: FORM_NAMES_MAX values of FORM_VALUE_MAX bytes; what is longer is cut and
 * says so.
 */
#ifndef OBSERVE_FORM_VALUES_H
#define OBSERVE_FORM_VALUES_H

#include "base/slice.h"

#define FORM_NAMES_MAX    16
#define FORM_NAME_MAX     128 /* bytes of one */
#define FORM_VALUE_MAX    384 /* an e-mail address has 320 at the most */
#define FORM_VALUE_ABSENT UINT8_MAX

struct form_names {
        struct slice names[FORM_NAMES_MAX]; /* each of 1 to FORM_NAME_MAX bytes */
        unsigned count;
};

struct form_value {
        uint8_t rank; /* FORM_VALUE_ABSENT: it was not met */
        bool cut;
        uint16_t len;
        uint8_t text[FORM_VALUE_MAX];
};

struct form_values {
        const struct form_names *names; /* borrowed */
        struct form_value values[FORM_NAMES_MAX];
};

/* How the reading of a body ended. What was read up to there stays. */
enum form_result {
        FORM_OK,
        FORM_CUT,       /* it ends early, as was to be expected of a body that was cut */
        FORM_MALFORMED, /* it breaks its grammar, or ends early */
        FORM_TOO_DEEP,  /* nested deeper than the cap */
};

static inline void form_values_begin(struct form_values *v,
                                     const struct form_names *names)
{
        v->names = names;
        for (unsigned i = 0; i < names->count; i++)
                v->values[i].rank = FORM_VALUE_ABSENT;
}

/* The number of a name that is wanted, or -1. */
static inline int form_values_find(const struct form_values *v, struct slice name)
{
        for (unsigned i = 0; i < v->names->count; i++)
                if (slice_equal(v->names->names[i], name))
                        return (int)i;
        return -1;
}

/* Begins the value anew. */
static inline struct form_value *form_value_begin(struct form_values *v, unsigned number,
                                                  uint8_t rank)
{
        struct form_value *value = &v->values[number];

        value->rank = rank;
        value->cut = false;
        value->len = 0;
        return value;
}

static inline void form_value_put(struct form_value *value, uint8_t byte)
{
        if (value->len < FORM_VALUE_MAX)
                value->text[value->len++] = byte;
        else
                value->cut = true;
}

static inline void form_value_put_all(struct form_value *value, struct slice bytes)
{
        size_t room = (size_t)FORM_VALUE_MAX - value->len;
        size_t len = bytes.len < room ? bytes.len : room;

        if (len)
                memcpy(value->text + value->len, bytes.data, len);
        value->len = (uint16_t)(value->len + len);
        value->cut |= len < bytes.len;
}

/* None when it was not met. */
static inline struct slice form_value_text(const struct form_values *v, unsigned number)
{
        const struct form_value *value = &v->values[number];

        return value->rank == FORM_VALUE_ABSENT ? slice_none()
                                                : slice_of(value->text, value->len);
}

#endif
