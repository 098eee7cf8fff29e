/* SPDX-License-Identifier: MIT */
#include "subject.h"

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

static bool holds(const struct network *network, const char *text)
{
        struct network other;

        return network_parse(slice_str(text), &other, NULL) &&
               networks_overlap(network, &other);
}

static enum subject_verdict parse_address(struct slice value, bool is_one,
                                          struct network *network)
{
        bool host_bits;

        if (value.len >= NETWORK_TEXT_MAX || !network_parse(value, network, &host_bits) ||
            host_bits || (network->bits == 128) != is_one)
                return SUBJECT_BAD;
        if (holds(network, "127.0.0.0/8") || holds(network, "0.0.0.0") ||
            holds(network, "::1") || holds(network, "::"))
                return SUBJECT_PROTECTED;
        return SUBJECT_GOOD;
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
