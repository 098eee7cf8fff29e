/* SPDX-License-Identifier: MIT */
#include "target_dry.h"

#include <inttypes.h>
#include <stdio.h>

static void begin(void *target, bool is_whole)
{
        (void)target;
        if (is_whole)
                printf("all of:\n");
}

static void say(const char *verb, const struct subject *s)
{
        struct buf text = { 0 };

        subject_put(s, &text);
        printf("%s %s %.*s", verb, subject_kind_name(s->kind), (int)text.len,
               (const char *)text.data);
        buf_free(&text);
}

static void add(void *target, const struct subject *s, int64_t left_ms)
{
        (void)target;
        say("add", s);
        printf(" %.1f s\n", (double)left_ms / 1000);
}

static void drop(void *target, const struct subject *s)
{
        (void)target;
        say("remove", s);
        putchar('\n');
}

static enum target_result commit(void *target, char why[TARGET_WHY_MAX])
{
        (void)target;
        (void)why;
        fflush(stdout);
        return TARGET_OK;
}

static enum target_result check(void *target, char why[TARGET_WHY_MAX])
{
        (void)target;
        (void)why;
        return TARGET_OK;
}

struct target_kind target_dry(const struct target_kind *kind)
{
        return (struct target_kind){
                .name = kind->name,
                .kinds = kind->kinds,
                .ends_itself = kind->ends_itself,
                .batch = UINT32_MAX,
                .begin = begin,
                .add = add,
                .remove = drop,
                .commit = commit,
                .check = check,
        };
}
