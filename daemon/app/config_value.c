/* SPDX-License-Identifier: MIT */
/* What each type of option reads, prints and drops: one row a type. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/config_priv.h"
#include "base/check.h"
#include "base/clock.h"

static char *copy_text(struct slice text)
{
        char *copy = strndup((const char *)text.data, text.len);

        CHECK(copy != NULL);
        return copy;
}

void text_list_add(struct text_list *list, const char *text)
{
        char **items = realloc(list->items, (list->count + 1) * sizeof(*items));

        CHECK(items != NULL);
        list->items = items;
        list->items[list->count++] = copy_text(slice_str(text));
        list->given = true;
}

void text_list_clear(struct text_list *list)
{
        for (unsigned i = 0; i < list->count; i++)
                free(list->items[i]);
        free(list->items);
        *list = (struct text_list){ 0 };
}

/* Texts */

/* A path is relative to the folder of the file that names it. */
static char *resolve_path(struct slice path, const char *file)
{
        const char *slash = strrchr(file, '/');
        struct buf joined = { 0 };
        char *text;

        if (!slash || (path.len && path.data[0] == '/'))
                return copy_text(path);
        buf_put(&joined, file, (size_t)(slash - file) + 1);
        buf_put_slice(&joined, path);
        text = copy_text(buf_slice(&joined));
        buf_free(&joined);
        return text;
}

/* One text of the option, checked; NULL after a report. The caller frees it. */
static char *read_one(const struct option *o, const struct yaml_node *node,
                      struct diag *diag)
{
        bool is_list = o->type == OPTION_LIST || o->type == OPTION_PATHS;
        bool is_path = o->type == OPTION_PATH || o->type == OPTION_PATHS;
        char key[OPTION_KEY_MAX];
        const char *refusal;
        struct slice text;
        char *copy;

        option_key(o, key);
        if (!yaml_text(node, key, &text, diag))
                return NULL;
        /* An empty text takes back what was set; a key with a default needs one. */
        if (text.len == 0 && !o->fallback && !is_list)
                return copy_text(text);
        if (text.len < o->min || text.len > o->max) {
                diag_error(diag, node->place,
                           "%s takes a text of %" PRIu64 " to %" PRIu64 " characters",
                           key, o->min, o->max);
                return NULL;
        }
        copy = is_path ? resolve_path(text, node->place.file) : copy_text(text);
        refusal = o->refuse ? o->refuse(copy) : NULL;
        if (refusal) {
                /* What holds an `@` may hold a password: it is not quoted back. */
                if (strchr(copy, '@'))
                        diag_error(diag, node->place, "%s: %s", key, refusal);
                else
                        diag_error(diag, node->place, "%s: '%s': %s", key, copy, refusal);
                free(copy);
                return NULL;
        }
        return copy;
}

static bool read_text(const struct option *o, const struct yaml_node *node, void *value,
                      struct diag *diag)
{
        char **text = value;
        char *taken = read_one(o, node, diag);

        if (!taken)
                return false;
        free(*text);
        *text = taken[0] ? taken : NULL;
        if (!*text)
                free(taken);
        return true;
}

static void drop_text(void *value)
{
        char **text = value;

        free(*text);
        *text = NULL;
}

/* Quoted always: what stands between the quotes is then never a word of YAML. */
static void put_quoted(struct buf *out, const char *text)
{
        buf_put_byte(out, '"');
        for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
                if (*c == '"' || *c == '\\')
                        buf_printf(out, "\\%c", *c);
                else if (*c < ' ' || *c == 0x7f)
                        buf_printf(out, "\\x%02x", *c);
                else
                        buf_put_byte(out, *c);
        }
        buf_put_byte(out, '"');
}

static void print_text(const struct option *o, const void *value, struct buf *out)
{
        const char *const *text = value;

        (void)o;
        put_quoted(out, *text ? *text : "");
}

/* Lists of texts */

struct list_read {
        const struct option *option;
        struct text_list list;
        struct diag *diag;
        bool failed;
};

static void read_element(void *context, const struct yaml_node *element)
{
        struct list_read *read = context;
        char *text = read_one(read->option, element, read->diag);

        if (text)
                text_list_add(&read->list, text);
        else
                read->failed = true;
        free(text);
}

static bool read_list(const struct option *o, const struct yaml_node *node, void *value,
                      struct diag *diag)
{
        struct list_read read = { .option = o, .diag = diag };
        char key[OPTION_KEY_MAX];

        if (o->type == OPTION_PATHS && node->kind == YAML_SCALAR &&
            slice_is(node->text, "none"))
                ;
        else if (!yaml_one_or_list(node, option_key(o, key), read_element, &read, diag))
                read.failed = true;
        if (read.failed) {
                text_list_clear(&read.list);
                return false;
        }
        read.list.given = true;
        text_list_clear(value);
        *(struct text_list *)value = read.list;
        return true;
}

static void drop_list(void *value)
{
        text_list_clear(value);
}

static void print_list(const struct option *o, const void *value, struct buf *out)
{
        const struct text_list *list = value;

        (void)o;
        buf_put_byte(out, '[');
        for (unsigned i = 0; i < list->count; i++) {
                if (i)
                        buf_put_str(out, ", ");
                put_quoted(out, list->items[i]);
        }
        buf_put_byte(out, ']');
}

/* Numbers */

static void put_size(struct buf *out, uint64_t size)
{
        static const char units[] = { 'G', 'M', 'k' };

        for (unsigned i = 0; i < sizeof(units); i++) {
                unsigned shift = 30 - 10 * i;
                if (size && !(size & ((UINT64_C(1) << shift) - 1))) {
                        buf_printf(out, "%" PRIu64 "%c", size >> shift, units[i]);
                        return;
                }
        }
        buf_printf(out, "%" PRIu64, size);
}

static void put_share(struct buf *out, uint64_t millionths)
{
        buf_printf(out, "%g%%", (double)millionths / 1e4);
}

static void put_duration(struct buf *out, uint64_t ns)
{
        static const struct {
                uint64_t ns;
                const char *name;
        } units[] = {
                { 86400 * (uint64_t)NS_PER_SEC, "d" },
                { 3600 * (uint64_t)NS_PER_SEC, "h" },
                { 60 * (uint64_t)NS_PER_SEC, "m" },
                { (uint64_t)NS_PER_SEC, "s" },
                { (uint64_t)NS_PER_MS, "ms" },
        };

        for (unsigned i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
                if (ns && ns % units[i].ns == 0) {
                        buf_printf(out, "%" PRIu64 "%s", ns / units[i].ns, units[i].name);
                        return;
                }
        }
        /* All durations are whole milliseconds (read_duration). */
        buf_printf(out, "%" PRIu64 "ms", ns / (uint64_t)NS_PER_MS);
}

bool option_print_range(const struct option *o, struct buf *out)
{
        void (*put)(struct buf *, uint64_t);

        if (o->type == OPTION_SIZE || o->type == OPTION_COUNT)
                put = put_size;
        else if (o->type == OPTION_DURATION)
                put = put_duration;
        else if (o->type == OPTION_SHARE)
                put = put_share;
        else
                return false;
        put(out, o->min);
        buf_put_str(out, " to ");
        put(out, o->max);
        return true;
}

/* Reports a value outside of its row's limits, in the units it is written in. */
static bool in_range(const struct option *o, const struct yaml_node *node, uint64_t value,
                     struct diag *diag)
{
        struct buf range = { 0 };
        char key[OPTION_KEY_MAX];

        if (value >= o->min && value <= o->max)
                return true;
        option_print_range(o, &range);
        buf_put_byte(&range, 0);
        diag_error(diag, node->place, "%s takes %s", option_key(o, key),
                   (const char *)range.data);
        buf_free(&range);
        return false;
}

static bool read_size(const struct option *o, const struct yaml_node *node, void *value,
                      struct diag *diag)
{
        char key[OPTION_KEY_MAX];
        uint64_t size;

        if (!yaml_size(node, option_key(o, key), &size, diag) ||
            !in_range(o, node, size, diag))
                return false;
        *(uint64_t *)value = size;
        return true;
}

/* Written like a size, but a number of things: the words of a mistake differ. */
static bool read_count(const struct option *o, const struct yaml_node *node, void *value,
                       struct diag *diag)
{
        char key[OPTION_KEY_MAX];
        struct slice text;
        uint64_t count;

        if (!yaml_text(node, option_key(o, key), &text, diag))
                return false;
        if (!text_size(text, &count)) {
                diag_error(diag, node->place,
                           "%s: '%.*s' is not a number (like 500, 64k, 1M)", key,
                           (int)(text.len < 64 ? text.len : 64), (const char *)text.data);
                return false;
        }
        if (!in_range(o, node, count, diag))
                return false;
        *(uint64_t *)value = count;
        return true;
}

static void print_size(const struct option *o, const void *value, struct buf *out)
{
        (void)o;
        put_size(out, *(const uint64_t *)value);
}

/* `5%` or `0.05`; to a millionth. */
static bool parse_share(struct slice text, double *millionths)
{
        bool percent = text.len && text.data[text.len - 1] == '%';
        char copy[32], *end;

        text = slice_first(text, text.len - percent);
        if (text.len == 0 || text.len >= sizeof(copy))
                return false;
        memcpy(copy, text.data, text.len);
        copy[text.len] = 0;
        if (copy[strspn(copy, ".0123456789")])
                return false;
        *millionths = round(strtod(copy, &end) * (percent ? 1e4 : 1e6));
        return !*end;
}

static bool read_share(const struct option *o, const struct yaml_node *node, void *value,
                       struct diag *diag)
{
        char key[OPTION_KEY_MAX];
        struct slice text;
        double share;

        if (!yaml_text(node, option_key(o, key), &text, diag))
                return false;
        if (!parse_share(text, &share)) {
                diag_error(diag, node->place,
                           "%s: '%.*s' is not a share (like 5%%, 0.05)", key,
                           (int)(text.len < 64 ? text.len : 64), (const char *)text.data);
                return false;
        }
        /* What is too large for any row stays so. */
        if (!in_range(o, node, share < 1e15 ? (uint64_t)share : UINT64_MAX, diag))
                return false;
        *(uint64_t *)value = (uint64_t)share;
        return true;
}

static void print_share(const struct option *o, const void *value, struct buf *out)
{
        (void)o;
        put_share(out, *(const uint64_t *)value);
}

static bool read_duration(const struct option *o, const struct yaml_node *node,
                          void *value, struct diag *diag)
{
        char key[OPTION_KEY_MAX];
        int64_t ns;

        if (!yaml_duration_ns(node, option_key(o, key), &ns, diag) ||
            !in_range(o, node, (uint64_t)ns, diag))
                return false;
        *(int64_t *)value = ns - ns % NS_PER_MS;
        return true;
}

static void print_duration(const struct option *o, const void *value, struct buf *out)
{
        (void)o;
        put_duration(out, (uint64_t) * (const int64_t *)value);
}

/* Words */

static bool read_truth(const struct option *o, const struct yaml_node *node, void *value,
                       struct diag *diag)
{
        char key[OPTION_KEY_MAX];

        return yaml_truth(node, option_key(o, key), value, diag);
}

static void print_truth(const struct option *o, const void *value, struct buf *out)
{
        (void)o;
        buf_put_str(out, *(const bool *)value ? "true" : "false");
}

/* The index of the word at `node`; false after a report. */
static bool read_word(const struct option *o, const struct yaml_node *node,
                      unsigned *index, struct diag *diag)
{
        struct buf all = { 0 };
        char key[OPTION_KEY_MAX];
        const char *near;
        struct slice text;

        if (!yaml_text(node, option_key(o, key), &text, diag))
                return false;
        for (*index = 0; o->words[*index]; (*index)++)
                if (slice_is(text, o->words[*index]))
                        return true;
        for (unsigned i = 0; o->words[i]; i++)
                buf_printf(&all, "%s%s", i ? ", " : "", o->words[i]);
        buf_put_byte(&all, 0);
        near = diag_suggest(text, o->words);
        diag_error(diag, node->place, "%s cannot be '%.*s'%s%s%s: one of %s", key,
                   (int)(text.len < 64 ? text.len : 64), (const char *)text.data,
                   near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "",
                   (const char *)all.data);
        buf_free(&all);
        return false;
}

static bool read_choice(const struct option *o, const struct yaml_node *node, void *value,
                        struct diag *diag)
{
        unsigned index;

        if (!read_word(o, node, &index, diag))
                return false;
        *(unsigned *)value = index;
        return true;
}

static void print_choice(const struct option *o, const void *value, struct buf *out)
{
        buf_put_str(out, o->words[*(const unsigned *)value]);
}

struct set_read {
        const struct option *option;
        struct diag *diag;
        unsigned bits;
        bool failed;
};

static void read_member(void *context, const struct yaml_node *element)
{
        struct set_read *read = context;
        unsigned index;

        if (read_word(read->option, element, &index, read->diag))
                read->bits |= 1u << index;
        else
                read->failed = true;
}

static bool read_set(const struct option *o, const struct yaml_node *node, void *value,
                     struct diag *diag)
{
        struct set_read read = { .option = o, .diag = diag };
        char key[OPTION_KEY_MAX];

        if (!yaml_one_or_list(node, option_key(o, key), read_member, &read, diag) ||
            read.failed)
                return false;
        *(unsigned *)value = read.bits;
        return true;
}

static void print_set(const struct option *o, const void *value, struct buf *out)
{
        unsigned bits = *(const unsigned *)value;
        bool comma = false;

        buf_put_byte(out, '[');
        for (unsigned i = 0; o->words[i]; i++) {
                if (!(bits & 1u << i))
                        continue;
                buf_printf(out, "%s%s", comma ? ", " : "", o->words[i]);
                comma = true;
        }
        buf_put_byte(out, ']');
}

static const struct {
        const char *name;
        bool (*read)(const struct option *, const struct yaml_node *, void *,
                     struct diag *);
        void (*print)(const struct option *, const void *, struct buf *);
        void (*drop)(void *); /* NULL: holds no memory */
} types[OPTION_TYPES] = {
        [OPTION_TEXT] = { "text", read_text, print_text, drop_text },
        [OPTION_PATH] = { "path", read_text, print_text, drop_text },
        [OPTION_LIST] = { "list", read_list, print_list, drop_list },
        [OPTION_PATHS] = { "paths", read_list, print_list, drop_list },
        [OPTION_COUNT] = { "number", read_count, print_size, NULL },
        [OPTION_SIZE] = { "size", read_size, print_size, NULL },
        [OPTION_SHARE] = { "share", read_share, print_share, NULL },
        [OPTION_DURATION] = { "duration", read_duration, print_duration, NULL },
        [OPTION_TRUTH] = { "true or false", read_truth, print_truth, NULL },
        [OPTION_CHOICE] = { "word", read_choice, print_choice, NULL },
        [OPTION_SET] = { "words", read_set, print_set, NULL },
};

bool option_read(const struct option *o, const struct yaml_node *node, void *value,
                 struct diag *diag)
{
        return types[o->type].read(o, node, value, diag);
}

void option_print(const struct option *o, const void *value, struct buf *out)
{
        types[o->type].print(o, value, out);
}

void option_drop(const struct option *o, void *value)
{
        if (types[o->type].drop)
                types[o->type].drop(value);
}

const char *option_type_name(const struct option *o)
{
        return types[o->type].name;
}
