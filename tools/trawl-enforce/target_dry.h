/* SPDX-License-Identifier: MIT */
/*
 * target_dry - says on standard output what would be done, and does nothing.
 */
#ifndef ENFORCE_TARGET_DRY_H
#define ENFORCE_TARGET_DRY_H

#include "target.h"

/* A row that stands in for `kind`; its target is NULL. */
struct target_kind target_dry(const struct target_kind *kind);

#endif
