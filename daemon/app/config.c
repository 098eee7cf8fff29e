/* SPDX-License-Identifier: MIT */
#include "app/config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "alert/redis_url.h"
#include "app/config_priv.h"
#include "base/check.h"

#define OPTIONS_MAX 96
#define VALUE_ROOM  4096 /* longer than any text of one value */

/* Where a value of the command line stands, for messages. */
static const char option_place_name[] = "-o";

/*
 * Where each option was written; the row's number is the index. The files that
 * were read stay open to messages as long as the configuration lives.
 */
struct config_source {
        struct place places[OPTIONS_MAX];
        struct yaml **files;
        unsigned file_count;
};

static unsigned option_index(const struct option *o)
{
        return (unsigned)(o - config_options);
}

/* Takes a value and remembers where it was written. */
static bool take(struct config *config, const struct option *o,
                 const struct yaml_node *node, struct diag *diag)
{
        char key[OPTION_KEY_MAX];

        if (!option_read(o, node, option_value(o, config), diag))
                return false;
        config->source->places[option_index(o)] = node->place;
        if (o->unused)
                diag_warning(diag, node->place,
                             "%s is kept for a later version: nothing reads it yet",
                             option_key(o, key));
        return true;
}

/* A scalar or, for lists, the parts between commas, as if a file had held them. */
static bool take_text(struct config *config, const struct option *o, const char *text,
                      struct place place, struct diag *diag)
{
        bool is_list =
            o->type == OPTION_LIST || o->type == OPTION_PATHS || o->type == OPTION_SET;
        struct yaml_node list = { .kind = YAML_LIST, .place = place };
        struct yaml_node parts[64];
        unsigned count = 0;
        char *copy = strdup(text), *at = copy, *comma;
        bool ok;

        CHECK(copy != NULL);
        do {
                comma = is_list && count + 1 < 64 ? strchr(at, ',') : NULL;
                if (comma)
                        *comma = 0;
                parts[count] = (struct yaml_node){
                        .kind = YAML_SCALAR,
                        .place = { place.file, place.line,
                                   place.column + (unsigned)(at - copy) },
                        .text = slice_str(at),
                        .quoted = o->type == OPTION_TEXT || o->type == OPTION_PATH,
                        .one_line = true,
                };
                if (count)
                        parts[count - 1].next = &parts[count];
                count++;
                at = comma ? comma + 1 : at;
        } while (comma);
        list.child = text[0] ? parts : NULL;
        ok = take(config, o, is_list && (count > 1 || !text[0]) ? &list : parts, diag);
        free(copy);
        return ok;
}

void config_init(struct config *config)
{
        struct diag *diag = diag_new();

        CHECK(config_option_count <= OPTIONS_MAX);
        *config = (struct config){ .source = calloc(1, sizeof(struct config_source)) };
        CHECK(config->source != NULL);
        for (const struct option *o = config_options; o->section; o++)
                if (o->fallback)
                        take_text(config, o, o->fallback, (struct place){ 0 }, diag);
        /* A default that its own row refuses is a mistake of ours. */
        CHECK(diag_errors(diag) == 0);
        diag_free(&diag);
}

void config_forget_secrets(struct config *config)
{
        if (config->redis.url)
                explicit_bzero(config->redis.url, strlen(config->redis.url));
        for (unsigned i = 0; config->source && i < config->source->file_count; i++) {
                const struct yaml_node *root = yaml_root(config->source->files[i]);
                const struct yaml_node *redis = root ? yaml_get(root, "redis") : NULL;
                const struct yaml_node *url = redis ? yaml_get(redis, "url") : NULL;
                if (url && url->text.len)
                        explicit_bzero((void *)(uintptr_t)url->text.data, url->text.len);
        }
}

void config_free(struct config *config)
{
        config_forget_secrets(config);
        for (const struct option *o = config_options; o->section; o++)
                option_drop(o, option_value(o, config));
        if (!config->source)
                return;
        for (unsigned i = 0; i < config->source->file_count; i++)
                yaml_free(&config->source->files[i]);
        free(config->source->files);
        free(config->source);
        config->source = NULL;
}

/* The names of one section's keys; ends with a NULL. */
static void section_keys(const char *section, const char *keys[OPTIONS_MAX + 1])
{
        unsigned count = 0;

        for (const struct option *o = config_options; o->section; o++)
                if (strcmp(o->section, section) == 0)
                        keys[count++] = o->name;
        keys[count] = NULL;
}

static bool take_section(struct config *config, const char *section,
                         const struct yaml_node *map, struct diag *diag)
{
        const char *keys[OPTIONS_MAX + 1];
        char what[OPTION_KEY_MAX];
        bool ok;

        /* `redis:` with nothing after it is a section whose keys are all commented. */
        if (map->kind == YAML_SCALAR && map->text.len == 0 && !map->quoted)
                return true;
        section_keys(section, keys);
        snprintf(what, sizeof(what), "section '%s'", section);
        ok = yaml_check_keys(map, keys, what, diag);
        for (const struct option *o = config_options; o->section; o++) {
                const struct yaml_node *node;
                if (strcmp(o->section, section) != 0 || map->kind != YAML_MAP)
                        continue;
                node = yaml_get(map, o->name);
                if (node && !take(config, o, node, diag))
                        ok = false;
        }
        return ok;
}

static bool take_root(struct config *config, const struct yaml_node *root,
                      struct diag *diag)
{
        const char *const *sections = config_sections();
        bool ok = yaml_check_keys(root, sections, "the configuration", diag);

        if (root->kind != YAML_MAP)
                return false;
        for (unsigned i = 0; sections[i]; i++) {
                const struct yaml_node *map = yaml_get(root, sections[i]);
                if (map && !take_section(config, sections[i], map, diag))
                        ok = false;
        }
        return ok;
}

/* Keeps the file: places point into it. */
static bool take_file(struct config *config, struct yaml *file, struct diag *diag)
{
        struct config_source *source = config->source;
        struct yaml **files;

        if (!file)
                return false;
        files = realloc(source->files, (source->file_count + 1) * sizeof(struct yaml *));
        CHECK(files != NULL);
        source->files = files;
        source->files[source->file_count++] = file;
        return take_root(config, yaml_root(file), diag);
}

bool config_read(struct config *config, const char *path, struct diag *diag)
{
        return take_file(config, yaml_read(path, diag), diag);
}

bool config_parse(struct config *config, const char *name, struct slice text,
                  struct diag *diag)
{
        return take_file(config, yaml_parse(name, text, diag), diag);
}

/* For what an operator misspelt: all keys there are. */
static void unknown_key(struct slice key, struct diag *diag)
{
        char names[OPTIONS_MAX][OPTION_KEY_MAX];
        const char *candidates[OPTIONS_MAX + 1];
        unsigned count = 0;
        const char *near;

        for (const struct option *o = config_options; o->section; o++, count++)
                candidates[count] = option_key(o, names[count]);
        candidates[count] = NULL;
        near = diag_suggest(key, candidates);
        diag_error(diag, (struct place){ option_place_name, 1, 1 },
                   "unknown key '%.*s'%s%s%s",
                   (int)(key.len < OPTION_KEY_MAX ? key.len : OPTION_KEY_MAX),
                   (const char *)key.data, near ? " (did you mean '" : "",
                   near ? near : "", near ? "'?)" : "; trawlwatchd -h lists them");
}

/* Who lists the processes reads the command line. */
static bool refuse_password(const struct option *o, const char *text, struct place place,
                            struct diag *diag)
{
        struct buf hidden = { 0 };
        bool has = option_is_redis_url(o) && redis_url_hide_password(text, &hidden);

        buf_free(&hidden);
        if (has)
                diag_error(diag, place,
                           "redis.url: no password on the command line, where ps shows "
                           "it: name a file with -o redis.password_file=FILE, or set "
                           "TRAWLWATCH_REDIS_PASSWORD");
        return has;
}

bool config_set(struct config *config, const char *argument, struct diag *diag)
{
        struct slice all = slice_str(argument);
        struct slice key = slice_first(all, slice_find(all, '='));
        const struct option *o = option_find(key);
        unsigned column = (unsigned)key.len + 2;

        if (key.len == all.len) {
                diag_error(
                    diag, (struct place){ option_place_name, 1, 1 },
                    "'%s' is not KEY=VALUE, as in redis.url=redis://127.0.0.1:6379",
                    argument);
                return false;
        }
        if (!o) {
                unknown_key(key, diag);
                return false;
        }
        struct place place = { option_place_name, 1, column };
        const char *text = argument + key.len + 1;
        return !refuse_password(o, text, place, diag) &&
               take_text(config, o, text, place, diag);
}

/* One key may not be above another. */
static bool not_above(const struct config *config, const char *low, uint64_t low_value,
                      const char *high, uint64_t high_value, struct diag *diag)
{
        struct place place = config_place(config, low);

        if (low_value <= high_value)
                return true;
        if (!place.file)
                place = config_place(config, high);
        diag_error(diag, place,
                   "%s (%" PRIu64 ") is above %s (%" PRIu64 "): raise %s or lower %s",
                   low, low_value, high, high_value, high, low);
        return false;
}

/* Every packet of an interface that is opened twice would count twice. */
static bool names_each_once(const struct text_list *interfaces, struct place place,
                            struct diag *diag)
{
        for (unsigned i = 0; i < interfaces->count; i++) {
                for (unsigned k = 0; k < i; k++) {
                        if (strcmp(interfaces->items[i], interfaces->items[k]) != 0)
                                continue;
                        diag_error(diag, place,
                                   "the interface %s is named twice: its packets would "
                                   "count twice",
                                   interfaces->items[i]);
                        return false;
                }
        }
        return true;
}

/* Who sets these expects that they are in use. */
static void warn_about_tls(const struct config *c, struct diag *diag)
{
        static const char *const keys[] = { "redis.tls_ca", "redis.tls_cert",
                                            "redis.tls_key", "redis.tls_name" };
        const char *const values[] = { c->redis.tls_ca, c->redis.tls_cert,
                                       c->redis.tls_key, c->redis.tls_name };
        struct redis_url url;

        if (!c->redis.url || redis_url_parse(c->redis.url, &url) || url.is_tls)
                return;
        for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
                if (values[i])
                        diag_warning(diag, config_place(c, keys[i]),
                                     "%s is of no use: redis.url is without TLS; begin "
                                     "it with rediss:// or rediss+sentinel://",
                                     keys[i]);
}

bool config_check(const struct config *c, struct diag *diag)
{
        bool ok = not_above(c, "limits.reassembly_flow", c->limits.reassembly_flow,
                            "limits.reassembly", c->limits.reassembly, diag);

        ok &= not_above(c, "limits.head", c->limits.head, "limits.http_memory",
                        c->limits.http_memory, diag);
        ok &= not_above(c, "limits.flow_half_open", (uint64_t)c->limits.flow_half_open_ns,
                        "limits.flow_idle", (uint64_t)c->limits.flow_idle_ns, diag);
        warn_about_tls(c, diag);
        ok &= names_each_once(&c->capture.interfaces,
                              config_place(c, "capture.interfaces"), diag);
        if (c->blocks.refused_status.count > WATCH_STATUSES) {
                diag_error(diag, config_place(c, "blocks.refused_status"),
                           "blocks.refused_status names more than %d", WATCH_STATUSES);
                ok = false;
        }
        return ok;
}

struct watch_options config_watch(const struct config *c)
{
        const struct text_list *texts = &c->blocks.refused_status;
        struct watch_options watch = { .after_ns = c->blocks.verify_after_ns };
        uint64_t status;

        for (unsigned i = 0; i < texts->count && i < WATCH_STATUSES; i++)
                if (slice_to_u64(slice_str(texts->items[i]), &status))
                        watch.refused_status[watch.refused_count++] = (uint16_t)status;
        return watch;
}

struct block_limits config_block_limits(const struct config *c)
{
        return (struct block_limits){ c->blocks.per_minute,
                                      (double)c->blocks.share / 1e6 };
}

struct place config_place(const struct config *config, const char *key)
{
        const struct option *o = option_find(slice_str(key));

        CHECK(o != NULL);
        return config->source->places[option_index(o)];
}

bool config_is_from_option(const struct config *config, const char *key)
{
        return config_place(config, key).file == option_place_name;
}

/* It may be a password: no copy of it stays behind, here or in a smaller buffer. */
static void print_value(const struct option *o, const struct config *config,
                        struct buf *out)
{
        buf_reserve(out, VALUE_ROOM);
        option_print(o, option_value_const(o, config), out);
}

static void drop_value(struct buf *value)
{
        explicit_bzero(value->data, value->len);
        buf_free(value);
}

static bool is_same_value(const struct option *o, const struct config *a,
                          const struct config *b)
{
        struct buf x = { 0 }, y = { 0 };

        print_value(o, a, &x);
        print_value(o, b, &y);
        bool same = slice_equal(buf_slice(&x), buf_slice(&y));
        drop_value(&x);
        drop_value(&y);
        return same;
}

void config_print_changed(const struct config *a, const struct config *b,
                          enum config_reload from, enum config_reload to, struct buf *out)
{
        char key[OPTION_KEY_MAX];

        for (const struct option *o = config_options; o->section; o++)
                if (o->reload >= from && o->reload <= to && !is_same_value(o, a, b))
                        buf_printf(out, "%s%s", out->len ? ", " : "", option_key(o, key));
}
