/* SPDX-License-Identifier: MIT */
/* trawlctl key: which keys hide sessions and accounts; change them; what a value is
 * called. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "alert/privacy.h"
#include "app/paths.h"
#include "base/clock.h"
#include "base/json.h"
#include "ctl.h"
#include "lang/yaml.h"
#include "screen.h"

#define LATEST_NS (90 * 86400 * NS_PER_SEC)
#define RAW_MAX   8192

struct keyring {
        const struct ctl *ctl;
        struct privacy_keys keys;
        char path[PATH_MAX];
        int64_t now_ns;
        unsigned present; /* the key that is in use */
};

/* Where the daemon has its keys. */
static bool find_file(struct keyring *ring, const struct config *config)
{
        char *state = config->privacy.key_file ? NULL : paths_state(false);

        if (config->privacy.key_file)
                snprintf(ring->path, sizeof(ring->path), "%s", config->privacy.key_file);
        else if (state)
                snprintf(ring->path, sizeof(ring->path), "%s/" PRIVACY_KEY_NAME, state);
        free(state);
        return ring->path[0];
}

static enum exit_status open_ring(struct keyring *ring, const struct ctl *ctl)
{
        char error[PRIVACY_ERROR_MAX];
        struct config config;

        *ring = (struct keyring){ .ctl = ctl, .now_ns = clock_wall_ns() };
        if (!ctl_config(ctl, &config))
                return EXIT_MISTAKE;
        bool found = find_file(ring, &config);
        config_free(&config);
        if (!found) {
                ctl_complain(ctl, "there is no state folder: name the file with "
                                  "-o privacy.key_file=FILE");
                return EXIT_FAILED;
        }
        if (!privacy_keys_read(ring->path, &ring->keys, error)) {
                ctl_complain(ctl, "%s", error);
                return EXIT_FAILED;
        }
        ring->present = privacy_key_at(&ring->keys, ring->now_ns);
        return EXIT_DONE;
}

static const char *use_of(const struct keyring *ring, unsigned i)
{
        if (i == ring->present)
                return "in use";
        return i < ring->present ? "was" : "next";
}

static void put_from(const struct privacy_key *key, char text[CLOCK_TEXT_MAX])
{
        snprintf(text, CLOCK_TEXT_MAX, "the beginning");
        if (key->from_ns)
                clock_format(key->from_ns, text);
}

static void print_key_json(const struct keyring *ring, unsigned i, const char *mark)
{
        struct buf line = { 0 };
        struct json json = json_into(&line);

        json_open(&json, NULL);
        json_text(&json, "key", mark);
        if (ring->keys.key[i].from_ns)
                json_time(&json, "from", ring->keys.key[i].from_ns);
        json_text(&json, "use", use_of(ring, i));
        json_close(&json);
        printf("%.*s\n", (int)line.len, (const char *)line.data);
        buf_free(&line);
}

static enum exit_status list_keys(struct keyring *ring)
{
        static const char *const titles[] = { "KEY", "USE", "FROM", NULL };
        struct grid *grid = grid_new(titles);
        struct screen screen = screen_of_stdout();
        char mark[PRIVACY_MARK_LEN + 1], from[CLOCK_TEXT_MAX];

        for (unsigned i = 0; i < ring->keys.count; i++) {
                privacy_key_mark(&ring->keys.key[i], mark);
                if (ring->ctl->json) {
                        print_key_json(ring, i, mark);
                        continue;
                }
                put_from(&ring->keys.key[i], from);
                grid_text(grid, mark, PAINT_PLAIN);
                grid_text(grid, use_of(ring, i),
                          i == ring->present ? PAINT_STRONG : PAINT_FAINT);
                grid_text(grid, from, PAINT_PLAIN);
        }
        grid_print(grid, &screen);
        grid_free(&grid);
        return EXIT_DONE;
}

static enum exit_status replace(struct keyring *ring)
{
        if (privacy_keys_replace(ring->path, &ring->keys))
                return EXIT_DONE;
        ctl_complain(ring->ctl, "%s: %s; the file is as it was", ring->path,
                     strerror(errno));
        return EXIT_FAILED;
}

/* Times in the file are whole seconds. */
static enum exit_status change(struct keyring *ring, int64_t in_ns)
{
        struct privacy_keys *keys = &ring->keys;
        int64_t from_ns = (ring->now_ns + in_ns) / NS_PER_SEC * NS_PER_SEC;
        char mark[PRIVACY_MARK_LEN + 1], from[CLOCK_TEXT_MAX];

        if (ring->present + 1 < keys->count) {
                put_from(&keys->key[ring->present + 1], from);
                ctl_complain(ring->ctl, "a change is on its way already, at %s", from);
                return EXIT_FAILED;
        }
        if (keys->count == PRIVACY_KEYS_MAX) {
                ctl_complain(ring->ctl,
                             "%s holds %d keys, which is all it may: trawlctl "
                             "key retire takes out the old ones",
                             ring->path, PRIVACY_KEYS_MAX);
                return EXIT_FAILED;
        }
        if (from_ns <= keys->key[keys->count - 1].from_ns)
                from_ns = keys->key[keys->count - 1].from_ns + NS_PER_SEC;
        struct privacy_key *key = &keys->key[keys->count++];
        privacy_key_random(key->bytes);
        key->from_ns = from_ns;
        enum exit_status status = replace(ring);
        if (status != EXIT_DONE)
                return status;
        privacy_key_mark(key, mark);
        put_from(key, from);
        printf("key %s is used from %s on. Give %s to the blockers before that, and tell "
               "the daemon (SIGHUP).\n",
               mark, from, ring->path);
        return EXIT_DONE;
}

static enum exit_status retire(struct keyring *ring)
{
        struct privacy_keys *keys = &ring->keys;
        unsigned gone = ring->present;

        if (gone == 0) {
                ctl_complain(ring->ctl, "%s holds no key before the one in use",
                             ring->path);
                return EXIT_FAILED;
        }
        keys->count -= gone;
        memmove(keys->key, keys->key + gone, keys->count * sizeof(*keys->key));
        keys->key[0].from_ns = 0;
        enum exit_status status = replace(ring);
        if (status == EXIT_DONE)
                printf("%u old key%s taken out. What the daemon counted under it is left "
                       "behind at its next start.\n",
                       gone, gone == 1 ? " is" : "s are");
        return status;
}

/* A raw value on standard input, never among the arguments, where others see it. */
static enum exit_status name_value(struct keyring *ring, const char *type)
{
        struct privacy_options options = { .key_file = ring->path };
        char raw[RAW_MAX + 1], name[256];
        size_t len = fread(raw, 1, sizeof(raw), stdin);

        if (len > RAW_MAX || len == 0) {
                ctl_complain(ring->ctl,
                             "needs the value on standard input, up to %d bytes",
                             RAW_MAX);
                return EXIT_FAILED;
        }
        struct privacy *privacy = privacy_open(&options);
        if (!privacy)
                return EXIT_FAILED;
        for (unsigned i = 0; i < ring->keys.count; i++) {
                privacy_tick(privacy, ring->keys.key[i].from_ns);
                size_t n = privacy_pseudonym(privacy, type, slice_of(raw, len), name);
                printf("%.*s  %s\n", (int)n, name, use_of(ring, i));
        }
        privacy_free(&privacy);
        return EXIT_DONE;
}

static bool is_hidden_type(const char *type)
{
        return !privacy_may_leave(type, slice_none(), 0);
}

enum exit_status command_key(struct ctl *ctl, int argc, char **argv)
{
        const char *in = NULL;
        const struct ctl_option own[] = { { "in", &in, NULL }, { NULL, NULL, NULL } };
        enum exit_status status = ctl_parse(ctl, argc, argv, own);
        int64_t in_ns = 0;
        struct keyring ring;

        if (status != EXIT_DONE)
                return status;
        const char *word = ctl->argument_count ? ctl->arguments[0] : "list";
        bool names = strcmp(word, "name") == 0 && ctl->argument_count == 2 &&
                     is_hidden_type(ctl->arguments[1]);
        bool changes = strcmp(word, "change") == 0;
        bool known = changes || strcmp(word, "list") == 0 || strcmp(word, "retire") == 0;
        if (!names && (!known || ctl->argument_count > 1 || (in && !changes))) {
                ctl_complain(ctl, "list, change [--in 7d], retire, or name "
                                  "session|account|email; see trawlctl key --help");
                return EXIT_USAGE;
        }
        if (in && (!text_duration_ns(slice_str(in), &in_ns) || in_ns < 0 ||
                   in_ns > LATEST_NS)) {
                ctl_complain(ctl, "--in takes 0s to 90d, as in 1h, 7d, not '%s'", in);
                return EXIT_USAGE;
        }
        status = open_ring(&ring, ctl);
        if (status == EXIT_DONE)
                status = names     ? name_value(&ring, ctl->arguments[1])
                         : changes ? change(&ring, in_ns)
                         : strcmp(word, "retire") == 0 ? retire(&ring)
                                                       : list_keys(&ring);
        privacy_keys_wipe(&ring.keys);
        return status;
}
