/* SPDX-License-Identifier: MIT */
#include "alert/privacy.h"

#include "alert/folder.h"
#include "base/bytes.h"
#include "base/check.h"
#include "base/log.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define BLOCK_BYTES   64 /* of SHA-256 */
#define DIGEST_BYTES  32
#define PSEUDONYM_MAX 256
#define PSEUDONYM_LEN 32 /* hex digits of the first 16 bytes */

/*
 * HMAC is two hashes that each begin with a block made of the key. Those states are
 * kept and copied for each call: 0.3 us, where HMAC() costs 2.2 us.
 */
struct keyed {
        EVP_MD_CTX *inner, *outer; /* after the key's block */
};

struct privacy {
        EVP_MD *sha256;
        EVP_MD_CTX *work;
        unsigned count, present; /* keys, and which of them makes pseudonyms now */
        struct keyed keys[PRIVACY_KEYS_MAX];
        int64_t from_ns[PRIVACY_KEYS_MAX];
        unsigned clear;
};

static const struct {
        const char *name;
        unsigned bit;
} kinds[] = {
        { "session", PRIVACY_CLEAR_SESSION },
        { "account", PRIVACY_CLEAR_ACCOUNT },
        { "email", PRIVACY_CLEAR_EMAIL },
};

/* The bit of a type; false for another. */
static bool clear_bit(struct slice name, unsigned *bit)
{
        for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
                if (slice_is(name, kinds[i].name)) {
                        *bit = kinds[i].bit;
                        return true;
                }
        }
        return false;
}

bool privacy_check_key(const char *path, char error[PRIVACY_ERROR_MAX])
{
        struct privacy_keys keys;
        bool good = privacy_keys_read(path, &keys, error);

        privacy_keys_wipe(&keys);
        return good;
}

static void warn_about_mode(const char *path, unsigned mode)
{
        if (mode != 0600 && mode != 0640 && mode != 0400)
                log_warning("privacy key %s: mode is %04o, so others can get at it; "
                            "chmod 0600 %s",
                            path, mode, path);
}

static bool load_keys(const char *path, struct privacy_keys *keys)
{
        char error[PRIVACY_ERROR_MAX];

        if (privacy_keys_read(path, keys, error)) {
                warn_about_mode(path, keys->mode);
                return true;
        }
        log_error("privacy key %s", error);
        return false;
}

static bool make_key_file(const char *directory, const char *path)
{
        bool good = folder_make(directory) && privacy_key_make(path);

        if (good)
                log_info("made a privacy key: %s (blockers that must recognise sessions "
                         "need a copy)",
                         path);
        else
                log_error(
                    "cannot make the privacy key %s: %s; make the folder writable, or "
                    "set privacy.key_file",
                    path, strerror(errno));
        return good;
}

static bool state_keys(const char *directory, struct privacy_keys *keys)
{
        char path[PATH_MAX];

        if ((size_t)snprintf(path, sizeof(path), "%s/" PRIVACY_KEY_NAME, directory) >=
            sizeof(path)) {
                log_error("state folder %s: the name is too long", directory);
                return false;
        }
        if (access(path, F_OK) != 0 && errno == ENOENT && !make_key_file(directory, path))
                return false;
        return load_keys(path, keys);
}

static bool find_keys(const struct privacy_options *options, struct privacy_keys *keys)
{
        if (options->key_file)
                return load_keys(options->key_file, keys);
        if (options->state_directory)
                return state_keys(options->state_directory, keys);
        CHECK(!privacy_keys_parse(slice_str(PRIVACY_OFFLINE_KEY), keys));
        return true;
}

static EVP_MD_CTX *begun(const EVP_MD *sha256, const struct privacy_key *key, uint8_t pad)
{
        uint8_t block[BLOCK_BYTES];
        EVP_MD_CTX *ctx = EVP_MD_CTX_new();

        for (size_t i = 0; i < BLOCK_BYTES; i++)
                block[i] = (uint8_t)((i < PRIVACY_KEY_BYTES ? key->bytes[i] : 0) ^ pad);
        CHECK(ctx && EVP_DigestInit_ex(ctx, sha256, NULL) == 1 &&
              EVP_DigestUpdate(ctx, block, sizeof(block)) == 1);
        OPENSSL_cleanse(block, sizeof(block));
        return ctx;
}

static void drop_keys(struct privacy *p)
{
        for (unsigned i = 0; i < p->count; i++) {
                EVP_MD_CTX_free(p->keys[i].inner);
                EVP_MD_CTX_free(p->keys[i].outer);
        }
        p->count = 0;
}

/* Those of a file take the place of those that were there. */
static void take_keys(struct privacy *p, const struct privacy_keys *keys)
{
        drop_keys(p);
        for (unsigned i = 0; i < keys->count; i++) {
                p->keys[i].inner = begun(p->sha256, &keys->key[i], 0x36);
                p->keys[i].outer = begun(p->sha256, &keys->key[i], 0x5c);
                p->from_ns[i] = keys->key[i].from_ns;
        }
        p->count = keys->count;
        p->present = 0;
}

struct privacy *privacy_open(const struct privacy_options *options)
{
        struct privacy_keys keys;

        if (!find_keys(options, &keys))
                return NULL;
        struct privacy *p = calloc(1, sizeof(*p));
        CHECK(p);
        p->clear = options->clear;
        p->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
        p->work = EVP_MD_CTX_new();
        CHECK(p->sha256 && p->work);
        take_keys(p, &keys);
        privacy_keys_wipe(&keys);
        return p;
}

bool privacy_reload(struct privacy *p, const struct privacy_options *options)
{
        struct privacy_keys keys;

        if (!find_keys(options, &keys))
                return false;
        take_keys(p, &keys);
        p->clear = options->clear;
        privacy_keys_wipe(&keys);
        return true;
}

bool privacy_tick(struct privacy *p, int64_t now_ns)
{
        unsigned before = p->present;

        p->present = 0;
        while (p->present + 1 < p->count && p->from_ns[p->present + 1] <= now_ns)
                p->present++;
        return p->present != before;
}

void privacy_free(struct privacy **p)
{
        if (!*p)
                return;
        drop_keys(*p);
        EVP_MD_CTX_free((*p)->work);
        EVP_MD_free((*p)->sha256);
        explicit_bzero(*p, sizeof(**p));
        free(*p);
        *p = NULL;
}

static void hmac(const struct privacy *p, unsigned key, struct slice head,
                 struct slice tail, uint8_t digest[DIGEST_BYTES])
{
        EVP_MD_CTX *work = p->work;

        CHECK(EVP_MD_CTX_copy_ex(work, p->keys[key].inner) == 1 &&
              EVP_DigestUpdate(work, head.data, head.len) == 1 &&
              EVP_DigestUpdate(work, tail.data, tail.len) == 1 &&
              EVP_DigestFinal_ex(work, digest, NULL) == 1);
        CHECK(EVP_MD_CTX_copy_ex(work, p->keys[key].outer) == 1 &&
              EVP_DigestUpdate(work, digest, DIGEST_BYTES) == 1 &&
              EVP_DigestFinal_ex(work, digest, NULL) == 1);
}

size_t privacy_pseudonym(void *privacy, const char *type, struct slice raw,
                         char out[PSEUDONYM_MAX])
{
        static const char hex[] = "0123456789abcdef";
        const struct privacy *p = privacy;
        uint8_t digest[DIGEST_BYTES];
        unsigned bit = 0;

        if (clear_bit(slice_str(type), &bit) && (p->clear & bit)) {
                raw = slice_first(raw, PSEUDONYM_MAX);
                if (raw.len)
                        memcpy(out, raw.data, raw.len);
                return raw.len;
        }
        hmac(p, p->present, slice_of(type, strlen(type) + 1), raw, digest);
        for (size_t i = 0; i < PSEUDONYM_LEN / 2; i++) {
                out[2 * i] = hex[digest[i] >> 4];
                out[2 * i + 1] = hex[digest[i] & 15];
        }
        return PSEUDONYM_LEN;
}

bool privacy_may_leave(const char *type, struct slice value, unsigned clear)
{
        unsigned bit = 0;

        if (!clear_bit(slice_str(type), &bit) || (clear & bit))
                return true;
        for (size_t i = 0; i < value.len; i++)
                if (!isdigit(value.data[i]) &&
                    (value.data[i] < 'a' || value.data[i] > 'f'))
                        return false;
        return value.len == PSEUDONYM_LEN;
}

/* No pseudonym is made of these texts: theirs hold a NUL. */
void privacy_id_key(const struct privacy *p, uint8_t key[32])
{
        hmac(p, 0, slice_str("trawlwatch incident ids"), slice_str(""), key);
}

struct hash_key privacy_hash_key(const struct privacy *p)
{
        uint8_t digest[DIGEST_BYTES];

        hmac(p, 0, slice_str("trawlwatch keyed hashes"), slice_str(""), digest);
        return (struct hash_key){ load_le64(digest), load_le64(digest + 8) };
}
