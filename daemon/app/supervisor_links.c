/* SPDX-License-Identifier: MIT */
#include "app/supervisor_priv.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOOKS_EVERY (200 * NS_PER_MS)

enum link_state { LINK_GONE, LINK_DOWN, LINK_UP, LINK_UNKNOWN };

/* Of the interface with that index, and the name that it has now. */
static enum link_state look_at(int fd, unsigned index, char name[IF_NAMESIZE])
{
        struct ifreq request = { 0 };

        if (!if_indextoname(index, name))
                return errno == ENXIO ? LINK_GONE : LINK_UNKNOWN;
        memcpy(request.ifr_name, name, IF_NAMESIZE);
        if (ioctl(fd, SIOCGIFFLAGS, &request) != 0)
                return LINK_UNKNOWN; /* renamed just now, perhaps: the next look tells */
        return request.ifr_flags & IFF_UP ? LINK_UP : LINK_DOWN;
}

static void note_name(struct slot *slot, const char *name)
{
        if (strcmp(slot->link, name) != 0)
                log_info("interface %s: renamed from %s; capturing goes on", name,
                         slot->link);
        memcpy(slot->link, name, IF_NAMESIZE);
}

static void note_state(struct slot *slot, bool is_down)
{
        if (is_down && !slot->is_down)
                log_warning("interface %s: it is down; nothing is seen of it until it is "
                            "up again",
                            slot->link);
        else if (!is_down && slot->is_down)
                log_info("interface %s: it is up again", slot->link);
        slot->is_down = is_down;
}

static void look_after(struct supervisor *s, unsigned number, int fd, int64_t now_ns)
{
        struct slot *slot = &s->slots.slots[number];
        char name[IF_NAMESIZE] = "";

        if (slot->index == 0) /* "any": all that there are, which cannot go */
                return;
        enum link_state state = look_at(fd, slot->index, name);

        if (state == LINK_UNKNOWN)
                return;
        if (state == LINK_GONE) {
                slot_lost(&s->slots, slot, now_ns);
                return;
        }
        if (slot->first != number) /* one speaks for all workers of an interface */
                return;
        note_name(slot, name);
        note_state(slot, state == LINK_DOWN);
}

void links_look_after(struct supervisor *s, int64_t now_ns)
{
        if (now_ns - s->links_ns < LOOKS_EVERY)
                return;
        s->links_ns = now_ns;
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return;
        for (unsigned i = 0; i < s->slots.count; i++)
                if (s->slots.slots[i].child)
                        look_after(s, i, fd, now_ns);
        close(fd);
}
