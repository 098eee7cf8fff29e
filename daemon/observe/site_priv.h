/* SPDX-License-Identifier: MIT */
/*
 * site_priv - the site map as observe reads it. Only for this folder.
 */
#ifndef OBSERVE_SITE_PRIV_H
#define OBSERVE_SITE_PRIV_H

#include "lang/yaml.h"
#include "observe/form.h"
#include "observe/identity.h"
#include "observe/route.h"
#include "observe/site.h"
#include "observe/visitor.h"
#include "observe/zone.h"

struct page {
        const char *name;
        bool defined;
        bool is_signup;        /* signup.accepted is asked for it */
        bool is_form;          /* the page that serves the form */
        bool reads_body;       /* `accepted` looks at the response's body */
        struct form *form;     /* NULL: its bodies are not looked at */
        struct expr *accepted; /* NULL: 2xx and 3xx */
};

enum proxy_protocol { PROXY_PROTOCOL_AUTO, PROXY_PROTOCOL_ALWAYS, PROXY_PROTOCOL_NEVER };

struct site {
        struct yaml *yaml;  /* texts of the map live in it */
        struct page *pages; /* [0] is `other` */
        unsigned page_count;
        struct value_names names;
        struct routes *routes;
        struct headers headers;
        struct trusted trusted;
        enum visitor_syntax syntax;
        enum proxy_protocol proxy_protocol;
        uint8_t prefix_v4, prefix_v6; /* in bits of IPv6: an IPv4 /24 is 120 */
        struct cookie_names cookies;
        struct identity session, account;
        uint8_t wanted_slots[32]; /* RECORD_HEADERS: by number, the header's slot */
        unsigned wanted_count;
        bool blocks_private;
        bool has_forms, reads_bodies; /* some page does */
        struct zone zone;
};

/* What `accepted:` may look at. */
struct site_response {
        uint16_t status;
        struct slice body; /* its first SITE_RESPONSE_BODY bytes; none when not kept */
};

#define SITE_RESPONSE_BODY 4096

/* Whether the site took what was sent, for pages that are a sign-up. */
bool site_accepts(const struct site *, unsigned page, const struct site_response *,
                  struct counters *);

#endif
