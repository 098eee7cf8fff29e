/* SPDX-License-Identifier: MIT */
/* Who we are and what root's powers we have left: user, groups, capabilities. */
#include "app/confine_priv.h"

#include <cap-ng.h>
#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* No exec follows, so this only matters should one be found after all. */
static void empty_bounding_set(void)
{
        for (unsigned long c = 0; prctl(PR_CAPBSET_READ, c, 0, 0, 0) >= 0; c++)
                /* Refused without CAP_SETPCAP: systemd's CapabilityBoundingSet= then. */
                prctl(PR_CAPBSET_DROP, c, 0, 0, 0);
}

static bool has_net_raw(void)
{
        struct __user_cap_header_struct header = { .version =
                                                       _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

        return syscall(SYS_capget, &header, data) == 0 &&
               (data[0].permitted & 1u << CAP_NET_RAW);
}

bool confine_capabilities(enum confine_role role, char error[CONFINE_ERROR_MAX])
{
        bool keep = role == CONFINE_SUPERVISOR && has_net_raw();

        empty_bounding_set();
        /* None stays inheritable, so the kernel drops the ambient ones as well. */
        capng_clear(CAPNG_SELECT_CAPS);
        if (keep)
                capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_NET_RAW);
        if (capng_apply(CAPNG_SELECT_CAPS) == 0)
                return true;
        return confine_fail(error,
                            "capabilities cannot be dropped (%s): the unit's "
                            "SystemCallFilter= must allow capset",
                            strerror(errno));
}

/* What libcap-ng could not do; its numbers have no names. */
static const char *change_failure(int result)
{
        switch (result) {
        case -4:
        case -6:
                return "the user's id was refused";
        case -5:
        case -10:
                return "the user's groups cannot be set";
        default:
                return "capabilities were refused";
        }
}

static bool is_for_good(uid_t uid)
{
        uid_t real, effective, saved;

        return getresuid(&real, &effective, &saved) == 0 && real == uid &&
               effective == uid && saved == uid && (uid == 0 || setuid(0) != 0);
}

static bool become(const struct passwd *who, char *error)
{
        int result;

        capng_clear(CAPNG_SELECT_BOTH);
        capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_NET_RAW);
        result = capng_change_id((int)who->pw_uid, (int)who->pw_gid,
                                 CAPNG_INIT_SUPP_GRP | CAPNG_CLEAR_BOUNDING |
                                     CAPNG_CLEAR_AMBIENT);
        if (result != 0)
                return confine_fail(
                    error,
                    "admin.user: cannot become %s: %s (%s); start as that "
                    "user with CAP_NET_RAW, or as root with all of root's "
                    "capabilities",
                    who->pw_name, change_failure(result), strerror(errno));
        if (!is_for_good(who->pw_uid) || !has_net_raw())
                return confine_fail(error,
                                    "admin.user: %s still has root's powers, or lacks "
                                    "CAP_NET_RAW; start as that user",
                                    who->pw_name);
        return true;
}

static bool check_not_root(const char *user, char *error)
{
        struct passwd *who = user ? getpwnam(user) : NULL;

        if (!user || (who && who->pw_uid == geteuid()))
                return true;
        return confine_fail(
            error,
            "admin.user is %s, but this runs as another user, which cannot "
            "be changed: start it as root or as %s",
            user, user);
}

bool confine_user(const char *user, char error[CONFINE_ERROR_MAX])
{
        struct passwd *who;

        if (geteuid() != 0)
                return check_not_root(user, error);
        errno = 0;
        who = getpwnam(user ? user : CONFINE_USER);
        if (!who && user)
                return confine_fail(error,
                                    "admin.user: there is no user %s (%s); make one with "
                                    "'useradd --system %s'",
                                    user, errno ? strerror(errno) : "not found", user);
        return !who || who->pw_uid == 0 || become(who, error);
}
