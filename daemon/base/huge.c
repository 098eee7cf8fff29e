/* SPDX-License-Identifier: MIT */
#include "base/huge.h"

#include <stdint.h>
#include <sys/mman.h>

enum { PAGE = 4096, HUGE_PAGE = 2 << 20 };

static size_t round_up(size_t size, size_t to)
{
        return (size + to - 1) / to * to;
}

void *huge_take(size_t size)
{
        size = round_up(size, PAGE);
        size_t slack = size >= HUGE_PAGE ? HUGE_PAGE : 0;
        uint8_t *memory = mmap(NULL, size + slack, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

        if (memory == MAP_FAILED)
                return NULL;
        if (!slack)
                return memory;
        uint8_t *aligned = (uint8_t *)round_up((uintptr_t)memory, HUGE_PAGE);
        if (aligned > memory)
                munmap(memory, (size_t)(aligned - memory));
        munmap(aligned + size, slack - (size_t)(aligned - memory));
        madvise(aligned, size, MADV_HUGEPAGE); /* an advice: it may be refused */
        return aligned;
}

void huge_give(void *memory, size_t size)
{
        if (memory)
                munmap(memory, round_up(size, PAGE));
}
