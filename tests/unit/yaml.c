/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "lang/yaml.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct row {
        const char *text;
        const char *mistakes;
};

static const struct row refused[] = {
        /* what is not YAML, with the usual reason */
        { "a: b: c", "f:1:5: not YAML: mapping values are not allowed in this context; "
                     "a text that holds ': ' needs quotes\n" },
        { "a:\n\t- x", "f:2:1: not YAML: found character that cannot start any token; "
                       "indent with spaces, not with tabs\n" },
        { "ua: @firefox", "f:1:5: not YAML: found character that cannot start any token; "
                          "a text that begins with this character needs quotes\n" },
        { "path: **.css",
          "f:1:8: not YAML: did not find expected alphabetic or numeric "
          "character; a text that begins with '*' or '&' needs quotes\n" },
        { "when: 'x' in y",
          "f:1:11: not YAML: did not find expected key; a text that begins "
          "with a quote ends with it: put the other quotes around the "
          "whole\n" },
        { "a: [1, 2\nb: 3",
          "f:2:2: not YAML: did not find expected ',' or ']' while parsing a "
          "flow sequence\n" },
        { "a: \"open\nb: 2",
          "f:2:5: not YAML: found unexpected end of stream while scanning a "
          "quoted scalar\n" },
        { "a: x\nb: \xff\xfe", "f:2:4: not a YAML text: invalid leading UTF-8 octet\n" },
        /* what is YAML and refused; all of them in one run */
        { "a: 1\nb: 2\na: 3\nb: 4\na: 5",
          "f:3:1: the key 'a' stands in line 1 already\n"
          "f:4:1: the key 'b' stands in line 2 already\n"
          "f:5:1: the key 'a' stands in line 3 already\n" },
        { "{b: 1, \"b\": 2, c: {d: 1, d: 2}}",
          "f:1:9: the key 'b' stands in line 1 already\n"
          "f:1:26: the key 'd' stands in line 1 "
          "already\n" },
        { "a: &x 1\nb: *x\nc: !foo 3\nd: !!str 4",
          "f:1:4: anchors (&x) are not supported; a text that begins with '&' needs "
          "quotes\n"
          "f:2:4: aliases (*x) are not supported; a text that begins with '*' needs "
          "quotes\n"
          "f:3:4: tags (!foo) are not supported; a text that begins with '!' needs "
          "quotes\n"
          "f:4:4: tags (tag:yaml.org,2002:str) are not supported; a text that begins "
          "with '!' "
          "needs quotes\n" },
        { "a: &x [1]\nb: !t {}\n",
          "f:1:4: anchors (&x) are not supported; a text that begins "
          "with '&' needs quotes\n"
          "f:2:4: tags (!t) are not supported; a text that begins with "
          "'!' needs quotes\n" },
        { "? [a]\n: b", "f:1:3: a key must be a text, not a list\n" },
        { "{{a: b}: c}", "f:1:2: a key must be a text, not a map\n" },
        { "a: \"x\\0y\"", "f:1:4: a text must not hold a NUL\n" },
        { "a: 1\n---\nb: 2",
          "f:2:1: a second document (---) in one file is not supported\n" },
};

static void test_refused(void **state)
{
        unsigned wrong = 0;

        (void)state;
        for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
                struct diag *diag = diag_new();
                struct buf said = { 0 };
                assert_null(yaml_parse("f", slice_str(refused[i].text), diag));
                diag_print(diag, &said);
                if (!slice_is(buf_slice(&said), refused[i].mistakes)) {
                        print_error("%s:\n%.*sand not\n%s", refused[i].text,
                                    (int)said.len, said.data, refused[i].mistakes);
                        wrong++;
                }
                buf_free(&said);
                diag_free(&diag);
        }
        assert_int_equal(wrong, 0);
}

static struct yaml *parse(struct slice text)
{
        struct diag *diag = diag_new();
        struct buf said = { 0 };
        struct yaml *yaml = yaml_parse("f", text, diag);

        diag_print(diag, &said);
        if (!yaml)
                fail_msg("%.*s", (int)said.len, said.data);
        buf_free(&said);
        diag_free(&diag);
        return yaml;
}

static void assert_place(const struct yaml_node *node, unsigned line, unsigned column)
{
        assert_non_null(node);
        assert_int_equal(node->place.line, line);
        assert_int_equal(node->place.column, column);
}

static void test_tree(void **state)
{
        struct yaml *yaml = parse(slice_str("rules:\n"
                                            "  - name: harvest\n"
                                            "    block: [10m, 1h]\n"
                                            "    tag: { for: 30d }\n"
                                            "  - name: 1.10\n"
                                            "    mode: no\n"));
        const struct yaml_node *rules = yaml_get(yaml_root(yaml), "rules");
        const struct yaml_node *first = rules->child, *second = first->next;

        (void)state;
        assert_string_equal(rules->key, "rules");
        assert_int_equal(rules->kind, YAML_LIST);
        assert_place(rules, 2, 3);
        assert_place(first, 2, 5);
        assert_int_equal(rules->key_place.line, 1);
        assert_null(first->key);
        assert_null(second->next);
        assert_slice(yaml_get(first, "name")->text, "harvest");
        assert_place(yaml_get(first, "name"), 2, 11);
        assert_slice(yaml_get(first, "block")->child->next->text, "1h");
        assert_place(yaml_get(first, "block")->child->next, 3, 18);
        assert_slice(yaml_get(yaml_get(first, "tag"), "for")->text, "30d");
        assert_int_equal(yaml_get(yaml_get(first, "tag"), "for")->key_place.column, 12);
        assert_slice(yaml_get(second, "name")->text, "1.10");
        assert_slice(yaml_get(second, "mode")->text, "no");
        assert_null(yaml_get(second, "missing"));
        assert_null(yaml_get(rules, "name"));
        yaml_free(&yaml);
        assert_null(yaml);
        yaml_free(&yaml);
}

/* When the byte at offset n of a text stands at column + n, and when not. */
static void test_columns(void **state)
{
        struct yaml *yaml = parse(slice_str("a: plain text\n"
                                            "b: 'in quotes'\n"
                                            "c: 'it''s'\n"
                                            "d: \"tab\\t\"\n"
                                            "e: over two\n"
                                            "   lines\n"
                                            "f: |\n"
                                            "  block\n"
                                            "g: caf\xc3\xa9 x\n"
                                            "h: ''\n"
                                            "i:\n"));
        static const struct {
                const char *key, *text;
                bool one_line, quoted;
                unsigned line, column;
        } expected[] = {
                { "a", "plain text", true, false, 1, 4 },
                { "b", "in quotes", true, true, 2, 5 },
                { "c", "it's", false, true, 3, 4 },
                { "d", "tab\t", false, true, 4, 4 },
                { "e", "over two lines", false, false, 5, 4 },
                { "f", "block\n", false, true, 7, 4 },
                { "g", "caf\xc3\xa9 x", true, false, 9, 4 },
                { "h", "", true, true, 10, 5 },
                { "i", "", true, false, 11, 3 },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
                const struct yaml_node *node = yaml_get(yaml_root(yaml), expected[i].key);
                assert_slice(node->text, expected[i].text);
                assert_int_equal(node->text.data[node->text.len], 0);
                assert_int_equal(node->one_line, expected[i].one_line);
                assert_int_equal(node->quoted, expected[i].quoted);
                assert_place(node, expected[i].line, expected[i].column);
        }
        yaml_free(&yaml);
}

static void test_empty(void **state)
{
        static const char *const texts[] = { "",      "\n\n",       "# a comment\n",
                                             "---\n", "---\n...\n", "\xef\xbb\xbf" };

        (void)state;
        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
                struct yaml *yaml = parse(slice_str(texts[i]));
                assert_int_equal(yaml_root(yaml)->kind, YAML_MAP);
                assert_null(yaml_root(yaml)->child);
                yaml_free(&yaml);
        }
        struct yaml *yaml = parse(slice_none());
        assert_null(yaml_root(yaml)->child);
        yaml_free(&yaml);
}

static void repeat(struct buf *out, const char *text, unsigned times)
{
        while (times--)
                buf_put_str(out, text);
}

static void assert_refused(struct buf *text, const char *mistakes)
{
        struct diag *diag = diag_new();
        struct buf said = { 0 };

        assert_null(yaml_parse("f", buf_slice(text), diag));
        diag_print(diag, &said);
        assert_slice(buf_slice(&said), mistakes);
        buf_free(&said);
        diag_free(&diag);
        buf_free(text);
}

static void test_caps(void **state)
{
        struct buf text = { 0 };
        struct yaml *yaml;

        (void)state;
        repeat(&text, "[", 32);
        repeat(&text, "]", 32);
        yaml = parse(buf_slice(&text));
        yaml_free(&yaml);
        buf_free(&text);
        repeat(&text, "[", 33);
        repeat(&text, "]", 33);
        assert_refused(&text, "f:1:33: nested more than 32 deep\n");
        repeat(&text, "[", 1000000);
        assert_refused(&text, "f:1:33: nested more than 32 deep\n");
        repeat(&text, "- ", 1000000);
        assert_refused(&text, "f:1:65: nested more than 32 deep\n");
        repeat(&text, "{a: ", 500000);
        assert_refused(&text, "f:1:129: nested more than 32 deep\n");
        repeat(&text, "- x\n", 100000);
        assert_refused(&text, "f:100000:3: more than 100000 values in one file\n");
        repeat(&text, "x", (4 << 20) + 1);
        assert_refused(&text, "f: larger than 4 MiB\n");
        repeat(&text, "x", 4 << 20);
        yaml = parse(buf_slice(&text));
        assert_int_equal(yaml_root(yaml)->text.len, 4 << 20);
        yaml_free(&yaml);
        buf_free(&text);
}

/* Nine lines that would be a billion texts. */
static void test_alias_bomb(void **state)
{
        struct buf text = { 0 };
        struct diag *diag = diag_new();

        (void)state;
        buf_put_str(&text, "a: &a [x,x,x,x,x,x,x,x,x]\n");
        for (char c = 'b'; c <= 'i'; c++) {
                buf_printf(&text, "%c: &%c [", c, c);
                for (int i = 0; i < 9; i++)
                        buf_printf(&text, "%s*%c", i ? "," : "", c - 1);
                buf_put_str(&text, "]\n");
        }
        assert_null(yaml_parse("f", buf_slice(&text), diag));
        assert_int_equal(diag_errors(diag), 9 + 8 * 9);
        diag_free(&diag);
        buf_free(&text);
}

/* Looking for duplicates must not take the square of the keys. */
static void test_many_keys(void **state)
{
        struct buf text = { 0 };

        (void)state;
        for (unsigned i = 0; i < 90000; i++)
                buf_printf(&text, "key%u: v\n", i);
        struct yaml *yaml = parse(buf_slice(&text));
        assert_non_null(yaml_get(yaml_root(yaml), "key89999"));
        yaml_free(&yaml);
        buf_put_str(&text, "key0: again\n");
        assert_refused(&text, "f:90001:1: the key 'key0' stands in line 1 already\n");
}

static void test_known_keys(void **state)
{
        static const char *const known[] = { "name", "severity", "where", NULL };
        struct yaml *yaml = parse(slice_str("name: x\nsevrity: high\nzebra: 1\nl: [1]"));
        struct diag *diag = diag_new();
        struct buf said = { 0 };

        (void)state;
        assert_false(yaml_check_keys(yaml_root(yaml), known, "a rule", diag));
        assert_false(
            yaml_check_keys(yaml_get(yaml_root(yaml), "l"), known, "a rule", diag));
        diag_print(diag, &said);
        assert_slice(buf_slice(&said),
                     "f:2:1: unknown key 'sevrity' in a rule (did you mean 'severity'?)\n"
                     "f:3:1: unknown key 'zebra' in a rule\n"
                     "f:4:1: unknown key 'l' in a rule\n"
                     "f:4:4: a rule is a map of keys and values, not a list\n");
        yaml_free(&yaml);
        yaml = parse(slice_str("where: x\nname: y"));
        assert_true(yaml_check_keys(yaml_root(yaml), known, "a rule", diag));
        yaml_free(&yaml);
        buf_free(&said);
        diag_free(&diag);
}

/* A value as the typed readings see it; NULL means refused. */
struct reading {
        const char *text;
        const char *number, *truth, *duration, *size;
};

static const struct reading readings[] = {
        { "5", "5", NULL, NULL, "5" },
        { "'5'", "5", NULL, NULL, "5" },
        { "1000", "1000", NULL, NULL, "1000" },
        { "1001", NULL, NULL, NULL, "1001" },
        { "0", NULL, NULL, NULL, "0" },
        { "010", NULL, NULL, NULL, "10" },
        { "0x10", NULL, NULL, NULL, NULL },
        { "-1", NULL, NULL, NULL, NULL },
        { "+1", NULL, NULL, NULL, NULL },
        { "1_000", NULL, NULL, NULL, NULL },
        { "1.0", NULL, NULL, NULL, NULL },
        { "yes", NULL, "true", NULL, NULL },
        { "off", NULL, "false", NULL, NULL },
        { "'yes'", NULL, NULL, NULL, NULL },
        { "Yes", NULL, NULL, NULL, NULL },
        { "30s", NULL, NULL, "30000000000", NULL },
        { "500ms", NULL, NULL, "500000000", NULL },
        { "1.5h", NULL, NULL, "5400000000000", NULL },
        { "7d", NULL, NULL, "604800000000000", NULL },
        { "0s", NULL, NULL, "0", NULL },
        { "0.000001ms", NULL, NULL, "1", NULL },
        { "0.0000001ms", NULL, NULL, NULL, NULL },
        { "0.00000000001s", NULL, NULL, NULL, NULL },
        { "0.0000000000s", NULL, NULL, "0", NULL },
        { "106750d", NULL, NULL, "9223200000000000000", NULL },
        { "999999d", NULL, NULL, NULL, NULL },
        { "99999999999999999999s", NULL, NULL, NULL, NULL },
        { "10 m", NULL, NULL, NULL, NULL },
        { "1.s", NULL, NULL, NULL, NULL },
        { ".5s", NULL, NULL, NULL, NULL },
        { "s", NULL, NULL, NULL, NULL },
        { "64k", NULL, NULL, NULL, "65536" },
        { "64KiB", NULL, NULL, NULL, "65536" },
        { "512MB", NULL, NULL, NULL, "536870912" },
        { "1G", NULL, NULL, NULL, "1073741824" },
        { "17179869183G", NULL, NULL, NULL, "18446744072635809792" },
        { "17179869184G", NULL, NULL, NULL, NULL },
        { "1T", NULL, NULL, NULL, NULL },
        { "1kb", NULL, NULL, NULL, NULL },
        { "[1]", NULL, NULL, NULL, NULL },
        { "{a: 1}", NULL, NULL, NULL, NULL },
        { "", NULL, NULL, NULL, NULL },
        { "''", NULL, NULL, NULL, NULL },
};

static void assert_reading(const char *text, bool read, uint64_t value,
                           const char *expected)
{
        char printed[32];

        snprintf(printed, sizeof(printed), "%llu", (unsigned long long)value);
        if (read != (expected != NULL) || (read && strcmp(printed, expected) != 0))
                fail_msg("%s is read as %s", text, read ? printed : "nothing");
}

static void check_reading(const struct reading *row)
{
        struct diag *diag = diag_new();
        struct yaml *yaml = parse(slice_str(row->text));
        struct buf in_list = { 0 };
        uint64_t number = 0;
        int64_t ns = 0;
        bool truth = false;

        yaml_free(&yaml);
        buf_printf(&in_list, "v: %s", row->text);
        yaml = parse(buf_slice(&in_list));
        const struct yaml_node *node = yaml_root(yaml)->child;
        bool read = yaml_u64(node, "v", 1, 1000, &number, diag);
        assert_reading(row->text, read, number, row->number);
        read = yaml_size(node, "v", &number, diag);
        assert_reading(row->text, read, number, row->size);
        read = yaml_duration_ns(node, "v", &ns, diag);
        assert_reading(row->text, read, (uint64_t)ns, row->duration);
        read = yaml_truth(node, "v", &truth, diag);
        if (read != (row->truth != NULL) ||
            (read && truth != !strcmp(row->truth, "true")))
                fail_msg("%s is read as %s", row->text, truth ? "true" : "false");
        assert_int_equal(
            diag_errors(diag),
            !row->number + !row->size + !row->duration + !row->truth -
                (node->kind != YAML_SCALAR || (!node->quoted && node->text.len == 0)
                     ? 3
                     : 0));
        yaml_free(&yaml);
        buf_free(&in_list);
        diag_free(&diag);
}

static void test_readings(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(readings) / sizeof(readings[0]); i++)
                check_reading(&readings[i]);
}

static void test_reading_messages(void **state)
{
        struct yaml *yaml =
            parse(slice_str("a: 010\nb: 5\nc: 'no'\nd: 5min\ne: 1T\nf: {}\ng:\n"));
        const struct yaml_node *root = yaml_root(yaml);
        struct diag *diag = diag_new();
        struct buf said = { 0 };
        struct slice text;
        uint64_t number;
        int64_t ns;
        bool truth;

        (void)state;
        yaml_u64(yaml_get(root, "a"), "limits.a", 0, 9, &number, diag);
        yaml_u64(yaml_get(root, "b"), "limits.b", 10, 99, &number, diag);
        yaml_truth(yaml_get(root, "c"), "c", &truth, diag);
        yaml_duration_ns(yaml_get(root, "d"), "again", &ns, diag);
        yaml_size(yaml_get(root, "e"), "buffer", &number, diag);
        yaml_text(yaml_get(root, "f"), "name", &text, diag);
        yaml_text(yaml_get(root, "g"), "name", &text, diag);
        diag_print(diag, &said);
        assert_slice(
            buf_slice(&said),
            "f:1:4: limits.a: '010' is not a whole number (no zero before it, no 0x)\n"
            "f:2:4: limits.b: 5 is out of range (10 to 99)\n"
            "f:3:5: c: 'no' is neither true nor false in quotes\n"
            "f:4:4: again: '5min' is not a duration (like 500ms, 30s, 10m, 1h, 7d)\n"
            "f:5:4: buffer: '1T' is not a size (like 4096, 64k, 512M, 1G)\n"
            "f:6:4: name: one value is needed, not a map\n"
            "f:7:3: name: a value is missing\n");
        yaml_free(&yaml);
        buf_free(&said);
        diag_free(&diag);
}

static void count_element(void *context, const struct yaml_node *element)
{
        unsigned *sum = context;

        *sum = *sum * 10 + (unsigned)element->text.data[0] - '0';
}

static void test_one_or_list(void **state)
{
        struct yaml *yaml = parse(slice_str("a: 7\nb: [1, 2, 3]\nc: {x: 1}\nd:\n"));
        const struct yaml_node *root = yaml_root(yaml);
        struct diag *diag = diag_new();
        unsigned sum = 0;

        (void)state;
        assert_true(
            yaml_one_or_list(yaml_get(root, "a"), "a", count_element, &sum, diag));
        assert_int_equal(sum, 7);
        assert_true(
            yaml_one_or_list(yaml_get(root, "b"), "b", count_element, &sum, diag));
        assert_int_equal(sum, 7123);
        assert_false(
            yaml_one_or_list(yaml_get(root, "c"), "c", count_element, &sum, diag));
        assert_false(
            yaml_one_or_list(yaml_get(root, "d"), "d", count_element, &sum, diag));
        assert_int_equal(sum, 7123);
        assert_int_equal(diag_errors(diag), 2);
        yaml_free(&yaml);
        diag_free(&diag);
}

static void test_files(void **state)
{
        char path[] = "/tmp/trawlwatch-yaml-XXXXXX";
        int fd = mkstemp(path);
        struct diag *diag = diag_new();
        struct buf said = { 0 };

        (void)state;
        assert_true(fd >= 0);
        assert_int_equal(write(fd, "a: 1\n", 5), 5);
        close(fd);
        struct yaml *yaml = yaml_read(path, diag);
        assert_non_null(yaml);
        assert_slice(yaml_root(yaml)->child->text, "1");
        assert_string_equal(yaml_root(yaml)->child->place.file, path);
        yaml_free(&yaml);
        unlink(path);
        assert_null(yaml_read("/nonexistent/rules.yaml", diag));
        assert_null(yaml_read("/", diag));
        diag_print(diag, &said);
        assert_slice(buf_slice(&said),
                     "/: cannot be read: Is a directory\n"
                     "/nonexistent/rules.yaml: cannot be read: No such file "
                     "or directory\n");
        buf_free(&said);
        diag_free(&diag);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_refused),
                cmocka_unit_test(test_tree),
                cmocka_unit_test(test_columns),
                cmocka_unit_test(test_empty),
                cmocka_unit_test(test_caps),
                cmocka_unit_test(test_alias_bomb),
                cmocka_unit_test(test_many_keys),
                cmocka_unit_test(test_known_keys),
                cmocka_unit_test(test_readings),
                cmocka_unit_test(test_reading_messages),
                cmocka_unit_test(test_one_or_list),
                cmocka_unit_test(test_files),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
