/* SPDX-License-Identifier: MIT */
/*
 * alert_json - an incident as the alert line that others read.
 *
 * The public contract is the alert of docs/interfaces.md: its keys, in its
 * order. What is missing has no key. The subject, samples and participants come
 * from the wire: whatever they hold, the line is valid UTF-8 and valid JSON, and
 * each is cut at ALERT_TEXT_CAP bytes.
 */
#ifndef ALERT_ALERT_JSON_H
#define ALERT_ALERT_JSON_H

#include "base/buf.h"
#include "detect/incident.h"

#define ALERT_TEXT_CAP 2048

/* Appends one object, without a newline. */
void alert_json(const struct incident *, struct buf *out);

#endif
