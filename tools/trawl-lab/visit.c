/* SPDX-License-Identifier: MIT */
#include "visit.h"

#include "parameters.h"

#include <math.h>

#define SEEN        12
#define WORDS       100000
#define BREAK_S     480.0
#define BREAK_SIGMA 0.8
#define RESULTS     10   /* of a search that are looked at */
#define LINKED      0.25 /* part of the views that follows a link of a profile */
#define SEARCHES    0.5  /* else: a new search, or another result of the last one */

struct visitor {
        struct actor actor;
        struct client client;
        const struct visit_plan *plan;
        uint32_t left, search, seen[SEEN];
        uint8_t seen_count, prefetch_left;
        bool has_search, is_begun;
        int32_t on; /* the profile that is looked at; -1: none */
        int64_t due_ns;
};

static const struct people_parameters *people(const struct lab *lab)
{
        return &lab_parameters(lab)->people;
}

static uint32_t draw_views(struct lab *lab, const struct visit_plan *plan,
                           struct dice *dice)
{
        const struct people_parameters *p = people(lab);
        double views = plan->views;

        if (plan->views == 0)
                views = dice_inverse_gaussian(dice, p->views_mean, p->views_lambda);
        else if (plan->views_spread > 0)
                views = dice_lognormal(dice, views, plan->views_spread);
        return (uint32_t)fmax(1, round(views));
}

static int64_t think(struct visitor *v, struct lab *lab)
{
        const struct people_parameters *p = people(lab);
        struct dice *dice = &v->actor.dice;
        double median = v->plan->think_s > 0 ? v->plan->think_s : p->think_median;
        double s = dice_lognormal(dice, median, p->think_sigma);

        if (dice_chance(dice, v->plan->breaks))
                s += dice_lognormal(dice, BREAK_S, BREAK_SIGMA);
        return (int64_t)(s * 1e9);
}

static uint32_t draw_profile(struct lab *lab, struct visitor *v)
{
        const struct site *site = lab_site(lab);

        if (dice_chance(&v->actor.dice, v->plan->stray))
                return dice_below(&v->actor.dice, site_profiles(site));
        return site_popular(site, &v->actor.dice);
}

static int64_t when_next(const struct visitor *v, int64_t now_ns)
{
        if (v->left == 0 && v->prefetch_left == 0)
                return LAB_NEVER;
        return v->due_ns > now_ns ? v->due_ns : now_ns;
}

static int64_t ask(struct visitor *v, struct lab *lab, int64_t now_ns,
                   const struct ask *ask)
{
        int64_t there_ns = client_ask(&v->client, lab, &v->actor, now_ns, ask);

        v->due_ns = there_ns + think(v, lab);
        return client_is_loading(&v->client) ? there_ns : when_next(v, now_ns);
}

static int64_t search(struct visitor *v, struct lab *lab, int64_t now_ns)
{
        struct ask what = { .page = PAGE_SEARCH, .kind = REQUEST_NAVIGATION };

        v->search = dice_below(&v->actor.dice, WORDS);
        v->has_search = true;
        v->prefetch_left = (uint8_t)v->plan->prefetch;
        what.number = v->search;
        return ask(v, lab, now_ns, &what);
}

/* The browser's own doing, as soon as the page is there. */
static int64_t prefetch(struct visitor *v, struct lab *lab, int64_t now_ns)
{
        const struct ask what = { .page = PAGE_PROFILE,
                                  .kind = REQUEST_PREFETCH,
                                  .number = site_shown(lab_site(lab), v->search,
                                                       v->prefetch_left) };

        v->prefetch_left--;
        client_ask(&v->client, lab, &v->actor, now_ns, &what);
        if (v->prefetch_left > 0)
                return now_ns + 20000000 + (int64_t)dice_below(&v->actor.dice, 60000000);
        return when_next(v, now_ns);
}

static uint32_t which(struct visitor *v, struct lab *lab)
{
        struct dice *dice = &v->actor.dice;

        if (v->seen_count > 0 && dice_chance(dice, v->plan->revisits))
                return v->seen[dice_below(dice, v->seen_count)];
        if (v->on >= 0 && dice_chance(dice, LINKED))
                return site_linked(lab_site(lab), (uint32_t)v->on, dice_below(dice, 64));
        if (!v->has_search || dice_chance(dice, v->plan->stray))
                return draw_profile(lab, v);
        client_back(&v->client, PAGE_SEARCH, v->search);
        return site_shown(lab_site(lab), v->search, dice_below(dice, RESULTS));
}

static int64_t view(struct visitor *v, struct lab *lab, int64_t now_ns, uint32_t profile)
{
        const struct ask what = {
                .page = v->plan->is_api ? PAGE_PROFILE_API
                                        : client_profile_page(lab_site(lab)),
                .number = profile,
                .fresh = !v->is_begun,
        };

        v->seen[v->seen_count % SEEN] = profile;
        if (v->seen_count < SEEN)
                v->seen_count++;
        v->on = (int32_t)profile;
        v->is_begun = true;
        v->left--;
        return ask(v, lab, now_ns, &what);
}

static int64_t go_on(struct visitor *v, struct lab *lab, int64_t now_ns)
{
        struct dice *dice = &v->actor.dice;

        if (client_wants_shell(&v->client, lab_site(lab)) && !v->plan->is_api) {
                const struct ask home = { .page = PAGE_HOME,
                                          .kind = REQUEST_NAVIGATION,
                                          .fresh = true };
                return ask(v, lab, now_ns, &home);
        }
        if (!v->is_begun && v->plan->first >= 0)
                return view(v, lab, now_ns, (uint32_t)v->plan->first);
        if (!v->plan->is_api &&
            (!v->is_begun || !v->has_search || dice_chance(dice, SEARCHES)) &&
            !(v->client.has_last && v->client.last_page == PAGE_SEARCH)) {
                v->is_begun = true;
                return search(v, lab, now_ns);
        }
        return view(v, lab, now_ns, which(v, lab));
}

static int64_t step_visitor(struct actor *a, struct lab *lab, int64_t now_ns)
{
        struct visitor *v = (struct visitor *)a;

        if (client_is_loading(&v->client)) {
                int64_t next_ns = client_load(&v->client, lab, a, now_ns);

                if (client_is_loading(&v->client) || v->prefetch_left > 0)
                        return next_ns;
                return when_next(v, next_ns);
        }
        if (v->prefetch_left > 0)
                return prefetch(v, lab, now_ns);
        if (v->left == 0)
                return LAB_NEVER;
        return go_on(v, lab, now_ns);
}

static const struct actor_class visitor_class = { "visitor", step_visitor,
                                                  sizeof(struct visitor) };

void visit_add(struct lab *lab, const struct visit_plan *plan, uint32_t group,
               uint64_t name, int64_t first_ns, const struct software *software,
               struct address from)
{
        struct visitor *v =
            (struct visitor *)lab_add(lab, &visitor_class, name, first_ns);

        v->actor.group = group;
        v->plan = plan;
        v->on = -1;
        v->client.software = software;
        v->client.from = from;
        v->client.cookies = plan->cookies;
        v->client.is_browser = true;
        v->client.assets = !plan->no_assets && !plan->is_api;
        v->client.referers = !plan->is_api;
        v->left = draw_views(lab, plan, &v->actor.dice);
}
