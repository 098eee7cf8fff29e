/* SPDX-License-Identifier: MIT */
#include "tls/quic_packet.h"

#include "base/bytes.h"

enum {
        LONG_HEADER = 0x80,
        FIXED_BIT = 0x40,
        TYPE_SHIFT = 4,
        TYPE_MASK = 3,
};

static const struct quic_version versions[] = {
        /* RFC 9000, RFC 9001 5.2 */
        { 0x00000001,
          0,
          3,
          { 0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17,
            0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a },
          "quic key",
          "quic iv",
          "quic hp" },
        /* RFC 9369 3.1 to 3.3 */
        { 0x6b3343cf,
          1,
          0,
          { 0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93,
            0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9 },
          "quicv2 key",
          "quicv2 iv",
          "quicv2 hp" },
        /* draft-ietf-quic-tls 27, 29, 34: captures and old clients have them. */
        { 0xff00001b,
          0,
          3,
          { 0xc3, 0xee, 0xf7, 0x12, 0xc7, 0x2e, 0xbb, 0x5a, 0x11, 0xa7,
            0xd2, 0x43, 0x2b, 0xb4, 0x63, 0x65, 0xbe, 0xf9, 0xf5, 0x02 },
          "quic key",
          "quic iv",
          "quic hp" },
        { 0xff00001d,
          0,
          3,
          { 0xaf, 0xbf, 0xec, 0x28, 0x99, 0x93, 0xd2, 0x4c, 0x9e, 0x97,
            0x86, 0xf1, 0x9c, 0x61, 0x11, 0xe0, 0x43, 0x90, 0xa8, 0x99 },
          "quic key",
          "quic iv",
          "quic hp" },
        { 0xff000022,
          0,
          3,
          { 0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17,
            0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a },
          "quic key",
          "quic iv",
          "quic hp" },
};

static const struct quic_version *find_version(uint32_t number)
{
        for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
                if (versions[i].number == number)
                        return &versions[i];
        return NULL;
}

/* The two highest bits say whether it has 1, 2, 4 or 8 bytes (RFC 9000 16). */
static bool take_integer(struct slice *rest, uint64_t *value)
{
        struct slice bytes;

        if (rest->len == 0 || !slice_take(rest, 1U << (rest->data[0] >> 6), &bytes))
                return false;
        *value = bytes.data[0] & 0x3f;
        for (size_t i = 1; i < bytes.len; i++)
                *value = *value << 8 | bytes.data[i];
        return true;
}

static bool take_with_length(struct slice *rest, struct slice *part)
{
        uint64_t len;

        return take_integer(rest, &len) && slice_take(rest, len, part);
}

static bool take_id(struct slice *rest, struct slice *id)
{
        struct slice len;

        return slice_take(rest, 1, &len) && len.data[0] <= QUIC_ID_MAX &&
               slice_take(rest, len.data[0], id);
}

/* ---- packets ---- */

static enum quic_packet_result read_long(struct slice *datagram, struct quic_packet *p,
                                         struct slice rest)
{
        unsigned type = datagram->data[0] >> TYPE_SHIFT & TYPE_MASK;
        struct slice payload;

        if (!take_id(&rest, &p->destination_id) || !take_id(&rest, &p->source_id))
                return QUIC_PACKET_MALFORMED;
        if (type == p->version->retry_type)
                return QUIC_PACKET_NONE;
        p->is_initial = type == p->version->initial_type;
        if (p->is_initial && !take_with_length(&rest, &p->token))
                return QUIC_PACKET_MALFORMED;
        if (!take_with_length(&rest, &payload))
                return QUIC_PACKET_MALFORMED;
        p->number_at = (size_t)(payload.data - datagram->data);
        p->bytes = slice_first(*datagram, p->number_at + payload.len);
        *datagram = rest;
        return QUIC_PACKET_LONG;
}

enum quic_packet_result quic_packet_next(struct slice *datagram, struct quic_packet *p)
{
        struct slice rest = *datagram, start;

        if (rest.len == 0 || !(rest.data[0] & LONG_HEADER))
                return QUIC_PACKET_NONE;
        if (!slice_take(&rest, 5, &start))
                return QUIC_PACKET_MALFORMED;
        *p = (struct quic_packet){ .version = find_version(load_be32(start.data + 1)) };
        if (!p->version)
                return QUIC_PACKET_UNKNOWN_VERSION;
        if (!(start.data[0] & FIXED_BIT))
                return QUIC_PACKET_MALFORMED;
        return read_long(datagram, p, rest);
}

/* ---- frames ---- */

enum frame {
        FRAME_PADDING = 0x00,
        FRAME_PING = 0x01,
        FRAME_ACK = 0x02,
        FRAME_ACK_ECN = 0x03,
        FRAME_CRYPTO = 0x06,
        FRAME_CLOSE = 0x1c,
};

static bool pass_integers(struct slice *rest, uint64_t count)
{
        uint64_t ignored;

        /* Each has a byte at least, so this ends with the payload whatever `count` says.
         */
        while (count--)
                if (!take_integer(rest, &ignored))
                        return false;
        return true;
}

/* RFC 9000 19.3 */
static bool pass_ack(struct slice *rest, bool ecn)
{
        uint64_t ranges;

        return pass_integers(rest, 2) && take_integer(rest, &ranges) &&
               pass_integers(rest, 1) && pass_integers(rest, 2 * ranges + (ecn ? 3 : 0));
}

/* RFC 9000 19.19 */
static bool pass_close(struct slice *rest)
{
        struct slice reason;

        return pass_integers(rest, 2) && take_with_length(rest, &reason);
}

static enum quic_frame_result passed(bool whole)
{
        return whole ? QUIC_FRAME_OTHER : QUIC_FRAME_MALFORMED;
}

static void pass_padding(struct slice *rest)
{
        size_t len = 0;

        while (len < rest->len && rest->data[len] == FRAME_PADDING)
                len++;
        *rest = slice_from(*rest, len);
}

enum quic_frame_result quic_frame_next(struct slice *payload, uint64_t *offset,
                                       struct slice *data)
{
        uint64_t type;

        if (payload->len == 0)
                return QUIC_FRAME_NONE;
        if (!take_integer(payload, &type))
                return QUIC_FRAME_MALFORMED;
        switch (type) {
        case FRAME_PADDING:
                pass_padding(payload);
                return QUIC_FRAME_OTHER;
        case FRAME_PING:
                return QUIC_FRAME_OTHER;
        case FRAME_ACK:
        case FRAME_ACK_ECN:
                return passed(pass_ack(payload, type == FRAME_ACK_ECN));
        case FRAME_CRYPTO:
                return take_integer(payload, offset) && take_with_length(payload, data)
                           ? QUIC_FRAME_CRYPTO
                           : QUIC_FRAME_MALFORMED;
        case FRAME_CLOSE:
                return passed(pass_close(payload));
        default:
                return QUIC_FRAME_MALFORMED;
        }
}
