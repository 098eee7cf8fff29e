/* SPDX-License-Identifier: MIT */
#include "subject.h"

#define BITS4_MIN 8
#define BITS6_MIN 16

static const struct type {
        const char *name;
        enum subject_kind kind;
} types[] = {
        { "ip", SUBJECT_ADDRESS },      { "prefix", SUBJECT_ADDRESS },
        { "session", SUBJECT_SESSION }, { "account", SUBJECT_ACCOUNT },
        { "ja4", SUBJECT_JA4 },         { "shape", SUBJECT_SHAPE },
};

static const struct type *find_type(struct slice name)
{
        for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
                if (slice_is(name, types[i].name))
                        return &types[i];
        return NULL;
}

const char *subject_kind_name(enum subject_kind kind)
{
        for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
                if (types[i].kind == kind)
                        return types[i].name;
        return "";
}

static bool is_plain(uint8_t c)
{
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
               (c >= 'a' && c <= 'z') || (c && strchr("._~+/=:%@,-", c));
}

static enum subject_verdict parse_word(struct slice value)
{
        if (value.len == 0 || value.len > SUBJECT_TEXT_MAX)
                return SUBJECT_BAD;
        for (size_t i = 0; i < value.len; i++)
                if (!is_plain(value.data[i]))
                        return SUBJECT_BAD;
        return SUBJECT_GOOD;
}

/* Without these a host does not reach its own services, its router or its name server. */
static const char *const kept_open[] = {
        "127.0.0.0/8", "0.0.0.0", "169.254.0.0/16", "224.0.0.0/4", "255.255.255.255",
        "::1",         "::",      "fe80::/10",      "ff00::/8",
};

/* A block of that many is somebody's mistake, or meant to shut the site. */
static bool is_too_wide(const struct network *network)
{
        bool is_v4 = network->bits >= 96 && ip_is_v4(&network->ip);

        return network->bits < (is_v4 ? 96 + BITS4_MIN : BITS6_MIN);
}

static bool is_protected(const struct network *network)
{
        struct network open;

        for (size_t i = 0; i < sizeof(kept_open) / sizeof(kept_open[0]); i++)
                if (network_parse(slice_str(kept_open[i]), &open, NULL) &&
                    networks_overlap(network, &open))
                        return true;
        return is_too_wide(network);
}

static enum subject_verdict parse_address(struct slice value, bool is_one,
                                          struct network *network)
{
        bool host_bits;

        if (value.len >= NETWORK_TEXT_MAX || !network_parse(value, network, &host_bits) ||
            host_bits || (network->bits == 128) != is_one)
                return SUBJECT_BAD;
        return is_protected(network) ? SUBJECT_PROTECTED : SUBJECT_GOOD;
}

enum subject_verdict subject_parse(struct slice member, struct subject *subject)
{
        size_t colon = slice_find(member, ':');
        const struct type *type = find_type(slice_first(member, colon));

        if (!type || colon == member.len)
                return SUBJECT_BAD;
        *subject = (struct subject){ .kind = type->kind };
        struct slice value = slice_from(member, colon + 1);
        if (type->kind == SUBJECT_ADDRESS)
                return parse_address(value, strcmp(type->name, "ip") == 0,
                                     &subject->network);
        subject->text = value;
        return parse_word(value);
}

bool subject_equal(const struct subject *a, const struct subject *b)
{
        if (a->kind != b->kind)
                return false;
        return a->kind == SUBJECT_ADDRESS ? network_equal(&a->network, &b->network)
                                          : slice_equal(a->text, b->text);
}

void subject_put(const struct subject *subject, struct buf *out)
{
        char text[NETWORK_TEXT_MAX];

        if (subject->kind == SUBJECT_ADDRESS)
                buf_put(out, text, network_format(&subject->network, text));
        else
                buf_put_slice(out, subject->text);
}
