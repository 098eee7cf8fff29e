/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#define PAGE_MAX 262144

#include <stdio.h>
#include <stdlib.h>

#include "alert/journal.h"
#include "alert/privacy.h"
#include "app/config.h"
#include "base/clock.h"

#define MINUTE INT64_C(60000000000)
#define MS     INT64_C(1000000)

/* What the last reading had to say. */
static struct buf messages;

static bool finish(struct diag **diag, bool ok)
{
        buf_clear(&messages);
        diag_print(*diag, &messages);
        buf_put_byte(&messages, 0);
        assert_int_equal(ok, diag_errors(*diag) == 0);
        diag_free(diag);
        return ok;
}

static bool parse(struct config *config, const char *name, const char *text)
{
        struct diag *diag = diag_new();
        bool ok = config_parse(config, name, slice_str(text), diag);

        ok &= config_check(config, diag);
        return finish(&diag, ok);
}

static bool set(struct config *config, const char *argument)
{
        struct diag *diag = diag_new();

        return finish(&diag, config_set(config, argument, diag));
}

/* True when the last reading said `part`; else the whole is shown. */
static bool said(const char *part)
{
        if (strstr((const char *)messages.data, part))
                return true;
        print_message("expected: %s\nsaid:\n%s\n", part, (const char *)messages.data);
        return false;
}

static void defaults_are_those_of_the_table(void **state)
{
        struct config c;

        (void)state;
        config_init(&c);
        assert_int_equal(c.capture.interfaces.count, 0);
        assert_false(c.capture.interfaces.given);
        assert_null(c.capture.filter);
        assert_int_equal(c.capture.snaplen, 262144);
        assert_int_equal(c.capture.buffer, 32 << 20);
        assert_int_equal(c.capture.timeout_ns, 10 * MS);
        assert_true(c.capture.promiscuous);
        assert_int_equal(c.capture.checksums, CHECKSUMS_IGNORE);
        assert_int_equal(c.capture.tunnel_sources.count, 1);
        assert_string_equal(c.capture.tunnel_sources.items[0], "any");
        assert_null(c.site.file);
        assert_false(c.rules.paths.given);
        assert_int_equal(c.limits.flows, 1048576);
        assert_int_equal(c.limits.flow_idle_ns, 5 * MINUTE);
        assert_int_equal(c.limits.flow_half_open_ns, MINUTE / 2);
        assert_int_equal(c.limits.reassembly, 64 << 20);
        assert_int_equal(c.limits.reassembly_flow, 256 << 10);
        assert_int_equal(c.limits.reorder_ns, 200 * MS);
        assert_int_equal(c.limits.head, 64 << 10);
        assert_int_equal(c.limits.headers, 100);
        assert_int_equal(c.limits.http_memory, 64 << 20);
        assert_int_equal(c.limits.pipeline, 32);
        assert_int_equal(c.limits.h2_streams, 256);
        assert_int_equal(c.limits.detect, 256 << 20);
        assert_int_equal(c.limits.incidents, 10000);
        assert_int_equal(c.limits.merge_wait_ns, 200 * MS);
        assert_null(c.redis.url);
        assert_string_equal(c.redis.prefix, "{trawlwatch}");
        assert_int_equal(c.redis.keep, 100000);
        assert_null(c.redis.sensor);
        assert_int_equal(c.journal.max, 1 << 30);
        assert_int_equal(c.journal.keep_ns, INT64_C(30) * 86400 * 1000 * MS);
        assert_int_equal(c.journal.fsync, JOURNAL_SYNC_INTERVAL);
        assert_int_equal(c.privacy.clear, 0);
        assert_string_equal(c.admin.listen, "127.0.0.1:9477");
        assert_int_equal(c.log.level, LOG_LEVEL_INFO);
        assert_null(config_place(&c, "redis.prefix").file);
        config_free(&c);
}

static const char everything[] =
    "capture:\n"
    "  interfaces: [eth0, \"br-lan.7\"]\n"
    "  filter: 'tcp port 8080 and host \"a\"'\n"
    "  snaplen: 128k\n"
    "  buffer: 64M\n"
    "  timeout: 5ms\n"
    "  promiscuous: no\n"
    "  checksums: verify\n"
    "site: { file: maps/site.yaml }\n"
    "rules:\n"
    "  paths: [rules, /srv/more.yaml]\n"
    "limits:\n"
    "  flows: 4k\n"
    "  flow_idle: 1h\n"
    "  reorder: 1.5s\n"
    "redis: { url: \"redis://127.0.0.1:6380/2\", prefix: \"{tw}:a\", sensor: edge-1 }\n"
    "journal: { dir: journal, max: 10M, fsync: always }\n"
    "privacy: { clear: [session, email], key_file: /etc/key }\n"
    "log: { level: debug }\n";

static void all_types_are_read(void **state)
{
        struct config c;

        (void)state;
        config_init(&c);
        assert_true(parse(&c, "/etc/tw/trawlwatch.yaml", everything));
        assert_int_equal(c.capture.interfaces.count, 2);
        assert_string_equal(c.capture.interfaces.items[1], "br-lan.7");
        assert_string_equal(c.capture.filter, "tcp port 8080 and host \"a\"");
        assert_int_equal(c.capture.snaplen, 128 << 10);
        assert_false(c.capture.promiscuous);
        assert_int_equal(c.capture.checksums, CHECKSUMS_VERIFY);
        assert_int_equal(c.limits.flows, 4096);
        assert_int_equal(c.limits.reorder_ns, 1500 * MS);
        assert_int_equal(c.journal.fsync, JOURNAL_SYNC_ALWAYS);
        assert_int_equal(c.privacy.clear, PRIVACY_CLEAR_SESSION | PRIVACY_CLEAR_EMAIL);
        assert_int_equal(c.log.level, LOG_LEVEL_DEBUG);
        assert_false(config_is_from_option(&c, "limits.flows"));
        assert_int_equal(config_place(&c, "limits.flows").line, 13);
        config_free(&c);
}

static void paths_are_relative_to_their_file(void **state)
{
        struct config c;

        (void)state;
        config_init(&c);
        assert_true(parse(&c, "/etc/tw/trawlwatch.yaml", everything));
        assert_string_equal(c.site.file, "/etc/tw/maps/site.yaml");
        assert_string_equal(c.rules.paths.items[0], "/etc/tw/rules");
        assert_string_equal(c.rules.paths.items[1], "/srv/more.yaml");
        assert_string_equal(c.journal.dir, "/etc/tw/journal");
        assert_true(set(&c, "site.file=here.yaml"));
        assert_string_equal(c.site.file, "here.yaml");
        config_free(&c);
}

static void no_rules_differ_from_the_shipped_ones(void **state)
{
        struct config c;

        (void)state;
        config_init(&c);
        assert_true(parse(&c, "/etc/c", "rules: { paths: none }"));
        assert_true(c.rules.paths.given);
        assert_int_equal(c.rules.paths.count, 0);
        assert_true(set(&c, "rules.paths=a.yaml,b.yaml"));
        assert_int_equal(c.rules.paths.count, 2);
        assert_true(set(&c, "rules.paths=none"));
        assert_int_equal(c.rules.paths.count, 0);
        config_free(&c);
}

static void shares_are_percent_or_parts(void **state)
{
        static const struct {
                const char *text;
                uint64_t millionths; /* UINT64_MAX: it is none */
        } rows[] = { { "5%", 50000 },
                     { "0.05", 50000 },
                     { "2.5%", 25000 },
                     { "0", 0 },
                     { "0%", 0 },
                     { "100%", 1000000 },
                     { "1", 1000000 },
                     { ".5", 500000 },
                     { "0.0001%", 1 },
                     { "101%", UINT64_MAX },
                     { "5", UINT64_MAX },
                     { "%", UINT64_MAX },
                     { "-1%", UINT64_MAX },
                     { "1e3", UINT64_MAX },
                     { "1..2", UINT64_MAX },
                     { "5 %", UINT64_MAX },
                     { "9999999999999999999999999999", UINT64_MAX },
                     { "''", UINT64_MAX } };
        (void)state;

        for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
                struct config c;
                char text[80];
                bool good = rows[i].millionths != UINT64_MAX;

                config_init(&c);
                snprintf(text, sizeof(text), "blocks: { share: %s }\n", rows[i].text);
                assert_int_equal(parse(&c, "tw.yaml", text), good);
                assert_int_equal(c.blocks.share, good ? rows[i].millionths : 50000);
                config_free(&c);
        }
        struct config c;
        config_init(&c);
        assert_false(parse(&c, "tw.yaml", "blocks: { share: half }\n"));
        assert_true(said("tw.yaml:1:18: blocks.share: 'half' is not a share (like 5%, "
                         "0.05)\n"));
        assert_false(parse(&c, "tw.yaml", "blocks: { share: 5 }\n"));
        assert_true(said("tw.yaml:1:18: blocks.share takes 0% to 100%\n"));
        config_free(&c);
}

static void mistakes_say_where_and_what_to_do(void **state)
{
        struct config c;

        (void)state;
        config_init(&c);
        assert_false(parse(&c, "tw.yaml",
                           "capture:\n"
                           "  snaplen: 1M\n"
                           "  checksum: verify\n"
                           "  checksums: verfy\n"
                           "  timeout: 10\n"
                           "limits:\n"
                           "  flow_idle: 1ms\n"
                           "  headers: [1]\n"
                           "redis: { prefix: plain, url: 'redis://me:secret@h:port' }\n"
                           "rediss: { url: x }\n"
                           "admin: { listen: localhost }\n"
                           "privacy: { clear: [session, name] }\n"));
        assert_true(said("tw.yaml:2:12: capture.snaplen takes 128 to 256k\n"));
        assert_true(said("tw.yaml:3:3: unknown key 'checksum' in section 'capture' "
                         "(did you mean 'checksums'?)\n"));
        assert_true(said("tw.yaml:4:14: capture.checksums cannot be 'verfy' "
                         "(did you mean 'verify'?): one of ignore, verify\n"));
        assert_true(said("tw.yaml:5:12: capture.timeout: '10' is not a duration"));
        assert_true(said("tw.yaml:7:14: limits.flow_idle takes 1s to 7d\n"));
        assert_true(said("tw.yaml:8:12: limits.headers: one value is needed"));
        assert_true(said("tw.yaml:9:18: redis.prefix: 'plain': needs one tag in braces"));
        assert_true(said("tw.yaml:9:31: redis.url: "));
        assert_null(strstr((const char *)messages.data, "secret"));
        assert_true(
            said("unknown key 'rediss' in the configuration (did you mean 'redis'?)"));
        assert_true(said("admin.listen: 'localhost': needs a port"));
        assert_true(said("privacy.clear cannot be 'name'"));
        /* What was wrong is as before. */
        assert_int_equal(c.capture.snaplen, 262144);
        assert_string_equal(c.redis.prefix, "{trawlwatch}");
        config_free(&c);
}

static void values_that_contradict_each_other_are_found(void **state)
{
        struct config c;

        (void)state;
        config_init(&c);
        assert_false(parse(&c, "tw.yaml", "limits:\n  reassembly: 128k\n"));
        assert_true(said("tw.yaml:2:15: limits.reassembly_flow (262144) is above "
                         "limits.reassembly (131072): raise limits.reassembly or lower "
                         "limits.reassembly_flow\n"));
        config_free(&c);
}

/* The command line is in the list of processes; a file may be read-protected. */
static void passwords_are_not_taken_from_the_command_line_nor_shown(void **state)
{
        struct buf printed = { 0 };
        struct config c;

        (void)state;
        config_init(&c);
        assert_true(set(&c, "redis.url=rediss://me@h/1"));
        assert_false(set(&c, "redis.url=redis://me:s3cret@h"));
        assert_true(said("-o:1:11: redis.url: no password on the command line"));
        assert_true(said("redis.password_file"));
        assert_null(strstr((const char *)messages.data, "s3cret"));
        assert_string_equal(c.redis.url, "rediss://me@h/1");
        assert_true(parse(&c, "tw.yaml", "redis: { url: 'rediss://me:s3cret@h,i/1' }"));
        assert_string_equal(c.redis.url, "rediss://me:s3cret@h,i/1");
        config_print(&c, &printed);
        buf_put_byte(&printed, 0);
        assert_non_null(
            strstr((const char *)printed.data, "url: \"rediss://me@h,i/1\"\n"));
        assert_null(strstr((const char *)printed.data, "s3cret"));
        buf_free(&printed);
        config_free(&c);
}

static void tls_without_rediss_is_said(void **state)
{
        struct config c;

        (void)state;
        config_init(&c);
        assert_true(
            parse(&c, "/c/tw.yaml", "redis: { url: 'redis://h', tls_ca: ca.pem }"));
        assert_true(said("/c/tw.yaml:1:36: warning: redis.tls_ca is of no use"));
        assert_string_equal(c.redis.tls_ca, "/c/ca.pem");
        assert_true(parse(&c, "/c/tw.yaml", "redis: { url: 'rediss://h' }"));
        assert_null(strstr((const char *)messages.data, "of no use"));
        config_free(&c);
}

static void settings_replace_the_file(void **state)
{
        struct config c;

        (void)state;
        config_init(&c);
        assert_true(parse(&c, "tw.yaml", everything));
        assert_true(set(&c, "redis.url=unix:/run/redis.sock"));
        assert_string_equal(c.redis.url, "unix:/run/redis.sock");
        assert_true(set(&c, "redis.url="));
        assert_null(c.redis.url);
        assert_true(set(&c, "capture.interfaces=lo,eth1"));
        assert_int_equal(c.capture.interfaces.count, 2);
        assert_string_equal(c.capture.interfaces.items[0], "lo");
        assert_true(set(&c, "capture.filter=tcp port 80, or so = it says"));
        assert_string_equal(c.capture.filter, "tcp port 80, or so = it says");
        assert_true(set(&c, "privacy.clear=session,account"));
        assert_int_equal(c.privacy.clear, PRIVACY_CLEAR_SESSION | PRIVACY_CLEAR_ACCOUNT);
        assert_true(set(&c, "privacy.clear="));
        assert_int_equal(c.privacy.clear, 0);
        config_free(&c);
}

/* Reading files takes some keys from the command line alone. */
static void what_an_option_said_is_told_apart(void **state)
{
        struct config c;

        (void)state;
        config_init(&c);
        assert_false(config_is_from_option(&c, "redis.url"));
        assert_true(parse(&c, "-o", "redis: { url: 'unix:/a' }\njournal: { dir: /j }"));
        assert_false(config_is_from_option(&c, "redis.url"));
        assert_true(set(&c, "redis.url=unix:/b"));
        assert_true(config_is_from_option(&c, "redis.url"));
        assert_false(config_is_from_option(&c, "journal.dir"));
        config_free(&c);
}

static void an_interface_is_named_once(void **state)
{
        struct config c;

        (void)state;
        config_init(&c);
        assert_false(parse(&c, "tw.yaml", "capture: { interfaces: [lo, eth0, lo] }"));
        assert_true(said("tw.yaml:1:24: the interface lo is named twice"));
        config_free(&c);
}

static void mistakes_of_settings_have_columns(void **state)
{
        struct config c;

        (void)state;
        config_init(&c);
        assert_false(set(&c, "redis.ulr=x"));
        assert_true(
            said("-o:1:1: unknown key 'redis.ulr' (did you mean 'redis.url'?)\n"));
        assert_false(set(&c, "redis.url"));
        assert_true(said("-o:1:1: 'redis.url' is not KEY=VALUE"));
        assert_false(set(&c, "limits.flows=many"));
        assert_true(said("-o:1:14: limits.flows: 'many' is not a number"));
        assert_false(set(&c, "capture.interfaces=lo,,eth0"));
        assert_true(said("-o:1:23: capture.interfaces"));
        assert_false(set(&c, ""));
        assert_false(set(&c, "="));
        config_free(&c);
}

static void listen_needs_address_and_port(void **state)
{
        static const char *const good[] = { "127.0.0.1:9477", "[::1]:1",
                                            "0.0.0.0:65535" };
        static const char *const bad[] = { "127.0.0.1",   "::1:9477",
                                           "127.0.0.1:0", "127.0.0.1:65536",
                                           ":9477",       "[::1]",
                                           "a:1",         "1.2.3.4:" };
        char text[64];
        struct config c;

        (void)state;
        config_init(&c);
        for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
                snprintf(text, sizeof(text), "admin.listen=%s", good[i]);
                assert_true(set(&c, text));
        }
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                snprintf(text, sizeof(text), "admin.listen=%s", bad[i]);
                assert_false(set(&c, text));
        }
        config_free(&c);
}

static void tunnel_sources_are_networks(void **state)
{
        static const char *const good[] = { "any", "none", "192.0.2.10",
                                            "192.0.2.0/24,2001:db8::/32" };
        char text[96];
        struct config c;

        (void)state;
        config_init(&c);
        for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
                snprintf(text, sizeof(text), "capture.tunnel_sources=%s", good[i]);
                assert_true(set(&c, text));
        }
        assert_false(set(&c, "capture.tunnel_sources=192.0.2.0/24,mirror"));
        assert_true(said("-o:1:37: capture.tunnel_sources: 'mirror': needs an address or "
                         "a network, as in 192.0.2.0/24, or any, or none\n"));
        assert_false(set(&c, "capture.tunnel_sources=192.0.2.1/24"));
        assert_true(said("'192.0.2.1/24': has bits behind its prefix"));
        assert_int_equal(c.capture.tunnel_sources.count, 2);
        config_free(&c);
}

static void admin_may_be_off_or_elsewhere(void **state)
{
        struct config c;

        (void)state;
        config_init(&c);
        assert_null(c.admin.socket);
        assert_int_equal(c.admin.redis_grace_ns, 60 * NS_PER_SEC);
        assert_true(parse(&c, "tw.yaml",
                          "admin: { listen: \"[::1]:9000\", names: [sensor.example.org],\n"
                          "  socket: /run/a.sock, redis_grace: 5s }"));
        assert_false(said("warning"));
        assert_string_equal(c.admin.listen, "[::1]:9000");
        assert_string_equal(c.admin.names.items[0], "sensor.example.org");
        assert_string_equal(c.admin.socket, "/run/a.sock");
        assert_int_equal(c.admin.redis_grace_ns, 5 * NS_PER_SEC);
        assert_true(set(&c, "admin.listen=none"));
        assert_true(set(&c, "admin.listen="));
        assert_true(set(&c, "admin.socket=none"));
        assert_false(set(&c, "admin.socket=run/a.sock"));
        assert_true(said("admin.socket: 'run/a.sock': needs a path that begins with /"));
        config_free(&c);
}

static void printed_form_parses_to_the_same(void **state)
{
        static const char *const texts[] = { "{}", everything, "rules: { paths: [] }" };

        (void)state;
        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
                struct buf first = { 0 }, second = { 0 };
                struct config c;
                config_init(&c);
                assert_true(parse(&c, "/etc/c.yaml", texts[i]));
                assert_true(set(&c, "capture.filter=a \"b\" \\ \t: # ' {"));
                config_print(&c, &first);
                bool no_rules = c.rules.paths.given && !c.rules.paths.count;
                config_free(&c);
                buf_put_byte(&first, 0);
                config_init(&c);
                assert_true(parse(&c, "/else/d.yaml", (const char *)first.data));
                assert_int_equal(no_rules, c.rules.paths.given && !c.rules.paths.count);
                config_print(&c, &second);
                config_free(&c);
                buf_put_byte(&second, 0);
                assert_string_equal((const char *)first.data, (const char *)second.data);
                buf_free(&first);
                buf_free(&second);
        }
}

static void sections_may_be_empty(void **state)
{
        struct config c;

        (void)state;
        config_init(&c);
        assert_true(parse(&c, "tw.yaml", ""));
        assert_true(parse(&c, "tw.yaml", "redis:\ncapture:\n"));
        assert_false(parse(&c, "tw.yaml", "redis: 5"));
        assert_false(parse(&c, "tw.yaml", "- redis"));
        config_free(&c);
}

/* Every key, its default and its help stand in the shipped file; uncommented it is
   the defaults. */
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
        size_t len = fread(shipped, 1, PAGE_MAX, file);
        fclose(file);
        if (len != text->len || memcmp(shipped, text->data, len) != 0)
                fail_msg("%s is not what the table says: TRAWLWATCH_WRITE=1 ctest -R "
                         "unit.config writes it",
                         path);
        free(shipped);
}

static void shipped_files_are_those_of_the_table(void **state)
{
        struct buf text = { 0 };

        (void)state;
        config_example(&text);
        check_file("../systemd/trawlwatch.yaml", &text);
        buf_clear(&text);
        config_manual(&text);
        check_file("../docs/man/trawlwatch.yaml.5.scd", &text);
        buf_free(&text);
}

static void example_uncommented_is_the_default(void **state)
{
        struct buf example = { 0 }, plain = { 0 }, before = { 0 }, after = { 0 };
        struct slice rest, line;
        struct config c;

        (void)state;
        config_example(&example);
        rest = buf_slice(&example);
        while (slice_next(&rest, '\n', &line)) {
                /* "  #key: value"; a key without a value stays a comment. */
                if (slice_starts_with(line, slice_str("  #")) && line.data[3] != ' ' &&
                    line.data[line.len - 1] != ':' &&
                    !slice_ends_with(line, slice_str("[]")))
                        buf_printf(&plain, "  %.*s\n", (int)line.len - 3, line.data + 3);
                else
                        buf_printf(&plain, "%.*s\n", (int)line.len, line.data);
        }
        buf_put_byte(&plain, 0);
        config_init(&c);
        config_print(&c, &before);
        assert_true(parse(&c, "example", (const char *)plain.data));
        assert_non_null(config_place(&c, "limits.flows").file);
        config_print(&c, &after);
        assert_int_equal(before.len, after.len);
        assert_memory_equal(before.data, after.data, before.len);
        config_free(&c);
        buf_free(&example);
        buf_free(&plain);
        buf_free(&before);
        buf_free(&after);
}

static void help_names_every_key(void **state)
{
        struct buf help = { 0 };

        (void)state;
        config_help(&help);
        buf_put_byte(&help, 0);
        assert_non_null(
            strstr((const char *)help.data, "  redis.keep (number, 100000)\n"));
        assert_non_null(strstr((const char *)help.data, "  log.level (word, info)\n"));
        for (const char *line = (const char *)help.data; *line;) {
                size_t len = strcspn(line, "\n");
                assert_true(len <= 80);
                line += len + (line[len] == '\n');
        }
        buf_free(&help);
}

static int drop_messages(void **state)
{
        (void)state;
        buf_free(&messages);
        return 0;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(defaults_are_those_of_the_table),
                cmocka_unit_test(all_types_are_read),
                cmocka_unit_test(paths_are_relative_to_their_file),
                cmocka_unit_test(no_rules_differ_from_the_shipped_ones),
                cmocka_unit_test(shares_are_percent_or_parts),
                cmocka_unit_test(mistakes_say_where_and_what_to_do),
                cmocka_unit_test(values_that_contradict_each_other_are_found),
                cmocka_unit_test(passwords_are_not_taken_from_the_command_line_nor_shown),
                cmocka_unit_test(tls_without_rediss_is_said),
                cmocka_unit_test(settings_replace_the_file),
                cmocka_unit_test(what_an_option_said_is_told_apart),
                cmocka_unit_test(an_interface_is_named_once),
                cmocka_unit_test(mistakes_of_settings_have_columns),
                cmocka_unit_test(listen_needs_address_and_port),
                cmocka_unit_test(tunnel_sources_are_networks),
                cmocka_unit_test(admin_may_be_off_or_elsewhere),
                cmocka_unit_test(printed_form_parses_to_the_same),
                cmocka_unit_test(sections_may_be_empty),
                cmocka_unit_test(shipped_files_are_those_of_the_table),
                cmocka_unit_test(example_uncommented_is_the_default),
                cmocka_unit_test(help_names_every_key),
        };

        return cmocka_run_group_tests(tests, NULL, drop_messages);
}
