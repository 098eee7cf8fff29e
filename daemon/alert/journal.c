/* SPDX-License-Identifier: MIT */
#include "alert/journal.h"

#include "alert/folder.h"
#include "alert/journal_segment_priv.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define SEGMENT_BYTES   (16u << 20)
#define BACKLOG_BYTES   (8u << 20)
#define SYNC_INTERVAL   NS_PER_SEC
#define RETRY_INTERVAL  NS_PER_SEC        /* while the disk refuses */
#define RETAIN_INTERVAL (60 * NS_PER_SEC) /* between looks at the age */
#define AGE_PARTS       4 /* a segment is closed at this part of the greatest age */

struct segment {
        uint64_t first, last; /* last 0: not known, of an earlier run */
        uint64_t bytes;
        int64_t begun_ns, written_ns;
};

struct held {
        uint64_t sequence;
        uint8_t *data;
        size_t len;
};

struct journal {
        struct journal_options options;
        char *directory;
        int dir_fd, lock_fd;
        int fd; /* of the newest segment; -1: the next record begins one */
        struct segment *segments; /* oldest first */
        size_t segment_count, segment_cap;
        uint64_t total_bytes;
        uint64_t run_first, next, last, synced, published;
        bool dirty; /* written since the last sync */
        int64_t dirty_ns, retain_ns, retry_ns;
        struct held *held; /* a queue: `held_count` from `held_head` on */
        size_t held_head, held_count, held_cap;
        size_t held_bytes;
        struct log_limit write_limit, lost_limit, dropped_limit;
};

/* Also when the clock was set back. */
static bool is_past(int64_t now_ns, int64_t since_ns, int64_t interval)
{
        return now_ns < since_ns || now_ns - since_ns >= interval;
}

static struct segment *newest(struct journal *j)
{
        return j->segment_count ? &j->segments[j->segment_count - 1] : NULL;
}

static void add_segment(struct journal *j, struct segment segment)
{
        if (j->segment_count == j->segment_cap) {
                j->segment_cap = j->segment_cap ? 2 * j->segment_cap : 16;
                j->segments = realloc(j->segments, j->segment_cap * sizeof(segment));
                CHECK(j->segments);
        }
        j->segments[j->segment_count++] = segment;
        j->total_bytes += segment.bytes;
}

/* --- writing --- */

static void write_failed(struct journal *j, const char *what, int why, int64_t now_ns)
{
        j->options.counters->journal_errors++;
        if (log_limit_pass(&j->write_limit, now_ns))
                log_error(
                    "journal %s: %s: %s; alerts wait in memory until it can be written "
                    "again (up to %u MiB): %s",
                    j->directory, what, strerror(why), j->options.backlog_bytes >> 20,
                    why == EROFS ? "mount its disk for writing"
                                 : "free some space, or set journal.max lower");
}

static void sync_now(struct journal *j, int64_t now_ns)
{
        if (j->dirty && j->fd >= 0 && fdatasync(j->fd) != 0) {
                /* What of it is on disk cannot be known any more: go on in a new file. */
                write_failed(j, "sync", errno, now_ns);
                close(j->fd);
                j->fd = -1;
        }
        j->dirty = false;
        struct segment *s = newest(j);
        if (s && s->last > j->synced)
                j->synced = s->last;
}

static void close_segment(struct journal *j, int64_t now_ns)
{
        if (j->options.sync != JOURNAL_SYNC_OFF)
                sync_now(j, now_ns);
        if (j->fd >= 0)
                close(j->fd);
        j->fd = -1;
}

/* A file of that name is a beginning that failed: its number was given to nobody yet. */
static int create_segment(struct journal *j, const char *name)
{
        const int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
        int fd = openat(j->dir_fd, name, flags, 0640);

        if (fd < 0 && errno == EEXIST && unlinkat(j->dir_fd, name, 0) == 0)
                fd = openat(j->dir_fd, name, flags, 0640);
        return fd;
}

static bool begin_segment(struct journal *j, uint64_t first, int64_t now_ns)
{
        char name[JOURNAL_NAME_MAX];

        close_segment(j, now_ns);
        journal_name(first, name);
        int fd = create_segment(j, name);
        if (fd < 0)
                return false;
        ssize_t n = write(fd, JOURNAL_MAGIC, JOURNAL_MAGIC_LEN);
        if (n != JOURNAL_MAGIC_LEN) {
                int why = n < 0 ? errno : ENOSPC;
                close(fd);
                unlinkat(j->dir_fd, name, 0);
                errno = why;
                return false;
        }
        if (j->options.sync != JOURNAL_SYNC_OFF)
                (void)fsync(j->dir_fd);
        j->fd = fd;
        add_segment(j, (struct segment){ .first = first,
                                         .last = first - 1,
                                         .bytes = JOURNAL_MAGIC_LEN,
                                         .begun_ns = now_ns,
                                         .written_ns = now_ns });
        return true;
}

static bool fits(struct journal *j, uint64_t sequence, size_t len, int64_t now_ns)
{
        const struct segment *s = newest(j);

        if (j->fd < 0 || s->last + 1 != sequence)
                return false;
        if (j->options.max_age_ns &&
            is_past(now_ns, s->begun_ns, j->options.max_age_ns / AGE_PARTS))
                return false;
        return s->last < s->first || s->bytes + len <= j->options.segment_bytes;
}

/* Bytes of a record that is not whole must not stay: the next would follow them. */
static void undo_write(struct journal *j)
{
        if (ftruncate(j->fd, (off_t)newest(j)->bytes) == 0)
                return;
        close(j->fd);
        j->fd = -1;
}

static bool write_record(struct journal *j, uint64_t sequence, struct slice payload,
                         int64_t now_ns)
{
        uint8_t head[JOURNAL_HEAD_LEN];
        size_t len = JOURNAL_HEAD_LEN + payload.len;

        if (!fits(j, sequence, len, now_ns) && !begin_segment(j, sequence, now_ns)) {
                write_failed(j, "begin a file", errno, now_ns);
                return false;
        }
        struct segment *s = newest(j);
        journal_head(sequence, payload, head);
        struct iovec parts[] = { { head, sizeof(head) },
                                 { (void *)(uintptr_t)payload.data, payload.len } };
        ssize_t n = pwritev(j->fd, parts, 2, (off_t)s->bytes);
        if (n != (ssize_t)len) {
                write_failed(j, "write", n < 0 ? errno : ENOSPC, now_ns);
                undo_write(j);
                return false;
        }
        s->last = sequence;
        s->bytes += len;
        s->written_ns = now_ns;
        j->total_bytes += len;
        if (!j->dirty)
                j->dirty_ns = now_ns;
        j->dirty = true;
        j->options.counters->alerts_journalled++;
        return true;
}

/* --- held in memory while the disk refuses --- */

static void forget_first_held(struct journal *j)
{
        struct held *h = &j->held[j->held_head];

        j->held_bytes -= h->len;
        free(h->data);
        j->held_head++;
        j->held_count--;
        if (j->held_count == 0)
                j->held_head = 0;
}

static void make_room(struct journal *j, size_t len, int64_t now_ns)
{
        while (j->held_count && j->held_bytes + len > j->options.backlog_bytes) {
                if (j->held[j->held_head].sequence > j->published) {
                        j->options.counters->alerts_lost++;
                        if (log_limit_pass(&j->lost_limit, now_ns))
                                log_error("journal %s: alerts are being lost: the disk "
                                          "refuses them and memory for them is full",
                                          j->directory);
                }
                forget_first_held(j);
        }
}

static void hold(struct journal *j, uint64_t sequence, struct slice payload,
                 int64_t now_ns)
{
        make_room(j, payload.len, now_ns);
        if (j->held_head + j->held_count == j->held_cap) {
                if (j->held_head > j->held_cap / 2) {
                        memmove(j->held, j->held + j->held_head,
                                j->held_count * sizeof(*j->held));
                        j->held_head = 0;
                } else {
                        j->held_cap = j->held_cap ? 2 * j->held_cap : 64;
                        j->held = realloc(j->held, j->held_cap * sizeof(*j->held));
                        CHECK(j->held);
                }
        }
        uint8_t *copy = malloc(payload.len);
        CHECK(copy);
        memcpy(copy, payload.data, payload.len);
        j->held[j->held_head + j->held_count++] =
            (struct held){ sequence, copy, payload.len };
        j->held_bytes += payload.len;
}

static void write_held(struct journal *j, int64_t now_ns)
{
        size_t before = j->held_count;

        while (j->held_count) {
                const struct held *h = &j->held[j->held_head];
                if (!write_record(j, h->sequence, slice_of(h->data, h->len), now_ns))
                        break;
                forget_first_held(j);
        }
        j->retry_ns = now_ns;
        if (before && j->held_count == 0)
                log_info(
                    "journal %s can be written again: %zu alerts that waited are in it",
                    j->directory, before);
}

bool journal_held(const struct journal *j, uint64_t sequence, uint64_t *found,
                  struct slice *payload)
{
        if (j->held_count == 0)
                return false;
        /* Held numbers have no holes: only the oldest are ever let go. */
        const struct held *first = &j->held[j->held_head];
        size_t at =
            sequence < first->sequence ? 0 : (size_t)(sequence + 1 - first->sequence);
        if (at >= j->held_count)
                return false;
        *found = first[at].sequence;
        *payload = slice_of(first[at].data, first[at].len);
        return true;
}

/* --- retention --- */

/* Reads a segment of an earlier run to its end. */
static void find_last(const struct journal *j, struct segment *s)
{
        struct segment_reader reader = { .fd = -1 };
        struct journal_record record;

        if (!segment_open(&reader, j->directory, s->first))
                return;
        while (segment_next(&reader, &record) == SEGMENT_RECORD)
                s->last = record.sequence;
        segment_close(&reader);
}

/* Numbers of the segment from `from` on. */
static uint64_t count_from(const struct segment *s, uint64_t from)
{
        if (from < s->first)
                from = s->first;
        return s->last >= from ? s->last - from + 1 : 0;
}

/* Numbers above `published` that the segment holds. */
static uint64_t unpublished_in(struct journal *j, struct segment *s)
{
        if (s->last == 0)
                find_last(j, s);
        return count_from(s, j->published + 1);
}

static void drop_oldest(struct journal *j, int64_t now_ns)
{
        struct segment *s = &j->segments[0];
        char name[JOURNAL_NAME_MAX];
        uint64_t unpublished = j->options.is_published ? unpublished_in(j, s) : 0;

        journal_name(s->first, name);
        if (unlinkat(j->dir_fd, name, 0) != 0 && errno != ENOENT)
                write_failed(j, "remove an old file", errno, now_ns);
        j->options.counters->alerts_dropped += unpublished;
        if (unpublished && log_limit_pass(&j->dropped_limit, now_ns))
                log_error(
                    "journal %s is full: alerts leave it that Redis never had; bring "
                    "Redis back, or set journal.max higher",
                    j->directory);
        j->total_bytes -= s->bytes;
        memmove(s, s + 1, --j->segment_count * sizeof(*s));
}

static bool is_due_to_go(const struct journal *j, int64_t now_ns)
{
        const struct journal_options *o = &j->options;

        if (j->segment_count < 2) /* never the newest */
                return false;
        if (o->max_bytes && j->total_bytes > o->max_bytes)
                return true;
        return o->max_age_ns && now_ns - j->segments[0].written_ns > o->max_age_ns;
}

static void retain(struct journal *j, int64_t now_ns)
{
        while (is_due_to_go(j, now_ns))
                drop_oldest(j, now_ns);
        j->retain_ns = now_ns;
}

/* --- opening --- */

/* False: nothing of it is whole, and it is gone. */
static bool recover(struct journal *j, struct segment *s)
{
        struct segment_reader reader = { .fd = -1 };
        struct journal_record record;
        char name[JOURNAL_NAME_MAX];

        journal_name(s->first, name);
        if (!segment_open(&reader, j->directory, s->first)) {
                log_error("journal %s/%s: %s", j->directory, name, strerror(errno));
                return true;
        }
        s->last = s->first - 1;
        while (segment_next(&reader, &record) == SEGMENT_RECORD)
                s->last = record.sequence;
        uint64_t good = reader.offset;
        segment_close(&reader);
        if (s->last < s->first) {
                if (s->bytes > JOURNAL_MAGIC_LEN)
                        log_warning(
                            "journal %s/%s: no record of it is whole; it is removed",
                            j->directory, name);
                if (unlinkat(j->dir_fd, name, 0) == 0)
                        return false;
                s->last = s->first; /* it stays, and so its number is not given out */
                return true;
        }
        if (good < s->bytes) {
                log_warning("journal %s/%s: damaged after record %" PRIu64
                            "; the last %" PRIu64 " bytes are cut off",
                            j->directory, name, s->last, s->bytes - good);
                int fd = openat(j->dir_fd, name, O_WRONLY | O_CLOEXEC);
                if (fd < 0 || ftruncate(fd, (off_t)good) != 0 || fsync(fd) != 0)
                        log_error("journal %s/%s: cannot cut it: %s", j->directory, name,
                                  strerror(errno));
                if (fd >= 0)
                        close(fd);
                s->bytes = good;
        }
        return true;
}

static void adopt(struct journal *j, uint64_t first, bool is_newest)
{
        struct segment s = { .first = first };
        char name[JOURNAL_NAME_MAX];
        struct stat st;

        journal_name(first, name);
        if (fstatat(j->dir_fd, name, &st, 0) != 0)
                return;
        s.bytes = (uint64_t)st.st_size;
        s.written_ns = (int64_t)st.st_mtim.tv_sec * NS_PER_SEC + st.st_mtim.tv_nsec;
        s.begun_ns = s.written_ns;
        if (is_newest && !recover(j, &s))
                return;
        add_segment(j, s);
        if (s.last > j->last)
                j->last = s.last;
}

static bool adopt_all(struct journal *j)
{
        struct journal_list list;

        if (!journal_list_read(j->directory, &list))
                return false;
        for (size_t i = 0; i < list.count; i++)
                adopt(j, list.first[i], i + 1 == list.count);
        journal_list_free(&list);
        return true;
}

static bool is_refusal_of_disk(int why)
{
        return why == EROFS || why == ENOSPC || why == EDQUOT;
}

/*
 * Two locks: the folder's own can be had on a disk that refuses to make the file, and
 * where folders cannot be locked (NFS) there is the file.
 */
static bool lock_folder(struct journal *j)
{
        if (flock(j->dir_fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
                return false;
        return j->lock_fd < 0 || flock(j->lock_fd, LOCK_EX | LOCK_NB) == 0;
}

/* False after the message. */
static bool open_folder(struct journal *j, int64_t wall_ns)
{
        j->dir_fd = folder_make(j->directory)
                        ? open(j->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
                        : -1;
        j->lock_fd = j->dir_fd < 0
                         ? -1
                         : openat(j->dir_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0640);
        int why = j->lock_fd < 0 ? errno : 0;
        bool waits =
            j->dir_fd >= 0 && j->options.waits_for_disk && is_refusal_of_disk(why);
        if (why && !waits) {
                log_error("journal %s: %s; make it writable, or set journal.dir",
                          j->directory, strerror(why));
                return false;
        }
        if (!lock_folder(j)) {
                log_error("journal %s: another trawlwatchd writes here; stop it, or set "
                          "journal.dir",
                          j->directory);
                return false;
        }
        if (waits)
                write_failed(j, "lock", why, wall_ns);
        if (!adopt_all(j)) {
                log_error("journal %s: %s", j->directory, strerror(errno));
                return false;
        }
        return true;
}

static void set_defaults(struct journal_options *o)
{
        if (o->segment_bytes == 0)
                o->segment_bytes = SEGMENT_BYTES;
        if (o->backlog_bytes == 0)
                o->backlog_bytes = BACKLOG_BYTES;
        if (o->sync_interval_ns == 0)
                o->sync_interval_ns = SYNC_INTERVAL;
}

struct journal *journal_open(const struct journal_options *options, int64_t wall_ns)
{
        struct journal *j = calloc(1, sizeof(*j));

        CHECK(j && options->counters);
        j->options = *options;
        set_defaults(&j->options);
        j->directory = strdup(options->directory);
        CHECK(j->directory);
        j->fd = -1;
        if (!open_folder(j, wall_ns)) {
                journal_free(&j);
                return NULL;
        }
        uint64_t clock = wall_ns > 0 ? (uint64_t)(wall_ns / NS_PER_US) : 1;
        j->run_first = j->next = j->last >= clock ? j->last + 1 : clock;
        j->synced = j->last;
        j->retain_ns = wall_ns;
        return j;
}

void journal_free(struct journal **journal)
{
        struct journal *j = *journal;

        if (!j)
                return;
        if (j->fd >= 0 || j->held_count)
                journal_flush(j, clock_wall_ns());
        journal_give_up(j);
        if (j->fd >= 0)
                close(j->fd);
        if (j->lock_fd >= 0)
                close(j->lock_fd);
        if (j->dir_fd >= 0)
                close(j->dir_fd);
        free(j->held);
        free(j->segments);
        free(j->directory);
        free(j);
        *journal = NULL;
}

/* --- use --- */

uint64_t journal_append(struct journal *j, struct slice payload, int64_t wall_ns)
{
        if (payload.len == 0 || payload.len > JOURNAL_PAYLOAD_MAX)
                return 0;
        uint64_t sequence = j->next++;
        j->last = sequence;
        if (j->held_count || !write_record(j, sequence, payload, wall_ns)) {
                if (j->held_count == 0)
                        j->retry_ns = wall_ns;
                hold(j, sequence, payload, wall_ns);
        }
        if (j->options.max_bytes && j->total_bytes > j->options.max_bytes)
                retain(j, wall_ns);
        return sequence;
}

static bool is_sync_due(const struct journal *j, int64_t now_ns)
{
        return j->dirty && (j->options.sync == JOURNAL_SYNC_ALWAYS ||
                            (j->options.sync == JOURNAL_SYNC_INTERVAL &&
                             is_past(now_ns, j->dirty_ns, j->options.sync_interval_ns)));
}

void journal_tick(struct journal *j, int64_t wall_ns)
{
        if (j->held_count && is_past(wall_ns, j->retry_ns, RETRY_INTERVAL))
                write_held(j, wall_ns);
        if (is_sync_due(j, wall_ns))
                sync_now(j, wall_ns);
        if (j->options.max_age_ns && is_past(wall_ns, j->retain_ns, RETAIN_INTERVAL))
                retain(j, wall_ns);
}

int64_t journal_due_ns(const struct journal *j)
{
        int64_t due = INT64_MAX;

        if (j->held_count)
                due = j->retry_ns + RETRY_INTERVAL;
        if (j->options.max_age_ns && j->retain_ns + RETAIN_INTERVAL < due)
                due = j->retain_ns + RETAIN_INTERVAL;
        if (j->dirty && j->options.sync == JOURNAL_SYNC_ALWAYS)
                due = j->dirty_ns;
        if (j->dirty && j->options.sync == JOURNAL_SYNC_INTERVAL &&
            j->dirty_ns + j->options.sync_interval_ns < due)
                due = j->dirty_ns + j->options.sync_interval_ns;
        return due;
}

void journal_flush(struct journal *j, int64_t wall_ns)
{
        write_held(j, wall_ns);
        if (j->options.sync != JOURNAL_SYNC_OFF)
                sync_now(j, wall_ns);
}

void journal_give_up(struct journal *j)
{
        while (j->held_count) {
                if (j->held[j->held_head].sequence > j->published)
                        j->options.counters->alerts_lost++;
                forget_first_held(j);
        }
}

static uint64_t count_waiting(struct journal *j)
{
        uint64_t from = j->published ? j->published + 1 : j->run_first, count = 0;
        bool has_read = false;

        for (size_t i = 0; i < j->segment_count; i++) {
                struct segment *s = &j->segments[i];
                bool is_over =
                    i + 1 < j->segment_count && j->segments[i + 1].first <= from;
                if (is_over || (s->last == 0 && (has_read || s->bytes == 0)))
                        continue;
                if (s->last == 0) {
                        find_last(j, s);
                        has_read = true;
                }
                count += count_from(s, from);
        }
        for (size_t i = 0; i < j->held_count; i++)
                count += j->held[j->held_head + i].sequence >= from;
        return count;
}

void journal_look(struct journal *j, struct journal_state *state)
{
        *state = (struct journal_state){ .bytes = j->total_bytes, .held = j->held_count };
        if (j->options.is_published)
                state->waiting = count_waiting(j);
}

uint64_t journal_last(const struct journal *j)
{
        return j->last;
}

uint64_t journal_run_first(const struct journal *j)
{
        return j->run_first;
}

uint64_t journal_publishable(const struct journal *j)
{
        return j->options.sync == JOURNAL_SYNC_ALWAYS && j->dirty ? j->synced : j->last;
}

void journal_published(struct journal *j, uint64_t sequence)
{
        j->published = sequence;
}
