/* SPDX-License-Identifier: MIT */
#include "app/timeline.h"

#include "base/clock.h"

#define AHEAD_MAX (300 * NS_PER_SEC)
#define BACK_MAX  (60 * NS_PER_SEC)

void timeline_init(struct timeline *t, const struct timeline_handler *handler,
                   struct counters *counters)
{
        *t = (struct timeline){ .handler = *handler, .counters = counters };
}

void timeline_free(struct timeline *t)
{
        buf_free(&t->bytes);
}

static void hand_on(struct timeline *t, const struct capture_frame *frame)
{
        if (frame->time_ns > t->now_ns)
                t->now_ns = frame->time_ns;
        t->handler.frame(t->handler.context, frame);
}

static bool is_near(int64_t a_ns, int64_t b_ns)
{
        return a_ns - b_ns <= AHEAD_MAX && b_ns - a_ns <= AHEAD_MAX;
}

/* The packet that waited was right (`agrees`), or it was alone with its time. */
static void settle(struct timeline *t, bool agrees)
{
        struct capture_frame frame = { agrees ? t->waiting_ns : t->now_ns,
                                       buf_slice(&t->bytes), t->wire_length, t->link };

        t->waiting = false;
        if (!agrees) {
                t->counters->time_outliers++;
        } else if (t->waiting_ns < t->now_ns) {
                t->counters->time_steps_back++;
                t->handler.step_back(t->handler.context, t->now_ns, t->waiting_ns);
                t->now_ns = t->waiting_ns;
        }
        hand_on(t, &frame);
}

static void wait(struct timeline *t, const struct capture_frame *frame)
{
        t->waiting = true;
        t->link = frame->link;
        t->waiting_ns = frame->time_ns;
        t->wire_length = frame->wire_length;
        buf_clear(&t->bytes);
        buf_put_slice(&t->bytes, frame->captured);
}

void timeline_frame(struct timeline *t, const struct capture_frame *frame)
{
        if (!t->started) {
                t->started = true;
                t->now_ns = frame->time_ns;
        }
        if (t->waiting)
                settle(t, is_near(frame->time_ns, t->waiting_ns));
        if (frame->time_ns - t->now_ns > AHEAD_MAX ||
            t->now_ns - frame->time_ns > BACK_MAX)
                wait(t, frame);
        else
                hand_on(t, frame);
}

int64_t timeline_advance(struct timeline *t, int64_t now_ns)
{
        if (t->waiting && is_near(now_ns, t->waiting_ns))
                settle(t, true);
        if (t->started && now_ns > t->now_ns)
                t->now_ns = now_ns;
        return t->started ? t->now_ns : now_ns;
}

void timeline_finish(struct timeline *t)
{
        if (t->waiting)
                settle(t, true);
}
