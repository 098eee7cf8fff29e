/* SPDX-License-Identifier: MIT */
/* What one value looks like, by the type of its row. */
#include "parameters_priv.h"

#include "base/clock.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define QUOTED(text) (int)((text).len < 60 ? (text).len : 60), (const char *)(text).data

/* Digits, and no words like `inf` or hexadecimal, which strtod would take. */
static bool number_of(const char *text, double *number, const char **rest)
{
        char *end;

        if (text[0] != '.' && (text[0] < '0' || text[0] > '9'))
                return false;
        if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
                return false;
        *number = strtod(text, &end);
        *rest = end;
        return end > text && isfinite(*number);
}

static bool scaled(const char *text, double *number)
{
        const char *unit;

        if (!number_of(text, number, &unit))
                return false;
        double factor = strcmp(unit, "") == 0    ? 1
                        : strcmp(unit, "%") == 0 ? 0.01
                        : strcmp(unit, "k") == 0 ? 1e3
                        : strcmp(unit, "M") == 0 ? 1e6
                                                 : 0;
        *number *= factor;
        return factor > 0;
}

static bool rate_of(const char *text, double *number)
{
        const char *unit;

        if (!number_of(text, number, &unit))
                return false;
        double factor = strcmp(unit, "/s") == 0   ? 1
                        : strcmp(unit, "/m") == 0 ? 60
                        : strcmp(unit, "/h") == 0 ? 3600
                        : strcmp(unit, "/d") == 0 ? 86400
                                                  : 0;
        if (factor > 0)
                *number /= factor;
        return factor > 0;
}

static const char *example(enum parameter_type type)
{
        switch (type) {
        case PARAMETER_COUNT:
                return "a whole number; write one like 250, 20k or 1M";
        case PARAMETER_DURATION:
                return "a duration; write one like 500ms, 30s, 10m, 1h or 7d";
        case PARAMETER_RATE:
                return "a rate; write one like 2/s, 30/m, 500/h or 5000/d";
        default:
                return "a number; write one like 0.3, 5%, 20k or 1M";
        }
}

/* As a number in the unit of the row's limits. */
static bool in_units(enum parameter_type type, const char *text, double *number)
{
        int64_t ns;

        switch (type) {
        case PARAMETER_DURATION:
                if (!text_duration_ns(slice_str(text), &ns))
                        return false;
                *number = (double)ns / NS_PER_SEC;
                return true;
        case PARAMETER_RATE:
                return rate_of(text, number);
        case PARAMETER_COUNT:
                return scaled(text, number) && *number == floor(*number) &&
                       *number <= 0x1p53;
        default:
                return scaled(text, number);
        }
}

static bool take_number(const struct parameter_row *row, enum parameter_type type,
                        const struct yaml_node *node, double *number, struct diag *diag)
{
        struct slice text;

        if (!yaml_text(node, row->name, &text, diag))
                return false;
        if (!in_units(type, (const char *)text.data, number)) {
                diag_error(diag, node->place, "%s: '%.*s' is not %s", row->name,
                           QUOTED(text), example(type));
                return false;
        }
        if (row->least == row->most || (*number >= row->least && *number <= row->most))
                return true;
        const char *unit = type == PARAMETER_DURATION ? " seconds"
                           : type == PARAMETER_RATE   ? " a second"
                                                      : "";
        diag_error(diag, node->place, "%s: %.*s is out of range; it is %g to %g%s",
                   row->name, QUOTED(text), row->least, row->most, unit);
        return false;
}

static bool take_text(const struct parameter_row *row, const struct yaml_node *node,
                      struct arena *arena, const char **text, struct diag *diag)
{
        struct slice written;

        if (!yaml_text(node, row->name, &written, diag))
                return false;
        *text = (const char *)arena_copy(arena, written).data;
        return true;
}

static bool take_choice(const struct parameter_row *row, const struct yaml_node *node,
                        unsigned *choice, struct diag *diag)
{
        struct slice text;
        char all[256] = "";

        if (!yaml_text(node, row->name, &text, diag))
                return false;
        for (unsigned i = 0; row->choices[i]; i++) {
                if (slice_is(text, row->choices[i])) {
                        *choice = i;
                        return true;
                }
                size_t at = strlen(all);
                snprintf(all + at, sizeof(all) - at, "%s%s", i ? ", " : "",
                         row->choices[i]);
        }
        const char *near = diag_suggest(text, row->choices);
        diag_error(diag, node->place, "%s: '%.*s' is none of %s%s%s%s", row->name,
                   QUOTED(text), all, near ? " (did you mean '" : "", near ? near : "",
                   near ? "'?)" : "");
        return false;
}

static unsigned children(const struct yaml_node *node)
{
        unsigned count = 0;

        for (const struct yaml_node *child = node->child; child; child = child->next)
                count++;
        return count;
}

/* A list (or map) with at least one value and no more than fit. */
static bool is_filled(const struct parameter_row *row, const struct yaml_node *node,
                      enum yaml_kind kind, unsigned most, struct diag *diag)
{
        unsigned count = children(node);

        if (node->kind != kind)
                diag_error(diag, node->place, "%s: %s is needed, as in %s", row->name,
                           kind == YAML_LIST ? "a list" : "a map of names and numbers",
                           row->usual);
        else if (count == 0 || count > most)
                diag_error(diag, node->place, "%s: %u values; 1 to %u are possible",
                           row->name, count, most);
        else
                return true;
        return false;
}

static bool take_numbers(const struct parameter_row *row, const struct yaml_node *node,
                         struct numbers *numbers, struct diag *diag)
{
        struct numbers taken = { 0 };
        bool good = true;

        if (!is_filled(row, node, YAML_LIST, NUMBERS_MAX, diag))
                return false;
        for (const struct yaml_node *child = node->child; child; child = child->next)
                good &= take_number(row, PARAMETER_NUMBER, child,
                                    &taken.of[taken.count++], diag);
        if (good)
                *numbers = taken;
        return good;
}

static bool take_shares(const struct parameter_row *row, const struct yaml_node *node,
                        struct arena *arena, struct shares *shares, struct diag *diag)
{
        struct shares taken = { 0 };
        double total = 0;
        bool good = true;

        if (!is_filled(row, node, YAML_MAP, SHARES_MAX, diag))
                return false;
        for (const struct yaml_node *child = node->child; child; child = child->next) {
                unsigned i = taken.count++;
                taken.name[i] =
                    (const char *)arena_copy(arena, slice_str(child->key)).data;
                good &= take_number(row, PARAMETER_NUMBER, child, &taken.of[i], diag);
                total += taken.of[i];
        }
        if (good && total <= 0) {
                diag_error(diag, node->place, "%s: one of the numbers must be above 0",
                           row->name);
                good = false;
        }
        if (good)
                *shares = taken;
        return good;
}

static bool take_texts(const struct parameter_row *row, const struct yaml_node *node,
                       struct arena *arena, struct texts *texts, struct diag *diag)
{
        struct texts taken = { 0 };
        bool good = true;

        if (!is_filled(row, node, YAML_LIST, SHARES_MAX, diag))
                return false;
        for (const struct yaml_node *child = node->child; child; child = child->next)
                good &= take_text(row, child, arena, &taken.of[taken.count++], diag);
        if (good)
                *texts = taken;
        return good;
}

/* Numbers of all kinds, each into its C type. */
static bool take_scalar(const struct parameter_row *row, const struct yaml_node *node,
                        void *value, struct diag *diag)
{
        double number;

        if (!take_number(row, row->type, node, &number, diag))
                return false;
        if (row->type == PARAMETER_COUNT)
                *(uint64_t *)value = (uint64_t)number;
        else if (row->type == PARAMETER_DURATION)
                text_duration_ns(node->text, value);
        else
                *(double *)value = number;
        return true;
}

bool parameter_take(const struct parameter_row *row, const struct yaml_node *node,
                    struct arena *arena, void *value, struct diag *diag)
{
        switch (row->type) {
        case PARAMETER_NUMBER:
        case PARAMETER_COUNT:
        case PARAMETER_DURATION:
        case PARAMETER_RATE:
                return take_scalar(row, node, value, diag);
        case PARAMETER_TRUTH:
                return yaml_truth(node, row->name, value, diag);
        case PARAMETER_TEXT:
                return take_text(row, node, arena, value, diag);
        case PARAMETER_CHOICE:
                return take_choice(row, node, value, diag);
        case PARAMETER_NUMBERS:
                return take_numbers(row, node, value, diag);
        case PARAMETER_SHARES:
                return take_shares(row, node, arena, value, diag);
        case PARAMETER_TEXTS:
                return take_texts(row, node, arena, value, diag);
        }
        return false;
}

/* In flow lists and maps these end a plain scalar. */
static bool is_plain(const struct yaml_node *node)
{
        return !node->quoted && node->one_line && node->text.len > 0 &&
               strcspn((const char *)node->text.data, ",[]{}#&*!|>'\"@`") ==
                   node->text.len;
}

static void put_scalar(const struct yaml_node *node, struct buf *out)
{
        if (is_plain(node)) {
                buf_put_slice(out, node->text);
                return;
        }
        buf_put_byte(out, '\'');
        for (size_t i = 0; i < node->text.len; i++) {
                if (node->text.data[i] == '\'')
                        buf_put_byte(out, '\'');
                buf_put_byte(out, node->text.data[i]);
        }
        buf_put_byte(out, '\'');
}

void parameter_put(const struct yaml_node *node, struct buf *out)
{
        if (node->kind == YAML_SCALAR) {
                put_scalar(node, out);
                return;
        }
        bool is_map = node->kind == YAML_MAP;
        buf_put_byte(out, is_map ? '{' : '[');
        for (const struct yaml_node *child = node->child; child; child = child->next) {
                if (child != node->child)
                        buf_put_str(out, ", ");
                if (is_map)
                        buf_printf(out, "%s: ", child->key);
                parameter_put(child, out);
        }
        buf_put_byte(out, is_map ? '}' : ']');
}
