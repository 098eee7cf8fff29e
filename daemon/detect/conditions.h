/* SPDX-License-Identifier: MIT */
/*
 * conditions - what is left to ask of a condition once the page is known.
 *
 * A condition is a conjunction of parts, and most begin with the page: `page == profile
 * and status == 200 and not bot.verified`. Equal parts of all conditions are there once.
 * A part that reads the page alone is true or false for a page, whatever else the
 * transaction is; others may be impossible on it. So pages are of a few kinds, those for
 * which all parts are alike, and for each kind it is known
 *
 *      which conditions can hold, and which parts have to be asked for each of them
 *      which tables can be visited, and which of their conditions can hold
 *      which parts of their keys, and which values, can be read long before that
 *
 * Parts that read the status alone are marked: there are few of these, so whoever asks
 * can remember the answers (facts.h).
 *
 * The rules are borrowed. Cost: made once for a set of rules; eight bytes for each
 * condition and kind of page.
 */
#ifndef DETECT_CONDITIONS_H
#define DETECT_CONDITIONS_H

#include "detect/rules_priv.h"

#define CONDITION_NEVER UINT32_MAX

/*
 * What to ask, in this order: the condition that it narrows, and of its own parts, as
 * written, `count` of the kind's `parts` from `first`.
 */
struct condition_parts {
        uint32_t base, first, count; /* count CONDITION_NEVER: it cannot hold */
};

#define EARLY_NONE UINT32_MAX

/* A set, or the bytes, that such a transaction may be counted in. */
struct page_block {
        unsigned number; /* of a family, or of a slot with bytes; in the table's plan */
        unsigned early;  /* the family's value: which of the kind's `early`; or none */
};

/* A table that a transaction of that kind of page may count in. */
struct page_table {
        unsigned table;
        uint64_t may;  /* bits of its wheres that can hold */
        bool is_early; /* the record alone tells the key */
        unsigned parts,
            early[KEY_PARTS_MAX]; /* of the key: which of the kind's `early` */
        unsigned family_count, byte_count;
        struct page_block *families, *bytes;
};

struct page_kind {
        struct condition_parts *conditions; /* by number */
        unsigned part_count, table_count;
        uint32_t *parts;
        struct page_table *tables;
        unsigned early_count;
        unsigned *early; /* operands of keys and sets that the record alone tells */
        /* Which of these they are. */
        unsigned early_host, early_session, early_account, early_target, early_family;
};

#define STATUS_PARTS 64
#define PART_OF_MORE 0xff

struct conditions {
        unsigned part_count, page_count, kind_count;
        const struct expr **parts;
        uint8_t *status_bits; /* of each part that reads the status alone: which of these
                                 it is; else PART_OF_MORE */
        unsigned
            *kind_of; /* by page, and one more for pages that the map does not have */
        struct page_kind *kinds;
};

/* False when there is no memory. */
bool conditions_init(struct conditions *, const struct rules *);
void conditions_free(struct conditions *);

static inline const struct page_kind *conditions_kind(const struct conditions *c,
                                                      unsigned page)
{
        return &c->kinds[c->kind_of[page < c->page_count ? page : c->page_count]];
}

#endif
