/* SPDX-License-Identifier: MIT */
/*
 * people - a person's visit, where somebody else says who comes, from where and what for.
 *
 * Traps send people: they do what all people do, but for what is said here.
 */
#ifndef LAB_PEOPLE_H
#define LAB_PEOPLE_H

#include "person.h"

struct people_visit {
        uint32_t
            number; /* of the person; from people_population() on it is nobody else */
        uint32_t session; /* which of its visits on this day, from 0 */
        uint32_t group;   /* of the truth */
        struct address from;
        const struct software *software; /* NULL: its own */
        unsigned views;       /* pages; of a recruiter profiles. 0: as it would */
        double think;         /* median between two pages, seconds. 0: as it would */
        double stray, circle; /* parts of the views. Below 0: as it would */
        int32_t first;        /* the profile that it was told of. -1: none */
        bool is_recruiter;
        bool is_plain;      /* no pictures, no scripts */
        bool prefetches;    /* its browser does */
        bool loses_cookies; /* on the way: each answer sets others */
};

/* The crowd has to live as long as the laboratory. */
void people_visit(struct lab *, const struct crowd *, const struct people_visit *,
                  int64_t now_ns);

#endif
