/* SPDX-License-Identifier: MIT */
#include "http/proxy.h"

#include "base/bytes.h"

#define V1_SIGNATURE "PROXY "
#define V1_LINE_MAX  107 /* with its CR and LF */
#define V2_HEAD      16
#define TLV_HEAD     3

static const uint8_t v2_signature[12] = { '\r', '\n', '\r', '\n', 0,   '\r',
                                          '\n', 'Q',  'U',  'I',  'T', '\n' };

enum { V2_LOCAL = 0, V2_PROXY = 1 };
enum { V2_UNSPEC = 0, V2_INET = 1, V2_INET6 = 2, V2_UNIX = 3 };

/* Lengths of the addresses of each family. */
static const size_t v2_addresses[] = { 0, 12, 36, 216 };

static bool begins_like(struct slice bytes, const void *signature, size_t len)
{
        if (len > bytes.len)
                len = bytes.len;
        return len > 0 && memcmp(bytes.data, signature, len) == 0;
}

bool proxy_may_begin(struct slice bytes)
{
        return begins_like(bytes, V1_SIGNATURE, strlen(V1_SIGNATURE)) ||
               begins_like(bytes, v2_signature, sizeof(v2_signature));
}

/* ---- version 1 ---- */

static bool parse_port(struct slice text, uint16_t *port)
{
        uint64_t number;

        if (text.len == 0 || text.len > 5 || (text.len > 1 && text.data[0] == '0') ||
            !slice_to_u64(text, &number) || number > UINT16_MAX)
                return false;
        *port = (uint16_t)number;
        return true;
}

/* The words after the protocol: source, destination, their ports. */
static bool parse_addresses(struct slice words, bool v6, struct endpoint *client)
{
        struct slice word[4];
        struct ip server;
        uint16_t port;

        for (int i = 0; i < 4; i++)
                if (!slice_next(&words, ' ', &word[i]))
                        return false;
        if (words.len || !ip_parse(word[0], &client->ip) || !ip_parse(word[1], &server))
                return false;
        bool has_colon = slice_find(word[0], ':') < word[0].len;
        return has_colon == v6 && parse_port(word[2], &client->port) &&
               parse_port(word[3], &port);
}

static enum proxy_result parse_line(struct slice line, struct proxy_header *header)
{
        struct slice protocol;

        slice_next(&line, ' ', &protocol);
        if (slice_is(protocol, "UNKNOWN")) /* and what it may say after that is nothing */
                return PROXY_OK;
        bool v6 = slice_is(protocol, "TCP6");
        if (!v6 && !slice_is(protocol, "TCP4"))
                return PROXY_BAD;
        header->tells = parse_addresses(line, v6, &header->client);
        return header->tells ? PROXY_OK : PROXY_BAD;
}

static enum proxy_result parse_v1(struct slice bytes, struct proxy_header *header)
{
        struct slice seen = slice_first(bytes, V1_LINE_MAX);
        size_t end = slice_find(seen, '\n');

        if (end == seen.len)
                return bytes.len < V1_LINE_MAX ? PROXY_MORE : PROXY_BAD;
        header->length = end + 1;
        if (seen.data[end - 1] != '\r')
                return PROXY_BAD;
        size_t word = strlen(V1_SIGNATURE);
        return parse_line(slice_from(slice_first(seen, end - 1), word), header);
}

/* ---- version 2 ---- */

/* The rest after the addresses: type, length, value, and again. */
static bool tlvs_are_whole(struct slice rest)
{
        while (rest.len) {
                if (rest.len < TLV_HEAD)
                        return false;
                size_t len = TLV_HEAD + (size_t)load_be16(rest.data + 1);
                if (len > rest.len)
                        return false;
                rest = slice_from(rest, len);
        }
        return true;
}

static void read_client(const uint8_t *at, unsigned family, struct proxy_header *header)
{
        bool v4 = family == V2_INET;

        header->tells = v4 || family == V2_INET6;
        if (!header->tells)
                return;
        header->client.ip = v4 ? ip_from_v4(at) : ip_from_v6(at);
        header->client.port = load_be16(at + (v4 ? 8 : 32));
}

static enum proxy_result parse_v2(struct slice bytes, struct proxy_header *header)
{
        if (bytes.len < V2_HEAD)
                return PROXY_MORE;
        unsigned version = bytes.data[12] >> 4, command = bytes.data[12] & 15;
        unsigned family = bytes.data[13] >> 4;
        size_t len = load_be16(bytes.data + 14);
        if (version != 2 || command > V2_PROXY || family > V2_UNIX ||
            V2_HEAD + len > PROXY_HEADER_MAX)
                return PROXY_BAD;
        if (bytes.len < V2_HEAD + len)
                return PROXY_MORE;
        header->length = V2_HEAD + len;
        if (command == V2_LOCAL) /* its addresses are to be ignored, whatever they are */
                return PROXY_OK;
        struct slice rest = slice_first(slice_from(bytes, V2_HEAD), len);
        if (rest.len < v2_addresses[family] ||
            !tlvs_are_whole(slice_from(rest, v2_addresses[family])))
                return PROXY_BAD;
        read_client(rest.data, family, header);
        return PROXY_OK;
}

enum proxy_result proxy_parse(struct slice bytes, struct proxy_header *header)
{
        *header = (struct proxy_header){ 0 };
        if (!proxy_may_begin(bytes))
                return PROXY_NONE;
        if (bytes.data[0] != v2_signature[0])
                return bytes.len < strlen(V1_SIGNATURE) ? PROXY_MORE
                                                        : parse_v1(bytes, header);
        return bytes.len < sizeof(v2_signature) ? PROXY_MORE : parse_v2(bytes, header);
}
