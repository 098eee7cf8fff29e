/* SPDX-License-Identifier: MIT */
/*
 * engine_priv - the engine's parts, for the files that are the engine.
 *
 *   engine.c       one record: time, tables, rules; eviction
 *   engine_make.c  its parts, and who gets how much of the memory
 *   swap.c         other rules, with what is known kept (carry.h)
 *   snapshot.c     to a file, and back
 *   report.c       a case as the struct incident that leaves the engine
 *   blocking.c     what is blocked with an event, for how long, and what is refused
 *   tagging.c      whom an incident's tags are put on, and which group it is of
 *   watching.c     what is seen of those who are blocked
 *   usage.c        what it says of itself: rules, tables, memory
 *   adopt.c        incidents that were open before a crash
 */
#ifndef DETECT_ENGINE_PRIV_H
#define DETECT_ENGINE_PRIV_H

#include "base/clock.h"
#include "detect/ahead.h"
#include "detect/births.h"
#include "detect/block_limit.h"
#include "detect/cases.h"
#include "detect/engine.h"
#include "detect/join.h"
#include "detect/ladder.h"
#include "detect/missed.h"
#include "detect/orphans.h"
#include "detect/own.h"
#include "detect/statistics.h"
#include "detect/table.h"
#include "detect/watch.h"

#define EVENT_BLOCKS INVOLVED_MAX
#define BLOCK_TEXT   256
#define FORMS_PART   64 /* of the memory: for forms that were served */

/* Room for what one event points to; used again by the next. */
struct event_memory {
        struct incident_evidence evidence[CASE_EVIDENCE];
        struct incident_involved involved[PARTICIPANT_KINDS];
        struct buf texts; /* of the involved: reserved once, so it never moves */
        unsigned block_count;
        bool blocks_are_new;
        struct incident_block blocks[EVENT_BLOCKS];
        char block_texts[EVENT_BLOCKS][BLOCK_TEXT];
};

/* A table that the transaction at hand counts in. */
struct visit {
        struct table *table;
        uint64_t hash; /* of its key */
        uint64_t met;  /* which of the table's conditions are true */
};

/* Of one rule (engine.h). What it matched is counted in its table, with others' that have
   the same condition; here is what it had before the rules were swapped. */
struct rule_counts {
        uint64_t matched_before, held, raised, dry_run;
};

/* Tags that rules put while others still look at the transaction. */
struct tag_puts {
        unsigned count, room;
        struct tag_put {
                uint64_t carrier, name;
                int64_t until_ns;
                char origin[INCIDENT_ID_MAX];
        } * all;
};

struct engine {
        struct engine_options options;
        const struct rules *rules;
        struct rule_counts *rule_counts; /* by the number of the rule */
        struct budget budget;
        struct distinct_store sets;
        struct actors actors;
        struct involved_store involved;
        struct sample_store samples;
        struct usual usual;
        struct ladder ladder;
        struct watch watch;
        struct block_limit block_limit;
        bool counts_visitors; /* for it: a rule blocks, and the share is limited */
        struct missed missed;
        struct forms forms;
        bool remembers_forms;
        struct statistics statistics;
        struct tags tags, groups;
        struct tag_puts tag_puts; /* of the transaction at hand */
        struct births births;
        unsigned remembers_births; /* enum birth_kind */
        bool reads_block_state;
        struct cases cases;
        struct own own;
        struct orphans orphans;
        struct facts facts;
        struct outside outside;
        struct join join;
        struct table *tables;
        struct visit *visits; /* as many as there are tables */
        struct ahead ahead;
        struct event_memory *event;
        uint64_t memory;            /* that indexes get their part of */
        uint64_t statistics_memory; /* that the site's statistics get theirs of */
        int64_t now_ns;
        int64_t sampled_ns; /* when not all visitors were looked at, last; -1: never */
};

/* What any one index may take at most: half of what is there for all. */
uint64_t engine_index_bytes(const struct engine *);

/* Bytes that all indexes together may take, and what is left of them is in the budget. */
uint64_t engine_index_room(const struct engine *);

/* Finds the budget's classes again, which came from a snapshot. */
void engine_find_classes(struct engine *);

/* Gives the facts what they read from beside the record. */
void engine_bind_facts(struct engine *);

/* How many transactions the rule looked at. */
uint64_t engine_matched(const struct engine *, unsigned rule);

/* Ends a case before its time. */
void engine_end_case(struct engine *, uint32_t number);

/* Names a new case: fills `id`, and `group` with the same. */
void report_name(struct engine *, struct incident_case *);

/* The subject as it is published; at most CASE_SUBJECT_MAX bytes. */
void report_subject(struct engine *, const struct rule *, struct incident_case *);

/* Tells the layer above. Blocks are those in engine->event. */
void report_event(struct engine *, struct incident_case *, enum incident_action,
                  int64_t time_ns);

/*
 * Puts the blocks that are due with the transaction at hand into engine->event:
 * those that are new, or else those that are running. True when one is new.
 */
bool blocking_due(struct engine *, struct incident_case *, int64_t time_ns);

/* Only those that are running. */
void blocking_running(struct engine *, struct incident_case *, int64_t time_ns);

/* What the ladder knows the subject of such a block by. */
uint64_t blocking_subject(const struct engine *, struct slice rule, struct slice type,
                          struct slice value);

/*
 * A case that is being raised takes the id and the group of the orphan of its rule and
 * subject over, which then is none any more and is copied to `orphan`. False: there is
 * none.
 */
bool adopt_take(struct engine *, struct incident_case *, struct orphan *);

/* Ends those that are due, oldest first. */
void adopt_advance(struct engine *, int64_t now_ns);

/* Ends all. */
void adopt_finish(struct engine *, int64_t now_ns);

/* The breaker (block_limit.h) closes, when that is due. */
void blocking_advance(struct engine *, int64_t now_ns);

/* All participants of the incident's window, of one kind. */
unsigned blocking_participants(struct engine *, const struct incident_case *,
                               enum field_kind, const struct actor *[INVOLVED_MAX]);

/* TYPE of a block of such a kind; `bits` is the length of networks. */
const char *blocking_type(enum field_kind, unsigned bits);

/* What a block is put on. */
struct watch_subject {
        enum field_kind kind;
        const struct network *network; /* NULL: of another kind */
        uint64_t carrier;              /* 0: not watched */
};

/* A block begins, or is extended: from now on its subject is watched. */
void watching_put(struct engine *, struct incident_case *, const struct watch_subject *,
                  const struct incident_block *);

/* It is not blocked after all: no more is seen of it, nor told of that incident's block.
 */
void watching_drop(struct engine *, struct slice id, uint64_t carrier);

/* Which blocked subjects does it show, and was it refused? After join. */
void watching_record(struct engine *, const struct record *);

/* What was seen of the case's blocks, as far as it is still known. */
void watching_tell(struct engine *, struct incident_case *, struct enforcement *);

/* What the table's key of the transaction at hand is watched as; 0: it is not. */
uint64_t watching_key(struct engine *, const struct table *);

/* Finds the group of a new case, if it is of another than its own, and puts the rule's
 * tags on all who took part. */
void tagging_raised(struct engine *, struct incident_case *);

/*
 * The actor of the transaction at hand takes part, and the rule holds, or does not. When
 * it holds again those who came meanwhile are tagged as well: looking for them costs what
 * a list of participants does (involved.h), so it is done once a minute at most.
 */
void tagging_joined(struct engine *, struct incident_case *, uint32_t actor,
                    int64_t now_ns);
void tagging_apart(struct incident_case *, int64_t now_ns);

/* A signal holds for the actor of the transaction at hand: it gets the tags, if any, and
 * they have no origin. */
void tagging_signal(struct engine *, const struct rule *, uint32_t actor, int64_t now_ns);

/* The transaction is done: what it tagged is seen from the next one on, whatever the
 * order of the rules. */
void tagging_done(struct engine *);
void tagging_free(struct engine *);

/* The session that was set gets the tags of the one that it takes the place of. */
void tagging_follow(struct engine *, const struct record *);

/* Seconds for what keeps them in 32 bits. */
static inline uint32_t seconds_of(int64_t time_ns)
{
        return (uint32_t)(time_ns / NS_PER_SEC);
}

#endif
