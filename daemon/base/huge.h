/* SPDX-License-Identifier: MIT */
/*
 * huge - memory that is met in random order, in large pages where there are any.
 *
 * Address space is reserved, and filled by the kernel as it is touched, with zeroes. From
 * 2 MiB on it begins at a huge page, so that a look at it seldom misses the translation
 * of its address as well, and fewer pages have to be cleared one by one.
 */
#ifndef BASE_HUGE_H
#define BASE_HUGE_H

#include <stddef.h>

/* NULL when the address space cannot be had. `size` is not 0. */
void *huge_take(size_t size);

/* `size` is what huge_take was given; `memory` may be NULL. */
void huge_give(void *memory, size_t size);

#endif
