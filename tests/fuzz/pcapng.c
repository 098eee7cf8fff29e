/* SPDX-License-Identifier: MIT */
/* A pcapng file. Its packets lie inside of it, one behind the other. */
#include "capture/pcapng.h"
#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct pcapng_packet packet;
        enum pcapng_result result;
        size_t bytes = 0;
        int link;

        if (size == 0)
                return 0;
        FILE *file = fmemopen((void *)(uintptr_t)data, size, "r");
        CHECK(file);
        struct pcapng *pcapng = pcapng_new(file);
        if (pcapng_begin(pcapng, &link) == PCAPNG_PACKET)
                CHECK(link >= 0 && link <= UINT16_MAX);
        while ((result = pcapng_next(pcapng, &packet)) == PCAPNG_PACKET) {
                bytes += packet.captured.len;
                CHECK(bytes <= size);
                CHECK(packet.time_ns >= 0 && packet.wire_length >= packet.captured.len);
                if (packet.captured.len) {
                        volatile uint8_t last =
                            packet.captured.data[packet.captured.len - 1];
                        (void)last;
                }
        }
        CHECK((result == PCAPNG_DAMAGED) == (pcapng_error(pcapng)[0] != 0));
        pcapng_free(&pcapng);
        fclose(file);
        return 0;
}
