/* SPDX-License-Identifier: MIT */
#include "packet/checksum.h"

#include "base/bytes.h"

static uint64_t sum_words(uint64_t sum, const uint8_t *data, size_t len)
{
        for (; len >= 2; data += 2, len -= 2)
                sum += load_be16(data);
        return len ? sum + ((uint64_t)data[0] << 8) : sum;
}

bool checksum_tcp_is_right(const struct ip *source, const struct ip *destination,
                           struct slice segment)
{
        /*
         * The pseudo headers of IPv4 and IPv6 add up alike: the addresses, the
         * protocol, the length. The twelve bytes of an IPv4-mapped address that
         * are not IPv4's must stay out.
         */
        size_t skip = ip_is_v4(source) && ip_is_v4(destination) ? 12 : 0;
        uint64_t sum = 6 + segment.len;

        sum = sum_words(sum, source->bytes + skip, 16 - skip);
        sum = sum_words(sum, destination->bytes + skip, 16 - skip);
        sum = sum_words(sum, segment.data, segment.len);
        while (sum >> 16)
                sum = (sum & 0xffff) + (sum >> 16);
        return sum == 0xffff;
}
