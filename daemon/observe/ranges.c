/* SPDX-License-Identifier: MIT */
#include "observe/ranges.h"

#include "base/buf.h"
#include "base/check.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define MISTAKES_MAX 20  /* of one file that are reported */
#define SHORTEST_V4  104 /* bits; as IPv6 has them, so /8 */
#define SHORTEST_V6  16

struct loading {
        struct ranges *ranges;
        struct place place;
        struct diag *diag;
        unsigned mistakes;
        uint32_t before;
};

static void refuse(struct loading *l, struct slice text, const char *why)
{
        if (l->mistakes++ < MISTAKES_MAX)
                diag_error(l->diag, l->place, "'%.*s' %s",
                           (int)(text.len < 80 ? text.len : 80), (const char *)text.data,
                           why);
}

static void add(struct loading *l, struct slice text)
{
        struct ranges *r = l->ranges;
        struct network network;
        bool host_bits;

        if (!network_parse(text, &network, &host_bits)) {
                refuse(l, text, "is no network, as 192.0.2.0/24 is");
        } else if (host_bits) {
                refuse(l, text, "has bits behind its prefix");
        } else if (network.bits < (ip_is_v4(&network.ip) ? SHORTEST_V4 : SHORTEST_V6)) {
                refuse(l, text, "is wider than any crawler's network");
        } else if (r->count == RANGES_MAX) {
                refuse(l, text, "is one network too many");
        } else {
                if (r->count == r->room) {
                        r->room = r->room ? 2 * r->room : 64;
                        r->networks =
                            realloc(r->networks, r->room * sizeof(*r->networks));
                        CHECK(r->networks);
                }
                r->networks[r->count++] = network;
        }
}

static void read_lines(struct loading *l, struct slice text)
{
        struct slice line;

        while (slice_next(&text, '\n', &line)) {
                l->place.line++;
                line = slice_first(line, slice_find(line, '#'));
                if (line.len && line.data[line.len - 1] == '\r')
                        line.len--;
                line = slice_trim(line);
                if (line.len)
                        add(l, line);
        }
}

/* The parser keeps no positions: the line where the text stands first, or 0. */
static unsigned line_of(struct slice text, const char *value)
{
        size_t len = strlen(value);
        const uint8_t *at = len ? memmem(text.data, text.len, value, len) : NULL;
        unsigned line = 1;

        if (!at)
                return 0;
        for (const uint8_t *c = text.data; c < at; c++)
                line += *c == '\n';
        return line;
}

static void read_prefix(struct loading *l, struct slice text, const json_t *entry)
{
        const json_t *value = json_object_get(entry, "ipv4Prefix");

        if (!value)
                value = json_object_get(entry, "ipv6Prefix");
        const char *prefix = json_string_value(value);
        l->place.line = prefix ? line_of(text, prefix) : 0;
        if (prefix)
                add(l, slice_str(prefix));
        else if (l->mistakes++ < MISTAKES_MAX)
                diag_error(l->diag, l->place,
                           "an entry of 'prefixes' has neither an ipv4Prefix nor an "
                           "ipv6Prefix");
}

static void read_json(struct loading *l, struct slice text)
{
        json_error_t error;
        json_t *root = json_loadb((const char *)text.data, text.len, 0, &error);
        const json_t *prefixes = json_object_get(root, "prefixes"), *entry;
        size_t i;

        if (!root) {
                l->place.line = error.line > 0 ? (unsigned)error.line : 0;
                l->mistakes++;
                diag_error(l->diag, l->place, "no JSON: %s", error.text);
        } else if (!json_is_array(prefixes)) {
                l->mistakes++;
                diag_error(l->diag, l->place, "has no list 'prefixes'");
        } else {
                json_array_foreach((json_t *)prefixes, i, entry)
                    read_prefix(l, text, entry);
        }
        json_decref(root);
}

static bool is_json(struct slice text)
{
        size_t i = 0;

        while (i < text.len && (text.data[i] == ' ' || text.data[i] == '\t' ||
                                text.data[i] == '\r' || text.data[i] == '\n'))
                i++;
        return i < text.len && (text.data[i] == '{' || text.data[i] == '[');
}

bool ranges_add(struct ranges *r, const char *name, struct slice text, struct diag *diag)
{
        struct loading l = { r, { name, 0, 1 }, diag, 0, r->count };

        (is_json(text) ? read_json : read_lines)(&l, text);
        if (l.mistakes == 0 && r->count == l.before) {
                l.mistakes++;
                diag_error(diag, (struct place){ .file = name }, "has no network in it");
        }
        return l.mistakes == 0;
}

static bool read_all(int fd, struct buf *text)
{
        char part[65536];
        ssize_t len;

        while ((len = read(fd, part, sizeof(part))) > 0 && text->len <= RANGES_FILE_MAX)
                buf_put(text, part, (size_t)len);
        return len >= 0;
}

bool ranges_read(struct ranges *r, const char *path, struct diag *diag)
{
        /* A pipe would be waited for. */
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        struct place place = { .file = path };
        struct buf text = { 0 };
        struct stat status;
        bool ok = false;

        if (fd < 0 || fstat(fd, &status) != 0)
                diag_error(diag, place, "%s", strerror(errno));
        else if (!S_ISREG(status.st_mode))
                diag_error(diag, place, "is no file");
        else if (!read_all(fd, &text))
                diag_error(diag, place, "%s", strerror(errno));
        else if (text.len > RANGES_FILE_MAX)
                diag_error(diag, place, "longer than %d MiB", RANGES_FILE_MAX >> 20);
        else
                ok = ranges_add(r, path, buf_slice(&text), diag);
        if (fd >= 0)
                close(fd);
        buf_free(&text);
        return ok;
}

/* A network comes before those that lie in it. */
static int compare(const void *a, const void *b)
{
        const struct network *x = a, *y = b;
        int order = memcmp(x->ip.bytes, y->ip.bytes, sizeof(x->ip.bytes));

        return order ? order : (int)x->bits - (int)y->bits;
}

void ranges_seal(struct ranges *r)
{
        uint32_t kept = 0;

        if (r->count)
                qsort(r->networks, r->count, sizeof(*r->networks), compare);
        for (uint32_t i = 0; i < r->count; i++)
                if (kept == 0 ||
                    !network_contains(&r->networks[kept - 1], &r->networks[i].ip))
                        r->networks[kept++] = r->networks[i];
        r->count = kept;
}

bool ranges_contain(const struct ranges *r, const struct ip *ip)
{
        uint32_t low = 0, high = r->count;

        /* They are apart: only the last that begins at or before it can have it. */
        while (low < high) {
                uint32_t middle = low + (high - low) / 2;
                if (memcmp(r->networks[middle].ip.bytes, ip->bytes, sizeof(ip->bytes)) <=
                    0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low > 0 && network_contains(&r->networks[low - 1], ip);
}

void ranges_free(struct ranges *r)
{
        free(r->networks);
        *r = (struct ranges){ 0 };
}
