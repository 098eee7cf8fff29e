/* SPDX-License-Identifier: MIT */
#include "app/run.h"
#include "app/supervisor.h"
#include "base/log.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static void print_to(FILE *file, const struct buf *text)
{
        if (text->len)
                fwrite(text->data, 1, text->len, file);
        fflush(file);
}

static int run(const struct command_line *line, const struct setup *setup)
{
        if (line->files.count)
                return run_files(line, setup);
        if (setup->config.capture.workers == 0)
                return run_live(line, setup);
        return supervisor_run(line, setup);
}

static int check_and_run(const struct command_line *line)
{
        struct setup setup;
        struct buf messages = { 0 };
        int status;

        bool good = check_start(&line->check, &setup, &messages);
        if (good && line->command == COMMAND_CHECK)
                check_summary(&line->check, &setup, &messages);
        if (line->command == COMMAND_CHECK && good)
                print_to(stdout, &messages);
        else
                log_text(good ? LOG_LEVEL_WARNING : LOG_LEVEL_ERROR,
                         buf_slice(&messages));
        if (good && line->command == COMMAND_PRINT_CONFIG) {
                buf_clear(&messages);
                config_print(&setup.config, &messages);
                print_to(stdout, &messages);
        }
        buf_free(&messages);
        if (!good)
                return EXIT_MISTAKE;
        log_set_level((enum log_level)setup.config.log.level);
        if (line->command != COMMAND_RUN)
                status = EXIT_DONE;
        else
                status = run(line, &setup);
        check_free(&setup);
        return status;
}

/* Else a capture would be opened as one of them, and be written to, or closed. */
static bool fill_standard_descriptors(void)
{
        int fd;

        do
                fd = open("/dev/null", O_RDWR);
        while (fd >= 0 && fd <= STDERR_FILENO);
        if (fd > STDERR_FILENO)
                close(fd);
        return fd > STDERR_FILENO;
}

int main(int argc, char **argv)
{
        struct command_line line;
        struct buf text = { 0 };
        int status = EXIT_USAGE;

        if (!fill_standard_descriptors())
                return EXIT_FAILED;
        signal(SIGPIPE, SIG_IGN);
        if (command_line_parse(&line, argc, argv)) {
                status = EXIT_DONE;
                switch (line.command) {
                case COMMAND_VERSION:
                        puts("trawlwatchd " TRAWLWATCH_VERSION);
                        break;
                case COMMAND_HELP:
                        command_line_help(&text);
                        print_to(stdout, &text);
                        break;
                case COMMAND_RUN:
                case COMMAND_CHECK:
                case COMMAND_PRINT_CONFIG:
                        status = check_and_run(&line);
                        break;
                }
        }
        if (fflush(stdout) != 0 || ferror(stdout)) {
                fputs("trawlwatchd: standard output could not be written\n", stderr);
                status = EXIT_FAILED;
        }
        buf_free(&text);
        command_line_free(&line);
        return status;
}
