/* SPDX-License-Identifier: MIT */
/*
 * agent - what each User-Agent says it is, worked out once for each text.
 *
 * A cache before agent_list. Texts are known by a keyed 64-bit hash and their
 * length, not kept: two texts would have to agree in all of that to be taken for one
 * another, which for 16 384 texts and a key that traffic does not know happens once in
 * 10^18 look-ups, and then costs one wrong answer.
 *
 * Sets of AGENT_WAYS entries. In a full set the one that was not asked for since the
 * hand last passed goes (second chance), so texts that are seen once do not drive out
 * what repeats. 17 bytes an entry. Cost of a remembered one: the hash, 30 ns for 135
 * bytes, and one line of memory.
 */
#ifndef OBSERVE_AGENT_H
#define OBSERVE_AGENT_H

#include "base/hash.h"
#include "observe/agent_list.h"

#define AGENT_WAYS 8

struct agents;

/*
 * `list` and `counters` are borrowed. Remembers `capacity` texts, rounded up to a
 * multiple of AGENT_WAYS. NULL when there is no memory.
 */
struct agents *agents_new(const struct agent_list *list, const struct hash_key *key,
                          uint32_t capacity, struct counters *counters);
void agents_free(struct agents **);

/* The same as agent_list_classify. No text has no family. */
struct agent agents_find(struct agents *, struct slice text);

/* Name of its family; none when it is not known. */
struct slice agents_family(const struct agents *, struct agent);

/* Its version, as it stands in the text it was found for. */
struct slice agent_version(struct agent, struct slice text);

#endif
