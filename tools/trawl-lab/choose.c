/* SPDX-License-Identifier: MIT */
#include "choose.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COPIES 1000 /* ways to copy a head */

static _Noreturn void fail(const char *text)
{
        fprintf(stderr,
                "trawl-lab: no recorded software is called '%s': see the folder of "
                "clients, or say library, browser, copied or bot\n",
                text);
        exit(2);
}

static const struct software *named(struct lab *lab, const char *text)
{
        const struct software *software;
        size_t length = strcspn(text, " ");
        char name[64];

        snprintf(name, sizeof name, "%.*s", (int)length, text);
        if (text[length] == '\0')
                software = software_named(lab_softwares(lab), name);
        else if (strcmp(text + length, " older") == 0)
                software = software_before(lab_softwares(lab), name, 1);
        else
                software = NULL;
        if (!software)
                fail(text);
        return software;
}

static const struct software *any(struct lab *lab, enum software_class class,
                                  const char *text, struct dice *dice)
{
        const struct software *software =
            software_of_class(lab_softwares(lab), class, dice);

        if (!software)
                fail(text);
        return software;
}

const struct software *choose_software(struct lab *lab, const char *text,
                                       struct dice *dice)
{
        struct softwares *all = lab_softwares(lab);
        const struct software *copy_of;

        if (strcmp(text, "library") == 0)
                return any(lab, SOFTWARE_LIBRARY, text, dice);
        if (strcmp(text, "bot") == 0)
                return any(lab, SOFTWARE_BOT, text, dice);
        if (strcmp(text, "browser") == 0)
                return software_of_person(all, dice);
        if (strncmp(text, "copied", 6) != 0 || (text[6] != '\0' && text[6] != ' '))
                return named(lab, text);
        copy_of = text[6] ? named(lab, text + 7) : software_of_person(all, dice);
        return software_copied(all, copy_of, dice_below(dice, COPIES));
}

bool choose_is_browser(const struct software *software, const char *text)
{
        return strncmp(text, "copied", 6) != 0 &&
               software_class(software) == SOFTWARE_BROWSER;
}
