/* SPDX-License-Identifier: MIT */
#include "lang/yaml.h"

/* What YAML 1.1 takes for the end of a line, or refuses as it stands: how many bytes. */
static unsigned special_at(struct slice s, size_t i)
{
        uint8_t c = s.data[i];
        struct slice rest = slice_from(s, i);

        if (c < 0x20 || c == 0x7f)
                return 1;
        if (slice_starts_with(rest, slice_str("\u2028")) ||
            slice_starts_with(rest, slice_str("\u2029")) ||
            slice_starts_with(rest, slice_str("\ufeff")))
                return 3;
        return c == 0xc2 && rest.len > 1 && rest.data[1] < 0xa0 ? 2 : 0;
}

static void put_special(struct slice s, unsigned len, struct buf *out)
{
        unsigned code = s.data[0];

        if (len == 2)
                code = s.data[1];
        if (len == 3)
                code = (unsigned)(s.data[0] & 0xf) << 12 |
                       (unsigned)(s.data[1] & 0x3f) << 6 | (s.data[2] & 0x3f);
        buf_printf(out, "\\u%04X", code);
}

void yaml_put_text(struct slice text, struct buf *out)
{
        bool plain = true;

        for (size_t i = 0; plain && i < text.len; i++)
                plain = special_at(text, i) == 0;
        buf_put_byte(out, plain ? '\'' : '"');
        for (size_t i = 0; i < text.len; i++) {
                unsigned special = special_at(text, i);
                uint8_t c = text.data[i];
                if (special) {
                        put_special(slice_from(text, i), special, out);
                        i += special - 1;
                        continue;
                }
                if (plain ? c == '\'' : c == '"' || c == '\\')
                        buf_put_byte(out, plain ? '\'' : '\\');
                buf_put_byte(out, c);
        }
        buf_put_byte(out, plain ? '\'' : '"');
}

void yaml_put_duration(int64_t ns, struct buf *out)
{
        static const struct {
                int64_t ns;
                const char *name;
        } units[] = {
                { 86400000000000, "d" }, { 3600000000000, "h" }, { 60000000000, "m" },
                { 1000000000, "s" },     { 1000000, "ms" },
        };

        for (unsigned i = 0; i < 5 && ns; i++)
                if (ns % units[i].ns == 0) {
                        buf_printf(out, "%lld%s", (long long)(ns / units[i].ns),
                                   units[i].name);
                        return;
                }
        buf_printf(out, "%lld.%09llds", (long long)(ns / 1000000000),
                   (long long)(ns % 1000000000));
}
