/* SPDX-License-Identifier: MIT */
/*
 * pcapng - reads pcapng captures block by block.
 *
 * libpcap reads them too, but refuses a file whose interfaces differ in link type or
 * snapshot length, and mergecap and Wireshark write those all the time. Here each packet
 * comes with the link type and the clock of its own interface. Files may have several
 * sections, each in its own byte order. Blocks that hold no packet are passed over.
 *
 * Only reads forward, so pipes do. Damage ends the reading with a message that names
 * the offset in the file; what came before is good.
 *
 * Simple packet blocks have no time: they get that of the packet before.
 *
 * Owns a buffer for one block, of PCAPNG_BLOCK_MAX bytes at most, and the section's
 * interfaces, PCAPNG_INTERFACES_MAX at most. The stream is borrowed.
 *
 * Source: draft-ietf-opsawg-pcapng; the obsolete packet block: its appendix.
 */
#ifndef CAPTURE_PCAPNG_H
#define CAPTURE_PCAPNG_H

#include "base/slice.h"

#include <stdio.h>

#define PCAPNG_BLOCK_MAX      (1 << 24)
#define PCAPNG_INTERFACES_MAX 65536 /* what the obsolete packet block can number */
#define PCAPNG_ERROR_MAX      128

struct pcapng;

struct pcapng_packet {
        int64_t
            time_ns; /* from 1970 on; an impossible one becomes the nearest possible */
        int link;    /* as pcap_datalink() numbers it in files */
        uint32_t wire_length;
        struct slice captured; /* until the next call */
};

enum pcapng_result {
        PCAPNG_PACKET,
        PCAPNG_END,
        PCAPNG_DAMAGED, /* pcapng_error() says how and where */
};

/* First byte of every pcapng file and of no pcap file. */
#define PCAPNG_FIRST_BYTE 0x0a

struct pcapng *pcapng_new(FILE *);
void pcapng_free(struct pcapng **);

/*
 * Reads up to the first interface, as nothing is known before. PCAPNG_PACKET: there
 * is one, and *link is its type. PCAPNG_END: the file has no interface and so no packet.
 */
enum pcapng_result pcapng_begin(struct pcapng *, int *link);

enum pcapng_result pcapng_next(struct pcapng *, struct pcapng_packet *);

/* "byte 1234: the block is longer than ..." */
const char *pcapng_error(const struct pcapng *);

#endif
