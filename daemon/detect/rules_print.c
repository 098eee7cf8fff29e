/* SPDX-License-Identifier: MIT */
/* A set of rules in one form: defaults written out, expressions in canonical text. */
#include "detect/rules_priv.h"

#include "base/check.h"
#include "base/clock.h"

#include <stdlib.h>
#include <time.h>

#define DAY (86400 * NS_PER_SEC)

void rules_keep_draft(struct rules *rules, const struct rule_draft *draft)
{
        size_t size = (rules->draft_count + 1) * sizeof(*draft);

        rules->drafts = realloc(rules->drafts, size);
        CHECK(rules->drafts);
        rules->drafts[rules->draft_count++] = *draft;
}

struct rule_print {
        const struct rules *rules;
        const struct rule_draft *draft;
        struct buf *out;
};

/* The canonical text of what has been read before. */
static void put_expression(const struct rule_print *p, struct slice text, bool functions)
{
        const struct vocabulary *v = &p->rules->vocabulary;
        struct diag *diag = diag_new();
        struct buf canonical = { 0 };
        struct expr *expr = expr_parse(text, (struct place){ "", 0, 0 }, false,
                                       functions ? &v->full : &v->conditions,
                                       functions ? VALUE_BOOL : VALUE_MISSING, diag);

        CHECK(expr);
        expr_print(expr, &canonical);
        yaml_put_text(buf_slice(&canonical), p->out);
        buf_free(&canonical);
        expr_free(&expr);
        diag_free(&diag);
}

static void put_name(const struct rule_print *p)
{
        buf_put_str(p->out, "  - name: ");
        yaml_put_text(slice_str(p->draft->rule.name), p->out);
        buf_put_byte(p->out, '\n');
}

static void put_key(const struct rule_print *p, const char *key)
{
        buf_printf(p->out, "    %s: ", key);
}

static void put_description(const struct rule_print *p)
{
        put_key(p, "description");
        yaml_put_text(slice_str(p->draft->rule.description), p->out);
        buf_put_byte(p->out, '\n');
}

static void put_references(const struct rule_print *p)
{
        put_key(p, "references");
        buf_put_byte(p->out, '[');
        for (const char *const *r = p->draft->rule.references; *r; r++) {
                buf_put_str(p->out, r == p->draft->rule.references ? "" : ", ");
                yaml_put_text(slice_str(*r), p->out);
        }
        buf_put_str(p->out, "]\n");
}

static void put_severity(const struct rule_print *p)
{
        if (p->draft->rule.is_signal)
                return;
        put_key(p, "severity");
        buf_printf(p->out, "%s\n", severity_name(p->draft->rule.severity));
}

static void put_mode(const struct rule_print *p)
{
        static const char *const modes[] = {
                [MODE_ALERT] = "alert", [MODE_DRY_RUN] = "dry-run", [MODE_OFF] = "off"
        };

        put_key(p, "mode");
        buf_printf(p->out, "%s\n", modes[p->draft->rule.mode]);
}

static void put_where(const struct rule_print *p)
{
        if (slice_is_none(p->draft->where))
                return;
        put_key(p, "where");
        put_expression(p, p->draft->where, false);
        buf_put_byte(p->out, '\n');
}

static void put_parts(const struct rule_print *p, const struct key_draft *key)
{
        if (key->all) {
                buf_put_str(p->out, "all");
                return;
        }
        buf_put_str(p->out, key->parts > 1 ? "[" : "");
        for (unsigned i = 0; i < key->parts; i++) {
                buf_put_str(p->out, i ? ", " : "");
                put_expression(p, key->text[i], false);
        }
        buf_put_str(p->out, key->parts > 1 ? "]" : "");
}

static void put_per(const struct rule_print *p)
{
        const struct rule_draft *d = p->draft;

        if (d->keys != 1)
                return;
        put_key(p, "per");
        put_parts(p, &d->key[0]);
        buf_put_byte(p->out, '\n');
}

static void put_per_each(const struct rule_print *p)
{
        const struct rule_draft *d = p->draft;

        if (d->keys == 1)
                return;
        put_key(p, "per_each");
        for (unsigned i = 0; i < d->keys; i++) {
                buf_put_str(p->out, i ? ", " : "[");
                put_parts(p, &d->key[i]);
        }
        buf_put_str(p->out, "]\n");
}

static void put_when(const struct rule_print *p)
{
        put_key(p, "when");
        put_expression(p, p->draft->when, true);
        buf_put_byte(p->out, '\n');
}

static void put_block(const struct rule_print *p)
{
        const struct rule *rule = &p->draft->rule;

        if (rule->rungs == 0)
                return;
        put_key(p, "block");
        for (unsigned i = 0; i < rule->rungs; i++) {
                buf_put_str(p->out, i ? ", " : "[");
                yaml_put_duration(rule->block_ns[i], p->out);
        }
        buf_put_str(p->out, "]\n");
}

static void put_block_what(const struct rule_print *p)
{
        const struct field *fields = p->rules->vocabulary.full.fields;
        const char *comma = "[";

        if (!p->draft->rule.block_what)
                return;
        put_key(p, "block_what");
        for (const struct field *f = fields; f->name; f++) {
                if (f->kind < FIELD_IP || !(p->draft->rule.block_what >> f->kind & 1))
                        continue;
                buf_printf(p->out, "%s%s", comma, f->name);
                comma = ", ";
        }
        buf_put_str(p->out, "]\n");
}

static void put_tag(const struct rule_print *p)
{
        const struct rule *rule = &p->draft->rule;

        if (rule->tag_count == 0)
                return;
        put_key(p, "tag");
        for (unsigned i = 0; i < rule->tag_count; i++) {
                buf_printf(p->out, "%s%s: ", i ? ", " : "{ ",
                           rules_tag_kind(rule->tags[i].kind));
                yaml_put_text(slice_str(p->rules->tags.names[rule->tags[i].tag]), p->out);
        }
        buf_put_str(p->out, ", for: ");
        yaml_put_duration(rule->tag_ns, p->out);
        buf_put_str(p->out, " }\n");
}

static void put_signal(const struct rule_print *p)
{
        if (!p->draft->rule.is_signal)
                return;
        put_key(p, "signal");
        buf_put_str(p->out, "true\n");
}

static void put_weight(const struct rule_print *p)
{
        if (!rule_has_weight(&p->draft->rule))
                return;
        put_key(p, "weight");
        value_print(
            &(struct value){ .type = VALUE_NUMBER, .number = p->draft->rule.weight },
            NULL, p->out);
        buf_put_byte(p->out, '\n');
}

static void put_family(const struct rule_print *p)
{
        if (!rule_has_weight(&p->draft->rule))
                return;
        put_key(p, "family");
        yaml_put_text(slice_str(p->draft->rule.family), p->out);
        buf_put_byte(p->out, '\n');
}

static void put_again(const struct rule_print *p)
{
        if (p->draft->rule.is_signal)
                return;
        put_key(p, "again");
        yaml_put_duration(p->draft->rule.again_ns, p->out);
        buf_put_byte(p->out, '\n');
}

static const struct {
        const char *key;
        void (*put)(const struct rule_print *);
} rows[] = {
        { "name", put_name },
        { "description", put_description },
        { "references", put_references },
        { "severity", put_severity },
        { "mode", put_mode },
        { "where", put_where },
        { "per", put_per },
        { "per_each", put_per_each },
        { "when", put_when },
        { "block", put_block },
        { "block_what", put_block_what },
        { "again", put_again },
        { "tag", put_tag },
        { "signal", put_signal },
        { "weight", put_weight },
        { "family", put_family },
};

bool rules_prints_key(const char *key)
{
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
                if (strcmp(rows[i].key, key) == 0)
                        return true;
        return false;
}

static void put_exemption(const struct exemption *x, struct buf *out)
{
        struct buf when = { 0 };

        expr_print(x->when, &when);
        buf_put_str(out, "  - when: ");
        yaml_put_text(buf_slice(&when), out);
        buf_put_byte(out, '\n');
        buf_free(&when);
        if (x->until_ns != INT64_MAX) {
                time_t day = (time_t)((x->until_ns - DAY) / NS_PER_SEC);
                struct tm date;
                char text[sizeof("2026-12-31")];
                gmtime_r(&day, &date);
                strftime(text, sizeof(text), "%Y-%m-%d", &date);
                buf_printf(out, "    until: %s\n", text);
        }
        if (x->comment) {
                buf_put_str(out, "    comment: ");
                yaml_put_text(slice_str(x->comment), out);
                buf_put_byte(out, '\n');
        }
}

void rules_print(const struct rules *rules, struct buf *out)
{
        lists_print(&rules->lists, out);
        buf_put_str(out, rules->draft_count ? "rules:\n" : "rules: []\n");
        for (unsigned i = 0; i < rules->draft_count; i++) {
                struct rule_print p = { rules, &rules->drafts[i], out };
                for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++)
                        rows[k].put(&p);
        }
        if (rules->exemption_count)
                buf_put_str(out, "exempt:\n");
        for (unsigned i = 0; i < rules->exemption_count; i++)
                put_exemption(&rules->exemptions[i], out);
}

/* ---- aggregates ---- */

static void print_window(int64_t ns, struct buf *out)
{
        static const struct {
                int64_t ns;
                const char *name;
        } units[] = {
                { 86400 * NS_PER_SEC, "d" }, { 3600 * NS_PER_SEC, "h" },
                { 60 * NS_PER_SEC, "m" },    { NS_PER_SEC, "s" },
                { NS_PER_MS, "ms" },
        };
        unsigned i = 0;

        while (ns % units[i].ns && i < 4)
                i++;
        buf_printf(out, "%lld%s", (long long)(ns / units[i].ns), units[i].name);
}

void rules_print_aggregate(const struct aggregate *a, struct buf *out)
{
        const char *comma = "";

        buf_printf(out, "%s(", a->function->name);
        if (a->field) {
                expr_print(a->field, out);
                comma = ", ";
        }
        if (a->condition) {
                buf_put_str(out, comma);
                expr_print(a->condition, out);
                comma = ", ";
        }
        if (a->ratio != 0)
                buf_printf(out, "%.17gx", a->ratio);
        if (a->window_ns) {
                buf_put_str(out, comma);
                print_window(a->window_ns, out);
        }
        buf_put_byte(out, ')');
}
