/* SPDX-License-Identifier: MIT */
/* trawlctl test: does every rule catch what it should, and leave alone what it should? */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/json.h"
#include "ctl.h"
#include "rule_test.h"
#include "screen.h"

/* A rule of a folder, and what its tests showed of it. */
struct shipped {
        struct place place;
        char *name;
        bool caught, left_alone;
};

struct testing {
        const struct ctl *ctl;
        struct text_list paths; /* of tests */
        struct text_list rule_files;
        struct shipped *shipped;
        unsigned shipped_count;
        unsigned cases, differ, wrong; /* wrong: files */
        bool has_seed;                 /* in place of those of the cases */
        uint64_t seed;
        struct buf messages;
};

/* ---- which files ---- */

static int is_yaml(const struct dirent *entry)
{
        return entry->d_name[0] != '.' &&
               slice_ends_with(slice_str(entry->d_name), slice_str(".yaml"));
}

static void add_joined(struct text_list *list, const char *folder, const char *name)
{
        struct buf path = { 0 };
        size_t len = strlen(folder);

        while (len > 1 && folder[len - 1] == '/')
                len--;
        buf_printf(&path, "%.*s/%s", (int)len, folder, name);
        buf_put_byte(&path, 0);
        text_list_add(list, (const char *)path.data);
        buf_free(&path);
}

/* The *.yaml of a folder in the order of their names; how many. */
static unsigned add_folder(struct text_list *list, const char *folder)
{
        struct dirent **entries;
        int count = scandir(folder, &entries, is_yaml, alphasort);

        for (int i = 0; i < count; i++) {
                add_joined(list, folder, entries[i]->d_name);
                free(entries[i]);
        }
        if (count >= 0)
                free(entries);
        return count < 0 ? 0 : (unsigned)count;
}

static bool is_folder(const char *path)
{
        struct stat status;

        return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* A test; a folder of them; or a folder of rules with its tests in tests/. */
static bool add_path(struct testing *t, const char *path)
{
        struct text_list below = { 0 };

        if (!is_folder(path)) {
                text_list_add(&t->paths, path);
                return true;
        }
        add_joined(&below, path, "tests");
        bool has_tests = is_folder(below.items[0]);
        unsigned found = add_folder(&t->paths, has_tests ? below.items[0] : path);
        if (has_tests)
                add_folder(&t->rule_files, path);
        if (found == 0)
                fprintf(stderr, "%s: no tests of rules (*.yaml) in this folder\n", path);
        text_list_clear(&below);
        return found > 0;
}

/* ---- what is printed ---- */

static void put_time(int64_t ns, struct buf *out)
{
        double seconds = (double)ns / NS_PER_SEC;

        if (seconds < 120)
                buf_printf(out, "%.1f s", seconds);
        else if (seconds < 2 * 3600)
                buf_printf(out, "%.1f min", seconds / 60);
        else
                buf_printf(out, "%.1f h", seconds / 3600);
}

static void put_expected(const struct expected *e, struct buf *out)
{
        buf_put_str(out, e->rule);
        for (unsigned kind = 0; kind < EXPECTED_KINDS; kind++)
                if (!slice_is_none(e->values[kind]))
                        buf_printf(
                            out, ", %s %.*s",
                            kind == EXPECTED_SUBJECT ? "subject" : participant_name(kind),
                            (int)e->values[kind].len, (const char *)e->values[kind].data);
        if (e->within_requests)
                buf_printf(out, ", within %" PRIu64 " requests", e->within_requests);
        if (e->within_ns) {
                buf_put_str(out, ", within ");
                put_time(e->within_ns, out);
        }
        if (e->came) {
                buf_printf(out, ": %s after %" PRIu64 " %s, ",
                           e->came_in_time ? "came" : "came late,", e->came_requests,
                           e->came_requests == 1 ? "request" : "requests");
                put_time(e->came_ns, out);
        } else {
                buf_put_str(out, ": did not come");
        }
}

static void put_came(const struct came *came, struct buf *out)
{
        buf_printf(out, "%s ", came->rule);
        put_printable(out, slice_str(came->subject));
        buf_printf(out, " after %" PRIu64 " %s, ", came->requests,
                   came->requests == 1 ? "request" : "requests");
        put_time(came->after_ns, out);
}

static void put_line(struct buf *out, const char *title, const struct buf *text)
{
        buf_printf(out, "          %-9s ", title);
        buf_put_slice(out, buf_slice(text));
        buf_put_byte(out, '\n');
}

static void put_details(const struct rule_case *c, struct buf *out)
{
        struct buf text = { 0 };

        for (unsigned i = 0; i < c->expected_count; i++) {
                buf_clear(&text);
                put_expected(&c->expected[i], &text);
                put_line(out, "expected", &text);
        }
        if (c->expected_count == 0) {
                buf_put_str(&text, "none");
                put_line(out, "expected", &text);
        }
        for (unsigned i = 0; i < c->came_count; i++) {
                buf_clear(&text);
                put_came(&c->came[i], &text);
                if (!c->came[i].wanted)
                        buf_put_str(&text, ": not expected");
                if (c->came[i].spared)
                        buf_printf(&text, ": names %s, whom it should spare",
                                   c->came[i].spared);
                put_line(out, "came", &text);
        }
        if (c->came_total > c->came_count)
                buf_printf(out, "          came      %u more\n",
                           c->came_total - c->came_count);
        if (c->came_total == 0)
                buf_printf(out, "          came      nothing, in %" PRIu64 " requests\n",
                           c->requests);
        for (unsigned i = 0; i < c->spare_count; i++)
                if (!c->spares[i].came)
                        buf_printf(out,
                                   "          spared    %.*s, of which nobody came\n",
                                   (int)c->spares[i].text.len,
                                   (const char *)c->spares[i].text.data);
        for (unsigned i = 0; c->traffic && i < c->about.count; i++)
                if (c->looked[i] == 0)
                        buf_printf(out,
                                   "          passed by %s: its 'where' lets no request "
                                   "of this case through\n",
                                   c->about.at[i]);
        buf_free(&text);
}

static void put_json(const struct rule_test *test, const struct rule_case *c,
                     struct buf *out)
{
        struct json j = json_into(out);
        struct buf text = { 0 };

        json_open(&j, NULL);
        json_text(&j, "file", test->path);
        json_text(&j, "case", c->name);
        json_bool(&j, "good", c->good);
        json_u64(&j, "requests", c->requests);
        json_array(&j, "expected");
        for (unsigned i = 0; i < c->expected_count; i++) {
                buf_clear(&text);
                put_expected(&c->expected[i], &text);
                json_string(&j, NULL, buf_slice(&text));
        }
        json_array_close(&j);
        json_array(&j, "came");
        for (unsigned i = 0; i < c->came_count; i++) {
                const struct came *came = &c->came[i];
                json_open(&j, NULL);
                json_text(&j, "rule", came->rule);
                json_text(&j, "subject", came->subject);
                json_u64(&j, "requests", came->requests);
                json_number(&j, "seconds", (double)came->after_ns / NS_PER_SEC);
                json_bool(&j, "expected", came->wanted);
                if (came->spared)
                        json_text(&j, "spared", came->spared);
                json_close(&j);
        }
        json_array_close(&j);
        json_close(&j);
        buf_put_byte(out, '\n');
        buf_free(&text);
}

static void put_case(const struct testing *t, const struct rule_test *test,
                     const struct rule_case *c)
{
        struct buf out = { 0 };

        if (t->ctl->json) {
                put_json(test, c, &out);
        } else {
                buf_printf(&out, "  %-8s%s\n", c->good ? "ok" : "DIFFERS", c->name);
                put_details(c, &out);
        }
        ctl_put(stdout, &out);
        buf_free(&out);
}

/* ---- which rules have been tested ---- */

static void add_shipped(struct testing *t, const struct yaml_node *rule)
{
        const struct yaml_node *name = yaml_get(rule, "name");
        const struct yaml_node *mode = yaml_get(rule, "mode");

        /* A signal alerts nobody: the rules that ask for the score have its cases. */
        if (yaml_get(rule, "signal"))
                return;
        if (!name || name->kind != YAML_SCALAR)
                return;
        if (mode && mode->kind == YAML_SCALAR && slice_is(mode->text, "off"))
                return;
        t->shipped = realloc(t->shipped, (t->shipped_count + 1) * sizeof(*t->shipped));
        CHECK(t->shipped);
        struct shipped *s = &t->shipped[t->shipped_count++];
        *s = (struct shipped){ .place = name->place,
                               .name = strdup((const char *)name->text.data) };
        CHECK(s->name);
}

/* The rules of the folders, by their names alone: the tests load them in earnest. */
static void find_shipped(struct testing *t)
{
        for (unsigned i = 0; i < t->rule_files.count; i++) {
                struct diag *diag = diag_new();
                struct yaml *file = yaml_read(t->rule_files.items[i], diag);
                const struct yaml_node *rules =
                    file ? yaml_get(yaml_root(file), "rules") : NULL;
                if (!file)
                        t->wrong++;
                diag_print(diag, &t->messages);
                if (rules && rules->kind == YAML_LIST)
                        for (const struct yaml_node *n = rules->child; n; n = n->next)
                                if (n->kind == YAML_MAP)
                                        add_shipped(t, n);
                /* Places name the file by the list, which outlives the tree. */
                for (unsigned k = 0; k < t->shipped_count; k++)
                        if (rules && t->shipped[k].place.file == rules->place.file)
                                t->shipped[k].place.file = t->rule_files.items[i];
                yaml_free(&file);
                diag_free(&diag);
        }
}

static void note_shipped(struct testing *t, const struct rule_case *c)
{
        for (unsigned i = 0; i < t->shipped_count; i++) {
                struct shipped *s = &t->shipped[i];
                bool expects = rule_case_expects(c, s->name);
                s->caught |= expects;
                s->left_alone |= !expects && names_have(&c->about, s->name);
        }
}

/* How many of them lack a case. */
static unsigned print_untested(const struct testing *t)
{
        unsigned untested = 0;

        for (unsigned i = 0; i < t->shipped_count; i++) {
                const struct shipped *s = &t->shipped[i];
                if (s->caught && s->left_alone)
                        continue;
                untested++;
                printf("%s:%u:%u: rule '%s' has no case %s\n", s->place.file,
                       s->place.line, s->place.column, s->name,
                       !s->caught && !s->left_alone ? "at all"
                       : s->caught                  ? "that it leaves alone"
                                                    : "that it catches");
        }
        return untested;
}

/* ---- running ---- */

static void run_file(struct testing *t, const char *path)
{
        struct rule_test *test = rule_test_read(path, &t->messages);

        if (!test) {
                t->wrong++;
                return;
        }
        if (!t->ctl->json)
                printf("%s\n", path);
        for (unsigned i = 0; i < test->case_count; i++) {
                struct rule_case *c = &test->cases[i];
                if (t->has_seed)
                        c->seed = t->seed;
                if (!rule_case_run(test, c, &t->messages)) {
                        t->wrong++;
                        continue;
                }
                t->cases++;
                t->differ += !c->good;
                put_case(t, test, c);
                note_shipped(t, c);
        }
        rule_test_free(&test);
}

static void testing_free(struct testing *t)
{
        for (unsigned i = 0; i < t->shipped_count; i++)
                free(t->shipped[i].name);
        free(t->shipped);
        text_list_clear(&t->paths);
        text_list_clear(&t->rule_files);
        buf_free(&t->messages);
}

static bool read_seed(struct testing *t, const char *text)
{
        t->has_seed = text != NULL;
        if (!text || (slice_to_u64(slice_str(text), &t->seed) && t->seed <= UINT32_MAX))
                return true;
        ctl_complain(t->ctl, "--seed takes a number from 0 to %u, not '%s'", UINT32_MAX,
                     text);
        return false;
}

enum exit_status command_test(struct ctl *ctl, int argc, char **argv)
{
        bool complete = false, found = true;
        const char *seed = NULL;
        const struct ctl_option own[] = { { "complete", NULL, &complete },
                                          { "seed", &seed, NULL },
                                          { NULL, NULL, NULL } };
        enum exit_status status = ctl_parse(ctl, argc, argv, own);
        struct testing t = { .ctl = ctl };
        unsigned untested = 0;

        if (status != EXIT_DONE)
                return status;
        if (ctl->argument_count == 0) {
                ctl_complain(ctl, "takes a test, or a folder: trawlctl test rules/");
                return EXIT_USAGE;
        }
        if (!read_seed(&t, seed))
                return EXIT_USAGE;
        for (int i = 0; i < ctl->argument_count; i++)
                found &= add_path(&t, ctl->arguments[i]);
        find_shipped(&t);
        for (unsigned i = 0; i < t.paths.count; i++)
                run_file(&t, t.paths.items[i]);
        if (complete)
                untested = print_untested(&t);
        if (!ctl->json)
                printf("%u %s, %u %s\n", t.cases, t.cases == 1 ? "case" : "cases",
                       t.differ, t.differ == 1 ? "differs" : "differ");
        ctl_put(stderr, &t.messages);
        status = t.wrong || !found          ? EXIT_MISTAKE
                 : t.differ || untested > 0 ? EXIT_FAILED
                                            : EXIT_DONE;
        testing_free(&t);
        return status;
}
