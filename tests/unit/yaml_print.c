/* SPDX-License-Identifier: MIT */
/* What is printed reads back as the same. */
#include "unit/unit.h"

#include "lang/yaml.h"

static void check_text(struct slice text)
{
        struct diag *diag = diag_new();
        struct buf file = { 0 };
        struct slice read;

        buf_put_str(&file, "a: ");
        yaml_put_text(text, &file);
        buf_put_str(&file, "\nb: [");
        yaml_put_text(text, &file);
        buf_put_str(&file, "]\n");
        struct yaml *yaml = yaml_parse("f", buf_slice(&file), diag);
        if (!yaml)
                fail_msg("%.*s", (int)file.len, (const char *)file.data);
        const struct yaml_node *a = yaml_get(yaml_root(yaml), "a");
        const struct yaml_node *b = yaml_get(yaml_root(yaml), "b");
        assert_true(yaml_text(a, "a", &read, diag));
        if (!slice_equal(read, text))
                fail_msg("%.*s", (int)file.len, (const char *)file.data);
        assert_true(yaml_text(b->child, "b", &read, diag));
        assert_true(slice_equal(read, text));
        yaml_free(&yaml);
        buf_free(&file);
        diag_free(&diag);
}

static void texts_read_back(void **state)
{
        static const char *const texts[] = {
                "",
                "a",
                "it's",
                "\"",
                "'\"\\",
                "a: b",
                "#",
                "- x",
                "{a}",
                "[",
                "yes",
                " blank ",
                "1.10",
                "two\nlines",
                "\ttab\r",
                "\x1b[31m",
                "\x7f",
                "\u00fc",
                "\xc2\x85 next",
                "\u2028\u2029",
                "\ufeff",
                "\u20ac\u4e2d",
                "\U0001f600",
                "\\n",
                "%",
                "@a",
                "*x",
                "&x",
                "!t",
        };

        (void)state;
        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
                check_text(slice_str(texts[i]));
}

/* Every pair of bytes that YAML may hold. */
static void pairs_read_back(void **state)
{
        (void)state;
        for (unsigned a = 1; a < 128; a++)
                for (unsigned b = 1; b < 128; b++) {
                        char text[] = { (char)a, (char)b };
                        check_text(slice_of(text, 2));
                }
}

static void durations_read_back(void **state)
{
        static const struct {
                int64_t ns;
                const char *text;
        } cases[] = {
                { 1000000000, "1s" },     { 60000000000, "1m" },
                { 90000000000, "90s" },   { 86400000000000, "1d" },
                { 1500000000, "1500ms" }, { 1000000500, "1.000000500s" },
                { 0, "0.000000000s" },    { 366LL * 86400 * 1000000000, "366d" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct buf out = { 0 };
                int64_t ns = -1;
                yaml_put_duration(cases[i].ns, &out);
                assert_true(text_duration_ns(buf_slice(&out), &ns));
                assert_int_equal(ns, cases[i].ns);
                buf_put_byte(&out, 0);
                assert_string_equal((const char *)out.data, cases[i].text);
                buf_free(&out);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(texts_read_back),
                cmocka_unit_test(pairs_read_back),
                cmocka_unit_test(durations_read_back),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
