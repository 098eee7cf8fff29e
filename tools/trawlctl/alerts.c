/* SPDX-License-Identifier: MIT */
/* trawlctl alerts: what was found, one line an incident; or every event, as it comes. */
#include <search.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/check.h"
#include "base/clock.h"
#include "lang/yaml.h"
#include "screen.h"
#include "source.h"
#include "view.h"

#define ID_SHOWN 8 /* characters at the end of an id: enough to tell them apart */

struct filter {
        const char *rule, *subject;
        enum severity severity; /* and above */
        int64_t since_ns;
};

static bool passes(const struct filter *filter, const struct alert *alert)
{
        struct view *view;
        bool mentioned;

        if (alert->severity < filter->severity ||
            (filter->rule && !slice_is(alert->rule, filter->rule)))
                return false;
        if (!filter->subject || slice_is(alert->subject, filter->subject))
                return true;
        view = view_of(alert->json);
        mentioned = view && view_mentions(view, filter->subject);
        view_free(&view);
        return mentioned;
}

/* Rows */

static const char *const titles[] = { "INCIDENT", "TIME (UTC)", "SEVERITY",
                                      "RULE",     "SUBJECT",    "STATE",
                                      "TARGETS",  "EVIDENCE",   NULL };

static struct slice short_id(struct slice id)
{
        return slice_from(id, id.len > ID_SHOWN ? id.len - ID_SHOWN : 0);
}

/* `state` is open, ended, or what just happened. */
static void put_row(struct grid *grid, struct slice id, enum severity severity,
                    const char *time, const char *evidence, const char *state,
                    const struct view *latest)
{
        enum paint paint = paint_of_severity(severity);
        struct buf subject = { 0 };
        char targets[24];

        snprintf(targets, sizeof(targets), "%llu",
                 (unsigned long long)latest->served_targets);
        grid_cell(grid, short_id(id), PAINT_FAINT);
        grid_text(grid, time, PAINT_PLAIN);
        grid_text(grid, severity_name(severity), paint);
        grid_text(grid, latest->rule, PAINT_STRONG);
        view_put_subject(latest, &subject);
        grid_cell(grid, buf_slice(&subject), PAINT_STRONG);
        buf_free(&subject);
        grid_text(grid, latest->dry_run ? "dry run" : state, PAINT_PLAIN);
        grid_text(grid, targets, PAINT_PLAIN);
        grid_text(grid, evidence, PAINT_PLAIN);
}

/* Incidents: the events of one id brought together */

struct incident_row {
        char *id;
        enum severity severity;
        int64_t time_ns;       /* of the first event that was seen */
        char *time, *evidence; /* of the same: why it was raised */
        bool ended;
        uint32_t n;
        char *json; /* of the latest */
};

struct listing {
        const struct filter *filter;
        void *by_id; /* tsearch */
        struct incident_row **rows;
        size_t count, room;
};

static char *copy_slice(struct slice text)
{
        char *copy = strndup((const char *)text.data, text.len);

        CHECK(copy != NULL);
        return copy;
}

static int compare_ids(const void *a, const void *b)
{
        const struct incident_row *left = a, *right = b;

        return strcmp(left->id, right->id);
}

static int compare_times(const void *a, const void *b)
{
        const struct incident_row *const *left = a, *const *right = b;

        if ((*left)->time_ns != (*right)->time_ns)
                return (*left)->time_ns < (*right)->time_ns ? -1 : 1;
        return compare_ids(*left, *right);
}

static struct incident_row *new_row(struct listing *listing, const struct alert *alert,
                                    const struct view *view)
{
        struct incident_row *row = calloc(1, sizeof(*row));
        struct buf evidence = { 0 };

        CHECK(row != NULL);
        if (listing->count == listing->room) {
                listing->room = listing->room ? 2 * listing->room : 64;
                listing->rows = realloc(listing->rows, listing->room * sizeof(row));
                CHECK(listing->rows != NULL);
        }
        listing->rows[listing->count++] = row;
        view_put_evidence(view, &evidence);
        row->id = copy_slice(alert->id);
        row->time_ns = alert->time_ns;
        row->time = strdup(view->time);
        row->evidence = copy_slice(buf_slice(&evidence));
        buf_free(&evidence);
        CHECK(tsearch(row, &listing->by_id, compare_ids) != NULL);
        return row;
}

static bool list_alert(void *context, const struct alert *alert)
{
        struct listing *listing = context;
        struct incident_row key = { .id = copy_slice(alert->id) };
        struct incident_row *row = NULL;
        void *found = tfind(&key, &listing->by_id, compare_ids);
        struct view *view;

        free(key.id);
        if (found) {
                row = *(struct incident_row **)found;
        } else if (passes(listing->filter, alert)) {
                view = view_of(alert->json);
                if (view)
                        row = new_row(listing, alert, view);
                view_free(&view);
        }
        if (row && (!row->json || alert->n >= row->n)) {
                free(row->json);
                row->json = copy_slice(alert->json);
                row->severity = alert->severity;
                row->n = alert->n;
                row->ended = slice_is(alert->action, "ended");
        }
        return true;
}

static void free_row(struct incident_row *row)
{
        free(row->id);
        free(row->time);
        free(row->evidence);
        free(row->json);
        free(row);
}

static void drop_node(void *node)
{
        (void)node; /* rows are freed through the list */
}

static int compare_texts(const void *a, const void *b)
{
        return strcmp(*(char *const *)a, *(char *const *)b);
}

/* `3 incidents, 1 open; 2 subjects: 203.0.113.9, 203.0.113.77` */
static void print_summary(const struct listing *listing, char **subjects)
{
        struct buf names = { 0 };
        unsigned open = 0, different = 0;

        for (size_t i = 0; i < listing->count; i++)
                open += !listing->rows[i]->ended;
        qsort(subjects, listing->count, sizeof(*subjects), compare_texts);
        for (size_t i = 0; i < listing->count; i++) {
                if (i && strcmp(subjects[i], subjects[i - 1]) == 0)
                        continue;
                if (different++ < 8) {
                        buf_put_str(&names, different > 1 ? ", " : "");
                        put_printable(&names, slice_str(subjects[i]));
                }
        }
        if (different > 8)
                buf_put_str(&names, ", ...");
        printf("\n%zu incident%s, %u open; %u subject%s: %.*s\n", listing->count,
               listing->count == 1 ? "" : "s", open, different, different == 1 ? "" : "s",
               (int)names.len, (const char *)names.data);
        buf_free(&names);
}

static char *copy_subject(const struct view *view)
{
        struct buf text = { 0 };
        char *copy;

        view_put_subject(view, &text);
        copy = copy_slice(buf_slice(&text));
        buf_free(&text);
        return copy;
}

static void print_listing(struct listing *listing)
{
        struct screen screen = screen_of_stdout();
        struct grid *grid;
        char **subjects;

        if (!listing->count) {
                printf("No alerts.\n");
                return;
        }
        grid = grid_new(titles);
        subjects = calloc(listing->count, sizeof(*subjects));
        CHECK(subjects != NULL);
        qsort(listing->rows, listing->count, sizeof(struct incident_row *),
              compare_times);
        for (size_t i = 0; i < listing->count; i++) {
                struct incident_row *row = listing->rows[i];
                struct view *latest = view_of(slice_str(row->json));
                if (latest) {
                        put_row(grid, slice_str(row->id), row->severity, row->time,
                                row->evidence, row->ended ? "ended" : "open", latest);
                        subjects[i] = copy_subject(latest);
                } else {
                        subjects[i] = strdup("?");
                }
                view_free(&latest);
        }
        grid_print(grid, &screen);
        grid_free(&grid);
        print_summary(listing, subjects);
        for (size_t i = 0; i < listing->count; i++)
                free(subjects[i]);
        free(subjects);
}

static enum exit_status list_incidents(struct source *source, const struct filter *filter)
{
        struct listing listing = { .filter = filter };
        enum exit_status status =
            source_alerts(source, filter->since_ns, list_alert, &listing);

        if (status == EXIT_DONE)
                print_listing(&listing);
        tdestroy(listing.by_id, drop_node);
        for (size_t i = 0; i < listing.count; i++)
                free_row(listing.rows[i]);
        free(listing.rows);
        return status;
}

/* Events: one line each */

struct events {
        const struct filter *filter;
        bool json;
        struct screen screen;
        struct grid *grid;
};

static bool print_event(void *context, const struct alert *alert)
{
        struct events *events = context;
        struct buf evidence = { 0 };
        char action[16];
        struct view *view;

        if (!passes(events->filter, alert))
                return true;
        if (events->json) {
                fwrite(alert->json.data, 1, alert->json.len, stdout);
                putchar('\n');
                return true;
        }
        view = view_of(alert->json);
        if (!view)
                return true;
        view_put_evidence(view, &evidence);
        buf_put_byte(&evidence, 0);
        snprintf(action, sizeof(action), "%.*s", (int)alert->action.len,
                 (const char *)alert->action.data);
        put_row(events->grid, alert->id, alert->severity, view->time,
                (const char *)evidence.data, action, view);
        buf_free(&evidence);
        view_free(&view);
        return true;
}

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
        (void)signal;
        stopped = 1;
}

static void flush(struct events *events)
{
        if (!events->json)
                grid_print(events->grid, &events->screen);
        fflush(stdout);
}

static enum exit_status print_events(struct source *source, const struct filter *filter,
                                     bool json, bool follow)
{
        struct events events = { filter, json, screen_of_stdout(), grid_new(titles) };
        struct sigaction action = { .sa_handler = stop };
        enum exit_status status = EXIT_DONE;

        if (!follow || filter->since_ns)
                status = source_alerts(source, filter->since_ns, print_event, &events);
        flush(&events);
        if (follow) {
                sigaction(SIGINT, &action, NULL);
                sigaction(SIGTERM, &action, NULL);
        }
        while (follow && !stopped && status == EXIT_DONE && !ferror(stdout)) {
                status = source_follow(source, print_event, &events);
                flush(&events);
        }
        grid_free(&events.grid);
        return stopped ? EXIT_DONE : status;
}

/* Options */

/* `1h`, or a point in time: 2026-11-23, 2026-11-23T11:00:00Z. */
static bool parse_since(const char *text, int64_t *since_ns)
{
        static const char *const forms[] = { "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%MZ",
                                             "%Y-%m-%d" };
        int64_t ago_ns;

        if (text_duration_ns(slice_str(text), &ago_ns)) {
                *since_ns = clock_wall_ns() - ago_ns;
                return true;
        }
        for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
                struct tm parts = { 0 };
                const char *end = strptime(text, forms[i], &parts);
                if (end && *end == 0) {
                        *since_ns = (int64_t)timegm(&parts) * NS_PER_SEC;
                        return true;
                }
        }
        return false;
}

static bool fill_filter(const struct ctl *ctl, struct filter *filter, const char *since,
                        const char *severity)
{
        if (since && !parse_since(since, &filter->since_ns)) {
                ctl_complain(ctl,
                             "--since takes a time ago, as in 1h, or 2026-11-23 or "
                             "2026-11-23T11:00:00Z, not '%s'",
                             since);
                return false;
        }
        if (severity && !severity_parse(slice_str(severity), &filter->severity)) {
                ctl_complain(ctl,
                             "--severity is one of info, low, medium, high, critical, "
                             "not '%s'",
                             severity);
                return false;
        }
        return true;
}

enum exit_status command_alerts(struct ctl *ctl, int argc, char **argv)
{
        struct filter filter = { .severity = SEVERITY_INFO };
        const char *since = NULL, *severity = NULL;
        bool follow = false;
        const struct ctl_option own[] = {
                { "follow", NULL, &follow },          { "since", &since, NULL },
                { "rule", &filter.rule, NULL },       { "severity", &severity, NULL },
                { "subject", &filter.subject, NULL }, { NULL, NULL, NULL },
        };
        enum exit_status status = ctl_parse(ctl, argc, argv, own);
        struct source source;

        if (status != EXIT_DONE)
                return status;
        if (ctl->argument_count) {
                ctl_complain(ctl, "takes no '%s'; see trawlctl alerts --help",
                             ctl->arguments[0]);
                return EXIT_USAGE;
        }
        if (!fill_filter(ctl, &filter, since, severity))
                return EXIT_USAGE;
        status = source_open(&source, ctl);
        if (status != EXIT_DONE)
                return status;
        if (follow || ctl->json)
                status = print_events(&source, &filter, ctl->json, follow);
        else
                status = list_incidents(&source, &filter);
        source_close(&source);
        return status;
}
