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
        struct numbers bytes;   /* by page, median */
        struct numbers latency; /* by page, median in ms */
        double bytes_sigma, latency_sigma;
};

struct place_parameters {
        double ipv6;             /* part of homes and mobiles */
        uint64_t mobile_sharing; /* people behind one address of a mobile carrier */
        uint64_t vpn_exits;
};

struct people_parameters {
        uint64_t count;       /* different ones a day, about */
        double return_spread; /* sigma of how often a person comes */
        double days_between;  /* median of days between the days that a person comes */
        struct numbers day;   /* weight of each hour */
        struct numbers week;  /* weight of each day, from Monday */
        double sessions;      /* mean a day, of one who comes */
        double views_mean, views_lambda, views_spread;
        double think_median, think_sigma, think_spread;
        double recruiters;
        double recruiter_views, recruiter_views_sigma;
        double recruiter_think, recruiter_think_sigma;
        double recruiter_sessions;
        double own_circle, own_circle_spread; /* part of the views */
        double own_circle_size, own_circle_sigma;
        double stray, recruiter_stray;         /* part that follows no popularity */
        double searches, feeds, linked, backs; /* weights of what comes next */
        double logged_in;
        double logs_in; /* part of their sessions that begin with a login */
        double forgets_cookies;
        double cookie_life; /* days */
        double no_session;  /* people whose software keeps no cookies */
        double cache_days;
        double conditional; /* part of the cached assets that is asked for again: 304 */
        double mobile, company, vpn; /* where people are */
        double mobile_moves;         /* chance of another address at a view */
        double company_small, company_large;
        double home_reconnects; /* part that has another address every day */
        double household;       /* people of one */
        double prefetch;        /* people whose browser fetches links beforehand */
        double prefetch_links;
        double plain; /* people with a text browser, or without pictures */
        double api_clients;
        double api_requests; /* a day */
        double signups;      /* part of sessions of people without account */
        double signup_fill, signup_fill_sigma;
        double signup_phone;
        double signup_fails; /* a first try that is refused */
        double from_outside; /* sessions that begin at a profile, from a search engine */
        struct shares mail;  /* providers of e-mail */
        struct shares languages;
};

struct wire_parameters {
        unsigned way;        /* enum wire_way */
        unsigned terminator; /* enum wire_terminator */
        const char *server, *server_6;
        uint64_t server_port;
        struct texts terminators;   /* their addresses */
        uint64_t upstream_requests; /* of one connection, then it is closed */
        int64_t upstream_idle, visitor_idle;
        uint64_t segment;             /* most bytes of payload in one frame */
        bool has_bodies;              /* of answers: whole in the capture */
        uint64_t visitor_connections; /* of one browser at once */
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
