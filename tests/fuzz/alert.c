/* SPDX-License-Identifier: MIT */
/* Any bytes as the payload of a journal record: refused, or read inside their bounds. */
#include "alert/alert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct alert alert;
        struct block block;
        struct buf json = { 0 }, read = { 0 };

        if (!alert_decode(slice_of(data, size), &alert))
                return 0;
        buf_put_slice(&read, alert.id);
        buf_put_slice(&read, alert.rule);
        buf_put_slice(&read, alert.subject_type);
        buf_put_slice(&read, alert.subject);
        buf_put_slice(&read, alert.json);
        buf_put_slice(&read, alert.group);
        while (alert_block_next(&alert, &block)) {
                buf_put_slice(&read, block.type);
                block_json(&block, &json);
                buf_clear(&json);
        }
        while (alert_named_next(&alert, &block))
                buf_put_slice(&read, block.value);
        buf_free(&json);
        buf_free(&read);
        return 0;
}
