/* SPDX-License-Identifier: MIT */
#include "alert/privacy_key.h"

#include "base/check.h"
#include "base/clock.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define KEY_DIGITS (2 * PRIVACY_KEY_BYTES)
#define KEY_LINE                                                              \
        (KEY_DIGITS + 6 + CLOCK_TEXT_MAX + 1) /* key, " from ", time, newline \
                                               */
#define FILE_MAX (PRIVACY_KEYS_MAX * KEY_LINE)
#define REMEDY   "write 64 hex digits into it: openssl rand -hex 32"
#define FROM     "from "

/* --- text --- */

static int hex_value(uint8_t c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        c |= 0x20;
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* NULL when `text` is a key; else what is wrong with it. */
static const char *parse_key(struct slice text, uint8_t key[PRIVACY_KEY_BYTES])
{
        if (text.len < KEY_DIGITS)
                return "is shorter than 64 hex digits";
        if (text.len > KEY_DIGITS)
                return "is longer than 64 hex digits";
        for (size_t i = 0; i < PRIVACY_KEY_BYTES; i++) {
                int high = hex_value(text.data[2 * i]),
                    low = hex_value(text.data[2 * i + 1]);
                if (high < 0 || low < 0)
                        return "holds something else than hex digits";
                key[i] = (uint8_t)(high << 4 | low);
        }
        return NULL;
}

static bool parse_time(struct slice text, int64_t *time_ns)
{
        char copy[CLOCK_TEXT_MAX];
        struct tm parts = { 0 };

        if (text.len >= sizeof(copy))
                return false;
        memcpy(copy, text.data, text.len);
        copy[text.len] = '\0';
        const char *end = strptime(copy, "%Y-%m-%dT%H:%M:%SZ", &parts);
        if (!end || *end)
                return false;
        *time_ns = (int64_t)timegm(&parts) * NS_PER_SEC;
        return *time_ns > 0;
}

/* A line after the first: "KEY from TIME". */
static const char *parse_later(struct slice line, struct privacy_key *key)
{
        size_t space = slice_find(line, ' ');
        struct slice rest = slice_trim(slice_from(line, space));

        if (!slice_starts_with(rest, slice_str(FROM)) ||
            !parse_time(slice_trim(slice_from(rest, strlen(FROM))), &key->from_ns))
                return "has a second key without a time: KEY from 2026-12-03T10:00:00Z";
        return parse_key(slice_first(line, space), key->bytes);
}

const char *privacy_keys_parse(struct slice text, struct privacy_keys *keys)
{
        struct slice line;

        *keys = (struct privacy_keys){ 0 };
        while (text.len && slice_next(&text, '\n', &line)) {
                while (line.len && isspace(line.data[line.len - 1]))
                        line.len--;
                if (line.len == 0)
                        continue;
                if (keys->count == PRIVACY_KEYS_MAX)
                        return "holds more than 8 keys: take the oldest out";
                struct privacy_key *key = &keys->key[keys->count];
                const char *wrong =
                    keys->count ? parse_later(line, key) : parse_key(line, key->bytes);
                if (wrong)
                        return wrong;
                if (keys->count && key->from_ns <= key[-1].from_ns)
                        return "has times that do not ascend";
                keys->count++;
        }
        return keys->count ? NULL : "is empty";
}

static size_t print_keys(const struct privacy_keys *keys, char text[FILE_MAX])
{
        char time[CLOCK_TEXT_MAX];
        char *at = text;

        for (unsigned i = 0; i < keys->count; i++) {
                for (size_t k = 0; k < PRIVACY_KEY_BYTES; k++)
                        at += sprintf(at, "%02x", keys->key[i].bytes[k]);
                if (i) {
                        time_t seconds = (time_t)(keys->key[i].from_ns / NS_PER_SEC);
                        struct tm parts;
                        gmtime_r(&seconds, &parts);
                        strftime(time, sizeof(time), "%Y-%m-%dT%H:%M:%SZ", &parts);
                        at += sprintf(at, " " FROM "%s", time);
                }
                *at++ = '\n';
        }
        return (size_t)(at - text);
}

/* --- reading --- */

static bool read_from(int fd, const char *path, struct privacy_keys *keys,
                      char error[PRIVACY_ERROR_MAX])
{
        char text[FILE_MAX + 1];
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
        const char *wrong = privacy_keys_parse(slice_of(text, (size_t)len), keys);
        OPENSSL_cleanse(text, sizeof(text));
        if (wrong)
                snprintf(error, PRIVACY_ERROR_MAX, "%s %s; " REMEDY, path, wrong);
        keys->mode = st.st_mode & 07777;
        return !wrong;
}

bool privacy_keys_read(const char *path, struct privacy_keys *keys,
                       char error[PRIVACY_ERROR_MAX])
{
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

        if (fd < 0) {
                snprintf(error, PRIVACY_ERROR_MAX, "%s: %s; %s", path, strerror(errno),
                         errno == ENOENT ? REMEDY : "make it readable for this user");
                return false;
        }
        bool good = read_from(fd, path, keys, error);
        close(fd);
        return good;
}

/* --- writing --- */

/* A new file that is whole and on disk, or none. False with errno. */
static bool write_fresh(const char *path, const struct privacy_keys *keys,
                        const struct stat *like)
{
        char text[FILE_MAX];
        size_t len = print_keys(keys, text);
        int fd;

        unlink(path);
        fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        bool good = fd >= 0 && write(fd, text, len) == (ssize_t)len;
        OPENSSL_cleanse(text, sizeof(text));
        if (good && like)
                good = fchown(fd, like->st_uid, like->st_gid) == 0 &&
                       fchmod(fd, like->st_mode & 07777) == 0;
        good = good && fsync(fd) == 0;
        int why = errno;
        if (fd >= 0)
                close(fd);
        if (!good)
                unlink(path);
        errno = why;
        return good;
}

static void name_fresh(const char *path, char fresh[PATH_MAX + 32])
{
        snprintf(fresh, PATH_MAX + 32, "%.*s.%ld", PATH_MAX, path, (long)getpid());
}

bool privacy_keys_replace(const char *path, const struct privacy_keys *keys)
{
        char fresh[PATH_MAX + 32];
        struct stat st;

        name_fresh(path, fresh);
        if (stat(path, &st) != 0 || !write_fresh(fresh, keys, &st))
                return false;
        if (rename(fresh, path) == 0)
                return true;
        int why = errno;
        unlink(fresh);
        errno = why;
        return false;
}

bool privacy_key_make(const char *path)
{
        struct privacy_keys keys = { .count = 1 };
        char fresh[PATH_MAX + 32];

        name_fresh(path, fresh);
        privacy_key_random(keys.key[0].bytes);
        bool good = write_fresh(fresh, &keys, NULL);
        privacy_keys_wipe(&keys);
        if (!good)
                return false;
        /* Linked: the second of two starts takes the key of the first. */
        good = link(fresh, path) == 0 || errno == EEXIST;
        int why = errno;
        unlink(fresh);
        errno = why;
        return good;
}

/* --- keys --- */

void privacy_key_random(uint8_t bytes[PRIVACY_KEY_BYTES])
{
        CHECK(RAND_bytes(bytes, PRIVACY_KEY_BYTES) == 1);
}

unsigned privacy_key_at(const struct privacy_keys *keys, int64_t now_ns)
{
        unsigned at = 0;

        while (at + 1 < keys->count && keys->key[at + 1].from_ns <= now_ns)
                at++;
        return at;
}

void privacy_key_mark(const struct privacy_key *key, char mark[PRIVACY_MARK_LEN + 1])
{
        uint8_t digest[EVP_MAX_MD_SIZE];

        CHECK(EVP_Digest(key->bytes, PRIVACY_KEY_BYTES, digest, NULL, EVP_sha256(),
                         NULL) == 1);
        for (size_t i = 0; i < PRIVACY_MARK_LEN / 2; i++)
                snprintf(mark + 2 * i, 3, "%02x", digest[i]);
}

void privacy_keys_wipe(struct privacy_keys *keys)
{
        OPENSSL_cleanse(keys, sizeof(*keys));
}
