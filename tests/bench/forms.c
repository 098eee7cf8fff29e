/* SPDX-License-Identifier: MIT */
/*
 * forms - how many sign-ups a second one core reads: from a transaction with its body
 * to the record, all that observe does included.
 *
 *      bench-forms [SECONDS]
 *
 * Prints a line for each kind of body: its length, sign-ups a second, ns for each.
 */
#include "base/check.h"
#include "base/clock.h"
#include "observe/observe.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <zlib.h>

enum { DOMAINS = 120000, TARGETS = 256, BODY_ROOM = 4096 };

static const char map[] =
    "session: { cookie: sid }\n"
    "pages:\n"
    "  - name: signup\n"
    "    method: POST\n"
    "    path: /signup\n"
    "    form: { email: [email, user.email], name: [name, first+last], phone: phone }\n";

static const char *const bodies[][2] = {
        { "application/x-www-form-urlencoded",
          "csrf=0f5b7a1c9d3e4f60&first=Anna&last=Lee&email=anna.lee%u%%40example.org"
          "&password=correct+horse+battery&phone=%%2B49+151+12345678&terms=on" },
        { "multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW",
          "------WebKitFormBoundary7MA4YWxkTrZu0gW\r\n"
          "Content-Disposition: form-data; "
          "name=\"email\"\r\n\r\nanna.lee%u@example.org\r\n"
          "------WebKitFormBoundary7MA4YWxkTrZu0gW\r\n"
          "Content-Disposition: form-data; name=\"password\"\r\n\r\ncorrect horse\r\n"
          "------WebKitFormBoundary7MA4YWxkTrZu0gW\r\n"
          "Content-Disposition: form-data; name=\"name\"\r\n\r\nAnna Lee\r\n"
          "------WebKitFormBoundary7MA4YWxkTrZu0gW\r\n"
          "Content-Disposition: form-data; name=\"phone\"\r\n\r\n+49 151 12345678\r\n"
          "------WebKitFormBoundary7MA4YWxkTrZu0gW--\r\n" },
        { "application/json",
          "{\"user\":{\"password\":\"correct "
          "horse\",\"email\":\"anna.lee%u@example.org\"},"
          "\"first\":\"Anna\",\"last\":\"Lee\",\"phone\":\"+49 151 12345678\","
          "\"terms\":true,\"tags\":[\"a\",\"b\"],\"csrf\":\"0f5b7a1c9d3e4f60\"}" },
};

static struct domains *make_domains(struct diag *diag)
{
        struct buf text = { 0 };

        for (unsigned i = 0; i < DOMAINS; i++)
                buf_printf(&text, "mail%u.example\n", i);
        struct domains *domains = domains_parse("made up", buf_slice(&text), diag);
        buf_free(&text);
        CHECK(domains);
        return domains;
}

static void pack(uint8_t *body, size_t *len)
{
        uint8_t packed[BODY_ROOM];
        z_stream z = { 0 };

        CHECK(deflateInit2(&z, 6, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY) ==
              Z_OK);
        z.next_in = body;
        z.avail_in = (unsigned)*len;
        z.next_out = packed;
        z.avail_out = sizeof(packed);
        CHECK(deflate(&z, Z_FINISH) == Z_STREAM_END);
        *len = sizeof(packed) - z.avail_out;
        deflateEnd(&z);
        memcpy(body, packed, *len);
}

static void run(struct observe *observe, unsigned kind, bool packed, double seconds)
{
        static uint8_t body[TARGETS][BODY_ROOM];
        size_t lens[TARGETS];
        struct http_header lines[] = {
                { slice_str("Host"), slice_str("example.org") },
                { slice_str("User-Agent"), slice_str("Mozilla/5.0 (X11; Linux x86_64)") },
                { slice_str("Cookie"), slice_str("sid=0123456789abcdef") },
                { slice_str("Content-Type"), slice_str(bodies[kind][0]) },
                { slice_str("Content-Encoding"), slice_str("gzip") },
        };
        struct transaction t = { .method = slice_str("POST"),
                                 .target = slice_str("/signup"),
                                 .version_minor = 1,
                                 .request_headers = { lines, packed ? 5 : 4 },
                                 .status = 302,
                                 .response_complete = true };
        uint64_t count = 0;

        for (unsigned i = 0; i < TARGETS; i++) {
/* The formats are those of the table above. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
                lens[i] =
                    (size_t)snprintf((char *)body[i], BODY_ROOM, bodies[kind][1], i);
#pragma GCC diagnostic pop
                if (packed)
                        pack(body[i], &lens[i]);
        }
        clock_t begin = clock(), end = begin + (clock_t)(seconds * CLOCKS_PER_SEC);
        while (clock() < end)
                for (unsigned i = 0; i < TARGETS; i++, count++) {
                        t.request_body = slice_of(body[i], lens[i]);
                        const struct record *r = observe_transaction(observe, &t);
                        CHECK(record_text(r, RECORD_EMAIL_DOMAIN).len == 11 &&
                              record_text(r, RECORD_PHONE_PREFIX).len == 6);
                }
        double took = (double)(clock() - begin) / CLOCKS_PER_SEC;
        printf("%-9s%s %4zu bytes %9.0f sign-ups/s %7.0f ns\n",
               kind == 0   ? "urlencoded"
               : kind == 1 ? "multipart"
                           : "json",
               packed ? " gzip" : "     ", lens[0], (double)count / took,
               took * 1e9 / (double)count);
}

int main(int argc, char **argv)
{
        double seconds = argc > 1 ? atof(argv[1]) : 1;
        struct counters counters = { 0 };
        struct hash_key key = hash_key_fixed();
        struct diag *diag = diag_new();
        struct site *site = site_parse("site.yaml", slice_str(map), diag);
        struct domains *domains = make_domains(diag);

        CHECK(site);
        struct observe *observe = observe_new(site, &key, &counters);
        observe_forms(observe, 65536, domains);
        for (unsigned kind = 0; kind < 3; kind++)
                for (unsigned packed = 0; packed < 2; packed++)
                        run(observe, kind, packed, seconds);
        observe_free(&observe);
        domains_free(&domains);
        site_free(&site);
        diag_free(&diag);
        return 0;
}
