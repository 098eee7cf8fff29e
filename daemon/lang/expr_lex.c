/* SPDX-License-Identifier: MIT */
#include "lang/expr_priv.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define NUMBER_MAX  40 /* characters of a number */
#define INTEGER_MAX (UINT64_C(1) << 53)

struct spelling {
        const char *text;
        enum token_kind kind;
        const char *meant; /* for what other languages write: what it is called here */
};

static const struct spelling words[] = {
        { "and", TOKEN_AND, NULL },
        { "or", TOKEN_OR, NULL },
        { "not", TOKEN_NOT, NULL },
        { "in", TOKEN_IN, NULL },
        { "contains", TOKEN_CONTAINS, NULL },
        { "starts_with", TOKEN_STARTS_WITH, NULL },
        { "ends_with", TOKEN_ENDS_WITH, NULL },
};

/* Longer ones first. */
static const struct spelling signs[] = {
        { "===", TOKEN_EQUAL, "==" },
        { "!==", TOKEN_NOT_EQUAL, "!=" },
        { "==", TOKEN_EQUAL, NULL },
        { "!=", TOKEN_NOT_EQUAL, NULL },
        { "<=", TOKEN_LESS_EQUAL, NULL },
        { ">=", TOKEN_GREATER_EQUAL, NULL },
        { "=~", TOKEN_MATCHES, NULL },
        { "&&", TOKEN_AND, "and" },
        { "||", TOKEN_OR, "or" },
        { "<>", TOKEN_NOT_EQUAL, "!=" },
        { "=>", TOKEN_GREATER_EQUAL, ">=" },
        { "=<", TOKEN_LESS_EQUAL, "<=" },
        { "!~", TOKEN_MATCHES, "not ... =~" },
        { "~=", TOKEN_MATCHES, "=~" },
        { "<", TOKEN_LESS, NULL },
        { ">", TOKEN_GREATER, NULL },
        { "=", TOKEN_EQUAL, "==" },
        { "!", TOKEN_NOT, "not" },
        { "~", TOKEN_MATCHES, "=~" },
        { "&", TOKEN_AND, "and" },
        { "|", TOKEN_OR, "or" },
        { "(", TOKEN_OPEN, NULL },
        { ")", TOKEN_CLOSE, NULL },
        { "[", TOKEN_OPEN_LIST, NULL },
        { "]", TOKEN_CLOSE_LIST, NULL },
        { ",", TOKEN_COMMA, NULL },
        { "@", TOKEN_AT, NULL },
        { "+", TOKEN_PLUS, NULL },
        { "-", TOKEN_MINUS, NULL },
        { "*", TOKEN_TIMES, NULL },
        { "/", TOKEN_SLASH, NULL },
};

struct unit {
        const char *name;
        enum value_type type;
        int exponent; /* of ten: kept out of the arithmetic, so that 5% is just 0.05 */
        double factor;
};

static const struct unit units[] = {
        { "", VALUE_NUMBER, 0, 1 },        { "%", VALUE_NUMBER, -2, 1 },
        { "k", VALUE_NUMBER, 3, 1 },       { "M", VALUE_NUMBER, 6, 1 },
        { "ms", VALUE_DURATION, -3, 1 },   { "s", VALUE_DURATION, 0, 1 },
        { "m", VALUE_DURATION, 0, 60 },    { "h", VALUE_DURATION, 0, 3600 },
        { "d", VALUE_DURATION, 0, 86400 }, { "x", VALUE_RATIO, 0, 1 },
};

static struct place place_at(const struct reader *r, unsigned at)
{
        struct place place = r->place;

        for (unsigned i = 0; r->exact_columns && i < at && i < r->text.len; i++)
                place.column += (r->text.data[i] & 0xc0) != 0x80;
        return place;
}

void expr_mistake(struct reader *r, unsigned at, const char *format, ...)
{
        char message[400];
        va_list args;

        r->mistakes++;
        if (r->muted || r->lost)
                return;
        va_start(args, format);
        vsnprintf(message, sizeof(message), format, args);
        va_end(args);
        diag_error(r->diag, place_at(r, at), "%s", message);
}

void expr_warning(struct reader *r, unsigned at, const char *format, ...)
{
        char message[400];
        va_list args;

        if (r->muted || r->lost)
                return;
        va_start(args, format);
        vsnprintf(message, sizeof(message), format, args);
        va_end(args);
        diag_warning(r->diag, place_at(r, at), "%s", message);
}

static bool is_digit(uint8_t c)
{
        return c >= '0' && c <= '9';
}

static bool is_letter(uint8_t c)
{
        return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static bool is_alnum(uint8_t c)
{
        return is_digit(c) || is_letter(c);
}

static bool is_blank(uint8_t c)
{
        return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/*
 * A bare word: letters, digits and _, and between two of them a dot; between
 * letters or digits also a hyphen.
 */
static size_t word_length(struct slice s)
{
        size_t i = 0;

        if (s.len == 0 || !(is_letter(s.data[0]) || s.data[0] == '_'))
                return 0;
        for (; i < s.len; i++) {
                uint8_t c = s.data[i];
                uint8_t after = i + 1 < s.len ? s.data[i + 1] : 0;
                bool joint = (c == '.' && (is_alnum(after) || after == '_')) ||
                             (c == '-' && is_alnum(s.data[i - 1]) && is_alnum(after));
                if (!is_alnum(c) && c != '_' && !joint)
                        break;
        }
        return i;
}

static enum token_kind word_kind(struct slice word)
{
        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
                if (slice_is(word, words[i].text))
                        return words[i].kind;
        return TOKEN_WORD;
}

/* How much of it looks like an address: a colon anywhere, or two dots in digits. */
static size_t address_length(struct slice s)
{
        size_t len = 0, dots = 0;
        bool colon = false, slash = false;

        if (s.len == 0 || !(is_digit(s.data[0]) || s.data[0] == ':' ||
                            ((s.data[0] | 0x20) >= 'a' && (s.data[0] | 0x20) <= 'f')))
                return 0;
        for (; len < s.len; len++) {
                uint8_t c = s.data[len];
                if (!is_alnum(c) && c != ':' && c != '.' && c != '/')
                        break;
                slash = slash || c == '/';
                colon = colon || (c == ':' && !slash);
                dots += c == '.' && !slash;
        }
        return colon || (is_digit(s.data[0]) && dots > 1) ? len : 0;
}

bool expr_is_word(struct slice s)
{
        return s.len && word_length(s) == s.len && address_length(s) == 0 &&
               word_kind(s) == TOKEN_WORD;
}

static void read_address(struct reader *r, struct slice text)
{
        struct token *token = &r->token;
        bool host_bits;
        char clean[NETWORK_TEXT_MAX];

        token->kind = TOKEN_NETWORK;
        token->value.type = VALUE_NETWORK;
        if (!network_parse(text, &token->value.network, &host_bits)) {
                expr_mistake(r, token->at,
                             "'%.*s' is not an address (like 192.0.2.1, 10.0.0.0/8, "
                             "2001:db8::/32); a text needs quotes",
                             QUOTE(text));
                token->kind = TOKEN_BROKEN;
                return;
        }
        if (host_bits) {
                network_format(&token->value.network, clean);
                expr_warning(r, token->at,
                             "'%.*s' is read as %s: bits are set after its prefix",
                             QUOTE(text), clean);
        }
}

static size_t digits_length(struct slice s)
{
        size_t i = 0;

        while (i < s.len && is_digit(s.data[i]))
                i++;
        return i;
}

/* digits [. digits] [e [+-] digits]; *integer when it is digits alone. */
static size_t decimal_length(struct slice s, bool *has_exponent)
{
        size_t len = digits_length(s);

        *has_exponent = false;
        if (len + 1 < s.len && s.data[len] == '.' && is_digit(s.data[len + 1]))
                len += 1 + digits_length(slice_from(s, len + 1));
        if (len < s.len && (s.data[len] | 0x20) == 'e') {
                size_t sign =
                    len + 1 < s.len && strchr("+-", s.data[len + 1]) && s.data[len + 1];
                size_t digits = digits_length(slice_from(s, len + 1 + sign));
                *has_exponent = digits > 0;
                len += digits ? 1 + sign + digits : 0;
        }
        return len;
}

static size_t unit_length(struct slice s)
{
        size_t len = 0;

        if (s.len && s.data[0] == '%')
                return 1;
        while (len < s.len && (is_alnum(s.data[len]) || s.data[len] == '_'))
                len++;
        return len;
}

static const struct unit *find_unit(struct slice name)
{
        for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
                if (slice_is(name, units[i].name))
                        return &units[i];
        return NULL;
}

/* False (and reported) when the number cannot be held. */
static bool read_value(struct reader *r, struct slice decimal, bool has_exponent,
                       const struct unit *unit)
{
        char text[NUMBER_MAX + 8];
        struct value *value = &r->token.value;
        uint64_t integer;

        if (decimal.len > NUMBER_MAX || (has_exponent && unit->exponent)) {
                expr_mistake(r, r->token.at, "'%.*s' is not a number", QUOTE(decimal));
                return false;
        }
        if (digits_length(decimal) == decimal.len && unit->type == VALUE_NUMBER &&
            unit->exponent == 0 &&
            (!slice_to_u64(decimal, &integer) || integer > INTEGER_MAX)) {
                expr_mistake(r, r->token.at,
                             "%.*s is larger than can be held exactly (%llu)",
                             QUOTE(decimal), (unsigned long long)INTEGER_MAX);
                return false;
        }
        if (unit->exponent)
                snprintf(text, sizeof(text), "%.*se%d", (int)decimal.len,
                         (const char *)decimal.data, unit->exponent);
        else
                snprintf(text, sizeof(text), "%.*s", (int)decimal.len,
                         (const char *)decimal.data);
        value->type = unit->type;
        value->number = strtod(text, NULL) * unit->factor;
        if (isfinite(value->number))
                return true;
        expr_mistake(r, r->token.at, "%.*s is too large", QUOTE(decimal));
        return false;
}

static void read_number(struct reader *r, struct slice rest)
{
        bool has_exponent;
        struct slice decimal = slice_first(rest, decimal_length(rest, &has_exponent));
        struct slice name = slice_from(rest, decimal.len);

        name = slice_first(name, unit_length(name));
        r->token.len = (unsigned)(decimal.len + name.len);
        const struct unit *unit = find_unit(name);
        if (!unit)
                expr_mistake(
                    r, r->token.at,
                    "'%.*s' has no unit of the language (%%, k, M, ms, s, m, h, d, x); "
                    "a text needs quotes",
                    QUOTE(slice_first(rest, r->token.len)));
        r->token.kind = unit && read_value(r, decimal, has_exponent, unit) ? TOKEN_NUMBER
                                                                           : TOKEN_BROKEN;
}

/* 'it''s' is one text: a quote is written twice. Length with both quotes, or 0. */
static size_t quoted_length(struct slice s)
{
        for (size_t i = 1; i < s.len; i++) {
                if (s.data[i] != s.data[0])
                        continue;
                if (i + 1 == s.len || s.data[i + 1] != s.data[0])
                        return i + 1;
                i++;
        }
        return 0;
}

static void read_text(struct reader *r, struct slice rest)
{
        uint8_t quote = rest.data[0];
        size_t length = quoted_length(rest), len = 0;

        if (length == 0) {
                expr_mistake(r, r->token.at,
                             "the text that begins here has no closing %c", quote);
                r->token.kind = TOKEN_BROKEN;
                r->token.len = (unsigned)rest.len;
                return;
        }
        uint8_t *text = arena_take(&r->tree->arena, length);
        for (size_t i = 1; i + 1 < length; i++) {
                text[len++] = rest.data[i];
                i += rest.data[i] == quote;
        }
        r->token.kind = TOKEN_TEXT;
        r->token.len = (unsigned)length;
        r->token.value.type = VALUE_STRING;
        r->token.value.text = slice_of(text, len);
}

static void read_sign(struct reader *r, struct slice rest)
{
        r->token.kind = TOKEN_STRANGE;
        r->token.len = 1;
        for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
                struct slice text = slice_str(signs[i].text);
                if (!slice_starts_with(rest, text))
                        continue;
                r->token.kind = signs[i].kind;
                r->token.len = (unsigned)text.len;
                if (signs[i].meant)
                        expr_mistake(r, r->token.at,
                                     "'%s' is not an operator (did you mean '%s'?)",
                                     signs[i].text, signs[i].meant);
                return;
        }
}

void expr_next(struct reader *r)
{
        while (r->at < r->text.len && is_blank(r->text.data[r->at]))
                r->at++;
        struct slice rest = slice_from(r->text, r->at);
        size_t len;

        r->token = (struct token){ .kind = TOKEN_END, .at = r->at };
        if (rest.len == 0)
                return;
        if ((len = address_length(rest))) {
                r->token.len = (unsigned)len;
                read_address(r, slice_first(rest, len));
        } else if (is_digit(rest.data[0])) {
                read_number(r, rest);
        } else if ((len = word_length(rest))) {
                r->token.len = (unsigned)len;
                r->token.kind = word_kind(slice_first(rest, len));
        } else if (rest.data[0] == '\'' || rest.data[0] == '"') {
                read_text(r, rest);
        } else {
                read_sign(r, rest);
        }
        r->at += r->token.len;
}
