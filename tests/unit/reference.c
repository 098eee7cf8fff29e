/* SPDX-License-Identifier: MIT */
/* The reference and the manual page are what the tables say; TRAWLWATCH_WRITE=1 mends. */
#include "detect/reference.h"

#include <stdio.h>
#include <stdlib.h>

#include "unit/detect_world.h"

#define PAGE_MAX 262144

static void check_file(const char *path, const struct buf *text)
{
        char *shipped = malloc(PAGE_MAX);
        FILE *file;

        assert_non_null(shipped);
        if (getenv("TRAWLWATCH_WRITE")) {
                file = fopen(path, "w");
                assert_non_null(file);
                fwrite(text->data, 1, text->len, file);
                fclose(file);
        }
        file = fopen(path, "r");
        assert_non_null(file);
        size_t len = fread(shipped, 1, PAGE_MAX - 1, file);
        fclose(file);
        shipped[len] = 0;
        if (len != text->len || memcmp(shipped, text->data, len) != 0)
                fail_msg("%s is not what the tables say: TRAWLWATCH_WRITE=1 ctest -R "
                         "unit.reference writes it",
                         path);
        free(shipped);
}

static void the_pages_are_those_of_the_tables(void **state)
{
        struct buf text = { 0 };

        (void)state;
        reference_markdown(&text);
        check_file("../docs/rule-reference.md", &text);
        buf_clear(&text);
        reference_man(&text);
        check_file("../docs/man/trawlwatch-rules.5.scd", &text);
        buf_free(&text);
}

struct seen {
        unsigned words;
        struct site *site;
};

/* Whatever a rule that uses the word may be told, the word is known. */
static void try_word(void *context, const struct reference *r)
{
        struct seen *seen = context;
        struct diag *diag = diag_new();
        struct buf rule = { 0 }, said = { 0 };

        seen->words++;
        if (r->help[0] == 0 || r->type.len == 0)
                fail_msg("%s: nothing is said about it", r->name);
        buf_put_str(&rule, "rules:\n- name: x\n  per: client.ip\n");
        if (r->kind == REFERENCE_KEY && strncmp(r->name, "per", 3) != 0 &&
            strcmp(r->name, "name") != 0 && strcmp(r->name, "when") != 0)
                buf_printf(&rule, "  %s: 1\n", r->name);
        buf_put_str(&rule, "  when: count(1m) > 1");
        if (r->kind == REFERENCE_FIELD && strcmp(r->name, "header") != 0)
                buf_printf(&rule, " and present(%s)\n", r->name);
        if (r->kind == REFERENCE_FUNCTION)
                buf_printf(&rule, " and %s(1m) > 1\n", r->name);
        struct rules *rules = rules_parse("r", buf_slice(&rule), seen->site, diag);
        diag_print(diag, &said);
        buf_put_byte(&said, 0);
        if (strstr((const char *)said.data, "unknown field") ||
            strstr((const char *)said.data, "unknown function") ||
            strstr((const char *)said.data, "unknown key"))
                fail_msg("%s: %s", r->name, (const char *)said.data);
        rules_free(&rules);
        buf_free(&rule);
        buf_free(&said);
        diag_free(&diag);
}

static void every_word_is_known(void **state)
{
        struct diag *diag = diag_new();
        struct seen seen = { .site = site_parse("s", slice_str(world_site), diag) };

        (void)state;
        reference_each(try_word, &seen);
        assert_true(seen.words > 70);
        site_free(&seen.site);
        diag_free(&diag);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_pages_are_those_of_the_tables),
                cmocka_unit_test(every_word_is_known),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
