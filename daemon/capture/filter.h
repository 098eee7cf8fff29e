/* SPDX-License-Identifier: MIT */
/*
 * filter - one capture filter for frames of several link types.
 *
 * A BPF program is made for one link type; here the text is compiled anew for each that
 * comes, FILTER_LINKS of them at most. Not for live captures and pcap files: they have
 * one link type, and libpcap filters them itself, in the kernel where it can.
 */
#ifndef CAPTURE_FILTER_H
#define CAPTURE_FILTER_H

#include "capture/capture.h"

#define FILTER_LINKS 16

struct filter;

enum filter_result {
        FILTER_PASS,
        FILTER_DROP,
        FILTER_IMPOSSIBLE, /* for this link type; `error` says why */
};

/* `text` is copied; NULL or empty lets everything pass. */
struct filter *filter_new(const char *text);
void filter_free(struct filter **);

/* Tries the text on a link type before there is a frame. */
bool filter_is_possible(struct filter *, int link, char error[CAPTURE_ERROR_MAX]);
enum filter_result filter_frame(struct filter *, const struct capture_frame *,
                                char error[CAPTURE_ERROR_MAX]);

#endif
