/* SPDX-License-Identifier: MIT */
/*
 * truth - who did what, as JSON lines in order of time, written as it happens.
 *
 * A group is a trap or an attacker, which may be many actors. A line tells that it begins
 * (at its first request), the first time that it uses an address, a session or an
 * account, and of an attacker each different profile that it was served and each sign-up
 * that was accepted. People have no lines, only their number in the last one.
 *
 * And for each hour in which an attacker viewed any, when it is over, how many profiles
 * were viewed with each User-Agent, and how many of these views were an attacker's: what
 * is found of a whole stratum of visitors is found of those who make up a good part of
 * it.
 *
 *      {"t":1795395600.000000,"agent":"Mozilla/5.0 ...","views":812,"attackers":{"7":95}}
 *
 * `t` is the hour's end; repeated views of a profile count.
 *
 * Keeps what was told already: 8 bytes for each line, and of each User-Agent some 200.
 */
#ifndef LAB_TRUTH_H
#define LAB_TRUTH_H

#include "lab.h"

struct truth;

enum truth_name { TRUTH_ADDRESS, TRUTH_SESSION, TRUTH_ACCOUNT };

struct truth_summary {
        int64_t begin_ns, end_ns;
        uint64_t requests, visitors, people, packets;
        const uint64_t *visitors_by_day; /* different ones of each of `days` */
        uint32_t days;
};

/* NULL path: nothing is written, and it is cheap. NULL after a message. */
struct truth *truth_open(const char *path);

/* False, after a message, when not all could be written. */
bool truth_close(struct truth **);

/* Groups are counted from 1. `parameters` is a JSON object. */
uint32_t truth_group(struct truth *, enum side, const char *class,
                     const char *parameters);
enum side truth_side(const struct truth *, uint32_t group);
const char *truth_class(const struct truth *, uint32_t group);

/* The group uses that name now; what it does is told once. */
void truth_name(struct truth *, int64_t now_ns, uint32_t group, enum truth_name,
                const char *value);

/* `session` may be NULL. */
void truth_served(struct truth *, int64_t now_ns, uint32_t group, uint32_t profile,
                  const char *session);
void truth_accepted(struct truth *, int64_t now_ns, uint32_t group, const char *session);
/* A profile was served to that User-Agent ("": none); `group` may be 0, for people. */
void truth_viewed(struct truth *, int64_t now_ns, uint32_t group, const char *agent);
void truth_end(struct truth *, const struct truth_summary *);

#endif
