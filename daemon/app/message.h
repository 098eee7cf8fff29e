/* SPDX-License-Identifier: MIT */
/*
 * message - what a front gives, as messages of a ring.
 *
 *      front -> front_sink -> message_writer ==== ring ==== message_read -> message
 *
 * Before whatever comes the writer tells the time of its packets, when that has moved by
 * MESSAGE_STEP; the reader merges rings by it (merge.h). A message for which the ring has
 * no room is dropped and counted (ring_full): a capture never waits for the engine.
 *
 * The reader trusts nothing: it looks at a copy, and what is not sound is no message.
 */
#ifndef APP_MESSAGE_H
#define APP_MESSAGE_H

#include "app/front.h"
#include "base/ring.h"
#include "observe/record_check.h"

#define MESSAGE_STEP (1 * NS_PER_MS)
#define MESSAGE_MAX  RECORD_SIZE_MAX

enum message_kind {
        MESSAGE_TIME = 1, /* all that comes later was given later than this */
        MESSAGE_RECORD,
        MESSAGE_HELLO,
        MESSAGE_UNANSWERED,
        MESSAGE_STEP_BACK,
        MESSAGE_KINDS
};

/* ---- writing ---- */

struct message_writer {
        struct ring *ring;         /* borrowed */
        const struct front *front; /* whose time is told; NULL: none yet */
        struct counters *counters;
        struct buf packed;
        int64_t told_ns;
};

/* A sink whose context the writer is. */
struct front_sink message_sink(struct message_writer *);

/* It is so late now; nothing comes that is earlier. */
void message_time(struct message_writer *, int64_t now_ns);
void message_writer_free(struct message_writer *);

/* ---- reading ---- */

struct message {
        enum message_kind kind;
        union {
                int64_t time_ns;
                const struct record *record;
                struct unanswered unanswered;
                struct {
                        struct hello hello;
                        struct tcp_shape syn;
                };
                struct {
                        int64_t from_ns, to_ns;
                } step_back;
        };
};

/*
 * What the copied bytes of a message say; it borrows them, and they are aligned to 8.
 * False when they are not sound: the writer is not to be believed any more.
 */
bool message_read(uint32_t kind, const void *bytes, size_t size,
                  const struct record_limits *, struct message *);

/* To the pipeline. MESSAGE_TIME is for the caller. */
struct pipeline;
void message_hand_on(const struct message *, struct pipeline *);

#endif
