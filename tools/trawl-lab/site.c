/* SPDX-License-Identifier: MIT */
/*
 * A profile's number is its position in the order of joining; everything else of it (its
 * name, its rank, whom its page links to) follows from the number and the seed.
 */
#include "site.h"

#include "names.h"
#include "parameters.h"

#include "base/buf.h"
#include "base/check.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(PARAMETER_PAGES == PAGES, "parameters.h has one row for each page");

#define SHARED_MAX 64

enum blank { BLANK_NONE, BLANK_TARGET, BLANK_WORDS, BLANK_NUMBER };

/* A path with one place to fill in. */
struct template
{
        char before[SITE_PATH_MAX / 2], after[SITE_PATH_MAX / 4];
        size_t before_len, after_len;
        enum blank blank;
};

struct site {
        const struct parameters *all;
        const struct site_parameters *p;
        uint64_t seed;
        uint64_t names, ranks, suffixes, links, shown, gone; /* keys */
        uint32_t profiles;
        struct zipf popular;
        struct template path[PAGES], picture, others[SHARES_MAX];
        struct asset shared[SHARED_MAX];
        unsigned shared_count;
};

/* ---- templates ---- */

static const struct {
        const char *name;
        enum blank blank;
} blanks[] = {
        { "{target}", BLANK_TARGET },
        { "{words}", BLANK_WORDS },
        { "{number}", BLANK_NUMBER },
};

/* Texts that are too long are cut: parameters are checked before. */
static struct template template_of(const char *text)
{
        struct template t = { .blank = BLANK_NONE };
        const char *at = text + strlen(text), *rest = at;

        for (size_t i = 0; i < sizeof(blanks) / sizeof(blanks[0]); i++) {
                const char *found = strstr(text, blanks[i].name);
                if (!found)
                        continue;
                at = found;
                rest = found + strlen(blanks[i].name);
                t.blank = blanks[i].blank;
                break;
        }
        snprintf(t.before, sizeof(t.before), "%.*s", (int)(at - text), text);
        snprintf(t.after, sizeof(t.after), "%s", rest);
        t.before_len = strlen(t.before);
        t.after_len = strlen(t.after);
        return t;
}

static char *put(char *at, const char *text, size_t len)
{
        memcpy(at, text, len);
        return at + len;
}

static char *put_lower(char *at, const char *text)
{
        while (*text)
                *at++ = (char)tolower((unsigned char)*text++);
        return at;
}

static char *put_hex(char *at, uint64_t value, unsigned digits)
{
        static const char hex[] = "0123456789abcdef";

        while (digits--)
                *at++ = hex[value >> (4 * digits) & 15];
        return at;
}

/* In letters and digits, at least three. */
static char *put_base36(char *at, uint64_t value)
{
        char text[16];
        unsigned len = 0;

        for (; value || len < 3; value /= 36)
                text[len++] = "0123456789abcdefghijklmnopqrstuvwxyz"[value % 36];
        while (len)
                *at++ = text[--len];
        return at;
}

static char *put_number(char *at, uint64_t value)
{
        char text[24];
        unsigned len = 0;

        do
                text[len++] = (char)('0' + value % 10);
        while (value /= 10);
        while (len)
                *at++ = text[--len];
        return at;
}

/* ---- how profiles are called ---- */

static struct name profile_name(const struct site *s, uint64_t number)
{
        return name_of(dice_mix(s->names, number));
}

static char *put_name(const struct site *s, char *at, uint32_t profile)
{
        struct name name = profile_name(s, profile);

        at = put_lower(at, name.first);
        *at++ = '-';
        at = put_lower(at, name.last);
        *at++ = '-';
        return put_base36(at, dice_permute(s->suffixes, s->profiles, profile));
}

/* Between where its position begins and where the next one's does. */
static uint64_t number_of(const struct site *s, uint32_t profile, uint64_t *begin,
                          uint64_t *end)
{
        double u = dice_unit_of(dice_mix(s->names + 1, profile));

        *begin = (uint64_t)(profile * s->p->number_gap);
        *end = (uint64_t)((profile + 1.0) * s->p->number_gap);
        return *begin + (uint64_t)(u * (double)(*end - *begin));
}

static char *put_uuid(char *at, uint64_t key, uint64_t number)
{
        uint64_t high = dice_mix(key, number), low = dice_mix(high, number);

        at = put_hex(at, high >> 32, 8);
        *at++ = '-';
        at = put_hex(at, high >> 16, 4);
        *at++ = '-';
        *at++ = '4';
        at = put_hex(at, high, 3);
        *at++ = '-';
        at = put_hex(at, 0x8000 | (low >> 48 & 0x3fff), 4);
        *at++ = '-';
        return put_hex(at, low, 12);
}

static char *put_target(const struct site *s, char *at, uint32_t profile)
{
        uint64_t begin, end;

        switch (s->p->naming) {
        case NAMING_NUMBER:
                return put_number(at, s->p->number_first +
                                          number_of(s, profile, &begin, &end));
        case NAMING_UUID:
                return put_uuid(at, s->names, profile);
        default:
                return put_name(s, at, profile);
        }
}

static char *put_words(const struct site *s, char *at, uint32_t number)
{
        struct name name = profile_name(s, number);

        at = put_lower(at, name.first);
        *at++ = '+';
        return put_lower(at, name.last);
}

static void fill(const struct site *s, const struct template *t, uint32_t number,
                 char path[SITE_PATH_MAX])
{
        char *at = put(path, t->before, t->before_len);

        if (t->blank == BLANK_TARGET)
                at = put_target(s, at, number);
        else if (t->blank == BLANK_WORDS)
                at = put_words(s, at, number);
        else if (t->blank == BLANK_NUMBER)
                at = put_hex(at, dice_mix(s->seed, number), 12);
        at = put(at, t->after, t->after_len);
        *at = '\0';
}

void site_path(const struct site *s, enum page page, uint32_t number,
               char path[SITE_PATH_MAX])
{
        const struct template *t = &s->path[page];

        if (page == PAGE_OTHER)
                t = &s->others[number % s->p->others.count];
        fill(s, t, number, path);
}

/* Numbers: one that the gaps left out, or else one after the youngest. */
static char *put_free_number(const struct site *s, char *at, uint32_t number)
{
        for (uint32_t i = 0; i < 64; i++) {
                uint64_t begin, end, taken;
                uint32_t profile = (number + i) % s->profiles;
                taken = number_of(s, profile, &begin, &end);
                if (end - begin < 2)
                        continue;
                uint64_t other = begin + (taken - begin + 1) % (end - begin);
                return put_number(at, s->p->number_first + other);
        }
        uint64_t last = (uint64_t)(s->profiles * s->p->number_gap);
        return put_number(at, s->p->number_first + last + 1 + number);
}

void site_no_profile(const struct site *s, uint32_t number, char path[SITE_PATH_MAX])
{
        const struct template *t = &s->path[PAGE_PROFILE];
        char *at = put(path, t->before, t->before_len);

        if (s->p->naming == NAMING_NUMBER) {
                at = put_free_number(s, at, number);
        } else if (s->p->naming == NAMING_UUID) {
                at = put_uuid(at, s->names + 2, number);
        } else { /* those that exist end in a number below profiles */
                struct name name = name_of(dice_mix(s->names + 2, number));
                at = put_lower(at, name.first);
                *at++ = '-';
                at = put_lower(at, name.last);
                *at++ = '-';
                at = put_base36(at, (uint64_t)s->profiles + number);
        }
        at = put(at, t->after, t->after_len);
        *at = '\0';
}

/* ---- which profiles ---- */

uint32_t site_profiles(const struct site *s)
{
        return s->profiles;
}

bool site_is_app(const struct site *s)
{
        return s->p->is_app;
}

uint32_t site_at_rank(const struct site *s, uint32_t rank)
{
        return dice_permute(s->ranks, s->profiles, rank);
}

uint32_t site_at_position(const struct site *s, uint32_t position)
{
        CHECK(position < s->profiles);
        return position;
}

bool site_is_there(const struct site *s, uint32_t profile)
{
        return dice_unit_of(dice_mix(s->gone, profile)) >= s->p->missing;
}

uint32_t site_popular(const struct site *s, struct dice *d)
{
        return site_at_rank(s, zipf_draw(&s->popular, d));
}

/* Half of what is shown beside is popular, half is anybody: the same at every look. */
static uint32_t beside(const struct site *s, uint64_t key, uint32_t number, uint32_t i)
{
        struct dice d = dice_of(dice_mix(key, number), i);

        return dice_chance(&d, 0.5) ? site_popular(s, &d) : dice_below(&d, s->profiles);
}

uint32_t site_linked(const struct site *s, uint32_t profile, uint32_t i)
{
        return beside(s, s->links, profile, i % (uint32_t)s->p->links);
}

uint32_t site_shown(const struct site *s, uint32_t number, uint32_t i)
{
        return beside(s, s->shown, number, i);
}

/* ---- assets ---- */

static void add_shared(struct site *s, enum asset_kind kind, const char *ending,
                       unsigned count, double median)
{
        struct template t = template_of(s->p->asset_path);

        for (unsigned i = 0; i < count && s->shared_count < SHARED_MAX; i++) {
                struct asset *a = &s->shared[s->shared_count];
                struct dice d = dice_of(dice_name(s->seed, "asset", s->shared_count), 0);
                fill(s, &t, s->shared_count++, a->path);
                size_t len = strlen(a->path);
                snprintf(a->path + len, sizeof(a->path) - len, "%s", ending);
                a->kind = kind;
                a->is_shared = true;
                a->bytes = (uint32_t)dice_lognormal(&d, median, 0.8);
        }
}

/* Pictures that a page shows, beside what all pages share. */
static unsigned pictures(const struct site *s, enum page page)
{
        switch (page) {
        case PAGE_PROFILE:
        case PAGE_PROFILE_API:
                return 1;
        case PAGE_SEARCH:
        case PAGE_FEED:
                return (unsigned)s->p->results;
        default:
                return 0;
        }
}

static bool is_html(enum page page)
{
        return page != PAGE_PROFILE_API && page != PAGE_SIGNUP && page != PAGE_HEALTH;
}

static void put_picture(const struct site *s, uint32_t profile, struct asset *a)
{
        double u = dice_unit_of(dice_mix(s->names + 3, profile));

        fill(s, &s->picture, profile, a->path);
        a->kind = ASSET_IMAGE;
        a->is_shared = false;
        a->bytes = 4000 + (uint32_t)(u * u * 40000);
}

bool site_asset(const struct site *s, enum page page, uint32_t number, unsigned i,
                struct asset *a)
{
        unsigned shared = is_html(page) ? s->shared_count : 0;

        if (i < shared) {
                *a = s->shared[i];
                return true;
        }
        i -= shared;
        if (i >= pictures(s, page))
                return false;
        bool is_profile = page == PAGE_PROFILE || page == PAGE_PROFILE_API;
        put_picture(s, is_profile ? number : site_shown(s, number, i), a);
        return true;
}

unsigned site_assets(const struct site *s, enum page page, uint32_t number,
                     struct asset *assets, unsigned most)
{
        unsigned count = 0;

        while (count < most && site_asset(s, page, number, count, &assets[count]))
                count++;
        return count;
}

/* ---- answers ---- */

uint32_t site_bytes(const struct site *s, enum page page, struct dice *d)
{
        double bytes = dice_lognormal(d, s->p->bytes[page], s->p->bytes_sigma);

        return bytes < 1e9 ? (uint32_t)bytes : (uint32_t)1e9;
}

int64_t site_latency(const struct site *s, enum page page, struct dice *d)
{
        double ms = dice_lognormal(d, s->p->latency[page], s->p->latency_sigma);

        return (int64_t)((ms < 6e4 ? ms : 6e4) * 1e6);
}

void site_session(const struct site *s, uint64_t name, char text[40])
{
        uint64_t high = dice_mix(s->seed ^ 0x5e551011, name);
        char *at = put_hex(text, high, 16);

        *put_hex(at, dice_mix(high, name), 16) = '\0';
}

void site_account(const struct site *s, uint64_t name, char text[24])
{
        *put_hex(text, dice_mix(s->seed ^ 0xacc0, name), 16) = '\0';
}

const char *site_session_cookie(const struct site *s)
{
        return s->p->session_cookie;
}

const char *site_account_cookie(const struct site *s)
{
        return s->p->account_cookie;
}

/* ---- the daemon's map ---- */

/* Up to the query and with `*` or {target} for what is filled in. */
static void put_path(const struct template *t, bool keeps_query, struct buf *out)
{
        char text[SITE_PATH_MAX];

        snprintf(text, sizeof(text), "%s%s%s", t->before,
                 t->blank == BLANK_TARGET ? "{target}"
                 : t->blank != BLANK_NONE ? "*"
                                          : "",
                 t->after);
        if (!keeps_query)
                text[strcspn(text, "?")] = '\0';
        buf_printf(out, "\"%s\"", text);
}

/* All that lies where the template's files do. */
static void put_folder(const struct template *t, struct buf *out)
{
        const char *last = strrchr(t->before, '/');

        buf_printf(out, "\"%.*s/**\"", last ? (int)(last - t->before) : 0, t->before);
}

static void put_page(const struct site *s, const char *name, const char *method,
                     enum page page, struct buf *out)
{
        buf_printf(out, "  - name: %s\n", name);
        if (method)
                buf_printf(out, "    method: %s\n", method);
        buf_put_str(out, "    path: [");
        put_path(&s->path[page], page == PAGE_PROFILE, out);
        if (page == PAGE_PROFILE) {
                buf_put_str(out, ", ");
                put_path(&s->path[PAGE_PROFILE_API], true, out);
        }
        buf_put_str(out, "]\n");
}

static void put_client(const struct site *s, struct buf *out)
{
        const struct wire_parameters *w = &s->all->wire;

        buf_put_str(out, "client:\n");
        if (w->way != WAY_DIRECT) {
                buf_put_str(out, "  trusted_proxies: [");
                for (unsigned i = 0; i < w->terminators.count; i++)
                        buf_printf(out, "%s%s", i ? ", " : "", w->terminators.of[i]);
                buf_put_str(out, "]\n");
        }
        if (w->way == WAY_FORWARDED)
                buf_put_str(out, "  header: X-Forwarded-For\n");
        buf_put_str(out, "  prefix: { ipv4: 24, ipv6: 64 }\n");
        buf_printf(out, "session: { cookie: \"%s\" }\naccount: { cookie: \"%s\" }\n",
                   s->p->session_cookie, s->p->account_cookie);
}

void site_write_map(const struct site *s, FILE *file)
{
        struct template assets = template_of(s->p->asset_path);
        struct buf out = { 0 };

        buf_put_str(&out,
                    "# The site map of a laboratory's site (trawl-lab --site-map).\n");
        put_client(s, &out);
        buf_put_str(&out, "pages:\n  - name: asset\n    path: [");
        put_folder(&assets, &out);
        buf_put_str(&out, ", ");
        put_folder(&s->picture, &out);
        buf_put_str(&out, "]\n");
        put_page(s, "profile", NULL, PAGE_PROFILE, &out);
        put_page(s, "search", NULL, PAGE_SEARCH, &out);
        put_page(s, "signup_form", "GET", PAGE_SIGNUP_FORM, &out);
        put_page(s, "signup", "POST", PAGE_SIGNUP, &out);
        buf_printf(&out,
                   "    form: { email: \"%s\", name: \"%s\", phone: \"%s\" }\n"
                   "    accepted: status in [200, 201, 302, 303]\n",
                   s->p->field_email, s->p->field_name, s->p->field_phone);
        put_page(s, "login", NULL, PAGE_LOGIN, &out);
        put_page(s, "feed", NULL, PAGE_FEED, &out);
        put_page(s, "health", NULL, PAGE_HEALTH, &out);
        put_page(s, "home", NULL, PAGE_HOME, &out);
        fwrite(out.data, 1, out.len, file);
        buf_free(&out);
}

/* ---- the whole ---- */

struct site *site_new(const struct parameters *all, uint64_t seed)
{
        struct site *s = calloc(1, sizeof(*s));
        const struct site_parameters *p = &all->site;

        CHECK(s);
        s->all = all;
        s->p = p;
        s->seed = dice_name(seed, "site", 0);
        s->names = dice_name(seed, "names", 0);
        s->ranks = dice_name(seed, "ranks", 0);
        s->suffixes = dice_name(seed, "suffixes", 0);
        s->links = dice_name(seed, "links", 0);
        s->shown = dice_name(seed, "shown", 0);
        s->gone = dice_name(seed, "gone", 0);
        s->profiles = (uint32_t)p->profiles;
        s->popular = zipf_of(p->zipf, s->profiles);
        for (unsigned i = 0; i < PAGES; i++)
                if (p->path[i])
                        s->path[i] = template_of(p->path[i]);
        for (unsigned i = 0; i < p->others.count; i++)
                s->others[i] = template_of(p->others.of[i]);
        s->picture = template_of(p->picture_path);
        add_shared(s, ASSET_STYLE, ".css", (unsigned)p->styles, 18000);
        add_shared(s, ASSET_SCRIPT, ".js", (unsigned)p->scripts, 60000);
        add_shared(s, ASSET_FONT, ".woff2", (unsigned)p->fonts, 28000);
        return s;
}

void site_free(struct site **s)
{
        free(*s);
        *s = NULL;
}
