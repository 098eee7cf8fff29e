/* SPDX-License-Identifier: MIT */
/* One byte of link type, then a frame. A segment lies inside its frame. */
#include "packet/frame.h"
#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const int links[] = {
                FRAME_LINK_NULL, FRAME_LINK_ETHERNET, FRAME_LINK_RAW,
                FRAME_LINK_LOOP, FRAME_LINK_SLL,      FRAME_LINK_SLL2
        };
        struct segment segment;

        if (size < 2)
                return 0;
        int link = links[data[0] % (sizeof(links) / sizeof(links[0]))];
        struct slice frame = slice_of(data + 2, size - 2);
        uint32_t wire_length = (uint32_t)frame.len + data[1];
        for (int verify = 0; verify < 2; verify++) {
                if (frame_decode(link, frame, wire_length, verify, &segment) !=
                    FRAME_SEGMENT)
                        continue;
                CHECK(segment.payload.len <= segment.length);
                CHECK(segment.length <= wire_length);
                CHECK(segment.payload.data >= frame.data &&
                      segment.payload.data + segment.payload.len <=
                          frame.data + frame.len);
        }
        return 0;
}
