/* SPDX-License-Identifier: MIT */
/*
 * redis_client - a small blocking client for command-line tools.
 *
 * Reads alerts and blocks as others see them, and puts and removes blocks by the
 * same conventions as the daemon (redis_script_priv.h), reached in the same ways
 * (redis_route.h). Not for the daemon: every call waits for its answer, at most as long
 * as its timeout; a Sentinel or Cluster that is just changing is waited for as long.
 */
#ifndef ALERT_REDIS_CLIENT_H
#define ALERT_REDIS_CLIENT_H

#include "alert/block_list.h"
#include "alert/redis_url.h"

struct redis_client;

enum redis_client_result {
        REDIS_CLIENT_OK,
        REDIS_CLIENT_FAILED, /* redis_client_error says why; of no more use before
                                redis_client_again */
};

/* Always a client; it connects when it is used. When it cannot, that call says so. The
   URL is copied. */
struct redis_client *redis_client_new(const struct redis_url *, const char *prefix,
                                      int timeout_ms);
void redis_client_free(struct redis_client **);

/* After a failure: the next call connects anew. Where it followed the stream is kept. */
void redis_client_again(struct redis_client *);

/* A line for people: what failed, where, and the remedy where there is one. */
const char *redis_client_error(const struct redis_client *);

/* Visits the stream from `since_ns` (0: all of it; wall clock of the publication), oldest
   first. */
enum redis_client_result redis_client_alerts(struct redis_client *, int64_t since_ns,
                                             alert_fn *visit, void *context);

/* The same, newest first. A visitor that returns false spares the rest. */
enum redis_client_result redis_client_alerts_back(struct redis_client *, int64_t since_ns,
                                                  alert_fn *visit, void *context);

/* Waits at most `timeout_ms` for alerts after those visited last (by this or by
   redis_client_alerts; at first: from now on) and visits them. */
enum redis_client_result redis_client_follow(struct redis_client *, int timeout_ms,
                                             alert_fn *visit, void *context);

/* Live blocks, those that end first in front. */
enum redis_client_result redis_client_blocks(struct redis_client *, block_fn *visit,
                                             void *context);

/* Who no rule may block for now; `expires_ns` says until when. As above. */
enum redis_client_result redis_client_holds(struct redis_client *, block_fn *visit,
                                            void *context);

/*
 * Puts a block that ends at block->until_ns; replaces one that is there, and a hold. One
 * that runs for longer stays as it is unless `shortens`: *left_ns is then what it has
 * left, less than 0 when that one has no end; else 0.
 */
enum redis_client_result redis_client_block_add(struct redis_client *,
                                                const struct block *, bool shortens,
                                                int64_t *left_ns);

/*
 * Takes the block of hold->type and value away, and keeps rules from blocking that
 * subject from hold->since_ns until hold->until_ns; equal times: only the former.
 * *removed tells whether there was a block.
 */
enum redis_client_result
redis_client_block_remove(struct redis_client *, const struct block *hold, bool *removed);

#endif
