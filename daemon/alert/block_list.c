/* SPDX-License-Identifier: MIT */
#include "alert/block_list.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/ip.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const types[] = {
        "ip", "prefix", "session", "account", "ja4", "shape"
};

static bool is_address_type(const char *type)
{
        return strcmp(type, "ip") == 0 || strcmp(type, "prefix") == 0;
}

static const char *parse_address(struct slice text, char type[BLOCK_TYPE_MAX],
                                 char value[BLOCK_VALUE_MAX])
{
        struct network network;
        bool host_bits;

        if (!network_parse(text, &network, &host_bits))
                return "it is neither an address, a network, nor TYPE:VALUE with the "
                       "type ip, "
                       "prefix, session, account, ja4 or shape";
        if (host_bits)
                return "the address has bits set after its prefix";
        value[network_format(&network, value)] = '\0';
        snprintf(type, BLOCK_TYPE_MAX, "%s", network.bits == 128 ? "ip" : "prefix");
        return NULL;
}

/* The index of the type that `text` begins with, before a colon; -1: none. */
static int leading_type(struct slice text)
{
        struct slice word = slice_first(text, slice_find(text, ':'));

        for (int i = 0; i < (int)(sizeof(types) / sizeof(types[0])); i++)
                if (word.len < text.len && slice_is(word, types[i]))
                        return i;
        return -1;
}

const char *block_subject_parse(struct slice text, char type[BLOCK_TYPE_MAX],
                                char value[BLOCK_VALUE_MAX])
{
        int which = leading_type(text);

        if (which < 0)
                return parse_address(text, type, value);
        struct slice rest = slice_from(text, strlen(types[which]) + 1);
        if (is_address_type(types[which])) {
                const char *wrong = parse_address(rest, type, value);
                if (wrong || strcmp(type, types[which]) == 0)
                        return wrong;
                return which == 0 ? "an ip is one address, without a prefix length"
                                  : "a prefix needs a length, as in 203.0.113.0/24";
        }
        if (rest.len == 0 || rest.len >= BLOCK_VALUE_MAX)
                return "the value is empty or longer than 256 bytes";
        snprintf(type, BLOCK_TYPE_MAX, "%s", types[which]);
        memcpy(value, rest.data, rest.len);
        value[rest.len] = '\0';
        return NULL;
}

/* A block with its texts in a buffer of its own: type, value, JSON. */
struct kept {
        struct buf text;
        size_t type_len, value_len;
        int64_t until_ns;
};

struct collection {
        struct kept *all;
        size_t count, cap;
        int64_t now_ns;
};

static struct slice kept_type(const struct kept *k)
{
        return slice_of(k->text.data, k->type_len);
}

static struct slice kept_value(const struct kept *k)
{
        return slice_of(k->text.data + k->type_len, k->value_len);
}

static void keep(struct collection *c, const struct block *block)
{
        if (c->count == c->cap) {
                c->cap = c->cap ? 2 * c->cap : 64;
                c->all = realloc(c->all, c->cap * sizeof(*c->all));
                CHECK(c->all);
        }
        struct kept *k = &c->all[c->count++];
        *k = (struct kept){ .type_len = block->type.len,
                            .value_len = block->value.len,
                            .until_ns = block->until_ns };
        buf_put_slice(&k->text, block->type);
        buf_put_slice(&k->text, block->value);
        block_json(block, &k->text);
}

static bool collect(void *context, const struct alert *given)
{
        struct collection *c = context;
        struct alert alert = *given;
        struct block block;

        while (alert_block_next(&alert, &block))
                if (block.until_ns > c->now_ns)
                        keep(c, &block);
        return true;
}

static int compare_slices(struct slice a, struct slice b)
{
        size_t len = a.len < b.len ? a.len : b.len;
        int order = len ? memcmp(a.data, b.data, len) : 0;

        return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare_ends(const void *a, const void *b)
{
        int64_t x = ((const struct kept *)a)->until_ns,
                y = ((const struct kept *)b)->until_ns;
        return (x > y) - (x < y);
}

/* Of one subject the block that ends last comes first. */
static int compare_subjects(const void *a, const void *b)
{
        int order = compare_slices(kept_type(a), kept_type(b));

        if (!order)
                order = compare_slices(kept_value(a), kept_value(b));
        return order ? order : compare_ends(b, a);
}

/* A running block is never shortened: of one subject, that which ends last stands. */
static void drop_shorter(struct collection *c)
{
        size_t kept = 0;

        qsort(c->all, c->count, sizeof(*c->all), compare_subjects);
        for (size_t i = 0; i < c->count; i++) {
                const struct kept *before = kept ? &c->all[kept - 1] : NULL;
                if (before && slice_equal(kept_type(before), kept_type(&c->all[i])) &&
                    slice_equal(kept_value(before), kept_value(&c->all[i])))
                        buf_free(&c->all[i].text);
                else
                        c->all[kept++] = c->all[i];
        }
        c->count = kept;
        qsort(c->all, c->count, sizeof(*c->all), compare_ends);
}

static void visit_all(const struct collection *c, block_fn *visit, void *context)
{
        for (size_t i = 0; i < c->count; i++) {
                const struct kept *k = &c->all[i];
                struct block_entry entry = {
                        .type = kept_type(k),
                        .value = kept_value(k),
                        .expires_ns = k->until_ns,
                        .json =
                            slice_from(buf_slice(&k->text), k->type_len + k->value_len),
                };
                if (!visit(context, &entry))
                        return;
        }
}

enum journal_result blocks_of_journal(const char *directory, int64_t now_ns,
                                      block_fn *visit, void *context)
{
        struct journal_cursor *cursor = journal_cursor_new(directory);
        struct collection c = { .now_ns = now_ns };
        enum journal_result got = journal_cursor_alerts(cursor, collect, &c);

        if (c.count)
                drop_shorter(&c);
        if (got == JOURNAL_END)
                visit_all(&c, visit, context);
        for (size_t i = 0; i < c.count; i++)
                buf_free(&c.all[i].text);
        free(c.all);
        journal_cursor_free(&cursor);
        return got;
}
