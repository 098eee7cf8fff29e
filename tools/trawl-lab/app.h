/* SPDX-License-Identifier: MIT */
/*
 * app - the site's own application on a telephone: it asks for JSON and never for a page.
 * One swipes through people: many profiles, each for a few seconds.
 */
#ifndef LAB_APP_H
#define LAB_APP_H

#include "people.h"

/* Of the visit: from, software, group, views, think and stray are heeded. */
void app_visit(struct lab *, const struct people_visit *, uint64_t name, int64_t now_ns);

#endif
