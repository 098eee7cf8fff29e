/* SPDX-License-Identifier: MIT */
/* A file of domains; every line that is one is then asked for, and a name below it. */
#include "observe/domains.h"

#include "base/buf.h"
#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a line asks for, in lower case; false for one that names no domain. */
static bool name_of(struct slice line, uint8_t *name, size_t *len)
{
        if (line.len && line.data[line.len - 1] == '\r')
                line.len--;
        line = slice_trim(line);
        if (line.len == 0 || line.len > DOMAIN_LENGTH_MAX || line.data[0] == '#')
                return false;
        for (size_t i = 0; i < line.len; i++)
                name[i] = line.data[i] >= 'A' && line.data[i] <= 'Z' ? line.data[i] | 32
                                                                     : line.data[i];
        *len = line.len;
        return true;
}

static void ask(const struct domains *domains, struct slice text)
{
        uint8_t below[2 + DOMAIN_LENGTH_MAX] = "x.";
        unsigned lines = 0;
        struct slice line;
        size_t len;

        while (slice_next(&text, '\n', &line)) {
                if (!name_of(line, below + 2, &len))
                        continue;
                lines++;
                CHECK(domains_cover(domains, slice_of(below + 2, len)));
                CHECK(domains_cover(domains, slice_of(below, len + 2)));
        }
        CHECK(domains_count(domains) <= lines);
        CHECK(!domains_cover(domains, slice_none()));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct slice text = slice_of(data, size);
        struct diag *diag = diag_new();
        struct domains *domains = domains_parse("domains", text, diag);
        struct buf out = { 0 };

        CHECK((domains != NULL) == (diag_errors(diag) == 0));
        diag_print(diag, &out);
        if (domains)
                ask(domains, text);
        domains_free(&domains);
        diag_free(&diag);
        buf_free(&out);
        return 0;
}
