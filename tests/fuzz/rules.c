/* SPDX-License-Identifier: MIT */
/* A rule file from hostile hands, and one record through whatever came out of it. */
#include "detect/engine.h"

#include "base/check.h"

static const char site_text[] = "pages:\n"
                                "  - { name: profile, path: \"/in/{target}\" }\n"
                                "  - { name: signup, method: POST, path: /signup }\n";

static void run(const struct rules *rules, const struct site *site)
{
        static struct counters counters;
        struct engine_options options = { .rules = rules,
                                          .site = site,
                                          .hash_key = hash_key_fixed(),
                                          .memory_max = 1 << 20,
                                          .incidents_max = 10,
                                          .counters = &counters };
        struct engine *engine = engine_new(&options);
        struct record record = { .size = sizeof(record), .page = 1, .status = 200 };

        if (!engine)
                return;
        for (int i = 0; i < 3; i++) {
                record.end_ns = i * INT64_C(1000000000);
                engine_record(engine, &record);
        }
        engine_finish(engine);
        engine_free(&engine);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct diag *diag = diag_new();
        struct site *site = site_parse("site.yaml", slice_str(site_text), diag);
        struct buf text = { 0 };

        CHECK(site);
        struct rules *rules = rules_parse("rules.yaml", slice_of(data, size), site, diag);
        CHECK((rules == NULL) == (diag_errors(diag) > 0));
        if (rules)
                run(rules, site);
        diag_print(diag, &text);
        buf_free(&text);
        rules_free(&rules);
        site_free(&site);
        diag_free(&diag);
        return 0;
}
