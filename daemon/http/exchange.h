/* SPDX-License-Identifier: MIT */
/*
 * exchange - a request that waits for its response.
 *
 * Owns copies of the heads that must outlive their packets: one block holds the
 * exchange, the request's header table and its head, a second one, where the
 * response's body is still to come, the response's. And the bodies that were wanted.
 */
#ifndef HTTP_EXCHANGE_H
#define HTTP_EXCHANGE_H

#include "http/body.h"
#include "http/head.h"

struct exchange {
        struct exchange *next;
        struct transaction transaction;
        uint32_t room;
        uint32_t response_room;
        void *response_block;
        int64_t request_start; /* offset of its first byte */
        int64_t response_start;
        struct body request_body, response_body;
        bool request_is_complete; /* its body has passed too */
        bool is_unwanted;         /* nobody is told of it */
        bool response_begun;
};

/*
 * A copy of a parsed request, all slices inside it. NULL when the memory is
 * used up. `bytes` is the piece that the head was parsed from.
 */
struct exchange *exchange_new(struct blocks *, const struct head *, struct slice bytes);

/* The same for one of which nobody wants more than what its response is read by. */
struct exchange *exchange_new_unwanted(struct blocks *, const struct head *,
                                       struct slice bytes);
void exchange_free(struct blocks *, struct exchange *);

/* Points the transaction at the bodies as far as they came. */
void exchange_set_bodies(struct exchange *);

/* Points the transaction at a response head; it must stay where it is. */
void exchange_set_response(struct exchange *, const struct head *);

/*
 * Copies the response head so that it may outlive its packet. When the memory
 * is used up the header lines are given up, the status stays; false then.
 */
bool exchange_keep_response(struct blocks *, struct exchange *, struct slice bytes);

/* Breaks inside values (obs-fold) become blanks. `bytes` must hold the lines. */
void exchange_unfold(struct http_headers headers);

#endif
