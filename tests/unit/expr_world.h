/* SPDX-License-Identifier: MIT */
/*
 * expr_world - a small language for the tests of expressions: fields of every
 * type, functions over a window, lists, and one visit to read them from.
 */
#ifndef UNIT_EXPR_WORLD_H
#define UNIT_EXPR_WORLD_H

#include "lang/expr.h"

/* What a request was like. An empty text and a negative number are missing. */
struct visit {
        const char *path, *host, *ua, *session, *account;
        double status, latency, number, page;
        const char *address, *prefix;
        bool verified, accepted;
};

static const struct visit some_visit = {
        .path = "/in/anna",
        .host = "example.org",
        .ua = "python-requests/2.31",
        .session = "s1",
        .account = "",
        .status = 200,
        .latency = 0.25,
        .number = -1,
        .page = 1,
        .address = "203.0.113.9",
        .prefix = "203.0.113.0/24",
        .accepted = true,
};

static const char *const page_names[] = { "other", "profile",  "sign-up", "account",
                                          "page",  "404 page", "or",      NULL };
static const char *const state_names[] = { "yes", "no", "unknown", NULL };

static int find_name(const void *context, struct slice name)
{
        const char *const *names = context;

        for (int i = 0; names[i]; i++)
                if (slice_is(name, names[i]))
                        return i;
        return -1;
}

static const char *name_at(const void *context, int i)
{
        const char *const *names = context;

        for (int n = 0; names[n]; n++)
                if (n == i)
                        return names[n];
        return NULL;
}

static const struct value_names pages = { "page", find_name, name_at, page_names };
static const struct value_names states = { "state", find_name, name_at, state_names };

static struct value text_value(const char *text)
{
        if (!*text)
                return (struct value){ .type = VALUE_MISSING };
        return (struct value){ .type = VALUE_STRING, .text = slice_str(text) };
}

static struct value number_value(enum value_type type, double number)
{
        if (number < 0)
                return (struct value){ .type = VALUE_MISSING };
        return (struct value){ .type = type, .number = number };
}

static struct value network_value(const char *text)
{
        struct value value = { .type = VALUE_NETWORK };

        if (!network_parse(slice_str(text), &value.network, NULL))
                value.type = VALUE_MISSING;
        return value;
}

static struct value read_text_field(const void *subject, unsigned offset)
{
        return text_value(*(const char *const *)((const char *)subject + offset));
}

static struct value read_number_field(const void *subject, unsigned offset)
{
        return number_value(VALUE_NUMBER,
                            *(const double *)((const char *)subject + offset));
}

static struct value read_latency(const void *subject, unsigned argument)
{
        (void)argument;
        return number_value(VALUE_DURATION, ((const struct visit *)subject)->latency);
}

static struct value read_page(const void *subject, unsigned argument)
{
        (void)argument;
        return number_value(VALUE_ENUM, ((const struct visit *)subject)->page);
}

static struct value read_state(const void *subject, unsigned argument)
{
        (void)subject;
        return number_value(VALUE_ENUM, argument);
}

static struct value read_network_field(const void *subject, unsigned offset)
{
        return network_value(*(const char *const *)((const char *)subject + offset));
}

static struct value read_bool_field(const void *subject, unsigned offset)
{
        return (struct value){ .type = VALUE_BOOL,
                               .truth = *(const bool *)((const char *)subject + offset) };
}

/* header('name'): the reading is the name's length, so that tests see the argument. */
static struct value read_header(const void *subject, unsigned number)
{
        static const char text[] = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";

        (void)subject;
        return (struct value){ .type = VALUE_STRING, .text = slice_of(text, number) };
}

static bool resolve_header(void *context, struct slice name, unsigned *number,
                           const char **message)
{
        (void)context;
        *number = (unsigned)name.len;
        *message = "the name of a header is 1 to 32 letters";
        return name.len >= 1 && name.len <= 32;
}

static bool office_overlaps(const struct value_list *list, const struct network *network)
{
        struct network office;

        (void)list;
        return network_parse(slice_str("198.51.100.0/24"), &office, NULL) &&
               networks_overlap(&office, network);
}

static bool has_office(const struct value_list *list, const struct value *value)
{
        struct network office;

        (void)list;
        return network_parse(slice_str("198.51.100.0/24"), &office, NULL) &&
               network_contains(&office, &value->network.ip);
}

static bool has_code(const struct value_list *list, const struct value *value)
{
        (void)list;
        if (value->type == VALUE_STRING)
                return slice_is(value->text, "200") || slice_is(value->text, "404");
        return value->number == 200 || value->number == 404;
}

static bool has_word(const struct value_list *list, const struct value *value)
{
        (void)list;
        return slice_is(value->text, "s1");
}

static bool fits_offices(const struct value_list *list, enum value_type type,
                         struct buf *why)
{
        (void)list;
        buf_put_str(why, "'198.51.100.0/24' is none");
        return type == VALUE_NETWORK;
}

static bool fits_codes(const struct value_list *list, enum value_type type,
                       struct buf *why)
{
        (void)list;
        buf_put_str(why, "'200' is none");
        return type == VALUE_NUMBER || type == VALUE_STRING;
}

static bool fits_words(const struct value_list *list, enum value_type type,
                       struct buf *why)
{
        (void)list;
        buf_put_str(why, "'s1' is none");
        return type == VALUE_STRING;
}

static const struct value_list offices = { "offices", fits_offices, has_office,
                                           office_overlaps };
static const struct value_list codes = { "codes", fits_codes, has_code, NULL };
static const struct value_list known_words = { "known-words", fits_words, has_word,
                                               NULL };
static const struct value_list *const all_lists[] = { &offices, &codes, &known_words,
                                                      NULL };

static const char *const later_names[] = { "skew", "client.asn", NULL };

#define AT(member) (unsigned)offsetof(struct visit, member)

static const struct field all_fields[] = {
        { .name = "page", .type = VALUE_ENUM, .read = read_page, .names = &pages },
        { .name = "form_seen",
          .type = VALUE_ENUM,
          .read = read_state,
          .argument = 2,
          .names = &states },
        { "path", VALUE_STRING, read_text_field, AT(path), NULL, "", 0 },
        { "host", VALUE_STRING, read_text_field, AT(host), NULL, "", 0 },
        { "ua", VALUE_STRING, read_text_field, AT(ua), NULL, "", 0 },
        { "session", VALUE_STRING, read_text_field, AT(session), NULL, "", 0 },
        { "account", VALUE_STRING, read_text_field, AT(account), NULL, "", 0 },
        { "status", VALUE_NUMBER, read_number_field, AT(status), NULL, "", 0 },
        { "target.number", VALUE_NUMBER, read_number_field, AT(number), NULL, "", 0 },
        { "latency", VALUE_DURATION, read_latency, 0, NULL, "", 0 },
        { "client.ip", VALUE_NETWORK, read_network_field, AT(address), NULL, "", 0 },
        { "client.prefix", VALUE_NETWORK, read_network_field, AT(prefix), NULL, "", 0 },
        { "bot.verified", VALUE_BOOL, read_bool_field, AT(verified), NULL, "", 0 },
        { "signup.accepted", VALUE_BOOL, read_bool_field, AT(accepted), NULL, "", 0 },
        { .name = NULL },
};

static const struct field_with_argument all_argument_fields[] = {
        { "header", VALUE_STRING, read_header, resolve_header, "" },
        { .name = NULL },
};

static const struct function all_functions[] = {
        { "count",
          { PARAMETER_OPTIONAL_CONDITION, PARAMETER_WINDOW },
          VALUE_NUMBER,
          1,
          "",
          false,
          NULL },
        { "distinct",
          { PARAMETER_FIELD, PARAMETER_OPTIONAL_CONDITION, PARAMETER_WINDOW },
          VALUE_NUMBER,
          2,
          "",
          false,
          NULL },
        { "share",
          { PARAMETER_CONDITION, PARAMETER_WINDOW },
          VALUE_NUMBER,
          3,
          "",
          false,
          NULL },
        { "mean",
          { PARAMETER_NUMBER_FIELD, PARAMETER_WINDOW },
          VALUE_MISSING,
          4,
          "",
          false,
          NULL },
        { "score", { PARAMETER_END }, VALUE_NUMBER, 5, "", false, NULL },
        { "surge", { PARAMETER_RATIO }, VALUE_NUMBER, 6, "", false, NULL },
        { "tagged", { PARAMETER_FIELD, PARAMETER_TAG }, VALUE_BOOL, 7, "", true, NULL },
        { .name = NULL },
};

static const struct expr_language world = {
        .fields = all_fields,
        .argument_fields = all_argument_fields,
        .functions = all_functions,
        .lists = all_lists,
        .reserved = later_names,
};

#undef AT

/* count is 120, distinct 90, share and mean are missing, score is 1.5, surge 14. */
static inline struct value world_aggregate(void *context,
                                           const struct aggregate *aggregate)
{
        static const double values[] = { 0, 120, 90, -1, -1, 1.5, 14 };

        (void)context;
        if (aggregate->function->id == 7)
                return (struct value){ .type = VALUE_BOOL,
                                       .truth = slice_is(aggregate->tag, "burst") };
        return number_value(VALUE_NUMBER, values[aggregate->function->id]);
}

#endif
