/* SPDX-License-Identifier: MIT */
/* slot_site - the kinds of slots that compare a key with the site, as rows of slot.h. */
#ifndef DETECT_SLOT_SITE_H
#define DETECT_SLOT_SITE_H

#include "detect/slot.h"

/* SLOT_VIEWS, SLOT_COLD_VIEWS: counts of views whose coldness is known, and of cold ones.
 */
void slot_count_views(const struct slot_place *, struct facts *, int64_t pane);
void slot_count_cold_views(const struct slot_place *, struct facts *, int64_t pane);

void slot_count_cold_surge(const struct slot_place *, struct facts *, int64_t pane);
double slot_value_cold_surge(const struct slot_place *);

void slot_rotate_collisions(const struct slot_place *, int64_t from, int64_t to);
void slot_count_collisions(const struct slot_place *, struct facts *, int64_t pane);
double slot_value_collisions(const struct slot_place *);
void slot_clear_collisions(const struct slot_place *);

#endif
