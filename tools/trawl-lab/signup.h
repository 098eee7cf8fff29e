/* SPDX-License-Identifier: MIT */
/*
 * signup - those who sign up many times: bursts of fake accounts.
 *
 * One burst is a plan: so many sign-ups at a rate, each by a visitor of its own with an
 * address out of the pool. A visitor fetches the form (or not), fills it in (or takes no
 * time), and sends it. What becomes of an accepted one is its owner's business (farm.c).
 * Traps that sign up (a classroom) are plans as well.
 */
#ifndef LAB_SIGNUP_H
#define LAB_SIGNUP_H

#include "client.h"
#include "email.h"
#include "parameters.h"
#include "pool.h"
#include "timing.h"

/* An account was accepted: the cookies that it got. */
typedef void signup_born_fn(void *context, struct lab *, int64_t now_ns,
                            const char *session, const char *account);

struct signup_plan {
        struct pool_plan pool;
        uint32_t rotate; /* sign-ups until the next address */
        const char *software;
        bool mixed; /* each visitor has its own software of that kind */
        bool assets;
        uint32_t signups; /* tries */
        double rate;      /* tries a second */
        enum timing_kind timing;
        double form;           /* part that fetches the form before */
        int64_t fill_ns;       /* from the form to its sending: median */
        bool fills_as_people;  /* lognormal; otherwise always the same */
        double refused, phone; /* parts of the tries */
        struct email_plan emails;
        signup_born_fn *born; /* may be NULL */
        void *context;
};

/* `prefix` is what its keys for addresses begin with. */
struct signup_plan signup_plan_of(const struct lab *, const struct entry *,
                                  const char *prefix);

/* All its visitors come, as the plan says. */
void signup_start(struct lab *, const struct signup_plan *, uint32_t group, struct dice *,
                  int64_t now_ns);

/*
 * The keys of a class that signs up. `made` says how names and mail addresses are.
 */
#define SIGNUP_KEYS(signups, rate, timing, form, fill, fills)                  \
        { "signups", PARAMETER_COUNT, signups, 1, 1e7, NULL, "tries" },        \
            { "signup_rate", PARAMETER_RATE, rate, 1e-6, 1e4, NULL, "tries" }, \
            { "signup_timing",                                                 \
              PARAMETER_CHOICE,                                                \
              timing,                                                          \
              0,                                                               \
              0,                                                               \
              signup_timings,                                                  \
              "of the times between tries" },                                  \
            { "form",                                                          \
              PARAMETER_NUMBER,                                                \
              form,                                                            \
              0,                                                               \
              1,                                                               \
              NULL,                                                            \
              "part that fetches the form before it sends it" },               \
            { "fill",                                                          \
              PARAMETER_DURATION,                                              \
              fill,                                                            \
              0,                                                               \
              3600,                                                            \
              NULL,                                                            \
              "from the form to its sending (median)" },                       \
            { "fills",                                                         \
              PARAMETER_CHOICE,                                                \
              fills,                                                           \
              0,                                                               \
              0,                                                               \
              signup_fills,                                                    \
              "fixed: always as long; human: lognormal" },                     \
            { "refused",                                                       \
              PARAMETER_NUMBER,                                                \
              "0.04",                                                          \
              0,                                                               \
              1,                                                               \
              NULL,                                                            \
              "part that the site does not accept" },                          \
        {                                                                      \
                "phone", PARAMETER_NUMBER, "0", 0, 1, NULL,                    \
                    "part that gives a telephone number"                       \
        }

#define SIGNUP_WHO(software, mixed, assets, rotate)                                  \
        { "signup_software",                                                         \
          PARAMETER_TEXT,                                                            \
          software,                                                                  \
          0,                                                                         \
          0,                                                                         \
          NULL,                                                                      \
          "library, browser, copied, copied NAME, or NAME: one recorded software" }, \
            { "signup_mixed",                                                        \
              PARAMETER_TRUTH,                                                       \
              mixed,                                                                 \
              0,                                                                     \
              0,                                                                     \
              NULL,                                                                  \
              "each visitor draws its own software" },                               \
            { "signup_assets",                                                       \
              PARAMETER_TRUTH,                                                       \
              assets,                                                                \
              0,                                                                     \
              0,                                                                     \
              NULL,                                                                  \
              "fetches what the form's page brings" },                               \
        {                                                                            \
                "signup_rotate", PARAMETER_COUNT, rotate, 1, 1e6, NULL,              \
                    "tries from one address, then it is the next one's turn"         \
        }

#define SIGNUP_EMAILS(emails, names)                                                     \
        { "emails",                                                                      \
          PARAMETER_CHOICE,                                                              \
          emails,                                                                        \
          0,                                                                             \
          0,                                                                             \
          email_kinds,                                                                   \
          "person, tagged (one inbox), pattern (over many domains), disposable, domain " \
          "(one), family" },                                                             \
            { "names", PARAMETER_CHOICE, names, 0, 0, name_kinds, "of who signs up" },   \
            { "made_domains",                                                            \
              PARAMETER_COUNT,                                                           \
              "40",                                                                      \
              1,                                                                         \
              64,                                                                        \
              NULL,                                                                      \
              "pattern: over so many domains" },                                         \
            { "domains", PARAMETER_TEXT, SIGNUP_DISPOSABLE,     0,                       \
              0,         NULL,           "disposable: at these" },                       \
        {                                                                                \
                "inboxes", PARAMETER_TEXT, "gmail.com", 0, 0, NULL,                      \
                    "tagged: at one of these"                                            \
        }

/* Well-known ones, and some of the kind that nobody has a list of. */
#define SIGNUP_DISPOSABLE                                                    \
        "mailinator.com, guerrillamail.com, 10minutemail.com, yopmail.com, " \
        "temp-mail.org, trashmail.com, sharklasers.com, getnada.com, "       \
        "fasterinbox.example, mailbeforenoon.example"

extern const char *const signup_timings[], *const signup_fills[];

#endif
