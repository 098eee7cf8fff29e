/* SPDX-License-Identifier: MIT */
/*
 * facts - what is known of the transaction at hand, each thing computed once.
 *
 * Conditions and operands of all rules are there once (rules_priv.h), and so are the
 * parts of conditions that the page does not answer (conditions.h); the first table or
 * slot that asks for one pays for it. A new transaction forgets all by counting up a
 * number.
 */
#ifndef DETECT_FACTS_H
#define DETECT_FACTS_H

#include "base/hash.h"
#include "detect/conditions.h"
#include "detect/tags.h"

#define FACT_TRUE 1U /* transactions are even numbers; with this one a yes */

struct fact_operand {
        struct value value;
        uint64_t hash; /* of its canonical bytes; 0 while not asked for */
};

struct facts {
        const struct rules *rules;
        const struct hash_key *key;
        struct tags *tags;   /* NULL: nobody carries any */
        uint64_t *tag_names; /* keyed hashes of those that rules put, by number */
        struct subject subject;
        struct expr_subject reading;
        struct conditions conditions;
        const struct page_kind *page; /* of the transaction */
        /* The transaction that each is known for, and FACT_TRUE where the answer is yes.
         */
        uint32_t transaction;
        uint32_t *condition_of, *part_of, *operand_of;
        struct fact_operand *operands;
        char (*scratch)[SUBJECT_SCRATCH]; /* of each operand, as texts may live there */
        char condition_scratch[SUBJECT_SCRATCH];
};

bool facts_init(struct facts *, const struct rules *, const struct site *,
                const struct hash_key *, struct counters *);
void facts_free(struct facts *);

/* Begins the next transaction; `record` is borrowed until the one after it. */
void facts_begin(struct facts *, const struct record *);

/* facts_condition, when it is not known yet. */
bool facts_ask(struct facts *, unsigned condition);

static inline bool facts_condition(struct facts *f, unsigned condition)
{
        uint32_t of = f->condition_of[condition];

        return (of ^ f->transaction) > FACT_TRUE ? facts_ask(f, condition)
                                                 : of & FACT_TRUE;
}

const struct fact_operand *facts_operand(struct facts *, unsigned operand);

/* Reads and hashes an operand that is early (conditions.h), of any record. */
void facts_read(struct facts *, const struct record *, unsigned operand,
                struct fact_operand *);

/* What was read so of the record at hand. */
void facts_know(struct facts *, unsigned operand, const struct fact_operand *);

/* Keyed hash of an operand's value, which is not missing; never 0. */
uint64_t facts_hash(struct facts *, unsigned operand);

#endif
