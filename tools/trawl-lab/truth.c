/* SPDX-License-Identifier: MIT */
#include "truth.h"

#include "base/buf.h"
#include "base/check.h"
#include "base/json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SERVED 16 /* beside enum truth_name */

struct group {
        enum side side;
        char *class, *parameters;
        bool has_begun;
        uint64_t served, accepted;
};

struct truth {
        FILE *file;
        const char *path;
        struct group *groups;
        uint32_t count, room;
        uint64_t *told; /* hashes, open addressing, half full at most; 0: free */
        size_t told_count, told_room;
};

struct truth *truth_open(const char *path)
{
        struct truth *t = calloc(1, sizeof(*t));

        CHECK(t);
        t->path = path;
        if (path && !(t->file = fopen(path, "w"))) {
                fprintf(stderr, "trawl-lab: %s: %s\n", path, strerror(errno));
                truth_close(&t);
        }
        return t;
}

bool truth_close(struct truth **link)
{
        struct truth *t = *link;
        bool good = true;

        if (!t)
                return true;
        if (t->file) {
                good = !ferror(t->file);
                good &= fclose(t->file) == 0;
        }
        if (!good)
                fprintf(stderr, "trawl-lab: %s: %s\n", t->path, strerror(errno));
        for (uint32_t i = 0; i < t->count; i++) {
                free(t->groups[i].class);
                free(t->groups[i].parameters);
        }
        free(t->groups);
        free(t->told);
        free(t);
        *link = NULL;
        return good;
}

/* ---- groups ---- */

static char *copy(const char *text)
{
        char *to = strdup(text);

        CHECK(to);
        return to;
}

uint32_t truth_group(struct truth *t, enum side side, const char *class,
                     const char *parameters)
{
        if (t->count == t->room) {
                t->room = t->room ? 2 * t->room : 64;
                t->groups = realloc(t->groups, t->room * sizeof(*t->groups));
                CHECK(t->groups);
        }
        t->groups[t->count++] = (struct group){ .side = side,
                                                .class = copy(class),
                                                .parameters = copy(parameters) };
        return t->count;
}

static struct group *group_of(const struct truth *t, uint32_t group)
{
        CHECK(group > 0 && group <= t->count);
        return &t->groups[group - 1];
}

enum side truth_side(const struct truth *t, uint32_t group)
{
        return group ? group_of(t, group)->side : SIDE_PERSON;
}

const char *truth_class(const struct truth *t, uint32_t group)
{
        return group_of(t, group)->class;
}

/* ---- what was told ---- */

static uint64_t *slot_of(const struct truth *t, uint64_t hash)
{
        for (size_t i = (size_t)hash;; i++) {
                uint64_t *slot = &t->told[i & (t->told_room - 1)];
                if (!*slot || *slot == hash)
                        return slot;
        }
}

static void make_room(struct truth *t)
{
        uint64_t *before = t->told;
        size_t room = t->told_room;

        if (2 * (t->told_count + 1) <= room)
                return;
        t->told_room = room ? 2 * room : 1024;
        t->told = calloc(t->told_room, sizeof(*t->told));
        CHECK(t->told);
        for (size_t i = 0; i < room; i++)
                if (before[i])
                        *slot_of(t, before[i]) = before[i];
        free(before);
}

/* True the first time. */
static bool is_new(struct truth *t, uint32_t group, unsigned kind, uint64_t value)
{
        uint64_t hash = dice_mix(dice_mix(dice_mix(value, group), kind), 1);

        hash += !hash;
        make_room(t);
        uint64_t *slot = slot_of(t, hash);
        if (*slot)
                return false;
        *slot = hash;
        t->told_count++;
        return true;
}

/* ---- lines ---- */

static void put_time(FILE *file, const char *key, int64_t ns)
{
        fprintf(file, "\"%s\":%" PRId64 ".%06" PRId64, key, ns / 1000000000,
                ns % 1000000000 / 1000);
}

static void put_text(FILE *file, const char *key, const char *value)
{
        struct buf text = { 0 };

        json_put_string(&text, slice_str(value));
        fprintf(file, ",\"%s\":%.*s", key, (int)text.len, (const char *)text.data);
        buf_free(&text);
}

static void begin_line(const struct truth *t, int64_t now_ns, uint32_t group)
{
        fprintf(t->file, "{\"group\":%" PRIu32 ",", group);
        put_time(t->file, "t", now_ns);
}

static void end_line(const struct truth *t)
{
        fputs("}\n", t->file);
}

/* A group begins with the first thing that it does. */
static void begin_group(const struct truth *t, int64_t now_ns, uint32_t number)
{
        struct group *g = group_of(t, number);

        if (g->has_begun)
                return;
        g->has_begun = true;
        fprintf(t->file, "{\"group\":%" PRIu32 ",\"side\":\"%s\"", number,
                g->side == SIDE_TRAP ? "trap" : "attacker");
        put_text(t->file, "class", g->class);
        fprintf(t->file, ",\"parameters\":%s,", g->parameters);
        put_time(t->file, "t", now_ns);
        end_line(t);
}

void truth_name(struct truth *t, int64_t now_ns, uint32_t group, enum truth_name kind,
                const char *value)
{
        static const char *const keys[] = { "address", "session", "account" };

        if (!t->file)
                return;
        begin_group(t, now_ns, group);
        if (!is_new(t, group, kind, dice_name(0, value, strlen(value))))
                return;
        begin_line(t, now_ns, group);
        put_text(t->file, keys[kind], value);
        end_line(t);
}

static void put_count(const struct truth *t, int64_t now_ns, uint32_t group,
                      const char *key, uint64_t count, const char *session)
{
        begin_line(t, now_ns, group);
        fprintf(t->file, ",\"%s\":%" PRIu64, key, count);
        if (session)
                put_text(t->file, "session", session);
        end_line(t);
}

void truth_served(struct truth *t, int64_t now_ns, uint32_t group, uint32_t profile,
                  const char *session)
{
        if (!t->file || truth_side(t, group) != SIDE_ATTACKER ||
            !is_new(t, group, SERVED, profile))
                return;
        put_count(t, now_ns, group, "served", ++group_of(t, group)->served, session);
}

void truth_accepted(struct truth *t, int64_t now_ns, uint32_t group, const char *session)
{
        if (!t->file || truth_side(t, group) != SIDE_ATTACKER)
                return;
        put_count(t, now_ns, group, "accepted", ++group_of(t, group)->accepted, session);
}

void truth_end(struct truth *t, const struct truth_summary *s)
{
        if (!t->file)
                return;
        fputs("{\"summary\":{", t->file);
        put_time(t->file, "begin", s->begin_ns);
        fputc(',', t->file);
        put_time(t->file, "end", s->end_ns);
        fprintf(t->file,
                ",\"requests\":%" PRIu64 ",\"visitors\":%" PRIu64 ",\"people\":%" PRIu64
                ",\"packets\":%" PRIu64 ",\"visitors_by_day\":[",
                s->requests, s->visitors, s->people, s->packets);
        for (uint32_t i = 0; i < s->days; i++)
                fprintf(t->file, "%s%" PRIu64, i ? "," : "", s->visitors_by_day[i]);
        fputs("]}}\n", t->file);
}
