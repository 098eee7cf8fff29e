/* SPDX-License-Identifier: MIT */
/*
 * person - who somebody is, all of it derived from a number and the seed.
 *
 * Nothing of a person is kept between its visits: whether it comes on a day, has been
 * there before, has an account by now or a cookie is drawn anew from its name, always the
 * same. So a million people cost no memory.
 */
#ifndef LAB_PERSON_H
#define LAB_PERSON_H

#include "lab.h"
#include "parameters.h"

#define PERSON_SESSIONS_MAX 32 /* on a day */

enum whereabouts { BY_HOME, BY_MOBILE, BY_COMPANY, BY_VPN };

/* What is made once of the parameters. */
struct crowd {
        const struct parameters *p;
        const struct softwares *softwares;
        uint64_t name; /* of all, by the seed */
        uint32_t population;
        int64_t first_day; /* days since 1970 */
        double week[7];    /* weights with mean 1 */
        double hours[24];  /* sums of the weights, to 1 */
        double *companies; /* sums of their sizes */
        uint32_t company_count;
        char languages[SHARES_MAX][2][64]; /* as Chromium and as Firefox write them */
};

struct person {
        uint64_t name;
        uint32_t number;
        double comes; /* chance on a day of the mean weight */
        double views, think, circle, stray, shift;
        uint32_t circle_size, cookie_days;
        enum whereabouts whereabouts;
        uint32_t company;
        const struct software *software;
        const char *language;
        bool is_recruiter, was_member, is_plain, prefetches, forgets, takes_no_cookies;
};

/* What it keeps lives as long as the laboratory. */
void crowd_make(struct crowd *, struct lab *);

struct person person_of(const struct crowd *, uint32_t number);

/* It has that software instead, and speaks of its language as that does. */
void person_use(const struct crowd *, struct person *, const struct software *);

/* Days are counted from 1970. */
bool person_comes(const struct crowd *, uint64_t name, double comes, int64_t day);

/* The two that person_comes needs, without all the rest. */
uint64_t person_name(const struct crowd *, uint32_t number);
double person_frequency(const struct crowd *, uint64_t name);

/* Whether it came on one of the days from `first` to `last`. */
bool person_came(const struct crowd *, const struct person *, int64_t first,
                 int64_t last);

/* Takes an account on that day, in the first session, if it had none and comes. */
bool person_joins(const struct crowd *, const struct person *, int64_t day);
bool person_is_member(const struct crowd *, const struct person *, int64_t day);

/* How often on that day, and when (ns after midnight), for dice of the day. */
unsigned person_sessions(const struct crowd *, bool is_recruiter, struct dice *);
int64_t person_hour(const struct crowd *, double shift, struct dice *);
bool person_is_recruiter(const struct crowd *, uint64_t name);
double person_shift(uint64_t name); /* hours that its day is later than others' */
struct dice person_day(uint64_t name, int64_t day);

/* A profile that it looks at: of its own circle, or by its share of popularity. */
uint32_t person_target(const struct person *, const struct site *, struct dice *);

/* Where it is in that session; `changes` of address since then. */
struct address person_address(const struct crowd *, const struct person *,
                              const struct places *, int64_t day, bool is_working_hour,
                              uint32_t session, uint32_t changes, bool *is_mobile);

#endif
