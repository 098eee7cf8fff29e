/* SPDX-License-Identifier: MIT */
/*
 * crc32c - the Castagnoli CRC (RFC 3720 appendix B.4), for what is kept on disk.
 *
 * Finds damage, not malice. With the CPU's instruction where it has one, else
 * eight bytes a step by table; the same answer either way.
 */
#ifndef BASE_CRC32C_H
#define BASE_CRC32C_H

#include "base/slice.h"

/* Continues from `crc`: 0 at the start, or what an earlier call returned. */
uint32_t crc32c(uint32_t crc, struct slice bytes);

/* The same without the instruction, for machines that lack it. */
uint32_t crc32c_portable(uint32_t crc, struct slice bytes);

#endif
