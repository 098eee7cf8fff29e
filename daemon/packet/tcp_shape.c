/* SPDX-License-Identifier: MIT */
#include "packet/tcp_shape.h"

#include "base/bytes.h"

#include <stdio.h>

enum option_kind { KIND_END = 0, KIND_NOP = 1, KIND_MSS = 2, KIND_SCALE = 3 };

static const char *const kind_names[] = {
        [KIND_END] = "end", [KIND_NOP] = "nop", [KIND_MSS] = "mss", [KIND_SCALE] = "ws",
        [4] = "sack",       [8] = "ts",         [19] = "md5",       [28] = "uto",
        [29] = "ao",        [30] = "mptcp",     [34] = "tfo",
};

#define KIND_NAMES (sizeof(kind_names) / sizeof(kind_names[0]))

static bool has_kind(const struct tcp_shape *shape, uint8_t kind)
{
        return memchr(shape->kinds, kind, shape->count) != NULL;
}

/* Values count where the option stands first. */
static void note_option(struct tcp_shape *shape, const uint8_t *option, size_t len)
{
        uint8_t kind = option[0];

        if (kind == KIND_MSS && len == 4 && !has_kind(shape, kind))
                shape->mss = load_be16(option + 2);
        if (kind == KIND_SCALE && len == 3 && !has_kind(shape, kind))
                shape->scale =
                    (uint8_t)(option[2] < UINT8_MAX ? option[2] + 1 : option[2]);
        if (shape->count < TCP_SHAPE_OPTIONS)
                shape->kinds[shape->count++] = kind;
        else
                shape->more = 1;
}

static uint8_t first_hops(uint8_t ttl)
{
        return ttl <= 32 ? 32 : ttl <= 64 ? 64 : ttl <= 128 ? 128 : 255;
}

struct tcp_shape tcp_shape_of(struct slice options, uint16_t window, uint8_t ttl)
{
        struct tcp_shape shape = { .window = window, .hops = first_hops(ttl) };

        for (size_t at = 0; at < options.len;) {
                const uint8_t *option = options.data + at;
                bool single = option[0] == KIND_END || option[0] == KIND_NOP;
                size_t len = single ? 1 : at + 1 < options.len ? option[1] : 0;
                if (len == 0 || (len == 1 && !single) || len > options.len - at) {
                        shape.bad = 1;
                        break;
                }
                note_option(&shape, option, len);
                if (option[0] == KIND_END)
                        break; /* what follows is padding */
                at += len;
        }
        return shape;
}

bool tcp_shape_is_sound(const struct tcp_shape *shape)
{
        static const struct tcp_shape none = { 0 };
        static const uint8_t no_kinds[TCP_SHAPE_OPTIONS] = { 0 };
        unsigned count = shape->count;

        if (tcp_shape_is_none(shape))
                return memcmp(shape, &none, sizeof(none)) == 0;
        return first_hops(shape->hops) == shape->hops && shape->reserved == 0 &&
               count <= TCP_SHAPE_OPTIONS &&
               (!shape->more || count == TCP_SHAPE_OPTIONS) &&
               memcmp(shape->kinds + count, no_kinds, TCP_SHAPE_OPTIONS - count) == 0;
}

static size_t put_option(const struct tcp_shape *shape, unsigned at, char *text,
                         size_t room)
{
        uint8_t kind = shape->kinds[at];
        bool first = memchr(shape->kinds, kind, at) == NULL;
        const char *dot = at ? "." : "";

        if (kind == KIND_MSS && first && shape->mss)
                return (size_t)snprintf(text, room, "%smss%u", dot, shape->mss);
        if (kind == KIND_SCALE && first && shape->scale)
                return (size_t)snprintf(text, room, "%sws%u", dot, shape->scale - 1U);
        if (kind < KIND_NAMES && kind_names[kind])
                return (size_t)snprintf(text, room, "%s%s", dot, kind_names[kind]);
        return (size_t)snprintf(text, room, "%sk%u", dot, kind);
}

size_t tcp_shape_format(const struct tcp_shape *shape, char text[TCP_SHAPE_TEXT_MAX])
{
        size_t len = 0, room = TCP_SHAPE_TEXT_MAX;

        text[0] = '\0';
        if (tcp_shape_is_none(shape))
                return 0;
        for (unsigned i = 0; i < shape->count; i++)
                len += put_option(shape, i, text + len, room - len);
        len += (size_t)snprintf(text + len, room - len, "%s%s%s/%u/%u",
                                shape->count || shape->bad ? "" : "-",
                                shape->more ? ".more" : "",
                                !shape->bad    ? ""
                                : shape->count ? ".bad"
                                               : "bad",
                                shape->window, shape->hops);
        return len;
}
