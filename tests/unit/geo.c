/* SPDX-License-Identifier: MIT */
/* The databases are written by tests/tools/mmdb.py. */
#include "observe/geo.h"

#include "unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* libmaxminddb 1.7.1 leaks what it read of metadata that turn out to be damaged. A daemon
   reads them once, and ends then. */
const char *__lsan_default_suppressions(void) __attribute__((visibility("default")));
const char *__lsan_default_suppressions(void)
{
        return "leak:libmaxminddb";
}

static char folder[] = "/tmp/unit-geo-XXXXXX";
static char path[64];
static struct buf said;

static int set_up(void **state)
{
        (void)state;
        assert_non_null(mkdtemp(folder));
        snprintf(path, sizeof(path), "%s/test.mmdb", folder);
        return 0;
}

static int tear_down(void **state)
{
        (void)state;
        unlink(path);
        rmdir(folder);
        buf_free(&said);
        return 0;
}

static void make(const char *arguments)
{
        char command[600];

        snprintf(command, sizeof(command), "/usr/bin/python3 tools/mmdb.py %s %s", path,
                 arguments);
        assert_int_equal(system(command), 0);
}

static struct geo *load(enum geo_kind kind)
{
        struct diag *diag = diag_new();
        struct geo *geo = geo_read(path, kind, diag);

        buf_clear(&said);
        diag_print(diag, &said);
        buf_put_byte(&said, 0);
        assert_int_equal(geo == NULL, diag_errors(diag) > 0);
        diag_free(&diag);
        return geo;
}

static struct ip ip(const char *text)
{
        struct ip found;

        assert_true(ip_parse(slice_str(text), &found));
        return found;
}

static void expect_asn(const struct geo *geo, const char *address, uint32_t expected)
{
        struct ip at = ip(address);
        uint32_t asn = 0;

        assert_int_equal(geo_asn(geo, &at, &asn), expected != 0);
        assert_int_equal(asn, expected);
}

static void expect_country(const struct geo *geo, const char *address,
                           const char *expected)
{
        struct ip at = ip(address);
        struct slice country = geo_country(geo, &at);

        if (expected)
                assert_slice(country, expected);
        else
                assert_true(slice_is_none(country));
}

static void systems_of_both_families(void **state)
{
        static const char *const sizes[] = { "24", "28", "32" };
        char arguments[300];

        (void)state;
        for (unsigned i = 0; i < 3; i++) {
                snprintf(arguments, sizeof(arguments),
                         "6 %s asn 203.0.113.0/24=64500 203.0.113.128/25=4200000000 "
                         "2001:db8::/32=64501 2001:db8:7::/48=64502",
                         sizes[i]);
                make(arguments);
                struct geo *geo = load(GEO_ASN);
                assert_non_null(geo);
                expect_asn(geo, "203.0.113.9", 64500);
                expect_asn(geo, "203.0.113.200", 4200000000);
                expect_asn(geo, "203.0.112.9", 0);
                expect_asn(geo, "2001:db8:6::1", 64501);
                expect_asn(geo, "2001:db8:7::1", 64502);
                expect_asn(geo, "2001:db9::1", 0);
                geo_free(&geo);
                assert_null(geo);
        }
}

static void a_database_of_ipv4_knows_no_ipv6(void **state)
{
        (void)state;
        make("4 24 asn 203.0.113.0/24=64500");
        struct geo *geo = load(GEO_ASN);
        assert_non_null(geo);
        expect_asn(geo, "203.0.113.9", 64500);
        expect_asn(geo, "198.51.100.7", 0);
        expect_asn(geo, "2001:db8::1", 0);
        geo_free(&geo);
}

static void countries_and_records_without_one(void **state)
{
        (void)state;
        make("6 28 country 203.0.113.0/24=NL 198.51.100.0/24= 192.0.2.0/24=nl "
             "2001:db8::/32=JP");
        struct geo *geo = load(GEO_COUNTRY);
        assert_non_null(geo);
        expect_country(geo, "203.0.113.9", "NL");
        expect_country(geo, "198.51.100.7", NULL);
        expect_country(geo, "192.0.2.1", NULL); /* that is no code of a country */
        expect_country(geo, "2001:db8::1", "JP");
        expect_country(geo, "::ffff:203.0.113.9", "NL");
        geo_free(&geo);
}

static void refuse(enum geo_kind kind, const char *expected)
{
        assert_null(load(kind));
        if (!strstr((const char *)said.data, expected)) {
                print_error("expected: %s\nsaid: %s\n", expected, said.data);
                fail();
        }
}

static void write_file(const uint8_t *data, size_t len)
{
        FILE *file = fopen(path, "wb");

        assert_non_null(file);
        assert_int_equal(fwrite(data, 1, len, file), len);
        fclose(file);
}

static size_t read_file(uint8_t *data, size_t room)
{
        FILE *file = fopen(path, "rb");

        assert_non_null(file);
        size_t len = fread(data, 1, room, file);
        fclose(file);
        assert_true(len < room);
        return len;
}

static void what_is_no_database_is_refused(void **state)
{
        uint8_t data[16384];

        (void)state;
        unlink(path);
        refuse(GEO_ASN, "test.mmdb: No such file or directory\n");
        write_file((const uint8_t *)"", 0);
        refuse(GEO_ASN, "test.mmdb: no database in the MaxMind format: ");
        write_file((const uint8_t *)"ASN,64500\n", 10);
        refuse(GEO_ASN, "test.mmdb: no database in the MaxMind format: ");
        unlink(path);
        assert_int_equal(mkdir(path, 0700), 0);
        refuse(GEO_ASN, "test.mmdb: is no file\n");
        rmdir(path);
        make("6 24 asn 203.0.113.0/24=64500");
        refuse(GEO_COUNTRY, "a database (Test) without a single country.iso_code\n");
        size_t len = read_file(data, sizeof(data));
        write_file(data, len / 2);
        refuse(GEO_ASN, "test.mmdb: no database in the MaxMind format: ");
}

/* The record of the last node points behind the data. */
static void a_tree_that_leads_nowhere_is_refused(void **state)
{
        uint8_t data[16384];

        (void)state;
        make("4 24 asn 203.0.113.0/24=64500");
        size_t len = read_file(data, sizeof(data));
        assert_int_equal(data[23 * 6 + 3], 0); /* 24 nodes: the network ends in a 1 */
        memcpy(data + 23 * 6 + 3, "\x7f\xff\xff", 3);
        write_file(data, len);
        refuse(GEO_ASN, "test.mmdb: damaged: ");
}

static void a_record_that_is_cut_off_is_refused(void **state)
{
        uint8_t data[16384];

        (void)state;
        make("4 24 asn 203.0.113.0/24=64500");
        size_t len = read_file(data, sizeof(data));
        uint8_t *record = data + 24 * 6 + 16;
        assert_int_equal(record[0], 0xe2); /* a map of two */
        record[0] = 0xfc;                  /* of twenty-eight, which are not there */
        memcpy(record + 1, "\x5c", 1);
        write_file(data, len);
        refuse(GEO_ASN, "test.mmdb: damaged: ");
}

/* Whatever a byte is, loading and asking keep within the file. */
static void each_byte_damaged(void **state)
{
        static const uint8_t changes[] = { 0x01, 0x20, 0x80, 0xff };
        uint8_t data[16384];
        unsigned refused = 0, loaded = 0;

        (void)state;
        make("6 24 country 203.0.113.0/24=NL 2001:db8::/32=JP");
        size_t len = read_file(data, sizeof(data));
        unlink(path);
        /* In memory: a disk takes longer for five thousand files than all the rest. */
        int fd = memfd_create("damaged", MFD_CLOEXEC);
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        for (size_t i = 0; i < len; i++)
                for (unsigned k = 0; k < sizeof(changes); k++) {
                        struct ip v4 = ip("203.0.113.9"), v6 = ip("2001:db8::1");
                        data[i] ^= changes[k];
                        assert_int_equal(pwrite(fd, data, len, 0), len);
                        data[i] ^= changes[k];
                        struct geo *geo = load(GEO_COUNTRY);
                        refused += geo == NULL;
                        loaded += geo != NULL;
                        if (!geo)
                                continue;
                        struct slice a = geo_country(geo, &v4), b = geo_country(geo, &v6);
                        assert_true(a.len == 0 || a.len == 2);
                        assert_true(b.len == 0 || b.len == 2);
                        geo_free(&geo);
                }
        close(fd);
        snprintf(path, sizeof(path), "%s/test.mmdb", folder);
        assert_true(refused > 100);
        assert_true(loaded > 100);
}

static void a_file_that_is_overwritten_changes_nothing(void **state)
{
        (void)state;
        make("6 24 country 203.0.113.0/24=NL");
        struct geo *geo = load(GEO_COUNTRY);
        assert_non_null(geo);
        assert_int_equal(truncate(path, 0), 0);
        expect_country(geo, "203.0.113.9", "NL");
        geo_free(&geo);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(systems_of_both_families),
                cmocka_unit_test(a_database_of_ipv4_knows_no_ipv6),
                cmocka_unit_test(countries_and_records_without_one),
                cmocka_unit_test(what_is_no_database_is_refused),
                cmocka_unit_test(a_tree_that_leads_nowhere_is_refused),
                cmocka_unit_test(a_record_that_is_cut_off_is_refused),
                cmocka_unit_test(each_byte_damaged),
                cmocka_unit_test(a_file_that_is_overwritten_changes_nothing),
        };

        return cmocka_run_group_tests(tests, set_up, tear_down);
}
