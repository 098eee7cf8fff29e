/* SPDX-License-Identifier: MIT */
#include "http/h2_fields.h"

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
        const char *name;
        enum head_kind kind;
} pseudos[PSEUDOS] = {
        [PSEUDO_METHOD] = { ":method", HEAD_REQUEST },
        [PSEUDO_SCHEME] = { ":scheme", HEAD_REQUEST },
        [PSEUDO_AUTHORITY] = { ":authority", HEAD_REQUEST },
        [PSEUDO_PATH] = { ":path", HEAD_REQUEST },
        [PSEUDO_PROTOCOL] = { ":protocol", HEAD_REQUEST },
        [PSEUDO_STATUS] = { ":status", HEAD_RESPONSE },
};

void h2_fields_begin(struct h2_fields *f, enum head_kind kind, struct head *head,
                     uint8_t *text, size_t room)
{
        *f = (struct h2_fields){ .head = head, .kind = kind, .text = text, .room = room };
        head_begin(head);
}

/* ---- what a field may hold (RFC 9113 8.2.1) ---- */

/* Without branches: it is compiled to vector instructions. */
static bool name_is_good(struct slice name)
{
        unsigned bad = name.len == 0;

        for (size_t i = 0; i < name.len; i++) {
                uint8_t c = name.data[i];
                bad |= (c <= 0x20) | (c >= 0x7f) | ((uint8_t)(c - 'A') < 26) | (c == ':');
        }
        return !bad;
}

static bool value_is_good(struct slice value)
{
        unsigned bad = 0;

        for (size_t i = 0; i < value.len; i++) {
                uint8_t c = value.data[i];
                bad |= (c == '\0') | (c == '\n') | (c == '\r');
        }
        return !bad;
}

/* What becomes part of the start line holds no control character. */
static bool is_printable(struct slice value)
{
        unsigned bad = value.len == 0;

        for (size_t i = 0; i < value.len; i++)
                bad |= (value.data[i] < 0x20) | (value.data[i] == 0x7f);
        return !bad;
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
                if (pseudos[p].kind == f->kind && slice_is(name, pseudos[p].name))
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
            !is_printable(value)) {
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
        if (name_is_good(name) && value_is_good(value))
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
