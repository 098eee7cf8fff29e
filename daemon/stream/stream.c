/* SPDX-License-Identifier: MIT */
/*
 * The flow table: finds flows by their ports and addresses and lets them age.
 *
 * Ageing without a timer and nearly without writes: each flow stands in one of
 * two queues (short: half-open and closed ones; long: the others). A segment
 * only notes its time in its flow. When the oldest of a queue has been there for
 * the queue's time, it is looked at: if it has spoken since, it goes to the end
 * again, else it is forgotten. So a busy flow is moved once a timeout, not once
 * a packet, and no neighbour's memory is touched on the way.
 */
#include "stream/stream.h"

#include "base/check.h"
#include "base/slab.h"
#include "stream/flow_priv.h"

#include <stdlib.h>

enum {
        INDEX_SLOTS_MIN = 4096,
        AGE_PER_SEGMENT = 4, /* flows looked at for each segment: bounds the work */
        EVICT_TRIES = 8,
};

/* Waits this many times reorder_ns for a hole that nobody acknowledges. */
#define UNACKED_PATIENCE 50

struct slot {
        uint32_t hash;
        uint32_t flow; /* 0: empty */
};

struct queue {
        uint32_t oldest, newest;
};

struct stream {
        struct stream_options options;
        const struct stream_handler *handler;
        struct counters *counters;
        struct flow_context context;
        struct slab flows;
        struct blocks blocks;
        struct duplicates duplicates;
        struct slot *slots;
        uint32_t slot_mask;
        struct queue queues[FLOW_QUEUES];
        struct queue stalled;
        int64_t now_ns;
        uint8_t sample_shift; /* 0: all flows are followed */
};

static struct flow *flow_at(const struct stream *s, uint32_t number)
{
        return slab_at(&s->flows, number);
}

/* ---- queues: doubly linked by number; which pair of links is a parameter ---- */

struct links {
        uint32_t *older, *newer;
};

typedef struct links links_fn(struct flow *);

static struct links age_links(struct flow *f)
{
        return (struct links){ &f->older, &f->newer };
}

static struct links stall_links(struct flow *f)
{
        return (struct links){ &f->stall_older, &f->stall_newer };
}

static void queue_append(struct stream *s, struct queue *q, links_fn *links_of,
                         uint32_t number)
{
        struct links links = links_of(flow_at(s, number));

        *links.older = q->newest;
        *links.newer = 0;
        *(q->newest ? links_of(flow_at(s, q->newest)).newer : &q->oldest) = number;
        q->newest = number;
}

static void queue_remove(struct stream *s, struct queue *q, links_fn *links_of,
                         uint32_t number)
{
        struct links links = links_of(flow_at(s, number));

        *(*links.older ? links_of(flow_at(s, *links.older)).newer : &q->oldest) =
            *links.newer;
        *(*links.newer ? links_of(flow_at(s, *links.newer)).older : &q->newest) =
            *links.older;
}

/* ---- index: open addressing, linear probing, deletion by shifting back ---- */

static uint32_t flow_hash(const struct stream *s, const struct endpoint pair[2])
{
        struct {
                struct ip ip[2];
                uint32_t ports;
        } key;
        int low = memcmp(&pair[0].ip, &pair[1].ip, sizeof(struct ip));

        if (low == 0)
                low = (int)pair[0].port - (int)pair[1].port;
        int first = low > 0;
        key.ip[0] = pair[first].ip;
        key.ip[1] = pair[!first].ip;
        key.ports = (uint32_t)pair[first].port << 16 | pair[!first].port;
        return (uint32_t)hash_bytes(&s->options.hash_key, &key, sizeof(key));
}

static bool endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
        return a->port == b->port && ip_equal(&a->ip, &b->ip);
}

/* The flow of this pair, or 0; *side is which of its ends pair[0] is. */
static uint32_t index_find(const struct stream *s, uint32_t hash,
                           const struct endpoint pair[2], enum flow_side *side)
{
        for (uint32_t i = hash & s->slot_mask; s->slots[i].flow;
             i = (i + 1) & s->slot_mask) {
                if (s->slots[i].hash != hash)
                        continue;
                const struct flow *f = flow_at(s, s->slots[i].flow);
                for (int first = 0; first < 2; first++) {
                        if (endpoint_equal(&f->endpoint[first], &pair[0]) &&
                            endpoint_equal(&f->endpoint[!first], &pair[1])) {
                                *side = first;
                                return s->slots[i].flow;
                        }
                }
        }
        return 0;
}

static void index_put(struct stream *s, uint32_t hash, uint32_t number)
{
        uint32_t i = hash & s->slot_mask;

        while (s->slots[i].flow)
                i = (i + 1) & s->slot_mask;
        s->slots[i] = (struct slot){ hash, number };
}

static void index_remove(struct stream *s, uint32_t hash, uint32_t number)
{
        uint32_t mask = s->slot_mask, hole = hash & mask;

        while (s->slots[hole].flow != number)
                hole = (hole + 1) & mask;
        for (uint32_t i = (hole + 1) & mask; s->slots[i].flow; i = (i + 1) & mask) {
                /* May it stand in the hole? Not if its home lies behind the hole. */
                if (((i - s->slots[i].hash) & mask) < ((i - hole) & mask))
                        continue;
                s->slots[hole] = s->slots[i];
                hole = i;
        }
        s->slots[hole].flow = 0;
}

static bool index_resize(struct stream *s, uint32_t slots)
{
        struct slot *old = s->slots;
        uint32_t old_slots = old ? s->slot_mask + 1 : 0;
        struct slot *new = calloc(slots, sizeof(*new));

        if (!new)
                return false;
        s->slots = new;
        s->slot_mask = slots - 1;
        for (uint32_t i = 0; i < old_slots; i++)
                if (old[i].flow)
                        index_put(s, old[i].hash, old[i].flow);
        free(old);
        return true;
}

/* ---- life of a flow ---- */

static void forget(struct stream *s, uint32_t number)
{
        struct flow *f = flow_at(s, number);

        flow_close(f, &s->context, s->now_ns);
        if (f->is_stalled)
                queue_remove(s, &s->stalled, stall_links, number);
        queue_remove(s, &s->queues[f->queue], age_links, number);
        index_remove(s, f->hash, number);
        slab_give(&s->flows, number);
}

static void enqueue(struct stream *s, uint32_t number, enum flow_queue queue,
                    int64_t when_ns)
{
        struct flow *f = flow_at(s, number);

        f->queue = (uint8_t)queue;
        f->queued_ns = when_ns;
        queue_append(s, &s->queues[queue], age_links, number);
}

static enum flow_queue proper_queue(const struct flow *f)
{
        bool spoken = f->side[0].next || f->side[1].next;

        return f->closed || !spoken ? FLOW_QUEUE_SHORT : FLOW_QUEUE_LONG;
}

static int64_t queue_time(const struct stream *s, enum flow_queue queue)
{
        return queue == FLOW_QUEUE_SHORT ? s->options.half_open_ns : s->options.idle_ns;
}

static void requeue(struct stream *s, uint32_t number, enum flow_queue queue)
{
        struct flow *f = flow_at(s, number);

        queue_remove(s, &s->queues[f->queue], age_links, number);
        enqueue(s, number, queue, f->last_ns);
}

static bool age_one(struct stream *s, enum flow_queue queue)
{
        uint32_t number = s->queues[queue].oldest;

        if (!number)
                return false;
        struct flow *f = flow_at(s, number);
        if (s->now_ns - f->queued_ns < queue_time(s, queue))
                return false;
        if (s->now_ns - f->last_ns < queue_time(s, proper_queue(f))) {
                requeue(s, number, proper_queue(f));
                return true;
        }
        s->counters->flows_timed_out += !f->closed;
        forget(s, number);
        return true;
}

/* The table is full: the oldest that has been silent, half-open ones first. */
static void evict_one(struct stream *s)
{
        enum flow_queue queue =
            s->queues[FLOW_QUEUE_SHORT].oldest ? FLOW_QUEUE_SHORT : FLOW_QUEUE_LONG;

        for (int i = 0; i < EVICT_TRIES; i++) {
                uint32_t number = s->queues[queue].oldest;
                struct flow *f = flow_at(s, number);
                if (f->last_ns == f->queued_ns || number == s->queues[queue].newest)
                        break;
                requeue(s, number, queue);
        }
        uint32_t victim = s->queues[queue].oldest;
        s->counters->flows_evicted += !flow_at(s, victim)->closed;
        forget(s, victim);
}

static uint32_t new_flow(struct stream *s, uint32_t hash, const struct endpoint pair[2])
{
        uint32_t slots = s->slot_mask + 1;

        if (s->flows.used == s->flows.capacity)
                evict_one(s);
        else if (s->flows.used >= slots / 2 && !index_resize(s, slots * 2) &&
                 s->flows.used >= slots - slots / 8)
                evict_one(s);
        uint32_t number = slab_take(&s->flows);
        CHECK(number);
        struct flow *f = flow_at(s, number);
        f->endpoint[0] = pair[0];
        f->endpoint[1] = pair[1];
        f->hash = hash;
        f->last_ns = s->now_ns;
        f->side[0].end = f->side[1].end = INT64_MAX;
        index_put(s, hash, number);
        enqueue(s, number, FLOW_QUEUE_SHORT, s->now_ns);
        s->counters->flows++;
        return number;
}

/* ---- holes that wait ---- */

static void note_stall(struct stream *s, uint32_t number)
{
        struct flow *f = flow_at(s, number);
        bool stalled = !f->closed && flow_needs_patience(f);

        if (stalled == f->is_stalled)
                return;
        f->is_stalled = stalled;
        if (!stalled) {
                queue_remove(s, &s->stalled, stall_links, number);
                return;
        }
        f->stalled_ns = f->stall_check_ns = s->now_ns;
        queue_append(s, &s->stalled, stall_links, number);
}

static bool check_one_stall(struct stream *s)
{
        uint32_t number = s->stalled.oldest;

        if (!number)
                return false;
        struct flow *f = flow_at(s, number);
        if (s->now_ns - f->stall_check_ns < s->options.reorder_ns)
                return false;
        bool all = s->now_ns - f->stalled_ns >= UNACKED_PATIENCE * s->options.reorder_ns;
        queue_remove(s, &s->stalled, stall_links, number);
        f->is_stalled = false;
        int64_t since_ns = f->stalled_ns;
        int64_t before = f->side[0].next + f->side[1].next;
        flow_give_up(f, &s->context, all, s->now_ns);
        if (f->side[0].ended && f->side[1].ended)
                flow_close(f, &s->context, s->now_ns);
        note_stall(s, number);
        if (f->is_stalled && before == f->side[0].next + f->side[1].next)
                f->stalled_ns = since_ns; /* the same hole still */
        return true;
}

static void advance(struct stream *s, int64_t now_ns, int work)
{
        if (now_ns > s->now_ns)
                s->now_ns = now_ns;
        for (int i = 0; i < work && check_one_stall(s); i++)
                ;
        for (int queue = 0; queue < FLOW_QUEUES; queue++)
                for (int i = 0; i < work && age_one(s, queue); i++)
                        ;
}

/* ---- the public face ---- */

struct stream *stream_new(const struct stream_options *options,
                          const struct stream_handler *handler, struct counters *counters)
{
        struct stream *s = calloc(1, sizeof(*s));

        CHECK(s);
        s->options = *options;
        s->handler = handler;
        s->counters = counters;
        s->now_ns = INT64_MIN / 2;
        duplicate_init(&s->duplicates, options->hash_key);
        s->context = (struct flow_context){
                .handler = handler,
                .blocks = &s->blocks,
                .duplicates = &s->duplicates,
                .unanswered = options->unanswered,
                .unanswered_context = options->unanswered_context,
                .limits = { options->flow_memory, FLOW_PIECES_MAX },
                .counters = counters,
        };
        if (!slab_init(&s->flows, sizeof(struct flow) + handler->user_size,
                       options->flows_max) ||
            !blocks_init(&s->blocks, options->memory_max) ||
            !index_resize(s, INDEX_SLOTS_MIN))
                stream_free(&s);
        return s;
}

void stream_free(struct stream **stream)
{
        struct stream *s = *stream;

        if (!s)
                return;
        slab_free(&s->flows);
        blocks_free(&s->blocks);
        free(s->slots);
        free(s);
        *stream = NULL;
}

/* ---- when only some visitors are looked at ---- */

static uint8_t rank_of(const struct stream *s, const struct ip *initiator)
{
        return s->options.rank(s->options.rank_context, initiator);
}

/* A flow that is not known: who, probably, opened it? */
static const struct ip *probable_initiator(const struct segment *segment)
{
        bool from_initiator = segment->source_port >= segment->destination_port;

        if (segment->flags & SEGMENT_SYN)
                from_initiator = !(segment->flags & SEGMENT_ACK);
        return from_initiator ? &segment->source : &segment->destination;
}

static bool may_begin(const struct stream *s, const struct segment *segment)
{
        if (s->sample_shift == 0 ||
            rank_of(s, probable_initiator(segment)) >= s->sample_shift)
                return true;
        s->counters->flows_sampled_out +=
            (segment->flags & (SEGMENT_SYN | SEGMENT_ACK)) == SEGMENT_SYN;
        return false;
}

/* False: it is closed and forgotten. */
static bool may_go_on(struct stream *s, uint32_t number)
{
        struct flow *f = flow_at(s, number);
        const struct endpoint *initiator = &f->endpoint[FLOW_INITIATOR];

        if (s->sample_shift == 0)
                return true;
        if (f->midstream && initiator->port < f->endpoint[FLOW_RESPONDER].port)
                initiator = &f->endpoint[FLOW_RESPONDER];
        if (!f->has_rank)
                f->rank = rank_of(s, &initiator->ip);
        f->has_rank = true;
        if (f->rank >= s->sample_shift)
                return true;
        s->counters->flows_sampled_out++;
        forget(s, number);
        return false;
}

/* Nothing to learn from these when the flow is not known. */
static bool begins_nothing(const struct segment *segment)
{
        return !(segment->flags & SEGMENT_SYN) &&
               (segment->length == 0 || segment->flags & SEGMENT_RST);
}

void stream_segment(struct stream *s, const struct segment *segment, int64_t time_ns)
{
        struct endpoint pair[2] = {
                { segment->source, segment->source_port },
                { segment->destination, segment->destination_port },
        };
        enum flow_side from = FLOW_INITIATOR;

        s->counters->segments++;
        advance(s, time_ns, AGE_PER_SEGMENT);
        uint32_t hash = flow_hash(s, pair);
        uint32_t number = index_find(s, hash, pair, &from);
        if (!number) {
                if (begins_nothing(segment) || !may_begin(s, segment))
                        return;
                number = new_flow(s, hash, pair);
                struct flow *f = flow_at(s, number);
                if ((segment->flags & (SEGMENT_SYN | SEGMENT_ACK)) ==
                    (SEGMENT_SYN | SEGMENT_ACK)) {
                        f->endpoint[0] = pair[1];
                        f->endpoint[1] = pair[0];
                        f->side[0].base = segment->ack;
                        f->side[0].known = true;
                        from = FLOW_RESPONDER;
                }
        } else if (!may_go_on(s, number)) {
                return;
        }
        struct flow *f = flow_at(s, number);
        f->last_ns = s->now_ns;
        flow_segment(f, &s->context, from, segment, s->now_ns);
        note_stall(s, number);
        if (f->queue != proper_queue(f))
                requeue(s, number, proper_queue(f));
}

void stream_sample(struct stream *s, uint8_t shift)
{
        CHECK(shift == 0 || s->options.rank);
        s->sample_shift = shift;
}

void stream_take_shapes(struct stream *s, bool takes)
{
        s->context.leaves_shapes = !takes;
}

void stream_advance(struct stream *s, int64_t now_ns)
{
        advance(s, now_ns, 1024);
}

void stream_finish(struct stream *s)
{
        for (int queue = 0; queue < FLOW_QUEUES; queue++)
                while (s->queues[queue].oldest)
                        forget(s, s->queues[queue].oldest);
        s->now_ns = INT64_MIN / 2;
}

uint32_t stream_flow_count(const struct stream *s)
{
        return s->flows.used;
}

uint64_t stream_held(const struct stream *s)
{
        return s->blocks.used;
}

uint64_t stream_memory(const struct stream *s)
{
        return slab_bytes(&s->flows) +
               ((uint64_t)s->slot_mask + 1) * sizeof(struct slot) + s->blocks.used;
}
