/* SPDX-License-Identifier: MIT */
#include "detect/conditions.h"

#include <stdlib.h>
#include <string.h>

/* What the page says of a part. */
enum answer { ANSWER_ASK, ANSWER_YES, ANSWER_NO };

/* Only while the conditions are made. */
struct maker {
        struct conditions *c;
        const struct rules *rules;
        const struct field *page;
        struct buf *texts;        /* canonical, of each part */
        struct number_list *each; /* of each condition without its base: its parts */
        uint8_t **answers;        /* of each kind: of each part */
        unsigned condition;       /* that is being taken apart */
        bool good;
};

struct number_list {
        uint32_t *numbers;
        unsigned count;
};

/* ---- the parts ---- */

static unsigned find_part(struct maker *m, const struct expr *part)
{
        struct conditions *c = m->c;
        struct buf text = { 0 };
        unsigned i = 0;

        expr_print(part, &text);
        while (i < c->part_count &&
               !slice_equal(buf_slice(&m->texts[i]), buf_slice(&text)))
                i++;
        if (i < c->part_count) {
                buf_free(&text);
                return i;
        }
        c->parts[i] = part;
        m->texts[i] = text;
        c->part_count++;
        return i;
}

static void count_part(void *context, const struct expr *part)
{
        (void)part;
        ++*(unsigned *)context;
}

static void add_part(void *context, const struct expr *part)
{
        struct maker *m = context;
        struct number_list *list = &m->each[m->condition];

        list->numbers[list->count++] = find_part(m, part);
}

static bool take_apart(struct maker *m)
{
        const struct rules *rules = m->rules;
        unsigned all = 0;

        for (unsigned i = CONDITION_ALWAYS + 1; i < rules->condition_count; i++)
                expr_each_conjunct(rules->conditions[i].expr, count_part, &all);
        m->c->parts = calloc(all + 1, sizeof(*m->c->parts));
        m->texts = calloc(all + 1, sizeof(*m->texts));
        m->each = calloc(rules->condition_count, sizeof(*m->each));
        if (!m->c->parts || !m->texts || !m->each)
                return false;
        for (unsigned i = CONDITION_ALWAYS + 1; i < rules->condition_count; i++) {
                unsigned count = 0;
                expr_each_conjunct(rules->conditions[i].expr, count_part, &count);
                m->each[i].numbers = calloc(count, sizeof(uint32_t));
                if (!m->each[i].numbers)
                        return false;
                m->condition = i;
                expr_each_conjunct(rules->conditions[i].expr, add_part, m);
        }
        return true;
}

/* ---- the kinds of pages ---- */

static enum answer answer_of(const struct maker *m, const struct expr *part,
                             unsigned page)
{
        struct record record = { .page = (uint16_t)page };
        struct subject subject = { .record = &record };
        struct expr_subject reading = { .subject = &subject };

        if (!expr_may_hold(part, m->page, (int)page))
                return ANSWER_NO;
        if (!expr_reads_only(part, m->page))
                return ANSWER_ASK;
        return expr_true(part, &reading) ? ANSWER_YES : ANSWER_NO;
}

/* The kind of pages that have these answers; takes them over. */
static unsigned find_kind(struct maker *m, uint8_t *answers)
{
        unsigned count = m->c->kind_count, i = 0;

        while (i < count && memcmp(m->answers[i], answers, m->c->part_count) != 0)
                i++;
        if (i < count) {
                free(answers);
                return i;
        }
        m->answers[m->c->kind_count++] = answers;
        return i;
}

static bool find_kinds(struct maker *m)
{
        struct conditions *c = m->c;
        const struct value_names *names = site_page_names(m->rules->vocabulary.site);

        while (names->name(names->context, (int)c->page_count))
                c->page_count++;
        c->kind_of = calloc(c->page_count + 1, sizeof(*c->kind_of));
        m->answers = calloc(c->page_count + 1, sizeof(*m->answers));
        if (!c->kind_of || !m->answers)
                return false;
        for (unsigned page = 0; page <= c->page_count; page++) {
                uint8_t *answers = calloc(c->part_count + 1, 1);
                if (!answers)
                        return false;
                for (unsigned i = 0; page < c->page_count && i < c->part_count; i++)
                        answers[i] = (uint8_t)answer_of(m, c->parts[i], page);
                c->kind_of[page] = find_kind(m, answers);
        }
        c->kinds = calloc(c->kind_count, sizeof(*c->kinds));
        return c->kinds;
}

/* ---- what is left of the conditions ---- */

static bool has_part(const struct page_kind *kind, uint32_t first, uint32_t part)
{
        for (uint32_t i = first; i < kind->part_count; i++)
                if (kind->parts[i] == part)
                        return true;
        return false;
}

/* Puts down what is to be asked of a condition itself; false when it cannot hold. */
static bool put_parts(const struct maker *m, struct page_kind *kind,
                      const uint8_t *answers, unsigned condition, uint32_t first)
{
        const struct number_list *list = &m->each[condition];

        for (unsigned i = 0; i < list->count; i++) {
                uint32_t part = list->numbers[i];
                if (answers[part] == ANSWER_NO)
                        return false;
                if (answers[part] == ANSWER_ASK && !has_part(kind, first, part))
                        kind->parts[kind->part_count++] = part;
        }
        return true;
}

/* How many parts all conditions have. */
static size_t parts_of_all(const struct maker *m)
{
        size_t count = 1;

        for (unsigned i = 0; i < m->rules->condition_count; i++)
                count += m->each[i].count;
        return count;
}

static uint64_t wheres_of(const struct page_kind *kind, const struct table_plan *t)
{
        uint64_t may = 0;

        for (unsigned i = 0; i < t->where_count; i++)
                if (kind->conditions[t->wheres[i]].count != CONDITION_NEVER)
                        may |= UINT64_C(1) << i;
        return may;
}

static bool is_early(const struct operand *o)
{
        return o->field && field_is_of_record(o->field);
}

static unsigned find_early(struct page_kind *kind, unsigned operand)
{
        unsigned i = 0;

        while (i < kind->early_count && kind->early[i] != operand)
                i++;
        if (i == kind->early_count)
                kind->early[kind->early_count++] = operand;
        return i;
}

static bool can_count(const struct page_kind *kind, const struct page_table *p,
                      uint64_t met, unsigned condition)
{
        return met & p->may && kind->conditions[condition].count != CONDITION_NEVER;
}

/* What hangs on the entries and may be counted in. */
static bool find_blocks(const struct maker *m, struct page_kind *kind,
                        struct page_table *p)
{
        const struct table_plan *t = &m->rules->tables[p->table];

        p->families = calloc(t->family_count + 1, sizeof(*p->families));
        p->bytes = calloc(t->slot_count + 1, sizeof(*p->bytes));
        if (!p->families || !p->bytes)
                return false;
        for (unsigned i = 0; i < t->family_count; i++) {
                const struct family *f = &t->families[i];
                bool early = is_early(&m->rules->operands[f->operand]);
                if (can_count(kind, p, t->groups[f->group].met, f->condition))
                        p->families[p->family_count++] =
                            (struct page_block){ i, early ? find_early(kind, f->operand)
                                                          : EARLY_NONE };
        }
        for (unsigned i = 0; i < t->slot_count; i++)
                if (t->slots[i].kind == SLOT_BYTES &&
                    can_count(kind, p, t->slots[i].met, t->slots[i].condition))
                        p->bytes[p->byte_count++] = (struct page_block){ i, EARLY_NONE };
        return true;
}

static bool add_table(const struct maker *m, struct page_kind *kind, unsigned number,
                      uint64_t may)
{
        const struct table_plan *t = &m->rules->tables[number];
        struct page_table *p = &kind->tables[kind->table_count++];

        *p = (struct page_table){
                .table = number, .may = may, .is_early = true, .parts = t->parts
        };
        for (unsigned i = 0; i < t->parts; i++)
                p->is_early &= is_early(&m->rules->operands[t->key[i]]);
        for (unsigned i = 0; p->is_early && i < t->parts; i++)
                p->early[i] = find_early(kind, t->key[i]);
        return find_blocks(m, kind, p);
}

/* Which of the early ones is that field, or EARLY_NONE. */
static unsigned early_field(const struct maker *m, const struct page_kind *kind,
                            const char *name)
{
        const struct field *field = rules_field(m->rules, name);
        unsigned i = 0;

        while (i < kind->early_count &&
               m->rules->operands[kind->early[i]].field != field)
                i++;
        return i < kind->early_count ? i : EARLY_NONE;
}

static bool make_kind(const struct maker *m, struct page_kind *kind,
                      const uint8_t *answers)
{
        const struct rules *rules = m->rules;

        kind->conditions = calloc(rules->condition_count, sizeof(*kind->conditions));
        kind->parts = calloc(parts_of_all(m), sizeof(*kind->parts));
        kind->tables = calloc(rules->table_count + 1, sizeof(*kind->tables));
        kind->early = calloc(rules->operand_count + 1, sizeof(*kind->early));
        if (!kind->conditions || !kind->parts || !kind->tables || !kind->early)
                return false;
        for (unsigned i = 0; i < rules->condition_count; i++) {
                uint32_t first = kind->part_count, base = rules->conditions[i].base;
                bool may =
                    (i == base || kind->conditions[base].count != CONDITION_NEVER) &&
                    put_parts(m, kind, answers, i, first);
                if (!may)
                        kind->part_count = first;
                kind->conditions[i] = (struct condition_parts){
                        base, first, may ? kind->part_count - first : CONDITION_NEVER
                };
        }
        for (unsigned i = 0; i < rules->table_count; i++) {
                uint64_t may = wheres_of(kind, &rules->tables[i]);
                if (may && !add_table(m, kind, i, may))
                        return false;
        }
        kind->early_host = early_field(m, kind, "client.host");
        kind->early_session = early_field(m, kind, "session");
        kind->early_account = early_field(m, kind, "account");
        kind->early_target = early_field(m, kind, "target");
        kind->early_family = early_field(m, kind, "ua.family");
        return true;
}

static void mark_status_parts(const struct maker *m)
{
        const struct field *status = rules_field(m->rules, "status");
        unsigned count = 0;

        for (unsigned i = 0; i < m->c->part_count; i++) {
                bool is_one =
                    count < STATUS_PARTS && expr_reads_only(m->c->parts[i], status);
                m->c->status_bits[i] = is_one ? (uint8_t)count++ : PART_OF_MORE;
        }
}

static void maker_free(struct maker *m)
{
        for (unsigned i = 0; m->texts && i < m->c->part_count; i++)
                buf_free(&m->texts[i]);
        for (unsigned i = 0; m->each && i < m->rules->condition_count; i++)
                free(m->each[i].numbers);
        for (unsigned i = 0; m->answers && i < m->c->kind_count; i++)
                free(m->answers[i]);
        free(m->texts);
        free(m->each);
        free(m->answers);
}

bool conditions_init(struct conditions *c, const struct rules *rules)
{
        struct maker m = { .c = c, .rules = rules };

        *c = (struct conditions){ .page_count = 0 };
        if (rules->is_plan) /* it has no expressions, and sees no transactions */
                return true;
        m.page = rules_page_field(rules);
        bool good = take_apart(&m) && find_kinds(&m);
        c->status_bits = calloc(c->part_count + 1, sizeof(*c->status_bits));
        good = good && c->status_bits;
        if (good)
                mark_status_parts(&m);
        for (unsigned i = 0; good && i < c->kind_count; i++)
                good = make_kind(&m, &c->kinds[i], m.answers[i]);
        maker_free(&m);
        return good;
}

void conditions_free(struct conditions *c)
{
        for (unsigned i = 0; c->kinds && i < c->kind_count; i++) {
                for (unsigned k = 0; k < c->kinds[i].table_count; k++) {
                        free(c->kinds[i].tables[k].families);
                        free(c->kinds[i].tables[k].bytes);
                }
                free(c->kinds[i].conditions);
                free(c->kinds[i].parts);
                free(c->kinds[i].tables);
                free(c->kinds[i].early);
        }
        free(c->kinds);
        free(c->kind_of);
        free(c->parts);
        free(c->status_bits);
        *c = (struct conditions){ .page_count = 0 };
}
