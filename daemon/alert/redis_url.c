/* SPDX-License-Identifier: MIT */
#include "alert/redis_url.h"

#include <stdio.h>
#include <stdlib.h>

#define PORT_DEFAULT    6379
#define DATABASE_MAX    1000000
#define SOCKET_PATH_MAX 107 /* sun_path without its NUL */

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

static const char *parse_port(struct slice text, struct redis_url *url)
{
        uint64_t number;

        if (!slice_to_u64(text, &number) || number == 0 || number > 65535)
                return "the port is not a number from 1 to 65535";
        url->port = (uint16_t)number;
        return NULL;
}

static const char *parse_host(struct slice text, struct redis_url *url)
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
        if (!copy_plain(host, url->host, sizeof(url->host)))
                return "the host is missing or too long";
        if (rest.len == 0)
                return NULL;
        if (rest.data[0] != ':')
                return "nothing but a port may follow the address";
        return parse_port(slice_from(rest, 1), url);
}

static const char *parse_login(struct slice text, struct redis_url *url)
{
        size_t colon = slice_find(text, ':');

        if (colon == text.len)
                return "a login is user:password@, or :password@";
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

static const char *parse_tcp(struct slice text, struct redis_url *url)
{
        const char *wrong = NULL;
        size_t login = login_length(text);

        if (login)
                wrong = parse_login(slice_first(text, login - 1), url);
        text = slice_from(text, login);
        size_t slash = slice_find(text, '/');
        struct slice database = slice_from(text, slash + 1);
        if (!wrong)
                wrong = parse_host(slice_first(text, slash), url);
        if (!wrong && database.len)
                wrong = parse_database(database, url);
        return wrong;
}

static const char *parse_unix(struct slice text, struct redis_url *url)
{
        size_t mark = slice_find(text, '?');
        struct slice path = slice_first(text, mark), query = slice_from(text, mark + 1);

        while (slice_starts_with(path, slice_str("//"))) /* unix:///path too */
                path = slice_from(path, 1);
        url->is_unix = true;
        if (path.len == 0 || path.data[0] != '/' || path.len > SOCKET_PATH_MAX ||
            !copy_plain(path, url->host, sizeof(url->host)))
                return "the socket is not an absolute path of at most 107 bytes";
        if (mark == text.len)
                return NULL;
        if (!slice_starts_with(query, slice_str("db=")))
                return "only ?db=N may follow the socket";
        return parse_database(slice_from(query, 3), url);
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
        static const char tcp[] = "redis://", unix_socket[] = "unix:";
        const char *wrong;

        memset(url, 0, sizeof(*url));
        url->port = PORT_DEFAULT;
        if (strncmp(text, tcp, strlen(tcp)) == 0)
                wrong = parse_tcp(slice_str(text + strlen(tcp)), url);
        else if (strncmp(text, unix_socket, strlen(unix_socket)) == 0)
                wrong = parse_unix(slice_str(text + strlen(unix_socket)), url);
        else
                wrong = "it is neither redis://host:port/database nor unix:/path";
        return wrong ? wrong : take_environment(url);
}

void redis_url_text(const struct redis_url *url, char text[REDIS_URL_TEXT_MAX])
{
        bool is_v6 = strchr(url->host, ':') != NULL;
        char database[24] = "";

        if (url->is_unix) {
                if (url->database)
                        snprintf(database, sizeof(database), "?db=%u", url->database);
                snprintf(text, REDIS_URL_TEXT_MAX, "unix:%s%s", url->host, database);
                return;
        }
        snprintf(text, REDIS_URL_TEXT_MAX, "redis://%s%s%s:%u/%u", is_v6 ? "[" : "",
                 url->host, is_v6 ? "]" : "", url->port, url->database);
}
