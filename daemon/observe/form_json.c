/* SPDX-License-Identifier: MIT */
#include "observe/form_json.h"

enum state {
        STATE_VALUE,
        STATE_FIRST_ITEM, /* or the end of an empty array */
        STATE_FIRST_KEY,  /* or the end of an empty object */
        STATE_KEY,
        STATE_AFTER, /* a value: a comma or an end comes next */
        STATE_DONE,
        STATE_EARLY, /* the text ends inside */
        STATE_BAD,
        STATE_DEEP,
};

/* Names of which a beginning led here, and how much of each is used up. */
struct trail {
        uint16_t names; /* a bit for each */
        uint8_t used[FORM_NAMES_MAX];
};

_Static_assert(FORM_NAMES_MAX <= 16 && FORM_NAME_MAX <= UINT8_MAX,
               "a trail has a bit and a byte for each name");

struct reader {
        const uint8_t *at, *end;
        struct form_values *values;
        unsigned depth;
        bool is_object[FORM_JSON_DEPTH + 1];
        struct trail trails[FORM_JSON_DEPTH + 1]; /* of objects, by depth */
        struct trail next;                        /* of the value that comes next */
        int wanted;                               /* its number, or -1 */
};

static enum state short_or_bad(const struct reader *r)
{
        return r->at >= r->end ? STATE_EARLY : STATE_BAD;
}

static void skip_blanks(struct reader *r)
{
        while (r->at < r->end &&
               (*r->at == ' ' || *r->at == '\n' || *r->at == '\r' || *r->at == '\t'))
                r->at++;
}

/* ---- strings ---- */

static bool read_hex4(struct reader *r, unsigned *code)
{
        *code = 0;
        if (r->end - r->at < 4)
                return false;
        for (unsigned i = 0; i < 4; i++) {
                uint8_t c = r->at[i], letter = c | 0x20;
                if (c >= '0' && c <= '9')
                        *code = *code << 4 | (unsigned)(c - '0');
                else if (letter >= 'a' && letter <= 'f')
                        *code = *code << 4 | (unsigned)(letter - 'a' + 10);
                else
                        return false;
        }
        r->at += 4;
        return true;
}

static void put_code(struct form_value *out, unsigned code)
{
        if (code < 0x80) {
                form_value_put(out, (uint8_t)code);
                return;
        }
        if (code < 0x800) {
                form_value_put(out, (uint8_t)(0xc0 | code >> 6));
        } else if (code < 0x10000) {
                form_value_put(out, (uint8_t)(0xe0 | code >> 12));
                form_value_put(out, (uint8_t)(0x80 | (code >> 6 & 0x3f)));
        } else {
                form_value_put(out, (uint8_t)(0xf0 | code >> 18));
                form_value_put(out, (uint8_t)(0x80 | (code >> 12 & 0x3f)));
                form_value_put(out, (uint8_t)(0x80 | (code >> 6 & 0x3f)));
        }
        form_value_put(out, (uint8_t)(0x80 | (code & 0x3f)));
}

/* Behind `\u`; half a surrogate pair becomes U+FFFD. */
static bool read_unicode(struct reader *r, struct form_value *out)
{
        unsigned code, low;

        if (!read_hex4(r, &code))
                return false;
        if (code >> 10 == 0xd800 >> 10 && r->end - r->at >= 6 && r->at[0] == '\\' &&
            r->at[1] == 'u') {
                const uint8_t *before = r->at;
                r->at += 2;
                if (!read_hex4(r, &low))
                        return false;
                if (low >> 10 == 0xdc00 >> 10)
                        code = 0x10000 + ((code & 0x3ff) << 10 | (low & 0x3ff));
                else
                        r->at = before;
        }
        put_code(out, code >> 11 == 0xd800 >> 11 ? 0xfffd : code);
        return true;
}

/* Behind the backslash. */
static bool read_escape(struct reader *r, struct form_value *out)
{
        static const char letters[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";

        if (r->at == r->end)
                return false;
        uint8_t letter = *r->at++;
        if (letter == 'u')
                return read_unicode(r, out);
        const char *found = letter ? strchr(letters, letter) : NULL;
        if (!found)
                return false;
        form_value_put(out, (uint8_t)bytes[found - letters]);
        return true;
}

/* Behind the opening quote, up to behind the closing one. */
static bool read_string(struct reader *r, struct form_value *out)
{
        while (r->at < r->end && *r->at != '"') {
                if (*r->at != '\\') {
                        form_value_put(out, *r->at++);
                        continue;
                }
                r->at++;
                if (!read_escape(r, out))
                        return false;
        }
        return r->at++ < r->end;
}

/* The same for one that nobody wants. */
static bool skip_string(struct reader *r)
{
        const uint8_t *at = r->at;

        while (at < r->end && *at != '"')
                at += *at == '\\' ? 2 : 1;
        r->at = at < r->end ? at + 1 : r->end;
        return at < r->end;
}

/* ---- keys ---- */

/* What the value under `key` of the object at hand is to us. */
static void follow_key(struct reader *r, struct slice key)
{
        const struct trail *trail = &r->trails[r->depth];
        const struct form_names *names = r->values->names;

        for (unsigned i = 0; i < names->count; i++) {
                if (!(trail->names & 1u << i))
                        continue;
                struct slice rest = slice_from(names->names[i], trail->used[i]);
                if (!slice_starts_with(rest, key))
                        continue;
                if (rest.len == key.len) {
                        r->wanted = (int)i;
                } else if (rest.data[key.len] == '.') {
                        r->next.names |= (uint16_t)(1u << i);
                        r->next.used[i] = (uint8_t)(trail->used[i] + key.len + 1);
                }
        }
}

static enum state read_key(struct reader *r)
{
        struct form_value key = { 0 };

        if (r->at == r->end || *r->at != '"')
                return short_or_bad(r);
        r->at++;
        r->wanted = -1;
        r->next.names = 0;
        if (r->trails[r->depth].names == 0) {
                if (!skip_string(r))
                        return STATE_EARLY;
        } else {
                if (!read_string(r, &key))
                        return short_or_bad(r);
                if (!key.cut)
                        follow_key(r, slice_of(key.text, key.len));
        }
        skip_blanks(r);
        if (r->at == r->end || *r->at != ':')
                return short_or_bad(r);
        r->at++;
        return STATE_VALUE;
}

/* ---- values ---- */

static enum state open_level(struct reader *r, bool is_object)
{
        if (r->depth == FORM_JSON_DEPTH)
                return STATE_DEEP;
        r->at++;
        r->depth++;
        r->is_object[r->depth] = is_object;
        if (!is_object)
                r->next.names = 0;
        r->trails[r->depth] = r->next;
        return is_object ? STATE_FIRST_KEY : STATE_FIRST_ITEM;
}

static enum state close_level(struct reader *r, uint8_t bracket)
{
        if (r->depth == 0 || bracket != (r->is_object[r->depth] ? '}' : ']'))
                return STATE_BAD;
        r->at++;
        r->depth--;
        return STATE_AFTER;
}

/* Where the value at hand is to be written; NULL when nobody wants it. */
static struct form_value *place_of(struct reader *r)
{
        uint8_t rank = (uint8_t)(r->depth - 1);

        if (r->wanted < 0 || rank > r->values->values[r->wanted].rank)
                return NULL;
        return form_value_begin(r->values, (unsigned)r->wanted, rank);
}

static enum state string_value(struct reader *r)
{
        struct form_value *value = place_of(r);

        r->at++;
        if (!value)
                return skip_string(r) ? STATE_AFTER : STATE_EARLY;
        if (read_string(r, value))
                return STATE_AFTER;
        value->rank = FORM_VALUE_ABSENT;
        return short_or_bad(r);
}

static bool is_number_byte(uint8_t c)
{
        return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' ||
               c == 'E';
}

static enum state number_value(struct reader *r)
{
        const uint8_t *begin = r->at;

        while (r->at < r->end && is_number_byte(*r->at))
                r->at++;
        if (r->at == r->end && r->depth)
                return STATE_EARLY; /* more digits may have followed */
        struct form_value *value = place_of(r);
        if (value)
                form_value_put_all(value, slice_of(begin, (size_t)(r->at - begin)));
        return STATE_AFTER;
}

static enum state word_value(struct reader *r)
{
        static const char *const words[] = { "true", "false", "null" };
        struct slice rest = slice_of(r->at, (size_t)(r->end - r->at));

        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
                struct slice word = slice_str(words[i]);
                if (slice_starts_with(rest, word)) {
                        r->at += word.len;
                        return STATE_AFTER;
                }
                if (slice_starts_with(word, rest))
                        return STATE_EARLY;
        }
        return STATE_BAD;
}

static enum state read_value(struct reader *r)
{
        uint8_t c = r->at < r->end ? *r->at : 0;

        if (c == '{' || c == '[')
                return open_level(r, c == '{');
        if (c == '"')
                return string_value(r);
        if ((c >= '0' && c <= '9') || c == '-')
                return number_value(r);
        return word_value(r);
}

static enum state read_after(struct reader *r)
{
        if (r->depth == 0)
                return r->at == r->end ? STATE_DONE : STATE_BAD;
        if (r->at == r->end)
                return STATE_EARLY;
        if (*r->at != ',')
                return close_level(r, *r->at);
        r->at++;
        if (r->is_object[r->depth])
                return STATE_KEY;
        r->wanted = -1;
        r->next.names = 0;
        return STATE_VALUE;
}

static enum state step(struct reader *r, enum state state)
{
        bool at_end = r->at == r->end;

        switch (state) {
        case STATE_FIRST_ITEM:
                r->wanted = -1;
                r->next.names = 0;
                return !at_end && *r->at == ']' ? close_level(r, ']') : read_value(r);
        case STATE_FIRST_KEY:
                return !at_end && *r->at == '}' ? close_level(r, '}') : read_key(r);
        case STATE_KEY:
                return read_key(r);
        case STATE_AFTER:
                return read_after(r);
        default:
                return read_value(r);
        }
}

enum form_result form_json_read(struct slice body, bool cut, struct form_values *v)
{
        struct slice mark = slice_str("\xef\xbb\xbf");
        enum state state = STATE_VALUE;
        struct reader r;

        if (slice_starts_with(body, mark))
                body = slice_from(body, mark.len);
        r.at = body.data;
        r.end = body.data + body.len;
        r.values = v;
        r.depth = 0;
        r.wanted = -1;
        r.next = (struct trail){ .names = (uint16_t)((1u << v->names->count) - 1) };
        while (state < STATE_DONE) {
                skip_blanks(&r);
                state = step(&r, state);
        }
        if (state == STATE_DEEP)
                return FORM_TOO_DEEP;
        if (state == STATE_DONE)
                return FORM_OK;
        return state == STATE_EARLY && cut ? FORM_CUT : FORM_MALFORMED;
}
