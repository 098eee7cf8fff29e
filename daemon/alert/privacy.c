/* SPDX-License-Identifier: MIT */
#include "alert/privacy.h"

#include "alert/folder.h"
#include "base/bytes.h"
#include "base/check.h"
#include "base/log.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_BYTES     32
#define KEY_DIGITS    (2 * KEY_BYTES)
#define BLOCK_BYTES   64 /* of SHA-256 */
#define DIGEST_BYTES  32
#define PSEUDONYM_MAX 256
#define PSEUDONYM_LEN 32 /* hex digits of the first 16 bytes */

#define REMEDY "write 64 hex digits into it: openssl rand -hex 32"

/*
 * HMAC is two hashes that each begin with a block made of the key. Those states are
 * kept and copied for each call: 0.3 us, where HMAC() costs 2.2 us.
 */
struct privacy {
        EVP_MD *sha256;
        EVP_MD_CTX *inner, *outer; /* after the key's block */
        EVP_MD_CTX *work;
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

static int hex_value(uint8_t c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        c |= 0x20;
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* NULL when `text` is a key; else what is wrong with it. */
static const char *parse_key(struct slice text, uint8_t key[KEY_BYTES])
{
        while (text.len && isspace(text.data[text.len - 1]))
                text.len--;
        if (text.len == 0)
                return "is empty";
        if (text.len < KEY_DIGITS)
                return "is shorter than 64 hex digits";
        if (text.len > KEY_DIGITS)
                return "is longer than 64 hex digits";
        for (size_t i = 0; i < KEY_BYTES; i++) {
                int high = hex_value(text.data[2 * i]),
                    low = hex_value(text.data[2 * i + 1]);
                if (high < 0 || low < 0)
                        return "holds something else than hex digits";
                key[i] = (uint8_t)(high << 4 | low);
        }
        return NULL;
}

static void warn_about_mode(const char *path, mode_t mode)
{
        mode &= 07777;
        if (mode != 0600 && mode != 0640 && mode != 0400)
                log_warning("privacy key %s: mode is %04o, so others can get at it; "
                            "chmod 0600 %s",
                            path, (unsigned)mode, path);
}

static bool read_key_from(int fd, const char *path, uint8_t key[KEY_BYTES], mode_t *mode,
                          char error[PRIVACY_ERROR_MAX])
{
        char text[1024];
        struct stat st;

        if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
                snprintf(error, PRIVACY_ERROR_MAX, "%s: not a regular file; " REMEDY,
                         path);
                return false;
        }
        ssize_t len = read(fd, text, sizeof(text));
        if (len < 0) {
                snprintf(error, PRIVACY_ERROR_MAX, "%s: %s", path, strerror(errno));
                return false;
        }
        const char *wrong = parse_key(slice_of(text, (size_t)len), key);
        OPENSSL_cleanse(text, sizeof(text));
        if (wrong)
                snprintf(error, PRIVACY_ERROR_MAX, "%s %s; " REMEDY, path, wrong);
        *mode = st.st_mode;
        return !wrong;
}

static bool read_key(const char *path, uint8_t key[KEY_BYTES], mode_t *mode,
                     char error[PRIVACY_ERROR_MAX])
{
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

        if (fd < 0) {
                snprintf(error, PRIVACY_ERROR_MAX, "%s: %s; %s", path, strerror(errno),
                         errno == ENOENT ? REMEDY : "make it readable for this user");
                return false;
        }
        bool good = read_key_from(fd, path, key, mode, error);
        close(fd);
        return good;
}

static bool load_key(const char *path, uint8_t key[KEY_BYTES])
{
        char error[PRIVACY_ERROR_MAX];
        mode_t mode;

        if (read_key(path, key, &mode, error)) {
                warn_about_mode(path, mode);
                return true;
        }
        log_error("privacy key %s", error);
        return false;
}

bool privacy_check_key(const char *path, char error[PRIVACY_ERROR_MAX])
{
        uint8_t key[KEY_BYTES];
        mode_t mode;
        bool good = read_key(path, key, &mode, error);

        OPENSSL_cleanse(key, sizeof(key));
        return good;
}

/* True when the whole key is in `path` and on disk. */
static bool write_random_key(const char *path)
{
        uint8_t key[KEY_BYTES];
        char text[KEY_DIGITS + 2];

        CHECK(RAND_bytes(key, sizeof(key)) == 1);
        for (size_t i = 0; i < KEY_BYTES; i++)
                snprintf(text + 2 * i, 4, "%02x\n", key[i]);
        OPENSSL_cleanse(key, sizeof(key));
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd < 0)
                return false;
        bool good = write(fd, text, KEY_DIGITS + 1) == KEY_DIGITS + 1 && fsync(fd) == 0;
        OPENSSL_cleanse(text, sizeof(text));
        return close(fd) == 0 && good;
}

/*
 * Made under another name and linked, so that nobody ever reads half a key and
 * the second of two starts takes the key of the first.
 */
static bool make_key_file(const char *directory, const char *path)
{
        char fresh[PATH_MAX + 32];

        snprintf(fresh, sizeof(fresh), "%s.%ld", path, (long)getpid());
        unlink(fresh);
        bool good = folder_make(directory) && write_random_key(fresh) &&
                    (link(fresh, path) == 0 || errno == EEXIST);
        int why = errno;
        unlink(fresh);
        if (good)
                log_info("made a privacy key: %s (blockers that must recognise sessions "
                         "need a copy)",
                         path);
        else
                log_error(
                    "cannot make the privacy key %s: %s; make the folder writable, or "
                    "set privacy.key_file",
                    path, strerror(why));
        return good;
}

static bool state_key(const char *directory, uint8_t key[KEY_BYTES])
{
        char path[PATH_MAX];

        if ((size_t)snprintf(path, sizeof(path), "%s/" PRIVACY_KEY_NAME, directory) >=
            sizeof(path)) {
                log_error("state folder %s: the name is too long", directory);
                return false;
        }
        if (access(path, F_OK) != 0 && errno == ENOENT && !make_key_file(directory, path))
                return false;
        return load_key(path, key);
}

static bool find_key(const struct privacy_options *options, uint8_t key[KEY_BYTES])
{
        if (options->key_file)
                return load_key(options->key_file, key);
        if (options->state_directory)
                return state_key(options->state_directory, key);
        CHECK(!parse_key(slice_str(PRIVACY_OFFLINE_KEY), key));
        return true;
}

static EVP_MD_CTX *keyed(const EVP_MD *sha256, const uint8_t key[KEY_BYTES], uint8_t pad)
{
        uint8_t block[BLOCK_BYTES];
        EVP_MD_CTX *ctx = EVP_MD_CTX_new();

        for (size_t i = 0; i < BLOCK_BYTES; i++)
                block[i] = (uint8_t)((i < KEY_BYTES ? key[i] : 0) ^ pad);
        CHECK(ctx && EVP_DigestInit_ex(ctx, sha256, NULL) == 1 &&
              EVP_DigestUpdate(ctx, block, sizeof(block)) == 1);
        OPENSSL_cleanse(block, sizeof(block));
        return ctx;
}

struct privacy *privacy_open(const struct privacy_options *options)
{
        uint8_t key[KEY_BYTES];

        if (!find_key(options, key))
                return NULL;
        struct privacy *p = calloc(1, sizeof(*p));
        CHECK(p);
        p->clear = options->clear;
        p->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
        CHECK(p->sha256);
        p->inner = keyed(p->sha256, key, 0x36);
        p->outer = keyed(p->sha256, key, 0x5c);
        p->work = EVP_MD_CTX_new();
        CHECK(p->work);
        OPENSSL_cleanse(key, sizeof(key));
        return p;
}

void privacy_free(struct privacy **p)
{
        if (!*p)
                return;
        EVP_MD_CTX_free((*p)->inner);
        EVP_MD_CTX_free((*p)->outer);
        EVP_MD_CTX_free((*p)->work);
        EVP_MD_free((*p)->sha256);
        free(*p);
        *p = NULL;
}

static void hmac(const struct privacy *p, struct slice head, struct slice tail,
                 uint8_t digest[DIGEST_BYTES])
{
        EVP_MD_CTX *work = p->work;

        CHECK(EVP_MD_CTX_copy_ex(work, p->inner) == 1 &&
              EVP_DigestUpdate(work, head.data, head.len) == 1 &&
              EVP_DigestUpdate(work, tail.data, tail.len) == 1 &&
              EVP_DigestFinal_ex(work, digest, NULL) == 1);
        CHECK(EVP_MD_CTX_copy_ex(work, p->outer) == 1 &&
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
        hmac(p, slice_of(type, strlen(type) + 1), raw, digest);
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
        hmac(p, slice_str("trawlwatch incident ids"), slice_str(""), key);
}

struct hash_key privacy_hash_key(const struct privacy *p)
{
        uint8_t digest[DIGEST_BYTES];

        hmac(p, slice_str("trawlwatch keyed hashes"), slice_str(""), digest);
        return (struct hash_key){ load_le64(digest), load_le64(digest + 8) };
}
