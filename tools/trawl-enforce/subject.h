/* SPDX-License-Identifier: MIT */
/*
 * subject - what a block is on, as a target can use it.
 *
 * Reads a member of the sorted set, TYPE:VALUE. Whoever may write to Redis may have
 * written it: what is no address, network or plain word never gets any further.
 */
#ifndef ENFORCE_SUBJECT_H
#define ENFORCE_SUBJECT_H

#include "base/buf.h"
#include "base/ip.h"

#define SUBJECT_TEXT_MAX 256

enum subject_kind {
        SUBJECT_ADDRESS, /* of `ip` and `prefix` */
        SUBJECT_SESSION,
        SUBJECT_ACCOUNT,
        SUBJECT_JA4,
        SUBJECT_SHAPE,
        SUBJECT_KINDS
};

#define SUBJECT_BIT(kind) (1u << (kind))

/* `text` is borrowed and of no address; `network` is set for addresses only. */
struct subject {
        enum subject_kind kind;
        struct network network;
        struct slice text;
};

enum subject_verdict {
        SUBJECT_GOOD,
        SUBJECT_BAD,       /* no such type, or its value is not what the type says */
        SUBJECT_PROTECTED, /* a loopback, unspecified, link-local, multicast or broadcast
                              address is in it, or it is wider than /8, of IPv6 /16 */
};

/*
 * An `ip` is one address, a `prefix` a network without bits behind its length. Other
 * values are 1 to SUBJECT_TEXT_MAX letters, digits and . _ ~ + / = : % @ , -
 */
enum subject_verdict subject_parse(struct slice member, struct subject *);

bool subject_equal(const struct subject *, const struct subject *);

/* The address, network or word. */
void subject_put(const struct subject *, struct buf *out);

/* "session"; "ip" for addresses. */
const char *subject_kind_name(enum subject_kind);

#endif
