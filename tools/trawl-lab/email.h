/* SPDX-License-Identifier: MIT */
/*
 * email - the mail addresses and names of sign-ups that are made, not had.
 *
 *      person      as people take them (names.h)
 *      tagged      one inbox with tags after a plus, and dots where they do not count
 *      pattern     local parts of one pattern, over many domains of one owner
 *      disposable  any letters, at domains that keep mail for minutes
 *      domain      first and last name at one domain: a school's, a company's
 *      family      one inbox, with the first name after a plus
 */
#ifndef LAB_EMAIL_H
#define LAB_EMAIL_H

#include "names.h"

struct lab;

enum email_kind {
        EMAIL_PERSON,
        EMAIL_TAGGED,
        EMAIL_PATTERN,
        EMAIL_DISPOSABLE,
        EMAIL_DOMAIN,
        EMAIL_FAMILY
};

enum name_kind { NAME_PERSON, NAME_GIBBERISH };

struct email_plan {
        enum email_kind kind;
        enum name_kind names;
        uint32_t made_domains; /* pattern: how many */
        const char *domains;   /* disposable: with commas between them */
        const char *inboxes;   /* tagged: providers whose inboxes know tags; likewise */
};

extern const char *const email_kinds[], *const name_kinds[];

struct emails;

/* Of one burst: draws its inbox, its pattern, its domains. Lives as the laboratory. */
struct emails *emails_new(struct lab *, const struct email_plan *, struct dice *);

void email_next(const struct emails *, struct dice *, struct name *,
                char text[EMAIL_MAX_TEXT]);

#endif
