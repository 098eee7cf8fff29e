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

        memcpy(text, data, size);
        text[size] = '\0';
        if (!redis_url_parse(text, &url)) {
                redis_url_text(&url, printed);
                CHECK(!redis_url_parse(printed, &again));
                CHECK(strcmp(url.host, again.host) == 0 && url.port == again.port);
        }
        free(text);
        return 0;
}
