/* SPDX-License-Identifier: MIT */
#include "detect/groups.h"

#include "detect/involved.h"

#include <stdlib.h>
#include <string.h>

/* Each group that some member belongs to, once for each such member. */
struct votes {
        unsigned count;
        char groups[INVOLVED_MAX * MEMBER_ASPECTS][INCIDENT_ID_MAX];
};

static void vote(struct votes *votes, unsigned first, const struct tag *tag)
{
        for (unsigned i = first; i < votes->count; i++)
                if (memcmp(votes->groups[i], tag->origin, INCIDENT_ID_MAX) == 0)
                        return;
        memcpy(votes->groups[votes->count++], tag->origin, INCIDENT_ID_MAX);
}

static int by_id(const void *a, const void *b)
{
        return memcmp(a, b, INCIDENT_ID_MAX);
}

/* Ids begin with their time: of groups with as many votes the oldest is taken. */
static unsigned commonest(struct votes *votes, char group[INCIDENT_ID_MAX])
{
        unsigned most = 0;

        qsort(votes->groups, votes->count, INCIDENT_ID_MAX, by_id);
        for (unsigned i = 0, run; i < votes->count; i += run) {
                for (run = 1; i + run < votes->count &&
                              !by_id(votes->groups[i], votes->groups[i + run]);
                     run++)
                        ;
                if (run <= most)
                        continue;
                most = run;
                memcpy(group, votes->groups[i], INCIDENT_ID_MAX);
        }
        return most;
}

void groups_find(struct tags *t, uint64_t rule, const struct group_member *members,
                 unsigned count, int64_t now_ns, char group[INCIDENT_ID_MAX])
{
        struct votes votes = { .count = 0 };
        char found[INCIDENT_ID_MAX];

        if (count > INVOLVED_MAX)
                count = INVOLVED_MAX;
        for (unsigned i = 0; i < count; i++) {
                unsigned first = votes.count;
                for (unsigned k = 0; k < MEMBER_ASPECTS; k++) {
                        uint64_t carrier = members[i].carriers[k];
                        const struct tag *tag =
                            carrier ? tags_find(t, carrier, rule, now_ns) : NULL;
                        if (tag)
                                vote(&votes, first, tag);
                }
        }
        unsigned most = commonest(&votes, found);
        if (most && most * 2 >= count)
                memcpy(group, found, INCIDENT_ID_MAX);
}

void groups_join(struct tags *t, uint64_t rule, const struct group_member *members,
                 unsigned count, const char *group, int64_t now_ns)
{
        for (unsigned i = 0; i < count; i++)
                for (unsigned k = 0; k < MEMBER_ASPECTS; k++)
                        if (members[i].carriers[k])
                                tags_put(t, members[i].carriers[k], rule, group,
                                         now_ns + GROUPS_TTL, now_ns);
}
