/* SPDX-License-Identifier: MIT */
/* Any message of the channel, and any member of the sorted set: what is taken is plain.
 */
#include "base/check.h"
#include "message.h"
#include "subject.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at(void *context, struct slice member)
{
        struct subject subject, again;
        struct buf text = { 0 };

        (void)context;
        if (subject_parse(member, &subject) != SUBJECT_GOOD)
                return;
        bool is_one = subject.kind == SUBJECT_ADDRESS && subject.network.bits == 128;
        buf_put_str(&text, subject.kind != SUBJECT_ADDRESS
                               ? subject_kind_name(subject.kind)
                           : is_one ? "ip"
                                    : "prefix");
        buf_put_byte(&text, ':');
        subject_put(&subject, &text);
        for (size_t i = 0; i < text.len; i++)
                CHECK(text.data[i] > ' ' && text.data[i] < 0x7f &&
                      !strchr(";{}\"'\\#<>$`", text.data[i]));
        CHECK(subject_parse(buf_slice(&text), &again) == SUBJECT_GOOD &&
              subject_equal(&subject, &again));
        buf_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct slice input = slice_of(data, size);

        look_at(NULL, input);
        message_blocks(input, look_at, NULL);
        return 0;
}
