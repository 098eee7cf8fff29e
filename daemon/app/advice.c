/* SPDX-License-Identifier: MIT */
#include "app/advice.h"

#include <stddef.h>

/* What keeps requests from being seen, and what to do about it; most telling first. */
static const struct {
        size_t counter; /* offset in struct counters */
        const char *text;
} reasons[] = {
        { offsetof(struct counters, segments_truncated),
          "segments were cut by the snapshot length (capture with -s 0)" },
        { offsetof(struct counters, frames_truncated),
          "packets were cut inside their headers (capture with -s 0)" },
        { offsetof(struct counters, flows_ignored),
          "connections do not speak HTTP/1 in the clear (TLS? README says where to "
          "place the sensor)" },
        { offsetof(struct counters, checksum_errors),
          "segments have a wrong checksum (checksum offload? set "
          "capture.checksums=ignore)" },
        { offsetof(struct counters, frames_tunnel_refused),
          "packets are tunnels from sources that capture.tunnel_sources does not name" },
        { offsetof(struct counters, frames_not_tcp), "packets are neither TCP nor UDP" },
        { offsetof(struct counters, datagrams),
          "packets are UDP (HTTP/3? that is encrypted)" },
        { offsetof(struct counters, fragments_dropped),
          "fragments of IP packets wait for others that did not come" },
        { offsetof(struct counters, frames_not_ip), "frames carry no IP" },
        { offsetof(struct counters, frames_malformed),
          "packets have headers that contradict themselves" },
        { offsetof(struct counters, http_malformed_requests),
          "request heads break the grammar of HTTP" },
};

static void no_packet(const char *filter, struct buf *out)
{
        if (filter && *filter)
                buf_printf(out,
                           "no packet was read: does the filter '%s' fit this traffic?",
                           filter);
        else
                buf_put_str(out,
                            "no packet was read: is this the right file or interface?");
}

bool advice(const struct counters *counters, const char *filter, struct buf *out)
{
        const char *between = ": ";

        if (counters->requests > 0)
                return false;
        if (counters->packets == 0) {
                no_packet(filter, out);
                return true;
        }
        buf_printf(out, "no HTTP request in %llu packets",
                   (unsigned long long)counters->packets);
        for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
                const void *at = (const char *)counters + reasons[i].counter;
                uint64_t count = *(const uint64_t *)at;
                if (count == 0)
                        continue;
                buf_printf(out, "%s%llu %s", between, (unsigned long long)count,
                           reasons[i].text);
                between = "; ";
        }
        if (*between == ':')
                buf_put_str(out, "; is this the leg on which clients' requests pass?");
        return true;
}
