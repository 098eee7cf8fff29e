/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "unit/expr_world.h"

static bool is_address(const struct field *field)
{
        return strcmp(field->name, "client.ip") == 0 ||
               strcmp(field->name, "client.prefix") == 0;
}

static struct network network_from(const char *text)
{
        struct network network;

        assert_true(network_parse(slice_str(text), &network, NULL));
        return network;
}

/* Asks for each of these networks: "1" where it is so. */
static void ask(const char *text, const char *expected,
                bool (*question)(const struct expr *, expr_is_address_fn *,
                                 const struct network *))
{
        static const char *const networks[] = { "192.0.2.5",   "192.0.2.0/24",
                                                "192.0.0.0/8", "198.51.100.0/30",
                                                "203.0.113.7", "2001:db8:1::/64" };
        struct diag *diag = diag_new();
        struct expr *expr = expr_parse(slice_str(text), (struct place){ "-", 1, 1 }, true,
                                       &world, VALUE_BOOL, diag);
        char seen[7] = "";

        if (!expr)
                fail_msg("not understood: %s", text);
        for (unsigned i = 0; i < 6; i++) {
                struct network network = network_from(networks[i]);
                seen[i] = question(expr, is_address, &network) ? '1' : '-';
        }
        if (strcmp(seen, expected) != 0)
                fail_msg("%s: %s, not %s", text, seen, expected);
        expr_free(&expr);
        diag_free(&diag);
}

static void test_reaches(void **state)
{
        static const struct {
                const char *text, *networks;
        } cases[] = {
                { "client.ip in 192.0.2.0/28", "111---" },
                { "client.ip == 192.0.2.9", "-11---" },
                { "client.ip in [192.0.2.5, 203.0.113.0/28]", "111-1-" },
                { "client.ip in @offices", "---1--" },
                { "client.prefix in 2001:db8::/32", "-----1" },
                { "client.ip in @offices or client.ip in 192.0.2.4/31", "1111--" },
                { "client.ip in 192.0.0.0/8 and client.prefix in 192.0.2.0/25",
                  "111---" },
                /* By something else as well, or turned round: by no address. */
                { "client.ip in 192.0.2.0/28 and status == 200", "------" },
                { "client.ip in 192.0.2.0/28 or status == 200", "111---" },
                { "not client.ip in 192.0.2.0/28", "------" },
                { "not (not client.ip in 192.0.2.0/28)", "------" },
                { "client.ip != 192.0.2.9", "------" },
                { "bot.verified", "------" },
                { "status in @codes", "------" },
                { "session in @known-words", "------" },
                { "present(client.ip)", "------" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
                ask(cases[i].text, cases[i].networks, expr_reaches);
}

static void test_spares(void **state)
{
        static const struct {
                const char *text, *networks;
        } cases[] = {
                { "not client.ip in 192.0.2.0/28", "111---" },
                { "page == profile and not client.ip in @offices", "---1--" },
                { "not (client.ip in @offices or client.ip in 192.0.2.5/32)", "1111--" },
                { "client.ip != 192.0.2.9 and status == 200", "-11---" },
                { "not (client.ip in @offices and page == profile)", "------" },
                { "client.ip in 192.0.2.0/28", "------" },
                { "not client.ip in @offices or page == profile", "------" },
                { "not bot.verified", "------" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
                ask(cases[i].text, cases[i].networks, expr_spares);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_reaches),
                cmocka_unit_test(test_spares),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
