/* SPDX-License-Identifier: MIT */
/* One rule of a file: its keys, checked one by one. */
#include "detect/rules_priv.h"

#include "base/clock.h"
#include "detect/own.h"

#include <stdlib.h>

#define AGAIN_DEFAULT (10 * 60 * NS_PER_SEC)
#define DURATION_MAX  (366LL * 24 * 3600 * NS_PER_SEC)
#define WEIGHT_MAX    6.0

static const char *const rule_keys[] = { "name", "description", "references", "severity",
                                         "mode", "where",       "per",        "per_each",
                                         "when", "block",       "block_what", "again",
                                         "tag",  "signal",      "weight",     "family",
                                         NULL };
/* What a rule that does not alert has no use for. */
static const char *const alert_keys[] = { "severity", "block", "block_what", "again",
                                          NULL };
static const char *const mode_names[] = { "alert", "dry-run", "off", NULL };
static const char *const severity_names[] = { "info", "low",      "medium",
                                              "high", "critical", NULL };
static const char *const block_kinds[] = { "client.ip", "client.host", "client.prefix",
                                           "session",   "account",     "http.shape",
                                           "tls.ja4",   NULL };

struct reading {
        struct rules *rules;
        const struct yaml_node *rule, *defaults;
        struct rule_draft *draft;
        struct diag *diag;
        struct key_draft *key; /* that parts are added to */
        unsigned references;
};

static int name_index(const char *const *names, struct slice name)
{
        for (int i = 0; names[i]; i++)
                if (slice_is(name, names[i]))
                        return i;
        return -1;
}

static void unknown_value(const struct yaml_node *node, const char *what,
                          struct slice text, const char *const *names, struct diag *diag)
{
        const char *near = diag_suggest(text, names);
        struct buf all = { 0 };

        for (int i = 0; names[i]; i++)
                buf_printf(&all, "%s%s", i ? ", " : "", names[i]);
        if (near)
                diag_error(diag, node->place, "unknown %s '%.*s' (did you mean '%s'?)",
                           what, (int)text.len, (const char *)text.data, near);
        else
                diag_error(diag, node->place, "unknown %s '%.*s': it is one of %.*s",
                           what, (int)text.len, (const char *)text.data, (int)all.len,
                           (const char *)all.data);
        buf_free(&all);
}

const char *const *rules_keys(void)
{
        return rule_keys;
}

void rules_check_defaults(const struct yaml_node *defaults, struct diag *diag)
{
        if (!yaml_check_keys(defaults, rule_keys, "'defaults'", diag))
                return;
        const struct yaml_node *name = yaml_get(defaults, "name");
        if (name)
                diag_error(diag, name->key_place, "a default name makes no sense");
}

/* The rule's own value, or else the file's default. */
static const struct yaml_node *get(const struct reading *r, const char *key)
{
        const struct yaml_node *node = yaml_get(r->rule, key);

        return node || !r->defaults ? node : yaml_get(r->defaults, key);
}

static struct slice keep(struct reading *r, struct slice text)
{
        return arena_copy(&r->rules->arena, text);
}

static bool is_name_byte(uint8_t c)
{
        return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
               strchr("-_.", c);
}

static bool is_plain_name(struct slice text)
{
        bool good = text.len > 0 && text.len <= 64;

        for (size_t i = 0; good && i < text.len; i++)
                good = text.data[i] && is_name_byte(text.data[i]);
        return good;
}

static void read_name(struct reading *r)
{
        const struct yaml_node *node = yaml_get(r->rule, "name");
        struct slice text;

        r->draft->rule.place = r->rule->place;
        r->draft->rule.name = "?";
        if (!node) {
                diag_error(r->diag, r->rule->place, "a rule needs the key 'name'");
                return;
        }
        if (!yaml_text(node, "name of a rule", &text, r->diag))
                return;
        r->draft->rule.place = node->place;
        if (!is_plain_name(text))
                diag_error(
                    r->diag, node->place,
                    "a rule's name is 1 to 64 letters, digits and - _ . (it is '%.*s')",
                    (int)text.len, (const char *)text.data);
        else if (own_is_name(text))
                diag_error(r->diag, node->place,
                           "'%.*s' is the name of alerts of the daemon itself: give the "
                           "rule another",
                           (int)text.len, (const char *)text.data);
        else
                r->draft->rule.name = (const char *)keep(r, text).data;
}

static void read_description(struct reading *r)
{
        const struct yaml_node *node = get(r, "description");
        struct slice text = SLICE("");

        if (node)
                yaml_text(node, "description", &text, r->diag);
        r->draft->rule.description = (const char *)keep(r, text).data;
}

static void count_reference(void *context, const struct yaml_node *node)
{
        struct reading *r = context;

        (void)node;
        r->references++;
}

static void add_reference(void *context, const struct yaml_node *node)
{
        struct reading *r = context;
        const char **references = (const char **)r->draft->rule.references;
        struct slice text;

        if (yaml_text(node, "reference", &text, r->diag))
                references[r->references++] = (const char *)keep(r, text).data;
}

static void read_references(struct reading *r)
{
        const struct yaml_node *node = get(r, "references");

        r->references = 0;
        if (node && !yaml_one_or_list(node, "references", count_reference, r, r->diag))
                node = NULL;
        r->draft->rule.references =
            arena_take(&r->rules->arena, (r->references + 1) * sizeof(char *));
        r->references = 0;
        if (node)
                yaml_one_or_list(node, "references", add_reference, r, r->diag);
}

static void read_severity(struct reading *r)
{
        const struct yaml_node *node = get(r, "severity");
        struct slice text;

        r->draft->rule.severity = SEVERITY_MEDIUM;
        if (node && yaml_text(node, "severity", &text, r->diag) &&
            !severity_parse(text, &r->draft->rule.severity))
                unknown_value(node, "severity", text, severity_names, r->diag);
}

static void read_mode(struct reading *r)
{
        const struct yaml_node *node = get(r, "mode");
        struct slice text;

        if (!node || !yaml_text(node, "mode", &text, r->diag))
                return;
        int mode = name_index(mode_names, text);
        if (mode < 0)
                unknown_value(node, "mode", text, mode_names, r->diag);
        else
                r->draft->rule.mode = (enum rule_mode)mode;
}

static bool read_duration(const struct yaml_node *node, const char *what, int64_t *ns,
                          struct diag *diag)
{
        if (!yaml_duration_ns(node, what, ns, diag))
                return false;
        if (*ns >= NS_PER_SEC && *ns <= DURATION_MAX)
                return true;
        diag_error(diag, node->place, "%s is 1s to 366d", what);
        return false;
}

static void read_again(struct reading *r)
{
        const struct yaml_node *node = get(r, "again");

        r->draft->rule.again_ns = AGAIN_DEFAULT;
        if (node)
                read_duration(node, "again", &r->draft->rule.again_ns, r->diag);
}

static void add_rung(void *context, const struct yaml_node *node)
{
        struct reading *r = context;
        struct rule *rule = &r->draft->rule;
        int64_t ns = NS_PER_SEC;

        if (!read_duration(node, "a block", &ns, r->diag))
                return;
        if (rule->rungs == BLOCK_RUNGS_MAX)
                diag_error(r->diag, node->place, "a ladder has at most %d rungs",
                           BLOCK_RUNGS_MAX);
        else
                rule->block_ns[rule->rungs++] = ns;
}

static void add_block_kind(void *context, const struct yaml_node *node)
{
        static const enum field_kind kinds[] = { FIELD_IP,      FIELD_HOST,
                                                 FIELD_PREFIX,  FIELD_SESSION,
                                                 FIELD_ACCOUNT, FIELD_SHAPE,
                                                 FIELD_JA4 };
        struct reading *r = context;
        struct slice text;

        if (!yaml_text(node, "block_what", &text, r->diag))
                return;
        int kind = name_index(block_kinds, text);
        if (kind >= 0)
                r->draft->rule.block_what |= 1U << kinds[kind];
        else
                unknown_value(node, "kind of block", text, block_kinds, r->diag);
}

static bool is_empty_list(const struct yaml_node *node)
{
        return node->kind == YAML_LIST && !node->child;
}

static void read_block(struct reading *r)
{
        const struct yaml_node *block = get(r, "block"), *what = get(r, "block_what");

        if (block) {
                r->draft->block_place = block->place;
                yaml_one_or_list(block, "block", add_rung, r, r->diag);
                if (is_empty_list(block))
                        diag_error(r->diag, block->place,
                                   "'block' names no duration: a rule that is to block "
                                   "nothing has no such key");
        }
        if (!what)
                return;
        r->draft->block_what_place = what->place;
        yaml_one_or_list(what, "block_what", add_block_kind, r, r->diag);
        if (is_empty_list(what))
                diag_error(r->diag, what->place,
                           "'block_what' names nothing: without it the key is blocked");
        if (!block)
                diag_error(r->diag, what->key_place,
                           "'block_what' without 'block' blocks nothing");
}

static void read_tag(struct reading *r)
{
        const struct yaml_node *node = get(r, "tag");

        if (node)
                rules_read_tag(r->rules, node, &r->draft->rule, r->diag);
}

static void read_weight(struct reading *r)
{
        const struct yaml_node *node = get(r, "weight");
        struct slice text;
        char *end;

        if (!node || !yaml_text(node, "weight", &text, r->diag))
                return;
        double weight = strtod((const char *)text.data, &end);
        if (text.len == 0 || *end || !(weight > 0 && weight <= WEIGHT_MAX))
                diag_error(r->diag, node->place,
                           "a weight is a number above 0 and up to %g (it is '%.*s')",
                           WEIGHT_MAX, (int)text.len, (const char *)text.data);
        else
                r->draft->rule.weight = weight;
}

static void read_family(struct reading *r)
{
        const struct yaml_node *node = get(r, "family");
        struct slice text;

        if (!node || !yaml_text(node, "family", &text, r->diag))
                return;
        if (is_plain_name(text))
                r->draft->rule.family = (const char *)keep(r, text).data;
        else
                diag_error(r->diag, node->place,
                           "a family's name is 1 to 64 letters, digits and - _ . (it is "
                           "'%.*s')",
                           (int)text.len, (const char *)text.data);
}

/* What alerts alone need may come from the defaults; here it is no matter. */
static void make_signal(struct reading *r, const struct yaml_node *signal)
{
        struct rule *rule = &r->draft->rule;

        rule->is_signal = true;
        rule->again_ns = AGAIN_DEFAULT; /* nothing of it is told again */
        rule->rungs = rule->block_what = 0;
        if (!yaml_get(r->rule, "tag"))
                rule->tag_count = 0;
        bool adds_nothing = rule->tag_count && !get(r, "weight") && !get(r, "family");
        for (int i = 0; alert_keys[i]; i++) {
                const struct yaml_node *node = yaml_get(r->rule, alert_keys[i]);
                if (node)
                        diag_error(r->diag, node->key_place,
                                   "a signal does not alert: it has no use for '%s'",
                                   alert_keys[i]);
        }
        if (!adds_nothing && !get(r, "weight"))
                diag_error(r->diag, signal->place, "a signal needs the key 'weight'");
        if (!adds_nothing && !get(r, "family"))
                diag_error(r->diag, signal->place, "a signal needs the key 'family'");
}

/* After what alerts, which a signal drops. */
static void read_signal(struct reading *r)
{
        static const char *const parts[] = { "weight", "family" };
        const struct yaml_node *signal = get(r, "signal");
        bool is_signal = false;

        if (signal && !yaml_truth(signal, "signal", &is_signal, r->diag))
                return;
        read_weight(r);
        read_family(r);
        if (is_signal)
                make_signal(r, signal);
        for (unsigned i = 0; !is_signal && i < 2; i++) {
                const struct yaml_node *node = yaml_get(r->rule, parts[i]);
                if (node)
                        diag_error(r->diag, node->key_place,
                                   "'%s' is of a rule with 'signal: true'", parts[i]);
        }
}

static void add_part(void *context, const struct yaml_node *node)
{
        struct reading *r = context;
        struct key_draft *key = r->key;
        struct slice text;

        if (!yaml_text(node, "key", &text, r->diag))
                return;
        if (key->parts == KEY_PARTS_MAX) {
                diag_error(r->diag, node->place, "a key has at most %d parts",
                           KEY_PARTS_MAX);
                return;
        }
        if (slice_is(slice_trim(text), "all")) {
                key->all = true;
                key->place[0] = node->place;
                return;
        }
        key->text[key->parts] = keep(r, text);
        key->place[key->parts] = node->place;
        key->exact[key->parts++] = node->one_line;
}

static void add_key(struct reading *r, const struct yaml_node *node)
{
        struct rule_draft *draft = r->draft;

        if (draft->keys == sizeof(draft->key) / sizeof(*draft->key)) {
                diag_error(r->diag, node->place, "at most 16 keys in 'per_each'");
                return;
        }
        r->key = &draft->key[draft->keys++];
        *r->key = (struct key_draft){ 0 };
        unsigned before = diag_errors(r->diag);
        yaml_one_or_list(node, "key", add_part, r, r->diag);
        if (r->key->all && r->key->parts)
                diag_error(r->diag, node->place, "'all' is a key of its own");
        else if (!r->key->all && !r->key->parts && diag_errors(r->diag) == before)
                diag_error(r->diag, node->place, "an empty key");
}

static void read_key(struct reading *r)
{
        const struct yaml_node *per = yaml_get(r->rule, "per");
        const struct yaml_node *each = yaml_get(r->rule, "per_each");

        if (per && each) {
                diag_error(r->diag, each->key_place,
                           "either 'per' or 'per_each', not both");
                return;
        }
        if (!per && !each) {
                per = get(r, "per");
                each = per ? NULL : get(r, "per_each");
        }
        if (per) {
                add_key(r, per);
        } else if (!each) {
                diag_error(
                    r->diag, r->rule->place,
                    "rule '%s' needs 'per' or 'per_each' (per: all is the whole site)",
                    r->draft->rule.name);
        } else if (each->kind == YAML_LIST) {
                for (const struct yaml_node *node = each->child; node; node = node->next)
                        add_key(r, node);
                if (!each->child)
                        diag_error(r->diag, each->place, "'per_each' is empty");
        } else {
                add_key(r, each);
        }
}

static void read_expression(struct reading *r, const char *key, struct slice *text,
                            struct place *place, bool *exact)
{
        const struct yaml_node *node = get(r, key);

        if (!node || !yaml_text(node, key, text, r->diag))
                return;
        *text = keep(r, *text);
        *place = node->place;
        *exact = node->one_line;
}

void rules_read_rule(struct rules *rules, const struct yaml_node *node,
                     const struct yaml_node *defaults, struct rule_draft *draft,
                     struct diag *diag)
{
        struct reading r = { rules, node, defaults, draft, diag, NULL, 0 };

        *draft = (struct rule_draft){ .keys = 0 };
        yaml_check_keys(node, rule_keys, "a rule", diag);
        if (node->kind != YAML_MAP)
                return;
        read_name(&r);
        read_description(&r);
        read_references(&r);
        read_severity(&r);
        read_mode(&r);
        read_again(&r);
        read_block(&r);
        read_tag(&r);
        read_signal(&r);
        read_key(&r);
        read_expression(&r, "where", &draft->where, &draft->where_place,
                        &draft->where_exact);
        read_expression(&r, "when", &draft->when, &draft->when_place, &draft->when_exact);
        if (!get(&r, "when"))
                diag_error(diag, node->place, "rule '%s' needs the key 'when'",
                           draft->rule.name);
}
