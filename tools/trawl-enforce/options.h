/* SPDX-License-Identifier: MIT */
/*
 * options - what trawl-enforce was asked to do.
 *
 * Where Redis is comes from the redis section of the daemon's configuration, through the
 * daemon's own parser, so that both speak of the same place.
 */
#ifndef ENFORCE_OPTIONS_H
#define ENFORCE_OPTIONS_H

#include "follow.h"
#include "target.h"

#include "app/config.h"
#include "app/exit_status.h"

enum options_target { TARGET_NONE, TARGET_NFTABLES, TARGET_HAPROXY, TARGET_NGINX };

struct options {
        enum options_target target;
        const char *place;               /* the table, the socket or the file */
        const char *maps[SUBJECT_KINDS]; /* of HAProxy; NULL: not kept */
        const char *reload;
        int64_t reload_every_ns;
        uint32_t max;
        bool is_reject, is_dry, is_once;
        char name[128];
        struct follow_options follow; /* its texts are the configuration's */
        struct config config;
        bool is_over; /* -h, -V: it was printed */
};

/* EXIT_DONE, or a status after lines on standard error. options_free in any case. */
enum exit_status options_read(struct options *, int argc, char **argv);
void options_free(struct options *);

#endif
