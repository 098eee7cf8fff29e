/* SPDX-License-Identifier: MIT */
/* The table of parameters. A new one is a row here and a field in parameters.h. */
#include "parameters_priv.h"

#include <stddef.h>

static const char *const naming_words[] = { "name", "number", "uuid", NULL };
static const char *const way_words[] = { "forwarded", "proxy", "direct", NULL };
static const char *const terminator_words[] = { "nginx", "haproxy", NULL };

/* The field's place; does not compile cleanly when its type is not the row's. */
#define AT(field, ctype)                     \
        offsetof(struct parameters, field) + \
            0 * sizeof((ctype *)0 == &((struct parameters *)0)->field)

#define NUMBER(name, field, usual, least, most, help)                                \
        {                                                                            \
                name, PARAMETER_NUMBER, AT(field, double), usual, least, most, NULL, \
                    help                                                             \
        }
#define COUNT(name, field, usual, least, most, help)                                  \
        {                                                                             \
                name, PARAMETER_COUNT, AT(field, uint64_t), usual, least, most, NULL, \
                    help                                                              \
        }
#define TRUTH(name, field, usual, help)                                         \
        {                                                                       \
                name, PARAMETER_TRUTH, AT(field, bool), usual, 0, 0, NULL, help \
        }
#define DURATION(name, field, usual, least, most, help)                                 \
        {                                                                               \
                name, PARAMETER_DURATION, AT(field, int64_t), usual, least, most, NULL, \
                    help                                                                \
        }
#define TEXT(name, field, usual, help)                                                 \
        {                                                                              \
                name, PARAMETER_TEXT, AT(field, const char *), usual, 0, 0, NULL, help \
        }
#define CHOICE(name, field, usual, words, help)                                       \
        {                                                                             \
                name, PARAMETER_CHOICE, AT(field, unsigned), usual, 0, 0, words, help \
        }
#define NUMBERS(name, field, usual, least, most, help)                                  \
        {                                                                               \
                name, PARAMETER_NUMBERS, AT(field, struct numbers), usual, least, most, \
                    NULL, help                                                          \
        }
#define SHARES(name, field, usual, help)                                               \
        {                                                                              \
                name, PARAMETER_SHARES, AT(field, struct shares), usual, 0, 1e9, NULL, \
                    help                                                               \
        }
#define TEXTS(name, field, usual, help)                                                 \
        {                                                                               \
                name, PARAMETER_TEXTS, AT(field, struct texts), usual, 0, 0, NULL, help \
        }

/* What a page is called, how large its body is, and how long the site takes for it. */
#define PAGE_PATH(page, i, usual, help) TEXT("site.path." page, site.path[i], usual, help)
#define PAGE_BYTES(page, i, usual)                               \
        NUMBER("site.bytes." page, site.bytes[i], usual, 0, 1e8, \
               "median bytes of the body of a " page " page")
#define PAGE_LATENCY(page, i, usual)                                 \
        NUMBER("site.latency." page, site.latency[i], usual, 0, 6e4, \
               "median milliseconds until the answer to a " page " page")

const struct parameter_row parameter_rows[] = {
        COUNT("seed", seed, "1", 0, 0,
              "Everything is drawn from it: same parameters, same seed, same bytes"),
        NUMBER("days", days, "1", 0.001, 366, "How long the capture is"),
        TEXT("begin", begin, "2026-03-02", "The first day, from its midnight in UTC"),
        TEXT("clients", clients, "''",
             "Folder of the recorded heads; empty: the one that is installed"),

        TEXT("site.host", site.host, "network.example", "The site's name"),
        COUNT("site.profiles", site.profiles, "1M", 10, 2e9, "How many profiles it has"),
        NUMBER("site.zipf", site.zipf, "0.8", 0, 2,
               "Exponent of the law by which profiles are popular"),
        CHOICE("site.naming", site.naming, "name", naming_words,
               "What a profile is called in a path"),
        COUNT("site.number_first", site.number_first, "1000", 0, 1e12,
              "The oldest profile's number, where they have numbers"),
        NUMBER("site.number_gap", site.number_gap, "1.6", 1, 1000,
               "Mean step from one profile's number to the next one's"),
        TRUTH("site.app", site.is_app, "no",
              "A single-page application: a shell once, then JSON"),
        COUNT("site.links", site.links, "8", 1, 64,
              "Profiles that a profile's page links to"),
        COUNT("site.results", site.results, "10", 1, 64,
              "Profiles that a page of search results or a feed shows"),
        NUMBER("site.missing", site.missing, "0.4%", 0, 1,
               "Part of the profiles that is gone: their links are answered with 404"),
        PAGE_PATH("home", 0, "/", "Paths of pages; {number} tells variants apart"),
        PAGE_PATH("search", 1, "'/search?q={words}'", "{words} is what is looked for"),
        PAGE_PATH("profile", 2, "'/in/{target}'", "{target} names the profile"),
        PAGE_PATH("profile_api", 3, "'/api/people/{target}'", "The same one as JSON"),
        PAGE_PATH("signup_form", 4, "/signup", "The form of a sign-up"),
        PAGE_PATH("signup", 5, "/signup", "Where it is sent to (POST)"),
        PAGE_PATH("login", 6, "/login", "The login, form (GET) and sent (POST)"),
        PAGE_PATH("feed", 7, "/feed", "What is new; a member's first page"),
        PAGE_PATH("health", 8, "/healthz", "What monitors ask for"),
        TEXTS("site.path.others", site.others,
              "[/about, /jobs, /help, '/confirm?code={number}']",
              "Pages that the site map does not name; the last confirms a sign-up"),
        TEXT("site.path.asset", site.asset_path, "'/static/{number}'",
             "Style sheets, scripts and fonts; their ending is put after it"),
        TEXT("site.path.picture", site.picture_path, "'/static/people/{number}.jpg'",
             "The picture of a profile"),
        PAGE_BYTES("home", 0, "24000"),
        PAGE_BYTES("search", 1, "38000"),
        PAGE_BYTES("profile", 2, "31000"),
        PAGE_BYTES("profile_api", 3, "4200"),
        PAGE_BYTES("signup_form", 4, "14000"),
        PAGE_BYTES("signup", 5, "900"),
        PAGE_BYTES("login", 6, "9000"),
        PAGE_BYTES("feed", 7, "46000"),
        PAGE_BYTES("health", 8, "2"),
        PAGE_BYTES("other", 9, "18000"),
        NUMBER("site.bytes.sigma", site.bytes_sigma, "0.35", 0, 3,
               "Spread of all these (lognormal)"),
        PAGE_LATENCY("home", 0, "40"),
        PAGE_LATENCY("search", 1, "140"),
        PAGE_LATENCY("profile", 2, "70"),
        PAGE_LATENCY("profile_api", 3, "35"),
        PAGE_LATENCY("signup_form", 4, "30"),
        PAGE_LATENCY("signup", 5, "220"),
        PAGE_LATENCY("login", 6, "180"),
        PAGE_LATENCY("feed", 7, "120"),
        PAGE_LATENCY("health", 8, "1"),
        PAGE_LATENCY("other", 9, "40"),
        NUMBER("site.latency.sigma", site.latency_sigma, "0.6", 0, 3,
               "Spread of all these (lognormal)"),
        COUNT("site.styles", site.styles, "2", 0, 16, "Style sheets that pages bring"),
        COUNT("site.scripts", site.scripts, "4", 0, 32, "Scripts that pages bring"),
        COUNT("site.fonts", site.fonts, "2", 0, 16, "Fonts that pages bring"),
        TEXT("site.session_cookie", site.session_cookie, "sid",
             "Name of the cookie that names a session"),
        TEXT("site.account_cookie", site.account_cookie, "uid",
             "Name of the cookie that names who is logged in"),
        TEXT("site.field_email", site.field_email, "email",
             "Names of the fields that a sign-up sends"),
        TEXT("site.field_name", site.field_name, "full_name", "The name's"),
        TEXT("site.field_phone", site.field_phone, "phone", "The telephone number's"),

        NUMBER("place.ipv6", place.ipv6, "35%", 0, 1,
               "Part of homes and mobiles that come by IPv6"),
        COUNT("place.mobile_sharing", place.mobile_sharing, "300", 1, 1e5,
              "People whom a mobile carrier puts behind one address (CGNAT)"),
        COUNT("place.vpn_exits", place.vpn_exits, "400", 1, 4000,
              "Addresses that all users of VPNs share"),
        NUMBER("place.household", place.household, "1.8", 1, 20,
               "People who share the address of a home"),
        NUMBER("place.company_small", place.company_small, "200", 1, 1e6,
               "People behind the address of a company, at the least"),
        NUMBER("place.company_large", place.company_large, "2000", 1, 1e6,
               "... and at the most"),

        COUNT("people.count", people.count, "20k", 0, 1e8,
              "Different people who come on a usual day"),
        NUMBER("people.days_between", people.days_between, "8", 1, 1000,
               "Median of the days between two days that a person comes"),
        NUMBER("people.return_spread", people.return_spread, "1", 0, 3,
               "Spread of that between people (lognormal)"),
        NUMBERS(
            "people.day", people.day,
            "[18, 11, 7, 5, 5, 8, 18, 38, 62, 78, 84, 86, 82, 80, 80, 78, 76, 76, 80, "
            "88, 92, 84, 62, 36]",
            0, 1e6, "Weight of each hour of the day"),
        NUMBERS("people.week", people.week, "[1.08, 1.12, 1.12, 1.08, 0.98, 0.78, 0.84]",
                0, 100, "Weight of each day of the week, from Monday"),
        NUMBER("people.sessions", people.sessions, "1.35", 1, 20,
               "Mean sessions on a day, of those who come"),
        NUMBER("people.views_mean", people.views_mean, "3", 1, 1000,
               "Pages in a session: mean (inverse Gaussian)"),
        NUMBER("people.views_lambda", people.views_lambda, "6.2", 0.01, 1e4,
               "... and its shape, lambda"),
        NUMBER("people.views_spread", people.views_spread, "0.4", 0, 2,
               "Spread of the mean between people (lognormal)"),
        NUMBER("people.think_median", people.think_median, "12", 0.1, 3600,
               "Seconds between two pages: median (lognormal)"),
        NUMBER("people.think_sigma", people.think_sigma, "1.2", 0, 3,
               "... and its spread within a session"),
        NUMBER("people.think_spread", people.think_spread, "0.4", 0, 2,
               "Spread of the median between people (lognormal)"),
        NUMBER("people.recruiters", people.recruiters, "3%", 0, 1,
               "Part of the people whose work is to look at profiles"),
        NUMBER("people.recruiter_views", people.recruiter_views, "60", 1, 5000,
               "Profiles that a recruiter views on a day: median (lognormal)"),
        NUMBER("people.recruiter_views_sigma", people.recruiter_views_sigma, "0.8", 0, 2,
               "... and its spread, between recruiters and days"),
        NUMBER("people.recruiter_sessions", people.recruiter_sessions, "3", 1, 20,
               "Mean sessions of a recruiter on a day"),
        NUMBER("people.recruiter_think", people.recruiter_think, "20", 0.1, 3600,
               "A recruiter's median of seconds between two pages: median"),
        NUMBER("people.recruiter_think_sigma", people.recruiter_think_sigma, "0.5", 0, 2,
               "... and its spread between recruiters"),
        NUMBER("people.circle", people.circle, "55%", 0, 1,
               "Views of a circle of one's own, which is seen again and again: mean"),
        NUMBER("people.circle_spread", people.circle_spread, "15%", 0, 1,
               "... and its deviation between people; a recruiter has a third"),
        NUMBER("people.circle_size", people.circle_size, "6", 1, 10000,
               "Profiles of one's own circle: median (lognormal)"),
        NUMBER("people.circle_sigma", people.circle_sigma, "0.8", 0, 3,
               "... and its spread"),
        NUMBER("people.again", people.again, "8%", 0, 1,
               "Views of a profile that was looked at minutes ago"),
        NUMBER("people.stray", people.stray, "10%", 0, 1,
               "Other views that follow no popularity: mean, from 0 to twice that"),
        NUMBER("people.recruiter_stray", people.recruiter_stray, "40%", 0, 1,
               "The same of recruiters"),
        NUMBER("people.searches", people.searches, "5", 0, 1000,
               "How often a profile is come to by a search (weight)"),
        NUMBER("people.feeds", people.feeds, "2", 0, 1000, "... from the feed (weight)"),
        NUMBER("people.linked", people.linked, "2", 0, 1000,
               "... by a link of another profile (weight)"),
        NUMBER("people.direct", people.direct, "1", 0, 1000,
               "... by a bookmark or a mail (weight)"),
        NUMBER("people.backs", people.backs, "40%", 0, 1,
               "Chance to go back to the results after a profile, for another one"),
        NUMBER("people.from_outside", people.from_outside, "35%", 0, 1,
               "Sessions that begin at a profile, come from a search engine"),
        NUMBER("people.prefetch", people.prefetch, "12%", 0, 1,
               "People whose browser fetches links before they are followed"),
        NUMBER("people.prefetch_links", people.prefetch_links, "3", 1, 20,
               "... how many of a page of results"),
        COUNT("people.pictures", people.pictures, "4", 0, 64,
              "Pictures of a page of results that are in sight, and so are fetched"),
        NUMBER("people.plain", people.plain, "0.5%", 0, 1,
               "People whose browser fetches pages alone: text browsers, screen readers"),
        NUMBER("people.api_clients", people.api_clients, "4", 0, 1e5,
               "Programs of members that the site allows, which ask for JSON"),
        NUMBER("people.api_requests", people.api_requests, "600", 1, 1e6,
               "Requests of each on a day: median (lognormal, sigma 0.8)"),
        NUMBER("people.members", people.members, "60%", 0, 1,
               "People who have an account from the beginning"),
        NUMBER("people.forgets_cookies", people.forgets_cookies, "15%", 0, 1,
               "People who come without cookies in each session (private windows)"),
        NUMBER("people.no_cookies", people.no_cookies, "1%", 0, 1,
               "People whose browser takes no cookie at all"),
        NUMBER("people.cookie_life", people.cookie_life, "30", 1, 1000,
               "Days that a session's cookie is kept: median (lognormal, sigma 0.5)"),
        NUMBER(
            "people.signups", people.signups, "1.5%", 0, 1,
            "Chance that somebody without an account takes one, on a day that he comes"),
        NUMBER("people.signup_fill", people.signup_fill, "100", 1, 36000,
               "Seconds to fill in the form: median (lognormal)"),
        NUMBER("people.signup_fill_sigma", people.signup_fill_sigma, "0.6", 0, 2,
               "... and its spread"),
        NUMBER("people.signup_fails", people.signup_fails, "12%", 0, 1,
               "First tries that are refused, and mended"),
        NUMBER("people.signup_phone", people.signup_phone, "30%", 0, 1,
               "Sign-ups that give a telephone number"),
        NUMBER("people.signup_confirms", people.signup_confirms, "80%", 0, 1,
               "Sign-ups whose mail is confirmed within minutes"),
        SHARES("people.mail", people.mail,
               "{gmail.com: 46, outlook.com: 9, hotmail.com: 9, yahoo.com: 8, "
               "icloud.com: 7, "
               "gmx.net: 6, web.de: 5, aol.com: 2, proton.me: 2, posteo.de: 0.5, "
               "company.example: 3, university.example: 2.5}",
               "Providers of people's mail addresses, by share"),
        SHARES(
            "people.languages", people.languages,
            "{en-US: 40, en-GB: 14, de-DE: 16, fr-FR: 12, es-ES: 10, nl-NL: 4, pl-PL: 4}",
            "Languages of people's browsers, by share"),
        NUMBER("people.cache_days", people.cache_days, "10", 0, 60,
               "Days that shared assets stay in a browser's cache"),
        NUMBER("people.conditional", people.conditional, "2%", 0, 1,
               "Cached assets that are asked for again: 304"),
        NUMBER("people.mobile", people.mobile, "38%", 0, 1,
               "People who mostly come by a mobile carrier"),
        NUMBER("people.mobile_moves", people.mobile_moves, "2%", 0, 1,
               "Chance of another address at a page, when mobile"),
        NUMBER("people.company", people.company, "5%", 0, 1,
               "People who come by a company's network in working hours"),
        NUMBER("people.vpn", people.vpn, "3%", 0, 1, "People who come by a VPN"),
        NUMBER("people.reconnects", people.reconnects, "20%", 0, 1,
               "Homes that have another address every day; others every month"),

        CHOICE("wire.way", wire.way, "forwarded", way_words,
               "Behind a terminator that sends X-Forwarded-For on shared connections; "
               "behind one that sends the PROXY protocol; or the visitors themselves"),
        CHOICE("wire.terminator", wire.terminator, "nginx", terminator_words,
               "How a terminator writes its headers: nginx's before the visitor's, "
               "haproxy's in lower case and at the end"),
        TEXT("wire.server", wire.server, "10.0.0.5", "The server's address"),
        TEXT("wire.server_6", wire.server_6, "'fd00::5'",
             "... for visitors with IPv6 who come themselves"),
        COUNT("wire.server_port", wire.server_port, "8080", 1, 65535, "Its port"),
        TEXTS("wire.terminators", wire.terminators, "[10.0.0.2, 10.0.0.3]",
              "The terminators' addresses (IPv4)"),
        COUNT("wire.upstream_requests", wire.upstream_requests, "1000", 1, 1e9,
              "Requests on a connection of a terminator, then it is closed"),
        DURATION("wire.upstream_idle", wire.upstream_idle, "60s", 1, 86400,
                 "How long a terminator keeps a connection that nobody uses"),
        DURATION("wire.visitor_idle", wire.visitor_idle, "65s", 1, 86400,
                 "How long the site keeps a visitor's connection"),
        COUNT(
            "wire.segment", wire.segment, "64000", 536, 64000,
            "Most bytes of payload in one frame: 1448 on a cable, more where the network "
            "card or the kernel joins segments"),
        TRUTH("wire.bodies", wire.has_bodies, "no",
              "Bodies of answers are in the capture; else its frames end before them, as "
              "with a short snapshot length"),
        { 0 },
};
