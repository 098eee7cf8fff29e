/* SPDX-License-Identifier: MIT */
/*
 * lab - a site's day, made up: who comes, what they ask for, and a capture of it.
 *
 * A laboratory is a clock and an agenda of actors. Each actor is a person, a trap or an
 * attacker: when its time comes it takes one step (usually one request), and says when
 * the next one is due. Steps are taken in the order of their times, so the capture is
 * written as it grows, whatever the number of visitors; what is kept is one small struct
 * for each actor that is active now.
 *
 *      people.c, traps.c      sources: put actors on the agenda as the day goes on
 *      scrape.c, signup.c
 *           |  lab_add
 *           v
 *      lab.c  agenda  -> actor's step -> lab_request -> wire.c (frames, in order)
 *                                            |
 *                                            +-> truth.c (what an attacker was served)
 *
 * Everything is drawn from the seed: the same parameters and seed give the same bytes.
 * An actor draws only from dice of its own, so what others do does not change it.
 * Nothing here knows a rule, a threshold or a detector, but for the attacker that is told
 * to stay below one (`scrape.below`).
 */
#ifndef LAB_LAB_H
#define LAB_LAB_H

#include "dice.h"
#include "place.h"
#include "site.h"
#include "software.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LAB_NEVER INT64_MAX

struct lab;
struct parameters;

enum side { SIDE_PERSON, SIDE_TRAP, SIDE_ATTACKER };

struct actor;

/* One kind of actor. */
struct actor_class {
        const char *name;
        /* Does what is due at `now_ns`, and returns when the next step is (not before
         * now). LAB_NEVER: that was the last one, and the actor is freed. */
        int64_t (*step)(struct actor *, struct lab *, int64_t now_ns);
        void (*end)(struct actor *); /* before it is freed; may be NULL */
        size_t size; /* of its struct, which begins with the actor; zeroed by lab_add */
};

struct actor {
        const struct actor_class *class;
        struct dice dice; /* its own */
        uint32_t group;   /* of the truth: 0 for a person; see lab_group */
        uint32_t
            browser; /* whose connections and cache it uses, unique; set by lab_add */
};

/*
 * An actor whose first step is at `first_ns`; `name` tells its dice apart from all
 * others. Borrowed: the lab frees it after its last step.
 */
struct actor *lab_add(struct lab *, const struct actor_class *, uint64_t name,
                      int64_t first_ns);

/*
 * Memory, zeroed, that lives as long as the laboratory: for what the actors of one group
 * share (which profiles were read, whose addresses they use), so that nobody counts who
 * still needs it.
 */
void *lab_keep(struct lab *, size_t size);

/* ---- the truth ---- */

/*
 * A trap or an attacker, as the truth file tells it: all actors with its number are one.
 * `class` is what figures are told for ("scrape-address", "trap-recruiter"); `parameters`
 * is a JSON object in text. Not 0.
 */
uint32_t lab_group(struct lab *, enum side, const char *class, const char *parameters);

/* ---- the world ---- */

const struct site *lab_site(const struct lab *);
struct places *lab_places(struct lab *);
struct softwares *lab_softwares(const struct lab *);
const struct parameters *lab_parameters(const struct lab *); /* parameters.h */
int64_t lab_begin(const struct lab *); /* ns since 1970 of the first day's midnight */
int64_t lab_end(const struct lab *);

/* Names that the dice of people of a source are made of: differ between days and seeds.
 */
uint64_t lab_name(const struct lab *, const char *source, uint64_t number);

/*
 * The actor is one of several of the same person (its sessions): `person` is counted
 * once. Numbers are small and dense. Others count as one visitor each.
 */
void lab_person(struct lab *, struct actor *, uint32_t person);

/* ---- requests ---- */

/* What a sign-up sends. */
struct signup_fields {
        const char *email, *name, *phone; /* phone may be NULL */
};

struct request {
        const struct software *software;
        enum request_kind kind; /* which of the software's recorded heads it is */
        struct address from;    /* the visitor's */
        enum method method;
        const char *path;                   /* as it is sent, with its query */
        const char *session;                /* value of the session cookie, or NULL */
        const char *account;                /* value of the account cookie, or NULL */
        const char *referer;                /* path of a page of the site, or NULL */
        const char *language;               /* Accept-Language; NULL: as recorded */
        const struct signup_fields *fields; /* of a sign-up, or NULL */
        int32_t target; /* the profile that is asked for, or -1; for the truth */
};

struct response {
        uint16_t status;
        uint32_t bytes; /* of the body */
        int64_t latency_ns;
        const char *set_session; /* a cookie that the answer sets, or NULL */
        const char *set_account;
};

/*
 * The request goes out now and is answered after the latency. What an attacker's group
 * was served (profiles with 2xx) and was accepted (sign-ups with 2xx or 3xx) goes to the
 * truth, with the time of the answer.
 */
void lab_request(struct lab *, const struct actor *, int64_t now_ns,
                 const struct request *, const struct response *);

/* The visitor's connections are closed: the next request opens another one. */
void lab_hang_up(struct lab *, const struct actor *);

/* ---- the whole ---- */

struct lab_options {
        const char *capture;  /* file, or `-` */
        const char *truth;    /* or NULL */
        const char *requests; /* a JSON line for each answered request, or NULL */
};

struct lab_counts {
        uint64_t requests, visitors, people, packets, bytes, connections, actors;
};

/* The parameters and heads are kept, not copied. NULL after a message. */
struct lab *lab_new(const struct parameters *, struct softwares *,
                    const struct lab_options *);

/* Days from the first to the last; false when a file could not be written. */
bool lab_run(struct lab *);
struct lab_counts lab_counts(const struct lab *);

/* Closes the files. False, after a message, when not all was written. */
bool lab_free(struct lab **);

#endif
