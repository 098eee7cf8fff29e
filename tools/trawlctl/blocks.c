/* SPDX-License-Identifier: MIT */
/* trawlctl blocks: who is blocked now; block somebody; let somebody in again. */
#include <stdio.h>
#include <stdlib.h>

#include "alert/privacy.h"
#include "app/paths.h"
#include "base/clock.h"
#include "base/json.h"
#include "lang/yaml.h"
#include "screen.h"
#include "source.h"
#include "states.h"
#include "view.h"

#define HOLD       "1h"
#define LONGEST_NS (366 * 86400 * NS_PER_SEC)

/* List */

struct listed {
        const struct ctl *ctl;
        struct grid *grid;
        struct screen screen;
        int64_t now_ns;
        unsigned count;
        struct states states;
};

/* `9m 58s`, `23h 14m`: the two largest units that are not zero. */
static void put_left(struct buf *out, int64_t ns)
{
        int64_t seconds = ns > 0 ? ns / NS_PER_SEC : 0;
        int64_t days = seconds / 86400, hours = seconds / 3600 % 24;
        int64_t minutes = seconds / 60 % 60;

        if (days)
                buf_printf(out, "%lldd %lldh", (long long)days, (long long)hours);
        else if (hours)
                buf_printf(out, "%lldh %lldm", (long long)hours, (long long)minutes);
        else if (minutes)
                buf_printf(out, "%lldm %llds", (long long)minutes,
                           (long long)seconds % 60);
        else
                buf_printf(out, "%llds", (long long)seconds);
}

/* The object of the block key with its type, value and state in front. */
static void print_json(const struct block_entry *entry, const char *state)
{
        struct buf line = { 0 };
        struct json json = json_into(&line);
        struct slice rest = slice_trim(entry->json);

        json_open(&json, NULL);
        json_string(&json, "type", entry->type);
        json_string(&json, "value", entry->value);
        if (*state)
                json_text(&json, "state", state);
        if (rest.len > 2 && rest.data[0] == '{') {
                buf_put_byte(&line, ',');
                buf_put_slice(&line, slice_from(rest, 1));
        } else {
                json_time(&json, "until", entry->expires_ns);
                json_close(&json);
        }
        printf("%.*s\n", (int)line.len, (const char *)line.data);
        buf_free(&line);
}

static bool note_block(void *context, const struct block_entry *entry)
{
        struct listed *listed = context;
        struct block_view view;

        block_view_of(entry->json, &view);
        states_add(&listed->states, view.id, view.since_ns);
        block_view_free(&view);
        return true;
}

static void list_entry(struct listed *listed, const struct block_entry *entry,
                       const struct block_view *view, const char *state)
{
        struct buf text = { 0 };

        listed->count++;
        if (listed->ctl->json) {
                print_json(entry, state);
                return;
        }
        grid_cell(listed->grid, entry->type, PAINT_PLAIN);
        grid_cell(listed->grid, entry->value, PAINT_STRONG);
        put_left(&text, entry->expires_ns - listed->now_ns);
        grid_cell(listed->grid, buf_slice(&text), PAINT_PLAIN);
        buf_clear(&text);
        if (view->level)
                buf_printf(&text, "%llu", (unsigned long long)view->level);
        else
                buf_put_byte(&text, '-');
        grid_cell(listed->grid, buf_slice(&text), PAINT_PLAIN);
        grid_text(listed->grid, *state ? state : "-", PAINT_PLAIN);
        grid_text(listed->grid, view->rule, PAINT_PLAIN);
        grid_text(listed->grid, view->why, PAINT_PLAIN);
        buf_free(&text);
}

static bool list_block(void *context, const struct block_entry *entry)
{
        struct listed *listed = context;
        struct block_view view;

        block_view_of(entry->json, &view);
        list_entry(listed, entry, &view, states_find(&listed->states, view.id));
        block_view_free(&view);
        return true;
}

static bool list_hold(void *context, const struct block_entry *entry)
{
        struct block_view view;

        block_view_of(entry->json, &view);
        list_entry(context, entry, &view, "held");
        block_view_free(&view);
        return true;
}

static enum exit_status list(struct source *source)
{
        static const char *const titles[] = { "TYPE",  "SUBJECT", "LEFT", "LEVEL",
                                              "STATE", "RULE",    "WHY",  NULL };
        struct listed listed = { .ctl = source->ctl,
                                 .grid = grid_new(titles),
                                 .screen = screen_of_stdout(),
                                 .now_ns = clock_wall_ns() };
        enum exit_status status =
            source_blocks(source, listed.now_ns, note_block, &listed);

        if (status == EXIT_DONE)
                status = states_read(&listed.states, source);
        if (status == EXIT_DONE)
                status = source_blocks(source, listed.now_ns, list_block, &listed);
        if (status == EXIT_DONE)
                status = source_holds(source, list_hold, &listed);
        grid_print(listed.grid, &listed.screen);
        grid_free(&listed.grid);
        states_free(&listed.states);
        if (status == EXIT_DONE && !listed.count && !source->ctl->json)
                printf("No blocks.\n");
        return status;
}

/* Change */

static bool parse_subject(const struct ctl *ctl, const char *text,
                          char type[BLOCK_TYPE_MAX], char value[BLOCK_VALUE_MAX])
{
        const char *wrong = block_subject_parse(slice_str(text), type, value);

        if (wrong)
                ctl_complain(ctl, "'%s': %s", text, wrong);
        return wrong == NULL;
}

/* What a client's cookie holds must not stand in Redis; how to get what may. */
static bool may_leave(const struct source *source, const char *type, const char *value)
{
        if (privacy_may_leave(type, slice_str(value), source->config.privacy.clear))
                return true;
        ctl_complain(
            source->ctl,
            "a %s is blocked by its pseudonym, 32 hex digits as alerts show it, "
            "never by its raw value; compute it from one with  printf %%s VALUE | "
            "trawlctl key name %s  (privacy.clear: [%s] allows raw values)",
            type, type, type);
        return false;
}

/* Blocks live in Redis, and only there can they be changed. */
static bool has_redis(const struct source *source)
{
        if (source->redis)
                return true;
        ctl_complain(source->ctl, "blocks are changed in Redis: name it with "
                                  "-o redis.url=redis://HOST:PORT");
        return false;
}

/* Nobody is helped by blocking the site's own proxy. */
static enum exit_status may_network_be_blocked(const struct ctl *ctl,
                                               const struct site *site, const char *path,
                                               const char *value,
                                               const struct network *network)
{
        const char *is = network->bits == 128 ? "is" : "covers";

        if (site_has_trusted_proxy(site, network)) {
                ctl_complain(ctl, "%s %s a trusted proxy in %s", value, is, path);
                return EXIT_FAILED;
        }
        if (network_has_private(network) && !site_blocks_private(site)) {
                ctl_complain(ctl,
                             "%s %s a private address; block_private: true in %s allows "
                             "that",
                             value, is, path);
                return EXIT_FAILED;
        }
        return EXIT_DONE;
}

static enum exit_status may_be_blocked(const struct source *source, const char *type,
                                       const char *value)
{
        const char *file = source->config.site.file;
        char *path = file ? strdup(file) : paths_shipped_site();
        struct diag *diag = diag_new();
        struct buf messages = { 0 };
        enum exit_status status = EXIT_DONE;
        struct network network;
        struct site *site = path ? site_read(path, diag) : NULL;

        if (!site) {
                diag_print(diag, &messages);
                ctl_put(stderr, &messages);
                ctl_complain(source->ctl,
                             "needs the site map, which names the proxies that "
                             "must not be blocked");
                status = EXIT_MISTAKE;
        } else if ((strcmp(type, "ip") == 0 || strcmp(type, "prefix") == 0) &&
                   network_parse(slice_str(value), &network, NULL)) {
                status = may_network_be_blocked(source->ctl, site, path, value, &network);
        }
        site_free(&site);
        diag_free(&diag);
        buf_free(&messages);
        free(path);
        return status;
}

static enum exit_status failed(const struct source *source)
{
        ctl_complain(source->ctl, "%s", redis_client_error(source->redis));
        return EXIT_FAILED;
}

static enum exit_status add(struct source *source, const char *subject, int64_t length_ns,
                            const char *why, bool shortens)
{
        int64_t left_ns;
        char type[BLOCK_TYPE_MAX], value[BLOCK_VALUE_MAX], until[CLOCK_TEXT_MAX];
        struct block block = { .rule = SLICE("manual"),
                               .id = SLICE("manual"),
                               .level = 1 };
        enum exit_status status;

        if (!parse_subject(source->ctl, subject, type, value))
                return EXIT_USAGE;
        if (!may_leave(source, type, value))
                return EXIT_USAGE;
        if (!has_redis(source))
                return EXIT_FAILED;
        status = may_be_blocked(source, type, value);
        if (status != EXIT_DONE)
                return status;
        block.type = slice_str(type);
        block.value = slice_str(value);
        block.why = slice_str(why);
        block.since_ns = clock_wall_ns();
        block.until_ns = block.since_ns + length_ns;
        if (redis_client_block_add(source->redis, &block, shortens, &left_ns) !=
            REDIS_CLIENT_OK)
                return failed(source);
        if (left_ns) {
                ctl_complain(
                    source->ctl,
                    "a block of %s %s is running that ends later; it stays as it "
                    "is (--replace puts this one in its place)",
                    type, value);
                block.until_ns = clock_wall_ns() + left_ns;
        }
        if (left_ns < 0) {
                printf("%s %s is blocked without an end\n", type, value);
                return EXIT_DONE;
        }
        clock_format(block.until_ns, until);
        printf("%s %s is blocked until %s\n", type, value, until);
        return EXIT_DONE;
}

/* Who is let in and still refused, by a block of the network around it. */
struct inner {
        const struct ctl *ctl;
        struct network network;
};

static bool tell_outer(void *context, const struct block_entry *entry)
{
        const struct inner *inner = context;
        struct network outer;

        if ((slice_is(entry->type, "ip") || slice_is(entry->type, "prefix")) &&
            network_parse(entry->value, &outer, NULL) &&
            outer.bits < inner->network.bits && networks_overlap(&outer, &inner->network))
                ctl_complain(inner->ctl,
                             "prefix %.*s is still blocked, and it is in it: trawlctl "
                             "blocks remove %.*s",
                             (int)entry->value.len, (const char *)entry->value.data,
                             (int)entry->value.len, (const char *)entry->value.data);
        return true;
}

static enum exit_status tell_outers(struct source *source, const char *type,
                                    const char *value)
{
        struct inner inner = { .ctl = source->ctl };

        if ((strcmp(type, "ip") != 0 && strcmp(type, "prefix") != 0) ||
            !network_parse(slice_str(value), &inner.network, NULL))
                return EXIT_DONE;
        return source_blocks(source, clock_wall_ns(), tell_outer, &inner);
}

static enum exit_status take_away(struct source *source, const char *subject,
                                  int64_t hold_ns, const char *why)
{
        char type[BLOCK_TYPE_MAX], value[BLOCK_VALUE_MAX], until[CLOCK_TEXT_MAX];
        struct block hold = { .rule = SLICE("manual"), .id = SLICE("manual") };
        bool removed;

        if (!parse_subject(source->ctl, subject, type, value))
                return EXIT_USAGE;
        if (!has_redis(source))
                return EXIT_FAILED;
        hold.type = slice_str(type);
        hold.value = slice_str(value);
        hold.why = slice_str(why);
        hold.since_ns = clock_wall_ns();
        hold.until_ns = hold.since_ns + hold_ns;
        if (redis_client_block_remove(source->redis, &hold, &removed) != REDIS_CLIENT_OK)
                return failed(source);
        if (!removed && !hold_ns) {
                ctl_complain(source->ctl, "%s %s is not blocked", type, value);
                return EXIT_FAILED;
        }
        clock_format(hold.until_ns, until);
        printf("%s %s is %s blocked%s%s\n", type, value, removed ? "no longer" : "not",
               hold_ns ? ", and rules leave it alone until " : "", hold_ns ? until : "");
        return tell_outers(source, type, value);
}

/* Arguments */

struct wish {
        enum { WISH_LIST, WISH_ADD, WISH_REMOVE } action;
        const char *subject, *length, *why, *hold;
        int64_t length_ns, hold_ns;
        bool shortens;
};

static bool fill_hold(const struct ctl *ctl, struct wish *wish)
{
        if (text_duration_ns(slice_str(wish->hold), &wish->hold_ns) &&
            wish->hold_ns >= 0 && wish->hold_ns <= LONGEST_NS)
                return true;
        ctl_complain(ctl, "--hold takes 0s to 366d, as in 10m, 1h, 7d, not '%s'",
                     wish->hold);
        return false;
}

static bool fill_wish(const struct ctl *ctl, struct wish *wish)
{
        const char *word = ctl->argument_count ? ctl->arguments[0] : "list";

        if (strcmp(word, "list") == 0 && ctl->argument_count <= 1) {
                wish->action = WISH_LIST;
                return true;
        }
        wish->action = strcmp(word, "add") == 0 ? WISH_ADD : WISH_REMOVE;
        if ((wish->action == WISH_REMOVE && strcmp(word, "remove") != 0) ||
            ctl->argument_count != 2) {
                ctl_complain(ctl, "list, add SUBJECT --for 1h --why TEXT [--replace], or "
                                  "remove SUBJECT "
                                  "[--hold 1h]; "
                                  "see trawlctl blocks --help");
                return false;
        }
        wish->subject = ctl->arguments[1];
        if (wish->action == WISH_REMOVE)
                return fill_hold(ctl, wish);
        if (!wish->length || !wish->why) {
                ctl_complain(ctl, "add needs --for DURATION and --why TEXT");
                return false;
        }
        if (!text_duration_ns(slice_str(wish->length), &wish->length_ns) ||
            wish->length_ns < NS_PER_SEC || wish->length_ns > LONGEST_NS) {
                ctl_complain(ctl, "--for takes 1s to 366d, as in 10m, 1h, 7d, not '%s'",
                             wish->length);
                return false;
        }
        return true;
}

enum exit_status command_blocks(struct ctl *ctl, int argc, char **argv)
{
        struct wish wish = { .action = WISH_LIST, .hold = HOLD };
        const struct ctl_option own[] = { { "for", &wish.length, NULL },
                                          { "why", &wish.why, NULL },
                                          { "hold", &wish.hold, NULL },
                                          { "replace", NULL, &wish.shortens },
                                          { NULL, NULL, NULL } };
        enum exit_status status = ctl_parse(ctl, argc, argv, own);
        struct source source;

        if (status != EXIT_DONE)
                return status;
        if (!fill_wish(ctl, &wish))
                return EXIT_USAGE;
        status = source_open(&source, ctl);
        if (status != EXIT_DONE)
                return status;
        if (wish.action == WISH_LIST)
                status = list(&source);
        else if (wish.action == WISH_ADD)
                status =
                    add(&source, wish.subject, wish.length_ns, wish.why, wish.shortens);
        else
                status = take_away(&source, wish.subject, wish.hold_ns,
                                   wish.why ? wish.why : "");
        source_close(&source);
        return status;
}
