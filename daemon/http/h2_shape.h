/* SPDX-License-Identifier: MIT */
/*
 * h2_shape - how a client opens a connection of HTTP/2, as a short text of our own.
 *
 *      1:65536,3:1000,4:6291456 w15663105 p3:0:200
 *
 * The settings in their order (reserved ones, which are random by design, as `g`), the
 * first WINDOW_UPDATE of the connection, and the PRIORITY frames as
 * stream:dependency:weight, `x` before an exclusive dependency; all up to the first
 * request. What does not fit is left out.
 */
#ifndef HTTP_H2_SHAPE_H
#define HTTP_H2_SHAPE_H

#include "http/h2_frame.h"

#define H2_SHAPE_TEXT 120

struct h2_shape {
        uint8_t len;
        bool window_seen;
        char text[H2_SHAPE_TEXT];
};

void h2_shape_settings(struct h2_shape *, struct slice payload);
void h2_shape_window(struct h2_shape *, struct slice payload);
void h2_shape_priority(struct h2_shape *, uint32_t stream, const struct h2_priority *);

static inline struct slice h2_shape_text(const struct h2_shape *s)
{
        return slice_of(s->text, s->len);
}

#endif
