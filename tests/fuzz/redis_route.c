/* SPDX-License-Identifier: MIT */
/* Any text as an error of Redis: where it sends us has a name and a port. */
#include "alert/redis_route.h"
#include "base/check.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        char *error = malloc(size + 1);
        struct redis_host to;
        bool is_ask;

        memcpy(error, data, size);
        error[size] = '\0';
        if (redis_redirect_parse(error, "peer", &to, &is_ask)) {
                CHECK(to.port != 0 && to.name[0] != '\0');
                CHECK(is_ask == redis_error_is(error, "ASK"));
        }
        free(error);
        return 0;
}
