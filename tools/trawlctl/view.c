/* SPDX-License-Identifier: MIT */
#include "view.h"

#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "base/check.h"
#include "base/clock.h"

#define PSEUDONYM_LENGTH 32
#define PSEUDONYM_SHOWN  12

static void *allocate(size_t count, size_t size)
{
        void *memory = calloc(count ? count : 1, size);

        CHECK(memory != NULL);
        return memory;
}

static char *copy(const char *text)
{
        char *got = strdup(text);

        CHECK(got != NULL);
        return got;
}

/* Follows `a.b` through objects; a dot inside a key is not needed here. */
static json_t *at_path(json_t *object, const char *path)
{
        char key[64];

        while (object && *path) {
                size_t len = strcspn(path, ".");
                snprintf(key, sizeof(key), "%.*s", (int)len, path);
                object = json_object_get(object, key);
                path += len + (path[len] == '.');
        }
        return object;
}

static char *text_at(json_t *object, const char *path)
{
        const char *text = json_string_value(at_path(object, path));

        return copy(text ? text : "");
}

static uint64_t number_at(json_t *object, const char *path)
{
        json_int_t value = json_integer_value(at_path(object, path));

        return value > 0 ? (uint64_t)value : 0;
}

/* 2026-11-23T11:00:00.123456Z as people write it. */
static char *time_at(json_t *object, const char *path)
{
        char *text = text_at(object, path);

        if (strlen(text) >= 19 && text[10] == 'T') {
                text[10] = ' ';
                text[19] = 0;
        }
        return text;
}

static char *number_text(json_t *value)
{
        char text[32];

        if (json_is_integer(value))
                snprintf(text, sizeof(text), "%lld",
                         (long long)json_integer_value(value));
        else if (json_is_real(value))
                snprintf(text, sizeof(text),
                         json_real_value(value) < 100 ? "%.4g" : "%.0f",
                         json_real_value(value));
        else
                return copy("missing");
        return copy(text);
}

/* Values that were not looked at are not in it. */
static char *evidence_text(json_t *item)
{
        char *number = number_text(json_object_get(item, "value"));
        struct buf text = { 0 };

        if (!json_is_true(json_object_get(item, "lower_bound")))
                return number;
        buf_printf(&text, "at least %s", number);
        free(number);
        buf_put_byte(&text, '\0');
        number = copy((const char *)text.data);
        buf_free(&text);
        return number;
}

static void take_evidence(struct view *view, json_t *list)
{
        size_t count = json_array_size(list);

        view->evidence = allocate(count, sizeof(*view->evidence));
        for (size_t i = 0; i < count; i++) {
                json_t *item = json_array_get(list, i);
                view->evidence[view->evidence_count++] = (struct view_evidence){
                        text_at(item, "expression"),
                        evidence_text(item),
                };
        }
}

/* The texts of a list, joined or apart. */
static char **take_texts(json_t *list, unsigned *count)
{
        size_t size = json_array_size(list);
        char **texts = allocate(size, sizeof(*texts));

        *count = 0;
        for (size_t i = 0; i < size; i++) {
                const char *text = json_string_value(json_array_get(list, i));
                if (text)
                        texts[(*count)++] = copy(text);
        }
        return texts;
}

static void take_involved(struct view *view, json_t *object)
{
        const char *kind;
        json_t *item;

        view->involved = allocate(json_object_size(object), sizeof(*view->involved));
        json_object_foreach(object, kind, item)
        {
                struct view_involved *involved = &view->involved[view->involved_count++];
                involved->kind = copy(kind);
                involved->total = number_at(item, "total");
                involved->values =
                    take_texts(json_object_get(item, "values"), &involved->count);
        }
}

static char *joined(json_t *list)
{
        struct buf all = { 0 };
        char *text;

        for (size_t i = 0; i < json_array_size(list); i++) {
                const char *item = json_string_value(json_array_get(list, i));
                if (item)
                        buf_printf(&all, "%s%s", all.len ? ", " : "", item);
        }
        buf_put_byte(&all, 0);
        text = copy((const char *)all.data);
        buf_free(&all);
        return text;
}

static void fill(struct view *view, json_t *root)
{
        json_t *own = json_object_get(root, "trawlwatch");

        view->time = time_at(root, "@timestamp");
        view->start = time_at(root, "event.start");
        view->action = text_at(root, "event.action");
        view->rule = text_at(root, "rule.name");
        view->description = text_at(root, "rule.description");
        view->references = joined(at_path(root, "rule.reference"));
        view->severity = text_at(own, "severity");
        view->subject_type = text_at(own, "subject.type");
        view->subject = text_at(own, "subject.value");
        view->group = text_at(own, "group");
        view->dry_run = json_is_true(json_object_get(own, "dry_run"));
        take_evidence(view, json_object_get(own, "evidence"));
        view->served_targets = number_at(own, "served.targets");
        view->served_bytes = number_at(own, "served.bytes");
        take_involved(view, json_object_get(own, "involved"));
        view->samples = take_texts(json_object_get(own, "samples"), &view->sample_count);
        view->missed = json_number_value(json_object_get(own, "missed"));
        view->block_type = text_at(own, "block.type");
        view->block_value = text_at(own, "block.value");
        view->block_until = time_at(own, "block.until");
        view->block_level = number_at(own, "block.level");
        view->block_state = text_at(own, "enforcement.state");
        view->block_requests = number_at(own, "enforcement.requests");
        view->block_refused = number_at(own, "enforcement.refused");
        view->first_refusal_ms =
            at_path(own, "enforcement.first_refusal_ms")
                ? (int64_t)number_at(own, "enforcement.first_refusal_ms")
                : -1;
}

struct view *view_of(struct slice text)
{
        json_t *root =
            json_loadb((const char *)text.data, text.len, JSON_ALLOW_NUL, NULL);
        struct view *view;

        if (!root)
                return NULL;
        view = allocate(1, sizeof(*view));
        fill(view, root);
        json_decref(root);
        return view;
}

static void free_texts(char **texts, unsigned count)
{
        for (unsigned i = 0; i < count; i++)
                free(texts[i]);
        free(texts);
}

void view_free(struct view **view)
{
        struct view *v = *view;

        if (!v)
                return;
        char *texts[] = { v->time,    v->start,       v->action,      v->severity,
                          v->rule,    v->description, v->references,  v->subject_type,
                          v->subject, v->block_type,  v->block_value, v->block_until,
                          v->group,   v->block_state };
        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
                free(texts[i]);
        for (unsigned i = 0; i < v->evidence_count; i++) {
                free(v->evidence[i].expression);
                free(v->evidence[i].value);
        }
        free(v->evidence);
        for (unsigned i = 0; i < v->involved_count; i++) {
                free(v->involved[i].kind);
                free_texts(v->involved[i].values, v->involved[i].count);
        }
        free(v->involved);
        free_texts(v->samples, v->sample_count);
        free(v);
        *view = NULL;
}

void view_put_evidence(const struct view *view, struct buf *out)
{
        for (unsigned i = 0; i < view->evidence_count; i++)
                buf_printf(out, "%s%s %s", i ? ", " : "", view->evidence[i].expression,
                           view->evidence[i].value);
}

static bool is_pseudonym(const char *text)
{
        return strlen(text) == PSEUDONYM_LENGTH &&
               strspn(text, "0123456789abcdef") == PSEUDONYM_LENGTH;
}

void view_put_subject(const struct view *view, struct buf *out)
{
        if (is_pseudonym(view->subject))
                buf_printf(out, "%s %.*s...", view->subject_type, PSEUDONYM_SHOWN,
                           view->subject);
        else
                buf_put_str(out, view->subject);
}

/* A compound key joins its values with `|`. */
static bool is_part_of(const char *subject, const char *value)
{
        struct slice rest = slice_str(subject), part;

        if (strcmp(subject, value) == 0)
                return true;
        while (slice_next(&rest, '|', &part))
                if (slice_is(part, value))
                        return true;
        return false;
}

bool view_mentions(const struct view *view, const char *value)
{
        if (is_part_of(view->subject, value))
                return true;
        for (unsigned i = 0; i < view->involved_count; i++)
                for (unsigned k = 0; k < view->involved[i].count; k++)
                        if (strcmp(view->involved[i].values[k], value) == 0)
                                return true;
        return false;
}

void block_view_of(struct slice text, struct block_view *view)
{
        json_t *root =
            json_loadb((const char *)text.data, text.len, JSON_ALLOW_NUL, NULL);
        char *since = text_at(root, "since");

        view->rule = text_at(root, "rule");
        view->id = text_at(root, "id");
        view->why = text_at(root, "why");
        view->level = number_at(root, "level");
        view->since_ns = clock_parse(slice_str(since));
        free(since);
        json_decref(root);
}

void block_view_free(struct block_view *view)
{
        free(view->rule);
        free(view->id);
        free(view->why);
        *view = (struct block_view){ 0 };
}
