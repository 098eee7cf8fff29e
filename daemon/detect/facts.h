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

struct fact_carrier {
        const struct field *field;
        uint32_t transaction; /* that it is known for */
        uint64_t hash;
};

#define FACT_STATUSES 1000

/* What parts that read the status alone said of it: a bit for each (conditions.h). */
struct status_answers {
        uint64_t known, yes;
};

struct facts {
        const struct rules *rules;
        const struct hash_key *key;
        struct tags *tags;   /* NULL: nobody carries any */
        uint64_t *tag_names; /* keyed hashes of those that rules put, by number */
        struct fact_carrier carriers[FIELD_KINDS];
        struct subject subject;
        struct expr_subject reading;
        struct conditions conditions;
        const struct page_kind *page; /* of the transaction */
        /* The transaction that each is known for, and FACT_TRUE where the answer is yes.
         */
        uint32_t transaction;
        uint32_t *condition_of, *part_of, *operand_of;
        struct status_answers *statuses; /* by status, below FACT_STATUSES */
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

/* facts_operand, when it is not known yet. */
const struct fact_operand *facts_ask_operand(struct facts *, unsigned operand);

static inline const struct fact_operand *facts_operand(struct facts *f, unsigned operand)
{
        return f->operand_of[operand] == f->transaction ? &f->operands[operand]
                                                        : facts_ask_operand(f, operand);
}

/* Hashes it, when that was not done yet. */
uint64_t facts_ask_hash(struct facts *, unsigned operand);

/* Keyed hash of an operand's value, which is known and not missing; never 0. */
static inline uint64_t facts_hash(struct facts *f, unsigned operand)
{
        uint64_t hash = f->operands[operand].hash;

        return hash ? hash : facts_ask_hash(f, operand);
}

/*
 * Reads and hashes an operand that is early (conditions.h), of any record. Its text may
 * stand in `scratch`.
 */
void facts_read(struct facts *, const struct record *, unsigned operand, char *scratch,
                struct fact_operand *);

/* What was read so of the record at hand. */
static inline void facts_know(struct facts *f, unsigned operand,
                              const struct fact_operand *known)
{
        f->operands[operand] = *known;
        f->operand_of[operand] = f->transaction;
}

#endif
