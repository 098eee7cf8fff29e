/* SPDX-License-Identifier: MIT */
/*
 * check - asserts on our own invariants, in release builds too.
 *
 * A CHECK says that something is true whatever the traffic and the operator do.
 * A byte from the wire or a line of a configuration must never reach one.
 */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

#define CHECK(condition) \
        ((condition) ? (void)0 : check_failed(#condition, __FILE__, __LINE__))

/* Writes one line to standard error and aborts. */
_Noreturn void check_failed(const char *condition, const char *file, int line);

#endif
