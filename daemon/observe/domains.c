/* SPDX-License-Identifier: MIT */
#include "observe/domains.h"

#include "base/buf.h"
#include "base/check.h"
#include "base/hash.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define FILE_MAX     (64 << 20)
#define MISTAKES_MAX 20 /* of one file that are reported */

struct domains {
        uint8_t *names;  /* each: its length in one byte, then its bytes */
        uint32_t *slots; /* offset of a name, plus one; 0: empty */
        uint32_t mask, count;
};

struct loading {
        struct domains *set;
        struct place place;
        struct diag *diag;
        uint32_t used; /* bytes of names */
        unsigned mistakes;
};

static uint32_t hash_of(struct slice name)
{
        /* What is in the set is not chosen by traffic, so no secret is needed. */
        struct hash_key key = hash_key_fixed();

        return (uint32_t)hash_slice(&key, name);
}

static struct slice name_at(const struct domains *d, uint32_t slot)
{
        const uint8_t *at = d->names + slot - 1;

        return slice_of(at + 1, at[0]);
}

/* The slot of a name, or the empty one where it belongs. */
static uint32_t *find(const struct domains *d, struct slice name)
{
        uint32_t i = hash_of(name) & d->mask;

        while (d->slots[i] && !slice_equal(name_at(d, d->slots[i]), name))
                i = (i + 1) & d->mask;
        return &d->slots[i];
}

static bool is_domain(struct slice s)
{
        uint8_t before = '.';

        for (size_t i = 0; i < s.len; i++) {
                uint8_t c = s.data[i], lower = c | 0x20;
                bool part = (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') ||
                            c == '-' || c == '_' || c >= 0x80;
                if (c == '.' ? before == '.' : !part)
                        return false;
                before = c;
        }
        return before != '.' && s.len <= DOMAIN_LENGTH_MAX;
}

static void add(struct loading *l, struct slice name)
{
        struct domains *d = l->set;
        uint8_t *at = d->names + l->used;

        at[0] = (uint8_t)name.len;
        for (size_t i = 0; i < name.len; i++) {
                uint8_t c = name.data[i];
                at[1 + i] = c >= 'A' && c <= 'Z' ? c | 0x20 : c;
        }
        uint32_t *slot = find(d, slice_of(at + 1, name.len));
        if (*slot)
                return;
        *slot = l->used + 1;
        l->used += 1 + (uint32_t)name.len;
        d->count++;
}

static struct slice trim(struct slice line)
{
        if (line.len && line.data[line.len - 1] == '\r')
                line.len--;
        return slice_trim(line);
}

static void read_lines(struct loading *l, struct slice text)
{
        struct slice line;

        while (slice_next(&text, '\n', &line)) {
                l->place.line++;
                line = trim(line);
                if (line.len == 0 || line.data[0] == '#')
                        continue;
                if (is_domain(line)) {
                        add(l, line);
                } else if (l->mistakes++ < MISTAKES_MAX) {
                        diag_error(l->diag, l->place, "'%.*s' is no domain",
                                   (int)(line.len < 80 ? line.len : 80),
                                   (const char *)line.data);
                }
        }
}

static uint32_t slots_for(struct slice text)
{
        uint32_t lines = 1, slots = 16;

        for (size_t i = 0; i < text.len; i++)
                lines += text.data[i] == '\n';
        while (slots < lines * 2)
                slots *= 2;
        return slots;
}

struct domains *domains_parse(const char *name, struct slice text, struct diag *diag)
{
        struct domains *d = calloc(1, sizeof(*d));
        struct loading l = { d, { name, 0, 1 }, diag, 0, 0 };

        CHECK(d);
        if (text.len > FILE_MAX) {
                diag_error(diag, (struct place){ .file = name }, "longer than %d MiB",
                           FILE_MAX >> 20);
                l.mistakes++;
        } else {
                uint32_t slots = slots_for(text);
                d->mask = slots - 1;
                d->slots = calloc(slots, sizeof(*d->slots));
                d->names = malloc(text.len + 2); /* a length takes a line end's place */
                CHECK(d->slots && d->names);
                read_lines(&l, text);
        }
        if (l.mistakes)
                domains_free(&d);
        return d;
}

static bool read_all(FILE *file, struct buf *text)
{
        char part[65536];
        size_t len;

        while ((len = fread(part, 1, sizeof(part), file)) > 0 && text->len <= FILE_MAX)
                buf_put(text, part, len);
        return !ferror(file);
}

struct domains *domains_read(const char *path, struct diag *diag)
{
        FILE *file = fopen(path, "re");
        struct domains *d = NULL;
        struct buf text = { 0 };

        if (file && read_all(file, &text))
                d = domains_parse(path, buf_slice(&text), diag);
        else
                diag_error(diag, (struct place){ .file = path }, "%s", strerror(errno));
        if (file)
                fclose(file);
        buf_free(&text);
        return d;
}

void domains_free(struct domains **domains)
{
        struct domains *d = *domains;

        if (!d)
                return;
        free(d->slots);
        free(d->names);
        free(d);
        *domains = NULL;
}

unsigned domains_count(const struct domains *d)
{
        return d->count;
}

bool domains_cover(const struct domains *d, struct slice domain)
{
        while (domain.len) {
                if (*find(d, domain))
                        return true;
                domain = slice_from(domain, slice_find(domain, '.') + 1);
        }
        return false;
}
