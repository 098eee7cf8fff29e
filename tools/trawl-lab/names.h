/* SPDX-License-Identifier: MIT */
/*
 * names - names of people and their mail addresses, made of syllables of our own.
 *
 * The commonest names are much commoner than the others, as names are; who has which
 * follows from a number, so nothing is kept.
 */
#ifndef LAB_NAMES_H
#define LAB_NAMES_H

#include "dice.h"
#include "parameters.h"

#include <stdint.h>

#define NAME_MAX_TEXT  24
#define EMAIL_MAX_TEXT 96

struct name {
        char first[NAME_MAX_TEXT], last[NAME_MAX_TEXT]; /* `Marela`, `Tossner` */
};

/* Always the same one for the same bits. */
struct name name_of(uint64_t bits);

/*
 * A mail address as people take them: anna.keller@, akeller83@, keller.anna@, k.anna7@,
 * or a nickname that has little to do with the name, at one of the providers by their
 * shares. Lower case.
 */
void name_email(const struct name *, const struct shares *providers, struct dice *,
                char text[EMAIL_MAX_TEXT]);

/* +49 151 2345 6789 without the blanks, with the prefixes of one country. */
void name_phone(struct dice *, char text[20]);

#endif
