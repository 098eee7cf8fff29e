/* SPDX-License-Identifier: MIT */
/*
 * Landlock: which files a process may open, whatever its user may. glibc has no functions
 * for it and Debian 12's headers know ABI 2, so the later rights are named here. Nothing
 * may be executed, no device controlled, by anybody.
 */
#include "app/confine_priv.h"

#include "base/check.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/landlock.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { ABI_HIGHEST = 6 };

#define FS_TRUNCATE         (UINT64_C(1) << 14) /* ABI 3 */
#define FS_IOCTL_DEV        (UINT64_C(1) << 15) /* ABI 5 */
#define NET_BIND_TCP        (UINT64_C(1) << 0)  /* ABI 4 */
#define NET_CONNECT_TCP     (UINT64_C(1) << 1)
#define SCOPE_ABSTRACT_UNIX (UINT64_C(1) << 0) /* ABI 6 */
#define SCOPE_SIGNAL        (UINT64_C(1) << 1)

/* struct landlock_ruleset_attr of ABI 6. */
struct ruleset {
        uint64_t fs, net, scoped;
};

/* What each ABI has more than the one before; `size` of what it takes of a ruleset. */
static const struct {
        uint64_t fs;
        size_t size;
} abis[ABI_HIGHEST + 1] = {
        [1] = { (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1, 8 },
        [2] = { LANDLOCK_ACCESS_FS_REFER, 8 },
        [3] = { FS_TRUNCATE, 8 },
        [4] = { 0, 16 },
        [5] = { FS_IOCTL_DEV, 16 },
        [6] = { 0, 24 },
};

static const uint64_t access_rights[] = {
        [CONFINE_READ] = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
        [CONFINE_WRITE] = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR |
                          LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE |
                          LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                          LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR |
                          LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_REFER,
};

/* Rights that a file can have; a rule for one may name no other. */
#define OF_FILES \
        (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE)

#define ENGINE (CONFINE_BIT(CONFINE_ENGINE) | CONFINE_BIT(CONFINE_SUPERVISOR))
#define TOP    CONFINE_BIT(CONFINE_SUPERVISOR)

/* What libraries read, beside the paths that the caller names. */
static const struct {
        const char *path;
        unsigned roles;
        const char *why;
} system_paths[] = {
        { "/etc", ENGINE, "resolv.conf, hosts, nsswitch.conf and ssl; replaced at work" },
        { "/run/systemd/resolve", ENGINE, "resolv.conf is a link to here" },
        { "/run/resolvconf", ENGINE, "or to here" },
        { "/run/NetworkManager", ENGINE, "or to here" },
        { "/usr/lib/ssl", ENGINE, "OpenSSL's settings" },
        { "/usr/share/ca-certificates", ENGINE, "to which /etc/ssl/certs links" },
        { "/usr/local/share/ca-certificates", ENGINE, "likewise" },
        { "/usr/share/zoneinfo", ENGINE, "local time" },
        { "/proc", ENGINE, "a database that is opened through /proc/self/fd" },
        { "/sys/devices", ENGINE, "number of CPUs; statistics of interfaces" },
        { "/dev/urandom", ENGINE, "c-ares: numbers of questions that cannot be guessed" },
        { "/sys/class/net", TOP, "interfaces; libpcap" },
        { "/sys/class/infiniband_verbs", TOP,
          "libpcap asks whether an interface is one" },
        { "/sys/class/infiniband", TOP, "likewise" },
};

struct rules {
        int fd, abi;
        uint64_t fs; /* rights that are handled */
        char *error;
};

static int landlock_abi(void)
{
        long abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
                           LANDLOCK_CREATE_RULESET_VERSION);

        return abi > ABI_HIGHEST ? ABI_HIGHEST : abi < 0 ? 0 : (int)abi;
}

static bool add(const struct rules *r, const char *path, enum confine_access access)
{
        int fd = open(path, O_PATH | O_CLOEXEC);
        struct stat status;
        bool added;

        if (fd < 0 && access == CONFINE_READ && (errno == ENOENT || errno == EACCES))
                return true;
        if (fd < 0 || fstat(fd, &status) != 0) {
                if (fd >= 0)
                        close(fd);
                return confine_fail(r->error, "%s: %s; make it, or name another", path,
                                    strerror(errno));
        }
        uint64_t rights = access_rights[access] & r->fs;
        if (!S_ISDIR(status.st_mode))
                rights &= OF_FILES;
        struct landlock_path_beneath_attr rule = { .allowed_access = rights,
                                                   .parent_fd = fd };
        added = syscall(SYS_landlock_add_rule, r->fd, LANDLOCK_RULE_PATH_BENEATH, &rule,
                        0) == 0;
        if (!added)
                confine_fail(r->error, "Landlock refuses a rule for %s: %s", path,
                             strerror(errno));
        close(fd);
        return added;
}

/* Cuts a path to its folder; not to "/", which would be everything. */
static void cut_to_folder(char *path)
{
        char *slash = strrchr(path, '/');

        if (slash && slash != path)
                *slash = 0;
}

static bool add_folder_of(const struct rules *r, const char *path,
                          enum confine_access access)
{
        char *folder = strdup(path);
        bool added;

        CHECK(folder);
        if (!strchr(folder, '/')) {
                free(folder);
                return add(r, ".", access);
        }
        cut_to_folder(folder);
        added = add(r, folder, access);
        free(folder);
        return added;
}

static bool add_given(const struct rules *r, const struct confine_path *given)
{
        char *real = realpath(given->path, NULL);
        struct stat status;
        bool added;

        if (!real && given->access == CONFINE_WRITE)
                return confine_fail(r->error, "%s: %s; make it, or name another",
                                    given->path, strerror(errno));
        if (real && stat(real, &status) == 0 && S_ISDIR(status.st_mode))
                added = add(r, real, given->access);
        else
                added = add_folder_of(r, given->path, given->access) &&
                        (!real || add_folder_of(r, real, given->access));
        free(real);
        return added;
}

static bool add_all(const struct rules *r, const struct confine_options *o)
{
        for (size_t i = 0; i < sizeof(system_paths) / sizeof(system_paths[0]); i++)
                if ((system_paths[i].roles & CONFINE_BIT(o->role)) &&
                    !add(r, system_paths[i].path, CONFINE_READ))
                        return false;
        for (unsigned i = 0; i < o->path_count; i++)
                if (!add_given(r, &o->paths[i]))
                        return false;
        return true;
}

static struct ruleset make_ruleset(enum confine_role role, int abi)
{
        struct ruleset set = { 0 };
        bool talks = role == CONFINE_SUPERVISOR || role == CONFINE_ENGINE;

        for (int i = 1; i <= abi; i++)
                set.fs |= abis[i].fs;
        if (abi >= 4 && !talks)
                set.net = NET_BIND_TCP | NET_CONNECT_TCP;
        /* A supervisor stops its children and speaks to systemd. */
        if (abi >= 6 && role != CONFINE_SUPERVISOR)
                set.scoped = SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL;
        return set;
}

static void say_once(void)
{
        static bool said; /* children of the one who said it do not */

        if (!said)
                log_info("this kernel has no Landlock: which files may be opened is left "
                         "to the user's rights and the unit");
        said = true;
}

bool confine_landlock(const struct confine_options *o, int *abi,
                      char error[CONFINE_ERROR_MAX])
{
        struct rules rules = { .fd = -1, .abi = landlock_abi(), .error = error };
        struct ruleset set;
        bool done;

        CHECK(o->role != CONFINE_WORKER || o->path_count == 0);
        *abi = rules.abi;
        if (rules.abi == 0) {
                say_once();
                return true;
        }
        set = make_ruleset(o->role, rules.abi);
        rules.fs = set.fs;
        rules.fd =
            (int)syscall(SYS_landlock_create_ruleset, &set, abis[rules.abi].size, 0);
        if (rules.fd < 0)
                return confine_fail(error, "Landlock refuses its rules: %s",
                                    strerror(errno));
        done = add_all(&rules, o);
        if (done && syscall(SYS_landlock_restrict_self, rules.fd, 0) != 0)
                done = confine_fail(error,
                                    "Landlock cannot be put on (%s): the unit's "
                                    "SystemCallFilter= must allow landlock_restrict_self",
                                    strerror(errno));
        close(rules.fd);
        return done;
}
