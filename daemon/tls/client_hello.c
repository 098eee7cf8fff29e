/* SPDX-License-Identifier: MIT */
#include "tls/client_hello.h"

#include "base/bytes.h"

enum { TYPE_CLIENT_HELLO = 1, NAME_HOST = 0, ECH_OUTER = 0 };

/* IANA, TLS ExtensionType Values. */
enum extension {
        EXTENSION_SERVER_NAME = 0,
        EXTENSION_GROUPS = 10,
        EXTENSION_POINT_FORMATS = 11,
        EXTENSION_SIGNATURE_ALGORITHMS = 13,
        EXTENSION_ALPN = 16,
        EXTENSION_VERSIONS = 43,
        EXTENSION_ECH = 0xfe0d,
};

/* A vector (RFC 8446 3.4): a length of `width` bytes, then as many bytes. */
static bool take_vector(struct slice *rest, size_t width, struct slice *part)
{
        struct slice length;
        size_t len = 0;

        if (!slice_take(rest, width, &length))
                return false;
        for (size_t i = 0; i < width; i++)
                len = len << 8 | length.data[i];
        return slice_take(rest, len, part);
}

/* A body that is one vector and nothing else; none when it is not. */
static struct slice only_vector(struct slice body, size_t width)
{
        struct slice list;

        return take_vector(&body, width, &list) && body.len == 0 ? list : slice_none();
}

static struct slice numbers(struct slice body, size_t width)
{
        struct slice list = only_vector(body, width);

        return list.len % 2 == 0 ? list : slice_none();
}

/* ---- extensions: one function each ---- */

static void read_server_name(struct client_hello *h, struct slice body)
{
        struct slice list = only_vector(body, 2), type, name;

        h->has_server_name = true;
        while (slice_take(&list, 1, &type) && take_vector(&list, 2, &name)) {
                if (type.data[0] == NAME_HOST) {
                        h->server_name = name;
                        return;
                }
        }
}

static void read_groups(struct client_hello *h, struct slice body)
{
        h->groups = numbers(body, 2);
}

static void read_point_formats(struct client_hello *h, struct slice body)
{
        h->point_formats = only_vector(body, 1);
}

static void read_signature_algorithms(struct client_hello *h, struct slice body)
{
        h->signature_algorithms = numbers(body, 2);
}

static void read_alpn(struct client_hello *h, struct slice body)
{
        struct slice list = only_vector(body, 2), first;

        h->alpn_list = list;
        if (take_vector(&list, 1, &first) && first.len)
                h->alpn = first;
}

static void read_versions(struct client_hello *h, struct slice body)
{
        struct slice list = numbers(body, 1);
        uint16_t highest = 0;

        for (size_t i = 0; i < list.len; i += 2) {
                uint16_t version = load_be16(list.data + i);
                if (!tls_is_grease(version) && version > highest)
                        highest = version;
        }
        if (highest)
                h->version_highest = highest;
}

static void read_ech(struct client_hello *h, struct slice body)
{
        h->ech = body.len && body.data[0] == ECH_OUTER;
}

static const struct reader {
        enum extension type;
        void (*read)(struct client_hello *, struct slice body);
} readers[] = {
        { EXTENSION_SERVER_NAME, read_server_name },
        { EXTENSION_GROUPS, read_groups },
        { EXTENSION_POINT_FORMATS, read_point_formats },
        { EXTENSION_SIGNATURE_ALGORITHMS, read_signature_algorithms },
        { EXTENSION_ALPN, read_alpn },
        { EXTENSION_VERSIONS, read_versions },
        { EXTENSION_ECH, read_ech },
};

enum { READERS = sizeof(readers) / sizeof(readers[0]) };

/* *seen has a bit for each reader that has had its extension. */
static void read_extension(struct client_hello *h, uint16_t type, struct slice body,
                           unsigned *seen)
{
        for (unsigned i = 0; i < READERS; i++) {
                if (readers[i].type == type && !(*seen & 1U << i)) {
                        *seen |= 1U << i;
                        readers[i].read(h, body);
                }
        }
}

static enum client_hello_result read_extensions(struct client_hello *h, struct slice rest)
{
        struct slice type, body;
        unsigned seen = 0;

        while (rest.len) {
                if (!slice_take(&rest, 2, &type) || !take_vector(&rest, 2, &body))
                        return CLIENT_HELLO_MALFORMED;
                if (h->extension_count == CLIENT_HELLO_EXTENSIONS_MAX)
                        return CLIENT_HELLO_TOO_MANY;
                uint16_t number = load_be16(type.data);
                h->extensions[h->extension_count++] = number;
                read_extension(h, number, body, &seen);
        }
        return CLIENT_HELLO_OK;
}

static bool is_within_caps(const struct client_hello *h)
{
        return h->ciphers.len <= 2 * CLIENT_HELLO_CIPHERS_MAX &&
               h->groups.len <= 2 * CLIENT_HELLO_LIST_MAX &&
               h->signature_algorithms.len <= 2 * CLIENT_HELLO_LIST_MAX;
}

/* What stands before the extensions; *rest is what follows. */
static bool read_fixed(struct client_hello *h, struct slice *rest)
{
        struct slice version, random, session, compression;

        if (!slice_take(rest, 2, &version) || !slice_take(rest, 32, &random) ||
            !take_vector(rest, 1, &session) || session.len > 32 ||
            !take_vector(rest, 2, &h->ciphers) || h->ciphers.len % 2 ||
            !take_vector(rest, 1, &compression) || compression.len == 0)
                return false;
        h->version = h->version_highest = load_be16(version.data);
        return h->ciphers.len && h->version >> 8 == 3;
}

static void clear(struct client_hello *h)
{
        /* The types of the extensions are counted, they need no clearing. */
        memset(h, 0, offsetof(struct client_hello, extensions));
}

enum client_hello_result client_hello_parse(struct slice message, struct client_hello *h)
{
        struct slice rest = message, type, body, extensions = slice_none();

        clear(h);
        if (!slice_take(&rest, 1, &type) || type.data[0] != TYPE_CLIENT_HELLO ||
            !take_vector(&rest, 3, &body) || rest.len || !read_fixed(h, &body))
                return CLIENT_HELLO_MALFORMED;
        /* Before TLS 1.2 a hello could end here (RFC 5246 7.4.1.2). */
        if (body.len && (!take_vector(&body, 2, &extensions) || body.len))
                return CLIENT_HELLO_MALFORMED;
        enum client_hello_result result = read_extensions(h, extensions);
        if (result == CLIENT_HELLO_OK && !is_within_caps(h))
                return CLIENT_HELLO_TOO_MANY;
        return result;
}
