/* SPDX-License-Identifier: MIT */
/*
 * message - which blocks a message of the channel is about.
 *
 * An alert names them in trawlwatch.block and trawlwatch.blocks, a change by people in
 * trawlwatch.block. They are hints where to look: what is so stands in the sorted set,
 * and a message may be old, or name a block that a hold has kept from being put.
 */
#ifndef ENFORCE_MESSAGE_H
#define ENFORCE_MESSAGE_H

#include "base/slice.h"

/* A member of the sorted set, TYPE:VALUE; borrowed for the call. */
typedef void message_fn(void *context, struct slice member);

/*
 * False when the message is not what the contract says; what it names besides is visited.
 * Costs a search for `"block` where it names none.
 */
bool message_blocks(struct slice text, message_fn *visit, void *context);

#endif
