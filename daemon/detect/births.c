/* SPDX-License-Identifier: MIT */
#include "detect/births.h"

#include "detect/carrier.h"

#define HAND_LOOKS 32 /* so that some of those that should go are among them */
#define SWEEP      2

struct birth {
        uint64_t hash;
        int64_t born_ns; /* the last bit says what it is: a domain's is 1 */
};

_Static_assert(sizeof(struct birth) == BIRTH_SIZE, "as the header says");

void births_find_classes(struct births *b)
{
        b->class = budget_class_of(b->budget, sizeof(struct birth));
}

bool births_init(struct births *b, struct budget *budget, const struct hash_key *key,
                 uint64_t index_bytes, uint32_t max, uint64_t *evicted)
{
        *b = (struct births){
                .budget = budget,
                .key = key,
                .evicted = evicted,
                .max = max ? max : 1,
                .began_ns = -1,
        };
        births_find_classes(b);
        return index_init(&b->index, index_bytes, &budget->kept_index_room);
}

void births_free(struct births *b)
{
        index_free(&b->index);
        *b = (struct births){ 0 };
}

static struct birth *birth_at(const struct births *b, uint32_t handle)
{
        return budget_at(b->budget, handle);
}

static bool is_over(const struct birth *birth, int64_t now_ns)
{
        return now_ns - birth->born_ns >= BIRTHS_TTL;
}

/* The last even or odd nanosecond until then. */
static int64_t of_account(int64_t ns)
{
        return ns & ~INT64_C(1);
}

static int64_t of_domain(int64_t ns)
{
        return (ns - 1) | 1;
}

static bool is_domain(const struct birth *birth)
{
        return birth->born_ns & 1;
}

static void forget(struct births *b, uint32_t handle)
{
        b->domains -= is_domain(birth_at(b, handle));
        index_remove(&b->index, birth_at(b, handle)->hash, handle);
        budget_give(b->budget, handle);
}

static void sweep(struct births *b, int64_t now_ns)
{
        for (unsigned i = 0; i < SWEEP && b->index.count; i++) {
                uint32_t handle = index_next(&b->index, &b->hand);
                if (is_over(birth_at(b, handle), now_ns))
                        forget(b, handle);
        }
}

/* Of domains the newest, as everybody uses the old ones; of accounts the oldest. */
static bool goes_before(const struct birth *a, const struct birth *b, bool domains_first)
{
        if (is_domain(a) != is_domain(b))
                return is_domain(a) == domains_first;
        return is_domain(a) ? a->born_ns > b->born_ns : a->born_ns < b->born_ns;
}

static void evict(struct births *b, int64_t now_ns)
{
        uint32_t first = 0;

        for (unsigned i = 0; i < HAND_LOOKS && i < b->index.count; i++) {
                uint32_t handle = index_next(&b->index, &b->hand);
                if (first == 0 || goes_before(birth_at(b, handle), birth_at(b, first),
                                              b->domains > b->index.count / 2))
                        first = handle;
        }
        if (first == 0)
                return;
        *b->evicted += !is_over(birth_at(b, first), now_ns);
        forget(b, first);
}

static uint32_t take(struct births *b, uint64_t hash)
{
        uint32_t handle =
            b->index.count < b->max ? budget_take(b->budget, b->class, BUDGET_KEPT) : 0;

        if (handle == 0)
                return 0;
        birth_at(b, handle)->hash = hash;
        if (index_put(&b->index, hash, handle))
                return handle;
        budget_give(b->budget, handle);
        return 0;
}

static struct birth *find(const struct births *b, uint64_t hash, int64_t now_ns)
{
        uint32_t handle = hash ? index_find(&b->index, b->budget, hash) : 0;
        struct birth *birth = handle ? birth_at(b, handle) : NULL;

        return birth && !is_over(birth, now_ns) ? birth : NULL;
}

static void put(struct births *b, uint64_t hash, int64_t born_ns, int64_t now_ns)
{
        uint32_t handle = index_find(&b->index, b->budget, hash);

        if (handle == 0) {
                sweep(b, now_ns);
                handle = take(b, hash);
        }
        if (handle == 0) {
                evict(b, now_ns);
                handle = take(b, hash);
        }
        if (handle == 0)
                return;
        struct birth *birth = birth_at(b, handle);
        b->domains += (uint32_t)(born_ns & 1) - is_domain(birth);
        birth->born_ns = born_ns;
}

static uint64_t text_hash(const struct births *b, const struct record *r,
                          enum participant_kind kind, enum record_text which)
{
        return carrier_of_text(b->key, kind, record_text(r, which));
}

/* The session of the request hands its birth on to that of the response. */
static void follow(struct births *b, const struct record *r, uint64_t session)
{
        const struct birth *birth =
            find(b, text_hash(b, r, PARTICIPANT_SESSION, RECORD_SESSION_WAS), r->end_ns);

        if (birth && session && !find(b, session, r->end_ns))
                put(b, session, birth->born_ns, r->end_ns);
}

static void sign_up(struct births *b, const struct record *r, uint64_t session)
{
        uint64_t account = text_hash(b, r, PARTICIPANT_ACCOUNT, RECORD_ACCOUNT);

        if (session)
                put(b, session, of_account(r->end_ns), r->end_ns);
        if (account && !find(b, account, r->end_ns))
                put(b, account, of_account(r->end_ns), r->end_ns);
}

static uint64_t domain_of(const struct births *b, const struct record *r)
{
        return text_hash(b, r, PARTICIPANT_EMAIL_DOMAIN, RECORD_EMAIL_DOMAIN);
}

static bool has_history(const struct births *b, int64_t now_ns)
{
        return b->began_ns >= 0 && now_ns - b->began_ns >= DOMAIN_HISTORY;
}

static void note_domain(struct births *b, const struct record *r)
{
        int64_t now_ns = r->end_ns, old_ns = now_ns - DOMAIN_OLD;
        uint64_t domain = domain_of(b, r);

        if (domain == 0)
                return;
        if (b->began_ns < 0)
                b->began_ns = now_ns;
        const struct birth *birth = find(b, domain, now_ns);
        if (!birth)
                put(b, domain, of_domain(has_history(b, now_ns) ? now_ns : old_ns),
                    now_ns);
        else if (birth->born_ns < old_ns)
                put(b, domain, of_domain(old_ns), now_ns);
}

static void note_account(struct births *b, const struct record *r)
{
        bool is_sign_up = r->flags & RECORD_SIGNUP_ACCEPTED;
        bool is_changed = r->texts[RECORD_SESSION_WAS].offset != 0;

        if (!is_sign_up && !is_changed)
                return;
        uint64_t session = text_hash(b, r, PARTICIPANT_SESSION, RECORD_SESSION);
        if (is_changed)
                follow(b, r, session);
        if (is_sign_up)
                sign_up(b, r, session);
}

void births_note(struct births *b, const struct record *r, unsigned kinds)
{
        if (kinds & BIRTH_ACCOUNTS)
                note_account(b, r);
        if (kinds & BIRTH_DOMAINS && r->flags & RECORD_SIGNUP_ACCEPTED)
                note_domain(b, r);
}

int64_t births_domain_age_ns(const struct births *b, const struct record *r)
{
        uint64_t domain = domain_of(b, r);

        if (domain == 0 || !has_history(b, r->end_ns))
                return -1;
        const struct birth *birth = find(b, domain, r->end_ns);
        if (!birth)
                return 0;
        int64_t age_ns = r->end_ns > birth->born_ns ? r->end_ns - birth->born_ns : 0;
        return age_ns < DOMAIN_OLD ? age_ns : DOMAIN_OLD;
}

int64_t births_age_ns(const struct births *b, const struct record *r)
{
        const struct birth *birth =
            find(b, text_hash(b, r, PARTICIPANT_ACCOUNT, RECORD_ACCOUNT), r->end_ns);

        if (!birth)
                birth = find(b, text_hash(b, r, PARTICIPANT_SESSION, RECORD_SESSION),
                             r->end_ns);
        if (!birth)
                return -1;
        return r->end_ns > birth->born_ns ? r->end_ns - birth->born_ns : 0;
}
