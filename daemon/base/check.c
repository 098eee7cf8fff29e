/* SPDX-License-Identifier: MIT */
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void check_failed(const char *condition, const char *file, int line)
{
        fprintf(stderr, "trawlwatch: internal error: %s is not so, at %s:%d\n", condition,
                file, line);
        abort();
}
