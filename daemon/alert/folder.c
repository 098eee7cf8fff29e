/* SPDX-License-Identifier: MIT */
#include "alert/folder.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static bool make_one(const char *path)
{
        struct stat st;

        if (mkdir(path, 0750) == 0)
                return true;
        if (errno != EEXIST && errno != EROFS && errno != EACCES)
                return false;
        int why = errno;
        if (stat(path, &st) != 0) {
                errno = why;
                return false;
        }
        errno = ENOTDIR;
        return S_ISDIR(st.st_mode);
}

bool folder_make(const char *path)
{
        char part[PATH_MAX];

        if ((size_t)snprintf(part, sizeof(part), "%s", path) >= sizeof(part)) {
                errno = ENAMETOOLONG;
                return false;
        }
        for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
                *slash = '\0';
                if (!make_one(part))
                        return false;
                *slash = '/';
        }
        return make_one(part);
}
