/* SPDX-License-Identifier: MIT */
#include "app/message.h"

#include "app/pipeline.h"
#include "base/check.h"
#include "base/clock.h"
#include "tls/hello_pack.h"

#include <stdlib.h>

struct step_back {
        int64_t from_ns, to_ns;
};

/* ---- writing ---- */

static void put(struct message_writer *w, enum message_kind kind, const void *bytes,
                size_t size)
{
        w->counters->ring_full += !ring_put(w->ring, kind, bytes, size);
}

void message_time(struct message_writer *w, int64_t now_ns)
{
        if (now_ns - w->told_ns < MESSAGE_STEP)
                return;
        /* One that is lost for want of room is made up for by the next. */
        if (ring_put(w->ring, MESSAGE_TIME, &now_ns, sizeof(now_ns)))
                w->told_ns = now_ns;
}

static void put_now(struct message_writer *w, enum message_kind kind, const void *bytes,
                    size_t size)
{
        if (w->front)
                message_time(w, front_now(w->front));
        put(w, kind, bytes, size);
}

static void on_record(void *context, const struct record *record)
{
        put_now(context, MESSAGE_RECORD, record, record->size);
}

static void on_hello(void *context, const struct hello *hello,
                     const struct tcp_shape *syn)
{
        struct message_writer *w = context;

        buf_clear(&w->packed);
        hello_pack(hello, syn, &w->packed);
        put_now(w, MESSAGE_HELLO, w->packed.data, w->packed.len);
}

static void on_unanswered(void *context, const struct ip *client, int64_t begin_ns)
{
        struct unanswered unanswered = { .client = *client, .begin_ns = begin_ns };

        put_now(context, MESSAGE_UNANSWERED, &unanswered, sizeof(unanswered));
}

static void on_step_back(void *context, int64_t from_ns, int64_t to_ns)
{
        struct message_writer *w = context;
        struct step_back step = { from_ns, to_ns };

        put(w, MESSAGE_STEP_BACK, &step, sizeof(step));
        w->told_ns = to_ns - MESSAGE_STEP;
}

struct front_sink message_sink(struct message_writer *w)
{
        return (struct front_sink){ on_record, on_hello, on_unanswered, on_step_back, w };
}

void message_writer_free(struct message_writer *w)
{
        buf_free(&w->packed);
}

/* ---- reading ---- */

static bool is_time(int64_t time_ns, const struct record_limits *limits)
{
        return time_ns >= 0 && time_ns <= limits->newest_ns;
}

static bool read_time(const void *bytes, size_t size, const struct record_limits *limits,
                      struct message *m)
{
        if (size != sizeof(m->time_ns))
                return false;
        memcpy(&m->time_ns, bytes, size);
        return is_time(m->time_ns, limits);
}

static bool read_record(const void *bytes, size_t size,
                        const struct record_limits *limits, struct message *m)
{
        m->record = bytes;
        return record_is_sound(bytes, size, limits);
}

static bool read_hello(const void *bytes, size_t size, const struct record_limits *limits,
                       struct message *m)
{
        return hello_unpack(slice_of(bytes, size), limits->newest_ns, &m->hello, &m->syn);
}

static bool read_unanswered(const void *bytes, size_t size,
                            const struct record_limits *limits, struct message *m)
{
        if (!unanswered_is_sound(bytes, size, limits->newest_ns))
                return false;
        memcpy(&m->unanswered, bytes, sizeof(m->unanswered));
        return true;
}

static bool read_step_back(const void *bytes, size_t size,
                           const struct record_limits *limits, struct message *m)
{
        struct step_back step;

        if (size != sizeof(step))
                return false;
        memcpy(&step, bytes, size);
        m->step_back.from_ns = step.from_ns;
        m->step_back.to_ns = step.to_ns;
        /* It came from a time that is not possible any more. */
        return is_time(step.to_ns, limits) && step.to_ns < step.from_ns;
}

bool message_read(uint32_t kind, const void *bytes, size_t size,
                  const struct record_limits *limits, struct message *m)
{
        static bool (*const readers[MESSAGE_KINDS])(
            const void *, size_t, const struct record_limits *, struct message *) = {
                [MESSAGE_TIME] = read_time,
                [MESSAGE_RECORD] = read_record,
                [MESSAGE_HELLO] = read_hello,
                [MESSAGE_UNANSWERED] = read_unanswered,
                [MESSAGE_STEP_BACK] = read_step_back,
        };

        if (kind >= MESSAGE_KINDS || !readers[kind])
                return false;
        m->kind = kind;
        return readers[kind](bytes, size, limits, m);
}

void message_hand_on(const struct message *m, struct pipeline *p)
{
        switch (m->kind) {
        case MESSAGE_RECORD:
                pipeline_record(p, m->record);
                break;
        case MESSAGE_HELLO:
                pipeline_hello(p, &m->hello, &m->syn);
                break;
        case MESSAGE_UNANSWERED:
                pipeline_unanswered(p, &m->unanswered.client, m->unanswered.begin_ns);
                break;
        case MESSAGE_STEP_BACK:
                pipeline_step_back(p, m->step_back.from_ns, m->step_back.to_ns);
                break;
        case MESSAGE_TIME:
        case MESSAGE_KINDS:
                CHECK(!"a message for the pipeline");
        }
}
