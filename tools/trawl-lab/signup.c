/* SPDX-License-Identifier: MIT */
#include "signup.h"

#include "choose.h"
#include "schedule.h"
#include "sources.h"

#include <stdio.h>
#include <string.h>

#define FILL_SIGMA 0.6 /* of people who fill in a form */
#define ACCEPTED   303
#define REFUSED    422

const char *const signup_timings[] = { "fixed", "jitter", "human", NULL };
const char *const signup_fills[] = { "fixed", "human", NULL };

struct burst {
        struct signup_plan plan;
        const struct software *software;
        struct pool *pool;
        struct emails *emails;
        uint32_t group;
};

/* Brings the visitors in, one by one. */
struct organiser {
        struct actor actor;
        struct burst *burst;
        uint32_t begun;
};

struct signer {
        struct actor actor;
        struct client client;
        struct burst *burst;
        bool has_form, is_done;
        int64_t due_ns;
};

/* ---- a visitor ---- */

static int64_t fill_time(struct signer *s)
{
        const struct signup_plan *plan = &s->burst->plan;

        if (!plan->fills_as_people)
                return plan->fill_ns;
        return (int64_t)dice_lognormal(&s->actor.dice, (double)plan->fill_ns, FILL_SIGMA);
}

static int64_t fetch_form(struct signer *s, struct lab *lab, int64_t now_ns)
{
        const struct ask form = { .page = PAGE_SIGNUP_FORM, .kind = REQUEST_NAVIGATION };
        int64_t there_ns = client_ask(&s->client, lab, &s->actor, now_ns, &form);

        s->has_form = true;
        s->due_ns = there_ns + fill_time(s);
        return client_is_loading(&s->client) ? there_ns : s->due_ns;
}

static int64_t send_form(struct signer *s, struct lab *lab, int64_t now_ns)
{
        struct burst *b = s->burst;
        bool is_accepted = !dice_chance(&s->actor.dice, b->plan.refused);
        char email[EMAIL_MAX_TEXT], full[2 * NAME_MAX_TEXT + 2], phone[20];
        struct name name;
        struct signup_fields fields = { .email = email, .name = full };
        struct ask what = { .page = PAGE_SIGNUP,
                            .kind = REQUEST_FORM,
                            .status = is_accepted ? ACCEPTED : REFUSED,
                            .fields = &fields,
                            .gets_account = is_accepted };
        int64_t there_ns;

        email_next(b->emails, &s->actor.dice, &name, email);
        snprintf(full, sizeof full, "%s %s", name.first, name.last);
        if (dice_chance(&s->actor.dice, b->plan.phone)) {
                name_phone(&s->actor.dice, phone);
                fields.phone = phone;
        }
        there_ns = client_ask(&s->client, lab, &s->actor, now_ns, &what);
        if (is_accepted && b->plan.born)
                b->plan.born(b->plan.context, lab, there_ns, s->client.session,
                             s->client.account);
        return LAB_NEVER;
}

static int64_t step_signer(struct actor *a, struct lab *lab, int64_t now_ns)
{
        struct signer *s = (struct signer *)a;

        if (client_is_loading(&s->client)) {
                int64_t next_ns = client_load(&s->client, lab, a, now_ns);

                if (client_is_loading(&s->client))
                        return next_ns;
                return s->due_ns > next_ns ? s->due_ns : next_ns;
        }
        if (!s->has_form && dice_chance(&a->dice, s->burst->plan.form))
                return fetch_form(s, lab, now_ns);
        return send_form(s, lab, now_ns);
}

static const struct actor_class signer_class = { "signer", step_signer, NULL,
                                                 sizeof(struct signer) };

static void add_signer(struct burst *b, struct lab *lab, struct dice *dice, uint32_t i,
                       int64_t first_ns)
{
        struct signer *s =
            (struct signer *)lab_add(lab, &signer_class, dice_bits(dice), first_ns);

        s->actor.group = b->group;
        s->burst = b;
        s->client.software = b->plan.mixed
                                 ? choose_software(lab, b->plan.software, &s->actor.dice)
                                 : b->software;
        s->client.is_browser = choose_is_browser(s->client.software, b->plan.software);
        s->client.assets = b->plan.assets;
        s->client.referers = true; /* a form is sent from its page */
        s->client.from = pool_address(b->pool, i / b->plan.rotate);
}

/* ---- the burst ---- */

static int64_t step_organiser(struct actor *a, struct lab *lab, int64_t now_ns)
{
        struct organiser *o = (struct organiser *)a;
        const struct signup_plan *plan = &o->burst->plan;

        add_signer(o->burst, lab, &a->dice, o->begun++, now_ns);
        if (o->begun == plan->signups)
                return LAB_NEVER;
        return now_ns + timing_gap(plan->timing, 1 / plan->rate, &a->dice);
}

static const struct actor_class organiser_class = { "organiser", step_organiser, NULL,
                                                    sizeof(struct organiser) };

void signup_start(struct lab *lab, const struct signup_plan *plan, uint32_t group,
                  struct dice *dice, int64_t now_ns)
{
        struct burst *b = lab_keep(lab, sizeof *b);
        struct actor *a = lab_add(lab, &organiser_class, dice_bits(dice), now_ns);

        b->plan = *plan;
        b->group = group;
        b->software = choose_software(lab, plan->software, dice);
        b->pool = pool_new(lab, &plan->pool, dice);
        b->emails = emails_new(lab, &plan->emails, dice);
        a->group = group;
        ((struct organiser *)a)->burst = b;
}

struct signup_plan signup_plan_of(const struct lab *lab, const struct entry *e,
                                  const char *prefix)
{
        return (struct signup_plan){
                .pool = pool_plan_of(lab, e, prefix),
                .rotate = (uint32_t)entry_count(e, "signup_rotate"),
                .software = entry_text(e, "signup_software"),
                .mixed = entry_truth(e, "signup_mixed"),
                .assets = entry_truth(e, "signup_assets"),
                .signups = (uint32_t)entry_count(e, "signups"),
                .rate = entry_rate(e, "signup_rate"),
                .timing = entry_choice(e, "signup_timing"),
                .form = entry_number(e, "form"),
                .fill_ns = entry_duration(e, "fill"),
                .fills_as_people = entry_choice(e, "fills") == 1,
                .refused = entry_number(e, "refused"),
                .phone = entry_number(e, "phone"),
                .emails = { .kind = entry_choice(e, "emails"),
                            .names = entry_choice(e, "names"),
                            .made_domains = (uint32_t)entry_count(e, "made_domains"),
                            .domains = entry_text(e, "domains"),
                            .inboxes = entry_text(e, "inboxes") },
        };
}

/* ---- the source ---- */

static const struct entry_key network_keys[] = {
        SCHEDULE_KEYS("1", "20h"),
        POOL_KEYS("30", "network", "hosting"),
        SIGNUP_WHO("library", "no", "no", "1"),
        SIGNUP_KEYS("120", "240/h", "jitter", "1", "4s", "fixed"),
        SIGNUP_EMAILS("person", "person"),
        { NULL },
};

static const struct entry_key residential_keys[] = {
        SCHEDULE_KEYS("1", "18h"),
        POOL_KEYS("200", "anywhere", "home"),
        SIGNUP_WHO("copied", "no", "no", "1"),
        SIGNUP_KEYS("200", "120/h", "jitter", "1", "6s", "human"),
        SIGNUP_EMAILS("person", "person"),
        { NULL },
};

static const struct entry_key mailbox_keys[] = {
        SCHEDULE_KEYS("1", "18h"),
        POOL_KEYS("200", "anywhere", "home"),
        SIGNUP_WHO("browser", "no", "yes", "1"),
        SIGNUP_KEYS("200", "190/h", "jitter", "1", "8s", "human"),
        SIGNUP_EMAILS("tagged", "person"),
        { NULL },
};

static const struct entry_key skeleton_keys[] = {
        SCHEDULE_KEYS("1", "18h"),
        POOL_KEYS("200", "anywhere", "home"),
        SIGNUP_WHO("browser", "no", "yes", "1"),
        SIGNUP_KEYS("200", "120/h", "jitter", "1", "8s", "human"),
        SIGNUP_EMAILS("pattern", "person"),
        { NULL },
};

static const struct entry_key disposable_keys[] = {
        SCHEDULE_KEYS("1", "18h"),
        POOL_KEYS("150", "anywhere", "home"),
        SIGNUP_WHO("browser", "no", "yes", "1"),
        SIGNUP_KEYS("150", "100/h", "jitter", "1", "8s", "human"),
        SIGNUP_EMAILS("disposable", "gibberish"),
        { NULL },
};

static const struct entry_key drip_keys[] = {
        SCHEDULE_KEYS("1", "2h"),
        POOL_KEYS("100", "anywhere", "home"),
        SIGNUP_WHO("browser", "no", "yes", "1"),
        SIGNUP_KEYS("100", "5/h", "human", "1", "20s", "human"),
        SIGNUP_EMAILS("pattern", "person"),
        { NULL },
};

static const struct entry_key unformed_keys[] = {
        SCHEDULE_KEYS("1", "18h"),
        POOL_KEYS("100", "anywhere", "hosting"),
        SIGNUP_WHO("copied", "no", "no", "1"),
        SIGNUP_KEYS("150", "120/h", "jitter", "0", "50ms", "fixed"),
        SIGNUP_EMAILS("person", "person"),
        { NULL },
};

const struct entry_class signup_classes[] = {
        { "signup-network", "from one network", network_keys },
        { "signup-residential", "from addresses anywhere", residential_keys },
        { "signup-mailbox", "tags and dots of one inbox", mailbox_keys },
        { "signup-skeleton", "one pattern of local parts, many domains", skeleton_keys },
        { "signup-disposable", "at domains that keep mail for minutes", disposable_keys },
        { "signup-drip", "a few an hour, all day", drip_keys },
        { "signup-unformed", "sent without the form, or in no time", unformed_keys },
        { NULL, NULL, NULL },
};

static void begin(struct lab *lab, const struct entry *entry, struct dice *dice,
                  int64_t now_ns)
{
        const struct signup_plan plan = signup_plan_of(lab, entry, "");
        uint32_t group =
            lab_group(lab, SIDE_ATTACKER, entry_class_name(entry), entry_json(entry));

        signup_start(lab, &plan, group, dice, now_ns);
}

static const struct schedule_row rows[] = {
        { "signup-network", begin },    { "signup-residential", begin },
        { "signup-mailbox", begin },    { "signup-skeleton", begin },
        { "signup-disposable", begin }, { "signup-drip", begin },
        { "signup-unformed", begin },   { NULL, NULL },
};

void signup_begin(struct lab *lab)
{
        schedule_begin(lab, &lab_parameters(lab)->attackers, rows);
}
