/* SPDX-License-Identifier: MIT */
/*
 * run - what files.c and live.c share: a pipeline with its alerts, counters and
 * output, and how they are made and ended.
 */
#ifndef APP_RUN_H
#define APP_RUN_H

#include "alert/alerts.h"
#include "alert/privacy.h"
#include "app/command_line.h"
#include "app/output.h"
#include "app/pipeline.h"
#include "app/reverse_dns.h"
#include "app/state.h"

#include <event2/event.h>

struct run {
        const struct command_line *line;
        const struct setup *setup;
        struct event_base *loop;
        struct privacy *privacy;
        struct alerts *alerts;
        struct pipeline *pipeline;
        struct state state;       /* live: what the rules know, over a restart */
        struct reverse_dns *dns;  /* NULL: no names are asked for */
        struct counters counters; /* of this process */
        struct counters others; /* of those that read the captures, where there are any */
        struct output output;   /* JSON lines for standard output */
        char sensor[300];       /* name in Redis */
        char *journal_path;
        int64_t started_ns; /* wall clock */
        char *own_journal;  /* a journal of this run's own, removed at its end */
        bool live, has_redis;
        bool hands_over; /* at the end: to an engine that tells Redis the rest at once */
        bool has_no_front;  /* captures are read elsewhere */
        bool is_broken_off; /* an error or a signal ended the input, and is the reason why
                               nothing came */
};

/* The loop and the journal. False after one line that says what is missing. */
bool run_begin(struct run *, const struct command_line *, const struct setup *,
               bool live);

/*
 * The key and the pipeline. Live, once the captures are open: a start that fails before
 * leaves no new key behind. False after one line; what was begun is left to run_release.
 */
bool run_prepare(struct run *);

/* Reads the keys of pseudonyms again. False after one line: the old ones stay. */
bool run_reload_privacy(struct run *, const struct config *);

/* Whether it would; nothing changes. */
bool run_may_reload_privacy(struct run *, const struct config *);

/*
 * Goes on with what another setup says of site map, rules and data. The old one may be
 * freed afterwards. False after a line, and nothing has changed.
 */
bool run_reload(struct run *, const struct setup *);

/*
 * The input is over: finishes the pipeline, drains alerts, prints the counters. False,
 * after a line, when files were read and not everything of them was handed on.
 */
bool run_finish(struct run *);

/* After run_finish if run_prepare went well, and after all events on its loop were freed.
 */
void run_release(struct run *);

/* One line about the reason when there was no request: true then. */
bool run_advise(const struct run *);

/* Filter, snapshot length and the like. */
struct capture_options run_capture_options(const struct config *);

/* The key of what records are told apart by (front.h), which the engine has, too. Makes
   a key file where there is none. False after a line. */
bool run_observe_key(const struct config *, struct hash_key *);

/*
 * False when the link type is not read; `error` says so. One whose frames differ is not
 * judged here.
 */
bool run_link_is_known(const struct capture *, char error[CAPTURE_ERROR_MAX]);

/* The same words for `link`, met in a capture whose frames differ. */
void run_link_unknown(const struct capture *, int link, char error[CAPTURE_ERROR_MAX]);

/* -r: reads the files in their order. Returns the exit status. */
int run_files(const struct command_line *, const struct setup *);

/* -i or -c: captures until told to stop. Returns the exit status. */
int run_live(const struct command_line *, const struct setup *);

#endif
