/* SPDX-License-Identifier: MIT */
#include "observe/site_read.h"

#include "base/check.h"

#include <stdlib.h>

#define PAGES_MAX 2000

static struct value read_status(const void *subject, unsigned argument)
{
        const struct site_response *r = subject;

        (void)argument;
        return (struct value){ .type = VALUE_NUMBER, .number = r->status };
}

static struct value read_body(const void *subject, unsigned argument)
{
        const struct site_response *r = subject;

        (void)argument;
        if (slice_is_none(r->body))
                return (struct value){ .type = VALUE_MISSING };
        return (struct value){ .type = VALUE_STRING, .text = r->body };
}

static const char body_field[] = "response.body";

static const struct field response_fields[] = {
        { .name = "status",
          .type = VALUE_NUMBER,
          .read = read_status,
          .help = "status of the response" },
        { .name = body_field,
          .type = VALUE_STRING,
          .read = read_body,
          .help = "first 4 KiB of the response's body" },
        { .name = NULL },
};

static const struct expr_language response_language = {
        .fields = response_fields,
        .remedy = "of the response only status may stand here",
};

bool site_accepts(const struct site *site, unsigned page,
                  const struct site_response *response, struct counters *counters)
{
        const struct page *p = &site->pages[page];
        struct expr_subject subject = { .subject = response, .counters = counters };

        if (!p->is_signup)
                return false;
        return p->accepted ? expr_true(p->accepted, &subject)
                           : response->status >= 200 && response->status < 400;
}

static void note_body(void *context, const struct field *field)
{
        bool *found = context;

        *found |= field->name == body_field;
}

static void read_accepted(struct site_reader *r, struct page *page,
                          const struct yaml_node *node, bool has_form)
{
        struct place place = node->place;
        struct slice text;

        if (!yaml_text(node, "accepted", &text, r->diag))
                return;
        page->accepted = expr_parse(text, place, node->one_line, &response_language,
                                    VALUE_BOOL, r->diag);
        if (!page->accepted)
                return;
        expr_each_field(page->accepted, note_body, &page->reads_body);
        r->site->reads_bodies |= page->reads_body;
        if (!page->reads_body || has_form)
                return;
        const uint8_t *at =
            memmem(text.data, text.len, body_field, sizeof(body_field) - 1);
        if (at && node->one_line)
                place.column += (unsigned)(at - text.data);
        diag_error(r->diag, place, "response.body is kept only for pages with form:");
}

static const char *const form_keys[] = { [FORM_EMAIL] = "email",
                                         [FORM_NAME] = "name",
                                         [FORM_PHONE] = "phone",
                                         [FORM_KINDS] = NULL };

struct form_field {
        struct site_reader *reader;
        struct form *form;
        enum form_kind kind;
};

static void read_choice(void *context, const struct yaml_node *node)
{
        struct form_field *f = context;
        struct slice text;

        if (!yaml_text(node, form_keys[f->kind], &text, f->reader->diag))
                return;
        const char *mistake = form_add(f->form, f->kind, text);
        if (mistake)
                diag_error(f->reader->diag, node->place, "%s: '%.*s' %s",
                           form_keys[f->kind], SITE_TEXT(text), mistake);
}

static struct form *read_form(struct site_reader *r, const struct yaml_node *node)
{
        struct form *form = calloc(1, sizeof(*form));

        CHECK(form);
        yaml_check_keys(node, form_keys, "form", r->diag);
        for (unsigned kind = 0; node->kind == YAML_MAP && kind < FORM_KINDS; kind++) {
                const struct yaml_node *field = yaml_get(node, form_keys[kind]);
                struct form_field f = { r, form, kind };
                if (field)
                        yaml_one_or_list(field, form_keys[kind], read_choice, &f,
                                         r->diag);
        }
        r->site->has_forms = true;
        return form;
}

struct page_reader {
        struct site_reader *reader;
        unsigned page;
        uint32_t methods;
        unsigned paths;
        bool has_target;
};

static void read_method(void *context, const struct yaml_node *node)
{
        struct page_reader *p = context;
        struct diag *diag = p->reader->diag;
        struct slice text;

        if (!yaml_text(node, "method", &text, diag))
                return;
        bool capitals = site_is_token(text);
        for (size_t i = 0; i < text.len; i++)
                capitals &= text.data[i] < 'a' || text.data[i] > 'z';
        if (!capitals) {
                diag_error(diag, node->place,
                           "method: '%.*s' is no method (GET, POST, ...)",
                           SITE_TEXT(text));
                return;
        }
        uint32_t bits = routes_method(p->reader->site->routes, text);
        if (!bits)
                diag_error(diag, node->place, "method: more than %d different ones",
                           ROUTE_METHODS_MAX);
        p->methods |= bits;
}

static void read_path(void *context, const struct yaml_node *node)
{
        struct page_reader *p = context;
        struct diag *diag = p->reader->diag;
        struct pattern_mistake mistake;
        struct place place = node->place;
        struct slice text;

        p->paths++;
        if (!yaml_text(node, "path", &text, diag))
                return;
        struct pattern *pattern = pattern_compile(text, &mistake);
        if (!pattern) {
                if (node->one_line)
                        place.column += (unsigned)mistake.offset;
                diag_error(diag, place, "path: %s", mistake.message);
                return;
        }
        p->has_target |= pattern_has_target(pattern);
        if (!routes_add_take(p->reader->site->routes, pattern, p->methods,
                             (uint16_t)p->page))
                diag_error(diag, node->place, "path: more than %d in one site map",
                           ROUTE_ENTRIES_MAX);
}

/* A bare word of the rule language that is not one of its own words. */
static bool is_page_name(struct slice name)
{
        static const char *const words[] = { "and",         "or",       "not",  "in",
                                             "contains",    "all",      "true", "false",
                                             "starts_with", "ends_with" };

        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
                if (slice_is(name, words[i]))
                        return false;
        for (size_t i = 0; i < name.len; i++) {
                uint8_t c = name.data[i], letter = c | 0x20;
                bool inside = i > 0 && ((c >= '0' && c <= '9') || c == '_' ||
                                        (c == '-' && i + 1 < name.len));
                if (!(letter >= 'a' && letter <= 'z') && !inside)
                        return false;
        }
        return name.len > 0;
}

/* The name of a page that may be added; false after a mistake. */
static bool read_name(struct site_reader *r, const struct yaml_node *page,
                      struct slice *name)
{
        const struct yaml_node *node = yaml_get(page, "name");

        if (!node) {
                diag_error(r->diag, page->place, "a page needs a name");
                return false;
        }
        if (!yaml_text(node, "name", name, r->diag))
                return false;
        if (slice_is(*name, "other")) {
                diag_error(r->diag, node->place,
                           "name: 'other' is the page of requests that match no page");
                return false;
        }
        if (!is_page_name(*name)) {
                diag_error(
                    r->diag, node->place,
                    "name: '%.*s' must be letters, digits, '_' and '-', begin with a "
                    "letter and be no word of the rule language",
                    SITE_TEXT(*name));
                return false;
        }
        if (r->site->names.find(r->site, *name) >= 0) {
                diag_error(r->diag, node->place, "name: there is a page '%.*s' already",
                           SITE_TEXT(*name));
                return false;
        }
        return true;
}

static void read_page(struct site_reader *r, const struct yaml_node *node)
{
        static const char *const known[] = { "name", "method",   "path",
                                             "form", "accepted", NULL };
        struct page_reader p = { .reader = r };
        struct slice name;

        yaml_check_keys(node, known, "a page", r->diag);
        if (node->kind != YAML_MAP)
                return;
        const struct yaml_node *method = yaml_get(node, "method"),
                               *path = yaml_get(node, "path");
        const struct yaml_node *form = yaml_get(node, "form");
        const struct yaml_node *accepted = yaml_get(node, "accepted");
        bool named = read_name(r, node, &name);
        struct page unnamed = { 0 }, *page = &unnamed;
        if (named) {
                p.page = site_add_page(r->site, (const char *)name.data, true);
                page = &r->site->pages[p.page];
        }
        if (method)
                yaml_one_or_list(method, "method", read_method, &p, r->diag);
        unsigned before = diag_errors(r->diag);
        if (path)
                yaml_one_or_list(path, "path", read_path, &p, r->diag);
        if (!path || (path->kind == YAML_LIST && p.paths == 0))
                diag_error(r->diag, path ? path->place : node->place,
                           "a page needs a path");
        if (named && slice_is(name, "profile") && p.paths && !p.has_target &&
            diag_errors(r->diag) == before)
                diag_warning(
                    r->diag, path->place,
                    "page 'profile' has no {target}: rules that count targets see none");
        if (form)
                page->form = read_form(r, form);
        if (accepted)
                read_accepted(r, page, accepted, form);
        page->is_form = named && slice_is(name, "signup_form");
        page->is_signup = form || accepted || (named && slice_is(name, "signup"));
        expr_free(&unnamed.accepted);
        free(unnamed.form);
}

void site_read_pages(struct site_reader *r, const struct yaml_node *node)
{
        unsigned count = 0;

        if (node->kind != YAML_LIST) {
                diag_error(r->diag, node->place, "pages: a list of pages is needed");
                return;
        }
        for (const struct yaml_node *n = node->child; n; n = n->next) {
                if (count++ == PAGES_MAX) {
                        diag_error(r->diag, n->place, "pages: more than %d", PAGES_MAX);
                        return;
                }
                read_page(r, n);
        }
}
