/* SPDX-License-Identifier: MIT */
/*
 * record_check - can this be a record that observe made?
 *
 * For records that come from a process which reads hostile bytes, and may have been
 * taken over by them. What is sound leads no reader out of its bounds and into no CHECK,
 * shift or overflow: not the rules' engine, the alerts, or record_print. Whatever the
 * wire can make of an honest worker is sound: a fault means that the worker is not to be
 * believed in anything. The one exception is `newest_ns`, which is as good as the
 * caller's clock: when that is set back, honest records have the fault "times".
 *
 * What a field could do, were it not looked at:
 *
 *      size, spans      reads outside of the record
 *      texts' lengths   actors_publish() has room for 256 bytes, an email domain for 253
 *      times            a clock that leaps ahead ends every incident and takes all later
 *                       traffic for late; sums of times overflow
 *      networks         lengths index bitmaps (watch_note_length); a wide prefix would
 *                       block half of the Internet for one request
 *      tcp_shape        a count past its kinds is read past its end
 *      page             a page without a name
 *      sample_shift     what is counted would be scaled without bound
 *      status, version  printed as something else than what matched
 *
 * Not looked at, for any value does: addresses and ports, cookies, counts of bytes and
 * requests, hashes, target_number, and what the texts say. A lie about a visitor passes.
 *
 * Pure functions; the bytes must be the caller's own copy, aligned to 8.
 * Cost: 51 spans and two networks; no text is touched.
 */
#ifndef OBSERVE_RECORD_CHECK_H
#define OBSERVE_RECORD_CHECK_H

#include "observe/record.h"

struct site;

/* Of the site map that the worker has. */
struct record_limits {
        unsigned pages;
        uint8_t prefix_v4, prefix_v6; /* in bits of IPv6 */
        int64_t newest_ns;            /* nothing has happened later */
};

struct record_limits record_limits_of(const struct site *, int64_t newest_ns);

/* The first that cannot be, in the words above; NULL: the record of `size` is sound. */
const char *record_fault(const struct record *, size_t size,
                         const struct record_limits *);

static inline bool record_is_sound(const struct record *r, size_t size,
                                   const struct record_limits *limits)
{
        return record_fault(r, size, limits) == NULL;
}

/* A visitor that tried to connect and got no answer: a message as it is. */
struct unanswered {
        struct ip client;
        int64_t begin_ns;
};

bool unanswered_is_sound(const struct unanswered *, size_t size, int64_t newest_ns);

#endif
