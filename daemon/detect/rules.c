/* SPDX-License-Identifier: MIT */
#include "detect/rules_priv.h"

#include "base/check.h"
#include "base/clock.h"
#include "detect/births.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#define FILES_MAX 1000

static const char *const file_keys[] = { "rules", "lists", "defaults", "exempt", NULL };
static const char *const exempt_keys[] = { "when", "until", "comment", NULL };

struct loading {
        struct rules *rules;
        struct diag *diag;
        struct yaml *files[FILES_MAX];
        const char *names[FILES_MAX];
        unsigned count;
        struct place *places; /* of the rules read so far, by their number */
        const char **taken;   /* and their names */
        unsigned taken_count;
};

static void add_file(struct loading *l, const char *path)
{
        if (l->count == FILES_MAX) {
                diag_error(l->diag, (struct place){ path, 0, 0 },
                           "more than %d rule files", FILES_MAX);
                return;
        }
        struct slice name = arena_copy(&l->rules->arena, slice_str(path));
        l->files[l->count] = yaml_read(path, l->diag);
        l->names[l->count++] = (const char *)name.data;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
        return strcmp((*a)->d_name, (*b)->d_name);
}

/* What an editor or a package leaves beside a file begins with a dot or ends otherwise.
 */
static int is_rule_file(const struct dirent *entry)
{
        return entry->d_name[0] != '.' &&
               slice_ends_with(slice_str(entry->d_name), slice_str(".yaml"));
}

static bool is_folder(const char *path)
{
        struct stat status;

        return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static bool add_if_file(struct loading *l, const char *folder, const char *name)
{
        struct buf path = { 0 };
        size_t len = strlen(folder);

        while (len > 1 && folder[len - 1] == '/')
                len--;
        buf_printf(&path, "%.*s/%s", (int)len, folder, name);
        buf_put_byte(&path, 0);
        bool file = !is_folder((const char *)path.data);
        if (file)
                add_file(l, (const char *)path.data);
        buf_free(&path);
        return file;
}

/* The files of a folder, by name; not those of the folders in it. */
static void add_folder(struct loading *l, const char *path)
{
        struct dirent **entries;
        struct place place = { path, 0, 0 };
        int count = scandir(path, &entries, is_rule_file, by_name);
        unsigned files = 0;

        if (count < 0) {
                diag_error(l->diag, place, "cannot read: %s%s", strerror(errno),
                           errno == EACCES ? " (who runs this needs the permissions r "
                                             "and x on the folder)"
                                           : "");
                return;
        }
        for (int i = 0; i < count; i++) {
                files += add_if_file(l, path, entries[i]->d_name);
                free(entries[i]);
        }
        free(entries);
        if (files == 0)
                diag_error(l->diag, place, "no *.yaml in this folder");
}

static void add_path(struct loading *l, const char *path)
{
        struct stat status;

        if (stat(path, &status) != 0)
                diag_error(l->diag, (struct place){ path, 0, 0 }, "cannot read: %s",
                           strerror(errno));
        else if (S_ISDIR(status.st_mode))
                add_folder(l, path);
        else
                add_file(l, path);
}

static void read_lists(struct loading *l)
{
        for (unsigned i = 0; i < l->count; i++) {
                if (!l->files[i])
                        continue;
                const struct yaml_node *root = yaml_root(l->files[i]);
                const struct yaml_node *lists = yaml_get(root, "lists");
                if (lists)
                        lists_read(&l->rules->lists, lists, l->names[i], l->diag);
        }
}

static void read_tags(struct loading *l)
{
        struct rules *rules = l->rules;

        for (unsigned i = 0; i < l->count; i++)
                if (l->files[i])
                        rules_collect_tags(rules, yaml_root(l->files[i]));
        rules->vocabulary.conditions.tags = &rules->tags.language;
        rules->vocabulary.full.tags = &rules->tags.language;
}

static bool is_name_taken(struct loading *l, const struct rule *rule)
{
        for (unsigned i = 0; i < l->taken_count; i++)
                if (strcmp(l->taken[i], rule->name) == 0) {
                        diag_error(l->diag, rule->place,
                                   "rule '%s' exists already (%s:%u)", rule->name,
                                   l->places[i].file, l->places[i].line);
                        return true;
                }
        return false;
}

static void take_name(struct loading *l, const struct rule *rule)
{
        if (l->taken_count == RULES_MAX)
                return;
        l->taken[l->taken_count] = rule->name;
        l->places[l->taken_count++] = rule->place;
}

static void read_rules(struct loading *l, const struct yaml_node *list,
                       const struct yaml_node *defaults)
{
        if (list->kind != YAML_LIST) {
                diag_error(l->diag, list->place, "'rules' is a list of rules");
                return;
        }
        for (const struct yaml_node *node = list->child; node; node = node->next) {
                struct rule_draft draft;
                rules_read_rule(l->rules, node, defaults, &draft, l->diag);
                if (node->kind != YAML_MAP)
                        continue;
                if (strcmp(draft.rule.name, "?") != 0 && !is_name_taken(l, &draft.rule))
                        take_name(l, &draft.rule);
                /* With mistakes too: the expressions may have more of them. */
                rules_plan(l->rules, &draft, l->diag);
                rules_keep_draft(l->rules, &draft);
                l->rules->written++;
        }
}

/* 2026-12-31: to the end of that day, UTC. */
static bool read_date(const struct yaml_node *node, int64_t *until_ns, struct diag *diag)
{
        struct slice text;
        struct tm date = { 0 };
        const char *end = NULL;

        if (!yaml_text(node, "until", &text, diag))
                return false;
        if (text.len == strlen("2026-12-31"))
                end = strptime((const char *)text.data, "%Y-%m-%d", &date);
        int day = date.tm_mday;
        time_t midnight = end ? timegm(&date) : 0;
        /* A time in nanoseconds ends in 2262; the 31st of February is none. */
        if (!end || *end || date.tm_year < 70 || date.tm_year > 300 ||
            date.tm_mday != day) {
                diag_error(diag, node->place,
                           "until is a date like 2026-12-31, not '%.*s'", (int)text.len,
                           (const char *)text.data);
                return false;
        }
        *until_ns = ((int64_t)midnight + 86400) * NS_PER_SEC;
        return true;
}

static void add_exemption(struct rules *rules, struct exemption exemption)
{
        size_t size = (rules->exemption_count + 1) * sizeof(exemption);

        rules->exemptions = realloc(rules->exemptions, size);
        CHECK(rules->exemptions);
        rules->exemptions[rules->exemption_count++] = exemption;
}

static void read_exemption(struct loading *l, const struct yaml_node *node)
{
        struct exemption exemption = { .until_ns = INT64_MAX };
        struct slice text;

        if (!yaml_check_keys(node, exempt_keys, "an exemption", l->diag) &&
            node->kind != YAML_MAP)
                return;
        const struct yaml_node *until = yaml_get(node, "until");
        const struct yaml_node *comment = yaml_get(node, "comment");
        const struct yaml_node *when = yaml_get(node, "when");
        if (until && read_date(until, &exemption.until_ns, l->diag) &&
            exemption.until_ns <= clock_wall_ns())
                diag_warning(l->diag, until->place,
                             "this exemption is over: after that day it exempts nothing");
        if (comment && yaml_text(comment, "comment", &text, l->diag))
                exemption.comment = (const char *)arena_copy(&l->rules->arena, text).data;
        if (!when) {
                diag_error(l->diag, node->place, "an exemption needs the key 'when'");
                return;
        }
        if (!yaml_text(when, "when", &text, l->diag))
                return;
        vocabulary_check_plain(text, when->place, when->one_line, l->diag);
        exemption.when =
            expr_parse(text, when->place, when->one_line,
                       &l->rules->vocabulary.conditions, VALUE_BOOL, l->diag);
        if (exemption.when)
                add_exemption(l->rules, exemption);
}

static void read_exemptions(struct loading *l, const struct yaml_node *list)
{
        if (list->kind != YAML_LIST) {
                diag_error(l->diag, list->place, "'exempt' is a list of exemptions");
                return;
        }
        for (const struct yaml_node *node = list->child; node; node = node->next)
                read_exemption(l, node);
}

static void read_file(struct loading *l, const struct yaml *file)
{
        const struct yaml_node *root = yaml_root(file);

        if (root->kind == YAML_MAP && !yaml_get(root, "rules") &&
            yaml_get(root, "pages")) {
                diag_error(l->diag, root->place,
                           "this is a site map, not rules: name it with -s or site.file");
                return;
        }
        yaml_check_keys(root, file_keys, "a rule file", l->diag);
        if (root->kind != YAML_MAP)
                return;
        const struct yaml_node *defaults = yaml_get(root, "defaults");
        const struct yaml_node *rules = yaml_get(root, "rules");
        const struct yaml_node *exempt = yaml_get(root, "exempt");
        if (defaults) {
                rules_check_defaults(defaults, l->diag);
                if (defaults->kind != YAML_MAP)
                        defaults = NULL;
        }
        if (rules)
                read_rules(l, rules, defaults);
        if (exempt)
                read_exemptions(l, exempt);
}

static struct loading *loading_new(struct site *site, struct diag *diag)
{
        struct loading *l = calloc(1, sizeof(*l));

        CHECK(l);
        l->diag = diag;
        l->rules = calloc(1, sizeof(*l->rules));
        l->taken = calloc(RULES_MAX, sizeof(*l->taken));
        l->places = calloc(RULES_MAX, sizeof(*l->places));
        CHECK(l->rules && l->taken && l->places);
        l->rules->vocabulary.site = site;
        rules_begin(l->rules);
        return l;
}

/* All files are there: makes one set of them, or NULL when there were mistakes. */
static struct rules *loading_end(struct loading *l, unsigned errors_before)
{
        struct rules *rules = l->rules;

        read_lists(l);
        vocabulary_init(&rules->vocabulary, rules->vocabulary.site,
                        lists_all(&rules->lists));
        read_tags(l);
        for (unsigned i = 0; i < l->count; i++)
                if (l->files[i])
                        read_file(l, l->files[i]);
        if (diag_errors(l->diag) == errors_before)
                rules_lay_out(rules, l->diag);
        rules->remember_forms = rules_read_field(rules, "signup.form_seen") ||
                                rules_read_field(rules, "signup.form_from") ||
                                rules_read_field(rules, "signup.fill_time");
        rules->remember_births =
            (rules_read_field(rules, "account.age") ? BIRTH_ACCOUNTS : 0U) |
            (rules_read_field(rules, "email.domain_age") ? BIRTH_DOMAINS : 0U);
        rules->asset_page = rules_find_page(rules, "asset");
        rules->api_page = rules_find_page(rules, "api");
        rules->health_page = rules_find_page(rules, "health");
        if (diag_errors(l->diag) > errors_before)
                rules_free(&rules);
        for (unsigned i = 0; i < l->count; i++)
                yaml_free(&l->files[i]);
        free(l->taken);
        free(l->places);
        free(l);
        return rules;
}

struct rules *rules_read(const char *const *paths, unsigned count, struct site *site,
                         struct diag *diag)
{
        unsigned before = diag_errors(diag);
        struct loading *l = loading_new(site, diag);

        for (unsigned i = 0; i < count; i++)
                add_path(l, paths[i]);
        return loading_end(l, before);
}

struct rules *rules_parse(const char *name, struct slice text, struct site *site,
                          struct diag *diag)
{
        unsigned before = diag_errors(diag);
        struct loading *l = loading_new(site, diag);

        l->files[0] = yaml_parse(name, text, diag);
        l->names[0] = name;
        l->count = 1;
        return loading_end(l, before);
}

const struct field *rules_field(const struct rules *rules, const char *name)
{
        const struct field *field = rules->vocabulary.full.fields;

        while (strcmp(field->name, name) != 0)
                field++;
        return field;
}

const struct field *rules_page_field(const struct rules *rules)
{
        return rules_field(rules, "page");
}

struct wanted_field {
        const char *name;
        bool found;
};

static void compare_field(void *context, const struct field *field)
{
        struct wanted_field *wanted = context;

        wanted->found |= strcmp(field->name, wanted->name) == 0;
}

bool rules_read_field(const struct rules *rules, const char *name)
{
        struct wanted_field wanted = { name, false };

        for (unsigned i = 0; i < rules->condition_count; i++)
                if (rules->conditions[i].expr)
                        expr_each_field(rules->conditions[i].expr, compare_field,
                                        &wanted);
        for (unsigned i = 0; i < rules->operand_count; i++)
                expr_each_field(rules->operands[i].expr, compare_field, &wanted);
        for (unsigned i = 0; i < rules->rule_count; i++)
                expr_each_field(rules->rules[i].when, compare_field, &wanted);
        for (unsigned i = 0; i < rules->exemption_count; i++)
                expr_each_field(rules->exemptions[i].when, compare_field, &wanted);
        return wanted.found;
}

bool rules_block(const struct rules *rules)
{
        for (unsigned i = 0; i < rules->rule_count; i++)
                if (rule_blocks(&rules->rules[i]))
                        return true;
        return false;
}

bool rules_remember_forms(const struct rules *rules)
{
        return rules->remember_forms;
}

int rules_find_page(const struct rules *rules, const char *name)
{
        const struct value_names *pages = site_page_names(rules->vocabulary.site);

        return pages->find(pages->context, slice_str(name));
}

int rules_form_page(const struct rules *rules)
{
        return rules_find_page(rules, "signup_form");
}

unsigned rules_remember_births(const struct rules *rules)
{
        return rules->remember_births;
}

bool rules_follow_sessions(const struct rules *rules)
{
        for (unsigned i = 0; i < rules->tags.count; i++)
                if (rules->tags.kinds[i] & 1U << FIELD_SESSION)
                        return true;
        return rules_remember_births(rules) & BIRTH_ACCOUNTS;
}

bool rules_look_at(const struct rules *rules, unsigned page)
{
        if (site_page_is_signup(rules->vocabulary.site, page) &&
            rules_remember_births(rules))
                return true;
        if ((int)page == rules_form_page(rules) && rules_remember_forms(rules))
                return true;
        /* What is usual is learnt from all that visitors send. */
        if (rules_read_field(rules, "ua.fit"))
                return true;
        const struct field *field = rules_page_field(rules);

        for (unsigned i = 0; i < rules->rule_count; i++) {
                unsigned where = rules->rules[i].where;
                if (where == CONDITION_ALWAYS ||
                    expr_may_hold(rules->conditions[where].expr, field, (int)page))
                        return true;
        }
        return false;
}

static void note_agent(void *context, const struct field *field)
{
        *(bool *)context |= field->kind == FIELD_AGENT;
}

bool rules_read_agents(const struct rules *rules)
{
        bool found = false;

        for (unsigned i = CONDITION_ALWAYS + 1; i < rules->condition_count; i++)
                expr_each_field(rules->conditions[i].expr, note_agent, &found);
        for (unsigned i = 0; i < rules->operand_count; i++)
                expr_each_field(rules->operands[i].expr, note_agent, &found);
        for (unsigned i = 0; i < rules->rule_count; i++)
                expr_each_field(rules->rules[i].when, note_agent, &found);
        for (unsigned i = 0; i < rules->exemption_count; i++)
                expr_each_field(rules->exemptions[i].when, note_agent, &found);
        return found;
}

void rules_free(struct rules **pointer)
{
        struct rules *rules = *pointer;

        if (!rules)
                return;
        for (unsigned i = 0; i < rules->condition_count; i++)
                expr_free(&rules->conditions[i].expr);
        for (unsigned i = 0; i < rules->operand_count; i++)
                expr_free(&rules->operands[i].expr);
        for (unsigned i = 0; i < rules->exemption_count; i++)
                expr_free(&rules->exemptions[i].when);
        for (unsigned i = 0; i < rules->rule_count; i++) {
                expr_free(&rules->rules[i].when);
                free(rules->rules[i].aggregates);
        }
        for (unsigned i = 0; i < rules->table_count; i++) {
                rules_layout_free(&rules->tables[i]);
                free(rules->tables[i].slots);
                free(rules->tables[i].rules);
                free(rules->tables[i].wheres);
        }
        free(rules->drafts);
        free(rules->conditions);
        free(rules->operands);
        free(rules->exemptions);
        free(rules->rules);
        free(rules->tables);
        free(rules->usuals);
        rules_tags_free(&rules->tags);
        lists_free(&rules->lists);
        arena_free(&rules->arena);
        free(rules);
        *pointer = NULL;
}

unsigned rules_count(const struct rules *rules)
{
        return rules->written;
}

const char *rules_name(const struct rules *rules, unsigned i)
{
        return i < rules->rule_count ? rules->rules[i].name : NULL;
}
