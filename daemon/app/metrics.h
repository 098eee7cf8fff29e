/* SPDX-License-Identifier: MIT */
/*
 * metrics - the figures as Prometheus reads them (text format 0.0.4).
 *
 * Every counter of base/counters.h, and the families of the table in metrics.c. A family
 * of which there is nothing to say is left out. How many lines there are is bounded by
 * the configuration alone: rules, their keys, interfaces and workers are labels, what
 * comes over the wire never is.
 */
#ifndef APP_METRICS_H
#define APP_METRICS_H

#include "app/figures.h"

#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

void metrics_print(const struct figures *, struct buf *out);

/* A label's value without its quotes: valid UTF-8, with \, " and line ends escaped. */
void metrics_put_label(struct buf *out, const char *value);

#endif
