/* SPDX-License-Identifier: MIT */
#include "lang/diag.h"

#define NAME_MAX_LENGTH 48 /* longer ones are no misspelt names */

static uint8_t fold(uint8_t c)
{
        return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

static unsigned least(unsigned a, unsigned b)
{
        return a < b ? a : b;
}

/*
 * Optimal string alignment: insertions, deletions, substitutions and swaps of
 * neighbours cost one each. Letters that differ in case only cost nothing. Three
 * rows of the usual table are enough.
 */
static unsigned distance(struct slice a, struct slice b)
{
        unsigned rows[3][NAME_MAX_LENGTH + 1];
        unsigned *before = rows[0], *above = rows[1], *row = rows[2];

        for (unsigned j = 0; j <= b.len; j++)
                above[j] = j;
        for (unsigned i = 1; i <= a.len; i++) {
                uint8_t c = fold(a.data[i - 1]);
                row[0] = i;
                for (unsigned j = 1; j <= b.len; j++) {
                        uint8_t d = fold(b.data[j - 1]);
                        row[j] = least(above[j - 1] + (c != d),
                                       least(above[j], row[j - 1]) + 1);
                        if (i > 1 && j > 1 && c == fold(b.data[j - 2]) &&
                            fold(a.data[i - 2]) == d)
                                row[j] = least(row[j], before[j - 2] + 1);
                }
                unsigned *oldest = before;
                before = above;
                above = row;
                row = oldest;
        }
        return above[b.len];
}

/* How many edits a name of this length may be away and still be meant. */
static unsigned tolerance(size_t length)
{
        return length < 2 ? 0 : length <= 4 ? 1 : length <= 8 ? 2 : 3;
}

/* `asn` for `client.asn`: the name without the group before its last dot. */
static bool is_last_part(struct slice part, struct slice name)
{
        return name.len > part.len + 1 && name.data[name.len - part.len - 1] == '.' &&
               slice_ends_with(name, part);
}

const char *diag_suggest(struct slice unknown, const char *const *candidates)
{
        unsigned nearest = tolerance(unknown.len) + 1;
        const char *found = NULL, *longer = NULL;

        if (unknown.len == 0 || unknown.len > NAME_MAX_LENGTH)
                return NULL;
        for (; *candidates; candidates++) {
                struct slice name = slice_str(*candidates);
                if (name.len > NAME_MAX_LENGTH)
                        continue;
                if (!longer && is_last_part(unknown, name))
                        longer = *candidates;
                if (name.len >= unknown.len + nearest ||
                    unknown.len >= name.len + nearest)
                        continue; /* further away by its length alone */
                unsigned d = distance(unknown, name);
                if (d < nearest && d < name.len) {
                        nearest = d;
                        found = *candidates;
                }
        }
        return longer && nearest > 1 ? longer : found;
}
