/* SPDX-License-Identifier: MIT */
#include "lang/regex.h"

#include "base/check.h"

#include <stdlib.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#define PATTERN_MAX         4096 /* bytes */
#define PATTERN_NESTING_MAX 32
#define MATCH_HEAP_MAX      1024 /* KiB */

struct regex {
        pcre2_code *code;
        size_t len;
        uint8_t pattern[];
};

struct regex_room {
        pcre2_match_data *data;
        pcre2_match_context *context;
        size_t steps_left; /* of the match that is running */
};

struct regex *regex_new(struct slice pattern, struct regex_mistake *mistake)
{
        pcre2_compile_context *context = pcre2_compile_context_create(NULL);
        const uint8_t *text = pattern.data ? pattern.data : (const uint8_t *)"";
        int error = 0;

        CHECK(context);
        pcre2_set_max_pattern_length(context, PATTERN_MAX);
        pcre2_set_parens_nest_limit(context, PATTERN_NESTING_MAX);
        mistake->offset = 0;
        pcre2_code *code =
            pcre2_compile(text, pattern.len,
                          PCRE2_NEVER_UTF | PCRE2_NEVER_UCP | PCRE2_NEVER_BACKSLASH_C |
                              PCRE2_DOLLAR_ENDONLY | PCRE2_AUTO_CALLOUT,
                          &error, &mistake->offset, context);
        pcre2_compile_context_free(context);
        if (!code) {
                pcre2_get_error_message(error, (uint8_t *)mistake->message,
                                        sizeof(mistake->message));
                return NULL;
        }
        struct regex *regex = malloc(sizeof(*regex) + pattern.len);
        CHECK(regex);
        regex->code = code;
        regex->len = pattern.len;
        memcpy(regex->pattern, text, pattern.len);
        return regex;
}

void regex_free(struct regex **regex)
{
        if (*regex)
                pcre2_code_free((*regex)->code);
        free(*regex);
        *regex = NULL;
}

struct slice regex_pattern(const struct regex *regex)
{
        return slice_of(regex->pattern, regex->len);
}

/* Counts every item of a pattern that is tried, and ends the match when it is enough. */
static int count_step(pcre2_callout_block *block, void *context)
{
        struct regex_room *room = context;

        (void)block;
        return room->steps_left-- ? 0 : PCRE2_ERROR_CALLOUT;
}

/*
 * PCRE2's own match limit begins anew at each place of the text and does not
 * see the work of x*y*: a pattern of three such parts takes ten seconds for 4 KB
 * under it. Counting at every item (PCRE2_AUTO_CALLOUT) bounds the whole match,
 * 8 ms at the worst found, and makes a common one half slower.
 */
struct regex_room *regex_room_new(void)
{
        struct regex_room *room = calloc(1, sizeof(*room));

        CHECK(room);
        room->data = pcre2_match_data_create(1, NULL);
        room->context = pcre2_match_context_create(NULL);
        CHECK(room->data && room->context);
        pcre2_set_match_limit(room->context, REGEX_STEPS);
        pcre2_set_depth_limit(room->context, REGEX_STEPS);
        pcre2_set_heap_limit(room->context, MATCH_HEAP_MAX);
        pcre2_set_callout(room->context, count_step, room);
        return room;
}

void regex_room_free(struct regex_room **room)
{
        if (*room) {
                pcre2_match_data_free((*room)->data);
                pcre2_match_context_free((*room)->context);
        }
        free(*room);
        *room = NULL;
}

enum regex_result regex_match(const struct regex *regex, struct regex_room *room,
                              struct slice text, struct slice *found)
{
        const uint8_t *bytes = text.data ? text.data : (const uint8_t *)"";

        room->steps_left = REGEX_STEPS + text.len;
        int result =
            pcre2_match(regex->code, bytes, text.len, 0, 0, room->data, room->context);
        if (result < 0)
                return result < PCRE2_ERROR_PARTIAL ? REGEX_LIMIT : REGEX_NO;
        if (found) {
                const PCRE2_SIZE *span = pcre2_get_ovector_pointer(room->data);
                *found = slice_of(bytes + span[0], span[1] - span[0]);
        }
        return REGEX_YES;
}
