/* SPDX-License-Identifier: MIT */
/* trawlctl reference: what a word of the rules means. */
#include <stdio.h>

#include "ctl.h"
#include "detect/reference.h"
#include "lang/diag.h"

#define WORDS_MAX 512

struct looking {
        const char *wanted; /* NULL: all of them */
        bool names_only;
        unsigned found, count;
        const char *names[WORDS_MAX + 1]; /* for what was meant */
};

static void look_at(void *context, const struct reference *r)
{
        static const char *const kinds[] = { "field", "function", "key of a rule" };
        struct looking *l = context;

        if (l->count < WORDS_MAX)
                l->names[l->count++] = r->name;
        if (l->wanted && strcmp(l->wanted, r->name) != 0)
                return;
        l->found++;
        if (l->names_only) {
                puts(r->name);
                return;
        }
        printf("%.*s\n    %s (%.*s): %s\n", (int)r->form.len, (const char *)r->form.data,
               kinds[r->kind], (int)r->type.len, (const char *)r->type.data, r->help);
}

enum exit_status command_reference(struct ctl *ctl, int argc, char **argv)
{
        struct looking l = { .count = 0 };
        const struct ctl_option own[] = { { "names", NULL, &l.names_only },
                                          { NULL, NULL, NULL } };
        enum exit_status status = ctl_parse(ctl, argc, argv, own);
        bool missing = false;

        if (status != EXIT_DONE)
                return status;
        if (ctl->argument_count == 0)
                reference_each(look_at, &l);
        for (int i = 0; i < ctl->argument_count; i++) {
                l.wanted = ctl->arguments[i];
                l.found = l.count = 0;
                reference_each(look_at, &l);
                if (l.found)
                        continue;
                l.names[l.count] = NULL;
                const char *near = diag_suggest(slice_str(l.wanted), l.names);
                ctl_complain(ctl, "no such word: %s%s%s%s", l.wanted,
                             near ? " (did you mean '" : "", near ? near : "",
                             near ? "'?)" : "");
                missing = true;
        }
        return missing ? EXIT_FAILED : EXIT_DONE;
}
