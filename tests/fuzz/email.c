/* SPDX-License-Identifier: MIT */
/* One text as an address, a name and a telephone number. */
#include "observe/email.h"

#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        uint8_t canonical[EMAIL_MAX], skeleton[EMAIL_SKELETON_MAX],
            name[NAME_SKELETON_MAX], phone[PHONE_PREFIX], twice[EMAIL_MAX];
        struct email e, again;
        struct slice text = slice_of(data, size);

        CHECK(name_skeleton(text, name) <= NAME_SKELETON_MAX);
        if (phone_prefix(text, phone))
                for (unsigned i = 0; i < PHONE_PREFIX; i++)
                        CHECK(phone[i] >= '0' && phone[i] <= '9');
        if (!email_parse(text, &e))
                return 0;
        CHECK(email_skeleton(&e, skeleton) <= EMAIL_SKELETON_MAX);
        size_t len = email_canonical(&e, canonical);
        CHECK(len <= EMAIL_MAX);
        /* The canonical form of a canonical form is itself. */
        if (email_parse(slice_of(canonical, len), &again))
                CHECK(slice_equal(slice_of(twice, email_canonical(&again, twice)),
                                  slice_of(canonical, len)));
        return 0;
}
