/* SPDX-License-Identifier: MIT */
#include "observe/target.h"

#include "observe/text.h"

struct slice target_host(struct slice authority)
{
        const uint8_t *at =
            authority.len ? memrchr(authority.data, '@', authority.len) : NULL;
        size_t end = 0;

        if (slice_is_none(authority))
                return authority;
        if (at) /* user and password, which nobody should send */
                authority = slice_from(authority, (size_t)(at - authority.data) + 1);
        if (authority.len && authority.data[0] == '[')
                end = slice_find(authority, ']');
        return slice_first(authority, end + slice_find(slice_from(authority, end), ':'));
}

/* Length of "http://" or "https://" at the start, or 0. */
static size_t scheme_length(struct slice url)
{
        static const struct slice schemes[] = { SLICE("https://"), SLICE("http://") };

        if (url.len == 0 || (url.data[0] | 0x20) != 'h')
                return 0;
        for (int i = 0; i < 2; i++) {
                struct slice scheme = schemes[i], head = slice_first(url, scheme.len);
                if (text_equal(head, scheme) || slice_equal_nocase(head, scheme))
                        return scheme.len;
        }
        return 0;
}

/* Ends at the first of `/?#`. */
static struct slice authority_of(struct slice url, size_t scheme)
{
        struct slice rest = slice_from(url, scheme);
        size_t end = 0;

        while (end < rest.len && rest.data[end] != '/' && rest.data[end] != '?' &&
               rest.data[end] != '#')
                end++;
        return slice_first(rest, end);
}

struct slice target_url_host(struct slice url)
{
        size_t scheme = scheme_length(url);

        return scheme ? target_host(authority_of(url, scheme)) : slice_none();
}

struct target target_parse(struct slice method, struct slice target, struct slice host)
{
        struct target t = { target, slice_none(), slice_none() };
        size_t scheme;

        if (target.len && target.data[0] != '/' && (scheme = scheme_length(target))) {
                struct slice authority = authority_of(target, scheme);
                t.host = target_host(authority);
                t.path = slice_from(target, scheme + authority.len);
        } else if (slice_is(method, "CONNECT")) {
                return (struct target){ slice_none(), slice_none(), target_host(target) };
        } else {
                t.host = target_host(slice_trim(host));
        }
        size_t question = slice_find(t.path, '?');
        if (question < t.path.len)
                t.query = slice_from(t.path, question + 1);
        t.path = slice_first(t.path, question);
        if (t.path.len == 0)
                t.path = slice_of("/", 1); /* RFC 9112 3.2.1 */
        return t;
}
