/* SPDX-License-Identifier: MIT */
#include "detect/carrier.h"

#include <string.h>

bool carrier_is_kind(enum field_kind kind)
{
        return kind == FIELD_SESSION_WAS || field_participant(kind) != PARTICIPANT_KINDS;
}

static enum field_kind plain_kind(enum field_kind kind)
{
        if (kind == FIELD_SESSION_WAS)
                return FIELD_SESSION;
        return kind == FIELD_HOST ? FIELD_IP : kind;
}

bool carrier_is_same_kind(enum field_kind put, enum field_kind read)
{
        return plain_kind(put) == plain_kind(read);
}

static uint64_t never_zero(uint64_t hash)
{
        return hash ? hash : 1;
}

static uint64_t of_network(const struct hash_key *key, const struct network *network)
{
        uint8_t bytes[17];

        memcpy(bytes, network->ip.bytes, 16);
        bytes[16] = network->bits;
        return never_zero(
            hash_mix(hash_bytes(key, bytes, sizeof(bytes)), PARTICIPANT_CLIENT_IP + 1));
}

uint64_t carrier_of_text(const struct hash_key *key, enum participant_kind kind,
                         struct slice raw)
{
        return slice_is_none(raw)
                   ? 0
                   : never_zero(hash_mix(hash_slice(key, raw), (uint64_t)kind + 1));
}

uint64_t carrier_of_value(const struct hash_key *key, enum field_kind kind,
                          const struct value *value)
{
        if (value->type == VALUE_NETWORK)
                return of_network(key, &value->network);
        return carrier_of_text(key, field_participant(plain_kind(kind)), value->text);
}

uint64_t carrier_of_actor(const struct actors *a, enum field_kind kind,
                          const struct actor *actor)
{
        enum participant_kind participant = field_participant(plain_kind(kind));
        struct network network;
        char text[256];

        if (participant == PARTICIPANT_KINDS || !actor_has(actor, participant))
                return 0;
        switch (kind) {
        case FIELD_IP:
        case FIELD_HOST:
        case FIELD_PREFIX:
                network = actor_network(actor, kind);
                return of_network(a->key, &network);
        case FIELD_SHAPE:
                return carrier_of_text(
                    a->key, participant,
                    slice_of(text, actors_publish(a, participant, actor, text)));
        default:
                return never_zero(actors_text_hash(a, participant, actor));
        }
}
