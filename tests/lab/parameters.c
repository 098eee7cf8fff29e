/* SPDX-License-Identifier: MIT */
#include "parameters.h"
#include "unit/unit.h"
#include "world.h"

#include <stdlib.h>
#include <unistd.h>

static const char *const orders[] = { "sequential", "shuffled", NULL };

static const struct entry_key scrape_keys[] = {
        { "count", PARAMETER_COUNT, "1", 1, 1000, NULL, "How many" },
        { "rate", PARAMETER_RATE, "30/m", 0.001, 100, NULL, "Requests" },
        { "lasts", PARAMETER_DURATION, "1h", 1, 86400, NULL, "How long" },
        { "jitter", PARAMETER_NUMBER, "0.3", 0, 1, NULL, "Spread" },
        { "order", PARAMETER_CHOICE, "shuffled", 0, 0, orders, "Which first" },
        { "software", PARAMETER_TEXT, "curl", 0, 0, NULL, "What asks" },
        { "cookies", PARAMETER_TRUTH, "yes", 0, 0, NULL, "Takes them" },
        { 0 },
};
static const struct entry_class classes[] = {
        { "scrape", "A scraper", scrape_keys },
        { 0 },
};

/* All mistakes of one -o, or of a file's text, as they are printed. */
static struct buf mistakes_of(const char *assignment, const char *file)
{
        struct parameter_set *set = parameters_new(NULL, classes);
        struct diag *diag = diag_new();
        struct buf text = { 0 };

        if (assignment)
                parameters_set(set, assignment, diag);
        if (file)
                parameters_read(set, file, diag);
        parameters_values(set, diag);
        diag_print(diag, &text);
        buf_put_byte(&text, '\0');
        diag_free(&diag);
        parameters_free(&set);
        return text;
}

static void assert_mistake(const char *assignment, const char *expected)
{
        struct buf text = mistakes_of(assignment, NULL);

        if (!strstr((const char *)text.data, expected))
                fail_msg("%s: %s\ndoes not tell: %s", assignment, (char *)text.data,
                         expected);
        buf_free(&text);
}

static void test_usual_values(void **state)
{
        struct world w = WORLD("seed=1");

        (void)state;
        assert_int_equal(w.p->people.count, 20000);
        assert_true(w.p->people.recruiters == 0.03);
        assert_int_equal(w.p->begin_ns, INT64_C(1772409600) * 1000000000);
        assert_int_equal(w.p->wire.upstream_idle, INT64_C(60000000000));
        assert_string_equal(w.p->site.path[2], "/in/{target}");
        assert_int_equal(w.p->people.day.count, 24);
        assert_int_equal(w.p->attackers.count, 0);
        parameters_free(&w.set);
}

static void test_values(void **state)
{
        struct world w =
            WORLD("people.count=1.5M", "people.recruiters=4%", "site.naming=uuid",
                  "site.app=yes", "wire.visitor_idle=500s", "begin=2026-01-01",
                  "people.mail={a.example: 1, b.example: 3}", "site.path.others=[/x]");

        (void)state;
        assert_int_equal(w.p->people.count, 1500000);
        assert_true(w.p->people.recruiters == 0.04);
        assert_int_equal(w.p->site.naming, NAMING_UUID);
        assert_true(w.p->site.is_app);
        assert_int_equal(w.p->people.mail.count, 2);
        assert_string_equal(w.p->people.mail.name[1], "b.example");
        assert_int_equal(w.p->site.others.count, 1);
        parameters_free(&w.set);
}

static void test_mistakes(void **state)
{
        (void)state;
        assert_mistake("people.count=many",
                       "-o people.count:1:1: people.count: 'many' is "
                       "not a whole number; write one like 250");
        assert_mistake("people.count=1.5", "is not a whole number");
        assert_mistake("people.recruiters=120%", "is out of range; it is 0 to 1");
        assert_mistake("people.recruiters=0x1", "is not a number");
        assert_mistake("people.recruiters=nan", "is not a number");
        assert_mistake("wire.way=forward", "(did you mean 'forwarded'?)");
        assert_mistake("wire.visitor_idle=5", "write one like 500ms");
        assert_mistake("people.cuont=5", "unknown parameter 'people.cuont'");
        assert_mistake("people.day=[1, 2]", "has a weight for each of the 24 hours");
        assert_mistake("people.mail=[1]", "a map of names and numbers is needed");
        assert_mistake("people.mail={a: 0}", "one of the numbers must be above 0");
        assert_mistake("people.count", "write -o NAME=VALUE");
        assert_mistake("begin=tomorrow", "write one like 2026-03-02");
        assert_mistake("wire.server=here", "is an IPv4 address");
        assert_mistake("site.path.profile=/in", "has {target}");
        assert_mistake("people.mobile=99%", "is more than all people");
        assert_mistake("attackers=[{class: scrap}]", "(did you mean 'scrape'?)");
        assert_mistake("attackers=[{class: scrape, rat: 1/s}]", "(did you mean 'rate'?)");
        assert_mistake("attackers=[{class: scrape, rate: 1}]",
                       "scrape, rate: '1' is not a rate; write one like 2/s");
        assert_mistake("attackers=[scrape]", "as in { class: scrape }");
        assert_mistake("attackers=scrape", "a list of entries is needed, or none");
}

static void write_file(const char *path, const char *text, size_t len)
{
        FILE *file = fopen(path, "w");

        assert_non_null(file);
        assert_int_equal(fwrite(text, 1, len, file), len);
        assert_int_equal(fclose(file), 0);
}

static void test_file_tells_places(void **state)
{
        static const char text[] = "seed: 4\n"
                                   "people:\n"
                                   "  count: 5\n"
                                   "  recruters: 3%\n"
                                   "  views_mean: -1\n"
                                   "attackers:\n"
                                   "  - { class: scrape, order: any }\n";
        char path[] = "/tmp/lab-parameters-XXXXXX";

        (void)state;
        assert_true(mkstemp(path) >= 0);
        write_file(path, text, sizeof(text) - 1);
        struct buf told = mistakes_of(NULL, path);
        const char *all = (const char *)told.data;
        assert_non_null(strstr(all, ":4:3: unknown parameter 'people.recruters' (did you "
                                    "mean 'recruiters'?)"));
        assert_non_null(strstr(all, ":5:15: people.views_mean: '-1' is not a number"));
        assert_non_null(strstr(all, ":7:29: scrape, order: 'any' is none of sequential, "
                                    "shuffled"));
        buf_free(&told);
        unlink(path);
}

static void test_entries(void **state)
{
        struct parameter_set *set = parameters_new(NULL, classes);
        struct diag *diag = diag_new();

        (void)state;
        parameters_set(set,
                       "attackers=[{class: scrape, rate: 600/m, order: sequential, "
                       "lasts: 90m, count: 3}, {class: scrape, cookies: no}]",
                       diag);
        const struct parameters *p = parameters_values(set, diag);
        assert_int_equal(diag_errors(diag), 0);
        assert_int_equal(p->attackers.count, 2);
        const struct entry *e = p->attackers.of[0], *usual = p->attackers.of[1];
        assert_string_equal(entry_class_name(e), "scrape");
        assert_true(entry_rate(e, "rate") == 10);
        assert_true(entry_rate(usual, "rate") == 0.5);
        assert_int_equal(entry_choice(e, "order"), 0);
        assert_int_equal(entry_choice(usual, "order"), 1);
        assert_int_equal(entry_duration(e, "lasts"), INT64_C(5400000000000));
        assert_int_equal(entry_count(e, "count"), 3);
        assert_string_equal(entry_text(e, "software"), "curl");
        assert_true(entry_truth(e, "cookies"));
        assert_false(entry_truth(usual, "cookies"));
        assert_true(entry_is_said(e, "rate"));
        assert_false(entry_is_said(usual, "rate"));
        assert_string_equal(entry_json(usual),
                            "{\"rate\":0.5,\"lasts\":3600,\"jitter\":0.3,"
                            "\"order\":\"shuffled\",\"software\":\"curl\","
                            "\"cookies\":false}");
        parameters_set(set, "attackers=none", diag);
        assert_int_equal(p->attackers.count, 0);
        diag_free(&diag);
        parameters_free(&set);
}

/* What is printed reads back, and prints the same again. */
static void test_print(void **state)
{
        struct parameter_set *set = parameters_new(NULL, classes);
        struct parameter_set *again = parameters_new(NULL, classes);
        struct diag *diag = diag_new();
        struct buf first = { 0 }, second = { 0 };
        char path[] = "/tmp/lab-parameters-XXXXXX";

        (void)state;
        parameters_set(set, "people.count=77k", diag);
        parameters_set(set, "site.path.profile='/p?id={target}&x=1'", diag);
        parameters_set(set, "wire.way=proxy", diag);
        parameters_set(set, "attackers=[{class: scrape, software: 'it''s, {a}'}]", diag);
        parameters_print(set, &first);
        assert_true(mkstemp(path) >= 0);
        write_file(path, (const char *)first.data, first.len);
        parameters_read(again, path, diag);
        const struct parameters *p = parameters_values(again, diag);
        assert_int_equal(diag_errors(diag), 0);
        assert_int_equal(p->people.count, 77000);
        assert_int_equal(p->wire.way, WAY_PROXY);
        assert_string_equal(p->site.path[2], "/p?id={target}&x=1");
        assert_string_equal(entry_text(p->attackers.of[0], "software"), "it's, {a}");
        parameters_print(again, &second);
        assert_int_equal(first.len, second.len);
        assert_memory_equal(first.data, second.data, first.len);
        buf_free(&first);
        buf_free(&second);
        diag_free(&diag);
        parameters_free(&set);
        parameters_free(&again);
        unlink(path);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_usual_values),
                cmocka_unit_test(test_values),
                cmocka_unit_test(test_mistakes),
                cmocka_unit_test(test_file_tells_places),
                cmocka_unit_test(test_entries),
                cmocka_unit_test(test_print),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
