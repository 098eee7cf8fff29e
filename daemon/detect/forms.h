/* SPDX-License-Identifier: MIT */
/*
 * forms - who was served the sign-up form, and when.
 *
 * Joins a sign-up to the page with its form, which another connection may have carried.
 * A form that was served (page `signup_form`, not HEAD, 2xx) is remembered under its
 * session and under its visitor: the address and how the software writes headers
 * (record.software: http.shape without the kind of request, which differs between
 * looking at a form and sending it). The newest time counts.
 *
 * With it is remembered to whom it was served, as two hashes of 32 bits: the User-Agent
 * and the network. So a form that is sent by another than it was served to shows: a
 * browser fetches it and a library sends it, or one fetches for many. The User-Agent is
 * compared whole, and not http.shape, since a page's script may send the form with other
 * headers.
 *
 * A ring in order of arrival and an index into it; when the ring is full the oldest
 * goes. "Never served" is said only when it would be known: the capture is older than
 * FORMS_HISTORY, in which nothing was missed and nothing forgotten.
 *
 * Cost: nothing for other pages; two hashes and two look-ups for a form or a sign-up.
 * 32 bytes an entry.
 */
#ifndef DETECT_FORMS_H
#define DETECT_FORMS_H

#include "base/clock.h"
#include "base/hash.h"
#include "detect/missed.h"
#include "observe/record.h"

#define FORMS_HISTORY (3600 * NS_PER_SEC)

struct forms_entry {
        uint64_t hash;
        int64_t served_ns;
        uint32_t agent, network; /* hashes: to whom */
};

struct forms {
        const struct hash_key *key;
        const struct missed *missed;
        struct forms_entry *ring;
        uint32_t *slots;         /* place in the ring, plus one; 0: empty */
        uint32_t capacity, next; /* powers of two: capacity, and twice that of slots */
        int64_t began_ns;        /* of the capture; -1: nothing came yet */
        int64_t forgotten_ns;    /* newest time that fell out of the ring; -1: none */
        int page;                /* that serves the form */
};

/*
 * `bytes` is what it may take; `page` the number of signup_form. Borrows `key` and
 * `missed`. False when the memory cannot be had.
 */
bool forms_init(struct forms *, uint64_t bytes, int page, const struct hash_key *key,
                const struct missed *missed);
void forms_free(struct forms *);

/* The capture is at work since `now_ns`, if that was not known before. */
static inline void forms_begin(struct forms *f, int64_t now_ns)
{
        if (f->began_ns < 0)
                f->began_ns = now_ns;
}

/* Remembers a form that was served; passes over any other record. */
void forms_note(struct forms *, const struct record *);

/* In the order of the words `yes no unknown`. */
enum form_seen { FORM_SEEN_YES, FORM_SEEN_NO, FORM_SEEN_UNKNOWN };

/* In the order of the words `same moved other`; FORM_FROM_NOBODY: missing. */
enum form_from { FORM_FROM_SAME, FORM_FROM_MOVED, FORM_FROM_OTHER, FORM_FROM_NOBODY };

struct form_answer {
        enum form_seen seen;
        int64_t served_ns; /* FORM_SEEN_YES: the end of that response */
};

/*
 * To whom was the form of this transaction's session, or else visitor, served: to the
 * same User-Agent and network, to that User-Agent elsewhere, or to another one? Where it
 * was served to several, what is nearest counts.
 */
enum form_from forms_from(const struct forms *, const struct record *);

/* Was whoever made this transaction served the form before it began? */
struct form_answer forms_answer(const struct forms *, const struct record *);

#endif
