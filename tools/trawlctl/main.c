/* SPDX-License-Identifier: MIT */
/*
 * trawlctl - what people ask of Trawlwatch: was my file right, what was found,
 * who is blocked.
 *
 * A command is a row of the table below and a file of its own.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ctl.h"

static const struct command {
        const char *name;
        enum exit_status (*run)(struct ctl *, int argc, char **argv);
        const char *brief;
        const char *help;
} commands[] = {
        { "check", command_check,
          "read configuration, site map and rules; report mistakes",
          "usage: trawlctl check [--print] [-c FILE] [-o KEY=VALUE] [FILE]...\n\n"
          "Reads all that trawlwatchd would read and reports every mistake with its "
          "place.\n"
          "A FILE may be a configuration, a site map or rules; a folder holds rules. "
          "What\n"
          "is not named comes from the configuration, or else is what was shipped.\n\n"
          "  --print        site map and rules as they were understood: two documents\n"
          "  --print-site   the site map alone, fit to be read again\n"
          "  --print-rules  the rules alone, all files as one\n" },
        { "test", command_test,
          "run tests of rules: what they catch and what they leave alone",
          "usage: trawlctl test [--complete] [--seed N] [--json] PATH...\n\n"
          "A PATH is a test of rules; a folder of them; or a folder of rules whose tests "
          "are\n"
          "in its folder tests. Exits 1 when something else came than was expected, 3 "
          "when "
          "a\n"
          "file is wrong.\n\n"
          "  --complete     also 1 when a rule of such a folder lacks a case that it "
          "catches\n"
          "                 or one that it leaves alone\n"
          "  --seed N       in place of the seeds of the cases: does one depend on "
          "luck?\n" },
        { "reference", command_reference, "what a field, function or key of rules means",
          "usage: trawlctl reference [--names] [WORD]...\n\n"
          "All words when none is named.\n\n"
          "  --names        names alone, one a line\n" },
        { "alerts", command_alerts, "what was found: one line an incident",
          "usage: trawlctl alerts [--follow] [--since WHEN] [--rule RULE]\n"
          "                       [--severity S] [--subject X] [--json]\n\n"
          "  --follow       wait for more, and print each event as it comes\n"
          "  --since WHEN   1h ago, or since 2026-11-23 or 2026-11-23T11:00:00Z\n"
          "  --rule RULE    only those of one rule\n"
          "  --severity S   only S and above: info, low, medium, high, critical\n"
          "  --subject X    only those about X, or in which X is involved\n"
          "  --json         every event as the JSON line that was published\n" },
        { "show", command_show, "one incident with all its evidence",
          "usage: trawlctl show [--json] ID\n\n"
          "ID is as alerts lists it: its first or last characters will do, at least "
          "four.\n" },
        { "blocks", command_blocks, "who is blocked; block; let in again",
          "usage: trawlctl blocks [list] [--json]\n"
          "       trawlctl blocks add SUBJECT --for 1h --why TEXT [--replace]\n"
          "       trawlctl blocks remove SUBJECT [--hold 1h] [--why TEXT]\n\n"
          "SUBJECT is an address, a network (203.0.113.0/24), or TYPE:VALUE with a TYPE "
          "of\n"
          "ip, prefix, session, account, ja4, shape. Changes need Redis, and blockers "
          "hear "
          "of\n"
          "them at once.\n\n"
          "  --for 1h   how long it is blocked\n"
          "  --why TEXT shown in the list\n"
          "  --replace  also a running block that ends later; else that stays as it is\n"
          "  --hold 1h  for this time no rule blocks the subject again (1h; 0s: none); "
          "the\n"
          "             list shows it as held\n" },
        { "status", command_status, "how the running daemon is",
          "usage: trawlctl status [--json]\n\n"
          "Asks the daemon through its control socket (admin.socket): health, traffic of "
          "the\n"
          "last ten seconds, memory, keys, Redis.\n\n"
          "  --json         what the daemon answers; also at /api/v1/status\n" },
        { "top", command_top, "the busiest keys, and which rule is near them; live",
          "usage: trawlctl top [--once] [--json] [-n KEYS] [--interval TIME]\n\n"
          "For each kind of key those with the most transactions in the longest window "
          "that a\n"
          "rule counts them in, and the rule that is nearest to holding: how near, value "
          "and\n"
          "threshold. Keys as they are published. O: an incident is open, B: blocked. q "
          "quits.\n\n"
          "  --once         print it once; also where output is no terminal\n"
          "  -n KEYS        of each kind, up to 100\n"
          "  --interval TIME\n"
          "                 between two looks (2s; with --once 1s)\n"
          "  --json         what the daemon answers, once\n" },
        { "reload", command_reload, "have the daemon read its files again",
          "usage: trawlctl reload\n\n"
          "As SIGHUP; waits until it is taken up, and tells how it went. Exits 3 when\n"
          "there are mistakes in the files, which are printed, and 1 when it could not\n"
          "be taken up, which the daemon's log explains: everything stays as it was.\n" },
        { "key", command_key, "the keys that sessions and accounts are hidden under",
          "usage: trawlctl key [list]\n"
          "       trawlctl key change [--in 7d]\n"
          "       trawlctl key retire\n"
          "       trawlctl key name TYPE <VALUE\n\n"
          "change makes a new key that is used from then on: until then blockers get a "
          "copy\n"
          "of the file. retire takes out those before the one in use, when no block is "
          "left\n"
          "that was put under them. The file is privacy.key_file, or the one in the "
          "state\n"
          "folder; the daemon reads it again at SIGHUP. Keys are never shown. name says "
          "what a\n"
          "session, account or email is called under each of them.\n" },
};

static const char common_help[] =
    "\nOptions of every command:\n"
    "  -c FILE        configuration (default: /etc/trawlwatch/trawlwatch.yaml, if "
    "there)\n"
    "  -o KEY=VALUE   any configuration key, e.g. -o redis.url=redis://127.0.0.1:6379\n"
    "  --journal DIR  read the journal there, not Redis\n"
    "  --json         JSON lines\n";

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

/* Named in the contract; refused by name, so that nobody looks for a typing error. */
static const char *const later[] = { "record", "backtest", "suggest", "explain" };

static void print_help(FILE *out)
{
        fputs("usage: trawlctl COMMAND [ARGUMENT]...\n\n", out);
        for (size_t i = 0; i < COMMANDS; i++)
                fprintf(out, "  %-9s %s\n", commands[i].name, commands[i].brief);
        fputs("\nMore: trawlctl COMMAND --help\n", out);
}

static bool asks_for_help(int argc, char **argv)
{
        for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
                if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
                        return true;
        return false;
}

/* What was printed has to be out: a disk may be full. */
static enum exit_status finish(enum exit_status status)
{
        bool failed = ferror(stdout);

        errno = 0;
        failed |= fflush(stdout) != 0;
        if (!failed)
                return status;
        fprintf(stderr, "trawlctl: standard output: %s\n",
                errno ? strerror(errno) : "not everything could be written");
        return status == EXIT_DONE ? EXIT_FAILED : status;
}

static enum exit_status run(const struct command *command, int argc, char **argv)
{
        struct ctl ctl = { .command = command->name };
        enum exit_status status;

        if (asks_for_help(argc, argv)) {
                printf("%s%s", command->help, common_help);
                return EXIT_DONE;
        }
        status = command->run(&ctl, argc, argv);
        ctl_free(&ctl);
        return status;
}

static enum exit_status refuse(const char *name)
{
        const char *names[COMMANDS + 1] = { 0 };
        const char *near;

        for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++) {
                if (strcmp(name, later[i]) == 0) {
                        fprintf(stderr, "trawlctl: %s is not in this version\n", name);
                        return EXIT_USAGE;
                }
        }
        for (size_t i = 0; i < COMMANDS; i++)
                names[i] = commands[i].name;
        near = diag_suggest(slice_str(name), names);
        fprintf(stderr, "trawlctl: no such command: %s%s%s%s; see trawlctl --help\n",
                name, near ? " (did you mean '" : "", near ? near : "",
                near ? "'?)" : "");
        return EXIT_USAGE;
}

int main(int argc, char **argv)
{
        if (argc < 2) {
                print_help(stderr);
                return EXIT_USAGE;
        }
        if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
                print_help(stdout);
                return (int)finish(EXIT_DONE);
        }
        if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
                puts("trawlctl " TRAWLWATCH_VERSION);
                return (int)finish(EXIT_DONE);
        }
        for (size_t i = 0; i < COMMANDS; i++)
                if (strcmp(argv[1], commands[i].name) == 0)
                        return (int)finish(run(&commands[i], argc - 1, argv + 1));
        return (int)refuse(argv[1]);
}
