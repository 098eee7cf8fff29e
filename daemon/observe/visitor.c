/* SPDX-License-Identifier: MIT */
#include "observe/visitor.h"

#include "base/bytes.h"
#include "base/check.h"

#include <stdlib.h>

struct halves {
        uint64_t at[2];
};

static struct halves halves_of(const struct ip *ip)
{
        return (struct halves){
                { (uint64_t)load_be32(ip->bytes) << 32 | load_be32(ip->bytes + 4),
                  (uint64_t)load_be32(ip->bytes + 8) << 32 | load_be32(ip->bytes + 12) }
        };
}

static bool is_before(const uint64_t a[2], const uint64_t b[2])
{
        return a[0] < b[0] || (a[0] == b[0] && a[1] < b[1]);
}

static int by_first(const void *left, const void *right)
{
        const struct ip_range *a = left, *b = right;

        return is_before(a->first, b->first) ? -1 : is_before(b->first, a->first);
}

static struct ip_range range_of(const struct network *network)
{
        struct halves first = halves_of(&network->ip);
        unsigned bits = network->bits;
        uint64_t free0 = bits >= 64 ? 0 : UINT64_MAX >> bits;
        uint64_t free1 = bits >= 128  ? 0
                         : bits <= 64 ? UINT64_MAX
                                      : UINT64_MAX >> (bits - 64);

        return (struct ip_range){ { first.at[0], first.at[1] },
                                  { first.at[0] | free0, first.at[1] | free1 } };
}

void trusted_init(struct trusted *t, const struct network *networks, unsigned count)
{
        unsigned kept = 0;

        *t = (struct trusted){ 0 };
        if (count == 0)
                return;
        t->ranges = calloc(count, sizeof(*t->ranges));
        CHECK(t->ranges);
        for (unsigned i = 0; i < count; i++)
                t->ranges[i] = range_of(&networks[i]);
        qsort(t->ranges, count, sizeof(*t->ranges), by_first);
        /* Networks nest or are apart: one that begins inside the last lies inside it. */
        for (unsigned i = 0; i < count; i++)
                if (kept == 0 || is_before(t->ranges[kept - 1].last, t->ranges[i].first))
                        t->ranges[kept++] = t->ranges[i];
        t->count = kept;
}

void trusted_free(struct trusted *t)
{
        free(t->ranges);
        *t = (struct trusted){ 0 };
}

/* The first range that does not end before the address; count when all do. */
static unsigned find_range(const struct trusted *t, const uint64_t address[2])
{
        unsigned low = 0, high = t->count;

        while (low < high) {
                unsigned middle = (low + high) / 2;
                if (is_before(t->ranges[middle].last, address))
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

bool trusted_has(const struct trusted *t, const struct ip *ip)
{
        struct halves address = halves_of(ip);
        unsigned at = find_range(t, address.at);

        return at < t->count && !is_before(address.at, t->ranges[at].first);
}

bool trusted_overlaps(const struct trusted *t, const struct network *network)
{
        struct ip_range range = range_of(network);
        unsigned at = find_range(t, range.first);

        return at < t->count && !is_before(range.last, t->ranges[at].first);
}

enum visitor_syntax visitor_syntax_of(struct slice name)
{
        static const char list[] = "forwarded-for";
        size_t len = sizeof(list) - 1;

        if (slice_equal_nocase(name, slice_str("forwarded")))
                return VISITOR_FORWARDED;
        if (name.len >= len &&
            slice_equal_nocase(slice_from(name, name.len - len), slice_str(list)))
                return VISITOR_LIST;
        return VISITOR_SINGLE;
}

/* Dotted quads are nearly all there is: this is six times faster than inet_pton. */
static bool parse_quad(struct slice text, struct ip *ip)
{
        uint8_t quad[4];
        size_t at = 0;

        for (int i = 0; i < 4; i++) {
                unsigned value = 0;
                size_t from = at;
                while (at < text.len && at < from + 3 &&
                       (uint8_t)(text.data[at] - '0') <= 9)
                        value = value * 10 + (uint8_t)(text.data[at++] - '0');
                if (at == from || value > 255 ||
                    (at > from + 1 && text.data[from] == '0'))
                        return false;
                quad[i] = (uint8_t)value;
                if (i < 3 && (at == text.len || text.data[at++] != '.'))
                        return false;
        }
        if (at != text.len)
                return false;
        *ip = ip_from_v4(quad);
        return true;
}

/* obfport of RFC 7239 section 6.3: an underscore and what may follow one. */
static bool is_obfuscated(struct slice text)
{
        if (text.len < 2 || text.data[0] != '_')
                return false;
        for (size_t i = 1; i < text.len; i++) {
                uint8_t c = text.data[i], letter = c | 0x20;
                if (!(letter >= 'a' && letter <= 'z') && !(c >= '0' && c <= '9') &&
                    c != '.' && c != '_' && c != '-')
                        return false;
        }
        return true;
}

struct node {
        struct ip ip;
        uint16_t port;
};

static bool parse_port(struct slice text, struct node *node)
{
        uint64_t port;

        if (is_obfuscated(text))
                return true;
        if (text.len > 5 || !slice_to_u64(text, &port) || port > 65535)
                return false;
        node->port = (uint16_t)port;
        return true;
}

/* "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:80". */
static bool parse_node(struct slice text, struct node *node)
{
        node->port = 0;
        if (parse_quad(text, &node->ip))
                return true;
        if (text.len && text.data[0] == '[') {
                size_t end = slice_find(text, ']');
                if (end == text.len || slice_find(slice_first(text, end), ':') == end)
                        return false;
                struct slice rest = slice_from(text, end + 1);
                if (rest.len &&
                    (rest.data[0] != ':' || !parse_port(slice_from(rest, 1), node)))
                        return false;
                return ip_parse(slice_of(text.data + 1, end - 1), &node->ip);
        }
        size_t colon = slice_find(text, ':');
        struct slice port = slice_from(text, colon + 1);
        if (colon < text.len && slice_find(port, ':') == port.len)
                return parse_quad(slice_first(text, colon), &node->ip) &&
                       parse_port(port, node);
        return ip_parse(text, &node->ip);
}

/*
 * Where the element that ends at `end` begins. Quoted strings are passed over
 * backwards: a quote opens one, the nearest quote before it that no backslash
 * stands before ends it. So a broken left part cannot reach into what the
 * trusted proxies have put on its right.
 */
static size_t element_start(struct slice line, size_t end, bool quotes)
{
        bool quoted = false;

        while (end > 0) {
                uint8_t c = line.data[end - 1];
                if (quotes && c == '"' &&
                    !(quoted && end > 1 && line.data[end - 2] == '\\'))
                        quoted = !quoted;
                else if (c == ',' && !quoted)
                        break;
                end--;
        }
        return end;
}

/* End of the token or quoted string at the start of `text`. */
static size_t value_end(struct slice text)
{
        size_t at = 0;

        if (text.len == 0 || text.data[0] != '"')
                return slice_find(text, ';');
        for (at = 1; at < text.len && text.data[at] != '"'; at++)
                at += text.data[at] == '\\';
        return at < text.len ? at + 1 : text.len + 1; /* past the end: never closed */
}

/* Takes quotes and backslashes off. False when it is longer than any node. */
static bool unquote(struct slice value, uint8_t out[64], struct slice *plain)
{
        size_t len = 0;

        *plain = value;
        if (value.len == 0 || value.data[0] != '"')
                return true;
        for (size_t i = 1; i + 1 < value.len; i++) {
                i += value.data[i] == '\\';
                if (len == 64 || i + 1 >= value.len)
                        return false;
                out[len++] = value.data[i];
        }
        *plain = slice_of(out, len);
        return true;
}

/* One element of Forwarded: pairs between semicolons, `for` exactly once. */
static bool parse_forwarded(struct slice element, struct node *node)
{
        uint8_t plain[64];
        bool found = false;

        for (;;) {
                size_t equals = slice_find(element, '=');
                struct slice name = slice_trim(slice_first(element, equals));
                if (equals == element.len || name.len == 0)
                        return false;
                element = slice_from(element, equals + 1);
                size_t end = value_end(element);
                if (end > element.len)
                        return false;
                struct slice value = slice_trim(slice_first(element, end));
                if (slice_equal_nocase(name, slice_str("for"))) {
                        if (found || !unquote(value, plain, &value) ||
                            !parse_node(value, node))
                                return false;
                        found = true;
                }
                element = slice_trim(slice_from(element, end));
                if (element.len == 0)
                        return found;
                if (element.data[0] != ';')
                        return false;
                element = slice_trim(slice_from(element, 1));
                if (element.len == 0)
                        return found;
        }
}

/* The list from its right end, over all lines. */
struct walk {
        const struct slice *lines;
        unsigned line;
        size_t end;
        bool quotes;
        bool more; /* of the line at hand */
};

static bool walk_next(struct walk *w, struct slice *element)
{
        while (!w->more) {
                if (w->line == 0)
                        return false;
                w->end = w->lines[--w->line].len;
                w->more = true;
        }
        struct slice line = w->lines[w->line];
        size_t start = element_start(line, w->end, w->quotes);
        *element = slice_trim(slice_first(slice_from(line, start), w->end - start));
        w->more = start > 0;
        w->end = start ? start - 1 : 0;
        return true;
}

static void walk_list(const struct trusted *trusted, enum visitor_syntax syntax,
                      const struct slice *lines, unsigned count, struct visitor *v)
{
        bool forwarded = syntax == VISITOR_FORWARDED;
        struct walk w = { lines, count, 0, forwarded, false };
        struct slice element;
        struct node node;

        for (unsigned hops = 0; v->trusted && hops < VISITOR_HOPS; hops++) {
                if (!walk_next(&w, &element))
                        return;
                if (element.len == 0)
                        continue; /* RFC 9110 5.6.1: empty elements do not count */
                if (!(forwarded ? parse_forwarded(element, &node)
                                : parse_node(element, &node)))
                        return;
                v->ip = node.ip;
                v->port = node.port;
                v->trusted = trusted_has(trusted, &node.ip);
        }
}

static void read_single(const struct trusted *trusted, struct slice line,
                        struct visitor *v)
{
        struct node node;

        if (!parse_node(line, &node))
                return;
        v->ip = node.ip;
        v->port = node.port;
        v->trusted = trusted_has(trusted, &node.ip);
}

struct visitor visitor_find(const struct trusted *trusted, enum visitor_syntax syntax,
                            const struct ip *peer, uint16_t port,
                            const struct slice *lines, unsigned count)
{
        struct visitor v = { *peer, port, false, trusted_has(trusted, peer) };

        if (!v.trusted)
                return v;
        if (syntax == VISITOR_SINGLE && count == 1)
                read_single(trusted, lines[0], &v);
        else if (syntax == VISITOR_LIST || syntax == VISITOR_FORWARDED)
                walk_list(trusted, syntax, lines, count, &v);
        v.uncertain = v.trusted;
        return v;
}
