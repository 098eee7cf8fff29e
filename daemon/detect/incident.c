/* SPDX-License-Identifier: MIT */
#include "detect/incident.h"

static const struct {
        const char *name;
        unsigned number; /* event.severity */
} severities[] = {
        [SEVERITY_INFO] = { "info", 1 },          [SEVERITY_LOW] = { "low", 21 },
        [SEVERITY_MEDIUM] = { "medium", 47 },     [SEVERITY_HIGH] = { "high", 73 },
        [SEVERITY_CRITICAL] = { "critical", 99 },
};

static const char *const actions[] = {
        [INCIDENT_RAISED] = "raised",
        [INCIDENT_UPDATED] = "updated",
        [INCIDENT_ENDED] = "ended",
};

static const char *const participants[] = {
        [PARTICIPANT_CLIENT_IP] = "client.ip",
        [PARTICIPANT_CLIENT_PREFIX] = "client.prefix",
        [PARTICIPANT_SESSION] = "session",
        [PARTICIPANT_ACCOUNT] = "account",
        [PARTICIPANT_TLS_JA4] = "tls.ja4",
        [PARTICIPANT_HTTP_SHAPE] = "http.shape",
        [PARTICIPANT_EMAIL_DOMAIN] = "email.domain",
        [PARTICIPANT_EMAIL_SKELETON] = "email.skeleton",
};

static const char *const block_states[] = {
        [BLOCK_IGNORED] = "ignored",
        [BLOCK_REFUSED] = "refused",
        [BLOCK_SILENT] = "silent",
};

const char *severity_name(enum severity severity)
{
        return severities[severity].name;
}

unsigned severity_number(enum severity severity)
{
        return severities[severity].number;
}

bool severity_parse(struct slice name, enum severity *severity)
{
        for (unsigned i = 0; i < sizeof(severities) / sizeof(*severities); i++)
                if (slice_is(name, severities[i].name)) {
                        *severity = (enum severity)i;
                        return true;
                }
        return false;
}

const char *incident_action_name(enum incident_action action)
{
        return actions[action];
}

const char *participant_name(enum participant_kind kind)
{
        return participants[kind];
}

const char *block_state_name(enum block_state state)
{
        return (unsigned)state < BLOCK_STATES ? block_states[state] : NULL;
}
