/* SPDX-License-Identifier: MIT */
/* Any text as a URL: what is accepted can be printed, and reads back the same. */
#include "alert/redis_url.h"
#include "base/check.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        char *text = malloc(size + 1), printed[REDIS_URL_TEXT_MAX];
        struct redis_url url, again;
        struct buf hidden = { 0 };

        memcpy(text, data, size);
        text[size] = '\0';
        if (!redis_url_parse(text, &url)) {
                redis_url_text(&url, printed);
                CHECK(!redis_url_parse(printed, &again));
                CHECK(url.host_count == again.host_count);
                for (unsigned i = 0; i < url.host_count; i++)
                        CHECK(strcmp(url.hosts[i].name, again.hosts[i].name) == 0 &&
                              url.hosts[i].port == again.hosts[i].port);
                redis_url_hide_password(text, &hidden);
                buf_put_byte(&hidden, '\0');
                CHECK(!redis_url_parse((char *)hidden.data, &again));
                CHECK(!again.password[0] && strcmp(url.user, again.user) == 0);
                CHECK(strcmp(url.master, again.master) == 0);
        }
        buf_free(&hidden);
        free(text);
        return 0;
}
