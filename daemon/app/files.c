/* SPDX-License-Identifier: MIT */
#include "app/run.h"

/* Frames between two looks at the alerts' event loop. */
enum { BATCH = 1024 };

struct reading {
        struct run *run;
        int link;
};

static void on_frame(void *context, const struct capture_frame *frame)
{
        struct reading *reading = context;

        pipeline_frame(reading->run->pipeline, reading->link, frame);
}

/* False when the file could not be read to its end; a line says why. */
static bool read_file(struct run *run, const char *path)
{
        struct capture_options options = run_capture_options(run);
        char error[CAPTURE_ERROR_MAX];
        struct capture *capture = capture_open_file(path, &options, error);
        enum capture_result result = CAPTURE_ERROR;

        if (!capture) {
                log_error("%s", error);
                return false;
        }
        if (run_link_is_known(capture)) {
                struct reading reading = { run, capture_link(capture) };
                do {
                        result = capture_read(capture, BATCH, on_frame, &reading);
                        run_flush(run, false);
                        alerts_turn(run->alerts);
                } while (result == CAPTURE_MORE && !run->output_failed);
                if (result == CAPTURE_ERROR)
                        log_error("%s", capture_error(capture));
        }
        capture_close(&capture);
        return result != CAPTURE_ERROR;
}

int run_files(const struct command_line *line, const struct setup *setup)
{
        struct run run;
        bool good = true;

        if (!run_begin(&run, line, setup, false))
                return EXIT_FAILED;
        for (unsigned i = 0; i < line->files.count && !run.output_failed; i++)
                good &= read_file(&run, line->files.items[i]);
        run_end(&run);
        return good ? EXIT_DONE : EXIT_FAILED;
}
