/* SPDX-License-Identifier: MIT */
/* The configuration as text: what is set, what can be set, and an example. */
#include "app/config_priv.h"

#include "alert/redis_url.h"

#define HELP_WIDTH 78

/* True when nothing is set: such a key is left out of what must parse again. */
static bool is_unset(const struct option *o, const void *value)
{
        switch (o->type) {
        case OPTION_TEXT:
        case OPTION_PATH:
                return *(char *const *)value == NULL;
        case OPTION_LIST:
        case OPTION_PATHS:
                return !((const struct text_list *)value)->given;
        default:
                return false;
        }
}

/* The password of redis.url is left out. */
static void print_value(const struct option *o, const void *value, struct buf *out)
{
        struct buf hidden = { 0 };
        char *text;

        if (!option_is_redis_url(o)) {
                option_print(o, value, out);
                return;
        }
        redis_url_hide_password(*(char *const *)value, &hidden);
        buf_put_byte(&hidden, '\0');
        text = (char *)hidden.data;
        option_print(o, &text, out);
        buf_free(&hidden);
}

void config_print(const struct config *config, struct buf *out)
{
        const char *section = NULL;

        for (const struct option *o = config_options; o->section; o++) {
                const void *value = option_value_const(o, config);
                if (is_unset(o, value))
                        continue;
                if (!section || strcmp(section, o->section) != 0)
                        buf_printf(out, "%s:\n", o->section);
                section = o->section;
                buf_printf(out, "  %s: ", o->name);
                print_value(o, value, out);
                buf_put_byte(out, '\n');
        }
}

/* `text` in lines of `width`, each after `indent`. */
static void put_wrapped(struct buf *out, const char *indent, const char *text)
{
        size_t room = HELP_WIDTH - strlen(indent);

        while (*text) {
                size_t take = strlen(text);
                if (take > room) {
                        take = room;
                        while (take > 0 && text[take] != ' ')
                                take--;
                        if (take == 0)
                                take = room;
                }
                buf_put_str(out, indent);
                buf_put(out, text, take);
                buf_put_byte(out, '\n');
                text += take;
                while (*text == ' ')
                        text++;
        }
}

void config_help(struct buf *out)
{
        char key[OPTION_KEY_MAX];

        for (const struct option *o = config_options; o->section; o++) {
                buf_printf(out, "  %s (%s", option_key(o, key), option_type_name(o));
                if (o->fallback)
                        buf_printf(out, ", %s", o->fallback);
                buf_put_str(out, ")\n");
                put_wrapped(out, "      ", o->help);
                if (o->unused)
                        buf_put_str(out, "      Kept for a later version.\n");
        }
}

/* The default as the example shows it: what an operator would change. */
static void put_example(struct buf *out, const struct option *o)
{
        if (o->fallback && (o->type == OPTION_TEXT || o->type == OPTION_PATH))
                buf_printf(out, "  #%s: \"%s\"\n", o->name, o->fallback);
        else if (o->fallback && o->type == OPTION_LIST && strchr(o->fallback, ','))
                buf_printf(out, "  #%s: [%s]\n", o->name, o->fallback);
        else if (o->fallback)
                buf_printf(out, "  #%s: %s\n", o->name, o->fallback);
        else if (o->type == OPTION_LIST || o->type == OPTION_PATHS ||
                 o->type == OPTION_SET)
                buf_printf(out, "  #%s: []\n", o->name);
        else
                buf_printf(out, "  #%s:\n", o->name);
}

static void put_range(struct buf *out, const struct option *o)
{
        struct buf range = { 0 };

        if (option_print_range(o, &range))
                buf_printf(out, "  # From %.*s.\n", (int)range.len, range.data);
        buf_free(&range);
}

void config_example(struct buf *out)
{
        const char *section = NULL;

        buf_put_str(
            out,
            "# Configuration of trawlwatchd. What stands behind a # is the default.\n"
            "# Check a change with: trawlctl check\n");
        for (const struct option *o = config_options; o->section; o++) {
                if (!section || strcmp(section, o->section) != 0)
                        buf_printf(out, "\n%s:\n", o->section);
                else
                        buf_put_byte(out, '\n');
                section = o->section;
                put_wrapped(out, "  # ", o->help);
                if (o->unused)
                        buf_put_str(out, "  # Kept for a later version.\n");
                put_range(out, o);
                put_example(out, o);
        }
}

/* What scdoc takes for its own marks stands behind a backslash. */
static void put_escaped(struct buf *out, const char *text)
{
        for (; *text; text++) {
                if (strchr("_*\\#~<>", *text))
                        buf_put_byte(out, '\\');
                buf_put_byte(out, (uint8_t)*text);
        }
}

static void put_manual_key(struct buf *out, const struct option *o)
{
        static const char *const reloads[] = {
                [RELOAD_RULES] = "Taken up by a reload.",
                [RELOAD_CAPTURE] = "A reload begins new captures.",
                [RELOAD_ENGINE] = "A reload begins a new engine.",
                [RELOAD_RESTART] = "Counts after a restart.",
        };
        struct buf range = { 0 };

        buf_printf(out, "\n*%s*: %s", o->name, option_type_name(o));
        if (option_print_range(o, &range)) {
                buf_put_str(out, ", ");
                buf_put_slice(out, buf_slice(&range));
        }
        if (o->fallback) {
                buf_put_str(out, " (default ");
                put_escaped(out, o->fallback);
                buf_put_byte(out, ')');
        }
        buf_put_str(out, "\n\t");
        put_escaped(out, o->help);
        buf_printf(out, " %s%s\n", o->unused ? "Kept for a later version. " : "",
                   reloads[o->reload]);
        buf_free(&range);
}

static const char manual_head[] =
    "trawlwatch.yaml(5)\n"
    "\n"
    "# NAME\n"
    "\n"
    "trawlwatch.yaml - configuration of trawlwatchd\n"
    "\n"
    "# DESCRIPTION\n"
    "\n"
    "YAML: sections, and keys in them, each at most once. A size is written as 64k, 32M "
    "or "
    "2G, a\n"
    "duration as 200ms, 30s, 5m, 2h or 7d, a share as 5% or 0.05. Paths are relative to "
    "the file's\n"
    "folder. Every key can be given on the command line, too: *-o section.name=VALUE*, "
    "which goes\n"
    "before the file.\n"
    "\n"
    "*trawlwatchd -t* tells every mistake with its line and column, and *trawlwatchd "
    "--print-config*\n"
    "shows what holds. After SIGHUP the file is read again; each key says what becomes "
    "of "
    "a change.\n"
    "New captures read on where the old ones stop; a new engine goes on from what the "
    "last "
    "one knew.\n"
    "\n"
    "```\n"
    "capture:\n"
    "  interfaces: [eth0]\n"
    "  filter: tcp port 8080\n"
    "site:\n"
    "  file: site.yaml\n"
    "redis:\n"
    "  url: unix:/run/redis/redis.sock\n"
    "```\n"
    "\n"
    "# KEYS\n";

static const char manual_foot[] =
    "\n"
    "# FILES\n"
    "\n"
    "_/etc/trawlwatch/trawlwatch.yaml_\n"
    "\n"
    "# SEE ALSO\n"
    "\n"
    "*trawlwatchd*(8), *trawlwatch-rules*(5), *trawlctl*(1)\n";

void config_manual(struct buf *out)
{
        const char *section = NULL;

        buf_put_str(out, manual_head);

        for (const struct option *o = config_options; o->section; o++) {
                if (!section || strcmp(section, o->section) != 0)
                        buf_printf(out, "\n## %s\n", o->section);
                section = o->section;
                put_manual_key(out, o);
        }
        buf_put_str(out, manual_foot);
}
