/* SPDX-License-Identifier: MIT */
/*
 * forms - runs scenarios through frame, stream, http and observe, up to what a record
 * says of a sign-up. What must come out is METHOD TARGET STATUS, `taken` when the
 * sign-up was accepted, and KEY=VALUE for each thing that the form said.
 */
#include "base/clock.h"
#include "http/http.h"
#include "observe/observe.h"
#include "stream/stream.h"
#include "variants.h"

#include <err.h>
#include <stdlib.h>

static const char map[] =
    "pages:\n"
    "  - name: signup\n"
    "    method: POST\n"
    "    path: /signup\n"
    "    form: { email: [email, user.email], name: [name, first+last], phone: phone }\n"
    "  - name: join\n"
    "    path: /join\n"
    "    form: { email: email }\n"
    "    accepted: status == 200 and response.body contains 'welcome'\n";

static const struct {
        const char *key;
        enum record_text text;
} texts[] = {
        { "domain", RECORD_EMAIL_DOMAIN },     { "canonical", RECORD_EMAIL_CANONICAL },
        { "skeleton", RECORD_EMAIL_SKELETON }, { "name", RECORD_NAME_SKELETON },
        { "phone", RECORD_PHONE_PREFIX },
};

struct run {
        struct observe *observe;
        struct buf *out;
};

static void on_transaction(void *context, const struct transaction *t)
{
        struct run *run = context;
        const struct record *r = observe_transaction(run->observe, t);

        buf_put_slice(run->out, t->method);
        buf_put_byte(run->out, ' ');
        buf_put_slice(run->out, t->target);
        if (t->status)
                buf_printf(run->out, " %u", t->status);
        else
                buf_put_str(run->out, " -");
        if (r->flags & RECORD_SIGNUP_ACCEPTED)
                buf_put_str(run->out, " taken");
        if (r->flags & RECORD_FORM_READ)
                buf_put_str(run->out, " read");
        for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
                struct slice text = record_text(r, texts[i].text);
                if (!slice_is_none(text))
                        buf_printf(run->out, " %s=%.*s", texts[i].key, (int)text.len,
                                   (const char *)text.data);
        }
        if (r->flags & RECORD_EMAIL_DISPOSABLE)
                buf_put_str(run->out, " disposable");
        buf_put_byte(run->out, '\n');
}

static size_t on_body(void *context, const struct transaction *t, enum body_of of)
{
        return observe_body_wanted(((struct run *)context)->observe, t, of);
}

static void run_wire(const struct wire *wire, struct result *result)
{
        struct http_options http_options = { 65536, 100, 32, 16 << 20, 8, { 0 } };
        struct stream_options stream_options = {
                .flows_max = 1000,
                .idle_ns = 300 * NS_PER_SEC,
                .half_open_ns = 30 * NS_PER_SEC,
                .reorder_ns = 200 * NS_PER_MS,
                .memory_max = 16 << 20,
                .flow_memory = 256 << 10,
                .hash_key = hash_key_fixed(),
        };
        struct hash_key key = hash_key_fixed();
        struct diag *diag = diag_new();
        struct site *site = site_parse("site.yaml", slice_str(map), diag);
        struct domains *disposable =
            domains_parse("list", slice_str("mailinator.com\n"), diag);
        if (!site || !disposable)
                errx(1, "the site map or the list is wrong");
        struct run run = { observe_new(site, &key, &result->counters), &result->text };
        observe_forms(run.observe, 1024, disposable);

        struct http *http =
            http_new(&http_options, on_transaction, &run, &result->counters);
        http_want_bodies(http, on_body);
        struct stream *stream =
            stream_new(&stream_options, http_handler(http), &result->counters);
        variants_play(wire, stream, &result->counters);
        stream_finish(stream);
        stream_free(&stream);
        if (http_memory(http) != 0)
                errx(1, "%llu bytes of heads were kept",
                     (unsigned long long)http_memory(http));
        http_free(&http);
        observe_free(&run.observe);
        domains_free(&disposable);
        site_free(&site);
        diag_free(&diag);
}

int main(int argc, char **argv)
{
        return variants_main(argc, argv, run_wire);
}
