/* SPDX-License-Identifier: MIT */
#include "detect/usual.h"

#include "base/clock.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define HALF_LIFE (7.0 * 86400 * NS_PER_SEC)
#define HALVINGS_MAX                                                       \
        64 /* then the weights are brought back to what they are now worth \
            */

bool usual_init(struct usual *u, const struct rules *rules)
{
        *u = (struct usual){ .rules = rules };
        u->values = calloc(rules->usual_count + 1, sizeof(*u->values));
        return u->values != NULL;
}

void usual_free(struct usual *u)
{
        free(u->values);
        *u = (struct usual){ 0 };
}

static bool is_same(const struct rules *a, const struct usual_plan *x,
                    const struct rules *b, const struct usual_plan *y)
{
        return strcmp(a->conditions[x->condition].text,
                      b->conditions[y->condition].text) == 0 &&
               strcmp(a->operands[x->operand].text, b->operands[y->operand].text) == 0;
}

void usual_carry(const struct usual *from, struct usual *to)
{
        for (unsigned i = 0; i < to->rules->usual_count; i++)
                for (unsigned k = 0; k < from->rules->usual_count; k++)
                        if (is_same(to->rules, &to->rules->usuals[i], from->rules,
                                    &from->rules->usuals[k]))
                                to->values[i] = from->values[k];
}

static double weight_at(const struct usual_values *v, int64_t time_ns)
{
        return exp2((double)(time_ns - v->base_ns) / HALF_LIFE);
}

static void move_base(struct usual_values *v, int64_t time_ns)
{
        double scale = 1 / weight_at(v, time_ns);

        for (unsigned i = 0; i < USUAL_BUCKETS; i++)
                v->weight[i] *= scale;
        v->all *= scale;
        v->base_ns = time_ns;
}

void usual_add(struct usual_values *v, unsigned bucket, int64_t time_ns)
{
        if (v->all == 0)
                v->base_ns = v->newest_ns = time_ns;
        if (time_ns > v->newest_ns)
                v->newest_ns = time_ns;
        if ((double)(time_ns - v->base_ns) > HALVINGS_MAX * HALF_LIFE)
                move_base(v, time_ns);
        double weight = weight_at(v, time_ns);
        v->weight[bucket] += weight;
        v->all += weight;
}

bool usual_wants(const struct usual *u, struct facts *facts)
{
        for (unsigned i = 0; i < u->rules->usual_count; i++)
                if (facts_condition(facts, u->rules->usuals[i].condition))
                        return true;
        return false;
}

void usual_learn(struct usual *u, struct facts *facts)
{
        for (unsigned i = 0; i < u->rules->usual_count; i++) {
                const struct usual_plan *plan = &u->rules->usuals[i];
                if (facts_condition(facts, plan->condition) &&
                    facts_operand(facts, plan->operand)->value.type != VALUE_MISSING)
                        usual_add(&u->values[i],
                                  usual_bucket(facts_hash(facts, plan->operand)),
                                  facts->subject.record->end_ns);
        }
}

bool usual_is_known(const struct usual_values *v)
{
        return v->all / weight_at(v, v->newest_ns) >= USUAL_NEEDED;
}

void usual_shares(const struct usual_values *v, double shares[USUAL_BUCKETS])
{
        /* Pseudo-counts are transactions of now, and have their weight. */
        double pseudo = USUAL_PSEUDO * weight_at(v, v->newest_ns);
        double each = pseudo / USUAL_BUCKETS, all = v->all + pseudo;

        for (unsigned i = 0; i < USUAL_BUCKETS; i++)
                shares[i] = (v->weight[i] + each) / all;
}
