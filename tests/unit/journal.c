/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "alert/journal.h"
#include "alert/journal_cursor.h"
#include "base/clock.h"
#include "base/log.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define START (INT64_C(1000) * NS_PER_US) /* so a first journal begins at number 1000 */

static char folder[64];
static struct counters counters;

static int set_up(void **state)
{
        (void)state;
        snprintf(folder, sizeof(folder), "/tmp/trawlwatch-journal-XXXXXX");
        memset(&counters, 0, sizeof(counters));
        log_set_level(LOG_LEVEL_ERROR);
        return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
        char command[128];

        (void)state;
        snprintf(command, sizeof(command), "rm -rf %s", folder);
        return system(command);
}

static struct journal *open_journal(uint64_t max_bytes, uint32_t segment_bytes)
{
        struct journal_options options = {
                .directory = folder,
                .max_bytes = max_bytes,
                .segment_bytes = segment_bytes,
                .is_published = true,
                .counters = &counters,
        };
        struct journal *j = journal_open(&options, START);

        assert_non_null(j);
        return j;
}

static uint64_t append(struct journal *j, const char *text)
{
        return journal_append(j, slice_str(text), START);
}

/* All payloads from `from` on, joined by commas. */
static void expect_from(uint64_t from, const char *expected)
{
        struct journal_cursor *c = journal_cursor_new(folder);
        struct journal_record record;
        struct buf all = { 0 };

        journal_cursor_seek(c, from);
        while (journal_cursor_next(c, &record) == JOURNAL_RECORD) {
                if (all.len)
                        buf_put_byte(&all, ',');
                buf_put_slice(&all, record.payload);
        }
        assert_slice(buf_slice(&all), expected);
        buf_free(&all);
        journal_cursor_free(&c);
}

static unsigned count_files(void)
{
        DIR *dir = opendir(folder);
        unsigned count = 0;

        for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
                count += strstr(entry->d_name, ".journal") != NULL;
        closedir(dir);
        return count;
}

static void path_of(uint64_t first, char path[128])
{
        snprintf(path, 128, "%s/%020" PRIu64 ".journal", folder, first);
}

static void test_write_and_read(void **state)
{
        struct journal *j = open_journal(0, 0);

        (void)state;
        assert_int_equal(append(j, "one"), 1000);
        assert_int_equal(append(j, "two"), 1001);
        assert_int_equal(append(j, "three"), 1002);
        assert_int_equal(append(j, ""), 0);
        expect_from(0, "one,two,three");
        expect_from(1001, "two,three");
        expect_from(1003, "");
        journal_free(&j);
        j = open_journal(0, 0);
        assert_int_equal(journal_last(j), 1002);
        assert_int_equal(append(j, "four"), 1003);
        expect_from(1002, "three,four");
        assert_int_equal(counters.alerts_journalled, 4);
        journal_free(&j);
}

static void test_reader_follows(void **state)
{
        struct journal_cursor *c = journal_cursor_new(folder);
        struct journal_record record;

        (void)state;
        assert_int_equal(journal_cursor_next(c, &record), JOURNAL_END);
        struct journal *j = open_journal(0, 60); /* two records a segment */
        for (int i = 0; i < 20; i++) {
                char text[16];
                snprintf(text, sizeof(text), "r%d", i);
                append(j, text);
                assert_int_equal(journal_cursor_next(c, &record), JOURNAL_RECORD);
                assert_slice(record.payload, text);
                assert_int_equal(journal_cursor_next(c, &record), JOURNAL_END);
        }
        assert_int_equal(count_files(), 10);
        assert_int_equal(journal_cursor_damaged(c), 0);
        journal_free(&j);
        journal_cursor_free(&c);
}

/* Three records; where each ends in the file. */
#define FIRST_END  (8 + 16 + 5)
#define SECOND_END (FIRST_END + 16 + 5)
#define THIRD_END  (SECOND_END + 16 + 5)

static size_t write_three(char path[128], uint8_t bytes[THIRD_END])
{
        struct journal *j = open_journal(0, 0);

        append(j, "alpha");
        append(j, "bravo");
        append(j, "candy");
        journal_free(&j);
        path_of(1000, path);
        FILE *file = fopen(path, "rb");
        size_t len = fread(bytes, 1, THIRD_END, file);
        fclose(file);
        return len;
}

static void put_file(const char *path, const uint8_t *bytes, size_t len)
{
        FILE *file = fopen(path, "wb");

        assert_int_equal(fwrite(bytes, 1, len, file), len);
        fclose(file);
}

static const char *whole_until(size_t end)
{
        return end < FIRST_END    ? ""
               : end < SECOND_END ? "alpha"
               : end < THIRD_END  ? "alpha,bravo"
                                  : "alpha,bravo,candy";
}

/* What was damaged has been cut off: a reader meets none of it. */
static void expect_no_damage(void)
{
        struct journal_cursor *c = journal_cursor_new(folder);
        struct journal_record record;

        while (journal_cursor_next(c, &record) == JOURNAL_RECORD)
                ;
        assert_int_equal(journal_cursor_damaged(c), 0);
        journal_cursor_free(&c);
}

/* After recovery the next record must stand right behind what is whole. */
static void expect_recovery(size_t end)
{
        char expected[64];
        const char *whole = whole_until(end);
        struct journal *j = open_journal(0, 0);

        append(j, "delta");
        journal_free(&j);
        snprintf(expected, sizeof(expected), "%s%sdelta", whole, *whole ? "," : "");
        expect_from(0, expected);
        expect_no_damage();
}

static void remove_files(void)
{
        char command[128];

        snprintf(command, sizeof(command), "rm -f %s/*.journal", folder);
        assert_int_equal(system(command), 0);
}

static void test_every_cut(void **state)
{
        uint8_t bytes[THIRD_END];
        char path[128];

        (void)state;
        assert_int_equal(write_three(path, bytes), THIRD_END);
        for (size_t len = 0; len <= THIRD_END; len++) {
                remove_files();
                put_file(path, bytes, len);
                expect_from(0, whole_until(len));
                expect_recovery(len);
        }
}

static void test_every_flipped_byte(void **state)
{
        uint8_t bytes[THIRD_END];
        char path[128];

        (void)state;
        assert_int_equal(write_three(path, bytes), THIRD_END);
        for (size_t at = 0; at < THIRD_END; at++) {
                for (int bit = 0; bit < 8; bit++) {
                        remove_files();
                        bytes[at] ^= (uint8_t)(1 << bit);
                        put_file(path, bytes, THIRD_END);
                        bytes[at] ^= (uint8_t)(1 << bit);
                        expect_from(0, whole_until(at));
                        expect_recovery(at);
                }
        }
}

/* A whole record that is not the next one is damage too. */
static void test_hole_in_the_numbers(void **state)
{
        uint8_t bytes[THIRD_END];
        char path[128];

        (void)state;
        write_three(path, bytes);
        memmove(bytes + FIRST_END, bytes + SECOND_END, THIRD_END - SECOND_END);
        put_file(path, bytes, SECOND_END);
        expect_from(0, "alpha");
        expect_recovery(FIRST_END);
}

/* Blocks of zeros at the end are what a power cut leaves. */
static void test_zeros_at_the_end(void **state)
{
        uint8_t bytes[THIRD_END + 4096] = { 0 };
        char path[128];

        (void)state;
        write_three(path, bytes);
        put_file(path, bytes, sizeof(bytes));
        expect_from(0, "alpha,bravo,candy");
        expect_recovery(THIRD_END);
}

static void test_damage_in_an_old_segment(void **state)
{
        struct journal *j = open_journal(0, 60);
        struct journal_cursor *c = journal_cursor_new(folder);
        struct journal_record record;
        char path[128];

        (void)state;
        for (int i = 0; i < 6; i++)
                append(j, "xx");
        journal_free(&j);
        path_of(1002, path);
        assert_int_equal(truncate(path, 30), 0);
        for (uint64_t number = 1000; number < 1006; number++) {
                if (number == 1003)
                        continue;
                assert_int_equal(journal_cursor_next(c, &record), JOURNAL_RECORD);
                assert_int_equal(record.sequence, number);
        }
        assert_int_equal(journal_cursor_damaged(c), 1);
        assert_false(journal_cursor_is_stuck(c));
        assert_int_equal(journal_cursor_next(c, &record), JOURNAL_END);
        assert_false(journal_cursor_is_stuck(c));
        journal_cursor_free(&c);
}

static void test_damage_in_the_newest_segment(void **state)
{
        uint8_t bytes[THIRD_END];
        char path[128];
        struct journal_record record;

        (void)state;
        write_three(path, bytes);
        bytes[FIRST_END + 16] ^= 1;
        put_file(path, bytes, sizeof(bytes));
        struct journal_cursor *c = journal_cursor_new(folder);
        assert_int_equal(journal_cursor_next(c, &record), JOURNAL_RECORD);
        assert_false(journal_cursor_is_stuck(c));
        assert_int_equal(journal_cursor_next(c, &record), JOURNAL_END);
        assert_true(journal_cursor_is_stuck(c));
        journal_cursor_free(&c);
}

static void test_half_a_record_is_not_there_yet(void **state)
{
        uint8_t bytes[THIRD_END];
        char path[128];
        struct journal_record record;

        (void)state;
        write_three(path, bytes);
        for (size_t len = SECOND_END; len < THIRD_END; len++) {
                put_file(path, bytes, len);
                struct journal_cursor *c = journal_cursor_new(folder);
                journal_cursor_seek(c, 1002);
                assert_int_equal(journal_cursor_next(c, &record), JOURNAL_END);
                put_file(path, bytes, THIRD_END);
                assert_int_equal(journal_cursor_next(c, &record), JOURNAL_RECORD);
                assert_slice(record.payload, "candy");
                journal_cursor_free(&c);
        }
}

static void test_retention_by_bytes(void **state)
{
        struct journal *j = open_journal(200, 60);

        (void)state;
        journal_published(j, 1003);
        for (int i = 0; i < 40; i++)
                append(j, "xx");
        assert_in_range(count_files(), 2, 5);
        /* 40 records of 2 a file; at most 200 bytes stay; 4 of the others were published.
         */
        assert_int_equal(counters.alerts_dropped, 40 - 2 * count_files() - 4);
        assert_int_equal(counters.alerts_lost, 0);
        journal_free(&j);
}

static void test_retention_by_age(void **state)
{
        struct journal_options options = { .directory = folder,
                                           .max_age_ns = 3600 * NS_PER_SEC,
                                           .counters = &counters };
        struct journal *j = journal_open(&options, START);
        int64_t later = START;

        (void)state;
        journal_append(j, slice_str("old"), later);
        later += 2000 * NS_PER_SEC;
        journal_append(j, slice_str("new"), later);
        journal_tick(j, later);
        expect_from(0, "old,new");
        later += 2000 * NS_PER_SEC;
        journal_tick(j, later);
        expect_from(0, "new");
        journal_free(&j);
}

static void test_numbers_never_come_again(void **state)
{
        struct journal_options options = { .directory = folder, .counters = &counters };
        struct journal *j = journal_open(&options, 5000 * NS_PER_US);

        (void)state;
        assert_int_equal(append(j, "a"), 5000);
        journal_free(&j);
        j = journal_open(&options, 10 * NS_PER_US); /* the clock was set back */
        assert_int_equal(append(j, "b"), 5001);
        assert_int_equal(journal_run_first(j), 5001);
        journal_free(&j);
        remove_files(); /* the folder is lost */
        j = journal_open(&options, 9000 * NS_PER_US);
        assert_int_equal(append(j, "c"), 9000);
        journal_free(&j);
}

static void test_one_writer(void **state)
{
        struct journal_options options = { .directory = folder, .counters = &counters };
        struct journal *j = journal_open(&options, START);
        FILE *real = stderr;

        (void)state;
        stderr = fopen("/dev/null", "w");
        assert_null(journal_open(&options, START));
        fclose(stderr);
        stderr = real;
        journal_free(&j);
        j = journal_open(&options, START);
        assert_non_null(j);
        journal_free(&j);
}

static void test_sync_policies(void **state)
{
        struct journal_options options = { .directory = folder,
                                           .sync = JOURNAL_SYNC_ALWAYS,
                                           .counters = &counters };
        struct journal *j = journal_open(&options, START);

        (void)state;
        assert_int_equal(journal_due_ns(j), INT64_MAX);
        append(j, "a");
        assert_int_equal(journal_publishable(j), 0);
        assert_true(journal_due_ns(j) <= START);
        journal_tick(j, START);
        assert_int_equal(journal_publishable(j), 1000);
        journal_free(&j);

        options.sync = JOURNAL_SYNC_INTERVAL;
        j = journal_open(&options, START);
        append(j, "b");
        assert_int_equal(journal_publishable(j), 1001);
        assert_int_equal(journal_due_ns(j), START + NS_PER_SEC);
        journal_tick(j, START + NS_PER_SEC);
        assert_int_equal(journal_due_ns(j), INT64_MAX);
        journal_free(&j);
}

/* A file-size limit stands in for a full disk: writes past it fail, in part or whole. */
static void test_disk_full(void **state)
{
        struct rlimit limit, small;
        struct journal *j = open_journal(0, 0);
        char path[128];
        struct stat st;
        uint64_t found;
        struct slice payload;

        (void)state;
        log_set_level(LOG_LEVEL_ERROR);
        append(j, "alpha");
        signal(SIGXFSZ, SIG_IGN);
        getrlimit(RLIMIT_FSIZE, &limit);
        small = (struct rlimit){ FIRST_END + 10, limit.rlim_max };
        setrlimit(RLIMIT_FSIZE, &small);
        FILE *real = stderr;
        stderr = fopen("/dev/null", "w");
        assert_int_equal(append(j, "bravo"), 1001);
        assert_int_equal(append(j, "candy"), 1002);
        fclose(stderr);
        stderr = real;
        assert_int_equal(counters.journal_errors, 1);
        assert_int_equal(journal_last(j), 1002);
        expect_from(0, "alpha");
        path_of(1000, path);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_size, FIRST_END); /* the half written record is undone */
        assert_true(journal_held(j, 1000, &found, &payload));
        assert_int_equal(found, 1001);
        assert_slice(payload, "bravo");
        assert_true(journal_held(j, 1001, &found, &payload));
        assert_slice(payload, "candy");
        assert_false(journal_held(j, 1002, &found, &payload));

        setrlimit(RLIMIT_FSIZE, &limit);
        append(j, "delta");
        expect_from(0, "alpha");
        journal_tick(j, START + NS_PER_SEC); /* there is space again */
        expect_from(0, "alpha,bravo,candy,delta");
        assert_false(journal_held(j, 0, &found, &payload));
        assert_int_equal(counters.alerts_lost, 0);
        journal_free(&j);
}

/* What a beginning leaves that failed, and could not be taken back, is in nobody's way.
 */
static void test_a_file_that_was_only_begun(void **state)
{
        struct journal *j = open_journal(0, 0);
        char path[128];

        (void)state;
        path_of(1000, path);
        put_file(path, (const uint8_t *)"TRW", 3);
        assert_int_equal(append(j, "alpha"), 1000);
        expect_from(0, "alpha");
        assert_int_equal(counters.journal_errors, 0);
        journal_free(&j);
}

/* What is held at the end is lost, except for what was published from memory. */
static void test_giving_up(void **state)
{
        struct rlimit limit, small;
        struct journal *j = open_journal(0, 0);

        (void)state;
        signal(SIGXFSZ, SIG_IGN);
        getrlimit(RLIMIT_FSIZE, &limit);
        small = (struct rlimit){ 8, limit.rlim_max };
        setrlimit(RLIMIT_FSIZE, &small);
        FILE *real = stderr;
        stderr = fopen("/dev/null", "w");
        append(j, "alpha");
        append(j, "bravo");
        append(j, "candy");
        fclose(stderr);
        stderr = real;
        setrlimit(RLIMIT_FSIZE, &limit);
        journal_published(j, 1000);
        journal_give_up(j);
        assert_int_equal(counters.alerts_lost, 2);
        journal_free(&j);
        assert_int_equal(counters.alerts_lost, 2);
        expect_from(0, "");
}

static void test_backlog_is_capped(void **state)
{
        struct journal_options options = { .directory = folder,
                                           .backlog_bytes = 10,
                                           .counters = &counters };
        struct journal *j = journal_open(&options, START);
        struct rlimit limit, small;
        uint64_t found;
        struct slice payload;

        (void)state;
        signal(SIGXFSZ, SIG_IGN);
        getrlimit(RLIMIT_FSIZE, &limit);
        small = (struct rlimit){ 8, limit.rlim_max };
        setrlimit(RLIMIT_FSIZE, &small);
        FILE *real = stderr;
        stderr = fopen("/dev/null", "w");
        for (int i = 0; i < 200; i++)
                append(j, "12345");
        fclose(stderr);
        stderr = real;
        setrlimit(RLIMIT_FSIZE, &limit);
        assert_int_equal(counters.alerts_lost, 198);
        assert_true(journal_held(j, 0, &found, &payload));
        assert_int_equal(found, 1198);
        journal_tick(j, START + NS_PER_SEC);
        expect_from(0, "12345,12345");
        journal_free(&j);
}

static uint64_t waiting(struct journal *j)
{
        struct journal_state state;

        journal_look(j, &state);
        return state.waiting;
}

/* Also those of a run before, once Redis has told how far it is. */
static void what_waits_is_counted(void **state)
{
        struct journal_state look;
        struct journal *j = open_journal(0, 64); /* a few records a segment */

        (void)state;
        journal_look(j, &look);
        assert_int_equal(look.waiting + look.held + look.bytes, 0);
        for (unsigned i = 0; i < 10; i++)
                append(j, "payload");
        assert_int_equal(waiting(j), 10);
        journal_published(j, 1003);
        assert_int_equal(waiting(j), 6);
        journal_published(j, 1009);
        assert_int_equal(waiting(j), 0);
        journal_look(j, &look);
        assert_true(look.bytes > 10 * strlen("payload"));
        journal_free(&j);

        j = open_journal(0, 64);
        assert_int_equal(waiting(j), 0);
        append(j, "another");
        assert_int_equal(waiting(j), 1);
        journal_published(j, 1004);
        /* A segment is read with each call, until all of them are known. */
        uint64_t count = 0;
        for (unsigned i = 0; i < 10; i++)
                count = waiting(j);
        assert_int_equal(count, 6);
        journal_free(&j);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(what_waits_is_counted, set_up, tear_down),
                TEST(test_write_and_read),
                TEST(test_reader_follows),
                TEST(test_every_cut),
                TEST(test_every_flipped_byte),
                TEST(test_hole_in_the_numbers),
                TEST(test_zeros_at_the_end),
                TEST(test_damage_in_an_old_segment),
                TEST(test_damage_in_the_newest_segment),
                TEST(test_half_a_record_is_not_there_yet),
                TEST(test_retention_by_bytes),
                TEST(test_retention_by_age),
                TEST(test_numbers_never_come_again),
                TEST(test_one_writer),
                TEST(test_sync_policies),
                TEST(test_disk_full),
                TEST(test_a_file_that_was_only_begun),
                TEST(test_giving_up),
                TEST(test_backlog_is_capped),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
