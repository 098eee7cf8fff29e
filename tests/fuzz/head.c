/* SPDX-License-Identifier: MIT */
/* The same bytes as a request and as a response; what comes out lies inside. */
#include "http/head.h"
#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool lies_in(struct slice part, struct slice whole)
{
        return part.len == 0 || (part.data >= whole.data &&
                                 part.data + part.len <= whole.data + whole.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct head head;
        struct slice bytes = slice_of(data, size);

        for (int kind = HEAD_REQUEST; kind <= HEAD_RESPONSE; kind++) {
                head.lines_max = 20;
                enum head_result result = head_parse(bytes, kind, &head);
                size_t end = head_find_end(bytes, 0);
                CHECK(head.line_count <= 20);
                for (uint32_t i = 0; i < head.line_count; i++) {
                        CHECK(head.lines[i].name.len > 0);
                        CHECK(lies_in(head.lines[i].name, bytes));
                        CHECK(lies_in(head.lines[i].value, bytes));
                }
                if (result == HEAD_OK) {
                        CHECK(head.length <= size && head.length == end);
                        CHECK(head_begins(bytes, kind));
                        CHECK(head_may_begin(bytes, kind));
                        CHECK(lies_in(head.method, bytes) && lies_in(head.target, bytes));
                }
        }
        return 0;
}
