/* SPDX-License-Identifier: MIT */
#include "poll.h"

#include "choose.h"
#include "client.h"
#include "timing.h"

struct poll {
        struct poll_plan plan;
        struct pool *pool;
        uint32_t group;
        int64_t end_ns;
};

struct poller {
        struct actor actor;
        struct client client;
        const struct poll *poll;
        uint32_t first, next; /* its things are neighbours, next counts through them */
};

static uint32_t thing(const struct poller *p, struct lab *lab)
{
        const struct site *site = lab_site(lab);
        uint32_t position = (p->first + p->next) % site_profiles(site);

        /* People of one company joined at different times; what they are does not
         * matter, but that they are the same ones each time. */
        return site_at_position(site, position);
}

static int64_t step_poller(struct actor *a, struct lab *lab, int64_t now_ns)
{
        struct poller *p = (struct poller *)a;
        const struct poll_plan *plan = &p->poll->plan;
        struct ask what = { .page = plan->page == PAGE_PROFILE
                                        ? client_profile_page(lab_site(lab))
                                        : plan->page,
                            .kind = REQUEST_NAVIGATION,
                            .number = thing(p, lab) };

        if (now_ns >= p->poll->end_ns)
                return LAB_NEVER;
        if (dice_chance(&a->dice, plan->unchanged))
                what.status = 304;
        client_ask(&p->client, lab, a, now_ns, &what);
        p->next = (p->next + 1) % plan->things;
        if (p->next > 0)
                return now_ns + plan->pause_ns;
        return now_ns + timing_gap(plan->jitter ? TIMING_JITTER : TIMING_FIXED,
                                   (double)plan->interval_ns / 1e9, &a->dice);
}

static const struct actor_class poller_class = { "poller", step_poller, NULL,
                                                 sizeof(struct poller) };

static void add_poller(const struct poll *poll, struct lab *lab, struct dice *dice,
                       uint32_t i, const struct software *software, int64_t now_ns)
{
        double phase = dice_unit(dice) * (double)poll->plan.interval_ns;
        struct poller *p = (struct poller *)lab_add(lab, &poller_class, dice_bits(dice),
                                                    now_ns + (int64_t)phase);

        p->actor.group = poll->group;
        p->poll = poll;
        p->client.software = software;
        p->client.cookies = COOKIES_NONE;
        p->client.from = pool_address(poll->pool, i);
        p->first = dice_below(dice, site_profiles(lab_site(lab)));
}

void poll_start(struct lab *lab, const struct poll_plan *plan, uint32_t group,
                struct dice *dice, int64_t now_ns)
{
        struct poll *poll = lab_keep(lab, sizeof *poll);
        const struct software *software = choose_software(lab, plan->software, dice);

        poll->plan = *plan;
        poll->pool = pool_new(lab, &plan->pool, dice);
        poll->group = group;
        poll->end_ns = plan->lasts_ns > 0 ? now_ns + plan->lasts_ns : lab_end(lab);
        for (uint32_t i = 0; i < pool_count(poll->pool); i++) {
                if (plan->mixed)
                        software = choose_software(lab, plan->software, dice);
                add_poller(poll, lab, dice, i, software, now_ns);
        }
}
