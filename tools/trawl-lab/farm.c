/* SPDX-License-Identifier: MIT */
/*
 * Farms: accounts born in a burst, that read profiles hours later from elsewhere.
 *
 * The burst is a plan of signup.h, the reading one of scrape.h: each account that was
 * accepted is a visitor of the second, with the cookies that the answer to the first set,
 * at another address and with other software. All are one group of the truth.
 */
#include "scrape_keys.h"
#include "signup.h"
#include "sources.h"

struct farm {
        struct scrape *scrape;
        struct dice dice;
        int64_t delay_ns, spread_ns;
};

/* "residential, tagged, ..." are the sign-up's own keys: a farm may be born in any way.
 */
static const struct entry_key farm_keys[] = {
        SCHEDULE_KEYS("1", "8h"),
        /* its birth */
        POOL_KEYS_OF("signup_", "100", "anywhere", "home"),
        SIGNUP_WHO("browser", "no", "yes", "1"),
        SIGNUP_KEYS("100", "150/h", "jitter", "1", "8s", "human"),
        SIGNUP_EMAILS("pattern", "person"),
        /* how long it waits */
        { "delay", PARAMETER_DURATION, "5h", 0, 30 * 86400.0, NULL,
          "from an account's birth to its first profile, at least" },
        { "delay_spread", PARAMETER_DURATION, "2h", 0, 30 * 86400.0, NULL,
          "and up to that much more, drawn for each account" },
        /* its reading */
        POOL_KEYS("100", "anywhere", "hosting"),
        KEY_ROTATE("0"),
        KEY_SESSION("kept"),
        KEY_ACCOUNTS("0"),
        KEY_SOFTWARE("library"),
        KEY_BEHAVIOUR("no", "no", "no", "no"),
        KEY_VOLUME("0", "100"),
        KEY_ORDER("shuffled"),
        KEY_PARTS("0", "0"),
        KEY_WORKERS("0"),
        KEY_RATE("1/s"),
        KEY_TIMES("20s", "0s", "human"),
        { NULL },
};

const struct entry_class farm_classes[] = {
        { "farm", "accounts born in a burst that read profiles hours later", farm_keys },
        { NULL, NULL, NULL },
};

static void born(void *context, struct lab *lab, int64_t now_ns, const char *session,
                 const char *account)
{
        struct farm *f = context;
        double spread = dice_unit(&f->dice) * (double)f->spread_ns;

        scrape_join(f->scrape, lab, &f->dice, now_ns + f->delay_ns + (int64_t)spread,
                    session, account);
}

static void begin(struct lab *lab, const struct entry *entry, struct dice *dice,
                  int64_t now_ns)
{
        const struct scrape_plan scrape = scrape_plan_of(lab, entry);
        struct signup_plan signup = signup_plan_of(lab, entry, "signup_");
        struct farm *f = lab_keep(lab, sizeof *f);
        uint32_t group =
            lab_group(lab, SIDE_ATTACKER, entry_class_name(entry), entry_json(entry));

        f->scrape = scrape_new(lab, &scrape, group, dice, now_ns);
        f->dice = dice_of(dice_bits(dice), 0);
        f->delay_ns = entry_duration(entry, "delay");
        f->spread_ns = entry_duration(entry, "delay_spread");
        signup.born = born;
        signup.context = f;
        signup_start(lab, &signup, group, dice, now_ns);
}

static const struct schedule_row rows[] = { { "farm", begin }, { NULL, NULL } };

void farm_begin(struct lab *lab)
{
        schedule_begin(lab, &lab_parameters(lab)->attackers, rows);
}
