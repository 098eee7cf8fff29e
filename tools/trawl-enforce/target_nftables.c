/* SPDX-License-Identifier: MIT */
#include "target_nftables.h"

#include "base/check.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <nftables/libnftables.h>
#include <stdio.h>
#include <stdlib.h>

#define V4_BITS(bits) ((bits)-96)

/*
 * With one element of a hundred million seconds libnftables refuses all of them. A whole
 * batch comes long before this is over, and says how long it is by then.
 */
#define LEFT_MAX_MS (366 * 86400 * INT64_C(1000))

/* One length of one family: elements of this batch, as they stand between braces. */
struct net_set {
        bool is_there;   /* in the kernel */
        struct buf gone; /* those that are changed or removed */
        struct buf now;  /* those that are to be, with timeouts */
};

struct target_nftables {
        struct nft_ctx *nft;
        char table[33];
        bool is_reject, is_whole;
        struct net_set sets[2][129]; /* IPv4 at its own lengths, IPv6 */
        struct buf text;
};

bool target_nftables_name_is_good(const char *table)
{
        size_t len = strlen(table);

        for (size_t i = 0; i < len; i++)
                if (!isalnum((unsigned char)table[i]) && table[i] != '_')
                        return false;
        return len > 0 && len <= 32 && isalpha((unsigned char)table[0]);
}

struct target_nftables *target_nftables_open(const char *table, bool is_reject)
{
        struct target_nftables *t = calloc(1, sizeof(*t));

        CHECK(t);
        CHECK(target_nftables_name_is_good(table));
        snprintf(t->table, sizeof(t->table), "%s", table);
        t->is_reject = is_reject;
        t->nft = nft_ctx_new(NFT_CTX_DEFAULT);
        if (!t->nft || nft_ctx_buffer_error(t->nft) || nft_ctx_buffer_output(t->nft)) {
                target_nftables_close(&t);
                return NULL;
        }
        return t;
}

void target_nftables_close(struct target_nftables **target)
{
        struct target_nftables *t = *target;

        if (!t)
                return;
        for (int v6 = 0; v6 < 2; v6++) {
                for (int bits = 0; bits <= 128; bits++) {
                        buf_free(&t->sets[v6][bits].gone);
                        buf_free(&t->sets[v6][bits].now);
                }
        }
        if (t->nft)
                nft_ctx_free(t->nft);
        buf_free(&t->text);
        free(t);
        *target = NULL;
}

/* --- a batch --- */

static void begin(void *target, bool is_whole)
{
        struct target_nftables *t = target;

        t->is_whole = is_whole;
        for (int v6 = 0; v6 < 2; v6++) {
                for (int bits = 0; bits <= 128; bits++) {
                        struct net_set *set = &t->sets[v6][bits];
                        buf_clear(&set->gone);
                        buf_clear(&set->now);
                        if (is_whole)
                                set->is_there = false;
                }
        }
}

static struct net_set *set_of(struct target_nftables *t, const struct network *network)
{
        bool is_v4 = network->bits >= 96 && ip_is_v4(&network->ip);

        return is_v4 ? &t->sets[0][V4_BITS(network->bits)] : &t->sets[1][network->bits];
}

/* A set of networks of one length holds their first addresses. */
static void put_element(struct buf *out, const struct network *network)
{
        char text[IP_TEXT_MAX];

        if (out->len)
                buf_put_byte(out, ',');
        buf_put(out, text, ip_format(&network->ip, text));
}

/*
 * An element that is there keeps its end when it is added again (kernels before 6.12),
 * and one that is not cannot be deleted: so it is added, deleted and added.
 */
static void add(void *target, const struct subject *s, int64_t left_ms)
{
        struct target_nftables *t = target;
        struct net_set *set = set_of(t, &s->network);

        if (left_ms > LEFT_MAX_MS)
                left_ms = LEFT_MAX_MS;
        if (!t->is_whole)
                put_element(&set->gone, &s->network);
        put_element(&set->now, &s->network);
        buf_printf(&set->now, " timeout %" PRId64 "s%" PRId64 "ms", left_ms / 1000,
                   left_ms % 1000);
}

static void drop(void *target, const struct subject *s)
{
        struct target_nftables *t = target;

        put_element(&set_of(t, &s->network)->gone, &s->network);
}

static void put_name(struct buf *out, bool is_v6, int bits)
{
        buf_printf(out, "blocked%c", is_v6 ? '6' : '4');
        if (bits != (is_v6 ? 128 : 32))
                buf_printf(out, "_%d", bits);
}

static void put_mask(struct buf *out, bool is_v6, int bits)
{
        struct ip all;
        char text[IP_TEXT_MAX];

        memset(all.bytes, 0xff, sizeof(all.bytes));
        if (!is_v6)
                memset(all.bytes, 0, 10);
        struct network mask = network_of(&all, (uint8_t)(is_v6 ? bits : 96 + bits));
        buf_put(out, text, ip_format(&mask.ip, text));
}

/* The set and the rule that asks it. */
static void put_set(struct target_nftables *t, bool is_v6, int bits)
{
        struct buf *out = &t->text;
        const char *family = is_v6 ? "ip6" : "ip";

        buf_printf(out, "add set inet %s ", t->table);
        put_name(out, is_v6, bits);
        buf_printf(out, " { type ipv%c_addr; flags timeout; }\n", is_v6 ? '6' : '4');
        buf_printf(out, "add rule inet %s blocked %s saddr ", t->table, family);
        if (bits != (is_v6 ? 128 : 32)) {
                buf_put_str(out, "& ");
                put_mask(out, is_v6, bits);
                buf_put_byte(out, ' ');
        }
        buf_put_byte(out, '@');
        put_name(out, is_v6, bits);
        buf_put_str(out, " goto refuse\n");
        t->sets[is_v6][bits].is_there = true;
}

static void put_table(struct target_nftables *t)
{
        struct buf *out = &t->text;

        /* Added so that it can be deleted: all in one transaction. */
        buf_printf(out, "add table inet %s\ndelete table inet %s\n", t->table, t->table);
        buf_printf(out, "table inet %s {\n", t->table);
        buf_put_str(out, "set alive { type mark; elements = { 1 } }\n"
                         "chain refuse {\n");
        buf_put_str(out, t->is_reject ? "meta l4proto tcp counter reject with tcp reset\n"
                                        "counter reject\n"
                                      : "counter drop\n");
        buf_put_str(out, "}\nchain blocked { }\n"
                         "chain input { type filter hook input priority -10; "
                         "policy accept; jump blocked; }\n"
                         "chain forward { type filter hook forward priority -10; "
                         "policy accept; jump blocked; }\n"
                         "}\n");
        put_set(t, false, 32);
        put_set(t, true, 128);
}

static void put_elements(struct target_nftables *t, const char *verb, bool is_v6,
                         int bits, const struct buf *elements)
{
        if (!elements->len)
                return;
        buf_printf(&t->text, "%s element inet %s ", verb, t->table);
        put_name(&t->text, is_v6, bits);
        buf_put_str(&t->text, " {");
        buf_put_slice(&t->text, buf_slice(elements));
        buf_put_str(&t->text, "}\n");
}

static void put_changes(struct target_nftables *t, bool is_v6, int bits)
{
        struct net_set *set = &t->sets[is_v6][bits];

        if (!set->gone.len && !set->now.len)
                return;
        if (!set->is_there)
                put_set(t, is_v6, bits);
        put_elements(t, "add", is_v6, bits, &set->gone);
        put_elements(t, "delete", is_v6, bits, &set->gone);
        put_elements(t, "add", is_v6, bits, &set->now);
}

/* The first line of what libnftables complains about. */
static void first_line(const char *error, char why[TARGET_WHY_MAX])
{
        size_t len = strcspn(error, "\n");

        snprintf(why, TARGET_WHY_MAX, "nftables: %.*s%s", (int)(len < 160 ? len : 160),
                 len ? error : "refused",
                 strstr(error, "not permitted") ? "; run it as root or with CAP_NET_ADMIN"
                                                : "");
}

static enum target_result run(struct target_nftables *t, char why[TARGET_WHY_MAX])
{
        buf_put_byte(&t->text, '\0');
        int failed = nft_run_cmd_from_buffer(t->nft, (const char *)t->text.data);
        const char *error = nft_ctx_get_error_buffer(t->nft);

        (void)nft_ctx_get_output_buffer(t->nft);
        if (!failed)
                return TARGET_OK;
        first_line(error ? error : "", why);
        return error && strstr(error, "No such file") ? TARGET_LOST : TARGET_FAILED;
}

static enum target_result commit(void *target, char why[TARGET_WHY_MAX])
{
        struct target_nftables *t = target;

        buf_clear(&t->text);
        if (t->is_whole)
                put_table(t);
        for (int v6 = 0; v6 < 2; v6++)
                for (int bits = 0; bits <= 128; bits++)
                        put_changes(t, v6, bits);
        return t->text.len ? run(t, why) : TARGET_OK;
}

/* To list a table costs 0.7 s with 100 000 elements, to add what is there a millisecond.
 */
static enum target_result check(void *target, char why[TARGET_WHY_MAX])
{
        struct target_nftables *t = target;

        buf_clear(&t->text);
        buf_printf(&t->text, "add element inet %s alive { 1 }\n", t->table);
        return run(t, why);
}

const struct target_kind target_nftables_kind = {
        .name = "nftables",
        .kinds = SUBJECT_BIT(SUBJECT_ADDRESS),
        .ends_itself = true,
        .is_refreshed = true,
        .batch = 20000,
        .begin = begin,
        .add = add,
        .remove = drop,
        .commit = commit,
        .check = check,
};
