/* SPDX-License-Identifier: MIT */
#include "observe/agent_list.h"

#include "unit/unit.h"

#include <stdio.h>
#include <stdlib.h>

#define SHIPPED "../rules/lists/crawlers.txt"

static struct counters counters;
static struct agent_list *shipped;

static int set_up(void **state)
{
        struct diag *diag = diag_new();

        (void)state;
        shipped = agent_list_read(SHIPPED, diag);
        assert_int_equal(diag_errors(diag), 0);
        assert_non_null(shipped);
        diag_free(&diag);
        return 0;
}

static int tear_down(void **state)
{
        (void)state;
        agent_list_free(&shipped);
        return 0;
}

static struct agent_list *parse(const char *text)
{
        struct diag *diag = diag_new();
        struct agent_list *list = agent_list_parse("list", slice_str(text), diag);

        assert_int_equal(diag_errors(diag), 0);
        assert_non_null(list);
        diag_free(&diag);
        return list;
}

/* "family version", with a star before what is claimed to be a bot. */
static const char *describe(const struct agent_list *list, struct slice text)
{
        static char out[128];
        struct agent agent = agent_list_classify(list, text, &counters);
        struct slice family = agent_list_family(list, agent.family);

        snprintf(out, sizeof(out), "%s%.*s%s%.*s", agent.is_bot ? "*" : "",
                 (int)family.len, (const char *)family.data, agent.version_len ? " " : "",
                 agent.version_len, (const char *)text.data + agent.version_at);
        return out;
}

struct row {
        const char *text, *expected;
};

static void check_rows(const struct agent_list *list, const struct row *rows,
                       size_t count)
{
        for (size_t i = 0; i < count; i++) {
                const char *is = describe(list, slice_str(rows[i].text));
                if (strcmp(is, rows[i].expected) != 0)
                        fail_msg("%s: '%s', not '%s'", rows[i].text, is,
                                 rows[i].expected);
        }
}

/* clang-format off */
static const struct row browsers[] = {
        { "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36", "chrome 120.0" },
        { "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36 Edg/120.0.2210.61", "edge 120.0" },
        { "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/64.0.3282.140 Safari/537.36 Edge/18.17763", "edge 18.17763" },
        { "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/119.0.0.0 Safari/537.36 OPR/105.0.0.0", "opera 105.0" },
        { "Opera/9.80 (Windows NT 6.1; WOW64) Presto/2.12.388 Version/12.18", "opera 12.18" },
        { "Opera/9.02 (Windows NT 5.1; U; en)", "opera 9.02" },
        { "Opera/9.80 (J2ME/MIDP; Opera Mini/7.1.32052/29.3709; U; en) Presto/2.8.119 Version/11.10", "opera 7.1" },
        { "Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/121.0", "firefox 121.0" },
        { "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/120.0 Mobile/15E148 Safari/605.1.15", "firefox 120.0" },
        { "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/120.0.6099.50 Mobile/15E148 Safari/604.1", "chrome 120.0" },
        { "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.2 Safari/605.1.15", "safari 17.2" },
        { "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.1.2 Mobile/15E148 Safari/604.1", "safari 17.1" },
        { "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148", "webview" },
        { "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/21B91 [FBAN/FBIOS;FBAV/442.0.0.42.114]", "facebook 442.0" },
        { "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/21B91 Instagram 309.1.1.28.108", "instagram 309.1" },
        { "Mozilla/5.0 (Linux; Android 13; SM-S901B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/23.0 Chrome/115.0.0.0 Mobile Safari/537.36", "samsung 23.0" },
        { "Mozilla/5.0 (Linux; Android 13; Pixel 7; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/120.0.6099.43 Mobile Safari/537.36", "webview 120.0" },
        { "Mozilla/5.0 (Linux; U; Android 4.0.3; de-de; GT-I9100) AppleWebKit/534.30 (KHTML, like Gecko) Version/4.0 Mobile Safari/534.30", "android 4.0" },
        { "Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko", "ie 11.0" },
        { "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1; Trident/4.0)", "ie 8.0" },
        { "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/118.0.0.0 YaBrowser/23.11.0.0 Safari/537.36", "yandex 23.11" },
        { "Mozilla/5.0 (Linux; Android 9; CUBOT_X19) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/119.0.0.0 Mobile Safari/537.36", "chrome 119.0" },
        { "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Slack/4.35 Chrome/118.0.5993.144 Electron/27.1.2 Safari/537.36", "electron 27.1" },
};

static const struct row tools[] = {
        { "curl/7.88.1", "*curl 7.88" },
        { "Wget/1.21.3", "*wget 1.21" },
        { "python-requests/2.31.0", "*python-requests 2.31" },
        { "Python-urllib/3.11", "*python-urllib 3.11" },
        { "Python/3.11 aiohttp/3.9.1", "*aiohttp 3.9" },
        { "python-httpx/0.25.2", "*httpx 0.25" },
        { "Go-http-client/1.1", "*go-http-client 1.1" },
        { "okhttp/4.12.0", "*okhttp 4.12" },
        { "axios/1.6.2", "*axios 1.6" },
        { "node-fetch/1.0 (+https://github.com/bitinn/node-fetch)", "*node-fetch 1.0" },
        { "Scrapy/2.11.0 (+https://scrapy.org)", "*scrapy 2.11" },
        { "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/120.0.6099.71 Safari/537.36", "*headlesschrome 120.0" },
        { "Apache-HttpClient/4.5.14 (Java/17.0.9)", "*apache-httpclient 4.5" },
        { "Java/17.0.9", "java 17.0" },
        { "Java-http-client/21.0.1", "java 21.0" },
        { "node", "node" },
        { "Dart/3.2 (dart:io)", "dart 3.2" },
        { "Dalvik/2.1.0 (Linux; U; Android 13; Pixel 7)", "dalvik 2.1" },
        { "MyApp/1 CFNetwork/1474 Darwin/23.0.0", "cfnetwork 1474" },
        { "PostmanRuntime/7.36.0", "postman 7.36" },
        { "Faraday v1.1.0", "faraday" },
        { "rest-client/2.1.0 (linux-gnu x86_64) ruby/3.1.2p20", "rest-client 2.1" },
        { "HTTPClient/1.0 (2.8.3, ruby 3.1.2 (2022-04-12))", "httpclient 1.0" },
        { "python-urllib3/1.26.12", "urllib3 1.26" },
        { "Python-httplib2/0.20.4 (gzip)", "httplib2 0.20" },
        { "PycURL/7.45.2 libcurl/7.88.1 GnuTLS/3.7.9 zlib/1.2.13", "pycurl 7.45" },
        { "HTTP-Tiny/0.080", "http-tiny 0.080" },
        { "Mojolicious (Perl)", "mojolicious" },
        { "fasthttp", "fasthttp" },
        { "aria2/1.36.0", "aria2 1.36" },
        { "Axel/2.17.11 (linux-gnu)", "axel 2.17" },
        { "Mozilla/5.0 (pc-x86_64-linux-gnu) Siege/4.0.7", "siege 4.0" },
        { "ApacheBench/2.3", "apachebench 2.3" },
};

static const struct row crawlers[] = {
        { "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "*googlebot 2.1" },
        { "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; Googlebot/2.1; +http://www.google.com/bot.html) Chrome/119.0.6045.199 Safari/537.36", "*googlebot 2.1" },
        { "Googlebot-Image/1.0", "*googlebot-image 1.0" },
        { "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)", "*bingbot 2.0" },
        { "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)", "*yandexbot" },
        { "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", "*facebookexternalhit 1.1" },
        { "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.0; +https://openai.com/gptbot)", "*gptbot 1.0" },
        { "Mozilla/5.0 (compatible; SemrushBot/7~bl; +http://www.semrush.com/bot.html)", "*semrushbot 7" },
        /* The longer match names it, wherever it stands. */
        { "W3C-checklink/4.5 [4.160] libwww-perl/5.823", "*w3c-checklink 4.5" },
};

static const struct row odd[] = {
        { "", "" },
        { "-", "" },
        { "Mozilla/5.0", "" },
        { "Chrome", "" },
        { "Chrome/", "chrome" },
        { "Chrome/.5", "chrome" },
        { "Chrome/1.", "chrome 1" },
        { "Chrome/1234567890.12345", "chrome" }, /* longer than a version is */
        { "Chrome/1234567890.1234", "chrome 1234567890.1234" },
        { "NotChrome/9", "" },                    /* inside a word */
        { "nodejs-app", "" },
        { "libcurl/7", "" },                      /* only at the start */
        { "Chrome/1 Chrome/2", "chrome 1" },
        { "googlebot/2.1", "" },                  /* case counts */
};
/* clang-format on */

#define CHECK_ROWS(list, rows) check_rows(list, rows, sizeof(rows) / sizeof(rows[0]))

static void test_browsers(void **state)
{
        (void)state;
        CHECK_ROWS(shipped, browsers);
}

static void test_tools(void **state)
{
        (void)state;
        CHECK_ROWS(shipped, tools);
}

static void test_crawlers(void **state)
{
        (void)state;
        CHECK_ROWS(shipped, crawlers);
}

static void test_odd(void **state)
{
        (void)state;
        CHECK_ROWS(shipped, odd);
}

/* Without a list the tools are known all the same, but nobody claims to be a bot. */
static void test_empty_list(void **state)
{
        struct agent_list *list = parse("# nothing\n\n");

        (void)state;
        assert_int_equal(agent_list_count(list), 0);
        for (size_t i = 0; i < sizeof(tools) / sizeof(tools[0]); i++) {
                const char *expected = tools[i].expected + (tools[i].expected[0] == '*');
                assert_string_equal(describe(list, slice_str(tools[i].text)), expected);
        }
        agent_list_free(&list);
}

/* All lines of a file but its comments. */
static unsigned each_line(const char *path, bool (*good)(struct slice line),
                          unsigned *bad)
{
        FILE *file = fopen(path, "r");
        char text[4096];
        unsigned lines = 0;

        assert_non_null(file);
        *bad = 0;
        while (fgets(text, sizeof(text), file)) {
                text[strcspn(text, "\n")] = '\0';
                if (text[0] == '#')
                        continue;
                lines++;
                *bad += !good(slice_str(text));
        }
        fclose(file);
        return lines;
}

static bool is_claimed(struct slice line)
{
        struct slice text = slice_from(line, slice_find(line, '\t') + 1);
        bool claimed = agent_list_classify(shipped, text, &counters).is_bot;

        if (!claimed)
                print_message("not claimed: %.*s\n", (int)text.len, text.data);
        return claimed;
}

static bool is_named(struct slice line)
{
        struct slice name = slice_first(line, slice_find(line, '\t'));
        struct slice text = slice_from(line, name.len + 1);
        struct agent agent = agent_list_classify(shipped, text, &counters);

        return slice_equal(agent_list_family(shipped, agent.family), name);
}

/* Every user agent that the list's makers give as an example of a pattern. */
static void test_examples(void **state)
{
        unsigned bad, lines = each_line("agents/crawlers.tsv", is_claimed, &bad);

        (void)state;
        assert_true(lines > 2000);
        assert_int_equal(bad, 0);
        /* A few examples match the patterns of two crawlers. */
        lines = each_line("agents/crawlers.tsv", is_named, &bad);
        print_message("%u of %u examples have another family\n", bad, lines);
        assert_true(bad * 100 < lines);
}

static bool is_persons(struct slice text)
{
        struct agent agent = agent_list_classify(shipped, text, &counters);

        if (agent.is_bot || agent.family == 0)
                print_message("%d %d: %.*s\n", agent.is_bot, agent.family, (int)text.len,
                              text.data);
        return !agent.is_bot && agent.family;
}

static void test_people(void **state)
{
        unsigned bad, lines = each_line("agents/browsers.txt", is_persons, &bad);

        (void)state;
        assert_true(lines > 900);
        assert_int_equal(bad, 0);
}

/* A regular expression is tried exactly where it can match. */
static void test_regexes(void **state)
{
        struct agent_list *list =
            parse("[wW]get\twget\n^Seek(er|bot)\tseek\nA|B1\tab\nx+y\txy\n[]a]b\tclass\n"
                  "\\x51q\thex\n(?i)low\tlow\n[[:digit:]]d\tdigit\nend$\tend\n"
                  "(opt)?must\tmust\nmaybe?\tmaybe\nz{2}\tzz\na\\.b\tplain\nc.d\tany\n"
                  "x*\tnothing\n");
        static const struct row rows[] = {
                { "Wget/1", "*wget 1" },
                { "Wxget", "" },
                { "Seekbot 2.0", "*seek 2.0" },
                { "a Seekbot", "" },
                { "A", "*ab" },
                { "B1", "*ab" },
                { "B", "" },
                { "xxxy", "*xy" },
                { "]b", "*class" },
                { "ab", "*class" },
                { "Qq", "*hex" },
                { "q", "" },
                { "LOW", "*low" },
                { "5d", "*digit" },
                { ":d", "" },
                { "the end", "*end" },
                { "end.", "" },
                { "must", "*must" },
                { "mayb", "*maybe" },
                { "maybe", "*maybe" },
                { "zz", "*zz" },
                { "a.b", "*plain" },
                { "axb", "" },
                { "cxd", "*any" },
        };

        (void)state;
        assert_int_equal(agent_list_count(list), 15);
        CHECK_ROWS(list, rows);
        agent_list_free(&list);
}

/* Several patterns: more bytes count, then the place in the list. */
static void test_choice(void **state)
{
        struct agent_list *list = parse("bot\tfirst\nrobot\tlonger\nbot\tsecond\n"
                                        "[b]ott\tregex\nabc\tleft\ncde\tright\n");
        static const struct row rows[] = {
                { "bot", "*first" },
                { "robot", "*longer" },
                { "robott", "*longer" },
                { "bott", "*regex" },
                { "abcde", "*left" },
                { "cde abc", "*left" },
                { "robot/1 bot/2", "*longer 1" },
        };

        (void)state;
        CHECK_ROWS(list, rows);
        agent_list_free(&list);
}

static void test_bound(void **state)
{
        struct agent_list *list = parse("(a|a)*[bc]$\tslow\nbot\tbot\n");
        char text[AGENT_TEXT_MAX + 8];

        (void)state;
        memset(text, 'a', sizeof(text));
        counters = (struct counters){ 0 };
        memcpy(text + AGENT_TEXT_MAX - 3, "bot", 3);
        struct agent agent =
            agent_list_classify(list, slice_of(text, AGENT_TEXT_MAX), &counters);
        assert_true(agent.is_bot);
        assert_int_equal(counters.regex_limits, 1);
        assert_int_equal(counters.agents_cut, 0);
        /* What stands behind the bytes that are looked at says nothing. */
        memcpy(text + AGENT_TEXT_MAX - 3, "abot", 4);
        agent = agent_list_classify(list, slice_of(text, sizeof(text)), &counters);
        assert_false(agent.is_bot);
        assert_int_equal(counters.agents_cut, 1);
        agent_list_free(&list);
}

/* Patterns that every text has to be tried against are few. */
static void test_unfiltered(void **state)
{
        static const struct {
                const char *pattern;
                unsigned unfiltered;
        } rows[] = {
                { "bot", 0 },     { "[bB]ot", 0 },        { "(a|b)?bot", 0 },
                { "a|bot", 1 },   { "[ab]*", 1 },         { "(bot)", 1 },
                { "(?i)bot", 1 }, { "[[:alpha:]]ot", 1 }, { "\\x41ot", 1 },
                { "x{2}bot", 0 }, { "x{bot|y", 1 },       { "x{}bot", 1 },
                { "\\d+bot", 0 }, { "^bot$", 0 },         { "[]:]bot", 1 },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                char lines[100];
                snprintf(lines, sizeof(lines), "%s\tx\n", rows[i].pattern);
                struct agent_list *list = parse(lines);
                if (agent_list_unfiltered(list) != rows[i].unfiltered)
                        fail_msg("%s", rows[i].pattern);
                agent_list_free(&list);
        }
        assert_true(agent_list_unfiltered(shipped) <= 3);
}

static void test_mistakes(void **state)
{
        static const struct row lists[] = {
                { "Googlebot\n",
                  "l:1:1: a line is a pattern, a tab and a family's name\n" },
                { "\tx\n", "l:1:1: a line is a pattern, a tab and a family's name\n" },
                { "# c\nbot\tBot\nbot\t\n",
                  "l:2:5: a family's name is 1 to 64 of a-z 0-9 . _ - and begins with a "
                  "letter or a digit\n"
                  "l:3:5: a family's name is 1 to 64 of a-z 0-9 . _ - and begins with a "
                  "letter or a digit\n" },
                { "a\t../x\n",
                  "l:1:3: a family's name is 1 to 64 of a-z 0-9 . _ - and begins with a "
                  "letter or a digit\n" },
                { "a\tok\r\n(b\tx\n",
                  "l:2:3: in the regular expression: missing closing parenthesis\n" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
                struct diag *diag = diag_new();
                struct buf out = { 0 };
                assert_null(agent_list_parse("l", slice_str(lists[i].text), diag));
                diag_print(diag, &out);
                buf_put_byte(&out, '\0');
                assert_string_equal((char *)out.data, lists[i].expected);
                buf_free(&out);
                diag_free(&diag);
        }
}

static void test_too_many(void **state)
{
        struct diag *diag = diag_new();
        struct buf text = { 0 };

        (void)state;
        for (int i = 0; i < 65; i++)
                buf_printf(&text, "^bot%d\tbot\n", i);
        assert_null(agent_list_parse("l", buf_slice(&text), diag));
        assert_int_equal(diag_errors(diag), 1);
        buf_free(&text);
        for (int i = 0; i < 8; i++) {
                for (int k = 0; k < 10000; k++)
                        buf_put_byte(&text, (uint8_t)('a' + i));
                buf_put_str(&text, "\tlong\n");
        }
        assert_null(agent_list_parse("l", buf_slice(&text), diag));
        assert_int_equal(diag_errors(diag), 2);
        buf_free(&text);
        assert_null(agent_list_read("no/such/file", diag));
        assert_int_equal(diag_errors(diag), 3);
        diag_free(&diag);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_browsers),   cmocka_unit_test(test_tools),
                cmocka_unit_test(test_crawlers),   cmocka_unit_test(test_odd),
                cmocka_unit_test(test_empty_list), cmocka_unit_test(test_examples),
                cmocka_unit_test(test_people),     cmocka_unit_test(test_regexes),
                cmocka_unit_test(test_choice),     cmocka_unit_test(test_bound),
                cmocka_unit_test(test_unfiltered), cmocka_unit_test(test_mistakes),
                cmocka_unit_test(test_too_many),
        };

        return cmocka_run_group_tests(tests, set_up, tear_down);
}
