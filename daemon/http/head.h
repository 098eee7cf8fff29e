/* SPDX-License-Identifier: MIT */
/*
 * head - the start line and header lines of one HTTP/1.x message.
 *
 * Parses a head that lies in one piece, in one pass, and borrows everything
 * from it. Line ends are found 64 bytes at a time with vector instructions
 * (SSE2, NEON; a portable path gives the same answer), names are checked byte
 * by byte against the token table. What decides about the message's length is
 * gathered on the way.
 *
 * Lenient where servers are (RFC 9112 2.2 and 3): bare LF, blanks in a target; strict
 * where leniency is how requests are smuggled: lengths, and blanks before a colon.
 *
 * Cost: one pass; 160 to 180 ns a head in the benchmark's small case (400 bytes).
 */
#ifndef HTTP_HEAD_H
#define HTTP_HEAD_H

#include "http/transaction.h"

#define HEAD_LINES_MAX 256

/* How long the body is, as far as the header lines say (RFC 9112 6). */
struct head_framing {
        bool has_length, has_encoding;
        bool chunked;     /* is the final transfer coding */
        bool conflicting; /* lengths that contradict each other, or cannot be trusted */
        bool faulty;      /* so that no length can be had at all */
        bool encoding_faulty;
        bool upgrade; /* an Upgrade line is there */
        uint64_t length;
};

struct head {
        size_t length;       /* of the head, blank line and leading ones included */
        struct slice method; /* requests */
        struct slice target;
        uint16_t status;       /* responses */
        uint8_t version_minor; /* of HTTP/1.x */
        bool folded;           /* a value holds a line break (obs-fold) */
        bool bare_lf;
        bool bad_lines;     /* lines that are no header line were passed over, or
                                there is a NUL */
        bool too_many;      /* lines past lines_max were passed over */
        uint32_t lines_max; /* set by the caller, up to HEAD_LINES_MAX */
        uint32_t line_count;
        struct head_framing framing;
        struct http_header lines[HEAD_LINES_MAX];
};

enum head_result {
        HEAD_OK,
        HEAD_MORE, /* no blank line yet */
        HEAD_BAD,  /* the start line is none of HTTP/1.x */
};

enum head_kind { HEAD_REQUEST, HEAD_RESPONSE };

/* Empties all but lines_max. */
void head_begin(struct head *);

enum head_result head_parse(struct slice bytes, enum head_kind, struct head *);

/* Could a head begin like this? Decides as soon as one byte speaks against it. */
bool head_may_begin(struct slice bytes, enum head_kind);

/* Is the start line there, whole, and is it one? */
bool head_begins(struct slice bytes, enum head_kind);

/*
 * Index just behind the blank line that ends a head, or 0. Looks from `from`
 * on, a few bytes less: cost does not grow with what was looked at before.
 */
size_t head_find_end(struct slice bytes, size_t from);

#endif
