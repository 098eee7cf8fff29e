/* SPDX-License-Identifier: MIT */
/* The first line is a Content-Encoding, the rest a body. */
#include "observe/content.h"

#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct content *content;
        struct slice rest = slice_of(data, size), encoding, out;

        if (!content)
                content = content_new(4096);
        if (!slice_next(&rest, '\n', &encoding) || slice_is_none(rest))
                return 0;
        enum content_result result = content_decode(content, encoding, rest, &out);
        CHECK(slice_is_none(out) == (result == CONTENT_UNKNOWN));
        CHECK(out.data == rest.data || out.len <= 4096);
        unsigned sum = 0;
        for (size_t i = 0; i < out.len; i++)
                sum += out.data[i];
        CHECK(sum <= 255 * out.len);
        return 0;
}
