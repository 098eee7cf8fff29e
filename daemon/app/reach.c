/* SPDX-License-Identifier: MIT */
#include "app/reach.h"

#include "alert/redis_tls.h"
#include "base/check.h"
#include "base/log.h"

#include <stdio.h>

static bool has_password(const char *url)
{
        struct buf hidden = { 0 };
        bool has = redis_url_hide_password(url, &hidden);

        buf_free(&hidden);
        return has;
}

/* The files that are read for a connection. */
static bool read_secret(const char *key, const char *path, char secret[REDIS_SECRET_MAX],
                        bool warns, char error[REACH_ERROR_MAX])
{
        char warning[REDIS_SECRET_ERROR_MAX];
        bool good = !path || redis_secret_read(key, path, secret, error, warning);

        if (path && warns && warning[0])
                log_warning("%s", warning);
        return good;
}

static void fill_url(const struct config *config, struct redis_url *url)
{
        /* The configuration's parser has refused what this would refuse. */
        CHECK(!redis_url_parse(config->redis.url, url));
        if (!url->user[0] && config->redis.user)
                snprintf(url->user, sizeof(url->user), "%s", config->redis.user);
        if (config->redis.sentinel_user)
                snprintf(url->sentinel_user, sizeof(url->sentinel_user), "%s",
                         config->redis.sentinel_user);
        url->tls = (struct redis_tls_options){
                config->redis.tls_ca,
                config->redis.tls_cert,
                config->redis.tls_key,
                config->redis.tls_name,
        };
}

/* The file of the password counts where the URL has none. */
static const char *password_file(const struct config *config)
{
        return has_password(config->redis.url) ? NULL : config->redis.password_file;
}

bool reach_redis(const struct config *config, struct redis_url *url, bool warns,
                 char error[REACH_ERROR_MAX])
{
        fill_url(config, url);
        return read_secret("redis.password_file", password_file(config), url->password,
                           warns, error) &&
               read_secret("redis.sentinel_password_file",
                           config->redis.sentinel_password_file, url->sentinel_password,
                           warns, error);
}

static void check_secret(const struct config *config, const char *key, const char *path,
                         struct diag *diag)
{
        char secret[REDIS_SECRET_MAX], error[REDIS_SECRET_ERROR_MAX];
        char warning[REDIS_SECRET_ERROR_MAX];

        if (!path)
                return;
        if (!redis_secret_read(key, path, secret, error, warning))
                diag_error(diag, config_place(config, key), "%s", error);
        if (warning[0])
                diag_warning(diag, config_place(config, key), "%s", warning);
        redis_secret_wipe(secret, sizeof(secret));
}

/* `why` begins with the key; one that is not set has no place of its own. */
static struct place place_of_tls(const struct config *config, const char *why)
{
        char key[64];
        struct place place;

        snprintf(key, sizeof(key), "%.*s", (int)strcspn(why, " "), why);
        place = config_place(config, key);
        if (!place.file)
                place = config_place(config, "redis.tls_cert");
        return place.file ? place : config_place(config, "redis.url");
}

void reach_check(const struct config *config, struct diag *diag)
{
        char why[REDIS_WHY_MAX];
        struct redis_url url;

        fill_url(config, &url);
        check_secret(config, "redis.password_file", password_file(config), diag);
        check_secret(config, "redis.sentinel_password_file",
                     config->redis.sentinel_password_file, diag);
        if (url.is_tls && !redis_tls_check(&url.tls, why))
                diag_error(diag, place_of_tls(config, why), "%s", why);
        redis_secret_wipe(url.password, sizeof(url.password));
}
