/* SPDX-License-Identifier: MIT */
#include "app/reach.h"

#include "base/check.h"

#include <stdio.h>

static bool has_password(const char *url)
{
        struct buf hidden = { 0 };
        bool has = redis_url_hide_password(url, &hidden);

        buf_free(&hidden);
        return has;
}

bool reach_redis(const struct config *config, struct redis_url *url,
                 char error[REACH_ERROR_MAX])
{
        /* The configuration's parser has refused what this would refuse. */
        CHECK(!redis_url_parse(config->redis.url, url));
        if (!url->user[0] && config->redis.user)
                snprintf(url->user, sizeof(url->user), "%s", config->redis.user);
        url->tls = (struct redis_tls_options){
                config->redis.tls_ca,
                config->redis.tls_cert,
                config->redis.tls_key,
                config->redis.tls_name,
        };
        if (config->redis.password_file && !has_password(config->redis.url) &&
            !redis_secret_read("redis.password_file", config->redis.password_file,
                               url->password, error))
                return false;
        return !config->redis.sentinel_password_file ||
               redis_secret_read("redis.sentinel_password_file",
                                 config->redis.sentinel_password_file,
                                 url->sentinel_password, error);
}
