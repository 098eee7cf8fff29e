/* SPDX-License-Identifier: MIT */
/* trawlctl show: one incident with all its evidence. */
#include <stdio.h>
#include <stdlib.h>

#include "screen.h"
#include "source.h"
#include "view.h"

#define PART_MIN   4  /* characters of an id that may stand for it */
#define LINE_WIDTH 98 /* and two columns before it */
#define MORE       ", ... (all of them: --json)"

/* The events of the incident, in order; another incident with the same part of an id. */
struct found {
        const char *wanted;
        struct buf id, other;
        struct buf events; /* JSON lines */
        struct buf last;
};

/* The first or last characters, in whatever case they were typed. */
static bool is_meant(const char *wanted, struct slice id)
{
        struct slice part = slice_str(wanted);

        return part.len <= id.len &&
               (slice_equal_nocase(slice_first(id, part.len), part) ||
                slice_equal_nocase(slice_from(id, id.len - part.len), part));
}

static bool take_event(void *context, const struct alert *alert)
{
        struct found *found = context;

        if (!is_meant(found->wanted, alert->id))
                return true;
        if (found->id.len && !slice_equal(buf_slice(&found->id), alert->id)) {
                buf_put_slice(&found->other, alert->id);
                return false;
        }
        if (!found->id.len)
                buf_put_slice(&found->id, alert->id);
        buf_put_slice(&found->events, alert->json);
        buf_put_byte(&found->events, '\n');
        buf_clear(&found->last);
        buf_put_slice(&found->last, alert->json);
        return true;
}

static void print_field(const struct screen *screen, const char *name, const char *value)
{
        struct buf text = { 0 };

        if (!*value)
                return;
        put_printable(&text, slice_str(value));
        printf("%s%-12s%s %.*s\n", screen_on(screen, PAINT_STRONG), name,
               screen_off(screen, PAINT_STRONG), (int)text.len, (const char *)text.data);
        buf_free(&text);
}

static void print_title(const struct screen *screen, const char *title)
{
        printf("\n%s%s%s\n", screen_on(screen, PAINT_STRONG), title,
               screen_off(screen, PAINT_STRONG));
}

static void print_line(const char *text)
{
        struct buf shown = { 0 };

        put_printable(&shown, slice_str(text));
        printf("  %.*s\n", (int)shown.len, (const char *)shown.data);
        buf_free(&shown);
}

/* What happened, when: the raising, each update, the end. */
static void print_history(const struct screen *screen, struct slice events)
{
        static const char *const titles[] = { "  TIME (UTC)", "EVENT", "TARGETS",
                                              "EVIDENCE", NULL };
        struct grid *grid = grid_new(titles);
        struct slice line;

        print_title(screen, "History");
        while (slice_next(&events, '\n', &line)) {
                struct view *view = line.len ? view_of(line) : NULL;
                struct buf text = { 0 };
                if (!view)
                        continue;
                buf_printf(&text, "  %s", view->time);
                grid_cell(grid, buf_slice(&text), PAINT_PLAIN);
                grid_text(grid, view->action, PAINT_PLAIN);
                buf_clear(&text);
                buf_printf(&text, "%llu", (unsigned long long)view->served_targets);
                grid_cell(grid, buf_slice(&text), PAINT_PLAIN);
                buf_clear(&text);
                view_put_evidence(view, &text);
                grid_cell(grid, buf_slice(&text), PAINT_PLAIN);
                buf_free(&text);
                view_free(&view);
        }
        grid_print(grid, screen);
        grid_free(&grid);
}

/* As many values as a line holds with the hint that there are more; always one. */
static void put_some(const struct view_involved *involved, struct buf *out)
{
        unsigned k = 0;

        for (; k < involved->count; k++) {
                size_t after = k + 1 < involved->total ? strlen(MORE) : 0;
                size_t need = (k ? 2 : 0) + strlen(involved->values[k]) + after;
                if (k && out->len + need > LINE_WIDTH)
                        break;
                buf_printf(out, "%s%s", k ? ", " : "", involved->values[k]);
        }
        if (k < involved->total)
                buf_put_str(out, MORE);
}

static void print_involved(const struct screen *screen, const struct view *view)
{
        if (view->involved_count)
                print_title(screen, "Involved");
        for (unsigned i = 0; i < view->involved_count; i++) {
                const struct view_involved *involved = &view->involved[i];
                struct buf text = { 0 };
                buf_printf(&text, "%s (%llu): ", involved->kind,
                           (unsigned long long)involved->total);
                put_some(involved, &text);
                buf_put_byte(&text, 0);
                print_line((const char *)text.data);
                buf_free(&text);
        }
}

/* What was seen of those who are blocked since then. */
static void print_enforcement(const struct screen *screen, const struct view *view)
{
        struct buf text = { 0 };

        buf_put_str(&text, view->block_state);
        if (view->block_requests)
                buf_printf(&text, ": %llu of %llu requests refused",
                           (unsigned long long)view->block_refused,
                           (unsigned long long)view->block_requests);
        else if (*view->block_state)
                buf_put_str(&text, ": no request was seen since the block");
        if (view->first_refusal_ms >= 0)
                buf_printf(&text, ", the first %lld ms after the block",
                           (long long)view->first_refusal_ms);
        buf_put_byte(&text, 0);
        print_field(screen, "Enforcement", (const char *)text.data);
        buf_free(&text);
}

static void print_head(const struct screen *screen, const struct found *found,
                       const struct view *view)
{
        char text[512];

        snprintf(text, sizeof(text), "%.*s", (int)found->id.len, (char *)found->id.data);
        print_field(screen, "Incident", text);
        print_field(screen, "Rule", view->rule);
        print_field(screen, "", view->description);
        print_field(screen, "References", view->references);
        snprintf(text, sizeof(text), "%s%s", view->severity,
                 view->dry_run ? " (dry run: blocks and tags nothing)" : "");
        print_field(screen, "Severity", text);
        snprintf(text, sizeof(text), "%.400s (%.80s)", view->subject, view->subject_type);
        print_field(screen, "Subject", text);
        /* Most are the first of their group, or the only one. */
        bool is_first = slice_is(buf_slice(&found->id), view->group);
        print_field(screen, "Group", is_first ? "" : view->group);
        print_field(screen, "State",
                    strcmp(view->action, "ended") == 0 ? "ended" : "open");
        print_field(screen, "Since", view->start);
        print_field(screen, "Last event", view->time);
        snprintf(text, sizeof(text), "%llu targets, %llu bytes",
                 (unsigned long long)view->served_targets,
                 (unsigned long long)view->served_bytes);
        print_field(screen, "Served", text);
        snprintf(text, sizeof(text), "%.1f %% of the traffic was not seen",
                 100 * view->missed);
        print_field(screen, "Missed", view->missed > 0 ? text : "");
        snprintf(text, sizeof(text), "%s %.300s until %s (level %llu)", view->block_type,
                 view->block_value, view->block_until,
                 (unsigned long long)view->block_level);
        print_field(screen, "Block", *view->block_type ? text : "");
        print_enforcement(screen, view);
}

static void print_incident(const struct found *found)
{
        struct screen screen = screen_of_stdout();
        struct view *view = view_of(buf_slice(&found->last));

        if (!view)
                return;
        print_head(&screen, found, view);
        print_history(&screen, buf_slice(&found->events));
        print_involved(&screen, view);
        if (view->sample_count)
                print_title(&screen, "Requests, for example");
        for (unsigned i = 0; i < view->sample_count; i++)
                print_line(view->samples[i]);
        view_free(&view);
}

static enum exit_status show(struct source *source, const char *wanted)
{
        struct found found = { .wanted = wanted };
        enum exit_status status = source_alerts(source, 0, take_event, &found);

        if (status == EXIT_DONE && found.other.len) {
                ctl_complain(source->ctl,
                             "'%s' is part of several ids, such as %.*s and %.*s: write "
                             "more of it",
                             wanted, (int)found.id.len, (const char *)found.id.data,
                             (int)found.other.len, (const char *)found.other.data);
                status = EXIT_FAILED;
        } else if (status == EXIT_DONE && !found.id.len) {
                ctl_complain(source->ctl,
                             "no incident '%s' is kept; trawlctl alerts lists them",
                             wanted);
                status = EXIT_FAILED;
        } else if (status == EXIT_DONE && source->ctl->json) {
                ctl_put(stdout, &found.events);
        } else if (status == EXIT_DONE) {
                print_incident(&found);
        }
        buf_free(&found.id);
        buf_free(&found.other);
        buf_free(&found.events);
        buf_free(&found.last);
        return status;
}

enum exit_status command_show(struct ctl *ctl, int argc, char **argv)
{
        static const struct ctl_option own[] = { { NULL, NULL, NULL } };
        enum exit_status status = ctl_parse(ctl, argc, argv, own);
        struct source source;

        if (status != EXIT_DONE)
                return status;
        if (ctl->argument_count != 1) {
                ctl_complain(ctl,
                             "takes the id of one incident; see trawlctl show --help");
                return EXIT_USAGE;
        }
        if (strlen(ctl->arguments[0]) < PART_MIN) {
                ctl_complain(ctl,
                             "'%s' is too short: write at least %d characters of the id",
                             ctl->arguments[0], PART_MIN);
                return EXIT_USAGE;
        }
        status = source_open(&source, ctl);
        if (status != EXIT_DONE)
                return status;
        status = show(&source, ctl->arguments[0]);
        source_close(&source);
        return status;
}
