/* SPDX-License-Identifier: MIT */
#include "app/load.h"

#include "base/check.h"
#include "base/clock.h"

#define RISE_WAIT  (200 * NS_PER_MS)
#define EAGER_MAX  (1 * NS_PER_SEC)
#define FALL_FIRST (2 * NS_PER_SEC)
#define FALL_MAX   (120 * NS_PER_SEC)
#define FALL_TRIAL (10 * NS_PER_SEC) /* a loss later than that has another cause */

enum {
        RING_FULL = 750, /* soon it is */
        RING_HALF = 500,
        RING_CALM = 250,
        BUSY_EAGER = 950,
        BUSY_CALM = 750, /* time to spare */
        BUSY_IDLE = 250,
};

static int64_t longer(int64_t a_ns, int64_t b_ns)
{
        return a_ns > b_ns ? a_ns : b_ns;
}

/* That was too low when it was tried last. */
static int64_t wait_of(const struct load *l)
{
        return longer(l->wait_ns, FALL_FIRST);
}

/* Before the next fall. */
static int64_t wait_at(const struct load *l, const struct load_seen *seen)
{
        if (l->level - 1 > l->too_low)
                return FALL_FIRST;
        return seen->busy < BUSY_IDLE ? longer(wait_of(l) / 4, FALL_FIRST) : wait_of(l);
}

static void note_since(int64_t *since_ns, bool is_so, int64_t now_ns)
{
        if (!is_so)
                *since_ns = 0;
        else if (*since_ns == 0)
                *since_ns = now_ns;
}

/* Not yet lost, but soon. What takes little away prevents it, perhaps. */
static bool is_strained(const struct load *l, const struct load_seen *seen,
                        int64_t now_ns)
{
        return seen->ring >= RING_HALF ||
               (l->eager_ns && now_ns - l->eager_ns >= EAGER_MAX);
}

static void rise(struct load *l, const struct load_seen *seen, int64_t now_ns)
{
        unsigned level = l->level > seen->in_force ? l->level : seen->in_force;

        l->calm_ns = 0;
        if (level >= LOAD_LEVELS - 1) {
                l->level = LOAD_LEVELS - 1;
                return;
        }
        if (l->rose_ns && now_ns - l->rose_ns < RISE_WAIT)
                return;
        if (l->fell_ns && now_ns - l->fell_ns < FALL_TRIAL) {
                l->wait_ns = 2 * wait_of(l) < FALL_MAX ? 2 * wait_of(l) : FALL_MAX;
                l->fell_ns = 0; /* one fall, one mistake */
                l->too_low = level;
        }
        l->level = level + 1;
        l->rose_ns = now_ns;
}

static void fall_when_due(struct load *l, const struct load_seen *seen, int64_t now_ns)
{
        bool is_calm =
            !seen->is_behind && seen->ring < RING_CALM && seen->busy < BUSY_CALM;

        if (l->fell_ns && now_ns - l->fell_ns >= FALL_TRIAL) {
                l->fell_ns = 0;
                if (l->level <= l->too_low)
                        l->wait_ns = 0;
        }
        note_since(&l->calm_ns, is_calm, now_ns);
        if (l->level == 0 || l->calm_ns == 0 || now_ns - l->calm_ns < wait_at(l, seen))
                return;
        l->level--;
        l->fell_ns = l->calm_ns = now_ns;
}

unsigned load_tick(struct load *l, const struct load_seen *seen, int64_t now_ns)
{
        note_since(&l->eager_ns, seen->is_behind && seen->busy >= BUSY_EAGER, now_ns);
        if (seen->lost || seen->ring >= RING_FULL)
                rise(l, seen, now_ns);
        else if (is_strained(l, seen, now_ns) && l->level == 0 && seen->in_force == 0)
                rise(l, seen, now_ns);
        else
                fall_when_due(l, seen, now_ns);
        return l->level;
}

const char *load_level_text(unsigned level)
{
        static const char *const texts[LOAD_LEVELS] = {
                "everything is looked at",
                "all but the bodies of sign-ups and how requests are written",
                "1 in 2 visitors",
                "1 in 4 visitors",
                "1 in 8 visitors",
                "1 in 16 visitors",
                "1 in 32 visitors",
                "1 in 64 visitors",
        };

        CHECK(level < LOAD_LEVELS);
        return texts[level];
}
