/* SPDX-License-Identifier: MIT */
/*
 * groups - which incidents of one rule are about the same participants.
 *
 * Remembers, under the name of a rule, which group its incidents' participants belong
 * to: by session, by account and by address. A new incident of which at least half of
 * the participants belong to one group is of that group; any other begins one under its
 * own id. Whoever belongs to a group stays in it, so groups never merge.
 *
 * Membership ends GROUPS_TTL after the participant was last seen in an incident of the
 * rule. Memory and eviction are those of tags.h.
 */
#ifndef DETECT_GROUPS_H
#define DETECT_GROUPS_H

#include "base/clock.h"
#include "detect/tags.h"

#define GROUPS_TTL     (7LL * 24 * 3600 * NS_PER_SEC)
#define MEMBER_ASPECTS 3 /* session, account, address */

struct group_member {
        uint64_t carriers[MEMBER_ASPECTS]; /* carrier.h; 0: it shows none */
};

/*
 * `rule` is the keyed hash of its name. Puts the id of the group that `members` belong
 * to into `group`, which is left as it is when there is none.
 */
void groups_find(struct tags *, uint64_t rule, const struct group_member *members,
                 unsigned count, int64_t now_ns, char group[INCIDENT_ID_MAX]);

/* Makes them members of the group; who belongs to another stays there. */
void groups_join(struct tags *, uint64_t rule, const struct group_member *members,
                 unsigned count, const char *group, int64_t now_ns);

#endif
