/* SPDX-License-Identifier: MIT */
/*
 * actors - who makes transactions: one block for each visitor as it appears.
 *
 * An actor is one combination of address, session, account, fingerprint and header
 * shape, and in a sign-up of what its e-mail address looks like (domain and skeleton,
 * never more). All keys that it took part in (its address, its network, its session)
 * name it by one handle, so its texts are held once. Texts are interned with a count of
 * their users; one that is longer than ACTOR_TEXT_MAX is held as the pseudonym it would
 * leave the sensor as. A session of up to ACTOR_OWN_MAX bytes is not: few actors have the
 * same, and as a part of its actor it needs no block, no count and no place in an index,
 * which take 24 bytes and more.
 *
 * Actors are counted references: the last one to let go frees the block.
 */
#ifndef DETECT_ACTORS_H
#define DETECT_ACTORS_H

#include "base/hash.h"
#include "detect/incident.h"
#include "detect/index.h"
#include "detect/vocabulary.h"
#include "observe/record.h"

#define ACTOR_TEXT_MAX 488
#define ACTOR_OWN_MAX  32

/* What an actor is told apart by, beside its address and shape. */
enum actor_text_kind {
        ACTOR_SESSION,
        ACTOR_ACCOUNT,
        ACTOR_EMAIL_DOMAIN,
        ACTOR_EMAIL_SKELETON,
        ACTOR_JA4,
        ACTOR_TEXTS
};

#define ACTOR_IP_WORDS (sizeof(struct ip) / sizeof(uint32_t))

/* Most have an IPv4 address and a session of 16 to 32 bytes: 44 to 60 bytes. */
struct actor {
        uint64_t hash;
        uint64_t http_shape; /* 0: none */
        uint32_t references;
        uint8_t prefix_bits;
        uint8_t texts; /* a bit for each kind that it has */
        uint8_t is_v4 : 1;
        uint8_t own_len : 7; /* of its own session; 0: it has none, or it is a text */
        uint32_t words[];    /* the address, the last of four alone in IPv4; then the texts
                                but for an own one; then the bytes of that */
};

struct actor_text {
        uint64_t hash;
        uint32_t references;
        uint16_t len;
        bool is_published; /* it is already what leaves the sensor */
        uint8_t kind;      /* enum participant_kind */
        uint8_t bytes[];
};

#define ACTOR_TEXT_SIZES 5
#define ACTOR_SIZE_MAX                                                            \
        (offsetof(struct actor, words) +                                          \
         (ACTOR_IP_WORDS + ACTOR_TEXTS) * sizeof(uint32_t) + ACTOR_OWN_MAX)
#define ACTOR_SIZES (ACTOR_SIZE_MAX / 8 + 2)

struct actors {
        struct budget *budget;
        const struct hash_key *key;
        pseudonym_fn *pseudonym; /* NULL: texts are published as they are */
        void *pseudonym_context;
        struct index actors, texts;
        unsigned classes[ACTOR_SIZES]; /* by eight bytes */
        unsigned text_classes[ACTOR_TEXT_SIZES];
};

/* `index_bytes` is for each of the two indexes. */
bool actors_init(struct actors *, struct budget *, const struct hash_key *,
                 uint64_t index_bytes);
void actors_free(struct actors *);

/* Finds its classes of the budget again, when the budget's were read back. */
void actors_find_classes(struct actors *);

/* What the actor of a record is found by. */
struct actor_key {
        uint64_t hash;
        uint64_t texts[ACTOR_TEXTS];
};

/*
 * `ja4` is that of its ClientHello, or none. `known`: keyed hashes of the bytes of those
 * texts that were hashed before; else 0.
 */
void actors_key(const struct actors *, const struct record *, struct slice ja4,
                const uint64_t known[ACTOR_TEXTS], struct actor_key *);

/*
 * The actor of a record, with a reference for the caller. 0 when there is no room. The
 * second is for who has its key already.
 */
uint32_t actors_take(struct actors *, const struct record *, struct slice ja4);
uint32_t actors_take_known(struct actors *, const struct record *, struct slice ja4,
                           const struct actor_key *);
void actors_hold(struct actors *, uint32_t actor);
void actors_drop(struct actors *, uint32_t actor);

static inline const struct actor *actors_at(const struct actors *a, uint32_t actor)
{
        return budget_at(a->budget, actor);
}

/* Whether the actor shows a value of that kind. */
bool actor_has(const struct actor *, enum participant_kind);

/* Its address, host or network: `kind` is FIELD_IP, FIELD_HOST or FIELD_PREFIX. */
struct network actor_network(const struct actor *, enum field_kind);

/* Keyed hash of the raw text that it shows of a kind, mixed with the kind; 0: none. */
uint64_t actors_text_hash(const struct actors *, enum participant_kind,
                          const struct actor *);

/* Orders two actors by their values of a kind; 0 when these are the same. */
int actors_compare(const struct actors *, enum participant_kind, const struct actor *,
                   const struct actor *);

/* Text of the value as it is published; at most 256 bytes. Returns the length. */
size_t actors_publish(const struct actors *, enum participant_kind, const struct actor *,
                      char out[256]);

/* A session or an account as it is published. */
size_t actors_pseudonym(const struct actors *, enum participant_kind, struct slice raw,
                        char out[256]);

#endif
