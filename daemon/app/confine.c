/* SPDX-License-Identifier: MIT */
#include "app/confine_priv.h"

#include "base/check.h"
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static struct confine_status status;

#if CONFINE_SANITIZED
/*
 * The leak checker stops its process with ptrace, from a thread of its own, when the
 * process ends. Where that is forbidden it stays out; the other checks go on.
 */
__attribute__((visibility("default"))) int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void)
{
        return status.seccomp;
}
#endif

static const char *const role_names[CONFINE_ROLES] = {
        [CONFINE_SUPERVISOR] = "supervisor",
        [CONFINE_WORKER] = "worker",
        [CONFINE_ENGINE] = "engine",
        [CONFINE_SNAPSHOT] = "snapshot",
};

#define UNCHANGED UINT64_MAX

/* A supervisor keeps what its children may have: they cannot raise it again. */
static const struct {
        uint64_t files, processes, file_size;
} role_limits[CONFINE_ROLES] = {
        [CONFINE_SUPERVISOR] = { 4096, UNCHANGED, UNCHANGED },
        [CONFINE_WORKER] = { 256, 0, 0 },
        [CONFINE_ENGINE] = { 4096, UNCHANGED, UNCHANGED },
        [CONFINE_SNAPSHOT] = { 256, 0, UNCHANGED },
};

bool confine_fail(char error[CONFINE_ERROR_MAX], const char *format, ...)
{
        va_list args;

        va_start(args, format);
        vsnprintf(error, CONFINE_ERROR_MAX, format, args);
        va_end(args);
        return false;
}

/* Hard and soft; a limit that is lower already stays. */
static bool lower(enum __rlimit_resource resource, const char *name, uint64_t to,
                  char *error)
{
        struct rlimit limit;

        if (to == UNCHANGED)
                return true;
        if (prlimit(0, resource, NULL, &limit) != 0)
                return confine_fail(error, "%s cannot be read: %s", name,
                                    strerror(errno));
        if (limit.rlim_max > to)
                limit.rlim_max = to;
        limit.rlim_cur = limit.rlim_max;
        if (prlimit(0, resource, &limit, NULL) != 0)
                return confine_fail(error,
                                    "%s cannot be set: %s; the unit's SystemCallFilter= "
                                    "must allow prlimit64",
                                    name, strerror(errno));
        return true;
}

/* Lines for the operator may go to a file: no limit then, which would kill us instead. */
static bool logs_to_file(void)
{
        struct stat out;

        for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++)
                if (fstat(fd, &out) == 0 && S_ISREG(out.st_mode))
                        return true;
        return false;
}

static bool set_limits(const struct confine_options *o, char *error)
{
        uint64_t file_size = role_limits[o->role].file_size;
        uint64_t memory = o->memory ? o->memory : UNCHANGED;

        if (file_size == 0 && logs_to_file())
                file_size = UNCHANGED;
        if (CONFINE_SANITIZED) /* the sanitizer maps terabytes that it does not use */
                memory = UNCHANGED;
        return lower(RLIMIT_CORE, "RLIMIT_CORE", o->core_dumps ? UNCHANGED : 0, error) &&
               lower(RLIMIT_NOFILE, "RLIMIT_NOFILE", role_limits[o->role].files, error) &&
               lower(RLIMIT_NPROC, "RLIMIT_NPROC", role_limits[o->role].processes,
                     error) &&
               lower(RLIMIT_FSIZE, "RLIMIT_FSIZE", file_size, error) &&
               lower(RLIMIT_DATA, "RLIMIT_DATA", memory, error);
}

/*
 * RLIMIT_CORE does not hold where a program takes the cores (systemd-coredump), and other
 * processes of our user could read this one's memory: undumpable stops both.
 */
static bool set_dumpable(const struct confine_options *o, char *error)
{
        int wanted = o->core_dumps ? 1 : 0;

        /* A parent's filter lets nobody switch it on again. */
        if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == wanted ||
            prctl(PR_SET_DUMPABLE, wanted, 0, 0, 0) == 0)
                return true;
        return confine_fail(error, "core dumps cannot be refused: %s", strerror(errno));
}

static bool set_no_new_privileges(char *error)
{
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
                return true;
        return confine_fail(error,
                            "the kernel has no no_new_privs (%s): Linux 3.5 or "
                            "later is needed",
                            strerror(errno));
}

bool confine(const struct confine_options *o, char error[CONFINE_ERROR_MAX])
{
        struct confine_status now = { .confined = true, .role = o->role };

        CHECK(o->role < CONFINE_ROLES);
        /* A child has its parent's state, and confines itself further; never twice. */
        CHECK(!status.confined || status.role != o->role);
        if (o->off)
                return true;
        if (!set_no_new_privileges(error) || !confine_capabilities(o->role, error) ||
            !set_limits(o, error) || !set_dumpable(o, error) ||
            !confine_landlock(o, &now.landlock, error) ||
            !confine_seccomp(o->role, error))
                return false;
        now.no_new_privileges = now.capabilities = now.limits = now.seccomp = true;
        status = now;
        return true;
}

struct confine_status confine_status(void)
{
        return status;
}

void confine_print(const struct confine_status *s, struct buf *out)
{
        if (!s->confined) {
                buf_printf(out, "not confined");
                return;
        }
        buf_printf(out, "%s: ", role_names[s->role]);
        if (s->no_new_privileges)
                buf_printf(out, "no new privileges, ");
        if (s->capabilities)
                buf_printf(out, "%s, ",
                           s->role == CONFINE_SUPERVISOR ? "at most CAP_NET_RAW"
                                                         : "no capabilities");
        if (s->limits)
                buf_printf(out, "limits, ");
        if (s->landlock)
                buf_printf(out, "Landlock (ABI %d), ", s->landlock);
        else
                buf_printf(out, "no Landlock in this kernel, ");
        buf_printf(out, "%s", s->seccomp ? "seccomp" : "no seccomp");
}
