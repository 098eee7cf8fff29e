/* SPDX-License-Identifier: MIT */
#include "app/control.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FDS = 2 };

/* Room for the descriptors of one message. */
union ancillary {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(FDS * sizeof(int))];
};

bool control_pair(int ends[2])
{
        return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
                          ends) == 0;
}

static void attach(struct msghdr *header, union ancillary *room, const int fds[FDS])
{
        memset(room, 0, sizeof(*room));
        header->msg_control = room->bytes;
        header->msg_controllen = sizeof(room->bytes);
        struct cmsghdr *part = CMSG_FIRSTHDR(header);
        part->cmsg_level = SOL_SOCKET;
        part->cmsg_type = SCM_RIGHTS;
        part->cmsg_len = CMSG_LEN(FDS * sizeof(int));
        memcpy(CMSG_DATA(part), fds, FDS * sizeof(int));
}

bool control_send(int end, const struct control_message *message, const int fds[FDS])
{
        struct control_message copy = *message;
        struct iovec text = { &copy, sizeof(copy) };
        struct msghdr header = { .msg_iov = &text, .msg_iovlen = 1 };
        union ancillary room;

        if (fds)
                attach(&header, &room, fds);
        return sendmsg(end, &header, MSG_NOSIGNAL) == sizeof(copy);
}

static void take_fds(struct msghdr *header, int fds[FDS])
{
        struct cmsghdr *part = CMSG_FIRSTHDR(header);

        if (part && part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_RIGHTS &&
            part->cmsg_len == CMSG_LEN(FDS * sizeof(int)))
                memcpy(fds, CMSG_DATA(part), FDS * sizeof(int));
}

static enum control_result drop(int fds[FDS])
{
        for (int i = 0; i < FDS; i++) {
                if (fds[i] >= 0)
                        close(fds[i]);
                fds[i] = -1;
        }
        return CONTROL_BAD;
}

enum control_result control_receive(int end, struct control_message *message,
                                    int fds[FDS])
{
        struct iovec text = { message, sizeof(*message) };
        union ancillary room;
        struct msghdr header = { .msg_iov = &text,
                                 .msg_iovlen = 1,
                                 .msg_control = room.bytes,
                                 .msg_controllen = sizeof(room.bytes) };

        fds[0] = fds[1] = -1;
        ssize_t got = recvmsg(end, &header, MSG_CMSG_CLOEXEC);
        if (got < 0)
                return errno == EAGAIN || errno == EINTR ? CONTROL_NONE : CONTROL_CLOSED;
        if (got == 0)
                return CONTROL_CLOSED;
        take_fds(&header, fds);
        if (got != sizeof(*message) || (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) ||
            message->kind == 0 || message->kind >= CONTROL_KINDS)
                return drop(fds);
        return CONTROL_MESSAGE;
}
