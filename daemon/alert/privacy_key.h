/* SPDX-License-Identifier: MIT */
/*
 * privacy_key - the file with the keys of pseudonyms: what stands in it, and how it is
 * made and changed.
 *
 *      64 hex digits                               since ever
 *      64 hex digits from 2026-12-03T10:00:00Z     pseudonyms from then on
 *
 * A file has one line until its key is changed, then one for each change, the times
 * ascending, PRIVACY_KEYS_MAX at most. The first key is also the one that the hashes of
 * windows and the ids of incidents come from: it stays until it is taken out.
 *
 * Files are written whole under another name and moved into place, so nobody reads half
 * of one. No key is ever in a message.
 */
#ifndef ALERT_PRIVACY_KEY_H
#define ALERT_PRIVACY_KEY_H

#include "base/slice.h"

#define PRIVACY_KEY_BYTES 32
#define PRIVACY_KEYS_MAX  8
#define PRIVACY_ERROR_MAX 512

struct privacy_keys {
        unsigned count; /* 1 at least, in a file that was read */
        unsigned mode;  /* of the file: who may read it */
        struct privacy_key {
                uint8_t bytes[PRIVACY_KEY_BYTES];
                int64_t from_ns; /* of the first: 0 */
        } key[PRIVACY_KEYS_MAX];
};

/*
 * False, and what is wrong and what to do in `error` (with the path in front). The caller
 * wipes the keys.
 */
bool privacy_keys_read(const char *path, struct privacy_keys *,
                       char error[PRIVACY_ERROR_MAX]);

/* The text of a file. NULL when it is good, else what is wrong with it. */
const char *privacy_keys_parse(struct slice text, struct privacy_keys *);

/* Takes the place of the file, whose owner and mode stay. False with errno. */
bool privacy_keys_replace(const char *path, const struct privacy_keys *);

/*
 * A file with a new key, mode 0600. True as well when there is one already: then that
 * stays. False with errno.
 */
bool privacy_key_make(const char *path);

void privacy_key_random(uint8_t bytes[PRIVACY_KEY_BYTES]);

/* Which key pseudonyms are made with at that time. */
unsigned privacy_key_at(const struct privacy_keys *, int64_t now_ns);

#define PRIVACY_MARK_LEN 8
/* Tells keys apart without telling them: the first hex digits of a hash of the key. */
void privacy_key_mark(const struct privacy_key *, char mark[PRIVACY_MARK_LEN + 1]);

void privacy_keys_wipe(struct privacy_keys *);

#endif
