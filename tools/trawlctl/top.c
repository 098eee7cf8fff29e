/* SPDX-License-Identifier: MIT */
/* trawlctl top: the busiest keys of each table, and how near a rule is to them. */
#include <stdlib.h>
#include <time.h>

#include "base/check.h"
#include "base/clock.h"
#include "daemon.h"
#include "lang/yaml.h"
#include "screen.h"
#include "terminal.h"

#define KEYS_MAX    100
#define KEYS_ONCE   10
#define NARROW      100 /* columns: below, long keys are cut shorter */
#define KEY_NARROW  18
#define KEY_WIDE    40
#define PER_MAX     13
#define HEAD_LINES  4
#define LIVE_TIME   (2 * NS_PER_SEC)
#define ONCE_TIME   NS_PER_SEC
#define MEASURE_MAX 256

struct top {
        const struct ctl *ctl;
        const char *path;
        unsigned keys; /* asked for, of each table; 0: as many as there is room for */
        int64_t wait_ns;
        json_t *last; /* the answer before, for rates; NULL: none */
        int64_t last_ns;
};

/* ---- what was asked ---- */

/* A new answer, or NULL with the reason. */
static json_t *ask(const struct top *top, unsigned keys, struct buf *answer,
                   struct buf *why)
{
        char line[32];

        snprintf(line, sizeof(line), "top %u\n", keys);
        return daemon_ask(top->path, line, answer, why) ? daemon_parse(answer, why)
                                                        : NULL;
}

static void keep(struct top *top, json_t *object)
{
        json_decref(top->last);
        top->last = object;
        top->last_ns = clock_monotonic_ns();
}

static const char *text_of(json_t *object, const char *key)
{
        const char *text = json_string_value(json_object_get(object, key));

        return text ? text : "";
}

static json_t *find_same(json_t *answer, json_t *wanted)
{
        size_t i;
        json_t *one;

        json_array_foreach(json_object_get(answer, "keys"), i, one)
        {
                if (strcmp(text_of(one, "id"), text_of(wanted, "id")) == 0 &&
                    strcmp(text_of(one, "per"), text_of(wanted, "per")) == 0)
                        return one;
        }
        return NULL;
}

/* Transactions a second since the answer before; below 0: not known. */
static double rate_of(const struct top *top, json_t *key)
{
        json_t *before = top->last ? find_same(top->last, key) : NULL;
        double passed =
            (double)(clock_monotonic_ns() - top->last_ns) / (double)NS_PER_SEC;

        if (!before || passed <= 0)
                return -1;
        return (json_number_value(json_object_get(key, "transactions")) -
                json_number_value(json_object_get(before, "transactions"))) /
               passed;
}

/* ---- the table ---- */

static const char *const titles[] = { "PER",  "KEY", "COUNT", "/S",
                                      "NEAR", "",    "RULE",  NULL };

static void put_cut(struct grid *grid, const char *text, size_t most, enum paint paint)
{
        struct slice s = slice_str(text);

        if (s.len <= most) {
                grid_cell(grid, s, paint);
                return;
        }
        struct buf cut = { 0 };
        buf_put_slice(&cut, slice_first(s, most - 2));
        buf_put_str(&cut, "..");
        grid_cell(grid, buf_slice(&cut), paint);
        buf_free(&cut);
}

static void put_number(struct grid *grid, const char *format, double number)
{
        char cell[32];

        snprintf(cell, sizeof(cell), format, number);
        grid_text(grid, cell, PAINT_PLAIN);
}

/* `131/100 profile-harvest  distinct(target, 10m)` */
static void put_rule(struct grid *grid, json_t *nearest)
{
        json_t *value = json_object_get(nearest, "value");
        struct buf text = { 0 };

        if (value)
                buf_printf(&text, "%.4g/%.4g ", json_number_value(value),
                           json_number_value(json_object_get(nearest, "threshold")));
        buf_put_str(&text, text_of(nearest, "rule"));
        if (value)
                buf_printf(&text, "  %.*s", MEASURE_MAX, text_of(nearest, "measure"));
        grid_cell(grid, buf_slice(&text), PAINT_PLAIN);
        buf_free(&text);
}

static void put_key(const struct top *top, struct grid *grid, json_t *key,
                    unsigned columns)
{
        json_t *nearest = json_object_get(key, "nearest");
        bool is_open = json_object_get(key, "incident");
        bool is_blocked = json_object_get(key, "blocked_until");
        double rate = rate_of(top, key);
        double share = json_number_value(json_object_get(nearest, "share"));
        enum paint paint = is_open ? PAINT_ALARM : PAINT_STRONG;

        put_cut(grid, text_of(key, "per"), PER_MAX, PAINT_PLAIN);
        put_cut(grid, text_of(key, "key"), columns < NARROW ? KEY_NARROW : KEY_WIDE,
                paint);
        put_number(grid, "%.0f", json_number_value(json_object_get(key, "count")));
        if (rate < 0)
                grid_text(grid, "-", PAINT_PLAIN);
        else
                put_number(grid, rate < 10 ? "%.1f" : "%.0f", rate);
        put_number(grid, "%.0f%%", 100 * share);
        grid_text(grid,
                  is_open && is_blocked ? "OB"
                  : is_open             ? "O"
                  : is_blocked          ? "B"
                                        : "",
                  paint);
        put_rule(grid, nearest);
}

/* Tables that have a key. */
static unsigned count_tables(json_t *answer)
{
        const char *before = "";
        unsigned tables = 0;
        size_t i;
        json_t *key;

        json_array_foreach(json_object_get(answer, "keys"), i, key)
        {
                tables += strcmp(before, text_of(key, "per")) != 0;
                before = text_of(key, "per");
        }
        return tables;
}

/* At most `keys` of each table. */
static void print_keys(const struct top *top, json_t *answer, unsigned keys,
                       const struct screen *screen, unsigned columns)
{
        struct grid *grid = grid_new(titles);
        const char *before = "";
        unsigned of_table = 0;
        size_t i;
        json_t *key;

        json_array_foreach(json_object_get(answer, "keys"), i, key)
        {
                if (strcmp(before, text_of(key, "per")) != 0)
                        of_table = 0;
                before = text_of(key, "per");
                if (of_table++ < keys)
                        put_key(top, grid, key, columns);
        }
        if (i == 0)
                printf("No key was seen in the last minutes.\n");
        grid_print(grid, screen);
        grid_free(&grid);
}

/* ---- once ---- */

/* Two looks, so that there are rates. */
static enum exit_status print_once(struct top *top)
{
        struct buf answer = { 0 }, why = { 0 };
        unsigned keys = top->keys ? top->keys : KEYS_ONCE;
        struct screen screen = screen_of_stdout();
        json_t *object = ask(top, keys, &answer, &why);

        if (object && !top->ctl->json) {
                keep(top, object);
                struct timespec wait = { top->wait_ns / NS_PER_SEC,
                                         top->wait_ns % NS_PER_SEC };
                nanosleep(&wait, NULL);
                object = ask(top, keys, &answer, &why);
        }
        if (!object) {
                ctl_complain(top->ctl, "%.*s", (int)why.len, (const char *)why.data);
        } else if (top->ctl->json) {
                ctl_put(stdout, &answer);
                putchar('\n');
        } else {
                print_keys(top, object, keys, &screen,
                           screen.width ? screen.width : NARROW);
        }
        enum exit_status status = object ? EXIT_DONE : EXIT_FAILED;
        json_decref(object);
        buf_free(&answer);
        buf_free(&why);
        return status;
}

/* ---- live ---- */

/* As many of each table as fit. */
static unsigned keys_that_fit(const struct top *top, json_t *answer, unsigned lines)
{
        unsigned tables = count_tables(answer);
        unsigned fit = lines > HEAD_LINES && tables ? (lines - HEAD_LINES) / tables : 1;

        if (fit == 0)
                fit = 1;
        return top->keys && top->keys < fit ? top->keys : fit;
}

static void draw(struct top *top, struct buf *answer)
{
        struct buf why = { 0 };
        struct screen screen = screen_of_stdout();
        json_t *object = ask(top, top->keys ? top->keys : KEYS_MAX, answer, &why);
        unsigned lines, columns;

        terminal_begin(&lines, &columns);
        printf("Busiest keys; O: incident open, B: blocked; q quits\n\n");
        if (object)
                print_keys(top, object, keys_that_fit(top, object, lines), &screen,
                           columns);
        else
                printf("%.*s\n", (int)why.len, (const char *)why.data);
        fflush(stdout);
        keep(top, object);
        buf_free(&why);
}

static enum exit_status watch(struct top *top)
{
        enum terminal_event event = TERMINAL_TIME;
        struct buf answer = { 0 };

        terminal_enter();
        while (event == TERMINAL_TIME && !ferror(stdout)) {
                draw(top, &answer);
                event = terminal_wait(top->wait_ns);
        }
        terminal_leave();
        buf_free(&answer);
        if (event == TERMINAL_SIGNAL)
                terminal_die();
        return EXIT_DONE;
}

/* The first answer is awaited before the screen is taken: a message would be lost on it.
 */
static enum exit_status begin_watching(struct top *top)
{
        struct buf answer = { 0 }, why = { 0 };
        json_t *object = ask(top, 1, &answer, &why);

        if (!object)
                ctl_complain(top->ctl, "%.*s", (int)why.len, (const char *)why.data);
        enum exit_status status = object ? watch(top) : EXIT_FAILED;
        json_decref(object);
        buf_free(&answer);
        buf_free(&why);
        return status;
}

/* ---- options ---- */

static bool parse_numbers(struct top *top, const char *keys, const char *interval)
{
        uint64_t number;

        if (keys && (!slice_to_u64(slice_str(keys), &number) || number == 0 ||
                     number > KEYS_MAX)) {
                ctl_complain(top->ctl, "-n takes a number from 1 to %d, not '%s'",
                             KEYS_MAX, keys);
                return false;
        }
        top->keys = keys ? (unsigned)number : 0;
        if (interval && (!text_duration_ns(slice_str(interval), &top->wait_ns) ||
                         top->wait_ns < 100 * NS_PER_MS)) {
                ctl_complain(top->ctl,
                             "--interval takes a duration from 100ms on, not '%s'",
                             interval);
                return false;
        }
        return true;
}

enum exit_status command_top(struct ctl *ctl, int argc, char **argv)
{
        struct top top = { .ctl = ctl };
        const char *keys = NULL, *interval = NULL;
        bool once = false;
        const struct ctl_option own[] = {
                { "once", NULL, &once },
                { "n", &keys, NULL },
                { "interval", &interval, NULL },
                { NULL, NULL, NULL },
        };
        enum exit_status status = ctl_parse(ctl, argc, argv, own);

        if (status != EXIT_DONE)
                return status;
        if (ctl->argument_count) {
                ctl_complain(ctl, "takes no '%s'; see trawlctl top --help",
                             ctl->arguments[0]);
                return EXIT_USAGE;
        }
        once |= ctl->json || !terminal_is_there();
        top.wait_ns = once ? ONCE_TIME : LIVE_TIME;
        if (!parse_numbers(&top, keys, interval))
                return EXIT_USAGE;
        char *path = daemon_path(ctl, &status);
        top.path = path;
        if (path)
                status = once ? print_once(&top) : begin_watching(&top);
        keep(&top, NULL);
        free(path);
        return status;
}
