/* SPDX-License-Identifier: MIT */
/*
 * h2_text - frames of HTTP/2 as a person writes them, as bytes.
 *
 *      preface
 *      settings 1:4096 5:20000         settings ack
 *      headers 1 end | :method: GET | :path: / | user-agent: me
 *      headers 1 more | ...            without END_HEADERS
 *      continuation 1 more | ...       the same; without `more` it ends the block
 *      push 1 2 | ...                  PUSH_PROMISE of stream 2
 *      data 1 end 100                  100 bytes
 *      data 1 end | a=b                these
 *      rst 1    goaway    ping    window 0 1000    priority 3 0 200
 *      raw 0000                        hexadecimal
 *
 * Further words: `pad` pads, `prio` puts a priority into HEADERS. A field is written
 * without Huffman and not put into the header table; `+name: value` puts it there, `#62`
 * is the entry with that index, `^4096` says how large the table is from here on. Frames
 * that follow each other in one segment are joined by ` & `.
 */
#ifndef SCENARIO_H2_TEXT_H
#define SCENARIO_H2_TEXT_H

#include "base/buf.h"

/* False when it is no frame. */
bool h2_text_put(struct buf *out, const char *text);

#endif
