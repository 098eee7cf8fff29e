/* SPDX-License-Identifier: MIT */
/*
 * head_scan - cuts a head into lines.
 *
 * Keeps one bit for each of 64 bytes: set where a line feed is. So each byte is
 * loaded once whatever the length of the lines. Header only, for head.c.
 */
#ifndef HTTP_HEAD_SCAN_H
#define HTTP_HEAD_SCAN_H

#include "base/slice.h"

#if !defined(TRAWLWATCH_PORTABLE) && defined(__SSE2__)
#include <emmintrin.h>
#elif !defined(TRAWLWATCH_PORTABLE) && defined(__aarch64__)
#include <arm_neon.h>
#endif

enum { HEAD_SCAN_BLOCK = 64 };

struct head_scan {
        struct slice bytes;
        size_t at;    /* start of the next line */
        size_t block; /* where the block begins that `feeds` is about */
        uint64_t feeds;
};

/*
 * head_scan_name: how many of the 16 bytes at `p` are letters or hyphens before the
 * first that is neither. Nearly all header names consist of these.
 */
#if !defined(TRAWLWATCH_PORTABLE) && defined(__SSE2__)
static inline size_t head_scan_name(const uint8_t *p)
{
        __m128i bytes = _mm_loadu_si128((const __m128i *)p);
        __m128i lower = _mm_or_si128(bytes, _mm_set1_epi8(0x20));
        __m128i beyond = _mm_subs_epu8(_mm_sub_epi8(lower, _mm_set1_epi8('a')),
                                       _mm_set1_epi8('z' - 'a'));
        __m128i good = _mm_or_si128(_mm_cmpeq_epi8(beyond, _mm_setzero_si128()),
                                    _mm_cmpeq_epi8(bytes, _mm_set1_epi8('-')));

        return (size_t)__builtin_ctz(~(unsigned)_mm_movemask_epi8(good));
}

static inline uint64_t head_scan_feeds(const uint8_t *p)
{
        const __m128i feed = _mm_set1_epi8('\n');
        uint64_t mask = 0;

        for (int i = 0; i < 4; i++) {
                __m128i part = _mm_loadu_si128((const __m128i *)(p + 16 * i));
                uint64_t bits = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(part, feed));
                mask |= bits << (16 * i);
        }
        return mask;
}
#elif !defined(TRAWLWATCH_PORTABLE) && defined(__aarch64__)
static inline size_t head_scan_name(const uint8_t *p)
{
        uint8x16_t bytes = vld1q_u8(p), lower = vorrq_u8(bytes, vdupq_n_u8(0x20));
        uint8x16_t good =
            vorrq_u8(vcleq_u8(vsubq_u8(lower, vdupq_n_u8('a')), vdupq_n_u8('z' - 'a')),
                     vceqq_u8(bytes, vdupq_n_u8('-')));
        /* Four bits for each byte. */
        uint64_t mask = vget_lane_u64(
            vreinterpret_u64_u8(vshrn_n_u16(vreinterpretq_u16_u8(good), 4)), 0);

        return mask == UINT64_MAX ? 16 : (size_t)__builtin_ctzll(~mask) / 4;
}

static inline uint64_t head_scan_feeds(const uint8_t *p)
{
        static const uint8_t weights[16] = { 1, 2, 4, 8, 16, 32, 64, 128,
                                             1, 2, 4, 8, 16, 32, 64, 128 };
        const uint8x16_t feed = vdupq_n_u8('\n'), weight = vld1q_u8(weights);
        uint8x16_t part[4];

        for (int i = 0; i < 4; i++)
                part[i] = vandq_u8(vceqq_u8(vld1q_u8(p + 16 * i), feed), weight);
        /* Three rounds of pairwise sums leave one bit for each byte. */
        uint8x16_t sum =
            vpaddq_u8(vpaddq_u8(part[0], part[1]), vpaddq_u8(part[2], part[3]));
        sum = vpaddq_u8(sum, sum);
        return vgetq_lane_u64(vreinterpretq_u64_u8(sum), 0);
}
#else
static inline size_t head_scan_name(const uint8_t *p)
{
        size_t len = 0;

        while (len < 16 &&
               ((uint8_t)((p[len] | 0x20) - 'a') <= 'z' - 'a' || p[len] == '-'))
                len++;
        return len;
}

static inline uint64_t head_scan_feeds(const uint8_t *p)
{
        uint64_t mask = 0;

        for (int i = 0; i < HEAD_SCAN_BLOCK; i++)
                mask |= (uint64_t)(p[i] == '\n') << i;
        return mask;
}
#endif

/* The bits of the block at s->block; bytes past the end count as none. */
static inline void head_scan_load(struct head_scan *s)
{
        struct slice rest = slice_from(s->bytes, s->block);

        if (rest.len >= HEAD_SCAN_BLOCK) {
                s->feeds = head_scan_feeds(rest.data);
                return;
        }
        uint8_t padded[HEAD_SCAN_BLOCK] = { 0 };
        if (rest.len)
                memcpy(padded, rest.data, rest.len);
        s->feeds = head_scan_feeds(padded);
}

static inline struct head_scan head_scan_of(struct slice bytes)
{
        struct head_scan s = { .bytes = bytes };

        head_scan_load(&s);
        return s;
}

/*
 * The next line without its end. False when no line feed comes any more; *bare
 * is set when there was no carriage return before it.
 */
static inline bool head_scan_line(struct head_scan *s, struct slice *line, bool *bare)
{
        while (s->feeds == 0) {
                s->block += HEAD_SCAN_BLOCK;
                if (s->block >= s->bytes.len)
                        return false;
                head_scan_load(s);
        }
        size_t feed = s->block + (size_t)__builtin_ctzll(s->feeds);
        s->feeds &= s->feeds - 1;
        *line = slice_of(s->bytes.data + s->at, feed - s->at);
        s->at = feed + 1;
        if (line->len && line->data[line->len - 1] == '\r')
                line->len--;
        else
                *bare = true;
        return true;
}

#endif
