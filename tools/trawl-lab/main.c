/* SPDX-License-Identifier: MIT */
/*
 * trawl-lab - writes a site's day as a capture, with the truth about who did what.
 */
#include "lab.h"
#include "parameters.h"
#include "sources.h"

#include "base/buf.h"
#include "base/clock.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_DONE, EXIT_FAILED, EXIT_USAGE, EXIT_PARAMETERS };

static const char usage[] =
    "usage: trawl-lab [-p FILE]... [-o NAME=VALUE]... --capture FILE [option]...\n"
    "       trawl-lab [-p FILE]... [-o NAME=VALUE]... --print-parameters\n"
    "\n"
    "Writes the packets of a made-up site's day: people, traps and attackers.\n"
    "\n"
    "  -p, --parameters FILE   parameters (YAML); later ones replace what earlier ones "
    "say\n"
    "  -o NAME=VALUE           one parameter, as in -o people.count=20k\n"
    "      --days N            the same as -o days=N\n"
    "      --seed N            the same as -o seed=N\n"
    "  -w, --capture FILE      the packets (pcap); - is standard output\n"
    "      --truth FILE        who did what (JSON lines)\n"
    "      --requests FILE     every answered request (JSON lines): large\n"
    "      --site-map FILE     the site map that fits, for trawlwatchd -s\n"
    "      --print-parameters  all parameters with their values and help, then exit\n"
    "      --stats             what was written and how fast, as JSON on standard error\n"
    "  -V, --version  -h, --help\n";

struct job {
        struct lab_options files;
        const char *site_map;
        bool prints, tells;
        struct parameter_set *set;
        struct diag *diag;
};

enum {
        OPTION_DAYS = 256,
        OPTION_SEED,
        OPTION_TRUTH,
        OPTION_REQUESTS,
        OPTION_MAP,
        OPTION_PRINT,
        OPTION_STATS
};

static const struct option long_options[] = {
        { "parameters", required_argument, NULL, 'p' },
        { "days", required_argument, NULL, OPTION_DAYS },
        { "seed", required_argument, NULL, OPTION_SEED },
        { "capture", required_argument, NULL, 'w' },
        { "truth", required_argument, NULL, OPTION_TRUTH },
        { "requests", required_argument, NULL, OPTION_REQUESTS },
        { "site-map", required_argument, NULL, OPTION_MAP },
        { "print-parameters", no_argument, NULL, OPTION_PRINT },
        { "stats", no_argument, NULL, OPTION_STATS },
        { "version", no_argument, NULL, 'V' },
        { "help", no_argument, NULL, 'h' },
        { 0 },
};

static void set_number(struct job *job, const char *name, const char *value)
{
        char assignment[128];

        snprintf(assignment, sizeof(assignment), "%s=%.100s", name, value);
        parameters_set(job->set, assignment, job->diag);
}

/* Exits where an option is the whole job. */
static bool take_option(struct job *job, int option)
{
        switch (option) {
        case 'p':
                parameters_read(job->set, optarg, job->diag);
                return true;
        case 'o':
                parameters_set(job->set, optarg, job->diag);
                return true;
        case OPTION_DAYS:
                set_number(job, "days", optarg);
                return true;
        case OPTION_SEED:
                set_number(job, "seed", optarg);
                return true;
        case 'w':
                job->files.capture = optarg;
                return true;
        case OPTION_TRUTH:
                job->files.truth = optarg;
                return true;
        case OPTION_REQUESTS:
                job->files.requests = optarg;
                return true;
        case OPTION_MAP:
                job->site_map = optarg;
                return true;
        case OPTION_PRINT:
                job->prints = true;
                return true;
        case OPTION_STATS:
                job->tells = true;
                return true;
        case 'V':
                puts("trawl-lab " TRAWLWATCH_VERSION);
                exit(EXIT_DONE);
        case 'h':
                fputs(usage, stdout);
                exit(EXIT_DONE);
        default:
                return false;
        }
}

static bool take_options(struct job *job, int argc, char **argv)
{
        int option;

        while ((option = getopt_long(argc, argv, "p:o:w:Vh", long_options, NULL)) != -1)
                if (!take_option(job, option))
                        return false;
        if (optind < argc)
                fprintf(stderr, "trawl-lab: what is '%s'? Files have options\n",
                        argv[optind]);
        else if (!job->files.capture && !job->prints && !job->site_map)
                fprintf(stderr, "trawl-lab: --capture FILE says where to write\n");
        else
                return true;
        return false;
}

/* The installed heads, or those of the source tree that the program was built in. */
static const char *clients_folder(const struct parameters *p, char path[PATH_MAX])
{
        static const char *const beside[] = { "../share/trawlwatch/lab/clients",
                                              "../../tools/trawl-lab/clients" };
        char program[PATH_MAX / 2];
        ssize_t len = readlink("/proc/self/exe", program, sizeof(program) - 1);

        if (p->clients[0] || len < 0)
                return p->clients;
        program[len] = '\0';
        *strrchr(program, '/') = '\0';
        for (unsigned i = 0; i < 2; i++) {
                snprintf(path, PATH_MAX, "%s/%s", program, beside[i]);
                if (access(path, R_OK) == 0)
                        return path;
        }
        return "clients";
}

static bool write_map(const struct job *job, const struct parameters *p)
{
        bool is_output = strcmp(job->site_map, "-") == 0;
        FILE *file = is_output ? stdout : fopen(job->site_map, "w");
        struct site *site = site_new(p, p->seed);

        if (file)
                site_write_map(site, file);
        site_free(&site);
        if (file && !ferror(file) && (is_output ? fflush(file) : fclose(file)) == 0)
                return true;
        fprintf(stderr, "trawl-lab: %s: %s\n", job->site_map, strerror(errno));
        return false;
}

static void tell(const struct lab_counts *c, double seconds)
{
        fprintf(stderr,
                "{\"requests\":%" PRIu64 ",\"visitors\":%" PRIu64 ",\"people\":%" PRIu64
                ",\"actors\":%" PRIu64 ",\"connections\":%" PRIu64 ",\"packets\":%" PRIu64
                ",\"bytes\":%" PRIu64 ",\"seconds\":%.3f,\"requests_per_second\":%.0f}\n",
                c->requests, c->visitors, c->people, c->actors, c->connections,
                c->packets, c->bytes, seconds,
                seconds > 0 ? (double)c->requests / seconds : 0);
}

static bool write_capture(const struct job *job, const struct parameters *p,
                          struct softwares *softwares)
{
        int64_t begin = clock_monotonic_ns();
        struct lab *lab = lab_new(p, softwares, &job->files);

        if (!lab)
                return false;
        sources_begin(lab);
        bool good = lab_run(lab);
        struct lab_counts counts = lab_counts(lab);
        good &= lab_free(&lab);
        if (job->tells)
                tell(&counts, (double)(clock_monotonic_ns() - begin) / 1e9);
        return good;
}

static void print_mistakes(const struct job *job)
{
        struct buf text = { 0 };

        diag_print(job->diag, &text);
        if (text.len)
                fwrite(text.data, 1, text.len, stderr);
        buf_free(&text);
}

static void print_parameters(const struct job *job)
{
        struct buf text = { 0 };

        parameters_print(job->set, &text);
        fwrite(text.data, 1, text.len, stdout);
        buf_free(&text);
}

static int run(struct job *job, const struct parameters *p)
{
        char path[PATH_MAX];
        bool good = true;

        if (job->site_map)
                good &= write_map(job, p);
        if (!job->files.capture)
                return good ? EXIT_DONE : EXIT_FAILED;
        struct softwares *softwares =
            softwares_load(clients_folder(p, path), p, job->diag);
        if (!softwares)
                return EXIT_PARAMETERS;
        good &= write_capture(job, p, softwares);
        softwares_free(&softwares);
        return good ? EXIT_DONE : EXIT_FAILED;
}

int main(int argc, char **argv)
{
        struct job job = { .set = parameters_new(sources_traps(), sources_attackers()),
                           .diag = diag_new() };
        int status = EXIT_USAGE;

        signal(SIGPIPE, SIG_IGN); /* told as a write that fails */
        if (!take_options(&job, argc, argv)) {
                fputs("trawl-lab --help tells what there is\n", stderr);
        } else {
                const struct parameters *p = parameters_values(job.set, job.diag);
                status = EXIT_DONE;
                if (diag_errors(job.diag))
                        status = EXIT_PARAMETERS;
                else if (job.prints)
                        print_parameters(&job);
                else
                        status = run(&job, p);
                print_mistakes(&job);
        }
        parameters_free(&job.set);
        diag_free(&job.diag);
        return status;
}
