/* SPDX-License-Identifier: MIT */
#include "alert/redis_url.h"

#include <stdio.h>
#include <stdlib.h>

#define PORT_DEFAULT          6379
#define SENTINEL_PORT_DEFAULT 26379
#define DATABASE_MAX          1000000
#define SOCKET_PATH_MAX       107 /* sun_path without its NUL */

static int hex_value(uint8_t c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        c |= 0x20;
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Takes the next byte of *text, percent-decoded. False when the encoding is wrong. */
static bool next_byte(struct slice *text, char *byte)
{
        uint8_t c = text->data[0];

        if (c != '%') {
                *byte = (char)c;
                *text = slice_from(*text, 1);
                return true;
        }
        if (text->len < 3)
                return false;
        int high = hex_value(text->data[1]), low = hex_value(text->data[2]);
        *byte = (char)(high * 16 + low);
        *text = slice_from(*text, 3);
        return high >= 0 && low >= 0 && *byte != '\0';
}

static bool copy_decoded(struct slice text, char *out, size_t size)
{
        size_t at = 0;

        while (text.len) {
                if (at + 1 >= size || !next_byte(&text, &out[at]))
                        return false;
                at++;
        }
        out[at] = '\0';
        return true;
}

static bool copy_plain(struct slice text, char *out, size_t size)
{
        if (text.len == 0 || text.len >= size)
                return false;
        memcpy(out, text.data, text.len);
        out[text.len] = '\0';
        return true;
}

static const char *parse_database(struct slice text, struct redis_url *url)
{
        uint64_t number;

        if (!slice_to_u64(text, &number) || number > DATABASE_MAX)
                return "the database is not a number";
        url->database = (uint32_t)number;
        return NULL;
}

static const char *parse_port(struct slice text, uint16_t *port)
{
        uint64_t number;

        if (!slice_to_u64(text, &number) || number == 0 || number > 65535)
                return "the port is not a number from 1 to 65535";
        *port = (uint16_t)number;
        return NULL;
}

const char *redis_host_parse(struct slice text, struct redis_host *out)
{
        struct slice host = text, rest;

        if (text.len && text.data[0] == '[') {
                size_t end = slice_find(text, ']');
                if (end == text.len)
                        return "the address has no closing bracket";
                host = slice_of(text.data + 1, end - 1);
                rest = slice_from(text, end + 1);
                if (slice_find(host, ':') == host.len)
                        return "only an IPv6 address stands in brackets";
        } else {
                host = slice_first(text, slice_find(text, ':'));
                rest = slice_from(text, host.len);
        }
        if (slice_find(host, '[') < host.len || slice_find(host, ']') < host.len)
                return "the host holds a bracket";
        if (!copy_plain(host, out->name, sizeof(out->name)))
                return "the host is missing or too long";
        if (rest.len == 0)
                return NULL;
        if (rest.data[0] != ':')
                return "nothing but a port may follow the address";
        return parse_port(slice_from(rest, 1), &out->port);
}

static const char *parse_hosts(struct slice text, struct redis_url *url)
{
        uint16_t port = url->is_sentinel ? SENTINEL_PORT_DEFAULT : PORT_DEFAULT;
        const char *wrong = NULL;
        size_t comma;

        do {
                if (url->host_count == REDIS_URL_HOSTS)
                        return "more than 8 hosts";
                struct redis_host *host = &url->hosts[url->host_count++];
                comma = slice_find(text, ',');
                host->port = port;
                wrong = redis_host_parse(slice_first(text, comma), host);
                if (comma == text.len)
                        return wrong;
                text = slice_from(text, comma + 1);
        } while (!wrong);
        return wrong;
}

static const char *parse_login(struct slice text, struct redis_url *url)
{
        size_t colon = slice_find(text, ':');

        if (text.len == 0)
                return "a login is user:password@, user@ or :password@";
        if (!copy_decoded(slice_first(text, colon), url->user, sizeof(url->user)) ||
            !copy_decoded(slice_from(text, colon + 1), url->password,
                          sizeof(url->password)))
                return "the user or the password is too long or badly percent-encoded";
        return NULL;
}

/* The last @ ends the login, so that a password may hold one as it is. */
static size_t login_length(struct slice text)
{
        size_t at = text.len;

        while (at && text.data[at - 1] != '@')
                at--;
        return at;
}

/* `master[/database]`, or `database`: what follows the hosts. */
static const char *parse_path(struct slice text, struct redis_url *url)
{
        if (url->is_sentinel) {
                size_t slash = slice_find(text, '/');
                if (!copy_plain(slice_first(text, slash), url->master,
                                sizeof(url->master)))
                        return "behind the sentinels stands /NAME, as they call the "
                               "master";
                text = slice_from(text, slash + 1);
        }
        return text.len ? parse_database(text, url) : NULL;
}

static const char *parse_tcp(struct slice text, struct redis_url *url)
{
        const char *wrong = NULL;
        size_t login = login_length(text);

        if (login)
                wrong = parse_login(slice_first(text, login - 1), url);
        text = slice_from(text, login);
        size_t slash = slice_find(text, '/');
        if (!wrong)
                wrong = parse_hosts(slice_first(text, slash), url);
        return wrong ? wrong : parse_path(slice_from(text, slash + 1), url);
}

static const char *parse_unix(struct slice text, struct redis_url *url)
{
        size_t mark = slice_find(text, '?');
        struct slice path = slice_first(text, mark), query = slice_from(text, mark + 1);

        while (slice_starts_with(path, slice_str("//"))) /* unix:///path too */
                path = slice_from(path, 1);
        url->host_count = 1;
        if (path.len == 0 || path.data[0] != '/' || path.len > SOCKET_PATH_MAX ||
            !copy_plain(path, url->hosts[0].name, sizeof(url->hosts[0].name)))
                return "the socket is not an absolute path of at most 107 bytes";
        if (mark == text.len)
                return NULL;
        if (!slice_starts_with(query, slice_str("db=")))
                return "only ?db=N may follow the socket";
        return parse_database(slice_from(query, 3), url);
}

static const struct scheme {
        const char *text;
        bool is_unix, is_tls, is_sentinel;
} schemes[] = {
        { "redis://", false, false, false },
        { "rediss://", false, true, false },
        { "redis+sentinel://", false, false, true },
        { "rediss+sentinel://", false, true, true },
        { "unix:", true, false, false },
};

static const struct scheme *scheme_of(const char *text)
{
        for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
                if (strncmp(text, schemes[i].text, strlen(schemes[i].text)) == 0)
                        return &schemes[i];
        return NULL;
}

static const char *parse(const char *text, struct redis_url *url)
{
        const struct scheme *scheme = scheme_of(text);

        memset(url, 0, sizeof(*url));
        if (!scheme)
                return "it is none of redis://host:port/database, rediss:// (TLS), "
                       "redis+sentinel://host:port/master and unix:/path";
        url->is_unix = scheme->is_unix;
        url->is_tls = scheme->is_tls;
        url->is_sentinel = scheme->is_sentinel;
        struct slice rest = slice_str(text + strlen(scheme->text));
        return url->is_unix ? parse_unix(rest, url) : parse_tcp(rest, url);
}

static const char *take_environment(struct redis_url *url)
{
        const char *password = getenv(REDIS_PASSWORD_VARIABLE);

        if (url->password[0] || !password)
                return NULL;
        if (strlen(password) >= sizeof(url->password))
                return "the password in " REDIS_PASSWORD_VARIABLE " is too long";
        snprintf(url->password, sizeof(url->password), "%s", password);
        return NULL;
}

const char *redis_url_parse(const char *text, struct redis_url *url)
{
        const char *wrong = parse(text, url);

        return wrong ? wrong : take_environment(url);
}

void redis_host_put(const struct redis_host *host, struct buf *out)
{
        bool is_v6 = strchr(host->name, ':') != NULL;

        buf_printf(out, "%s%s%s:%u", is_v6 ? "[" : "", host->name, is_v6 ? "]" : "",
                   host->port);
}

static void put_tcp(const struct redis_url *url, struct buf *out)
{
        buf_printf(out, "redis%s%s://", url->is_tls ? "s" : "",
                   url->is_sentinel ? "+sentinel" : "");
        for (unsigned i = 0; i < url->host_count; i++) {
                if (i)
                        buf_put_byte(out, ',');
                redis_host_put(&url->hosts[i], out);
        }
        if (url->is_sentinel)
                buf_printf(out, "/%s", url->master);
        buf_printf(out, "/%u", url->database);
}

void redis_url_text(const struct redis_url *url, char text[REDIS_URL_TEXT_MAX])
{
        struct buf out = { 0 };

        if (!url->is_unix)
                put_tcp(url, &out);
        else if (url->database)
                buf_printf(&out, "unix:%s?db=%u", url->hosts[0].name, url->database);
        else
                buf_printf(&out, "unix:%s", url->hosts[0].name);
        snprintf(text, REDIS_URL_TEXT_MAX, "%.*s", (int)out.len, (const char *)out.data);
        buf_free(&out);
}

bool redis_url_hide_password(const char *text, struct buf *out)
{
        const struct scheme *scheme = scheme_of(text);
        size_t begin = scheme ? strlen(scheme->text) : 0;
        struct slice rest = slice_str(text + begin);
        size_t login = scheme && scheme->is_unix ? 0 : login_length(rest);
        size_t colon = slice_find(slice_first(rest, login), ':');

        if (login <= colon + 2) {
                buf_put_str(out, text);
                return false;
        }
        buf_put(out, text, begin + colon);
        buf_put_slice(out, slice_from(rest, colon ? login - 1 : login));
        return true;
}
