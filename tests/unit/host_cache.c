/* SPDX-License-Identifier: MIT */
#include "app/host_cache.h"

#include "base/clock.h"
#include "unit/unit.h"

#define SECOND NS_PER_SEC

static struct counters counters;

static struct ip address(unsigned n)
{
        uint8_t v4[4] = { 10, 0, (uint8_t)(n >> 8), (uint8_t)n };

        return ip_from_v4(v4);
}

static struct host_entry *put(struct host_cache *c, unsigned n, int64_t now_ns,
                              int64_t until_ns)
{
        struct ip ip = address(n);
        struct host_entry *e = host_cache_take(c, &ip, now_ns);

        if (e && until_ns) {
                e->state = HOST_KNOWN;
                e->until_ns = until_ns;
                e->families = n;
        }
        return e;
}

static struct host_entry *find(const struct host_cache *c, unsigned n, int64_t now_ns)
{
        struct ip ip = address(n);

        return host_cache_find(c, &ip, now_ns);
}

static struct host_cache *make(uint32_t capacity)
{
        struct hash_key key = hash_key_fixed();

        counters = (struct counters){ 0 };
        return host_cache_new(capacity, &key, &counters);
}

static void answers_are_good_for_a_time(void **state)
{
        struct host_cache *c = make(64);

        (void)state;
        assert_null(find(c, 1, 0));
        put(c, 1, 1000 * SECOND, 1060 * SECOND);
        assert_non_null(find(c, 1, 1000 * SECOND));
        assert_int_equal(find(c, 1, 1060 * SECOND - 1)->families, 1);
        assert_null(find(c, 1, 1060 * SECOND));
        assert_null(find(c, 2, 1000 * SECOND));
        /* Another interface's packets may be a little older; a clock that was set is not.
         */
        assert_non_null(find(c, 1, 999 * SECOND));
        assert_null(find(c, 1, 900 * SECOND));
        host_cache_free(&c);
}

static void the_first_to_be_over_goes(void **state)
{
        struct host_cache *c = make(HOST_CACHE_WAYS);

        (void)state;
        for (unsigned i = 0; i < HOST_CACHE_WAYS; i++)
                put(c, i, 0, (i == 5 ? 10 : 100 + i) * SECOND);
        put(c, 20, SECOND, 200 * SECOND);
        assert_null(find(c, 5, SECOND));
        assert_int_equal(counters.dns_evicted, 1);
        for (unsigned i = 0; i < HOST_CACHE_WAYS; i++)
                assert_int_equal(find(c, i, SECOND) != NULL, i != 5);
        /* One that is over already is no loss. */
        put(c, 21, 101 * SECOND, 200 * SECOND);
        assert_int_equal(counters.dns_evicted, 1);
        host_cache_free(&c);
}

static void an_open_question_keeps_its_place(void **state)
{
        struct host_cache *c = make(HOST_CACHE_WAYS);
        struct host_entry *first = put(c, 0, 0, 0);

        (void)state;
        for (unsigned i = 1; i < 100; i++)
                assert_non_null(put(c, i, i * SECOND, (i + 1000) * SECOND));
        assert_ptr_equal(find(c, 0, 0), first);
        for (unsigned i = 0; i < HOST_CACHE_WAYS - 1; i++)
                assert_non_null(put(c, 200 + i, 0, 0));
        assert_null(put(c, 300, 0, 0));
        first->state = HOST_FAILED;
        first->until_ns = SECOND;
        assert_ptr_equal(put(c, 300, 0, 0), first);
        host_cache_free(&c);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(answers_are_good_for_a_time),
                cmocka_unit_test(the_first_to_be_over_goes),
                cmocka_unit_test(an_open_question_keeps_its_place),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
