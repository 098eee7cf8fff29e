/* SPDX-License-Identifier: MIT */
/*
 * privacy - what may leave the sensor in place of a session, an account or an
 * e-mail address.
 *
 * A pseudonym is the first 16 bytes, in hex, of HMAC-SHA-256 (RFC 2104) under
 * the key of privacy.key_file over TYPE, a NUL and the raw value. Who has the key
 * file can compute the same. Incident ids and the keyed hashes of windows are
 * derived from the same key, so that sensors that share the file agree.
 *
 * A key file may hold several keys, each with the time from which it makes pseudonyms
 * (privacy_key.h): so blockers can have the next one before it is used. What is derived
 * for windows and ids always comes from the first.
 *
 * Offline runs without a file use PRIVACY_OFFLINE_KEY, which protects nothing and makes
 * them repeat. Never logs the key or a raw value.
 */
#ifndef ALERT_PRIVACY_H
#define ALERT_PRIVACY_H

#include "alert/privacy_key.h"
#include "base/hash.h"

#define PRIVACY_OFFLINE_KEY \
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define PRIVACY_KEY_NAME "privacy.key" /* the file made in the state directory */

struct privacy;

enum privacy_clear { /* privacy.clear: these leave as they are */
                     PRIVACY_CLEAR_SESSION = 1 << 0,
                     PRIVACY_CLEAR_ACCOUNT = 1 << 1,
                     PRIVACY_CLEAR_EMAIL = 1 << 2,
};

struct privacy_options {
        const char *key_file;        /* privacy.key_file, or NULL */
        const char *state_directory; /* live without a key file: the key is made here,
                                        mode 0600; NULL: offline, PRIVACY_OFFLINE_KEY */
        unsigned clear;              /* of enum privacy_clear */
};

/* NULL after one log_error that says what is wrong and what to do. */
struct privacy *privacy_open(const struct privacy_options *);
void privacy_free(struct privacy **);

/*
 * Reads the keys again and takes up `clear`. False after one log_error: all stays as it
 * was. Which key makes pseudonyms is for the next privacy_tick to say: until then, as
 * after privacy_open, it is the first.
 */
bool privacy_reload(struct privacy *, const struct privacy_options *);

/* Pseudonyms are of this time from now on. True when another key makes them. */
bool privacy_tick(struct privacy *, int64_t now_ns);

/* Whether `path` holds keys that privacy_open takes; if not, the remedy is in `error`. */
bool privacy_check_key(const char *path, char error[PRIVACY_ERROR_MAX]);

/* A pseudonym_fn (observe/record.h). `type` is session, account or email. */
size_t privacy_pseudonym(void *privacy, const char *type, struct slice raw,
                         char out[256]);

/*
 * Whether a value that somebody gives may go out as it is: of a type that is never
 * hidden, or that `clear` names, or a pseudonym by its form.
 */
bool privacy_may_leave(const char *type, struct slice value, unsigned clear);

/* For struct engine_options. */
void privacy_id_key(const struct privacy *, uint8_t key[32]);
struct hash_key privacy_hash_key(const struct privacy *);

#endif
