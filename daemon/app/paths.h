/* SPDX-License-Identifier: MIT */
/*
 * paths - where things are: the state directory, the shipped rules, the default files.
 *
 * Texts that are returned belong to the caller (free). Looks at the file system,
 * keeps nothing.
 */
#ifndef APP_PATHS_H
#define APP_PATHS_H

#include <stdbool.h>

#define PATHS_CONFIG "/etc/trawlwatch/trawlwatch.yaml"

/*
 * The shipped rules, site map and list of declared bots: below share/trawlwatch of the
 * prefix that the running program was installed under, else in the source tree
 * that it was built in (../../rules from build/bin). NULL when neither is there.
 */
char *paths_shipped_rules(void);
char *paths_shipped_site(void);
char *paths_shipped_agents(void);
char *paths_shipped_crawler_hosts(void);
char *paths_shipped_disposable(void); /* domains of disposable e-mail addresses */

/*
 * Where state is kept: /var/lib/trawlwatch where it may be written to, else
 * $XDG_STATE_HOME/trawlwatch, else ~/.local/state/trawlwatch. `create` makes the
 * folder (mode 0750). NULL when there is none: errno tells why.
 */
char *paths_state(bool create);

/*
 * The control socket where none is configured: in /run/trawlwatch where that may be
 * written to, else in the state folder; for who asks (`create` false), where it is. NULL
 * as paths_state.
 */
char *paths_control(bool create);

/* The journal's folder: `configured` when it is not NULL, else below the state. */
char *paths_journal(const char *configured, bool create);

/* mkdir -p: true when the folder is there afterwards. New ones get mode 0750. */
bool paths_make(const char *folder);

#endif
