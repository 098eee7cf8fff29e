/* SPDX-License-Identifier: MIT */
/*
 * proxy - the PROXY protocol header, by which a proxy says whose connection it carries.
 *
 * Version 1 is a line of text, version 2 binary. Pure functions over the first bytes of
 * a connection; nothing is remembered and nothing copied. Whether the sender may be
 * believed is for the caller to know.
 *
 * Source: The PROXY protocol, versions 1 & 2 (haproxy.org, doc/proxy-protocol.txt), 2.1
 * and 2.2.
 */
#ifndef HTTP_PROXY_H
#define HTTP_PROXY_H

#include "base/ip.h"

/* A version 2 header with its addresses and TLVs is 16 + 65535 bytes at the most; what is
   longer than this is no header that a proxy sends. */
#define PROXY_HEADER_MAX 4096

enum proxy_result {
        PROXY_MORE, /* it begins like one and is not complete */
        PROXY_NONE, /* this is no PROXY header */
        PROXY_BAD,  /* the signature is there, and what follows breaks the grammar */
        PROXY_OK,   /* *header is filled in */
};

struct proxy_header {
        size_t length; /* of the header: the connection's own bytes follow */
        bool tells;    /* false: LOCAL, UNKNOWN or UNSPEC, the peer speaks for itself */
        struct endpoint client; /* valid when it tells */
};

/* Whether the bytes (one at the least) may be the beginning of a PROXY header. */
bool proxy_may_begin(struct slice bytes);

/* `bytes`: all of the connection so far. Cost: linear in the header's length. */
enum proxy_result proxy_parse(struct slice bytes, struct proxy_header *header);

#endif
