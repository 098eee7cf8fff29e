/* SPDX-License-Identifier: MIT */
#include "base/crc32c.h"

#include "base/bytes.h"

#define POLYNOMIAL 0x82f63b78u /* reflected */

static uint32_t table[8][256];

static void make_table(void)
{
        for (uint32_t i = 0; i < 256; i++) {
                uint32_t crc = i;
                for (int bit = 0; bit < 8; bit++)
                        crc = crc & 1 ? crc >> 1 ^ POLYNOMIAL : crc >> 1;
                table[0][i] = crc;
        }
        for (uint32_t i = 0; i < 256; i++)
                for (int k = 1; k < 8; k++)
                        table[k][i] =
                            table[k - 1][i] >> 8 ^ table[0][table[k - 1][i] & 255];
}

static uint32_t by_table(uint32_t crc, const uint8_t *p, size_t len)
{
        if (table[0][1] == 0)
                make_table();
        for (; len >= 8; p += 8, len -= 8) {
                uint32_t low = crc ^ load_le32(p), high = load_le32(p + 4);
                crc = table[7][low & 255] ^ table[6][low >> 8 & 255] ^
                      table[5][low >> 16 & 255] ^ table[4][low >> 24] ^
                      table[3][high & 255] ^ table[2][high >> 8 & 255] ^
                      table[1][high >> 16 & 255] ^ table[0][high >> 24];
        }
        while (len--)
                crc = crc >> 8 ^ table[0][(crc ^ *p++) & 255];
        return crc;
}

#if defined(__x86_64__) && !defined(TRAWLWATCH_PORTABLE)

#include <nmmintrin.h>

__attribute__((target("sse4.2"))) static uint32_t
by_instruction(uint32_t crc, const uint8_t *p, size_t len)
{
        uint64_t wide = crc;

        for (; len >= 8; p += 8, len -= 8)
                wide = _mm_crc32_u64(wide, load_u64(p));
        crc = (uint32_t)wide;
        while (len--)
                crc = _mm_crc32_u8(crc, *p++);
        return crc;
}

static uint32_t step(uint32_t crc, struct slice s)
{
        return __builtin_cpu_supports("sse4.2") ? by_instruction(crc, s.data, s.len)
                                                : by_table(crc, s.data, s.len);
}

#else

static uint32_t step(uint32_t crc, struct slice s)
{
        return by_table(crc, s.data, s.len);
}

#endif

uint32_t crc32c(uint32_t crc, struct slice bytes)
{
        return ~step(~crc, bytes);
}

uint32_t crc32c_portable(uint32_t crc, struct slice bytes)
{
        return ~by_table(~crc, bytes.data, bytes.len);
}
