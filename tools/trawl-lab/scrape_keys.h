/* SPDX-License-Identifier: MIT */
/*
 * scrape_keys - what an entry may say of somebody who reads profiles to keep them.
 *
 * Each class that is such a plan (scrapers, farms, some traps) has a table of all these
 * keys, with what is usual for it; scrape_plan_of() reads them.
 */
#ifndef LAB_SCRAPE_KEYS_H
#define LAB_SCRAPE_KEYS_H

#include "schedule.h"
#include "scrape.h"

extern const char *const scrape_sessions[], *const scrape_orders[],
                                                *const scrape_timings[];

#define KEY_COUNT(name, usual, most, help)                        \
        {                                                         \
                name, PARAMETER_COUNT, usual, 0, most, NULL, help \
        }
#define KEY_TRUTH(name, usual, help)                           \
        {                                                      \
                name, PARAMETER_TRUTH, usual, 0, 0, NULL, help \
        }
#define KEY_PART(name, usual, help)                                \
        {                                                          \
                name, PARAMETER_NUMBER, usual, 0, 0.95, NULL, help \
        }
#define KEY_CHOICE(name, usual, of, help)                     \
        {                                                     \
                name, PARAMETER_CHOICE, usual, 0, 0, of, help \
        }
#define KEY_SPAN(name, usual, most, help)                            \
        {                                                            \
                name, PARAMETER_DURATION, usual, 0, most, NULL, help \
        }

/* Who. */
#define KEY_ROTATE(usual)               \
        KEY_COUNT("rotate", usual, 1e6, \
                  "moves to the next address after so many profiles; 0: never")
#define KEY_SESSION(usual)                                                            \
        KEY_CHOICE("session", usual, scrape_sessions,                                 \
                   "cookies: address (kept while it is at one), kept, dropped (each " \
                   "answer sets a new one), none")
#define KEY_ACCOUNTS(usual)               \
        KEY_COUNT("accounts", usual, 1e5, \
                  "visitors that are logged in, each with one; 0: nobody is")
#define KEY_SOFTWARE(usual)                                                         \
        {                                                                           \
                "software", PARAMETER_TEXT, usual, 0, 0, NULL,                      \
                    "library, browser, copied, copied NAME, or NAME: one recorded " \
                    "software"                                                      \
        }

/* How. */
#define KEY_BEHAVIOUR(mixed, assets, referers, searches)                      \
        KEY_TRUTH("mixed", mixed, "each visitor draws its own software"),     \
            KEY_TRUTH("assets", assets, "fetches what pages bring"),          \
            KEY_TRUTH("referers", referers, "says from which page it comes"), \
            KEY_TRUTH("searches", searches, "comes to profiles from pages of results")

/* What. */
#define KEY_VOLUME(profiles, each)                                               \
        KEY_COUNT("profiles", profiles, 1e9,                                     \
                  "different ones, all together; 0: as many as `lasts` allows"), \
            KEY_COUNT(                                                           \
                "each", each, 1e6,                                               \
                "sittings: profiles of each visitor; 0: a crew that shares `rate`")
#define KEY_ORDER(usual)                                                                   \
        KEY_CHOICE("order", usual, scrape_orders, "in which profiles are read"),           \
            KEY_COUNT(                                                                     \
                "span", "0", 1e9,                                                          \
                "sequential, shuffled: of so many neighbours by joining; 0: of all"),      \
            { "exponent", PARAMETER_NUMBER, "0.8", 0, 3, NULL, "popular: of Zipf's law" }, \
            KEY_TRUTH("repeats", "no", "popular: others may have read it already")
#define KEY_PARTS(revisits, guesses)                                \
        KEY_PART("revisits", revisits,                              \
                 "part of the views: profiles that it had before"), \
            KEY_PART("guesses", guesses,                            \
                     "part of the views: profiles that there are not")

/* When. */
#define KEY_WORKERS(usual) \
        KEY_COUNT("workers", usual, 1e5, "of a crew, at once; 0: one for each address")
#define KEY_RATE(usual)                                         \
        {                                                       \
                "rate", PARAMETER_RATE, usual, 1e-6, 1e5, NULL, \
                    "of a crew: views, all together"            \
        }
#define KEY_TIMES(pause, lasts, timing)                                      \
        KEY_SPAN("pause", pause, 86400, "sittings: mean between two views"), \
            KEY_SPAN("lasts", lasts, 30 * 86400.0, "0s: until all is read"), \
            KEY_CHOICE("timing", timing, scrape_timings, "of the times between views")

#endif
