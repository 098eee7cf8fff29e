/* SPDX-License-Identifier: MIT */
/* Any bytes as a ClientHello: refused, or fingerprinted and printed inside their bounds.
 */
#include "base/check.h"
#include "tls/hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_inside(struct slice part, struct slice whole)
{
        return part.len == 0 || (part.data >= whole.data &&
                                 part.data + part.len <= whole.data + whole.len);
}

static void check_fingerprints(const struct client_hello *c, struct hello *hello)
{
        static struct digest *md5, *sha256;

        if (!md5) {
                md5 = digest_new("MD5");
                sha256 = digest_new("SHA256");
        }
        ja3(md5, c, hello->ja3);
        ja4(sha256, c, 't', hello->ja4);
        CHECK(strlen(hello->ja3) == JA3_TEXT_SIZE - 1);
        CHECK(strlen(hello->ja4) == JA4_TEXT_SIZE - 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct slice all = slice_of(data, size);
        struct client_hello c;
        struct hello hello = { .time_ns = 0 };
        struct buf out = { 0 };

        if (client_hello_parse(all, &c) != CLIENT_HELLO_OK)
                return 0;
        CHECK(is_inside(c.server_name, all) && is_inside(c.alpn_list, all) &&
              is_inside(c.groups, all) && is_inside(c.signature_algorithms, all) &&
              is_inside(c.point_formats, all) && is_inside(c.alpn, c.alpn_list));
        check_fingerprints(&c, &hello);
        hello.server_name = c.server_name;
        hello.ciphers = c.ciphers;
        hello_print(&hello, &out);
        CHECK(memchr(out.data, '\n', out.len) == out.data + out.len - 1);
        buf_free(&out);
        return 0;
}
