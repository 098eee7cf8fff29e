/* SPDX-License-Identifier: MIT */
/*
 * hello_pack - a hello and the SYN before it as flat bytes, for a ring (base/ring.h).
 *
 * All that hello_print and the join of hellos to requests look at. Both ends are the same
 * program on the same machine, so the form is not a contract. The reading end does not
 * trust the writing one: what hello_unpack returns is a hello that the front of this
 * layer could have made, whose slices lie in the bytes.
 */
#ifndef TLS_HELLO_PACK_H
#define TLS_HELLO_PACK_H

#include "packet/tcp_shape.h"
#include "tls/hello.h"

#define HELLO_PACKED_MAX 2048

/* Appends to `out`: HELLO_PACKED_MAX bytes at the most. */
void hello_pack(const struct hello *, const struct tcp_shape *syn, struct buf *out);

/*
 * False when the bytes cannot be a hello, or one of a time later than `newest_ns`. The
 * hello borrows them; they need not be aligned, but must be the caller's own copy.
 */
bool hello_unpack(struct slice bytes, int64_t newest_ns, struct hello *,
                  struct tcp_shape *syn);

#endif
