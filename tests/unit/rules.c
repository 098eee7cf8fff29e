/* SPDX-License-Identifier: MIT */
#include "unit/detect_world.h"

#include <sys/stat.h>
#include <unistd.h>

/* What is said of a text of rules, line by line. */
static char *told(const char *text)
{
        struct diag *diag = diag_new();
        struct site *site = site_parse("site.yaml", slice_str(world_site), diag);
        struct rules *rules = rules_parse("r.yaml", slice_str(text), site, diag);
        struct buf out = { 0 };

        assert_true((rules == NULL) == (diag_errors(diag) > 0));
        diag_print(diag, &out);
        buf_put_byte(&out, 0);
        rules_free(&rules);
        site_free(&site);
        diag_free(&diag);
        return (char *)out.data;
}

static void expect_told(const char *text, const char *expected)
{
        char *actual = told(text);

        assert_string_equal(actual, expected);
        free(actual);
}

/* One rule of name x, counted per client.ip, with the lines given. */
static void expect_rule(const char *lines, const char *expected)
{
        char text[2000];

        snprintf(text, sizeof(text), "rules:\n  - name: x\n%s", lines);
        expect_told(text, expected);
}

#define RULE "    per: client.ip\n    when: count(1m) > 1\n"

static void mistakes_of_a_rule(void **state)
{
        static const struct {
                const char *lines, *expected;
        } rows[] = {
                { "    when: cuont(1m) > 1\n",
                  "r.yaml:2:5: rule 'x' needs 'per' or 'per_each' (per: all is the whole "
                  "site)\n"
                  "r.yaml:3:11: unknown function 'cuont' (did you mean 'count'?)\n" },
                { RULE "    per_each: [session]\n    where: pge == profile\n",
                  "r.yaml:5:5: either 'per' or 'per_each', not both\n"
                  "r.yaml:6:12: unknown field 'pge' (did you mean 'page'?)\n" },
                { RULE, "" },
                { RULE "    sevrity: high\n", "r.yaml:5:5: unknown key 'sevrity' in a "
                                              "rule (did you mean 'severity'?)\n" },
                { RULE "    severity: hihg\n",
                  "r.yaml:5:15: unknown severity 'hihg' (did you mean 'high'?)\n" },
                { RULE "    severity: 7\n",
                  "r.yaml:5:15: unknown severity '7': it is one of info, low, medium, "
                  "high, critical\n" },
                { RULE "    mode: dryrun\n",
                  "r.yaml:5:11: unknown mode 'dryrun' (did you mean 'dry-run'?)\n" },
                { RULE "    tag: { session: a }\n",
                  "r.yaml:5:10: 'tag' needs the key 'for', like for: 30d\n" },
                { RULE "    tag: { sesion: a, for: 30d }\n",
                  "r.yaml:5:12: unknown key 'sesion' in 'tag' (did you mean "
                  "'session'?)\n" },
                { RULE "    tag: { for: 30d }\n",
                  "r.yaml:5:10: 'tag' puts nothing: it is written { session: NAME, for: "
                  "30d }\n" },
                { RULE "    tag: { session: a b, for: 400d }\n",
                  "r.yaml:5:21: a tag's name is 1 to 64 letters, digits and - _ . (it is "
                  "'a b')\n"
                  "r.yaml:5:31: for is 1s to 366d\n" },
                { RULE
                  "    tag: { session: burst, for: 1d }\n"
                  "    where: tagged(session, brust) or tagged(session.was, burst)\n",
                  "r.yaml:6:28: no rule puts the tag 'brust' (did you mean 'burst'?)\n" },
                { RULE "    where: tagged(session, nobody)\n",
                  "r.yaml:5:28: no rule puts the tag 'nobody'\n" },
                { RULE "    tag: { session: burst, client.prefix: burst, for: 1d }\n"
                       "    where: tagged(account, burst)\n",
                  "r.yaml:6:28: the tag 'burst' is never found there: it is put on "
                  "'client.prefix', 'session'\n" },
                { RULE "    signal: true\n    tag: { session: busy, for: 1d }\n"
                       "  - name: s\n    per: tag_origin(session, busy)\n"
                       "    when: count(1m) > 0\n"
                       "  - name: t\n    where: tagged(session, busy)\n"
                       "    per: client.ip\n    when: count(1m) > 0\n",
                  "r.yaml:8:30: the tag 'busy' is never found there: only signals put "
                  "it, "
                  "which are no incidents; ask tagged(), or tag with a rule that "
                  "alerts\n" },
                { RULE "    tag: { client.ip: burst, for: 1d }\n"
                       "    where: tagged(path, burst) or tagged(client.host, burst)\n",
                  "r.yaml:6:25: the tag 'burst' is never found there: tags are on "
                  "addresses, sessions and other participants of incidents\n" },
                { RULE "    weight: 2\n    family: a\n",
                  "r.yaml:5:5: 'weight' is of a rule with 'signal: true'\n"
                  "r.yaml:6:5: 'family' is of a rule with 'signal: true'\n" },
                { RULE "    signal: true\n    weight: 6\n    family: a\n", "" },
                { RULE "    signal: true\n    weight: 6.1\n    family: a b\n",
                  "r.yaml:6:13: a weight is a number above 0 and up to 6 (it is '6.1')\n"
                  "r.yaml:7:13: a family's name is 1 to 64 letters, digits and - _ . (it "
                  "is 'a b')\n" },
                { RULE "    signal: true\n",
                  "r.yaml:5:13: a signal needs the key 'weight'\n"
                  "r.yaml:5:13: a signal needs the key 'family'\n" },
                { RULE
                  "    signal: true\n    weight: 1\n    tag: { session: a, for: 1d }\n",
                  "r.yaml:5:13: a signal needs the key 'family'\n" },
                { RULE "    signal: true\n    weight: 1\n    family: a\n"
                       "    severity: high\n    block: 1m\n    again: 5m\n",
                  "r.yaml:8:5: a signal does not alert: it has no use for 'severity'\n"
                  "r.yaml:9:5: a signal does not alert: it has no use for 'block'\n"
                  "r.yaml:10:5: a signal does not alert: it has no use for 'again'\n" },
                { RULE "    block: 10m\n    block_what: [client.ip, sesion]\n",
                  "r.yaml:6:29: unknown kind of block 'sesion' (did you mean "
                  "'session'?)\n" },
                { RULE "    block_what: session\n",
                  "r.yaml:5:5: 'block_what' without 'block' blocks nothing\n" },
                { RULE "    block: []\n",
                  "r.yaml:5:12: 'block' names no duration: a rule that is to block "
                  "nothing has no such key\n" },
                { RULE "    block: 10m\n    block_what: []\n",
                  "r.yaml:6:17: 'block_what' names nothing: without it the key is "
                  "blocked\n" },
                { RULE "    block: 10ms\n", "r.yaml:5:12: a block is 1s to 366d\n" },
                { "    per: target\n    when: count(1m) > 1\n    block: 1m\n",
                  "r.yaml:5:12: a key 'target' cannot be blocked: say with 'block_what' "
                  "what is\n" },
                { "    per: client.ip\n", "r.yaml:2:5: rule 'x' needs the key 'when'\n" },
                { "    when: count(1m) > 1\n",
                  "r.yaml:2:5: rule 'x' needs 'per' or 'per_each' (per: all is the whole "
                  "site)\n" },
                { "    per: client.ip\n    per_each: [session]\n    when: count(1m) > "
                  "1\n",
                  "r.yaml:4:5: either 'per' or 'per_each', not both\n" },
                { "    per: [all, session]\n    when: count(1m) > 1\n",
                  "r.yaml:3:10: 'all' is a key of its own\n" },
                { "    per: [client.ip, header('Cookie')]\n    when: count(1m) > 1\n",
                  "r.yaml:3:22: header('Cookie') as a key would be published in clear: "
                  "name it "
                  "in the site map and use session or account\n" },
                { "    per: client.ip\n    where: status == 200 and block.state == "
                  "refused\n"
                  "    when: count(1m) > 1\n",
                  "r.yaml:4:30: field 'block.state' is the key's: it can be read in "
                  "'when' "
                  "only, and not inside of a function\n" },
                { "    per: client.ip\n    when: count(block.state == refused, 1m) > 1\n",
                  "r.yaml:4:11: field 'block.state' is the key's: it cannot be read "
                  "inside "
                  "of a function\n" },
                { "    per: client.ip\n    when: block.state == ignord\n",
                  "r.yaml:4:26: unknown block state 'ignord' (did you mean "
                  "'ignored'?)\n" },
                { "    per: client.ip\n    when: block.state == ignored\n", "" },
                { RULE "    where: page == feed\n",
                  "r.yaml:5:20: warning: the site map does not define the page 'feed': "
                  "the rule "
                  "sees none\n" },
        };
        (void)state;

        for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
                expect_rule(rows[i].lines, rows[i].expected);
}

static void later_names_in_quotes_are_words(void **state)
{
        (void)state;

        expect_rule(
            RULE
            "    where: ua contains 'surge(2x) of tls.ja4' and path != \"score()\"\n",
            "");
}

static void all_mistakes_come_in_one_run(void **state)
{
        char *actual = told("rules:\n"
                            "  - name: a\n"
                            "    per: client.ipp\n"
                            "    where: page == profil\n"
                            "    when: cuont(1m) > 1\n"
                            "  - name: a\n"
                            "    per: all\n"
                            "    when: count(1m) > 1\n"
                            "  - name: b c\n"
                            "    per: all\n"
                            "    when: count(1m)\n"
                            "exempt:\n"
                            "  - until: 2026-13-01\n"
                            "listen: {}\n");
        static const char *const parts[] = {
                "r.yaml:3:10: ",
                "(did you mean 'client.ip'?)",
                "r.yaml:4:20: ",
                "(did you mean 'profile'?)",
                "r.yaml:5:11: ",
                "(did you mean 'count'?)",
                "r.yaml:6:11: rule 'a' exists already (r.yaml:2)\n",
                "r.yaml:9:11: a rule's name is 1 to 64 letters, digits and - _ . (it is "
                "'b c')\n",
                "r.yaml:11:11: ",
                "r.yaml:13:5: an exemption needs the key 'when'\n",
                "r.yaml:13:12: until is a date like 2026-12-31, not '2026-13-01'\n",
                "r.yaml:14:1: unknown key 'listen' in a rule file (did you mean "
                "'lists'?)\n",
        };
        (void)state;

        for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
                if (!strstr(actual, parts[i])) {
                        print_error("no \"%s\" in:\n%s", parts[i], actual);
                        fail();
                }
        free(actual);
}

static void expect_list(const char *items, const char *field, const char *expected)
{
        char text[1000];

        snprintf(text, sizeof(text),
                 "lists:\n  a: %s\nrules:\n  - name: x\n    where: %s in @a\n" RULE,
                 items, field);
        expect_told(text, expected);
}

static void the_field_decides_what_a_list_holds(void **state)
{
        static const char *const rows[][2] = {
                { "[]", "client.ip" },       { "[]", "status" },
                { "[]", "account" },         { "{ file: /dev/null }", "client.ip" },
                { "[17, 18]", "account" },   { "[17, 18]", "status" },
                { "['17']", "status" },      { "[192.0.2.1, ex.org]", "host" },
                { "[192.0.2.1]", "host" },   { "[192.0.2.1]", "client.prefix" },
                { "[10.0.0.1/8, x]", "ua" }, { "[anna]", "target" },
        };
        (void)state;

        for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
                expect_list(rows[i][0], rows[i][1], "");
}

static void rules_on_one_key(unsigned count, const char *expected)
{
        struct buf text = { 0 };

        buf_put_str(&text, "rules:\n");
        for (unsigned i = 0; i < count; i++)
                buf_printf(&text,
                           "- { name: r%u, per: client.ip, when: count(1m) > 1, "
                           "where: status == %u }\n",
                           i, 200 + i);
        /* The same condition again takes no room, another key has its own. */
        buf_put_str(
            &text,
            "- { name: a, per: client.ip, when: count(1m) > 1, "
            "where: status == 200 }\n"
            "- { name: b, per: session, when: count(1m) > 1, where: status == 100 }");
        buf_put_byte(&text, 0);
        expect_told((const char *)text.data, expected);
        buf_free(&text);
}

static void different_conditions_of_a_key_are_bounded(void **state)
{
        (void)state;

        rules_on_one_key(64, "");
        rules_on_one_key(65, "r.yaml:66:11: more than 64 different 'where' for the key "
                             "'client.ip': put conditions inside of count(..) and the "
                             "like, in 'when'\n");
}

static void rules_that_make_no_sense_are_warned_of(void **state)
{
        (void)state;

        expect_told("rules:\n- name: a\n  per: client.ip\n"
                    "  where: status == 200 and status in [404, 410]\n"
                    "  when: count(1m) > 1\n",
                    "r.yaml:4:10: warning: this can never be true: status == 200 and "
                    "status in [404, 410]\n");
        expect_told("rules:\n- name: a\n  per_each: [client.ip, session]\n"
                    "  where: status == 200\n"
                    "  when: status == 404 and count(1m) > 1\n",
                    "r.yaml:5:9: warning: this can never be true where 'where' is: "
                    "status == 200 and status == 404\n");
        expect_told("rules:\n- name: a\n  per: client.ip\n"
                    "  where: status == 200\n"
                    "  when: count(status == 404, 1m) > 1 or share(status == 200, 1m) > "
                    "101%\n",
                    "r.yaml:5:9: warning: count() looks at nothing, as 'status == 404' "
                    "can never be true: status == 200 and status == 404\n"
                    "r.yaml:5:41: warning: this part can never be true: share(status == "
                    "200, 1m) > 1.01, and share(status == 200, 1m) is 0 to 1\n");
        expect_told("rules:\n- name: a\n  per: client.ip\n"
                    "  when: count(1m) >= 0 and distinct(target, 1h) > 31M\n",
                    "r.yaml:4:9: warning: this part is always true\n"
                    "r.yaml:4:28: warning: distinct() tells no more than some 30000000 "
                    "values apart: this may never be true\n");
        expect_rule("    per: client.ip\n    when: surge(2x) >= 20\n", "");
        expect_rule("    per: client.ip\n    when: surge(2x) >= 25\n",
                    "r.yaml:4:11: warning: this can never be true: surge(2x) >= 25, and "
                    "surge(2x) is 0 to 20\n");
        expect_rule("    per: client.ip\n    when: cold_surge() > 20\n",
                    "r.yaml:4:11: warning: this can never be true: cold_surge() > 20, "
                    "and cold_surge() is 0 to 20\n");
        expect_rule("    per: session\n    when: account.age > 31d and count(1m) > 5\n",
                    "r.yaml:4:11: warning: this can never be true: account.age > 31d, "
                    "and account.age is 0s to 30d\n");
        expect_rule("    per: session\n    when: gap_entropy(1h) > 5\n",
                    "r.yaml:4:11: warning: this can never be true: gap_entropy(1h) > 5, "
                    "and gap_entropy(1h) is 0 to 4.585\n");
        expect_rule("    per: session\n    when: families() > 2 and families() < 3\n",
                    "r.yaml:2:11: warning: no signal has the key 'session': score() and "
                    "families() are always 0\n"
                    "r.yaml:4:11: warning: this can never be true: families() > 2 and "
                    "families() < 3, and families() is 0 to 64\n");
        expect_told("rules:\n- name: a\n  per: client.ip\n  when: count(1m) >= 0\n",
                    "r.yaml:4:9: warning: this is always true\n");
}

static void mistakes_of_lists(void **state)
{
        (void)state;

        expect_list("[10.0.0.0/8, nowhere]", "client.ip",
                    "r.yaml:5:25: 'client.ip' is an address, and '@a' is no list of "
                    "addresses: 'nowhere' (r.yaml:2) is none\n");
        expect_list("[1, two, 3, four, 10.0.0.1, 6e, 7, 8f, g, h]", "status",
                    "r.yaml:5:22: 'status' is a number, and '@a' is no list of numbers: "
                    "'two' (r.yaml:2), 'four' (r.yaml:2), '10.0.0.1' (r.yaml:2), '6e' "
                    "(r.yaml:2), '8f' (r.yaml:2) and 2 more are none\n");
        expect_list("[1s]", "latency",
                    "r.yaml:5:23: '@a' is a list of texts, numbers or addresses, and "
                    "'latency' is a duration\n");
        expect_list("[10.0.0.1/8]", "client.ip",
                    "r.yaml:2:7: warning: '10.0.0.1/8' has bits set after its prefix; "
                    "they are ignored\n");
        expect_told("lists:\n  a: { fil: x }\n",
                    "r.yaml:2:8: unknown key 'fil' in a list (did you mean 'file'?)\n");
        expect_told(
            "lists:\n  a: { file: /nonexistent/x }\n",
            "r.yaml:2:14: cannot read '/nonexistent/x': No such file or directory\n");
        expect_told("lists:\n  a: word\n",
                    "r.yaml:2:6: a list is [..] or has the key 'file'\n");
}

static void defaults_are_those_of_the_file(void **state)
{
        struct world *w =
            world_new("defaults:\n"
                      "  severity: critical\n"
                      "  per: client.ip\n"
                      "  where: page == profile\n"
                      "rules:\n"
                      "  - { name: a, when: count(1m) >= 2 }\n"
                      "  - { name: b, when: count(1m) >= 3, severity: low, mode: off }\n"
                      "  - { name: c, when: count(1m) >= 3, severity: low }\n");
        (void)state;

        assert_int_equal(rules_count(w->rules), 3);
        world_hit(w, (struct hit){ .at_ms = 0, .client = "198.51.100.1" });
        world_view(w, 1, "198.51.100.1", 1);
        world_view(w, 2, "198.51.100.1", 1);
        world_expect_last(w, "raised a client.ip=198.51.100.1 n=0 at=2\n");
        world_expect_last(w, "severity=critical");
        world_view(w, 3, "198.51.100.1", 1);
        world_expect_last(w, "raised c client.ip=198.51.100.1 n=0 at=3\n");
        world_expect_last(w, "severity=low");
        assert_int_equal(w->raised, 2);
        world_free(w);
}

static void a_folder_is_read_in_the_order_of_names(void **state)
{
        char folder[] = "/tmp/trawlwatch-rules-XXXXXX";
        struct diag *diag = diag_new();
        struct site *site = site_parse("site.yaml", slice_str(world_site), diag);
        struct buf out = { 0 };
        (void)state;

        assert_non_null(mkdtemp(folder));
        const char *path = folder;
        assert_null(rules_read(&path, 1, site, diag));
        static const char *const names[] = { "b.yaml", "a.yaml", "list.txt", "c.txt" };
        static const char *const texts[] = {
                "rules: [{ name: b, per: target, when: \"target in @names\" }]\n",
                "lists: { names: { file: list.txt } }\n",
                "# people\nanna\r\n\n  bert\n",
                "not: [read",
        };
        char name[4][100];
        for (int i = 0; i < 4; i++) {
                snprintf(name[i], sizeof(name[i]), "%s/%s", folder, names[i]);
                FILE *file = fopen(name[i], "w");
                assert_non_null(file);
                fputs(texts[i], file);
                fclose(file);
        }
        struct rules *rules = rules_read(&path, 1, site, diag);
        assert_non_null(rules);
        assert_int_equal(rules_count(rules), 1);
        rules_free(&rules);
        rules = rules_read(NULL, 0, site, diag);
        assert_int_equal(rules_count(rules), 0);
        rules_free(&rules);
        diag_print(diag, &out);
        buf_put_byte(&out, 0);
        assert_non_null(strstr((char *)out.data, ": no *.yaml in this folder\n"));
        for (int i = 0; i < 4; i++)
                unlink(name[i]);
        rmdir(folder);
        buf_free(&out);
        site_free(&site);
        diag_free(&diag);
}

static void put_file(const char *folder, const char *name, const char *text)
{
        char path[512];

        snprintf(path, sizeof(path), "%s/%s", folder, name);
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        fputs(text, file);
        fclose(file);
}

/* What is said of a folder of rules. */
static void expect_of_folder(const char *folder, const char *expected)
{
        struct diag *diag = diag_new();
        struct site *site = site_parse("site.yaml", slice_str(world_site), diag);
        struct rules *rules = rules_read(&folder, 1, site, diag);
        struct buf out = { 0 };

        diag_print(diag, &out);
        buf_put_byte(&out, 0);
        assert_string_equal((char *)out.data, expected);
        rules_free(&rules);
        buf_free(&out);
        site_free(&site);
        diag_free(&diag);
}

static void a_folder_may_have_any_name(void **state)
{
        static const char rule[] =
            "rules: [{ name: x, per: target, when: count(1m) > 1 }]\n";
        char folder[] = "/tmp/trawlwatch-rules-XXXXXX", path[100], expected[300];
        (void)state;

        assert_non_null(mkdtemp(folder));
        snprintf(path, sizeof(path), "%s/g[1]*", folder);
        assert_int_equal(mkdir(path, 0700), 0);
        put_file(path, "1.yaml", rule);
        put_file(path, ".hidden.yaml", "not: [read");
        put_file(path, "1.yaml~", "not: [read");
        expect_of_folder(path, "");
        /* A folder below is not read, whatever its name. */
        snprintf(expected, sizeof(expected), "%s/below.yaml", path);
        assert_int_equal(mkdir(expected, 0700), 0);
        put_file(expected, "a.yaml", "not: [read");
        expect_of_folder(path, "");
        put_file(path, "2.yaml", rule);
        snprintf(expected, sizeof(expected),
                 "%s/2.yaml:1:17: rule 'x' exists already (%s/1.yaml:1)\n", path, path);
        expect_of_folder(path, expected);
        snprintf(expected, sizeof(expected), "rm -r '%s'", folder);
        assert_int_equal(system(expected), 0);
}

static void a_folder_that_cannot_be_read_is_said_so(void **state)
{
        char folder[] = "/tmp/trawlwatch-rules-XXXXXX", expected[200];
        uid_t user = geteuid();
        (void)state;

        assert_non_null(mkdtemp(folder));
        put_file(folder, "a.yaml", "rules: []\n");
        assert_int_equal(chmod(folder, 0), 0);
        /* Root may read everything. */
        if (user == 0)
                assert_int_equal(seteuid(65534), 0);
        snprintf(expected, sizeof(expected),
                 "%s: cannot read: Permission denied (who runs this needs the "
                 "permissions r and x on the folder)\n",
                 folder);
        expect_of_folder(folder, expected);
        if (user == 0)
                assert_int_equal(seteuid(0), 0);
        assert_int_equal(chmod(folder, 0700), 0);
        snprintf(expected, sizeof(expected), "%s/a.yaml", folder);
        unlink(expected);
        rmdir(folder);
}

static void the_shipped_rules_are_right(void **state)
{
        const char *const path = "../rules";
        struct diag *diag = diag_new();
        struct site *site = site_parse("site.yaml", slice_str(world_site), diag);
        struct rules *rules = rules_read(&path, 1, site, diag);
        (void)state;

        if (!rules)
                world_fail(diag);
        assert_true(rules_count(rules) >= 8);
        rules_free(&rules);
        site_free(&site);
        diag_free(&diag);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(mistakes_of_a_rule),
                cmocka_unit_test(later_names_in_quotes_are_words),
                cmocka_unit_test(all_mistakes_come_in_one_run),
                cmocka_unit_test(rules_that_make_no_sense_are_warned_of),
                cmocka_unit_test(mistakes_of_lists),
                cmocka_unit_test(the_field_decides_what_a_list_holds),
                cmocka_unit_test(different_conditions_of_a_key_are_bounded),
                cmocka_unit_test(defaults_are_those_of_the_file),
                cmocka_unit_test(a_folder_is_read_in_the_order_of_names),
                cmocka_unit_test(a_folder_may_have_any_name),
                cmocka_unit_test(a_folder_that_cannot_be_read_is_said_so),
                cmocka_unit_test(the_shipped_rules_are_right),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
