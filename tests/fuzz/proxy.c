/* SPDX-License-Identifier: MIT */
/* A PROXY header: what is decided of a beginning stays decided when more comes. */
#include "http/proxy.h"
#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct slice all = slice_of(data, size);
        struct proxy_header whole, part;
        enum proxy_result last = proxy_parse(all, &whole);

        CHECK(last != PROXY_OK || (whole.length > 0 && whole.length <= size &&
                                   whole.length <= PROXY_HEADER_MAX));
        CHECK((last == PROXY_NONE) == (size == 0 || !proxy_may_begin(all)));
        for (size_t len = 1; len < size; len++) {
                enum proxy_result result = proxy_parse(slice_first(all, len), &part);
                if (result == PROXY_MORE)
                        continue;
                CHECK(result == last && part.length == whole.length &&
                      part.tells == whole.tells);
                break;
        }
        return 0;
}
