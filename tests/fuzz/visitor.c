/* SPDX-License-Identifier: MIT */
/* Lines of a visitor header: the first byte says how it is read. */
#include "observe/visitor.h"

#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct trusted trusted;
        struct slice lines[VISITOR_HOPS], rest;
        struct network network;
        struct ip peer = ip_from_v4((const uint8_t[]){ 10, 0, 0, 1 });
        unsigned count = 0;

        if (size == 0)
                return 0;
        if (trusted.count == 0) {
                network = network_of(&peer, 104);
                trusted_init(&trusted, &network, 1);
        }
        rest = slice_of(data + 1, size - 1);
        while (count < VISITOR_HOPS && slice_next(&rest, '\n', &lines[count]))
                count++;
        struct visitor v = visitor_find(&trusted, (enum visitor_syntax)(data[0] % 4),
                                        &peer, 1, lines, count);
        /* Who is not trusted was reached for certain, and nobody else was. */
        CHECK(v.trusted == trusted_has(&trusted, &v.ip));
        CHECK(v.uncertain == v.trusted);
        return 0;
}
