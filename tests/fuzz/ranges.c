/* SPDX-License-Identifier: MIT */
/* A list of networks, both forms: what is taken covers its own ends and no whole family.
 */
#include "observe/ranges.h"

#include "base/buf.h"
#include "base/check.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct ranges ranges = { 0 };
        struct diag *diag = diag_new();
        struct buf out = { 0 };
        bool ok = ranges_add(&ranges, "list", slice_of(data, size), diag);
        uint32_t count = ranges.count;
        struct network *before = calloc(count + 1, sizeof(*before));

        CHECK(before && ok == (diag_errors(diag) == 0));
        CHECK(!ok || count > 0);
        diag_print(diag, &out);
        if (count)
                memcpy(before, ranges.networks, count * sizeof(*before));
        ranges_seal(&ranges);
        CHECK(ranges.count <= count);
        for (uint32_t i = 0; i < count; i++) {
                CHECK(before[i].bits >= 16);
                CHECK(ranges_contain(&ranges, &before[i].ip));
        }
        for (uint32_t i = 1; i < ranges.count; i++)
                CHECK(!networks_overlap(&ranges.networks[i - 1], &ranges.networks[i]));
        free(before);
        ranges_free(&ranges);
        diag_free(&diag);
        buf_free(&out);
        return 0;
}
