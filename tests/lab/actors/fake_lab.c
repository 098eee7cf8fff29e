/* SPDX-License-Identifier: MIT */
#include "fake_lab.h"

#include "sources.h"

#include "base/buf.h"
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- software ---- */

struct software {
        const char *name;
        enum software_class class;
};

static const struct software all[] = {
        { "curl", SOFTWARE_LIBRARY },     { "python-requests", SOFTWARE_LIBRARY },
        { "httrack", SOFTWARE_LIBRARY },  { "java-okhttp", SOFTWARE_LIBRARY },
        { "chrome-1", SOFTWARE_BROWSER }, { "firefox-1", SOFTWARE_BROWSER },
        { "safari-1", SOFTWARE_BROWSER }, { "facebook-preview", SOFTWARE_BOT },
        { "googlebot", SOFTWARE_BOT },    { "haproxy-check", SOFTWARE_BOT },
        { "newsboat", SOFTWARE_BOT },     { "copied-chrome", SOFTWARE_BROWSER },
};
#define BROWSERS 4 /* from here on there are three */
#define COPY     11

const struct software *software_of_person(const struct softwares *s, struct dice *dice)
{
        (void)s;
        return &all[BROWSERS + dice_below(dice, 3)];
}

const struct software *software_of_class(const struct softwares *s,
                                         enum software_class class, struct dice *dice)
{
        (void)s;
        for (;;) {
                const struct software *one = &all[dice_below(dice, COPY)];

                if (one->class == class)
                        return one;
        }
}

const struct software *software_named(const struct softwares *s, const char *name)
{
        (void)s;
        for (unsigned i = 0; i < COPY; i++)
                if (strcmp(all[i].name, name) == 0)
                        return &all[i];
        return NULL;
}

const struct software *software_before(const struct softwares *s, const char *name,
                                       unsigned back)
{
        return back == 1 && strcmp(name, "chrome-1") == 0
                   ? software_named(s, "firefox-1")
                   : NULL;
}

const struct software *software_copied(struct softwares *s, const struct software *of,
                                       uint32_t variant)
{
        (void)s, (void)of, (void)variant;
        return &all[COPY];
}

const char *software_name(const struct software *s)
{
        return s->name;
}
enum software_class software_class(const struct software *s)
{
        return s->class;
}

/* ---- the agenda: a heap by time, then by who came first ---- */

struct due {
        int64_t at_ns;
        uint64_t order;
        struct actor *actor;
};

struct agenda {
        struct due *heap;
        size_t count, room;
        uint64_t order;
};

static bool is_before(const struct due *a, const struct due *b)
{
        return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

static void swap(struct due *a, struct due *b)
{
        struct due c = *a;

        *a = *b;
        *b = c;
}

static void agenda_put(struct agenda *a, int64_t at_ns, struct actor *actor)
{
        size_t i = a->count++;

        if (a->count > a->room) {
                a->room = a->room ? 2 * a->room : 1024;
                a->heap = realloc(a->heap, a->room * sizeof *a->heap);
        }
        a->heap[i] = (struct due){ at_ns, a->order++, actor };
        for (; i > 0 && is_before(&a->heap[i], &a->heap[(i - 1) / 2]); i = (i - 1) / 2)
                swap(&a->heap[i], &a->heap[(i - 1) / 2]);
}

static struct due agenda_take(struct agenda *a)
{
        struct due first = a->heap[0];
        size_t i = 0, child;

        a->heap[0] = a->heap[--a->count];
        while ((child = 2 * i + 1) < a->count) {
                if (child + 1 < a->count &&
                    is_before(&a->heap[child + 1], &a->heap[child]))
                        child++;
                if (!is_before(&a->heap[child], &a->heap[i]))
                        break;
                swap(&a->heap[i], &a->heap[child]);
                i = child;
        }
        return first;
}

struct actor *lab_add(struct lab *lab, const struct actor_class *class, uint64_t name,
                      int64_t first_ns)
{
        struct actor *actor = calloc(1, class->size);

        CHECK(first_ns >= lab->now_ns);
        actor->class = class;
        actor->dice = dice_of(lab->parameters->seed, name);
        actor->browser = ++lab->browsers;
        CHECK(actor->browser < sizeof lab->connections / sizeof lab->connections[0]);
        agenda_put(lab->agenda, first_ns, actor);
        return actor;
}

/* ---- memory ---- */

void *lab_keep(struct lab *lab, size_t size)
{
        void **block = calloc(1, sizeof(max_align_t) + size);

        *block = lab->kept;
        lab->kept = block;
        return (char *)block + sizeof(max_align_t);
}

/* ---- what the rest of a laboratory tells ---- */

uint32_t lab_group(struct lab *lab, enum side side, const char *class,
                   const char *parameters)
{
        struct fake_group *g = &lab->group[++lab->groups];

        CHECK(lab->groups < sizeof lab->group / sizeof lab->group[0]);
        g->side = side;
        snprintf(g->class, sizeof g->class, "%s", class);
        g->parameters = parameters;
        g->at_ns = lab->now_ns;
        return lab->groups;
}

const struct site *lab_site(const struct lab *lab)
{
        return lab->site;
}
struct places *lab_places(struct lab *lab)
{
        return lab->places;
}
struct softwares *lab_softwares(const struct lab *lab)
{
        return (void)lab, NULL;
}
const struct parameters *lab_parameters(const struct lab *lab)
{
        return lab->parameters;
}
int64_t lab_begin(const struct lab *lab)
{
        return (void)lab, BEGIN_NS;
}
int64_t lab_end(const struct lab *lab)
{
        return lab->end_ns;
}

void lab_person(struct lab *lab, struct actor *a, uint32_t person)
{
        (void)lab, (void)a, (void)person;
}

uint64_t lab_name(const struct lab *lab, const char *source, uint64_t number)
{
        return dice_name(lab->parameters->seed, source, number);
}

/* ---- requests ---- */

#define COPY_TEXT(to, from) snprintf(to, sizeof(to), "%s", (from) ? (from) : "")

void lab_request(struct lab *lab, const struct actor *a, int64_t now_ns,
                 const struct request *request, const struct response *response)
{
        struct sent *s;

        CHECK(now_ns == lab->now_ns && response->status > 0 && response->latency_ns > 0);
        CHECK(request->software);
        if (lab->count == lab->room) {
                lab->room = lab->room ? 2 * lab->room : 4096;
                lab->sent = realloc(lab->sent, lab->room * sizeof *lab->sent);
        }
        s = &lab->sent[lab->count++];
        memset(s, 0, sizeof *s);
        s->at_ns = now_ns;
        s->group = a->group;
        s->browser = a->browser;
        s->connection = lab->connections[a->browser];
        s->software = request->software;
        s->kind = request->kind;
        s->method = request->method;
        address_text(&request->from, s->from);
        COPY_TEXT(s->path, request->path);
        COPY_TEXT(s->referer, request->referer);
        COPY_TEXT(s->session, request->session);
        COPY_TEXT(s->account, request->account);
        COPY_TEXT(s->email, request->fields ? request->fields->email : NULL);
        COPY_TEXT(s->name, request->fields ? request->fields->name : NULL);
        s->target = request->target;
        s->status = response->status;
        COPY_TEXT(s->set_session, response->set_session);
        COPY_TEXT(s->set_account, response->set_account);
}

void lab_hang_up(struct lab *lab, const struct actor *a)
{
        lab->connections[a->browser]++;
}

/* ---- running ---- */

static void end(struct actor *actor)
{
        if (actor->class->end)
                actor->class->end(actor);
        free(actor);
}

static void step(struct lab *lab, struct due due)
{
        int64_t next_ns;

        CHECK(due.at_ns >= lab->now_ns);
        lab->now_ns = due.at_ns;
        next_ns = due.actor->class->step(due.actor, lab, due.at_ns);
        CHECK(next_ns >= due.at_ns);
        if (next_ns == LAB_NEVER)
                end(due.actor);
        else
                agenda_put(lab->agenda, next_ns, due.actor);
}

/* The classes of all sources of attackers, as sources.c joins them. */
static const struct entry_class *attacker_classes(void)
{
        static const struct entry_class *const parts[] = { scrape_classes, signup_classes,
                                                           farm_classes };
        static struct entry_class joined[64];
        size_t count = 0;

        for (unsigned i = 0; i < 3; i++)
                for (const struct entry_class *c = parts[i]; c->name; c++)
                        joined[count++] = *c;
        CHECK(count < 64);
        return joined;
}

static void read_text(struct lab *lab, const char *yaml)
{
        char path[] = "/tmp/fake-lab-XXXXXX";
        int file = mkstemp(path);
        struct diag *diag = diag_new();
        struct buf text = { 0 };

        CHECK(file >= 0);
        CHECK(write(file, yaml, strlen(yaml)) == (ssize_t)strlen(yaml));
        close(file);
        lab->set = parameters_new(trap_classes, attacker_classes());
        parameters_read(lab->set, path, diag);
        lab->parameters = parameters_values(lab->set, diag);
        unlink(path);
        diag_print(diag, &text);
        if (diag_errors(diag) > 0)
                fprintf(stderr, "%.*s", (int)text.len, (const char *)text.data);
        CHECK(diag_errors(diag) == 0);
        buf_free(&text);
        diag_free(&diag);
}

struct lab *fake_run(void (*begin)(struct lab *), const char *yaml)
{
        struct lab *lab = calloc(1, sizeof *lab);

        lab->agenda = calloc(1, sizeof *lab->agenda);
        read_text(lab, yaml);
        lab->now_ns = BEGIN_NS;
        lab->end_ns = BEGIN_NS + (int64_t)(lab->parameters->days * 24 * HOUR_NS);
        lab->site = site_new(lab->parameters, lab->parameters->seed);
        lab->places = places_new(lab->parameters->seed, &lab->parameters->place, 1000);
        begin(lab);
        while (lab->agenda->count > 0 && lab->agenda->heap[0].at_ns < lab->end_ns)
                step(lab, agenda_take(lab->agenda));
        return lab;
}

void fake_free(struct lab **lab)
{
        struct lab *l = *lab;

        while (l->agenda->count > 0)
                end(agenda_take(l->agenda).actor);
        free(l->agenda->heap);
        free(l->agenda);
        while (l->kept) {
                void *next = *(void **)l->kept;

                free(l->kept);
                l->kept = next;
        }
        free(l->sent);
        site_free(&l->site);
        places_free(&l->places);
        parameters_free(&l->set);
        free(l);
        *lab = NULL;
}

/* ---- questions ---- */

bool fake_is_profile(const struct sent *s)
{
        return s->kind != REQUEST_IMAGE && s->method == METHOD_GET &&
               (s->target >= 0 || s->status == 404);
}

const struct sent *fake_view(const struct lab *lab, size_t *i)
{
        while (*i < lab->count) {
                const struct sent *s = &lab->sent[(*i)++];

                if (fake_is_profile(s))
                        return s;
        }
        return NULL;
}

size_t fake_views(const struct lab *lab)
{
        size_t i = 0, count = 0;

        while (fake_view(lab, &i))
                count++;
        return count;
}

const char *fake_from(const struct sent *s)
{
        return s->from;
}
const char *fake_session(const struct sent *s)
{
        return s->session[0] ? s->session : NULL;
}
const char *fake_account(const struct sent *s)
{
        return s->account[0] ? s->account : NULL;
}

static int by_text(const void *a, const void *b)
{
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

size_t fake_distinct(const struct lab *lab, fake_value_fn *value)
{
        const char **texts = calloc(lab->count + 1, sizeof *texts);
        size_t count = 0, distinct = 0;

        for (size_t i = 0; i < lab->count; i++) {
                const char *text = value(&lab->sent[i]);

                if (text)
                        texts[count++] = text;
        }
        qsort(texts, count, sizeof *texts, by_text);
        for (size_t i = 0; i < count; i++)
                distinct += i == 0 || strcmp(texts[i], texts[i - 1]) != 0;
        free(texts);
        return distinct;
}
