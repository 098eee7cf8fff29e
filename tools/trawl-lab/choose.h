/* SPDX-License-Identifier: MIT */
/*
 * choose - which software a parameter means.
 *
 *      library        one of the recorded HTTP libraries, drawn
 *      browser        what a person may have, drawn by share
 *      copied         a program that copied the head of such a browser, but not its order
 *                     or not all of it
 *      copied NAME    the same of one browser
 *      bot            one of the recorded bots, drawn
 *      NAME           that one, as its file calls it, in its newest version
 *      NAME older     in the version before it, that some people still have
 */
#ifndef LAB_CHOOSE_H
#define LAB_CHOOSE_H

#include "lab.h"

/* Ends the program with a message when there is none of that name. */
const struct software *choose_software(struct lab *, const char *text, struct dice *);

/* It is a browser itself, not what copies one. */
bool choose_is_browser(const struct software *, const char *text);

#endif
