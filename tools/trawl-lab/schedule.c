/* SPDX-License-Identifier: MIT */
#include "schedule.h"

#include <string.h>

#define DAY_NS 86400000000000

/* Puts one entry on the agenda, each midnight. */
struct scheduler {
        struct actor actor;
        const struct entry *entry;
        schedule_fn *begin;
        uint64_t day;
};

/* Begins one of them. */
struct starter {
        struct actor actor;
        const struct entry *entry;
        schedule_fn *begin;
};

static int64_t start(struct actor *a, struct lab *lab, int64_t now_ns)
{
        struct starter *s = (struct starter *)a;

        s->begin(lab, s->entry, &a->dice, now_ns);
        return LAB_NEVER;
}

static const struct actor_class starter_class = { "starter", start, NULL,
                                                  sizeof(struct starter) };

static int64_t draw_begin(const struct scheduler *s, struct dice *dice)
{
        const struct entry *e = s->entry;
        int64_t within = entry_duration(e, "within");

        if (entry_is_said(e, "begin") && !entry_is_said(e, "within"))
                within = 0;
        return entry_duration(e, "begin") + (int64_t)(dice_unit(dice) * (double)within);
}

static void put_day(struct scheduler *s, struct lab *lab, int64_t midnight_ns)
{
        uint64_t count = entry_count(s->entry, "count");

        for (uint64_t i = 0; i < count; i++) {
                int64_t first_ns = midnight_ns + draw_begin(s, &s->actor.dice);
                struct actor *a =
                    lab_add(lab, &starter_class, dice_bits(&s->actor.dice), first_ns);

                ((struct starter *)a)->entry = s->entry;
                ((struct starter *)a)->begin = s->begin;
        }
}

static int64_t schedule_day(struct actor *a, struct lab *lab, int64_t now_ns)
{
        struct scheduler *s = (struct scheduler *)a;
        uint64_t only = entry_count(s->entry, "day");

        s->day++;
        if (only == 0 || only == s->day)
                put_day(s, lab, now_ns);
        return now_ns + DAY_NS < lab_end(lab) ? now_ns + DAY_NS : LAB_NEVER;
}

static const struct actor_class scheduler_class = { "scheduler", schedule_day, NULL,
                                                    sizeof(struct scheduler) };

void schedule_begin(struct lab *lab, const struct entries *entries,
                    const struct schedule_row *row)
{
        for (; row->class; row++)
                for (unsigned i = 0; i < entries->count; i++) {
                        const struct entry *e = entries->of[i];
                        struct actor *a;

                        if (strcmp(entry_class_name(e), row->class) != 0)
                                continue;
                        a = lab_add(lab, &scheduler_class, lab_name(lab, row->class, i),
                                    lab_begin(lab));
                        ((struct scheduler *)a)->entry = e;
                        ((struct scheduler *)a)->begin = row->begin;
                }
}
