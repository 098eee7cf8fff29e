/* SPDX-License-Identifier: MIT */
#include "detect/ahead.h"

#include <stdlib.h>

bool ahead_init(struct ahead *a, const struct conditions *c)
{
        size_t operands = 1, keys = 1;

        for (unsigned i = 0; i < c->kind_count; i++) {
                const struct page_kind *kind = &c->kinds[i];
                operands = kind->early_count > operands ? kind->early_count : operands;
                keys = kind->table_count > keys ? kind->table_count : keys;
        }
        a->operands = calloc(AHEAD_RECORDS * operands, sizeof(*a->operands));
        a->scratch = calloc(AHEAD_RECORDS * operands, sizeof(*a->scratch));
        a->keys = calloc(AHEAD_RECORDS * keys, sizeof(*a->keys));
        if (!a->operands || !a->scratch || !a->keys)
                return false;
        for (unsigned i = 0; i < AHEAD_RECORDS; i++)
                a->records[i] = (struct ahead_record){
                        .operands = a->operands + i * operands,
                        .scratch = a->scratch + i * operands,
                        .keys = a->keys + i * keys,
                };
        return true;
}

void ahead_free(struct ahead *a)
{
        free(a->operands);
        free(a->scratch);
        free(a->keys);
        a->operands = NULL;
        a->scratch = NULL;
        a->keys = NULL;
}

/* The hash of a key that the record alone tells and has, or 0. */
static uint64_t key_of(const struct ahead_record *r, const struct page_table *t)
{
        uint64_t all = 1;

        if (!t->is_early)
                return 0;
        for (unsigned i = 0; i < t->parts; i++) {
                const struct fact_operand *part = &r->operands[t->early[i]];
                if (part->value.type == VALUE_MISSING)
                        return 0;
                all = i ? hash_mix(all, part->hash) : part->hash;
        }
        return all;
}

void ahead_keys(struct ahead_record *r, struct facts *facts, const struct table *tables,
                struct actors *actors, const struct statistics *statistics,
                const struct record *record, struct slice ja4)
{
        const struct page_kind *page = conditions_kind(&facts->conditions, record->page);

        r->record = record;
        r->page = page;
        for (unsigned i = 0; i < page->early_count; i++)
                facts_read(facts, record, page->early[i], r->scratch[i], &r->operands[i]);
        for (unsigned i = 0; i < page->table_count; i++) {
                r->keys[i].hash = key_of(r, &page->tables[i]);
                if (r->keys[i].hash)
                        table_prefetch(&tables[page->tables[i].table], r->keys[i].hash);
        }
        r->seen = (struct seen_early){ .target = ahead_hash(r, page->early_target),
                                       .host = ahead_hash(r, page->early_host),
                                       .family = ahead_hash(r, page->early_family),
                                       .session = ahead_hash(r, page->early_session) };
        statistics_ahead(statistics, record, &r->seen);
        if (page->table_count == 0)
                return;
        const uint64_t known[ACTOR_TEXTS] = {
                [ACTOR_SESSION] = ahead_hash(r, page->early_session),
                [ACTOR_ACCOUNT] = ahead_hash(r, page->early_account),
        };
        actors_key(actors, record, ja4, known, &r->actor);
        index_prefetch(&actors->actors, r->actor.hash);
}

void ahead_entries(struct ahead_record *r, const struct table *tables,
                   const struct actors *actors)
{
        for (unsigned i = 0; i < r->page->table_count; i++) {
                const struct page_table *page = &r->page->tables[i];
                const struct table *t = &tables[page->table];
                struct ahead_key *key = &r->keys[i];
                if (key->hash && (key->handle = index_guess(&t->index, key->hash)))
                        table_prefetch_entry(t, key->handle);
        }
        if (r->page->table_count == 0)
                return;
        r->actor_handle = index_guess(&actors->actors, r->actor.hash);
        if (r->actor_handle)
                __builtin_prefetch(actors_at(actors, r->actor_handle), 1);
}

void ahead_sets(const struct ahead_record *r, const struct table *tables)
{
        for (unsigned i = 0; i < r->page->table_count; i++) {
                const struct page_table *page = &r->page->tables[i];
                const struct table *t = &tables[page->table];
                const struct ahead_key *key = &r->keys[i];
                if (!key->hash || !key->handle)
                        continue;
                table_prefetch_lists(t, key->handle, r->actor_handle);
                for (unsigned k = 0; k < page->family_count; k++)
                        table_prefetch_set(t, key->handle, page->families[k].number,
                                           ahead_hash(r, page->families[k].early));
                for (unsigned k = 0; k < page->byte_count; k++)
                        table_prefetch_bytes(t, key->handle, page->bytes[k].number);
        }
}
