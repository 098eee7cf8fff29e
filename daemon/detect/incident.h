/* SPDX-License-Identifier: MIT */
/*
 * incident - what the engine tells the layer above: a rule holds for a key.
 *
 * An incident is raised once, updated every `again` while it holds, and ended
 * when it has not held for the rule's longest window. All carry one id. The
 * struct and everything it points to is borrowed for the call.
 */
#ifndef DETECT_INCIDENT_H
#define DETECT_INCIDENT_H

#include "base/ip.h"

#define INCIDENT_ID_MAX   27 /* 26 characters of Crockford base 32 and a NUL */
#define INCIDENT_SAMPLES  5
#define INCIDENT_INVOLVED 100 /* values that are named, of each kind */

enum severity {
        SEVERITY_INFO,
        SEVERITY_LOW,
        SEVERITY_MEDIUM,
        SEVERITY_HIGH,
        SEVERITY_CRITICAL
};
enum incident_action { INCIDENT_RAISED, INCIDENT_UPDATED, INCIDENT_ENDED };

/* In the order in which alerts list them; names as in `involved`. */
enum participant_kind {
        PARTICIPANT_CLIENT_IP,
        PARTICIPANT_CLIENT_PREFIX,
        PARTICIPANT_SESSION,
        PARTICIPANT_ACCOUNT,
        PARTICIPANT_TLS_JA4,
        PARTICIPANT_HTTP_SHAPE,
        PARTICIPANT_EMAIL_DOMAIN,
        PARTICIPANT_EMAIL_SKELETON,
        PARTICIPANT_KINDS
};

struct incident_evidence {
        const char *expression; /* canonical text of the aggregate */
        double value;           /* durations in seconds */
        bool missing;
        bool is_lower_bound; /* some of the window's visitors were not looked at */
};

struct incident_involved {
        uint64_t total; /* different values */
        bool at_least;  /* more than could be counted: total is a lower bound */
        unsigned count;
        struct slice values[INCIDENT_INVOLVED]; /* busiest first; sessions and accounts
                                                   are pseudonyms already */
};

/* What may be put on a block list. `type` is ip, prefix, session, account, ja4, shape. */
struct incident_block {
        const char *type;
        struct slice value;
        int64_t since_ns, until_ns;
        unsigned level; /* rung of the ladder, from 1 */
};

/* A block that an event put, and that nobody has: a person holds its subject off. */
struct block_held {
        struct slice id, rule; /* of the incident */
        struct slice type, value;
};

typedef void block_held_fn(void *context, const struct block_held *);

/* What was seen of a block (watch.h); the worst stands first. */
enum block_state { BLOCK_IGNORED, BLOCK_REFUSED, BLOCK_SILENT, BLOCK_STATES };

struct enforcement {
        bool is_known; /* else nothing of it is: there was no block, or nobody looks */
        enum block_state state;
        uint64_t requests, refused; /* requests and attempts to connect */
        int64_t first_refusal_ms;   /* from the block on; -1: none */
};

struct incident {
        char id[INCIDENT_ID_MAX];
        char group[INCIDENT_ID_MAX]; /* id of the first of its group, mostly its own */
        enum incident_action action;
        uint32_t n; /* 0 when raised, then one more with each event */
        int64_t time_ns, start_ns, last_ns;
        const char *rule, *description;
        const char *const *references; /* ends with a NULL */
        enum severity severity;
        bool dry_run;
        const char *subject_type; /* "client.host", "session|client.prefix", "all" */
        struct slice subject;     /* as published */
        unsigned evidence_count;
        const struct incident_evidence *evidence;
        uint64_t served_targets, served_bytes;
        const struct incident_involved *involved; /* PARTICIPANT_KINDS of them */
        unsigned sample_count;
        struct slice samples[INCIDENT_SAMPLES];
        double missed;
        unsigned block_count; /* blocks put with this event, or still running */
        bool blocks_are_new;
        const struct incident_block *blocks;
        struct enforcement enforcement; /* of all blocks that it put, together */
};

typedef void incident_fn(void *context, const struct incident *);

const char *severity_name(enum severity);
unsigned severity_number(enum severity); /* event.severity: 1 21 47 73 99 */
bool severity_parse(struct slice name, enum severity *);
const char *incident_action_name(enum incident_action);
const char *participant_name(enum participant_kind);
const char *block_state_name(enum block_state); /* NULL past the last one */

#endif
