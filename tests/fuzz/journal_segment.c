/* SPDX-License-Identifier: MIT */
/* Any bytes as a segment of the journal: every record that is read passed its checksum.
 */
#include "alert/journal_segment_priv.h"
#include "base/check.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct segment_reader reader = { .first = 1, .next = 1 };
        struct journal_record record;
        uint64_t last = 0;

        reader.fd = memfd_create("segment", 0);
        CHECK(reader.fd >= 0 && write(reader.fd, data, size) == (ssize_t)size);
        while (segment_next(&reader, &record) == SEGMENT_RECORD) {
                CHECK(record.sequence == ++last && record.payload.len > 0);
                CHECK(reader.offset <= size);
        }
        segment_close(&reader);
        return 0;
}
