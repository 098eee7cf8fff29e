/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "lang/expr_priv.h"
#include "unit/expr_world.h"

#include <stdlib.h>

/*
 * Random expressions, written with all the freedom that the language leaves:
 * blanks, parentheses, both quotes, every spelling of a number. The printed form
 * must be accepted, give the same tree, print the same again, and have the same
 * value.
 */
#define TREES 5000

struct writer {
        struct buf out;
        uint64_t random;
};

static unsigned pick(struct writer *w, unsigned below)
{
        w->random ^= w->random << 13;
        w->random ^= w->random >> 7;
        w->random ^= w->random << 17;
        return (unsigned)((w->random >> 11) % below);
}

static void put_one(struct writer *w, const char *const *choices, unsigned count)
{
        buf_put_str(&w->out, choices[pick(w, count)]);
}

#define PUT_ONE(w, ...)                                                       \
        do {                                                                  \
                static const char *const choices_[] = { __VA_ARGS__ };        \
                put_one(w, choices_, sizeof(choices_) / sizeof(choices_[0])); \
        } while (0)

static void put_condition(struct writer *w, int depth, bool in_function);

static void put_number(struct writer *w, int depth, bool in_function)
{
        switch (depth > 0 ? pick(w, 9) : pick(w, 4)) {
        case 0:
        case 1:
                PUT_ONE(w, "0", "5", "200", "1.5k", "2M", "7%", "0.1", "1e-7", "3.25e20",
                        "-4", "- -8", "12345678901234", "1e15", "123456789.123456789");
                break;
        case 2:
        case 3:
                PUT_ONE(w, "status", "target.number", "-status", "(status)");
                break;
        case 4:
        case 5:
                buf_put_str(&w->out, "(");
                put_number(w, depth - 1, in_function);
                PUT_ONE(w, "+", " - ", "*", " / ", " + ", " -");
                put_number(w, depth - 1, in_function);
                buf_put_str(&w->out, ")");
                break;
        case 6:
                put_number(w, depth - 1, in_function);
                PUT_ONE(w, " + ", " - ", " * ", " / ");
                put_number(w, depth - 1, in_function);
                break;
        case 7:
                PUT_ONE(w, "(latency / 3m)", "((latency * 2 - 5s) / (1h / 7))",
                        "((1.5h + -90s) / 0.0001s)", "(latency / -(7d))");
                break;
        default:
                if (in_function) {
                        buf_put_str(&w->out, "status");
                        break;
                }
                PUT_ONE(w, "count(", "share(", "distinct(path, ", "mean(status, ",
                        "distinct(header('a'), ");
                bool share = w->out.data[w->out.len - 2] == 'e';
                if (share || w->out.data[w->out.len - 1] == '(') {
                        put_condition(w, depth - 1, true);
                        buf_put_str(&w->out, ",");
                }
                PUT_ONE(w, "10m)", " 1.5h )", "90s)", "30d)", "1500ms)", "7d)");
        }
}

static void put_comparison(struct writer *w, int depth, bool in_function)
{
        switch (pick(w, 10)) {
        case 0:
        case 1:
        case 2:
                put_number(w, depth - 1, in_function);
                PUT_ONE(w, "==", " != ", " < ", "<=", " > ", ">= ");
                put_number(w, depth - 1, in_function);
                break;
        case 3:
                PUT_ONE(w, "page == profile", "'or' != page", "page == account",
                        "page in [\"sign-up\", profile , '404 page', page]",
                        "form_seen==yes", "page == 'page'", "page != page");
                break;
        case 4:
                PUT_ONE(w, "client.ip in [10.0.0.0/8,2001:DB8::/32]", "client.ip in ::/0",
                        "client.prefix == '10.0.0.0/24'", "client.ip in @offices",
                        "client.ip in [::ffff:1.2.3.4, 0.0.0.0/0]", "client.ip != ::1");
                break;
        case 5:
                PUT_ONE(w, "path starts_with '/in/'", "path contains \"it's\"",
                        "host ends_with 'a\"b''c'", "session==account", "'x' == \"\"\"\"",
                        "path contains 'caf\xc3\xa9 \\n'");
                break;
        case 6:
                PUT_ONE(w, "path =~ '^/in/[a-z]+$'", "ua =~ \"it's (a|b)\"",
                        "host =~ 'a''b\"c'", "not ua =~ 'x'");
                break;
        case 7:
                PUT_ONE(w, "latency > 500ms", "latency in [1s, 0.0005s, 90m,-2d]",
                        "1h - latency < 7d * 2", "latency == 0.1s", "-latency < 0s");
                break;
        case 8:
                PUT_ONE(w, "status in [200 ,1k, -5%]", "status in @codes",
                        "session in ['a', \"b\"]", "session in @known-words");
                break;
        default:
                PUT_ONE(w, "bot.verified", "signup.accepted", "present(account)",
                        "present( header(\"x-y\") )", "present(status + 1)");
        }
}

static void put_condition(struct writer *w, int depth, bool in_function)
{
        unsigned kind = depth > 0 ? pick(w, 6) : 5;

        if (kind < 2) {
                put_condition(w, depth - 1, in_function);
                PUT_ONE(w, " and ", " or ", "\n  and\t");
                put_condition(w, depth - 1, in_function);
        } else if (kind == 2) {
                buf_put_str(&w->out, "(");
                put_condition(w, depth - 1, in_function);
                buf_put_str(&w->out, " )");
        } else if (kind == 3) {
                buf_put_str(&w->out, "not ");
                put_condition(w, depth - 1, in_function);
        } else {
                put_comparison(w, depth, in_function);
        }
}

static struct expr *parse(struct slice text)
{
        struct diag *diag = diag_new();
        struct buf said = { 0 };
        struct expr *expr =
            expr_parse(text, (struct place){ "t", 1, 1 }, true, &world, VALUE_BOOL, diag);

        diag_print(diag, &said);
        if (!expr)
                fail_msg("%.*s\n%.*s", (int)text.len, text.data, (int)said.len,
                         said.data);
        buf_free(&said);
        diag_free(&diag);
        return expr;
}

static bool value_of(const struct expr *expr)
{
        struct expr_subject subject = { &some_visit, world_aggregate, NULL, NULL };

        return expr_true(expr, &subject);
}

static bool same_value(const struct value *a, const struct value *b)
{
        if (a->type != b->type)
                return false;
        if (a->type == VALUE_STRING)
                return slice_equal(a->text, b->text);
        if (a->type == VALUE_NETWORK)
                return network_equal(&a->network, &b->network);
        return a->number == b->number;
}

static bool same_contents(const struct expr *a, const struct expr *b)
{
        switch (a->kind) {
        case NODE_CONSTANT:
                return same_value(&a->constant, &b->constant);
        case NODE_FIELD:
                return strcmp(a->field->name, b->field->name) == 0;
        case NODE_AGGREGATE:
                return a->aggregate.function == b->aggregate.function &&
                       a->aggregate.window_ns == b->aggregate.window_ns &&
                       !a->aggregate.field == !b->aggregate.field;
        case NODE_IN_LIST:
                for (unsigned i = 0; i < a->list.count; i++)
                        if (!same_value(&a->list.values[i], &b->list.values[i]))
                                return false;
                return a->list.count == b->list.count;
        case NODE_IN_NAMED:
                return a->named == b->named;
        case NODE_MATCHES:
                return slice_equal(regex_pattern(a->match.regex),
                                   regex_pattern(b->match.regex));
        default:
                return true;
        }
}

static bool same_tree(const struct expr *a, const struct expr *b)
{
        if (!a || !b)
                return a == b;
        if (a->kind != b->kind || a->type != b->type || a->depth != b->depth ||
            !same_contents(a, b))
                return false;
        const struct expr *x = a->child, *y = b->child;
        for (; x && y; x = x->next, y = y->next)
                if (!same_tree(x, y))
                        return false;
        return x == y;
}

/* Reads, prints, reads and prints again. True when the expression holds. */
static bool check_tree(struct slice text)
{
        struct buf first = { 0 }, second = { 0 };
        struct expr *expr = parse(text), *again;
        bool truth = value_of(expr);

        expr_print(expr, &first);
        again = parse(buf_slice(&first));
        expr_print(again, &second);
        if (!same_tree(expr, again) ||
            !slice_equal(buf_slice(&first), buf_slice(&second)) ||
            value_of(again) != truth)
                fail_msg("%.*s\n%.*s\n%.*s", (int)text.len, text.data, (int)first.len,
                         first.data, (int)second.len, second.data);
        expr_free(&expr);
        expr_free(&again);
        buf_free(&first);
        buf_free(&second);
        return truth;
}

static void test_prints_itself(void **state)
{
        struct writer w = { .random = 88172645463325252ULL };
        unsigned truths = 0;

        (void)state;
        for (int i = 0; i < TREES; i++) {
                buf_clear(&w.out);
                put_condition(&w, (int)pick(&w, 6), false);
                truths += check_tree(buf_slice(&w.out));
        }
        /* Both answers come up, or the values prove nothing. */
        assert_in_range(truths, TREES / 10, TREES - TREES / 10);
        buf_free(&w.out);
}

static uint64_t bits_of(double number)
{
        uint64_t bits;

        memcpy(&bits, &number, sizeof(bits));
        return bits;
}

/* Any double, as a number and as a duration, is read back to the last bit. */
static void test_numbers(void **state)
{
        struct writer w = { .random = 7 };

        (void)state;
        for (int i = 0; i < 20000; i++) {
                double number =
                    (double)pick(&w, 1U << 31) / (double)(1 + pick(&w, 100000));
                struct value value = { .type = i % 2 ? VALUE_NUMBER : VALUE_DURATION,
                                       .number = number };
                struct diag *diag = diag_new();
                struct buf text = { 0 };
                value_print(&value, NULL, &text);
                struct expr *expr =
                    expr_parse(buf_slice(&text), (struct place){ "t", 1, 1 }, true,
                               &world, value.type, diag);
                if (!expr)
                        fail_msg("%.*s", (int)text.len, text.data);
                assert_int_equal(bits_of(expr_value(expr, NULL).number), bits_of(number));
                expr_free(&expr);
                buf_free(&text);
                diag_free(&diag);
        }
}

static void check_value(struct value value, const struct value_names *names,
                        const char *text)
{
        struct buf out = { 0 };

        value_print(&value, names, &out);
        assert_slice(buf_slice(&out), text);
        buf_free(&out);
}

static void test_values(void **state)
{
        (void)state;
        check_value((struct value){ .type = VALUE_MISSING }, NULL, "missing");
        check_value((struct value){ .type = VALUE_BOOL, .truth = true }, NULL, "true");
        check_value((struct value){ .type = VALUE_NUMBER, .number = 0.83 }, NULL, "0.83");
        check_value((struct value){ .type = VALUE_NUMBER, .number = 1e6 }, NULL,
                    "1000000");
        check_value((struct value){ .type = VALUE_DURATION, .number = 0 }, NULL, "0s");
        check_value((struct value){ .type = VALUE_DURATION, .number = 5400 }, NULL,
                    "90m");
        check_value((struct value){ .type = VALUE_ENUM, .number = 1 }, &pages, "profile");
        check_value((struct value){ .type = VALUE_STRING, .text = SLICE("it's") }, NULL,
                    "it's");
        check_value(network_value("203.0.113.9"), NULL, "203.0.113.9");
        check_value(network_value("2001:db8::/32"), NULL, "2001:db8::/32");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_prints_itself),
                cmocka_unit_test(test_numbers),
                cmocka_unit_test(test_values),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
