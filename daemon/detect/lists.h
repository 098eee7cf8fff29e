/* SPDX-License-Identifier: MIT */
/*
 * lists - the `lists:` of rule files: what `field in @name` looks into.
 *
 * What a list holds is up to the field that looks into it: every list is one of
 * texts; one whose items are all numbers, or all addresses and networks, is that as
 * well. An empty one is all three. Whether items stand in quotes does not matter.
 *
 * Sorted once, searched by halving; networks once for each prefix length that
 * occurs. Cost: 16 bytes and the text for an item, 8 more for a number, 17 for a
 * network.
 */
#ifndef DETECT_LISTS_H
#define DETECT_LISTS_H

#include "base/arena.h"
#include "lang/expr.h"
#include "lang/yaml.h"

struct list;

struct lists {
        struct arena arena;
        const struct value_list **all; /* ends with a NULL */
        unsigned count, capacity;
};

/* Reads one file's `lists:` map and adds to `lists`; `path` is that of the rule file. */
void lists_read(struct lists *, const struct yaml_node *map, const char *path,
                struct diag *);

/* What expressions get; valid until the next lists_read. Never NULL. */
const struct value_list *const *lists_all(const struct lists *);
void lists_free(struct lists *);

/* `lists:` with all of them, as a rule file has it; nothing when there are none. */
void lists_print(const struct lists *, struct buf *out);

#endif
