/* SPDX-License-Identifier: MIT */
#include "observe/pattern.h"

#include "base/buf.h"
#include "base/check.h"
#include "observe/text.h"

#include <stdlib.h>

#define PARAMETERS_MAX 8

enum matcher_kind {
        MATCHER_LITERAL, /* `head` is all of it */
        MATCHER_TARGET,  /* head, the target, tail */
        MATCHER_NUMBER,  /* the same, a target of digits */
        MATCHER_GLOB,    /* head, `middle` pieces anywhere in order, tail */
        MATCHER_ANY,     /* any number of segments */
};

struct matcher {
        enum matcher_kind kind;
        struct slice head, tail;
        struct slice *middle;
        unsigned middle_count;
};

struct parameter_matcher {
        enum matcher_kind kind;   /* LITERAL, TARGET, NUMBER or ANY */
        struct slice name, value; /* decoded */
};

struct pattern {
        struct pattern *next;
        struct buf text; /* what the slices below point into */
        struct matcher *matchers;
        unsigned count, least; /* `least` segments a path must have */
        bool has_any, has_target;
        struct parameter_matcher parameters[PARAMETERS_MAX];
        unsigned parameter_count;
};

/* Reading. Offsets of mistakes are those of the template as it was written. */

struct reading {
        struct slice text;
        struct pattern_mistake *mistake;
};

static bool wrong(struct reading *r, size_t offset, const char *message)
{
        *r->mistake = (struct pattern_mistake){ message, offset };
        return false;
}

static bool is_at(struct slice text, size_t at, const char *word)
{
        return slice_starts_with(slice_from(text, at), slice_str(word));
}

/* Braces hold `target` or `target:int` and nothing else. */
static bool check_braces(struct reading *r, unsigned *targets)
{
        for (size_t i = 0; i < r->text.len; i++) {
                if (r->text.data[i] == '}')
                        return wrong(r, i, "'}' without '{'");
                if (r->text.data[i] != '{')
                        continue;
                bool number = is_at(r->text, i, "{target:int}");
                if (!number && !is_at(r->text, i, "{target}"))
                        return wrong(
                            r, i, "only {target} and {target:int} may stand in braces");
                if (++*targets > 1)
                        return wrong(r, i, "a template has one {target} at most");
                i += number ? 11 : 7;
        }
        return true;
}

/* A segment has at most one `**`, and no other wildcard beside a {target}. */
static bool check_segment(struct reading *r, size_t from, size_t to, unsigned *inner)
{
        struct slice segment = slice_first(slice_from(r->text, from), to - from);
        size_t brace = slice_find(segment, '{'), star = slice_find(segment, '*');

        if (brace < segment.len && star < segment.len)
                return wrong(r, from + star, "'*' and {target} cannot share a segment");
        bool twice = false;
        for (size_t i = 0; i + 1 < segment.len; i++) {
                if (!is_at(segment, i, "**"))
                        continue;
                if (twice || is_at(segment, i, "***"))
                        return wrong(r, from + i, "a segment has one '**' at most");
                twice = true;
                *inner += i > 0 && i + 2 < segment.len;
                if (*inner > 1)
                        return wrong(
                            r, from + i,
                            "only one '**' of a template may have text on both sides");
                i++;
        }
        return true;
}

static bool check_path(struct reading *r, size_t end)
{
        unsigned segments = 0, inner = 0;

        if (end == 0 || (r->text.data[0] != '/' && !is_at(r->text, 0, "**")))
                return wrong(r, 0, "a path template begins with '/' or '**'");
        for (size_t from = 0; from < end;) {
                size_t to =
                    from +
                    slice_find(slice_first(slice_from(r->text, from), end - from), '/');
                if (!check_segment(r, from, to, &inner))
                        return false;
                /* A rewritten `**` makes up to three of one. */
                if ((segments += 3) > PATH_MAX_SEGMENTS)
                        return wrong(r, from, "a template of more than 20 segments");
                from = to + 1;
        }
        return true;
}

/* `**` as a segment of its own; `split` says which way x**y is read. */
static void rewrite(struct slice path, bool split, struct buf *out, bool *has_inner)
{
        bool at_start = true;

        if (path.data[0] != '/')
                buf_put_byte(out, '/');
        for (size_t i = 0; i < path.len; i++) {
                if (!is_at(path, i, "**")) {
                        buf_put_byte(out, path.data[i]);
                        at_start = path.data[i] == '/';
                        continue;
                }
                i++;
                bool at_end = i + 1 == path.len || path.data[i + 1] == '/';
                *has_inner |= !at_start && !at_end;
                if (!at_start && !at_end && !split)
                        buf_put_str(out, "*");
                else
                        buf_put_str(out, at_start ? (at_end ? "**" : "**/*")
                                         : at_end ? "*/**"
                                                  : "*/**/*");
                at_start = false;
        }
}

static void compile_glob(struct matcher *m, struct slice segment)
{
        struct slice piece, rest = segment;
        unsigned stars = 0;

        for (size_t i = 0; i < segment.len; i++)
                stars += segment.data[i] == '*';
        m->kind = MATCHER_GLOB;
        m->middle = calloc(stars, sizeof(*m->middle));
        CHECK(m->middle);
        slice_next(&rest, '*', &m->head);
        for (unsigned i = 0; slice_next(&rest, '*', &piece); i++) {
                if (i + 1 == stars)
                        m->tail = piece;
                else if (piece.len)
                        m->middle[m->middle_count++] = piece;
        }
}

static void compile_segment(struct pattern *p, struct slice segment)
{
        struct matcher *m = &p->matchers[p->count++];
        size_t brace = slice_find(segment, '{');

        if (slice_is(segment, "**")) {
                m->kind = MATCHER_ANY;
                p->has_any = true;
                return;
        }
        p->least++;
        if (brace < segment.len) {
                size_t close = slice_find(segment, '}');
                m->kind = is_at(segment, brace, "{target:int}") ? MATCHER_NUMBER
                                                                : MATCHER_TARGET;
                m->head = slice_first(segment, brace);
                m->tail = slice_from(segment, close + 1);
                p->has_target = true;
        } else if (slice_find(segment, '*') < segment.len) {
                compile_glob(m, segment);
        } else {
                m->kind = MATCHER_LITERAL;
                m->head = segment;
        }
}

/* Keeps decoded texts behind what is in p->text already; room was made before. */
static struct slice keep_decoded(struct pattern *p, struct slice coded)
{
        size_t room = p->text.cap - p->text.len;
        uint8_t *at = p->text.data + p->text.len;
        struct slice plain = path_decode(coded, true, at, room);

        if (plain.len)
                memmove(at, plain.data, plain.len);
        p->text.len += plain.len;
        return slice_of(at, plain.len);
}

static bool compile_parameter(struct reading *r, struct pattern *p, struct slice pair)
{
        size_t offset = (size_t)(pair.data - r->text.data);
        size_t equals = slice_find(pair, '=');
        struct slice value = slice_from(pair, equals + 1);
        struct parameter_matcher *m = &p->parameters[p->parameter_count];

        if (equals == pair.len || equals == 0)
                return wrong(r, offset, "a query template is name=value");
        if (p->parameter_count == PARAMETERS_MAX)
                return wrong(r, offset, "more than 8 query parameters");
        if (slice_find(slice_first(pair, equals), '{') < equals ||
            slice_find(slice_first(pair, equals), '*') < equals)
                return wrong(r, offset, "the name of a query parameter is written out");
        if (slice_is(value, "{target}"))
                m->kind = MATCHER_TARGET;
        else if (slice_is(value, "{target:int}"))
                m->kind = MATCHER_NUMBER;
        else if (slice_is(value, "*"))
                m->kind = MATCHER_ANY;
        else if (slice_find(value, '{') < value.len || slice_find(value, '*') < value.len)
                return wrong(r, offset + equals + 1,
                             "the value of a query parameter is {target}, '*' or a text");
        else
                m->kind = MATCHER_LITERAL;
        p->has_target |= m->kind == MATCHER_TARGET || m->kind == MATCHER_NUMBER;
        m->name = keep_decoded(p, slice_first(pair, equals));
        m->value = keep_decoded(p, value);
        p->parameter_count++;
        return true;
}

static struct pattern *compile(struct reading *r, size_t end, bool split, bool *has_inner)
{
        struct pattern *p = calloc(1, sizeof(*p));
        struct slice query = slice_from(r->text, end), pair;
        uint8_t *normal = malloc(PATH_MAX_NORMAL);
        struct buf path = { 0 };
        struct path parts;
        bool good = true;

        CHECK(p && normal);
        rewrite(slice_first(r->text, end), split, &path, has_inner);
        struct slice text = path_normalise(buf_slice(&path), normal);
        /* All that will ever be put there, so that it does not move. */
        buf_reserve(&p->text, text.len + r->text.len + 1);
        buf_put_slice(&p->text, text);
        path_split(buf_slice(&p->text), &parts);
        p->matchers = calloc(parts.count + 1, sizeof(*p->matchers));
        CHECK(p->matchers);
        for (unsigned i = 0; i < parts.count; i++)
                compile_segment(p, parts.segments[i]);
        query = query.len ? slice_from(query, 1) : slice_none();
        while (good && slice_next(&query, '&', &pair))
                good = compile_parameter(r, p, pair);
        buf_free(&path);
        free(normal);
        if (!good)
                pattern_free(&p);
        return p;
}

struct pattern *pattern_compile(struct slice text, struct pattern_mistake *mistake)
{
        struct reading r = { text, mistake };
        size_t end = slice_find(text, '?');
        bool has_inner = false;
        unsigned targets = 0;

        if (text.len > 1024) {
                wrong(&r, 0, "a template of more than 1024 characters");
                return NULL;
        }
        if (slice_find(text, '#') < text.len) {
                wrong(&r, slice_find(text, '#'), "'#' does not reach the server");
                return NULL;
        }
        if (!check_braces(&r, &targets) || !check_path(&r, end))
                return NULL;
        struct pattern *p = compile(&r, end, false, &has_inner);
        if (p && has_inner)
                p->next = compile(&r, end, true, &has_inner);
        return p;
}

void pattern_free(struct pattern **pattern)
{
        struct pattern *p = *pattern, *next;

        for (*pattern = NULL; p; p = next) {
                next = p->next;
                for (unsigned i = 0; i < p->count; i++)
                        free(p->matchers[i].middle);
                free(p->matchers);
                buf_free(&p->text);
                free(p);
        }
}

struct pattern *pattern_next(const struct pattern *p)
{
        return p->next;
}

struct slice pattern_first_segment(const struct pattern *p)
{
        return p->count && p->matchers[0].kind == MATCHER_LITERAL ? p->matchers[0].head
                                                                  : slice_none();
}

uint8_t pattern_last_byte(const struct pattern *p)
{
        const struct matcher *m = p->count ? &p->matchers[p->count - 1] : NULL;
        struct slice end = slice_none();

        if (m && m->kind != MATCHER_ANY)
                end = m->kind == MATCHER_LITERAL ? m->head : m->tail;
        return end.len ? end.data[end.len - 1] : 0;
}

bool pattern_has_target(const struct pattern *p)
{
        return p->has_target;
}

/* Matching. */

static bool is_digits(struct slice s)
{
        for (size_t i = 0; i < s.len; i++)
                if (s.data[i] < '0' || s.data[i] > '9')
                        return false;
        return s.len > 0;
}

static bool match_ends(const struct matcher *m, struct slice s, struct slice *inside)
{
        if (s.len < m->head.len + m->tail.len ||
            !text_same(s.data, m->head.data, m->head.len) ||
            !text_same(s.data + s.len - m->tail.len, m->tail.data, m->tail.len))
                return false;
        *inside = slice_of(s.data + m->head.len, s.len - m->head.len - m->tail.len);
        return true;
}

/* The leftmost place for each piece leaves the most to those after it. */
static bool match_middle(const struct matcher *m, struct slice inside)
{
        for (unsigned i = 0; i < m->middle_count; i++) {
                struct slice piece = m->middle[i];
                const uint8_t *at =
                    memmem(inside.data, inside.len, piece.data, piece.len);
                if (!at)
                        return false;
                inside = slice_from(inside, (size_t)(at - inside.data) + piece.len);
        }
        return true;
}

static bool match_segment(const struct matcher *m, struct slice s,
                          struct pattern_target *t)
{
        struct slice inside;

        if (m->kind == MATCHER_LITERAL)
                return text_equal(s, m->head);
        if (!match_ends(m, s, &inside))
                return false;
        if (m->kind == MATCHER_GLOB)
                return match_middle(m, inside);
        if (inside.len == 0 || (m->kind == MATCHER_NUMBER && !is_digits(inside)))
                return false;
        t->raw = inside;
        return true;
}

static bool match_segments(const struct pattern *p, const struct path *path,
                           struct pattern_target *target)
{
        unsigned at = 0, segment = 0, any = 0, resume = 0;

        while (segment < path->count) {
                if (at < p->count && p->matchers[at].kind == MATCHER_ANY) {
                        any = ++at;
                        resume = segment;
                } else if (at < p->count &&
                           match_segment(&p->matchers[at], path->segments[segment],
                                         target)) {
                        at++;
                        segment++;
                } else if (any) {
                        at = any;
                        segment = ++resume;
                } else {
                        return false;
                }
        }
        while (at < p->count && p->matchers[at].kind == MATCHER_ANY)
                at++;
        return at == p->count;
}

/* What a fixed number of segments, or the last one, can tell without a walk. */
static bool is_possible(const struct pattern *p, const struct path *path)
{
        struct pattern_target unused;

        if (path->count < p->least || (!p->has_any && path->count != p->least))
                return false;
        if (!p->has_any || p->least == 0)
                return true;
        const struct matcher *last = &p->matchers[p->count - 1];
        return last->kind == MATCHER_ANY ||
               match_segment(last, path->segments[path->count - 1], &unused);
}

static bool match_parameter(const struct parameter_matcher *m, struct slice query,
                            struct pattern_target *target)
{
        uint8_t plain[1024];
        struct slice value;

        if (!path_parameter(query, m->name, &value))
                return false;
        if (m->kind == MATCHER_ANY)
                return true;
        struct slice decoded = path_decode(value, true, plain, sizeof(plain));
        if (m->kind == MATCHER_LITERAL)
                return slice_equal(decoded, m->value);
        if (decoded.len == 0 || (m->kind == MATCHER_NUMBER && !is_digits(decoded)))
                return false;
        *target = (struct pattern_target){ value, true };
        return true;
}

bool pattern_match(const struct pattern *p, const struct path *path, struct slice query,
                   struct pattern_target *target)
{
        *target = (struct pattern_target){ slice_none(), false };
        if (!is_possible(p, path) || !match_segments(p, path, target))
                return false;
        for (unsigned i = 0; i < p->parameter_count; i++)
                if (!match_parameter(&p->parameters[i], query, target))
                        return false;
        return true;
}
