/* SPDX-License-Identifier: MIT */
/* A template, a path and a query on lines of their own. */
#include "observe/path.h"

#include "base/check.h"
#include "observe/pattern.h"

static uint8_t once[PATH_MAX_NORMAL], twice[PATH_MAX_NORMAL];

static void match(struct slice template, const struct path *path, struct slice query)
{
        struct pattern_mistake mistake = { NULL, 0 };
        struct pattern_target target;
        struct pattern *pattern = pattern_compile(template, &mistake);

        if (!pattern) {
                CHECK(mistake.message && mistake.offset <= template.len);
                return;
        }
        for (const struct pattern *p = pattern; p; p = pattern_next(p))
                if (pattern_match(p, path, query, &target))
                        CHECK(slice_is_none(target.raw) != pattern_has_target(p));
        pattern_free(&pattern);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct slice rest = slice_of(data, size), template, raw, value;
        struct path path;

        if (!slice_next(&rest, '\n', &template) || !slice_next(&rest, '\n', &raw))
                return 0;
        struct slice normal = path_normalise(raw, once);
        /* The normal form of a normal form is itself. */
        CHECK(normal.len > PATH_MAX_RAW ||
              slice_equal(path_normalise(normal, twice), normal));
        path_split(normal, &path);
        CHECK(path.count <= PATH_MAX_SEGMENTS);
        for (unsigned i = 0; i < path.count && normal.data[0] == '/'; i++)
                CHECK(path.segments[i].len > 0);
        match(template, &path, rest);
        path_parameter(rest, slice_str("id"), &value);
        path_decode(raw, true, twice, 64);
        return 0;
}
