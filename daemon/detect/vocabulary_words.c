/* SPDX-License-Identifier: MIT */
/* What the words of a text tell before it is parsed. */
#include "detect/vocabulary.h"

static bool is_word_byte(uint8_t c, bool first)
{
        bool letter = c == '_' || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');

        return letter || (!first && ((c >= '0' && c <= '9') || c == '.' || c == '-'));
}

static bool is_of_key(struct slice word)
{
        for (const struct field *f = vocabulary_fields(); f->name; f++)
                if (f->kind == FIELD_OF_KEY && slice_is(word, f->name))
                        return true;
        return false;
}

/* Past the string that begins at `at`, or the end. */
static size_t skip_string(struct slice s, size_t at)
{
        return at + 1 + slice_find(slice_from(s, at + 1), s.data[at]) + 1;
}

static struct place place_in(struct slice s, size_t at, struct place place,
                             bool exact_columns)
{
        for (size_t i = 0; exact_columns && i < at; i++)
                place.column += (s.data[i] & 0xc0) != 0x80;
        return place;
}

/* The next bare word at or after *at, which moves past it; false when there is none. */
static bool next_word(struct slice s, size_t *at, struct slice *word)
{
        while (*at < s.len) {
                size_t end = *at;
                if (s.data[*at] == '\'' || s.data[*at] == '"') {
                        *at = skip_string(s, *at);
                        continue;
                }
                while (end < s.len && is_word_byte(s.data[end], end == *at))
                        end++;
                *word = slice_of(s.data + *at, end - *at);
                if (end > *at) {
                        *at = end;
                        return true;
                }
                ++*at;
        }
        return false;
}

void vocabulary_check_plain(struct slice s, struct place place, bool exact_columns,
                            struct diag *diag)
{
        struct slice word;

        for (size_t i = 0; next_word(s, &i, &word);)
                if (is_of_key(word))
                        diag_error(diag, place_in(s, i - word.len, place, exact_columns),
                                   "field '%.*s' is the key's: it can be read in 'when' "
                                   "only, and not inside of a function",
                                   (int)word.len, (const char *)word.data);
}

void vocabulary_check_pages(const struct vocabulary *v, struct slice s,
                            struct place place, bool exact_columns, struct diag *diag)
{
        const struct value_names *pages = site_page_names(v->site);
        struct slice word;

        for (size_t i = 0; next_word(s, &i, &word);) {
                int page = pages->find(pages->context, word);
                if (page <= 0 || site_page_is_defined(v->site, (unsigned)page))
                        continue;
                diag_warning(
                    diag, place_in(s, i - word.len, place, exact_columns),
                    "the site map does not define the page '%.*s': the rule sees none",
                    (int)word.len, (const char *)word.data);
        }
}
