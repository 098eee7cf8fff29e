/* SPDX-License-Identifier: MIT */
/* The table of confine_calls.c as a filter in the kernel. */
#include "app/confine_priv.h"

#include "base/check.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
        DESCRIPTORS = 1024, /* looked at; those above are not written to */
        WRITABLE_MAX =
            64, /* each is two rules of a filter that has room for some 4,000 */
        NAME_MAX_LENGTH = 32,
};

/* Where one reason for a failure is as good as the next: the first is kept. */
struct filter {
        scmp_filter_ctx context;
        enum confine_role role;
        char *error;
};

static bool refused(struct filter *f, const char *name, int result)
{
        return confine_fail(f->error, "seccomp: no rule can be made for %s: %s", name,
                            strerror(-result));
}

static bool add(struct filter *f, const char *name, int refuse, unsigned count,
                const struct scmp_arg_cmp *tests)
{
        int number = seccomp_syscall_resolve_name(name);
        int result;

        /* libseccomp of another Debian may not know it; the CPU may not have it. */
        if (number < 0)
                return true;
        result = seccomp_rule_add_array(
            f->context, refuse ? SCMP_ACT_ERRNO((uint16_t)refuse) : SCMP_ACT_ALLOW,
            number, count, tests);
        return result == 0 || refused(f, name, result);
}

static bool add_row(struct filter *f, const struct confine_call *row)
{
        const char *at = row->names;
        char name[NAME_MAX_LENGTH];
        unsigned count = 0;

        while (count < CONFINE_TESTS && row->tests[count].op)
                count++;
        while (*at) {
                size_t length = strcspn(at, " ");
                CHECK(length < sizeof(name));
                memcpy(name, at, length);
                name[length] = 0;
                if (!add(f, name, row->refuse, count, row->tests))
                        return false;
                at += length + (at[length] == ' ');
        }
        return true;
}

static bool add_rows(struct filter *f)
{
        for (const struct confine_call *row = confine_calls; row->names; row++)
                if ((row->roles & CONFINE_BIT(f->role)) && !add_row(f, row))
                        return false;
        return true;
}

/* abort() of ours, and of nobody else. A supervisor's children have other numbers. */
static bool add_abort(struct filter *f)
{
        const struct scmp_arg_cmp ours[] = {
                { 0, SCMP_CMP_MASKED_EQ, UINT32_MAX, (uint32_t)getpid() },
                { 2, SCMP_CMP_MASKED_EQ, UINT32_MAX, SIGABRT },
        };
        unsigned first = f->role == CONFINE_SUPERVISOR ? 1 : 0;

        return add(f, "tgkill", 0, 2 - first, ours + first);
}

static bool is_capture(int fd)
{
        int domain = 0;
        socklen_t size = sizeof(domain);

        return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 &&
               domain == AF_PACKET;
}

/*
 * Who may write to a packet socket puts frames of his own on the network, so a worker
 * writes to all that it has inherited but those. It cannot give a descriptor another
 * number, and gets no new ones.
 */
static bool add_writable(struct filter *f)
{
        unsigned count = 0;

        for (int fd = 0; fd < DESCRIPTORS; fd++) {
                struct scmp_arg_cmp this = { 0, SCMP_CMP_MASKED_EQ, UINT32_MAX,
                                             (uint32_t)fd };
                if (fcntl(fd, F_GETFD) < 0 || is_capture(fd))
                        continue;
                if (++count > WRITABLE_MAX)
                        return confine_fail(f->error,
                                            "seccomp: a worker has more than %d open "
                                            "descriptors; close what it does not need",
                                            WRITABLE_MAX);
                if (!add(f, "write", 0, 1, &this) || !add(f, "writev", 0, 1, &this))
                        return false;
        }
        return true;
}

/* It would be a way around the parts that keep an engine from the network's frames. */
static bool has_no_capture(struct filter *f)
{
        for (int fd = 0; fd < DESCRIPTORS; fd++)
                if (is_capture(fd))
                        return confine_fail(
                            f->error,
                            "descriptor %d is a capture, which only a "
                            "supervisor and its workers may have: close it "
                            "before confinement",
                            fd);
        return true;
}

static bool check_descriptors(struct filter *f)
{
        switch (f->role) {
        case CONFINE_SUPERVISOR:
                return true;
        case CONFINE_WORKER:
                return add_writable(f);
        default:
                return has_no_capture(f);
        }
}

static bool set_up(struct filter *f)
{
        /* confine() has set no_new_privs; a search tree beats a list of 150 numbers. */
        return seccomp_attr_set(f->context, SCMP_FLTATR_CTL_NNP, 0) == 0 &&
               seccomp_attr_set(f->context, SCMP_FLTATR_ACT_BADARCH,
                                SCMP_ACT_KILL_PROCESS) == 0 &&
               seccomp_attr_set(f->context, SCMP_FLTATR_CTL_OPTIMIZE, 2) == 0;
}

static bool put_on(struct filter *f)
{
        int result;

        if (!set_up(f))
                return confine_fail(f->error, "seccomp: libseccomp 2.5 is needed");
        if (!add_rows(f) || !add_abort(f) || !check_descriptors(f))
                return false;
        result = seccomp_load(f->context);
        if (result == 0)
                return true;
        return confine_fail(
            f->error,
            "seccomp: the kernel does not take the filter (%s): the unit's "
            "SystemCallFilter= must allow seccomp, the kernel needs "
            "CONFIG_SECCOMP_FILTER; admin.confine: false goes on without",
            strerror(-result));
}

bool confine_seccomp(enum confine_role role, char error[CONFINE_ERROR_MAX])
{
        struct filter f = { seccomp_init(SCMP_ACT_KILL_PROCESS), role, error };
        bool done;

        if (!f.context)
                return confine_fail(error,
                                    "seccomp: libseccomp does not know this machine");
        done = put_on(&f);
        seccomp_release(f.context);
        return done;
}
