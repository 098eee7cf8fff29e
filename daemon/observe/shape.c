/* SPDX-License-Identifier: MIT */
#include "observe/shape.h"

#include "observe/text.h"

static void put(struct shape *s, struct slice bytes)
{
        size_t len = bytes.len < SHAPE_VALUE ? bytes.len : SHAPE_VALUE;

        text_copy(s->text + s->len, bytes.data, len);
        s->len += len;
        s->text[s->len++] = '\0';
}

void shape_http2(struct shape *s, struct slice connection, uint32_t order)
{
        uint8_t bytes[4];

        if (s->behind_proxy || slice_is_none(connection))
                return;
        for (int i = 0; i < 4; i++)
                bytes[i] = (uint8_t)(order >> 8 * i);
        put(s, connection);
        put(s, slice_of(bytes, sizeof(bytes)));
}

static void put_name(struct shape *s, const struct header_kind *kind, struct slice name)
{
        if (!s->behind_proxy)
                put(s, slice_first(name, HEADER_NAME_MAX));
        else if (kind)
                put(s, slice_of(kind->name, kind->len));
        else {
                s->len += headers_lower(name, s->text + s->len);
                s->text[s->len++] = '\0';
        }
}

void shape_line(struct shape *s, const struct header_kind *kind, struct slice name,
                struct slice value)
{
        enum header_shape part = kind ? kind->shape : headers_shape_unknown(name);

        if (part == HEADER_SHAPE_OUT || (part == HEADER_SHAPE_OWN && s->behind_proxy) ||
            s->len >= SHAPE_TEXT)
                return;
        put_name(s, kind, name);
        if (part == HEADER_SHAPE_VALUE)
                put(s, value);
}

static bool starts_nocase(struct slice s, const char *prefix)
{
        struct slice head = slice_str(prefix);

        return s.len >= head.len && slice_equal_nocase(slice_first(s, head.len), head);
}

/* In lower case, as everybody writes media types. */
static bool has(struct slice s, const char *word)
{
        return s.len && memmem(s.data, s.len, word, strlen(word)) != NULL;
}

static bool is_form(struct slice method, struct slice type)
{
        return slice_is(method, "POST") &&
               (starts_nocase(type, "application/x-www-form-urlencoded") ||
                starts_nocase(type, "multipart/form-data"));
}

uint64_t shape_software(const struct shape *s, const struct hash_key *key)
{
        uint64_t hash = hash_bytes(key, s->text, s->len);

        return hash ? hash : 1;
}

uint64_t shape_end(struct shape *s, const struct hash_key *key, struct slice method,
                   const struct slice *slots)
{
        struct slice accept = slots[HEADER_ACCEPT], mode = slots[HEADER_SEC_FETCH_MODE];
        struct slice dest = slots[HEADER_SEC_FETCH_DEST];
        bool navigation = false;
        uint8_t kind;

        if (!slice_is_none(mode) || !slice_is_none(dest)) {
                kind = 's';
                navigation = slice_is(mode, "navigate");
        } else if (is_form(method, slots[HEADER_CONTENT_TYPE])) {
                kind = 'f';
        } else if (!slice_is_none(slots[HEADER_X_REQUESTED_WITH]) ||
                   has(accept, "json")) {
                kind = 'x';
        } else if (has(accept, "text/html")) {
                kind = 'n';
                navigation = true;
        } else {
                kind = 'r';
        }
        size_t begin = s->len;
        s->text[s->len++] = kind;
        put(s, mode);
        put(s, dest);
        s->kind = (uint32_t)hash_bytes(key, s->text + begin, s->len - begin);
        if (navigation)
                put(s, accept);
        uint64_t hash = hash_bytes(key, s->text, s->len);
        return hash ? hash : 1;
}
