/* SPDX-License-Identifier: MIT */
/*
 * software - what sends requests: heads as real clients send them, recorded.
 *
 * The files of clients/ (NAME.heads) hold what one program, in one version, sent for each
 * kind of request (record-clients made them). A head is sent as it was recorded, name by
 * name, but for what depends on the site and the moment: {path} {host} {cookie} {referer}
 * {language} {length} and the version of the browser within one family {version}.
 */
#ifndef LAB_SOFTWARE_H
#define LAB_SOFTWARE_H

#include "dice.h"

#include "base/slice.h"

enum request_kind {
        REQUEST_NAVIGATION, /* a link was followed, an address typed in */
        REQUEST_STYLE,
        REQUEST_SCRIPT,
        REQUEST_FONT,
        REQUEST_IMAGE,
        REQUEST_FETCH, /* JSON, by a script of the page */
        REQUEST_FORM,  /* a form that is sent */
        REQUEST_PREFETCH,
        REQUEST_KINDS
};

enum software_class { SOFTWARE_BROWSER, SOFTWARE_LIBRARY, SOFTWARE_BOT };

struct software;
struct softwares;

/* All files of the folder, for the site's name and its terminator. NULL after mistakes.
 */
struct parameters;
struct diag;
struct softwares *softwares_load(const char *folder, const struct parameters *,
                                 struct diag *);
void softwares_free(struct softwares **);

/* A browser that somebody has, by market share (`share` of the file), and one of its
 * versions. */
const struct software *software_of_person(const struct softwares *, struct dice *);
/* The newest of its versions. NULL: there is none of that name. */
const struct software *software_named(const struct softwares *,
                                      const char *name);

/* The `back`th version before that, as people have them; NULL when there are not so many. */
const struct software *software_before(const struct softwares *, const char *name,
                                       unsigned back);

/* ---- heads ---- */

enum head_value {
        HEAD_ALWAYS, /* no value */
        HEAD_METHOD,
        HEAD_PATH,
        HEAD_COOKIE,
        HEAD_REFERER, /* the whole address */
        HEAD_ORIGIN,
        HEAD_LANGUAGE,
        HEAD_LENGTH, /* of a body that is sent */
        HEAD_TYPE,   /* of that body, where the recorded head tells none */
        HEAD_FORWARDED,
        HEAD_FETCH_SITE, /* Sec-Fetch-Site of a navigation */
        HEAD_VALUES
};

/*
 * The whole head into `out`, as it leaves the software or its terminator. A line whose
 * value is none is left out. Returns its length; 0 when there is no room.
 */
size_t software_head(const struct software *, enum request_kind,
                     const struct slice values[HEAD_VALUES], uint8_t *out, size_t room);

/* Whether a cookie that it has goes with such a request: fonts go without in some
 * browsers. */
bool software_sends_cookies(const struct software *, enum request_kind);

/* Any of that class, each as often; NULL when there is none. */
const struct software *software_of_class(const struct softwares *, enum software_class,
                                         struct dice *);

const char *software_name(const struct software *);
const char *software_agent(const struct software *); /* its User-Agent; "": none */
enum software_class software_class(const struct software *);
bool software_closes(const struct software *); /* its connection, after each answer */
const char *software_language(const struct software *); /* Accept-Language, as recorded */

/*
 * The same software that sends its heads otherwise: a script that has copied a browser's
 * names and values but not their order or all of them. `variant` tells one from another.
 * Borrowed from the softwares, made once.
 */
const struct software *software_copied(struct softwares *, const struct software *,
                                       uint32_t variant);

#endif
