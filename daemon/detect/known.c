/* SPDX-License-Identifier: MIT */
#include "detect/known.h"

#include "base/huge.h"
#include "detect/bloom.h"
#include "detect/transfer.h"

#define DAY_NS     (24 * 3600 * NS_PER_SEC)
#define PLACES_MIN 4096
#define SPELLS     0x03U /* bits of the last two; those above are days */

static uint8_t spell_bit(int64_t spell)
{
        return (uint8_t)(1U << spell % 2);
}

static uint8_t day_bit(int64_t day)
{
        return (uint8_t)(4U << day % KNOWN_DAYS);
}

bool known_init(struct known *k, uint64_t bytes, struct counters *counters)
{
        *k = (struct known){ .counters = counters, .now_ns = -1 };
        k->count = bytes < PLACES_MIN ? PLACES_MIN : bytes;
        k->places = huge_take(k->count);
        return k->places != NULL;
}

void known_free(struct known *k)
{
        huge_give(k->places, k->count);
        *k = (struct known){ 0 };
}

void known_transfer(struct known *k, struct transfer *t)
{
        transfer_same(t, k->count, "limits.detect was another");
        TRANSFER(t, k->now_ns);
        TRANSFER(t, k->spell);
        TRANSFER(t, k->day);
        TRANSFER(t, k->added);
        transfer_bytes(t, k->places, k->count);
}

/* What is in these spells was seen on that day, and in none of the days to come. */
static void sweep(struct known *k, uint8_t spells, uint8_t day, uint8_t keep)
{
        for (size_t i = 0; i < k->count; i++) {
                uint8_t moved = k->places[i] & spells ? day : 0;
                k->places[i] = (uint8_t)((k->places[i] & ~spells) | moved) & keep;
        }
}

static void advance(struct known *k, int64_t spell, int64_t day)
{
        uint8_t spells = spell == k->spell + 1 ? spell_bit(spell) : SPELLS;
        uint8_t keep = 0xff;

        for (int64_t d = k->day + 1; d <= day && d <= k->day + KNOWN_DAYS; d++)
                keep &= (uint8_t)~day_bit(day - (d - k->day - 1));
        sweep(k, spells, day_bit(k->day), keep);
        if (day > k->day)
                k->added = 0;
        k->spell = spell;
        k->day = day;
}

void known_advance(struct known *k, int64_t now_ns)
{
        int64_t spell = now_ns / KNOWN_SPELL_NS, day = now_ns / DAY_NS;

        if (k->now_ns < 0) {
                k->spell = spell;
                k->day = day;
        }
        if (now_ns <= k->now_ns)
                return;
        k->now_ns = now_ns;
        if (spell > k->spell)
                advance(k, spell, day);
}

uint8_t known_find(const struct known *k, uint64_t session)
{
        struct bloom_walk w = bloom_begin(session);
        uint8_t found = 0xff;

        for (unsigned i = 0; found && i < BLOOM_HASHES; i++)
                found &= k->places[bloom_next(&w, k->count)];
        return found;
}

bool known_is(uint8_t found)
{
        return (found & ~SPELLS) != 0;
}

void known_note(struct known *k, uint64_t session, uint8_t found)
{
        struct bloom_walk w = bloom_begin(session);

        if (found & (SPELLS | day_bit(k->day)))
                return;
        if ((double)k->added >= (double)k->count / KNOWN_BYTES) {
                k->counters->known_saturated++;
                return;
        }
        k->added++;
        for (unsigned i = 0; i < BLOOM_HASHES; i++)
                k->places[bloom_next(&w, k->count)] |= spell_bit(k->spell);
}
