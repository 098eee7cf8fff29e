/* SPDX-License-Identifier: MIT */
#include "carry.h"

#include <stdlib.h>

enum { PIECES_MAX = 100 };

static void put_be16(struct buf *b, size_t value)
{
        buf_put_byte(b, (uint8_t)(value >> 8));
        buf_put_byte(b, (uint8_t)value);
}

/* ---- tunnels ---- */

static const struct {
        const char *name;
        uint8_t protocol;
        uint16_t port; /* of UDP; 0: none */
        bool ethernet; /* the packet gets a link header */
        struct slice header;
} tunnels[] = {
        [CARRY_VXLAN] = { "in VXLAN", 17, 4789, true, SLICE("\x08\0\0\0\0\0\x2a\0") },
        [CARRY_GENEVE] = { "in Geneve", 17, 6081, true,
                           SLICE("\x01\0\x65\x58\0\0\x2a\0\1\2\x80\0") },
        [CARRY_GRE] = { "in GRE", 47, 0, true, SLICE("\x20\0\x65\x58\0\0\0\x2a") },
        [CARRY_ERSPAN_I] = { "in ERSPAN I", 47, 0, true, SLICE("\0\0\x88\xbe") },
        [CARRY_ERSPAN_II] = { "in ERSPAN II", 47, 0, true,
                              SLICE("\x10\0\x88\xbe\0\0\0\7\x10\1\0\0\0\0\0\0") },
        [CARRY_IP_IN_IP] = { "in IP", 4, 0, false, SLICE("") },
};

const char *carry_name(enum carry_tunnel tunnel)
{
        return tunnels[tunnel].name;
}

static bool is_ipv6(struct slice packet)
{
        return packet.data[0] >> 4 == 6;
}

static struct buf wrapped(struct slice packet, enum carry_tunnel tunnel)
{
        size_t ethernet = tunnels[tunnel].ethernet ? 14 : 0;
        size_t udp = tunnels[tunnel].port ? 8 : 0;
        size_t inside = udp + tunnels[tunnel].header.len + ethernet + packet.len;
        uint8_t protocol = tunnels[tunnel].protocol;
        struct buf b = { 0 };

        if (protocol == 4 && is_ipv6(packet))
                protocol = 41;
        buf_put(&b, "\x45\0", 2);
        put_be16(&b, 20 + inside);
        buf_put(&b, "\0\0\0\0\xff", 5);
        buf_put_byte(&b, protocol);
        buf_put(&b, "\0\0\xcb\0\x71\1\xcb\0\x71\2", 10);
        if (udp) {
                put_be16(&b, 50000);
                put_be16(&b, tunnels[tunnel].port);
                put_be16(&b, inside);
                put_be16(&b, 0);
        }
        buf_put_slice(&b, tunnels[tunnel].header);
        if (ethernet)
                buf_put(&b, "\2\0\0\0\0\1\2\0\0\0\0\2", 12);
        if (ethernet)
                put_be16(&b, is_ipv6(packet) ? 0x86dd : 0x0800);
        buf_put_slice(&b, packet);
        return b;
}

void carry_wrap(struct wire *wire, enum carry_tunnel tunnel)
{
        for (size_t i = 0; i < wire->count; i++) {
                struct buf outer = wrapped(buf_slice(&wire->packets[i].bytes), tunnel);
                buf_free(&wire->packets[i].bytes);
                wire->packets[i].bytes = outer;
        }
}

/* ---- fragments ---- */

const char *carry_order_name(enum carry_order order)
{
        static const char *const names[] = { "in fragments", "in fragments, backwards",
                                             "in fragments, each twice" };

        return names[order];
}

static struct buf fragment4(struct slice packet, size_t from, size_t len, size_t id)
{
        bool more = 20 + from + len < packet.len;
        struct buf b = { 0 };

        buf_put(&b, packet.data, 2);
        put_be16(&b, 20 + len);
        put_be16(&b, id);
        put_be16(&b, (more ? 0x2000 : 0) | from / 8);
        buf_put(&b, packet.data + 8, 12);
        buf_put(&b, packet.data + 20 + from, len);
        return b;
}

static struct buf fragment6(struct slice packet, size_t from, size_t len, size_t id)
{
        bool more = 40 + from + len < packet.len;
        struct buf b = { 0 };

        buf_put(&b, packet.data, 4);
        put_be16(&b, 8 + len);
        buf_put_byte(&b, 44);
        buf_put(&b, packet.data + 7, 33);
        buf_put_byte(&b, packet.data[6]);
        buf_put_byte(&b, 0);
        put_be16(&b, from | more);
        put_be16(&b, 0x8000);
        put_be16(&b, id);
        buf_put(&b, packet.data + 40 + from, len);
        return b;
}

/* The pieces of one packet are put behind those of the packets before. */
static void cut_one(struct wire *to, const struct wire_packet *packet, size_t size,
                    enum carry_order order)
{
        struct slice bytes = buf_slice(&packet->bytes);
        size_t length = bytes.len - (is_ipv6(bytes) ? 40 : 20), id = to->count + 1;
        size_t copies = order == CARRY_TWICE ? 2 : 1, pieces;

        if (size < length / PIECES_MAX)
                size = (length / PIECES_MAX + 7) / 8 * 8;
        pieces = (length + size - 1) / size;
        for (size_t i = 0; i < pieces * copies; i++) {
                size_t number = i / copies;
                size_t from =
                    (order == CARRY_BACKWARD ? pieces - 1 - number : number) * size;
                size_t len = length - from < size ? length - from : size;
                to->packets[to->count++] = (struct wire_packet){
                        .bytes = (is_ipv6(bytes) ? fragment6 : fragment4)(bytes, from,
                                                                          len, id),
                        .wait_ns = i ? 0 : packet->wait_ns,
                        .at_once = i > 0 || packet->at_once,
                };
        }
}

void carry_cut(struct wire *wire, size_t size, enum carry_order order)
{
        struct wire cut = { .room = wire->count * 2 * (PIECES_MAX + 1) };

        cut.packets = calloc(cut.room, sizeof(*cut.packets));
        if (!cut.packets)
                abort();
        for (size_t i = 0; i < wire->count; i++)
                cut_one(&cut, &wire->packets[i], size, order);
        wire_free(wire);
        *wire = cut;
}
