/* SPDX-License-Identifier: MIT */
/*
 * check - loads all that an operator writes: configuration, site map, rules.
 *
 * The daemon's start, `trawlwatchd -t` and `trawlctl check` are this one call,
 * so what passes the check also starts. All mistakes of all files come out of
 * one run.
 */
#ifndef APP_CHECK_H
#define APP_CHECK_H

#include "app/config.h"
#include "detect/rules.h"
#include "observe/agent_list.h"
#include "observe/crawlers.h"
#include "observe/domains.h"
#include "observe/geo.h"
#include "observe/site.h"

/* What the command line asks for. Texts are borrowed. */
struct check_request {
        const char *config;        /* -c, or NULL: defaults only */
        const char *site;          /* -s, goes before site.file */
        const char *filter;        /* -f, goes before capture.filter */
        struct text_list settings; /* -o, in order */
        struct text_list rules; /* -R, goes before rules.paths; given and empty: none */
        bool no_geo_said;       /* that databases are missing: traffic is made up */
        struct text_list interfaces; /* -i, goes before capture.interfaces */
        bool is_offline;             /* -r */
};

struct setup {
        struct config config;
        char *site_path;             /* that was read */
        struct text_list rule_paths; /* that were read */
        bool site_is_default;        /* nobody named a site map: the shipped one */
        struct site *site;
        struct rules *rules;
        struct agent_list *agents;  /* NULL: no rule asks, and none was named */
        struct domains *disposable; /* NULL: no rule asks for them */
        struct crawlers *crawlers;  /* as agents */
        struct geo *asn, *country;  /* NULL: none was named */
        uint64_t lists_hash;        /* of the bytes of `agents` and `disposable` */
};

/* One -R: a file or a folder, or `none`. */
void check_add_rules(struct check_request *, const char *path);

/*
 * Puts a file where it belongs, by its top keys: configuration, site map or
 * rules; a folder holds rules. False after a line in `messages`.
 */
bool check_add_file(struct check_request *, const char *path, struct buf *messages);
void check_request_free(struct check_request *);

/*
 * Loads. `messages` gets warnings and mistakes, one a line. False after a
 * mistake: *setup is then empty and needs no check_free.
 */
bool check_load(const struct check_request *, struct setup *, struct buf *messages);
void check_free(struct setup *);

/*
 * The same for a daemon that is to start here: what the configuration names of this
 * machine (interfaces, the user, folders, the address of the status page) has to be there
 * as well. At a reload an interface that is gone for a while is no mistake, and these are
 * not looked at.
 */
bool check_start(const struct check_request *, struct setup *, struct buf *messages);

/* Whether a rule asks whether a bot is what it claims to be. */
bool check_wants_crawlers(const struct setup *);

/* What was read, for people: `rules: 9 from /usr/share/trawlwatch/rules`. */
void check_summary(const struct check_request *, const struct setup *, struct buf *out);

#endif
