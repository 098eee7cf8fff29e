/* SPDX-License-Identifier: MIT */
/*
 * capture - files and live interfaces; the only folder that uses libpcap.
 *
 * A capture gives frames with their times and link types; it does not look inside.
 * Frames of a live interface or a pcap file have one link type, those of a pcapng file
 * (pcapng.h) each that of its own interface. Errors come
 * back as one line for the operator that names the file or interface and, where
 * there is one, the remedy.
 */
#ifndef CAPTURE_CAPTURE_H
#define CAPTURE_CAPTURE_H

#include "base/slice.h"

#define CAPTURE_ERROR_MAX 512

struct capture;

struct capture_options {
        const char *filter; /* BPF text; NULL or empty: everything */
        uint32_t snaplen;
        uint64_t buffer; /* bytes of the kernel's ring, live */
        int timeout_ms;  /* live: the latency of a quiet link */
        bool promiscuous;
};

struct capture_frame {
        int64_t time_ns;
        struct slice captured; /* borrowed for the call */
        uint32_t wire_length;
        int link; /* as numbered in packet/frame.h */
};

typedef void capture_frame_fn(void *context, const struct capture_frame *);

enum capture_result {
        CAPTURE_MORE,  /* up to the asked number of frames were given */
        CAPTURE_END,   /* of the file */
        CAPTURE_ERROR, /* capture_error() says what */
};

/*
 * Whether a filter compiles for any kind of link that is read. If not, `error` has what
 * is wrong with it on Ethernet.
 */
bool capture_check_filter(const char *filter, char error[CAPTURE_ERROR_MAX]);

/*
 * Opens a pcap or pcapng file; "-" is standard input. NULL with a message in
 * `error` when it cannot be read, is none, or the filter is wrong.
 */
struct capture *capture_open_file(const char *path, const struct capture_options *,
                                  char error[CAPTURE_ERROR_MAX]);

/* Opens an interface, not blocking: poll capture_fd, then capture_read. */
struct capture *capture_open_live(const char *interface, const struct capture_options *,
                                  char error[CAPTURE_ERROR_MAX]);
void capture_close(struct capture **);

#define CAPTURE_LINKS_DIFFER (-1)

/* That of all its frames; CAPTURE_LINKS_DIFFER for pcapng. */
int capture_link(const struct capture *);

/* "EN10MB" */
const char *capture_link_name(int link);

/*
 * Live: shares the interface's packets with the other captures of the group, so that both
 * directions of a connection come to the same one (PACKET_FANOUT, packet(7)). *group is
 * -1 for a new group, which it then names. When one is closed the last that joined takes
 * its place: let a successor join before. False with a message.
 */
bool capture_fan_out(struct capture *, int *group, char error[CAPTURE_ERROR_MAX]);

/* The file's path or the interface's name. */
const char *capture_name(const struct capture *);

/* Descriptor to wait on; live only. */
int capture_fd(const struct capture *);

/* All that it works with; CAPTURE_FDS at most. Returns how many. Live only. */
#define CAPTURE_FDS 8
unsigned capture_fds(const struct capture *, int fds[CAPTURE_FDS]);

/* Gives at most `most` frames to `each`. */
enum capture_result capture_read(struct capture *, int most, capture_frame_fn *each,
                                 void *context);

/* What went wrong with the last capture_read; a sentence for the operator. */
const char *capture_error(const struct capture *);

/*
 * Since the start: frames the kernel, and the interface, had to drop; the latter where
 * the capture is promiscuous. Live only. Opens nothing: a confined process may ask.
 */
bool capture_drops(struct capture *, uint64_t *kernel, uint64_t *interface);

#endif
