/* SPDX-License-Identifier: MIT */
#include "app/paths.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"

#define STATE_SYSTEM "/var/lib/trawlwatch"
#define RUN_SYSTEM   "/run/trawlwatch"
#define CONTROL      "control.sock"
#define SITE_DEFAULT "sites/profile-network.yaml"
#define AGENTS       "lists/crawlers.txt"
#define CRAWLERS     "lists/crawler-hosts.yaml"
#define DISPOSABLE   "lists/disposable-email-domains.txt"

static char *join(const char *folder, const char *name)
{
        char *path;

        CHECK(asprintf(&path, "%s/%s", folder, name) >= 0);
        return path;
}

/* The folder of the running program, or false. */
static bool program_folder(char folder[PATH_MAX])
{
        ssize_t len = readlink("/proc/self/exe", folder, PATH_MAX - 1);
        char *slash;

        if (len <= 0)
                return false;
        folder[len] = 0;
        slash = strrchr(folder, '/');
        if (!slash)
                return false;
        *slash = 0;
        return true;
}

static char *shipped(const char *below)
{
        static const char *const places[] = { "../share/trawlwatch/rules",
                                              "../../rules" };
        char folder[PATH_MAX];

        if (!program_folder(folder))
                return NULL;
        for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
                char *base = join(folder, places[i]);
                char *path = below ? join(base, below) : strdup(base);
                char *real = realpath(path, NULL);
                free(base);
                free(path);
                if (real)
                        return real;
        }
        return NULL;
}

char *paths_shipped_rules(void)
{
        return shipped(NULL);
}

char *paths_shipped_site(void)
{
        return shipped(SITE_DEFAULT);
}

char *paths_shipped_agents(void)
{
        return shipped(AGENTS);
}

char *paths_shipped_crawler_hosts(void)
{
        return shipped(CRAWLERS);
}

char *paths_shipped_disposable(void)
{
        return shipped(DISPOSABLE);
}

static bool is_folder(const char *path)
{
        struct stat status;

        if (stat(path, &status) != 0)
                return false;
        if (S_ISDIR(status.st_mode))
                return true;
        errno = ENOTDIR;
        return false;
}

bool paths_make(const char *folder)
{
        char *path = strdup(folder);
        bool made;

        CHECK(path != NULL);
        for (char *at = path; *at; at++) {
                if (*at != '/' || at == path)
                        continue;
                *at = 0;
                if (mkdir(path, 0750) != 0 && errno != EEXIST)
                        break;
                *at = '/';
        }
        made = mkdir(path, 0750) == 0 || is_folder(path);
        free(path);
        return made;
}

/* Where a journal is, its disk may be read-only for now: no other place is looked for. */
static bool is_in_use(const char *folder)
{
        char *journal = join(folder, "journal");
        bool is_there = is_folder(journal);

        free(journal);
        return is_there;
}

static bool usable(const char *folder, bool create)
{
        if (create && mkdir(folder, 0750) != 0 && errno != EEXIST)
                return false;
        if (!is_folder(folder))
                return false;
        return access(folder, W_OK | X_OK) == 0 || (errno == EROFS && is_in_use(folder));
}

/* The state folder of one user, whether it is there or not; NULL without a home. */
static char *personal_state(void)
{
        const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");

        /* A relative path must be ignored (XDG Base Directory Specification 0.8). */
        if (state && state[0] == '/')
                return join(state, "trawlwatch");
        if (home && home[0] == '/')
                return join(home, ".local/state/trawlwatch");
        errno = ENOENT;
        return NULL;
}

char *paths_state(bool create)
{
        char *personal;

        if (usable(STATE_SYSTEM, create))
                return strdup(STATE_SYSTEM);
        personal = personal_state();
        if (personal && (create ? paths_make(personal) : is_folder(personal)))
                return personal;
        free(personal);
        /* It can be read perhaps; if not, whoever opens it says so. */
        if (!create && is_folder(STATE_SYSTEM))
                return strdup(STATE_SYSTEM);
        return NULL;
}

char *paths_control(bool create)
{
        char *path = join(RUN_SYSTEM, CONTROL), *state;

        if (create ? usable(RUN_SYSTEM, false) : access(path, F_OK) == 0)
                return path;
        free(path);
        state = paths_state(create);
        if (!state)
                return NULL;
        path = join(state, CONTROL);
        free(state);
        return path;
}

char *paths_journal(const char *configured, bool create)
{
        char *state, *journal;

        if (configured) {
                journal = strdup(configured);
        } else {
                state = paths_state(create);
                if (!state)
                        return NULL;
                journal = join(state, "journal");
                free(state);
        }
        if (create && !paths_make(journal)) {
                free(journal);
                return NULL;
        }
        return journal;
}
