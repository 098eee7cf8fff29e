/* SPDX-License-Identifier: MIT */
/*
 * A head is cut into pieces once, when it is loaded: runs of bytes that are always the
 * same, and places for values. Sending one is a few memcpy.
 */
#include "software.h"

#include "parameters.h"

#include "base/check.h"
#include "lang/diag.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LINES_MAX    64
#define PIECES_MAX   80
#define VERSIONS     3
#define SOFTWARE_MAX 256
#define NO_KIND      REQUEST_KINDS

/* `text`, then the value; both only where `needs` has one. */
struct piece {
        const char *text;
        uint32_t len;
        uint8_t value, needs;
};

struct head {
        struct piece *pieces; /* NULL: as a navigation */
        unsigned count;
        bool has_cookie; /* a line for one */
};

/* As recorded: lines without their end, the request line first. */
struct lines {
        char *of[LINES_MAX];
        unsigned count;
};

struct software {
        char *name, *version;
        char *language; /* when nobody says another */
        enum software_class class;
        double share;
        struct lines lines[REQUEST_KINDS];
        struct head heads[REQUEST_KINDS];
        bool closes; /* after each answer */
};

struct copied {
        const struct software *of;
        uint32_t variant;
        struct software *software;
};

struct softwares {
        const struct parameters *parameters;
        struct software *all[SOFTWARE_MAX];
        double shares[SOFTWARE_MAX];
        unsigned count;
        struct copied *copied; /* open addressing, a power of two, half full at most */
        unsigned copied_count, copied_room;
};

static const char *const kind_names[REQUEST_KINDS] = { "navigation", "style",   "script",
                                                       "font",       "image",   "fetch",
                                                       "form",       "prefetch" };
static const char *const class_names[] = { "browser", "library", "bot" };

/* ---- memory that is never to be missing ---- */

static char *copy(const char *text, size_t len)
{
        char *to = malloc(len + 1);

        CHECK(to);
        memcpy(to, text, len);
        to[len] = '\0';
        return to;
}

/* A copy with each `from` replaced. */
static char *replaced(const char *text, const char *from, const char *to)
{
        size_t from_len = strlen(from), to_len = strlen(to), room = strlen(text) + 1;

        for (const char *at = text; (at = strstr(at, from)); at += from_len)
                room += to_len;
        char *result = malloc(room), *end = result;
        CHECK(result);
        for (const char *at; (at = strstr(text, from)); text = at + from_len) {
                memcpy(end, text, (size_t)(at - text));
                end += at - text;
                memcpy(end, to, to_len);
                end += to_len;
        }
        strcpy(end, text);
        return result;
}

/* ---- from lines to pieces ---- */

static const struct {
        const char *name;
        enum head_value value;
} blanks[] = {
        { "{method}", HEAD_METHOD },       { "{path}", HEAD_PATH },
        { "{cookie}", HEAD_COOKIE },       { "{referer}", HEAD_REFERER },
        { "{origin}", HEAD_ORIGIN },       { "{language}", HEAD_LANGUAGE },
        { "{length}", HEAD_LENGTH },       { "{type}", HEAD_TYPE },
        { "{forwarded}", HEAD_FORWARDED }, { "{fetch-site}", HEAD_FETCH_SITE },
};

/* The next place for a value in the text, or its end. */
static const char *next_blank(const char *text, enum head_value *value, size_t *len)
{
        const char *first = text + strlen(text);

        *value = HEAD_ALWAYS;
        *len = 0;
        for (size_t i = 0; i < sizeof(blanks) / sizeof(blanks[0]); i++) {
                const char *found = strstr(text, blanks[i].name);
                if (found && found < first) {
                        first = found;
                        *value = blanks[i].value;
                        *len = strlen(blanks[i].name);
                }
        }
        return first;
}

struct cutter {
        struct piece pieces[PIECES_MAX];
        unsigned count;
        char text[16384]; /* of all pieces */
        size_t len;
};

/* Adds to the last piece where that has no value after it and is always there too. */
static void cut_piece(struct cutter *c, const char *text, size_t len,
                      enum head_value value, enum head_value needs)
{
        struct piece *last = c->count ? &c->pieces[c->count - 1] : NULL;

        CHECK(c->len + len <= sizeof(c->text));
        memcpy(c->text + c->len, text, len);
        if (last && last->value == HEAD_ALWAYS && last->needs == needs) {
                last->len += (uint32_t)len;
                last->value = (uint8_t)value;
        } else {
                CHECK(c->count < PIECES_MAX);
                c->pieces[c->count++] = (struct piece){ c->text + c->len, (uint32_t)len,
                                                        (uint8_t)value, (uint8_t)needs };
        }
        c->len += len;
}

/* Method and path are always there; another value that is none takes its line along. */
static void cut_line(struct cutter *c, const char *line)
{
        enum head_value value, needs;
        size_t len;

        next_blank(line, &needs, &len);
        if (needs == HEAD_METHOD || needs == HEAD_PATH)
                needs = HEAD_ALWAYS;
        for (;;) {
                const char *blank = next_blank(line, &value, &len);
                if (value == HEAD_ALWAYS)
                        break;
                cut_piece(c, line, (size_t)(blank - line), value, needs);
                line = blank + len;
        }
        cut_piece(c, line, strlen(line), HEAD_ALWAYS, needs);
        cut_piece(c, "\r\n", 2, HEAD_ALWAYS, needs);
}

/* One allocation: the pieces, then their text. */
static struct head seal(const struct cutter *c)
{
        size_t size = c->count * sizeof(struct piece);
        struct piece *pieces = malloc(size + c->len);

        CHECK(pieces);
        memcpy((char *)pieces + size, c->text, c->len);
        for (unsigned i = 0; i < c->count; i++) {
                pieces[i] = c->pieces[i];
                pieces[i].text = (char *)pieces + size + (c->pieces[i].text - c->text);
        }
        return (struct head){ .pieces = pieces, .count = c->count };
}

static bool is_header(const char *line, const char *name)
{
        size_t len = strlen(name);

        return strncasecmp(line, name, len) == 0 && line[len] == ':';
}

/* What ends at the terminator (RFC 9110, 7.6.1), and what it says itself. */
static bool is_for_hop(const char *line)
{
        static const char *const names[] = {
                "Host", "Connection", "Keep-Alive", "Upgrade", "TE", "Proxy-Connection"
        };

        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
                if (is_header(line, names[i]))
                        return true;
        return false;
}

static void cut_lower(struct cutter *c, const char *line)
{
        char *small = copy(line, strlen(line));

        for (char *at = small; *at && *at != ':'; at++)
                *at = (char)tolower((unsigned char)*at);
        cut_line(c, small);
        free(small);
}

static bool has_blank(const struct lines *lines, const char *blank)
{
        for (unsigned i = 0; i < lines->count; i++)
                if (strstr(lines->of[i], blank))
                        return true;
        return false;
}

static bool has_length(const struct lines *lines)
{
        return has_blank(lines, "{length}");
}

static const char body_lines[][32] = { "Content-Type: {type}",
                                       "Content-Length: {length}" };

static void cut_direct(struct cutter *c, const struct lines *lines)
{
        for (unsigned i = 1; i < lines->count; i++)
                cut_line(c, lines->of[i]);
        for (unsigned i = 0; i < 2 && !has_length(lines); i++)
                cut_line(c, body_lines[i]);
}

static void cut_nginx(struct cutter *c, const struct lines *lines, const char *host)
{
        char line[300];

        snprintf(line, sizeof(line), "Host: %s", host);
        cut_line(c, line);
        cut_line(c, "X-Forwarded-For: {forwarded}");
        cut_line(c, "X-Forwarded-Proto: https");
        for (unsigned i = 1; i < lines->count; i++)
                if (!is_for_hop(lines->of[i]))
                        cut_line(c, lines->of[i]);
        for (unsigned i = 0; i < 2 && !has_length(lines); i++)
                cut_line(c, body_lines[i]);
}

/* Whatever the visitor speaks, it speaks HTTP/1.1 to the server. */
static void cut_request_line(struct cutter *c, const struct parameters *p,
                             const char *recorded)
{
        if (p->wire.way == WAY_FORWARDED)
                cut_line(c, "{method} {path} HTTP/1.1");
        else
                cut_line(c, recorded);
}

static void cut_haproxy(struct cutter *c, const struct lines *lines, const char *host)
{
        char line[300];

        snprintf(line, sizeof(line), "host: %s", host);
        cut_line(c, line);
        for (unsigned i = 1; i < lines->count; i++)
                if (!is_for_hop(lines->of[i]))
                        cut_lower(c, lines->of[i]);
        for (unsigned i = 0; i < 2 && !has_length(lines); i++)
                cut_lower(c, body_lines[i]);
        cut_line(c, "x-forwarded-proto: https");
        cut_line(c, "x-forwarded-for: {forwarded}");
}

static struct head head_of(const struct lines *lines, const struct parameters *p)
{
        static struct cutter c; /* large, and used by one call at a time */

        c.count = 0;
        c.len = 0;
        cut_request_line(&c, p, lines->of[0]);
        if (p->wire.way != WAY_FORWARDED)
                cut_direct(&c, lines);
        else if (p->wire.terminator == TERMINATOR_NGINX)
                cut_nginx(&c, lines, p->site.host);
        else
                cut_haproxy(&c, lines, p->site.host);
        cut_piece(&c, "\r\n", 2, HEAD_ALWAYS, HEAD_ALWAYS);
        return seal(&c);
}

static bool says_close(const struct lines *lines)
{
        if (strstr(lines->of[0], "HTTP/1.0"))
                return true;
        for (unsigned i = 1; i < lines->count; i++)
                if (is_header(lines->of[i], "Connection") &&
                    strcasestr(lines->of[i], "close"))
                        return true;
        return false;
}

/* A program that takes no cookies by itself is given them, by who writes it, as a header.
 */
static void add_cookie(struct software *s)
{
        struct lines *lines = &s->lines[REQUEST_NAVIGATION];

        if (s->class == SOFTWARE_BROWSER || has_blank(lines, "{cookie}") ||
            lines->count == LINES_MAX)
                return;
        lines->of[lines->count++] = copy("Cookie: {cookie}", 16);
}

static void cut_heads(struct software *s, const struct parameters *p)
{
        s->closes = says_close(&s->lines[REQUEST_NAVIGATION]);
        add_cookie(s);
        for (unsigned kind = 0; kind < REQUEST_KINDS; kind++)
                if (s->lines[kind].count) {
                        s->heads[kind] = head_of(&s->lines[kind], p);
                        s->heads[kind].has_cookie =
                            has_blank(&s->lines[kind], "{cookie}");
                }
}

static const struct head *head_for(const struct software *s, enum request_kind kind)
{
        return &s->heads[s->heads[kind].pieces ? kind : REQUEST_NAVIGATION];
}

bool software_sends_cookies(const struct software *s, enum request_kind kind)
{
        return head_for(s, kind)->has_cookie;
}

size_t software_head(const struct software *s, enum request_kind kind,
                     const struct slice values[HEAD_VALUES], uint8_t *out, size_t room)
{
        const struct head *head = head_for(s, kind);
        size_t len = 0;

        for (unsigned i = 0; i < head->count; i++) {
                const struct piece *piece = &head->pieces[i];
                const struct slice *value = &values[piece->value];
                if (piece->needs && slice_is_none(values[piece->needs]))
                        continue;
                if (len + piece->len + value->len > room)
                        return 0;
                memcpy(out + len, piece->text, piece->len);
                len += piece->len;
                if (value->len)
                        memcpy(out + len, value->data, value->len);
                len += value->len;
        }
        return len;
}

/* ---- reading files ---- */

struct reading {
        struct softwares *all;
        struct software *software;
        struct diag *diag;
        const char *path;
        unsigned line, kind;
};

static void tell(struct reading *r, const char *message)
{
        diag_error(r->diag, (struct place){ r->path, r->line, 1 }, "%s", message);
}

static void set_text(char **to, const char *value)
{
        free(*to);
        *to = copy(value, strlen(value));
}

/* `# name: value`; what else is said there is for people. */
static void take_note(struct reading *r, const char *note)
{
        const char *value = strchr(note, ':');
        size_t len = value ? (size_t)(value - note) : 0;

        if (!value)
                return;
        for (value++; *value == ' '; value++)
                ;
        struct slice name = slice_of(note, len);
        if (slice_is(name, "name")) {
                set_text(&r->software->name, value);
        } else if (slice_is(name, "version")) {
                set_text(&r->software->version, value);
        } else if (slice_is(name, "language")) {
                set_text(&r->software->language, value);
        } else if (slice_is(name, "share")) {
                r->software->share = strtod(value, NULL);
        } else if (slice_is(name, "class")) {
                for (unsigned i = 0; i < 3; i++)
                        if (strcmp(value, class_names[i]) == 0) {
                                r->software->class = (enum software_class)i;
                                return;
                        }
                tell(r, "class is browser, library or bot");
        }
}

static void begin_kind(struct reading *r, const char *name)
{
        r->kind = NO_KIND;
        for (unsigned i = 0; i < REQUEST_KINDS; i++)
                if (strcmp(name, kind_names[i]) == 0)
                        r->kind = i;
        if (r->kind == NO_KIND)
                tell(r, "unknown kind; it is one of navigation style script font image "
                        "fetch form prefetch");
        else if (r->software->lines[r->kind].count)
                tell(r, "this kind is there twice; leave one out");
}

/* What a navigation's value depends on: whether it came from a page of the site. */
static char *adapted(const struct reading *r, const char *line)
{
        if (r->kind == REQUEST_NAVIGATION && is_header(line, "Sec-Fetch-Site"))
                return copy("Sec-Fetch-Site: {fetch-site}", 28);
        return replaced(line, "{host}", r->all->parameters->site.host);
}

static void take_line(struct reading *r, const char *line)
{
        struct lines *lines = r->kind == NO_KIND ? NULL : &r->software->lines[r->kind];

        if (!lines)
                tell(r, "a line before the first `@ kind`");
        else if (lines->count == LINES_MAX)
                tell(r, "more lines than a head may have");
        else if (lines->count && !strchr(line, ':'))
                tell(r, "a header line is `Name: value`");
        else
                lines->of[lines->count++] = adapted(r, line);
}

static void read_line(struct reading *r, char *line)
{
        size_t len = strcspn(line, "\r\n");

        r->line++;
        line[len] = '\0';
        if (line[0] == '#')
                take_note(r, line + 1 + strspn(line + 1, " "));
        else if (line[0] == '@')
                begin_kind(r, line + 1 + strspn(line + 1, " "));
        else if (line[0])
                take_line(r, line);
}

static void free_software(struct software *s)
{
        if (!s)
                return;
        for (unsigned kind = 0; kind < REQUEST_KINDS; kind++) {
                for (unsigned i = 0; i < s->lines[kind].count; i++)
                        free(s->lines[kind].of[i]);
                free(s->heads[kind].pieces);
        }
        free(s->name);
        free(s->version);
        free(s->language);
        free(s);
}

/* The same with lines of its own, a version filled in. */
static struct software *with_version(const struct software *s, const char *version)
{
        struct software *other = calloc(1, sizeof(*other));

        CHECK(other);
        other->name = copy(s->name, strlen(s->name));
        other->version = copy(version, strlen(version));
        other->language = copy(s->language, strlen(s->language));
        other->class = s->class;
        for (unsigned kind = 0; kind < REQUEST_KINDS; kind++) {
                other->lines[kind].count = s->lines[kind].count;
                for (unsigned i = 0; i < s->lines[kind].count; i++)
                        other->lines[kind].of[i] =
                            replaced(s->lines[kind].of[i], "{version}", version);
        }
        return other;
}

static void add(struct softwares *all, struct software *s, double share)
{
        CHECK(all->count < SOFTWARE_MAX);
        cut_heads(s, all->parameters);
        all->shares[all->count] = share;
        all->all[all->count++] = s;
}

static bool has_versions(const struct software *s)
{
        if (s->class != SOFTWARE_BROWSER || s->share <= 0 || atoi(s->version) < 10)
                return false;
        for (unsigned i = 0; i < s->lines[0].count; i++)
                if (strstr(s->lines[0].of[i], "{version}"))
                        return true;
        return false;
}

/* Not everybody has the newest one. */
static void add_versions(struct softwares *all, const struct software *s)
{
        static const struct {
                int back;
                double part;
        } older[VERSIONS] = { { 0, 0.62 }, { 1, 0.27 }, { 3, 0.11 } };
        char version[16];

        if (!has_versions(s)) {
                add(all, with_version(s, s->version), s->share);
                return;
        }
        for (unsigned i = 0; i < VERSIONS; i++) {
                snprintf(version, sizeof(version), "%d",
                         atoi(s->version) - older[i].back);
                add(all, with_version(s, version), s->share * older[i].part);
        }
}

static void check_software(struct reading *r)
{
        r->line = 0;
        if (!r->software->name)
                tell(r, "has no `# name:`");
        else if (r->software->lines[REQUEST_NAVIGATION].count < 2)
                tell(r, "has no head for a navigation; record it anew");
        else if (r->all->count + VERSIONS > SOFTWARE_MAX)
                tell(r, "too many files of heads");
}

static void read_heads(struct softwares *all, const char *path, struct diag *diag)
{
        struct reading r = { all,    calloc(1, sizeof(struct software)), diag, path, 0,
                             NO_KIND };
        unsigned before = diag_errors(diag);
        FILE *file = fopen(path, "r");
        char *line = NULL;
        size_t room = 0;

        CHECK(r.software);
        set_text(&r.software->version, "1");
        set_text(&r.software->language, "en-US,en;q=0.9");
        if (!file)
                tell(&r, strerror(errno));
        while (file && getline(&line, &room, file) >= 0)
                read_line(&r, line);
        free(line);
        if (file)
                fclose(file);
        if (diag_errors(diag) == before)
                check_software(&r);
        if (diag_errors(diag) == before)
                add_versions(all, r.software);
        free_software(r.software);
}

static int is_heads(const struct dirent *entry)
{
        const char *ending = strrchr(entry->d_name, '.');

        return ending && strcmp(ending, ".heads") == 0;
}

/* In the order of their names' bytes, so that it is the same everywhere. */
static int in_order(const struct dirent **a, const struct dirent **b)
{
        return strcmp((*a)->d_name, (*b)->d_name);
}

static void read_folder(struct softwares *all, const char *folder, struct diag *diag)
{
        struct place place = { .file = folder };
        struct dirent **entries;
        int count = scandir(folder, &entries, is_heads, in_order);

        if (count < 0) {
                diag_error(diag, place, "%s; -o clients=FOLDER names another",
                           strerror(errno));
                return;
        }
        for (int i = 0; i < count; i++) {
                char path[4096];
                snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
                read_heads(all, path, diag);
                free(entries[i]);
        }
        free(entries);
        double total = 0;
        for (unsigned i = 0; i < all->count; i++)
                total += all->shares[i];
        if (total <= 0 && diag_errors(diag) == 0)
                diag_error(diag, place,
                           "no heads of a browser with a share above 0 are in there");
}

struct softwares *softwares_load(const char *folder, const struct parameters *p,
                                 struct diag *diag)
{
        struct softwares *all = calloc(1, sizeof(*all));
        unsigned before = diag_errors(diag);

        CHECK(all);
        all->parameters = p;
        read_folder(all, folder, diag);
        if (diag_errors(diag) != before)
                softwares_free(&all);
        return all;
}

void softwares_free(struct softwares **link)
{
        struct softwares *all = *link;

        if (!all)
                return;
        for (unsigned i = 0; i < all->count; i++)
                free_software(all->all[i]);
        for (unsigned i = 0; i < all->copied_room; i++)
                free_software(all->copied[i].software);
        free(all->copied);
        free(all);
        *link = NULL;
}

/* ---- which ---- */

const struct software *software_of_person(const struct softwares *all, struct dice *d)
{
        return all->all[dice_weighted(d, all->shares, all->count)];
}

const struct software *software_named(const struct softwares *all, const char *name)
{
        for (unsigned i = 0; i < all->count; i++)
                if (strcmp(all->all[i]->name, name) == 0)
                        return all->all[i];
        return NULL;
}

/* They stand one after the other, the newest first. */
const struct software *software_before(const struct softwares *all, const char *name,
                                       unsigned back)
{
        for (unsigned i = 0; i < all->count; i++)
                if (strcmp(all->all[i]->name, name) == 0 && back-- == 0)
                        return all->all[i];
        return NULL;
}

const struct software *software_of_class(const struct softwares *all,
                                         enum software_class class, struct dice *d)
{
        const struct software *chosen = NULL;
        uint32_t seen = 0;

        for (unsigned i = 0; i < all->count; i++)
                if (all->all[i]->class == class && dice_below(d, ++seen) == 0)
                        chosen = all->all[i];
        return chosen;
}

const char *software_agent(const struct software *s)
{
        static const char name[] = "User-Agent: ";
        const struct lines *lines = &s->lines[REQUEST_NAVIGATION];

        for (unsigned i = 1; i < lines->count; i++)
                if (strncasecmp(lines->of[i], name, sizeof(name) - 1) == 0)
                        return lines->of[i] + sizeof(name) - 1;
        return "";
}

const char *software_name(const struct software *s)
{
        return s->name;
}

enum software_class software_class(const struct software *s)
{
        return s->class;
}

const char *software_language(const struct software *s)
{
        return s->language;
}

bool software_closes(const struct software *s)
{
        return s->closes;
}

/* ---- copies ---- */

/* What even a careless script sends: without these nothing works, or it is no copy. */
static bool is_kept(const char *line)
{
        return is_header(line, "Host") || is_header(line, "User-Agent") ||
               is_header(line, "Cookie") || is_header(line, "Content-Type") ||
               is_header(line, "Content-Length");
}

static void shuffle(struct lines *lines, struct dice *d)
{
        for (unsigned i = lines->count - 1; i > 1; i--) {
                unsigned j = 1 + dice_below(d, i);
                char *line = lines->of[i];
                lines->of[i] = lines->of[j];
                lines->of[j] = line;
        }
}

/* All it sends has the head of a navigation, in an order of its own, some lines missing.
 */
static struct software *copy_of(const struct softwares *all, const struct software *s,
                                uint32_t variant)
{
        struct software *other = with_version(s, s->version);
        struct lines *lines = &other->lines[REQUEST_NAVIGATION];
        struct dice d = dice_of(dice_name(variant, s->name, 0), 0);
        unsigned count = 1;

        for (unsigned kind = 1; kind < REQUEST_KINDS; kind++) {
                for (unsigned i = 0; i < other->lines[kind].count; i++)
                        free(other->lines[kind].of[i]);
                other->lines[kind].count = 0;
        }
        for (unsigned i = 1; i < lines->count; i++)
                if (is_kept(lines->of[i]) || !dice_chance(&d, 0.25))
                        lines->of[count++] = lines->of[i];
                else
                        free(lines->of[i]);
        lines->count = count;
        shuffle(lines, &d);
        cut_heads(other, all->parameters);
        return other;
}

static struct copied *slot_of(const struct softwares *all, const struct software *s,
                              uint32_t variant)
{
        uint64_t hash = dice_name(variant, s->name, (uint64_t)atoi(s->version));

        for (unsigned i = (unsigned)hash;; i++) {
                struct copied *slot = &all->copied[i & (all->copied_room - 1)];
                if (!slot->software || (slot->of == s && slot->variant == variant))
                        return slot;
        }
}

static void make_room(struct softwares *all)
{
        struct copied *before = all->copied;
        unsigned room = all->copied_room;

        if (2 * (all->copied_count + 1) <= room)
                return;
        all->copied_room = room ? 2 * room : 64;
        all->copied = calloc(all->copied_room, sizeof(*all->copied));
        CHECK(all->copied);
        for (unsigned i = 0; i < room; i++)
                if (before[i].software)
                        *slot_of(all, before[i].of, before[i].variant) = before[i];
        free(before);
}

const struct software *software_copied(struct softwares *all, const struct software *s,
                                       uint32_t variant)
{
        make_room(all);
        struct copied *slot = slot_of(all, s, variant);
        if (!slot->software) {
                *slot = (struct copied){ s, variant, copy_of(all, s, variant) };
                all->copied_count++;
        }
        return slot->software;
}
