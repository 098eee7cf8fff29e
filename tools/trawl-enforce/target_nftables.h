/* SPDX-License-Identifier: MIT */
/*
 * target_nftables - a table of the kernel's firewall, kept through libnftables.
 *
 *      table inet trawlwatch
 *        set blocked4, blocked6           addresses, each with its timeout
 *        set blocked4_24, blocked6_64 ... networks, one set for each length
 *        chain blocked                    a rule for each set: goto refuse
 *        chain refuse                     drop, or reject
 *        chain input, forward             jump blocked
 *
 * Sets of one length are hash tables: with 100 000 addresses one more costs 8 ms. In a
 * set with `flags interval` it costs 1.1 s, since libnftables reads all of it first;
 * and there a network and an address inside of it refuse each other.
 *
 * A whole batch makes the table anew in one transaction: at no moment is an address let
 * through that was refused before and is to be after. 100 000 addresses: 0.5 s.
 */
#ifndef ENFORCE_TARGET_NFTABLES_H
#define ENFORCE_TARGET_NFTABLES_H

#include "target.h"

struct target_nftables;

extern const struct target_kind target_nftables_kind;

/* A letter, then letters, digits and _, 32 at most. */
bool target_nftables_name_is_good(const char *table);

/* NULL with errno when the kernel's firewall cannot be had. */
struct target_nftables *target_nftables_open(const char *table, bool is_reject);
void target_nftables_close(struct target_nftables **);

#endif
