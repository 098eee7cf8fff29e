/* SPDX-License-Identifier: MIT */
/*
 * confine_priv - the parts of confine, for confine*.c only.
 *
 * Each part is false after a line in `error`.
 */
#ifndef APP_CONFINE_PRIV_H
#define APP_CONFINE_PRIV_H

#include "app/confine.h"

#include <seccomp.h>

#if defined(__SANITIZE_ADDRESS__)
#define CONFINE_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CONFINE_SANITIZED 1
#endif
#endif
#ifndef CONFINE_SANITIZED
#define CONFINE_SANITIZED 0
#endif

#define CONFINE_BIT(role) (1u << (role))

/* Tests of one argument each; all must hold. */
#define CONFINE_TESTS 3

/*
 * A row allows calls to some roles, or answers them with `refuse`. Rows of the same call
 * and role must differ in their tests, and none of them may be without one.
 */
struct confine_call {
        const char
            *names;     /* with blanks between; those another CPU has are passed over */
        unsigned roles; /* bits, CONFINE_BIT */
        int refuse;     /* errno; 0: allowed */
        struct scmp_arg_cmp tests[CONFINE_TESTS]; /* up to one whose op is 0 */
        const char *why;
};

extern const struct confine_call confine_calls[]; /* ends with NULL names */

bool confine_capabilities(enum confine_role, char error[CONFINE_ERROR_MAX]);
bool confine_seccomp(enum confine_role, char error[CONFINE_ERROR_MAX]);

/* Sets `abi`, 0 when the kernel has no Landlock. */
bool confine_landlock(const struct confine_options *, int *abi,
                      char error[CONFINE_ERROR_MAX]);

/* Fills `error`; returns false. */
bool confine_fail(char error[CONFINE_ERROR_MAX], const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
