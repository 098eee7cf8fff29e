/* SPDX-License-Identifier: MIT */
/*
 * parameters - everything that a laboratory can be told, each a row of one table.
 *
 * A row (parameters.c) gives a name, where its value is kept here, what it is when
 * nobody says otherwise, its limits and its help; from it come the reader, the check, the
 * printed file and `-o NAME=VALUE`. Names are `section.name`; in a file they are nested:
 *
 *      seed: 7
 *      people: { count: 20000, recruiters: 5% }
 *      traps: [{ class: viral-profile, begin: 14h }]
 *      attackers: [{ class: scrape-address, count: 5, rate: 30/m }]
 *
 * Mistakes go to a diag as `file:line:column: message` with what to do, all in one run.
 * To add one: a field here, and its row.
 */
#ifndef LAB_PARAMETERS_H
#define LAB_PARAMETERS_H

#include "lang/diag.h"

#include <stdbool.h>
#include <stdint.h>

enum parameter_type {
        PARAMETER_NUMBER,   /* double; `5%` is 0.05 */
        PARAMETER_COUNT,    /* uint64_t; `k` and `M` are thousands and millions */
        PARAMETER_TRUTH,    /* bool */
        PARAMETER_DURATION, /* int64_t, nanoseconds: 500ms 10m 1h 7d */
        PARAMETER_RATE,     /* double, a second: 30/m 2/s 5000/d */
        PARAMETER_TEXT,     /* const char * */
        PARAMETER_CHOICE,   /* unsigned, an index of the row's choices */
        PARAMETER_NUMBERS,  /* struct numbers */
        PARAMETER_SHARES,   /* struct shares: names with numbers */
        PARAMETER_TEXTS,    /* struct texts */
};

#define NUMBERS_MAX 24
#define SHARES_MAX  32

struct numbers {
        unsigned count;
        double of[NUMBERS_MAX];
};

struct shares {
        unsigned count;
        const char *name[SHARES_MAX];
        double of[SHARES_MAX]; /* as written: they need not add to 1 */
};

struct texts {
        unsigned count;
        const char *of[SHARES_MAX];
};

/* ---- lists of traps and attackers ---- */

/* What an entry of one class may say. */
struct entry_key {
        const char *name;
        enum parameter_type type; /* NUMBER to CHOICE */
        const char *usual;        /* as it would be written */
        double least, most;       /* durations in seconds, rates a second; both 0: any */
        const char *const *choices; /* of a CHOICE; ends with a NULL */
        const char *help;
};

/* A kind of entry, as its source declares it. Ends with a key without a name. */
struct entry_class {
        const char *name, *help;
        const struct entry_key *keys;
};

struct entry;

const char *entry_class_name(const struct entry *);

/*
 * Values by name: what was written, or else what is usual. The class has to declare the
 * name with that type; anything else is our bug.
 */
double entry_number(const struct entry *, const char *name);
uint64_t entry_count(const struct entry *, const char *name);
bool entry_truth(const struct entry *, const char *name);
int64_t entry_duration(const struct entry *, const char *name); /* ns */
double entry_rate(const struct entry *, const char *name);      /* a second */
const char *entry_text(const struct entry *, const char *name);
unsigned entry_choice(const struct entry *, const char *name);
bool entry_is_said(const struct entry *, const char *name); /* it was written */

/* All its values as a JSON object (for lab_group), without `count` and `class`. */
const char *entry_json(const struct entry *);

struct entries {
        unsigned count;
        const struct entry *const *of;
};

/* ---- what is told ---- */

enum site_naming { NAMING_NAME, NAMING_NUMBER, NAMING_UUID };
enum wire_way { WAY_FORWARDED, WAY_PROXY, WAY_DIRECT };
enum wire_terminator { TERMINATOR_NGINX, TERMINATOR_HAPROXY };

/* One number for each page of the site (enum page). */
#define PARAMETER_PAGES 10

struct site_parameters {
        const char *host;
        uint64_t profiles;
        double zipf;     /* exponent of the popularity of profiles */
        unsigned naming; /* enum site_naming */
        double number_gap;
        uint64_t number_first;
        bool is_app;
        uint64_t links;                    /* profiles that a profile's page names */
        uint64_t results;                  /* profiles that a search's page names */
        double missing;                    /* part of the profiles that is gone: 404 */
        double json_of_html;               /* bytes of a JSON answer against the page's */
        const char *path[PARAMETER_PAGES]; /* templates, by enum page */
        const char *asset_path, *picture_path;
        struct texts others; /* paths of PAGE_OTHER */
        uint64_t styles, scripts, fonts;
        const char *session_cookie, *account_cookie;
        const char *field_email, *field_name, *field_phone;
        double bytes[PARAMETER_PAGES];   /* of a page, median */
        double latency[PARAMETER_PAGES]; /* median, ms */
        double bytes_sigma, latency_sigma;
};

struct place_parameters {
        double ipv6;             /* part of homes and mobiles */
        uint64_t mobile_sharing; /* people behind one address of a mobile carrier */
        uint64_t vpn_exits;
        double household;                    /* people who share a home's address */
        double company_small, company_large; /* people behind a company's address */
};

struct people_parameters {
        uint64_t count; /* different ones a day, about */

        /* when */
        double days_between, return_spread;
        struct numbers day;  /* weight of each hour */
        struct numbers week; /* weight of each day, from Monday */
        double sessions;     /* mean a day, of those who come */

        /* how much */
        double views_mean, views_lambda, views_spread;
        double think_median, think_sigma, think_spread;
        double recruiters;
        double recruiter_views, recruiter_views_sigma, recruiter_sessions;
        double recruiter_think, recruiter_think_sigma;

        /* what */
        double circle, circle_spread, circle_size, circle_sigma;
        double again, stray, recruiter_stray;
        double searches, feeds, linked, direct, backs;
        double from_outside;
        double prefetch, prefetch_links;
        uint64_t pictures;
        double plain;
        double api_clients, api_requests;

        /* who */
        double members, forgets_cookies, no_cookies, cookie_life;
        double signups, signup_fill, signup_fill_sigma, signup_fails, signup_phone,
            signup_confirms;
        struct shares mail, languages;
        double cache_days, conditional;

        /* where */
        double mobile, mobile_moves, company, vpn;
        double reconnects;
};

struct wire_parameters {
        unsigned way;        /* enum wire_way */
        unsigned terminator; /* enum wire_terminator */
        const char *server, *server_6;
        uint64_t server_port;
        struct texts terminators;   /* their addresses */
        uint64_t upstream_requests; /* of one connection, then it is closed */
        int64_t upstream_idle, visitor_idle;
        uint64_t segment; /* most bytes of payload in one frame */
        bool has_bodies;  /* of answers: whole in the capture */
};

struct parameters {
        uint64_t seed;
        double days;
        int64_t begin_ns; /* since 1970, a midnight */
        const char *begin;
        const char *clients; /* the folder of heads; empty: the installed ones */
        struct site_parameters site;
        struct place_parameters place;
        struct people_parameters people;
        struct wire_parameters wire;
        struct entries traps, attackers;
};

/* ---- reading ---- */

struct parameter_set;

/*
 * With the usual values. `traps` and `attackers` are the classes that the lists may
 * name: arrays that end with a class without a name; kept, not copied.
 */
struct parameter_set *parameters_new(const struct entry_class *traps,
                                     const struct entry_class *attackers);
void parameters_free(struct parameter_set **);

/* What a file says replaces what was said before. Mistakes go to the diag. */
void parameters_read(struct parameter_set *, const char *path, struct diag *);

/* One `NAME=VALUE` of a command line, the value as it would stand in the file. */
void parameters_set(struct parameter_set *, const char *assignment, struct diag *);

/* Checks what only the whole can tell. Valid as long as the set. */
const struct parameters *parameters_values(struct parameter_set *, struct diag *);

/* A file that reads back as the same values, with the help of each as comment. */
void parameters_print(const struct parameter_set *, struct buf *out);

#endif
