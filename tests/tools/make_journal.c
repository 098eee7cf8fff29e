/* SPDX-License-Identifier: MIT */
/*
 * make_journal FOLDER NOW - writes alerts as the daemon would, for tests of trawlctl.
 *
 * NOW is the second (since 1970) at which the youngest one ends. One incident per kind of
 * thing that trawlctl has to show: over; open with a block; a dry run whose
 * subject holds what a terminal would obey.
 */
#include <stdio.h>
#include <stdlib.h>

#include "alert/alert.h"
#include "alert/alert_json.h"
#include "alert/journal.h"
#include "base/clock.h"

#define MINUTE (60 * NS_PER_SEC)

static const char *const references[] = { "OWASP OAT-011", NULL };

static void append(struct journal *journal, const struct incident *incident)
{
        struct buf json = { 0 }, payload = { 0 };

        alert_json(incident, &json);
        alert_encode(&payload, incident, buf_slice(&json));
        if (!journal_append(journal, buf_slice(&payload), incident->time_ns))
                exit(1);
        buf_free(&json);
        buf_free(&payload);
}

static struct incident incident_of(const char *id, const char *rule, const char *subject,
                                   enum severity severity, int64_t start_ns,
                                   const struct incident_involved *involved)
{
        struct incident incident = {
                .action = INCIDENT_RAISED,
                .time_ns = start_ns + MINUTE,
                .start_ns = start_ns,
                .last_ns = start_ns + MINUTE,
                .rule = rule,
                .description =
                    "One client opens far more distinct profiles than a person.",
                .references = references,
                .severity = severity,
                .subject_type = "client.host",
                .subject = slice_str(subject),
                .served_targets = 120,
                .served_bytes = 2400123,
                .involved = involved,
                .sample_count = 1,
                .samples = { SLICE("GET /in/anna 200") },
        };

        snprintf(incident.id, sizeof(incident.id), "%s", id);
        return incident;
}

int main(int argc, char **argv)
{
        static struct incident_involved involved[PARTICIPANT_KINDS];
        const struct incident_evidence evidence[] = {
                { "distinct(target, 10m)", 120, false, true },
                { "share(status == 404, 10m)", 0.8125, false, false },
                { "mean(latency, 10m)", 0, true, false },
        };
        struct counters counters = { 0 };
        struct journal_options options = { .sync = JOURNAL_SYNC_OFF,
                                           .counters = &counters };
        struct incident_block block = { .type = "ip",
                                        .value = SLICE("198.51.100.9"),
                                        .level = 2 };
        struct journal *journal;
        struct incident in;
        int64_t now_ns;

        if (argc != 3)
                return 2;
        options.directory = argv[1];
        now_ns = (int64_t)atoll(argv[2]) * NS_PER_SEC;
        journal = journal_open(&options, now_ns);
        if (!journal)
                return 1;
        involved[PARTICIPANT_CLIENT_IP].total = 2;
        involved[PARTICIPANT_CLIENT_IP].count = 2;
        involved[PARTICIPANT_CLIENT_IP].values[0] = slice_str("203.0.113.9");
        involved[PARTICIPANT_CLIENT_IP].values[1] = slice_str("203.0.113.10");

        in = incident_of("01JDDA0000AAAAAAAAFIRSTONE", "profile-harvest", "203.0.113.9",
                         SEVERITY_HIGH, now_ns - 120 * MINUTE, involved);
        in.evidence = evidence;
        in.evidence_count = 3;
        append(journal, &in);
        in.action = INCIDENT_UPDATED;
        in.n = 1;
        in.time_ns += 10 * MINUTE;
        in.served_targets = 431;
        append(journal, &in);
        in.action = INCIDENT_ENDED;
        in.n = 2;
        in.time_ns += 10 * MINUTE;
        append(journal, &in);

        in = incident_of("01JDDA0000BBBBBBBBSECNDONE", "signup-burst", "198.51.100.0/24",
                         SEVERITY_MEDIUM, now_ns - 30 * MINUTE, involved);
        snprintf(in.group, sizeof(in.group), "01JDDA0000AAAAAAAAFIRSTONE");
        block.since_ns = in.time_ns;
        block.until_ns = now_ns + 60 * MINUTE;
        in.blocks = &block;
        in.block_count = 1;
        in.blocks_are_new = true;
        in.enforcement = (struct enforcement){ true, BLOCK_REFUSED, 9, 7, 507 };
        append(journal, &in);

        in = incident_of("01JDDA0000CCCCCCCCTHIRDONE", "enumeration",
                         "\033]0;owned\007\xff|x", SEVERITY_LOW, now_ns - 2 * MINUTE,
                         involved);
        in.dry_run = true;
        append(journal, &in);
        journal_free(&journal);
        return 0;
}
