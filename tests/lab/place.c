/* SPDX-License-Identifier: MIT */
#include "place.h"
#include "parameters.h"
#include "unit/unit.h"

#include <stdlib.h>

static const struct place_parameters usual = { .ipv6 = 0.35,
                                               .mobile_sharing = 300,
                                               .vpn_exits = 400 };

static int by_bytes(const void *a, const void *b)
{
        return memcmp(a, b, sizeof(struct address));
}

static unsigned different(struct address *all, unsigned count)
{
        unsigned n = count > 0;

        qsort(all, count, sizeof(*all), by_bytes);
        for (unsigned i = 1; i < count; i++)
                n += memcmp(&all[i - 1], &all[i], sizeof(*all)) != 0;
        return n;
}

/* The range of numbers that RFC 6890 and multicast leave for hosts on the internet. */
static bool is_public(const struct address *a)
{
        const uint8_t *b = a->bytes;

        if (a->is_6)
                return b[0] >> 5 == 1; /* 2000::/3 */
        return b[0] != 0 && b[0] != 10 && b[0] != 127 && b[0] < 224 &&
               !(b[0] == 172 && b[1] >> 4 == 1) && !(b[0] == 192 && b[1] == 168) &&
               !(b[0] == 100 && b[1] >> 6 == 1) && !(b[0] == 169 && b[1] == 254) &&
               !(b[0] == 198 && b[1] >> 1 == 9) && !(b[0] == 203 && b[1] == 0);
}

static uint32_t asn_of(const struct places *p, const struct address *a)
{
        char country[3];
        uint32_t asn;

        place_origin(p, a, country, &asn);
        assert_int_equal(strlen(country), 2);
        return asn;
}

static void check_kind(enum place_kind kind, unsigned count, uint32_t asn_first,
                       uint32_t asn_last)
{
        struct places *p = places_new(3, &usual, 1000000);
        struct address *all = malloc(count * sizeof(*all));

        assert_non_null(all);
        for (unsigned i = 0; i < count; i++) {
                all[i] = place_address(p, kind, i, 0);
                struct address again = place_address(p, kind, i, 0);
                assert_memory_equal(&again, &all[i], sizeof(again));
                assert_true(is_public(&all[i]));
                uint32_t asn = asn_of(p, &all[i]);
                assert_true(asn >= asn_first && asn <= asn_last);
        }
        assert_int_equal(different(all, count), count);
        free(all);
        places_free(&p);
}

static void test_distinct(void **state)
{
        (void)state;
        check_kind(PLACE_HOME, 300000, 64600, 64631);
        check_kind(PLACE_COMPANY, 20000, 64720, 64727);
        check_kind(PLACE_VPN, 16384, 64740, 64743);
        check_kind(PLACE_HOSTING, 200000, 64760, 64767);
}

static void test_home_changes(void **state)
{
        struct places *p = places_new(3, &usual, 1000);
        struct address all[2000];
        unsigned six = 0;

        (void)state;
        for (unsigned i = 0; i < 2000; i++) {
                struct address a = place_address(p, PLACE_HOME, i, 1);
                struct address b = place_address(p, PLACE_HOME, i, 2);
                assert_memory_not_equal(a.bytes, b.bytes, 16);
                assert_int_equal(asn_of(p, &a), asn_of(p, &b));
                assert_int_equal(a.is_6, place_is_6(p, PLACE_HOME, i));
                if (a.is_6) /* another host in the same /64 */
                        assert_memory_equal(a.bytes, b.bytes, 8);
                six += a.is_6;
                all[i] = b;
        }
        assert_true(six > 2000 * 0.30 && six < 2000 * 0.40);
        assert_int_equal(different(all, 2000), 2000);
        places_free(&p);
}

/* 100 000 people whose carriers put 300 behind an address; by IPv6 everybody has a /64.
 */
static void test_mobile_is_shared(void **state)
{
        enum { PEOPLE = 100000 };
        struct places *p = places_new(3, &usual, PEOPLE);
        struct address *all = malloc(PEOPLE * sizeof(*all));
        unsigned count = 0, six = 0;

        (void)state;
        assert_non_null(all);
        for (unsigned i = 0; i < PEOPLE; i++) {
                struct address a = place_address(p, PLACE_MOBILE, i, 0);
                if (a.is_6)
                        six++;
                else
                        all[count++] = a;
        }
        unsigned exits = different(all, count);
        assert_true(exits >= 320 && exits <= 340); /* 334, in whole ones of 8 carriers */
        assert_true(six > 0.34 * PEOPLE && six < 0.36 * PEOPLE);
        free(all);
        places_free(&p);
}

static void test_neighbours(void **state)
{
        struct places *p = places_new(3, &usual, 1000);
        struct address all[600], own = place_address(p, PLACE_HOSTING, 5, 0);

        (void)state;
        for (unsigned network = 0; network < 500; network++) {
                place_neighbours(p, PLACE_HOSTING, network, false, 254, all);
                for (unsigned i = 1; i < 254; i++)
                        assert_memory_equal(all[i].bytes, all[0].bytes, 3);
                assert_memory_not_equal(all[0].bytes, own.bytes, 3);
                assert_int_equal(different(all, 254), 254);
        }
        place_neighbours(p, PLACE_HOME, 9, true, 600, all);
        for (unsigned i = 1; i < 600; i++)
                assert_memory_equal(all[i].bytes, all[0].bytes, 8);
        assert_int_equal(different(all, 600), 600);
        assert_in_range(asn_of(p, &all[0]), 64600, 64631);
        /* Each network is another one. */
        for (unsigned network = 0; network < 600; network++)
                place_neighbours(p, PLACE_HOSTING, network, false, 1, &all[network]);
        for (unsigned network = 0; network < 600; network++)
                all[network].bytes[3] = 0;
        assert_int_equal(different(all, 600), 600);
        places_free(&p);
}

static void test_text(void **state)
{
        struct address a = { .bytes = { 9, 10, 200, 0 } };
        struct address b = { .bytes = { 0x2a, 2, 0x10, 0, [15] = 5 }, .is_6 = true };
        char text[46];

        (void)state;
        address_text(&a, text);
        assert_string_equal(text, "9.10.200.0");
        address_text(&b, text);
        assert_string_equal(text, "2a02:1000::5");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_distinct),
                cmocka_unit_test(test_home_changes),
                cmocka_unit_test(test_mobile_is_shared),
                cmocka_unit_test(test_neighbours),
                cmocka_unit_test(test_text),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
