/* SPDX-License-Identifier: MIT */
/*
 * block_list - what people call a block, and the live ones as the journal knows them.
 *
 * Redis is the truth about blocks where there is one (redis_client.h). Without it
 * the blocks that the journal's alerts put and whose end is still to come are listed.
 */
#ifndef ALERT_BLOCK_LIST_H
#define ALERT_BLOCK_LIST_H

#include "alert/alert.h"
#include "alert/journal_cursor.h"

#define BLOCK_TYPE_MAX  16
#define BLOCK_VALUE_MAX 257

/* A block of a list. */
struct block_entry {
        struct slice type, value;
        int64_t expires_ns;
        struct slice json; /* as block_json writes it */
};

typedef bool block_fn(void *context, const struct block_entry *); /* false stops */

/*
 * "203.0.113.9" is an ip, "203.0.113.0/24" a prefix; else TYPE:VALUE. Addresses come
 * out as RFC 5952 writes them. NULL when it is good, else what is wrong (a static text).
 */
const char *block_subject_parse(struct slice text, char type[BLOCK_TYPE_MAX],
                                char value[BLOCK_VALUE_MAX]);

/* Visits blocks of the journal that are live at `now_ns`, those that end first in front.
 */
enum journal_result blocks_of_journal(const char *directory, int64_t now_ns,
                                      block_fn *visit, void *context);

#endif
