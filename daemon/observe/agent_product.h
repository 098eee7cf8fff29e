/* SPDX-License-Identifier: MIT */
/*
 * agent_product - browsers and HTTP libraries by the words in their User-Agent.
 *
 * A table of tokens, the most telling first: nearly every browser also claims to
 * be the ones that it descends from, so Edge stands before Chrome and Chrome before
 * Safari. The first row whose token is there names the family.
 */
#ifndef OBSERVE_AGENT_PRODUCT_H
#define OBSERVE_AGENT_PRODUCT_H

#include <stdbool.h>

#define AGENT_PRODUCTS_MAX 128 /* rows are bits of a word */

struct agent_product {
        const char *token;   /* at the edges of words */
        const char *family;  /* NULL: only looked for, for the rows that name it */
        const char *version; /* the token that the version stands behind; NULL: its own */
        const char *needs;   /* a token that must be there too, or NULL */
        bool at_start;       /* only at the beginning of the text */
};

/* Ends with a NULL token. */
extern const struct agent_product agent_products[];

#endif
