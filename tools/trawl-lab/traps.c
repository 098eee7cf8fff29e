/* SPDX-License-Identifier: MIT */
/*
 * Traps: what looks like harvesting or a burst of fake accounts to somebody who does not
 * look closely, and must not alarm. Each class is a table of what is usual; what is done
 * is one of four things:
 *
 *      a crowd     people with something in common (gather.c)
 *      sign-ups    of people at one place (signup.c)
 *      a reader    a program that reads profiles with good reason (scrape.c)
 *      polling     of the same few things (poll.c)
 */
#include "gather.h"
#include "poll.h"
#include "scrape_keys.h"
#include "signup.h"
#include "sources.h"

#include <string.h>

static uint32_t group_of(struct lab *lab, const struct entry *e)
{
        return lab_group(lab, SIDE_TRAP, entry_class_name(e), entry_json(e));
}

/* ---- crowds ---- */

#define CROWD(people, mixed, lasts)                                            \
        KEY_COUNT("people", people, 1e7, "who come"), KEY_SOFTWARE("browser"), \
            KEY_TRUTH("mixed", mixed, "each person has its own software"),     \
            KEY_SPAN("lasts", lasts, 86400, "they come over so long"),         \
        {                                                                      \
                "visits", PARAMETER_COUNT, "1", 1, 100, NULL, "of each person" \
        }

/* What a visit is like; as people's, where nothing is said. */
#define VISITS(views, think)                                                 \
        KEY_COUNT("views", views, 1e5, "pages of each visit; 0: as people"), \
            KEY_SPAN("think", think, 3600, "median between two pages; 0s: as people")

static const struct entry_key cgnat_keys[] = {
        SCHEDULE_KEYS("1", "30m"),
        POOL_KEYS("1", "address", "mobile"),
        CROWD("600", "yes", "5h"),
        VISITS("0", "0s"),
        { NULL },
};

static const struct entry_key company_keys[] = {
        SCHEDULE_KEYS("1", "1h"),
        POOL_KEYS("1", "address", "company"),
        CROWD("800", "no", "10h"),
        VISITS("0", "0s"),
        { NULL },
};

/* `views` are profiles here: of each visit. */
static const struct entry_key recruiter_keys[] = {
        SCHEDULE_KEYS("1", "10h"),
        POOL_KEYS("1", "address", "home"),
        KEY_COUNT("people", "1", 1e5, "who read"),
        KEY_SOFTWARE("browser"),
        KEY_TRUTH("mixed", "yes", "each person has its own software"),
        KEY_SPAN("lasts", "8h", 86400, "their visits begin over so long"),
        { "visits", PARAMETER_COUNT, "4", 1, 100, NULL, "of each person" },
        VISITS("100", "20s"),
        KEY_PART("stray", "0.4", "part of the views that follows no popularity"),
        { NULL },
};

static const struct entry_key viral_keys[] = {
        SCHEDULE_KEYS("1", "14h"),
        POOL_KEYS("5000", "anywhere", "home"),
        CROWD("5000", "yes", "4h"),
        VISITS("2", "0s"),
        { NULL },
};

static const struct entry_key release_keys[] = {
        SCHEDULE_KEYS("1", "1h"),
        POOL_KEYS("10000", "anywhere", "home"),
        CROWD("10000", "no", "21h"),
        VISITS("0", "0s"),
        { NULL },
};

static const struct entry_key vpn_keys[] = {
        SCHEDULE_KEYS("1", "2h"),
        POOL_KEYS("1", "address", "vpn"),
        CROWD("300", "yes", "20h"),
        VISITS("0", "0s"),
        { NULL },
};

static const struct entry_key accessible_keys[] = {
        SCHEDULE_KEYS("1", "2h"),
        POOL_KEYS("100", "anywhere", "home"),
        CROWD("100", "yes", "20h"),
        VISITS("0", "40s"),
        { NULL },
};

static const struct entry_key app_keys[] = {
        SCHEDULE_KEYS("1", "2h"),
        POOL_KEYS("1000", "anywhere", "mobile"),
        KEY_COUNT("people", "1000", 1e7, "who come"),
        KEY_SOFTWARE("java-okhttp"),
        KEY_TRUTH("mixed", "no", "each person has its own software"),
        KEY_SPAN("lasts", "20h", 86400, "they come over so long"),
        { "visits", PARAMETER_COUNT, "1", 1, 100, NULL, "of each person" },
        VISITS("15", "4s"),
        { NULL },
};

static const struct entry_key prefetch_keys[] = {
        SCHEDULE_KEYS("1", "2h"),
        POOL_KEYS("300", "anywhere", "home"),
        CROWD("300", "no", "20h"),
        VISITS("0", "0s"),
        { NULL },
};

static const struct entry_key stripped_keys[] = {
        SCHEDULE_KEYS("1", "1h"),
        POOL_KEYS("1", "address", "company"),
        CROWD("300", "no", "9h"),
        VISITS("0", "0s"),
        { NULL },
};

static bool is_class(const struct entry *e, const char *name)
{
        return strcmp(entry_class_name(e), name) == 0;
}

static struct people_visit visit_of(const struct entry *e)
{
        bool is_recruiter = is_class(e, "trap-recruiter");

        return (struct people_visit){
                .views = (unsigned)entry_count(e, "views"),
                .think = (double)entry_duration(e, "think") / 1e9,
                .stray = is_recruiter              ? entry_number(e, "stray")
                         : is_class(e, "trap-app") ? 0.2
                                                   : -1,
                .circle = is_recruiter ? 0.15 : -1,
                .is_recruiter = is_recruiter,
                .is_plain = is_class(e, "trap-accessible"),
                .prefetches = is_class(e, "trap-prefetch"),
                .loses_cookies = is_class(e, "trap-stripped"),
        };
}

static void begin_crowd(struct lab *lab, const struct entry *e, struct dice *dice,
                        int64_t now_ns)
{
        const struct gather_plan plan = {
                .pool = pool_plan_of(lab, e, ""),
                .people = (uint32_t)entry_count(e, "people"),
                .visits = (uint32_t)entry_count(e, "visits"),
                .software = entry_text(e, "software"),
                .mixed = entry_truth(e, "mixed"),
                .lasts_ns = entry_duration(e, "lasts"),
                .is_told = is_class(e, "trap-viral"),
                .is_api = is_class(e, "trap-app"),
                .visit = visit_of(e),
        };

        if (plan.people > 0)
                gather_start(lab, &plan, group_of(lab, e), dice, now_ns);
}

/* ---- sign-ups ---- */

static const struct entry_key classroom_keys[] = {
        SCHEDULE_KEYS("1", "6h"),
        POOL_KEYS("1", "address", "company"),
        SIGNUP_WHO("browser", "no", "yes", "1"),
        SIGNUP_KEYS("30", "450/h", "human", "1", "45s", "human"),
        SIGNUP_EMAILS("domain", "person"),
        { NULL },
};

static const struct entry_key conference_keys[] = {
        SCHEDULE_KEYS("1", "8h"),
        POOL_KEYS("6", "network", "company"),
        SIGNUP_WHO("browser", "yes", "yes", "1"),
        SIGNUP_KEYS("150", "150/h", "human", "1", "50s", "human"),
        SIGNUP_EMAILS("person", "person"),
        { NULL },
};

static const struct entry_key family_keys[] = {
        SCHEDULE_KEYS("1", "16h"),
        POOL_KEYS("1", "address", "home"),
        SIGNUP_WHO("browser", "yes", "yes", "1"),
        SIGNUP_KEYS("5", "4/h", "human", "1", "60s", "human"),
        SIGNUP_EMAILS("family", "person"),
        { NULL },
};

static void begin_signups(struct lab *lab, const struct entry *e, struct dice *dice,
                          int64_t now_ns)
{
        const struct signup_plan plan = signup_plan_of(lab, e, "");

        signup_start(lab, &plan, group_of(lab, e), dice, now_ns);
}

/* ---- readers ---- */

static const struct entry_key preview_keys[] = {
        SCHEDULE_KEYS("1", "10m"),
        POOL_KEYS("20", "network", "hosting"),
        KEY_ROTATE("0"),
        KEY_SESSION("none"),
        KEY_ACCOUNTS("0"),
        KEY_SOFTWARE("facebook-preview"),
        KEY_BEHAVIOUR("no", "no", "no", "no"),
        KEY_VOLUME("0", "0"),
        { "order", PARAMETER_CHOICE, "popular", 0, 0, scrape_orders, "of the profiles" },
        KEY_COUNT("span", "0", 1e9, "not for this order"),
        { "exponent", PARAMETER_NUMBER, "0.8", 0, 3, NULL, "of Zipf's law" },
        KEY_TRUTH("repeats", "yes", "each time that somebody shares one"),
        KEY_PARTS("0", "0"),
        KEY_WORKERS("0"),
        KEY_RATE("3/m"),
        KEY_TIMES("20s", "23h", "human"),
        { NULL },
};

static const struct entry_key crawler_keys[] = {
        SCHEDULE_KEYS("1", "10m"),
        POOL_KEYS("40", "network", "hosting"),
        KEY_ROTATE("0"),
        KEY_SESSION("none"),
        KEY_ACCOUNTS("0"),
        KEY_SOFTWARE("googlebot"),
        KEY_BEHAVIOUR("no", "no", "no", "no"),
        KEY_VOLUME("0", "0"),
        KEY_ORDER("shuffled"),
        KEY_PARTS("0", "0.01"),
        KEY_WORKERS("0"),
        KEY_RATE("60/m"),
        KEY_TIMES("20s", "23h", "jitter"),
        { NULL },
};

static const struct entry_key archive_keys[] = {
        SCHEDULE_KEYS("1", "12h"),
        POOL_KEYS("1", "address", "company"),
        KEY_ROTATE("0"),
        KEY_SESSION("kept"),
        KEY_ACCOUNTS("0"),
        KEY_SOFTWARE("httrack"),
        KEY_BEHAVIOUR("no", "yes", "yes", "no"),
        KEY_VOLUME("5000", "0"),
        KEY_ORDER("graph"),
        KEY_PARTS("0", "0"),
        KEY_WORKERS("1"),
        KEY_RATE("60/m"),
        KEY_TIMES("20s", "0s", "jitter"),
        { NULL },
};

static void begin_reader(struct lab *lab, const struct entry *e, struct dice *dice,
                         int64_t now_ns)
{
        const struct scrape_plan plan = scrape_plan_of(lab, e);

        scrape_start(scrape_new(lab, &plan, group_of(lab, e), dice, now_ns), lab, dice,
                     now_ns);
}

/* ---- polling ---- */

#define POLLING(software, mixed, things, interval, pause, jitter, unchanged)       \
        { "software", PARAMETER_TEXT, software, 0, 0, NULL, "as of an attacker" }, \
            KEY_TRUTH("mixed", mixed, "each program is another one"),              \
            { "things",                                                            \
              PARAMETER_COUNT,                                                     \
              things,                                                              \
              1,                                                                   \
              1e6,                                                                 \
              NULL,                                                                \
              "that each asks for: feeds, profiles" },                             \
            KEY_SPAN("interval", interval, 86400, "between two rounds over them"), \
            KEY_SPAN("pause", pause, 3600, "between two of a round"),              \
            KEY_TRUTH("jitter", jitter, "rounds do not begin on the dot"),         \
            { "unchanged",                                                         \
              PARAMETER_NUMBER,                                                    \
              unchanged,                                                           \
              0,                                                                   \
              1,                                                                   \
              NULL,                                                                \
              "part that is answered with 304" },                                  \
            KEY_SPAN("lasts", "24h", 30 * 86400.0, "then they stop")

static const struct entry_key health_keys[] = {
        SCHEDULE_KEYS("1", "0s"),
        POOL_KEYS("3", "network", "hosting"),
        POLLING("haproxy-check", "no", "1", "5s", "0s", "no", "0"),
        { NULL },
};

static const struct entry_key feed_keys[] = {
        SCHEDULE_KEYS("1", "0s"),
        POOL_KEYS("300", "anywhere", "home"),
        POLLING("newsboat", "no", "8", "30m", "1s", "yes", "0.9"),
        { NULL },
};

static const struct entry_key partner_keys[] = {
        SCHEDULE_KEYS("1", "0s"),
        POOL_KEYS("1", "address", "hosting"),
        POLLING("library", "no", "60", "1h", "20s", "yes", "0"),
        { NULL },
};

static enum page polled(const struct entry *e)
{
        if (is_class(e, "trap-health"))
                return PAGE_HEALTH;
        return is_class(e, "trap-feed") ? PAGE_FEED : PAGE_PROFILE;
}

static void begin_polling(struct lab *lab, const struct entry *e, struct dice *dice,
                          int64_t now_ns)
{
        const struct poll_plan plan = {
                .pool = pool_plan_of(lab, e, ""),
                .software = entry_text(e, "software"),
                .mixed = entry_truth(e, "mixed"),
                .page = polled(e),
                .things = (uint32_t)entry_count(e, "things"),
                .interval_ns = entry_duration(e, "interval"),
                .pause_ns = entry_duration(e, "pause"),
                .jitter = entry_truth(e, "jitter"),
                .unchanged = entry_number(e, "unchanged"),
                .lasts_ns = entry_duration(e, "lasts"),
        };

        poll_start(lab, &plan, group_of(lab, e), dice, now_ns);
}

/* ---- the source ---- */

const struct entry_class trap_classes[] = {
        { "trap-cgnat", "an evening behind one address of a carrier", cgnat_keys },
        { "trap-company", "an office with one browser behind one address", company_keys },
        { "trap-recruiter", "reads profiles for a living, all day", recruiter_keys },
        { "trap-viral", "everybody looks at one profile", viral_keys },
        { "trap-release", "people have another browser over night", release_keys },
        { "trap-vpn", "people behind one exit of a VPN", vpn_keys },
        { "trap-accessible", "people without pictures and scripts", accessible_keys },
        { "trap-app", "the site's own application: JSON and no page", app_keys },
        { "trap-prefetch", "browsers that fetch results beforehand", prefetch_keys },
        { "trap-stripped", "an office whose proxy takes the cookies", stripped_keys },
        { "trap-classroom", "pupils sign up within minutes", classroom_keys },
        { "trap-conference", "guests of one hotel sign up in an hour", conference_keys },
        { "trap-family", "a family signs up with one mailbox", family_keys },
        { "trap-preview", "messengers look at profiles that are shared", preview_keys },
        { "trap-crawler", "a search engine recrawls the site", crawler_keys },
        { "trap-archive", "the site's own people archive it", archive_keys },
        { "trap-health", "health checks", health_keys },
        { "trap-feed", "feed readers", feed_keys },
        { "trap-partner", "a partner watches its people's profiles", partner_keys },
        { NULL, NULL, NULL },
};

static const struct schedule_row rows[] = {
        { "trap-cgnat", begin_crowd },       { "trap-company", begin_crowd },
        { "trap-recruiter", begin_crowd },   { "trap-viral", begin_crowd },
        { "trap-release", begin_crowd },     { "trap-vpn", begin_crowd },
        { "trap-accessible", begin_crowd },  { "trap-app", begin_crowd },
        { "trap-prefetch", begin_crowd },    { "trap-stripped", begin_crowd },
        { "trap-classroom", begin_signups }, { "trap-conference", begin_signups },
        { "trap-family", begin_signups },    { "trap-preview", begin_reader },
        { "trap-crawler", begin_reader },    { "trap-archive", begin_reader },
        { "trap-health", begin_polling },    { "trap-feed", begin_polling },
        { "trap-partner", begin_polling },   { NULL, NULL },
};

void traps_begin(struct lab *lab)
{
        schedule_begin(lab, &lab_parameters(lab)->traps, rows);
}
