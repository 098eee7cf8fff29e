/* SPDX-License-Identifier: MIT */
/*
 * redis_script - the scripts that write to Redis, and the commands that call them.
 *
 * The contract is the Redis chapter of docs/interfaces.md. This file alone knows the
 * names of keys and the order of arguments.
 *
 * Every write of an alert stands in one script, so there are all of them or none. The
 * first write is the one that Redis refuses when it is out of memory, read-only or
 * cannot save; what else could fail is looked at before it.
 */
#ifndef ALERT_REDIS_SCRIPT_PRIV_H
#define ALERT_REDIS_SCRIPT_PRIV_H

#include "alert/alert.h"
#include "base/counters.h"

/* A command as it is put together. Reused: args_begin drops what was there. */
struct redis_args {
        struct buf text;       /* all arguments, one after the other */
        struct buf ends;       /* size_t: where each ends in `text` */
        struct buf argv, lens; /* for hiredis */
};

void args_free(struct redis_args *);
void args_begin(struct redis_args *, const char *command);
void args_add(struct redis_args *, struct slice);
void args_text(struct redis_args *, const char *);
void args_number(struct redis_args *, int64_t);

/* Points into itself; valid until the next args_ call. */
unsigned args_count(const struct redis_args *);
const char **args_argv(struct redis_args *);
const size_t *args_lens(const struct redis_args *);

/*
 * What the publishing script answers: a number; where holds kept blocks away, or are on
 * the subjects of blocks that it names, a list of that number, the id of the incident,
 * its rule, and TYPE:VALUE of each of these blocks.
 */
enum publish_answer {
        PUBLISH_MOVED = -1, /* the cursor is not where the call said: nothing was done */
        PUBLISH_SEEN = 0,   /* this alert was there already: the cursor alone was set */
        PUBLISH_DONE = 1,   /* and each block more where none was running */
};

struct publish_settings {
        const char *prefix, *sensor;
        uint32_t keep;
        int64_t seen_ms;
};

const char *publish_script(void);
const char *publish_sha1(void); /* 40 hex digits */

/*
 * The call that publishes `alert` when the cursor is `expected` (empty: there is none).
 * Blocks that are over at `wall_ns` are left out. `whole`: with the script's text.
 */
void publish_args(struct redis_args *, const struct publish_settings *, bool whole,
                  struct slice expected, const struct alert *alert, int64_t wall_ns);

/* GET cursor:SENSOR */
void cursor_args(struct redis_args *, const struct publish_settings *);

/* Sets sensor:NAME, for `ttl_ms`. */
void heartbeat_args(struct redis_args *, const struct publish_settings *, int64_t ttl_ms,
                    int64_t wall_ns, const struct counters *);

/*
 * Puts a block, which ends a hold; takes one away and puts `hold` for so long (0: none),
 * a block with who and why. The first answers 0, or how many ms a block has left that
 * runs for longer and was not shortened, -1 when it has no end; the second how many
 * blocks there were.
 */
void block_add_args(struct redis_args *, const char *prefix, const struct block *,
                    int64_t ttl_ms, bool shortens);
void block_remove_args(struct redis_args *, const char *prefix, const struct block *hold,
                       int64_t hold_ms);

/* `prefix`:`name` */
void key_put(struct buf *out, const char *prefix, const char *name);

/* What an operator can do about an error of Redis, by its first word; "" if unknown. */
const char *redis_remedy(const char *error);

#endif
