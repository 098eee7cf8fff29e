/* SPDX-License-Identifier: MIT */
#include "stream/flow_priv.h"

#include "base/check.h"

/* A RST is believed this far ahead of what was delivered (the capture may lag). */
enum { RESET_AHEAD = 1 << 20 };

/* Times of SYNs are in units of 2^24 ns, about 17 ms; this is half a second of them. */
enum { TICK_SHIFT = 24, SYN_PATIENCE = 30 };

/* Sequence number to offset: the one nearest to what is expected next. */
static int64_t offset_of(const struct side *side, uint32_t seq)
{
        uint32_t expected = side->base + (uint32_t)side->next;

        return side->next + (int32_t)(seq - expected);
}

static void side_begin(struct side *side, uint32_t base)
{
        *side = (struct side){ .base = base, .known = true, .end = INT64_MAX };
}

static enum flow_end end_by(enum flow_side which)
{
        return which == FLOW_INITIATOR ? FLOW_END_INITIATOR : FLOW_END_RESPONDER;
}

static void note_end(struct flow *f, enum flow_end end)
{
        if (f->ended_by == FLOW_END_NONE)
                f->ended_by = (uint8_t)end;
}

static void check_end(struct flow *f, const struct flow_context *c, enum flow_side which,
                      int64_t time_ns)
{
        struct side *side = &f->side[which];

        if (side->ended || side->next < side->end)
                return;
        side->ended = true;
        note_end(f, end_by(which));
        if (!f->ignored)
                c->handler->ended(c->handler->context, f, which, time_ns);
}

/* Passes over bytes that are not wanted, up to `to` at most. */
static void skip_to(struct flow *f, const struct flow_context *c, enum flow_side which,
                    int64_t to, int64_t time_ns)
{
        struct side *side = &f->side[which];

        if (to > side->skip_until)
                to = side->skip_until;
        if (to <= side->next)
                return;
        side->next = to;
        if (to == side->skip_until && !f->ignored)
                c->handler->skipped(c->handler->context, f, which, time_ns);
}

/* Everything before `to` that has not come will not come any more. */
static void lose(struct flow *f, const struct flow_context *c, enum flow_side which,
                 int64_t to, int64_t time_ns)
{
        struct side *side = &f->side[which];

        if (to > side->end)
                to = side->end;
        /* A skip that ends may be followed by the next one. */
        while (side->next < to && side->next < side->skip_until)
                skip_to(f, c, which, to, time_ns);
        if (side->next < to) {
                c->counters->gaps++;
                c->counters->gap_bytes += (uint64_t)(to - side->next);
                side->next = to;
                if (!f->ignored)
                        c->handler->gap(c->handler->context, f, which, time_ns);
        }
        check_end(f, c, which, time_ns);
}

/* Hands over bytes that begin at or before `next`, less what was handed over. */
static void deliver(struct flow *f, const struct flow_context *c, enum flow_side which,
                    struct flow_bytes bytes)
{
        struct side *side = &f->side[which];
        int64_t end = bytes.offset + (int64_t)bytes.bytes.len;

        while (side->next < end && side->next < side->skip_until)
                skip_to(f, c, which, end, bytes.time_ns);
        if (side->next < end) {
                int64_t passed = side->next - bytes.offset;
                bytes.bytes = slice_from(bytes.bytes, (size_t)passed);
                bytes.offset += passed;
                bytes.starts_segment = bytes.starts_segment && passed == 0;
                side->next = end;
                if (!f->ignored)
                        c->handler->bytes(c->handler->context, f, which, &bytes);
        }
        check_end(f, c, which, bytes.time_ns);
}

/* Was all that the sender had heard handed over already? */
static bool is_causal(const struct flow *f, enum flow_side which, int64_t heard)
{
        const struct side *peer = &f->side[!which];

        return heard <= peer->next || peer->ended || f->ignored;
}

/* Delivers held pieces of one direction as far as they go. True if any went. */
static bool drain_side(struct flow *f, const struct flow_context *c, enum flow_side which)
{
        struct side *side = &f->side[which];
        bool progress = false;

        while (side->held.first) {
                struct reasm_piece *piece = side->held.first;
                if (piece->offset > side->next)
                        skip_to(f, c, which, piece->offset, piece->time_ns);
                if (piece->offset > side->next || !is_causal(f, which, piece->heard))
                        break;
                reasm_take_first(&side->held);
                deliver(f, c, which,
                        (struct flow_bytes){ slice_of(piece->data, piece->len),
                                             piece->offset, piece->heard, piece->time_ns,
                                             piece->starts_segment });
                reasm_piece_free(c->blocks, piece);
                progress = true;
        }
        return progress;
}

static void drain(struct flow *f, const struct flow_context *c)
{
        bool progress = true;

        while (progress && (f->side[0].held.first || f->side[1].held.first)) {
                progress = drain_side(f, c, FLOW_INITIATOR);
                progress |= drain_side(f, c, FLOW_RESPONDER);
        }
}

bool flow_needs_patience(const struct flow *f)
{
        for (int i = 0; i < 2; i++)
                if (f->side[i].held.first || f->side[i].acked > f->side[i].next)
                        return true;
        return false;
}

/*
 * How far this direction's hole reaches that may be given up now. Not past what the
 * peer's next held bytes wait for: they come before the rest of the hole.
 */
static int64_t hole_end(const struct flow *f, enum flow_side which, bool all)
{
        const struct side *side = &f->side[which];
        const struct reasm_piece *held = side->held.first,
                                 *waiting = f->side[!which].held.first;
        int64_t end = side->acked;

        if (held && (all || end > held->offset))
                end = held->offset;
        if (waiting && waiting->heard > side->next && waiting->heard < end)
                end = waiting->heard;
        return end;
}

void flow_give_up(struct flow *f, const struct flow_context *c, bool all, int64_t time_ns)
{
        bool progress = true;

        while (progress) {
                progress = false;
                for (int i = 0; i < 2; i++) {
                        int64_t to = hole_end(f, i, all);
                        if (f->side[i].known && f->side[i].next < to &&
                            f->side[i].next < f->side[i].end) {
                                lose(f, c, i, to, time_ns);
                                drain(f, c);
                                progress = true;
                        }
                }
        }
}

void flow_close(struct flow *f, const struct flow_context *c, int64_t time_ns)
{
        if (f->closed)
                return;
        flow_give_up(f, c, true, time_ns);
        f->closed = true;
        c->handler->closed(c->handler->context, f, time_ns);
        for (int i = 0; i < 2; i++)
                reasm_clear(&f->side[i].held, c->blocks);
}

/* Forgets the old connection of these ports; `from` begins a new one. */
static void restart(struct flow *f, const struct flow_context *c, enum flow_side from,
                    int64_t time_ns)
{
        flow_close(f, c, time_ns);
        c->counters->flows_reused++;
        if (from == FLOW_RESPONDER) {
                struct endpoint swap = f->endpoint[0];
                f->endpoint[0] = f->endpoint[1];
                f->endpoint[1] = swap;
        }
        for (int i = 0; i < 2; i++)
                f->side[i] = (struct side){ .end = INT64_MAX };
        f->has_reuse = f->midstream = f->ignored = f->closed = f->is_told = false;
        f->has_rank = false;
        f->ended_by = FLOW_END_NONE;
        f->shape = (struct tcp_shape){ 0 };
        memset(f->user, 0, c->handler->user_size);
}

static uint16_t ticks_of(int64_t time_ns)
{
        return (uint16_t)(time_ns >> TICK_SHIFT);
}

/* The initiator's SYN was seen, and not a word of anybody after it. */
static bool is_half_open(const struct flow *f)
{
        return f->side[FLOW_INITIATOR].known && !f->side[FLOW_RESPONDER].known &&
               !f->midstream && !f->side[FLOW_INITIATOR].next;
}

static void tell_unanswered(struct flow *f, const struct flow_context *c, int64_t time_ns)
{
        uint16_t ticks = (uint16_t)(ticks_of(time_ns) - f->syn_time);

        if (f->is_told || !c->unanswered || !is_half_open(f))
                return;
        f->is_told = true;
        c->unanswered(c->unanswered_context, f, time_ns - ((int64_t)ticks << TICK_SHIFT));
}

/*
 * A SYN on a connection that lives may be forged or a late duplicate (RFC 5961
 * 4): it is remembered, and believed when the other side answers it.
 */
static void on_syn(struct flow *f, const struct flow_context *c, enum flow_side from,
                   const struct segment *segment, int64_t time_ns)
{
        struct side *side = &f->side[from];
        uint32_t base = segment->seq + 1;

        if (side->known && side->base == base && from == FLOW_INITIATOR && !f->closed) {
                if ((uint16_t)(ticks_of(time_ns) - f->syn_time) >= SYN_PATIENCE)
                        tell_unanswered(f, c, time_ns);
                return;
        }
        bool untouched = !f->side[0].next && !f->side[1].next && !f->side[!from].known;
        if (f->closed || (untouched && from == FLOW_INITIATOR)) {
                if (f->closed)
                        restart(f, c, from, time_ns);
                side_begin(&f->side[FLOW_INITIATOR], base);
                f->shape = (struct tcp_shape){ 0 };
                if (!c->leaves_shapes)
                        f->shape =
                            tcp_shape_of(segment->options, segment->window, segment->ttl);
                f->syn_time = ticks_of(time_ns);
                f->is_told = false;
                return;
        }
        f->has_reuse = true;
        f->reuse_seq = base;
        f->reuse_side = from;
}

static void on_syn_ack(struct flow *f, const struct flow_context *c, enum flow_side from,
                       const struct segment *segment, int64_t time_ns)
{
        bool answers =
            f->has_reuse && f->reuse_side != from && segment->ack == f->reuse_seq;

        if (f->closed || answers) {
                restart(f, c, !from, time_ns);
                side_begin(&f->side[FLOW_INITIATOR], segment->ack);
                side_begin(&f->side[FLOW_RESPONDER], segment->seq + 1);
        } else if (from == FLOW_RESPONDER && !f->side[FLOW_RESPONDER].known &&
                   segment->ack == f->side[FLOW_INITIATOR].base) {
                side_begin(&f->side[FLOW_RESPONDER], segment->seq + 1);
        }
}

/* The first segment of a connection whose SYN was not seen here. */
static void begin_anywhere(struct flow *f, const struct flow_context *c,
                           const struct segment *segment)
{
        f->midstream = true;
        c->counters->flows_midstream++;
        side_begin(&f->side[FLOW_INITIATOR], segment->seq);
}

static void on_ack(struct flow *f, const struct flow_context *c, enum flow_side from,
                   const struct segment *segment, int64_t time_ns)
{
        struct side *peer = &f->side[!from];

        if (!peer->known)
                side_begin(peer, segment->ack);
        int64_t ack = offset_of(peer, segment->ack);
        if (ack > peer->end)
                ack = peer->end; /* the FIN takes a number but no byte */
        if (ack <= peer->acked || ack - peer->next > FLOW_WINDOW_MAX)
                return;
        peer->acked = ack;
        if (peer->next < ack && peer->next < peer->skip_until) {
                skip_to(f, c, !from, ack, time_ns);
                check_end(f, c, !from, time_ns);
        }
}

/* A segment brought nothing new: the network's copy, or the sender's. */
static void on_copy(struct flow *f, const struct flow_context *c,
                    const struct segment *segment, int64_t time_ns)
{
        if (duplicate_is_known(c->duplicates, segment, f->hash, time_ns))
                c->counters->packets_duplicated++;
        else
                c->counters->segments_retransmitted++;
}

/* False when a cap refused a part of it. */
static bool hold(struct flow *f, const struct flow_context *c, enum flow_side from,
                 const struct segment *segment, const struct flow_bytes *bytes)
{
        struct side *side = &f->side[from];
        struct reasm_segment piece = { bytes->offset, bytes->heard, bytes->time_ns,
                                       bytes->bytes };

        enum reasm_result result =
            reasm_hold(&side->held, c->blocks, &c->limits, &piece, c->counters);
        if (result == REASM_DUPLICATE)
                on_copy(f, c, segment, bytes->time_ns);
        else
                duplicate_note(c->duplicates, segment, f->hash, bytes->time_ns);
        return result != REASM_FULL;
}

/* Waits for what comes before it. Where there is no room to wait, patience ends. */
static void hold_and_drain(struct flow *f, const struct flow_context *c,
                           enum flow_side from, const struct segment *segment,
                           const struct flow_bytes *bytes)
{
        c->counters->segments_out_of_order += bytes->offset > f->side[from].next;
        if (!hold(f, c, from, segment, bytes)) {
                flow_give_up(f, c, false, bytes->time_ns);
                c->counters->reassembly_full += !hold(f, c, from, segment, bytes);
        }
        drain(f, c);
}

/* What the sender had received; an acknowledgement too far off to be true is none. */
static int64_t heard_by(const struct flow *f, enum flow_side from,
                        const struct segment *segment)
{
        const struct side *peer = &f->side[!from];

        if (!(segment->flags & SEGMENT_ACK))
                return 0;
        int64_t heard = offset_of(peer, segment->ack);
        return heard - peer->next > FLOW_WINDOW_MAX ? 0 : heard;
}

static void on_payload(struct flow *f, const struct flow_context *c, enum flow_side from,
                       const struct segment *segment, int64_t start, int64_t time_ns)
{
        struct side *side = &f->side[from];
        int64_t end = start + segment->length;

        if (end <= side->next) {
                on_copy(f, c, segment, time_ns);
                return;
        }
        if (start > side->next)
                skip_to(f, c, from, start, time_ns);
        if (start < side->next)
                c->counters->segments_overlapping++;

        struct flow_bytes bytes = { segment->payload, start, heard_by(f, from, segment),
                                    time_ns, true };
        bool ready =
            start <= side->next && !side->held.first && is_causal(f, from, bytes.heard);
        if (!ready) {
                hold_and_drain(f, c, from, segment, &bytes);
                return;
        }
        duplicate_note(c->duplicates, segment, f->hash, time_ns);
        deliver(f, c, from, bytes);
        if (segment->length > segment->payload.len) {
                c->counters->segments_truncated++;
                lose(f, c, from, end, time_ns);
        }
        if (f->side[!from].held.first)
                drain(f, c);
}

static bool reset_is_believed(const struct side *side, const struct segment *segment)
{
        int64_t offset = offset_of(side, segment->seq);

        return !side->known ||
               (offset >= side->next - 1 && offset <= side->next + RESET_AHEAD);
}

static void on_fin(struct flow *f, const struct flow_context *c, enum flow_side from,
                   int64_t end, int64_t time_ns)
{
        struct side *side = &f->side[from];

        /* Its number was acknowledged before it came, while bytes were passed over. */
        if (end + 1 == side->next && end < side->skip_until)
                side->next = end;
        if (end < side->next || side->end != INT64_MAX)
                return;
        side->end = end;
        if (side->acked > end)
                side->acked = end;
        skip_to(f, c, from, end, time_ns);
        check_end(f, c, from, time_ns);
        drain(f, c);
}

/*
 * Before a SYN is answered, an acknowledgement of what was never sent speaks of an older
 * connection of these ports (RFC 5961 4).
 */
static bool is_challenge(const struct flow *f, enum flow_side from,
                         const struct segment *segment)
{
        const struct side *initiator = &f->side[FLOW_INITIATOR];

        return from == FLOW_RESPONDER && !f->side[FLOW_RESPONDER].known &&
               initiator->known && !f->midstream && initiator->next == 0 &&
               segment->length == 0 && !(segment->flags & SEGMENT_FIN) &&
               offset_of(initiator, segment->ack) != 0;
}

/* Its sender had more of the other side than we have: bytes, or the FIN. */
static bool has_heard_more(const struct flow *f, enum flow_side from,
                           const struct segment *segment)
{
        const struct side *peer = &f->side[!from];

        return segment->flags & SEGMENT_ACK && peer->known &&
               offset_of(peer, segment->ack) > peer->next;
}

static void on_data(struct flow *f, const struct flow_context *c, enum flow_side from,
                    const struct segment *segment, int64_t time_ns)
{
        struct side *side = &f->side[from];

        if (is_challenge(f, from, segment))
                return;
        if (f->has_reuse && f->reuse_side == from && segment->seq == f->reuse_seq &&
            segment->length > 0) {
                restart(f, c, from, time_ns);
                from = FLOW_INITIATOR;
                side = &f->side[from];
                side_begin(side, segment->seq);
        }
        if (!side->known) {
                side_begin(side, segment->seq);
                f->midstream = true;
        }
        if (segment->flags & SEGMENT_ACK)
                on_ack(f, c, from, segment, time_ns);

        int64_t start = offset_of(side, segment->seq + !!(segment->flags & SEGMENT_SYN));
        if (start - side->next > FLOW_WINDOW_MAX) {
                c->counters->segments_out_of_window++;
                return;
        }
        if (segment->length > 0)
                on_payload(f, c, from, segment, start, time_ns);
        if (segment->flags & SEGMENT_FIN) {
                if (has_heard_more(f, from, segment))
                        note_end(f, FLOW_END_UNCLEAR);
                on_fin(f, c, from, start + segment->length, time_ns);
        }
        if (f->side[0].ended && f->side[1].ended)
                flow_close(f, c, time_ns);
}

static void on_reset(struct flow *f, const struct flow_context *c, enum flow_side from,
                     const struct segment *segment, int64_t time_ns)
{
        const struct side *side = &f->side[from];

        if (reset_is_believed(side, segment)) {
                if (from == FLOW_RESPONDER && (segment->flags & SEGMENT_ACK) &&
                    segment->ack == f->side[FLOW_INITIATOR].base)
                        tell_unanswered(f, c, time_ns);
                bool is_next =
                    !side->known || offset_of(side, segment->seq) <= side->next;
                note_end(f, is_next ? end_by(from) : FLOW_END_UNCLEAR);
                flow_close(f, c, time_ns);
        } else
                c->counters->resets_ignored++;
}

/* Who sends a SYN is the initiator; its data (RFC 7413) belongs to this connection. */
static bool syn_carries_data(const struct flow *f, enum flow_side from,
                             const struct segment *segment)
{
        return segment->length > 0 && !f->closed && f->side[from].known &&
               f->side[from].base == segment->seq + 1;
}

void flow_segment(struct flow *f, const struct flow_context *c, enum flow_side from,
                  const struct segment *segment, int64_t time_ns)
{
        if (segment->flags & SEGMENT_SYN) {
                bool answer = segment->flags & SEGMENT_ACK;
                (answer ? on_syn_ack : on_syn)(f, c, from, segment, time_ns);
                from = answer ? FLOW_RESPONDER : FLOW_INITIATOR;
                if (!syn_carries_data(f, from, segment))
                        return;
        }
        if (f->closed)
                return;
        if (!f->side[0].known && !f->side[1].known)
                begin_anywhere(f, c, segment);
        if (segment->flags & SEGMENT_RST)
                on_reset(f, c, from, segment, time_ns);
        else
                on_data(f, c, from, segment, time_ns);
}

void *flow_user(struct flow *f)
{
        return f->user;
}

const struct endpoint *flow_endpoint(const struct flow *f, enum flow_side which)
{
        return &f->endpoint[which];
}

bool flow_is_midstream(const struct flow *f)
{
        return f->midstream;
}

bool flow_was_refused(const struct flow *f, enum flow_side from)
{
        const struct side *own = &f->side[from];

        return f->ended_by == end_by(!from) ||
               (f->ended_by == end_by(from) && own->acked < own->next);
}

struct tcp_shape flow_tcp_shape(const struct flow *f)
{
        return f->shape;
}

int64_t flow_position(const struct flow *f, enum flow_side which)
{
        return f->side[which].next;
}

void flow_skip(struct flow *f, enum flow_side which, int64_t until)
{
        if (until > f->side[which].next)
                f->side[which].skip_until = until;
}

void flow_ignore(struct flow *f)
{
        f->ignored = true;
        f->side[0].skip_until = f->side[1].skip_until = INT64_MAX;
}
