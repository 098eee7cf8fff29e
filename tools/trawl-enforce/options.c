/* SPDX-License-Identifier: MIT */
#include "options.h"

#include "target_haproxy.h"
#include "target_nftables.h"
#include "target_nginx.h"

#include "app/paths.h"
#include "app/reach.h"
#include "base/clock.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>
#include <unistd.h>

#define MAX_DEFAULT 1000000
#define MAX_MOST    16000000
#define TABLE       "trawlwatch"

enum {
        OPTION_REDIS = 256,
        OPTION_PREFIX,
        OPTION_NFTABLES,
        OPTION_HAPROXY,
        OPTION_NGINX,
        OPTION_RELOAD,
        OPTION_RELOAD_EVERY,
        OPTION_REJECT,
        OPTION_MAX,
        OPTION_NAME,
        OPTION_DRY_RUN,
        OPTION_ONCE
};

static const struct option long_options[] = {
        { "redis", required_argument, NULL, OPTION_REDIS },
        { "prefix", required_argument, NULL, OPTION_PREFIX },
        { "nftables", no_argument, NULL, OPTION_NFTABLES },
        { "haproxy", required_argument, NULL, OPTION_HAPROXY },
        { "nginx", required_argument, NULL, OPTION_NGINX },
        { "reload", required_argument, NULL, OPTION_RELOAD },
        { "reload-every", required_argument, NULL, OPTION_RELOAD_EVERY },
        { "reject", no_argument, NULL, OPTION_REJECT },
        { "max", required_argument, NULL, OPTION_MAX },
        { "name", required_argument, NULL, OPTION_NAME },
        { "dry-run", no_argument, NULL, OPTION_DRY_RUN },
        { "once", no_argument, NULL, OPTION_ONCE },
        { "version", no_argument, NULL, 'V' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
};

static const char help[] =
    "usage: trawl-enforce [-c FILE] [--redis URL] [--prefix P] TARGET [OPTION]...\n"
    "\n"
    "Keeps in TARGET the blocks that Redis holds, from the moment they are published.\n"
    "\n"
    "  --nftables [TABLE]    sets of the kernel's firewall, in the table inet TABLE\n"
    "                        (trawlwatch) that is made and kept\n"
    "      --reject          refuse instead of dropping silently\n"
    "  --haproxy SOCKET MAP [KIND=MAP]...\n"
    "                        maps of a running HAProxy: of addresses and networks, and\n"
    "                        where named of session, account, ja4 or shape\n"
    "  --nginx FILE          lines for a geo block, then a reload\n"
    "      --reload CMD      what reloads; words, no shell (nginx -s reload)\n"
    "      --reload-every S  seconds between two reloads, at least (1)\n"
    "\n"
    "  -c FILE               configuration of the daemon: its redis section is used\n"
    "                        (/etc/trawlwatch/trawlwatch.yaml, where it is there)\n"
    "  -o KEY=VALUE          any key of it\n"
    "  --redis URL           the same as -o redis.url=URL\n"
    "  --prefix P            the same as -o redis.prefix=P\n"
    "  --name NAME           of this blocker, in Redis (HOST-TARGET)\n"
    "  --max N               blocks that are kept, at most (1000000)\n"
    "  --dry-run             print what would be done, do nothing\n"
    "  --once                bring the target up to date once, then exit\n"
    "  -V  -h\n"
    "\n"
    "A password belongs in the configuration, or in TRAWLWATCH_REDIS_PASSWORD.\n"
    "Exit status: 0 done, 1 could not do it, 2 wrong usage, 3 the configuration is "
    "wrong.\n";

/* What the command line says of the configuration, in order. */
struct settings {
        const char *file;
        struct text_list texts;
};

__attribute__((format(printf, 1, 2))) static bool usage(const char *format, ...)
{
        va_list args;

        fputs("trawl-enforce: ", stderr);
        va_start(args, format);
        vfprintf(stderr, format, args);
        va_end(args);
        fputs("; trawl-enforce -h shows how it is used\n", stderr);
        return false;
}

static bool read_number(const char *text, uint64_t least, uint64_t most, uint64_t *number)
{
        return slice_to_u64(slice_str(text), number) && *number >= least &&
               *number <= most;
}

static bool choose(struct options *o, enum options_target target, const char *place)
{
        if (o->target != TARGET_NONE)
                return usage("one target only");
        o->target = target;
        o->place = place;
        return true;
}

static bool take_name(struct options *o, const char *name)
{
        size_t len = strlen(name);

        for (size_t i = 0; i < len; i++)
                if ((unsigned char)name[i] <= ' ' || name[i] == 0x7f)
                        return usage("--name takes a word without blanks");
        if (len == 0 || len >= sizeof(o->name))
                return usage("--name takes 1 to 127 characters");
        memcpy(o->name, name, len + 1);
        return true;
}

static void add_setting(struct settings *s, const char *key, const char *value)
{
        struct buf text = { 0 };

        buf_printf(&text, "%s=%s", key, value);
        buf_put_byte(&text, '\0');
        text_list_add(&s->texts, (const char *)text.data);
        buf_free(&text);
}

static bool take_seconds(struct options *o, const char *text)
{
        char *end;
        double seconds = strtod(text, &end);

        if (end == text || *end || !(seconds >= 0.1 && seconds <= 3600))
                return usage("--reload-every takes seconds, 0.1 to 3600");
        o->reload_every_ns = (int64_t)(seconds * 1e9);
        return true;
}

/* Options of the target and of the program. */
static bool take_own(struct options *o, int letter, const char *value)
{
        uint64_t number;

        switch (letter) {
        case OPTION_NFTABLES:
                return choose(o, TARGET_NFTABLES, TABLE);
        case OPTION_HAPROXY:
                return choose(o, TARGET_HAPROXY, value);
        case OPTION_NGINX:
                return choose(o, TARGET_NGINX, value);
        case OPTION_RELOAD:
                o->reload = value;
                return true;
        case OPTION_RELOAD_EVERY:
                return take_seconds(o, value);
        case OPTION_REJECT:
                return o->is_reject = true;
        case OPTION_MAX:
                if (!read_number(value, 1, MAX_MOST, &number))
                        return usage("--max takes a number from 1 to %d", MAX_MOST);
                o->max = (uint32_t)number;
                return true;
        case OPTION_NAME:
                return take_name(o, value);
        case OPTION_DRY_RUN:
                return o->is_dry = true;
        case OPTION_ONCE:
                return o->is_once = true;
        default:
                return false;
        }
}

static bool take_option(struct options *o, struct settings *s, int letter, char **argv)
{
        switch (letter) {
        case 'c':
                s->file = optarg;
                return true;
        case 'o':
                text_list_add(&s->texts, optarg);
                return true;
        case OPTION_REDIS:
                add_setting(s, "redis.url", optarg);
                return true;
        case OPTION_PREFIX:
                add_setting(s, "redis.prefix", optarg);
                return true;
        case 'V':
                printf("trawl-enforce %s\n", TRAWLWATCH_VERSION);
                return o->is_over = true;
        case 'h':
                fputs(help, stdout);
                return o->is_over = true;
        case ':':
                return usage("%s needs a value", argv[optind - 1]);
        case '?':
                return usage("%s is no option", argv[optind - 1]);
        default:
                return take_own(o, letter, optarg);
        }
}

/* MAP is that of addresses; KIND=MAP one more. */
static bool take_map(struct options *o, const char *text)
{
        const char *map = text;
        int kind = SUBJECT_ADDRESS;

        for (int i = SUBJECT_ADDRESS + 1; i < SUBJECT_KINDS; i++) {
                const char *name = subject_kind_name((enum subject_kind)i);
                size_t len = strlen(name);
                if (strncmp(text, name, len) == 0 && text[len] == '=') {
                        kind = i;
                        map = text + len + 1;
                }
        }
        if (!target_haproxy_map_is_good(map))
                return usage("%s is no name of a map, nor KIND=MAP", text);
        if (o->maps[kind])
                return usage("two maps of one kind: %s", text);
        o->maps[kind] = map;
        return true;
}

static bool take_word(struct options *o, const char *word)
{
        if (o->target == TARGET_HAPROXY)
                return take_map(o, word);
        if (o->target != TARGET_NFTABLES || strcmp(o->place, TABLE) != 0)
                return usage("%s is one word too many", word);
        o->place = word;
        return target_nftables_name_is_good(word) ||
               usage("%s is no name of a table", word);
}

static bool check_target(const struct options *o)
{
        struct sockaddr_un address;

        if (o->target == TARGET_NONE)
                return usage("name a target: --nftables, --haproxy or --nginx");
        if (o->target == TARGET_HAPROXY && !o->maps[SUBJECT_ADDRESS])
                return usage("--haproxy needs the map of addresses after the socket");
        if (o->target == TARGET_HAPROXY &&
            (!*o->place || strlen(o->place) >= sizeof(address.sun_path)))
                return usage("the socket is a path of at most 107 bytes");
        if (o->target != TARGET_NFTABLES && o->is_reject)
                return usage("--reject is for --nftables");
        if (o->target == TARGET_NGINX && !*o->place)
                return usage("--nginx needs a file");
        if (o->target != TARGET_NGINX && (o->reload || o->reload_every_ns))
                return usage("--reload and --reload-every are for --nginx");
        return true;
}

static bool parse(struct options *o, struct settings *s, int argc, char **argv)
{
        int letter;

        opterr = 0;
        while ((letter = getopt_long(argc, argv, ":c:o:Vh", long_options, NULL)) != -1)
                if (!take_option(o, s, letter, argv) || o->is_over)
                        return o->is_over;
        for (; optind < argc; optind++)
                if (!take_word(o, argv[optind]))
                        return false;
        return check_target(o);
}

static bool read_config(struct options *o, const struct settings *s)
{
        const char *file = s->file;
        struct diag *diag = diag_new();
        struct buf messages = { 0 };

        if (!file && access(PATHS_CONFIG, F_OK) == 0)
                file = PATHS_CONFIG;
        if (file)
                config_read(&o->config, file, diag);
        for (unsigned i = 0; i < s->texts.count; i++)
                config_set(&o->config, s->texts.items[i], diag);
        bool ok = diag_errors(diag) == 0;
        diag_print(diag, &messages);
        if (messages.len && !ok)
                fwrite(messages.data, 1, messages.len, stderr);
        buf_free(&messages);
        diag_free(&diag);
        return ok;
}

static enum exit_status find_redis(struct options *o)
{
        if (!o->config.redis.url) {
                usage("where is Redis? --redis URL, or redis.url in the configuration");
                return EXIT_USAGE;
        }
        char error[REACH_ERROR_MAX];
        if (!reach_redis(&o->config, &o->follow.url, true, error)) {
                fprintf(stderr, "trawl-enforce: %s\n", error);
                return EXIT_MISTAKE;
        }
        o->follow.prefix = o->config.redis.prefix;
        return EXIT_DONE;
}

static void set_defaults(struct options *o)
{
        static const char *const names[] = { "", "nftables", "haproxy", "nginx" };
        char host[64] = "";

        gethostname(host, sizeof(host) - 1);
        if (!o->name[0])
                snprintf(o->name, sizeof(o->name), "%s-%s", host, names[o->target]);
        o->follow.name = o->name;
        if (!o->max)
                o->max = MAX_DEFAULT;
        if (!o->reload)
                o->reload = NGINX_RELOAD;
        if (!o->reload_every_ns)
                o->reload_every_ns = NS_PER_SEC;
}

enum exit_status options_read(struct options *o, int argc, char **argv)
{
        struct settings settings = { 0 };
        enum exit_status status = EXIT_DONE;

        *o = (struct options){ 0 };
        config_init(&o->config);
        if (!parse(o, &settings, argc, argv))
                status = EXIT_USAGE;
        else if (!o->is_over && !read_config(o, &settings))
                status = EXIT_MISTAKE;
        else if (!o->is_over)
                status = find_redis(o);
        text_list_clear(&settings.texts);
        if (status == EXIT_DONE)
                set_defaults(o);
        return status;
}

void options_free(struct options *o)
{
        config_free(&o->config);
}
