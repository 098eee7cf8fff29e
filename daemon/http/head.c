/* SPDX-License-Identifier: MIT */
#include "http/head.h"

#include "http/head_scan.h"

enum { METHOD_MAX = 32 };

/* tchar of RFC 9110 5.6.2. */
static const bool is_token[256] = {
        ['!'] = 1, ['#'] = 1, ['$'] = 1, ['%'] = 1, ['&'] = 1, ['\''] = 1, ['*'] = 1,
        ['+'] = 1, ['-'] = 1, ['.'] = 1, ['^'] = 1, ['_'] = 1, ['`'] = 1,  ['|'] = 1,
        ['~'] = 1, ['0'] = 1, ['1'] = 1, ['2'] = 1, ['3'] = 1, ['4'] = 1,  ['5'] = 1,
        ['6'] = 1, ['7'] = 1, ['8'] = 1, ['9'] = 1, ['A'] = 1, ['B'] = 1,  ['C'] = 1,
        ['D'] = 1, ['E'] = 1, ['F'] = 1, ['G'] = 1, ['H'] = 1, ['I'] = 1,  ['J'] = 1,
        ['K'] = 1, ['L'] = 1, ['M'] = 1, ['N'] = 1, ['O'] = 1, ['P'] = 1,  ['Q'] = 1,
        ['R'] = 1, ['S'] = 1, ['T'] = 1, ['U'] = 1, ['V'] = 1, ['W'] = 1,  ['X'] = 1,
        ['Y'] = 1, ['Z'] = 1, ['a'] = 1, ['b'] = 1, ['c'] = 1, ['d'] = 1,  ['e'] = 1,
        ['f'] = 1, ['g'] = 1, ['h'] = 1, ['i'] = 1, ['j'] = 1, ['k'] = 1,  ['l'] = 1,
        ['m'] = 1, ['n'] = 1, ['o'] = 1, ['p'] = 1, ['q'] = 1, ['r'] = 1,  ['s'] = 1,
        ['t'] = 1, ['u'] = 1, ['v'] = 1, ['w'] = 1, ['x'] = 1, ['y'] = 1,  ['z'] = 1,
};

static bool is_blank(uint8_t c)
{
        return c == ' ' || c == '\t';
}

static bool is_digit(uint8_t c)
{
        return c >= '0' && c <= '9';
}

static size_t token_length(struct slice s)
{
        size_t len = 0;

        while (len < s.len && is_token[s.data[len]])
                len++;
        return len;
}

/* ---- framing ---- */

/* Content-Length: 42, or 42, 42 (RFC 9112 6.3 rule 5). */
static void note_length(struct head_framing *framing, struct slice value)
{
        struct slice part;

        while (slice_next(&value, ',', &part)) {
                uint64_t length;
                bool good =
                    slice_to_u64(slice_trim(part), &length) && length <= INT64_MAX / 2;
                if (!good || (framing->has_length && length != framing->length))
                        framing->conflicting = framing->faulty = true;
                else
                        framing->length = length;
                framing->has_length = true;
        }
}

/* Several lines are one list; only the last coding of all may be chunked. */
static void note_encoding(struct head_framing *framing, struct slice value)
{
        static const struct slice chunked = SLICE("chunked");
        struct slice part;

        while (slice_next(&value, ',', &part)) {
                part = slice_trim(part);
                if (part.len == 0)
                        continue;
                framing->encoding_faulty |= framing->chunked;
                framing->has_encoding = true;
                framing->chunked = slice_equal_nocase(part, chunked);
        }
}

static bool is_named(struct slice name, const char *literal)
{
        return (name.data[0] | 0x20) == literal[0] &&
               slice_equal_nocase(name, slice_str(literal));
}

/*
 * The names that matter here differ in length, and nearly all lines have another one.
 */
static inline bool may_frame(size_t name_len)
{
        return name_len == 7 || name_len == 14 || name_len == 17;
}

static void note_framing(struct head_framing *framing, const struct http_header *line,
                         bool blank_before_colon)
{
        bool decides = false;

        if (is_named(line->name, "content-length")) {
                note_length(framing, line->value);
                decides = true;
        } else if (is_named(line->name, "transfer-encoding")) {
                note_encoding(framing, line->value);
                decides = true;
        } else if (is_named(line->name, "upgrade")) {
                framing->upgrade = true;
        }
        /* RFC 9112 5.1: one hop reads this line, the next does not. */
        if (decides && blank_before_colon)
                framing->conflicting = true;
}

/* RFC 9112 6.1 and 6.3, after all lines have been seen. */
static void settle_framing(struct head *h)
{
        struct head_framing *framing = &h->framing;

        if (!framing->has_encoding)
                return;
        /* It overrides a length; HTTP/1.0 has no encodings, so nobody can be sure. */
        framing->faulty = framing->encoding_faulty || h->version_minor == 0;
        framing->conflicting |= framing->has_length || framing->faulty;
        framing->has_length = false;
}

/* ---- lines ---- */

static void add_line(struct head *h, struct http_header line, bool blank_before_colon)
{
        if (may_frame(line.name.len))
                note_framing(&h->framing, &line, blank_before_colon);
        if (h->line_count == h->lines_max) {
                h->too_many = true;
                return;
        }
        h->lines[h->line_count++] = line;
}

/* obs-fold (RFC 9112 5.2): the line goes on with the value before it. */
static void continue_line(struct head *h, struct slice line)
{
        if (h->line_count == 0 || h->too_many) {
                h->bad_lines = true;
                return;
        }
        struct http_header *before = &h->lines[h->line_count - 1];
        struct slice more = slice_trim(line);
        h->folded = true;
        if (more.len)
                before->value.len = (size_t)(more.data + more.len - before->value.data);
}

static void parse_line(struct head *h, struct slice line)
{
        size_t name = token_length(line), colon = name;

        if (is_blank(line.data[0])) {
                continue_line(h, line);
                return;
        }
        while (colon < line.len && is_blank(line.data[colon]))
                colon++;
        if (name == 0 || colon == line.len || line.data[colon] != ':') {
                h->bad_lines = true;
                return;
        }
        h->bad_lines |= colon > name;
        add_line(h,
                 (struct http_header){ slice_first(line, name),
                                       slice_trim(slice_from(line, colon + 1)) },
                 colon > name);
}

/*
 * How nearly all lines are written: `name: value` with a name of letters and hyphens,
 * one blank, and none at the end. False for any other line, which parse_line reads, and
 * which gives the same for these. May look past the line, but not past `end`: what
 * ends a line is no letter.
 */
static inline bool parse_plain_line(struct head *h, struct slice line, const uint8_t *end)
{
        const uint8_t *p = line.data;
        size_t name = 0, more;

        do {
                if ((size_t)(end - p) < name + 16)
                        return false;
                more = head_scan_name(p + name);
                name += more;
        } while (more == 16);
        if (name == 0 || line.len < name + 3 || p[name] != ':' || p[name + 1] != ' ' ||
            is_blank(p[name + 2]) || is_blank(p[line.len - 1]))
                return false;
        add_line(h,
                 (struct http_header){
                     { p, name },
                     { p + name + 2, line.len - name - 2 },
                 },
                 false);
        return true;
}

/* Header lines up to the blank one. False when there is none yet. */
static bool parse_lines(struct head *h, struct head_scan *scan)
{
        const uint8_t *end = scan->bytes.data + scan->bytes.len;
        struct slice line;

        while (head_scan_line(scan, &line, &h->bare_lf)) {
                if (line.len == 0) {
                        h->length = scan->at;
                        settle_framing(h);
                        return true;
                }
                if (!parse_plain_line(h, line, end))
                        parse_line(h, line);
        }
        return false;
}

/* ---- start lines ---- */

static bool parse_version(struct slice text, uint8_t *minor)
{
        static const struct slice head = SLICE("HTTP/1.");

        if (text.len != 8 || !slice_starts_with(text, head) || !is_digit(text.data[7]))
                return false;
        *minor = (uint8_t)(text.data[7] - '0');
        return true;
}

static bool parse_request_line(struct slice line, struct head *h)
{
        while (line.len && is_blank(line.data[line.len - 1]))
                line.len--;
        size_t method = token_length(line);
        if (method == 0 || method > METHOD_MAX || method == line.len ||
            !is_blank(line.data[method]) || line.len < method + 10 ||
            !is_blank(line.data[line.len - 9]) ||
            !parse_version(slice_from(line, line.len - 8), &h->version_minor))
                return false;
        h->method = slice_first(line, method);
        h->target = slice_trim(slice_of(line.data + method, line.len - method - 9));
        return h->target.len > 0;
}

static bool parse_status_line(struct slice line, struct head *h)
{
        if (line.len < 12 || !parse_version(slice_first(line, 8), &h->version_minor) ||
            line.data[8] != ' ' || (line.len > 12 && !is_blank(line.data[12])))
                return false;
        for (int i = 9; i < 12; i++)
                if (!is_digit(line.data[i]))
                        return false;
        h->status = (uint16_t)((line.data[9] - '0') * 100 + (line.data[10] - '0') * 10 +
                               (line.data[11] - '0'));
        return h->status >= 100;
}

void head_begin(struct head *h)
{
        h->length = 0;
        h->method = h->target = slice_none();
        h->status = 0;
        h->folded = h->bare_lf = h->bad_lines = h->too_many = false;
        h->line_count = 0;
        h->framing = (struct head_framing){ 0 };
}

static bool parse_start_line(struct slice line, enum head_kind kind, struct head *h)
{
        return kind == HEAD_REQUEST ? parse_request_line(line, h)
                                    : parse_status_line(line, h);
}

enum head_result head_parse(struct slice bytes, enum head_kind kind, struct head *h)
{
        struct head_scan scan = head_scan_of(bytes);
        struct slice line;

        head_begin(h);
        if (!head_scan_line(&scan, &line, &h->bare_lf))
                return HEAD_MORE;
        if (!parse_start_line(line, kind, h))
                return HEAD_BAD;
        if (!parse_lines(h, &scan))
                return HEAD_MORE;
        /* RFC 9110 5.5: a NUL is invalid wherever it stands. */
        h->bad_lines |= memchr(bytes.data, 0, h->length) != NULL;
        return HEAD_OK;
}

static bool may_be_request(struct slice bytes)
{
        size_t method = token_length(slice_first(bytes, METHOD_MAX + 1));

        if (method == bytes.len)
                return method <= METHOD_MAX;
        return method > 0 && method <= METHOD_MAX && is_blank(bytes.data[method]);
}

static bool may_be_response(struct slice bytes)
{
        static const struct slice start = SLICE("HTTP/1.");

        return slice_starts_with(start, slice_first(bytes, start.len));
}

bool head_may_begin(struct slice bytes, enum head_kind kind)
{
        return kind == HEAD_REQUEST ? may_be_request(bytes) : may_be_response(bytes);
}

bool head_begins(struct slice bytes, enum head_kind kind)
{
        struct head_scan scan = head_scan_of(bytes);
        struct slice line;
        struct head unused;

        return head_scan_line(&scan, &line, &unused.bare_lf) &&
               parse_start_line(line, kind, &unused);
}

size_t head_find_end(struct slice bytes, size_t from)
{
        for (size_t at = from > 2 ? from - 2 : 0; at < bytes.len; at++) {
                struct slice rest = slice_from(bytes, at);
                at += slice_find(rest, '\n');
                rest = slice_from(bytes, at + 1);
                if (rest.len && rest.data[0] == '\r')
                        rest = slice_from(rest, 1);
                if (rest.len && rest.data[0] == '\n')
                        return bytes.len - rest.len + 1;
        }
        return 0;
}
