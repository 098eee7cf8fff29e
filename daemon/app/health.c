/* SPDX-License-Identifier: MIT */
#include "app/health.h"

#include "base/clock.h"

#include <inttypes.h>

struct patient {
        const struct figures *figures;
        int64_t redis_grace_ns, now_ns;
};

static void check_redis(const struct patient *p, struct buf *out)
{
        const struct alerts_state *alerts = &p->figures->alerts;

        if (!p->figures->has_alerts || !alerts->has_redis || alerts->redis.is_up ||
            p->now_ns - alerts->redis.down_ns <= p->redis_grace_ns)
                return;
        buf_printf(out,
                   "redis: nothing can be published since %lld s; %" PRIu64
                   " alerts wait in the journal\n",
                   (long long)((p->now_ns - alerts->redis.down_ns) / NS_PER_SEC),
                   alerts->journal.waiting);
}

static void check_journal(const struct patient *p, struct buf *out)
{
        if (p->figures->has_alerts && p->figures->alerts.journal.held)
                buf_printf(out,
                           "journal: it cannot be written, %" PRIu64
                           " alerts wait in memory; free some space\n",
                           p->figures->alerts.journal.held);
}

static void check_interfaces(const struct patient *p, struct buf *out)
{
        for (unsigned i = 0; i < p->figures->interface_count; i++)
                if (!p->figures->interfaces[i].is_open)
                        buf_printf(out,
                                   "capture: %s is not captured from any more; start the "
                                   "daemon again when it is back\n",
                                   p->figures->interfaces[i].name);
}

static void check_snapshot(const struct patient *p, struct buf *out)
{
        if (p->figures->snapshot_failed)
                buf_put_str(out, "snapshot: the last one could not be written: a restart "
                                 "would begin with what the one before knows\n");
}

bool health_check(const struct figures *figures, int64_t redis_grace_ns, int64_t now_ns,
                  struct buf *reasons)
{
        static void (*const checks[])(const struct patient *, struct buf *) = {
                check_redis, check_journal, check_interfaces, check_snapshot
        };
        const struct patient patient = { figures, redis_grace_ns, now_ns };
        size_t before = reasons->len;

        for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
                checks[i](&patient, reasons);
        return reasons->len == before;
}
