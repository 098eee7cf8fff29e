/* SPDX-License-Identifier: MIT */
#include "lang/yaml.h"

#include "base/clock.h"

#include <inttypes.h>

#define QUOTED(text) (int)((text).len < 60 ? (text).len : 60), (const char *)(text).data

static const char *kind_name(const struct yaml_node *node)
{
        return node->kind == YAML_MAP    ? "a map"
               : node->kind == YAML_LIST ? "a list"
                                         : "a text";
}

const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key)
{
        if (map->kind != YAML_MAP)
                return NULL;
        for (const struct yaml_node *child = map->child; child; child = child->next)
                if (strcmp(child->key, key) == 0)
                        return child;
        return NULL;
}

static bool is_known(const char *key, const char *const *known)
{
        for (; *known; known++)
                if (strcmp(key, *known) == 0)
                        return true;
        return false;
}

bool yaml_check_keys(const struct yaml_node *map, const char *const *known,
                     const char *what, struct diag *diag)
{
        bool good = true;

        if (map->kind != YAML_MAP) {
                diag_error(diag, map->place, "%s is a map of keys and values, not %s",
                           what, kind_name(map));
                return false;
        }
        for (const struct yaml_node *child = map->child; child; child = child->next) {
                if (is_known(child->key, known))
                        continue;
                const char *near = diag_suggest(slice_str(child->key), known);
                diag_error(diag, child->key_place, "unknown key '%s' in %s%s%s%s",
                           child->key, what, near ? " (did you mean '" : "",
                           near ? near : "", near ? "'?)" : "");
                good = false;
        }
        return good;
}

/* The text of a scalar that holds something. */
bool yaml_text(const struct yaml_node *node, const char *what, struct slice *text,
               struct diag *diag)
{
        if (node->kind != YAML_SCALAR) {
                diag_error(diag, node->place, "%s: one value is needed, not %s", what,
                           kind_name(node));
                return false;
        }
        if (node->text.len == 0 && !node->quoted) {
                diag_error(diag, node->place, "%s: a value is missing", what);
                return false;
        }
        *text = node->text;
        return true;
}

bool yaml_u64(const struct yaml_node *node, const char *what, uint64_t min, uint64_t max,
              uint64_t *value, struct diag *diag)
{
        struct slice text;
        uint64_t number;

        if (!yaml_text(node, what, &text, diag))
                return false;
        /* YAML 1.1 reads 010 as eight: whoever writes it means one or the other. */
        bool octal = text.len > 1 && text.data[0] == '0';
        if (octal || !slice_to_u64(text, &number)) {
                diag_error(diag, node->place, "%s: '%.*s' is not a whole number%s", what,
                           QUOTED(text), octal ? " (no zero before it, no 0x)" : "");
                return false;
        }
        if (number < min || number > max) {
                diag_error(diag, node->place,
                           "%s: %" PRIu64 " is out of range (%" PRIu64 " to %" PRIu64 ")",
                           what, number, min, max);
                return false;
        }
        *value = number;
        return true;
}

static bool text_truth(struct slice text, bool *value)
{
        static const struct {
                const char *word;
                bool value;
        } words[] = {
                { "true", true },   { "yes", true }, { "on", true },
                { "false", false }, { "no", false }, { "off", false },
        };

        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
                if (slice_is(text, words[i].word)) {
                        *value = words[i].value;
                        return true;
                }
        }
        return false;
}

bool yaml_truth(const struct yaml_node *node, const char *what, bool *value,
                struct diag *diag)
{
        struct slice text;

        if (!yaml_text(node, what, &text, diag))
                return false;
        if (!node->quoted && text_truth(text, value))
                return true;
        diag_error(diag, node->place, "%s: '%.*s' is neither true nor false%s", what,
                   QUOTED(text),
                   node->quoted && text_truth(text, value) ? " in quotes" : "");
        return false;
}

static bool is_digit(uint8_t c)
{
        return c >= '0' && c <= '9';
}

/* `digits[.digits]` and what follows. False when there is no digit. */
static bool read_decimal(struct slice text, struct slice *digits, struct slice *fraction,
                         struct slice *rest)
{
        size_t i = 0;

        while (i < text.len && is_digit(text.data[i]))
                i++;
        *digits = slice_first(text, i);
        *fraction = slice_none();
        if (i + 1 < text.len && text.data[i] == '.' && is_digit(text.data[i + 1])) {
                size_t from = ++i;
                while (i < text.len && is_digit(text.data[i]))
                        i++;
                *fraction = slice_of(text.data + from, i - from);
        }
        *rest = slice_from(text, i);
        return digits->len > 0;
}

bool text_duration_ns(struct slice text, int64_t *ns)
{
        static const struct {
                const char *name;
                int64_t ns;
        } units[] = {
                { "ms", NS_PER_MS },         { "s", NS_PER_SEC },
                { "m", 60 * NS_PER_SEC },    { "h", 3600 * NS_PER_SEC },
                { "d", 86400 * NS_PER_SEC },
        };
        struct slice digits, fraction, unit;
        uint64_t whole;

        if (!read_decimal(text, &digits, &fraction, &unit) ||
            !slice_to_u64(digits, &whole))
                return false;
        for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
                if (!slice_is(unit, units[i].name))
                        continue;
                if (whole > (uint64_t)(INT64_MAX / units[i].ns) - 1)
                        return false;
                int64_t sum = (int64_t)whole * units[i].ns;
                int64_t step = units[i].ns;
                for (size_t d = 0; d < fraction.len; d++) {
                        if ((step % 10 || step == 0) && fraction.data[d] != '0')
                                return false; /* finer than can be said */
                        step /= 10;
                        sum += step * (fraction.data[d] - '0');
                }
                *ns = sum;
                return true;
        }
        return false;
}

bool yaml_duration_ns(const struct yaml_node *node, const char *what, int64_t *ns,
                      struct diag *diag)
{
        struct slice text;

        if (!yaml_text(node, what, &text, diag))
                return false;
        if (text_duration_ns(text, ns))
                return true;
        diag_error(diag, node->place,
                   "%s: '%.*s' is not a duration (like 500ms, 30s, 10m, 1h, 7d)", what,
                   QUOTED(text));
        return false;
}

bool text_size(struct slice text, uint64_t *size)
{
        static const char units[] = "kMG";
        size_t digits = 0;
        unsigned shift = 0;
        uint64_t value;

        while (digits < text.len && is_digit(text.data[digits]))
                digits++;
        if (!slice_to_u64(slice_first(text, digits), &value))
                return false;
        struct slice unit = slice_from(text, digits);
        if (unit.len) {
                uint8_t letter = unit.data[0] == 'K' ? 'k' : unit.data[0];
                const char *at = letter ? strchr(units, letter) : NULL;
                if (!at)
                        return false;
                shift = 10 * (unsigned)(at - units + 1);
                unit = slice_from(unit, 1);
                if (unit.len && !slice_is(unit, "B") && !slice_is(unit, "iB"))
                        return false;
        }
        if (value > UINT64_MAX >> shift)
                return false;
        *size = value << shift;
        return true;
}

bool yaml_size(const struct yaml_node *node, const char *what, uint64_t *size,
               struct diag *diag)
{
        struct slice text;

        if (!yaml_text(node, what, &text, diag))
                return false;
        if (text_size(text, size))
                return true;
        diag_error(diag, node->place,
                   "%s: '%.*s' is not a size (like 4096, 64k, 512M, 1G)", what,
                   QUOTED(text));
        return false;
}

bool yaml_one_or_list(const struct yaml_node *node, const char *what, yaml_each_fn *each,
                      void *context, struct diag *diag)
{
        struct slice text;

        if (node->kind == YAML_MAP) {
                diag_error(diag, node->place,
                           "%s: one value or a list is needed, not a map", what);
                return false;
        }
        if (node->kind == YAML_SCALAR) {
                if (!yaml_text(node, what, &text, diag))
                        return false;
                each(context, node);
                return true;
        }
        for (const struct yaml_node *child = node->child; child; child = child->next)
                each(context, child);
        return true;
}
