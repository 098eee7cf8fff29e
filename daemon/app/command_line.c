/* SPDX-License-Identifier: MIT */
#include "app/command_line.h"

#include "app/paths.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { OPTION_PRINT = 256, OPTION_STATS, OPTION_PRINT_CONFIG };

static const struct option long_options[] = {
        { "print", required_argument, NULL, OPTION_PRINT },
        { "print-config", no_argument, NULL, OPTION_PRINT_CONFIG },
        { "stats", no_argument, NULL, OPTION_STATS },
        { "version", no_argument, NULL, 'V' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
};

static const struct {
        const char *name;
        enum print print;
} prints[] = {
        { "alerts", PRINT_ALERTS },
        { "requests", PRINT_REQUESTS },
        { "hellos", PRINT_HELLOS },
        { "none", PRINT_NONE },
};

static bool usage(const char *what, const char *of)
{
        fprintf(stderr, "trawlwatchd: %s%s; trawlwatchd -h shows how it is used\n", what,
                of);
        return false;
}

static bool set_print(struct command_line *line, const char *name)
{
        for (size_t i = 0; i < sizeof(prints) / sizeof(prints[0]); i++) {
                if (strcmp(prints[i].name, name) == 0) {
                        line->print = prints[i].print;
                        return true;
                }
        }
        return usage("--print takes alerts, requests or none, not ", name);
}

static bool add_interface(struct text_list *interfaces, const char *name)
{
        if (!*name)
                return usage("-i takes the name of an interface, not an empty one", "");
        for (unsigned i = 0; i < interfaces->count; i++)
                if (strcmp(interfaces->items[i], name) == 0)
                        return usage("an interface is named twice: -i ", name);
        text_list_add(interfaces, name);
        return true;
}

/* A letter that getopt refused, or else the word that it stood in: a long option. */
static bool wrong_option(const char *what, char **argv)
{
        const char letter[] = { '-', (char)optopt, 0 };
        bool is_letter = optopt > 0 && optopt < OPTION_PRINT &&
                         strncmp(argv[optind - 1], "--", 2) != 0;

        return usage(what, is_letter ? letter : argv[optind - 1]);
}

static bool take(struct command_line *line, int option, const char *argument)
{
        switch (option) {
        case 'c':
                line->check.config = argument;
                return true;
        case 'r':
                text_list_add(&line->files, argument);
                line->check.is_offline = true;
                return true;
        case 'i':
                return add_interface(&line->check.interfaces, argument);
        case 'f':
                line->check.filter = argument;
                return true;
        case 's':
                line->check.site = argument;
                return true;
        case 'R':
                check_add_rules(&line->check, argument);
                return true;
        case 'o':
                text_list_add(&line->check.settings, argument);
                return true;
        case OPTION_PRINT:
                return set_print(line, argument);
        case OPTION_STATS:
                line->stats = true;
                return true;
        case OPTION_PRINT_CONFIG:
                line->command = COMMAND_PRINT_CONFIG;
                return true;
        case 't':
                line->command = COMMAND_CHECK;
                return true;
        case 'V':
                line->command = COMMAND_VERSION;
                return true;
        case 'h':
                line->command = COMMAND_HELP;
                return true;
        default:
                return false;
        }
}

bool command_line_parse(struct command_line *line, int argc, char **argv)
{
        int option;

        memset(line, 0, sizeof(*line));
        opterr = 0;
        while ((option = getopt_long(argc, argv, ":c:r:i:f:s:R:o:tVh", long_options,
                                     NULL)) != -1) {
                if (option == ':')
                        return wrong_option("a value is missing after ", argv);
                if (option == '?')
                        return wrong_option("no such option: ", argv);
                if (!take(line, option, optarg))
                        return false;
        }
        if (optind < argc)
                return usage("takes no argument without an option: ", argv[optind]);
        if (line->files.count && line->check.interfaces.count)
                return usage("-r and -i do not go together", "");
        bool asks = line->files.count || line->check.interfaces.count ||
                    line->check.config || line->command != COMMAND_RUN;
        if (!asks && access(PATHS_CONFIG, F_OK) == 0) {
                line->check.config = PATHS_CONFIG;
                asks = true;
        }
        return asks ||
               usage("nothing to read: give -r FILE, -i INTERFACE or -c FILE", "");
}

void command_line_free(struct command_line *line)
{
        text_list_clear(&line->files);
        check_request_free(&line->check);
}

void command_line_help(struct buf *out)
{
        buf_put_str(
            out,
            "usage: trawlwatchd [-c FILE]               run from a configuration file\n"
            "       trawlwatchd -r FILE [-r FILE]...    read captures, then exit\n"
            "       trawlwatchd -i IFACE [-i IFACE]...  capture live\n"
            "\n"
            "  -f 'BPF'             capture filter, as in pcap-filter(7)\n"
            "  -s FILE              site map (default: the shipped one, with a warning)\n"
            "  -R FILE|DIR          rules (default: the shipped ones; none: no rules)\n"
            "  -o KEY=VALUE         any configuration key\n"
            "  --print WHAT         JSON lines on standard output: alerts (default with "
            "-r),\n"
            "                       requests or none\n"
            "  --stats              counters as JSON on standard error at the end\n"
            "  -t                   check configuration, site map and rules, then exit\n"
            "  --print-config       the same, and show every key with its value\n"
            "  -V, -h               version; this help\n"
            "\n"
            "A FILE of -r may be pcap or pcapng; - is standard input.\n"
            "Exit status: 0 done, 1 could not, 2 wrong usage, 3 a file for -c, -s, -R or "
            "a\n"
            "value for -o or -f is wrong.\n"
            "\n"
            "Configuration keys:\n");
        config_help(out);
}
