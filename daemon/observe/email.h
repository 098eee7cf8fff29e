/* SPDX-License-Identifier: MIT */
/*
 * email - what a sign-up's address, name and telephone number say, without saying whose
 * they are.
 *
 * An address is LOCAL@DOMAIN with one @, a local part of 1 to 64 bytes and a domain of
 * 1 to 253 (RFC 5321 4.5.3.1): letters, digits, `-` and dots between them, and what is
 * not ASCII. Blanks around it do not count. Whatever else is no address.
 *
 *   domain     in lower case
 *   canonical  in lower case, the local part without `+` and what follows; for a provider
 *              that ignores dots without those, and under its one domain (email.c has the
 *              table; each row with its source)
 *   skeleton   of the local part as sent, `+` and all: runs of letters become `l`, runs
 *              of digits `d` and their length, all else stays: `john.smith83` is `l.ld2`.
 *              Bytes that are not ASCII are letters.
 *
 * A name's skeleton is that of its words, which are separated by one blank each:
 * `Anna Maria  Lee-Jones 3rd` is `l l l-l d1l`.
 *
 * Writes into what the caller gives, at most what the constants say.
 */
#ifndef OBSERVE_EMAIL_H
#define OBSERVE_EMAIL_H

#include "base/slice.h"

#define EMAIL_LOCAL_MAX    64
#define EMAIL_DOMAIN_MAX   253
#define EMAIL_MAX          (EMAIL_LOCAL_MAX + 1 + EMAIL_DOMAIN_MAX)
#define EMAIL_SKELETON_MAX (2 * EMAIL_LOCAL_MAX)
#define NAME_SKELETON_MAX  256 /* a longer one is cut */
#define PHONE_PREFIX       6
#define PHONE_DIGITS_MIN   7
#define PHONE_DIGITS_MAX   15 /* ITU-T E.164 6.1 */

struct email {
        struct slice local, domain; /* both in `lower` */
        uint8_t lower[EMAIL_MAX];
};

/* False when the text is no address. */
bool email_parse(struct slice text, struct email *);

size_t email_canonical(const struct email *, uint8_t out[EMAIL_MAX]);
size_t email_skeleton(const struct email *, uint8_t out[EMAIL_SKELETON_MAX]);

/* 0 when there is nothing but blanks. */
size_t name_skeleton(struct slice name, uint8_t out[NAME_SKELETON_MAX]);

/*
 * The first six digits of a number that is written internationally: `+` or `00`, then
 * 7 to 15 digits of which the first is no 0, with blanks, hyphens, dots, slashes and
 * brackets between them as one likes; a `(0)` is passed over. False for any other: a
 * national number does not say in which country it is one.
 */
bool phone_prefix(struct slice number, uint8_t out[PHONE_PREFIX]);

#endif
