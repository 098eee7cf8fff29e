/* SPDX-License-Identifier: MIT */
#include "visitors.h"

#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "random.h"

enum {
        PROFILES = 300000,
        ASSETS = 240,
        VISIT_MEAN = 7,        /* requests of a person */
        SCRAPE_LENGTH = 400,   /* requests of a scraper */
        SCRAPERS_ONE_IN = 600, /* visits */
};

static const char *const browsers[] = {
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:132.0) Gecko/20100101 "
        "Firefox/132.0",
        "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:131.0) Gecko/20100101 "
        "Firefox/131.0",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like "
        "Gecko) "
        "Chrome/130.0.0.0 Safari/537.36",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/129.0.0.0 Safari/537.36",
        "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/130.0.0.0 Mobile Safari/537.36",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_6 like Mac OS X) AppleWebKit/605.1.15 "
        "(KHTML, like Gecko) Version/17.6 Mobile/15E148 Safari/604.1",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 "
        "(KHTML, like Gecko) Version/18.1 Safari/605.1.15",
};
static const char *const languages[] = { "en-US,en;q=0.5", "de,en-US;q=0.7,en;q=0.3",
                                         "fr-FR,fr;q=0.8,en;q=0.5", "nl,en;q=0.7" };
static const char *const names[] = { "anna", "john", "maria", "chen", "fatima",
                                     "lars", "olga", "pedro", "yuki", "amara" };

#define LENGTH(array) (sizeof(array) / sizeof *(array))

struct visit {
        uint32_t address;
        uint32_t left; /* requests to come */
        uint64_t session;
        const char *browser, *language;
        uint32_t next_profile; /* of a scraper */
        int scraper;
};

struct visitors {
        uint64_t random, total;
        struct visitors_options options;
        struct visit active[VISITORS_ACTIVE];
};

/* A public unicast address: not private, loopback, shared or multicast. */
static uint32_t public_address(uint64_t *random)
{
        for (;;) {
                uint32_t address = (uint32_t)random_next(random);
                unsigned first = address >> 24;
                if (first < 1 || first > 223 || first == 10 || first == 100 ||
                    first == 127 || first == 169 || first == 172 || first == 192 ||
                    first == 198 || first == 203)
                        continue;
                return address;
        }
}

static void begin_visit(struct visitors *all, struct visit *visit)
{
        visit->left = visit->scraper
                          ? SCRAPE_LENGTH
                          : 1 + (uint32_t)random_below(&all->random, 2 * VISIT_MEAN - 1);
}

static void arrive(struct visitors *all, struct visit *visit)
{
        uint64_t *random = &all->random;

        visit->address = public_address(random);
        visit->session = random_next(random);
        visit->browser = browsers[random_below(random, LENGTH(browsers))];
        visit->language = languages[random_below(random, LENGTH(languages))];
        visit->scraper = random_below(random, SCRAPERS_ONE_IN) == 0;
        visit->next_profile = (uint32_t)random_below(random, PROFILES);
        begin_visit(all, visit);
        all->total++;
}

struct visitors *visitors_new(uint64_t seed, const struct visitors_options *options)
{
        struct visitors *all = calloc(1, sizeof *all);
        if (!all)
                err(1, "visitors_new");
        all->random = seed;
        all->options = *options;
        for (size_t i = 0; i < VISITORS_ACTIVE; i++)
                arrive(all, &all->active[i]);
        return all;
}

void visitors_free(struct visitors **all)
{
        free(*all);
        *all = NULL;
}

uint64_t visitors_total(const struct visitors *all)
{
        return all->total;
}

/* People prefer few profiles: the square makes the low numbers common. */
static uint32_t popular_profile(uint64_t *random)
{
        uint64_t uniform = random_below(random, PROFILES);
        return (uint32_t)(uniform * random_below(random, PROFILES) / PROFILES);
}

static void profile_path(char *to, size_t size, uint32_t profile)
{
        snprintf(to, size, "/in/%s-%05x", names[profile % LENGTH(names)], profile);
}

struct ask {
        char path[96];
        const char *method, *accept, *type, *body;
        unsigned status;
};

static struct ask ask_for(struct visitors *all, struct visit *visit)
{
        uint64_t *random = &all->random;
        unsigned what = (unsigned)random_below(random, 1000);
        struct ask ask = { .method = "GET",
                           .accept = "text/html,application/xhtml+xml,*/*;q=0.8",
                           .type = "text/html; charset=utf-8",
                           .body = "",
                           .status = 200 };

        if (visit->scraper) {
                visit->next_profile = (visit->next_profile + 1) % PROFILES;
                profile_path(ask.path, sizeof ask.path, visit->next_profile);
        } else if (what < 380) {
                profile_path(ask.path, sizeof ask.path, popular_profile(random));
        } else if (what < 740) {
                snprintf(ask.path, sizeof ask.path, "/static/app-%u.%s",
                         (unsigned)random_below(random, ASSETS), what & 1 ? "js" : "css");
                ask.accept = "*/*";
                ask.type = what & 1 ? "text/javascript" : "text/css";
        } else if (what < 880) {
                snprintf(ask.path, sizeof ask.path, "/search/people?q=%s&page=%u",
                         names[random_below(random, LENGTH(names))], what % 9 + 1);
        } else if (what < 960) {
                snprintf(ask.path, sizeof ask.path, "/");
        } else if (what < 975) {
                snprintf(ask.path, sizeof ask.path, "/in/nobody-%u",
                         (unsigned)random_below(random, PROFILES));
                ask.status = 404;
        } else if (what < 993) {
                snprintf(ask.path, sizeof ask.path, "/signup");
        } else {
                snprintf(ask.path, sizeof ask.path, "/signup");
                ask.method = "POST";
                ask.body =
                    "full_name=Jo+Doe&email=jo.doe%40example.org&password=secret12";
                ask.status = 302;
        }
        return ask;
}

static size_t checked(int len, size_t size)
{
        if (len < 0 || (size_t)len >= size)
                errx(1, "a message does not fit into its buffer of %zu bytes", size);
        return (size_t)len;
}

static size_t write_request(char *to, size_t size, const struct ask *ask,
                            const struct visit *visit, bool tells_client)
{
        char content[96] = "", client[48] = "";
        if (tells_client)
                snprintf(client, sizeof client, "X-Forwarded-For: %u.%u.%u.%u\r\n",
                         visit->address >> 24, visit->address >> 16 & 255,
                         visit->address >> 8 & 255, visit->address & 255);
        if (*ask->body)
                snprintf(content, sizeof content,
                         "Content-Type: application/x-www-form-urlencoded\r\n"
                         "Content-Length: %zu\r\n",
                         strlen(ask->body));
        return checked(snprintf(to, size,
                                "%s %s HTTP/1.1\r\n"
                                "Host: www.example.org\r\n"
                                "%s"
                                "User-Agent: %s\r\n"
                                "Accept: %s\r\n"
                                "Accept-Language: %s\r\n"
                                "Accept-Encoding: gzip, deflate, br\r\n"
                                "Referer: https://www.example.org/\r\n"
                                "Cookie: sid=%016" PRIx64 "; theme=light\r\n"
                                "Sec-Fetch-Dest: document\r\n"
                                "Sec-Fetch-Mode: navigate\r\n"
                                "Sec-Fetch-Site: same-origin\r\n"
                                "Priority: u=0, i\r\n"
                                "%s\r\n%s",
                                ask->method, ask->path, client, visit->browser,
                                ask->accept, visit->language, visit->session, content,
                                ask->body),
                       size);
}

static size_t write_response(char *to, size_t size, const struct ask *ask,
                             size_t body_len)
{
        const char *reason = ask->status == 200   ? "OK"
                             : ask->status == 302 ? "Found\r\nLocation: /welcome"
                                                  : "Not Found";
        return checked(snprintf(to, size,
                                "HTTP/1.1 %u %s\r\n"
                                "Date: Mon, 23 Nov 2026 11:00:00 GMT\r\n"
                                "Content-Type: %s\r\n"
                                "Content-Length: %zu\r\n"
                                "Cache-Control: private, max-age=0, must-revalidate\r\n"
                                "Vary: Accept-Encoding, Cookie\r\n"
                                "X-Content-Type-Options: nosniff\r\n"
                                "X-Frame-Options: SAMEORIGIN\r\n"
                                "Connection: keep-alive\r\n\r\n",
                                ask->status, reason, ask->type, body_len),
                       size);
}

void visitors_next(struct visitors *all, struct exchange *exchange)
{
        visitors_next_of(all, (uint32_t)random_below(&all->random, VISITORS_ACTIVE),
                         exchange);
}

void visitors_next_of(struct visitors *all, uint32_t which, struct exchange *exchange)
{
        struct visit *visit = &all->active[which];
        size_t body_len = all->options.body_len;
        struct ask ask = ask_for(all, visit);

        exchange->body_len = body_len ? body_len : 32 + random_below(&all->random, 97);
        exchange->request_len = write_request(exchange->request, sizeof exchange->request,
                                              &ask, visit, !all->options.tells_no_client);
        exchange->client = visit->address;
        exchange->response_len = write_response(
            exchange->response, sizeof exchange->response, &ask, exchange->body_len);
        exchange->ends_visit = --visit->left == 0;
        if (exchange->ends_visit && all->options.returning)
                begin_visit(all, visit);
        else if (exchange->ends_visit)
                arrive(all, visit);
}
