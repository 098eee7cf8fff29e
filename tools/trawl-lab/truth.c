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

#define SERVED  16 /* beside enum truth_name */
#define HOUR_NS INT64_C(3600000000000)

struct group {
        enum side side;
        char *class, *parameters;
        bool has_begun;
        uint64_t served, accepted;
};

struct part {
        uint32_t group;
        uint64_t views;
};

/* What was viewed with one User-Agent in the hour that runs. */
struct stratum {
        uint64_t hash;
        char *agent;
        uint64_t views;
        struct part *parts; /* of attackers */
        uint32_t part_count, part_room;
};

struct truth {
        FILE *file;
        const char *path;
        struct group *groups;
        uint32_t count, room;
        uint64_t *told; /* hashes, open addressing, half full at most; 0: free */
        size_t told_count, told_room;
        int64_t hour;           /* that runs, since 1970 */
        bool is_attacked;       /* in it some attacker viewed a profile */
        struct stratum *strata; /* in order of their first view */
        uint32_t *by_agent; /* their numbers from 1, open addressing by hash; 0: free */
        uint32_t stratum_count, stratum_room; /* half as many as by_agent has */
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
        for (uint32_t i = 0; i < t->stratum_count; i++) {
                free(t->strata[i].agent);
                free(t->strata[i].parts);
        }
        free(t->groups);
        free(t->told);
        free(t->strata);
        free(t->by_agent);
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

/* ---- strata ---- */

static uint32_t *number_of(const struct truth *t, uint64_t hash)
{
        uint32_t mask = 2 * t->stratum_room - 1;

        for (uint32_t i = (uint32_t)hash;; i++) {
                uint32_t *number = &t->by_agent[i & mask];
                if (!*number || t->strata[*number - 1].hash == hash)
                        return number;
        }
}

static void make_room_for_stratum(struct truth *t)
{
        if (t->stratum_count < t->stratum_room)
                return;
        t->stratum_room = t->stratum_room ? 2 * t->stratum_room : 64;
        t->strata = realloc(t->strata, t->stratum_room * sizeof(*t->strata));
        free(t->by_agent);
        t->by_agent = calloc(2 * t->stratum_room, sizeof(*t->by_agent));
        CHECK(t->strata && t->by_agent);
        for (uint32_t i = 0; i < t->stratum_count; i++)
                *number_of(t, t->strata[i].hash) = i + 1;
}

static struct stratum *stratum_of(struct truth *t, const char *agent)
{
        uint64_t hash = dice_name(1, agent, strlen(agent));

        make_room_for_stratum(t);
        uint32_t *number = number_of(t, hash);
        if (!*number) {
                t->strata[t->stratum_count++] =
                    (struct stratum){ .hash = hash, .agent = copy(agent) };
                *number = t->stratum_count;
        }
        return &t->strata[*number - 1];
}

static void add_part(struct stratum *s, uint32_t group)
{
        for (uint32_t i = 0; i < s->part_count; i++) {
                if (s->parts[i].group == group) {
                        s->parts[i].views++;
                        return;
                }
        }
        if (s->part_count == s->part_room) {
                s->part_room = s->part_room ? 2 * s->part_room : 4;
                s->parts = realloc(s->parts, s->part_room * sizeof(*s->parts));
                CHECK(s->parts);
        }
        s->parts[s->part_count++] = (struct part){ group, 1 };
}

static void tell_stratum(const struct truth *t, const struct stratum *s, int64_t end_ns)
{
        if (s->views == 0)
                return;
        fputc('{', t->file);
        put_time(t->file, "t", end_ns);
        put_text(t->file, "agent", s->agent);
        fprintf(t->file, ",\"views\":%" PRIu64 ",\"attackers\":{", s->views);
        for (uint32_t i = 0; i < s->part_count; i++)
                fprintf(t->file, "%s\"%" PRIu32 "\":%" PRIu64, i ? "," : "",
                        s->parts[i].group, s->parts[i].views);
        fputs("}}\n", t->file);
}

/* Tells the hour that ran, if it is another one now, and if there is anything to tell. */
static void begin_hour(struct truth *t, int64_t hour)
{
        if (hour == t->hour)
                return;
        for (uint32_t i = 0; i < t->stratum_count; i++) {
                if (t->is_attacked)
                        tell_stratum(t, &t->strata[i], (t->hour + 1) * HOUR_NS);
                t->strata[i].views = t->strata[i].part_count = 0;
        }
        t->is_attacked = false;
        t->hour = hour;
}

/* ---- groups and what they did ---- */

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
        begin_hour(t, now_ns / HOUR_NS);
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
        begin_hour(t, now_ns / HOUR_NS);
        put_count(t, now_ns, group, "served", ++group_of(t, group)->served, session);
}

void truth_accepted(struct truth *t, int64_t now_ns, uint32_t group, const char *session)
{
        if (!t->file || truth_side(t, group) != SIDE_ATTACKER)
                return;
        begin_hour(t, now_ns / HOUR_NS);
        put_count(t, now_ns, group, "accepted", ++group_of(t, group)->accepted, session);
}

void truth_viewed(struct truth *t, int64_t now_ns, uint32_t group, const char *agent)
{
        if (!t->file)
                return;
        begin_hour(t, now_ns / HOUR_NS);
        struct stratum *s = stratum_of(t, agent);
        s->views++;
        if (truth_side(t, group) == SIDE_ATTACKER) {
                t->is_attacked = true;
                add_part(s, group);
        }
}

void truth_end(struct truth *t, const struct truth_summary *s)
{
        if (!t->file)
                return;
        begin_hour(t, 0);
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
