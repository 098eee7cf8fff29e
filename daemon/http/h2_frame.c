/* SPDX-License-Identifier: MIT */
#include "http/h2_frame.h"

#include "base/bytes.h"

static struct h2_frame parse(const uint8_t *at)
{
        return (struct h2_frame){
                .length = (uint32_t)at[0] << 16 | (uint32_t)at[1] << 8 | at[2],
                .type = at[3],
                .flags = at[4],
                .stream = load_be32(at + 5) & 0x7fffffff,
        };
}

bool h2_frame_read(struct h2_frame_reader *r, struct slice *bytes, struct h2_frame *frame)
{
        if (r->have == 0 && bytes->len >= H2_FRAME_HEAD) {
                *frame = parse(bytes->data);
                *bytes = slice_from(*bytes, H2_FRAME_HEAD);
                return true;
        }
        size_t missing = H2_FRAME_HEAD - r->have;
        size_t more = bytes->len < missing ? bytes->len : missing;
        memcpy(r->bytes + r->have, bytes->data, more);
        r->have += (uint8_t)more;
        *bytes = slice_from(*bytes, more);
        if (r->have < H2_FRAME_HEAD)
                return false;
        *frame = parse(r->bytes);
        r->have = 0;
        return true;
}

enum where { ANYWHERE, ON_STREAM, ON_CONNECTION };

static const struct {
        uint8_t where;
        uint32_t shortest, longest;
} allowed[] = {
        [H2_DATA] = { ON_STREAM, 0, UINT32_MAX },
        [H2_HEADERS] = { ON_STREAM, 0, UINT32_MAX },
        [H2_PRIORITY] = { ON_STREAM, 5, 5 },
        [H2_RST_STREAM] = { ON_STREAM, 4, 4 },
        [H2_SETTINGS] = { ON_CONNECTION, 0, UINT32_MAX },
        [H2_PUSH_PROMISE] = { ON_STREAM, 4, UINT32_MAX },
        [H2_PING] = { ON_CONNECTION, 8, 8 },
        [H2_GOAWAY] = { ON_CONNECTION, 8, UINT32_MAX },
        [H2_WINDOW_UPDATE] = { ANYWHERE, 4, 4 },
        [H2_CONTINUATION] = { ON_STREAM, 0, UINT32_MAX },
};

bool h2_frame_is_sound(const struct h2_frame *f)
{
        if (f->type >= sizeof(allowed) / sizeof(allowed[0]))
                return true;
        if (f->length < allowed[f->type].shortest || f->length > allowed[f->type].longest)
                return false;
        if (f->type == H2_SETTINGS && (f->flags & H2_ACK ? f->length : f->length % 6))
                return false;
        return allowed[f->type].where == ANYWHERE ||
               (allowed[f->type].where == ON_STREAM) == (f->stream != 0);
}

struct h2_priority h2_frame_priority(const uint8_t *at)
{
        uint32_t word = load_be32(at);

        return (struct h2_priority){ word >> 31, word & 0x7fffffff, at[4] };
}

/* A server begins streams of even number (RFC 9113 5.1.1). */
static bool may_be_promised(const uint8_t *at)
{
        uint32_t stream = load_be32(at) & 0x7fffffff;

        return stream != 0 && stream % 2 == 0;
}

bool h2_frame_fragment(const struct h2_frame *f, struct slice payload,
                       struct slice *fragment, struct h2_priority *priority)
{
        size_t padding = 0, before = 0;

        *fragment = payload;
        if (f->type == H2_CONTINUATION)
                return true;
        if (f->flags & H2_PADDED) {
                if (payload.len == 0)
                        return false;
                padding = payload.data[0];
                payload = slice_from(payload, 1);
        }
        if (f->type == H2_PUSH_PROMISE)
                before = 4;
        else if (f->flags & H2_PRIORITISED)
                before = 5;
        if (payload.len < before + padding)
                return false;
        if (before == 4 && !may_be_promised(payload.data))
                return false;
        if (before == 5 && priority)
                *priority = h2_frame_priority(payload.data);
        *fragment = slice_of(payload.data + before, payload.len - before - padding);
        return true;
}

bool h2_frame_setting(struct slice *payload, uint16_t *id, uint32_t *value)
{
        if (payload->len < 6)
                return false;
        *id = load_be16(payload->data);
        *value = load_be32(payload->data + 2);
        *payload = slice_from(*payload, 6);
        return true;
}
