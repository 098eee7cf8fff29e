/* SPDX-License-Identifier: MIT */
/* Printed rules are the same rules, down to the plan that the engine runs. */
#include "detect/rules_priv.h"

#include <stdio.h>
#include <stdlib.h>

#include "unit/detect_world.h"

static const char full[] =
    "lists:\n"
    "  offices: [198.51.100.0/24, \"2001:db8::/32\"]\n"
    "  odd name: [\"it's\", \"two\\nlines\", \"#\"]\n"
    "  empty: []\n"
    "  codes: [410, 404]\n"
    "defaults:\n"
    "  references: OWASP OAT-011\n"
    "  again: 90s\n"
    "  mode: dry-run\n"
    "rules:\n"
    "  - name: a.1_x-y\n"
    "    description: \"it's \\\"one\\\"\\nof two: #lines\"\n"
    "    severity: critical\n"
    "    mode: alert\n"
    "    where: page==profile and(status in [200,304] or status in @codes)and not ua\n"
    "      =~ 'it''s|\"x\"'\n"
    "    per: [client.ip, header('X-It')]\n"
    "    when: count(10m)>5 and (distinct(target,200<=status,1h)/count(90s)>50% or\n"
    "      mean(latency,10m)>1500ms)\n"
    "    block: [1500ms, 90s, 36h]\n"
    "    block_what: [session, client.ip]\n"
    "    references: []\n"
    "  - { name: b, per_each: [client.prefix, [session, account], all], when: "
    "\"max(latency, 7d) - mean(latency, 7d) > 0.1s\", again: 1.0000005s }\n"
    "  - { name: c, mode: off, per: all, when: count(1m) > 1, where: \"host == "
    "'a''b\\\"c'\" }\n"
    "  - { name: d, per: all, when: \"sum(response.bytes, client.ip in @offices, 1d) > "
    "2M\" }\n"
    "exempt:\n"
    "  - { when: \"client.ip in [10.0.0.0/8, 192.0.2.1]\", until: 2199-02-28, comment: "
    "\"the office's\" }\n"
    "  - when: ua contains 'bot'\n";

static struct rules *parse(const char *text, struct site **site)
{
        struct diag *diag = diag_new();
        struct buf said = { 0 };

        *site = site_parse("site.yaml", slice_str(world_site), diag);
        struct rules *rules = rules_parse("rules.yaml", slice_str(text), *site, diag);
        diag_print(diag, &said);
        if (!rules)
                fail_msg("%.*s\n%s", (int)said.len, (const char *)said.data, text);
        buf_free(&said);
        diag_free(&diag);
        return rules;
}

static char *print(const struct rules *rules)
{
        struct buf out = { 0 };

        rules_print(rules, &out);
        buf_put_byte(&out, 0);
        return (char *)out.data;
}

static void put_table(const struct table_plan *t, struct buf *out)
{
        buf_printf(out, "table %s parts=%u longest=%lld few=%llx entry=%u groups=%u\n",
                   t->type, t->parts, (long long)t->longest_ns,
                   (unsigned long long)t->few, t->entry_size, t->group_count);
        for (unsigned i = 0; i < t->parts; i++)
                buf_printf(out, " key %u", t->key[i]);
        for (unsigned i = 0; i < t->window_count; i++)
                buf_printf(out, " window %lld", (long long)t->window_ns[i]);
        for (unsigned i = 0; i < t->where_count; i++)
                buf_printf(out, " where %u", t->wheres[i]);
        for (unsigned i = 0; i < t->rule_count; i++)
                buf_printf(out, " rule %u", t->rules[i]);
        buf_put_byte(out, '\n');
        for (unsigned i = 0; i < t->slot_count; i++) {
                const struct slot *s = &t->slots[i];
                buf_printf(out,
                           " slot %d condition=%u operand=%u window=%u ratio=%g met=%llx "
                           "offset=%u family=%u.%u\n",
                           s->kind, s->condition, s->operand, s->window, s->ratio,
                           (unsigned long long)s->met, s->offset, s->family, s->member);
        }
}

static void put_rule(const struct rule *r, struct buf *out)
{
        struct buf when = { 0 };

        expr_print(r->when, &when);
        buf_printf(out,
                   "rule %s \"%s\" severity=%d mode=%d where=%u table=%u least=%g "
                   "longest=%lld again=%lld targets=%u bytes=%u what=%x when=%.*s\n",
                   r->name, r->description, r->severity, r->mode, r->where, r->table,
                   r->least, (long long)r->longest_ns, (long long)r->again_ns,
                   r->served_targets, r->served_bytes, r->block_what, (int)when.len,
                   (const char *)when.data);
        for (const char *const *ref = r->references; *ref; ref++)
                buf_printf(out, " reference %s", *ref);
        for (unsigned i = 0; i < r->rungs; i++)
                buf_printf(out, " block %lld", (long long)r->block_ns[i]);
        for (unsigned i = 0; i < r->aggregate_count; i++) {
                const struct rule_aggregate *a = &r->aggregates[i];
                buf_printf(out, " aggregate %s %d %d %u %u\n", a->text, a->function,
                           a->type, a->a, a->b);
        }
        buf_free(&when);
}

/* The whole plan as text. */
static char *plan_of(const struct rules *rules)
{
        struct buf out = { 0 };

        buf_printf(&out, "written %u\n", rules->written);
        for (unsigned i = 0; i < rules->condition_count; i++)
                buf_printf(&out, "condition %s base=%u\n", rules->conditions[i].text,
                           rules->conditions[i].base);
        for (unsigned i = 0; i < rules->operand_count; i++)
                buf_printf(&out, "operand %s\n", rules->operands[i].text);
        for (unsigned i = 0; i < rules->table_count; i++)
                put_table(&rules->tables[i], &out);
        for (unsigned i = 0; i < rules->rule_count; i++)
                put_rule(&rules->rules[i], &out);
        for (unsigned i = 0; i < rules->exemption_count; i++) {
                const struct exemption *x = &rules->exemptions[i];
                expr_print(x->when, &out);
                buf_printf(&out, " until=%lld %s\n", (long long)x->until_ns,
                           x->comment ? x->comment : "");
        }
        for (unsigned i = 0; i < rules->lists.count; i++)
                buf_printf(&out, "list %s\n", rules->lists.all[i]->name);
        buf_put_byte(&out, 0);
        return (char *)out.data;
}

static void check_rules(struct rules *first)
{
        char *printed = print(first), *plan = plan_of(first);
        struct site *site;
        struct rules *second = parse(printed, &site);
        char *again = print(second), *plan_again = plan_of(second);

        assert_string_equal(printed, again);
        assert_string_equal(plan, plan_again);
        rules_free(&second);
        site_free(&site);
        free(printed);
        free(again);
        free(plan);
        free(plan_again);
}

static void check(const char *text)
{
        struct site *site;
        struct rules *rules = parse(text, &site);

        check_rules(rules);
        rules_free(&rules);
        site_free(&site);
}

static void printed_rules_are_the_same(void **state)
{
        static const char *const folder[] = { "../rules" };
        struct diag *diag = diag_new();
        struct site *site = site_parse("site.yaml", slice_str(world_site), diag);
        struct rules *shipped = rules_read(folder, 1, site, diag);

        (void)state;
        check("{}");
        check("lists: { codes: [] }");
        assert_non_null(shipped);
        check_rules(shipped);
        rules_free(&shipped);
        site_free(&site);
        diag_free(&diag);
}

static void so_are_those_with_everything(void **state)
{
        (void)state;
        check(full);
}

/* Lists that come from files stay there; the paths are whole ones. */
static void lists_of_files_stay_in_them(void **state)
{
        static const char text[] =
            "lists:\n  d: { file: ../rules/lists/crawlers.txt }\n"
            "rules:\n  - { name: a, per: all, when: count(1m) > 1, "
            "where: host in @d }\n";
        struct site *site;
        struct rules *rules = parse(text, &site);
        char *printed = print(rules);

        (void)state;
        assert_non_null(strstr(printed, "  'd': { file: '/"));
        assert_non_null(strstr(printed, "/rules/lists/crawlers.txt' }\n"));
        free(printed);
        check_rules(rules);
        rules_free(&rules);
        site_free(&site);
}

static void every_key_is_printed(void **state)
{
        (void)state;
        for (const char *const *key = rules_keys(); *key; key++)
                if (!rules_prints_key(*key))
                        fail_msg("%s", *key);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(printed_rules_are_the_same),
                cmocka_unit_test(so_are_those_with_everything),
                cmocka_unit_test(lists_of_files_stay_in_them),
                cmocka_unit_test(every_key_is_printed),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
