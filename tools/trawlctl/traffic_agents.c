/* SPDX-License-Identifier: MIT */
/*
 * The programs that `ua: "@name"` stands for: what they send when a person opens a page
 * (or a script asks for one) over HTTP/1.1. Order and case of the names make http.shape.
 */
#include "traffic_priv.h"

static const char *const firefox[] = {
        "Host: ",
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 "
        "Firefox/128.0",
        "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        "Accept-Language: en-US,en;q=0.5",
        "Accept-Encoding: gzip, deflate",
        "Connection: keep-alive",
        "Upgrade-Insecure-Requests: 1",
        "Sec-Fetch-Dest: document",
        "Sec-Fetch-Mode: navigate",
        "Sec-Fetch-Site: same-origin",
        "Priority: u=0, i",
        NULL,
};

static const char *const chrome[] = {
        "Host: ",
        "Connection: keep-alive",
        "Upgrade-Insecure-Requests: 1",
        "User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 "
        "(KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
        "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,"
        "image/webp,image/apng,*/*;q=0.8",
        "Sec-Fetch-Site: same-origin",
        "Sec-Fetch-Mode: navigate",
        "Sec-Fetch-User: ?1",
        "Sec-Fetch-Dest: document",
        "Accept-Encoding: gzip, deflate",
        "Accept-Language: en-US,en;q=0.9",
        NULL,
};

static const char *const safari[] = {
        "Host: ",
        "Sec-Fetch-Dest: document",
        "User-Agent: Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) "
        "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15",
        "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        "Sec-Fetch-Site: same-origin",
        "Sec-Fetch-Mode: navigate",
        "Accept-Language: en-GB,en;q=0.9",
        "Accept-Encoding: gzip, deflate",
        "Connection: keep-alive",
        NULL,
};

static const char *const curl[] = {
        "Host: ",
        "User-Agent: curl/7.88.1",
        "Accept: */*",
        NULL,
};

static const char *const python_requests[] = {
        "Host: ",
        "User-Agent: python-requests/2.31.0",
        "Accept-Encoding: gzip, deflate",
        "Accept: */*",
        "Connection: keep-alive",
        NULL,
};

static const char *const googlebot[] = {
        "Host: ",
        "Connection: keep-alive",
        "Accept: text/html,application/xhtml+xml,application/signed-exchange;v=b3,"
        "application/xml;q=0.9,*/*;q=0.8",
        "From: googlebot(at)googlebot.com",
        "User-Agent: Mozilla/5.0 (compatible; Googlebot/2.1; "
        "+http://www.google.com/bot.html)",
        "Accept-Encoding: gzip, deflate, br",
        NULL,
};

static const struct agent agents[] = {
        { "@firefox", firefox },
        { "@chrome", chrome },
        { "@safari", safari },
        { "@curl", curl },
        { "@python-requests", python_requests },
        { "@googlebot", googlebot },
};

#define AGENTS (sizeof(agents) / sizeof(agents[0]))

const struct agent *agent_find(struct slice name)
{
        for (size_t i = 0; i < AGENTS; i++)
                if (slice_is(name, agents[i].name))
                        return &agents[i];
        return NULL;
}

const char *const *agent_names(void)
{
        static const char *names[AGENTS + 1];

        for (size_t i = 0; i < AGENTS; i++)
                names[i] = agents[i].name;
        return names;
}
