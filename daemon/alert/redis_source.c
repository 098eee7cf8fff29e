/* SPDX-License-Identifier: MIT */
#include "alert/redis_source_priv.h"

#define NEVER UINT64_MAX /* no journal comes to that number */

void source_init(struct redis_source *s, struct journal *journal, const char *directory)
{
        *s = (struct redis_source){ .journal = journal, .exhausted_at = NEVER };
        s->cursor = journal_cursor_new(directory);
}

void source_free(struct redis_source *s)
{
        journal_cursor_free(&s->cursor);
}

void source_seek(struct redis_source *s, uint64_t sequence)
{
        journal_cursor_seek(s->cursor, sequence + 1);
        s->passed = sequence;
        s->exhausted_at = NEVER;
}

/* A held record may be on disk by now: what was handed out does not come again. */
static bool next_record(struct redis_source *s, struct journal_record *record)
{
        while (journal_cursor_next(s->cursor, record) == JOURNAL_RECORD)
                if (record->sequence > s->passed)
                        return true;
        return journal_held(s->journal, s->passed, &record->sequence, &record->payload);
}

bool source_next(struct redis_source *s, struct alert *alert)
{
        uint64_t limit = journal_publishable(s->journal);
        struct journal_record record;

        while (s->passed < limit && !source_is_exhausted(s) && next_record(s, &record)) {
                if (record.sequence > limit) {
                        source_seek(s, record.sequence - 1);
                        return false;
                }
                s->passed = record.sequence;
                if (alert_decode(record.payload, alert)) {
                        alert->sequence = record.sequence;
                        return true;
                }
        }
        if (limit == journal_last(s->journal))
                s->exhausted_at = limit;
        return false;
}

bool source_is_exhausted(const struct redis_source *s)
{
        return s->exhausted_at == journal_last(s->journal);
}
