/* SPDX-License-Identifier: MIT */
#include "observe/geo.h"

#include "base/check.h"

#include <errno.h>
#include <fcntl.h>
#include <maxminddb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct geo {
        MMDB_s database;
        enum geo_kind kind;
};

static const char *const asn_path[] = { "autonomous_system_number", NULL };
static const char *const country_path[] = { "country", "iso_code", NULL };

static const char *const *path_of(enum geo_kind kind)
{
        return kind == GEO_ASN ? asn_path : country_path;
}

/* Whether the record has the value, of the kind that it must be. */
static bool value_of(const struct geo *g, MMDB_entry_s *entry, MMDB_entry_data_s *data,
                     int *status)
{
        *status = MMDB_aget_value(entry, data, path_of(g->kind));
        if (*status == MMDB_LOOKUP_PATH_DOES_NOT_MATCH_DATA_ERROR) {
                *status = MMDB_SUCCESS;
                return false;
        }
        if (*status != MMDB_SUCCESS || !data->has_data)
                return false;
        if (g->kind == GEO_ASN)
                return data->type == MMDB_DATA_TYPE_UINT32;
        return data->type == MMDB_DATA_TYPE_UTF8_STRING && data->data_size == 2 &&
               data->utf8_string[0] >= 'A' && data->utf8_string[0] <= 'Z' &&
               data->utf8_string[1] >= 'A' && data->utf8_string[1] <= 'Z';
}

/* ---- the check at the start ---- */

struct checking {
        const struct geo *geo;
        uint64_t values;
        uint64_t last; /* record that was looked at: neighbours often share theirs */
        int status;
};

static bool check_record(struct checking *c, uint8_t type, uint64_t record,
                         MMDB_entry_s *entry)
{
        MMDB_entry_data_s data;

        if (type == MMDB_RECORD_TYPE_INVALID) {
                c->status = MMDB_CORRUPT_SEARCH_TREE_ERROR;
                return false;
        }
        if (type != MMDB_RECORD_TYPE_DATA || record == c->last)
                return true;
        c->last = record;
        c->values += value_of(c->geo, entry, &data, &c->status);
        return c->status == MMDB_SUCCESS;
}

static bool check_tree(struct checking *c)
{
        const MMDB_s *database = &c->geo->database;

        for (uint32_t i = 0; i < database->metadata.node_count; i++) {
                MMDB_search_node_s node;
                c->status = MMDB_read_node(database, i, &node);
                if (c->status != MMDB_SUCCESS)
                        return false;
                if (!check_record(c, node.left_record_type, node.left_record,
                                  &node.left_record_entry) ||
                    !check_record(c, node.right_record_type, node.right_record,
                                  &node.right_record_entry))
                        return false;
        }
        return true;
}

static bool check(const struct geo *g, struct place place, struct diag *diag)
{
        struct checking c = { .geo = g, .last = UINT64_MAX };

        if (!check_tree(&c))
                diag_error(diag, place, "damaged: %s", MMDB_strerror(c.status));
        else if (c.values == 0)
                diag_error(diag, place, "a database (%s) without a single %s",
                           g->database.metadata.database_type,
                           g->kind == GEO_ASN ? "autonomous_system_number"
                                              : "country.iso_code");
        else
                return true;
        return false;
}

/* ---- reading ---- */

static bool copy(int from, int to, off_t size)
{
        char part[65536];
        ssize_t len;
        off_t copied = 0;

        while ((len = read(from, part, sizeof(part))) > 0) {
                copied += len;
                if (copied > size || write(to, part, (size_t)len) != len)
                        return false;
        }
        errno = len < 0 ? errno : EIO;
        return len == 0 && copied == size;
}

/* A descriptor of the file's copy in memory; -1 after a diag_error. */
static int copy_file(const char *path, struct place place, struct diag *diag)
{
        int from = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), to = -1;
        struct stat status;

        if (from < 0 || fstat(from, &status) != 0) {
                diag_error(diag, place, "%s", strerror(errno));
        } else if (!S_ISREG(status.st_mode)) {
                diag_error(diag, place, "is no file");
        } else if ((uint64_t)status.st_size > GEO_FILE_MAX) {
                diag_error(diag, place, "longer than %u MiB",
                           (unsigned)(GEO_FILE_MAX >> 20));
        } else {
                to = memfd_create("trawlwatch-geo", MFD_CLOEXEC);
                if (to < 0 || !copy(from, to, status.st_size)) {
                        diag_error(diag, place, "cannot be read: %s", strerror(errno));
                        if (to >= 0)
                                close(to);
                        to = -1;
                }
        }
        if (from >= 0)
                close(from);
        return to;
}

struct geo *geo_read(const char *path, enum geo_kind kind, struct diag *diag)
{
        struct place place = { .file = path };
        int fd = copy_file(path, place, diag);
        struct geo *g;
        char name[64];

        if (fd < 0)
                return NULL;
        g = calloc(1, sizeof(*g));
        CHECK(g);
        g->kind = kind;
        snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
        int status = MMDB_open(name, MMDB_MODE_MMAP, &g->database);
        close(fd);
        if (status != MMDB_SUCCESS) {
                diag_error(diag, place, "no database in the MaxMind format: %s",
                           MMDB_strerror(status));
                free(g);
                return NULL;
        }
        if (!check(g, place, diag))
                geo_free(&g);
        return g;
}

void geo_free(struct geo **geo)
{
        if (!*geo)
                return;
        MMDB_close(&(*geo)->database);
        free(*geo);
        *geo = NULL;
}

/* ---- looking up ---- */

static bool find(const struct geo *g, const struct ip *ip, MMDB_entry_data_s *data)
{
        struct sockaddr_in v4 = { .sin_family = AF_INET };
        struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
        bool is_v4 = ip_is_v4(ip);
        int status;

        if (is_v4)
                memcpy(&v4.sin_addr, ip->bytes + 12, 4);
        else
                memcpy(&v6.sin6_addr, ip->bytes, 16);
        MMDB_lookup_result_s result = MMDB_lookup_sockaddr(
            &g->database, is_v4 ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6,
            &status);
        return status == MMDB_SUCCESS && result.found_entry &&
               value_of(g, &result.entry, data, &status);
}

bool geo_asn(const struct geo *g, const struct ip *ip, uint32_t *asn)
{
        MMDB_entry_data_s data;

        if (!find(g, ip, &data))
                return false;
        *asn = data.uint32;
        return true;
}

struct slice geo_country(const struct geo *g, const struct ip *ip)
{
        MMDB_entry_data_s data;

        return find(g, ip, &data) ? slice_of(data.utf8_string, data.data_size)
                                  : slice_none();
}
