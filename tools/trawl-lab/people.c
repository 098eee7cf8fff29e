/* SPDX-License-Identifier: MIT */
/*
 * A day's sessions are put in order beforehand, eight bytes each. A session is an actor:
 *
 *      page -> its parts (style sheets, pictures, links beforehand) -> thinking -> page
 * ...
 *
 * What comes after a page depends on where one is: a search leads to a profile, a profile
 * back to the search, to another one beside it, to the feed, or away.
 */
#include "sources.h"

#include "names.h"
#include "people.h"
#include "person.h"

#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_SEC 1e9
#define NS_PER_DAY INT64_C(86400000000000)

/* How long a browser takes before it asks for the parts, and between two of them. */
#define RENDER_NS   30e6
#define PART_NS     6e6
#define LEAST_THINK 0.4
#define SEEN_MAX    4 /* profiles that one remembers in a session */

/* ---- a session ---- */

enum doing { DOING_PAGE, DOING_PARTS };

enum cookie { COOKIE_NONE, COOKIE_ANONYMOUS, COOKIE_MEMBER };

struct cookies {
        enum cookie kind;
        char session[40], account[24]; /* empty: none */
};

/* Where a sign-up stands. */
enum joining {
        JOINING_NOT,
        JOINING_WANTS,
        JOINING_FORM,
        JOINING_AGAIN, /* it was refused */
        JOINING_DONE,
        JOINING_MAIL, /* which is to be confirmed */
};

struct visit {
        struct actor actor;
        const struct crowd *crowd;
        struct person person;
        int64_t day;
        uint32_t session_number, changes;
        bool is_mobile, is_working_hour;
        struct address from;

        struct cookies cookies;
        uint64_t cookie_name;
        bool is_member; /* has an account */

        enum doing doing;
        enum page page; /* that is asked for next, or shown */
        uint32_t number;
        bool is_post;
        enum page before; /* the page whose link was followed */
        uint32_t before_number;
        bool has_before;
        enum page list; /* the last page of results or the feed, to go back to */
        uint32_t list_number;
        bool has_list;

        unsigned part, pictures, views_left;
        uint32_t seen[SEEN_MAX];
        unsigned seen_count;
        unsigned prefetch_left;
        uint32_t chosen;                 /* the profile that is meant */
        bool has_chosen, is_chosen_here; /* it was fetched beforehand */
        bool is_warm, was_warm; /* shared assets are there; were before this page */
        bool has_shell;
        enum joining joining;
        const struct emails *emails; /* that are given; NULL: its own one */
};

static struct address where(struct visit *v, struct lab *lab)
{
        return person_address(v->crowd, &v->person, lab_places(lab), v->day,
                              v->is_working_hour, v->session_number, v->changes,
                              &v->is_mobile);
}

/* ---- cookies ---- */

static void name_session(const struct visit *v, const struct site *site, enum cookie kind,
                         struct cookies *cookies)
{
        site_session(site, dice_mix(v->cookie_name, kind), cookies->session);
        cookies->kind = kind;
        if (kind == COOKIE_MEMBER)
                site_account(site, v->person.name, cookies->account);
}

/* Cookies are the same until they run out, or are lost at the end of each session. */
static void set_cookies(struct visit *v, const struct site *site)
{
        int64_t life = v->person.cookie_days;
        int64_t offset = (int64_t)(v->person.name % (uint64_t)life);
        int64_t epoch = (v->day + offset) / life;
        bool keeps = !v->person.forgets && !v->person.takes_no_cookies;
        bool has_come =
            v->session_number > 0 ||
            person_came(v->crowd, &v->person, epoch * life - offset, v->day - 1);

        v->cookie_name = dice_mix(v->person.name + 77, (uint64_t)epoch);
        if (!keeps)
                v->cookie_name =
                    dice_mix(v->cookie_name, (uint64_t)v->day * 64 + v->session_number);
        if (keeps && has_come)
                name_session(v, site, v->is_member ? COOKIE_MEMBER : COOKIE_ANONYMOUS,
                             &v->cookies);
}

/* ---- requests ---- */

static void send(struct visit *v, struct lab *lab, int64_t now_ns, enum request_kind kind,
                 enum method method, const char *path, int32_t target,
                 const struct signup_fields *fields, struct response *response)
{
        char referer[SITE_PATH_MAX];
        const struct cookies *cookies = &v->cookies;
        struct request request = {
                .software = v->person.software,
                .kind = kind,
                .from = v->from,
                .method = method,
                .path = path,
                .session = cookies->session[0] ? cookies->session : NULL,
                .account = cookies->account[0] ? cookies->account : NULL,
                .language = v->person.language,
                .fields = fields,
                .target = target,
        };

        if (v->has_before) {
                site_path(lab_site(lab), v->before, v->before_number, referer);
                request.referer = referer;
        }
        lab_request(lab, &v->actor, now_ns, &request, response);
}

/* The page at hand becomes the one whose links are followed. */
static void set_before(struct visit *v)
{
        v->before = v->page;
        v->before_number = v->number;
        v->has_before = true;
}

static bool is_list(enum page page)
{
        return page == PAGE_SEARCH || page == PAGE_FEED;
}

static bool is_of_app(const struct visit *v, const struct site *site)
{
        return site_is_app(site) && v->has_shell && !v->is_post &&
               (v->page == PAGE_PROFILE || is_list(v->page));
}

static void set_status(struct visit *v, const struct site *site, struct response *r)
{
        r->status = 200;
        if (v->page == PAGE_PROFILE && !site_is_there(site, v->number))
                r->status = 404;
        else if (v->page == PAGE_SIGNUP)
                r->status = v->joining == JOINING_AGAIN ? 422 : 303;
        else if (v->page == PAGE_LOGIN && v->is_post)
                r->status = 302;
}

/* What the answer sets: a first cookie, or that of who is logged in from now on. */
static void set_answer_cookies(struct visit *v, const struct site *site,
                               struct response *r, struct cookies *cookies)
{
        if (v->is_post && r->status / 100 == 3) {
                name_session(v, site, COOKIE_MEMBER, cookies);
                v->is_member = true;
                r->set_account = cookies->account;
        } else if (v->cookies.kind == COOKIE_NONE) {
                if (v->person.takes_no_cookies) /* the site sees somebody new each time */
                        v->cookie_name = dice_bits(&v->actor.dice);
                name_session(v, site, COOKIE_ANONYMOUS, cookies);
        } else {
                return;
        }
        r->set_session = cookies->session;
}

static void send_signup(struct visit *v, struct lab *lab, int64_t now_ns,
                        const char *path, struct response *r)
{
        const struct people_parameters *p = &v->crowd->p->people;
        struct name name = name_of(dice_mix(v->person.name, 5));
        struct dice own = dice_of(v->person.name, 6);
        char email[EMAIL_MAX_TEXT], full[2 * NAME_MAX_TEXT + 1], phone[20];

        if (v->emails)
                email_next(v->emails, &own, &name, email);
        else
                name_email(&name, &p->mail, &own, email);
        name_phone(&own, phone);
        snprintf(full, sizeof(full), "%s %s", name.first, name.last);
        struct signup_fields fields = { email, full,
                                        dice_chance(&own, p->signup_phone) ? phone
                                                                           : NULL };
        bool is_json = site_is_app(lab_site(lab));
        send(v, lab, now_ns, is_json ? REQUEST_FETCH : REQUEST_FORM, METHOD_POST, path,
             -1, &fields, r);
}

static enum request_kind kind_of_page(const struct visit *v, bool is_json)
{
        return is_json ? REQUEST_FETCH : v->is_post ? REQUEST_FORM : REQUEST_NAVIGATION;
}

static void send_page(struct visit *v, struct lab *lab, int64_t now_ns,
                      struct response *r)
{
        const struct site *site = lab_site(lab);
        bool is_json = is_of_app(v, site);
        enum page page = is_json && v->page == PAGE_PROFILE ? PAGE_PROFILE_API : v->page;
        struct cookies after =
            v->cookies; /* the request goes out with those from before */
        char path[SITE_PATH_MAX];

        site_path(site, page, v->number, path);
        set_status(v, site, r);
        r->bytes = site_bytes(site, page, &v->actor.dice);
        r->latency_ns = site_latency(site, page, &v->actor.dice);
        if (!is_json)
                set_answer_cookies(v, site, r, &after);
        if (v->page == PAGE_SIGNUP)
                send_signup(v, lab, now_ns, path, r);
        else
                send(v, lab, now_ns, kind_of_page(v, is_json),
                     v->is_post ? METHOD_POST : METHOD_GET, path,
                     v->page == PAGE_PROFILE ? (int32_t)v->number : -1, NULL, r);
        if (!v->person.takes_no_cookies)
                v->cookies = after;
}

/* ---- parts ---- */

static enum request_kind kind_of(enum asset_kind kind)
{
        static const enum request_kind kinds[] = {
                [ASSET_STYLE] = REQUEST_STYLE,
                [ASSET_SCRIPT] = REQUEST_SCRIPT,
                [ASSET_FONT] = REQUEST_FONT,
                [ASSET_IMAGE] = REQUEST_IMAGE,
        };

        return kinds[kind];
}

/* The next part that the browser does not have, with its status: 304 for one it asks for
 * all the same. False when there is none. */
static bool next_part(struct visit *v, const struct site *site, struct asset *asset,
                      uint16_t *status)
{
        bool is_json = is_of_app(v, site);
        enum page page = is_json && v->page == PAGE_PROFILE ? PAGE_PROFILE_API : v->page;

        if (v->person.is_plain || v->is_post)
                return false;
        while (site_asset(site, page, v->number, v->part++, asset)) {
                *status = 200;
                if (!asset->is_shared && site_is_app(site) && !v->has_shell)
                        return false;
                if (!asset->is_shared)
                        return v->pictures++ < v->crowd->p->people.pictures;
                if (!v->was_warm)
                        return true;
                *status = 304;
                if (!is_json &&
                    dice_chance(&v->actor.dice, v->crowd->p->people.conditional))
                        return true;
        }
        return false;
}

static void send_part(struct visit *v, struct lab *lab, int64_t now_ns,
                      const struct asset *asset, uint16_t status)
{
        struct response response = {
                .status = status,
                .bytes = asset->bytes,
                .latency_ns = (int64_t)dice_lognormal(&v->actor.dice, 3e6, 0.7),
        };

        send(v, lab, now_ns, kind_of(asset->kind), METHOD_GET, asset->path, -1, NULL,
             &response);
}

/* A link of the page that the browser follows on its own; the first is mostly right. */
static void send_prefetch(struct visit *v, struct lab *lab, int64_t now_ns)
{
        const struct site *site = lab_site(lab);
        bool is_chosen =
            v->has_chosen && !v->is_chosen_here && dice_chance(&v->actor.dice, 0.5);
        uint32_t profile =
            is_chosen ? v->chosen : site_shown(site, v->number, v->prefetch_left);
        struct response response = {
                .status = site_is_there(site, profile) ? 200 : 404,
                .bytes = site_bytes(site, PAGE_PROFILE, &v->actor.dice),
                .latency_ns = site_latency(site, PAGE_PROFILE, &v->actor.dice),
        };
        char path[SITE_PATH_MAX];

        v->is_chosen_here |= is_chosen;
        site_path(site, PAGE_PROFILE, profile, path);
        send(v, lab, now_ns, REQUEST_PREFETCH, METHOD_GET, path, (int32_t)profile, NULL,
             &response);
}

/* ---- what comes next ---- */

static void choose(struct visit *v, struct lab *lab)
{
        unsigned seen = v->seen_count < SEEN_MAX ? v->seen_count : SEEN_MAX;

        v->has_chosen = true;
        v->is_chosen_here = false;
        if (seen && dice_chance(&v->actor.dice, v->crowd->p->people.again))
                v->chosen = v->seen[dice_below(&v->actor.dice, seen)];
        else
                v->chosen = person_target(&v->person, lab_site(lab), &v->actor.dice);
}

static void go(struct visit *v, enum page page, uint32_t number)
{
        v->page = page;
        v->number = number;
        v->is_post = false;
}

static void go_to_list(struct visit *v, struct lab *lab, enum page page)
{
        choose(v, lab);
        /* One looks for the name of whom one means; a feed is another one each time. */
        uint32_t number =
            page == PAGE_SEARCH ? v->chosen : (uint32_t)dice_bits(&v->actor.dice);
        go(v, page, number);
        v->list = page;
        v->list_number = number;
        v->has_list = true;
}

/* Back to the results, which the browser still has, and to another of them. */
static void go_back(struct visit *v, struct lab *lab)
{
        v->before = v->list;
        v->before_number = v->list_number;
        v->has_before = true;
        choose(v, lab);
        go(v, PAGE_PROFILE, v->chosen);
}

static void go_on(struct visit *v, struct lab *lab)
{
        const struct people_parameters *p = &v->crowd->p->people;
        double weights[4] = { p->searches, v->is_member ? p->feeds : 0,
                              v->page == PAGE_PROFILE ? p->linked : 0, p->direct };

        if (v->page == PAGE_PROFILE && v->has_list &&
            dice_chance(&v->actor.dice, p->backs)) {
                go_back(v, lab);
                return;
        }
        set_before(v);
        switch (dice_weighted(&v->actor.dice, weights, 4)) {
        case 0:
                go_to_list(v, lab, PAGE_SEARCH);
                break;
        case 1:
                go_to_list(v, lab, PAGE_FEED);
                break;
        case 2:
                go(v, PAGE_PROFILE,
                   site_linked(lab_site(lab), v->number, dice_below(&v->actor.dice, 64)));
                break;
        default:
                v->has_before = false;
                choose(v, lab);
                go(v, PAGE_PROFILE, v->chosen);
                break;
        }
}

static int64_t think(struct visit *v, double scale)
{
        double seconds = dice_lognormal(&v->actor.dice, v->person.think * scale,
                                        v->crowd->p->people.think_sigma);

        if (seconds < LEAST_THINK)
                seconds = LEAST_THINK;
        return (int64_t)((seconds < 7200 ? seconds : 7200) * NS_PER_SEC);
}

static int64_t fill_in(struct visit *v, double scale)
{
        const struct people_parameters *p = &v->crowd->p->people;
        double seconds =
            dice_lognormal(&v->actor.dice, p->signup_fill * scale, p->signup_fill_sigma);

        return (int64_t)((seconds < 36000 ? seconds : 36000) * NS_PER_SEC);
}

static void go_post(struct visit *v, enum page page)
{
        set_before(v);
        go(v, page, 0);
        v->is_post = true;
}

/* The form, the form sent, perhaps sent again, and the mail that is to be confirmed. */
static int64_t go_on_joining(struct visit *v)
{
        const struct people_parameters *p = &v->crowd->p->people;
        uint32_t others = (uint32_t)v->crowd->p->site.others.count;

        switch (v->joining) {
        case JOINING_WANTS:
                set_before(v);
                go(v, PAGE_SIGNUP_FORM, 0);
                v->joining = JOINING_FORM;
                return think(v, 1);
        case JOINING_FORM:
                go_post(v, PAGE_SIGNUP);
                v->joining = dice_chance(&v->actor.dice, p->signup_fails) ? JOINING_AGAIN
                                                                          : JOINING_DONE;
                return fill_in(v, 1);
        case JOINING_AGAIN:
                go(v, PAGE_SIGNUP, 0);
                v->is_post = true;
                v->joining = JOINING_DONE;
                return fill_in(v, 0.25);
        case JOINING_DONE: /* sent on by the answer */
                v->joining = dice_chance(&v->actor.dice, p->signup_confirms)
                                 ? JOINING_MAIL
                                 : JOINING_NOT;
                go(v, PAGE_FEED, (uint32_t)dice_bits(&v->actor.dice));
                return (int64_t)(0.05 * NS_PER_SEC);
        default:
                v->joining = JOINING_NOT;
                v->has_before = false;
                go(v, PAGE_OTHER,
                   (uint32_t)(v->person.name % 1000000) * others + others - 1);
                return fill_in(v, 0.9);
        }
}

static void count_view(struct visit *v)
{
        bool counts = !v->person.is_recruiter || v->page == PAGE_PROFILE;

        if (counts && v->views_left)
                v->views_left--;
        if (v->page == PAGE_PROFILE)
                v->seen[v->seen_count++ % SEEN_MAX] = v->number;
}

/* Decides on the page after this one, and when; LAB_NEVER when that was all. */
static int64_t plan(struct visit *v, struct lab *lab)
{
        v->doing = DOING_PAGE;
        if (v->joining != JOINING_NOT)
                return go_on_joining(v);
        if (v->page == PAGE_LOGIN && !v->is_post) {
                go_post(v, PAGE_LOGIN);
                return think(v, 0.7);
        }
        if (v->page == PAGE_LOGIN) { /* sent on by the answer */
                go_to_list(v, lab, PAGE_FEED);
                return (int64_t)(0.05 * NS_PER_SEC);
        }
        if (!v->views_left)
                return LAB_NEVER;
        if (is_list(v->page) && v->has_chosen) {
                set_before(v);
                go(v, PAGE_PROFILE, v->chosen);
                v->has_chosen = false;
                return think(v, 0.7);
        }
        go_on(v, lab);
        return think(v, 1);
}

/* ---- steps ---- */

static bool is_page_here(const struct visit *v)
{
        return v->page == PAGE_PROFILE && v->is_chosen_here && v->number == v->chosen;
}

static int64_t do_page(struct visit *v, struct lab *lab, int64_t now_ns)
{
        const struct people_parameters *p = &v->crowd->p->people;
        struct response response = { 0 };

        if (v->is_mobile && dice_chance(&v->actor.dice, p->mobile_moves)) {
                v->changes++;
                v->from = where(v, lab);
        }
        count_view(v);
        if (!is_page_here(v))
                send_page(v, lab, now_ns, &response);
        v->doing = DOING_PARTS;
        v->part = v->pictures = 0;
        v->was_warm = v->is_warm;
        v->is_warm = true;
        v->prefetch_left = v->person.prefetches && is_list(v->page) && !v->has_shell
                               ? (unsigned)p->prefetch_links
                               : 0;
        return now_ns + response.latency_ns +
               (int64_t)dice_exponential(&v->actor.dice, RENDER_NS);
}

static int64_t do_parts(struct visit *v, struct lab *lab, int64_t now_ns)
{
        struct asset asset;
        uint16_t status;
        int64_t gap = (int64_t)dice_exponential(&v->actor.dice, PART_NS);
        bool was_before = v->has_before;
        enum page before = v->before;
        uint32_t before_number = v->before_number;
        bool has_sent = true;

        set_before(v); /* parts come from this page */
        if (next_part(v, lab_site(lab), &asset, &status)) {
                send_part(v, lab, now_ns, &asset, status);
        } else if (v->prefetch_left) {
                v->prefetch_left--;
                send_prefetch(v, lab, now_ns);
        } else {
                has_sent = false;
        }
        v->has_before = was_before;
        v->before = before;
        v->before_number = before_number;
        if (has_sent)
                return now_ns + gap;
        /* The shell of an application is there; now it asks for what it shows. */
        if (site_is_app(lab_site(lab)) && !v->has_shell && !v->is_post) {
                v->has_shell = true;
                if (is_of_app(v, lab_site(lab))) {
                        v->doing = DOING_PAGE;
                        v->views_left++; /* it is one page to who looks at it */
                        return now_ns + gap;
                }
        }
        int64_t pause = plan(v, lab);
        return pause == LAB_NEVER ? LAB_NEVER : now_ns + pause;
}

static int64_t visit_step(struct actor *actor, struct lab *lab, int64_t now_ns)
{
        struct visit *v = (struct visit *)actor;

        return v->doing == DOING_PAGE ? do_page(v, lab, now_ns)
                                      : do_parts(v, lab, now_ns);
}

static const struct actor_class visit_class = { "person", visit_step, NULL,
                                                sizeof(struct visit) };

/* ---- how a session begins ---- */

static unsigned views_of(struct visit *v, struct dice *day, unsigned sessions)
{
        const struct people_parameters *p = &v->crowd->p->people;
        double views;

        if (v->person.is_recruiter)
                views =
                    dice_lognormal(day, p->recruiter_views, p->recruiter_views_sigma) /
                    sessions;
        else
                views = dice_inverse_gaussian(&v->actor.dice, v->person.views,
                                              p->views_lambda * v->person.views /
                                                  p->views_mean);
        return views < 1 ? 1 : views < 5000 ? (unsigned)(views + 0.5) : 5000;
}

static void begin_at(struct visit *v, struct lab *lab)
{
        const struct people_parameters *p = &v->crowd->p->people;
        bool is_from_outside = dice_chance(&v->actor.dice, p->from_outside);
        bool logs_in = v->is_member && v->cookies.kind != COOKIE_MEMBER &&
                       (!is_from_outside || dice_chance(&v->actor.dice, 0.5));

        if (logs_in) {
                go(v, PAGE_LOGIN, 0);
        } else if (is_from_outside) {
                choose(v, lab);
                go(v, PAGE_PROFILE, v->chosen);
        } else if (v->is_member) {
                go_to_list(v, lab, PAGE_FEED);
        } else {
                go(v, PAGE_HOME, 0);
        }
}

static void begin_visit(const struct crowd *crowd, struct lab *lab, uint32_t number,
                        uint32_t session, int64_t now_ns)
{
        struct person person = person_of(crowd, number);
        int64_t day = now_ns / NS_PER_DAY;
        uint64_t name = dice_mix(dice_mix(person.name, (uint64_t)day), session + 1000);
        struct visit *v = (struct visit *)lab_add(lab, &visit_class, name, now_ns);
        unsigned hour = (unsigned)(now_ns % NS_PER_DAY / (NS_PER_DAY / 24));
        struct dice of_day = person_day(person.name, day);
        struct dice of_views = person_day(person.name + 1, day);
        unsigned sessions = person_sessions(crowd, person.is_recruiter, &of_day);
        bool joins = person_joins(crowd, &person, day) && !person.takes_no_cookies;
        int64_t cached = (int64_t)crowd->p->people.cache_days;

        v->crowd = crowd;
        v->person = person;
        v->day = day;
        v->session_number = session;
        v->is_working_hour = hour >= 8 && hour < 18;
        v->is_member = !person.takes_no_cookies &&
                       (person_is_member(crowd, &person, day) || (joins && session > 0));
        v->joining = joins && session == 0 ? JOINING_WANTS : JOINING_NOT;
        v->is_warm = !person.forgets &&
                     (session > 0 || person_came(crowd, &person, day - cached, day - 1));
        v->views_left = views_of(v, &of_views, sessions);
        v->from = where(v, lab);
        set_cookies(v, lab_site(lab));
        begin_at(v, lab);
        lab_person(lab, &v->actor, number);
}

/* ---- whom others send ---- */

static void begin_as_told(struct visit *v, struct lab *lab,
                          const struct people_visit *told)
{
        if (told->joins) {
                go(v, PAGE_HOME, 0);
                return;
        }
        if (told->first < 0) {
                begin_at(v, lab);
                return;
        }
        go(v, PAGE_PROFILE, (uint32_t)told->first);
}

static struct person who_is_told(const struct crowd *crowd,
                                 const struct people_visit *told)
{
        struct person person = person_of(crowd, told->number);

        if (told->software)
                person_use(crowd, &person, told->software);
        person.is_recruiter = told->is_recruiter;
        person.think = told->think > 0 ? told->think : person.think;
        person.stray = told->stray >= 0 ? told->stray : person.stray;
        person.circle = told->circle >= 0 ? told->circle : person.circle;
        person.is_plain = told->is_plain;
        person.prefetches = told->prefetches;
        person.takes_no_cookies = told->loses_cookies;
        return person;
}

void people_visit(struct lab *lab, const struct crowd *crowd,
                  const struct people_visit *told, int64_t now_ns)
{
        struct person person = who_is_told(crowd, told);
        int64_t day = now_ns / NS_PER_DAY;
        uint64_t name =
            dice_mix(dice_mix(person.name, (uint64_t)day), told->session + 1000);
        struct visit *v = (struct visit *)lab_add(lab, &visit_class, name, now_ns);
        struct dice of_views = person_day(person.name + 1, day);

        v->actor.group = told->group;
        v->crowd = crowd;
        v->person = person;
        v->day = day;
        v->session_number = told->session;
        v->from = told->from;
        v->is_member = !person.takes_no_cookies && !told->joins &&
                       person_is_member(crowd, &person, day);
        v->joining = told->joins ? JOINING_WANTS : JOINING_NOT;
        v->emails = told->emails;
        v->is_warm = told->session > 0;
        v->views_left = told->views > 0 ? told->views : views_of(v, &of_views, 1);
        set_cookies(v, lab_site(lab));
        begin_as_told(v, lab, told);
}

/* ---- who comes on a day ---- */

/* A session to come: milliseconds of the day, the person, which of its sessions. */
#define PERSON_BITS  32
#define SESSION_BITS 5

_Static_assert(PERSON_SESSIONS_MAX <= 1 << SESSION_BITS, "a session's number fits");

struct arrivals {
        struct actor actor;
        struct crowd crowd;
        uint64_t *sessions;
        size_t count, room, next;
        int64_t day;
};

static void add_session(struct arrivals *a, uint64_t ms, uint32_t person,
                        unsigned session)
{
        if (a->count == a->room) {
                a->room = a->room ? 2 * a->room : 4096;
                a->sessions = realloc(a->sessions, a->room * sizeof(*a->sessions));
                CHECK(a->sessions);
        }
        a->sessions[a->count++] = (ms << PERSON_BITS | person) << SESSION_BITS | session;
}

static int by_time(const void *left, const void *right)
{
        uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

        return (a > b) - (a < b);
}

static void add_person(struct arrivals *a, uint32_t number, uint64_t name)
{
        const struct crowd *c = &a->crowd;
        struct dice d = person_day(name, a->day);
        unsigned sessions = person_sessions(c, person_is_recruiter(c, name), &d);
        double shift = person_shift(name);
        int64_t times[PERSON_SESSIONS_MAX];

        for (unsigned i = 0; i < sessions; i++) {
                int64_t at = person_hour(c, shift, &d);
                unsigned j = i;
                for (; j > 0 && times[j - 1] > at; j--)
                        times[j] = times[j - 1];
                times[j] = at;
        }
        for (unsigned i = 0; i < sessions; i++)
                add_session(a, (uint64_t)(times[i] / 1000000), number, i);
}

static void fill_day(struct arrivals *a)
{
        const struct crowd *c = &a->crowd;

        a->count = a->next = 0;
        for (uint32_t i = 0; i < c->population; i++) {
                uint64_t name = person_name(c, i);
                if (person_comes(c, name, person_frequency(c, name), a->day))
                        add_person(a, i, name);
        }
        if (a->count)
                qsort(a->sessions, a->count, sizeof(*a->sessions), by_time);
}

static int64_t time_of(const struct arrivals *a, size_t i)
{
        return a->day * NS_PER_DAY +
               (int64_t)(a->sessions[i] >> (PERSON_BITS + SESSION_BITS)) * 1000000;
}

static int64_t arrivals_step(struct actor *actor, struct lab *lab, int64_t now_ns)
{
        struct arrivals *a = (struct arrivals *)actor;

        if (a->day != now_ns / NS_PER_DAY) {
                a->day = now_ns / NS_PER_DAY;
                fill_day(a);
        }
        for (; a->next < a->count && time_of(a, a->next) <= now_ns; a->next++)
                begin_visit(&a->crowd, lab,
                            (uint32_t)(a->sessions[a->next] >> SESSION_BITS),
                            a->sessions[a->next] & ((1 << SESSION_BITS) - 1), now_ns);
        return a->next < a->count ? time_of(a, a->next) : (a->day + 1) * NS_PER_DAY;
}

static void arrivals_end(struct actor *actor)
{
        struct arrivals *a = (struct arrivals *)actor;

        free(a->sessions);
}

static const struct actor_class arrivals_class = { "people", arrivals_step, arrivals_end,
                                                   sizeof(struct arrivals) };

/* ---- programs of members ---- */

struct api_client {
        struct actor actor;
        struct person person; /* whose circle it follows */
        const struct software *software;
        struct address from;
        char session[40], account[24];
        double gap_ns;
};

static int64_t api_step(struct actor *actor, struct lab *lab, int64_t now_ns)
{
        struct api_client *a = (struct api_client *)actor;
        const struct site *site = lab_site(lab);
        uint32_t profile = person_target(&a->person, site, &actor->dice);
        char path[SITE_PATH_MAX];
        struct request request = {
                .software = a->software,
                .kind = REQUEST_FETCH,
                .from = a->from,
                .path = path,
                .session = a->session,
                .account = a->account,
                .target = (int32_t)profile,
        };
        struct response response = {
                .status = site_is_there(site, profile) ? 200 : 404,
                .bytes = site_bytes(site, PAGE_PROFILE_API, &actor->dice),
                .latency_ns = site_latency(site, PAGE_PROFILE_API, &actor->dice),
        };

        site_path(site, PAGE_PROFILE_API, profile, path);
        lab_request(lab, actor, now_ns, &request, &response);
        return now_ns + (int64_t)dice_exponential(&actor->dice, a->gap_ns);
}

static const struct actor_class api_class = { "person-api", api_step, NULL,
                                              sizeof(struct api_client) };

static void add_api_client(struct lab *lab, const struct crowd *crowd, uint32_t i)
{
        const struct people_parameters *p = &crowd->p->people;
        struct dice d = dice_of(lab_name(lab, "api", i), 0);
        const struct software *software =
            software_of_class(lab_softwares(lab), SOFTWARE_LIBRARY, &d);
        double requests = dice_lognormal(&d, p->api_requests, 0.8);
        uint32_t number = crowd->population + i; /* of nobody who comes himself */
        int64_t first =
            lab_begin(lab) + (int64_t)(dice_unit(&d) * (double)NS_PER_DAY / requests);

        if (!software)
                return;
        struct api_client *a = (struct api_client *)lab_add(
            lab, &api_class, lab_name(lab, "api", 1000000 + i), first);
        a->person = person_of(crowd, number);
        a->person.circle = 0.9;
        a->person.circle_size = 40 + dice_below(&d, 200);
        a->software = software;
        a->from = place_address(lab_places(lab), PLACE_HOSTING, 900000 + i, 0);
        a->gap_ns = (double)NS_PER_DAY / requests;
        site_session(lab_site(lab), a->person.name, a->session);
        site_account(lab_site(lab), a->person.name, a->account);
        lab_person(lab, &a->actor, number);
}

void people_begin(struct lab *lab)
{
        const struct people_parameters *p = &lab_parameters(lab)->people;
        struct arrivals *a = (struct arrivals *)lab_add(
            lab, &arrivals_class, lab_name(lab, "people", 1), lab_begin(lab));

        crowd_make(&a->crowd, lab);
        a->day = -1;
        for (uint32_t i = 0; i < (uint32_t)p->api_clients; i++)
                add_api_client(lab, &a->crowd, i);
}
