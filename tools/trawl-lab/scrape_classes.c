/* SPDX-License-Identifier: MIT */
/*
 * The classes of scrapers: what an entry may say of each, and what is usual. All say the
 * same things; scrape-adaptive also what it stays below.
 */
#include "scrape_keys.h"

#include "sources.h"

#include <math.h>
#include <string.h>

const char *const scrape_sessions[] = { "address", "kept", "dropped", "none", NULL };
const char *const scrape_orders[] = { "sequential", "shuffled", "graph", "popular",
                                      NULL };
const char *const scrape_timings[] = { "fixed", "jitter", "human", NULL };

static const struct entry_key address_keys[] = {
        SCHEDULE_KEYS("1", "20h"),
        POOL_KEYS("1", "address", "hosting"),
        KEY_ROTATE("0"),
        KEY_SESSION("kept"),
        KEY_ACCOUNTS("0"),
        KEY_SOFTWARE("library"),
        KEY_BEHAVIOUR("no", "no", "no", "no"),
        KEY_VOLUME("1500", "0"),
        KEY_ORDER("shuffled"),
        KEY_PARTS("0", "0"),
        KEY_WORKERS("1"),
        KEY_RATE("60/m"),
        KEY_TIMES("20s", "0s", "fixed"),
        { 0 },
};

static const struct entry_key network_keys[] = {
        SCHEDULE_KEYS("1", "16h"),
        POOL_KEYS("50", "network", "hosting"),
        KEY_ROTATE("0"),
        KEY_SESSION("address"),
        KEY_ACCOUNTS("0"),
        KEY_SOFTWARE("library"),
        KEY_BEHAVIOUR("no", "no", "no", "no"),
        KEY_VOLUME("10000", "0"),
        KEY_ORDER("shuffled"),
        KEY_PARTS("0", "0"),
        KEY_WORKERS("0"),
        KEY_RATE("60/m"),
        KEY_TIMES("20s", "0s", "jitter"),
        { 0 },
};

static const struct entry_key addresses_keys[] = {
        SCHEDULE_KEYS("1", "10h"),
        POOL_KEYS("300", "anywhere", "home"),
        KEY_ROTATE("1"),
        KEY_SESSION("address"),
        KEY_ACCOUNTS("0"),
        KEY_SOFTWARE("copied"),
        KEY_BEHAVIOUR("no", "no", "no", "no"),
        KEY_VOLUME("6000", "0"),
        KEY_ORDER("shuffled"),
        KEY_PARTS("0", "0"),
        KEY_WORKERS("8"),
        KEY_RATE("10/m"),
        KEY_TIMES("20s", "0s", "jitter"),
        { 0 },
};

static const struct entry_key accounts_keys[] = {
        SCHEDULE_KEYS("1", "14h"),
        POOL_KEYS("400", "anywhere", "home"),
        KEY_ROTATE("10"),
        KEY_SESSION("kept"),
        KEY_ACCOUNTS("20"),
        KEY_SOFTWARE("browser"),
        KEY_BEHAVIOUR("no", "no", "yes", "no"),
        KEY_VOLUME("8000", "0"),
        KEY_ORDER("graph"),
        KEY_PARTS("0", "0"),
        KEY_WORKERS("0"),
        KEY_RATE("20/m"),
        KEY_TIMES("20s", "0s", "human"),
        { 0 },
};

static const struct entry_key slow_keys[] = {
        SCHEDULE_KEYS("1", "0s"),
        POOL_KEYS("2000", "anywhere", "home"),
        KEY_ROTATE("0"),
        KEY_SESSION("address"),
        KEY_ACCOUNTS("0"),
        KEY_SOFTWARE("browser"),
        KEY_BEHAVIOUR("no", "yes", "yes", "yes"),
        KEY_VOLUME("0", "8"),
        KEY_ORDER("shuffled"),
        KEY_PARTS("0", "0"),
        KEY_WORKERS("0"),
        KEY_RATE("1/s"),
        KEY_TIMES("25s", "23h", "human"),
        { 0 },
};

static const struct entry_key adaptive_keys[] = {
        SCHEDULE_KEYS("1", "4h"),
        POOL_KEYS("30", "anywhere", "home"),
        KEY_ROTATE("0"),
        KEY_SESSION("kept"),
        KEY_ACCOUNTS("0"),
        KEY_SOFTWARE("browser"),
        KEY_BEHAVIOUR("no", "yes", "yes", "no"),
        KEY_VOLUME("0", "0"),
        KEY_ORDER("shuffled"),
        KEY_PARTS("0", "0"),
        KEY_WORKERS("6"),
        KEY_RATE("2/s"),
        KEY_TIMES("20s", "12h", "human"),
        KEY_COUNT(
            "address_10m", "120", 1e5,
            "what it knows of: so many different profiles of an address in 10 minutes; "
            "0: nothing"),
        KEY_COUNT("address_1h", "380", 1e5, "in an hour"),
        KEY_COUNT("address_1d", "0", 1e5, "in a day"),
        KEY_COUNT("session_10m", "180", 1e5, "the same of a session"),
        KEY_COUNT("session_1h", "380", 1e5, "in an hour"),
        KEY_COUNT("session_1d", "0", 1e5, "in a day"),
        KEY_PART("margin", "0.1", "stays below by that part"),
        { 0 },
};

const struct entry_class scrape_classes[] = {
        { "scrape-address", "one address", address_keys },
        { "scrape-network", "the addresses of one network", network_keys },
        { "scrape-addresses", "many addresses anywhere, a new connection each",
          addresses_keys },
        { "scrape-accounts", "accounts over addresses that change", accounts_keys },
        { "scrape-slow", "many addresses with a few profiles each, as people have them",
          slow_keys },
        { "scrape-adaptive", "knows thresholds, and stays below them", adaptive_keys },
        { NULL, NULL, NULL },
};

static struct pace_limits limits_of(const struct entry *e, const char *const name[])
{
        double part = 1 - entry_number(e, "margin");
        struct pace_limits limits;

        /* Rounded down, but not to none, which would be no limit. */
        for (unsigned i = 0; i < PACE_WINDOWS; i++) {
                double most = (double)entry_count(e, name[i]);

                limits.most[i] = most > 0 ? (uint32_t)fmax(1, floor(most * part)) : 0;
        }
        return limits;
}

static void read_limits(struct scrape_plan *plan, const struct entry *e)
{
        static const char *const of_address[] = { "address_10m", "address_1h",
                                                  "address_1d" };
        static const char *const of_session[] = { "session_10m", "session_1h",
                                                  "session_1d" };

        plan->address_below = limits_of(e, of_address);
        plan->session_below = limits_of(e, of_session);
}

struct scrape_plan scrape_plan_of(const struct lab *lab, const struct entry *e)
{
        struct scrape_plan plan = {
                .pool = pool_plan_of(lab, e, ""),
                .rotate = (uint32_t)entry_count(e, "rotate"),
                .session = entry_choice(e, "session"),
                .accounts = (uint32_t)entry_count(e, "accounts"),
                .software = entry_text(e, "software"),
                .mixed = entry_truth(e, "mixed"),
                .assets = entry_truth(e, "assets"),
                .referers = entry_truth(e, "referers"),
                .searches = entry_truth(e, "searches"),
                .order = { .kind = entry_choice(e, "order"),
                           .span = (uint32_t)entry_count(e, "span"),
                           .exponent = entry_number(e, "exponent"),
                           .repeats = entry_truth(e, "repeats") },
                .profiles = entry_count(e, "profiles"),
                .each = (uint32_t)entry_count(e, "each"),
                .revisits = entry_number(e, "revisits"),
                .guesses = entry_number(e, "guesses"),
                .workers = (uint32_t)entry_count(e, "workers"),
                .rate = entry_rate(e, "rate"),
                .pause_ns = entry_duration(e, "pause"),
                .lasts_ns = entry_duration(e, "lasts"),
                .timing = entry_choice(e, "timing"),
        };

        if (strcmp(entry_class_name(e), "scrape-adaptive") == 0)
                read_limits(&plan, e);
        return plan;
}
