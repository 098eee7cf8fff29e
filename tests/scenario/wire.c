/* SPDX-License-Identifier: MIT */
#include "wire.h"

#include "packet/frame.h"

#include <stdlib.h>

enum { SERVER_PORT = 80, CONNECTIONS_MAX = 64 };

/* One end of a connection: what it has sent, and what the other has received. */
struct end {
        uint32_t seq;
};

struct link {
        uint16_t port;
        struct end end[2]; /* client, server */
};

struct builder {
        struct wire *wire;
        const struct wire_options *options;
        struct link links[CONNECTIONS_MAX];
        unsigned link_count;
        int64_t wait_ns;
};

static void put_be16(struct buf *b, uint32_t value)
{
        buf_put_byte(b, (uint8_t)(value >> 8));
        buf_put_byte(b, (uint8_t)value);
}

static void put_be32(struct buf *b, uint32_t value)
{
        put_be16(b, value >> 16);
        put_be16(b, value & 0xffff);
}

static void put_ipv4(struct buf *b, size_t payload, bool from_server)
{
        static const uint8_t client[4] = { 198, 51, 100, 7 },
                             server[4] = { 192, 0, 2, 1 };

        buf_put(b, "\x45\0", 2);
        put_be16(b, (uint32_t)(20 + payload));
        buf_put(b, "\0\0\x40\0\x40\x06\0\0", 8);
        buf_put(b, from_server ? server : client, 4);
        buf_put(b, from_server ? client : server, 4);
}

static void put_ipv6(struct buf *b, size_t payload, bool from_server)
{
        static const uint8_t client[16] = { 0x20, 1, 0x0d, 0xb8, [15] = 7 },
                             server[16] = { 0x20, 1, 0x0d, 0xb8, 1, [15] = 1 };

        put_be32(b, 0x60000000);
        put_be16(b, (uint32_t)payload);
        buf_put(b, "\x06\x40", 2);
        buf_put(b, from_server ? server : client, 16);
        buf_put(b, from_server ? client : server, 16);
}

static void add_packet(struct builder *w, struct link *link, bool from_server,
                       uint8_t flags, uint32_t seq, struct slice payload)
{
        struct wire *wire = w->wire;

        if (wire->count == wire->room) {
                wire->room = wire->room ? wire->room * 2 : 64;
                wire->packets =
                    realloc(wire->packets, wire->room * sizeof(*wire->packets));
                if (!wire->packets)
                        abort();
        }
        struct wire_packet *packet = &wire->packets[wire->count++];
        *packet =
            (struct wire_packet){ .wait_ns = w->wait_ns, .is_data = payload.len > 0 };
        w->wait_ns = 0;
        struct buf *b = &packet->bytes;
        (w->options->ipv6 ? put_ipv6 : put_ipv4)(b, 20 + payload.len, from_server);
        put_be16(b, from_server ? SERVER_PORT : link->port);
        put_be16(b, from_server ? link->port : SERVER_PORT);
        put_be32(b, seq);
        put_be32(b, flags & SEGMENT_ACK ? link->end[!from_server].seq : 0);
        buf_put_byte(b, 0x50);
        buf_put_byte(b, flags);
        buf_put(b, "\xff\xff\0\0\0\0", 6);
        buf_put_slice(b, payload);
}

static struct link *find_link(struct builder *w, const struct script_step *step)
{
        for (unsigned i = 0; i < w->link_count; i++)
                if (w->links[i].port == step->port)
                        return &w->links[i];
        if (w->link_count == CONNECTIONS_MAX)
                abort();
        struct link *link = &w->links[w->link_count++];
        *link = (struct link){ step->port, { { step->seq }, { step->seq + 5000 } } };
        if (step->midstream)
                return link;
        add_packet(w, link, false, SEGMENT_SYN, link->end[0].seq++, slice_none());
        add_packet(w, link, true, SEGMENT_SYN | SEGMENT_ACK, link->end[1].seq++,
                   slice_none());
        add_packet(w, link, false, SEGMENT_ACK, link->end[0].seq, slice_none());
        return link;
}

/* How much of `rest` the next segment takes. */
static size_t segment_size(const struct wire_options *options, size_t sent, size_t rest)
{
        if (options->split_size)
                return rest < options->split_size ? rest : options->split_size;
        if (options->split_at && sent == 0 && options->split_at < rest)
                return options->split_at;
        return rest;
}

static void send_data(struct builder *w, struct link *link,
                      const struct script_step *step)
{
        struct end *end = &link->end[step->from_server];
        struct slice rest = buf_slice(&step->bytes);

        for (size_t sent = 0; rest.len;) {
                size_t size = segment_size(w->options, sent, rest.len);
                size_t again = sent < w->options->overlap ? sent : w->options->overlap;
                if (!step->lost)
                        add_packet(w, link, step->from_server, SEGMENT_ACK | SEGMENT_PSH,
                                   end->seq - (uint32_t)again,
                                   slice_of(rest.data - again, size + again));
                end->seq += (uint32_t)size;
                sent += size;
                rest = slice_from(rest, size);
        }
}

static void play(struct builder *w, const struct script_step *step)
{
        if (step->kind == SCRIPT_WAIT) {
                w->wait_ns += step->wait_ns;
                return;
        }
        struct link *link = find_link(w, step);
        struct end *end = &link->end[step->from_server];
        switch (step->kind) {
        case SCRIPT_DATA:
                send_data(w, link, step);
                break;
        case SCRIPT_FIN:
                if (!step->lost)
                        add_packet(w, link, step->from_server, SEGMENT_ACK | SEGMENT_FIN,
                                   end->seq, slice_none());
                end->seq++;
                break;
        case SCRIPT_RST:
                add_packet(w, link, step->from_server, SEGMENT_RST, end->seq,
                           slice_none());
                break;
        default:
                add_packet(w, link, step->from_server, SEGMENT_ACK, end->seq,
                           slice_none());
                break;
        }
}

void wire_make(struct wire *wire, const struct script *script,
               const struct wire_options *options)
{
        struct builder builder = { .wire = wire, .options = options };

        *wire = (struct wire){ 0 };
        for (unsigned i = 0; i < script->step_count; i++)
                play(&builder, &script->steps[i]);
}

void wire_free(struct wire *wire)
{
        for (size_t i = 0; i < wire->count; i++)
                buf_free(&wire->packets[i].bytes);
        free(wire->packets);
        *wire = (struct wire){ 0 };
}
