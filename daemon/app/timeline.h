/* SPDX-License-Identifier: MIT */
/*
 * timeline - which packet times are believed.
 *
 * Time comes with the packets, and everything behind this only lets it go forward.
 * One packet with a wrong stamp must not end all windows, and a clock that was set
 * back must not freeze them:
 *
 *   - a small step back (up to a minute) is taken as no time passing;
 *   - a packet that is more than a minute back, or five ahead, waits for the next one.
 *     If that agrees, time has jumped: forward it just goes on (a quiet night); back,
 *     the handler is told to begin anew. If not, the packet alone was wrong: it is
 *     handed on with the time of the others, and counted.
 *
 * Owns a copy of the one packet that waits. Cost: two comparisons a packet.
 */
#ifndef APP_TIMELINE_H
#define APP_TIMELINE_H

#include "base/buf.h"
#include "base/counters.h"
#include "capture/capture.h"

struct timeline_handler {
        void (*frame)(void *context, const struct capture_frame *);
        void (*step_back)(void *context, int64_t from_ns, int64_t to_ns);
        void *context;
};

struct timeline {
        struct timeline_handler handler;
        struct counters *counters;
        int64_t now_ns;
        bool started, waiting;
        int link; /* of the packet that waits */
        int64_t waiting_ns;
        uint32_t wire_length;
        struct buf bytes;
};

void timeline_init(struct timeline *, const struct timeline_handler *, struct counters *);
void timeline_free(struct timeline *);

/* Hands on the packet, with the time that is believed, now or with a later call. */
void timeline_frame(struct timeline *, const struct capture_frame *);

/* Time passes without packets. Returns the time that is believed. */
int64_t timeline_advance(struct timeline *, int64_t now_ns);

/* Nothing comes any more: a packet that waits is handed on. */
void timeline_finish(struct timeline *);

#endif
