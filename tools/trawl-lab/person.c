/* SPDX-License-Identifier: MIT */
#include "person.h"

#include "sources.h"

#include "base/check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_DAY INT64_C(86400000000000)

/* What is drawn from a person's name, each for itself. */
enum trait {
        TRAIT_FREQUENCY = 1,
        TRAIT_RECRUITER,
        TRAIT_SHIFT,
        TRAIT_REST,
        TRAIT_COMES,
        TRAIT_JOINS,
        TRAIT_DAY,
        TRAIT_CIRCLE,
        TRAIT_PLACE,
};

/* ---- how many ---- */

/* Mean chance to come on a day: of min(1, 1 / lognormal), over its quantiles. */
static double mean_frequency(const struct people_parameters *p)
{
        double sum = 0, weights = 0;

        for (double z = -6; z <= 6; z += 0.01) {
                double weight = exp(-z * z / 2);
                sum +=
                    weight * fmin(1, 1 / (p->days_between * exp(p->return_spread * z)));
                weights += weight;
        }
        return sum / weights;
}

uint64_t people_population(const struct parameters *p)
{
        double people = ceil((double)p->people.count / mean_frequency(&p->people));

        return people < 4e9 ? (uint64_t)people : (uint64_t)4e9;
}

/* ---- the crowd ---- */

static void set_week(struct crowd *c)
{
        const struct people_parameters *p = &c->p->people;
        double sum = 0, so_far = 0, hours = 0;

        for (unsigned i = 0; i < 7; i++)
                sum += p->week.of[i];
        for (unsigned i = 0; i < 7; i++)
                c->week[i] = sum > 0 ? p->week.of[i] * 7 / sum : 1;
        for (unsigned i = 0; i < 24; i++)
                hours += p->day.of[i];
        for (unsigned i = 0; i < 24; i++) {
                so_far += p->day.of[i];
                c->hours[i] = hours > 0 ? so_far / hours : (i + 1) / 24.0;
        }
}

/* As many companies as hold their part of the people; sizes even on a log scale. */
static void make_companies(struct crowd *c, struct lab *lab)
{
        const struct place_parameters *p = &c->p->place;
        double people = c->population * c->p->people.company, sum = 0;
        struct dice d = dice_of(c->name, 0);
        uint32_t room = (uint32_t)(people / p->company_small) + 1;

        c->companies = lab_keep(lab, room * sizeof(*c->companies));
        while (c->company_count < room && (sum < people || !c->company_count)) {
                sum += p->company_small *
                       pow(p->company_large / p->company_small, dice_unit(&d));
                c->companies[c->company_count++] = sum;
        }
}

static void set_languages(struct crowd *c)
{
        const struct shares *all = &c->p->people.languages;

        for (unsigned i = 0; i < all->count; i++) {
                char *chromium = c->languages[i][0], *firefox = c->languages[i][1];
                const char *name = all->name[i];
                int len = (int)strcspn(name, "-");
                bool is_english = strncmp(name, "en", 2) == 0;
                snprintf(chromium, 64, "%.20s,%.*s;q=0.9%s", name, len < 8 ? len : 8,
                         name, is_english ? "" : ",en-US;q=0.8,en;q=0.7");
                if (is_english)
                        snprintf(firefox, 64, "%.20s,en;q=0.5", name);
                else
                        snprintf(firefox, 64, "%.*s,en-US;q=0.7,en;q=0.3",
                                 len < 8 ? len : 8, name);
        }
}

void crowd_make(struct crowd *c, struct lab *lab)
{
        c->p = lab_parameters(lab);
        c->softwares = lab_softwares(lab);
        c->name = lab_name(lab, "people", 0);
        c->population = (uint32_t)people_population(c->p);
        c->first_day = lab_begin(lab) / NS_PER_DAY;
        set_week(c);
        make_companies(c, lab);
        set_languages(c);
}

/* ---- a person ---- */

uint64_t person_name(const struct crowd *c, uint32_t number)
{
        return dice_mix(c->name, number);
}

double person_frequency(const struct crowd *c, uint64_t name)
{
        struct dice d = dice_of(name, TRAIT_FREQUENCY);
        double days =
            dice_lognormal(&d, c->p->people.days_between, c->p->people.return_spread);

        return days > 1 ? 1 / days : 1;
}

bool person_is_recruiter(const struct crowd *c, uint64_t name)
{
        return dice_unit_of(dice_mix(name, TRAIT_RECRUITER)) < c->p->people.recruiters;
}

double person_shift(uint64_t name)
{
        struct dice d = dice_of(name, TRAIT_SHIFT);

        return 1.2 * dice_normal(&d);
}

/* Lognormal around 1, with mean 1. */
static double spread(struct dice *d, double sigma)
{
        return dice_lognormal(d, exp(-sigma * sigma / 2), sigma);
}

static double between(double value, double least, double most)
{
        return value < least ? least : value > most ? most : value;
}

static void set_habits(const struct crowd *c, struct person *person, struct dice *d)
{
        const struct people_parameters *p = &c->p->people;
        double circle = between(p->circle + p->circle_spread * dice_normal(d), 0, 0.95);
        double stray = person->is_recruiter ? p->recruiter_stray : p->stray;
        double size = dice_lognormal(d, p->circle_size, p->circle_sigma);

        person->circle = person->is_recruiter ? circle / 3 : circle;
        person->stray = between(2 * stray * dice_unit(d), 0, 1);
        person->circle_size = (uint32_t)between(ceil(size), 1, 100000);
        person->views = p->views_mean * spread(d, p->views_spread);
        person->think =
            person->is_recruiter
                ? dice_lognormal(d, p->recruiter_think, p->recruiter_think_sigma)
                : dice_lognormal(d, p->think_median, p->think_spread);
}

static uint32_t company_of(const struct crowd *c, struct dice *d)
{
        double u = dice_unit(d) * c->companies[c->company_count - 1];
        uint32_t low = 0, high = c->company_count - 1;

        while (low < high) {
                uint32_t middle = (low + high) / 2;
                if (c->companies[middle] <= u)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

static void set_whereabouts(const struct crowd *c, struct person *person, struct dice *d)
{
        const struct people_parameters *p = &c->p->people;
        double u = dice_unit(d);

        person->company = company_of(c, d);
        person->whereabouts = u < p->mobile                         ? BY_MOBILE
                              : u < p->mobile + p->company          ? BY_COMPANY
                              : u < p->mobile + p->company + p->vpn ? BY_VPN
                                                                    : BY_HOME;
}

static void set_browser(const struct crowd *c, struct person *person, struct dice *d)
{
        const struct people_parameters *p = &c->p->people;
        unsigned language = dice_weighted(d, p->languages.of, p->languages.count);

        person->software = software_of_person(c->softwares, d);
        bool is_firefox = strncmp(software_name(person->software), "firefox", 7) == 0;
        person->language = c->languages[language][is_firefox];
        person->is_plain = dice_chance(d, p->plain);
        person->prefetches = dice_chance(d, p->prefetch);
        person->forgets = dice_chance(d, p->forgets_cookies);
        person->takes_no_cookies = dice_chance(d, p->no_cookies);
        person->cookie_days =
            (uint32_t)between(dice_lognormal(d, p->cookie_life, 0.5), 1, 3650);
}

struct person person_of(const struct crowd *c, uint32_t number)
{
        struct person person = { .number = number, .name = person_name(c, number) };
        struct dice d = dice_of(person.name, TRAIT_REST);

        person.comes = person_frequency(c, person.name);
        person.is_recruiter = person_is_recruiter(c, person.name);
        person.shift = person_shift(person.name);
        set_habits(c, &person, &d);
        set_whereabouts(c, &person, &d);
        set_browser(c, &person, &d);
        person.was_member = dice_chance(&d, c->p->people.members) || person.is_recruiter;
        return person;
}

void person_use(const struct crowd *c, struct person *person,
                const struct software *software)
{
        bool is_firefox = strncmp(software_name(software), "firefox", 7) == 0;

        person->software = software;
        for (unsigned i = 0; i < c->p->people.languages.count; i++)
                if (person->language == c->languages[i][!is_firefox])
                        person->language = c->languages[i][is_firefox];
}

/* ---- its days ---- */

/* 1970 began on a Thursday; weekday 0 is Monday. */
static unsigned weekday(int64_t day)
{
        return (unsigned)(((day + 3) % 7 + 7) % 7);
}

bool person_comes(const struct crowd *c, uint64_t name, double comes, int64_t day)
{
        uint64_t draw = dice_mix(dice_mix(name, TRAIT_COMES), (uint64_t)day);

        return dice_unit_of(draw) < comes * c->week[weekday(day)];
}

bool person_came(const struct crowd *c, const struct person *person, int64_t first,
                 int64_t last)
{
        for (int64_t day = last; day >= first; day--)
                if (person_comes(c, person->name, person->comes, day))
                        return true;
        return false;
}

static bool wants_to_join(const struct crowd *c, const struct person *person, int64_t day)
{
        uint64_t draw = dice_mix(dice_mix(person->name, TRAIT_JOINS), (uint64_t)day);

        return dice_unit_of(draw) < c->p->people.signups &&
               person_comes(c, person->name, person->comes, day);
}

bool person_is_member(const struct crowd *c, const struct person *person, int64_t day)
{
        if (person->was_member)
                return true;
        for (int64_t d = c->first_day; d < day; d++)
                if (wants_to_join(c, person, d))
                        return true;
        return false;
}

bool person_joins(const struct crowd *c, const struct person *person, int64_t day)
{
        return wants_to_join(c, person, day) && !person_is_member(c, person, day);
}

struct dice person_day(uint64_t name, int64_t day)
{
        return dice_of(dice_mix(name, TRAIT_DAY), (uint64_t)day);
}

unsigned person_sessions(const struct crowd *c, bool is_recruiter, struct dice *d)
{
        double mean =
            is_recruiter ? c->p->people.recruiter_sessions : c->p->people.sessions;
        unsigned sessions = 1 + dice_poisson(d, mean - 1);

        return sessions < PERSON_SESSIONS_MAX ? sessions : PERSON_SESSIONS_MAX;
}

int64_t person_hour(const struct crowd *c, double shift, struct dice *d)
{
        double u = dice_unit(d);
        unsigned hour = 0;

        while (hour < 23 && c->hours[hour] <= u)
                hour++;
        double at = fmod(hour + dice_unit(d) + shift + 48, 24);
        return (int64_t)(at * 3600e9);
}

/* ---- what it looks at ---- */

/* Half of one's acquaintances are known to many, half to few. */
static uint32_t of_circle(const struct person *person, const struct site *site,
                          struct dice *d)
{
        double u = dice_unit(d);
        uint32_t i = (uint32_t)(u * u * person->circle_size);
        struct dice own = dice_of(dice_mix(person->name, TRAIT_CIRCLE), i);

        return dice_chance(&own, 0.5) ? site_popular(site, &own)
                                      : dice_below(&own, site_profiles(site));
}

uint32_t person_target(const struct person *person, const struct site *site,
                       struct dice *d)
{
        if (dice_chance(d, person->circle))
                return of_circle(person, site, d);
        if (dice_chance(d, person->stray))
                return dice_below(d, site_profiles(site));
        return site_popular(site, d);
}

/* ---- where it is ---- */

static struct address home_address(const struct crowd *c, const struct person *person,
                                   const struct places *places, int64_t day)
{
        uint64_t home = (uint64_t)(person->number / c->p->place.household);
        uint64_t draw = dice_mix(c->name + TRAIT_PLACE, home);
        bool is_daily = place_is_6(places, PLACE_HOME, home) ||
                        dice_unit_of(draw) < c->p->people.reconnects;

        return place_address(
            places, PLACE_HOME, home,
            (uint32_t)(is_daily ? day : (day + (int64_t)(draw % 30)) / 30));
}

struct address person_address(const struct crowd *c, const struct person *person,
                              const struct places *places, int64_t day,
                              bool is_working_hour, uint32_t session, uint32_t changes,
                              bool *is_mobile)
{
        uint64_t draw =
            dice_mix(dice_mix(person->name, TRAIT_PLACE), (uint64_t)day * 64 + session);
        bool is_workday = weekday(day) < 5;

        *is_mobile = person->whereabouts == BY_MOBILE && dice_unit_of(draw) < 0.7;
        if (*is_mobile)
                return place_address(places, PLACE_MOBILE, person->number,
                                     (uint32_t)(draw % 1024) + changes);
        if (person->whereabouts == BY_COMPANY && is_working_hour && is_workday)
                return place_address(places, PLACE_COMPANY, person->company, 0);
        if (person->whereabouts == BY_VPN)
                return place_address(places, PLACE_VPN, draw % c->p->place.vpn_exits, 0);
        return home_address(c, person, places, day);
}
