/* SPDX-License-Identifier: MIT */
#include "detect/facts.h"

#include <stdlib.h>

bool facts_init(struct facts *f, const struct rules *rules, const struct site *site,
                const struct hash_key *key, struct counters *counters)
{
        size_t conditions = rules->condition_count, operands = rules->operand_count + 1;

        *f = (struct facts){ .rules = rules, .key = key, .subject.site = site };
        f->reading.counters = counters;
        f->condition_of = calloc(conditions, sizeof(*f->condition_of));
        f->conditions = calloc(conditions, sizeof(*f->conditions));
        f->operand_of = calloc(operands, sizeof(*f->operand_of));
        f->operands = calloc(operands, sizeof(*f->operands));
        f->scratch = calloc(operands, sizeof(*f->scratch));
        return f->condition_of && f->conditions && f->operand_of && f->operands &&
               f->scratch;
}

void facts_free(struct facts *f)
{
        free(f->condition_of);
        free(f->conditions);
        free(f->operand_of);
        free(f->operands);
        free(f->scratch);
        *f = (struct facts){ 0 };
}

void facts_begin(struct facts *f, const struct record *record)
{
        f->subject.record = record;
        f->subject.scratch = f->condition_scratch;
        f->reading.subject = &f->subject;
        if (f->subject.outside)
                outside_begin(f->subject.outside);
        if (++f->transaction == 0) {
                memset(f->condition_of, 0,
                       f->rules->condition_count * sizeof(*f->condition_of));
                memset(f->operand_of, 0,
                       f->rules->operand_count * sizeof(*f->operand_of));
                f->transaction = 1;
        }
}

bool facts_condition(struct facts *f, unsigned condition)
{
        const struct condition *c = &f->rules->conditions[condition];

        if (condition == CONDITION_ALWAYS)
                return true;
        if (f->condition_of[condition] != f->transaction) {
                f->condition_of[condition] = f->transaction;
                f->conditions[condition] =
                    facts_condition(f, c->base) && expr_true(c->expr, &f->reading);
        }
        return f->conditions[condition];
}

const struct fact_operand *facts_operand(struct facts *f, unsigned operand)
{
        struct fact_operand *fact = &f->operands[operand];

        if (f->operand_of[operand] == f->transaction)
                return fact;
        f->operand_of[operand] = f->transaction;
        f->subject.scratch = f->scratch[operand];
        *fact =
            (struct fact_operand){ .value = expr_value(f->rules->operands[operand].expr,
                                                       &f->reading) };
        f->subject.scratch = f->condition_scratch;
        return fact;
}

static uint64_t hash_number(const struct hash_key *key, double number)
{
        uint64_t bits;

        number += 0.0; /* -0 is 0 */
        memcpy(&bits, &number, sizeof(bits));
        return hash_u64(key, bits);
}

static uint64_t hash_value(const struct hash_key *key, const struct value *v)
{
        uint8_t bytes[17];

        switch (v->type) {
        case VALUE_STRING:
                return hash_slice(key, v->text);
        case VALUE_NETWORK:
                memcpy(bytes, v->network.ip.bytes, 16);
                bytes[16] = v->network.bits;
                return hash_bytes(key, bytes, sizeof(bytes));
        case VALUE_BOOL:
                return hash_u64(key, v->truth);
        default:
                return hash_number(key, v->number);
        }
}

uint64_t facts_hash(struct facts *f, unsigned operand)
{
        struct fact_operand *fact = &f->operands[operand];

        if (fact->hash == 0) {
                uint64_t hash = hash_value(f->key, &fact->value);
                fact->hash = hash ? hash : 1;
        }
        return fact->hash;
}
