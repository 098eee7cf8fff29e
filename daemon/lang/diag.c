/* SPDX-License-Identifier: MIT */
#include "lang/diag.h"

#include "base/arena.h"
#include "base/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define NOTES_MAX   200 /* of errors, and of warnings */
#define MESSAGE_MAX 512

struct note {
        struct place place;
        const char *message;
        bool warning;
        unsigned order; /* of coming: sorting must not shuffle one place */
};

struct diag {
        struct arena arena;
        struct note notes[2 * NOTES_MAX];
        unsigned count;   /* of notes kept */
        unsigned seen[2]; /* errors, warnings: the dropped ones too */
        unsigned kept[2];
        const char *last_file; /* our copy of the file of the last note */
};

struct diag *diag_new(void)
{
        struct diag *diag = calloc(1, sizeof(*diag));

        CHECK(diag);
        return diag;
}

void diag_free(struct diag **diag)
{
        if (*diag)
                arena_free(&(*diag)->arena);
        free(*diag);
        *diag = NULL;
}

static const char *keep_text(struct diag *diag, const char *text)
{
        return (const char *)arena_copy(&diag->arena, slice_str(text)).data;
}

static const char *keep_file(struct diag *diag, const char *file)
{
        if (!file)
                return NULL;
        if (!diag->last_file || strcmp(diag->last_file, file) != 0)
                diag->last_file = keep_text(diag, file);
        return diag->last_file;
}

/* What an operator wrote is quoted back to a terminal: no control bytes. */
static void make_printable(char *text)
{
        for (; *text; text++)
                if ((unsigned char)*text < 0x20 || *text == 0x7f)
                        *text = '?';
}

static int compare_places(const struct place *a, const struct place *b)
{
        int files = strcmp(a->file ? a->file : "", b->file ? b->file : "");

        if (files)
                return files;
        if (a->line != b->line)
                return a->line < b->line ? -1 : 1;
        if (a->column != b->column)
                return a->column < b->column ? -1 : 1;
        return 0;
}

/* One text may be read several times (a rule for each of its keys). */
static bool is_known(const struct diag *diag, struct place place, const char *message)
{
        for (unsigned i = 0; i < diag->count; i++)
                if (compare_places(&diag->notes[i].place, &place) == 0 &&
                    strcmp(diag->notes[i].message, message) == 0)
                        return true;
        return false;
}

static void __attribute__((format(printf, 4, 0)))
note(struct diag *diag, struct place place, bool warning, const char *format,
     va_list args)
{
        char message[MESSAGE_MAX];

        vsnprintf(message, sizeof(message), format, args);
        make_printable(message);
        if (is_known(diag, place, message))
                return;
        diag->seen[warning]++;
        if (diag->kept[warning] == NOTES_MAX)
                return;
        diag->kept[warning]++;
        place.file = keep_file(diag, place.file);
        diag->notes[diag->count] =
            (struct note){ place, keep_text(diag, message), warning, diag->count };
        diag->count++;
}

void diag_error(struct diag *diag, struct place place, const char *format, ...)
{
        va_list args;

        va_start(args, format);
        note(diag, place, false, format, args);
        va_end(args);
}

void diag_warning(struct diag *diag, struct place place, const char *format, ...)
{
        va_list args;

        va_start(args, format);
        note(diag, place, true, format, args);
        va_end(args);
}

unsigned diag_errors(const struct diag *diag)
{
        return diag->seen[false];
}

static int compare_notes(const void *a, const void *b)
{
        const struct note *const *left = a, *const *right = b;
        int places = compare_places(&(*left)->place, &(*right)->place);

        return places ? places : (*left)->order < (*right)->order ? -1 : 1;
}

static void print_note(const struct note *n, struct buf *out)
{
        if (n->place.file && n->place.line)
                buf_printf(out, "%s:%u:%u: ", n->place.file, n->place.line,
                           n->place.column);
        else if (n->place.file)
                buf_printf(out, "%s: ", n->place.file);
        buf_printf(out, "%s%s\n", n->warning ? "warning: " : "", n->message);
}

void diag_print(const struct diag *diag, struct buf *out)
{
        const struct note *sorted[2 * NOTES_MAX];

        for (unsigned i = 0; i < diag->count; i++)
                sorted[i] = &diag->notes[i];
        qsort(sorted, diag->count, sizeof(sorted[0]), compare_notes);
        for (unsigned i = 0; i < diag->count; i++)
                print_note(sorted[i], out);
        for (int warning = 0; warning < 2; warning++)
                if (diag->seen[warning] > diag->kept[warning])
                        buf_printf(out, "and %u more %s\n",
                                   diag->seen[warning] - diag->kept[warning],
                                   warning ? "warnings" : "mistakes");
}
