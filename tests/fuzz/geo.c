/* SPDX-License-Identifier: MIT */
/* A database: what is taken answers for any address, within its bytes. */
#include "observe/geo.h"

#include "base/check.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* libmaxminddb 1.7.1 leaks what it read of metadata that turn out to be damaged. */
const char *__lsan_default_suppressions(void) __attribute__((visibility("default")));
const char *__lsan_default_suppressions(void)
{
        return "leak:libmaxminddb";
}

static void ask(const struct geo *geo)
{
        static const char *const addresses[] = { "0.0.0.0", "203.0.113.9",
                                                 "255.255.255.255", "2001:db8::1",
                                                 "ffff::" };

        for (unsigned i = 0; i < sizeof(addresses) / sizeof(*addresses); i++) {
                struct ip ip;
                uint32_t asn;
                CHECK(ip_parse(slice_str(addresses[i]), &ip));
                geo_asn(geo, &ip, &asn);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        int fd = memfd_create("database", MFD_CLOEXEC);
        struct diag *diag = diag_new();
        char path[64];

        CHECK(fd >= 0 && write(fd, data, size) == (ssize_t)size);
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        struct geo *geo = geo_read(path, GEO_ASN, diag);
        CHECK((geo != NULL) == (diag_errors(diag) == 0));
        if (geo)
                ask(geo);
        geo_free(&geo);
        diag_free(&diag);
        close(fd);
        return 0;
}
