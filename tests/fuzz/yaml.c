/* SPDX-License-Identifier: MIT */
/*
 * Any bytes are read as a file. What is accepted is walked through: texts end in
 * a NUL, keys stand in maps only, and every typed reading says yes or reports.
 */
#include "lang/yaml.h"

#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_scalar(const struct yaml_node *node, struct diag *diag)
{
        unsigned before = diag_errors(diag);
        struct slice text;
        uint64_t number;
        int64_t ns;
        bool truth;

        CHECK(node->text.data[node->text.len] == '\0');
        CHECK(slice_find(node->text, '\0') == node->text.len);
        if (!yaml_text(node, "text", &text, diag))
                CHECK(diag_errors(diag) > before);
        yaml_u64(node, "number", 1, 1000, &number, diag);
        yaml_size(node, "size", &number, diag);
        yaml_truth(node, "truth", &truth, diag);
        if (yaml_duration_ns(node, "duration", &ns, diag))
                CHECK(ns >= 0);
}

static void walk(const struct yaml_node *node, bool in_map, struct diag *diag)
{
        static const char *const known[] = { "name", "where", "when", NULL };

        CHECK(node->place.line > 0 && node->place.column > 0);
        CHECK((node->key != NULL) == in_map);
        if (in_map)
                CHECK(node->key_place.line > 0 && node->key_place.column > 0);
        yaml_check_keys(node, known, "a rule", diag);
        if (node->kind == YAML_SCALAR)
                read_scalar(node, diag);
        for (const struct yaml_node *child = node->child; child; child = child->next)
                walk(child, node->kind == YAML_MAP, diag);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct diag *diag = diag_new();
        struct yaml *yaml = yaml_parse("fuzz", slice_of(data, size), diag);
        struct buf out = { 0 };

        CHECK((yaml == NULL) == (diag_errors(diag) > 0));
        if (yaml)
                walk(yaml_root(yaml), false, diag);
        diag_print(diag, &out);
        buf_free(&out);
        yaml_free(&yaml);
        diag_free(&diag);
        return 0;
}
