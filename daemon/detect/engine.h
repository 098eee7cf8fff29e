/* SPDX-License-Identifier: MIT */
/*
 * engine - records go in, incidents come out.
 *
 * Holds the key tables of all rules, their windows and the open incidents.
 * Reads no clock: time is that of the records (end_ns) and of engine_advance.
 * A record that is older than the newest one seen counts in the pane it
 * belongs to as long as that is kept.
 *
 * Cost: one look-up for each key table whose rules look at the record.
 */
#ifndef DETECT_ENGINE_H
#define DETECT_ENGINE_H

#include "base/counters.h"
#include "base/hash.h"
#include "detect/block_limit.h"
#include "detect/incident.h"
#include "detect/outside.h"
#include "detect/rules.h"
#include "detect/told.h"
#include "observe/record.h"

struct engine;
struct hello; /* tls/hello.h */

#define WATCH_STATUSES 16

/* Those who are blocked: does the block work? (watch.h) */
struct watch_options {
        int64_t after_ns; /* who is served later than that ignores it; 0: nobody looks */
        bool raises; /* an alert of its own then: blocks reach who may enforce them */
        uint16_t refused_status[WATCH_STATUSES];
        unsigned refused_count;
};

struct engine_options {
        const struct rules *rules; /* borrowed */
        const struct site *site;   /* borrowed */
        struct hash_key hash_key;
        uint8_t id_key[32];  /* incident ids: HMAC-SHA-256 under this key */
        uint64_t memory_max; /* bytes for all tables and sketches (limits.detect) */
        uint32_t incidents_max;
        uint32_t hellos_max;            /* ClientHellos that are remembered */
        int64_t hello_join_ns;          /* how long one speaks for its address */
        struct outside_sources outside; /* what its pointers name is borrowed */
        struct watch_options watch;
        struct block_limits block_limits; /* all zero: there are none */
        pseudonym_fn *pseudonym;
        void *pseudonym_context;
        incident_fn *incident;
        void *incident_context;
        struct counters *counters;
};

/* NULL when the memory cannot be had. */
struct engine *engine_new(const struct engine_options *);
void engine_free(struct engine **);

/*
 * Records in the order in which they are counted. Many at once are the same as one after
 * the other, and faster: their memory is waited for together (ahead.h).
 */
void engine_records(struct engine *, const struct record *const records[],
                    unsigned count);
void engine_record(struct engine *, const struct record *);

/*
 * Goes on with other rules and another site map, whose page numbers and sessions the next
 * records have. Windows, sets and incidents whose expressions are unchanged go on (see
 * carry.h). The old rules may be freed afterwards. False, and nothing has changed, when
 * there is no memory.
 */
bool engine_swap_rules(struct engine *, const struct rules *, const struct site *);

/* Looks into other databases and ranges from the next record on; they are borrowed. */
void engine_set_outside(struct engine *, const struct outside_sources *);

/*
 * That client tried to connect, first at `time_ns`, and got no answer or a refusal. Only
 * of those whose address is the visitor's.
 */
void engine_unanswered(struct engine *, const struct ip *client, int64_t time_ns);

/*
 * For an engine that goes on from a snapshot: what was told since then. The next event of
 * an incident takes the number after that; one that has ended is over, and nothing more
 * is told of it. Those that are open are marked in it.
 */
void engine_catch_up(struct engine *, struct told *);

/*
 * Then, for each of the others that has not ended: its last event. The rule that holds
 * for the same subject again goes on with it (orphans.h); one of the daemon's own is open
 * at once. What cannot be kept is counted as incidents_dropped.
 */
void engine_adopt(struct engine *, const struct told_incident *, int64_t now_ns);

/*
 * Then, for each block that was put since: the next one takes the rung after it, and none
 * is put while it runs. Oldest first. One that is known already changes nothing.
 */
void engine_recall_block(struct engine *, const struct told_block *);

/*
 * A block that an incident put did not come about, or a person took it away since; `held`
 * may name an alert of the daemon's own that it is ignored. From its next event on the
 * incident does not name it, nobody watches it, and an alert that it is ignored ends. It
 * is not put again before its time is over: a hold would only keep it away again.
 */
void engine_block_held(struct engine *, const struct block_held *);

/* Other options for the watch, from now on. */
void engine_watch(struct engine *, const struct watch_options *);

/* Other limits for blocks, from now on. */
void engine_limit_blocks(struct engine *, const struct block_limits *);

/* A client said hello outside, on a connection that began with that SYN (or none was
   seen, or it is QUIC); the requests inside are joined to it. */
void engine_hello(struct engine *, const struct hello *, const struct tcp_shape *syn);

/* JA4 of the client that sent it, or none. Valid until the next hello. */
struct slice engine_ja4(const struct engine *, const struct record *);

/* Time of the newest record, or what engine_advance was told; -1 before both. */
int64_t engine_now(const struct engine *);
/*
 * Whether a rule of that name let the last record through `where` and found its key in
 * it. For tests of rules; that record has to be there still, and no other after it.
 */
bool engine_looked(struct engine *, const char *rule);

/* Time has passed without records: incidents are updated and ended. */
void engine_advance(struct engine *, int64_t now_ns);

/* The input is over: every open incident is ended, so that its totals are final. */
void engine_finish(struct engine *);

/*
 * Around `now_ns` not all visitors were looked at; records say so as well (sample_shift).
 */
void engine_sampled(struct engine *, int64_t now_ns);

/*
 * What a rule did since it was taken up; a reload that keeps its name and key keeps
 * these too. A rule with `per_each` is one for each key. The texts are those of the
 * rules.
 */
struct rule_usage {
        const char *name, *per;
        uint64_t
            matched; /* transactions that it looked at: `where` held, the key is there */
        uint64_t held;    /* of them, those for which `when` held too */
        uint64_t raised;  /* incidents that were raised */
        uint64_t dry_run; /* the same, while its mode was dry-run */
};

/* False past the last rule. */
bool engine_rule_usage(const struct engine *, unsigned rule, struct rule_usage *);

/* Keys of one kind. `bytes`: of their entries and the index, without the sets and lists
 * that hang on them, which are of the budget alone. */
struct table_usage {
        const char *per;
        uint64_t keys, bytes;
        uint64_t evicted; /* keys forgotten for want of memory, since it was taken up */
};

/* False past the last table. */
bool engine_table_usage(const struct engine *, unsigned table, struct table_usage *);

struct engine_usage {
        uint64_t memory, memory_max; /* bytes of limits.detect */
        uint32_t incidents, incidents_max;
};

void engine_usage(const struct engine *, struct engine_usage *);

/*
 * What the sensor missed: `share` of the traffic around `now_ns` (0..1), from
 * gaps and drops. Alerts carry the mean over their window.
 */
void engine_missed(struct engine *, int64_t now_ns, double share);

#endif
