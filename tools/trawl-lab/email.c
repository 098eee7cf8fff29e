/* SPDX-License-Identifier: MIT */
#include "email.h"

#include "base/check.h"
#include "lab.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define DOMAIN_MAX  40
#define LOCAL_MAX   48
#define DOMAINS_MAX 64

const char *const email_kinds[] = { "person", "tagged", "pattern", "disposable",
                                    "domain", "family", NULL };
const char *const name_kinds[] = { "person", "gibberish", NULL };

struct emails {
        struct email_plan plan;
        const struct shares *providers;
        char domain[DOMAINS_MAX][DOMAIN_MAX];
        uint32_t domains;
        char inbox[LOCAL_MAX];
        uint32_t pattern;
};

static void lower(char *text)
{
        for (; *text; text++)
                *text = (char)tolower((unsigned char)*text);
}

/* Letters and digits, as a program makes them up. */
static void draw_letters(struct dice *dice, char *text, unsigned count)
{
        for (unsigned i = 0; i < count; i++)
                text[i] = (char)('a' + dice_below(dice, 26));
        text[count] = '\0';
}

/* ---- what a burst has ---- */

/* Two words of names, as whoever registers domains by the dozen puts them together. */
static void make_domain(struct dice *dice, char text[DOMAIN_MAX])
{
        static const char *const ends[] = {
                "com", "net", "info", "xyz", "online", "site"
        };
        struct name a = name_of(dice_bits(dice)), b = name_of(dice_bits(dice));

        snprintf(text, DOMAIN_MAX, "%.14s%s%.12s.%s", a.last,
                 dice_chance(dice, 0.3) ? "-" : "", b.first, ends[dice_below(dice, 6)]);
        lower(text);
}

static void split(struct emails *e, const char *list)
{
        while (*list && e->domains < DOMAINS_MAX) {
                size_t length = strcspn(list, ", ");

                if (length > 0 && length < DOMAIN_MAX) {
                        memcpy(e->domain[e->domains], list, length);
                        e->domain[e->domains++][length] = '\0';
                }
                list += length;
                list += strspn(list, ", ");
        }
}

static void make_domains(struct emails *e, uint32_t count, struct dice *dice)
{
        if (count > DOMAINS_MAX)
                count = DOMAINS_MAX;
        while (e->domains < count)
                make_domain(dice, e->domain[e->domains++]);
}

static void draw_inbox(struct emails *e, struct dice *dice)
{
        struct name n = name_of(dice_bits(dice));

        snprintf(e->inbox, sizeof e->inbox, "%s%s", n.first, n.last);
        lower(e->inbox);
}

struct emails *emails_new(struct lab *lab, const struct email_plan *plan,
                          struct dice *dice)
{
        struct emails *e = lab_keep(lab, sizeof *e);

        e->plan = *plan;
        e->providers = &lab_parameters(lab)->people.mail;
        e->pattern = dice_below(dice, 5);
        draw_inbox(e, dice);
        if (plan->kind == EMAIL_DISPOSABLE)
                split(e, plan->domains);
        else if (plan->kind == EMAIL_TAGGED)
                split(e, plan->inboxes);
        else
                make_domains(e, plan->kind == EMAIL_PATTERN ? plan->made_domains : 1,
                             dice);
        if (e->domains == 0)
                make_domains(e, 1, dice);
        if (plan->kind == EMAIL_TAGGED) {
                /* It is one inbox, at one provider. */
                memmove(e->domain[0], e->domain[dice_below(dice, e->domains)],
                        DOMAIN_MAX);
                e->domains = 1;
        }
        return e;
}

/* ---- one sign-up ---- */

static void draw_name(enum name_kind kind, struct dice *dice, struct name *name)
{
        *name = name_of(dice_bits(dice));
        if (kind == NAME_PERSON)
                return;
        draw_letters(dice, name->first, 5 + dice_below(dice, 5));
        draw_letters(dice, name->last, 6 + dice_below(dice, 6));
        name->first[0] = (char)toupper((unsigned char)name->first[0]);
        name->last[0] = (char)toupper((unsigned char)name->last[0]);
}

/*
 * A tag, and dots anywhere in the local part where the provider does not look at them:
 * all are one inbox. Elsewhere a.nna is somebody else.
 */
static void tagged_local(const struct emails *e, struct dice *dice, char *local,
                         size_t size)
{
        bool has_dots = strcmp(e->domain[0], "gmail.com") == 0 ||
                        strcmp(e->domain[0], "googlemail.com") == 0;
        bool has_tag = !has_dots || dice_chance(dice, 0.8);
        double dot = !has_dots ? 0 : has_tag ? 0.15 : 0.5;
        size_t used = 0;

        for (const char *c = e->inbox; *c && used + 2 < size / 2; c++) {
                if (c != e->inbox && dice_chance(dice, dot))
                        local[used++] = '.';
                local[used++] = *c;
        }
        local[used] = '\0';
        if (has_tag)
                snprintf(local + used, size - used, "+%x", dice_below(dice, 1 << 20));
}

static void pattern_local(const struct emails *e, const struct name *n, struct dice *dice,
                          char *local, size_t size)
{
        unsigned number = dice_below(dice, 10000);
        char letters[16];

        switch (e->pattern) {
        case 0:
                snprintf(local, size, "%s%s%04u", n->first, n->last, number);
                return;
        case 1:
                snprintf(local, size, "%s.%s%02u", n->first, n->last, number % 100);
                return;
        case 2:
                snprintf(local, size, "%s_%03u", n->first, number % 1000);
                return;
        case 3:
                draw_letters(dice, letters, 10);
                snprintf(local, size, "%s%02u", letters, number % 100);
                return;
        default:
                snprintf(local, size, "%s%u", n->last, 1950 + number % 55);
        }
}

static void disposable_local(struct dice *dice, char *local, size_t size)
{
        char letters[16];

        draw_letters(dice, letters, 6 + dice_below(dice, 6));
        if (dice_chance(dice, 0.6))
                snprintf(local, size, "%s%u", letters, dice_below(dice, 1000));
        else
                snprintf(local, size, "%s", letters);
}

static void make_local(const struct emails *e, const struct name *n, struct dice *dice,
                       char *local, size_t size)
{
        switch (e->plan.kind) {
        case EMAIL_TAGGED:
                tagged_local(e, dice, local, size);
                return;
        case EMAIL_PATTERN:
                pattern_local(e, n, dice, local, size);
                return;
        case EMAIL_DISPOSABLE:
                disposable_local(dice, local, size);
                return;
        case EMAIL_DOMAIN:
                snprintf(local, size, "%s.%s", n->first, n->last);
                return;
        case EMAIL_FAMILY:
                snprintf(local, size, "%s+%s", e->inbox, n->first);
                return;
        case EMAIL_PERSON:
                break;
        }
        CHECK(!"made by name_email");
}

static const char *domain_of(const struct emails *e, struct dice *dice)
{
        if (e->plan.kind != EMAIL_FAMILY || e->providers->count == 0)
                return e->domain[dice_below(dice, e->domains)];
        return e->providers->name[0];
}

void email_next(const struct emails *e, struct dice *dice, struct name *name,
                char text[EMAIL_MAX_TEXT])
{
        char local[LOCAL_MAX + NAME_MAX_TEXT + 2];

        draw_name(e->plan.names, dice, name);
        if (e->plan.kind == EMAIL_PERSON) {
                name_email(name, e->providers, dice, text);
                return;
        }
        make_local(e, name, dice, local, sizeof local);
        lower(local);
        snprintf(text, EMAIL_MAX_TEXT, "%.54s@%s", local, domain_of(e, dice));
}
