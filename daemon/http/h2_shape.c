/* SPDX-License-Identifier: MIT */
#include "http/h2_shape.h"

#include "base/bytes.h"

#include <stdarg.h>
#include <stdio.h>

/* All of it, or nothing. */
static void put(struct h2_shape *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void put(struct h2_shape *s, const char *format, ...)
{
        char more[64];
        va_list arguments;

        va_start(arguments, format);
        int len = vsnprintf(more, sizeof(more), format, arguments);
        va_end(arguments);
        if (len <= 0 || (size_t)len > sizeof(s->text) - s->len)
                return;
        memcpy(s->text + s->len, more, (size_t)len);
        s->len += (uint8_t)len;
}

void h2_shape_settings(struct h2_shape *s, struct slice payload)
{
        uint16_t id;
        uint32_t value;
        const char *comma = s->len ? " " : "";

        for (; h2_frame_setting(&payload, &id, &value); comma = ",") {
                if ((id & 0x0f0f) == 0x0a0a)
                        put(s, "%sg", comma);
                else
                        put(s, "%s%u:%u", comma, id, value);
                if (s->len == sizeof(s->text))
                        return;
        }
}

void h2_shape_window(struct h2_shape *s, struct slice payload)
{
        if (s->window_seen || payload.len < 4)
                return;
        s->window_seen = true;
        put(s, " w%u", load_be32(payload.data) & 0x7fffffff);
}

void h2_shape_priority(struct h2_shape *s, uint32_t stream, const struct h2_priority *p)
{
        put(s, " p%u:%s%u:%u", stream, p->exclusive ? "x" : "", p->depends_on, p->weight);
}
