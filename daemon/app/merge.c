/* SPDX-License-Identifier: MIT */
#include "app/merge.h"

#include "app/pipeline.h"
#include "base/check.h"
#include "base/sample.h"

#include <stdlib.h>

struct input {
        struct ring *ring;
        unsigned number, generation;
        int64_t time_ns; /* nothing comes from it that is earlier */
        int64_t
            heard_ns; /* of the monotonic clock: when it last said anything, or came */
        bool is_over, is_refused, has_message, has_spoken;
        uint32_t kind, size;
        void *bytes; /* of the message that waits; MESSAGE_MAX, aligned to 8 */
};

struct merge {
        struct merge_options options;
        struct record_limits limits;
        struct input inputs[MERGE_RINGS]; /* in no order */
        unsigned count;
        int64_t time_ns;    /* of what was handed on */
        bool waits_for_new; /* for one that has not spoken */
};

struct merge *merge_new(const struct merge_options *options)
{
        struct merge *m = calloc(1, sizeof(*m));

        CHECK(m);
        m->options = *options;
        m->limits = record_limits_of(options->site, 0);
        return m;
}

static void page_of(const struct input *input, struct worker_page *page)
{
        ring_shared_copy(input->ring, page);
}

static void input_drop(struct merge *m, struct input *input)
{
        struct worker_page page;

        /* One that still runs is counted on by whoever reads it next. */
        if (input->is_over) {
                page_of(input, &page);
                counters_add(m->options.ended, &page.counters);
        }
        if (m->options.gone)
                m->options.gone(m->options.gone_context, input->ring);
        ring_free(&input->ring);
        free(input->bytes);
        *input = m->inputs[--m->count];
}

void merge_free(struct merge **merge)
{
        struct merge *m = *merge;

        if (!m)
                return;
        while (m->count)
                input_drop(m, &m->inputs[0]);
        free(m);
        *merge = NULL;
}

bool merge_add(struct merge *m, struct ring *ring, unsigned number, unsigned generation,
               int64_t now_ns)
{
        void *bytes = malloc(MESSAGE_MAX);

        if (m->count == MERGE_RINGS || !bytes) {
                free(bytes);
                ring_free(&ring);
                return false;
        }
        m->inputs[m->count++] = (struct input){ .ring = ring,
                                                .number = number,
                                                .generation = generation,
                                                .heard_ns = now_ns,
                                                .bytes = bytes };
        return true;
}

void merge_is_over(struct merge *m, unsigned number)
{
        for (unsigned i = 0; i < m->count; i++)
                if (m->inputs[i].number == number)
                        m->inputs[i].is_over = true;
}

void merge_all_are_over(struct merge *m)
{
        for (unsigned i = 0; i < m->count; i++)
                m->inputs[i].is_over = true;
}

static bool is_read(const struct merge *m, const struct input *input)
{
        return input->generation == m->options.generation;
}

/* Not to be believed any more: whoever writes it is told to end by the supervisor. */
static void refuse(struct merge *m, struct input *input)
{
        m->options.counters->rings_refused++;
        input->is_refused = true;
}

/* Its time is near enough to now for others to wait for it. */
static bool is_in_step(const struct merge *m, const struct input *input)
{
        return input->time_ns >= m->limits.newest_ns - m->options.oldest_ns;
}

/* True when the input has something that waits, which is no time. */
static bool fill(struct merge *m, struct input *input, int64_t now_ns)
{
        struct ring_message head;
        struct message message;

        while (!input->has_message && !input->is_refused) {
                enum ring_result result =
                    ring_take(input->ring, &head, input->bytes, MESSAGE_MAX);
                if (result == RING_EMPTY)
                        return false;
                if (result == RING_BROKEN) {
                        refuse(m, input);
                        return false;
                }
                input->heard_ns = now_ns;
                input->has_spoken = true;
                if (head.kind != MESSAGE_TIME) {
                        input->kind = head.kind;
                        input->size = head.size;
                        input->has_message = true;
                } else if (message_read(head.kind, input->bytes, head.size, &m->limits,
                                        &message)) {
                        if (message.time_ns > input->time_ns)
                                input->time_ns = message.time_ns;
                } else {
                        refuse(m, input);
                }
        }
        return input->has_message;
}

/* Of those that have something the one with the earliest time; of the others the time
   before which they will come with nothing. */
struct look {
        struct input *first;
        int64_t bound_ns;
};

static struct look look(struct merge *m, int64_t now_ns)
{
        struct look found = { NULL, INT64_MAX };

        m->waits_for_new = false;
        for (unsigned i = 0; i < m->count; i++) {
                struct input *input = &m->inputs[i];
                if (!is_read(m, input))
                        continue;
                if (fill(m, input, now_ns)) {
                        if (!found.first || input->time_ns < found.first->time_ns)
                                found.first = input;
                } else if (!input->is_over && !input->is_refused &&
                           now_ns - input->heard_ns < m->options.wait_ns &&
                           (!input->has_spoken || is_in_step(m, input))) {
                        m->waits_for_new |= !input->has_spoken;
                        if (input->time_ns < found.bound_ns)
                                found.bound_ns = input->time_ns;
                }
        }
        return found;
}

static void step_back(struct merge *m, struct input *input, struct pipeline *p,
                      const struct message *message)
{
        input->time_ns = message->step_back.to_ns;
        /* Several tell of the same step, and one that lies must not undo what is known:
           only a time that cannot be is left. */
        if (m->time_ns <= m->limits.newest_ns)
                return;
        m->time_ns = message->step_back.to_ns;
        message_hand_on(message, p);
}

static void hand_on(struct merge *m, struct input *input, struct pipeline *p)
{
        struct message message;

        input->has_message = false;
        if (!message_read(input->kind, input->bytes, input->size, &m->limits, &message)) {
                refuse(m, input);
                return;
        }
        if (message.kind == MESSAGE_STEP_BACK) {
                step_back(m, input, p, &message);
                return;
        }
        if (input->time_ns > m->time_ns)
                m->time_ns = input->time_ns;
        message_hand_on(&message, p);
}

/* Of those that have taken something the one with the earliest time; NULL: none has. */
static struct input *first_taken(struct merge *m)
{
        struct input *first = NULL;

        for (unsigned i = 0; i < m->count; i++) {
                struct input *input = &m->inputs[i];
                if (input->has_message && is_read(m, input) &&
                    (!first || input->time_ns < first->time_ns))
                        first = input;
        }
        return first;
}

void merge_hand_on_taken(struct merge *m, struct pipeline *p)
{
        struct input *first;

        while ((first = first_taken(m)))
                hand_on(m, first, p);
}

/* What was read by files that were taken back, so that nobody can read it any more. */
static void count_lost(struct merge *m, struct input *input)
{
        struct ring_message head;

        m->options.counters->reload_lost += input->has_message;
        while (ring_take(input->ring, &head, input->bytes, MESSAGE_MAX) == RING_MESSAGE)
                m->options.counters->reload_lost += head.kind != MESSAGE_TIME;
}

/* Those that are at their end go. */
static void sweep(struct merge *m)
{
        for (unsigned i = m->count; i-- > 0;) {
                struct input *input = &m->inputs[i];
                bool is_read_out = !input->has_message && ring_is_read_out(input->ring);
                bool is_past = input->generation < m->options.generation;
                if (!input->is_over || !(is_read_out || is_past || input->is_refused))
                        continue;
                if (is_past && !input->is_refused)
                        count_lost(m, input);
                input_drop(m, input);
        }
}

bool merge_read(struct merge *m, struct pipeline *p, int64_t newest_ns, int64_t now_ns,
                unsigned most)
{
        m->limits.newest_ns = newest_ns;
        while (most-- > 0) {
                struct look found = look(m, now_ns);
                if (!found.first || found.first->time_ns > found.bound_ns) {
                        sweep(m);
                        return false;
                }
                hand_on(m, found.first, p);
        }
        return true;
}

int64_t merge_time(const struct merge *m, int64_t otherwise_ns)
{
        int64_t time_ns = INT64_MAX;

        if (m->waits_for_new)
                return m->time_ns ? m->time_ns : otherwise_ns;
        for (unsigned i = 0; i < m->count; i++) {
                const struct input *input = &m->inputs[i];
                if (!input->is_over && !input->is_refused && is_read(m, input) &&
                    is_in_step(m, input) && input->time_ns < time_ns)
                        time_ns = input->time_ns;
        }
        return time_ns == INT64_MAX ? otherwise_ns : time_ns;
}

bool merge_is_done(const struct merge *m)
{
        for (unsigned i = 0; i < m->count; i++)
                if (is_read(m, &m->inputs[i]))
                        return false;
        return true;
}

void merge_go_on(struct merge *m, unsigned generation, const struct site *site)
{
        m->options.generation = generation;
        m->options.site = site;
        m->limits = record_limits_of(site, m->limits.newest_ns);
}

bool merge_sleep(struct merge *m)
{
        bool sleeps = true;

        for (unsigned i = 0; i < m->count; i++) {
                const struct input *input = &m->inputs[i];
                if (is_read(m, input) && !input->is_refused && !input->has_message)
                        sleeps &= ring_sleep(input->ring);
        }
        return sleeps;
}

struct ring *merge_ring(const struct merge *m, unsigned index)
{
        return index < m->count ? m->inputs[index].ring : NULL;
}

struct ring *merge_find(const struct merge *m, unsigned number)
{
        for (unsigned i = 0; i < m->count; i++)
                if (m->inputs[i].number == number)
                        return m->inputs[i].ring;
        return NULL;
}

bool merge_refused(const struct merge *m, unsigned *number)
{
        for (unsigned i = 0; i < m->count; i++)
                if (m->inputs[i].is_refused && !m->inputs[i].is_over) {
                        *number = m->inputs[i].number;
                        return true;
                }
        return false;
}

uint8_t merge_sample_shift(struct merge *m)
{
        struct worker_page page;
        uint64_t most = 0;

        for (unsigned i = 0; i < m->count; i++) {
                page_of(&m->inputs[i], &page);
                if (page.sample_shift > most && !m->inputs[i].is_over)
                        most = page.sample_shift;
        }
        return most < SAMPLE_SHIFT_MAX ? (uint8_t)most : SAMPLE_SHIFT_MAX;
}

void merge_counters(struct merge *m, struct counters *sum)
{
        struct worker_page page;

        *sum = *m->options.ended;
        for (unsigned i = 0; i < m->count; i++) {
                page_of(&m->inputs[i], &page);
                counters_add(sum, &page.counters);
        }
}
