/* SPDX-License-Identifier: MIT */
/* The key `tag` of rules: which tags there are, and what they are put on. */
#include "base/check.h"
#include "base/clock.h"
#include "detect/carrier.h"
#include "detect/rules_priv.h"

#include <stdlib.h>

#define TAG_NAME_MAX 64
#define TAG_FOR_MAX  (366LL * 24 * 3600 * NS_PER_SEC)

static const char *const keys[] = {
        "client.ip",  "client.host",  "client.prefix",  "session", "account", "tls.ja4",
        "http.shape", "email.domain", "email.skeleton", "for",     NULL
};
static const enum field_kind kinds[] = {
        FIELD_IP,  FIELD_HOST,  FIELD_PREFIX,       FIELD_SESSION,       FIELD_ACCOUNT,
        FIELD_JA4, FIELD_SHAPE, FIELD_EMAIL_DOMAIN, FIELD_EMAIL_SKELETON
};
#define KINDS (sizeof(kinds) / sizeof(*kinds))

_Static_assert(KINDS <= RULE_TAGS_MAX, "a rule may put a tag on each");

static int find_tag(const struct known_tags *tags, struct slice name)
{
        for (unsigned i = 0; i < tags->count; i++)
                if (slice_is(name, tags->names[i]))
                        return (int)i;
        return -1;
}

static void *grow(void *memory, size_t count, size_t size)
{
        memory = realloc(memory, count * size);
        CHECK(memory);
        return memory;
}

static void add_tag(struct rules *rules, struct slice name, enum field_kind kind,
                    bool has_origin)
{
        struct known_tags *tags = &rules->tags;
        int at = find_tag(tags, name);

        if (at < 0) {
                at = (int)tags->count++;
                tags->names = grow(tags->names, tags->count + 1, sizeof(*tags->names));
                tags->kinds = grow(tags->kinds, tags->count, sizeof(*tags->kinds));
                tags->origins = grow(tags->origins, tags->count, sizeof(*tags->origins));
                tags->names[at] = (const char *)arena_copy(&rules->arena, name).data;
                tags->names[at + 1] = NULL;
                tags->kinds[at] = 0;
                tags->origins[at] = false;
        }
        tags->kinds[at] |= 1U << kind;
        tags->origins[at] |= has_origin;
}

static bool is_signal(const struct yaml_node *rule)
{
        const struct yaml_node *signal = yaml_get(rule, "signal");

        return signal && signal->kind == YAML_SCALAR && slice_is(signal->text, "true");
}

static void collect(struct rules *rules, const struct yaml_node *rule)
{
        const struct yaml_node *tag =
            rule->kind == YAML_MAP ? yaml_get(rule, "tag") : NULL;

        for (unsigned i = 0; tag && tag->kind == YAML_MAP && i < KINDS; i++) {
                const struct yaml_node *name = yaml_get(tag, keys[i]);
                if (name && name->kind == YAML_SCALAR && name->text.len)
                        add_tag(rules, name->text, kinds[i], !is_signal(rule));
        }
}

const char *rules_tag_kind(enum field_kind kind)
{
        unsigned i = 0;

        while (kinds[i] != kind)
                CHECK(++i < KINDS);
        return keys[i];
}

/* Whether what the field shows can carry the tag. */
static bool tag_fits(const void *context, unsigned id, const struct field *field,
                     unsigned tag, struct buf *why)
{
        const struct known_tags *tags = context;
        const char *comma = "it is put on ";

        if (!field || !carrier_is_kind(field->kind)) {
                buf_put_str(why, "tags are on addresses, sessions and other participants "
                                 "of incidents");
                return false;
        }
        if (id == FUNCTION_TAG_ORIGIN && !tags->origins[tag]) {
                buf_put_str(why, "only signals put it, which are no incidents; ask "
                                 "tagged(), or tag with a rule that alerts");
                return false;
        }
        for (unsigned i = 0; i < KINDS; i++)
                if (tags->kinds[tag] & 1U << kinds[i] &&
                    carrier_is_same_kind(kinds[i], field->kind))
                        return true;
        for (unsigned i = 0; i < KINDS; i++)
                if (tags->kinds[tag] & 1U << kinds[i]) {
                        buf_printf(why, "%s'%s'", comma, rules_tag_kind(kinds[i]));
                        comma = ", ";
                }
        return false;
}

void rules_collect_tags(struct rules *rules, const struct yaml_node *file)
{
        static const char *const none[] = { NULL };
        const struct yaml_node *list =
            file->kind == YAML_MAP ? yaml_get(file, "rules") : NULL;
        const struct yaml_node *defaults =
            file->kind == YAML_MAP ? yaml_get(file, "defaults") : NULL;

        if (defaults)
                collect(rules, defaults);
        for (const struct yaml_node *rule = list && list->kind == YAML_LIST ? list->child
                                                                            : NULL;
             rule; rule = rule->next)
                collect(rules, rule);
        rules->tags.language =
            (struct tag_names){ rules->tags.names ? rules->tags.names : none, tag_fits,
                                &rules->tags };
}

static bool is_name_byte(uint8_t c)
{
        return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
               (c && strchr("-_.", c));
}

static void read_one(const struct rules *rules, const struct yaml_node *node,
                     enum field_kind kind, struct rule *rule, struct diag *diag)
{
        struct slice name;

        if (!yaml_text(node, "name of a tag", &name, diag))
                return;
        bool good = name.len > 0 && name.len <= TAG_NAME_MAX;
        for (size_t i = 0; good && i < name.len; i++)
                good = is_name_byte(name.data[i]);
        if (!good) {
                diag_error(diag, node->place,
                           "a tag's name is 1 to %d letters, digits and - _ . (it is "
                           "'%.*s')",
                           TAG_NAME_MAX, (int)name.len, (const char *)name.data);
                return;
        }
        int tag = find_tag(&rules->tags, name);
        CHECK(tag >= 0);
        rule->tags[rule->tag_count++] = (struct rule_tag){ kind, (unsigned)tag };
}

void rules_read_tag(const struct rules *rules, const struct yaml_node *tag,
                    struct rule *rule, struct diag *diag)
{
        bool is_any = false;

        if (!yaml_check_keys(tag, keys, "'tag'", diag))
                return;
        for (unsigned i = 0; i < KINDS; i++) {
                const struct yaml_node *node = yaml_get(tag, keys[i]);
                if (node)
                        read_one(rules, node, kinds[i], rule, diag);
                is_any |= node != NULL;
        }
        const struct yaml_node *span = yaml_get(tag, "for");
        if (!is_any)
                diag_error(
                    diag, tag->place,
                    "'tag' puts nothing: it is written { session: NAME, for: 30d }");
        if (!span)
                diag_error(diag, tag->place, "'tag' needs the key 'for', like for: 30d");
        else if (yaml_duration_ns(span, "for", &rule->tag_ns, diag) &&
                 (rule->tag_ns < NS_PER_SEC || rule->tag_ns > TAG_FOR_MAX))
                diag_error(diag, span->place, "for is 1s to 366d");
}

void rules_tags_free(struct known_tags *tags)
{
        free(tags->names);
        free(tags->kinds);
        free(tags->origins);
}
