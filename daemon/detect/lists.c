/* SPDX-License-Identifier: MIT */
#include "detect/lists.h"

#include "base/check.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define LIST_FILE_MAX  (32U << 20)
#define LIST_ITEMS_MAX 1000000

#define MISFITS_TOLD 5

/* One item as written. */
struct item {
        struct slice text;
        struct place place;
};

/* The first items that are not of a type. */
struct misfits {
        unsigned count;
        struct item told[MISFITS_TOLD];
};

/* All items as texts; as numbers and networks too, where all of them are. */
struct list {
        struct value_list base;
        unsigned count;
        struct slice *strings;
        double *numbers;
        struct network *networks; /* by prefix length, then address */
        bool lengths[129];        /* which prefix lengths occur */
        struct misfits not_numbers, not_networks;
        const char *file; /* NULL: inline */
};

struct items {
        struct item *items;
        unsigned count, capacity;
        bool too_many;
};

static int compare_strings(const void *a, const void *b)
{
        const struct slice *s = a, *t = b;
        size_t len = s->len < t->len ? s->len : t->len;
        int order = len ? memcmp(s->data, t->data, len) : 0;

        return order ? order : (s->len > t->len) - (s->len < t->len);
}

static int compare_numbers(const void *a, const void *b)
{
        double x = *(const double *)a, y = *(const double *)b;

        return (x > y) - (x < y);
}

static int compare_networks(const void *a, const void *b)
{
        const struct network *n = a, *m = b;

        if (n->bits != m->bits)
                return n->bits < m->bits ? -1 : 1;
        return memcmp(n->ip.bytes, m->ip.bytes, sizeof(n->ip.bytes));
}

static bool has_network(const struct list *list, const struct network *network)
{
        for (unsigned bits = 0; bits <= network->bits; bits++) {
                if (!list->lengths[bits])
                        continue;
                struct network wider = network_of(&network->ip, (uint8_t)bits);
                if (bsearch(&wider, list->networks, list->count, sizeof(wider),
                            compare_networks))
                        return true;
        }
        return false;
}

/* The first of that length from there on, in the order of the list. */
static const struct network *first_from(const struct list *list,
                                        const struct network *least)
{
        unsigned low = 0, high = list->count;

        while (low < high) {
                unsigned middle = low + (high - low) / 2;
                if (compare_networks(&list->networks[middle], least) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low < list->count && list->networks[low].bits == least->bits
                   ? &list->networks[low]
                   : NULL;
}

/* Networks nest or are apart: a wider one of the list has it, or it has a narrower one.
 */
static bool list_overlaps(const struct value_list *base, const struct network *network)
{
        const struct list *list = (const struct list *)base;

        if (!list->networks)
                return false;
        for (unsigned bits = network->bits + 1U; bits <= 128; bits++) {
                struct network least = { network->ip, (uint8_t)bits };
                const struct network *first =
                    list->lengths[bits] ? first_from(list, &least) : NULL;
                if (first && network_contains(network, &first->ip))
                        return true;
        }
        return has_network(list, network);
}

/* For types that the list fits; of another one there is nothing in it. */
static bool list_has(const struct value_list *base, const struct value *value)
{
        const struct list *list = (const struct list *)base;

        switch (value->type) {
        case VALUE_STRING:
                return bsearch(&value->text, list->strings, list->count,
                               sizeof(struct slice), compare_strings);
        case VALUE_NUMBER:
                return list->numbers &&
                       bsearch(&value->number, list->numbers, list->count, sizeof(double),
                               compare_numbers);
        case VALUE_NETWORK:
                return list->networks && has_network(list, &value->network);
        default:
                return false;
        }
}

static bool list_fits(const struct value_list *base, enum value_type type,
                      struct buf *why)
{
        const struct list *list = (const struct list *)base;
        const struct misfits *misfits =
            type == VALUE_NUMBER ? &list->not_numbers : &list->not_networks;

        if (type == VALUE_STRING || misfits->count == 0)
                return true;
        for (unsigned i = 0; i < misfits->count && i < MISFITS_TOLD; i++) {
                const struct item *item = &misfits->told[i];
                struct slice text = slice_first(item->text, 100);
                buf_printf(why, "%s'%.*s' (%s:%u)", i ? ", " : "", (int)text.len,
                           (const char *)text.data, item->place.file, item->place.line);
        }
        if (misfits->count > MISFITS_TOLD)
                buf_printf(why, " and %u more are none", misfits->count - MISFITS_TOLD);
        else
                buf_put_str(why, misfits->count == 1 ? " is none" : " are none");
        return false;
}

static bool parse_number(struct slice text, double *number)
{
        char copy[64], *end;

        if (text.len == 0 || text.len >= sizeof(copy) ||
            !strchr("+-.0123456789", text.data[0]))
                return false;
        memcpy(copy, text.data, text.len);
        copy[text.len] = '\0';
        if (copy[strspn(copy, "+-.0123456789eE")])
                return false;
        errno = 0;
        *number = strtod(copy, &end);
        return *end == '\0' && errno == 0 && isfinite(*number);
}

static void item_add(struct items *items, struct item item)
{
        if (items->count == LIST_ITEMS_MAX) {
                items->too_many = true;
                return;
        }
        if (items->count == items->capacity) {
                items->capacity = items->capacity ? items->capacity * 2 : 64;
                items->items = realloc(items->items, items->capacity * sizeof(item));
                CHECK(items->items);
        }
        items->items[items->count++] = item;
}

static void note_misfit(struct arena *arena, struct misfits *misfits,
                        const struct item *item)
{
        struct place place = item->place;

        if (misfits->count++ >= MISFITS_TOLD)
                return;
        place.file = (const char *)arena_copy(arena, slice_str(place.file)).data;
        misfits->told[misfits->count - 1] =
            (struct item){ arena_copy(arena, item->text), place };
}

static void warn_of_host_bits(const struct items *items, struct diag *diag)
{
        for (unsigned i = 0; i < items->count; i++) {
                const struct item *item = &items->items[i];
                struct network network;
                bool host_bits = false;
                if (network_parse(item->text, &network, &host_bits) && host_bits)
                        diag_warning(
                            diag, item->place,
                            "'%.*s' has bits set after its prefix; they are ignored",
                            (int)item->text.len, (const char *)item->text.data);
        }
}

static void fill_strings(struct arena *arena, struct list *list,
                         const struct items *items)
{
        list->strings = arena_take(arena, (items->count + 1) * sizeof(*list->strings));
        for (unsigned i = 0; i < items->count; i++)
                list->strings[i] = arena_copy(arena, items->items[i].text);
        qsort(list->strings, items->count, sizeof(*list->strings), compare_strings);
}

static void fill_numbers(struct arena *arena, struct list *list,
                         const struct items *items)
{
        double number;

        for (unsigned i = 0; i < items->count; i++)
                if (!parse_number(items->items[i].text, &number))
                        note_misfit(arena, &list->not_numbers, &items->items[i]);
        if (list->not_numbers.count)
                return;
        list->numbers = arena_take(arena, (items->count + 1) * sizeof(*list->numbers));
        for (unsigned i = 0; i < items->count; i++)
                parse_number(items->items[i].text, &list->numbers[i]);
        qsort(list->numbers, items->count, sizeof(*list->numbers), compare_numbers);
}

static void fill_networks(struct arena *arena, struct list *list,
                          const struct items *items)
{
        struct network network;

        for (unsigned i = 0; i < items->count; i++)
                if (!network_parse(items->items[i].text, &network, NULL))
                        note_misfit(arena, &list->not_networks, &items->items[i]);
        if (list->not_networks.count)
                return;
        list->networks = arena_take(arena, (items->count + 1) * sizeof(*list->networks));
        for (unsigned i = 0; i < items->count; i++) {
                network_parse(items->items[i].text, &list->networks[i], NULL);
                list->lengths[list->networks[i].bits] = true;
        }
        qsort(list->networks, items->count, sizeof(*list->networks), compare_networks);
}

static void fill(struct lists *lists, struct list *list, const struct items *items,
                 struct diag *diag)
{
        list->count = items->count;
        fill_strings(&lists->arena, list, items);
        fill_numbers(&lists->arena, list, items);
        fill_networks(&lists->arena, list, items);
        if (list->networks)
                warn_of_host_bits(items, diag);
}

static void read_inline(const struct yaml_node *node, struct items *items,
                        struct diag *diag)
{
        for (const struct yaml_node *child = node->child; child; child = child->next) {
                struct slice text;
                if (yaml_text(child, "item of a list", &text, diag))
                        item_add(items, (struct item){ text, child->place });
        }
}

static bool read_whole(const char *path, struct buf *contents, struct place at,
                       struct diag *diag)
{
        FILE *file = fopen(path, "re");

        if (!file) {
                diag_error(diag, at, "cannot read '%s': %s", path, strerror(errno));
                return false;
        }
        buf_reserve(contents, LIST_FILE_MAX + 1);
        contents->len = fread(contents->data, 1, LIST_FILE_MAX + 1, file);
        bool failed = ferror(file);
        fclose(file);
        if (failed)
                diag_error(diag, at, "cannot read '%s'", path);
        else if (contents->len > LIST_FILE_MAX)
                diag_error(diag, at, "'%s' is larger than 32 MiB", path);
        return !failed && contents->len <= LIST_FILE_MAX;
}

/* One item a line; blank lines and those that begin with # are passed over. */
static void read_lines(struct slice rest, const char *path, struct items *items)
{
        struct slice line;

        for (unsigned number = 1; slice_next(&rest, '\n', &line); number++) {
                if (slice_ends_with(line, slice_str("\r")))
                        line.len--;
                line = slice_trim(line);
                if (line.len == 0 || line.data[0] == '#')
                        continue;
                item_add(items, (struct item){ line, { path, number, 1 } });
        }
}

/* A path in a rule file is relative to that file's folder. */
static const char *beside(struct lists *lists, const char *rule_file, struct slice name)
{
        const char *slash = strrchr(rule_file, '/');
        struct buf path = { 0 };

        if (slash && name.data[0] != '/')
                buf_put(&path, rule_file, (size_t)(slash - rule_file) + 1);
        buf_put_slice(&path, name);
        struct slice copy = arena_copy(&lists->arena, buf_slice(&path));
        buf_free(&path);
        return (const char *)copy.data;
}

static void read_file(struct lists *lists, const struct yaml_node *node,
                      const char *rule_file, struct buf *contents, struct items *items,
                      const char **from, struct diag *diag)
{
        static const char *const keys[] = { "file", NULL };
        const struct yaml_node *file = yaml_get(node, "file");
        struct slice name;

        if (!yaml_check_keys(node, keys, "a list", diag))
                return;
        if (!file) {
                diag_error(diag, node->place, "a list is [..] or has the key 'file'");
                return;
        }
        if (!yaml_text(file, "file of a list", &name, diag))
                return;
        if (name.len == 0) {
                diag_error(diag, file->place, "the file of a list needs a name");
                return;
        }
        const char *path = beside(lists, rule_file, name);
        *from = path;
        if (read_whole(path, contents, file->place, diag))
                read_lines(buf_slice(contents), path, items);
}

static void lists_add(struct lists *lists, struct list *list)
{
        if (lists->count + 1 >= lists->capacity) {
                lists->capacity = lists->capacity ? lists->capacity * 2 : 8;
                lists->all = realloc(lists->all, lists->capacity * sizeof(*lists->all));
                CHECK(lists->all);
        }
        lists->all[lists->count++] = &list->base;
        lists->all[lists->count] = NULL;
}

static void read_list(struct lists *lists, const struct yaml_node *node, const char *path,
                      struct diag *diag)
{
        struct list *list = arena_take(&lists->arena, sizeof(*list));
        struct buf contents = { 0 };
        struct items items = { 0 };

        list->base.name =
            (const char *)arena_copy(&lists->arena, slice_str(node->key)).data;
        list->base.fits = list_fits;
        list->base.has = list_has;
        list->base.overlaps = list_overlaps;
        for (unsigned i = 0; i < lists->count; i++)
                if (strcmp(lists->all[i]->name, node->key) == 0) {
                        diag_error(diag, node->key_place, "list '%s' exists already",
                                   node->key);
                        return;
                }
        if (node->kind == YAML_LIST)
                read_inline(node, &items, diag);
        else if (node->kind == YAML_MAP)
                read_file(lists, node, path, &contents, &items, &list->file, diag);
        else
                diag_error(diag, node->place, "a list is [..] or has the key 'file'");
        if (items.too_many)
                diag_error(diag, node->place, "list '%s' has more than %d items",
                           node->key, LIST_ITEMS_MAX);
        fill(lists, list, &items, diag);
        lists_add(lists, list);
        free(items.items);
        buf_free(&contents);
}

void lists_read(struct lists *lists, const struct yaml_node *map, const char *path,
                struct diag *diag)
{
        if (map->kind != YAML_MAP) {
                diag_error(diag, map->place, "'lists' is a map of names to lists");
                return;
        }
        for (const struct yaml_node *node = map->child; node; node = node->next)
                read_list(lists, node, path, diag);
}

const struct value_list *const *lists_all(const struct lists *lists)
{
        static const struct value_list *const none[] = { NULL };

        return lists->all ? lists->all : none;
}

void lists_free(struct lists *lists)
{
        free(lists->all);
        arena_free(&lists->arena);
        *lists = (struct lists){ 0 };
}

static void print_list(const struct list *list, struct buf *out)
{
        buf_put_str(out, "  ");
        yaml_put_text(slice_str(list->base.name), out);
        if (list->file) {
                char *path = realpath(list->file, NULL);
                buf_put_str(out, ": { file: ");
                yaml_put_text(slice_str(path ? path : list->file), out);
                buf_put_str(out, " }\n");
                free(path);
                return;
        }
        for (unsigned i = 0; i < list->count; i++) {
                buf_put_str(out, i ? ", " : ": [");
                yaml_put_text(list->strings[i], out);
        }
        buf_put_str(out, list->count ? "]\n" : ": []\n");
}

void lists_print(const struct lists *lists, struct buf *out)
{
        if (lists->count)
                buf_put_str(out, "lists:\n");
        for (unsigned i = 0; i < lists->count; i++)
                print_list((const struct list *)lists->all[i], out);
}
