/* SPDX-License-Identifier: MIT */
#include "observe/email.h"

/*
 * Providers that deliver to one mailbox whatever dots the local part has. Kept small:
 * only what the provider itself says of all its addresses.
 */
static const struct {
        const char *domain, *canonical;
} ignores_dots[] = {
        /* support.google.com/mail/answer/7436150, support.google.com/mail/answer/10313 */
        { "gmail.com", "gmail.com" },
        { "googlemail.com", "gmail.com" },
};

static bool is_digit(uint8_t c)
{
        return c >= '0' && c <= '9';
}

static bool is_letter(uint8_t c)
{
        uint8_t lower = c | 0x20;

        return (lower >= 'a' && lower <= 'z') || c >= 0x80;
}

/* ---- addresses ---- */

static bool is_local(struct slice s)
{
        for (size_t i = 0; i < s.len; i++)
                if (s.data[i] <= ' ' || s.data[i] == 0x7f || s.data[i] == '@')
                        return false;
        return s.len > 0 && s.len <= EMAIL_LOCAL_MAX;
}

static bool is_domain(struct slice s)
{
        uint8_t before = '.';

        for (size_t i = 0; i < s.len; i++) {
                uint8_t c = s.data[i];
                if (c == '.' ? before == '.' : !is_letter(c) && !is_digit(c) && c != '-')
                        return false;
                before = c;
        }
        return before != '.' && s.len <= EMAIL_DOMAIN_MAX;
}

static struct slice trim(struct slice s)
{
        while (s.len && s.data[0] <= ' ')
                s = slice_from(s, 1);
        while (s.len && s.data[s.len - 1] <= ' ')
                s.len--;
        return s;
}

bool email_parse(struct slice text, struct email *e)
{
        struct slice raw = trim(text);
        size_t at = slice_find(raw, '@');

        if (!is_local(slice_first(raw, at)) || !is_domain(slice_from(raw, at + 1)))
                return false;
        for (size_t i = 0; i < raw.len; i++) {
                uint8_t c = raw.data[i];
                e->lower[i] = c >= 'A' && c <= 'Z' ? c | 0x20 : c;
        }
        e->local = slice_of(e->lower, at);
        e->domain = slice_of(e->lower + at + 1, raw.len - at - 1);
        return true;
}

/* The domain under which a provider that ignores dots has all its boxes; or none. */
static struct slice dotless_domain(struct slice domain)
{
        for (size_t i = 0; i < sizeof(ignores_dots) / sizeof(ignores_dots[0]); i++)
                if (slice_is(domain, ignores_dots[i].domain))
                        return slice_str(ignores_dots[i].canonical);
        return slice_none();
}

size_t email_canonical(const struct email *e, uint8_t out[EMAIL_MAX])
{
        struct slice domain = dotless_domain(e->domain), local = e->local;
        bool dots = slice_is_none(domain);
        size_t plus = slice_find(local, '+'), len = 0;

        if (plus > 0) /* an address that begins with it would have no name left */
                local = slice_first(local, plus);
        if (dots)
                domain = e->domain;
        for (size_t i = 0; i < local.len; i++)
                if (dots || local.data[i] != '.')
                        out[len++] = local.data[i];
        out[len++] = '@';
        memcpy(out + len, domain.data, domain.len);
        return len + domain.len;
}

/* ---- skeletons ---- */

struct skeleton {
        uint8_t *out;
        size_t len, room;
};

static void put(struct skeleton *s, uint8_t byte)
{
        if (s->len < s->room)
                s->out[s->len++] = byte;
}

static void put_length(struct skeleton *s, size_t length)
{
        if (length >= 10)
                put_length(s, length / 10);
        put(s, (uint8_t)('0' + length % 10));
}

static size_t run_of(struct slice text, bool (*is)(uint8_t))
{
        size_t len = 0;

        while (len < text.len && is(text.data[len]))
                len++;
        return len;
}

static void fold(struct skeleton *s, struct slice text)
{
        while (text.len) {
                size_t run = run_of(text, is_letter);
                if (run) {
                        put(s, 'l');
                } else if ((run = run_of(text, is_digit))) {
                        put(s, 'd');
                        put_length(s, run);
                } else {
                        put(s, text.data[0]);
                        run = 1;
                }
                text = slice_from(text, run);
        }
}

size_t email_skeleton(const struct email *e, uint8_t out[EMAIL_SKELETON_MAX])
{
        struct skeleton s = { out, 0, EMAIL_SKELETON_MAX };

        fold(&s, e->local);
        return s.len;
}

static bool is_blank(uint8_t c)
{
        return c <= ' ';
}

static bool is_no_blank(uint8_t c)
{
        return c > ' ';
}

size_t name_skeleton(struct slice name, uint8_t out[NAME_SKELETON_MAX])
{
        struct skeleton s = { out, 0, NAME_SKELETON_MAX };

        for (struct slice rest = trim(name); rest.len;) {
                size_t word = run_of(rest, is_no_blank);
                if (s.len)
                        put(&s, ' ');
                fold(&s, slice_first(rest, word));
                rest = slice_from(rest, word);
                rest = slice_from(rest, run_of(rest, is_blank));
        }
        return s.len;
}

/* ---- telephone numbers ---- */

static bool is_filler(uint8_t c)
{
        return c && strchr(" -./()\t", c) != NULL;
}

/* Takes what says that the country comes first off the front of *number. */
static bool take_international(struct slice *number)
{
        while (number->len && is_filler(number->data[0]))
                *number = slice_from(*number, 1);
        if (slice_starts_with(*number, slice_str("+")))
                *number = slice_from(*number, 1);
        else if (slice_starts_with(*number, slice_str("00")))
                *number = slice_from(*number, 2);
        else
                return false;
        return true;
}

bool phone_prefix(struct slice number, uint8_t out[PHONE_PREFIX])
{
        struct slice rest = number, trunk = slice_str("(0)");
        unsigned digits = 0;

        if (!take_international(&rest))
                return false;
        while (rest.len) {
                uint8_t c = rest.data[0];
                if (digits && slice_starts_with(rest, trunk)) {
                        rest = slice_from(rest, trunk.len);
                        continue;
                }
                if (!is_digit(c) && !is_filler(c))
                        return false;
                if (is_digit(c) && digits++ < PHONE_PREFIX)
                        out[digits - 1] = c;
                rest = slice_from(rest, 1);
        }
        return digits >= PHONE_DIGITS_MIN && digits <= PHONE_DIGITS_MAX && out[0] != '0';
}
