/* SPDX-License-Identifier: MIT */
/* The first line is a Content-Type, the rest a body; boundaries of both kinds are tried.
 */
#include "observe/form_multipart.h"

#include "form_body.h"

static struct slice boundary;

static enum form_result read_body(struct slice body, bool cut, struct form_values *v)
{
        return form_multipart_read(body, boundary, cut, v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct slice rest = slice_of(data, size), type;

        if (!slice_next(&rest, '\n', &type) || rest.len == 0)
                return 0;
        boundary = form_multipart_boundary(type);
        CHECK(slice_is_none(boundary) ||
              (boundary.len && boundary.len <= MULTIPART_BOUNDARY_MAX));
        form_body_check(read_body, rest.data, rest.len);
        boundary = slice_str("XX");
        form_body_check(read_body, rest.data, rest.len);
        return 0;
}
