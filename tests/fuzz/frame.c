/* SPDX-License-Identifier: MIT */
/*
 * One byte of link type, one for how much more there was on the wire, then a frame. What
 * is found lies inside of it; Ethernet's short way ends like the long one.
 */
#include "packet/frame.h"
#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(struct slice frame, struct slice part, uint32_t length)
{
        CHECK(part.len <= length);
        CHECK(part.data >= frame.data && part.data + part.len <= frame.data + frame.len);
}

static void check_found(struct slice frame, enum frame_result result,
                        const union frame *found)
{
        switch (result) {
        case FRAME_SEGMENT:
                check_inside(frame, found->segment.payload, found->segment.length);
                check_inside(frame, found->segment.options, 40);
                break;
        case FRAME_DATAGRAM:
                check_inside(frame, found->datagram.payload, found->datagram.length);
                break;
        case FRAME_FRAGMENT:
                check_inside(frame, found->fragment.bytes, found->fragment.length);
                CHECK(found->fragment.tunnels <= FRAME_TUNNELS);
                break;
        default:
                break;
        }
}

/* The same as a cooked frame: 14 bytes before the type instead of 12. */
static void check_long_way(struct slice frame, uint32_t wire_length,
                           const struct frame_options *options,
                           enum frame_result expected)
{
        uint8_t cooked[4096] = { 0 };
        union frame found;

        if (frame.len < 12 || frame.len + 2 > sizeof(cooked))
                return;
        memcpy(cooked + 14, frame.data + 12, frame.len - 12);
        CHECK(frame_decode(FRAME_LINK_SLL, slice_of(cooked, frame.len + 2),
                           wire_length + 2, options, &found) == expected);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const int links[] = {
                FRAME_LINK_NULL, FRAME_LINK_ETHERNET, FRAME_LINK_RAW,
                FRAME_LINK_LOOP, FRAME_LINK_SLL,      FRAME_LINK_SLL2
        };
        /* Of IPv4, 128.0.0.0/1. */
        static const struct network sources[] = {
                { .ip = { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 128 } }, .bits = 97 },
        };
        static const struct frame_options options[] = {
                { .verify = false },
                { .verify = true },
                { .tunnel_sources = sources, .tunnel_source_count = 1 },
        };
        union frame found;

        if (size < 2)
                return 0;
        int link = links[data[0] % (sizeof(links) / sizeof(links[0]))];
        struct slice frame = slice_of(data + 2, size - 2);
        uint32_t wire_length = (uint32_t)frame.len + data[1];
        for (int i = 0; i < 3; i++) {
                enum frame_result result =
                    frame_decode(link, frame, wire_length, &options[i], &found);
                check_found(frame, result, &found);
                if (link == FRAME_LINK_ETHERNET && !options[i].verify)
                        check_long_way(frame, wire_length, &options[i], result);
        }
        return 0;
}
