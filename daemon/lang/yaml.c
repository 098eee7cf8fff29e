/* SPDX-License-Identifier: MIT */
/*
 * The tree is built from libyaml's events rather than from its documents: those
 * have resolved aliases and forgotten anchors, so a bomb would be in memory
 * before anybody could refuse it. An event that breaks a rule of ours is
 * reported and reading goes on where the shape of the tree is still known.
 */
#include "lang/yaml.h"

#include "base/arena.h"
#include "base/check.h"

#include <errno.h>
#include <stdlib.h>
#include <yaml.h>

#define FILE_MAX  ((size_t)4 << 20)
#define DEPTH_MAX 32
#define NODES_MAX 100000

struct yaml {
        struct arena arena;
        struct yaml_node *root;
};

/* A list or map that is still open. */
struct level {
        struct yaml_node *node;
        struct yaml_node **tail; /* where the next child goes */
        unsigned children;
        const char *key; /* read, its value is still to come */
        struct place key_place;
};

struct builder {
        struct yaml *yaml;
        struct diag *diag;
        const char *file;
        struct level levels[DEPTH_MAX];
        unsigned depth;
        unsigned nodes;
        unsigned documents;
        size_t quoted_line; /* where the last scalar ended, from 1, when it had quotes */
        bool done;
};

static struct place place_of(const struct builder *b, yaml_mark_t mark)
{
        return (struct place){ b->file, (unsigned)mark.line + 1,
                               (unsigned)mark.column + 1 };
}

/* Reading cannot go on: what follows would be misread. */
static void stop(struct builder *b)
{
        b->done = true;
}

static bool is_key_next(const struct builder *b)
{
        const struct level *top = b->depth ? &b->levels[b->depth - 1] : NULL;

        return top && top->node->kind == YAML_MAP && !top->key;
}

static struct yaml_node *add_node(struct builder *b, enum yaml_kind kind,
                                  yaml_mark_t mark)
{
        struct yaml_node *node = arena_take(&b->yaml->arena, sizeof(*node));

        node->kind = kind;
        node->place = place_of(b, mark);
        node->text = slice_of("", 0);
        if (++b->nodes > NODES_MAX) {
                diag_error(b->diag, node->place, "more than %d values in one file",
                           NODES_MAX);
                stop(b);
        }
        if (b->depth == 0) {
                b->yaml->root = node;
                return node;
        }
        struct level *top = &b->levels[b->depth - 1];
        node->key = top->key;
        node->key_place = top->key_place;
        top->key = NULL;
        *top->tail = node;
        top->tail = &node->next;
        top->children++;
        return node;
}

static void refuse_decoration(struct builder *b, yaml_mark_t mark,
                              const yaml_char_t *anchor, const yaml_char_t *tag)
{
        if (anchor)
                diag_error(b->diag, place_of(b, mark),
                           "anchors (&%s) are not supported; a text that begins with '&' "
                           "needs quotes",
                           (const char *)anchor);
        if (tag)
                diag_error(
                    b->diag, place_of(b, mark),
                    "tags (%s) are not supported; a text that begins with '!' needs "
                    "quotes",
                    (const char *)tag);
}

static size_t characters(struct slice text)
{
        size_t count = 0;

        for (size_t i = 0; i < text.len; i++)
                count += (text.data[i] & 0xc0) != 0x80;
        return count;
}

/* Where the text of a scalar begins; sets whether offsets in it are columns. */
static struct place text_place(struct builder *b, const yaml_event_t *event,
                               struct slice text, bool *one_line)
{
        yaml_scalar_style_t style = event->data.scalar.style;
        bool quoted = style == YAML_SINGLE_QUOTED_SCALAR_STYLE ||
                      style == YAML_DOUBLE_QUOTED_SCALAR_STYLE;
        struct place place = place_of(b, event->start_mark);
        size_t width = event->end_mark.column - event->start_mark.column;

        /* An escape makes the text shorter than what was written. */
        b->quoted_line = quoted ? event->end_mark.line + 1 : 0;
        *one_line = (quoted || style == YAML_PLAIN_SCALAR_STYLE) &&
                    event->start_mark.line == event->end_mark.line &&
                    width == characters(text) + (quoted ? 2 : 0);
        if (*one_line && quoted)
                place.column++;
        return place;
}

static void take_scalar(struct builder *b, const yaml_event_t *event)
{
        struct slice text =
            arena_copy(&b->yaml->arena,
                       slice_of(event->data.scalar.value, event->data.scalar.length));
        bool one_line;
        struct place place = text_place(b, event, text, &one_line);

        refuse_decoration(b, event->start_mark, event->data.scalar.anchor,
                          event->data.scalar.tag);
        if (slice_find(text, '\0') < text.len)
                diag_error(b->diag, place, "a text must not hold a NUL");
        if (is_key_next(b)) {
                struct level *top = &b->levels[b->depth - 1];
                top->key = (const char *)text.data;
                top->key_place = place;
                return;
        }
        struct yaml_node *node = add_node(b, YAML_SCALAR, event->start_mark);
        node->place = place;
        node->text = text;
        node->one_line = one_line;
        node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
}

static void take_alias(struct builder *b, const yaml_event_t *event)
{
        diag_error(
            b->diag, place_of(b, event->start_mark),
            "aliases (*%s) are not supported; a text that begins with '*' needs quotes",
            (const char *)event->data.alias.anchor);
        if (is_key_next(b))
                stop(b);
        else
                add_node(b, YAML_SCALAR, event->start_mark);
}

static void open_level(struct builder *b, enum yaml_kind kind, yaml_mark_t mark)
{
        if (is_key_next(b)) {
                diag_error(b->diag, place_of(b, mark), "a key must be a text, not a %s",
                           kind == YAML_MAP ? "map" : "list");
                stop(b);
                return;
        }
        if (b->depth == DEPTH_MAX) {
                diag_error(b->diag, place_of(b, mark), "nested more than %d deep",
                           DEPTH_MAX);
                stop(b);
                return;
        }
        struct yaml_node *node = add_node(b, kind, mark);
        b->levels[b->depth++] = (struct level){ .node = node, .tail = &node->child };
}

static int compare_keys(const void *a, const void *b)
{
        const struct yaml_node *const *left = a, *const *right = b;
        const struct place *x = &(*left)->key_place, *y = &(*right)->key_place;
        int keys = strcmp((*left)->key, (*right)->key);

        if (keys)
                return keys;
        if (x->line != y->line)
                return x->line < y->line ? -1 : 1;
        return x->column < y->column ? -1 : x->column > y->column;
}

/* Sorted, so that a map of 100 000 keys is no trouble. */
static void refuse_duplicates(struct builder *b, const struct level *map)
{
        const struct yaml_node **sorted;
        unsigned n = 0;

        if (map->children < 2)
                return;
        sorted = malloc(map->children * sizeof(sorted[0]));
        CHECK(sorted);
        for (const struct yaml_node *child = map->node->child; child; child = child->next)
                sorted[n++] = child;
        qsort(sorted, n, sizeof(sorted[0]), compare_keys);
        for (unsigned i = 1; i < n; i++)
                if (strcmp(sorted[i - 1]->key, sorted[i]->key) == 0)
                        diag_error(b->diag, sorted[i]->key_place,
                                   "the key '%s' stands in line %u already",
                                   sorted[i]->key, sorted[i - 1]->key_place.line);
        free(sorted);
}

static void close_level(struct builder *b)
{
        const struct level *top = &b->levels[--b->depth];

        if (top->node->kind == YAML_MAP)
                refuse_duplicates(b, top);
}

static void take_document(struct builder *b, const yaml_event_t *event)
{
        if (++b->documents == 1)
                return;
        diag_error(b->diag, place_of(b, event->start_mark),
                   "a second document (---) in one file is not supported");
        stop(b);
}

static void take_event(struct builder *b, const yaml_event_t *event)
{
        switch (event->type) {
        case YAML_DOCUMENT_START_EVENT:
                take_document(b, event);
                break;
        case YAML_SCALAR_EVENT:
                take_scalar(b, event);
                break;
        case YAML_ALIAS_EVENT:
                take_alias(b, event);
                break;
        case YAML_SEQUENCE_START_EVENT:
                refuse_decoration(b, event->start_mark, event->data.sequence_start.anchor,
                                  event->data.sequence_start.tag);
                open_level(b, YAML_LIST, event->start_mark);
                break;
        case YAML_MAPPING_START_EVENT:
                refuse_decoration(b, event->start_mark, event->data.mapping_start.anchor,
                                  event->data.mapping_start.tag);
                open_level(b, YAML_MAP, event->start_mark);
                break;
        case YAML_SEQUENCE_END_EVENT:
        case YAML_MAPPING_END_EVENT:
                close_level(b);
                break;
        case YAML_STREAM_END_EVENT:
                stop(b);
                break;
        default:
                break;
        }
}

/* The byte at a mark; NUL past the end. */
static char byte_at(struct slice text, yaml_mark_t mark)
{
        size_t line_start = 0;

        for (size_t line = 0; line < mark.line && line_start < text.len; line++)
                line_start += slice_find(slice_from(text, line_start), '\n') + 1;
        struct slice line = slice_from(text, line_start);
        size_t at = 0;
        for (size_t column = 0; at < line.len && column < mark.column; at++)
                column += at + 1 < line.len && (line.data[at + 1] & 0xc0) != 0x80;
        return at < line.len ? (char)line.data[at] : '\0';
}

/* What people most often did when libyaml says something that does not tell them. */
static const char *remedy_for(const struct builder *b, const yaml_parser_t *parser,
                              struct slice text)
{
        const char *problem = parser->problem;
        char at = byte_at(text, parser->problem_mark);
        char begin = byte_at(text, parser->context_mark);

        if (strstr(problem, "cannot start any token"))
                return at == '\t' ? "indent with spaces, not with tabs"
                                  : "a text that begins with this character needs quotes";
        if (strstr(problem, "mapping values are not allowed"))
                return "a text that holds ': ' needs quotes";
        if (strstr(problem, "alphabetic or numeric") && (begin == '*' || begin == '&'))
                return "a text that begins with '*' or '&' needs quotes";
        if (strstr(problem, "did not find expected key") &&
            b->quoted_line == parser->problem_mark.line + 1)
                return "a text that begins with a quote ends with it: put the other "
                       "quotes "
                       "around the whole";
        return NULL;
}

static struct place place_of_byte(const struct builder *b, struct slice text,
                                  size_t offset)
{
        struct place place = { b->file, 1, 1 };

        for (size_t i = 0; i < offset && i < text.len; i++) {
                if (text.data[i] == '\n') {
                        place.line++;
                        place.column = 1;
                } else if ((text.data[i] & 0xc0) != 0x80) {
                        place.column++;
                }
        }
        return place;
}

static void report_problem(struct builder *b, const yaml_parser_t *parser,
                           struct slice text)
{
        if (parser->error == YAML_READER_ERROR) {
                diag_error(b->diag, place_of_byte(b, text, parser->problem_offset),
                           "not a YAML text: %s",
                           parser->problem ? parser->problem : "unreadable");
                return;
        }
        /* Only a want of memory has no words. */
        CHECK(parser->problem);
        const char *remedy = remedy_for(b, parser, text);
        if (remedy)
                diag_error(b->diag, place_of(b, parser->problem_mark), "not YAML: %s; %s",
                           parser->problem, remedy);
        else
                diag_error(b->diag, place_of(b, parser->problem_mark), "not YAML: %s %s",
                           parser->problem, parser->context ? parser->context : "here");
}

/* A file may have a password: what is given back to malloc has none. */
static void wipe_event(yaml_event_t *event)
{
        if (event->type == YAML_SCALAR_EVENT)
                explicit_bzero(event->data.scalar.value, event->data.scalar.length);
}

static void wipe_parser(yaml_parser_t *p)
{
        explicit_bzero(p->buffer.start, (size_t)(p->buffer.end - p->buffer.start));
        explicit_bzero(p->raw_buffer.start,
                       (size_t)(p->raw_buffer.end - p->raw_buffer.start));
}

static void read_events(struct builder *b, struct slice text)
{
        yaml_parser_t parser;
        yaml_event_t event;

        CHECK(yaml_parser_initialize(&parser));
        yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
        yaml_parser_set_input_string(&parser, text.data, text.len);
        while (!b->done) {
                if (!yaml_parser_parse(&parser, &event)) {
                        report_problem(b, &parser, text);
                        break;
                }
                take_event(b, &event);
                wipe_event(&event);
                yaml_event_delete(&event);
        }
        wipe_parser(&parser);
        yaml_parser_delete(&parser);
}

/* Nothing at all, or only comments: a map without keys. */
static void accept_emptiness(struct builder *b)
{
        struct yaml_node *root = b->yaml->root;

        if (root && !(root->kind == YAML_SCALAR && root->text.len == 0 && !root->quoted))
                return;
        b->depth = 0;
        add_node(b, YAML_MAP, (yaml_mark_t){ 0 });
}

struct yaml *yaml_parse(const char *name, struct slice text, struct diag *diag)
{
        struct yaml *yaml = calloc(1, sizeof(*yaml));
        unsigned errors = diag_errors(diag);
        struct builder b = { .yaml = yaml, .diag = diag };

        CHECK(yaml);
        b.file = (const char *)arena_copy(&yaml->arena, slice_str(name)).data;
        if (slice_is_none(text))
                text = slice_of("", 0);
        if (text.len > FILE_MAX)
                diag_error(diag, (struct place){ name, 0, 0 }, "larger than %zu MiB",
                           FILE_MAX >> 20);
        else
                read_events(&b, text);
        if (diag_errors(diag) > errors)
                yaml_free(&yaml);
        else
                accept_emptiness(&b);
        return yaml;
}

/* False with errno set. One byte above the cap is enough to be refused for it. */
static bool read_file(const char *path, struct buf *contents)
{
        FILE *file = fopen(path, "re");
        int problem;

        if (!file)
                return false;
        buf_reserve(contents, FILE_MAX + 1);
        errno = 0;
        contents->len = fread(contents->data, 1, FILE_MAX + 1, file);
        problem = ferror(file) ? (errno ? errno : EIO) : 0;
        fclose(file);
        errno = problem;
        return problem == 0;
}

struct yaml *yaml_read(const char *path, struct diag *diag)
{
        struct buf contents = { 0 };
        struct yaml *yaml = NULL;

        if (read_file(path, &contents))
                yaml = yaml_parse(path, buf_slice(&contents), diag);
        else
                diag_error(diag, (struct place){ path, 0, 0 }, "cannot be read: %s",
                           strerror(errno));
        if (contents.data)
                explicit_bzero(contents.data, contents.len);
        buf_free(&contents);
        return yaml;
}

void yaml_free(struct yaml **yaml)
{
        if (*yaml)
                arena_free(&(*yaml)->arena);
        free(*yaml);
        *yaml = NULL;
}

const struct yaml_node *yaml_root(const struct yaml *yaml)
{
        return yaml->root;
}
