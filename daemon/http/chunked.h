/* SPDX-License-Identifier: MIT */
/*
 * chunked - the chunked transfer coding (RFC 9112 7.1), a byte at a time if need be.
 *
 * Finds where chunks and the trailer section end. Does not read the data: it
 * says how much of it comes next, and the caller passes over it.
 */
#ifndef HTTP_CHUNKED_H
#define HTTP_CHUNKED_H

#include "base/slice.h"

/* Extensions and trailers of one message together, at most. */
#define CHUNKED_OVERHEAD_MAX 65536

struct chunked {
        uint64_t size;
        uint32_t overhead;
        uint8_t state;
        uint8_t digits;
};

enum chunked_result {
        CHUNKED_MORE, /* all bytes were taken */
        CHUNKED_DATA, /* the next `size` bytes are data: pass over them, then go on */
        CHUNKED_DONE, /* the message ends here */
        CHUNKED_BAD,
};

/* Takes bytes off the front of *bytes up to what the result says. Start from zero. */
enum chunked_result chunked_feed(struct chunked *, struct slice *bytes);

#endif
