/* SPDX-License-Identifier: MIT */
/*
 * report - the name of an incident.
 */
#ifndef DETECT_REPORT_H
#define DETECT_REPORT_H

#include "detect/incident.h"

/*
 * An id as of ULID: the time it was raised in ms, then 80 bits of HMAC-SHA-256 over
 * `text` under the key. The same text at the same time has the same id.
 */
void report_id(const uint8_t key[32], int64_t raised_ns, struct slice text,
               char id[INCIDENT_ID_MAX]);

/* When it was raised, to the millisecond; -1 when it is no such id. */
int64_t report_raised(const char id[INCIDENT_ID_MAX]);

#endif
