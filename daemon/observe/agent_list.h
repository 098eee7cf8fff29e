/* SPDX-License-Identifier: MIT */
/*
 * agent_list - what a User-Agent says it is: bot or not, family, version.
 *
 * A file lists the declared crawlers, libraries and tools, one a line: pattern,
 * tab, family. Patterns that are plain texts (1464 of the shipped 1500) and the
 * tokens of agent_product.h are looked for in one pass (automaton.h); each of the
 * others is tried only where the longest plain part of it was found, under the
 * bound of lang/regex.h.
 *
 * A text that a listed pattern matches is claimed to be a bot, and of its family:
 * of several patterns the one that matched most counts, then the first of the list.
 * Else the family is that of the first product that is there. The version is the
 * major[.minor] behind the name, as it stands.
 *
 * Only the first AGENT_TEXT_MAX bytes of a text are looked at. Immutable once read.
 * Cost: 0.7 us for a browser's 135 bytes; agent.h remembers the answers.
 */
#ifndef OBSERVE_AGENT_LIST_H
#define OBSERVE_AGENT_LIST_H

#include "base/counters.h"
#include "base/slice.h"
#include "lang/diag.h"

#define AGENT_TEXT_MAX   1024
#define AGENT_FAMILY_MAX 64 /* bytes of a family's name: [a-z0-9][a-z0-9._-]* */

struct agent_list;

/* The answer for one text; the version is a part of it. */
struct agent {
        uint16_t family; /* for agent_list_family; 0: not known */
        uint16_t version_at;
        uint8_t version_len; /* 0: none */
        bool is_bot;
};

/* NULL after at least one diag_error. */
struct agent_list *agent_list_read(const char *path, struct diag *);
struct agent_list *agent_list_parse(const char *name, struct slice text, struct diag *);
void agent_list_free(struct agent_list **);

/* How many patterns were listed. */
unsigned agent_list_count(const struct agent_list *);

/* How many of them have no plain part, and are tried on every text. */
unsigned agent_list_unfiltered(const struct agent_list *);

struct agent agent_list_classify(const struct agent_list *, struct slice text,
                                 struct counters *);

/* Lives as long as the list; none for 0. */
struct slice agent_list_family(const struct agent_list *, uint16_t family);

#endif
