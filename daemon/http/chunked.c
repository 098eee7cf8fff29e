/* SPDX-License-Identifier: MIT */
#include "http/chunked.h"

enum state {
        STATE_SIZE,
        STATE_EXTENSION,
        STATE_SIZE_FEED,
        STATE_DATA_END,
        STATE_DATA_FEED,
        STATE_TRAILER_START,
        STATE_TRAILER,
        STATE_LAST_FEED,
};

/* A size above this is an attack on somebody's arithmetic. */
#define SIZE_MAX_SANE (UINT64_C(1) << 60)

static int hex_value(uint8_t c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        c |= 0x20;
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool count_overhead(struct chunked *c)
{
        return ++c->overhead <= CHUNKED_OVERHEAD_MAX;
}

/* The end of a size line: data comes next, or after the last one the trailers. */
static enum chunked_result size_line_ends(struct chunked *c)
{
        if (c->digits == 0)
                return CHUNKED_BAD;
        c->digits = 0;
        if (c->size == 0) {
                c->state = STATE_TRAILER_START;
                return CHUNKED_MORE;
        }
        c->state = STATE_DATA_END;
        return CHUNKED_DATA;
}

static enum chunked_result in_size(struct chunked *c, uint8_t byte)
{
        int value = hex_value(byte);

        if (value >= 0) {
                if (c->size >= SIZE_MAX_SANE || c->digits == UINT8_MAX)
                        return CHUNKED_BAD;
                c->size = c->size * 16 + (unsigned)value;
                c->digits++;
                return CHUNKED_MORE;
        }
        if (byte == '\n')
                return size_line_ends(c);
        if (byte == '\r')
                c->state = STATE_SIZE_FEED;
        else if (c->digits && (byte == ';' || byte == ' ' || byte == '\t'))
                c->state = STATE_EXTENSION;
        else
                return CHUNKED_BAD;
        return CHUNKED_MORE;
}

static enum chunked_result take_byte(struct chunked *c, uint8_t byte)
{
        switch ((enum state)c->state) {
        case STATE_SIZE:
                return in_size(c, byte);
        case STATE_EXTENSION:
                if (byte == '\n')
                        return size_line_ends(c);
                return count_overhead(c) ? CHUNKED_MORE : CHUNKED_BAD;
        case STATE_SIZE_FEED:
                return byte == '\n' ? size_line_ends(c) : CHUNKED_BAD;
        case STATE_DATA_END:
                c->size = 0;
                c->state = byte == '\r' ? STATE_DATA_FEED : STATE_SIZE;
                return byte == '\r' || byte == '\n' ? CHUNKED_MORE : CHUNKED_BAD;
        case STATE_DATA_FEED:
                c->state = STATE_SIZE;
                return byte == '\n' ? CHUNKED_MORE : CHUNKED_BAD;
        case STATE_TRAILER_START:
                if (byte == '\n')
                        return CHUNKED_DONE;
                c->state = byte == '\r' ? STATE_LAST_FEED : STATE_TRAILER;
                return count_overhead(c) ? CHUNKED_MORE : CHUNKED_BAD;
        case STATE_TRAILER:
                if (byte == '\n')
                        c->state = STATE_TRAILER_START;
                return count_overhead(c) ? CHUNKED_MORE : CHUNKED_BAD;
        case STATE_LAST_FEED:
                return byte == '\n' ? CHUNKED_DONE : CHUNKED_BAD;
        }
        return CHUNKED_BAD;
}

enum chunked_result chunked_feed(struct chunked *c, struct slice *bytes)
{
        while (bytes->len) {
                enum chunked_result result = take_byte(c, bytes->data[0]);
                *bytes = slice_from(*bytes, 1);
                if (result != CHUNKED_MORE)
                        return result;
        }
        return CHUNKED_MORE;
}
