/* SPDX-License-Identifier: MIT */
#include "alert/redis_tls_priv.h"

#include "base/check.h"
#include "base/ip.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define FILES 3

/* What tells one content of a file from another. */
struct stamp {
        ino_t inode;
        off_t size;
        time_t sec;
        long nsec;
};

struct redis_tls {
        struct redis_tls_options options;
        SSL_CTX *context; /* NULL: the files were not read yet, or cannot be */
        struct stamp stamps[FILES];
};

/* What OpenSSL says of its last error; clears what it remembers. */
static const char *last_error(void)
{
        const char *text = ERR_reason_error_string(ERR_peek_last_error());

        ERR_clear_error();
        return text ? text : "it cannot be read";
}

/* Nobody is there to type a passphrase. */
static int no_passphrase(char *text, int size, int writing, void *context)
{
        (void)text, (void)size, (void)writing, (void)context;
        return 0;
}

static bool use_ca(SSL_CTX *context, const char *ca, char *why)
{
        struct stat st;
        bool is_folder = ca && stat(ca, &st) == 0 && S_ISDIR(st.st_mode);
        int ok = !ca ? SSL_CTX_set_default_verify_paths(context)
                     : SSL_CTX_load_verify_locations(context, is_folder ? NULL : ca,
                                                     is_folder ? ca : NULL);

        if (!ok)
                snprintf(why, REDIS_WHY_MAX,
                         "redis.tls_ca %s: %s; it takes a file of certificates in PEM, "
                         "or a folder of them",
                         ca ? ca : "(the system's)", last_error());
        return ok;
}

static bool use_cert(SSL_CTX *context, const struct redis_tls_options *o, char *why)
{
        const char *key = o->key ? o->key : o->cert;

        if (!o->cert && !o->key)
                return true;
        if (!o->cert) {
                snprintf(why, REDIS_WHY_MAX,
                         "redis.tls_key has no certificate; set redis.tls_cert");
                return false;
        }
        if (SSL_CTX_use_certificate_chain_file(context, o->cert) != 1) {
                snprintf(why, REDIS_WHY_MAX,
                         "redis.tls_cert %s: %s; it takes a certificate in PEM", o->cert,
                         last_error());
                return false;
        }
        if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1) {
                snprintf(why, REDIS_WHY_MAX,
                         "redis.tls_key %s: %s; it takes the key of redis.tls_cert, in "
                         "PEM and without a passphrase",
                         key, last_error());
                return false;
        }
        return true;
}

static void expect_host(SSL *ssl, const struct redis_tls_options *o, const char *host)
{
        const char *name = o->name ? o->name : host;
        X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
        struct ip ip;

        if (ip_parse(slice_str(name), &ip)) {
                CHECK(X509_VERIFY_PARAM_set1_ip_asc(param, name) == 1);
                return;
        }
        X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        CHECK(X509_VERIFY_PARAM_set1_host(param, name, 0) == 1);
        /* A name that is too long for SNI fits no certificate either. */
        (void)SSL_set_tlsext_host_name(ssl, name);
}

static SSL_CTX *read_files(const struct redis_tls_options *o, char *why)
{
        SSL_CTX *context = SSL_CTX_new(TLS_client_method());

        CHECK(context);
        ERR_clear_error();
        SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
        SSL_CTX_set_default_passwd_cb(context, no_passphrase);
        if (!use_ca(context, o->ca, why) || !use_cert(context, o, why)) {
                SSL_CTX_free(context);
                return NULL;
        }
        return context;
}

bool redis_tls_check(const struct redis_tls_options *options, char why[REDIS_WHY_MAX])
{
        SSL_CTX *context = read_files(options, why);

        SSL_CTX_free(context);
        return context != NULL;
}

static struct stamp stamp_of(const char *path)
{
        struct stat st;

        if (!path || stat(path, &st) != 0)
                return (struct stamp){ 0 };
        return (struct stamp){ st.st_ino, st.st_size, st.st_mtim.tv_sec,
                               st.st_mtim.tv_nsec };
}

static bool is_same(const struct stamp *a, const struct stamp *b)
{
        return a->inode == b->inode && a->size == b->size && a->sec == b->sec &&
               a->nsec == b->nsec;
}

/* True when a file is another than the last time. */
static bool look_at_files(struct redis_tls *tls)
{
        const char *const paths[FILES] = { tls->options.ca, tls->options.cert,
                                           tls->options.key };
        bool is_changed = false;

        for (int i = 0; i < FILES; i++) {
                struct stamp now = stamp_of(paths[i]);
                is_changed |= !is_same(&now, &tls->stamps[i]);
                tls->stamps[i] = now;
        }
        return is_changed;
}

static const char *copy_of(const char *text)
{
        char *copy = text ? strdup(text) : NULL;

        CHECK(copy || !text);
        return copy;
}

struct redis_tls *redis_tls_new(const struct redis_tls_options *o)
{
        struct redis_tls *tls = calloc(1, sizeof(*tls));

        CHECK(tls);
        tls->options = (struct redis_tls_options){ copy_of(o->ca), copy_of(o->cert),
                                                   copy_of(o->key), copy_of(o->name) };
        return tls;
}

void redis_tls_free(struct redis_tls **tls)
{
        if (!*tls)
                return;
        SSL_CTX_free((*tls)->context);
        free((char *)(*tls)->options.ca);
        free((char *)(*tls)->options.cert);
        free((char *)(*tls)->options.key);
        free((char *)(*tls)->options.name);
        free(*tls);
        *tls = NULL;
}

SSL *redis_tls_connect(struct redis_tls *tls, const char *host, char why[REDIS_WHY_MAX])
{
        if (look_at_files(tls) || !tls->context) {
                SSL_CTX_free(tls->context);
                tls->context = read_files(&tls->options, why);
        }
        if (!tls->context)
                return NULL;
        SSL *ssl = SSL_new(tls->context);
        CHECK(ssl);
        expect_host(ssl, &tls->options, host);
        return ssl;
}

static const char *verify_remedy(long result)
{
        switch (result) {
        case X509_V_ERR_HOSTNAME_MISMATCH:
        case X509_V_ERR_IP_ADDRESS_MISMATCH:
                return "it is for another host: use a name that it has in redis.url, or "
                       "set redis.tls_name to one";
        case X509_V_ERR_CERT_HAS_EXPIRED:
                return "renew it, or correct the clock of this machine";
        case X509_V_ERR_CERT_NOT_YET_VALID:
                return "correct the clock of this machine, or of the one that signed it";
        default:
                return "set redis.tls_ca to the file of the CA that signed it";
        }
}

/* Alerts by which the server says what it thinks of our side. */
static const char *alert_remedy(int reason)
{
        switch (reason) {
        case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
        case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
                return "it wants a certificate of ours: set redis.tls_cert and "
                       "redis.tls_key";
        case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
        case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
        case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
        case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
        case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
        case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
        case SSL_R_TLSV1_ALERT_DECRYPT_ERROR:
                return "it refuses our certificate: redis.tls_cert must be one that its "
                       "CA (tls-ca-cert-file of Redis) signed, and valid today";
        case SSL_R_WRONG_VERSION_NUMBER:
        case SSL_R_PACKET_LENGTH_TOO_LONG:
                return "no TLS is spoken at this port: name the one of tls-port, or use "
                       "redis:// without TLS";
        case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
        case SSL_R_UNSUPPORTED_PROTOCOL:
                return "it speaks no TLS 1.2 or later: see tls-protocols of Redis";
        default:
                return "see the log of Redis";
        }
}

bool redis_tls_why(const SSL *ssl, unsigned long error, char why[REDIS_WHY_MAX])
{
        long result = SSL_get_verify_result(ssl);

        if (result != X509_V_OK) {
                snprintf(why, REDIS_WHY_MAX, "its certificate is refused (%s); %s",
                         X509_verify_cert_error_string(result), verify_remedy(result));
                return true;
        }
        const char *reason = error ? ERR_reason_error_string(error) : NULL;
        if (!reason || ERR_SYSTEM_ERROR(error) ||
            ERR_GET_REASON(error) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
                return false;
        snprintf(why, REDIS_WHY_MAX, "TLS failed (%s); %s", reason,
                 alert_remedy(ERR_GET_REASON(error)));
        return true;
}
