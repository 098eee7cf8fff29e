/* SPDX-License-Identifier: MIT */
/*
 * unfetched - does a key view pages and not fetch what they bring?
 *
 * A browser that is shown a page fetches styles, scripts and pictures next; a program
 * that reads profiles has no use for them. How much of it the sensor sees differs from
 * site to site (another host has them, the browser keeps them, one page is the whole
 * application), so what people do is learnt here, on this site:
 *
 *      views    GET, 2xx, of any page of the site map but asset, api, health and other
 *      fetches  whatever is asked for of the pages asset and api
 *
 * When a key has 4, 8, 16, ... 32768 views in its window, it is *looked at*: how many
 * fetches were there for each view, in eleven classes (none, up to 1/64, 1/32, ... 4, and
 * more)? For each of these looks the table remembers how its keys came out. The value is
 *
 *      -log10 (n + 1/2) / (N + 1)     n of N keys fetched as little or less
 *
 * of the look at which that is largest. A look holds until the window has fewer than half
 * of its views. What a request claims to be (Sec-Fetch-*, Accept) is no matter: it is the
 * client's word, and a view is a view.
 *
 * - A key counts once a day (UTC) for each look, by the least that it fetched at any of
 *   these, so that (n + 1/2) / (N + 1) is the chance that it says as much on any day.
 * - N are the days before, each losing an eighth of its weight a day: some eight days'
 *   worth. Of a look that fewer than 50 keys came to nothing is said, nor on the first
 *   day, nor with less than 12 h of history.
 * - Attackers are keys, too. Of what is rare a day adds at most twice the share that it
 *   had, so that what is new takes weeks to become usual, whoever does it.
 * - What a quarter of the last 128 keys does is usual at once: the site has moved its
 *   pictures, say.
 * - A look in whose window the sensor missed anything, or began, is not made.
 *
 * What it does not see is in docs/detection-functions.md.
 *
 * Cost: a few additions; at a look some 300 more. Memory: 56 bytes a key, 1864 once for
 * each unfetched(w) of a table. These structures begin as zeroes.
 */
#ifndef DETECT_UNFETCHED_H
#define DETECT_UNFETCHED_H

#include "detect/slot.h"

#define UNFETCHED_LOOKS   14
#define UNFETCHED_FIRST   4U /* views at the first look; twice as many at the next */
#define UNFETCHED_RATIOS  11
#define UNFETCHED_KNOWN   50  /* keys that came to a look */
#define UNFETCHED_RECENT  128 /* keys */
#define UNFETCHED_SUDDEN  0.25
#define UNFETCHED_HISTORY (12 * 3600 * NS_PER_SEC)

/* How keys came out. What all keys of a table have in common. */
struct unfetched_usual {
        int64_t began_ns; /* first count; 0: none yet */
        int64_t day;
        float before[UNFETCHED_LOOKS][UNFETCHED_RATIOS]; /* the days before, faded */
        float today[UNFETCHED_LOOKS][UNFETCHED_RATIOS];
        float recent[UNFETCHED_LOOKS][UNFETCHED_RATIOS]; /* shares of the last keys */
};

/* Of a key in a window. In `looks` and `counted` four bits are a look: its class and one
   more, or 0. */
struct unfetched {
        uint64_t looks;   /* those that hold */
        uint64_t counted; /* on that day */
        uint32_t day;
        uint16_t views[WINDOW_PANES], fetches[WINDOW_PANES];
};

void unfetched_rotate(struct unfetched *, int64_t from, int64_t to);

/* A fetch in a pane that is not over for long. */
void unfetched_fetch(struct unfetched *, int64_t pane);

/*
 * A view in such a pane, while `running` is the running one. `is_whole`: all of the
 * window was captured.
 */
void unfetched_view(struct unfetched_usual *, struct unfetched *, int64_t pane,
                    int64_t running, int64_t time_ns, bool is_whole);

/* NaN: missing. */
double unfetched_value(const struct unfetched_usual *, const struct unfetched *);

/* SLOT_UNFETCHED: unfetched([cond,] w) */
void unfetched_slot_rotate(const struct slot_place *, int64_t from, int64_t to);
void unfetched_slot_count(const struct slot_place *, struct facts *, int64_t pane);
double unfetched_slot_value(const struct slot_place *);

#endif
