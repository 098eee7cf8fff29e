/* SPDX-License-Identifier: MIT */
#include "tls/hello.h"

#include "base/bytes.h"
#include "base/json.h"
#include "tls/cipher_names.h"

#include <stdio.h>

static void print_endpoint(struct json *j, const char *key, const struct endpoint *e)
{
        json_open(j, key);
        json_ip(j, "ip", &e->ip);
        json_u64(j, "port", e->port);
        json_close(j);
}

static void print_cipher(struct json *j, uint16_t cipher)
{
        const char *name = cipher_name(cipher);
        char number[7];

        if (!name) {
                snprintf(number, sizeof(number), "0x%04x", cipher);
                name = number;
        }
        json_text(j, NULL, name);
}

static void print_client(struct json *j, const struct hello *h)
{
        json_open(j, "client");
        if (!slice_is_none(h->server_name))
                json_string(j, "server_name", h->server_name);
        if (h->ja3[0])
                json_text(j, "ja3", h->ja3);
        json_text(j, "ja4", h->ja4);
        json_array(j, "supported_ciphers");
        for (size_t i = 0; i + 1 < h->ciphers.len; i += 2) {
                uint16_t cipher = load_be16(h->ciphers.data + i);
                if (!tls_is_grease(cipher))
                        print_cipher(j, cipher);
        }
        json_array_close(j);
        json_close(j);
}

void hello_print(const struct hello *h, struct buf *out)
{
        struct json j = json_into(out);

        json_open(&j, NULL);
        json_time(&j, "@timestamp", h->time_ns);
        print_endpoint(&j, "source", &h->client);
        print_endpoint(&j, "destination", &h->server);
        json_open(&j, "tls");
        print_client(&j, h);
        json_close(&j);
        json_open(&j, "network");
        json_text(&j, "transport", h->transport == HELLO_QUIC ? "quic" : "tcp");
        json_close(&j);
        json_close(&j);
        buf_put_byte(out, '\n');
}
