/* SPDX-License-Identifier: MIT */
/*
 * pattern - one path template of a site map, compiled.
 *
 *      /in/{target}   /user-{target:int}.html   **.css   /profile?id={target}
 *
 * A template becomes a row of segment matchers; `**` as a segment of its own
 * stands for any number of segments. `**` inside a segment is rewritten first,
 * which keeps one kind of wildcard for each level:
 *
 *      x**   x*, then any segments            **y   any segments, then *y
 *      x**y  the two alternatives x*y and x*, any segments, *y
 *
 * So a match is two nested greedy loops and never backtracks further than to
 * the last wildcard of its level: at most segments x matchers comparisons, for
 * a path of at most PATH_MAX_SEGMENTS.
 *
 * Owns its texts. Immutable after compiling.
 */
#ifndef OBSERVE_PATTERN_H
#define OBSERVE_PATTERN_H

#include "observe/path.h"

struct pattern;

/* What is wrong with a template, and at which byte of it. */
struct pattern_mistake {
        const char *message;
        size_t offset;
};

/* NULL with *mistake set. The result may be a list: see pattern_next. */
struct pattern *pattern_compile(struct slice text, struct pattern_mistake *mistake);

/* Frees the alternatives behind it as well. */
void pattern_free(struct pattern **);

/* The other way to read the same template, or NULL. */
struct pattern *pattern_next(const struct pattern *);

/* The text that the first segment must have; none where it may vary or not be. */
struct slice pattern_first_segment(const struct pattern *);

/* The byte that the last segment must end with; 0 where it may vary or not be. */
uint8_t pattern_last_byte(const struct pattern *);

/* Whether it names what was viewed. */
bool pattern_has_target(const struct pattern *);

/* A target as it stands in the URL, still percent-coded; none without {target}. */
struct pattern_target {
        struct slice raw;
        bool in_query;
};

bool pattern_match(const struct pattern *, const struct path *, struct slice query,
                   struct pattern_target *);

#endif
