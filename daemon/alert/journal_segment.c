/* SPDX-License-Identifier: MIT */
#include "alert/journal_segment_priv.h"

#include "base/crc32c.h"
#include "alert/journal.h"
#include "base/bytes.h"
#include "base/check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SUFFIX     ".journal"
#define NUMBER_LEN 20
#define READ_BYTES (256u << 10)

void journal_name(uint64_t first, char name[JOURNAL_NAME_MAX])
{
        snprintf(name, JOURNAL_NAME_MAX, "%020" PRIu64 SUFFIX, first);
}

static bool parse_name(const char *name, uint64_t *first)
{
        return strlen(name) == NUMBER_LEN + strlen(SUFFIX) &&
               strcmp(name + NUMBER_LEN, SUFFIX) == 0 &&
               slice_to_u64(slice_of(name, NUMBER_LEN), first);
}

static int compare_numbers(const void *a, const void *b)
{
        uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
        return (x > y) - (x < y);
}

bool journal_list_read(const char *directory, struct journal_list *list)
{
        struct buf numbers = { 0 };
        uint64_t first;
        DIR *dir = opendir(directory);

        *list = (struct journal_list){ 0 };
        if (!dir)
                return false;
        for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
                if (parse_name(entry->d_name, &first))
                        buf_put(&numbers, &first, sizeof(first));
        closedir(dir);
        list->first = (uint64_t *)(void *)numbers.data;
        list->count = numbers.len / sizeof(first);
        if (list->count)
                qsort(list->first, list->count, sizeof(first), compare_numbers);
        return true;
}

void journal_list_free(struct journal_list *list)
{
        free(list->first);
        *list = (struct journal_list){ 0 };
}

static void store_le32(uint8_t *p, uint32_t value)
{
        for (int i = 0; i < 4; i++)
                p[i] = (uint8_t)(value >> 8 * i);
}

/* Over the length, the number and the payload. */
static uint32_t checksum(const uint8_t head[JOURNAL_HEAD_LEN], struct slice payload)
{
        uint32_t crc = crc32c(0, slice_of(head, 4));

        crc = crc32c(crc, slice_of(head + 8, 8));
        return crc32c(crc, payload);
}

void journal_head(uint64_t sequence, struct slice payload, uint8_t head[JOURNAL_HEAD_LEN])
{
        store_le32(head, (uint32_t)payload.len);
        store_le32(head + 8, (uint32_t)sequence);
        store_le32(head + 12, (uint32_t)(sequence >> 32));
        store_le32(head + 4, checksum(head, payload));
}

bool segment_open(struct segment_reader *r, const char *directory, uint64_t first)
{
        char path[PATH_MAX], name[JOURNAL_NAME_MAX];

        journal_name(first, name);
        if ((size_t)snprintf(path, sizeof(path), "%s/%s", directory, name) >=
            sizeof(path)) {
                errno = ENAMETOOLONG;
                return false;
        }
        r->fd = open(path, O_RDONLY | O_CLOEXEC);
        r->first = r->next = first;
        r->offset = 0;
        r->start = 0;
        buf_clear(&r->window);
        return r->fd >= 0;
}

void segment_close(struct segment_reader *r)
{
        if (r->fd >= 0)
                close(r->fd);
        r->fd = -1;
        buf_free(&r->window);
        r->start = 0;
}

static struct slice unread(const struct segment_reader *r)
{
        return slice_from(slice_of(r->window.data, r->window.len), r->start);
}

/* Reads on behind the window until it holds `want` bytes. PART: the file has no more. */
static enum segment_result fill(struct segment_reader *r, size_t want)
{
        if (unread(r).len >= want)
                return SEGMENT_RECORD;
        size_t have = unread(r).len;
        if (have)
                memmove(r->window.data, r->window.data + r->start, have);
        r->window.len = have;
        r->start = 0;
        while (r->window.len < want) {
                size_t room = want - r->window.len;
                buf_reserve(&r->window, room > READ_BYTES ? room : READ_BYTES);
                ssize_t n = pread(r->fd, r->window.data + r->window.len,
                                  r->window.cap - r->window.len,
                                  (off_t)(r->offset + r->window.len));
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? SEGMENT_FAILED : SEGMENT_PART;
                r->window.len += (size_t)n;
        }
        return SEGMENT_RECORD;
}

/* What lies there may still be being written: forget it, and read it again next time. */
static enum segment_result refuse(struct segment_reader *r, enum segment_result why)
{
        buf_clear(&r->window);
        r->start = 0;
        return why;
}

static void take(struct segment_reader *r, size_t len)
{
        r->start += len;
        r->offset += len;
}

static enum segment_result take_magic(struct segment_reader *r)
{
        enum segment_result got = fill(r, JOURNAL_MAGIC_LEN);

        if (got != SEGMENT_RECORD)
                return refuse(r, got);
        if (memcmp(unread(r).data, JOURNAL_MAGIC, JOURNAL_MAGIC_LEN) != 0)
                return refuse(r, SEGMENT_DAMAGED);
        take(r, JOURNAL_MAGIC_LEN);
        return SEGMENT_RECORD;
}

enum segment_result segment_next(struct segment_reader *r, struct journal_record *record)
{
        enum segment_result got = r->offset == 0 ? take_magic(r) : SEGMENT_RECORD;

        if (got != SEGMENT_RECORD)
                return got;
        got = fill(r, JOURNAL_HEAD_LEN);
        if (got != SEGMENT_RECORD)
                return refuse(r, got);
        size_t len = load_le32(unread(r).data);
        if (len == 0 || len > JOURNAL_PAYLOAD_MAX ||
            load_le64(unread(r).data + 8) != r->next)
                return refuse(r, SEGMENT_DAMAGED);
        got = fill(r, JOURNAL_HEAD_LEN + len);
        if (got != SEGMENT_RECORD)
                return refuse(r, got);
        const uint8_t *head = unread(r).data;
        struct slice payload = slice_of(head + JOURNAL_HEAD_LEN, len);
        if (load_le32(head + 4) != checksum(head, payload))
                return refuse(r, SEGMENT_DAMAGED);
        *record = (struct journal_record){ r->next, payload };
        r->next++;
        take(r, JOURNAL_HEAD_LEN + len);
        return SEGMENT_RECORD;
}
