/* SPDX-License-Identifier: MIT */
#include "app.h"

#define SEEN     12
#define REVISITS 0.2
#define SIGMA    0.8 /* of the seconds for a profile */

struct app {
        struct actor actor;
        const struct software *software;
        struct address from;
        char session[40], account[24];
        double think, stray;
        uint32_t left, seen[SEEN], seen_count;
};

static uint32_t next_profile(struct app *a, const struct site *site)
{
        struct dice *dice = &a->actor.dice;
        uint32_t profile;

        if (a->seen_count > 0 && dice_chance(dice, REVISITS))
                return a->seen[dice_below(dice, a->seen_count)];
        profile = dice_chance(dice, a->stray) ? dice_below(dice, site_profiles(site))
                                              : site_popular(site, dice);
        if (a->seen_count < SEEN)
                a->seen[a->seen_count++] = profile;
        return profile;
}

static int64_t step_app(struct actor *actor, struct lab *lab, int64_t now_ns)
{
        struct app *a = (struct app *)actor;
        const struct site *site = lab_site(lab);
        uint32_t profile = next_profile(a, site);
        char path[SITE_PATH_MAX];
        const struct request request = {
                .software = a->software,
                .kind = REQUEST_FETCH,
                .from = a->from,
                .path = path,
                .session = a->session,
                .account = a->account,
                .target = (int32_t)profile,
        };
        const struct response response = {
                .status = site_is_there(site, profile) ? 200 : 404,
                .bytes = site_bytes(site, PAGE_PROFILE_API, &actor->dice),
                .latency_ns = site_latency(site, PAGE_PROFILE_API, &actor->dice),
        };

        site_path(site, PAGE_PROFILE_API, profile, path);
        lab_request(lab, actor, now_ns, &request, &response);
        if (--a->left == 0)
                return LAB_NEVER;
        return now_ns + response.latency_ns +
               (int64_t)(dice_lognormal(&actor->dice, a->think, SIGMA) * 1e9);
}

static const struct actor_class app_class = { "app", step_app, NULL, sizeof(struct app) };

void app_visit(struct lab *lab, const struct people_visit *visit, uint64_t name,
               int64_t now_ns)
{
        struct app *a = (struct app *)lab_add(lab, &app_class, name, now_ns);

        a->actor.group = visit->group;
        a->software = visit->software;
        a->from = visit->from;
        a->think = visit->think;
        a->stray = visit->stray;
        a->left = visit->views > 0 ? visit->views : 1;
        /* Logged in since it was installed. */
        site_session(lab_site(lab), dice_bits(&a->actor.dice), a->session);
        site_account(lab_site(lab), dice_bits(&a->actor.dice), a->account);
}
