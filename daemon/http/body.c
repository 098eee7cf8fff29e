/* SPDX-License-Identifier: MIT */
#include "http/body.h"

void body_want(struct body *body, size_t max)
{
        body->max = (uint32_t)(max < BODY_MAX ? max : BODY_MAX);
}

static void give_block(struct body *body, struct blocks *blocks)
{
        if (!body->bytes)
                return;
        explicit_bzero(body->bytes, body->len);
        blocks_give(blocks, body->bytes, body->room);
        body->bytes = NULL;
}

/* Room for `need` bytes, at least twice what there was: copying stays linear. */
static bool make_room(struct body *body, struct blocks *blocks, uint32_t need)
{
        uint32_t wanted = need < body->room * 2 ? body->room * 2 : need;
        size_t room;

        if (need <= body->room && body->bytes)
                return true;
        if (wanted > BODY_MAX)
                wanted = BODY_MAX;
        if (blocks->used + wanted > blocks->budget / 2)
                return false;
        uint8_t *block = blocks_take(blocks, wanted, &room);
        if (!block)
                return false;
        if (body->len)
                memcpy(block, body->bytes, body->len);
        give_block(body, blocks);
        body->bytes = block;
        body->room = (uint32_t)room;
        return true;
}

void body_add(struct body *body, struct blocks *blocks, struct slice bytes)
{
        size_t left = body->max - body->len;
        uint32_t len = (uint32_t)(bytes.len < left ? bytes.len : left);

        if (!body_is_wanted(body) || bytes.len == 0)
                return;
        body->cut = len < bytes.len;
        if (len == 0)
                return;
        if (!make_room(body, blocks, body->len + len)) {
                body->cut = true;
                return;
        }
        memcpy(body->bytes + body->len, bytes.data, len);
        body->len += len;
}

struct slice body_slice(const struct body *body)
{
        if (body->max == 0)
                return slice_none();
        return body->bytes ? slice_of(body->bytes, body->len) : slice_of("", 0);
}

void body_free(struct body *body, struct blocks *blocks)
{
        give_block(body, blocks);
        *body = (struct body){ 0 };
}
