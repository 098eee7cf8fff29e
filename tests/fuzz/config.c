/* SPDX-License-Identifier: MIT */
/*
 * Whatever a configuration file holds: mistakes are reported, never worse; and what
 * is taken prints to a text that gives the same again. A first line `-o KEY=VALUE` is
 * taken as a setting.
 */
#include <stdlib.h>

#include "app/config.h"
#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_setting(struct slice text)
{
        return slice_starts_with(text, slice_str("-o "));
}

static void print_twice_the_same(const struct config *config)
{
        struct buf first = { 0 }, second = { 0 };
        struct diag *diag = diag_new();
        struct config again;

        config_print(config, &first);
        config_init(&again);
        CHECK(config_parse(&again, "/printed", buf_slice(&first), diag));
        CHECK(diag_errors(diag) == 0);
        config_print(&again, &second);
        CHECK(slice_equal(buf_slice(&first), buf_slice(&second)));
        config_free(&again);
        diag_free(&diag);
        buf_free(&first);
        buf_free(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct slice text = slice_of(data, size);
        struct diag *diag = diag_new();
        struct buf messages = { 0 };
        struct config config;
        bool taken;

        config_init(&config);
        if (is_setting(text)) {
                char *setting = strndup((const char *)data + 3, size - 3);
                setting[strcspn(setting, "\n")] = 0;
                taken = config_set(&config, setting, diag);
                free(setting);
        } else {
                taken = config_parse(&config, "/fuzzed", text, diag);
                CHECK(taken == (diag_errors(diag) == 0));
                config_check(&config, diag);
        }
        diag_print(diag, &messages);
        /* A setting is bytes; only a file is known to be UTF-8. */
        if (taken && !is_setting(text))
                print_twice_the_same(&config);
        buf_free(&messages);
        config_free(&config);
        diag_free(&diag);
        return 0;
}
