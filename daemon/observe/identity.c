/* SPDX-License-Identifier: MIT */
#include "observe/identity.h"

/* "Bearer abc" is abc; a value of one word stays (RFC 9110 11.4). */
static struct slice without_scheme(struct slice value)
{
        struct slice rest = slice_trim(slice_from(value, slice_find(value, ' ')));

        return rest.len ? rest : value;
}

static struct slice request_value(const struct identity_source *s,
                                  const struct identity_seen *seen)
{
        struct slice value = slice_none();

        if (s->kind == IDENTITY_COOKIE)
                value = seen->cookies[s->index];
        else if (s->kind == IDENTITY_HEADER)
                value = seen->slots[s->index];
        if (s->credentials)
                value = without_scheme(value);
        return value.len ? value : slice_none();
}

bool identity_is_sent(const struct identity *identity, const struct identity_seen *seen)
{
        for (unsigned i = 0; i < identity->count; i++)
                if (!slice_is_none(request_value(&identity->sources[i], seen)))
                        return true;
        return false;
}

struct slice identity_find(const struct identity *identity,
                           const struct identity_seen *seen, struct slice *was)
{
        struct slice before = slice_none(), after = slice_none();

        for (unsigned i = 0; i < identity->count && slice_is_none(before); i++) {
                const struct identity_source *s = &identity->sources[i];
                struct slice sent = request_value(s, seen), set = slice_none();
                if (s->kind == IDENTITY_COOKIE)
                        set = seen->set_cookies[s->index];
                else if (s->kind == IDENTITY_RESPONSE_HEADER)
                        set = seen->response_headers[i];
                if (slice_is_none(before))
                        before = sent;
                if (slice_is_none(after))
                        after = set.len ? set : sent;
        }
        *was = slice_equal(before, after) ? slice_none() : before;
        return after;
}
