/* SPDX-License-Identifier: MIT */
/*
 * rules_priv - a set of rules as the engine runs it: the plan.
 *
 * Rules are taken apart so that equal parts exist once:
 *
 *   rule ----> table      one for each different list of key expressions
 *    |           |
 *    |           +-> windows, slots: what an entry of the table holds
 *    +-> condition        `where`, and `where` narrowed by an aggregate's own
 *    +-> aggregates ----> slots of the rule's table
 *
 *   operand: an expression that is a key or is counted; read once a transaction
 *
 * Parts are equal when their canonical texts are. A rule with `per_each` is
 * several rules of one name here.
 */
#ifndef DETECT_RULES_PRIV_H
#define DETECT_RULES_PRIV_H

#include "base/arena.h"
#include "base/clock.h"
#include "detect/distinct.h"
#include "detect/incident.h"
#include "detect/lists.h"
#include "detect/rules.h"
#include "detect/signals.h"
#include "detect/vocabulary.h"

#define RULES_MAX         4096
#define TABLES_MAX        128 /* different keys */
#define KEY_PARTS_MAX     4
#define WINDOWS_MAX       24 /* different windows of one table */
#define BLOCK_RUNGS_MAX   8
#define CONDITION_ALWAYS  0
#define RULE_TAGS_MAX     9 /* kinds of participants, client.host among them */
#define OPERAND_NONE      UINT32_MAX
#define WINDOW_NONE       UINT32_MAX
#define GROUP_UNIT        (NS_PER_SEC / 8) /* a pane of the shortest window */
#define FAMILY_NONE       UINT32_MAX
#define SLOT_NONE         UINT32_MAX
#define GROUPS_WITH_PARTS 63 /* of a table, parts among them */

enum rule_mode { MODE_ALERT, MODE_DRY_RUN, MODE_OFF };

/* True when `base` is and its own expression is. Number 0 is always true. */
struct condition {
        const char *text; /* canonical, of both parts */
        struct expr *expr;
        unsigned base;
};

struct operand {
        const char *text;
        struct expr *expr;
        const struct field *field; /* when it is just one */
        bool is_origin;            /* tag_origin(..): the id of an incident */
};

enum slot_kind {
        SLOT_COUNT, /* transactions; with an operand: those where it is present */
        SLOT_SUM,
        SLOT_MAX,
        SLOT_DISTINCT,
        SLOT_BYTES, /* response bytes, exactly */
        SLOT_TOP,
        SLOT_GAPS,
        SLOT_GAP_SECONDS,
        SLOT_STEPS,
        SLOT_SKEW,
        SLOT_SURGE,
        SLOT_VIEWS, /* views of targets of which it is known whether they are cold */
        SLOT_COLD_VIEWS,
        SLOT_COLD_SURGE,
        SLOT_COLLISIONS,
        SLOT_UNFETCHED,
        SLOT_SYNCHRONY,
        SLOT_KINDS
};

struct slot {
        enum slot_kind kind;
        unsigned condition, operand; /* operand: OPERAND_NONE where there is none */
        unsigned window;             /* of its table, or WINDOW_NONE */
        double ratio;                /* surge(2x) */
        uint64_t met;                /* bits of the wheres of the rules that read it */
        uint32_t offset;             /* in an entry; of a set: where its family begins */
        unsigned group;              /* of its table */
        unsigned family, member;     /* SLOT_DISTINCT: which, and which of its windows */
        unsigned elder;  /* SLOT_BYTES: slot that may stand for it (twins.h), or
                            SLOT_NONE */
        unsigned usual;  /* SLOT_SKEW: number in rules.usuals */
        unsigned shared; /* SLOT_SURGE, SLOT_UNFETCHED: which of its table's kind */
};

/* What is learnt of the whole site, for all slots that compare with it (usual.h). */
struct usual_plan {
        unsigned condition, operand;
};

/* Sets of the same values over several windows: one plan for all of them. */
struct family {
        unsigned condition, operand, group;
        uint32_t offset;
        struct distinct_plan plan;
        unsigned elder; /* family that may stand for it (twins.h), or FAMILY_NONE */
        unsigned shown_as[DISTINCT_WINDOWS]; /* each window: which of the elder's */
};

/*
 * Slots that the same rules read stand together, with the time that their windows were
 * last brought to: four bytes, in units that divide the panes of all these windows. A
 * unit is GROUP_UNIT at least, so that the four bytes repeat after 17 years. A
 * transaction that none of these rules looks at leaves them alone.
 *
 * Of most keys nothing ever meets the narrower conditions of these rules (no cookies, a
 * library). So slots of such a condition are a part of the group, for which an entry has
 * room when its key met it: parts are groups as well, of the same `met`, that come after
 * theirs, and keep its time. Where these are too many, groups have no parts.
 */
struct slot_group {
        uint64_t met;                     /* bits of the wheres of those rules */
        uint32_t begin, end, time_offset; /* bytes in an entry that has all groups */
        uint32_t align;                   /* of `begin` */
        unsigned window_count;
        unsigned windows[WINDOWS_MAX]; /* of the table */
        uint32_t panes[WINDOWS_MAX];   /* of each: how many units they are long */
        int64_t unit_ns;               /* 0: it has no window */
        unsigned whole; /* the group that it is a part of; or itself, when it is none */
        uint64_t parts; /* of a whole one: a bit for each */
        unsigned condition; /* of all slots of a part */
        unsigned slot_count, family_count;
        unsigned *slots, *families; /* numbers, in the order of the entry */
};

struct rule_aggregate {
        const char *text;
        enum function_id function;
        enum value_type type;
        unsigned a,
            b; /* slots of the rule's table: what is read, what it is divided by */
};

/* A tag that a rule puts: its number, and on whom. */
struct rule_tag {
        enum field_kind kind;
        unsigned tag;
};

struct rule {
        const char *name, *description;
        const char *const *references;
        struct place place;
        enum severity severity;
        enum rule_mode mode;
        unsigned where; /* condition */
        unsigned table;
        struct expr *when;
        double least; /* transactions that a key must have had for `when` to hold */
        unsigned aggregate_count;
        struct rule_aggregate *aggregates;
        int64_t longest_ns; /* window; 10 minutes when there is none */
        int64_t again_ns;
        unsigned served_targets, served_bytes; /* slots */
        unsigned rungs;                        /* 0: blocks nothing */
        int64_t block_ns[BLOCK_RUNGS_MAX];
        unsigned block_what; /* 1 << field_kind each; 0: the key */
        unsigned tag_count;
        struct rule_tag tags[RULE_TAGS_MAX];
        int64_t tag_ns; /* how long they stay */
        bool is_signal; /* does not alert */
        double weight;
        const char *family; /* NULL, as a weight of 0: it only tags */
        unsigned signal;    /* number among the signals of its table */
};

/* Whether score() hears it. */
static inline bool rule_has_weight(const struct rule *rule)
{
        return rule->is_signal && rule->weight > 0;
}

static inline bool rule_blocks(const struct rule *rule)
{
        return rule->rungs && rule->mode == MODE_ALERT;
}

struct table_plan {
        unsigned parts;              /* 0: the whole site */
        unsigned key[KEY_PARTS_MAX]; /* operands */
        const char *type;            /* subject.type: "client.host", "a|b", "all" */
        bool is_of_one;              /* a key is of one visitor, not of a group */
        unsigned window_count;
        int64_t window_ns[WINDOWS_MAX];
        int64_t longest_ns;
        unsigned slot_count;
        struct slot *slots;
        unsigned family_count, group_count, surge_count, unfetched_count;
        struct family *families;
        struct slot_group *groups;
        unsigned rule_count;
        unsigned *rules;
        unsigned where_count;
        unsigned *wheres; /* different conditions of its rules, CONDITIONS_MAX at most */
        uint64_t few; /* bits of those that some rule needs to be met but a few times */
        uint64_t alerting; /* of those of rules that are no signals: whose participants
                              are named */
        uint32_t head_size, entry_size; /* bytes; entry_size: with all groups */
        unsigned signal_count;
        struct signal_row signals[SIGNALS_MAX];
        const char *signal_families[SIGNALS_MAX];
        unsigned signal_family_count;
};

struct exemption {
        struct expr *when;
        int64_t until_ns; /* INT64_MAX: for ever */
        const char *comment;
};

/* The tags that some rule puts, switched off or not, by number. */
struct known_tags {
        struct tag_names language;
        unsigned count;
        const char **names; /* ends with a NULL */
        uint32_t *kinds;    /* on what: 1 << field_kind each */
        bool *origins;      /* whether an incident puts it, and not signals alone */
};

struct rules {
        struct arena arena;
        struct known_tags tags;
        struct lists lists;
        struct vocabulary vocabulary;
        unsigned written; /* rules as the files have them, switched off or not */
        unsigned condition_count, operand_count, table_count, rule_count, exemption_count;
        struct condition *conditions;
        struct operand *operands;
        struct table_plan *tables;
        struct rule *rules;
        struct exemption *exemptions;
        unsigned usual_count;
        struct usual_plan *usuals;
        bool remember_forms;      /* some expression asks for forms that were served */
        unsigned remember_births; /* or how old an account or a domain is: birth_kind */
        int asset_page, api_page, health_page; /* numbers in the site map */
        bool is_plan; /* read back from a snapshot: it has no expressions */
        unsigned draft_count;
        struct rule_draft *drafts; /* as written, those that are off too: for printing */
};

/* What has been read of one rule, before it is taken apart for one of its keys. */
struct rule_draft {
        struct rule rule;
        struct slice where, when; /* none: was not written */
        struct place where_place, when_place;
        bool where_exact, when_exact;
        unsigned keys;
        struct key_draft {
                unsigned parts;
                bool all;
                struct slice text[KEY_PARTS_MAX];
                struct place place[KEY_PARTS_MAX];
                bool exact[KEY_PARTS_MAX];
        } key[16];
        struct place block_place, block_what_place;
};

/* Whether served forms are to be remembered; the number of the page that has the form. */
bool rules_remember_forms(const struct rules *);
int rules_form_page(const struct rules *);

/* The number of a page in the site map. */
int rules_find_page(const struct rules *, const char *name);

/* The field of a name that the vocabulary has. */
const struct field *rules_field(const struct rules *, const char *name);
/* The field `page`, whose values are numbers in the site map. */
const struct field *rules_page_field(const struct rules *);

/* Whether the condition can be true of a transaction of that page. */
bool rules_may_hold_on(const struct rules *, unsigned condition, unsigned page);
/* What is to be remembered of sign-ups: bits of enum birth_kind. */
unsigned rules_remember_births(const struct rules *);

/* rules_plan.c: puts the condition that is always true in place. */
void rules_begin(struct rules *);

/* Adds the rule once for each key; mistakes go to `diag`. */
void rules_plan(struct rules *, const struct rule_draft *, struct diag *);

/*
 * rules_sense.c: warns of conditions that can never be true, or always are. `where` is
 * NULL where there is none.
 */
void rules_check_sense(const struct rules *, const struct rule_draft *,
                       const struct expr *where, struct expr *when, struct diag *);

/* As evidence names it: "distinct(target, 10m)". Equal ones print alike. */
void rules_print_aggregate(const struct aggregate *, struct buf *);

/* What is known of the numbers that fields and functions give: an expr_range_fn. */
void rules_range(const struct field *, const struct aggregate *, struct expr_range *);

/* Whether its value is that of the slot `a` divided by that of `b`. */
bool function_is_quotient(enum function_id);

/* rules_print.c: remembers a rule as it was written; whether a key of it is printed. */
void rules_keep_draft(struct rules *, const struct rule_draft *);
bool rules_prints_key(const char *key);
/* Whether a function is read from slots; else from the signals of the key. */
bool function_has_slots(enum function_id);

/* rules_tags.c: the tags that the rules of a file put. Says nothing of mistakes. */
void rules_collect_tags(struct rules *, const struct yaml_node *file);
/* Of one rule: the value of its key `tag`. */
void rules_read_tag(const struct rules *, const struct yaml_node *tag, struct rule *,
                    struct diag *);
void rules_tags_free(struct known_tags *);

/* "session": how the key 'tag' names what it can be put on. */
const char *rules_tag_kind(enum field_kind);

/* rules_layout.c: when all rules are in, lays out the entries of the tables. */
void rules_lay_out(struct rules *, struct diag *);
void rules_layout_free(struct table_plan *);

/* rules_read.c: one rule, with the file's defaults (may be NULL). */
void rules_read_rule(struct rules *, const struct yaml_node *rule,
                     const struct yaml_node *defaults, struct rule_draft *,
                     struct diag *);

/* The keys that a rule may have; ends with a NULL. */
const char *const *rules_keys(void);

/* Checks the keys of `defaults:` themselves. */
void rules_check_defaults(const struct yaml_node *defaults, struct diag *);

#endif
