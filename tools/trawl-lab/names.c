/* SPDX-License-Identifier: MIT */
#include "names.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* In the order of how common they are: the first ones are taken most. */
static const char *const first_begin[] = {
        "an",  "ma",  "jo", "li",  "da",  "el",   "mi",   "sa", "ka",  "ti",
        "ni",  "le",  "ro", "ste", "an",  "ju",   "lu",   "pe", "cla", "ben",
        "vi",  "ha",  "fe", "al",  "re",  "ol",   "so",   "do", "ri",  "em",
        "gre", "mar", "ty", "isa", "nor", "phil", "chri", "be", "ca",  "wil",
};
static const char *const first_end[] = {
        "na",   "ria",  "el",   "nas", "ra",   "la",    "nik", "ris",  "min",  "lia",
        "mon",  "bert", "ne",   "ko",  "sa",   "tin",   "vin", "rik",  "mina", "lo",
        "rena", "as",   "dora", "ton", "lene", "nette", "ron", "fina",
};
static const char *const last_begin[] = {
        "mul", "kel",  "bren", "hal",  "mar", "win",  "tos",  "wal", "ber", "sol",
        "gar", "lind", "ros",  "stei", "kor", "pal",  "hor",  "fen", "dor", "gra",
        "nov", "sand", "vog",  "has",  "kla", "rei",  "bau",  "car", "del", "mor",
        "fal", "han",  "lor",  "ost",  "pet", "quin", "rad",  "sil", "tam", "ul",
        "ver", "wes",  "zim",  "bor",  "cas", "dun",  "esch", "fri", "gol", "her",
};
static const char *const last_middle[] = { "",  "",   "",   "",   "",   "a",  "e",
                                           "i", "en", "er", "in", "el", "or", "am" };
static const char *const last_end[] = {
        "ler",   "ner", "mann", "sen",  "ton",  "berg",  "ter", "son",
        "ski",   "ez",  "ova",  "hof",  "der",  "stein", "ley", "ard",
        "field", "ini", "ell",  "wick", "bach", "dahl",  "mer", "strom",
};

/* 0..count-1, the small ones most. */
static unsigned skewed(uint64_t bits, unsigned count)
{
        double u = dice_unit_of(bits);

        return (unsigned)(u * u * count);
}

#define PICK(array, bits) ((array)[skewed((bits), COUNT_OF(array))])

struct name name_of(uint64_t bits)
{
        struct name name;

        snprintf(name.first, sizeof(name.first), "%s%s",
                 PICK(first_begin, dice_mix(bits, 1)),
                 PICK(first_end, dice_mix(bits, 2)));
        snprintf(name.last, sizeof(name.last), "%s%s%s",
                 PICK(last_begin, dice_mix(bits, 3)),
                 PICK(last_middle, dice_mix(bits, 4)), PICK(last_end, dice_mix(bits, 5)));
        name.first[0] = (char)toupper((unsigned char)name.first[0]);
        name.last[0] = (char)toupper((unsigned char)name.last[0]);
        return name;
}

static void lower(char *text)
{
        for (; *text; text++)
                *text = (char)tolower((unsigned char)*text);
}

/* A year of birth in two or four digits, or a number that was still free. */
static void put_digits(struct dice *d, char text[8])
{
        static const double weights[] = { 50, 20, 30 };
        unsigned year = 1955 + dice_below(d, 53);

        switch (dice_weighted(d, weights, COUNT_OF(weights))) {
        case 0:
                snprintf(text, 8, "%02u", year % 100);
                break;
        case 1:
                snprintf(text, 8, "%u", year);
                break;
        default:
                snprintf(text, 8, "%u",
                         1 + dice_below(d, dice_chance(d, 0.6) ? 99 : 9999));
                break;
        }
}

/* What is rather said than written in a passport. */
static void put_nickname(struct dice *d, char text[2 * NAME_MAX_TEXT])
{
        static const char *const begin[] = { "sun",  "moon", "blue",  "wild", "lucky",
                                             "rock", "mini", "super", "the",  "dark",
                                             "snow", "tiny", "crazy", "old",  "happy" };
        const char *end = PICK(last_begin, dice_bits(d));

        snprintf(text, 2 * NAME_MAX_TEXT, "%s%s%s", begin[dice_below(d, COUNT_OF(begin))],
                 dice_chance(d, 0.2) ? "_" : "", end);
}

enum local {
        LOCAL_FIRST_DOT_LAST,
        LOCAL_FIRST_LAST,
        LOCAL_FIRST_DOT_LAST_DIGITS,
        LOCAL_FIRST_LAST_DIGITS,
        LOCAL_INITIAL_LAST,
        LOCAL_INITIAL_DOT_LAST,
        LOCAL_LAST_DOT_FIRST,
        LOCAL_FIRST_DIGITS,
        LOCAL_FIRST_UNDERSCORE_LAST,
        LOCAL_NICKNAME,
        LOCAL_NICKNAME_DIGITS,
        LOCALS
};

static const double local_weights[LOCALS] = { 25, 14, 10, 12, 7, 5, 4, 7, 4, 4, 8 };

static void put_local(enum local kind, const char *first, const char *last,
                      struct dice *d, char *text, size_t room)
{
        char digits[8], nickname[2 * NAME_MAX_TEXT];

        put_digits(d, digits);
        put_nickname(d, nickname);
        switch (kind) {
        case LOCAL_FIRST_DOT_LAST:
                snprintf(text, room, "%s.%s", first, last);
                break;
        case LOCAL_FIRST_LAST:
                snprintf(text, room, "%s%s", first, last);
                break;
        case LOCAL_FIRST_DOT_LAST_DIGITS:
                snprintf(text, room, "%s.%s%s", first, last, digits);
                break;
        case LOCAL_FIRST_LAST_DIGITS:
                snprintf(text, room, "%s%s%s", first, last, digits);
                break;
        case LOCAL_INITIAL_LAST:
                snprintf(text, room, "%c%s%s", first[0], last,
                         dice_chance(d, 0.5) ? digits : "");
                break;
        case LOCAL_INITIAL_DOT_LAST:
                snprintf(text, room, "%c.%s", first[0], last);
                break;
        case LOCAL_LAST_DOT_FIRST:
                snprintf(text, room, "%s.%s", last, first);
                break;
        case LOCAL_FIRST_DIGITS:
                snprintf(text, room, "%s%s", first, digits);
                break;
        case LOCAL_FIRST_UNDERSCORE_LAST:
                snprintf(text, room, "%s_%s", first, last);
                break;
        case LOCAL_NICKNAME:
                snprintf(text, room, "%s", nickname);
                break;
        default:
                snprintf(text, room, "%s%s", nickname, digits);
                break;
        }
}

void name_email(const struct name *name, const struct shares *providers, struct dice *d,
                char text[EMAIL_MAX_TEXT])
{
        struct name small = *name;
        enum local kind = (enum local)dice_weighted(d, local_weights, LOCALS);
        unsigned provider = dice_weighted(d, providers->of, providers->count);

        lower(small.first);
        lower(small.last);
        put_local(kind, small.first, small.last, d, text, EMAIL_MAX_TEXT);
        size_t len = strlen(text);
        snprintf(text + len, EMAIL_MAX_TEXT - len, "@%s", providers->name[provider]);
}

void name_phone(struct dice *d, char text[20])
{
        static const char *const prefixes[] = { "+49151", "+49160", "+49170", "+49171",
                                                "+49172", "+49175", "+49176", "+49177" };

        snprintf(text, 20, "%s%08u", prefixes[dice_below(d, COUNT_OF(prefixes))],
                 10000000 + dice_below(d, 89999999));
}
