/* SPDX-License-Identifier: MIT */
#include "unit/detect_world.h"

/* The base address may be blocked, and the network covers some that may not. */
static void a_network_with_one_who_may_not_be_blocked_is_not(void **state)
{
        static const char rules[] = "rules:\n"
                                    "  - name: harvest\n"
                                    "    where: page == profile\n"
                                    "    per: client.prefix\n"
                                    "    when: count(1m) >= 2\n"
                                    "    block: 1m\n";
        static const char site[] =
            "client: { trusted_proxies: [\"2001:db8:0:7::5\", 198.18.200.7], "
            "header: Forwarded }\n"
            "pages: [{ name: profile, path: \"/in/{target}\" }]\n";
        static const struct {
                const char *client;
                uint8_t prefix;
        } rows[] = { { "2001:db8:0:7:1::9", 64 },
                     { "198.18.1.1", 112 },
                     { "8.8.8.8", 101 },
                     { "198.18.1.1", 113 } };
        struct world *w = world_new_with(site, rules, 64 << 20, 100);
        (void)state;

        for (unsigned k = 0; k < 4; k++)
                for (unsigned i = 0; i < 2; i++)
                        world_hit(w, (struct hit){ .at_ms = k * 10 + i,
                                                   .client = rows[k].client,
                                                   .page = PAGE_PROFILE,
                                                   .prefix = rows[k].prefix });
        world_expect(w, "raised harvest client.prefix=2001:db8:0:7::/64 n=0 at=1\n"
                        "raised harvest client.prefix=198.18.0.0/16 n=0 at=11\n"
                        "raised harvest client.prefix=8.0.0.0/5 n=0 at=21\n"
                        "raised harvest client.prefix=198.18.0.0/17 n=0 at=31 "
                        "block prefix:198.18.0.0/17 level=1 for=60s\n");
        assert_int_equal(w->counters.blocks_withheld, 3);
        world_free(w);
}

static void view_of_kind(struct world *w, int64_t at_ms, const char *client,
                         unsigned kind)
{
        char path[16];

        snprintf(path, sizeof(path), "/p%u", kind);
        world_hit(w, (struct hit){ .at_ms = at_ms, .client = client, .path = path });
}

/* However many rules share a key, each names and blocks only whom it looks at. */
static void forty_rules_on_one_key(void **state)
{
        struct buf rules = { 0 };
        char client[32], expected[200];
        (void)state;

        buf_put_str(&rules, "rules:\n");
        for (unsigned i = 0; i < 40; i++)
                buf_printf(&rules,
                           "- { name: r%u, per: client.prefix, where: path == '/p%u', "
                           "when: count(1m) >= 3, block: 1m, block_what: client.ip }\n",
                           i, i);
        buf_put_str(&rules,
                    "- { name: all, per: client.prefix, where: status == 200, "
                    "when: count(1m) >= 84, block: 1m, block_what: client.ip }\n");
        buf_put_byte(&rules, 0);
        struct world *w = world_new((const char *)rules.data);
        for (unsigned i = 0; i < 80; i++) {
                snprintf(client, sizeof(client), "198.51.100.%u", i / 2);
                view_of_kind(w, i, client, i / 2);
        }
        assert_int_equal(w->events, 0);
        for (unsigned kind = 0; kind < 40; kind += 13) {
                buf_clear(&w->told);
                snprintf(client, sizeof(client), "198.51.100.%u", kind);
                view_of_kind(w, 100 + kind, client, kind);
                snprintf(expected, sizeof(expected),
                         "raised r%u client.prefix=198.51.100.0/24 n=0 at=%u "
                         "block ip:%s level=1 for=60s\n",
                         kind, 100 + kind, client);
                /* The last of them is what all were waiting for as well. */
                if (kind == 39)
                        break;
                world_expect(w, expected);
                snprintf(expected, sizeof(expected), "involved client.ip 1: %s\n",
                         client);
                world_expect_last(w, expected);
                snprintf(expected, sizeof(expected),
                         "sample GET /p%u 200\nsample GET /p%u 200\n"
                         "sample GET /p%u 200\n",
                         kind, kind, kind);
        }
        world_expect_last(w, "involved client.ip 40: ");
        world_expect_last(w, "block ip:198.51.100.39 level=1 for=60s");
        buf_put_byte(&w->told, 0);
        assert_non_null(strstr((char *)w->told.data, expected));
        buf_free(&rules);
        world_free(w);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_network_with_one_who_may_not_be_blocked_is_not),
                cmocka_unit_test(forty_rules_on_one_key),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
