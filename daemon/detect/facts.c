/* SPDX-License-Identifier: MIT */
#include "detect/facts.h"

#include "base/check.h"
#include "detect/carrier.h"

#include <stdlib.h>

/* What a tag hangs on of the transaction, by the field; 0: the field is missing. */
static uint64_t ask_carrier(struct facts *f, const struct expr *expr)
{
        const struct field *field = expr_field(expr);
        struct fact_carrier *known = &f->carriers[field->kind];

        if (known->transaction != f->transaction || known->field != field) {
                struct value value = expr_value(expr, &f->reading);
                *known = (struct fact_carrier){ .field = field,
                                                .transaction = f->transaction };
                if (value.type != VALUE_MISSING)
                        known->hash = carrier_of_value(f->key, field->kind, &value);
        }
        return known->hash;
}

/* tagged() and tag_origin(), the functions that need no key. An origin is the tag's own
   text: no tag is put before the transaction is done (tagging_done). */
static struct value read_tag(void *context, const struct aggregate *a)
{
        struct facts *f = context;
        const struct tag *tag = NULL;

        if (f->tags && f->tags->index.count) {
                uint64_t carrier = ask_carrier(f, a->field);
                if (carrier)
                        tag = tags_find(f->tags, carrier, f->tag_names[a->tag_number],
                                        f->subject.record->end_ns);
        }
        if (a->function->id == FUNCTION_TAGGED)
                return (struct value){ .type = VALUE_BOOL, .truth = tag != NULL };
        if (!tag || !tag->origin[0])
                return (struct value){ .type = VALUE_MISSING };
        return (struct value){ .type = VALUE_STRING, .text = slice_str(tag->origin) };
}

static bool init_tags(struct facts *f)
{
        const struct known_tags *tags = &f->rules->tags;

        f->tag_names = calloc(tags->count + 1, sizeof(*f->tag_names));
        for (unsigned i = 0; f->tag_names && i < tags->count; i++)
                f->tag_names[i] = hash_slice(f->key, slice_str(tags->names[i]));
        return f->tag_names;
}

bool facts_init(struct facts *f, const struct rules *rules, const struct site *site,
                const struct hash_key *key, struct counters *counters)
{
        size_t conditions = rules->condition_count, operands = rules->operand_count + 1;

        *f = (struct facts){ .rules = rules, .key = key, .subject.site = site };
        f->reading.counters = counters;
        f->reading.aggregate = read_tag;
        if (!conditions_init(&f->conditions, rules))
                return false;
        f->condition_of = calloc(conditions, sizeof(*f->condition_of));
        f->part_of = calloc(f->conditions.part_count + 1, sizeof(*f->part_of));
        f->operand_of = calloc(operands, sizeof(*f->operand_of));
        f->operands = calloc(operands, sizeof(*f->operands));
        f->scratch = calloc(operands, sizeof(*f->scratch));
        f->statuses = calloc(FACT_STATUSES, sizeof(*f->statuses));
        return init_tags(f) && f->statuses && f->condition_of && f->part_of &&
               f->operand_of && f->operands && f->scratch;
}

void facts_free(struct facts *f)
{
        free(f->condition_of);
        free(f->part_of);
        free(f->operand_of);
        free(f->operands);
        free(f->scratch);
        free(f->statuses);
        free(f->tag_names);
        conditions_free(&f->conditions);
        *f = (struct facts){ 0 };
}

/* The numbers begin anew. */
static void forget_all(struct facts *f)
{
        memset(f->condition_of, 0, f->rules->condition_count * sizeof(*f->condition_of));
        memset(f->part_of, 0, f->conditions.part_count * sizeof(*f->part_of));
        memset(f->operand_of, 0, f->rules->operand_count * sizeof(*f->operand_of));
        memset(f->carriers, 0, sizeof(f->carriers));
        f->transaction = FACT_TRUE + 1;
}

void facts_begin(struct facts *f, const struct record *record)
{
        f->subject.record = record;
        f->subject.scratch = f->condition_scratch;
        f->reading.subject = &f->subject;
        f->page = conditions_kind(&f->conditions, record->page);
        if (f->subject.outside)
                outside_begin(f->subject.outside);
        f->reading.context = f; /* facts may have moved */
        f->transaction += FACT_TRUE + 1;
        if (f->transaction == 0)
                forget_all(f);
}

static bool evaluate(const struct facts *f, uint32_t part)
{
        return expr_true(f->conditions.parts[part], &f->reading);
}

/* Of a part that reads the status alone. */
static bool recall(const struct facts *f, uint32_t part, uint16_t status)
{
        struct status_answers *answers = &f->statuses[status];
        uint64_t bit = UINT64_C(1) << f->conditions.status_bits[part];

        if (!(answers->known & bit)) {
                answers->known |= bit;
                answers->yes |= evaluate(f, part) ? bit : 0;
        }
        return answers->yes & bit;
}

static bool ask_part(struct facts *f, uint32_t part)
{
        uint16_t status = f->subject.record->status;

        if (f->conditions.status_bits[part] != PART_OF_MORE && status < FACT_STATUSES)
                return recall(f, part, status);
        if ((f->part_of[part] ^ f->transaction) > FACT_TRUE)
                f->part_of[part] = f->transaction | evaluate(f, part);
        return f->part_of[part] & FACT_TRUE;
}

bool facts_ask(struct facts *f, unsigned condition)
{
        const struct condition_parts *left = &f->page->conditions[condition];
        bool holds = left->count != CONDITION_NEVER &&
                     (left->base == CONDITION_ALWAYS || facts_condition(f, left->base));

        for (uint32_t i = 0; holds && i < left->count; i++)
                holds = ask_part(f, f->page->parts[left->first + i]);
        f->condition_of[condition] = f->transaction | holds;
        return holds;
}

const struct fact_operand *facts_ask_operand(struct facts *f, unsigned operand)
{
        struct fact_operand *fact = &f->operands[operand];

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

/* Never 0, which is for what was not asked for. */
static uint64_t hash_of(const struct hash_key *key, const struct value *v)
{
        uint64_t hash = hash_value(key, v);

        return hash ? hash : 1;
}

uint64_t facts_ask_hash(struct facts *f, unsigned operand)
{
        struct fact_operand *fact = &f->operands[operand];

        return fact->hash = hash_of(f->key, &fact->value);
}

void facts_read(struct facts *f, const struct record *record, unsigned operand,
                char *scratch, struct fact_operand *fact)
{
        struct subject subject = { .record = record,
                                   .site = f->subject.site,
                                   .scratch = scratch };
        const struct field *field = f->rules->operands[operand].field;

        fact->value = field->read(&subject, field->argument);
        fact->hash =
            fact->value.type == VALUE_MISSING ? 0 : hash_of(f->key, &fact->value);
}
