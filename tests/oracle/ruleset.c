/* SPDX-License-Identifier: MIT */
#include "oracle/ruleset.h"

#include "base/clock.h"
#include "unit/detect_world.h"

#include <math.h>
#include <string.h>

uint32_t draw(struct draw *d, uint32_t below)
{
        d->state = d->state * UINT64_C(6364136223846793005) + 1442695040888963407;
        return (uint32_t)((d->state >> 33) * below >> 31);
}

/* ---- conditions ---- */

static bool is_profile(const struct request *r)
{
        return r->page == PAGE_PROFILE;
}

static bool is_viewed(const struct request *r)
{
        return r->page == PAGE_PROFILE || r->page == PAGE_SEARCH;
}

static bool is_not_found(const struct request *r)
{
        return r->status == 404;
}

static bool is_success(const struct request *r)
{
        return r->status == 200;
}

static bool is_error(const struct request *r)
{
        return r->status >= 400;
}

static bool has_no_cookies(const struct request *r)
{
        return r->cookies == 0;
}

static bool has_cookies(const struct request *r)
{
        return r->cookies > 1;
}

static bool is_uncertain(const struct request *r)
{
        return r->uncertain;
}

static bool is_accepted(const struct request *r)
{
        return r->accepted;
}

static bool has_session(const struct request *r)
{
        return r->session != 0;
}

static bool has_low_number(const struct request *r)
{
        return r->numeric && r->number < 50;
}

static bool has_other_number(const struct request *r)
{
        return r->numeric && r->number != 7;
}

static bool has_path(const struct request *r)
{
        (void)r;
        return true;
}

static const struct {
        const char *text;
        bool (*meets)(const struct request *);
} leaves[] = {
        { "page == profile", is_profile },
        { "page in [profile, search]", is_viewed },
        { "status == 404", is_not_found },
        { "status == 200", is_success },
        { "status >= 400", is_error },
        { "cookies == 0", has_no_cookies },
        { "cookies > 1", has_cookies },
        { "client.uncertain", is_uncertain },
        { "signup.accepted", is_accepted },
        { "present(session)", has_session },
        { "target.number < 50", has_low_number },
        { "target.number != 7", has_other_number },
        { "present(path)", has_path }, /* of late rules */
};

#define LATE_LEAF (sizeof(leaves) / sizeof(*leaves) - 1)
#define LEAVES    LATE_LEAF /* that any rule may have */

static struct filter filter_draw(struct draw *d, unsigned most)
{
        struct filter f = { .count = 1 + draw(d, most) };

        for (unsigned i = 0; i < f.count; i++) {
                /* Common ones mostly, so that rules have conditions in common. */
                f.leaf[i] = one_in(d, 3) ? draw(d, LEAVES) : draw(d, 4);
                f.negated[i] = one_in(d, 4);
                f.is_or[i] = one_in(d, 2);
        }
        return f;
}

bool filter_meets(const struct filter *f, const struct request *r)
{
        bool all = true;

        for (unsigned i = 0; i < f->count; i++) {
                bool meets = leaves[f->leaf[i]].meets(r) != f->negated[i];
                all = i == 0 ? meets : f->is_or[i] ? all || meets : all && meets;
        }
        return all;
}

static void filter_print(const struct filter *f, struct buf *out)
{
        for (unsigned i = 1; i < f->count; i++)
                buf_put_byte(out, '(');
        for (unsigned i = 0; i < f->count; i++)
                buf_printf(out, "%s%s(%s)%s",
                           i == 0        ? ""
                           : f->is_or[i] ? " or "
                                         : " and ",
                           f->negated[i] ? "not " : "", leaves[f->leaf[i]].text,
                           i ? ")" : "");
}

/* ---- fields ---- */

static double response_bytes(const struct request *r)
{
        return (double)r->response_bytes;
}

static double request_bytes(const struct request *r)
{
        return (double)r->request_bytes;
}

static double target_number(const struct request *r)
{
        return r->numeric ? (double)r->number : NAN;
}

static double cookies(const struct request *r)
{
        return r->cookies;
}

static double latency(const struct request *r)
{
        return r->latency_ns < 0 ? NAN : (double)r->latency_ns / 1e9;
}

static double target(const struct request *r)
{
        return r->target ? r->target : NAN;
}

static double session(const struct request *r)
{
        return r->session ? r->session : NAN;
}

static double status(const struct request *r)
{
        return r->status;
}

static double client(const struct request *r)
{
        return r->client;
}

static const struct field_row {
        const char *text;
        double (*value)(const struct request *);
} fields[] = {
        /* Numbers come first. */
        { "target.number", target_number },
        { "response.bytes", response_bytes },
        { "request.bytes", request_bytes },
        { "cookies", cookies },
        { "latency", latency },
        { "target", target },
        { "session", session },
        { "status", status },
        { "client.ip", client },
};

enum { FIELDS_STEPPED = 3, FIELDS_SUMMED = 5, FIELDS = 9 };

double question_field(const struct question *q, const struct request *r)
{
        return fields[q->field].value(r);
}

/* ---- keys ---- */

void client_print(unsigned client, struct buf *out)
{
        if (client < CLIENTS - 3)
                buf_printf(out, "198.51.%u.%u", 100 + client / 3, 1 + client);
        else
                buf_printf(out, "2001:db8:0:%u::%u", 1 + (client == CLIENTS - 1),
                           1 + client);
}

static uint32_t key_ip(const struct request *r)
{
        return r->client;
}

static uint32_t network_number(unsigned client)
{
        return 20 + (client == CLIENTS - 1);
}

static uint32_t key_host(const struct request *r)
{
        return r->client < CLIENTS - 3 ? r->client : network_number(r->client);
}

static uint32_t key_prefix(const struct request *r)
{
        return r->client < CLIENTS - 3 ? r->client / 3 : network_number(r->client);
}

static uint32_t key_session(const struct request *r)
{
        return r->session ? r->session : KEY_MISSING;
}

static void print_ip(const struct request *r, struct buf *out)
{
        client_print(r->client, out);
}

static void print_network(const struct request *r, struct buf *out)
{
        buf_printf(out, "2001:db8:0:%u::/64", 1 + (r->client == CLIENTS - 1));
}

static void print_host(const struct request *r, struct buf *out)
{
        if (r->client < CLIENTS - 3)
                client_print(r->client, out);
        else
                print_network(r, out);
}

static void print_prefix(const struct request *r, struct buf *out)
{
        if (r->client < CLIENTS - 3)
                buf_printf(out, "198.51.%u.0/24", 100 + r->client / 3);
        else
                print_network(r, out);
}

static void print_session(const struct request *r, struct buf *out)
{
        buf_printf(out, "<session:s%u>", r->session);
}

static const struct {
        const char *text;
        uint32_t (*number)(const struct request *);
        void (*print)(const struct request *, struct buf *);
} keys[] = {
        { "client.ip", key_ip, print_ip },
        { "client.host", key_host, print_host },
        { "client.prefix", key_prefix, print_prefix },
        { "session", key_session, print_session },
};

enum { KEYS = 4 };

uint32_t rule_key(const struct drawn_rule *rule, const struct request *r)
{
        uint32_t all = 0;

        for (unsigned i = 0; i < rule->key_count; i++) {
                uint32_t part = keys[rule->key[i]].number(r);
                if (part == KEY_MISSING)
                        return KEY_MISSING;
                all = all * 100 + part;
        }
        return all;
}

void rule_subject(const struct drawn_rule *rule, const struct request *r, struct buf *out)
{
        for (unsigned i = 0; i < rule->key_count; i++) {
                if (i)
                        buf_put_byte(out, '|');
                keys[rule->key[i]].print(r, out);
        }
        if (rule->key_count == 0)
                buf_put_str(out, "all");
}

/* ---- functions ---- */

static const struct {
        const char *name;
        unsigned first_field, fields; /* which rows it takes; none: no field */
        bool needs_filter;
        double threshold_unit, threshold_parts; /* the latter divides: 35 / 100 is 0.35 */
        unsigned thresholds;
} functions[ASKED_KINDS] = {
        [ASKED_COUNT] = { "count", 0, 0, false, 1, 1, 40 },
        [ASKED_SUM] = { "sum", 0, FIELDS_SUMMED, false, 100, 1, 1000 },
        [ASKED_MEAN] = { "mean", 0, FIELDS_SUMMED, false, 10, 1, 100 },
        [ASKED_MAX] = { "max", 0, FIELDS_SUMMED, false, 10, 1, 100 },
        [ASKED_DISTINCT] = { "distinct", 0, FIELDS, false, 1, 1, 20 },
        [ASKED_SHARE] = { "share", 0, 0, true, 1, 100, 100 },
        [ASKED_TOP_SHARE] = { "top_share", FIELDS_SUMMED, FIELDS - FIELDS_SUMMED, false,
                              1, 100, 100 },
        [ASKED_SEQUENTIAL] = { "sequential", 0, FIELDS_STEPPED, false, 1, 100, 100 },
        [ASKED_GAP_ENTROPY] = { "gap_entropy", 0, 0, false, 1, 10, 40 },
        [ASKED_MODAL_GAP_SHARE] = { "modal_gap_share", 0, 0, false, 1, 100, 100 },
};

/* Of some the panes have no common unit that a set could use: 1 s and 1 d, 7 s and 61 s.
 */
static const struct {
        int64_t seconds;
        const char *text;
} windows[] = { { 1, "1s" },    { 7, "7s" },     { 8, "8s" },    { 10, "10s" },
                { 60, "1m" },   { 61, "61s" },   { 90, "90s" },  { 420, "7m" },
                { 600, "10m" }, { 997, "997s" }, { 3600, "1h" }, { 86400, "1d" } };

enum { WINDOWS = 12 };

static void window_print(int64_t ns, struct buf *out)
{
        unsigned i = 0;

        while (windows[i].seconds * NS_PER_SEC != ns)
                i++;
        buf_put_str(out, windows[i].text);
}

void question_print(const struct question *q, struct buf *out)
{
        buf_printf(out, "%s(", functions[q->asked].name);
        if (functions[q->asked].fields)
                buf_printf(out, "%s, ", fields[q->field].text);
        if (q->filter.count) {
                filter_print(&q->filter, out);
                buf_put_str(out, ", ");
        }
        window_print(q->window_ns, out);
        buf_put_byte(out, ')');
}

/* ---- rules ---- */

static struct question question_draw(struct draw *d, unsigned window)
{
        struct question q = { .asked = draw(d, ASKED_KINDS) };

        if (one_in(d, 3))
                q.asked = one_in(d, 2) ? ASKED_COUNT : ASKED_DISTINCT;
        if (functions[q.asked].fields)
                q.field =
                    functions[q.asked].first_field + draw(d, functions[q.asked].fields);
        /* What people put into distinct() for the most part. */
        if (q.asked == ASKED_DISTINCT && !one_in(d, 3))
                q.field = FIELDS_SUMMED;
        if (functions[q.asked].needs_filter || one_in(d, 3))
                q.filter = filter_draw(d, 2);
        q.window_ns =
            windows[one_in(d, 2) ? window : draw(d, WINDOWS)].seconds * NS_PER_SEC;
        q.is_below = one_in(d, 5);
        q.threshold = functions[q.asked].threshold_unit *
                      (1 + draw(d, functions[q.asked].thresholds)) /
                      functions[q.asked].threshold_parts;
        q.is_or = one_in(d, 2);
        return q;
}

static bool is_asked_already(const struct drawn_rule *rule, const struct question *q)
{
        struct buf a = { 0 }, b = { 0 };
        bool is_same = false;

        question_print(q, &a);
        for (unsigned i = 0; i < rule->question_count && !is_same; i++) {
                buf_clear(&b);
                question_print(&rule->questions[i], &b);
                is_same = a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
        }
        buf_free(&a);
        buf_free(&b);
        return is_same;
}

static void ask(struct drawn_rule *rule, struct question q)
{
        if (is_asked_already(rule, &q))
                return;
        rule->questions[rule->question_count++] = q;
        if (q.window_ns > rule->longest_ns)
                rule->longest_ns = q.window_ns;
}

static void draw_keys(struct drawn_rule *rule, struct draw *d)
{
        unsigned first = draw(d, KEYS);

        rule->key_count = one_in(d, 6) ? 0 : one_in(d, 4) ? 2 + draw(d, 2) : 1;
        for (unsigned i = 0; i < rule->key_count; i++)
                rule->key[i] = (first + i) % KEYS;
}

static void rule_draw(struct drawn_rule *rule, char letter, unsigned number,
                      struct draw *d)
{
        static const int64_t agains[] = { 5, 600, 3600 };
        unsigned count = 1 + draw(d, QUESTIONS_DRAWN), window = draw(d, WINDOWS);

        *rule = (struct drawn_rule){ .again_ns = agains[draw(d, 3)] * NS_PER_SEC };
        snprintf(rule->name, sizeof(rule->name), "%c%u", letter, number % 100);
        if (!one_in(d, 4))
                rule->where = filter_draw(d, LEAVES_DRAWN);
        draw_keys(rule, d);
        for (unsigned i = 0; i < count; i++)
                ask(rule, question_draw(d, window));
}

/*
 * What another asks of those that its `where` lets through, this one asks of all under
 * that condition: one slot, which is read after other transactions too.
 */
static void ask_inside(struct drawn_rule *rule, const struct drawn_rule *other,
                       struct draw *d)
{
        struct question q = other->questions[draw(d, other->question_count)];

        if (q.filter.count || functions[q.asked].needs_filter)
                return;
        rule->where.count = 0;
        q.filter = other->where;
        ask(rule, q);
}

/* One of a set has something of those before it, so that equal parts are shared. */
static void resemble(struct drawn_rule *rule, const struct drawn_rule *other,
                     struct draw *d)
{
        if (!one_in(d, 4)) {
                rule->key_count = other->key_count;
                memcpy(rule->key, other->key, sizeof(rule->key));
        }
        if (one_in(d, 2))
                rule->where = other->where;
        if (one_in(d, 2) && rule->question_count < QUESTIONS_DRAWN)
                ask(rule, other->questions[draw(d, other->question_count)]);
        if (one_in(d, 2) && rule->question_count < QUESTIONS_DRAWN) {
                struct question q = other->questions[draw(d, other->question_count)];
                q.window_ns = windows[draw(d, WINDOWS)].seconds * NS_PER_SEC;
                ask(rule, q);
        }
        if (one_in(d, 2) && rule->question_count < QUESTIONS_DRAWN)
                ask_inside(rule, other, d);
}

void ruleset_draw(struct ruleset *s, struct draw *d)
{
        s->count = 1 + draw(d, RULES_DRAWN);
        for (unsigned i = 0; i < s->count; i++) {
                rule_draw(&s->rules[i], 'r', i, d);
                if (i && one_in(d, 2))
                        resemble(&s->rules[i], &s->rules[draw(d, i)], d);
        }
}

void ruleset_draw_late(struct ruleset *s, struct draw *d)
{
        struct drawn_rule *rule = &s->rules[s->count];
        const struct drawn_rule *other = &s->rules[draw(d, s->count)];

        rule_draw(rule, 'r', s->count, d);
        rule->where = filter_draw(d, LEAVES_DRAWN);
        rule->where.leaf[0] = LATE_LEAF;
        memset(rule->where.is_or, 0, sizeof(rule->where.is_or));
        if (one_in(d, 4))
                return;
        rule->key_count = other->key_count;
        memcpy(rule->key, other->key, sizeof(rule->key));
}

void ruleset_crowd(struct ruleset *s, struct draw *d)
{
        struct drawn_rule *rule = &s->rules[0];
        unsigned shorter = 4 + draw(d, 4);

        rule->where.count = rule->key_count = rule->question_count = 0;
        rule->longest_ns = 0;
        for (unsigned i = 0; i < 2; i++)
                ask(rule, (struct question){
                              .asked = ASKED_DISTINCT,
                              .field = FIELDS_SUMMED,
                              .window_ns = windows[i ? 8 : shorter].seconds * NS_PER_SEC,
                              .threshold = 100 });
}

void ruleset_draw_beside(struct ruleset *s, const struct ruleset *beside, struct draw *d)
{
        s->count = 1 + draw(d, RULES_DRAWN);
        for (unsigned i = 0; i < s->count; i++) {
                rule_draw(&s->rules[i], 'x', i, d);
                if (!one_in(d, 4))
                        resemble(&s->rules[i], &beside->rules[draw(d, beside->count)], d);
        }
}

/* What is compared with a duration has a unit. */
static bool is_duration(const struct question *q)
{
        return q->asked >= ASKED_SUM && q->asked <= ASKED_MAX &&
               fields[q->field].value == latency;
}

static void rule_print(const struct drawn_rule *rule, struct buf *out)
{
        buf_printf(out, "  - { name: %s, ", rule->name);
        if (rule->where.count) {
                buf_put_str(out, "where: \"");
                filter_print(&rule->where, out);
                buf_put_str(out, "\", ");
        }
        buf_put_str(out, "per: ");
        if (rule->key_count == 0)
                buf_put_str(out, "all");
        for (unsigned i = 0; i < rule->key_count; i++)
                buf_printf(out, "%s%s", i ? ", " : "[", keys[rule->key[i]].text);
        buf_printf(out, "%s, again: %llds,\n      when: \"", rule->key_count ? "]" : "",
                   (long long)(rule->again_ns / NS_PER_SEC));
        for (unsigned i = 1; i < rule->question_count; i++)
                buf_put_byte(out, '(');
        for (unsigned i = 0; i < rule->question_count; i++) {
                const struct question *q = &rule->questions[i];
                buf_put_str(out, i == 0 ? "" : q->is_or ? " or " : " and ");
                question_print(q, out);
                buf_printf(out, " %s %.12g%s%s", q->is_below ? "<" : ">=", q->threshold,
                           is_duration(q) ? "s" : "", i ? ")" : "");
        }
        buf_put_str(out, "\" }\n");
}

void ruleset_print(const struct ruleset *s, const struct ruleset *other, struct draw *d,
                   struct buf *out)
{
        unsigned all = s->count + (other ? other->count : 0);
        unsigned order[2 * RULES_DRAWN];

        for (unsigned i = 0; i < all; i++) {
                unsigned at = draw(d, i + 1);
                order[i] = i;
                order[i] = order[at];
                order[at] = i;
        }
        buf_put_str(out, "rules:\n");
        for (unsigned i = 0; i < all; i++)
                rule_print(order[i] < s->count ? &s->rules[order[i]]
                                               : &other->rules[order[i] - s->count],
                           out);
        buf_put_byte(out, 0);
}
