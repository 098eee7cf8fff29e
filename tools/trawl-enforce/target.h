/* SPDX-License-Identifier: MIT */
/*
 * target - what refuses: a firewall's set, a proxy's map, a server's file.
 *
 * A row of functions. keep.c alone calls them: a batch is `begin`, then `add` and
 * `remove` in any order, then `commit`, which may fail and then leaves the rest to the
 * next whole batch. They wait for the target, some milliseconds; each says when it waits
 * for longer.
 */
#ifndef ENFORCE_TARGET_H
#define ENFORCE_TARGET_H

#include "subject.h"

#define TARGET_WHY_MAX 256

enum target_result {
        TARGET_OK,
        TARGET_LOST,   /* it has forgotten what it had: a whole batch is needed */
        TARGET_FAILED, /* `why` is for people; to be tried again, as a whole batch */
};

struct target_kind {
        const char *name;
        unsigned kinds;    /* SUBJECT_BITs that it can refuse; 0: the open target says */
        bool ends_itself;  /* it drops each at its end */
        bool is_whole;     /* it has no batches but whole ones */
        bool is_refreshed; /* a whole batch now and then does no harm */
        uint32_t batch;    /* above so many changes a whole batch is cheaper */

        /* `is_whole`: what is added from here on replaces all that it had, at once. */
        void (*begin)(void *target, bool is_whole);
        void (*add)(void *target, const struct subject *, int64_t left_ms);
        void (*remove)(void *target, const struct subject *);
        enum target_result (*commit)(void *target, char why[TARGET_WHY_MAX]);

        /* Whether it still has what it was given; called every second or so. */
        enum target_result (*check)(void *target, char why[TARGET_WHY_MAX]);
};

#endif
