/* SPDX-License-Identifier: MIT */
/*
 * yaml - a YAML 1.1 file as a tree that knows where everything stands.
 *
 * Read with libyaml. Strict: duplicate keys, aliases and anchors, tags, several
 * documents, keys that are not scalars and NUL bytes are mistakes. Capped: 4 MiB
 * a file, depth 32, 100 000 nodes. Scalars stay text as written (`no`, `1.10`);
 * whoever wants a number or a truth value asks for one and gets a mistake at
 * the right column when it is none.
 *
 * The tree owns its memory; nodes and their texts live until yaml_free.
 */
#ifndef LANG_YAML_H
#define LANG_YAML_H

#include "lang/diag.h"

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml_node {
        enum yaml_kind kind;
        struct place place; /* of its first character */
        struct slice text;  /* scalars; also ends in a NUL for convenience */
        bool quoted;        /* scalars: '...', "...", | or > */
        /*
         * Scalars on one line: offset 0 of `text` stands at place (a quote is
         * passed over), so an expression's mistake at offset n is at column + n.
         * For block and multi-line scalars positions are those of the scalar.
         */
        bool one_line;
        const char *key; /* in a map: the key it stands under, else NULL */
        struct place key_place;
        struct yaml_node *child; /* first element or value */
        struct yaml_node *next;  /* sibling */
};

struct yaml;

/*
 * Reads a file ("-" is not special). NULL after at least one diag_error: cannot
 * be read, not YAML, or any of the strictness above. An empty file is an empty map.
 */
struct yaml *yaml_read(const char *path, struct diag *);

/* The same from memory; `name` is what places call the file (copied). */
struct yaml *yaml_parse(const char *name, struct slice text, struct diag *);
/* Hidden even where nothing else is: libyaml calls a yaml_free of its own. */
void yaml_free(struct yaml **) __attribute__((visibility("hidden")));
const struct yaml_node *yaml_root(const struct yaml *);

/* The value under `key`, or NULL. */
const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key);

/*
 * Reports each key of `map` that is not in `known` (ends with a NULL), with a
 * suggestion: `unknown key 'sevrity' in a rule (did you mean 'severity'?)`.
 * False when there was one, or when `map` is no map (also reported).
 */
bool yaml_check_keys(const struct yaml_node *map, const char *const *known,
                     const char *what, struct diag *);

/*
 * Typed reads of scalars. Each reports a mistake at the node and returns false.
 * Durations: `30s 10m 1h 7d 500ms`. Sizes: plain, or k M G (powers of 1024) with
 * an optional `B` or `iB`. Truth: true/false/yes/no/on/off, unquoted.
 */
bool yaml_text(const struct yaml_node *, const char *what, struct slice *, struct diag *);
bool yaml_u64(const struct yaml_node *, const char *what, uint64_t min, uint64_t max,
              uint64_t *, struct diag *);
bool yaml_truth(const struct yaml_node *, const char *what, bool *, struct diag *);
bool yaml_duration_ns(const struct yaml_node *, const char *what, int64_t *,
                      struct diag *);
bool yaml_size(const struct yaml_node *, const char *what, uint64_t *, struct diag *);

/* The same readings of bare text, for command lines: false when it is none. */
bool text_duration_ns(struct slice, int64_t *);
bool text_size(struct slice, uint64_t *);

/* The text as a scalar on one line that reads back as the same bytes (valid UTF-8). */
void yaml_put_text(struct slice, struct buf *out);

/* As yaml_duration_ns reads it, in the longest unit that is exact. Not below 0. */
void yaml_put_duration(int64_t ns, struct buf *out);

/*
 * "One or a list": calls `each` for the scalar itself or for every element of a
 * list; another kind is reported.
 */
typedef void yaml_each_fn(void *context, const struct yaml_node *element);
bool yaml_one_or_list(const struct yaml_node *, const char *what, yaml_each_fn *each,
                      void *context, struct diag *);

#endif
