/* SPDX-License-Identifier: MIT */
/*
 * The table of system calls. What no row allows kills the process.
 *
 * Roles are cumulative, since a filter is inherited: a supervisor may do what a worker
 * and an engine may, an engine what a snapshot may. Old and new forms of a call stand
 * together (glibc 2.36 and 2.41, amd64 and arm64 differ in which they use).
 */
#include "app/confine_priv.h"

#include <asm/ioctls.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/sockios.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#endif

#define SUPERVISOR CONFINE_BIT(CONFINE_SUPERVISOR)
#define WORKER     CONFINE_BIT(CONFINE_WORKER)
#define ENGINE     CONFINE_BIT(CONFINE_ENGINE)
#define SNAPSHOT   CONFINE_BIT(CONFINE_SNAPSHOT)

#define ALL  (SUPERVISOR | WORKER | ENGINE | SNAPSHOT)
#define REST (SUPERVISOR | ENGINE | SNAPSHOT) /* all but workers */
#define TALK (SUPERVISOR | ENGINE)

/* An int or unsigned argument: the register's upper half is not looked at by the kernel.
 */
#define IS(n, value)                                                 \
        {                                                            \
                n, SCMP_CMP_MASKED_EQ, UINT32_MAX, (uint32_t)(value) \
        }
#define HAS(n, bits)                              \
        {                                         \
                n, SCMP_CMP_MASKED_EQ, bits, bits \
        }
#define LACKS(n, bits)                         \
        {                                      \
                n, SCMP_CMP_MASKED_EQ, bits, 0 \
        }
#define MASKED(n, mask, bits)                     \
        {                                         \
                n, SCMP_CMP_MASKED_EQ, mask, bits \
        }
#define NO_OTHER(n, bits)                                   \
        {                                                   \
                n, SCMP_CMP_MASKED_EQ, ~(uint64_t)(bits), 0 \
        }

/* socket()'s type without SOCK_CLOEXEC and SOCK_NONBLOCK. */
#define TYPE(type) MASKED(1, UINT32_MAX & ~(uint32_t)(SOCK_CLOEXEC | SOCK_NONBLOCK), type)

/* clang-format off */
const struct confine_call confine_calls[] = {
        /* ---- everybody: to go on with what there is ---- */
        { "read readv pread64 preadv preadv2", ALL, 0, { { 0 } }, "of what was inherited or opened" },
        { "close", ALL, 0, { { 0 } }, "gives up more" },
        { "fstat lseek", ALL, 0, { { 0 } }, "stdio" },
        { "poll ppoll select pselect6 epoll_wait epoll_pwait epoll_pwait2 epoll_ctl", ALL, 0, { { 0 } },
          "event loop, and libpcap before each read" },
        { "clock_gettime clock_getres gettimeofday time", ALL, 0, { { 0 } }, "where the vDSO has to ask the kernel" },
        { "nanosleep clock_nanosleep", ALL, 0, { { 0 } }, "waiting" },
        { "brk munmap mremap madvise", ALL, 0, { { 0 } }, "malloc; the packet ring when it is closed" },
        { "mprotect", ALL, 0, { LACKS(2, PROT_EXEC) }, "malloc; never code" },
        { "futex", ALL, 0, { { 0 } }, "locks inside of glibc" },
        { "rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending sigaltstack restart_syscall", ALL, 0, { { 0 } },
          "own signal handlers" },
        { "exit exit_group", ALL, 0, { { 0 } }, "the end" },
        { "getpid gettid getppid getuid geteuid getgid getegid", ALL, 0, { { 0 } }, "who am I; abort() asks" },
        { "getrandom", ALL, 0, { { 0 } }, "malloc's first call, keys" },
        { "uname", ALL, 0, { { 0 } }, "libpcap asks for 32 bits; name of the host" },
        { "sysinfo getrusage times sched_yield sched_getaffinity getcpu", ALL, 0, { { 0 } },
          "qsort() asks how much memory there is; cost of ourselves" },
        { "fcntl", ALL, 0, { IS(1, F_GETFD) }, "flags of a descriptor" },
        { "fcntl", ALL, 0, { IS(1, F_SETFD) }, "likewise" },
        { "fcntl", ALL, 0, { IS(1, F_GETFL) }, "blocking or not" },
        { "fcntl", ALL, 0, { IS(1, F_SETFL) }, "likewise" },
        { "ioctl", ALL, 0, { IS(1, FIONREAD) }, "libevent asks how much there is to read" },
        { "ioctl", ALL, 0, { IS(1, TCGETS) }, "stdio asks whether this is a terminal" },
        { "ioctl", ALL, 0, { IS(1, SIOCGIFFLAGS) }, "libpcap, after an interface went down" },
        { "prctl", ALL, 0, { IS(0, PR_SET_NAME) }, "names in ps" },
        { "prctl", ALL, 0, { IS(0, PR_SET_VMA) }, "glibc 2.41 can name its memory" },

        /* ---- workers alone: the same calls as below, for less ---- */
        { "mmap", WORKER, 0, { LACKS(2, PROT_EXEC), HAS(3, MAP_ANONYMOUS) }, "malloc; no file, never code" },
        { "newfstatat", WORKER, 0, { HAS(3, AT_EMPTY_PATH) }, "fstat() of glibc 2.36" },
        { "recvfrom", WORKER, 0, { { 0 } }, "libpcap, and reading from a socket pair" },
        { "getsockopt", WORKER, 0, { IS(1, SOL_PACKET), IS(2, PACKET_STATISTICS) }, "frames that the kernel dropped" },
        { "getsockopt", WORKER, 0, { IS(1, SOL_SOCKET), IS(2, SO_ERROR) }, "libpcap, libevent: what went wrong" },
        { "setsockopt", WORKER, EPERM, { IS(1, SOL_PACKET), IS(2, PACKET_RX_RING) }, "pcap_close() goes on without" },

        /* ---- all others: files, as far as Landlock and the user's rights let them ---- */
        { "mmap", REST, 0, { LACKS(2, PROT_EXEC) }, "malloc, the ring, databases; never code" },
        { "mmap", REST, EACCES, { HAS(2, PROT_EXEC) },
          "glibc goes on without a plug-in (NSS), PCRE2 without its JIT" },
        { "mprotect", REST, EACCES, { HAS(2, PROT_EXEC) }, "likewise" },
        { "open openat", REST, 0, { { 0 } }, "journal, snapshot, rules, certificates, resolv.conf" },
        { "stat lstat newfstatat statx access faccessat faccessat2", REST, 0, { { 0 } }, "is it there, has it changed" },
        { "getdents64 getcwd readlink readlinkat statfs fstatfs", REST, 0, { { 0 } }, "folders of rules; realpath()" },
        { "write writev pwrite64 pwritev pwritev2", REST, 0, { { 0 } }, "journal, answers" },
        { "mkdir mkdirat rename renameat renameat2 unlink unlinkat rmdir link linkat", REST, 0, { { 0 } },
          "a new file takes the old one's place at once" },
        { "fsync fdatasync sync_file_range ftruncate fallocate fadvise64 flock", REST, 0, { { 0 } }, "journal, snapshot" },
        { "fchmod umask", REST, 0, { { 0 } }, "who may read a key or an alert" },
        { "fcntl", REST, 0, { IS(1, F_DUPFD) }, "fdopendir(), stdio" },
        { "fcntl", REST, 0, { IS(1, F_DUPFD_CLOEXEC) }, "likewise" },
        { "fcntl", REST, 0, { IS(1, F_SETLK) }, "one writer of a journal" },
        { "fcntl", REST, 0, { IS(1, F_GETLK) }, "likewise" },
        { "fcntl", REST, 0, { IS(1, F_OFD_SETLK) }, "likewise" },
        { "dup dup2 dup3 pipe pipe2", REST, 0, { { 0 } }, "own descriptors" },
        { "set_robust_list rseq set_tid_address", REST, 0, { { 0 } }, "glibc, in a new child" },

        /* ---- supervisor and engine: children, network ---- */
        { "clone", TALK, 0, { NO_OTHER(0, CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD) },
          "fork(); no thread, no namespace" },
        { "clone3", TALK, ENOSYS, { { 0 } }, "its flags are out of a filter's sight; glibc takes clone" },
        { "close_range", TALK, 0, { { 0 } }, "a child keeps only what it works with" },
        { "wait4 waitid", TALK, 0, { { 0 } }, "how a child ended" },
        { "seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self capget", TALK, 0, { { 0 } },
          "a child confines itself; only takes away" },
        { "prlimit64", TALK, 0, { IS(0, 0) }, "own limits, for the same" },
        { "prctl", TALK, 0, { IS(0, PR_SET_NO_NEW_PRIVS) }, "likewise" },
        { "prctl", TALK, 0, { IS(0, PR_SET_SECCOMP), IS(1, 2) }, "likewise; libseccomp's other way" },
        { "prctl", TALK, 0, { IS(0, PR_SET_DUMPABLE), IS(1, 0) }, "likewise" },
        { "prctl", TALK, 0, { IS(0, PR_CAPBSET_READ) }, "likewise" },
        { "prctl", TALK, 0, { IS(0, PR_CAPBSET_DROP) }, "likewise" },
        { "capset", TALK, 0, { { 0 } }, "likewise; the kernel lets nobody add any" },
        { "prctl", TALK, 0, { IS(0, PR_SET_PDEATHSIG) }, "children end with their parent" },
        { "prctl", TALK, 0, { IS(0, PR_GET_DUMPABLE) }, "state of the parts" },
        { "socket", TALK, 0, { IS(0, AF_UNIX) }, "Redis, nscd, systemd's notifications" },
        { "socket", TALK, 0, { IS(0, AF_INET), TYPE(SOCK_STREAM) }, "Redis, status page, DNS" },
        { "socket", TALK, 0, { IS(0, AF_INET), TYPE(SOCK_DGRAM) }, "DNS; ioctl() about interfaces" },
        { "socket", TALK, 0, { IS(0, AF_INET6), TYPE(SOCK_STREAM) }, "Redis, status page, DNS" },
        { "socket", TALK, 0, { IS(0, AF_INET6), TYPE(SOCK_DGRAM) }, "DNS; order of addresses" },
        { "socket", TALK, 0, { IS(0, AF_NETLINK), TYPE(SOCK_RAW), IS(2, NETLINK_ROUTE) },
          "getaddrinfo(): which kinds of address this host has" },
        { "socketpair", TALK, 0, { IS(0, AF_UNIX) }, "event loop; a line to a child" },
        { "connect bind listen accept accept4 shutdown getsockname getpeername", TALK, 0, { { 0 } },
          "Redis, DNS, status page" },
        { "sendto sendmsg sendmmsg recvfrom recvmsg recvmmsg", TALK, 0, { { 0 } }, "likewise; descriptors of new workers" },
        { "getsockopt setsockopt", TALK, 0, { { 0 } }, "too many of too many libraries to list" },
        { "epoll_create epoll_create1 eventfd2 timerfd_create timerfd_settime timerfd_gettime signalfd4", TALK, 0, { { 0 } },
          "event loop" },
        { "setitimer alarm rt_sigtimedwait rt_sigsuspend pause", TALK, 0, { { 0 } }, "waiting for children" },
        { "memfd_create", TALK, 0, { { 0 } }, "memory copy of a database; rings" },
        { "fcntl", TALK, 0, { IS(1, F_ADD_SEALS) }, "a ring keeps its size" },
        { "fcntl", TALK, 0, { IS(1, F_GET_SEALS) }, "likewise" },
        { "ioctl", TALK, 0, { IS(1, FIONBIO) }, "not blocking" },
        { "ioctl", TALK, 0, { IS(1, SIOCGIFINDEX) }, "if_nametoindex(): c-ares, link-local addresses" },
        { "ioctl", TALK, 0, { IS(1, SIOCGIFNAME) }, "likewise" },
        { "ioctl", TALK, 0, { IS(1, SIOCGIFADDR) }, "likewise" },

        /* ---- supervisor: captures, children ---- */
        { "socket", SUPERVISOR, 0, { IS(0, AF_PACKET) }, "a capture" },
        { "socket", SUPERVISOR, 0, { IS(0, AF_NETLINK), TYPE(SOCK_RAW), IS(2, NETLINK_GENERIC) },
          "libpcap: is it a wireless interface?" },
        { "socket", SUPERVISOR, 0, { IS(0, AF_NETLINK), TYPE(SOCK_RAW), IS(2, NETLINK_RDMA) }, "libpcap: is it InfiniBand?" },
        { "ioctl", SUPERVISOR, 0, { IS(1, SIOCGIFHWADDR) }, "libpcap: link type" },
        { "ioctl", SUPERVISOR, 0, { IS(1, SIOCGIFMTU) }, "libpcap: size of its frames" },
        { "ioctl", SUPERVISOR, 0, { IS(1, SIOCETHTOOL) }, "libpcap: offloads, time stamps" },
        { "ioctl", SUPERVISOR, 0, { IS(1, SIOCGIFCONF) }, "libpcap: which interfaces there are" },
        { "kill pidfd_open pidfd_send_signal", SUPERVISOR, 0, { { 0 } }, "forwards signals, ends children" },
        { NULL, 0, 0, { { 0 } }, NULL },
};
/* clang-format on */
