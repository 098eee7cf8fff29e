/* SPDX-License-Identifier: MIT */
/* trawlctl status: how the running daemon is. */
#include <stdlib.h>

#include "daemon.h"
#include "screen.h"

#define TEXT_MAX 32

static json_t *at(json_t *object, const char *a, const char *b)
{
        json_t *inner = json_object_get(object, a);

        return b ? json_object_get(inner, b) : inner;
}

static double number(json_t *object, const char *a, const char *b)
{
        return json_number_value(at(object, a, b));
}

static const char *text(json_t *object, const char *a, const char *b)
{
        const char *value = json_string_value(at(object, a, b));

        return value ? value : "";
}

/* 1.5k, 23M: three digits are enough. */
static const char *scaled(double value, double step, char out[TEXT_MAX])
{
        static const char *const letters[] = { "", "k", "M", "G", "T" };
        unsigned i = 0;

        while (value >= step && i < 4) {
                value /= step;
                i++;
        }
        snprintf(out, TEXT_MAX,
                 value < 9.95 && (i || value != (double)(long)value) ? "%.1f%s"
                                                                     : "%.0f%s",
                 value, letters[i]);
        return out;
}

static const char *count_text(double value, char out[TEXT_MAX])
{
        return scaled(value, 1000, out);
}

static const char *bytes_text(double value, char out[TEXT_MAX])
{
        return scaled(value, 1024, out);
}

static const char *duration_text(double seconds, char out[TEXT_MAX])
{
        long s = (long)seconds;

        if (s >= 86400)
                snprintf(out, TEXT_MAX, "%ldd %ldh", s / 86400, s % 86400 / 3600);
        else if (s >= 3600)
                snprintf(out, TEXT_MAX, "%ldh %ldm", s / 3600, s % 3600 / 60);
        else if (s >= 60)
                snprintf(out, TEXT_MAX, "%ldm %lds", s / 60, s % 60);
        else
                snprintf(out, TEXT_MAX, "%lds", s);
        return out;
}

static void print_text(const char *value)
{
        struct buf shown = { 0 };

        put_printable(&shown, slice_str(value));
        ctl_put(stdout, &shown);
        buf_free(&shown);
}

static void print_head(json_t *o, const struct screen *screen)
{
        bool is_healthy = json_is_true(at(o, "healthy", NULL));
        enum paint paint = is_healthy ? PAINT_STRONG : PAINT_ALARM;
        char up[TEXT_MAX];
        size_t i;
        json_t *reason;

        printf("trawlwatchd ");
        print_text(text(o, "version", NULL));
        printf(" as ");
        print_text(text(o, "sensor", NULL));
        printf(", up %s, %.0f rules: %s%s%s\n",
               duration_text(number(o, "uptime_seconds", NULL), up),
               number(o, "rules", NULL), screen_on(screen, paint),
               is_healthy ? "all is well" : "something is wrong",
               screen_off(screen, paint));
        json_array_foreach(at(o, "reasons", NULL), i, reason)
        {
                printf("  ");
                print_text(json_string_value(reason));
                putchar('\n');
        }
}

static void print_traffic(json_t *o, const struct screen *screen)
{
        static const char *const titles[] = { "TRAFFIC", "A SECOND", "TOTAL", NULL };
        static const char *const rows[] = { "packets",      "bytes",  "requests",
                                            "transactions", "hellos", "alerts" };
        struct grid *grid = grid_new(titles);
        char cell[TEXT_MAX];

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                const char *(*show)(double, char *) =
                    strcmp(rows[i], "bytes") == 0 ? bytes_text : count_text;
                grid_text(grid, rows[i], PAINT_PLAIN);
                grid_text(grid, show(number(o, "rates", rows[i]), cell), PAINT_STRONG);
                grid_text(grid, show(number(o, "totals", rows[i]), cell), PAINT_PLAIN);
        }
        putchar('\n');
        grid_print(grid, screen);
        grid_free(&grid);
}

static void put_used(struct grid *grid, const char *what, double used, double limit,
                     const char *(*show)(double, char *))
{
        char cell[TEXT_MAX];
        double share = limit > 0 ? 100 * used / limit : 0;

        grid_text(grid, what, PAINT_PLAIN);
        grid_text(grid, show(used, cell), PAINT_PLAIN);
        grid_text(grid, show(limit, cell), PAINT_PLAIN);
        snprintf(cell, sizeof(cell), "%.0f%%", share);
        grid_text(grid, cell, share >= 90 ? PAINT_WARNING : PAINT_PLAIN);
}

static void print_limits(json_t *o, const struct screen *screen)
{
        static const char *const titles[] = { "LIMIT", "USED", "OF", "", NULL };
        struct grid *grid = grid_new(titles);
        const char *name;
        json_t *budget;

        json_object_foreach(at(o, "memory", NULL), name, budget)
            put_used(grid, name, number(budget, "bytes", NULL),
                     number(budget, "limit", NULL), bytes_text);
        put_used(grid, "flows", number(o, "flows", "open"), number(o, "flows", "limit"),
                 count_text);
        put_used(grid, "incidents", number(o, "incidents", "open"),
                 number(o, "incidents", "limit"), count_text);
        put_used(grid, "journal", number(o, "journal", "bytes"),
                 number(o, "journal", "limit"), bytes_text);
        putchar('\n');
        grid_print(grid, screen);
        grid_free(&grid);
}

static void print_tables(json_t *o, const struct screen *screen)
{
        static const char *const titles[] = { "KEYS PER", "KNOWN", "MEMORY", "FORGOTTEN",
                                              NULL };
        struct grid *grid = grid_new(titles);
        char cell[TEXT_MAX];
        size_t i;
        json_t *table;

        json_array_foreach(at(o, "tables", NULL), i, table)
        {
                grid_text(grid, text(table, "per", NULL), PAINT_PLAIN);
                grid_text(grid, count_text(number(table, "keys", NULL), cell),
                          PAINT_PLAIN);
                grid_text(grid, bytes_text(number(table, "bytes", NULL), cell),
                          PAINT_PLAIN);
                grid_text(grid, count_text(number(table, "evicted", NULL), cell),
                          PAINT_PLAIN);
        }
        putchar('\n');
        grid_print(grid, screen);
        grid_free(&grid);
}

static void print_interfaces(json_t *o)
{
        size_t i;
        json_t *one;

        putchar('\n');
        json_array_foreach(at(o, "interfaces", NULL), i, one)
        {
                printf("Interface ");
                print_text(text(one, "name", NULL));
                printf(": %s; dropped %.0f by the kernel, %.0f by the interface\n",
                       json_is_true(at(one, "open", NULL)) ? "open" : "gone",
                       number(one, "kernel_drops", NULL),
                       number(one, "interface_drops", NULL));
        }
}

static void print_redis(json_t *o)
{
        char down[TEXT_MAX];

        if (!json_is_true(at(o, "redis", "configured")))
                printf("Redis: none is configured; alerts stay in the journal\n");
        else if (json_is_true(at(o, "redis", "up")))
                printf("Redis: up; %.0f alerts wait\n", number(o, "redis", "waiting"));
        else
                printf("Redis: away for %s; %.0f alerts wait\n",
                       duration_text(number(o, "redis", "down_seconds"), down),
                       number(o, "redis", "waiting"));
}

static void print_status(json_t *o)
{
        struct screen screen = screen_of_stdout();

        print_head(o, &screen);
        print_traffic(o, &screen);
        print_limits(o, &screen);
        print_tables(o, &screen);
        print_interfaces(o);
        print_redis(o);
}

static enum exit_status tell(const struct ctl *ctl, const char *path,
                             const struct buf *answer, json_t *object)
{
        (void)path;
        if (ctl->json) {
                ctl_put(stdout, answer);
                putchar('\n');
        } else {
                print_status(object);
        }
        return EXIT_DONE;
}

enum exit_status command_status(struct ctl *ctl, int argc, char **argv)
{
        return daemon_command(ctl, argc, argv, "status", tell);
}
