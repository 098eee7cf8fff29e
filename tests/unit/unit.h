/* SPDX-License-Identifier: MIT */
/*
 * unit - what every unit test includes: cmocka with its prerequisites in order.
 */
#ifndef UNIT_UNIT_H
#define UNIT_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/slice.h"

#define assert_slice(actual, expected)                                                   \
        do {                                                                             \
                struct slice actual_ = (actual);                                         \
                assert_int_equal(actual_.len, strlen(expected));                         \
                assert_memory_equal(actual_.data, expected, actual_.len);                \
        } while (0)

#endif
