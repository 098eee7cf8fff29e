/* SPDX-License-Identifier: MIT */
#include "app/confine_paths.h"

#include "app/config_priv.h"
#include "app/paths.h"
#include "base/check.h"
#include "base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Takes the text; NULL is none. One that is there already is not added again. */
static void take(struct confine_paths *p, char *path, enum confine_access access)
{
        for (unsigned i = 0; path && i < p->count; i++)
                if (p->paths[i].access == access && strcmp(p->paths[i].path, path) == 0) {
                        free(path);
                        return;
                }
        if (!path)
                return;
        if (p->count < CONFINE_PATHS)
                p->paths[p->count] = (struct confine_path){ path, access };
        else
                free(path);
        p->count++;
}

static void add(struct confine_paths *p, const char *path)
{
        if (path)
                take(p, strdup(path), CONFINE_READ);
}

static void add_list(struct confine_paths *p, const struct text_list *list)
{
        for (unsigned i = 0; i < list->count; i++)
                add(p, list->items[i]);
}

/* Whatever the table of options says is a path. */
static void add_options(struct confine_paths *p, const struct config *config)
{
        for (const struct option *o = config_options; o->section; o++) {
                const void *value = option_value_const(o, config);
                if (o->type == OPTION_PATH && strcmp(o->section, "journal") != 0)
                        add(p, *(char *const *)value);
                else if (o->type == OPTION_PATHS)
                        add_list(p, value);
        }
}

static bool add_journal(struct confine_paths *p, const char *configured)
{
        char *folder = paths_journal(configured, true);

        if (!folder)
                log_error("journal %s: %s; -o journal.dir=DIR names another place",
                          configured ? configured : "folder", strerror(errno));
        take(p, folder, CONFINE_WRITE);
        return folder;
}

static bool add_state(struct confine_paths *p)
{
        char *folder = paths_state(true);

        if (!folder)
                log_error("no folder for the key file (%s): give privacy.key_file",
                          strerror(errno));
        take(p, folder, CONFINE_WRITE);
        return folder;
}

/* Where the control socket is made. */
static void add_socket(struct confine_paths *p, const struct config *config)
{
        const char *path = config->admin.socket;
        char *folder, *slash;

        if (path && (!*path || strcmp(path, "none") == 0))
                return;
        folder = path ? strdup(path) : paths_control(true);
        slash = folder ? strrchr(folder, '/') : NULL;
        if (slash && slash != folder) {
                *slash = 0;
                if (access(folder, W_OK) == 0) {
                        take(p, folder, CONFINE_WRITE);
                        return;
                }
        }
        free(folder);
}

static void add_shipped(struct confine_paths *p)
{
        char *(*const shipped[])(
            void) = { paths_shipped_rules, paths_shipped_site, paths_shipped_agents,
                      paths_shipped_crawler_hosts, paths_shipped_disposable };

        for (size_t i = 0; i < sizeof(shipped) / sizeof(shipped[0]); i++)
                take(p, shipped[i](), CONFINE_READ);
}

bool confine_paths_make(struct confine_paths *p, const struct command_line *line,
                        const struct setup *setup)
{
        const struct config *config = &setup->config;

        *p = (struct confine_paths){ .count = 0 };
        if (!add_journal(p, config->journal.dir) ||
            (!config->privacy.key_file && !add_state(p)))
                return false;
        add_socket(p, config);
        add(p, line->check.config);
        add(p, setup->site_path);
        add_list(p, &setup->rule_paths);
        add_list(p, &line->check.rules);
        add_options(p, config);
        add_shipped(p);
        if (p->count <= CONFINE_PATHS)
                return true;
        log_error(
            "the configuration names more than %d files and folders: put rules in a "
            "folder",
            CONFINE_PATHS);
        p->count = CONFINE_PATHS;
        return false;
}

void confine_paths_add_all(struct confine_paths *p)
{
        take(p, strdup("/"), CONFINE_READ);
}

void confine_paths_free(struct confine_paths *p)
{
        for (unsigned i = 0; i < p->count; i++)
                free((char *)(uintptr_t)p->paths[i].path);
        *p = (struct confine_paths){ .count = 0 };
}

static bool has(const struct confine_paths *p, const struct confine_path *path)
{
        for (unsigned i = 0; i < p->count; i++)
                if (p->paths[i].access == path->access &&
                    strcmp(p->paths[i].path, path->path) == 0)
                        return true;
        return false;
}

bool confine_paths_grow(const struct confine_paths *old, const struct confine_paths *new)
{
        for (unsigned i = 0; i < new->count; i++)
                if (!has(old, &new->paths[i]))
                        return true;
        return false;
}
