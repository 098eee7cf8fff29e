/* SPDX-License-Identifier: MIT */
/*
 * ring - messages from one process to another through memory that both map.
 *
 * One writer, one reader, no lock and no system call for a message. Meant for a writer
 * that an attacker may have taken over, and a reader that must not fall with it: what
 * the reader finds is copied out once and checked on the copy, so that nothing changes
 * between the look and the use. What the bytes mean is for the reader to check
 * (observe/record_check.h, tls/hello_pack.h).
 *
 *     one memfd                          as it is mapped
 *     +--------+----------+---------+    +--------+----------+---------+---------+
 *     | header | shared   | data    |    | header | shared   | data    | data    |
 *     +--------+----------+---------+    +--------+----------+---------+---------+
 *
 * The data stands twice in a row, so that a message that goes over the end is in one
 * piece. The memfd is sealed: a peer can neither shrink it, which would kill whoever
 * touches it next, nor grow it or seal it further. Its memory is taken at the start.
 *
 * A message is { u32 size, u32 kind } and its bytes, padded to 8. Positions are bytes
 * since the beginning; they only grow. Each process keeps its own position to itself and
 * writes a copy into the header: the writer when it publishes, the reader behind every
 * message, so that one which made it crash is not met again by the next process. That
 * next process goes on from there. The cost is a store to a line that the writer reads
 * only when it seems to be short of room.
 *
 * Waking without losing a wake-up: the reader that finds nothing stores `sleeps`, then
 * looks at `head` once more; the writer stores `head`, then looks at `sleeps`. A fence
 * of the one total order (seq_cst) stands between the store and the look on both sides.
 * One of the fences is the first: whoever comes second sees what the other has stored.
 * So either the reader sees the message and stays awake, or the writer sees that it
 * sleeps and writes to the eventfd, which stays readable until ring_wake_clear. The
 * writer takes `sleeps` back before it writes, so that a sleep costs one write.
 *
 * What a hostile writer can do: write garbage, make pages read as zeroes, which are an
 * empty message of kind 0 (MADV_REMOVE), wake for nothing and not wake where it is due,
 * and lie about fill, drops and heartbeat. So the reader looks from time to time without
 * being woken as well, takes a bounded number of messages at a time, and drops a worker
 * whose ring is RING_BROKEN. What the writer needs: no system call but write() to the
 * eventfd.
 *
 * Measured by bench-ring on two virtual cores (AMD EPYC), messages of 400 bytes:
 * 46 to 72 ns from one process to another, 49 to 61 ns within one (the copies out of and
 * into cold memory, mostly), where the machine left it both cores.
 */
#ifndef BASE_RING_H
#define BASE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RING_BYTES_MIN  4096
#define RING_BYTES_MAX  (UINT64_C(1) << 30)
#define RING_SHARED_MAX (UINT64_C(1) << 20)

struct ring;

/*
 * `bytes` of data, a power of two in the bounds above and a page at least; `shared` bytes
 * of common memory (ring_shared), 0 to RING_SHARED_MAX. NULL, with errno, when the
 * descriptors or the memory cannot be had. It is for both sides: a child that was forked
 * afterwards has it.
 */
struct ring *ring_new(size_t bytes, size_t shared);

/*
 * The same ring elsewhere, or again. Takes both descriptors, and closes them when it
 * fails: NULL when they are no ring's, or those of one that is unsealed, of another size
 * than its header says, without just `shared` bytes of common memory, or with positions
 * that cannot be.
 */
struct ring *ring_open(int memory_fd, int wake_fd, size_t shared);
void ring_free(struct ring **);

/* To be passed on; they stay the ring's. */
int ring_memory_fd(const struct ring *);
int ring_wake_fd(const struct ring *); /* readable: ring_wake_clear, then take */

/* ---- the writer ---- */

/*
 * Room for a message of up to `size` bytes, at an address that is a multiple of 8; NULL
 * when there is none now, which counts as a drop. Never waits. Nobody sees the message
 * until it is committed, with the bytes it came to, and published.
 */
void *ring_reserve(struct ring *, size_t size);
void ring_commit(struct ring *, uint32_t kind, size_t size);

/* Both, and the copy between them. False: dropped. */
bool ring_put(struct ring *, uint32_t kind, const void *bytes, size_t size);

/* All that was committed can be taken; a reader that sleeps is woken. */
void ring_publish(struct ring *);

/* Says that the writer lives: a time of the monotonic clock. */
void ring_beat(struct ring *, int64_t now_ns);

/* ---- the reader ---- */

enum ring_result {
        RING_EMPTY,
        RING_MESSAGE,
        RING_BROKEN, /* positions or a size that cannot be; it stays so: drop the writer
                      */
};

struct ring_message {
        uint32_t kind;
        uint32_t size;
};

/*
 * Copies the next message to `copy`; one longer than `copy_max` breaks the ring. The
 * writer may change the bytes while they are being copied, but not the copy.
 */
enum ring_result ring_take(struct ring *, struct ring_message *, void *copy,
                           size_t copy_max);

/*
 * Before waiting for ring_wake_fd: true when the writer will make it readable. False:
 * there is something to take, or the ring is broken.
 */
bool ring_sleep(struct ring *);

/* Awake again: after the wait, whatever ended it. */
void ring_wake_clear(struct ring *);

/*
 * Nothing more can be taken now: by the reader's own position, so that a writer that is
 * gone cannot have made it look otherwise.
 */
bool ring_is_read_out(const struct ring *);

/* ---- both; what a hostile peer can make up, so only to be shown ---- */

size_t ring_used(const struct ring *); /* bytes of data that wait, ring_bytes at most */
size_t ring_bytes(const struct ring *);
uint64_t ring_drops(const struct ring *);
int64_t ring_heartbeat(const struct ring *); /* 0: none yet */

/*
 * Common memory that is no message, at first zeroes, aligned to a cache line. The writer
 * writes into it; a reader takes what it needs with ring_shared_copy: all of the shared
 * bytes, word by word, so that no aligned 64-bit number is torn.
 */
void *ring_shared(struct ring *);
void ring_shared_copy(const struct ring *, void *copy);

#endif
