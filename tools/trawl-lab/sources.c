/* SPDX-License-Identifier: MIT */
/* All sources: a new one is a row here. */
#include "sources.h"

#include "base/check.h"

#include <stddef.h>

#define CLASSES_MAX 64

static const struct source {
        void (*begin)(struct lab *);
        const struct entry_class *traps, *attackers; /* or NULL */
} sources[] = {
        { people_begin, NULL, NULL },
        { traps_begin, trap_classes, NULL },
        { scrape_begin, NULL, scrape_classes }, { signup_begin, NULL, signup_classes },
        { farm_begin, NULL, farm_classes },
};

#define SOURCES (sizeof(sources) / sizeof(sources[0]))

static void add(struct entry_class *all, unsigned *count, const struct entry_class *some)
{
        for (; some && some->name; some++) {
                CHECK(*count < CLASSES_MAX);
                all[(*count)++] = *some;
        }
}

const struct entry_class *sources_traps(void)
{
        static struct entry_class all[CLASSES_MAX + 1];
        unsigned count = 0;

        for (unsigned i = 0; i < SOURCES; i++)
                add(all, &count, sources[i].traps);
        return all;
}

const struct entry_class *sources_attackers(void)
{
        static struct entry_class all[CLASSES_MAX + 1];
        unsigned count = 0;

        for (unsigned i = 0; i < SOURCES; i++)
                add(all, &count, sources[i].attackers);
        return all;
}

void sources_begin(struct lab *lab)
{
        for (unsigned i = 0; i < SOURCES; i++)
                sources[i].begin(lab);
}
