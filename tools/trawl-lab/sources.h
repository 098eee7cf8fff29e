/* SPDX-License-Identifier: MIT */
/*
 * sources - who puts actors on the agenda.
 *
 * Each is called once, before the first day begins, and reads its parameters from
 * lab_parameters(): people from `people.*`, the others the entries of their classes from
 * the lists `traps` and `attackers`; an entry of a class that is another source's is
 * passed over. What happens on later days they put on the agenda as the day goes on.
 */
#ifndef LAB_SOURCES_H
#define LAB_SOURCES_H

#include "lab.h"
#include "parameters.h"

void people_begin(struct lab *);

/* How many people there are, of whom some come on a day. */
uint64_t people_population(const struct parameters *);
void traps_begin(struct lab *);
void scrape_begin(struct lab *);
void signup_begin(struct lab *);
void farm_begin(struct lab *);

/*
 * The classes that the lists may name. Each source has its own array, which ends with a
 * class without a name; sources.c joins them.
 */
extern const struct entry_class trap_classes[];   /* traps.c */
extern const struct entry_class scrape_classes[]; /* scrape.c */
extern const struct entry_class signup_classes[]; /* signup.c */
extern const struct entry_class farm_classes[];   /* farm.c */

/* Of all sources that there are. */
const struct entry_class *sources_traps(void);
const struct entry_class *sources_attackers(void);
void sources_begin(struct lab *);

#endif
