/* SPDX-License-Identifier: MIT */
/*
 * table_ops - what a transaction does to the groups of a table, as flat lists.
 *
 * The plan has a slot where a rule asked for it; to be counted quickly, what is known of
 * the slots of a group before any transaction stands one after the other.
 */
#ifndef DETECT_TABLE_OPS_H
#define DETECT_TABLE_OPS_H

#include "detect/table.h"

/* Makes them from the table's plan. False when there is no memory. */
bool table_ops_init(struct table *);
void table_ops_free(struct table *);

#endif
