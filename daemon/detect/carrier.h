/* SPDX-License-Identifier: MIT */
/*
 * carrier - what a tag hangs on: one value of one kind, as a keyed hash.
 *
 * An address and a host of one address are the same carrier, a session and the session
 * that a request came with are too. The raw value is hashed, never its pseudonym, so
 * that what was seen in a response is found again in the requests that follow.
 */
#ifndef DETECT_CARRIER_H
#define DETECT_CARRIER_H

#include "detect/actors.h"
#include "detect/vocabulary.h"

/* Whether values of that kind can carry tags. */
bool carrier_is_kind(enum field_kind);

/* Whether a tag that is put on `put` can be found on `read`. */
bool carrier_is_same_kind(enum field_kind put, enum field_kind read);

/* The value of a field of that kind; it is not missing. Never 0. */
uint64_t carrier_of_value(const struct hash_key *, enum field_kind, const struct value *);

/* A session or an account; 0 for none. */
uint64_t carrier_of_text(const struct hash_key *, enum participant_kind,
                         struct slice raw);

/* What the actor shows of that kind; 0: nothing. */
uint64_t carrier_of_actor(const struct actors *, enum field_kind, const struct actor *);

#endif
