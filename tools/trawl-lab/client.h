/* SPDX-License-Identifier: MIT */
/*
 * client - a program at an address that asks for pages, one at a time.
 *
 * What is the same whoever sits before it: the session cookie that the first answer sets
 * and that is sent from then on (or not), the style sheets, scripts, fonts and pictures
 * that a browser fetches with a page, its cache of what all pages share, the page that a
 * link was on, and in a single-page application the shell that is loaded once, after
 * which profiles come as JSON.
 *
 * An actor embeds one and calls it from its step:
 *
 *      if (client_is_loading(&c))
 *              return client_load(...);          the rest of the page
 *      ...
 *      client_ask(...);                          another page
 *
 * Decides nothing about what is read, or when.
 */
#ifndef LAB_CLIENT_H
#define LAB_CLIENT_H

#include "lab.h"

#define CLIENT_CACHE 16

enum cookies {
        COOKIES_KEPT,    /* sent back */
        COOKIES_DROPPED, /* each answer sets another one */
        COOKIES_NONE     /* the site sets none for it: the way it asks needs none */
};

struct client {
        const struct software *software;
        struct address from;
        enum cookies cookies;
        bool is_browser; /* navigates; in a single-page application loads the shell */
        bool assets;     /* fetches what a page brings */
        bool referers;   /* says where a link was */

        char session[40], account[24]; /* "": none */

        /* Its own business. */
        uint16_t cached[CLIENT_CACHE]; /* what all pages share and was fetched: hashes */
        uint8_t cached_count;
        uint8_t loaded; /* assets of the page that were looked at */
        uint8_t pictures;
        bool is_loading;
        bool has_shell;
        bool has_last; /* was on a page: the last one */
        enum page page, last_page;
        uint32_t number, last_number;
};

/* What is asked for. */
struct ask {
        enum page page;
        uint32_t number;                    /* as site_path() takes it */
        bool is_guess;                      /* of a profile that there is not: 404 */
        bool fresh;                         /* typed in: no page was left for it */
        uint16_t status;                    /* of the answer; 0: as usual */
        const struct signup_fields *fields; /* of a sign-up */
        bool gets_account;                  /* the answer sets a session and an account */
        int64_t latency_ns;                 /* 0: as the site takes */
        enum request_kind kind;             /* of other pages than profiles */
};

/* Asks for a page; returns when its answer is there. Forgets what was left to load. */
int64_t client_ask(struct client *, struct lab *, struct actor *, int64_t now_ns,
                   const struct ask *);

bool client_is_loading(const struct client *);

/* Fetches the next thing that the page brings; returns when the one after it is due. */
int64_t client_load(struct client *, struct lab *, struct actor *, int64_t now_ns);

/* Goes back to a page that it has still in memory: where the next link is. */
void client_back(struct client *, enum page, uint32_t number);

/* In a single-page application: the page that brings it has to be loaded first. */
bool client_wants_shell(const struct client *, const struct site *);

/* Moves to another address, over a new connection. */
void client_move(struct client *, struct lab *, struct actor *, struct address);

/* Starts anew: no cookie, nothing cached, nowhere yet. */
void client_forget(struct client *);

/* Which page of that site shows a profile. */
enum page client_profile_page(const struct site *);

#endif
