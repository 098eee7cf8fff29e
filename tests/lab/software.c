/* SPDX-License-Identifier: MIT */
#include "software.h"
#include "unit/unit.h"
#include "world.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char browser[] = "# name: fox\n# version: 120\n# class: browser\n"
                              "# share: 0.75\n# language: en-US,en;q=0.5\n"
                              "# origin: made for this test\n"
                              "\n@ navigation\n"
                              "{method} {path} HTTP/1.1\n"
                              "Host: {host}\n"
                              "User-Agent: Fox/{version}.0\n"
                              "Accept-Language: {language}\n"
                              "Connection: keep-alive\n"
                              "Referer: {referer}\n"
                              "Cookie: {cookie}\n"
                              "Sec-Fetch-Site: same-origin\n"
                              "\n@ style\n"
                              "{method} {path} HTTP/1.1\n"
                              "Host: {host}\n"
                              "Accept: text/css\n";
static const char library[] = "# name: lib\n# version: 2\n# class: library\n# share: 0\n"
                              "@ navigation\n{method} {path} HTTP/1.0\nHOST: {host}\n"
                              "user-agent: lib\nx: 1\ny: 2\nz: 3\n";

static char folder[] = "/tmp/lab-heads-XXXXXX";

static void write_file(const char *name, const char *text)
{
        char path[128];

        snprintf(path, sizeof(path), "%s/%s", folder, name);
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        fputs(text, file);
        assert_int_equal(fclose(file), 0);
}

static void remove_file(const char *name)
{
        char path[128];

        snprintf(path, sizeof(path), "%s/%s", folder, name);
        unlink(path);
}

static int make_folder(void **state)
{
        (void)state;
        if (!mkdtemp(folder))
                return -1;
        write_file("fox.heads", browser);
        write_file("lib.heads", library);
        write_file("README.md", "no heads");
        return 0;
}

static int remove_folder(void **state)
{
        (void)state;
        remove_file("fox.heads");
        remove_file("lib.heads");
        remove_file("README.md");
        return rmdir(folder);
}

static struct softwares *load(const struct world *w)
{
        struct diag *diag = diag_new();
        struct softwares *all = softwares_load(folder, w->p, diag);

        assert_int_equal(diag_errors(diag), 0);
        diag_free(&diag);
        return all;
}

static void assert_head(const struct software *s, enum request_kind kind,
                        const struct slice *values, const char *expected)
{
        uint8_t out[2048];
        size_t len = software_head(s, kind, values, out, sizeof(out));

        out[len] = '\0';
        assert_string_equal((char *)out, expected);
}

static void set_values(struct slice values[HEAD_VALUES])
{
        memset(values, 0, HEAD_VALUES * sizeof(*values));
        values[HEAD_METHOD] = slice_str("GET");
        values[HEAD_PATH] = slice_str("/x");
        values[HEAD_LANGUAGE] = slice_str("de");
        values[HEAD_FORWARDED] = slice_str("9.9.9.9");
        values[HEAD_FETCH_SITE] = slice_str("none");
}

/* Lines whose value there is not are left out; other kinds have their own head. */
static void test_direct(void **state)
{
        struct world w = WORLD("wire.way=direct", "site.host=a.example");
        struct softwares *all = load(&w);
        const struct software *s = software_named(all, "fox");
        struct slice values[HEAD_VALUES];

        (void)state;
        set_values(values);
        assert_head(s, REQUEST_NAVIGATION, values,
                    "GET /x HTTP/1.1\r\nHost: a.example\r\nUser-Agent: Fox/120.0\r\n"
                    "Accept-Language: de\r\nConnection: keep-alive\r\n"
                    "Sec-Fetch-Site: none\r\n\r\n");
        values[HEAD_COOKIE] = slice_str("sid=1");
        values[HEAD_REFERER] = slice_str("https://a.example/");
        values[HEAD_FETCH_SITE] = slice_str("same-origin");
        assert_head(s, REQUEST_NAVIGATION, values,
                    "GET /x HTTP/1.1\r\nHost: a.example\r\nUser-Agent: Fox/120.0\r\n"
                    "Accept-Language: de\r\nConnection: keep-alive\r\n"
                    "Referer: https://a.example/\r\nCookie: sid=1\r\n"
                    "Sec-Fetch-Site: same-origin\r\n\r\n");
        assert_head(s, REQUEST_STYLE, values,
                    "GET /x HTTP/1.1\r\nHost: a.example\r\nAccept: text/css\r\n\r\n");
        /* No head of a form was recorded: that of a navigation, with a body's lines. */
        values[HEAD_METHOD] = slice_str("POST");
        values[HEAD_LENGTH] = slice_str("7");
        values[HEAD_TYPE] = slice_str("text/plain");
        values[HEAD_REFERER] = values[HEAD_COOKIE] = slice_none();
        assert_head(s, REQUEST_FORM, values,
                    "POST /x HTTP/1.1\r\nHost: a.example\r\nUser-Agent: Fox/120.0\r\n"
                    "Accept-Language: de\r\nConnection: keep-alive\r\n"
                    "Sec-Fetch-Site: same-origin\r\nContent-Type: text/plain\r\n"
                    "Content-Length: 7\r\n\r\n");
        uint8_t small[40];
        assert_int_equal(software_head(s, REQUEST_STYLE, values, small, sizeof(small)),
                         0);
        assert_true(software_closes(software_named(all, "lib")));
        assert_false(software_closes(s));
        assert_null(software_named(all, "README"));
        softwares_free(&all);
        parameters_free(&w.set);
}

static void test_terminators(void **state)
{
        struct world nginx = WORLD("site.host=a.example");
        struct world haproxy = WORLD("site.host=a.example", "wire.terminator=haproxy");
        struct softwares *a = load(&nginx), *b = load(&haproxy);
        struct slice values[HEAD_VALUES];

        (void)state;
        set_values(values);
        assert_head(software_named(a, "lib"), REQUEST_IMAGE, values,
                    "GET /x HTTP/1.1\r\nHost: a.example\r\nX-Forwarded-For: 9.9.9.9\r\n"
                    "X-Forwarded-Proto: https\r\nuser-agent: lib\r\nx: 1\r\ny: 2\r\n"
                    "z: 3\r\n\r\n");
        assert_head(software_named(b, "fox"), REQUEST_NAVIGATION, values,
                    "GET /x HTTP/1.1\r\nhost: a.example\r\nuser-agent: Fox/120.0\r\n"
                    "accept-language: de\r\nsec-fetch-site: none\r\n"
                    "x-forwarded-proto: https\r\nx-forwarded-for: 9.9.9.9\r\n\r\n");
        softwares_free(&a);
        softwares_free(&b);
        parameters_free(&nginx.set);
        parameters_free(&haproxy.set);
}

/* Only browsers with a share are somebody's; not all have the newest version. */
static void test_shares_and_versions(void **state)
{
        struct world w = WORLD("wire.way=direct");
        struct softwares *all = load(&w);
        struct dice d = dice_of(1, 1);
        struct slice values[HEAD_VALUES];
        unsigned newest = 0, older = 0;

        (void)state;
        set_values(values);
        for (unsigned i = 0; i < 10000; i++) {
                uint8_t out[2048] = { 0 };
                const struct software *s = software_of_person(all, &d);
                assert_string_equal(software_name(s), "fox");
                software_head(s, REQUEST_NAVIGATION, values, out, sizeof(out));
                newest += strstr((char *)out, "Fox/120.0") != NULL;
                older += strstr((char *)out, "Fox/119.0") != NULL;
        }
        assert_in_range(newest, 5950, 6450);
        assert_in_range(older, 2450, 2950);
        softwares_free(&all);
        parameters_free(&w.set);
}

static void test_copied(void **state)
{
        struct world w = WORLD("wire.way=direct");
        struct softwares *all = load(&w);
        const struct software *s = software_named(all, "fox");
        struct slice values[HEAD_VALUES];
        uint8_t own[2048], out[2048];
        unsigned others = 0;

        (void)state;
        set_values(values);
        own[software_head(s, REQUEST_NAVIGATION, values, own, sizeof(own))] = '\0';
        for (uint32_t variant = 0; variant < 200; variant++) {
                const struct software *copied = software_copied(all, s, variant);
                assert_ptr_equal(software_copied(all, s, variant), copied);
                out[software_head(copied, REQUEST_STYLE, values, out, sizeof(out))] =
                    '\0';
                assert_non_null(strstr((char *)out, "User-Agent: Fox/120.0\r\n"));
                assert_non_null(strstr((char *)out, "Host: "));
                assert_memory_equal(out, "GET /x HTTP/1.1\r\n", 17);
                others += strcmp((char *)out, (char *)own) != 0;
        }
        assert_true(others > 180);
        assert_ptr_not_equal(software_copied(all, s, 1), software_copied(all, s, 2));
        softwares_free(&all);
        parameters_free(&w.set);
}

static void assert_mistake(const char *text, const char *expected)
{
        struct world w = WORLD("wire.way=direct");
        struct diag *diag = diag_new();
        struct buf told = { 0 };

        write_file("bad.heads", text);
        assert_null(softwares_load(folder, w.p, diag));
        diag_print(diag, &told);
        buf_put_byte(&told, '\0');
        if (!strstr((char *)told.data, expected))
                fail_msg("%s does not tell: %s", (char *)told.data, expected);
        buf_free(&told);
        diag_free(&diag);
        parameters_free(&w.set);
        remove_file("bad.heads");
}

static void test_mistakes(void **state)
{
        (void)state;
        assert_mistake("# name: x\n@ nav\n", "bad.heads:2:1: unknown kind");
        assert_mistake("# name: x\nGET\n", "bad.heads:2:1: a line before the first");
        assert_mistake("# class: b\n", "bad.heads:1:1: class is browser, library or bot");
        assert_mistake("# name: x\n@ style\nGET / HTTP/1.1\nA: b\n",
                       "has no head for a navigation");
        assert_mistake("@ navigation\nGET / HTTP/1.1\nA: b\n", "has no `# name:`");
        assert_mistake("# name: x\n@ navigation\nGET / HTTP/1.1\nA\n",
                       "bad.heads:4:1: a header line is");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_direct),
                cmocka_unit_test(test_terminators),
                cmocka_unit_test(test_shares_and_versions),
                cmocka_unit_test(test_copied),
                cmocka_unit_test(test_mistakes),
        };

        return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
