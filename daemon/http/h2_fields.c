/* SPDX-License-Identifier: MIT */
#include "http/h2_fields.h"

#include "base/bytes.h"

enum { METHOD_MAX = 32 };

enum pseudo {
        PSEUDO_NONE, /* so that no code in `order` is zero */
        PSEUDO_METHOD,
        PSEUDO_SCHEME,
        PSEUDO_AUTHORITY,
        PSEUDO_PATH,
        PSEUDO_PROTOCOL, /* RFC 8441 */
        PSEUDO_STATUS,
        PSEUDOS,
};

static const struct {
        struct slice name;
        enum head_kind kind;
} pseudos[PSEUDOS] = {
        [PSEUDO_METHOD] = { SLICE(":method"), HEAD_REQUEST },
        [PSEUDO_SCHEME] = { SLICE(":scheme"), HEAD_REQUEST },
        [PSEUDO_AUTHORITY] = { SLICE(":authority"), HEAD_REQUEST },
        [PSEUDO_PATH] = { SLICE(":path"), HEAD_REQUEST },
        [PSEUDO_PROTOCOL] = { SLICE(":protocol"), HEAD_REQUEST },
        [PSEUDO_STATUS] = { SLICE(":status"), HEAD_RESPONSE },
};

void h2_fields_begin(struct h2_fields *f, enum head_kind kind, struct head *head,
                     uint8_t *text, size_t room)
{
        *f = (struct h2_fields){ .head = head, .kind = kind, .text = text, .room = room };
        head_begin(head);
}

/* ---- what a field may hold (RFC 9113 8.2.1) ---- */

/* Sixteen bytes at once, by the compilers' own vectors: SSE2, NEON, or plain words. */
typedef uint8_t bytes16 __attribute__((vector_size(16)));

/* All bits of a byte that is bad. */
static inline bytes16 bad_in_name(bytes16 c)
{
        return (bytes16)((c < 0x21) | (c > 0x7e) | (c == ':') |
                         ((bytes16)(c - 'A') <= 'Z' - 'A'));
}

static inline bytes16 bad_in_value(bytes16 c)
{
        return (bytes16)((c == '\0') | (c == '\n') | (c == '\r'));
}

static inline bytes16 bad_in_start_line(bytes16 c)
{
        return (bytes16)((c < 0x20) | (c == 0x7f));
}

static inline bytes16 load16(const uint8_t *at)
{
        bytes16 bytes;

        memcpy(&bytes, at, sizeof(bytes));
        return bytes;
}

/* Fewer than sixteen: some twice, or filled up with good ones. */
static inline bytes16 load_few(struct slice s)
{
        uint64_t halves[2];
        uint8_t few[8] = { 'a', 'a', 'a', 'a', 'a', 'a', 'a', 'a' };

        if (s.len >= 8) {
                halves[0] = load_u64(s.data);
                halves[1] = load_u64(s.data + s.len - 8);
        } else {
                for (size_t i = 0; i < s.len; i++)
                        few[i] = s.data[i];
                halves[0] = halves[1] = load_u64(few);
        }
        return load16((const uint8_t *)halves);
}

static inline bool is_good(struct slice s, bytes16 (*bad_in)(bytes16))
{
        uint64_t halves[2];
        bytes16 bad;

        if (s.len < 16) {
                bad = bad_in(load_few(s));
        } else {
                bad = bad_in(load16(s.data + s.len - 16));
                for (size_t at = 0; at + 16 <= s.len; at += 16)
                        bad |= bad_in(load16(s.data + at));
        }
        memcpy(halves, &bad, sizeof(halves));
        return (halves[0] | halves[1]) == 0;
}

/* ---- the list ---- */

/* A copy in the text; none when there is no room. */
static struct slice keep(struct h2_fields *f, struct slice bytes)
{
        uint8_t *at = f->text + f->head->length;

        if (bytes.len > f->room - f->head->length) {
                f->too_long = true;
                return slice_none();
        }
        if (bytes.len)
                memcpy(at, bytes.data, bytes.len);
        f->head->length += bytes.len;
        return slice_of(at, bytes.len);
}

static void add_line(struct h2_fields *f, struct slice name, struct slice value)
{
        struct head *head = f->head;

        if (head->line_count == head->lines_max) {
                head->too_many = true;
                return;
        }
        name = keep(f, name);
        value = keep(f, value);
        if (!f->too_long)
                head->lines[head->line_count++] = (struct http_header){ name, value };
}

static enum pseudo pseudo_of(const struct h2_fields *f, struct slice name)
{
        for (enum pseudo p = PSEUDO_METHOD; p < PSEUDOS; p++)
                if (pseudos[p].kind == f->kind && slice_equal(name, pseudos[p].name))
                        return p;
        return PSEUDO_NONE;
}

static bool read_status(struct slice value, uint16_t *status)
{
        uint64_t number;

        if (value.len != 3 || !slice_to_u64(value, &number) || number < 100)
                return false;
        *status = (uint16_t)number;
        return true;
}

static void add_authority(struct h2_fields *f, struct slice name, struct slice value)
{
        struct head *head = f->head;

        add_line(f, name, value);
        if (head->line_count)
                f->authority = head->lines[head->line_count - 1].value;
}

static void add_pseudo(struct h2_fields *f, struct slice name, struct slice value)
{
        enum pseudo which = pseudo_of(f, name);

        if (which == PSEUDO_NONE || f->regular || f->seen & 1U << which ||
            value.len == 0 || !is_good(value, bad_in_start_line)) {
                f->broken = true;
                return;
        }
        f->seen |= 1U << which;
        f->order = f->order << 4 | which;
        switch (which) {
        case PSEUDO_METHOD:
                f->broken |= value.len > METHOD_MAX;
                f->head->method = keep(f, value);
                break;
        case PSEUDO_PATH:
                f->path = keep(f, value);
                break;
        case PSEUDO_AUTHORITY:
                add_authority(f, name, value);
                break;
        case PSEUDO_STATUS:
                f->broken |= !read_status(value, &f->head->status);
                break;
        default:
                break;
        }
}

void h2_fields_add(void *fields, struct slice name, struct slice value)
{
        struct h2_fields *f = fields;

        if (f->broken || f->too_long)
                return;
        if (name.len && name.data[0] == ':') {
                add_pseudo(f, name, value);
                return;
        }
        f->regular = true;
        if (name.len && is_good(name, bad_in_name) && is_good(value, bad_in_value))
                add_line(f, name, slice_trim(value));
        else
                f->head->bad_lines = true;
}

/* CONNECT asks for an authority, not for a path (RFC 9113 8.5). */
static bool has_request(struct h2_fields *f)
{
        struct head *head = f->head;
        bool has_path = f->seen & 1U << PSEUDO_PATH;

        head->target = has_path ? f->path : f->authority;
        return head->method.len && head->target.len &&
               memchr(head->method.data, ' ', head->method.len) == NULL &&
               (has_path || slice_is(head->method, "CONNECT"));
}

enum h2_fields_result h2_fields_end(struct h2_fields *f)
{
        if (f->broken)
                return H2_FIELDS_BROKEN;
        if (f->too_long)
                return H2_FIELDS_TOO_LONG;
        if (!f->seen)
                return H2_FIELDS_TRAILERS;
        bool whole = f->kind == HEAD_RESPONSE ? f->head->status != 0 : has_request(f);
        return whole ? H2_FIELDS_MESSAGE : H2_FIELDS_BROKEN;
}
