/* SPDX-License-Identifier: MIT */
#include "base/histogram.h"

#define DECADE(ns) (ns), (ns)*5 / 2, (ns)*5

const int64_t histogram_edges_ns[HISTOGRAM_EDGES] = {
        DECADE(INT64_C(100)),       DECADE(INT64_C(1000)),
        DECADE(INT64_C(10000)),     DECADE(INT64_C(100000)),
        DECADE(INT64_C(1000000)),   DECADE(INT64_C(10000000)),
        DECADE(INT64_C(100000000)), DECADE(INT64_C(1000000000)),
        INT64_C(10000000000),
};

void histogram_add(struct histogram *h, int64_t time_ns)
{
        unsigned low = 0, high = HISTOGRAM_EDGES;

        if (time_ns < 0)
                time_ns = 0;
        while (low < high) {
                unsigned middle = (low + high) / 2;
                if (histogram_edges_ns[middle] < time_ns)
                        low = middle + 1;
                else
                        high = middle;
        }
        if (low < HISTOGRAM_EDGES)
                h->counts[low]++;
        h->count++;
        h->sum_ns += time_ns;
}
