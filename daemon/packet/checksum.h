/* SPDX-License-Identifier: MIT */
/*
 * checksum - the Internet checksum over a TCP segment (RFC 1071, 9293 3.1).
 */
#ifndef PACKET_CHECKSUM_H
#define PACKET_CHECKSUM_H

#include "base/ip.h"

/* `segment`: TCP header and payload, whole. Cost: one pass over its bytes. */
bool checksum_tcp_is_right(const struct ip *source, const struct ip *destination,
                           struct slice segment);

#endif
