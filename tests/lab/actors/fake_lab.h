/* SPDX-License-Identifier: MIT */
/*
 * fake_lab - a laboratory that writes no capture but keeps all that was asked for.
 *
 * The site, the addresses, the parameters and the dice are the real ones; there are a few
 * software without heads. For tests of who asks for what, and when.
 */
#ifndef LAB_ACTORS_FAKE_LAB_H
#define LAB_ACTORS_FAKE_LAB_H

#include "lab.h"
#include "parameters.h"

#include "base/clock.h"

#define BEGIN_NS (1700006400 * (int64_t)NS_PER_SEC) /* a midnight */
#define HOUR_NS  (3600 * (int64_t)NS_PER_SEC)

/* One request with its answer. */
struct sent {
        int64_t at_ns;
        uint32_t group, browser;
        unsigned connection; /* counts up when a visitor hangs up */
        const struct software *software;
        enum request_kind kind;
        enum method method;
        char from[46];
        char path[SITE_PATH_MAX], referer[SITE_PATH_MAX];
        char session[40], account[24]; /* "": none */
        char email[128], name[64];
        int32_t target;
        uint16_t status;
        char set_session[40], set_account[24];
};

struct fake_group {
        enum side side;
        char class[32];
        const char *parameters;
        int64_t at_ns;
};

struct lab {
        struct parameter_set *set;
        const struct parameters *parameters;
        struct site *site;
        struct places *places;
        int64_t now_ns, end_ns;
        struct sent *sent;
        size_t count, room;
        struct fake_group group[512];
        uint32_t groups; /* group[0] is none */
        /* its own */
        struct agenda *agenda;
        uint32_t browsers, connections[200000];
        void *kept;
};

/*
 * Reads the text as a file of parameters, lets the source begin and runs the days to
 * their end. Mistakes in the text fail the test.
 */
struct lab *fake_run(void (*begin)(struct lab *), const char *yaml);
void fake_free(struct lab **);

/* What was asked for of profiles, beginning at `*i`; NULL at the end. */
const struct sent *fake_view(const struct lab *, size_t *i);

bool fake_is_profile(const struct sent *); /* there is one, or one was guessed */

/* How many different values there are; `value` returns NULL for what does not count. */
typedef const char *fake_value_fn(const struct sent *);
size_t fake_distinct(const struct lab *, fake_value_fn *value);
const char *fake_from(const struct sent *);
const char *fake_session(const struct sent *);
const char *fake_account(const struct sent *);

size_t fake_views(const struct lab *); /* requests for profiles */

#endif
