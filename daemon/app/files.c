/* SPDX-License-Identifier: MIT */
#include "app/run.h"

#include "app/input.h"
#include "base/check.h"
#include "base/log.h"
#include "packet/frame.h"

#include <signal.h>

/* Frames between two looks at the alerts' event loop. */
enum { BATCH = 1024 };

struct reading {
        struct run run;
        int link;         /* of its last frame; -1: there was none */
        int unknown_link; /* one of its frames had; -1: none */
        bool has_known_link;
        bool stopping;
        struct event *signals[2];
};

static void note_link(struct reading *reading, int link)
{
        reading->link = link;
        if (frame_link_is_known(link))
                reading->has_known_link = true;
        else
                reading->unknown_link = link;
}

static void on_frame(void *context, const struct capture_frame *frame)
{
        struct reading *reading = context;

        if (frame->link != reading->link)
                note_link(reading, frame->link);
        pipeline_frame(reading->run.pipeline, frame);
}

static void on_stop(evutil_socket_t fd, short what, void *context)
{
        struct reading *reading = context;

        (void)fd, (void)what;
        reading->stopping = true;
        output_hurry(&reading->run.output);
}

static bool is_over(const struct reading *reading)
{
        return reading->stopping || reading->run.output.error;
}

/* A pipe has no more for now: tell what is known. */
static bool on_idle(void *context)
{
        struct reading *reading = context;

        pipeline_settle(reading->run.pipeline);
        output_flush(&reading->run.output, true);
        return !is_over(reading);
}

static enum capture_result read_capture(struct reading *reading, struct capture *capture)
{
        enum capture_result result;
        char error[CAPTURE_ERROR_MAX];

        if (!run_link_is_known(capture, error)) {
                log_error("%s", error);
                return CAPTURE_ERROR;
        }
        reading->link = reading->unknown_link = -1;
        reading->has_known_link = false;
        do {
                result = capture_read(capture, BATCH, on_frame, reading);
                pipeline_settle(reading->run.pipeline);
                output_flush(&reading->run.output, false);
                alerts_turn(reading->run.alerts);
        } while (result == CAPTURE_MORE && !is_over(reading));
        /* What was broken off in the middle is not damaged. */
        if (is_over(reading))
                return CAPTURE_END;
        if (result == CAPTURE_ERROR)
                log_error("%s", capture_error(capture));
        if (reading->unknown_link >= 0) {
                run_link_unknown(capture, reading->unknown_link, error);
                (reading->has_known_link ? log_warning : log_error)("%s", error);
        }
        return reading->unknown_link >= 0 && !reading->has_known_link ? CAPTURE_ERROR
                                                                      : result;
}

/* False when the file could not be read to its end; a line says why. */
static bool read_file(struct reading *reading, const char *path)
{
        struct capture_options options = run_capture_options(&reading->run.setup->config);
        char error[CAPTURE_ERROR_MAX];
        struct input *input = input_open(path, reading->run.loop, on_idle, reading);
        struct capture *capture = capture_open_file(input ? "-" : path, &options, error);
        bool good = true;

        if (capture) {
                good = read_capture(reading, capture) != CAPTURE_ERROR;
        } else if (!is_over(reading)) {
                log_error("%s", error);
                good = false;
        }
        capture_close(&capture);
        input_close(&input);
        return good;
}

static void watch_signals(struct reading *reading)
{
        static const int numbers[] = { SIGTERM, SIGINT };

        for (int i = 0; i < 2; i++) {
                reading->signals[i] =
                    evsignal_new(reading->run.loop, numbers[i], on_stop, reading);
                CHECK(reading->signals[i] && event_add(reading->signals[i], NULL) == 0);
        }
}

int run_files(const struct command_line *line, const struct setup *setup)
{
        struct reading reading = { .stopping = false };
        bool good = true;

        if (!run_begin(&reading.run, line, setup, false))
                return EXIT_FAILED;
        if (!run_prepare(&reading.run)) {
                run_release(&reading.run);
                return EXIT_FAILED;
        }
        watch_signals(&reading);
        for (unsigned i = 0; i < line->files.count && !is_over(&reading); i++)
                good &= read_file(&reading, line->files.items[i]);
        reading.run.is_broken_off = !good || is_over(&reading);
        good &= run_finish(&reading.run);
        for (int i = 0; i < 2; i++)
                event_free(reading.signals[i]);
        run_release(&reading.run);
        return good ? EXIT_DONE : EXIT_FAILED;
}
