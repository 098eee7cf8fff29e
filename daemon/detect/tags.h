/* SPDX-License-Identifier: MIT */
/*
 * tags - who carries which tag, until when, and which incident put it there.
 *
 * A tag hangs on a carrier (carrier.h). When it is put again, the origin stays, if it has
 * one, and the later end counts; one that ran out is forgotten with its origin.
 *
 *      hash of (carrier, name) -> until, origin
 *
 * At most `max` tags are kept, in blocks of the budget. When there is no room, the hand
 * looks at a few and forgets the least telling: one that ran out, else one that nobody
 * was ever found by, else the one that ends first.
 *
 * Cost: one look-up for tags_find; a few more for a tag that is new. 48 bytes a tag.
 */
#ifndef DETECT_TAGS_H
#define DETECT_TAGS_H

#include "detect/incident.h"
#include "detect/index.h"

struct tag {
        uint64_t hash;
        int64_t until_ns;
        char origin[INCIDENT_ID_MAX]; /* "": a signal put it */
        bool is_found;                /* somebody came back with it */
};

struct tags {
        struct budget *budget;
        uint64_t *evicted; /* counts those that were forgotten before their end */
        struct index index;
        unsigned class;
        uint32_t max, hand;
};

bool tags_init(struct tags *, struct budget *, uint64_t index_bytes, uint32_t max,
               uint64_t *evicted);
void tags_free(struct tags *);

/* Finds its class of the budget again, when the budget's were read back. */
void tags_find_classes(struct tags *);

/* The tag of that name (its keyed hash) on a carrier, or NULL. Valid until tags_put. */
const struct tag *tags_find(struct tags *, uint64_t carrier, uint64_t name,
                            int64_t now_ns);

/* False when there is no room at all. */
bool tags_put(struct tags *, uint64_t carrier, uint64_t name, const char *origin,
              int64_t until_ns, int64_t now_ns);

/* `to` gets what `from` carries of that name, with its origin and its end. */
void tags_carry(struct tags *, uint64_t from, uint64_t to, uint64_t name, int64_t now_ns);

#endif
