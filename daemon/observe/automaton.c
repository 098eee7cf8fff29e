/* SPDX-License-Identifier: MIT */
#include "observe/automaton.h"

#include "base/check.h"

#include <stdlib.h>

#define NONE UINT16_MAX

struct automaton {
        uint8_t class_of[256];
        unsigned classes; /* class 0: bytes that no literal has */
        uint32_t states;
        uint16_t *next;    /* by state and class */
        uint16_t *ending;  /* by state: the longest literal that ends there, or NONE */
        uint16_t *shorter; /* by literal: the next one with the same end, or NONE */
};

/* What only the building needs. */
struct building {
        struct automaton *a;
        uint16_t *fail;  /* the state of the longest proper suffix */
        uint16_t *queue; /* breadth first */
};

static void classify_bytes(struct automaton *a, const struct slice *literals,
                           unsigned count)
{
        a->classes = 1;
        for (unsigned i = 0; i < count; i++)
                for (size_t k = 0; k < literals[i].len; k++) {
                        uint8_t *class = &a->class_of[literals[i].data[k]];
                        if (*class == 0 && a->classes < 256)
                                *class = (uint8_t)a->classes++;
                }
}

static size_t total_length(const struct slice *literals, unsigned count)
{
        size_t total = 0;

        for (unsigned i = 0; i < count; i++)
                total += literals[i].len;
        return total;
}

static uint16_t *transition(const struct automaton *a, uint32_t state, uint8_t byte)
{
        return &a->next[(size_t)state * a->classes + a->class_of[byte]];
}

/* The tree of all literals. State 0 is its root, so 0 is also "no child yet". */
static void grow_tree(struct automaton *a, const struct slice *literals, unsigned count)
{
        a->states = 1;
        for (unsigned i = 0; i < count; i++) {
                uint32_t state = 0;
                for (size_t k = 0; k < literals[i].len; k++) {
                        uint16_t *child = transition(a, state, literals[i].data[k]);
                        if (*child == 0)
                                *child = (uint16_t)a->states++;
                        state = *child;
                }
                a->shorter[i] = a->ending[state];
                a->ending[state] = (uint16_t)i;
        }
}

/* Behind the literals of this state come those that end its longest proper suffix. */
static void chain_endings(struct automaton *a, uint16_t state, uint16_t suffix)
{
        uint16_t *last = &a->ending[state];

        while (*last != NONE)
                last = &a->shorter[*last];
        *last = a->ending[suffix];
}

/*
 * Goes through the tree by depth. A child that is missing becomes the suffix's
 * child, which is known by then: the suffix is shorter.
 */
static void complete(struct building *b)
{
        struct automaton *a = b->a;
        uint32_t head = 0, tail = 0;

        for (unsigned c = 0; c < a->classes; c++)
                if (a->next[c])
                        b->queue[tail++] = a->next[c];
        while (head < tail) {
                uint16_t state = b->queue[head++], suffix = b->fail[state];
                uint16_t *row = &a->next[(size_t)state * a->classes];
                const uint16_t *other = &a->next[(size_t)suffix * a->classes];
                chain_endings(a, state, suffix);
                for (unsigned c = 0; c < a->classes; c++) {
                        if (row[c]) {
                                b->fail[row[c]] = other[c];
                                b->queue[tail++] = row[c];
                        } else {
                                row[c] = other[c];
                        }
                }
        }
}

static void *make(size_t count, size_t size)
{
        void *memory = calloc(count, size);

        CHECK(memory);
        return memory;
}

static void shrink(struct automaton *a)
{
        size_t size = (size_t)a->states * a->classes * sizeof(*a->next);
        uint16_t *next = realloc(a->next, size);

        if (next)
                a->next = next;
}

struct automaton *automaton_new(const struct slice *literals, unsigned count)
{
        size_t total = total_length(literals, count), most = total + 1;

        if (count > AUTOMATON_LITERALS_MAX || most > AUTOMATON_STATES_MAX)
                return NULL;
        struct automaton *a = make(1, sizeof(*a));
        struct building b = { a, make(most, sizeof(uint16_t)),
                              make(most, sizeof(uint16_t)) };
        classify_bytes(a, literals, count);
        a->next = make(most * a->classes, sizeof(*a->next));
        a->ending = make(most, sizeof(*a->ending));
        a->shorter = make(count + 1, sizeof(*a->shorter));
        memset(a->ending, 0xff, most * sizeof(*a->ending));
        grow_tree(a, literals, count);
        shrink(a);
        complete(&b);
        free(b.fail);
        free(b.queue);
        return a;
}

void automaton_free(struct automaton **automaton)
{
        struct automaton *a = *automaton;

        if (!a)
                return;
        free(a->next);
        free(a->ending);
        free(a->shorter);
        free(a);
        *automaton = NULL;
}

void automaton_scan(const struct automaton *a, struct slice text, automaton_hit_fn *hit,
                    void *context)
{
        uint32_t state = 0;

        for (size_t i = 0; i < text.len; i++) {
                state = *transition(a, state, text.data[i]);
                for (uint16_t n = a->ending[state]; n != NONE; n = a->shorter[n])
                        hit(context, n, i + 1);
        }
}
