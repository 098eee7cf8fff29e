/* SPDX-License-Identifier: MIT */
#include "base/ring.h"

#include "base/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINE = 64, HEADER_BYTES = 4096, ALIGNMENT = 8 };

#define MAGIC UINT64_C(0x31676e6972777274) /* "trwring1" */
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

/* In shared memory: nothing in it can be believed, and each field is read once. */
struct ring_header {
        _Atomic uint64_t magic, bytes, shared;
        _Alignas(LINE) _Atomic uint64_t head; /* the writer's line */
        _Atomic uint64_t drops;
        _Atomic int64_t heartbeat_ns;
        _Alignas(LINE) _Atomic uint64_t tail; /* the reader's */
        _Alignas(LINE) _Atomic uint32_t sleeps;
};

_Static_assert(sizeof(struct ring_header) <= HEADER_BYTES, "one page");
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "a lock would be another process's");

/* As it lies before the bytes of a message. */
struct ring_head {
        uint32_t size, kind;
};

_Static_assert(sizeof(struct ring_head) == ALIGNMENT, "read as one number");

struct ring {
        struct ring_header *header; /* the whole mapping begins here */
        uint8_t *shared, *data;
        size_t bytes, shared_bytes; /* checked once; those of the header do not count */
        uint64_t head;              /* the writer's position, and what it published */
        uint64_t published;
        uint64_t room_until; /* the head that the tail it saw last allows */
        uint64_t tail;       /* the reader's */
        size_t reserved;
        int memory_fd, wake_fd;
        bool is_broken;
};

/* ---- memory ---- */

static size_t round_up(size_t size, size_t to)
{
        return (size + to - 1) / to * to;
}

static size_t page_bytes(void)
{
        return (size_t)sysconf(_SC_PAGESIZE);
}

static size_t front_bytes(size_t shared)
{
        return round_up(HEADER_BYTES + shared, page_bytes());
}

static bool sizes_can_be(uint64_t bytes, uint64_t shared)
{
        return bytes >= RING_BYTES_MIN && bytes >= page_bytes() &&
               bytes <= RING_BYTES_MAX && (bytes & (bytes - 1)) == 0 &&
               shared <= RING_SHARED_MAX;
}

static bool map_at(void *at, size_t len, int fd, size_t offset)
{
        return mmap(at, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
                    (off_t)offset) != MAP_FAILED;
}

static bool map(struct ring *r)
{
        size_t front = front_bytes(r->shared_bytes);
        size_t all = front + 2 * r->bytes;
        uint8_t *memory = mmap(NULL, all, PROT_NONE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

        if (memory == MAP_FAILED)
                return false;
        if (!map_at(memory, front + r->bytes, r->memory_fd, 0) ||
            !map_at(memory + front + r->bytes, r->bytes, r->memory_fd, front)) {
                munmap(memory, all);
                return false;
        }
        r->header = (struct ring_header *)memory;
        r->shared = memory + HEADER_BYTES;
        r->data = memory + front;
        return true;
}

/* ---- beginning and end ---- */

void ring_free(struct ring **ring)
{
        struct ring *r = *ring;

        *ring = NULL;
        if (!r)
                return;
        if (r->header)
                munmap(r->header, front_bytes(r->shared_bytes) + 2 * r->bytes);
        if (r->memory_fd >= 0)
                close(r->memory_fd);
        if (r->wake_fd >= 0)
                close(r->wake_fd);
        free(r);
}

static struct ring *ring_with(int memory_fd, int wake_fd)
{
        struct ring *r = calloc(1, sizeof(*r));

        CHECK(r);
        r->memory_fd = memory_fd;
        r->wake_fd = wake_fd;
        return r;
}

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U /* Linux 6.3; a system may insist on it */
#endif

static int new_memory_fd(void)
{
        const unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
        int fd = memfd_create("trawlwatch-ring", flags | MFD_NOEXEC_SEAL);

        return fd < 0 && errno == EINVAL ? memfd_create("trawlwatch-ring", flags) : fd;
}

/* All pages are there afterwards: none can be missing later, when it is too late. */
static bool make_memory(struct ring *r)
{
        size_t all = front_bytes(r->shared_bytes) + r->bytes;

        return r->memory_fd >= 0 && r->wake_fd >= 0 &&
               fallocate(r->memory_fd, 0, 0, (off_t)all) == 0 &&
               fcntl(r->memory_fd, F_ADD_SEALS, SEALS) == 0;
}

struct ring *ring_new(size_t bytes, size_t shared)
{
        CHECK(sizes_can_be(bytes, shared));
        struct ring *r =
            ring_with(new_memory_fd(), eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));

        r->bytes = bytes;
        r->shared_bytes = shared;
        if (!make_memory(r) || !map(r)) {
                int why = errno;
                ring_free(&r);
                errno = why;
                return NULL;
        }
        atomic_store(&r->header->bytes, bytes);
        atomic_store(&r->header->shared, shared);
        atomic_store(&r->header->magic, MAGIC);
        r->room_until = bytes;
        return r;
}

static bool is_sealed(int fd)
{
        int seals = fcntl(fd, F_GET_SEALS);

        return seals >= 0 && (seals & SEALS) == SEALS;
}

/* Of an eventfd the kernel tells no type of file; a read must not wait. */
static bool can_wake(int fd)
{
        struct stat st;
        int flags = fcntl(fd, F_GETFL);

        return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 &&
               fstat(fd, &st) == 0 && (st.st_mode & S_IFMT) == 0;
}

static bool read_sizes(struct ring *r, size_t shared)
{
        size_t front = front_bytes(shared);
        struct ring_header *header;
        struct stat st;

        if (fstat(r->memory_fd, &st) != 0 || st.st_size < (off_t)front)
                return false;
        header = mmap(NULL, HEADER_BYTES, PROT_READ, MAP_SHARED, r->memory_fd, 0);
        if (header == MAP_FAILED)
                return false;
        bool is_ring = atomic_load(&header->magic) == MAGIC &&
                       atomic_load(&header->shared) == shared;
        uint64_t bytes = atomic_load(&header->bytes);
        munmap(header, HEADER_BYTES);
        if (!is_ring || !sizes_can_be(bytes, shared) ||
            (uint64_t)st.st_size != front + bytes)
                return false;
        r->bytes = bytes;
        r->shared_bytes = shared;
        return true;
}

/* The tail first: with a later one in front of it an older head might not fit. */
static bool take_positions(struct ring *r)
{
        r->tail = atomic_load(&r->header->tail);
        r->head = r->published = atomic_load(&r->header->head);
        r->room_until = r->head; /* looks for the tail before the first message */
        return r->tail % ALIGNMENT == 0 && r->head % ALIGNMENT == 0 &&
               r->head - r->tail <= r->bytes;
}

struct ring *ring_open(int memory_fd, int wake_fd, size_t shared)
{
        struct ring *r = ring_with(memory_fd, wake_fd);

        if (shared > RING_SHARED_MAX || !is_sealed(memory_fd) || !can_wake(wake_fd) ||
            !read_sizes(r, shared) || !map(r)) {
                ring_free(&r);
                return NULL;
        }
        if (!take_positions(r))
                ring_free(&r);
        return r;
}

int ring_memory_fd(const struct ring *r)
{
        return r->memory_fd;
}

int ring_wake_fd(const struct ring *r)
{
        return r->wake_fd;
}

/* ---- the writer ---- */

static size_t length_of(size_t size)
{
        return sizeof(struct ring_head) + round_up(size, ALIGNMENT);
}

static uint8_t *at(const struct ring *r, uint64_t position)
{
        return r->data + (position & (r->bytes - 1));
}

/* A tail that cannot be leaves no room: it may be in front of the head. */
static void look_for_room(struct ring *r)
{
        uint64_t tail = atomic_load_explicit(&r->header->tail, memory_order_acquire);

        r->room_until = r->head - tail <= r->bytes ? tail + r->bytes : r->head;
}

void *ring_reserve(struct ring *r, size_t size)
{
        bool fits = size <= r->bytes - sizeof(struct ring_head);

        if (fits && r->room_until - r->head < length_of(size))
                look_for_room(r);
        if (!fits || r->room_until - r->head < length_of(size)) {
                atomic_fetch_add_explicit(&r->header->drops, 1, memory_order_relaxed);
                r->reserved = 0;
                return NULL;
        }
        r->reserved = length_of(size);
        return at(r, r->head) + sizeof(struct ring_head);
}

void ring_commit(struct ring *r, uint32_t kind, size_t size)
{
        struct ring_head head = { (uint32_t)size, kind };

        CHECK(size < r->reserved && length_of(size) <= r->reserved);
        memcpy(at(r, r->head), &head, sizeof(head));
        r->head += length_of(size);
        r->reserved = 0;
}

bool ring_put(struct ring *r, uint32_t kind, const void *bytes, size_t size)
{
        void *room = ring_reserve(r, size);

        if (!room)
                return false;
        if (size)
                memcpy(room, bytes, size);
        ring_commit(r, kind, size);
        return true;
}

/* An eventfd that is full is readable as well. */
static void wake(struct ring *r)
{
        static const uint64_t one = 1;
        ssize_t done;

        do
                done = write(r->wake_fd, &one, sizeof(one));
        while (done < 0 && errno == EINTR);
}

void ring_publish(struct ring *r)
{
        if (r->published == r->head)
                return;
        r->published = r->head;
        atomic_store_explicit(&r->header->head, r->head, memory_order_release);
        atomic_thread_fence(memory_order_seq_cst); /* see the top of ring.h */
        if (atomic_load_explicit(&r->header->sleeps, memory_order_relaxed) &&
            atomic_exchange_explicit(&r->header->sleeps, 0, memory_order_relaxed))
                wake(r);
}

void ring_beat(struct ring *r, int64_t now_ns)
{
        atomic_store_explicit(&r->header->heartbeat_ns, now_ns, memory_order_relaxed);
}

/* ---- the reader ---- */

static enum ring_result broken(struct ring *r)
{
        r->is_broken = true;
        return RING_BROKEN;
}

static uint64_t waiting(const struct ring *r)
{
        return atomic_load_explicit(&r->header->head, memory_order_acquire) - r->tail;
}

/* Size and kind in one read; the writer may be changing them. */
static struct ring_head read_head(const struct ring *r)
{
        uint64_t word = *(const volatile uint64_t *)at(r, r->tail);
        struct ring_head head;

        memcpy(&head, &word, sizeof(head));
        return head;
}

enum ring_result ring_take(struct ring *r, struct ring_message *message, void *copy,
                           size_t copy_max)
{
        uint64_t used = waiting(r);

        if (r->is_broken)
                return RING_BROKEN;
        if (used == 0)
                return RING_EMPTY;
        if (used > r->bytes || used % ALIGNMENT)
                return broken(r);
        struct ring_head head = read_head(r);
        if (head.size > copy_max || length_of(head.size) > used)
                return broken(r);
        if (head.size)
                memcpy(copy, at(r, r->tail) + sizeof(head), head.size);
        *message = (struct ring_message){ head.kind, head.size };
        r->tail += length_of(head.size);
        atomic_store_explicit(&r->header->tail, r->tail, memory_order_release);
        return RING_MESSAGE;
}

bool ring_sleep(struct ring *r)
{
        if (r->is_broken)
                return false;
        atomic_store_explicit(&r->header->sleeps, 1, memory_order_relaxed);
        atomic_thread_fence(memory_order_seq_cst); /* see the top of ring.h */
        if (waiting(r) == 0)
                return true;
        atomic_store_explicit(&r->header->sleeps, 0, memory_order_relaxed);
        return false;
}

void ring_wake_clear(struct ring *r)
{
        uint64_t count;
        ssize_t done;

        atomic_store_explicit(&r->header->sleeps, 0, memory_order_relaxed);
        do
                done = read(r->wake_fd, &count, sizeof(count));
        while (done < 0 && errno == EINTR);
}

bool ring_is_read_out(const struct ring *r)
{
        return r->is_broken || waiting(r) == 0;
}

/* ---- both ---- */

size_t ring_used(const struct ring *r)
{
        uint64_t tail = atomic_load_explicit(&r->header->tail, memory_order_relaxed);
        uint64_t used =
            atomic_load_explicit(&r->header->head, memory_order_relaxed) - tail;

        return used < r->bytes ? (size_t)used : r->bytes;
}

size_t ring_bytes(const struct ring *r)
{
        return r->bytes;
}

uint64_t ring_drops(const struct ring *r)
{
        return atomic_load_explicit(&r->header->drops, memory_order_relaxed);
}

int64_t ring_heartbeat(const struct ring *r)
{
        return atomic_load_explicit(&r->header->heartbeat_ns, memory_order_relaxed);
}

void *ring_shared(struct ring *r)
{
        return r->shared;
}

void ring_shared_copy(const struct ring *r, void *copy)
{
        uint8_t *to = copy;
        size_t done = 0;

        for (; done + sizeof(uint64_t) <= r->shared_bytes; done += sizeof(uint64_t)) {
                uint64_t word = *(const volatile uint64_t *)(r->shared + done);
                memcpy(to + done, &word, sizeof(word));
        }
        for (; done < r->shared_bytes; done++)
                to[done] = *(const volatile uint8_t *)(r->shared + done);
}
