/* SPDX-License-Identifier: MIT */
#include "detect/transfer.h"

#include "base/crc32c.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_MAX  65536
#define TEXT_NONE UINT32_MAX

void transfer_fail(struct transfer *t, const char *why)
{
        if (!t->has_failed)
                t->why = why;
        t->has_failed = true;
}

void transfer_bytes(struct transfer *t, void *bytes, size_t len)
{
        if (t->has_failed || len == 0)
                return;
        if (!t->is_reading)
                t->crc = crc32c(t->crc, slice_of(bytes, len));
        size_t done = t->is_reading ? fread(bytes, 1, len, t->file)
                                    : fwrite(bytes, 1, len, t->file);
        if (done != len)
                transfer_fail(t,
                              t->is_reading ? "it ends early" : "it cannot be written");
}

void transfer_same(struct transfer *t, uint64_t value, const char *why)
{
        uint64_t there = value;

        TRANSFER(t, there);
        if (there != value)
                transfer_fail(t, why);
}

void transfer_text(struct transfer *t, const char **text)
{
        uint32_t len = !t->is_reading && *text ? (uint32_t)strlen(*text) : TEXT_NONE;

        TRANSFER(t, len);
        if (t->has_failed || len == TEXT_NONE) {
                *text = NULL;
                return;
        }
        if (!t->is_reading) {
                transfer_bytes(t, (void *)*text, len);
                return;
        }
        if (len > TEXT_MAX) {
                transfer_fail(t, "a text is too long");
                return;
        }
        char *copy = arena_take(t->texts, (size_t)len + 1);
        transfer_bytes(t, copy, len);
        copy[len] = 0;
        *text = copy;
}

void transfer_array(struct transfer *t, void *array, unsigned *count, size_t size,
                    unsigned max)
{
        void *memory;

        TRANSFER(t, *count);
        if (t->has_failed || *count > max) {
                transfer_fail(t, "a list is too long");
                *count = 0;
                return;
        }
        /* Through memcpy: `array` points to a pointer of any type. */
        memcpy(&memory, array, sizeof(memory));
        if (t->is_reading) {
                memory = calloc(*count + 1, size);
                memcpy(array, &memory, sizeof(memory));
                if (!memory) {
                        transfer_fail(t, "there is no memory for it");
                        *count = 0;
                        return;
                }
        }
        transfer_bytes(t, memory, *count * size);
}

void transfer_slab(struct transfer *t, struct slab *s)
{
        transfer_same(t, s->object_size, "it is of another version");
        TRANSFER(t, s->touched);
        TRANSFER(t, s->used);
        TRANSFER(t, s->free);
        if (s->touched > s->capacity) {
                s->touched = s->used = s->free = 0;
                transfer_fail(t, "it needs more memory than limits.detect gives");
        }
        transfer_bytes(t, s->memory, slab_bytes(s));
}

void transfer_budget(struct transfer *t, struct budget *b)
{
        transfer_same(t, BUDGET_PAGE, "it is of another version");
        transfer_slab(t, &b->pages);
        transfer_slab(t, &b->descriptors);
        TRANSFER(t, b->classes);
        if (b->classes > BUDGET_CLASSES) {
                b->classes = 0;
                transfer_fail(t, "a list is too long");
        }
        TRANSFER(t, b->class);
}

void transfer_index(struct transfer *t, struct index *ix)
{
        uint32_t mask = ix->mask;

        TRANSFER(t, mask);
        if (!t->has_failed && t->is_reading && !index_make_room(ix, mask))
                transfer_fail(t, "it needs more memory than limits.detect gives");
        TRANSFER(t, ix->count);
        if (t->has_failed) {
                ix->count = 0;
                return;
        }
        transfer_bytes(t, ix->slots, ((size_t)ix->mask + 1) * sizeof(*ix->slots));
}
