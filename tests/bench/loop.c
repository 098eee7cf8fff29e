/* SPDX-License-Identifier: MIT */
/*
 * loop - the bare libpcap loop that the daemon is measured against.
 *
 * Reads a capture by pcap_dispatch and adds up every captured byte once, as
 * 64-bit words: the least that a program can do which looks at its input.
 * Prints packets, bytes and the sum (so that it cannot be optimised away).
 */
#include <err.h>
#include <inttypes.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <string.h>

struct total {
        uint64_t packets, bytes, sum;
};

static void add_up(u_char *context, const struct pcap_pkthdr *header, const u_char *bytes)
{
        struct total *total = (struct total *)context;
        uint64_t sum = 0, word;
        size_t at = 0;

        for (; at + sizeof word <= header->caplen; at += sizeof word) {
                memcpy(&word, bytes + at, sizeof word);
                sum += word;
        }
        word = 0;
        memcpy(&word, bytes + at, header->caplen - at);
        total->sum += sum + word;
        total->bytes += header->caplen;
        total->packets++;
}

int main(int argc, char **argv)
{
        char message[PCAP_ERRBUF_SIZE];
        struct total total = { 0 };
        int got;

        if (argc != 2)
                errx(2, "usage: bench-loop FILE");
        pcap_t *capture = pcap_open_offline(argv[1], message);
        if (!capture)
                errx(1, "%s", message);
        while ((got = pcap_dispatch(capture, -1, add_up, (u_char *)&total)) > 0)
                ;
        if (got < 0)
                errx(1, "%s: %s", argv[1], pcap_geterr(capture));
        pcap_close(capture);
        printf("{\"packets\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"sum\":%" PRIu64 "}\n",
               total.packets, total.bytes, total.sum);
        return 0;
}
