/* SPDX-License-Identifier: MIT */
/*
 * rule_test - a file of tests of rules, read and run.
 *
 * A file names rules and a site map and holds cases: traffic, and which incidents are
 * to come of it. docs/rule-tests.md is the contract. Each case has an engine of its own.
 */
#ifndef TRAWLCTL_RULE_TEST_H
#define TRAWLCTL_RULE_TEST_H

#include "app/check.h"
#include "detect/incident.h"
#include "lang/yaml.h"
#include "traffic.h"

#define EXPECTED_MAX 64
#define CAME_MAX     1000 /* incidents of a case that are remembered one by one */
#define NAMES_MAX    64
#define SPARES_MAX   16

/* What of an incident is asked for besides its rule. */
enum expected_kind {
        EXPECTED_SUBJECT = PARTICIPANT_KINDS, /* others are participants */
        EXPECTED_KINDS
};

struct expected {
        struct place place;
        const char *rule;
        struct slice values[EXPECTED_KINDS]; /* none: anybody */
        struct network client;               /* values[PARTICIPANT_CLIENT_IP] */
        uint64_t within_requests;            /* 0: whenever it comes */
        int64_t within_ns;                   /* the same */

        /* Of the run: */
        uint64_t requests; /* so far, of the client where one is named, else all */
        int64_t first_ns;  /* of the first of them */
        bool came, came_in_time;
        uint64_t came_requests; /* what there had been by then */
        int64_t came_ns;        /* since first_ns */
};

struct names {
        unsigned count;
        const char *at[NAMES_MAX];
        struct place places[NAMES_MAX];
};

/* An incident as it was raised. */
struct came {
        char id[INCIDENT_ID_MAX];
        const char *rule; /* the rules' */
        char *subject;    /* "client.host 203.0.113.9" */
        uint64_t requests;
        int64_t after_ns; /* since the first request of the case */
        bool wanted;
        char *spared; /* a client that it names and should not; NULL: none */
};

struct rule_case {
        const char *name;
        struct place place;
        struct names about, also;
        unsigned spare_count;
        struct spare {
                struct network network; /* whose clients no incident may name */
                struct slice text;
                bool came; /* of the run: there was a request of one */
        } spares[SPARES_MAX];
        int64_t begin_ns;
        uint64_t seed;
        struct traffic *traffic; /* or else */
        char *capture;           /* a path; `capture_place` */
        struct place capture_place;
        unsigned expected_count;
        struct expected *expected;

        /* Of the run: */
        bool good;
        uint64_t requests;
        int64_t first_ns;
        uint64_t looked[NAMES_MAX]; /* by `about`: requests that this rule looked at */
        unsigned came_count, came_total;
        struct came *came;
};

struct rule_test {
        const char *path;
        struct yaml *file;
        struct setup setup;
        unsigned case_count;
        struct rule_case *cases;
};

/* Whether its top says that it is one. */
bool rule_test_is(const struct yaml_node *root);

/* NULL after lines in `messages`. `path` is borrowed. */
struct rule_test *rule_test_read(const char *path, struct buf *messages);
void rule_test_free(struct rule_test **);

/* Runs one case, once. False with a line in `messages` when it cannot be run. */
bool rule_case_run(struct rule_test *, struct rule_case *, struct buf *messages);

bool names_have(const struct names *, const char *name);

/* Whether the case expects an incident of the rule. */
bool rule_case_expects(const struct rule_case *, const char *rule);

#endif
