/* SPDX-License-Identifier: MIT */
/* A site map; what loads is then asked about a request made of its own bytes. */
#include "observe/observe.h"

#include "base/check.h"

static void look(const struct site *site, struct slice text)
{
        struct counters counters = { 0 };
        struct hash_key key = hash_key_fixed();
        struct observe *observe = observe_new(site, &key, &counters);
        struct http_header lines[8];
        struct transaction t = { .method = slice_str("GET"),
                                 .target = text,
                                 .status = 200 };
        struct slice rest = text, line;
        uint32_t count = 0;

        while (count < 8 && slice_next(&rest, '\n', &line)) {
                size_t colon = slice_find(line, ':');
                lines[count].name = slice_first(line, colon);
                lines[count++].value = slice_from(line, colon + 1);
        }
        t.request_headers = t.response_headers = (struct http_headers){ lines, count };
        const struct record *r = observe_transaction(observe, &t);
        CHECK(r->size <= RECORD_SIZE_MAX && r->size % 8 == 0);
        const struct value_names *names = site_page_names(site);
        struct buf out = { 0 };
        record_print(r, names->name(names->context, r->page), NULL, NULL, slice_none(),
                     &out);
        buf_free(&out);
        observe_free(&observe);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct slice text = slice_of(data, size);
        struct diag *diag = diag_new();
        struct site *site = site_parse("site.yaml", text, diag);
        struct buf out = { 0 };

        CHECK((site != NULL) == (diag_errors(diag) == 0));
        diag_print(diag, &out);
        if (site)
                look(site, text);
        site_free(&site);
        diag_free(&diag);
        buf_free(&out);
        return 0;
}
