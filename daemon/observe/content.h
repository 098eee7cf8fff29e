/* SPDX-License-Identifier: MIT */
/*
 * content - takes Content-Encoding off a body (RFC 9110 8.4).
 *
 * gzip and deflate (zlib; deflate also without its wrapper, as some send it), br, up to
 * CONTENT_CODINGS_MAX of them one over the other. However much a body unfolds to, the
 * work and the memory end at the cap: what came out up to there is the answer, and is
 * said to be cut.
 *
 * Owns two output buffers and the decoders' memory, all taken at the start: nothing is
 * asked of the system while traffic runs. A brotli stream that asks for more than its
 * megabyte is given up like one that unfolds too far; what fits under the default cap
 * never needs it. Bodies hold passwords: content_forget wipes the output.
 */
#ifndef OBSERVE_CONTENT_H
#define OBSERVE_CONTENT_H

#include "base/slice.h"

#define CONTENT_CODINGS_MAX 2

struct content;

enum content_result {
        CONTENT_OK,
        CONTENT_CUT,     /* the input ends early: what there was of it */
        CONTENT_BOMB,    /* it unfolds past the cap: what came up to there */
        CONTENT_BAD,     /* it breaks its format: what came up to there */
        CONTENT_UNKNOWN, /* a coding that we do not have, or too many; no output */
};

/* `output_max`: bytes that come out at the most. Never NULL. */
struct content *content_new(size_t output_max);
void content_free(struct content **);

/*
 * `encoding` is the header's value, none or `identity` leave the body as it is. *out is
 * `body` itself then, else it lies in the content until the next call.
 */
enum content_result content_decode(struct content *, struct slice encoding,
                                   struct slice body, struct slice *out);

/* Wipes what the last call left. */
void content_forget(struct content *);

#endif
