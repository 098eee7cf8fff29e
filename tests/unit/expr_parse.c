/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include "unit/expr_world.h"

#include <stdlib.h>

struct row {
        const char *text;     /* as an operator writes it in line 7 of r.yaml */
        const char *mistakes; /* all that is said about it */
};

/* clang-format off */
static const struct row rows[] = {
        { "",
          "r.yaml:7:1: an expression is missing\n" },
        { "status",
          "r.yaml:7:1: a condition is needed here, and 'status' is a number\n" },
        { "status == ",
          "r.yaml:7:11: a value is missing at the end\n" },
        { "status == 200 and",
          "r.yaml:7:18: a value is missing at the end\n" },
        { "== 200",
          "r.yaml:7:1: a value is missing before '=='\n" },
        { "status == 200 300",
          "r.yaml:7:15: an operator is missing before '300'\n" },
        { "status == 200 adn bot.verified",
          "r.yaml:7:15: an operator is missing before 'adn' (did you mean 'and'?)\n" },
        { "status == 200 AND bot.verified",
          "r.yaml:7:15: an operator is missing before 'AND' (did you mean 'and'?)\n" },
        { "(status == 200",
          "r.yaml:7:15: ')' is missing at the end\n" },
        { "status == 200)",
          "r.yaml:7:14: ')' has nothing before it to belong to\n" },
        { "status == 200 and (bot.verified",
          "r.yaml:7:32: ')' is missing at the end\n" },
        { "page == profil",
          "r.yaml:7:9: unknown page 'profil' (did you mean 'profile'?)\n" },
        { "page == other-thing",
          "r.yaml:7:9: unknown page 'other-thing'\n" },
        { "pag == profile",
          "r.yaml:7:1: unknown field 'pag' (did you mean 'page'?)\n" },
        { "clint.ip == 10.0.0.1",
          "r.yaml:7:1: unknown field 'clint.ip' (did you mean 'client.ip'?)\n" },
        { "asn == 5",
          "r.yaml:7:1: unknown field 'asn' (a text needs quotes)\n" },
        { "client.asn == 5",
          "r.yaml:7:1: 'client.asn' is not available in this version\n" },
        { "stat == 1 and pge == profile and ua contains 'x' and hst == 'y'",
          "r.yaml:7:1: unknown field 'stat' (a text needs quotes)\n"
          "r.yaml:7:15: unknown field 'pge' (did you mean 'page'?)\n"
          "r.yaml:7:54: 'hst' is not a field; a text needs quotes: 'hst' (did you mean 'host'?)\n" },
        { "latency > 5",
          "r.yaml:7:11: 'latency' is a duration: write a unit, 5s, 5m or 5h\n" },
        { "latency > 5 or 5 < latency",
          "r.yaml:7:11: 'latency' is a duration: write a unit, 5s, 5m or 5h\n"
          "r.yaml:7:16: 'latency' is a duration: write a unit, 5s, 5m or 5h\n" },
        { "status > 5m",
          "r.yaml:7:10: 'status' is a number, and '5m' is a duration (a million is M)\n" },
        { "status == '200'",
          "r.yaml:7:11: 'status' is a number: write 200 without quotes\n" },
        { "status == 'ok'",
          "r.yaml:7:8: status is a number, and 'ok' is a text: they cannot be compared\n" },
        { "host == 10.0.0.1",
          "r.yaml:7:9: 'host' is a text: write '10.0.0.1' in quotes\n" },
        { "ua contains 2",
          "r.yaml:7:13: 'ua' is a text: write '2' in quotes\n" },
        { "ua contains python-requests",
          "r.yaml:7:13: 'python-requests' is not a field; a text needs quotes: 'python-requests'\n" },
        { "ua contains python-requests/2.31",
          "r.yaml:7:13: unknown field 'python-requests' (a text needs quotes)\n" },
        { "host == example.org",
          "r.yaml:7:9: 'example.org' is not a field; a text needs quotes: 'example.org'\n" },
        { "path == /login",
          "r.yaml:7:9: a text needs quotes: '/login'\n" },
        { "path starts_with /in/ and status == 200",
          "r.yaml:7:18: a text needs quotes: '/in/'\n" },
        { "path == /in/*/x",
          "r.yaml:7:9: a text needs quotes: '/in/*/x'\n" },
        { "ua == \"abc",
          "r.yaml:7:7: the text that begins here has no closing \"\n" },
        { "ua == 'abc and status == 200",
          "r.yaml:7:7: the text that begins here has no closing '\n" },
        { "path < '/a'",
          "r.yaml:7:6: '<' is for numbers and durations, and 'path' is a text\n" },
        { "page < profile",
          "r.yaml:7:6: '<' is for numbers and durations, and 'page' is a page\n" },
        { "page contains 'x'",
          "r.yaml:7:6: 'contains' is for texts, and 'page' is a page\n" },
        { "client.ip > 10.0.0.1",
          "r.yaml:7:11: '>' is for numbers and durations, and 'client.ip' is an address\n" },
        { "status contains 'x'",
          "r.yaml:7:8: 'contains' is for texts, and 'status' is a number\n" },
        { "status in [200, 'x', profile, latency]",
          "r.yaml:7:17: status is a number, and 'x' is a text: they cannot be compared\n"
          "r.yaml:7:22: unknown field 'profile' (a text needs quotes)\n"
          "r.yaml:7:31: a list holds constants, and 'latency' is a field\n" },
        { "status in []",
          "r.yaml:7:11: an empty list holds nothing\n" },
        { "status in [200, 201",
          "r.yaml:7:20: ',' or ']' is missing at the end\n" },
        { "status in [200 201]",
          "r.yaml:7:16: ',' or ']' is missing before '201'\n" },
        { "status in [200,,201]",
          "r.yaml:7:16: a value is missing before ','\n" },
        { "status in [200,]",
          "r.yaml:7:16: a value is missing before ']'\n" },
        { "status in [status, 5m]",
          "r.yaml:7:12: a list holds constants, and 'status' is a field\n"
          "r.yaml:7:20: 'status' is a number, and '5m' is a duration (a million is M)\n" },
        { "status in (200, 201)",
          "r.yaml:7:11: behind 'in' stands a list in brackets [..], an @list or a network\n" },
        { "status in 200",
          "r.yaml:7:11: behind 'in' stands a list in brackets [..], an @list or a network\n" },
        { "status in @code",
          "r.yaml:7:11: unknown list '@code' (did you mean '@codes'?)\n" },
        { "status in @offices",
          "r.yaml:7:11: 'status' is a number, and '@offices' is no list of numbers: '198.51.100.0/24' is none\n" },
        { "client.ip in @codes",
          "r.yaml:7:14: 'client.ip' is an address, and '@codes' is no list of addresses: '200' is none\n" },
        { "page in @codes and latency in @known-words",
          "r.yaml:7:9: '@codes' is a list of texts, numbers or addresses, and 'page' is a page\n"
          "r.yaml:7:31: '@known-words' is a list of texts, numbers or addresses, and 'latency' is a duration\n" },
        { "client.ip in ['10.0.0.0/8', 10.0.0.300, 10.0.0.0/33, 10/8]",
          "r.yaml:7:29: '10.0.0.300' is not an address (like 192.0.2.1, 10.0.0.0/8, 2001:db8::/32); a text needs quotes\n"
          "r.yaml:7:41: '10.0.0.0/33' is not an address (like 192.0.2.1, 10.0.0.0/8, 2001:db8::/32); a text needs quotes\n"
          "r.yaml:7:54: client.ip is an address, and 10 is a number: they cannot be compared\n"
          "r.yaml:7:56: ',' or ']' is missing before '/'\n" },
        { "client.ip == 10.0.0",
          "r.yaml:7:14: '10.0.0' is not an address (like 192.0.2.1, 10.0.0.0/8, 2001:db8::/32); a text needs quotes\n" },
        { "client.ip == 'abc'",
          "r.yaml:7:14: 'abc' is not an address\n" },
        { "client.ip == 10.0.0.0/8 and host == 'a' and status == x",
          "r.yaml:7:55: unknown field 'x' (a text needs quotes)\n" },
        { "page in [profile, singup, 5]",
          "r.yaml:7:19: unknown page 'singup' (did you mean 'sign-up'?)\n"
          "r.yaml:7:27: page is a page, and 5 is a number: they cannot be compared\n" },
        { "page not in [profile]",
          "r.yaml:7:6: 'not' stands before the comparison: not page in ...\n" },
        { "status = 200 && !bot.verified || path ~ '^/x'",
          "r.yaml:7:8: '=' is not an operator (did you mean '=='?)\n"
          "r.yaml:7:14: '&&' is not an operator (did you mean 'and'?)\n"
          "r.yaml:7:17: '!' is not an operator (did you mean 'not'?)\n"
          "r.yaml:7:31: '||' is not an operator (did you mean 'or'?)\n"
          "r.yaml:7:39: '~' is not an operator (did you mean '=~'?)\n" },
        { "bot.verified == true",
          "r.yaml:7:1: 'bot.verified' is a condition: it stands alone or behind 'not'\n" },
        { "bot.verified == signup.accepted",
          "r.yaml:7:1: 'bot.verified' is a condition: it stands alone or behind 'not'\n" },
        { "true",
          "r.yaml:7:1: 'true' is not written: use a condition alone or behind 'not'\n" },
        { "not status",
          "r.yaml:7:5: a condition is needed here, and 'status' is a number\n" },
        { "status and latency",
          "r.yaml:7:1: a condition is needed here, and 'status' is a number\n"
          "r.yaml:7:12: a condition is needed here, and 'latency' is a duration\n" },
        { "path =~ '^(/in'",
          "r.yaml:7:15: in the regular expression: missing closing parenthesis\n" },
        { "path =~ 'a''[b'",
          "r.yaml:7:15: in the regular expression: missing terminating ] for character class\n" },
        { "path =~ /abc/",
          "r.yaml:7:9: behind '=~' stands a regular expression in quotes\n" },
        { "path =~ abc",
          "r.yaml:7:9: behind '=~' stands a regular expression in quotes\n" },
        { "path =~ path",
          "r.yaml:7:9: behind '=~' stands a regular expression in quotes\n" },
        { "status =~ 'x'",
          "r.yaml:7:8: '=~' is for texts, and 'status' is a number\n" },
        { "path =~ '(*UTF)x'",
          "r.yaml:7:16: in the regular expression: using UTF is disabled by the application\n" },
        { "cout(10m) > 5",
          "r.yaml:7:1: unknown function 'cout' (did you mean 'count'?)\n" },
        { "count > 5",
          "r.yaml:7:1: 'count' is a function: it needs parentheses, count(..)\n" },
        { "count() > 5",
          "r.yaml:7:1: count() is written count([condition,] window)\n" },
        { "count(10) > 5",
          "r.yaml:7:7: a window needs a unit: 10s, 10m or 10h\n" },
        { "count(0s) > 5",
          "r.yaml:7:7: a window is 1s to 30d long, not 0s\n" },
        { "count(31d) > 5",
          "r.yaml:7:7: a window is 1s to 30d long, not 31d\n" },
        { "count(500ms) > 5",
          "r.yaml:7:7: a window is 1s to 30d long, not 500ms\n" },
        { "count(10m, status == 404) > 5",
          "r.yaml:7:7: the window comes last: count([condition,] window)\n" },
        { "count(status, 10m) > 5",
          "r.yaml:7:7: a condition is needed here, and 'status' is a number\n" },
        { "count(status == 404, bot.verified, 10m) > 5",
          "r.yaml:7:1: count() is written count([condition,] window)\n" },
        { "distinct(bot.verified, 10m) > 5",
          "r.yaml:7:10: distinct() takes a field here, and 'bot.verified' is a condition\n" },
        { "distinct(5, 10m) > 5",
          "r.yaml:7:10: distinct() takes a field here, not a constant\n" },
        { "distinct(host) > 5",
          "r.yaml:7:1: distinct() is written distinct(field, [condition,] window)\n" },
        { "mean(host, 10m) > 5",
          "r.yaml:7:6: mean() takes a number or a duration here, and 'host' is a text\n" },
        { "mean(page, 10m) > 5",
          "r.yaml:7:6: mean() takes a number or a duration here, and 'page' is a page\n" },
        { "distinct(count(1m), 10m) > 5",
          "r.yaml:7:10: a function over a window cannot stand inside another\n" },
        { "score(1) > 5",
          "r.yaml:7:1: score() is written score()\n" },
        { "share(status, 1h) > 5%",
          "r.yaml:7:7: a condition is needed here, and 'status' is a number\n" },
        { "share(status = 404, 1hour) > 5%",
          "r.yaml:7:14: '=' is not an operator (did you mean '=='?)\n"
          "r.yaml:7:21: '1hour' has no unit of the language (%, k, M, ms, s, m, h, d, x); a text needs quotes\n" },
        { "skew(host, 1h) > 13",
          "r.yaml:7:1: skew() is not available in this version\n" },
        { "surge(2) > 13",
          "r.yaml:7:7: surge() takes how many times the usual rate, like 2x\n" },
        { "surge(1x) > 13",
          "r.yaml:7:7: a ratio is above 1x and up to 100x, not 1x\n" },
        { "surge(2x, 10m) > 13",
          "r.yaml:7:1: surge() is written surge(2x)\n" },
        { "tagged(host, 5)",
          "r.yaml:7:14: tagged() takes the name of a tag here: 1 to 64 bytes, in quotes where it is no word\n" },
        { "tagged(host, '')",
          "r.yaml:7:14: tagged() takes the name of a tag here: 1 to 64 bytes, in quotes where it is no word\n" },
        { "tagged(host)",
          "r.yaml:7:1: tagged() is written tagged(field, tag)\n" },
        { "status == 2x",
          "r.yaml:7:8: status is a number, and 2x is a ratio: they cannot be compared\n" },
        { "status(5)",
          "r.yaml:7:1: 'status' is a field, not a function\n" },
        { "header(x) == 'y'",
          "r.yaml:7:8: header() takes one text in quotes: header('name')\n" },
        { "header('') == 'y'",
          "r.yaml:7:8: header(''): the name of a header is 1 to 32 letters\n" },
        { "header == 'y'",
          "r.yaml:7:1: 'header' is a function: it needs parentheses, header(..)\n" },
        { "header('a', 'b') == 'y'",
          "r.yaml:7:8: header() takes one text in quotes: header('name')\n" },
        { "present(5)",
          "r.yaml:7:9: present() takes a field, not a constant\n" },
        { "present(bot.verified)",
          "r.yaml:7:9: a condition is never missing: present() would always be true\n" },
        { "present()",
          "r.yaml:7:1: present() is written present(field)\n" },
        { "present",
          "r.yaml:7:1: 'present' is a function: it needs parentheses, present(..)\n" },
        { "1 < status < 5",
          "r.yaml:7:12: comparisons do not chain: write a < b and b < c\n" },
        { "count(10m) / 10m > 5",
          "r.yaml:7:12: a number cannot be divided by a duration; write (10m / 1s) for its seconds\n" },
        { "latency + 5 > 1s",
          "r.yaml:7:9: '+' cannot join latency, a duration, and 5, a number\n" },
        { "ua + 'x' == 'y'",
          "r.yaml:7:4: '+' cannot join ua, a text, and 'x', a text\n" },
        { "ua-status > 5",
          "r.yaml:7:1: unknown field 'ua-status'; subtraction is written with spaces\n" },
        { "status-latency > 5",
          "r.yaml:7:1: unknown field 'status-latency'; subtraction is written with spaces\n" },
        { "-host == 'x'",
          "r.yaml:7:1: '-' is for numbers and durations, and 'host' is a text\n" },
        { "status == 10min",
          "r.yaml:7:11: '10min' has no unit of the language (%, k, M, ms, s, m, h, d, x); a text needs quotes\n" },
        { "status == 5K",
          "r.yaml:7:11: '5K' has no unit of the language (%, k, M, ms, s, m, h, d, x); a text needs quotes\n" },
        { "status == 9007199254740993",
          "r.yaml:7:11: 9007199254740993 is larger than can be held exactly "
          "(9007199254740992)\n" },
        { "status == 99999999999999999999",
          "r.yaml:7:11: 99999999999999999999 is larger than can be held exactly (9007199254740992)\n" },
        { "status == 5 % 3",
          "r.yaml:7:13: an operator is missing before '%'\n" },
        { "#foo",
          "r.yaml:7:1: a text needs quotes: '#foo'\n" },
        { "path == $x",
          "r.yaml:7:9: a text needs quotes: '$x'\n" },
        { "@codes",
          "r.yaml:7:1: a list stands only behind 'in'\n" },
        { "[1,2] == status",
          "r.yaml:7:1: a list stands only behind 'in'\n" },
        { "status == [200]",
          "r.yaml:7:11: a list stands only behind 'in'\n" },
        { "status == 200;",
          "r.yaml:7:14: an operator is missing before ';'\n" },
        { "ua contains '\xc3\xa9' and status = 200",
          "r.yaml:7:28: '=' is not an operator (did you mean '=='?)\n" },
        { "not",
          "r.yaml:7:4: a value is missing at the end\n" },
        { "()",
          "r.yaml:7:2: a value is missing before ')'\n" },
        { "a.b.c",
          "r.yaml:7:1: unknown field 'a.b.c' (a text needs quotes)\n" },
        { "client.ip in 10.0.0.0/8 or client.ip = 10.0.0.1",
          "r.yaml:7:38: '=' is not an operator (did you mean '=='?)\n" },
        { "latency in [5, 5s]",
          "r.yaml:7:13: 'latency' is a duration: write a unit, 5s, 5m or 5h\n" },
        { "ua matches 'x'",
          "r.yaml:7:4: an operator is missing before 'matches' (did you mean '=~'?)\n" },
        { "hour >= 22 or hour < 6",
          "r.yaml:7:1: unknown field 'hour' (a text needs quotes)\n"
          "r.yaml:7:15: unknown field 'hour' (a text needs quotes)\n" },
        { "count(10m) >= 5 and count(10m) >= 5m",
          "r.yaml:7:35: 'count(10m)' is a number, and '5m' is a duration (a million is M)\n" },
        { "cout(status = 404, 10m) > 5",
          "r.yaml:7:1: unknown function 'cout' (did you mean 'count'?)\n"
          "r.yaml:7:13: '=' is not an operator (did you mean '=='?)\n" },
        { "skew((((2)) > 13 and status = 3",
          "r.yaml:7:1: skew() is not available in this version\n" },
        { "status in [200, (201)] or status = 1",
          "r.yaml:7:17: a list holds constants; a text needs quotes\n"
          "r.yaml:7:34: '=' is not an operator (did you mean '=='?)\n" },
        { "count(10m > 5",
          "r.yaml:7:13: '10m' is a duration: write a unit, 5s, 5m or 5h\n"
          "r.yaml:7:14: ')' is missing at the end\n" },
        { "status in [200, 201 and ua == 'x'",
          "r.yaml:7:21: ',' or ']' is missing before 'and'\n" },
        { "unknown(1, stat == 1, page == profil)",
          "r.yaml:7:1: unknown function 'unknown'\n"
          "r.yaml:7:12: unknown field 'stat' (a text needs quotes)\n"
          "r.yaml:7:31: unknown page 'profil' (did you mean 'profile'?)\n" },
        { "not (status == 200 and (page == profil))) or x",
          "r.yaml:7:33: unknown page 'profil' (did you mean 'profile'?)\n" },
        { "path =~ 'a' 'b'",
          "r.yaml:7:13: an operator is missing before ''b''\n" },
        { "path == 'a' or or status == 2",
          "r.yaml:7:16: a value is missing before 'or'\n" },
        { "path == 'a' or and status = 2",
          "r.yaml:7:16: a value is missing before 'and'\n"
          "r.yaml:7:27: '=' is not an operator (did you mean '=='?)\n" },
        { "client.ip in ::1 and client.ip in 2001:db8::/129",
          "r.yaml:7:35: '2001:db8::/129' is not an address (like 192.0.2.1, 10.0.0.0/8, 2001:db8::/32); a text needs quotes\n" },
        { "client.ip == 1.2.3.4.5",
          "r.yaml:7:14: '1.2.3.4.5' is not an address (like 192.0.2.1, 10.0.0.0/8, 2001:db8::/32); a text needs quotes\n" },
        { "page == profile and 10:30 == 5",
          "r.yaml:7:21: '10:30' is not an address (like 192.0.2.1, 10.0.0.0/8, 2001:db8::/32); a text needs quotes\n" },
        { "path == '''",
          "r.yaml:7:9: the text that begins here has no closing '\n" },
        { "client.ip == 'fe80::1/64'",
          "r.yaml:7:14: 'fe80::1/64' is not an address: bits are set after its prefix\n" },
        { "count(page, 10m)",
          "r.yaml:7:7: a condition is needed here, and 'page' is a page\n" },
        { "count(10m)",
          "r.yaml:7:1: a condition is needed here, and 'count(10m)' is a number\n" },
        { "header('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa') == 'x'",
          "r.yaml:7:8: header('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'): the name of a header is 1 to 32 letters\n" },
        { "page == form_seen",
          "r.yaml:7:6: page is a page, and form_seen is a state: they cannot be compared\n" },
        { "page == status",
          "r.yaml:7:6: page is a page, and status is a number: they cannot be compared\n" },
        { "status == page",
          "r.yaml:7:8: status is a number, and page is a page: they cannot be compared\n" },
        { "form_seen == profile",
          "r.yaml:7:14: unknown state 'profile'\n" },
        { "signup.accepted == yes",
          "r.yaml:7:1: 'signup.accepted' is a condition: it stands alone or behind 'not'\n" },
        { "form_seen == yess",
          "r.yaml:7:14: unknown state 'yess' (did you mean 'yes'?)\n" },
        { "status == latency",
          "r.yaml:7:8: status is a number, and latency is a duration: they cannot be compared\n" },
        { "-page == 5",
          "r.yaml:7:1: '-' is for numbers and durations, and 'page' is a page\n" },
        { "status in [-profile]",
          "r.yaml:7:13: unknown field 'profile' (a text needs quotes)\n" },
        { "present(page == profile)",
          "r.yaml:7:9: a condition is never missing: present() would always be true\n" },
        { "distinct(host, 10m, 10m) > 5",
          "r.yaml:7:16: a condition is needed here, and '10m' is a duration\n" },
        { "page == profile and\n  status == '200'",
          "r.yaml:7:33: 'status' is a number: write 200 without quotes\n" },
        { "path == '\xc3\xa9' and statu == 200",
          "r.yaml:7:17: unknown field 'statu' (did you mean 'status'?)\n" },
        { "bot.verified == 5",
          "r.yaml:7:1: 'bot.verified' is a condition: it stands alone or behind 'not'\n" },
        { "status in [-5m]",
          "r.yaml:7:12: 'status' is a number, and '-5m' is a duration (a million is M)\n" },
        { "bot.verified in [1]",
          "r.yaml:7:1: 'bot.verified' is a condition: it stands in no list\n" },
};
/* clang-format on */

static struct expr *parse(struct slice text, unsigned column, bool exact,
                          struct buf *said)
{
        struct diag *diag = diag_new();
        struct expr *expr = expr_parse(text, (struct place){ "r.yaml", 7, column }, exact,
                                       &world, VALUE_BOOL, diag);

        buf_clear(said);
        diag_print(diag, said);
        assert_int_equal(expr == NULL, diag_errors(diag) > 0);
        diag_free(&diag);
        return expr;
}

static void test_mistakes(void **state)
{
        struct buf said = { 0 };
        unsigned wrong = 0;

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                assert_null(parse(slice_str(rows[i].text), 1, true, &said));
                if (slice_is(buf_slice(&said), rows[i].mistakes))
                        continue;
                print_error("%s:\n%.*sand not\n%s", rows[i].text, (int)said.len,
                            said.data, rows[i].mistakes);
                wrong++;
        }
        assert_int_equal(wrong, 0);
        buf_free(&said);
}

/* Where columns are not known all mistakes stand at the place of the whole. */
static void test_columns(void **state)
{
        struct buf said = { 0 };

        (void)state;
        assert_null(
            parse(slice_str("status == 200 and pge == profile"), 12, true, &said));
        assert_slice(buf_slice(&said),
                     "r.yaml:7:30: unknown field 'pge' (did you mean 'page'?)\n");
        assert_null(
            parse(slice_str("status == 200 and pge == profile"), 12, false, &said));
        assert_slice(buf_slice(&said),
                     "r.yaml:7:12: unknown field 'pge' (did you mean 'page'?)\n");
        buf_free(&said);
}

/* Bits behind the prefix do no harm: read, with a warning. */
static void test_warning(void **state)
{
        struct buf said = { 0 }, printed = { 0 };
        struct expr *expr = parse(slice_str("client.ip in 10.0.0.1/8"), 1, true, &said);

        (void)state;
        assert_non_null(expr);
        assert_slice(buf_slice(&said), "r.yaml:7:14: warning: '10.0.0.1/8' is read as "
                                       "10.0.0.0/8: bits are set after its prefix\n");
        expr_print(expr, &printed);
        assert_slice(buf_slice(&printed), "client.ip in 10.0.0.0/8");
        expr_free(&expr);
        buf_free(&said);
        buf_free(&printed);
}

static void repeat(struct buf *out, const char *text, unsigned times)
{
        while (times--)
                buf_put_str(out, text);
}

/* `before` that many times, a condition, `after` that many times. */
static bool accepts_repeated(const char *before, const char *after, unsigned times)
{
        struct buf text = { 0 }, said = { 0 };
        struct expr *expr;
        bool accepted;

        repeat(&text, before, times);
        buf_put_str(&text, "bot.verified");
        repeat(&text, after, times);
        expr = parse(buf_slice(&text), 1, true, &said);
        accepted = expr != NULL;
        expr_free(&expr);
        buf_free(&text);
        buf_free(&said);
        return accepted;
}

/* Nesting and length are capped; a chain of `and` is not nesting. */
static void test_caps(void **state)
{
        struct buf said = { 0 };

        (void)state;
        assert_true(accepts_repeated("(", ")", 60));
        assert_false(accepts_repeated("(", ")", 64));
        assert_false(accepts_repeated("(", ")", 30000));
        assert_true(accepts_repeated("not ", "", 60));
        assert_false(accepts_repeated("not ", "", 64));
        assert_false(accepts_repeated("not ", "", 15000));
        assert_true(accepts_repeated("", " and bot.verified", 1000));
        assert_false(accepts_repeated("", " and bot.verified", 4096));
        assert_false(accepts_repeated("", " and 1<2", 1500));
        assert_false(accepts_repeated("-", "", 60000));
        assert_false(accepts_repeated("", "[", 60000));
        assert_false(accepts_repeated("count(", "", 10000));
        assert_false(accepts_repeated("surge(", "", 10000));
        assert_false(accepts_repeated("'", "'", 30000));
        assert_false(accepts_repeated(" ", " ", 40000));
        assert_null(parse(slice_of("path == 'a\0b'", 14), 1, true, &said));
        assert_slice(buf_slice(&said), "r.yaml:7:1: an expression must not hold a NUL\n");
        buf_free(&said);
}

static void test_deep_arithmetic(void **state)
{
        struct buf text = { 0 }, said = { 0 };
        struct expr *expr;

        (void)state;
        buf_put_str(&text, "status");
        repeat(&text, " + 1", 50);
        buf_put_str(&text, " > 1");
        expr = parse(buf_slice(&text), 1, true, &said);
        assert_non_null(expr);
        expr_free(&expr);
        text.len -= strlen(" > 1");
        repeat(&text, " + 1", 50);
        buf_put_str(&text, " > 1");
        assert_null(parse(buf_slice(&text), 1, true, &said));
        assert_slice(buf_slice(&said),
                     "r.yaml:7:1: this expression is nested too deeply\n");
        buf_free(&text);
        buf_free(&said);
}

/* A pattern that would be compiled to megabytes is a mistake, not a wait. */
static void test_regex_caps(void **state)
{
        struct buf text = { 0 }, said = { 0 };

        (void)state;
        buf_put_str(&text, "path =~ '");
        repeat(&text, "a", 5000);
        buf_put_str(&text, "'");
        assert_null(parse(buf_slice(&text), 1, true, &said));
        assert_slice(buf_slice(&said),
                     "r.yaml:7:10: in the regular expression: pattern string "
                     "is longer than the limit set by the application\n");
        assert_null(parse(slice_str("path =~ '((((a{9999}){9999}){9999}){99})'"), 1, true,
                          &said));
        buf_free(&text);
        buf_free(&said);
}

/* What `want` asks for; each kind of key is a field of some type. */
static void test_wanted(void **state)
{
        struct diag *diag = diag_new();
        struct place place = { "r.yaml", 7, 1 };
        struct buf said = { 0 };
        struct expr *expr =
            expr_parse(slice_str("client.ip"), place, true, &world, VALUE_MISSING, diag);

        (void)state;
        assert_non_null(expr);
        assert_string_equal(expr_field(expr)->name, "client.ip");
        assert_int_equal(expr_type(expr), VALUE_NETWORK);
        expr_free(&expr);
        assert_null(
            expr_parse(slice_str("status"), place, true, &world, VALUE_DURATION, diag));
        assert_null(expr_parse(slice_none(), place, true, &world, VALUE_BOOL, diag));
        diag_print(diag, &said);
        assert_slice(buf_slice(&said),
                     "r.yaml:7:1: a duration is needed here, and 'status' is a number\n"
                     "r.yaml:7:1: an expression is missing\n");
        buf_free(&said);
        diag_free(&diag);
}

/* A site map has no functions and no lists. */
static void test_bare_language(void **state)
{
        static const struct expr_language bare = { .fields = all_fields };
        struct diag *diag = diag_new();
        struct buf said = { 0 };

        (void)state;
        (void)some_visit;
        (void)world_aggregate;
        assert_null(expr_parse(slice_str("count(10m) > 1 or status in @codes"),
                               (struct place){ "site.yaml", 1, 1 }, true, &bare,
                               VALUE_BOOL, diag));
        diag_print(diag, &said);
        assert_slice(buf_slice(&said),
                     "site.yaml:1:1: there is no function 'count' here\n"
                     "site.yaml:1:29: unknown list '@codes'\n");
        buf_free(&said);
        diag_free(&diag);
}

/* Every beginning of every row, and every row with one byte changed: no crash. */
static void test_damaged(void **state)
{
        struct buf said = { 0 };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                size_t len = strlen(rows[i].text);
                for (size_t cut = 0; cut < len; cut++) {
                        /* As long as its contents, so that a sanitizer sees one byte
                         * more. */
                        char *copy = malloc(len);
                        struct expr *expr;
                        memcpy(copy, rows[i].text, len);
                        expr = parse(slice_of(copy, cut), 1, true, &said);
                        expr_free(&expr);
                        copy[cut] = (char)(copy[cut] ^ 0x15);
                        expr = parse(slice_of(copy, len), 1, true, &said);
                        expr_free(&expr);
                        free(copy);
                }
        }
        buf_free(&said);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_mistakes),   cmocka_unit_test(test_columns),
                cmocka_unit_test(test_warning),    cmocka_unit_test(test_caps),
                cmocka_unit_test(test_regex_caps), cmocka_unit_test(test_deep_arithmetic),
                cmocka_unit_test(test_wanted),     cmocka_unit_test(test_bare_language),
                cmocka_unit_test(test_damaged),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
