/* SPDX-License-Identifier: MIT */
#include "detect/reference.h"

#include "base/check.h"
#include "detect/rules_priv.h"

/* What the loader knows by name alone. */
static const struct key_help {
        const char *key, *takes, *help;
} key_help[] = {
        { "name", "1 to 64 letters, digits, - _ .",
          "what alerts call it; one of its name in all files" },
        { "description", "text", "a sentence for whoever reads the alert" },
        { "references", "text or list", "further reading, such as OWASP OAT-011" },
        { "severity", "info, low, medium, high, critical",
          "of its alerts; medium if not given" },
        { "mode", "alert, dry-run, off",
          "dry-run alerts, and neither blocks nor tags; alert if not given" },
        { "where", "condition without functions over a window",
          "which requests it looks at; all if not given" },
        { "per", "field, list of fields, or all",
          "for whom it counts; a request that lacks one is passed over" },
        { "per_each", "list of what per takes", "the rule once for each of these keys" },
        { "when", "condition", "looked at after each such request, for its key" },
        { "block", "duration or list",
          "how long the key is blocked: the 1st, 2nd, ... time within 7 days" },
        { "block_what", "kind or list",
          "whom to block in place of the key: those involved, by kind" },
        { "again", "duration",
          "how often an open incident is told of again; 10m if not given" },
        { "tag", "{ KIND: NAME, for: duration }",
          "marks those involved (of a signal: who made the request), for tagged()" },
        { "signal", "true",
          "in place of severity: adds its weight to the key's score(), or puts its tag, "
          "or both" },
        { "weight", "number, at most 6",
          "of the signal, in log-odds; with family, or neither where it tags" },
        { "family", "name", "of the signal: one family counts once, by its largest" },
};

static const char *takes_of(const char *key, const char **help)
{
        for (size_t i = 0; i < sizeof(key_help) / sizeof(key_help[0]); i++)
                if (strcmp(key_help[i].key, key) == 0) {
                        *help = key_help[i].help;
                        return key_help[i].takes;
                }
        *help = "";
        return "";
}

static void put_type(enum value_type type, const struct value_names *names,
                     struct buf *out)
{
        static const char *const texts[] = {
                [VALUE_MISSING] = "as its argument",
                [VALUE_BOOL] = "truth",
                [VALUE_NUMBER] = "number",
                [VALUE_DURATION] = "duration",
                [VALUE_STRING] = "text",
                [VALUE_ENUM] = "page",
                [VALUE_NETWORK] = "address",
                [VALUE_RATIO] = "ratio",
        };

        if (type != VALUE_ENUM || !names) {
                buf_put_str(out, texts[type]);
                return;
        }
        for (int i = 0; names->name(names->context, i); i++)
                buf_printf(out, "%s%s", i ? ", " : "", names->name(names->context, i));
}

struct telling {
        reference_fn *each;
        void *context;
        struct buf form, type;
};

static void tell(struct telling *t, enum reference_kind kind, const char *name,
                 const char *help)
{
        struct reference r = { kind, name, buf_slice(&t->form), buf_slice(&t->type),
                               help };

        t->each(t->context, &r);
        buf_clear(&t->form);
        buf_clear(&t->type);
}

static void tell_fields(struct telling *t)
{
        const struct field_with_argument *row = vocabulary_argument_fields();

        for (const struct field *f = vocabulary_fields(); f->name; f++) {
                buf_put_str(&t->form, f->name);
                put_type(f->type, f->names, &t->type);
                tell(t, REFERENCE_FIELD, f->name, f->help);
        }
        for (; row->name; row++) {
                buf_printf(&t->form, "%s('name')", row->name);
                put_type(row->type, NULL, &t->type);
                tell(t, REFERENCE_FIELD, row->name, row->help);
        }
}

static void tell_functions(struct telling *t)
{
        for (const struct function *f = vocabulary_functions(); f->name; f++) {
                function_print(f, &t->form);
                put_type(f->type, NULL, &t->type);
                tell(t, REFERENCE_FUNCTION, f->name, f->help);
        }
}

static void tell_keys(struct telling *t)
{
        const char *help;

        for (const char *const *key = rules_keys(); *key; key++) {
                buf_put_str(&t->type, takes_of(*key, &help));
                buf_put_str(&t->form, *key);
                tell(t, REFERENCE_KEY, *key, help);
        }
}

void reference_each(reference_fn *each, void *context)
{
        struct telling t = { .each = each, .context = context };

        tell_fields(&t);
        tell_functions(&t);
        tell_keys(&t);
        buf_free(&t.form);
        buf_free(&t.type);
}

/* ---- Markdown ---- */

struct page {
        struct buf *out;
        enum reference_kind kind;
};

static void put_row(void *context, const struct reference *r)
{
        const struct page *p = context;

        if (r->kind != p->kind)
                return;
        buf_put_str(p->out, "| `");
        buf_put_slice(p->out, r->form);
        buf_put_str(p->out, "` | ");
        buf_put_slice(p->out, r->type);
        buf_printf(p->out, " | %s |\n", r->help);
}

static void put_table(enum reference_kind kind, const char *head, struct buf *out)
{
        struct page page = { out, kind };

        buf_put_str(out, head);
        reference_each(put_row, &page);
}

void reference_markdown(struct buf *out)
{
        buf_put_str(out,
                    "<!-- Written by the program: TRAWLWATCH_WRITE=1 ctest -R "
                    "unit.reference -->\n"
                    "# Reference of rules\n\n"
                    "Every word that a rule may hold, from the tables that the loader "
                    "itself reads. What they\n"
                    "are for is in [rules.md](rules.md). What is marked \"not yet\" is "
                    "refused when a rule file\n"
                    "is read.\n");
        put_table(REFERENCE_FIELD,
                  "\n## Fields\n\n| field | type | is |\n| --- | --- | --- |\n", out);
        put_table(REFERENCE_FUNCTION,
                  "\n## Functions\n\nA window is 1s to 30d long. What stands in brackets "
                  "may be left out.\n\n| function | gives | is |\n| --- | --- | --- |\n",
                  out);
        put_table(REFERENCE_KEY,
                  "\n## Keys of a rule\n\n| key | takes | says |\n| --- | --- | --- |\n",
                  out);
}

/* ---- the manual page ---- */

/* What scdoc would take for formatting. */
static void put_escaped(struct slice text, struct buf *out)
{
        for (size_t i = 0; i < text.len; i++) {
                if (strchr("_*\\[]#<>", text.data[i]) || (i == 0 && text.data[i] == '-'))
                        buf_put_byte(out, '\\');
                buf_put_byte(out, text.data[i]);
        }
}

static void put_entry(void *context, const struct reference *r)
{
        const struct page *p = context;

        if (r->kind != p->kind)
                return;
        buf_put_byte(p->out, '*');
        put_escaped(r->form, p->out);
        buf_put_str(p->out, "* (");
        put_escaped(r->type, p->out);
        buf_put_str(p->out, ")\n\t");
        put_escaped(slice_str(r->help), p->out);
        buf_put_str(p->out, ".\n\n");
}

static void put_section(enum reference_kind kind, const char *head, struct buf *out)
{
        struct page page = { out, kind };

        buf_put_str(out, head);
        reference_each(put_entry, &page);
}

void reference_man(struct buf *out)
{
        buf_put_str(out,
                    "trawlwatch-rules(5)\n\n"
                    "# NAME\n\n"
                    "trawlwatch-rules - the words that rules of Trawlwatch are written "
                    "in\n\n"
                    "# DESCRIPTION\n\n"
                    "A rule file is YAML. At its top stand _rules_ (a list), _lists_, "
                    "_defaults_ (keys for\n"
                    "all rules of the file) and _exempt_ (entries with _when_, _until_, "
                    "_comment_).\n\n"
                    "```\n"
                    "rules:\n"
                    "  - name: profile-harvest\n"
                    "    where: page == profile and status == 200\n"
                    "    per: client.host\n"
                    "    when: distinct(target, 10m) >= 120\n"
                    "    block: [10m, 1h, 24h]\n"
                    "```\n\n"
                    "Expressions know *and or not*, *== != < <= > >=*, *in*, *contains*, "
                    "*starts\\_with*,\n"
                    "*ends\\_with*, *=~*, *+ - \\* /* and *present(field)*. A comparison "
                    "with something missing is\n"
                    "false.\n\n");
        put_section(REFERENCE_KEY, "# KEYS OF A RULE\n\n", out);
        put_section(REFERENCE_FIELD, "# FIELDS\n\n", out);
        put_section(REFERENCE_FUNCTION,
                    "# FUNCTIONS\n\n"
                    "The last argument is the window, 1s to 30d. What stands in brackets "
                    "may be left out.\n\n",
                    out);
        buf_put_str(out, "# SEE ALSO\n\n*trawlctl*(1), *trawlwatchd*(8)\n");
}
