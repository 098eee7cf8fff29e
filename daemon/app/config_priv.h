/* SPDX-License-Identifier: MIT */
/*
 * config_priv - the table of options and what a type can do, for config*.c only.
 */
#ifndef APP_CONFIG_PRIV_H
#define APP_CONFIG_PRIV_H

#include "app/config.h"
#include "lang/yaml.h"

enum option_type {
        OPTION_TEXT,     /* char * */
        OPTION_PATH,     /* char *; made relative to the file it stands in */
        OPTION_LIST,     /* struct text_list */
        OPTION_PATHS,    /* the same of paths; the word `none` alone empties it */
        OPTION_COUNT,    /* uint64_t; k, M, G may be used */
        OPTION_SIZE,     /* uint64_t, bytes */
        OPTION_SHARE,    /* uint64_t, millionths; written 5% or 0.05 */
        OPTION_DURATION, /* int64_t, nanoseconds */
        OPTION_TRUTH,    /* bool */
        OPTION_CHOICE,   /* unsigned, index of the word */
        OPTION_SET,      /* unsigned, one bit for each word */
        OPTION_TYPES
};

struct option {
        const char *section, *name;
        enum option_type type;
        size_t offset;        /* of the value in struct config */
        const char *fallback; /* the default as an operator would write it; NULL: unset */
        uint64_t min,
            max; /* counts, sizes, millionths, nanoseconds; characters of a text */
        const char *const *words; /* of a choice or a set; ends with a NULL */
        const char *(*refuse)(const char *text); /* why a text cannot be, or NULL */
        enum config_reload reload;
        bool unused; /* known already, but nothing of this version reads it */
        const char *help;
};

extern const struct option config_options[]; /* ends with a NULL section */
extern const unsigned config_option_count;

/* The row of "section.name" or NULL. */
const struct option *option_find(struct slice key);

/* The one value that may hold a password. */
bool option_is_redis_url(const struct option *);

/* "section.name" in a buffer of the caller's; returns it. */
#define OPTION_KEY_MAX 64
const char *option_key(const struct option *, char key[OPTION_KEY_MAX]);

static inline void *option_value(const struct option *o, struct config *c)
{
        return (uint8_t *)c + o->offset;
}

static inline const void *option_value_const(const struct option *o,
                                             const struct config *c)
{
        return (const uint8_t *)c + o->offset;
}

/*
 * Takes the value that stands at `node`; the old one is dropped. On a mistake it
 * is reported and the old value stays.
 */
bool option_read(const struct option *, const struct yaml_node *node, void *value,
                 struct diag *);

/* As YAML flow text that option_read takes back. */
void option_print(const struct option *, const void *value, struct buf *out);

/* `1s to 7d`, as values are written; false for a type without limits. */
bool option_print_range(const struct option *, struct buf *out);
void option_drop(const struct option *, void *value);

/* "text", "size", "list", ... for help. */
const char *option_type_name(const struct option *);

#endif
