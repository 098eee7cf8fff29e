/* SPDX-License-Identifier: MIT */
#include "app/run.h"
#include "app/supervisor.h"

#include <signal.h>
#include <stdio.h>

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

        bool good = check_load(&line->check, &setup, &messages);
        if (good && !line->check.is_offline &&
            !check_machine(&line->check, &setup, &messages)) {
                check_free(&setup);
                good = false;
        }
        if (good && line->command == COMMAND_CHECK)
                check_summary(&line->check, &setup, &messages);
        print_to(line->command == COMMAND_CHECK && good ? stdout : stderr, &messages);
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

int main(int argc, char **argv)
{
        struct command_line line;
        struct buf text = { 0 };
        int status = EXIT_USAGE;

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
