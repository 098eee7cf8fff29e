/* SPDX-License-Identifier: MIT */
/* Window and hop limit in three bytes, then the options of a SYN. */
#include "packet/tcp_shape.h"

#include "base/bytes.h"
#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        char text[TCP_SHAPE_TEXT_MAX];

        if (size < 3)
                return 0;
        struct tcp_shape shape =
            tcp_shape_of(slice_of(data + 3, size - 3), load_be16(data), data[2]);
        size_t len = tcp_shape_format(&shape, text);
        CHECK(!tcp_shape_is_none(&shape));
        CHECK(len == strlen(text) && len < sizeof(text) - 1);
        return 0;
}
