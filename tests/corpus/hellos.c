/* SPDX-License-Identifier: MIT */
/*
 * hellos FILE... - the ClientHellos of captures, as `--print hellos` prints them.
 *
 * The layers capture, packet, stream and tls, bound together without the daemon.
 * UDP is found here by a few steps of its own: link, VLAN, IP without extension
 * headers. Counters go to standard error at the end.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/clock.h"
#include "capture/capture.h"
#include "packet/frame.h"
#include "stream/stream.h"
#include "tls/hellos.h"

enum { IP_UDP = 17, UDP_HEADER = 8, MEMORY = 1 << 26 };

struct watch {
        struct hellos *hellos;
        struct stream *stream;
        struct counters counters;
        struct buf out;
        int link;
};

/* ---- TCP ---- */

struct connection {
        struct tls_record record;
        bool over;
};

static void on_bytes(void *context, struct flow *f, enum flow_side side,
                     const struct flow_bytes *bytes)
{
        struct watch *w = context;
        struct connection *c = flow_user(f);
        struct hello_place place = { *flow_endpoint(f, FLOW_INITIATOR),
                                     *flow_endpoint(f, FLOW_RESPONDER), bytes->time_ns };

        if (side != FLOW_INITIATOR || c->over)
                return;
        if (bytes->offset == 0 && !tls_may_begin(bytes->bytes))
                c->over = true;
        else if (!hellos_bytes(w->hellos, &c->record, &place, bytes->bytes))
                c->over = true;
        if (c->over)
                flow_skip(f, FLOW_INITIATOR, INT64_MAX);
}

static void on_gap(void *context, struct flow *f, enum flow_side side, int64_t time_ns)
{
        (void)context;
        (void)time_ns;
        if (side == FLOW_INITIATOR)
                ((struct connection *)flow_user(f))->over = true;
}

static void on_nothing(void *context, struct flow *f, enum flow_side side,
                       int64_t time_ns)
{
        (void)context;
        (void)f;
        (void)side;
        (void)time_ns;
}

static void on_closed(void *context, struct flow *f, int64_t time_ns)
{
        struct watch *w = context;
        struct connection *c = flow_user(f);

        (void)time_ns;
        hellos_release(w->hellos, &c->record);
}

/* ---- UDP ---- */

static struct slice network_of_frame(int link, struct slice frame)
{
        size_t at;

        switch (link) {
        case FRAME_LINK_ETHERNET:
                at = 12;
                while (frame.len >= at + 2 && (load_be16(frame.data + at) == 0x8100 ||
                                               load_be16(frame.data + at) == 0x88a8))
                        at += 4;
                return slice_from(frame, at + 2);
        case FRAME_LINK_SLL:
                return slice_from(frame, 16);
        case FRAME_LINK_SLL2:
                return slice_from(frame, 20);
        case FRAME_LINK_NULL:
        case FRAME_LINK_LOOP:
                return slice_from(frame, 4);
        default:
                return frame;
        }
}

/* Addresses, and what the IP packet carries when that is UDP. */
static bool find_udp(struct slice packet, struct hello_place *place, struct slice *udp)
{
        const uint8_t *p = packet.data;

        if (packet.len >= 20 && p[0] >> 4 == 4 && p[9] == IP_UDP &&
            !(load_be16(p + 6) & 0x3fff)) {
                place->client.ip = ip_from_v4(p + 12);
                place->server.ip = ip_from_v4(p + 16);
                *udp = slice_from(packet, 4 * (p[0] & 15U));
                return true;
        }
        if (packet.len >= 40 && p[0] >> 4 == 6 && p[6] == IP_UDP) {
                place->client.ip = ip_from_v6(p + 8);
                place->server.ip = ip_from_v6(p + 24);
                *udp = slice_from(packet, 40);
                return true;
        }
        return false;
}

static void on_udp(struct watch *w, const struct capture_frame *frame)
{
        struct hello_place place = { .time_ns = frame->time_ns };
        struct slice udp;

        if (!find_udp(network_of_frame(w->link, frame->captured), &place, &udp) ||
            udp.len < UDP_HEADER)
                return;
        place.client.port = load_be16(udp.data);
        place.server.port = load_be16(udp.data + 2);
        udp = slice_first(udp, load_be16(udp.data + 4));
        hellos_datagram(w->hellos, &place, slice_from(udp, UDP_HEADER));
}

/* ---- both ---- */

static void on_frame(void *context, const struct capture_frame *frame)
{
        struct watch *w = context;
        struct segment segment;

        if (frame_decode(w->link, frame->captured, frame->wire_length, false, &segment) ==
            FRAME_SEGMENT)
                stream_segment(w->stream, &segment, frame->time_ns);
        else
                on_udp(w, frame);
}

static void on_hello(void *context, const struct hello *h)
{
        hello_print(h, &((struct watch *)context)->out);
}

static bool read_file(struct watch *w, const char *path)
{
        char error[CAPTURE_ERROR_MAX];
        struct capture_options options = { .snaplen = 262144 };
        struct capture *capture = capture_open_file(path, &options, error);
        enum capture_result result = CAPTURE_MORE;

        if (!capture) {
                fprintf(stderr, "%s\n", error);
                return false;
        }
        w->link = capture_link(capture);
        while (result == CAPTURE_MORE)
                result = capture_read(capture, 1024, on_frame, w);
        stream_finish(w->stream);
        capture_close(&capture);
        return result == CAPTURE_END;
}

static void watch_open(struct watch *w, const struct stream_handler *handler)
{
        struct stream_options stream = {
                .flows_max = 65536,
                .idle_ns = 300 * NS_PER_SEC,
                .half_open_ns = 30 * NS_PER_SEC,
                .reorder_ns = NS_PER_SEC / 5,
                .memory_max = MEMORY,
                .flow_memory = 1 << 20,
                .hash_key = hash_key_fixed(),
        };
        struct hellos_options hellos = {
                .quic = { .connections_max = 4096,
                          .memory_max = MEMORY,
                          .age_ns = 10 * NS_PER_SEC,
                          .hash_key = hash_key_fixed() },
                .tcp_memory = MEMORY,
                .hello = on_hello,
                .context = w,
        };

        w->stream = stream_new(&stream, handler, &w->counters);
        w->hellos = hellos_new(&hellos, &w->counters);
        CHECK(w->stream && w->hellos);
}

int main(int argc, char **argv)
{
        struct watch w = { .link = 0 };
        struct stream_handler handler = { sizeof(struct connection),
                                          on_bytes,
                                          on_gap,
                                          on_nothing,
                                          on_nothing,
                                          on_closed,
                                          &w };
        struct buf counters = { 0 };
        bool good = true;

        watch_open(&w, &handler);
        for (int i = 1; i < argc; i++)
                good &= read_file(&w, argv[i]);
        if (w.out.len)
                fwrite(w.out.data, 1, w.out.len, stdout);
        counters_print(&w.counters, &counters);
        fwrite(counters.data, 1, counters.len, stderr);
        stream_free(&w.stream);
        hellos_finish(w.hellos);
        CHECK(hellos_memory(w.hellos) == 0);
        hellos_free(&w.hellos);
        buf_free(&counters);
        buf_free(&w.out);
        return good ? 0 : 1;
}
