/* SPDX-License-Identifier: MIT */
/*
 * record - one transaction as flat bytes, seen through the site map.
 *
 * A fixed part, then the texts it points to by offset, all in one block of `size` bytes
 * that can be copied anywhere: through a ring between processes (base/ring.h), behind
 * which record_check.h looks at it. It holds what rules, alerts and `--print requests`
 * need and nothing else; long texts are cut at RECORD_TEXT_CAP and the cut is counted.
 *
 * Missing texts have the offset 0 (which is the record itself). A text may be a part of
 * another one.
 */
#ifndef OBSERVE_RECORD_H
#define OBSERVE_RECORD_H

#include "base/buf.h"
#include "base/ip.h"
#include "packet/tcp_shape.h"

#define RECORD_TEXT_CAP 4096
#define RECORD_HEADERS  32 /* different header('name') that rules can ask for */
#define RECORD_SIZE_MAX 65536
#define RECORD_TIME_MAX (INT64_MAX / 4) /* the engine looks at no later ones */

enum record_text {
        RECORD_METHOD,
        RECORD_HOST,     /* lower case, without the port */
        RECORD_DOMAIN,   /* Host as it came, without the port */
        RECORD_RAW_PATH, /* as it came, without the query */
        RECORD_PATH,     /* as matched: dot segments and doubled slashes resolved,
                            unreserved characters decoded */
        RECORD_QUERY,    /* raw, without the question mark */
        RECORD_TARGET,
        RECORD_SESSION,
        RECORD_SESSION_WAS,
        RECORD_ACCOUNT,
        RECORD_USER_AGENT,
        RECORD_REFERER,
        RECORD_UA_FAMILY,    /* this and the next where observe_agents was asked for */
        RECORD_UA_VERSION,   /* a part of the User-Agent: major[.minor] as it stands */
        RECORD_EMAIL_DOMAIN, /* of a sign-up; nothing else of the form is in a record */
        RECORD_EMAIL_CANONICAL,
        RECORD_EMAIL_SKELETON,
        RECORD_NAME_SKELETON,
        RECORD_PHONE_PREFIX,
        RECORD_TEXTS
};

enum record_flag {
        RECORD_CLIENT_UNCERTAIN = 1 << 0,
        RECORD_SIGNUP_ACCEPTED = 1 << 1,
        RECORD_REFERER_SAME_SITE = 1 << 2,
        RECORD_TARGET_NUMERIC = 1 << 3, /* target_number is valid */
        RECORD_RESPONSE_COMPLETE = 1 << 4,
        RECORD_CLIENT_TRUSTED = 1 << 5, /* the visitor is itself a trusted proxy */
        RECORD_BOT_CLAIMED = 1 << 6,    /* the User-Agent is that of a declared bot */
        RECORD_PIPELINED = 1 << 7, /* sent before the response to the one before ended */
        RECORD_EMAIL_DISPOSABLE = 1 << 8,
        RECORD_FORM_READ = 1 << 9, /* there was a body, of a kind that is read */
        RECORD_UNANSWERED =
            1 << 10, /* the visitor's own connection, and it got no answer */
        RECORD_SESSION_SENT = 1 << 11, /* the request came with a session */
        RECORD_ALL_FLAGS = 2 * RECORD_SESSION_SENT - 1, /* of the last one */
};

struct record_span {
        uint32_t offset, len;
};

struct record {
        uint32_t size; /* fixed part and texts, a multiple of 8 */
        uint32_t flags;
        int64_t start_ns; /* first byte of the request */
        int64_t
            end_ns; /* last byte of the transaction: @timestamp, and the engine's clock */
        int64_t duration_ns; /* end_ns - start_ns; -1 when no response was seen */
        int64_t
            latency_ns; /* last byte of the request to the first of the response; -1 */
        struct ip peer, server, client;
        struct network client_host;   /* the address; IPv6: its /64 */
        struct network client_prefix; /* by the site map's lengths */
        uint16_t peer_port, server_port;
        uint16_t client_port; /* the visitor's; 0 where the proxies do not tell */
        uint16_t page;        /* number in the site map; 0 is `other` */
        uint16_t status;      /* 0: not seen */
        uint16_t cookies;
        uint8_t version_major, version_minor; /* 1.x, or 2.0 */
        uint8_t header_count;                 /* of `headers`: how many are asked for */
        uint8_t sample_shift; /* it was made while 1 in 2^this visitors were looked at */
        uint64_t request_bytes, response_bytes;
        uint64_t target_number;
        uint64_t http_shape; /* 0: none */
        /* None where the peer is a trusted proxy, which opened the connection itself. */
        struct tcp_shape tcp_shape;
        uint32_t request_kind;       /* that http_shape is kept apart by, as a hash */
        uint32_t connection_request; /* 1, 2, ... of its connection; saturating */
        uint64_t software; /* the same without the kind of request; of sign-ups and the
                              page of their form only, else 0 */
        struct record_span texts[RECORD_TEXTS];
        struct record_span headers[RECORD_HEADERS]; /* by number of the name asked for */
};

static inline struct slice record_span_text(const struct record *r,
                                            struct record_span span)
{
        return span.offset ? slice_of((const uint8_t *)r + span.offset, span.len)
                           : slice_none();
}

static inline struct slice record_text(const struct record *r, enum record_text which)
{
        return record_span_text(r, r->texts[which]);
}

/*
 * One JSON object and a newline: the request as `--print requests` shows it.
 * `pseudonym` turns a session or an account into what may leave the sensor
 * (see alert/privacy.h); it writes at most 256 bytes and returns how many. `ja4` is
 * that of the client's hello, or none.
 */
typedef size_t pseudonym_fn(void *context, const char *type, struct slice raw,
                            char out[256]);
void record_print(const struct record *, const char *page_name, pseudonym_fn *pseudonym,
                  void *context, struct slice ja4, struct buf *out);

#endif
