/* SPDX-License-Identifier: MIT */
/*
 * ruleset - random rules, as text for the engine and as data for the oracle.
 *
 * Conditions, fields, keys and functions are rows of tables: the text that the rule
 * language has for it, and what it means for a request that is kept. Nothing here is
 * shared with the engine, so that a mistake in one is not in the other.
 */
#ifndef ORACLE_RULESET_H
#define ORACLE_RULESET_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

#define RULES_DRAWN     6
#define QUESTIONS_DRAWN 4
#define LEAVES_DRAWN    3
#define CLIENTS         9 /* the last three have IPv6, two of them in one /64 */
#define KEY_MISSING     UINT32_MAX

struct draw {
        uint64_t state;
};

/* Below `below`, which is not 0. */
uint32_t draw(struct draw *, uint32_t below);
static inline bool one_in(struct draw *d, uint32_t n)
{
        return draw(d, n) == 0;
}

/* What the oracle knows of one transaction. 0 is a missing target or session. */
struct request {
        int64_t start_ns, end_ns;
        int64_t now_ns; /* the newest time so far */
        unsigned client, page, status, cookies, session, target;
        bool uncertain, accepted, numeric;
        uint64_t number, request_bytes, response_bytes;
        int64_t latency_ns;
};

/* Up to three leaves, joined from the left; no leaf: always true. */
struct filter {
        unsigned count;
        unsigned leaf[LEAVES_DRAWN];
        bool negated[LEAVES_DRAWN], is_or[LEAVES_DRAWN];
};

bool filter_meets(const struct filter *, const struct request *);

enum asked {
        ASKED_COUNT,
        ASKED_SUM,
        ASKED_MEAN,
        ASKED_MAX,
        ASKED_DISTINCT,
        ASKED_SHARE,
        ASKED_TOP_SHARE,
        ASKED_SEQUENTIAL,
        ASKED_GAP_ENTROPY,
        ASKED_MODAL_GAP_SHARE,
        ASKED_KINDS
};

/* One function over a window, and what it is compared with. */
struct question {
        enum asked asked;
        unsigned field; /* row */
        struct filter filter;
        int64_t window_ns;
        bool is_below; /* < in place of >= */
        double threshold;
        bool is_or; /* joined with those before it */
};

/* NaN: missing. */
double question_field(const struct question *, const struct request *);

struct drawn_rule {
        char name[8];
        struct filter where;
        unsigned key_count, key[3]; /* rows; none: all */
        unsigned question_count;
        struct question questions[QUESTIONS_DRAWN];
        int64_t longest_ns, again_ns;
};

struct ruleset {
        unsigned count;
        struct drawn_rule rules[RULES_DRAWN];
};

/* Rules named r0, r1, ... */
void ruleset_draw(struct ruleset *, struct draw *);

/*
 * One more, behind the last one and not counted yet. It has the key of another, mostly,
 * and a condition that no other has: nothing that it asks was counted before it came.
 */
void ruleset_draw_late(struct ruleset *, struct draw *);

/* Its first rule asks for the different targets of all over windows that share a set. */
void ruleset_crowd(struct ruleset *, struct draw *);

/* Others named x0, x1, ...: some of what they ask is asked by `beside` as well. */
void ruleset_draw_beside(struct ruleset *, const struct ruleset *beside, struct draw *);

/* The rules of both in a random order; `other` may be NULL. Ends with a NUL. */
void ruleset_print(const struct ruleset *, const struct ruleset *other, struct draw *,
                   struct buf *);
void question_print(const struct question *, struct buf *);

/* A number for each key, or KEY_MISSING. */
uint32_t rule_key(const struct drawn_rule *, const struct request *);

/* The key as an incident names it. */
void rule_subject(const struct drawn_rule *, const struct request *, struct buf *);

void client_print(unsigned client, struct buf *);

#endif
