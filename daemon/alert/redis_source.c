/* SPDX-License-Identifier: MIT */
#include "alert/redis_source_priv.h"

#include "base/clock.h"
#include "base/log.h"

#include <inttypes.h>

#define NEVER UINT64_MAX /* no journal comes to that number */

void source_init(struct redis_source *s, struct journal *journal, const char *directory,
                 struct counters *counters)
{
        *s = (struct redis_source){ .journal = journal,
                                    .directory = directory,
                                    .counters = counters,
                                    .exhausted_at = NEVER };
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

static void tell_damage(struct redis_source *s)
{
        uint64_t damaged = journal_cursor_damaged(s->cursor);

        if (damaged == s->damaged)
                return;
        s->counters->journal_damaged += damaged - s->damaged;
        s->damaged = damaged;
        if (log_limit_pass(&s->damage_limit, clock_monotonic_ns()))
                log_error("journal %s: a file is damaged after record %" PRIu64
                          "; the alerts behind it in that file are not published; check "
                          "the disk",
                          s->directory, s->passed);
}

/* A held record may be on disk by now: what was handed out does not come again. */
static bool next_record(struct redis_source *s, struct journal_record *record)
{
        bool found;

        while ((found = journal_cursor_next(s->cursor, record) == JOURNAL_RECORD) &&
               record->sequence <= s->passed)
                ;
        tell_damage(s);
        if (found)
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
