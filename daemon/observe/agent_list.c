/* SPDX-License-Identifier: MIT */
#include "observe/agent_list.h"

#include "base/arena.h"
#include "base/check.h"
#include "lang/regex.h"
#include "observe/agent_product.h"
#include "observe/automaton.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define LIST_FILE_MAX (4U << 20)
#define REGEXES_MAX   64 /* bits of a word */
#define VERSION_MAX   15 /* bytes */

/* Of a list of patterns as long as its limits allow. */
#define PATTERNS_MAX (AUTOMATON_LITERALS_MAX - AGENT_PRODUCTS_MAX)

/* What a literal of the automaton is to us. */
enum meaning { MEANS_PRODUCT, MEANS_CRAWLER, MEANS_REGEX };

struct meant {
        enum meaning meaning;
        uint16_t number; /* product, crawler, or regex */
        uint16_t len;    /* of the literal */
};

struct crawler_regex {
        struct regex *regex;
        uint16_t crawler;
};

/* Rows of agent_products, a bit each. */
typedef unsigned __int128 product_set;

static inline product_set set_of(unsigned row)
{
        return (product_set)1 << row;
}

static inline unsigned first_of(product_set set)
{
        uint64_t low = (uint64_t)set;

        return low ? (unsigned)__builtin_ctzll(low)
                   : 64 + (unsigned)__builtin_ctzll((uint64_t)(set >> 64));
}

/* Of a product, what its row names by text. */
struct product_links {
        product_set needs; /* bits that must all be there */
        uint8_t version;
};

struct agent_list {
        struct arena arena;
        unsigned products, crawlers, regexes, literals;
        struct slice *families; /* by number: [0] none, crawlers, then products */
        struct slice *texts;    /* the automaton's literals, while building */
        struct meant *meanings; /* of each literal */
        struct crawler_regex regex[REGEXES_MAX];
        uint64_t unfiltered; /* regexes without a plain part: always tried */
        struct product_links links[AGENT_PRODUCTS_MAX];
        struct regex_room *room;
        struct automaton *automaton;
};

/* ---- patterns ---- */

static bool is_alnum(uint8_t c)
{
        uint8_t letter = c | 0x20;

        return (letter >= 'a' && letter <= 'z') || (c >= '0' && c <= '9');
}

static bool is_one_of(uint8_t c, const char *set)
{
        return c && strchr(set, c);
}

/*
 * Takes the next plain byte of a pattern, a backslash before a sign with it. False
 * where it is anything else, or may be left out or repeated.
 */
static bool plain_byte(struct slice pattern, size_t *at, uint8_t *byte)
{
        size_t next = *at;
        bool escaped = pattern.data[next] == '\\';

        next += escaped;
        if (next == pattern.len)
                return false;
        *byte = pattern.data[next++];
        if (escaped ? is_alnum(*byte) : is_one_of(*byte, ".[](){}*+?|^$"))
                return false;
        if (next < pattern.len && is_one_of(pattern.data[next], "*?{+"))
                return false;
        *at = next;
        return true;
}

/* The pattern as the plain text that it is; none where it is not. */
static struct slice plain_text(struct arena *arena, struct slice pattern)
{
        uint8_t *text = arena_take(arena, pattern.len + 1);
        size_t len = 0;

        for (size_t at = 0; at < pattern.len; len++)
                if (!plain_byte(pattern, &at, &text[len]))
                        return slice_none();
        return slice_of(text, len);
}

/* Past the class that begins at `at`: "[^]x]" holds a bracket. */
static size_t class_end(struct slice pattern, size_t at)
{
        at++;
        at += at < pattern.len && pattern.data[at] == '^';
        at += at < pattern.len && pattern.data[at] == ']';
        for (; at < pattern.len && pattern.data[at] != ']'; at++)
                at += pattern.data[at] == '\\';
        return at + 1;
}

/* "{2}", "{2,}", "{2,5}". Any other brace is a plain one to PCRE2, or will not be. */
static bool is_repeat(struct slice rest)
{
        size_t at = 1;

        if (rest.len < 2 || rest.data[1] < '0' || rest.data[1] > '9')
                return false;
        while (at < rest.len && is_one_of(rest.data[at], "0123456789,"))
                at++;
        return at < rest.len && rest.data[at] == '}';
}

/*
 * Whether something begins at `at` whose end or meaning takes more than this file to
 * tell: an option, a class of classes, an escape that goes on.
 */
static bool is_obscure(struct slice pattern, size_t at)
{
        struct slice rest = slice_from(pattern, at);
        uint8_t next = rest.len > 1 ? rest.data[1] : 0;

        switch (rest.data[0]) {
        case '(':
                return is_one_of(next, "?*");
        case '{':
                return !is_repeat(rest);
        case '[': /* of a class's bytes only */
                rest = slice_first(rest, class_end(pattern, at) - at);
                return slice_find(rest, ':') < rest.len;
        case '\\':
                return is_alnum(next) && !is_one_of(next, "dDsSwWbB");
        default:
                return false;
        }
}

/* Past what is not plain: an escape, a class, a sign with what it repeats. */
static size_t pass_special(struct slice pattern, size_t at, unsigned *depth)
{
        switch (pattern.data[at]) {
        case '[':
                return class_end(pattern, at);
        case '(':
                ++*depth;
                return at + 1;
        case ')':
                *depth -= *depth > 0;
                return at + 1;
        case '{': {
                size_t end = slice_find(slice_from(pattern, at), '}');
                return at + end + 1;
        }
        case '\\':
                return at + 2;
        default:
                return at + 1;
        }
}

/*
 * The longest plain text that every match must have, outside of parentheses; none
 * where there may be none, as in patterns with an alternative at the top.
 */
static struct slice plain_part(struct arena *arena, struct slice pattern)
{
        uint8_t *run = arena_take(arena, pattern.len + 1);
        struct slice best = slice_none();
        size_t len = 0;
        unsigned depth = 0;

        for (size_t at = 0; at < pattern.len;) {
                if (depth == 0 && plain_byte(pattern, &at, &run[len])) {
                        len++;
                        if (len > best.len)
                                best = slice_of(run, len);
                        continue;
                }
                if ((pattern.data[at] == '|' && depth == 0) || is_obscure(pattern, at))
                        return slice_none();
                at = pass_special(pattern, at, &depth);
                run += len; /* the best one stays where it is */
                len = 0;
        }
        return best;
}

/* ---- building ---- */

static void add_literal(struct agent_list *l, struct slice text, enum meaning meaning,
                        unsigned number)
{
        l->texts[l->literals] = text;
        l->meanings[l->literals++] =
            (struct meant){ meaning, (uint16_t)number, (uint16_t)text.len };
}

static bool add_regex(struct agent_list *l, struct slice pattern, unsigned crawler,
                      struct place place, struct diag *diag)
{
        struct regex_mistake mistake;
        struct slice part = plain_part(&l->arena, pattern);

        if (l->regexes == REGEXES_MAX) {
                diag_error(diag, place,
                           "more than %d patterns that are no plain texts: write plain "
                           "ones, one a line",
                           REGEXES_MAX);
                return false;
        }
        struct regex *regex = regex_new(pattern, &mistake);
        if (!regex) {
                place.column += (unsigned)mistake.offset;
                diag_error(diag, place, "in the regular expression: %s", mistake.message);
                return false;
        }
        l->regex[l->regexes] = (struct crawler_regex){ regex, (uint16_t)crawler };
        if (part.len)
                add_literal(l, part, MEANS_REGEX, l->regexes);
        else
                l->unfiltered |= UINT64_C(1) << l->regexes;
        l->regexes++;
        return true;
}

static bool is_family(struct slice name)
{
        if (name.len == 0 || name.len > AGENT_FAMILY_MAX || !is_alnum(name.data[0]))
                return false;
        for (size_t i = 0; i < name.len; i++) {
                uint8_t c = name.data[i];
                if (!(is_alnum(c) && !(c >= 'A' && c <= 'Z')) && c != '.' && c != '_' &&
                    c != '-')
                        return false;
        }
        return true;
}

static void read_line(struct agent_list *l, struct slice line, struct place place,
                      struct diag *diag)
{
        struct slice pattern = slice_first(line, slice_find(line, '\t'));
        struct slice family = slice_trim(slice_from(line, pattern.len + 1));

        if (pattern.len == 0 || pattern.len == line.len) {
                diag_error(diag, place, "a line is a pattern, a tab and a family's name");
                return;
        }
        if (!is_family(family)) {
                place.column += (unsigned)pattern.len + 1;
                diag_error(diag, place,
                           "a family's name is 1 to %d of a-z 0-9 . _ - and begins with "
                           "a letter or a digit",
                           AGENT_FAMILY_MAX);
                return;
        }
        if (l->crawlers == PATTERNS_MAX) {
                diag_error(diag, place, "more than %d patterns", PATTERNS_MAX);
                return;
        }
        struct slice text = plain_text(&l->arena, pattern);
        l->families[l->crawlers + 1] = arena_copy(&l->arena, family);
        if (text.data)
                add_literal(l, text, MEANS_CRAWLER, l->crawlers);
        else if (!add_regex(l, pattern, l->crawlers, place, diag))
                return;
        l->crawlers++;
}

static unsigned count_lines(struct slice text)
{
        struct slice line;
        unsigned count = 0;

        while (slice_next(&text, '\n', &line))
                count++;
        return count;
}

static void read_lines(struct agent_list *l, const char *name, struct slice text,
                       struct diag *diag)
{
        struct place place = { name, 0, 1 };
        struct slice line;

        while (slice_next(&text, '\n', &line)) {
                place.line++;
                if (line.len && line.data[line.len - 1] == '\r')
                        line.len--;
                if (line.len && line.data[0] != '#')
                        read_line(l, line, place, diag);
        }
}

/* The row of a token; the table is ours. */
static unsigned product_of(const char *token)
{
        unsigned i = 0;

        while (agent_products[i].token && strcmp(agent_products[i].token, token) != 0)
                i++;
        CHECK(agent_products[i].token);
        return i;
}

static void add_products(struct agent_list *l)
{
        for (const struct agent_product *p = agent_products; p->token; p++) {
                unsigned i = l->products++;
                struct product_links *links = &l->links[i];
                l->families[l->crawlers + 1 + i] = slice_str(p->family);
                links->needs = set_of(i);
                if (p->needs)
                        links->needs |= set_of(product_of(p->needs));
                links->version = (uint8_t)(p->version ? product_of(p->version) : i);
                add_literal(l, slice_str(p->token), MEANS_PRODUCT, i);
        }
}

struct agent_list *agent_list_parse(const char *name, struct slice text,
                                    struct diag *diag)
{
        struct agent_list *l = calloc(1, sizeof(*l));
        unsigned room = count_lines(text) + AGENT_PRODUCTS_MAX + 1;
        unsigned before = diag_errors(diag);

        CHECK(l);
        l->families = calloc(room, sizeof(*l->families));
        l->texts = calloc(room, sizeof(*l->texts));
        l->meanings = calloc(room, sizeof(*l->meanings));
        CHECK(l->families && l->texts && l->meanings);
        l->room = regex_room_new();
        read_lines(l, name, text, diag);
        add_products(l);
        if (diag_errors(diag) == before) {
                l->automaton = automaton_new(l->texts, l->literals);
                if (!l->automaton)
                        diag_error(diag, (struct place){ .file = name },
                                   "the patterns are longer than %d bytes together",
                                   AUTOMATON_STATES_MAX);
        }
        free(l->texts);
        l->texts = NULL;
        if (!l->automaton)
                agent_list_free(&l);
        return l;
}

struct agent_list *agent_list_read(const char *path, struct diag *diag)
{
        struct place place = { .file = path };
        FILE *file = fopen(path, "re");
        char *text = malloc(LIST_FILE_MAX + 1);
        struct agent_list *l = NULL;
        size_t len = 0;

        CHECK(text);
        if (file)
                len = fread(text, 1, LIST_FILE_MAX + 1, file);
        if (!file || ferror(file))
                diag_error(diag, place, "cannot be read: %s", strerror(errno));
        else if (len > LIST_FILE_MAX)
                diag_error(diag, place, "is larger than %u MiB", LIST_FILE_MAX >> 20);
        else
                l = agent_list_parse(path, slice_of(text, len), diag);
        if (file)
                fclose(file);
        free(text);
        return l;
}

void agent_list_free(struct agent_list **list)
{
        struct agent_list *l = *list;

        if (!l)
                return;
        for (unsigned i = 0; i < l->regexes; i++)
                regex_free(&l->regex[i].regex);
        regex_room_free(&l->room);
        automaton_free(&l->automaton);
        arena_free(&l->arena);
        free(l->families);
        free(l->texts);
        free(l->meanings);
        free(l);
        *list = NULL;
}

unsigned agent_list_count(const struct agent_list *l)
{
        return l->crawlers;
}

unsigned agent_list_unfiltered(const struct agent_list *l)
{
        return (unsigned)__builtin_popcountll(l->unfiltered);
}

struct slice agent_list_family(const struct agent_list *l, uint16_t family)
{
        return l->families[family];
}

/* ---- classifying ---- */

/* What one pass over a text has found. */
struct scan {
        const struct agent_list *list;
        struct slice text;
        product_set products;
        uint64_t regexes;
        uint16_t product_end[AGENT_PRODUCTS_MAX]; /* of its first place in the text */
        unsigned crawler;                         /* the best so far */
        size_t matched, end;                      /* its bytes; 0: none */
};

static void note_crawler(struct scan *s, unsigned crawler, size_t matched, size_t end)
{
        if (matched < s->matched || (matched == s->matched && crawler >= s->crawler))
                return;
        s->crawler = crawler;
        s->matched = matched;
        s->end = end;
}

/* Whether the text has a word that goes on over `at`. */
static bool is_inside_word(struct slice text, size_t at)
{
        return at > 0 && at < text.len && is_alnum(text.data[at - 1]) &&
               is_alnum(text.data[at]);
}

static void note_product(struct scan *s, unsigned number, size_t start, size_t end)
{
        const struct agent_product *p = &agent_products[number];
        product_set bit = set_of(number);

        if ((s->products & bit) || (p->at_start && start > 0) ||
            is_inside_word(s->text, start) || is_inside_word(s->text, end))
                return;
        s->products |= bit;
        s->product_end[number] = (uint16_t)end;
}

static void on_literal(void *context, unsigned literal, size_t end)
{
        struct scan *s = context;
        struct meant meant = s->list->meanings[literal];

        switch (meant.meaning) {
        case MEANS_PRODUCT:
                note_product(s, meant.number, end - meant.len, end);
                break;
        case MEANS_CRAWLER:
                note_crawler(s, meant.number, meant.len, end);
                break;
        case MEANS_REGEX:
                s->regexes |= UINT64_C(1) << meant.number;
                break;
        }
}

static void try_regexes(struct scan *s, struct counters *counters)
{
        const struct agent_list *l = s->list;
        struct slice found;

        for (uint64_t left = s->regexes; left; left &= left - 1) {
                const struct crawler_regex *r = &l->regex[__builtin_ctzll(left)];
                switch (regex_match(r->regex, l->room, s->text, &found)) {
                case REGEX_YES:
                        note_crawler(s, r->crawler, found.len,
                                     (size_t)(found.data - s->text.data) + found.len);
                        break;
                case REGEX_LIMIT:
                        counters->regex_limits++;
                        break;
                case REGEX_NO:
                        break;
                }
        }
}

static size_t digits(struct slice text, size_t at)
{
        while (at < text.len && text.data[at] >= '0' && text.data[at] <= '9')
                at++;
        return at;
}

/* major[.minor] at `at`, if there is one. */
static void put_version(struct agent *agent, struct slice text, size_t at)
{
        size_t major = digits(text, at), end = major;

        if (major < text.len && text.data[major] == '.')
                end = digits(text, major + 1);
        if (end == major + 1)
                end = major; /* a full stop, no minor number */
        if (major == at || end - at > VERSION_MAX)
                return;
        agent->version_at = (uint16_t)at;
        agent->version_len = (uint8_t)(end - at);
}

/* Behind a crawler's name: "/1.0", " v1.0", "-1.0", or at once. */
static size_t behind_name(struct slice text, size_t at)
{
        if (at < text.len && is_one_of(text.data[at], "/ -_"))
                at++;
        return at + (at < text.len && (text.data[at] | 0x20) == 'v');
}

static void put_product(struct agent *agent, const struct scan *s)
{
        const struct agent_list *l = s->list;

        for (product_set left = s->products; left; left &= left - 1) {
                unsigned i = first_of(left);
                const struct product_links *links = &l->links[i];
                if (!agent_products[i].family || (links->needs & ~s->products))
                        continue;
                agent->family = (uint16_t)(l->crawlers + 1 + i);
                if (s->products >> links->version & 1)
                        put_version(agent, s->text, s->product_end[links->version]);
                return;
        }
}

struct agent agent_list_classify(const struct agent_list *l, struct slice text,
                                 struct counters *counters)
{
        struct scan s = { .list = l, .text = text, .regexes = l->unfiltered };
        struct agent agent = { 0 };

        if (text.len == 0)
                return agent;
        if (text.len > AGENT_TEXT_MAX) {
                s.text = slice_first(text, AGENT_TEXT_MAX);
                counters->agents_cut++;
        }
        automaton_scan(l->automaton, s.text, on_literal, &s);
        try_regexes(&s, counters);
        agent.is_bot = s.matched > 0;
        if (agent.is_bot) {
                agent.family = (uint16_t)(s.crawler + 1);
                put_version(&agent, s.text, behind_name(s.text, s.end));
        } else {
                put_product(&agent, &s);
        }
        return agent;
}
