/* SPDX-License-Identifier: MIT */
#include "message.h"

#include "base/buf.h"

#include <jansson.h>

#define MEMBER_MAX 320

/* False when it is no block. */
static bool visit_block(const json_t *block, message_fn *visit, void *context)
{
        const json_t *type = json_object_get(block, "type");
        const json_t *value = json_object_get(block, "value");
        struct buf member = { 0 };

        if (!json_is_string(type) || !json_is_string(value) ||
            json_string_length(type) + json_string_length(value) >= MEMBER_MAX)
                return false;
        buf_put_str(&member, json_string_value(type));
        buf_put_byte(&member, ':');
        buf_put_str(&member, json_string_value(value));
        visit(context, buf_slice(&member));
        buf_free(&member);
        return true;
}

static bool visit_all(const json_t *trawlwatch, message_fn *visit, void *context)
{
        const json_t *block = json_object_get(trawlwatch, "block");
        const json_t *blocks = json_object_get(trawlwatch, "blocks");
        bool ok = true;
        size_t i;
        const json_t *each;

        if (json_is_array(blocks)) /* `block` is the first of them */
                json_array_foreach(blocks, i, each) ok &=
                    visit_block(each, visit, context);
        else if (block)
                ok = visit_block(block, visit, context);
        return ok;
}

bool message_blocks(struct slice text, message_fn *visit, void *context)
{
        static const char word[] = "\"block";
        json_t *message;
        bool ok;

        if (text.len == 0 || !memmem(text.data, text.len, word, strlen(word)))
                return true;
        message = json_loadb((const char *)text.data, text.len, 0, NULL);
        ok = json_is_object(message) &&
             visit_all(json_object_get(message, "trawlwatch"), visit, context);
        json_decref(message);
        return ok;
}
