/* SPDX-License-Identifier: MIT */
/*
 * worker - the process that reads one capture and parses what strangers sent.
 *
 *      capture -> front -> message_writer -> ring
 *
 * Everything it uses is made before it looks at the first byte; then it confines itself
 * (confine.h) and only reads. It ends when it is told to (SIGTERM, which is blocked when
 * it begins), with all packets up to worker_page.until_ns read; when its capture fails;
 * and with the supervisor.
 *
 * It leaves out what it has no time for (load.h), together with all others: it says what
 * level it wants (worker_page.level_wanted), and does what the highest of all is.
 *
 * Once in a turn of its loop, and at least ten times a second, it says that it lives
 * (ring_beat). The packets' clock is steady (base/steady.h).
 */
#ifndef APP_WORKER_H
#define APP_WORKER_H

#include "app/merge.h"
#include "base/steady.h"

#define WORKER_CAPTURE_LOST 10 /* exit status: the interface is gone */

struct worker_options {
        const struct setup *setup;
        struct capture *capture;
        struct ring *ring;
        struct hash_key observe_key;
        bool takes_all; /* front_options */
        struct steady steady;
        int64_t after_ns; /* packets up to that stamp are of another worker */
};

/* In the child. Returns its exit status. */
int worker_run(const struct worker_options *);

#endif
