/* SPDX-License-Identifier: MIT */
#include "scrape.h"

#include "base/check.h"
#include "choose.h"
#include "schedule.h"
#include "sources.h"

#include <stdio.h>
#include <string.h>

#define SEEN         16          /* profiles that a visitor may come back to */
#define SEARCH_PAUSE 10.0        /* seconds on a page of results, mean, in a sitting */
#define SEARCH_VIEWS 5           /* most profiles of one search */
#define LATE_NS      10000000000 /* a crew makes up for so much that it was late */
#define WORDS        100000
#define REST_S       600.0 /* of who stays below something, when it may nowhere go on */

struct scrape {
        struct scrape_plan plan;
        const struct software *software;
        struct pool *pool;
        struct order *order;
        uint32_t group;
        uint64_t left; /* profiles; counts down */
        int64_t end_ns;
        uint32_t next_address, next_visitor, visitors;
        struct pace **paces; /* of the addresses, for who stays below something */
};

struct scraper {
        struct actor actor;
        struct client client;
        struct scrape *scrape;
        struct pace *session_pace;
        uint32_t address, at_address; /* its number in the pool; views from there */
        uint32_t left;                /* sittings: profiles */
        uint32_t seen[SEEN];
        uint8_t seen_count, until_search;
        bool is_over;
        uint32_t search; /* its words */
        int64_t due_ns;
};

/* The organiser of sittings: brings the visitors in, one by one. */
struct doorman {
        struct actor actor;
        struct scrape *scrape;
        uint32_t left;
};

/* ---- visitors ---- */

static void go_to(struct scraper *s, struct lab *lab, uint32_t address)
{
        s->address = address;
        s->at_address = 0;
        client_move(&s->client, lab, &s->actor, pool_address(s->scrape->pool, address));
        if (s->scrape->plan.session == SESSION_ADDRESS)
                client_forget(&s->client);
}

static void leave_address(struct scraper *s, struct lab *lab)
{
        struct scrape *c = s->scrape;

        go_to(s, lab, c->next_address++ % pool_count(c->pool));
}

/*
 * When a visitor goes on after what it does now. A crew's rate is that of its views, so
 * its searches take their part of the time, and a page that was slow delays one view
 * only.
 */
static int64_t when_due(struct scraper *s, int64_t now_ns, double sitting_s)
{
        const struct scrape *c = s->scrape;
        const double views = (1 + SEARCH_VIEWS) / 2.0; /* of one search, mean */
        double mean_s = (double)c->visitors / c->plan.rate;

        if (c->plan.each > 0)
                return now_ns + timing_gap(c->plan.timing, sitting_s, &s->actor.dice);
        if (c->plan.searches)
                mean_s *= views / (views + 1);
        if (s->due_ns > 0 && s->due_ns <= now_ns && now_ns - s->due_ns < LATE_NS)
                now_ns = s->due_ns;
        return now_ns + timing_gap(c->plan.timing, mean_s, &s->actor.dice);
}

static int64_t when_next(const struct scraper *s, int64_t now_ns)
{
        if (s->is_over)
                return LAB_NEVER;
        return s->due_ns > now_ns ? s->due_ns : now_ns;
}

/* Asks, and says when the visitor is due again. */
static int64_t ask(struct scraper *s, struct lab *lab, int64_t now_ns,
                   const struct ask *ask)
{
        int64_t there_ns = client_ask(&s->client, lab, &s->actor, now_ns, ask);

        return client_is_loading(&s->client) ? there_ns : when_next(s, now_ns);
}

/* ---- what comes before profiles ---- */

static int64_t search(struct scraper *s, struct lab *lab, int64_t now_ns)
{
        struct ask what = { .page = PAGE_SEARCH, .kind = REQUEST_NAVIGATION };

        s->search = dice_below(&s->actor.dice, WORDS);
        what.number = s->search;
        s->until_search = (uint8_t)(1 + dice_below(&s->actor.dice, SEARCH_VIEWS));
        s->due_ns = when_due(s, now_ns, SEARCH_PAUSE);
        return ask(s, lab, now_ns, &what);
}

static int64_t load_shell(struct scraper *s, struct lab *lab, int64_t now_ns)
{
        const struct ask what = { .page = PAGE_HOME,
                                  .kind = REQUEST_NAVIGATION,
                                  .fresh = true };

        s->due_ns = now_ns + 1000000000;
        return ask(s, lab, now_ns, &what);
}

/* ---- profiles ---- */

static void remember(struct scraper *s, uint32_t profile)
{
        if (s->seen_count < SEEN)
                s->seen[s->seen_count++] = profile;
        else
                s->seen[dice_below(&s->actor.dice, SEEN)] = profile;
}

/* A sitting that has begun is not cut off. */
static bool is_exhausted(const struct scrape *c, int64_t now_ns)
{
        return c->left == 0 || (c->plan.each == 0 && now_ns >= c->end_ns);
}

static void count_new(struct scraper *s, int64_t now_ns)
{
        struct scrape *c = s->scrape;

        c->left--;
        if (c->plan.each > 0)
                s->left--;
        if (c->paces) {
                pace_note(c->paces[s->address], now_ns);
                pace_note(s->session_pace, now_ns);
        }
        s->is_over = c->left == 0 || (c->plan.each > 0 && s->left == 0);
}

/* False when there is no profile left. */
static bool draw_profile(struct scraper *s, struct ask *what, int64_t now_ns)
{
        struct scrape *c = s->scrape;
        struct dice *dice = &s->actor.dice;
        int32_t profile;

        if (dice_chance(dice, c->plan.guesses)) {
                what->is_guess = true;
                what->number = (uint32_t)dice_bits(dice);
                return true;
        }
        if (s->seen_count > 0 && dice_chance(dice, c->plan.revisits)) {
                what->number = s->seen[dice_below(dice, s->seen_count)];
                return true;
        }
        profile = order_next(c->order, dice);
        if (profile < 0)
                return false;
        what->number = (uint32_t)profile;
        remember(s, what->number);
        count_new(s, now_ns);
        return true;
}

static int64_t view(struct scraper *s, struct lab *lab, int64_t now_ns)
{
        struct scrape *c = s->scrape;
        struct ask what = { .page = client_profile_page(lab_site(lab)) };

        if (software_class(s->client.software) == SOFTWARE_BOT)
                what.page = PAGE_PROFILE; /* bots read pages, whatever people have */
        if (!draw_profile(s, &what, now_ns))
                return LAB_NEVER;
        if (c->plan.searches) {
                client_back(&s->client, PAGE_SEARCH, s->search);
                s->until_search--;
        }
        s->at_address++;
        s->due_ns = when_due(s, now_ns, (double)c->plan.pause_ns / 1e9);
        return ask(s, lab, now_ns, &what);
}

/* ---- staying below ---- */

static void new_session(struct scraper *s, struct lab *lab)
{
        lab_hang_up(lab, &s->actor);
        client_forget(&s->client);
        pace_clear(s->session_pace);
}

/*
 * The next address at which one more is allowed. When there is none it rests until there
 * are some again: one profile from here and one from there would be a session for each.
 */
static int64_t find_address(struct scraper *s, struct lab *lab, int64_t now_ns)
{
        const struct scrape *c = s->scrape;
        uint32_t count = pool_count(c->pool), best = s->address;
        int64_t best_ns = LAB_NEVER;

        for (uint32_t i = 1; i <= count && best_ns > now_ns; i++) {
                uint32_t address = (s->address + i) % count;
                int64_t free_ns = pace_free_at(c->paces[address], now_ns);

                if (free_ns < best_ns) {
                        best_ns = free_ns;
                        best = address;
                }
        }
        if (best_ns > now_ns)
                return best_ns +
                       (int64_t)(REST_S * (0.5 + dice_unit(&s->actor.dice)) * 1e9);
        if (best != s->address) {
                go_to(s, lab, best);
                new_session(s, lab);
        }
        return now_ns;
}

static int64_t stay_below(struct scraper *s, struct lab *lab, int64_t now_ns)
{
        if (pace_free_at(s->session_pace, now_ns) > now_ns)
                new_session(s, lab);
        if (pace_free_at(s->scrape->paces[s->address], now_ns) <= now_ns)
                return now_ns;
        return find_address(s, lab, now_ns);
}

/* ---- their steps ---- */

static int64_t go_on(struct scraper *s, struct lab *lab, int64_t now_ns)
{
        const struct scrape *c = s->scrape;

        if (c->paces) {
                int64_t free_ns = stay_below(s, lab, now_ns);

                if (free_ns > now_ns)
                        return free_ns;
        }
        if (c->plan.rotate > 0 && s->at_address >= c->plan.rotate)
                leave_address(s, lab);
        if (client_wants_shell(&s->client, lab_site(lab)))
                return load_shell(s, lab, now_ns);
        if (c->plan.searches && s->until_search == 0)
                return search(s, lab, now_ns);
        return view(s, lab, now_ns);
}

static int64_t step_scraper(struct actor *a, struct lab *lab, int64_t now_ns)
{
        struct scraper *s = (struct scraper *)a;

        if (client_is_loading(&s->client)) {
                int64_t next_ns = client_load(&s->client, lab, a, now_ns);

                return client_is_loading(&s->client) ? next_ns : when_next(s, next_ns);
        }
        if (s->is_over || is_exhausted(s->scrape, now_ns))
                return LAB_NEVER;
        return go_on(s, lab, now_ns);
}

static const struct actor_class scraper_class = { "scraper", step_scraper, NULL,
                                                  sizeof(struct scraper) };

static enum cookies cookies_of(enum scrape_session session)
{
        if (session == SESSION_DROPPED)
                return COOKIES_DROPPED;
        return session == SESSION_NONE ? COOKIES_NONE : COOKIES_KEPT;
}

static struct scraper *add_scraper(struct scrape *c, struct lab *lab, struct dice *dice,
                                   int64_t first_ns)
{
        struct scraper *s =
            (struct scraper *)lab_add(lab, &scraper_class, dice_bits(dice), first_ns);

        s->actor.group = c->group;
        s->scrape = c;
        s->client.software = c->plan.mixed
                                 ? choose_software(lab, c->plan.software, &s->actor.dice)
                                 : c->software;
        s->client.cookies = cookies_of(c->plan.session);
        s->client.is_browser = choose_is_browser(s->client.software, c->plan.software);
        s->client.assets = c->plan.assets;
        s->client.referers = c->plan.referers;
        s->left = c->plan.each;
        s->address = c->next_address++ % pool_count(c->pool);
        s->client.from = pool_address(c->pool, s->address);
        if (c->paces)
                s->session_pace = pace_new(lab, &c->plan.session_below);
        return s;
}

/* Logged in before, and the cookies kept since then. */
static void log_in(struct scraper *s, struct lab *lab)
{
        site_session(lab_site(lab), dice_bits(&s->actor.dice), s->client.session);
        site_account(lab_site(lab), dice_bits(&s->actor.dice), s->client.account);
}

static void add_visitor(struct scrape *c, struct lab *lab, struct dice *dice,
                        int64_t first_ns)
{
        struct scraper *s = add_scraper(c, lab, dice, first_ns);

        if (c->next_visitor++ < c->plan.accounts)
                log_in(s, lab);
}

void scrape_join(struct scrape *c, struct lab *lab, struct dice *dice, int64_t first_ns,
                 const char *session, const char *account)
{
        struct scraper *s = add_scraper(c, lab, dice, first_ns);

        snprintf(s->client.session, sizeof s->client.session, "%s", session);
        snprintf(s->client.account, sizeof s->client.account, "%s", account);
}

/* ---- the whole ---- */

static int64_t step_doorman(struct actor *a, struct lab *lab, int64_t now_ns)
{
        struct doorman *d = (struct doorman *)a;

        add_visitor(d->scrape, lab, &a->dice, now_ns);
        if (--d->left == 0 || is_exhausted(d->scrape, now_ns))
                return LAB_NEVER;
        return timing_spread(now_ns, d->scrape->end_ns, d->left, &a->dice);
}

static const struct actor_class doorman_class = { "doorman", step_doorman, NULL,
                                                  sizeof(struct doorman) };

static bool has_limits(const struct pace_limits *limits)
{
        for (unsigned i = 0; i < PACE_WINDOWS; i++)
                if (limits->most[i] > 0)
                        return true;
        return false;
}

static void begin_paces(struct scrape *c, struct lab *lab)
{
        uint32_t count = pool_count(c->pool);

        c->paces = lab_keep(lab, count * sizeof *c->paces);
        for (uint32_t i = 0; i < count; i++)
                c->paces[i] = pace_new(lab, &c->plan.address_below);
}

struct scrape *scrape_new(struct lab *lab, const struct scrape_plan *plan, uint32_t group,
                          struct dice *dice, int64_t now_ns)
{
        struct scrape *c = lab_keep(lab, sizeof *c);

        c->plan = *plan;
        c->group = group;
        c->software = choose_software(lab, plan->software, dice);
        c->pool = pool_new(lab, &plan->pool, dice, now_ns);
        c->order = order_new(lab, &plan->order, dice);
        c->left = plan->profiles > 0 ? plan->profiles : UINT64_MAX;
        c->end_ns = plan->lasts_ns > 0 ? now_ns + plan->lasts_ns : lab_end(lab);
        c->visitors = plan->workers > 0 ? plan->workers : pool_count(c->pool);
        if (plan->each > 0)
                c->visitors = pool_count(c->pool);
        if (plan->accounts > 0)
                c->visitors = plan->accounts;
        if (has_limits(&plan->address_below) || has_limits(&plan->session_below))
                begin_paces(c, lab);
        return c;
}

void scrape_start(struct scrape *c, struct lab *lab, struct dice *dice, int64_t now_ns)
{
        double gap_s = 1.0 / c->plan.rate;

        if (c->plan.each > 0) {
                int64_t first_ns = timing_spread(now_ns, c->end_ns, c->visitors, dice);
                struct actor *a = lab_add(lab, &doorman_class, dice_bits(dice), first_ns);

                a->group = c->group;
                ((struct doorman *)a)->scrape = c;
                ((struct doorman *)a)->left = c->visitors;
                return;
        }
        for (uint32_t i = 0; i < c->visitors; i++)
                add_visitor(c, lab, dice, now_ns + (int64_t)(i * gap_s * 1e9));
}

/* ---- the source ---- */

static void begin(struct lab *lab, const struct entry *entry, struct dice *dice,
                  int64_t now_ns)
{
        const struct scrape_plan plan = scrape_plan_of(lab, entry);
        uint32_t group =
            lab_group(lab, SIDE_ATTACKER, entry_class_name(entry), entry_json(entry));

        scrape_start(scrape_new(lab, &plan, group, dice, now_ns), lab, dice, now_ns);
}

static const struct schedule_row rows[] = {
        { "scrape-address", begin },
        { "scrape-network", begin },
        { "scrape-addresses", begin },
        { "scrape-accounts", begin },
        { "scrape-slow", begin },
        { "scrape-adaptive", begin },
        { NULL, NULL },
};

void scrape_begin(struct lab *lab)
{
        schedule_begin(lab, &lab_parameters(lab)->attackers, rows);
}
