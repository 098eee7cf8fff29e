/* SPDX-License-Identifier: MIT */
#include "app/held.h"

#include "base/check.h"

#include <string.h>

/* Four texts, each with its length before it. */
static void put(struct buf *out, struct slice text)
{
        buf_put(out, &text.len, sizeof(text.len));
        buf_put_slice(out, text);
}

static struct slice take(struct slice *rest)
{
        struct slice text;
        size_t len;

        CHECK(rest->len >= sizeof(len));
        memcpy(&len, rest->data, sizeof(len));
        *rest = slice_from(*rest, sizeof(len));
        CHECK(rest->len >= len);
        text = slice_first(*rest, len);
        *rest = slice_from(*rest, len);
        return text;
}

void held_add(struct held *h, const struct block_held *notice)
{
        size_t len = notice->id.len + notice->rule.len + notice->type.len +
                     notice->value.len + 4 * sizeof(size_t);

        if (h->notices.len + len > HELD_BYTES)
                return;
        put(&h->notices, notice->id);
        put(&h->notices, notice->rule);
        put(&h->notices, notice->type);
        put(&h->notices, notice->value);
}

void held_take(struct held *h, block_held_fn *each, void *context)
{
        struct buf notices = h->notices;
        struct slice rest = buf_slice(&notices);

        h->notices = (struct buf){ 0 };
        while (rest.len) {
                struct block_held notice;
                notice.id = take(&rest);
                notice.rule = take(&rest);
                notice.type = take(&rest);
                notice.value = take(&rest);
                each(context, &notice);
        }
        buf_free(&notices);
}

void held_free(struct held *h)
{
        buf_free(&h->notices);
}
