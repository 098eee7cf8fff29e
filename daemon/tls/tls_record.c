/* SPDX-License-Identifier: MIT */
#include "tls/tls_record.h"

#include "base/bytes.h"

enum {
        TYPE_CHANGE_CIPHER_SPEC = 20,
        TYPE_HANDSHAKE = 22,
        TYPE_APPLICATION_DATA = 23,
        TYPE_CLIENT_HELLO = 1,
        VERSION_MAJOR = 3,
        VERSION_MINOR_MAX = 4,
        FRAGMENT_MAX = 1 << 14,
        ENCRYPTED_MAX = FRAGMENT_MAX + 2048, /* RFC 5246 6.2.3 */
};

/* A record header, or the beginning of one. */
static bool is_header(const uint8_t *p, size_t len)
{
        if ((len > 0 && p[0] != TYPE_HANDSHAKE) || (len > 1 && p[1] != VERSION_MAJOR) ||
            (len > 2 && p[2] > VERSION_MINOR_MAX))
                return false;
        if (len < TLS_RECORD_HEADER)
                return true;
        unsigned length = load_be16(p + 3);
        return length > 0 && length <= FRAGMENT_MAX;
}

bool tls_hello_is_due(struct slice first)
{
        uint8_t head[4] = { 0 }; /* type and length of the message */
        size_t message = 0;

        for (int records = 0; first.len >= TLS_RECORD_HEADER; records++) {
                size_t len = load_be16(first.data + 3);
                struct slice part =
                    slice_first(slice_from(first, TLS_RECORD_HEADER), len);
                if (first.data[0] != TYPE_HANDSHAKE || records == TLS_RECORDS_MAX)
                        return true;
                for (size_t i = 0; i < part.len && message + i < sizeof(head); i++)
                        head[message + i] = part.data[i];
                message += part.len;
                first = slice_from(first, TLS_RECORD_HEADER + len);
        }
        size_t need = (size_t)head[1] << 16 | (size_t)load_be16(head + 2);
        return message >= sizeof(head) &&
               (need > CLIENT_HELLO_MAX || message >= sizeof(head) + need);
}

bool tls_may_begin(struct slice first)
{
        return is_header(first.data, first.len) &&
               (first.len <= TLS_RECORD_HEADER ||
                first.data[TLS_RECORD_HEADER] == TYPE_CLIENT_HELLO);
}

bool tls_record_may_begin(struct slice segment)
{
        const uint8_t *p = segment.data;

        if (segment.len < TLS_RECORD_HEADER || p[0] < TYPE_CHANGE_CIPHER_SPEC ||
            p[0] > TYPE_APPLICATION_DATA || p[1] != VERSION_MAJOR ||
            p[2] > VERSION_MINOR_MAX)
                return false;
        unsigned length = load_be16(p + 3);
        return length > 0 && length <= ENCRYPTED_MAX;
}

/* Length of the message with its header; its first four bytes are at `p`. */
static uint32_t message_length(const uint8_t *p)
{
        return CLIENT_HELLO_HEADER + (load_be32(p) & 0xffffff);
}

static bool keep(struct tls_record *r, struct blocks *blocks, struct slice bytes)
{
        uint32_t need = r->used + (uint32_t)bytes.len;

        if (need > r->room) {
                size_t room;
                uint8_t *block = blocks_take(blocks, need, &room);
                if (!block)
                        return false;
                if (r->kept) {
                        memcpy(block, r->kept, r->used);
                        blocks_give(blocks, r->kept, r->room);
                }
                r->kept = block;
                r->room = (uint32_t)room;
        }
        memcpy(r->kept + r->used, bytes.data, bytes.len);
        r->used = need;
        return true;
}

/* What is known of a message that begins with `start`, `have` bytes of which are there.
 */
static enum tls_record_result judge(const uint8_t *start, uint32_t have,
                                    struct slice *hello)
{
        if (have && start[0] != TYPE_CLIENT_HELLO)
                return TLS_RECORD_NOT_TLS;
        if (have < CLIENT_HELLO_HEADER)
                return TLS_RECORD_MORE;
        uint32_t length = message_length(start);
        if (length > CLIENT_HELLO_MAX)
                return TLS_RECORD_TOO_LONG;
        if (have < length)
                return TLS_RECORD_MORE;
        *hello = slice_of(start, length);
        return TLS_RECORD_DONE;
}

/* How many bytes of the message may be taken before its length is looked at again. */
static uint32_t wanted(const struct tls_record *r)
{
        return (r->used < CLIENT_HELLO_HEADER ? CLIENT_HELLO_HEADER
                                              : message_length(r->kept)) -
               r->used;
}

/* Content of a record, in order. */
static enum tls_record_result add(struct tls_record *r, struct blocks *blocks,
                                  struct slice bytes, struct slice *hello)
{
        enum tls_record_result result = TLS_RECORD_MORE;

        if (!r->kept) {
                result = judge(bytes.data, (uint32_t)bytes.len, hello);
                if (result == TLS_RECORD_MORE && !keep(r, blocks, bytes))
                        return TLS_RECORD_NO_ROOM;
                return result;
        }
        while (bytes.len && result == TLS_RECORD_MORE) {
                struct slice part = slice_first(bytes, wanted(r));
                if (!keep(r, blocks, part))
                        return TLS_RECORD_NO_ROOM;
                bytes = slice_from(bytes, part.len);
                result = judge(r->kept, r->used, hello);
        }
        return result;
}

/* Takes bytes of the record's header off *bytes; false when it cannot be one. */
static bool take_header(struct tls_record *r, struct slice *bytes)
{
        struct slice part = slice_first(*bytes, TLS_RECORD_HEADER - r->header_len);

        memcpy(r->header + r->header_len, part.data, part.len);
        r->header_len += (uint8_t)part.len;
        *bytes = slice_from(*bytes, part.len);
        if (!is_header(r->header, r->header_len))
                return false;
        if (r->header_len == TLS_RECORD_HEADER) {
                r->left = load_be16(r->header + 3);
                r->header_len = 0;
        }
        return true;
}

enum tls_record_result tls_record_feed(struct tls_record *r, struct blocks *blocks,
                                       struct slice bytes, struct slice *hello)
{
        enum tls_record_result result = TLS_RECORD_MORE;

        while (bytes.len && result == TLS_RECORD_MORE) {
                if (r->left == 0) {
                        if (!take_header(r, &bytes))
                                return TLS_RECORD_NOT_TLS;
                        continue;
                }
                struct slice part = slice_first(bytes, r->left);
                result = add(r, blocks, part, hello);
                r->left -= (uint16_t)part.len;
                bytes = slice_from(bytes, part.len);
        }
        return result;
}

void tls_record_release(struct tls_record *r, struct blocks *blocks)
{
        if (r->kept)
                blocks_give(blocks, r->kept, r->room);
        *r = (struct tls_record){ .kept = NULL };
}
