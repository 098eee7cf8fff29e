/* SPDX-License-Identifier: MIT */
#include "alert/redis_secret.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define OTHERS (S_IRWXO | S_IWGRP)

static void warn_about_mode(const char *key, const char *path, int fd,
                            char warning[REDIS_SECRET_ERROR_MAX])
{
        struct stat st;

        if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & OTHERS))
                snprintf(warning, REDIS_SECRET_ERROR_MAX,
                         "%s %s: mode is %04o, so others can get at it; chmod 0600 %s",
                         key, path, (unsigned)(st.st_mode & 07777), path);
}

/* NULL, or what is wrong with the text. */
static const char *take_line(struct slice text, char secret[REDIS_SECRET_MAX])
{
        if (text.len && text.data[text.len - 1] == '\n')
                text.len--;
        if (text.len && text.data[text.len - 1] == '\r')
                text.len--;
        if (text.len == 0)
                return "is empty; write the password into it";
        if (text.len >= REDIS_SECRET_MAX)
                return "is longer than 511 bytes; it holds one password, nothing else";
        if (slice_find(text, '\n') < text.len || slice_find(text, '\0') < text.len)
                return "has more than one line; it holds one password, nothing else";
        memcpy(secret, text.data, text.len);
        secret[text.len] = '\0';
        return NULL;
}

void redis_secret_wipe(char *secret, size_t size)
{
        OPENSSL_cleanse(secret, size);
}

bool redis_secret_read(const char *key, const char *path, char secret[REDIS_SECRET_MAX],
                       char error[REDIS_SECRET_ERROR_MAX],
                       char warning[REDIS_SECRET_ERROR_MAX])
{
        char text[REDIS_SECRET_MAX + 2];
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        ssize_t len = fd >= 0 ? read(fd, text, sizeof(text)) : -1;

        warning[0] = '\0';
        if (len < 0) {
                snprintf(error, REDIS_SECRET_ERROR_MAX, "%s %s: %s%s", key, path,
                         strerror(errno),
                         errno == EACCES ? "; let this user read it (chown, chmod 0600)"
                                         : "");
                if (fd >= 0)
                        close(fd);
                return false;
        }
        warn_about_mode(key, path, fd, warning);
        close(fd);
        const char *wrong = take_line(slice_of(text, (size_t)len), secret);
        OPENSSL_cleanse(text, sizeof(text));
        if (wrong)
                snprintf(error, REDIS_SECRET_ERROR_MAX, "%s %s %s", key, path, wrong);
        return !wrong;
}
