/* SPDX-License-Identifier: MIT */
/* From rules as written to tables, slots and conditions that are there once. */
#include "detect/rules_priv.h"

#include "base/check.h"
#include "base/clock.h"
#include "detect/distinct.h"
#include "detect/table.h"
#include "detect/window.h"

#include <stdlib.h>

#define WINDOWLESS (10 * 60 * NS_PER_SEC)
#define FEW        16 /* transactions: whoever needs no more looks at what is rare */
#define SUCCESS    "status >= 200 and status < 300"

/* Grows an array of the plan by one zeroed element, and returns that. */
static void *append(void *array, unsigned *count, size_t size)
{
        char *memory;

        /* Through memcpy: `array` points to a pointer of any type. */
        memcpy(&memory, array, sizeof(memory));
        /* At powers of two, so that no capacity need be kept. */
        if ((*count & (*count - 1)) == 0) {
                memory = realloc(memory, (*count ? *count * 2 : 1) * size);
                CHECK(memory);
                memcpy(array, &memory, sizeof(memory));
        }
        memset(memory + *count * size, 0, size);
        return memory + (*count)++ * size;
}

static const char *keep_text(struct rules *rules, struct buf *text)
{
        const char *copy = (const char *)arena_copy(&rules->arena, buf_slice(text)).data;

        buf_free(text);
        return copy;
}

void rules_begin(struct rules *rules)
{
        struct condition *always =
            append(&rules->conditions, &rules->condition_count, sizeof(*always));

        always->text = "true";
}

static void note_any(void *context, struct aggregate *a)
{
        (void)a;
        *(bool *)context = true;
}

/* Of what needs no key only tag_origin() is a text. */
static bool is_origin(struct expr *expr)
{
        bool any = false;

        expr_each_aggregate(expr, note_any, &any);
        return any && expr_type(expr) == VALUE_STRING;
}

static const char *canonical(struct rules *rules, const struct expr *expr)
{
        struct buf text = { 0 };

        expr_print(expr, &text);
        return keep_text(rules, &text);
}

/* Takes `expr` over, and frees it when an equal condition exists. */
static unsigned add_condition(struct rules *rules, unsigned base, struct expr *expr,
                              const char *text)
{
        for (unsigned i = 0; i < rules->condition_count; i++)
                if (strcmp(rules->conditions[i].text, text) == 0) {
                        expr_free(&expr);
                        return i;
                }
        struct condition *c = append(&rules->conditions, &rules->condition_count,
                                     sizeof(*rules->conditions));
        *c = (struct condition){ text, expr, base };
        return rules->condition_count - 1;
}

/* `base` narrowed by the condition whose canonical text is given. */
static unsigned narrow(struct rules *rules, unsigned base, const char *text)
{
        static const struct place nowhere = { "", 0, 0 };
        struct diag *diag = diag_new();
        struct buf both = { 0 };
        struct expr *expr;

        buf_printf(&both, base == CONDITION_ALWAYS ? "%s(%s)" : "(%s) and (%s)",
                   base == CONDITION_ALWAYS ? "" : rules->conditions[base].text, text);
        expr = expr_parse(buf_slice(&both), nowhere, false, &rules->vocabulary.conditions,
                          VALUE_BOOL, diag);
        const char *whole = expr ? canonical(rules, expr) : keep_text(rules, &both);
        buf_free(&both);
        expr_free(&expr);
        expr = expr_parse(slice_str(text), nowhere, false, &rules->vocabulary.conditions,
                          VALUE_BOOL, diag);
        CHECK(expr);
        diag_free(&diag);
        return add_condition(rules, base, expr, whole);
}

/* Takes `expr` over, and frees it when an equal operand exists. */
static unsigned add_operand(struct rules *rules, struct expr *expr)
{
        const char *text = canonical(rules, expr);

        for (unsigned i = 0; i < rules->operand_count; i++)
                if (strcmp(rules->operands[i].text, text) == 0) {
                        expr_free(&expr);
                        return i;
                }
        struct operand *o =
            append(&rules->operands, &rules->operand_count, sizeof(*rules->operands));
        *o = (struct operand){ text, expr, expr_field(expr), is_origin(expr) };
        return rules->operand_count - 1;
}

static unsigned operand_of_text(struct rules *rules, const char *text)
{
        static const struct place nowhere = { "", 0, 0 };
        struct diag *diag = diag_new();
        struct expr *expr =
            expr_parse(slice_str(text), nowhere, false, &rules->vocabulary.conditions,
                       VALUE_MISSING, diag);

        CHECK(expr); /* the canonical text of what was parsed before */
        diag_free(&diag);
        return add_operand(rules, expr);
}

static struct expr *parse(struct rules *rules, struct slice text, struct place place,
                          bool exact, bool functions, enum value_type want,
                          struct diag *diag)
{
        const struct vocabulary *v = &rules->vocabulary;

        if (!functions)
                vocabulary_check_plain(text, place, exact, diag);
        vocabulary_check_pages(v, text, place, exact, diag);
        return expr_parse(text, place, exact, functions ? &v->full : &v->conditions, want,
                          diag);
}

static struct expr *parse_when(struct rules *rules, const struct rule_draft *draft,
                               struct diag *diag)
{
        return parse(rules, draft->when, draft->when_place, draft->when_exact, true,
                     VALUE_BOOL, diag);
}

static bool plan_where(struct rules *rules, const struct rule_draft *draft,
                       unsigned *where, struct diag *diag)
{
        *where = CONDITION_ALWAYS;
        if (slice_is_none(draft->where))
                return true;
        struct expr *expr = parse(rules, draft->where, draft->where_place,
                                  draft->where_exact, false, VALUE_BOOL, diag);
        if (!expr)
                return false;
        *where = add_condition(rules, CONDITION_ALWAYS, expr, canonical(rules, expr));
        return true;
}

/* What a header holds is not known. It may be a token of one visitor, of whom nobody
   shall be told 64 times what was seen. */
static bool is_of_one(const struct operand *o)
{
        if (!o->field)
                return false;
        return field_is_of_one(o->field->kind) ||
               slice_starts_with(slice_str(o->text), slice_str("header('"));
}

static unsigned find_table(struct rules *rules, const unsigned *key, unsigned parts)
{
        for (unsigned i = 0; i < rules->table_count; i++) {
                const struct table_plan *t = &rules->tables[i];
                if (t->parts == parts && memcmp(t->key, key, parts * sizeof(*key)) == 0)
                        return i;
        }
        struct table_plan *t = append(&rules->tables, &rules->table_count, sizeof(*t));
        struct buf type = { 0 };
        t->parts = parts;
        memcpy(t->key, key, parts * sizeof(*key));
        for (unsigned i = 0; i < parts; i++) {
                const struct operand *o = &rules->operands[key[i]];
                buf_printf(&type, "%s%s", i ? "|" : "",
                           o->is_origin ? "incident" : o->text);
                t->is_of_one |= is_of_one(o);
        }
        if (parts == 0)
                buf_put_str(&type, "all");
        t->type = keep_text(rules, &type);
        return rules->table_count - 1;
}

/*
 * A key's value is published as it is. What these headers hold is as good as a
 * password; session and account leave as pseudonyms.
 */
static bool is_secret(const char *canonical_key)
{
        static const char *const names[] = { "cookie", "authorization",
                                             "proxy-authorization" };
        static const struct slice call = SLICE("header('");
        struct slice name = slice_str(canonical_key);

        if (!slice_starts_with(name, call))
                return false;
        name = slice_from(name, call.len);
        name.len = slice_find(name, '\'');
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
                if (slice_equal_nocase(name, slice_str(names[i])))
                        return true;
        return false;
}

static bool plan_key(struct rules *rules, const struct key_draft *key, unsigned *table,
                     struct diag *diag)
{
        unsigned operands[KEY_PARTS_MAX];
        bool good = true;

        for (unsigned i = 0; i < key->parts; i++) {
                struct expr *expr = parse(rules, key->text[i], key->place[i],
                                          key->exact[i], false, VALUE_MISSING, diag);
                if (!expr) {
                        good = false;
                        continue;
                }
                operands[i] = add_operand(rules, expr);
                if (is_secret(rules->operands[operands[i]].text)) {
                        diag_error(
                            diag, key->place[i],
                            "%s as a key would be published in clear: name it in the "
                            "site map and use session or account",
                            rules->operands[operands[i]].text);
                        good = false;
                }
        }
        if (!good)
                return false;
        *table = find_table(rules, operands, key->parts);
        if (rules->table_count <= TABLES_MAX)
                return true;
        diag_error(diag, key->place[0], "more than %d different keys", TABLES_MAX);
        return false;
}

static unsigned find_window(struct table_plan *t, int64_t window_ns)
{
        for (unsigned i = 0; i < t->window_count; i++)
                if (t->window_ns[i] == window_ns)
                        return i;
        if (t->window_count == WINDOWS_MAX)
                return WINDOWS_MAX;
        t->window_ns[t->window_count] = window_ns;
        if (window_ns > t->longest_ns)
                t->longest_ns = window_ns;
        return t->window_count++;
}

static unsigned find_slot(struct table_plan *t, struct slot wanted)
{
        for (unsigned i = 0; i < t->slot_count; i++) {
                const struct slot *s = &t->slots[i];
                if (s->kind == wanted.kind && s->condition == wanted.condition &&
                    s->operand == wanted.operand && s->window == wanted.window &&
                    s->ratio == wanted.ratio)
                        return i;
        }
        *(struct slot *)append(&t->slots, &t->slot_count, sizeof(wanted)) = wanted;
        return t->slot_count - 1;
}

struct aggregates {
        struct rules *rules;
        struct rule *rule;
        bool too_many_windows;
        bool reads_key; /* a function of what is the key's and no transaction's */
};

/* What a function is read from: one slot, or one divided by another. */
static const struct {
        enum slot_kind a;
        bool a_takes_field; /* counts where the field is there, and takes its value */
        bool is_quotient;
        enum slot_kind b;
        bool b_takes_field, b_takes_condition;
} functions[FUNCTIONS] = {
        [FUNCTION_COUNT] = { .a = SLOT_COUNT },
        [FUNCTION_SUM] = { .a = SLOT_SUM, .a_takes_field = true },
        [FUNCTION_MEAN] = { SLOT_SUM, true, true, SLOT_COUNT, true, true },
        [FUNCTION_MAX] = { .a = SLOT_MAX, .a_takes_field = true },
        [FUNCTION_DISTINCT] = { .a = SLOT_DISTINCT, .a_takes_field = true },
        [FUNCTION_SHARE] = { SLOT_COUNT, false, true, SLOT_COUNT, false, false },
        [FUNCTION_TOP_SHARE] = { .a = SLOT_TOP, .a_takes_field = true },
        [FUNCTION_GAP_ENTROPY] = { .a = SLOT_GAPS },
        [FUNCTION_MODAL_GAP_SHARE] = { .a = SLOT_GAP_SECONDS },
        [FUNCTION_SEQUENTIAL] = { .a = SLOT_STEPS, .a_takes_field = true },
        [FUNCTION_SKEW] = { .a = SLOT_SKEW, .a_takes_field = true },
        [FUNCTION_SURGE] = { .a = SLOT_SURGE },
        [FUNCTION_COLD_SHARE] = { SLOT_COLD_VIEWS, false, true, SLOT_VIEWS, false, true },
        [FUNCTION_COLD_SURGE] = { .a = SLOT_COLD_SURGE },
        [FUNCTION_UNDERCOLLISION] = { .a = SLOT_COLLISIONS, .a_takes_field = true },
        [FUNCTION_SYNCHRONY] = { .a = SLOT_SYNCHRONY, .a_takes_field = true },
        [FUNCTION_UNFETCHED] = { .a = SLOT_UNFETCHED },
};

bool function_is_quotient(enum function_id function)
{
        return functions[function].is_quotient;
}

bool function_has_slots(enum function_id function)
{
        return function != FUNCTION_SCORE && function != FUNCTION_FAMILIES;
}

static void plan_slots(struct aggregates *in, const struct aggregate *a, unsigned window,
                       struct rule_aggregate *out)
{
        struct rules *rules = in->rules;
        unsigned where = in->rule->where, condition = where, operand = OPERAND_NONE;

        if (a->condition)
                condition = narrow(rules, where, canonical(rules, a->condition));
        if (a->field)
                operand = operand_of_text(rules, canonical(rules, a->field));
        struct table_plan *t = &rules->tables[in->rule->table];
        const bool takes = functions[out->function].a_takes_field;
        struct slot slot = { .kind = functions[out->function].a,
                             .condition = condition,
                             .operand = takes ? operand : OPERAND_NONE,
                             .window = window,
                             .ratio = a->ratio };
        out->a = find_slot(t, slot);
        if (!functions[out->function].is_quotient)
                return;
        slot.kind = functions[out->function].b;
        slot.condition = functions[out->function].b_takes_condition ? condition : where;
        slot.operand = functions[out->function].b_takes_field ? operand : OPERAND_NONE;
        out->b = find_slot(t, slot);
}

static void note_of_key(void *context, const struct field *field)
{
        *(bool *)context |= field->kind == FIELD_OF_KEY;
}

static bool reads_key(const struct aggregate *a)
{
        bool found = false;

        if (a->field)
                expr_each_field(a->field, note_of_key, &found);
        if (a->condition)
                expr_each_field(a->condition, note_of_key, &found);
        return found;
}

static void plan_aggregate(void *context, struct aggregate *a)
{
        struct aggregates *in = context;
        struct rule *rule = in->rule;
        in->reads_key |= reads_key(a);
        if (a->function->of_transaction)
                return;
        struct buf printed = { 0 };
        rules_print_aggregate(a, &printed);
        const char *text = keep_text(in->rules, &printed);
        for (unsigned i = 0; i < rule->aggregate_count; i++)
                if (strcmp(rule->aggregates[i].text, text) == 0) {
                        a->slot = i;
                        return;
                }
        unsigned window = WINDOW_NONE;
        if (a->window_ns)
                window = find_window(&in->rules->tables[rule->table], a->window_ns);
        if (window == WINDOWS_MAX) {
                in->too_many_windows = true;
                return;
        }
        a->slot = rule->aggregate_count;
        struct rule_aggregate *out =
            append(&rule->aggregates, &rule->aggregate_count, sizeof(*out));
        out->text = text;
        out->function = (enum function_id)a->function->id;
        out->type = a->function->type;
        if (out->type == VALUE_MISSING)
                out->type = expr_type(a->field);
        if (function_has_slots(out->function))
                plan_slots(in, a, window, out);
        if (a->window_ns > rule->longest_ns)
                rule->longest_ns = a->window_ns;
}

/*
 * Whether the condition only lets 2xx through, as far as its text shows: one part
 * of an `and` on the top level is `status == 2xx`. What was served is then what
 * the rule counts anyway.
 */
static bool implies_success(const char *text)
{
        const char *at = text;
        int depth = 0;
        char quote = 0;

        for (const char *p = text; *p; p++) {
                if (quote) {
                        quote = *p == quote ? 0 : quote;
                        continue;
                }
                quote = *p == '\'' || *p == '"' ? *p : 0;
                depth += (*p == '(' || *p == '[') - (*p == ')' || *p == ']');
                if (depth == 0 && strncmp(p, " or ", 4) == 0)
                        return false;
        }
        while ((at = strstr(at, "status == 2"))) {
                bool begins =
                    at == text || (at - text >= 5 && !strncmp(at - 5, " and ", 5));
                const char *end = at + strlen("status == 2");
                bool digits =
                    end[0] >= '0' && end[0] <= '9' && end[1] >= '0' && end[1] <= '9';
                bool outside = !memchr(text, '(', (size_t)(at - text)) &&
                               !memchr(text, '\'', (size_t)(at - text)) &&
                               !memchr(text, '"', (size_t)(at - text));
                if (begins && outside && digits &&
                    (!end[2] || !strncmp(end + 2, " and ", 5)))
                        return true;
                at = end;
        }
        return false;
}

static bool plan_served(struct rules *rules, struct rule *rule)
{
        unsigned target = operand_of_text(rules, "target");
        unsigned condition = implies_success(rules->conditions[rule->where].text)
                                 ? rule->where
                                 : narrow(rules, rule->where, SUCCESS);
        struct table_plan *t = &rules->tables[rule->table];
        unsigned window = find_window(t, rule->longest_ns);

        if (window == WINDOWS_MAX)
                return false;
        struct slot slot = { .kind = SLOT_DISTINCT,
                             .condition = condition,
                             .operand = target,
                             .window = window };
        rule->served_targets = find_slot(t, slot);
        slot.kind = SLOT_BYTES;
        slot.operand = OPERAND_NONE;
        rule->served_bytes = find_slot(t, slot);
        return true;
}

static void check_block(const struct rules *rules, const struct rule_draft *draft,
                        const struct rule *rule, struct diag *diag)
{
        const struct table_plan *t = &rules->tables[rule->table];
        const struct field *field =
            t->parts == 1 ? rules->operands[t->key[0]].field : NULL;

        if (rule->rungs && !rule->block_what && (!field || field->kind < FIELD_IP))
                diag_error(diag, draft->block_place,
                           "a key '%s' cannot be blocked: say with 'block_what' what is",
                           t->type);
}

/* False when the table has too many different ones. */
static bool add_where(struct table_plan *t, const struct rule *rule)
{
        unsigned i = 0;

        while (i < t->where_count && t->wheres[i] != rule->where)
                i++;
        if (i == CONDITIONS_MAX)
                return false;
        if (i == t->where_count)
                *(unsigned *)append(&t->wheres, &t->where_count, sizeof(rule->where)) =
                    rule->where;
        if (!rule->is_signal)
                t->alerting |= UINT64_C(1) << i;
        if (!rule->is_signal && rule->least > 1 && rule->least <= FEW)
                t->few |= UINT64_C(1) << i;
        return true;
}

/* Neither counts more than there were transactions. */
static bool is_tally(const struct aggregate *a)
{
        return a->function->id == FUNCTION_COUNT || a->function->id == FUNCTION_DISTINCT;
}

static void note_score(void *context, struct aggregate *a)
{
        *(bool *)context |= !function_has_slots((enum function_id)a->function->id);
}

/* Numbers the signal and its family within the table. */
static void plan_signal(struct rules *rules, struct rule *rule,
                        const struct rule_draft *draft, struct diag *diag)
{
        struct table_plan *t = &rules->tables[rule->table];
        bool reads_score = false;
        unsigned family = 0;

        expr_each_aggregate(rule->when, note_score, &reads_score);
        if (reads_score)
                diag_error(diag, draft->when_place,
                           "a signal cannot read score() or families(), which are made "
                           "of signals");
        if (!rule_has_weight(rule) || !rule->family)
                return;
        if (t->signal_count == SIGNALS_MAX) {
                diag_error(diag, draft->rule.place,
                           "more than %d signals for the key '%s'", SIGNALS_MAX, t->type);
                return;
        }
        while (family < t->signal_family_count &&
               strcmp(t->signal_families[family], rule->family) != 0)
                family++;
        if (family == t->signal_family_count)
                t->signal_families[t->signal_family_count++] = rule->family;
        rule->signal = t->signal_count;
        t->signals[t->signal_count++] = (struct signal_row){ rule->weight, family };
}

static void plan_one(struct rules *rules, const struct rule_draft *draft,
                     const struct key_draft *key, unsigned where, struct diag *diag)
{
        struct rule rule = draft->rule;
        struct aggregates aggregates = { .rules = rules, .rule = &rule };

        rule.where = where;
        bool good = plan_key(rules, key, &rule.table, diag);
        if (slice_is_none(draft->when))
                return;
        rule.when = parse_when(rules, draft, diag);
        if (!good || !rule.when) {
                expr_free(&rule.when);
                return;
        }
        check_block(rules, draft, &rule, diag);
        if (key == draft->key)
                rules_check_sense(rules, draft, rules->conditions[where].expr, rule.when,
                                  diag);
        if (rule.mode == MODE_OFF) {
                expr_free(&rule.when);
                return;
        }
        expr_each_aggregate(rule.when, plan_aggregate, &aggregates);
        rule.least = expr_least(rule.when, is_tally);
        if (rule.longest_ns == 0)
                rule.longest_ns = WINDOWLESS;
        if (rule.is_signal)
                plan_signal(rules, &rule, draft, diag);
        if (aggregates.too_many_windows ||
            (!rule.is_signal && !plan_served(rules, &rule)))
                diag_error(diag, draft->when_place,
                           "more than %d different windows for the key '%s'", WINDOWS_MAX,
                           rules->tables[rule.table].type);
        if (aggregates.reads_key)
                diag_error(
                    diag, draft->when_place,
                    "field 'block.state' is the key's: it cannot be read inside of "
                    "a function");
        unsigned number = rules->rule_count;
        struct table_plan *t = &rules->tables[rule.table];
        if (!add_where(t, &rule))
                diag_error(diag, draft->rule.place,
                           "more than %d different 'where' for the key '%s': put "
                           "conditions inside of count(..) and the like, in 'when'",
                           CONDITIONS_MAX, t->type);
        *(unsigned *)append(&t->rules, &t->rule_count, sizeof(number)) = number;
        *(struct rule *)append(&rules->rules, &rules->rule_count, sizeof(rule)) = rule;
}

void rules_plan(struct rules *rules, const struct rule_draft *draft, struct diag *diag)
{
        unsigned where;

        if (rules->rule_count + draft->keys > RULES_MAX) {
                diag_error(diag, draft->rule.place, "more than %d rules", RULES_MAX);
                return;
        }
        bool good = plan_where(rules, draft, &where, diag);
        if (!good)
                where = CONDITION_ALWAYS; /* goes on, to find the other mistakes */
        for (unsigned i = 0; i < draft->keys; i++)
                plan_one(rules, draft, &draft->key[i], where, diag);
        if (draft->keys > 0 || slice_is_none(draft->when))
                return;
        struct expr *when = parse_when(rules, draft, diag); /* it may have mistakes too */
        expr_free(&when);
}
