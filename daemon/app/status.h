/* SPDX-License-Identifier: MIT */
/*
 * status - the figures as one JSON object, for trawlctl and dashboards.
 *
 * A contract: docs/interfaces.md names every key.
 */
#ifndef APP_STATUS_H
#define APP_STATUS_H

#include "app/figures.h"
#include "app/rates.h"

struct status {
        const struct figures *figures;
        const struct rates *rates;
        int64_t wall_ns, monotonic_ns;
        bool is_healthy;
        struct slice reasons; /* lines, as health_check gives them */
};

/* How often other files were taken up, and were not: "reloads". */
void status_put_reloads(struct json *, const struct counters *);

/* One line with its end. */
void status_print(const struct status *, struct buf *out);

#endif
