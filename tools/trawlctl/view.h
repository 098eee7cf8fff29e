/* SPDX-License-Identifier: MIT */
/*
 * view - what people want to see of an alert's JSON.
 *
 * The only user of jansson. Its names begin like those of base/json.h, which
 * writes: no file includes both. All texts belong to the view; what the JSON
 * lacks is an empty text.
 */
#ifndef TRAWLCTL_VIEW_H
#define TRAWLCTL_VIEW_H

#include "base/buf.h"

struct view_evidence {
        char *expression, *value;
};

struct view_involved {
        char *kind;
        uint64_t total;
        unsigned count;
        char **values;
};

struct view {
        char *time, *start; /* 2026-11-23 11:00:00 */
        char *action, *severity;
        char *rule, *description, *references;
        char *subject_type, *subject;
        char *group; /* id of the first of its group; empty in older alerts */
        bool dry_run;
        unsigned evidence_count;
        struct view_evidence *evidence;
        uint64_t served_targets, served_bytes;
        unsigned involved_count;
        struct view_involved *involved;
        unsigned sample_count;
        char **samples;
        double missed;
        char *block_type, *block_value, *block_until; /* empty: no block */
        uint64_t block_level;
        char *block_state; /* silent, refused, ignored; empty: not known */
        uint64_t block_requests, block_refused;
        int64_t first_refusal_ms; /* -1: none */
};

/* NULL when the line is not JSON. */
struct view *view_of(struct slice json);
void view_free(struct view **);

/* `distinct(target, 10m) 131, count(10m) 133` */
void view_put_evidence(const struct view *, struct buf *out);

/*
 * The subject in a few words: `203.0.113.9`, and `session 7918a6e4bea4...` for the
 * hash that stands for a session or an account (whole in show and in the JSON).
 */
void view_put_subject(const struct view *, struct buf *out);

/* True when `value` is the subject, a part of it, or among the involved. */
bool view_mentions(const struct view *, const char *value);

/* The value of a block key. */
struct block_view {
        char *rule, *id, *why;
        uint64_t level;
        int64_t since_ns; /* 0: not known */
};

void block_view_of(struct slice json, struct block_view *);
void block_view_free(struct block_view *);

#endif
