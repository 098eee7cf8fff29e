/* SPDX-License-Identifier: MIT */
/*
 * vocabulary - the fields and functions of rules, one row each.
 *
 * A row gives the parser, the type check, the reading and the line of the
 * reference.
 */
#ifndef DETECT_VOCABULARY_H
#define DETECT_VOCABULARY_H

#include "detect/forms.h"
#include "detect/incident.h"
#include "detect/outside.h"
#include "lang/expr.h"
#include "observe/record.h"
#include "observe/site.h"

struct statistics;

/* What fields read from. `scratch` holds texts that the record does not. */
struct births;
struct subject {
        const struct record *record;
        const struct site *site;
        const struct forms *forms;   /* NULL: nobody remembers which forms were served */
        const struct births *births; /* NULL: nobody remembers who signed up when */
        char *scratch;               /* SUBJECT_SCRATCH bytes */
        const struct fingerprint *fingerprint; /* of its ClientHello; NULL: not known */
        bool fingerprint_is_uncertain;
        struct outside *outside;             /* NULL: nothing is known from elsewhere */
        const struct statistics *statistics; /* of the site */
        const struct watch *watch;           /* NULL: nobody is */
        uint64_t watched; /* carrier of the key at hand; 0: none that is */
};

#define SUBJECT_SCRATCH TCP_SHAPE_TEXT_MAX

struct slice subject_ja4(const struct subject *); /* or none */

/* field.kind */
enum field_kind {
        FIELD_PLAIN,
        FIELD_OF_KEY, /* of the key, not the transaction: for `when` only */
        FIELD_SESSION_WAS,
        FIELD_AGENT, /* what the User-Agent claims to be: worked out when it is read */
        FIELD_EMAIL, /* leaves the sensor as a pseudonym */
        FIELD_EMAIL_DOMAIN, /* these two are participants */
        FIELD_EMAIL_SKELETON,
        FIELD_FORM, /* needs subject.forms */
        FIELD_IP,   /* from here on: can be blocked */
        FIELD_HOST,
        FIELD_PREFIX,
        FIELD_SESSION,
        FIELD_ACCOUNT,
        FIELD_SHAPE,
        FIELD_JA4, /* the last one */
};

#define FIELD_KINDS (FIELD_JA4 + 1)

/* What a field's value is among participants, or PARTICIPANT_KINDS. */
enum participant_kind field_participant(enum field_kind);

/*
 * Whether a value is of one visitor, who is seen fully or not at all when visitors are
 * sampled (base/sample.h), rather than of a group of which a part is seen.
 */
bool field_is_of_one(enum field_kind);

/*
 * Whether it is read from the record alone, and put together in the scratch at most: so
 * it can be read at any time, and for nothing if nobody asks.
 */
bool field_is_of_record(const struct field *);

enum function_id {
        FUNCTION_COUNT,
        FUNCTION_SUM,
        FUNCTION_MEAN,
        FUNCTION_MAX,
        FUNCTION_DISTINCT,
        FUNCTION_SHARE,
        FUNCTION_TOP_SHARE,
        FUNCTION_SURGE,
        FUNCTION_GAP_ENTROPY,
        FUNCTION_MODAL_GAP_SHARE,
        FUNCTION_SEQUENTIAL,
        FUNCTION_COLD_SHARE,
        FUNCTION_COLD_SURGE,
        FUNCTION_UNDERCOLLISION,
        FUNCTION_UNFETCHED,
        FUNCTION_SYNCHRONY,
        FUNCTION_SKEW,
        FUNCTION_SCORE,
        FUNCTION_FAMILIES,
        FUNCTION_TAGGED,
        FUNCTION_TAG_ORIGIN,
        FUNCTIONS
};

#define VOCABULARY_FIELDS 64

/* The rows, with the page names of one site map in place. */
struct vocabulary {
        struct site *site;
        struct field fields[VOCABULARY_FIELDS];
        struct expr_language conditions; /* fields alone: where, exempt */
        struct expr_language full;       /* with functions: when */
};

/* `lists` ends with a NULL and lives as long as the vocabulary is used. */
void vocabulary_init(struct vocabulary *, struct site *,
                     const struct value_list *const *lists);

/* The rows themselves, for the reference; each ends with a NULL name. */
const struct field *vocabulary_fields(void);
const struct field_with_argument *vocabulary_argument_fields(void);
const struct function *vocabulary_functions(void);

/* Reports each field in `text` that is the key's and no transaction's. */
void vocabulary_check_plain(struct slice text, struct place place, bool exact_columns,
                            struct diag *);

/* Warns of page names in `text` that the site map does not define. */
void vocabulary_check_pages(const struct vocabulary *, struct slice text,
                            struct place place, bool exact_columns, struct diag *);

#endif
