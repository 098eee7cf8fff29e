/* SPDX-License-Identifier: MIT */
#include "screen.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/check.h"

#define COLUMNS_MAX 12
#define GAP         2

struct cell {
        char *text;
        unsigned width;
        enum paint paint;
};

struct grid {
        const char *const *titles;
        unsigned columns;
        unsigned widths[COLUMNS_MAX];
        bool has_titles; /* printed already */
        struct cell *cells;
        size_t count, room;
};

static const char *const codes[] = {
        [PAINT_PLAIN] = "",         [PAINT_STRONG] = "\033[1m",
        [PAINT_ALARM] = "\033[31m", [PAINT_WARNING] = "\033[33m",
        [PAINT_FAINT] = "\033[2m",
};

struct screen screen_of_stdout(void)
{
        const char *no_colour = getenv("NO_COLOR"), *kind = getenv("TERM");
        struct screen screen = { 0 };
        struct winsize size;

        if (!isatty(STDOUT_FILENO))
                return screen;
        screen.width = 80;
        if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col)
                screen.width = size.ws_col;
        screen.colour =
            !(no_colour && *no_colour) && !(kind && strcmp(kind, "dumb") == 0);
        return screen;
}

const char *screen_on(const struct screen *screen, enum paint paint)
{
        return screen->colour ? codes[paint] : "";
}

const char *screen_off(const struct screen *screen, enum paint paint)
{
        return screen->colour && paint != PAINT_PLAIN ? "\033[0m" : "";
}

enum paint paint_of_severity(enum severity severity)
{
        if (severity >= SEVERITY_HIGH)
                return PAINT_ALARM;
        return severity == SEVERITY_MEDIUM ? PAINT_WARNING : PAINT_PLAIN;
}

/* Length of the well-formed sequence at the front that may be shown, else 0. */
static size_t shown_sequence(struct slice s)
{
        uint8_t first = s.data[0];
        size_t len = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
        uint32_t point = len == 1 ? first : first & (0x7fu >> len);

        if (len > s.len || first > 0xf4 || (first >= 0x80 && first < 0xc2))
                return 0;
        for (size_t i = 1; i < len; i++) {
                if ((s.data[i] & 0xc0) != 0x80)
                        return 0;
                point = point << 6 | (s.data[i] & 0x3f);
        }
        if ((len == 3 && point < 0x800) || (len == 4 && point < 0x10000) ||
            point > 0x10ffff)
                return 0;
        /* C0, DEL, C1, surrogates, and what turns the direction of writing. */
        if (point < 0x20 || (point >= 0x7f && point < 0xa0) ||
            (point >= 0xd800 && point < 0xe000) || point == 0x200e || point == 0x200f ||
            (point >= 0x202a && point <= 0x202e) || (point >= 0x2066 && point <= 0x2069))
                return 0;
        return len;
}

void put_printable(struct buf *out, struct slice text)
{
        while (text.len) {
                size_t len = shown_sequence(text);
                if (len)
                        buf_put(out, text.data, len);
                else
                        buf_put_byte(out, '?');
                text = slice_from(text, len ? len : 1);
        }
}

/* In code points: what is wider on a terminal is rare here, and only shifts a line. */
static unsigned width_of(const char *text)
{
        unsigned width = 0;

        for (; *text; text++)
                width += ((unsigned char)*text & 0xc0) != 0x80;
        return width;
}

struct grid *grid_new(const char *const *titles)
{
        struct grid *grid = calloc(1, sizeof(*grid));

        CHECK(grid != NULL);
        grid->titles = titles;
        for (; titles[grid->columns]; grid->columns++) {
                CHECK(grid->columns < COLUMNS_MAX);
                grid->widths[grid->columns] = width_of(titles[grid->columns]);
        }
        return grid;
}

static void drop_cells(struct grid *grid)
{
        for (size_t i = 0; i < grid->count; i++)
                free(grid->cells[i].text);
        grid->count = 0;
}

void grid_free(struct grid **grid)
{
        if (!*grid)
                return;
        drop_cells(*grid);
        free((*grid)->cells);
        free(*grid);
        *grid = NULL;
}

void grid_cell(struct grid *grid, struct slice text, enum paint paint)
{
        unsigned column = (unsigned)(grid->count % grid->columns);
        struct buf shown = { 0 };
        struct cell *cell;

        if (grid->count == grid->room) {
                grid->room = grid->room ? 2 * grid->room : 64;
                grid->cells = realloc(grid->cells, grid->room * sizeof(*cell));
                CHECK(grid->cells != NULL);
        }
        put_printable(&shown, text);
        buf_put_byte(&shown, 0);
        cell = &grid->cells[grid->count++];
        *cell = (struct cell){ (char *)shown.data, width_of((char *)shown.data), paint };
        if (cell->width > grid->widths[column])
                grid->widths[column] = cell->width;
}

void grid_text(struct grid *grid, const char *text, enum paint paint)
{
        grid_cell(grid, slice_str(text), paint);
}

/* The first `width` code points. */
static int bytes_of(const char *text, unsigned width)
{
        const char *at = text;

        while (*at && width) {
                at++;
                while (((unsigned char)*at & 0xc0) == 0x80)
                        at++;
                width--;
        }
        return (int)(at - text);
}

static void print_row(const struct grid *grid, const struct cell *cells,
                      const struct screen *screen)
{
        unsigned used = 0;

        for (unsigned i = 0; i < grid->columns; i++) {
                const struct cell *cell = &cells[i];
                bool last = i + 1 == grid->columns;
                unsigned room = cell->width;
                if (last && screen->width > used + 8 && screen->width - used < room)
                        room = screen->width - used;
                printf("%s%.*s%s", screen_on(screen, cell->paint),
                       bytes_of(cell->text, room), cell->text,
                       screen_off(screen, cell->paint));
                if (!last)
                        printf("%*s", (int)(grid->widths[i] - cell->width + GAP), "");
                used += grid->widths[i] + GAP;
        }
        putchar('\n');
}

static void print_titles(struct grid *grid, const struct screen *screen)
{
        struct cell cells[COLUMNS_MAX];

        for (unsigned i = 0; i < grid->columns; i++)
                cells[i] = (struct cell){ (char *)grid->titles[i],
                                          width_of(grid->titles[i]), PAINT_STRONG };
        print_row(grid, cells, screen);
        grid->has_titles = true;
}

void grid_print(struct grid *grid, const struct screen *screen)
{
        CHECK(grid->count % grid->columns == 0);
        if (grid->count && !grid->has_titles)
                print_titles(grid, screen);
        for (size_t at = 0; at < grid->count; at += grid->columns)
                print_row(grid, grid->cells + at, screen);
        drop_cells(grid);
        fflush(stdout);
}
