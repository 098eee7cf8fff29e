/* SPDX-License-Identifier: MIT */
/*
 * reverse_dns - which crawlers' names an address has: forward-confirmed reverse DNS.
 *
 *   PTR of the address ---> names in a crawler's domain ---> A or AAAA of each
 *                                                            has the address? confirmed
 *
 * The owner of an address writes any name he likes into its PTR record; only the second
 * question, which goes to the owner of the name, proves something. It is asked for names
 * in a crawler's domain alone, so visitors cannot have us ask about other domains.
 *
 * Live, an answer is pending until the event loop has brought it. With `wait` a question
 * holds everything up until it is answered, so that files give alerts; after
 * REVERSE_DNS_SILENT addresses in a row without any answer no more are asked.
 *
 * Bounded: questions at a time, new ones a second, names and addresses looked at,
 * seconds per question, addresses remembered. /etc/hosts and search domains are not
 * used. Reads no clock of its own: answers are good for a time since the transaction
 * that asked.
 */
#ifndef APP_REVERSE_DNS_H
#define APP_REVERSE_DNS_H

#include "base/counters.h"
#include "base/hash.h"
#include "detect/outside.h"

#define REVERSE_DNS_PENDING 64  /* addresses at a time */
#define REVERSE_DNS_RATE    100 /* new addresses in a second of the traffic's time */
#define REVERSE_DNS_NAMES   16  /* of an address that are looked at */
#define REVERSE_DNS_FORWARD 4   /* of them that are asked for their addresses */
#define REVERSE_DNS_RECORDS 256 /* addresses of a name that are looked at */
#define REVERSE_DNS_SILENT  8

struct event_base;
struct reverse_dns;

struct reverse_dns_options {
        const struct crawlers *crawlers; /* borrowed */
        const char *const *servers;      /* addresses, with a port or not */
        unsigned server_count;           /* 0: those of the system */
        uint32_t cache_size;
        struct hash_key hash_key;
        struct event_base *loop; /* borrowed */
        bool wait;
        struct counters *counters;
};

/* NULL after a line that says why. */
struct reverse_dns *reverse_dns_new(const struct reverse_dns_options *);
void reverse_dns_free(struct reverse_dns **);

/* Borrows others, which have the same hosts: what was learnt of names stays. */
void reverse_dns_set_crawlers(struct reverse_dns *, const struct crawlers *);

/* The hosts_fn; its context is the struct reverse_dns. */
struct hosts_answer reverse_dns_find(void *context, const struct ip *, int64_t now_ns);

#endif
