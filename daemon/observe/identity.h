/* SPDX-License-Identifier: MIT */
/*
 * identity - where a session or an account is read from, and which one holds.
 *
 * The first configured name that is present counts. A name that the response
 * sets counts with its new value: that is what the requests after it will carry.
 */
#ifndef OBSERVE_IDENTITY_H
#define OBSERVE_IDENTITY_H

#include "observe/cookies.h"
#include "observe/headers.h"

#define IDENTITY_SOURCES 8

enum identity_kind { IDENTITY_COOKIE, IDENTITY_HEADER, IDENTITY_RESPONSE_HEADER };

struct identity_source {
        enum identity_kind kind;
        uint8_t index;     /* of the cookie's name, or the header's slot */
        bool credentials;  /* Authorization: without its scheme word */
        struct slice name; /* of a response header */
};

struct identity {
        struct identity_source sources[IDENTITY_SOURCES];
        unsigned count;
};

/* What one transaction has under the names of all identities. */
struct identity_seen {
        const struct slice *cookies;                     /* by the cookie's index */
        const struct slice *set_cookies;                 /* what the response sets */
        const struct slice *slots;                       /* by the header's slot */
        struct slice response_headers[IDENTITY_SOURCES]; /* by the source's index */
};

/* The request came with a value under one of the names. */
bool identity_is_sent(const struct identity *, const struct identity_seen *);

/* *was is the request's value where it differs, else none. */
struct slice identity_find(const struct identity *, const struct identity_seen *,
                           struct slice *was);

#endif
