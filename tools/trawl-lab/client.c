/* SPDX-License-Identifier: MIT */
#include "client.h"

#include "base/check.h"

#include <stdio.h>
#include <string.h>

/* A browser asks for what a page brings as it reads it, and for pictures in sight. */
#define RENDER_NS    30e6
#define PART_NS      6e6
#define PART_LATENCY 3e6
#define PART_SIGMA   0.7
#define PICTURES     6

enum page client_profile_page(const struct site *site)
{
        return site_is_app(site) ? PAGE_PROFILE_API : PAGE_PROFILE;
}

/* A program that is no browser sends the same head for all but forms. */
static enum request_kind kind_of(const struct client *c, const struct site *site,
                                 const struct ask *ask)
{
        bool is_post = ask->page == PAGE_SIGNUP;

        if (!c->is_browser)
                return is_post ? REQUEST_FORM : REQUEST_NAVIGATION;
        if (ask->page == PAGE_PROFILE_API)
                return REQUEST_FETCH; /* by a script of the page */
        if (site_is_app(site) && c->has_shell && (is_post || ask->page == PAGE_SEARCH))
                return REQUEST_FETCH;
        return is_post ? REQUEST_FORM : ask->kind;
}

/* Pages set a cookie for who has none; JSON does not. */
static void draw_session(struct client *c, struct lab *lab, struct actor *a, bool is_json,
                         struct response *response)
{
        if (c->cookies == COOKIES_NONE || is_json ||
            (c->cookies == COOKIES_KEPT && c->session[0] != '\0'))
                return;
        site_session(lab_site(lab), dice_bits(&a->dice), c->session);
        response->set_session = c->session;
}

static bool is_profile(const struct ask *ask)
{
        return ask->page == PAGE_PROFILE || ask->page == PAGE_PROFILE_API;
}

static uint16_t status_of(const struct site *site, const struct ask *ask)
{
        if (ask->status > 0)
                return ask->status;
        if (ask->is_guess)
                return 404;
        return is_profile(ask) && !site_is_there(site, ask->number) ? 404 : 200;
}

static void answer(struct client *c, struct lab *lab, struct actor *a,
                   const struct ask *ask, struct response *response)
{
        const struct site *site = lab_site(lab);

        response->status = status_of(site, ask);
        if (response->status != 304)
                response->bytes = site_bytes(site, ask->page, &a->dice);
        response->latency_ns = ask->latency_ns > 0
                                   ? ask->latency_ns
                                   : site_latency(site, ask->page, &a->dice);
        draw_session(c, lab, a, ask->page == PAGE_PROFILE_API, response);
        if (ask->gets_account) {
                /* Who signs up is somebody else from here on. */
                site_session(site, dice_bits(&a->dice), c->session);
                site_account(site, dice_bits(&a->dice), c->account);
                response->set_session = c->session;
                response->set_account = c->account;
        }
}

static void remember(struct client *c, const struct ask *ask, uint16_t status)
{
        if (ask->kind == REQUEST_PREFETCH)
                return; /* nobody looks at it */
        c->page = ask->page;
        c->number = ask->number;
        c->loaded = 0;
        c->pictures = 0;
        c->is_loading = c->assets && status == 200 && ask->page != PAGE_SIGNUP;
        if (ask->page == PAGE_PROFILE_API || ask->page == PAGE_SIGNUP)
                return; /* the address bar shows another page */
        c->has_shell = true;
        c->has_last = status == 200;
        c->last_page = ask->page;
        c->last_number = ask->number;
}

int64_t client_ask(struct client *c, struct lab *lab, struct actor *a, int64_t now_ns,
                   const struct ask *ask)
{
        char path[SITE_PATH_MAX], referer[SITE_PATH_MAX], sent_session[40],
            sent_account[24];
        const struct site *site = lab_site(lab);
        struct response response = { 0 };
        struct request request = {
                .software = c->software,
                .kind = kind_of(c, site, ask),
                .from = c->from,
                .method = ask->page == PAGE_SIGNUP ? METHOD_POST : METHOD_GET,
                .path = path,
                .fields = ask->fields,
                .target = is_profile(ask) && !ask->is_guess ? (int32_t)ask->number : -1,
        };

        if (ask->is_guess)
                site_no_profile(site, ask->number, path);
        else
                site_path(site, ask->page, ask->number, path);
        if (c->cookies == COOKIES_KEPT) {
                memcpy(sent_session, c->session, sizeof sent_session);
                memcpy(sent_account, c->account, sizeof sent_account);
                request.session = sent_session[0] ? sent_session : NULL;
                request.account = sent_account[0] ? sent_account : NULL;
        }
        if (c->referers && c->has_last && !ask->fresh) {
                site_path(site, c->last_page, c->last_number, referer);
                request.referer = referer;
        }
        answer(c, lab, a, ask, &response);
        lab_request(lab, a, now_ns, &request, &response);
        remember(c, ask, response.status);
        if (!c->is_loading)
                return now_ns + response.latency_ns;
        return now_ns + response.latency_ns +
               (int64_t)dice_exponential(&a->dice, RENDER_NS);
}

bool client_is_loading(const struct client *c)
{
        return c->is_loading;
}

/* Fetched before? If not, it is from now on. */
static bool is_cached(struct client *c, const struct asset *asset)
{
        uint16_t name = (uint16_t)dice_name(0, asset->path, 0);

        if (!asset->is_shared)
                return false;
        for (unsigned i = 0; i < c->cached_count; i++)
                if (c->cached[i] == name)
                        return true;
        if (c->cached_count < CLIENT_CACHE)
                c->cached[c->cached_count++] = name;
        return false;
}

static void fetch(struct client *c, struct lab *lab, struct actor *a, int64_t now_ns,
                  const struct asset *asset)
{
        static const enum request_kind kinds[] = {
                [ASSET_STYLE] = REQUEST_STYLE,
                [ASSET_SCRIPT] = REQUEST_SCRIPT,
                [ASSET_FONT] = REQUEST_FONT,
                [ASSET_IMAGE] = REQUEST_IMAGE,
        };
        char referer[SITE_PATH_MAX];
        bool keeps = c->cookies == COOKIES_KEPT;
        const struct request request = {
                .software = c->software,
                .kind = c->is_browser ? kinds[asset->kind] : REQUEST_NAVIGATION,
                .from = c->from,
                .path = asset->path,
                .session = keeps && c->session[0] ? c->session : NULL,
                .account = keeps && c->account[0] ? c->account : NULL,
                .referer = c->has_last ? referer : NULL,
                .target = -1,
        };
        const struct response response = {
                .status = 200,
                .bytes = asset->bytes,
                .latency_ns = (int64_t)dice_lognormal(&a->dice, PART_LATENCY, PART_SIGMA),
        };

        if (c->has_last)
                site_path(lab_site(lab), c->last_page, c->last_number, referer);
        lab_request(lab, a, now_ns, &request, &response);
}

int64_t client_load(struct client *c, struct lab *lab, struct actor *a, int64_t now_ns)
{
        const struct site *site = lab_site(lab);
        struct asset asset;

        CHECK(c->is_loading);
        while (site_asset(site, c->page, c->number, c->loaded, &asset)) {
                c->loaded++;
                if (is_cached(c, &asset))
                        continue;
                if (!asset.is_shared && c->pictures++ >= PICTURES)
                        break;
                fetch(c, lab, a, now_ns, &asset);
                return now_ns + (int64_t)dice_exponential(&a->dice, PART_NS);
        }
        c->is_loading = false;
        return now_ns;
}

void client_back(struct client *c, enum page page, uint32_t number)
{
        c->has_last = true;
        c->last_page = page;
        c->last_number = number;
}

bool client_wants_shell(const struct client *c, const struct site *site)
{
        return c->is_browser && site_is_app(site) && !c->has_shell;
}

void client_move(struct client *c, struct lab *lab, struct actor *a, struct address to)
{
        c->from = to;
        lab_hang_up(lab, a);
}

void client_forget(struct client *c)
{
        c->session[0] = '\0';
        c->account[0] = '\0';
        c->cached_count = 0;
        c->has_shell = false;
        c->has_last = false;
        c->is_loading = false;
}
