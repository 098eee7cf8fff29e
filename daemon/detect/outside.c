/* SPDX-License-Identifier: MIT */
#include "detect/outside.h"

enum { KNOWN_ASN = 1, KNOWN_COUNTRY = 2, KNOWN_BOT = 4 };

/* Whether it has to be looked up, which is so once. */
static bool is_new(struct outside *o, unsigned what)
{
        bool new = !(o->known & what);

        o->known |= what;
        return new;
}

bool outside_asn(struct outside *o, const struct record *r, uint32_t *asn)
{
        const struct geo *geo = o->sources->asn;

        if (is_new(o, KNOWN_ASN))
                o->has_asn = geo && geo_asn(geo, &r->client, &o->asn);
        *asn = o->asn;
        return o->has_asn;
}

struct slice outside_country(struct outside *o, const struct record *r)
{
        const struct geo *geo = o->sources->country;

        if (is_new(o, KNOWN_COUNTRY))
                o->country = geo ? geo_country(geo, &r->client) : slice_none();
        return o->country;
}

static enum bot_check check_names(const struct outside_sources *s, uint64_t bit,
                                  const struct record *r)
{
        struct hosts_answer answer = s->hosts(s->hosts_context, &r->client, r->end_ns);

        if (answer.families & bit)
                return BOT_PASSED;
        if (answer.state == HOSTS_PENDING)
                return BOT_PENDING;
        return answer.state == HOSTS_KNOWN ? BOT_FAILED : BOT_UNKNOWN;
}

static enum bot_check check(const struct outside_sources *s, const struct record *r)
{
        const struct crawler *crawler =
            s->crawlers ? crawlers_find(s->crawlers, record_text(r, RECORD_UA_FAMILY))
                        : NULL;

        if (!crawler)
                return BOT_UNKNOWN;
        if (crawler_owns(crawler, &r->client))
                return BOT_PASSED;
        if (ip_is_private(&r->client))
                return BOT_UNKNOWN;
        uint64_t bit = s->hosts ? crawler_host_bit(crawler) : 0;
        if (bit)
                return check_names(s, bit, r);
        return crawler_has_ranges(crawler) ? BOT_FAILED : BOT_UNKNOWN;
}

enum bot_check outside_bot(struct outside *o, const struct record *r)
{
        if (is_new(o, KNOWN_BOT))
                o->check = check(o->sources, r);
        return o->check;
}
