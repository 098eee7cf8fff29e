/* SPDX-License-Identifier: MIT */
#include "capture/pcapng.h"

#include "base/bytes.h"
#include "base/check.h"
#include "base/clock.h"

#include <stdarg.h>
#include <stdlib.h>

__extension__ typedef __int128 wide; /* 64 bits of time stamp times 10^9 */

enum block_type {
        BLOCK_INTERFACE = 1,
        BLOCK_PACKET = 2, /* obsolete */
        BLOCK_SIMPLE_PACKET = 3,
        BLOCK_ENHANCED_PACKET = 6,
        BLOCK_SECTION = 0x0a0d0d0a, /* the same in both byte orders */
};

enum option {
        OPTION_END = 0,
        OPTION_RESOLUTION = 9,
        OPTION_OFFSET = 14,
};

enum {
        HEADER = 8, /* type and length; the length comes again at the end */
        SMALLEST = 12,
        MAGIC = 0x1a2b3c4d,
        CHUNK = 1 << 16, /* grows of the buffer: no more than a file really has */
};

struct interface {
        int link;
        uint32_t snaplen;   /* 0: no limit */
        uint8_t resolution; /* as if_tsresol */
        int64_t offset_s;
};

struct pcapng {
        FILE *file;
        uint64_t offset; /* of the block that is read */
        uint8_t *block;  /* its body */
        size_t length, room;
        bool big_endian, in_section;
        struct interface *interfaces;
        uint32_t interface_count, interface_room;
        int64_t last_ns;
        char error[PCAPNG_ERROR_MAX];
};

/* What a block means for the one who waits for a packet. */
enum found { FOUND_NOTHING, FOUND_INTERFACE, FOUND_PACKET, FOUND_END, FOUND_DAMAGE };

static uint16_t get16(const struct pcapng *p, const uint8_t *at)
{
        return p->big_endian ? load_be16(at) : (uint16_t)(at[1] << 8 | at[0]);
}

static uint32_t get32(const struct pcapng *p, const uint8_t *at)
{
        return p->big_endian ? load_be32(at) : load_le32(at);
}

static uint64_t get64(const struct pcapng *p, const uint8_t *at)
{
        uint64_t first = get32(p, at), second = get32(p, at + 4);

        return p->big_endian ? first << 32 | second : second << 32 | first;
}

__attribute__((format(printf, 2, 3))) static enum found damage(struct pcapng *p,
                                                               const char *format, ...)
{
        int at = snprintf(p->error, sizeof(p->error),
                          "byte %llu: ", (unsigned long long)p->offset);
        va_list arguments;

        va_start(arguments, format);
        vsnprintf(p->error + at, sizeof(p->error) - (size_t)at, format, arguments);
        va_end(arguments);
        return FOUND_DAMAGE;
}

/* ---- blocks ---- */

static bool read_bytes(struct pcapng *p, uint8_t *into, size_t len)
{
        return fread(into, 1, len, p->file) == len;
}

/* Memory for what a block claims is taken as its bytes come. */
static bool read_body(struct pcapng *p, size_t length)
{
        for (p->length = 0; p->length < length;) {
                size_t some = length - p->length < CHUNK ? length - p->length : CHUNK;
                if (p->length + some > p->room) {
                        p->room = p->room ? p->room * 2 : CHUNK;
                        p->block = realloc(p->block, p->room);
                        CHECK(p->block);
                }
                if (!read_bytes(p, p->block + p->length, some))
                        return false;
                p->length += some;
        }
        return true;
}

/* A section's own byte order is in its body, but needed for its length. */
static bool read_byte_order(struct pcapng *p, uint8_t magic[4])
{
        if (!read_bytes(p, magic, 4))
                return false;
        p->in_section = load_be32(magic) == MAGIC || load_le32(magic) == MAGIC;
        p->big_endian = load_be32(magic) == MAGIC;
        return true;
}

static enum found cut_short(struct pcapng *p)
{
        return damage(p, ferror(p->file) ? "the block cannot be read"
                                         : "the file ends inside of a block");
}

/* One whole block; its body is in p->block. */
static enum found read_block(struct pcapng *p, uint32_t *type)
{
        uint8_t header[HEADER], magic[4];
        size_t got = fread(header, 1, HEADER, p->file), known = 0;

        if (got == 0 && !ferror(p->file))
                return FOUND_END;
        if (got < HEADER)
                return cut_short(p);
        *type = get32(p, header);
        if (*type == BLOCK_SECTION) {
                if (!read_byte_order(p, magic))
                        return cut_short(p);
                known = sizeof(magic);
        }
        if (!p->in_section)
                return damage(p, "no pcapng section begins here");
        uint32_t length = get32(p, header + 4);
        if (length < SMALLEST + known || length % 4 != 0)
                return damage(p, "a block cannot be %lu bytes long",
                              (unsigned long)length);
        if (length > PCAPNG_BLOCK_MAX)
                return damage(p, "a block of %lu bytes; %d are read at most",
                              (unsigned long)length, PCAPNG_BLOCK_MAX);
        if (!read_body(p, length - HEADER - known))
                return cut_short(p);
        p->length -= 4;
        if (get32(p, p->block + p->length) != length)
                return damage(p, "the two lengths of the block differ");
        return FOUND_NOTHING;
}

static enum found too_small(struct pcapng *p)
{
        return damage(p, "the block is too small for what it holds");
}

/* The magic number was taken off already. */
static enum found on_section(struct pcapng *p)
{
        if (p->length < 12)
                return too_small(p);
        if (get16(p, p->block) != 1)
                return damage(p, "version %u of pcapng; 1 is read", get16(p, p->block));
        p->interface_count = 0;
        return FOUND_NOTHING;
}

/* ---- interfaces ---- */

static enum found read_options(struct pcapng *p, size_t at, struct interface *interface)
{
        while (p->length - at >= 4) {
                uint16_t code = get16(p, p->block + at);
                size_t length = get16(p, p->block + at + 2);
                const uint8_t *value = p->block + at + 4;
                size_t padded = (length + 3) & ~(size_t)3;
                if (code == OPTION_END)
                        break;
                if (padded > p->length - at - 4)
                        return damage(p, "an option runs over the end of its block");
                if (code == OPTION_RESOLUTION && length == 1)
                        interface->resolution = value[0];
                if (code == OPTION_OFFSET && length == 8)
                        interface->offset_s = (int64_t)get64(p, value);
                at += 4 + padded;
        }
        return FOUND_NOTHING;
}

static enum found on_interface(struct pcapng *p)
{
        struct interface interface = { .resolution = 6 };

        if (p->length < 8)
                return too_small(p);
        if (p->interface_count == PCAPNG_INTERFACES_MAX)
                return damage(p, "more than %d interfaces", PCAPNG_INTERFACES_MAX);
        interface.link = get16(p, p->block);
        interface.snaplen = get32(p, p->block + 4);
        if (read_options(p, 8, &interface) == FOUND_DAMAGE)
                return FOUND_DAMAGE;
        if (p->interface_count == p->interface_room) {
                p->interface_room = p->interface_room ? p->interface_room * 2 : 8;
                p->interfaces =
                    realloc(p->interfaces, p->interface_room * sizeof(*p->interfaces));
                CHECK(p->interfaces);
        }
        p->interfaces[p->interface_count++] = interface;
        return FOUND_INTERFACE;
}

/* ---- time ---- */

/* Units of 10^-n or 2^-n seconds, as nanoseconds. */
static wide in_nanoseconds(uint64_t units, uint8_t resolution)
{
        unsigned power = resolution & 127;
        wide ns = (wide)units * NS_PER_SEC;

        if (resolution & 128)
                return ns >> power;
        for (; power > 0 && ns > 0; power--)
                ns /= 10;
        return ns;
}

/* Later ones, of 2116 and after, could not be subtracted from any other. */
static int64_t time_of(const struct interface *interface, uint64_t units)
{
        const wide latest = INT64_MAX / 2;
        wide ns = in_nanoseconds(units, interface->resolution) +
                  (wide)interface->offset_s * NS_PER_SEC;

        return ns < 0 ? 0 : ns > latest ? (int64_t)latest : (int64_t)ns;
}

/* ---- packets ---- */

static enum found give(struct pcapng *p, const struct interface *interface,
                       struct pcapng_packet *packet, size_t at, uint32_t captured,
                       uint32_t wire_length)
{
        if (captured > p->length - at)
                return damage(p, "a packet runs over the end of its block");
        *packet = (struct pcapng_packet){
                .time_ns = p->last_ns,
                .link = interface->link,
                .wire_length = wire_length > captured ? wire_length : captured,
                .captured = slice_of(p->block + at, captured),
        };
        return FOUND_PACKET;
}

static enum found no_interface(struct pcapng *p, uint32_t number)
{
        return damage(p, "a packet of interface %lu, of which nothing is known",
                      (unsigned long)number);
}

/* Enhanced and obsolete packet blocks differ in their first four bytes only. */
static enum found on_packet(struct pcapng *p, uint32_t type, struct pcapng_packet *packet)
{
        if (p->length < 20)
                return too_small(p);
        const uint8_t *b = p->block;
        uint32_t number = type == BLOCK_PACKET ? get16(p, b) : get32(p, b);
        if (number >= p->interface_count)
                return no_interface(p, number);
        const struct interface *interface = &p->interfaces[number];
        uint64_t units = (uint64_t)get32(p, b + 4) << 32 | get32(p, b + 8);
        p->last_ns = time_of(interface, units);
        return give(p, interface, packet, 20, get32(p, b + 12), get32(p, b + 16));
}

/* The length that was captured is not written down: all there is room for. */
static enum found on_simple_packet(struct pcapng *p, struct pcapng_packet *packet)
{
        if (p->length < 4)
                return too_small(p);
        if (p->interface_count == 0)
                return no_interface(p, 0);
        uint32_t snaplen = p->interfaces[0].snaplen;
        uint32_t wire_length = get32(p, p->block), captured = wire_length;
        if (snaplen && captured > snaplen)
                captured = snaplen;
        if (captured > p->length - 4)
                captured = (uint32_t)(p->length - 4);
        return give(p, &p->interfaces[0], packet, 4, captured, wire_length);
}

static enum found read_any(struct pcapng *p, struct pcapng_packet *packet)
{
        uint32_t type = 0;
        enum found found = read_block(p, &type);

        if (found != FOUND_NOTHING)
                return found;
        switch (type) {
        case BLOCK_SECTION:
                return on_section(p);
        case BLOCK_INTERFACE:
                return on_interface(p);
        case BLOCK_PACKET:
        case BLOCK_ENHANCED_PACKET:
                return on_packet(p, type, packet);
        case BLOCK_SIMPLE_PACKET:
                return on_simple_packet(p, packet);
        default:
                return FOUND_NOTHING;
        }
}

/* ---- the public face ---- */

struct pcapng *pcapng_new(FILE *file)
{
        struct pcapng *p = calloc(1, sizeof(*p));

        CHECK(p);
        p->file = file;
        return p;
}

void pcapng_free(struct pcapng **pcapng)
{
        struct pcapng *p = *pcapng;

        if (!p)
                return;
        free(p->block);
        free(p->interfaces);
        free(p);
        *pcapng = NULL;
}

static enum pcapng_result read_until(struct pcapng *p, enum found wanted,
                                     struct pcapng_packet *packet)
{
        enum found found;

        if (p->error[0])
                return PCAPNG_DAMAGED;
        do {
                found = read_any(p, packet);
                if (found != FOUND_DAMAGE && found != FOUND_END)
                        p->offset += get32(p, p->block + p->length);
        } while (found != wanted && found != FOUND_END && found != FOUND_DAMAGE);
        return found == FOUND_END      ? PCAPNG_END
               : found == FOUND_DAMAGE ? PCAPNG_DAMAGED
                                       : PCAPNG_PACKET;
}

enum pcapng_result pcapng_begin(struct pcapng *p, int *link)
{
        struct pcapng_packet none;
        /* A packet before any interface is damage, so none can be passed over. */
        enum pcapng_result result = read_until(p, FOUND_INTERFACE, &none);

        if (result == PCAPNG_PACKET)
                *link = p->interfaces[0].link;
        return result;
}

enum pcapng_result pcapng_next(struct pcapng *p, struct pcapng_packet *packet)
{
        return read_until(p, FOUND_PACKET, packet);
}

const char *pcapng_error(const struct pcapng *p)
{
        return p->error;
}
