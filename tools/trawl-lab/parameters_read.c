/* SPDX-License-Identifier: MIT */
/* From files and command lines to struct parameters, by the table's rows. */
#include "parameters_priv.h"

#include "site.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/json.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROWS_MAX 256
#define FILES_MAX                                                            \
        1024 /* files, -o and usual values that are kept while they are used \
              */
#define NAME_MAX 128
#define KEYS_MAX 64

/* The lists are no rows: their entries have a table for each class. */
enum list { LIST_TRAPS, LIST_ATTACKERS, LISTS };
static const char *const list_names[LISTS] = { "traps", "attackers" };

union value {
        double number;
        uint64_t count;
        bool truth;
        int64_t duration;
        const char *text;
        unsigned choice;
};

struct entry {
        const struct entry_class *class;
        union value *values;            /* by key */
        const struct yaml_node **nodes; /* what was written, or NULL */
        const char *json;
};

struct parameter_set {
        struct arena arena;
        struct parameters values;
        unsigned rows;
        const struct yaml_node *said[ROWS_MAX]; /* by row */
        const struct entry_class *classes[LISTS];
        const struct yaml_node *lists[LISTS];
        struct yaml *files[FILES_MAX];
        unsigned file_count;
};

/* ---- the trees that are read from live as long as the set ---- */

static const struct yaml_node *keep(struct parameter_set *set, struct yaml *file)
{
        if (!file)
                return NULL;
        CHECK(set->file_count < FILES_MAX);
        set->files[set->file_count++] = file;
        return yaml_root(file);
}

static void take_row(struct parameter_set *set, unsigned i, const struct yaml_node *node,
                     struct diag *diag)
{
        const struct parameter_row *row = &parameter_rows[i];

        if (parameter_take(row, node, &set->arena, (char *)&set->values + row->offset,
                           diag))
                set->said[i] = node;
}

static int row_named(const struct parameter_set *set, const char *name)
{
        for (unsigned i = 0; i < set->rows; i++)
                if (strcmp(parameter_rows[i].name, name) == 0)
                        return (int)i;
        return -1;
}

static bool is_section(const struct parameter_set *set, const char *name)
{
        size_t len = strlen(name);

        for (unsigned i = 0; i < set->rows; i++)
                if (strncmp(parameter_rows[i].name, name, len) == 0 &&
                    parameter_rows[i].name[len] == '.')
                        return true;
        return false;
}

/* ---- entries of lists ---- */

static const struct entry_class *class_named(const struct entry_class *classes,
                                             struct slice name)
{
        for (; classes->name; classes++)
                if (slice_is(name, classes->name))
                        return classes;
        return NULL;
}

static unsigned key_count(const struct entry_class *class)
{
        unsigned count = 0;

        while (class->keys[count].name)
                count++;
        return count;
}

static struct parameter_row row_of_key(const struct entry_class *class,
                                       const struct entry_key *key, struct arena *arena)
{
        char name[NAME_MAX];

        snprintf(name, sizeof(name), "%s, %s", class->name, key->name);
        return (struct parameter_row){
                .name = (const char *)arena_copy(arena, slice_str(name)).data,
                .type = key->type,
                .usual = key->usual,
                .least = key->least,
                .most = key->most,
                .choices = key->choices,
        };
}

static void put_json_value(struct json *json, const struct entry_key *key,
                           const union value *value)
{
        switch (key->type) {
        case PARAMETER_COUNT:
                json_u64(json, key->name, value->count);
                break;
        case PARAMETER_TRUTH:
                json_bool(json, key->name, value->truth);
                break;
        case PARAMETER_DURATION:
                json_number(json, key->name, (double)value->duration / 1e9);
                break;
        case PARAMETER_TEXT:
                json_text(json, key->name, value->text);
                break;
        case PARAMETER_CHOICE:
                json_text(json, key->name, key->choices[value->choice]);
                break;
        default:
                json_number(json, key->name, value->number);
                break;
        }
}

static const char *json_of(struct parameter_set *set, const struct entry *entry)
{
        struct buf text = { 0 };
        struct json json = json_into(&text);

        json_open(&json, NULL);
        for (unsigned i = 0; entry->class->keys[i].name; i++)
                if (strcmp(entry->class->keys[i].name, "count") != 0)
                        put_json_value(&json, &entry->class->keys[i], &entry->values[i]);
        json_close(&json);
        const char *kept = (const char *)arena_copy(&set->arena, buf_slice(&text)).data;
        buf_free(&text);
        return kept;
}

static void take_usual(struct parameter_set *set, const struct parameter_row *row,
                       union value *value, struct diag *diag)
{
        struct yaml *file = yaml_parse(row->name, slice_str(row->usual), diag);

        CHECK(file && parameter_take(row, yaml_root(file), &set->arena, value, diag));
        yaml_free(&file);
}

static bool check_entry_keys(const struct entry_class *class,
                             const struct yaml_node *node, struct diag *diag)
{
        const char *known[KEYS_MAX + 2] = { "class" };
        unsigned count = key_count(class);

        CHECK(count <= KEYS_MAX);
        for (unsigned i = 0; i < count; i++)
                known[i + 1] = class->keys[i].name;
        return yaml_check_keys(node, known, class->name, diag);
}

static bool fill_entry(struct parameter_set *set, struct entry *entry,
                       const struct yaml_node *node, struct diag *diag)
{
        unsigned count = key_count(entry->class);
        bool good = check_entry_keys(entry->class, node, diag);

        entry->values = arena_take(&set->arena, (count + 1) * sizeof(*entry->values));
        entry->nodes = arena_take(&set->arena, (count + 1) * sizeof(*entry->nodes));
        for (unsigned i = 0; i < count; i++) {
                const struct entry_key *key = &entry->class->keys[i];
                struct parameter_row row = row_of_key(entry->class, key, &set->arena);
                entry->nodes[i] = yaml_get(node, key->name);
                if (!entry->nodes[i])
                        take_usual(set, &row, &entry->values[i], diag);
                else
                        good &= parameter_take(&row, entry->nodes[i], &set->arena,
                                               &entry->values[i], diag);
        }
        entry->json = json_of(set, entry);
        return good;
}

static void tell_class(const struct entry_class *classes, const char *list,
                       const struct yaml_node *node, struct slice name, struct diag *diag)
{
        const char *known[KEYS_MAX + 1] = { 0 };

        for (unsigned i = 0; classes[i].name && i < KEYS_MAX; i++)
                known[i] = classes[i].name;
        const char *near = diag_suggest(name, known);
        diag_error(diag, node->place,
                   "unknown class '%.*s' in %s%s%s%s; "
                   "--print-parameters lists them",
                   (int)name.len, (const char *)name.data, list,
                   near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
}

static struct entry *take_entry(struct parameter_set *set, enum list list,
                                const struct yaml_node *node, struct diag *diag)
{
        const struct yaml_node *class_node =
            node->kind == YAML_MAP ? yaml_get(node, "class") : NULL;
        struct slice name;

        if (!class_node) {
                diag_error(diag, node->place,
                           "an entry of %s is a map with a class, as in "
                           "{ class: %s }",
                           list_names[list],
                           set->classes[list]->name ? set->classes[list]->name : "...");
                return NULL;
        }
        if (!yaml_text(class_node, "class", &name, diag))
                return NULL;
        struct entry *entry = arena_take(&set->arena, sizeof(*entry));
        entry->class = class_named(set->classes[list], name);
        if (!entry->class) {
                tell_class(set->classes[list], list_names[list], class_node, name, diag);
                return NULL;
        }
        return fill_entry(set, entry, node, diag) ? entry : NULL;
}

static bool is_none(const struct yaml_node *node)
{
        return node->kind == YAML_SCALAR && slice_is(node->text, "none");
}

static void take_list(struct parameter_set *set, enum list list,
                      const struct yaml_node *node, struct diag *diag)
{
        struct entries *entries =
            list == LIST_TRAPS ? &set->values.traps : &set->values.attackers;
        unsigned room = 0, count = 0;

        if (node->kind != YAML_LIST && !is_none(node)) {
                diag_error(diag, node->place, "%s: a list of entries is needed, or none",
                           list_names[list]);
                return;
        }
        for (const struct yaml_node *child = node->child; child; child = child->next)
                room++;
        const struct entry **all = arena_take(&set->arena, (room + 1) * sizeof(*all));
        for (const struct yaml_node *child = node->child; child; child = child->next) {
                all[count] = take_entry(set, list, child, diag);
                count += all[count] != NULL;
        }
        *entries = (struct entries){ count, all };
        set->lists[list] = node;
}

/* ---- what entries are asked ---- */

static const union value *value_of(const struct entry *entry, const char *name,
                                   enum parameter_type type)
{
        for (unsigned i = 0; entry->class->keys[i].name; i++)
                if (strcmp(entry->class->keys[i].name, name) == 0) {
                        CHECK(entry->class->keys[i].type == type);
                        return &entry->values[i];
                }
        check_failed(name, entry->class->name, 0);
}

const char *entry_class_name(const struct entry *entry)
{
        return entry->class->name;
}

double entry_number(const struct entry *entry, const char *name)
{
        return value_of(entry, name, PARAMETER_NUMBER)->number;
}

uint64_t entry_count(const struct entry *entry, const char *name)
{
        return value_of(entry, name, PARAMETER_COUNT)->count;
}

bool entry_truth(const struct entry *entry, const char *name)
{
        return value_of(entry, name, PARAMETER_TRUTH)->truth;
}

int64_t entry_duration(const struct entry *entry, const char *name)
{
        return value_of(entry, name, PARAMETER_DURATION)->duration;
}

double entry_rate(const struct entry *entry, const char *name)
{
        return value_of(entry, name, PARAMETER_RATE)->number;
}

const char *entry_text(const struct entry *entry, const char *name)
{
        return value_of(entry, name, PARAMETER_TEXT)->text;
}

unsigned entry_choice(const struct entry *entry, const char *name)
{
        return value_of(entry, name, PARAMETER_CHOICE)->choice;
}

bool entry_is_said(const struct entry *entry, const char *name)
{
        for (unsigned i = 0; entry->class->keys[i].name; i++)
                if (strcmp(entry->class->keys[i].name, name) == 0)
                        return entry->nodes[i] != NULL;
        check_failed(name, entry->class->name, 0);
}

const char *entry_json(const struct entry *entry)
{
        return entry->json;
}

/* ---- reading ---- */

static const struct entry_class no_classes[1];

struct parameter_set *parameters_new(const struct entry_class *traps,
                                     const struct entry_class *attackers)
{
        struct parameter_set *set = calloc(1, sizeof(*set));
        struct diag *diag = diag_new();

        CHECK(set);
        set->classes[LIST_TRAPS] = traps ? traps : no_classes;
        set->classes[LIST_ATTACKERS] = attackers ? attackers : no_classes;
        while (parameter_rows[set->rows].name)
                set->rows++;
        CHECK(set->rows <= ROWS_MAX);
        for (unsigned i = 0; i < set->rows; i++) {
                const struct parameter_row *row = &parameter_rows[i];
                take_row(set, i,
                         keep(set, yaml_parse(row->name, slice_str(row->usual), diag)),
                         diag);
                CHECK(set->said[i]);
        }
        CHECK(diag_errors(diag) == 0);
        diag_free(&diag);
        return set;
}

void parameters_free(struct parameter_set **link)
{
        struct parameter_set *set = *link;

        if (!set)
                return;
        for (unsigned i = 0; i < set->file_count; i++)
                yaml_free(&set->files[i]);
        arena_free(&set->arena);
        free(set);
        *link = NULL;
}

/* What stands at this place of the nesting: for the nearest name. */
static void tell_unknown(struct parameter_set *set, const char *section,
                         const struct yaml_node *node, struct diag *diag)
{
        const char *known[ROWS_MAX + LISTS + 1] = { 0 };
        unsigned count = 0;
        size_t len = strlen(section);

        for (unsigned i = 0; i < set->rows; i++) {
                const char *name = parameter_rows[i].name;
                if (strncmp(name, section, len) != 0)
                        continue;
                size_t first = strcspn(name + len, ".");
                struct slice part = slice_of(name + len, first);
                if (count && slice_is(part, known[count - 1]))
                        continue;
                known[count++] = (const char *)arena_copy(&set->arena, part).data;
        }
        for (unsigned i = 0; i < LISTS && !len; i++)
                known[count++] = list_names[i];
        const char *near = diag_suggest(slice_str(node->key), known);
        diag_error(diag, node->key_place,
                   "unknown parameter '%s%s'%s%s%s; --print-parameters lists them all",
                   section, node->key, near ? " (did you mean '" : "", near ? near : "",
                   near ? "'?)" : "");
}

static void take_map(struct parameter_set *set, const char *section,
                     const struct yaml_node *map, struct diag *diag);

static void take_named(struct parameter_set *set, const char *section,
                       const struct yaml_node *node, struct diag *diag)
{
        char name[NAME_MAX];

        snprintf(name, sizeof(name), "%s%s", section, node->key);
        for (unsigned list = 0; list < LISTS; list++)
                if (strcmp(name, list_names[list]) == 0) {
                        take_list(set, (enum list)list, node, diag);
                        return;
                }
        int row = row_named(set, name);
        if (row >= 0) {
                take_row(set, (unsigned)row, node, diag);
        } else if (is_section(set, name)) {
                snprintf(name, sizeof(name), "%s%s.", section, node->key);
                take_map(set, name, node, diag);
        } else {
                tell_unknown(set, section, node, diag);
        }
}

static void take_map(struct parameter_set *set, const char *section,
                     const struct yaml_node *map, struct diag *diag)
{
        if (map->kind != YAML_MAP) {
                diag_error(diag, map->place, "%s%s", *section ? section : "the file",
                           ": a map of parameters and values is needed");
                return;
        }
        for (const struct yaml_node *child = map->child; child; child = child->next)
                take_named(set, section, child, diag);
}

static bool has_room(const struct parameter_set *set, const char *path, struct diag *diag)
{
        if (set->file_count < FILES_MAX)
                return true;
        diag_error(diag, (struct place){ .file = path },
                   "too many files and -o; put them into one file");
        return false;
}

void parameters_read(struct parameter_set *set, const char *path, struct diag *diag)
{
        if (!has_room(set, path, diag))
                return;
        const struct yaml_node *root = keep(set, yaml_read(path, diag));

        if (root)
                take_map(set, "", root, diag);
}

void parameters_set(struct parameter_set *set, const char *assignment, struct diag *diag)
{
        char name[NAME_MAX], place[NAME_MAX + 8];
        size_t len = strcspn(assignment, "=");

        snprintf(name, sizeof(name), "%.*s", (int)len, assignment);
        snprintf(place, sizeof(place), "-o %s", name);
        if (assignment[len] != '=') {
                diag_error(diag, (struct place){ .file = place },
                           "a value is missing; write -o NAME=VALUE");
                return;
        }
        if (!has_room(set, place, diag))
                return;
        const struct yaml_node *node =
            keep(set, yaml_parse(place, slice_str(assignment + len + 1), diag));
        if (!node)
                return;
        struct yaml_node named = *node;
        named.key = name;
        named.key_place = (struct place){ .file = place };
        for (unsigned list = 0; list < LISTS; list++)
                if (strcmp(name, list_names[list]) == 0) {
                        take_list(set, (enum list)list, node, diag);
                        return;
                }
        int row = row_named(set, name);
        if (row >= 0)
                take_row(set, (unsigned)row, node, diag);
        else
                tell_unknown(set, "", &named, diag);
}

/* ---- what only the whole can tell ---- */

static void check_that(struct parameter_set *set, bool good, const char *name,
                       const char *remedy, struct diag *diag)
{
        int row = row_named(set, name);

        CHECK(row >= 0);
        if (!good)
                diag_error(diag, set->said[row]->place, "%s: %s", name, remedy);
}

/* Midnight in UTC of YYYY-MM-DD. */
static bool day_of(const char *text, int64_t *ns)
{
        struct tm day = { 0 };
        const char *end = strptime(text, "%Y-%m-%d", &day);

        if (!end || *end)
                return false;
        *ns = (int64_t)timegm(&day) * NS_PER_SEC;
        return true;
}

static const char *value_text(const struct parameter_set *set, unsigned row)
{
        return *(const char *const *)((const char *)&set->values +
                                      parameter_rows[row].offset);
}

/* Short enough to be kept with what is filled in. */
static bool path_is_good(const char *path)
{
        return path[0] == '/' && strlen(path) <= 120;
}

static bool is_address(int family, const char *text)
{
        uint8_t bytes[16];

        return inet_pton(family, text, bytes) == 1;
}

static void check_addresses(struct parameter_set *set, struct diag *diag)
{
        const struct wire_parameters *w = &set->values.wire;
        bool good = true;

        for (unsigned i = 0; i < w->terminators.count; i++)
                good &= is_address(AF_INET, w->terminators.of[i]);
        check_that(set, good, "wire.terminators", "are IPv4 addresses, as in [10.0.0.2]",
                   diag);
        check_that(set, is_address(AF_INET, w->server), "wire.server",
                   "is an IPv4 address, as in 10.0.0.5", diag);
        check_that(set, is_address(AF_INET6, w->server_6), "wire.server_6",
                   "is an IPv6 address, as in 'fd00::5'", diag);
}

static void check_paths(struct parameter_set *set, struct diag *diag)
{
        const struct site_parameters *s = &set->values.site;

        check_that(set, strstr(s->path[PAGE_PROFILE], "{target}"), "site.path.profile",
                   "has {target} where the profile is named, as in '/in/{target}'", diag);
        check_that(
            set, strstr(s->path[PAGE_PROFILE_API], "{target}"), "site.path.profile_api",
            "has {target} where the profile is named, as in '/api/people/{target}'",
            diag);
        check_that(set, strstr(s->asset_path, "{number}"), "site.path.asset",
                   "has {number}, as in '/static/{number}'", diag);
        check_that(set, strstr(s->picture_path, "{number}"), "site.path.picture",
                   "has {number}, as in '/static/people/{number}.jpg'", diag);
        for (unsigned i = 0; i < set->rows; i++)
                if (strncmp(parameter_rows[i].name, "site.path.", 10) == 0 &&
                    parameter_rows[i].type == PARAMETER_TEXT)
                        check_that(set, path_is_good(value_text(set, i)),
                                   parameter_rows[i].name,
                                   "begins with / and has 120 bytes at most", diag);
}

const struct parameters *parameters_values(struct parameter_set *set, struct diag *diag)
{
        struct parameters *p = &set->values;
        struct people_parameters *people = &p->people;

        check_that(set, day_of(p->begin, &p->begin_ns), "begin",
                   "is a day; write one like 2026-03-02", diag);
        check_addresses(set, diag);
        check_paths(set, diag);
        check_that(set, people->mobile + people->company + people->vpn <= 1,
                   "people.mobile",
                   "with people.company and people.vpn it is more than all people", diag);
        check_that(set, p->place.company_small <= p->place.company_large,
                   "place.company_small", "is above place.company_large", diag);
        check_that(set, people->day.count == 24, "people.day",
                   "has a weight for each of the 24 hours", diag);
        check_that(set, people->week.count == 7, "people.week",
                   "has a weight for each of the 7 days, from Monday", diag);
        check_that(set, people->searches + people->feeds + people->linked > 0,
                   "people.searches", "with people.feeds and people.linked is 0", diag);
        return p;
}

/* ---- printing ---- */

static void put_indented(struct buf *out, const char *text, unsigned depth)
{
        for (unsigned i = 0; i < depth; i++)
                buf_put_str(out, "  ");
        buf_put_str(out, text);
}

static const char *unit_of(enum parameter_type type)
{
        return type == PARAMETER_DURATION ? " seconds"
               : type == PARAMETER_RATE   ? " a second"
                                          : "";
}

static void put_help(struct buf *out, const char *help, enum parameter_type type,
                     double least, double most, const char *const *choices)
{
        buf_put_str(out, help);
        if (choices) {
                buf_put_str(out, " (");
                for (unsigned i = 0; choices[i]; i++)
                        buf_printf(out, "%s%s", i ? ", " : "", choices[i]);
                buf_put_str(out, ")");
        } else if (least != most) {
                buf_printf(out, " (%g to %g%s)", least, most, unit_of(type));
        }
        buf_put_str(out, "\n");
}

/* Opens the sections of `name` that `before` was not in; returns its depth. */
static unsigned put_sections(struct buf *out, const char *name, const char *before)
{
        unsigned depth = 0;
        bool is_same = true;

        for (;;) {
                size_t len = strcspn(name, ".");
                if (!name[len])
                        return depth;
                is_same = is_same && strncmp(name, before, len + 1) == 0;
                if (!is_same) {
                        put_indented(out, "", depth);
                        buf_printf(out, "%.*s:\n", (int)len, name);
                }
                before += is_same ? len + 1 : 0;
                name += len + 1;
                depth++;
        }
}

static void put_row(const struct parameter_set *set, unsigned i, struct buf *out)
{
        const struct parameter_row *row = &parameter_rows[i];
        const char *last = strrchr(row->name, '.');
        unsigned depth =
            put_sections(out, row->name, i ? parameter_rows[i - 1].name : "");

        put_indented(out, "# ", depth);
        put_help(out, row->help, row->type, row->least, row->most, row->choices);
        put_indented(out, last ? last + 1 : row->name, depth);
        buf_put_str(out, ": ");
        parameter_put(set->said[i], out);
        buf_put_str(out, "\n");
}

static void put_list(const struct parameter_set *set, enum list list, struct buf *out)
{
        const struct entry_class *class = set->classes[list];
        const struct yaml_node *said = set->lists[list];

        buf_printf(out, "\n# Classes of %s, and what their entries may say:\n",
                   list_names[list]);
        for (; class->name; class ++) {
                buf_printf(out, "# %s: %s\n", class->name, class->help);
                for (const struct entry_key *key = class->keys; key->name; key++) {
                        buf_printf(out, "#   %s: %s  - ", key->name, key->usual);
                        put_help(out, key->help, key->type, key->least, key->most,
                                 key->choices);
                }
        }
        buf_printf(out, "%s:", list_names[list]);
        if (!said || !said->child)
                buf_put_str(out, " none\n");
        else
                buf_put_str(out, "\n");
        for (const struct yaml_node *e = said ? said->child : NULL; e; e = e->next) {
                buf_put_str(out, "  - ");
                parameter_put(e, out);
                buf_put_str(out, "\n");
        }
}

void parameters_print(const struct parameter_set *set, struct buf *out)
{
        for (unsigned i = 0; i < set->rows; i++)
                put_row(set, i, out);
        for (unsigned list = 0; list < LISTS; list++)
                put_list(set, (enum list)list, out);
}
