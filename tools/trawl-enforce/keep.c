/* SPDX-License-Identifier: MIT */
#include "keep.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"

#include <inttypes.h>
#include <stdlib.h>

#define CHECK_EVERY   NS_PER_SEC
#define REFRESH_EVERY (600 * NS_PER_SEC)
#define BACKOFF_FIRST (500 * NS_PER_MS)
#define BACKOFF_MAX   (5 * NS_PER_SEC)

struct keep {
        struct keep_options o;
        struct copy *copy;
        bool is_ready, is_synced, said_down;
        bool needs_whole;
        int64_t next_batch_ns, next_check_ns, refresh_ns;
        int64_t retry_ns; /* after a failure: nothing before */
        int64_t backoff;
        struct log_limit limit;
        uint64_t failures, wholes;
};

struct keep *keep_new(const struct keep_options *options, struct copy *copy)
{
        struct keep *k = calloc(1, sizeof(*k));

        CHECK(k);
        k->o = *options;
        k->copy = copy;
        k->needs_whole = true;
        k->backoff = BACKOFF_FIRST;
        return k;
}

void keep_free(struct keep **keep)
{
        free(*keep);
        *keep = NULL;
}

void keep_ready(struct keep *k)
{
        k->is_ready = true;
}

void keep_refresh(struct keep *k)
{
        k->needs_whole = true;
}

static void fail(struct keep *k, int64_t now_ns, const char *why)
{
        k->failures++;
        k->is_synced = false;
        k->needs_whole = true;
        k->retry_ns = now_ns + k->backoff;
        k->backoff = 2 * k->backoff < BACKOFF_MAX ? 2 * k->backoff : BACKOFF_MAX;
        if (!log_limit_pass(&k->limit, now_ns))
                return;
        log_warning("%s: %s; tried again every few seconds", k->o.name, why);
        k->said_down = true;
}

static void succeed(struct keep *k)
{
        k->is_synced = true;
        k->backoff = BACKOFF_FIRST;
        k->limit = (struct log_limit){ 0 };
        if (k->said_down)
                log_info("%s: right again, %" PRIu32 " blocks", k->o.name,
                         copy_count(k->copy).held);
        k->said_down = false;
}

struct batch {
        struct keep *keep;
        int64_t redis_ms;
};

static void apply(void *context, const struct subject *s, int64_t end_ms)
{
        struct batch *b = context;
        const struct keep_options *o = &b->keep->o;
        int64_t left = end_ms - b->redis_ms;

        if (end_ms == 0)
                o->kind->remove(o->target, s);
        else
                o->kind->add(o->target, s, left > 1 ? left : 1);
}

static void any_change(void *context, const struct subject *s, int64_t end_ms)
{
        (void)s;
        (void)end_ms;
        *(bool *)context = true;
}

static bool is_whole_cheaper(const struct keep *k)
{
        return k->o.kind->is_whole || copy_count(k->copy).changes > k->o.kind->batch;
}

static void run_batch(struct keep *k, int64_t now_ns, int64_t redis_ms)
{
        struct batch batch = { k, redis_ms };
        bool is_whole = k->needs_whole || is_whole_cheaper(k);
        char why[TARGET_WHY_MAX] = "";

        if (is_whole)
                copy_forget_held(k->copy);
        k->o.kind->begin(k->o.target, is_whole);
        if (is_whole)
                copy_all(k->copy, apply, &batch);
        else
                copy_changes(k->copy, apply, &batch);
        k->next_batch_ns = now_ns + k->o.interval_ns;
        switch (k->o.kind->commit(k->o.target, why)) {
        case TARGET_OK:
                copy_settle(k->copy);
                if (is_whole) {
                        k->wholes++;
                        k->refresh_ns = now_ns + REFRESH_EVERY;
                }
                k->needs_whole = false;
                succeed(k);
                return;
        case TARGET_LOST:
                if (!is_whole) {
                        k->is_synced = false;
                        k->needs_whole = true;
                        return;
                }
                break; /* what was just written is gone: that is a failure */
        case TARGET_FAILED:
                break;
        }
        fail(k, now_ns, why);
}

static void run_check(struct keep *k, int64_t now_ns)
{
        char why[TARGET_WHY_MAX] = "";
        enum target_result result = k->o.kind->check(k->o.target, why);

        k->next_check_ns = now_ns + CHECK_EVERY;
        if (result == TARGET_FAILED)
                fail(k, now_ns, why);
        if (result != TARGET_LOST || k->needs_whole)
                return;
        k->is_synced = false;
        k->needs_whole = true;
        log_info("%s has lost its blocks: filling it again", k->o.name);
}

static bool has_work(const struct keep *k)
{
        bool has = k->needs_whole;

        if (!has)
                copy_changes(k->copy, any_change, &has);
        return has;
}

static int64_t earlier(int64_t a, int64_t b)
{
        return a < b ? a : b;
}

int64_t keep_run(struct keep *k, int64_t now_ns, int64_t redis_ms)
{
        int64_t end_ms, next;

        if (!k->is_ready)
                return INT64_MAX;
        end_ms = copy_expire(k->copy, redis_ms);
        if (k->o.kind->is_refreshed && k->wholes && now_ns >= k->refresh_ns)
                k->needs_whole = true;
        if (now_ns >= k->retry_ns && now_ns >= k->next_check_ns && k->wholes)
                run_check(k, now_ns);
        if (now_ns >= k->retry_ns && now_ns >= k->next_batch_ns && has_work(k))
                run_batch(k, now_ns, redis_ms);
        next = k->wholes ? k->next_check_ns : INT64_MAX;
        if (has_work(k))
                next = earlier(next, k->next_batch_ns);
        if (end_ms != INT64_MAX)
                next = earlier(next, now_ns + (end_ms - redis_ms) * NS_PER_MS);
        return next > k->retry_ns ? next : k->retry_ns;
}

bool keep_is_synced(const struct keep *k)
{
        return k->is_synced && !has_work(k);
}

uint64_t keep_failures(const struct keep *k)
{
        return k->failures;
}

uint64_t keep_wholes(const struct keep *k)
{
        return k->wholes;
}
