/* SPDX-License-Identifier: MIT */
#include "http/exchange.h"

#include "base/check.h"

/* The same bytes in the copy. */
static struct slice moved(struct slice s, const uint8_t *from, const uint8_t *to)
{
        return s.data ? slice_of(to + (s.data - from), s.len) : s;
}

/* Copies `bytes` and a header table that points into them to `at`. */
static struct http_headers copy_head(uint8_t *at, const struct http_header *lines,
                                     uint32_t count, struct slice bytes)
{
        struct http_header *table = (struct http_header *)(void *)at;
        uint8_t *copy = at + count * sizeof(*table);

        memcpy(copy, bytes.data, bytes.len);
        for (uint32_t i = 0; i < count; i++) {
                table[i].name = moved(lines[i].name, bytes.data, copy);
                table[i].value = moved(lines[i].value, bytes.data, copy);
        }
        return (struct http_headers){ table, count };
}

/* Keeps the first `length` bytes, and the first `lines` of the header table. */
static struct exchange *make(struct blocks *blocks, const struct head *head,
                             struct slice bytes, size_t length, uint32_t lines)
{
        size_t table = lines * sizeof(struct http_header);
        size_t room;

        bytes = slice_first(bytes, length);
        struct exchange *e = blocks_take(blocks, sizeof(*e) + table + bytes.len, &room);
        if (!e)
                return NULL;
        *e = (struct exchange){ .room = (uint32_t)room };
        uint8_t *copy = (uint8_t *)(e + 1);
        e->transaction.request_headers = copy_head(copy, head->lines, lines, bytes);
        e->transaction.method = moved(head->method, bytes.data, copy + table);
        e->transaction.version_major = 1;
        e->transaction.version_minor = head->version_minor;
        return e;
}

struct exchange *exchange_new(struct blocks *blocks, const struct head *head,
                              struct slice bytes)
{
        struct exchange *e = make(blocks, head, bytes, head->length, head->line_count);

        if (!e)
                return NULL;
        uint8_t *copy =
            (uint8_t *)(e + 1) + head->line_count * sizeof(struct http_header);
        e->transaction.target = moved(head->target, bytes.data, copy);
        if (head->folded)
                exchange_unfold(e->transaction.request_headers);
        return e;
}

/* A connection that asks to speak something else is read by its header lines. */
static bool asks_for_upgrade(const struct head *head)
{
        for (uint32_t i = 0; i < head->line_count; i++)
                if (slice_equal_nocase(head->lines[i].name, slice_str("upgrade")))
                        return true;
        return false;
}

struct exchange *exchange_new_unwanted(struct blocks *blocks, const struct head *head,
                                       struct slice bytes)
{
        struct exchange *e;

        if (asks_for_upgrade(head))
                e = exchange_new(blocks, head, bytes);
        else
                e = make(blocks, head, bytes,
                         (size_t)(head->method.data - bytes.data) + head->method.len, 0);
        if (e)
                e->is_unwanted = true;
        return e;
}

void exchange_free(struct blocks *blocks, struct exchange *e)
{
        if (e->response_block)
                blocks_give(blocks, e->response_block, e->response_room);
        body_free(&e->request_body, blocks);
        body_free(&e->response_body, blocks);
        blocks_give(blocks, e, e->room);
}

void exchange_set_bodies(struct exchange *e)
{
        struct transaction *t = &e->transaction;

        t->request_body = body_slice(&e->request_body);
        t->request_body_cut =
            e->request_body.max && (e->request_body.cut || !e->request_is_complete);
        t->response_body = body_slice(&e->response_body);
        t->response_body_cut =
            e->response_body.max && (e->response_body.cut || !t->response_complete);
}

void exchange_set_response(struct exchange *e, const struct head *head)
{
        e->transaction.status = head->status;
        e->transaction.response_headers =
            (struct http_headers){ head->lines, head->line_count };
}

bool exchange_keep_response(struct blocks *blocks, struct exchange *e, struct slice bytes)
{
        struct http_headers *headers = &e->transaction.response_headers;
        size_t room;

        CHECK(!e->response_block);
        e->response_block = blocks_take(
            blocks, headers->count * sizeof(*headers->lines) + bytes.len, &room);
        if (!e->response_block) {
                *headers = (struct http_headers){ NULL, 0 };
                return false;
        }
        e->response_room = (uint32_t)room;
        *headers = copy_head(e->response_block, headers->lines, headers->count, bytes);
        return true;
}

void exchange_unfold(struct http_headers headers)
{
        for (uint32_t i = 0; i < headers.count; i++) {
                /* The copy is ours; only its type says that it is borrowed. */
                uint8_t *value = (uint8_t *)(uintptr_t)headers.lines[i].value.data;
                for (size_t k = 0; k < headers.lines[i].value.len; k++)
                        if (value[k] == '\r' || value[k] == '\n')
                                value[k] = ' ';
        }
}
