/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "base/ring.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BYTES = 4096, HEAD = 8, MESSAGE_MAX = 512 };

/* Where the fields of the header lie, for those who write what they should not. */
enum { AT_MAGIC = 0, AT_BYTES = 8, AT_SHARED = 16, AT_HEAD = 64, AT_TAIL = 128 };

static struct ring *new_ring(size_t bytes, size_t shared)
{
        struct ring *r = ring_new(bytes, shared);

        assert_non_null(r);
        return r;
}

static struct ring *open_again(const struct ring *r, size_t shared)
{
        return ring_open(dup(ring_memory_fd(r)), dup(ring_wake_fd(r)), shared);
}

/* The memory as a hostile writer has it. */
static uint8_t *map_memory(const struct ring *r, size_t *size)
{
        struct stat st;

        assert_int_equal(fstat(ring_memory_fd(r), &st), 0);
        *size = (size_t)st.st_size;
        uint8_t *memory =
            mmap(NULL, *size, PROT_READ | PROT_WRITE, MAP_SHARED, ring_memory_fd(r), 0);
        assert_true(memory != MAP_FAILED);
        return memory;
}

static void put_text(struct ring *r, unsigned kind, const char *text)
{
        assert_true(ring_put(r, kind, text, strlen(text)));
}

static void assert_taken(struct ring *r, unsigned kind, const char *text)
{
        struct ring_message m = { 0 };
        uint8_t copy[MESSAGE_MAX];

        assert_int_equal(ring_take(r, &m, copy, sizeof(copy)), RING_MESSAGE);
        assert_int_equal(m.kind, kind);
        assert_slice(slice_of(copy, m.size), text);
}

static void assert_empty(struct ring *r)
{
        struct ring_message m;
        uint8_t copy[MESSAGE_MAX];

        assert_int_equal(ring_take(r, &m, copy, sizeof(copy)), RING_EMPTY);
}

static bool is_readable(const struct ring *r)
{
        struct pollfd p = { ring_wake_fd(r), POLLIN, 0 };

        return poll(&p, 1, 0) == 1;
}

/* ---- one process ---- */

static void test_messages_come_out_as_they_went_in(void **state)
{
        struct ring *r = new_ring(BYTES, 0);

        (void)state;
        assert_empty(r);
        put_text(r, 7, "one");
        put_text(r, 8, "");
        put_text(r, UINT32_MAX, "eight by");
        ring_publish(r);
        assert_int_equal(ring_used(r), 16 + 8 + 16);
        assert_taken(r, 7, "one");
        assert_taken(r, 8, "");
        assert_taken(r, UINT32_MAX, "eight by");
        assert_empty(r);
        assert_int_equal(ring_used(r), 0);
        ring_free(&r);
        assert_null(r);
        ring_free(&r);
}

static void test_nothing_is_seen_before_it_is_published(void **state)
{
        struct ring *r = new_ring(BYTES, 0);

        (void)state;
        put_text(r, 1, "a");
        put_text(r, 2, "b");
        assert_empty(r);
        assert_int_equal(ring_used(r), 0);
        ring_publish(r);
        put_text(r, 3, "c");
        assert_taken(r, 1, "a");
        assert_taken(r, 2, "b");
        assert_empty(r);
        ring_publish(r);
        assert_taken(r, 3, "c");
        ring_free(&r);
}

/* Less may be committed than was reserved, and nothing at all. */
static void test_reserved_room(void **state)
{
        struct ring *r = new_ring(BYTES, 0);

        (void)state;
        uint8_t *room = ring_reserve(r, 4000);
        assert_non_null(room);
        assert_int_equal((uintptr_t)room % 8, 0);
        memcpy(room, "short", 5);
        ring_commit(r, 1, 5);
        assert_ptr_equal(ring_reserve(r, 4000), room + 16);
        assert_ptr_equal(ring_reserve(r, 10), room + 16);
        ring_commit(r, 2, 0);
        ring_publish(r);
        assert_int_equal(ring_used(r), 16 + 8);
        assert_taken(r, 1, "short");
        assert_taken(r, 2, "");
        assert_empty(r);
        ring_free(&r);
}

/* Every message in one piece, wherever the end of the data falls in it. */
static void test_messages_over_the_end_are_whole(void **state)
{
        struct ring *r = new_ring(BYTES, 0);
        uint8_t in[MESSAGE_MAX], copy[MESSAGE_MAX];
        struct ring_message m;

        (void)state;
        for (unsigned i = 0; i < 10000; i++) {
                size_t size = i * 37 % sizeof(in);
                for (size_t k = 0; k < size; k++)
                        in[k] = (uint8_t)(i + k * 3);
                assert_true(ring_put(r, i, in, size));
                ring_publish(r);
                assert_int_equal(ring_take(r, &m, copy, sizeof(copy)), RING_MESSAGE);
                assert_int_equal(m.kind, i);
                assert_int_equal(m.size, size);
                assert_memory_equal(copy, in, size);
        }
        ring_free(&r);
}

static void test_a_full_ring_drops_and_goes_on(void **state)
{
        struct ring *r = new_ring(BYTES, 0);
        uint8_t bytes[BYTES] = { 0 };

        (void)state;
        for (unsigned i = 0; i < BYTES / 64; i++)
                assert_true(ring_put(r, i, bytes, 64 - HEAD));
        assert_false(ring_put(r, 0, bytes, 0));
        assert_null(ring_reserve(r, 1));
        assert_int_equal(ring_drops(r), 2);
        ring_publish(r);
        assert_int_equal(ring_used(r), BYTES);
        for (unsigned i = 0; i < BYTES / 64; i++) {
                struct ring_message m;
                assert_int_equal(ring_take(r, &m, bytes, sizeof(bytes)), RING_MESSAGE);
                assert_int_equal(m.kind, i);
                /* What was taken is room again, at once. */
                assert_true(ring_put(r, i, bytes, 64 - HEAD));
        }
        assert_false(ring_put(r, 0, bytes, 0));
        ring_free(&r);
        r = new_ring(BYTES, 0);
        assert_false(ring_put(r, 0, bytes, BYTES - HEAD + 1));
        assert_false(ring_put(r, 0, bytes, SIZE_MAX));
        assert_true(ring_put(r, 0, bytes, BYTES - HEAD));
        assert_int_equal(ring_drops(r), 2);
        ring_free(&r);
}

static void test_shared_memory_and_heartbeat(void **state)
{
        enum { SHARED = 5003 };
        struct ring *r = new_ring(BYTES, SHARED);
        uint8_t copy[SHARED], zeroes[SHARED] = { 0 };

        (void)state;
        struct ring *reader = open_again(r, SHARED);
        assert_non_null(reader);
        ring_shared_copy(reader, copy);
        assert_memory_equal(copy, zeroes, SHARED);
        assert_int_equal((uintptr_t)ring_shared(r) % 64, 0);
        for (size_t i = 0; i < SHARED; i++)
                ((uint8_t *)ring_shared(r))[i] = (uint8_t)(i * 7);
        ring_shared_copy(reader, copy);
        assert_memory_equal(copy, ring_shared(r), SHARED);
        assert_int_equal(ring_heartbeat(reader), 0);
        ring_beat(r, INT64_C(123456789012));
        assert_int_equal(ring_heartbeat(reader), INT64_C(123456789012));
        /* Nothing of it lies in the way of messages. */
        put_text(r, 1, "x");
        ring_publish(r);
        assert_taken(reader, 1, "x");
        ring_free(&reader);
        ring_free(&r);
}

static void test_wake_up(void **state)
{
        struct ring *r = new_ring(BYTES, 0);

        (void)state;
        put_text(r, 1, "a");
        ring_publish(r);
        assert_false(is_readable(r)); /* nobody sleeps */
        assert_false(ring_sleep(r));  /* there is something to take */
        put_text(r, 2, "b");
        ring_publish(r);
        assert_false(is_readable(r));
        assert_taken(r, 1, "a");
        assert_taken(r, 2, "b");
        assert_true(ring_sleep(r));
        ring_publish(r); /* nothing new */
        assert_false(is_readable(r));
        put_text(r, 3, "c");
        assert_false(is_readable(r));
        ring_publish(r);
        assert_true(is_readable(r));
        ring_wake_clear(r);
        assert_false(is_readable(r));
        ring_wake_clear(r); /* does not wait */
        assert_taken(r, 3, "c");
        put_text(r, 4, "d");
        ring_publish(r);
        assert_false(is_readable(r)); /* awake since */
        assert_taken(r, 4, "d");
        /* One write for one sleep, however much is published. */
        uint64_t writes;
        assert_true(ring_sleep(r));
        for (int i = 0; i < 3; i++) {
                put_text(r, 5, "e");
                ring_publish(r);
        }
        assert_int_equal(read(ring_wake_fd(r), &writes, 8), 8);
        assert_int_equal(writes, 1);
        ring_free(&r);
}

/* An eventfd that somebody has filled is readable, and the writer does not wait. */
static void test_a_full_eventfd_does_not_block(void **state)
{
        struct ring *r = new_ring(BYTES, 0);
        uint64_t most = UINT64_MAX - 1;

        (void)state;
        assert_int_equal(write(ring_wake_fd(r), &most, 8), 8);
        assert_true(ring_sleep(r));
        put_text(r, 1, "a");
        ring_publish(r);
        assert_true(is_readable(r));
        ring_free(&r);
}

/* ---- the other side ---- */

static void test_a_new_reader_goes_on_behind_the_last_one(void **state)
{
        struct ring *writer = new_ring(BYTES, 64);

        (void)state;
        put_text(writer, 1, "a");
        put_text(writer, 2, "b");
        put_text(writer, 3, "c");
        ring_publish(writer);
        struct ring *reader = open_again(writer, 64);
        assert_taken(reader, 1, "a");
        ring_free(&reader);
        reader = open_again(writer, 64);
        assert_taken(reader, 2, "b");
        /* And a new writer behind what the last one published. */
        put_text(writer, 4, "never published");
        ring_free(&writer);
        writer = open_again(reader, 64);
        put_text(writer, 5, "e");
        ring_publish(writer);
        assert_taken(reader, 3, "c");
        assert_taken(reader, 5, "e");
        assert_empty(reader);
        ring_free(&reader);
        ring_free(&writer);
}

static int memory_of(size_t size, unsigned seals)
{
        int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

        assert_true(fd >= 0);
        assert_int_equal(ftruncate(fd, (off_t)size), 0);
        assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
        return fd;
}

static void test_what_is_no_ring_is_refused(void **state)
{
        struct ring *r = new_ring(BYTES, 64);
        size_t size;
        uint8_t *memory = map_memory(r, &size);
        int pipes[2];

        (void)state;
        assert_null(open_again(r, 0));
        assert_null(open_again(r, 72));
        assert_null(ring_open(-1, -1, 64));
        assert_null(ring_open(dup(ring_memory_fd(r)), -1, 64));
        assert_int_equal(pipe(pipes), 0);
        assert_null(ring_open(dup(ring_memory_fd(r)), pipes[1], 64));
        assert_null(ring_open(pipes[0], dup(ring_wake_fd(r)), 64));
        assert_null(ring_open(memory_of(size, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL),
                              dup(ring_wake_fd(r)), 64));
        assert_null(ring_open(memory_of(0, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL),
                              dup(ring_wake_fd(r)), 64));
        /* A true copy, but for the seals or its length. */
        for (unsigned i = 0; i < 4; i++) {
                unsigned seals = i == 0   ? F_SEAL_GROW | F_SEAL_SEAL
                                 : i == 1 ? F_SEAL_SHRINK | F_SEAL_SEAL
                                          : F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
                int fd = memory_of(i == 2 ? size - 4096 : size, 0);
                assert_int_equal(write(fd, memory, 4096), 4096);
                assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
                struct ring *copy = ring_open(fd, dup(ring_wake_fd(r)), 64);
                assert_int_equal(copy != NULL, i == 3);
                ring_free(&copy);
        }
        /* As long as its header says, which is no power of two. */
        uint64_t bytes = 3 * BYTES;
        int fd = memory_of(size + bytes - BYTES, 0);
        memcpy(memory + AT_BYTES, &bytes, 8);
        assert_int_equal(write(fd, memory, 4096), 4096);
        assert_int_equal(
            fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL), 0);
        assert_null(ring_open(fd, dup(ring_wake_fd(r)), 64));
        munmap(memory, size);
        ring_free(&r);
}

static void test_a_peer_can_neither_cut_nor_stretch_the_memory(void **state)
{
        struct ring *r = new_ring(BYTES, 0);

        (void)state;
        assert_int_equal(ftruncate(ring_memory_fd(r), 0), -1);
        assert_int_equal(ftruncate(ring_memory_fd(r), 1 << 20), -1);
        assert_int_equal(fcntl(ring_memory_fd(r), F_ADD_SEALS, F_SEAL_WRITE), -1);
        ring_free(&r);
}

static void test_headers_that_cannot_be_are_refused(void **state)
{
        static const struct {
                size_t at;
                uint64_t value;
        } wild[] = {
                { AT_MAGIC, 0 },
                { AT_BYTES, 0 },
                { AT_BYTES, 2048 },
                { AT_BYTES, 8192 },
                { AT_BYTES, 5000 },
                { AT_BYTES, UINT64_MAX },
                { AT_BYTES, UINT64_C(1) << 63 },
                { AT_SHARED, 64 },
                { AT_SHARED, UINT64_MAX },
                { AT_HEAD, 4 },
                { AT_HEAD, 4096 + 8 },
                { AT_HEAD, UINT64_MAX - 7 },
                { AT_TAIL, 8 },
                { AT_TAIL, 1 },
                { AT_TAIL, UINT64_MAX },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(wild) / sizeof(*wild); i++) {
                struct ring *r = new_ring(BYTES, 0);
                size_t size;
                uint8_t *memory = map_memory(r, &size);
                struct ring *good = open_again(r, 0);
                assert_non_null(good);
                ring_free(&good);
                memcpy(memory + wild[i].at, &wild[i].value, 8);
                assert_null(open_again(r, 0));
                munmap(memory, size);
                ring_free(&r);
        }
}

/* ---- a hostile writer ---- */

/* What a reader says that was there before the memory changed, for messages of 400. */
static enum ring_result result_with(size_t at, uint64_t value, size_t width)
{
        struct ring *r = new_ring(BYTES, 0);
        uint8_t text[400] = { 0 }, *copy = malloc(sizeof(text));
        struct ring_message m = { 0 };
        size_t size;
        uint8_t *memory = map_memory(r, &size);

        assert_non_null(copy);
        assert_true(ring_put(r, 1, text, sizeof(text)));
        assert_true(ring_put(r, 1, text, sizeof(text)));
        ring_publish(r);
        memcpy(memory + at, &value, width);
        enum ring_result result = ring_take(r, &m, copy, sizeof(text));
        assert_true(result != RING_MESSAGE || m.size <= sizeof(text));
        assert_true(ring_used(r) <= BYTES);
        if (result == RING_BROKEN) {            /* and so it stays */
                memset(memory + AT_HEAD, 0, 8); /* which would be empty */
                assert_int_equal(ring_take(r, &m, copy, sizeof(text)), RING_BROKEN);
                assert_false(ring_sleep(r));
        }
        munmap(memory, size);
        free(copy);
        ring_free(&r);
        return result;
}

static void test_positions_and_sizes_that_cannot_be(void **state)
{
        enum { DATA = 4096 }; /* where it begins in the memory */

        (void)state;
        assert_int_equal(result_with(AT_HEAD, 816, 8), RING_MESSAGE);
        assert_int_equal(result_with(AT_HEAD, 0, 8), RING_EMPTY);
        assert_int_equal(result_with(AT_HEAD, 8, 8), RING_BROKEN); /* a part of it */
        assert_int_equal(result_with(AT_HEAD, 4, 8), RING_BROKEN);
        assert_int_equal(result_with(AT_HEAD, 817, 8), RING_BROKEN);
        assert_int_equal(result_with(AT_HEAD, BYTES, 8), RING_MESSAGE);
        assert_int_equal(result_with(AT_HEAD, BYTES + 8, 8), RING_BROKEN);
        assert_int_equal(result_with(AT_HEAD, UINT64_MAX, 8), RING_BROKEN);
        assert_int_equal(result_with(AT_HEAD, UINT64_MAX - 7, 8), RING_BROKEN);
        assert_int_equal(result_with(AT_HEAD, UINT64_C(1) << 63, 8), RING_BROKEN);
        assert_int_equal(result_with(DATA, 400, 4), RING_MESSAGE);
        assert_int_equal(result_with(DATA, 0, 4), RING_MESSAGE);
        assert_int_equal(result_with(DATA, 401, 4), RING_BROKEN); /* than the copy has */
        assert_int_equal(result_with(DATA, UINT32_MAX, 4), RING_BROKEN);
        assert_int_equal(result_with(DATA, UINT32_MAX - 7, 4), RING_BROKEN);
        assert_int_equal(result_with(DATA + 4, UINT32_MAX, 4), RING_MESSAGE);
        /* The reader goes by its own tail, not by what others make of it. */
        assert_int_equal(result_with(AT_TAIL, 816, 8), RING_MESSAGE);
        assert_int_equal(result_with(AT_TAIL, UINT64_MAX, 8), RING_MESSAGE);
}

/* Longer than the copy, and the copy longer than what was published. */
static void test_no_message_is_longer_than_what_was_published(void **state)
{
        struct ring *r = new_ring(BYTES, 0);
        uint8_t bytes[BYTES] = { 0 };
        struct ring_message m;
        size_t size;
        uint8_t *memory = map_memory(r, &size);
        uint32_t more = 25;

        (void)state;
        assert_true(ring_put(r, 1, bytes, 24));
        ring_publish(r);
        memcpy(memory + 4096, &more, 4);
        assert_int_equal(ring_take(r, &m, bytes, sizeof(bytes)), RING_BROKEN);
        munmap(memory, size);
        ring_free(&r);
}

static uint64_t next_random(uint64_t *state)
{
        *state ^= *state << 13;
        *state ^= *state >> 7;
        return *state ^= *state << 17;
}

/* Ends with the test, however that ends. */
static pid_t fork_helper(void)
{
        pid_t child = fork();

        assert_true(child >= 0);
        if (child == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
                _exit(1);
        return child;
}

/* A value that is nearly right, or not at all. */
static uint64_t wild_value(uint64_t *random)
{
        uint64_t value = next_random(random);

        switch (value >> 60 & 3) {
        case 0:
                return value;
        case 1:
                return value % (2 * BYTES);
        case 2:
                return value % (2 * BYTES) & ~UINT64_C(7);
        default:
                return -(value % BYTES);
        }
}

_Noreturn static void scribble(uint8_t *memory, size_t size)
{
        uint64_t random = 88172645463325252;
        uint64_t *words = (uint64_t *)memory;

        for (;;) {
                *(volatile uint64_t *)&words[AT_HEAD / 8] = wild_value(&random);
                *(volatile uint64_t *)&words[AT_TAIL / 8] =
                    next_random(&random) % 16 ? 0 : wild_value(&random);
                for (unsigned i = 0; i < 16; i++) {
                        size_t at = 4096 / 8 + next_random(&random) % (size / 8 - 512);
                        *(volatile uint64_t *)&words[at] =
                            next_random(&random) % 600 | next_random(&random) << 32;
                }
        }
}

/* While it is being read. Whatever comes out lies in the copy; nothing else happens. */
static void test_memory_that_changes_all_the_time(void **state)
{
        enum { COPY = 500, TAKES = 20000 };
        struct ring *r = new_ring(BYTES, 0);
        uint8_t *copy = malloc(COPY);
        uint64_t results[3] = { 0 };
        size_t size;
        uint8_t *memory = map_memory(r, &size);
        pid_t child = fork_helper();

        (void)state;
        assert_non_null(copy);
        if (child == 0)
                scribble(memory, size);
        struct ring *reader = NULL;
        /* Both have had their turn when there was one of each. */
        for (unsigned i = 0; i < TAKES || !results[0] || !results[1] || !results[2];
             i++) {
                struct ring_message m;
                if (!reader && !(reader = open_again(r, 0)))
                        continue;
                enum ring_result result = ring_take(reader, &m, copy, COPY);
                assert_in_range(result, RING_EMPTY, RING_BROKEN);
                results[result]++;
                assert_true(ring_used(reader) <= BYTES);
                if (result == RING_MESSAGE)
                        assert_true(m.size <= COPY);
                if (result == RING_BROKEN)
                        ring_free(&reader);
        }
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, NULL, 0), child);
        ring_free(&reader);
        munmap(memory, size);
        free(copy);
        ring_free(&r);
}

/* ---- two processes ---- */

enum { SMALL = 16384 };

/* Both sides know what the next message is. */
static uint32_t make_message(uint64_t *random, uint8_t bytes[MESSAGE_MAX])
{
        uint32_t size = (uint32_t)(next_random(random) % 96);

        for (uint32_t i = 0; i < size; i += 8) {
                uint64_t word = next_random(random);
                memcpy(bytes + i, &word, 8);
        }
        return size;
}

/* In batches, the lengths of which differ; waits where the ring is full. */
static void write_in_batches(struct ring *r, uint32_t messages)
{
        uint64_t random = 1, batches = 2;
        uint64_t batch = 0;
        uint8_t bytes[MESSAGE_MAX];

        for (uint32_t i = 0; i < messages; i++) {
                uint32_t size = make_message(&random, bytes);
                while (!ring_put(r, i, bytes, size)) {
                        ring_publish(r);
                        sched_yield();
                }
                if (batch-- == 0) {
                        ring_publish(r);
                        batch = next_random(&batches) % 64;
                }
        }
        ring_publish(r);
}

static void wait_for_more(struct ring *r)
{
        struct pollfd p = { ring_wake_fd(r), POLLIN, 0 };

        if (ring_sleep(r))
                assert_int_equal(poll(&p, 1, -1), 1); /* for ever if one is lost */
        ring_wake_clear(r);
}

static void read_all(struct ring *r, uint32_t messages)
{
        uint64_t random = 1;
        uint8_t bytes[MESSAGE_MAX], copy[MESSAGE_MAX];
        struct ring_message m;

        for (uint32_t i = 0; i < messages; i++) {
                uint32_t size = make_message(&random, bytes);
                enum ring_result result;
                while ((result = ring_take(r, &m, copy, sizeof(copy))) == RING_EMPTY)
                        wait_for_more(r);
                assert_int_equal(result, RING_MESSAGE);
                assert_int_equal(m.kind, i);
                assert_int_equal(m.size, size);
                assert_memory_equal(copy, bytes, size);
        }
        assert_int_equal(ring_take(r, &m, copy, sizeof(copy)), RING_EMPTY);
}

/*
 * Each message only when the one before was taken: just when the reader finds the ring
 * empty and lies down. No later one would make up for a wake-up that is lost.
 */
static void write_one_by_one(struct ring *r, uint32_t messages)
{
        uint64_t random = 1;
        uint8_t bytes[MESSAGE_MAX];

        for (uint32_t i = 0; i < messages; i++) {
                uint32_t size = make_message(&random, bytes);
                if (!ring_put(r, i, bytes, size))
                        _exit(1);
                ring_publish(r);
                for (unsigned turns = 1; ring_used(r); turns++)
                        if (turns % 4096 == 0)
                                sched_yield();
        }
}

static void pass_all(uint32_t messages, void (*write_them)(struct ring *, uint32_t))
{
        struct ring *r = new_ring(SMALL, 0);
        pid_t child = fork_helper();
        int status;

        if (child == 0) {
                write_them(r, messages);
                _exit(0);
        }
        read_all(r, messages);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
        ring_free(&r);
}

static void test_a_million_messages_between_processes(void **state)
{
        (void)state;
        pass_all(1000000, write_in_batches);
}

static void test_no_wake_up_is_lost(void **state)
{
        (void)state;
        pass_all(50000, write_one_by_one);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_messages_come_out_as_they_went_in),
                cmocka_unit_test(test_nothing_is_seen_before_it_is_published),
                cmocka_unit_test(test_reserved_room),
                cmocka_unit_test(test_messages_over_the_end_are_whole),
                cmocka_unit_test(test_a_full_ring_drops_and_goes_on),
                cmocka_unit_test(test_shared_memory_and_heartbeat),
                cmocka_unit_test(test_wake_up),
                cmocka_unit_test(test_a_full_eventfd_does_not_block),
                cmocka_unit_test(test_a_new_reader_goes_on_behind_the_last_one),
                cmocka_unit_test(test_what_is_no_ring_is_refused),
                cmocka_unit_test(test_a_peer_can_neither_cut_nor_stretch_the_memory),
                cmocka_unit_test(test_headers_that_cannot_be_are_refused),
                cmocka_unit_test(test_positions_and_sizes_that_cannot_be),
                cmocka_unit_test(test_no_message_is_longer_than_what_was_published),
                cmocka_unit_test(test_memory_that_changes_all_the_time),
                cmocka_unit_test(test_a_million_messages_between_processes),
                cmocka_unit_test(test_no_wake_up_is_lost),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
