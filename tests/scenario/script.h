/* SPDX-License-Identifier: MIT */
/*
 * script - a scenario as a person writes it.
 *
 *      # comment
 *      name: keep-alive
 *      > GET / HTTP/1.1\r\n\r\n        a segment of the client
 *      < HTTP/1.1 200 OK\r\n\r\n       a segment of the server
 *      lost> ...   lost< ...           the network delivers it, the sensor misses it
 *      > {1448*x}                      the same byte many times
 *      h2> headers 1 end | :path: /    frames of HTTP/2 (h2_text.h); losth2> likewise
 *      fin>  fin<  rst>  rst<          ends of a direction, aborts
 *      ack>  ack<                      an acknowledgement without data
 *      wait 500ms                      time without packets
 *      port 4001                       the segments that follow are another connection's
 *      midstream                       the next connection's handshake is not seen
 *      seq 4294967200                  initial sequence number of both directions
 *      as-is                           no variants: what is lost depends on the segments
 *      distrust                        PROXY headers are not believed
 *      = GET / 200                     a transaction that must come out, in this order
 *      count gaps 1                    a counter at the end
 *
 * A transaction is METHOD TARGET STATUS, and `cut` if its response was; the
 * status is `-` when no response was seen, and `unanswered` follows where it is known
 * that there was none. `for ADDRESS PORT` is whom a PROXY header
 * named. FOREIGN is what front.c makes of a first byte of \x16. \r \n \t \\ \xHH are
 * understood.
 */
#ifndef SCENARIO_SCRIPT_H
#define SCENARIO_SCRIPT_H

#include "base/buf.h"

#define SCRIPT_STEPS_MAX 256

enum script_kind { SCRIPT_DATA, SCRIPT_FIN, SCRIPT_RST, SCRIPT_ACK, SCRIPT_WAIT };

struct script_step {
        enum script_kind kind;
        bool from_server, lost;
        uint16_t port;
        bool midstream;
        uint32_t seq;
        int64_t wait_ns;
        struct buf bytes;
};

struct script_count {
        char name[64];
        uint64_t value;
};

struct script {
        char name[128];
        bool as_is, distrust;
        unsigned step_count, count_count;
        struct script_step steps[SCRIPT_STEPS_MAX];
        struct buf expected; /* one transaction a line */
        struct script_count counts[16];
};

/* Ends the program with a message when the file is no script. Scripts are
 * separated by lines of three dashes; calls `each` for every one. */
typedef void script_fn(void *context, const struct script *);
void script_read(const char *path, script_fn *each, void *context);

#endif
