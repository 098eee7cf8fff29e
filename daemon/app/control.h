/* SPDX-License-Identifier: MIT */
/*
 * control - what supervisor and engine say to each other, over a pair of sockets.
 *
 *      supervisor                        engine
 *          |  RING number, generation  ->  |   with the ring's two descriptors
 *          |  OVER number              ->  |   its writer has ended
 *          |  RELOAD generation        ->  |   read the files again
 *          |  STOP how                 ->  |   end, all rings read first or not
 *          |<- READY                       |   rings can come
 *          |<- REFUSED number              |   its writer is to be replaced
 *          |<- RELOADED status             |   taken up, or everything stays as it was
 *          |  STAYS                    ->  |   a reload came to nothing: it is in the log
 *          |<- WANT_RELOAD                 |   somebody asked the engine for one
 *
 * Each message is a datagram of fixed size (SOCK_SEQPACKET), so none comes in pieces. The
 * engine is not trusted by the supervisor: what is malformed, or makes no sense, is
 * dropped. Neither side waits for the other.
 */
#ifndef APP_CONTROL_H
#define APP_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

enum control_kind {
        CONTROL_RING = 1,
        CONTROL_OVER,
        CONTROL_RELOAD,
        CONTROL_STOP,
        CONTROL_READY,
        CONTROL_REFUSED,
        CONTROL_RELOADED,
        CONTROL_STAYS,
        CONTROL_WANT_RELOAD,
        CONTROL_KINDS
};

/* The number of STOP: what is left for a next engine. */
enum control_stop {
        STOP_FOR_GOOD,   /* nothing: all rings are read, and Redis is told */
        STOP_HANDS_OVER, /* what Redis does not have yet */
        STOP_AT_ONCE,    /* that, and what is in the rings */
};

struct control_message {
        uint32_t kind;       /* enum control_kind */
        uint32_t number;     /* of a ring; of RELOADED: 1 when taken up; of STOP: how */
        uint32_t generation; /* of the site map that a ring's writer has, or will have */
};

/* Two ends, not blocking, closed by exec. False with errno. */
bool control_pair(int ends[2]);

/* `fds` are two descriptors that go along, or NULL. False with errno. */
bool control_send(int end, const struct control_message *, const int fds[2]);

enum control_result {
        CONTROL_NONE,    /* nothing is there now */
        CONTROL_MESSAGE, /* fds[] are -1 where none came; else the caller's */
        CONTROL_BAD,     /* dropped */
        CONTROL_CLOSED,  /* the other process is gone */
};

enum control_result control_receive(int end, struct control_message *, int fds[2]);

#endif
