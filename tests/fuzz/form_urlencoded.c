/* SPDX-License-Identifier: MIT */
#include "observe/form_urlencoded.h"

#include "form_body.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        form_body_check(form_urlencoded_read, data, size);
        return 0;
}
