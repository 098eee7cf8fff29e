/* SPDX-License-Identifier: MIT */
#include "base/steady.h"

#include "base/clock.h"

#define JUMP        NS_PER_SEC
#define BELIEVED    (86400 * NS_PER_SEC) /* a jump that is longer */
#define LET_IN      10                   /* a tenth of the time that passes */
#define BOTH_STAMPS (10 * NS_PER_SEC)    /* as long as packets may wait in the kernel */

static int64_t magnitude(int64_t ns)
{
        return ns < 0 ? -ns : ns;
}

static void let_in(struct steady *s, int64_t passed_ns)
{
        int64_t part_ns = passed_ns / LET_IN;

        if (magnitude(s->skew_ns) <= part_ns)
                s->skew_ns = 0;
        else
                s->skew_ns += s->skew_ns > 0 ? -part_ns : part_ns;
}

static void jump(struct steady *s, int64_t step_ns, int64_t boot_ns)
{
        s->skew_before_ns = s->skew_ns;
        s->skew_ns += step_ns;
        s->jumped_ns = boot_ns;
        if (magnitude(s->skew_ns) > BELIEVED)
                s->skew_ns = s->skew_before_ns = 0;
}

bool steady_tick(struct steady *s, int64_t wall_ns, int64_t boot_ns)
{
        int64_t passed_ns = boot_ns - s->boot_ns;
        int64_t step_ns = wall_ns - s->wall_ns - passed_ns;
        bool has_jumped = s->boot_ns && magnitude(step_ns) > JUMP;

        if (s->boot_ns)
                let_in(s, passed_ns);
        if (has_jumped)
                jump(s, step_ns, boot_ns);
        s->wall_ns = wall_ns;
        s->boot_ns = boot_ns;
        return has_jumped;
}

int64_t steady_time(const struct steady *s, int64_t wall_ns)
{
        return wall_ns - s->skew_ns;
}

int64_t steady_stamp(const struct steady *s, int64_t stamp_ns)
{
        int64_t time_ns = stamp_ns - s->skew_ns;

        if (s->jumped_ns == 0 || s->boot_ns - s->jumped_ns > BOTH_STAMPS)
                return time_ns;
        int64_t other_ns = stamp_ns - s->skew_before_ns;
        int64_t now_ns = s->wall_ns - s->skew_ns;
        return magnitude(other_ns - now_ns) < magnitude(time_ns - now_ns) ? other_ns
                                                                          : time_ns;
}
