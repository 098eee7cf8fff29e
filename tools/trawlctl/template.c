/* SPDX-License-Identifier: MIT */
#include "template.h"

#include <inttypes.h>

uint64_t random_next(uint64_t *state)
{
        uint64_t x = *state += 0x9e3779b97f4a7c15ULL;

        x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
        x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
        return x ^ (x >> 31);
}

double random_part(uint64_t *state)
{
        return (double)(random_next(state) >> 11) / 9007199254740992.0;
}

enum part_kind { PART_N, PART_REMAINDER, PART_WHOLE, PART_CLIENT, PART_HEX, PART_CHOICE };

static const struct {
        const char *text;
        enum part_kind kind;
        bool has_number;
} kinds[] = {
        { "n", PART_N, false },        { "n%", PART_REMAINDER, true },
        { "n/", PART_WHOLE, true },    { "client", PART_CLIENT, false },
        { "random", PART_HEX, false }, { "random:", PART_CHOICE, true },
};

struct part {
        enum part_kind kind;
        uint64_t number, first; /* of a choice: how many there are, and the first one */
};

/* The number behind a name: 40; or of a choice as well 100-139. */
static bool read_number(struct slice text, struct part *part)
{
        size_t dash = slice_find(text, '-');
        uint64_t last;

        part->first = 1;
        if (part->kind != PART_CHOICE || dash == text.len)
                return slice_to_u64(text, &part->number) && part->number > 0;
        if (!slice_to_u64(slice_first(text, dash), &part->first) ||
            !slice_to_u64(slice_from(text, dash + 1), &last) || last < part->first ||
            last - part->first == UINT64_MAX)
                return false;
        part->number = last - part->first + 1;
        return true;
}

/* What stands between the braces; false when nobody knows it. */
static bool read_part(struct slice text, struct part *part)
{
        for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
                struct slice name = slice_str(kinds[i].text);
                part->kind = kinds[i].kind;
                if (!kinds[i].has_number && slice_equal(text, name))
                        return true;
                if (kinds[i].has_number && slice_starts_with(text, name) &&
                    read_number(slice_from(text, name.len), part))
                        return true;
        }
        return false;
}

/* The next pair of braces in *rest: what stands before it, and what inside. */
static bool next_part(struct slice *rest, struct slice *before, struct slice *inside)
{
        size_t open = slice_find(*rest, '{');
        struct slice tail = slice_from(*rest, open);
        size_t close = slice_find(tail, '}');

        *before = slice_first(*rest, open);
        if (close == tail.len)
                return false;
        *inside = slice_of(tail.data + 1, close - 1);
        *rest = slice_from(tail, close + 1);
        return true;
}

bool template_read(const struct yaml_node *node, const char *what,
                   struct template *template, struct diag *diag)
{
        struct slice rest, before, inside;
        struct part part;
        bool good = true;

        if (!yaml_text(node, what, &template->text, diag))
                return false;
        rest = template->text;
        while (next_part(&rest, &before, &inside)) {
                struct place place = node->place;
                if (read_part(inside, &part))
                        continue;
                if (node->one_line)
                        place.column += (unsigned)(inside.data - 1 - template->text.data);
                diag_error(diag, place,
                           "%s: {%.*s} is none of {n}, {n%%40}, {n/40}, {client}, "
                           "{random}, {random:40}, {random:100-139}",
                           what, (int)inside.len, (const char *)inside.data);
                good = false;
        }
        return good;
}

static void put_part(const struct part *part, const struct template_values *v,
                     struct buf *out)
{
        switch (part->kind) {
        case PART_N:
                buf_printf(out, "%" PRIu64, v->n);
                break;
        case PART_REMAINDER:
                buf_printf(out, "%" PRIu64, v->n % part->number);
                break;
        case PART_WHOLE:
                buf_printf(out, "%" PRIu64, v->n / part->number);
                break;
        case PART_CLIENT:
                buf_printf(out, "%" PRIu64, v->client);
                break;
        case PART_HEX:
                buf_printf(out, "%08" PRIx64, random_next(v->random) >> 32);
                break;
        case PART_CHOICE:
                buf_printf(out, "%" PRIu64,
                           part->first + random_next(v->random) % part->number);
                break;
        }
}

void template_put(const struct template *template, const struct template_values *values,
                  struct buf *out)
{
        struct slice rest = template->text, before, inside;
        struct part part;

        while (next_part(&rest, &before, &inside)) {
                buf_put_slice(out, before);
                if (read_part(inside, &part))
                        put_part(&part, values, out);
        }
        buf_put_slice(out, rest);
}
