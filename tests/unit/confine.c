/* SPDX-License-Identifier: MIT */
/*
 * Proved from inside: each trial forks a child, confines it, lets it try, and looks at
 * how it ended. What needs root is named on standard error when it is left out; with
 * CI=true leaving it out is a failure.
 */
#include "unit/unit.h"

#include "alert/journal.h"
#include "app/confine_priv.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "capture/capture.h"

#define CARES_NO_DEPRECATED /* Debian 12 has no others */
#include <ares.h>
#include <arpa/inet.h>
#include <cap-ng.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <net/if.h>
#include <netdb.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define START (INT64_C(1000) * NS_PER_US)

static char own[64], other[64];              /* folders: named in the paths, and not */
static int landlock;                         /* ABI in children */
static int old_file, old_socket, parent_pid; /* inherited */

static struct confine_path engine_paths[] = { { own, CONFINE_WRITE } };

static struct confine_options options_of(enum confine_role role)
{
        struct confine_options o = { .role = role };

        if (role != CONFINE_WORKER) {
                o.paths = engine_paths;
                o.path_count = 1;
        }
        return o;
}

static void confine_as(enum confine_role role)
{
        struct confine_options o = options_of(role);
        char error[CONFINE_ERROR_MAX] = "";

        if (!confine(&o, error)) {
                fprintf(stderr, "confine: %s\n", error);
                abort();
        }
}

static int wait_for(pid_t pid)
{
        int status;

        assert_int_equal(waitpid(pid, &status, 0), pid);
        return status;
}

/* How a child ends that is confined and then acts: with what `act` returns, or a signal.
 */
static int ending(enum confine_role role, int (*act)(void))
{
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0) {
                confine_as(role);
                _exit(act());
        }
        return wait_for(pid);
}

static const char *const role_names[] = { "supervisor", "worker", "engine", "snapshot" };

static void expect(const char *what, enum confine_role role, int status, bool as_wished)
{
        if (as_wished)
                return;
        if (WIFSIGNALED(status))
                fail_msg("%s: %s: signal %d", role_names[role], what, WTERMSIG(status));
        else
                fail_msg("%s: %s: went on, %s", role_names[role], what,
                         strerror(WEXITSTATUS(status)));
}

static bool is_killed(int status)
{
        return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
}

static bool is_exit(int status, int code)
{
        return WIFEXITED(status) && WEXITSTATUS(status) == code;
}

/* ---- acts: 0 or an errno ---- */

static int result_of(long result)
{
        return result < 0 ? errno : 0;
}

static int reads_a_file(void)
{
        return result_of(open("/bin/sh", O_RDONLY | O_CLOEXEC));
}

static int reads_the_password_file(void)
{
        return result_of(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
}

static int reads_random_numbers(void)
{
        return result_of(open("/dev/urandom", O_RDONLY | O_CLOEXEC));
}

static int opens(const char *folder, const char *name, int flags)
{
        char path[128];

        snprintf(path, sizeof(path), "%s/%s", folder, name);
        return result_of(open(path, flags | O_CLOEXEC, 0600));
}

static int writes_a_file_elsewhere(void)
{
        return opens(other, "old", O_WRONLY);
}

static int creates_a_file_elsewhere(void)
{
        return opens(other, "new", O_CREAT | O_WRONLY);
}

static int creates_an_own_file(void)
{
        return opens(own, "mine", O_CREAT | O_WRONLY);
}

static int removes_a_file_elsewhere(void)
{
        char path[128];

        snprintf(path, sizeof(path), "%s/old", other);
        return result_of(unlink(path));
}

static int renames_into_elsewhere(void)
{
        char from[128], to[128];

        snprintf(from, sizeof(from), "%s/old", own);
        snprintf(to, sizeof(to), "%s/moved", other);
        /* Landlock's word for it is EXDEV where the folders' rights differ. */
        int error = result_of(rename(from, to));
        return error == EXDEV ? EACCES : error;
}

static int truncates_elsewhere(void)
{
        return opens(other, "old", O_WRONLY | O_TRUNC);
}

static int makes_a_tcp_socket(void)
{
        return result_of(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

static int makes_a_unix_socket(void)
{
        return result_of(socket(AF_UNIX, SOCK_DGRAM, 0));
}

static int makes_a_raw_socket(void)
{
        return result_of(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
}

static int makes_a_netfilter_socket(void)
{
        return result_of(socket(AF_NETLINK, SOCK_RAW, 12));
}

static int makes_a_vsock(void)
{
        return result_of(socket(AF_VSOCK, SOCK_STREAM, 0));
}

static int connects(void)
{
        struct sockaddr_in to = { .sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

        int error = result_of(connect(old_socket, (struct sockaddr *)&to, sizeof(to)));
        return error == EINVAL ? 0 : error; /* as it is no TCP socket */
}

static int sends(void)
{
        return result_of(send(old_socket, "x", 1, MSG_NOSIGNAL));
}

static int executes(void)
{
        char *const none[] = { NULL };

        return result_of(execve("/bin/true", none, none));
}

static int executes_memory(void)
{
        char *const none[] = { NULL };
        int fd = memfd_create("x", 0);

        if (fd < 0 || write(fd, "#!/bin/true\n", 12) != 12)
                return errno;
        return result_of(syscall(SYS_execveat, fd, "", none, none, AT_EMPTY_PATH));
}

static int forks(void)
{
        pid_t pid = fork();

        if (pid == 0)
                _exit(0);
        if (pid > 0)
                waitpid(pid, NULL, 0);
        return result_of(pid);
}

static int clones(unsigned long flags)
{
        pid_t pid = (pid_t)syscall(SYS_clone, flags, NULL, NULL, NULL, NULL);

        if (pid == 0)
                _exit(0);
        return result_of(pid);
}

static int clones_a_user_namespace(void)
{
        return clones(CLONE_NEWUSER | SIGCHLD);
}

static int clones_for_a_thread(void)
{
        return clones(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND);
}

static int clones_the_new_way(void)
{
        struct clone_args args = { .exit_signal = SIGCHLD };
        pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));

        if (pid == 0)
                _exit(0);
        return result_of(pid);
}

static int traces(void)
{
        return result_of(ptrace(PTRACE_ATTACH, parent_pid, NULL, NULL));
}

static int signals_its_parent(void)
{
        return result_of(kill(parent_pid, 0));
}

static int aborts_its_parent(void)
{
        return result_of(syscall(SYS_tgkill, parent_pid, parent_pid, SIGABRT));
}

static int terminates_itself(void)
{
        return result_of(syscall(SYS_tgkill, getpid(), getpid(), SIGUSR2));
}

static int owns_signals_of_others(void)
{
        return result_of(fcntl(old_file, F_SETOWN, parent_pid));
}

static int maps(int protection, int flags, int fd)
{
        void *at = mmap(NULL, 4096, protection, flags, fd, 0);

        return at == MAP_FAILED ? errno : 0;
}

static int maps_code(void)
{
        return maps(PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

static int maps_a_file(void)
{
        return maps(PROT_READ, MAP_PRIVATE, old_file);
}

static int makes_memory_code(void)
{
        void *at =
            mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        CHECK(at != MAP_FAILED);
        return result_of(mprotect(at, 4096, PROT_READ | PROT_EXEC));
}

static int raises_a_limit_of_another(void)
{
        struct rlimit limit;

        return result_of(prlimit(parent_pid, RLIMIT_CORE, NULL, &limit));
}

static int becomes_dumpable(void)
{
        return result_of(syscall(SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0));
}

static int is_dumpable(void)
{
        return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
}

static int stuffs_a_terminal(void)
{
        return result_of(ioctl(old_file, TIOCSTI, "x"));
}

static int duplicates(void)
{
        return result_of(dup2(old_file, STDERR_FILENO));
}

static int duplicates_by_fcntl(void)
{
        return result_of(fcntl(old_file, F_DUPFD, 100));
}

static int makes_an_event_loop(void)
{
        return result_of(epoll_create1(0));
}

#define KILLED (-1)
#define DENIED (-2) /* EACCES by Landlock; 0 where the kernel has none */

static const struct trial {
        const char *what;
        int (*act)(void);
        int supervisor, worker, engine, snapshot; /* errno, 0, KILLED, DENIED */
} trials[] = {
        { "read a file", reads_a_file, DENIED, KILLED, DENIED, DENIED },
        { "read /etc", reads_the_password_file, 0, KILLED, 0, DENIED },
        { "read /dev/urandom", reads_random_numbers, 0, KILLED, 0, DENIED },
        { "write elsewhere", writes_a_file_elsewhere, DENIED, KILLED, DENIED, DENIED },
        { "create elsewhere", creates_a_file_elsewhere, DENIED, KILLED, DENIED, DENIED },
        { "truncate elsewhere", truncates_elsewhere, DENIED, KILLED, DENIED, DENIED },
        { "remove elsewhere", removes_a_file_elsewhere, DENIED, KILLED, DENIED, DENIED },
        { "rename elsewhere", renames_into_elsewhere, DENIED, KILLED, DENIED, DENIED },
        { "create in its folder", creates_an_own_file, 0, KILLED, 0, 0 },
        { "socket of TCP", makes_a_tcp_socket, 0, KILLED, 0, KILLED },
        { "socket of unix", makes_a_unix_socket, 0, KILLED, 0, KILLED },
        { "raw socket", makes_a_raw_socket, KILLED, KILLED, KILLED, KILLED },
        { "netfilter", makes_a_netfilter_socket, KILLED, KILLED, KILLED, KILLED },
        { "vsock", makes_a_vsock, KILLED, KILLED, KILLED, KILLED },
        { "connect", connects, 0, KILLED, 0, KILLED },
        { "send", sends, EPIPE, KILLED, EPIPE, KILLED },
        { "execve", executes, KILLED, KILLED, KILLED, KILLED },
        { "execveat of memory", executes_memory, KILLED, KILLED, KILLED, KILLED },
        { "fork", forks, 0, KILLED, 0, KILLED },
        { "user namespace", clones_a_user_namespace, KILLED, KILLED, KILLED, KILLED },
        { "thread", clones_for_a_thread, KILLED, KILLED, KILLED, KILLED },
        { "clone3", clones_the_new_way, ENOSYS, KILLED, ENOSYS, KILLED },
        { "ptrace", traces, KILLED, KILLED, KILLED, KILLED },
        { "kill", signals_its_parent, 0, KILLED, KILLED, KILLED },
        { "tgkill of another", aborts_its_parent, 0, KILLED, KILLED, KILLED },
        { "tgkill, not abort", terminates_itself, KILLED, KILLED, KILLED, KILLED },
        { "F_SETOWN", owns_signals_of_others, KILLED, KILLED, KILLED, KILLED },
        { "mmap of code", maps_code, EACCES, KILLED, EACCES, EACCES },
        { "mprotect to code", makes_memory_code, EACCES, KILLED, EACCES, EACCES },
        { "mmap of a file", maps_a_file, 0, KILLED, 0, 0 },
        { "limits of another", raises_a_limit_of_another, KILLED, KILLED, KILLED,
          KILLED },
        { "dumpable", becomes_dumpable, KILLED, KILLED, KILLED, KILLED },
        { "dumpable still", is_dumpable, 0, KILLED, 0, KILLED },
        { "TIOCSTI", stuffs_a_terminal, KILLED, KILLED, KILLED, KILLED },
        { "dup2", duplicates, 0, KILLED, 0, 0 },
        { "F_DUPFD", duplicates_by_fcntl, 0, KILLED, 0, 0 },
        { "epoll_create", makes_an_event_loop, 0, KILLED, 0, KILLED },
};

static int wished(const struct trial *t, enum confine_role role)
{
        const int by_role[] = { t->supervisor, t->worker, t->engine, t->snapshot };

        return by_role[role];
}

/* A supervisor may abort a child in its name; the parent is the test, so no SIGABRT. */
static bool is_harmful(const struct trial *t, enum confine_role role)
{
        return t->act == aborts_its_parent && role == CONFINE_SUPERVISOR;
}

static void each_role_is_refused_what_it_does_not_need(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(trials) / sizeof(trials[0]); i++) {
                for (int role = 0; role < CONFINE_ROLES; role++) {
                        int wish = wished(&trials[i], role);
                        int code = wish == DENIED ? (landlock ? EACCES : 0) : wish;
                        if (is_harmful(&trials[i], role) || (wish == DENIED && !landlock))
                                continue;
                        int status = ending(role, trials[i].act);
                        expect(trials[i].what, role, status,
                               wish == KILLED ? is_killed(status)
                                              : is_exit(status, code));
                }
        }
}

static const struct {
        const char *name;
        long number;
} never[] = {
        { "setuid", SYS_setuid },
        { "setresuid", SYS_setresuid },
        { "setgroups", SYS_setgroups },
        { "mount", SYS_mount },
        { "umount2", SYS_umount2 },
        { "fsopen", SYS_fsopen },
        { "chroot", SYS_chroot },
        { "pivot_root", SYS_pivot_root },
        { "unshare", SYS_unshare },
        { "setns", SYS_setns },
        { "process_vm_readv", SYS_process_vm_readv },
        { "process_vm_writev", SYS_process_vm_writev },
        { "process_madvise", SYS_process_madvise },
        { "pidfd_getfd", SYS_pidfd_getfd },
        { "kcmp", SYS_kcmp },
        { "io_uring_setup", SYS_io_uring_setup },
        { "io_setup", SYS_io_setup },
        { "bpf", SYS_bpf },
        { "perf_event_open", SYS_perf_event_open },
        { "userfaultfd", SYS_userfaultfd },
        { "keyctl", SYS_keyctl },
        { "add_key", SYS_add_key },
        { "request_key", SYS_request_key },
        { "open_by_handle_at", SYS_open_by_handle_at },
        { "openat2", SYS_openat2 },
        { "mknodat", SYS_mknodat },
        { "symlinkat", SYS_symlinkat },
        { "fchownat", SYS_fchownat },
        { "fchmodat", SYS_fchmodat },
        { "personality", SYS_personality },
        { "init_module", SYS_init_module },
        { "kexec_load", SYS_kexec_load },
        { "reboot", SYS_reboot },
        { "syslog", SYS_syslog },
        { "swapon", SYS_swapon },
        { "clock_settime", SYS_clock_settime },
        { "sethostname", SYS_sethostname },
        { "fanotify_init", SYS_fanotify_init },
        { "inotify_init1", SYS_inotify_init1 },
        { "rt_sigqueueinfo", SYS_rt_sigqueueinfo },
        { "tkill", SYS_tkill },
        { "vmsplice", SYS_vmsplice },
        { "splice", SYS_splice },
        { "remap_file_pages", SYS_remap_file_pages },
        { "pkey_mprotect", SYS_pkey_mprotect },
        { "modify_ldt or the last", 100000 },
#ifdef __x86_64__
        { "x32's getpid", 0x40000000 | SYS_getpid },
        { "iopl", SYS_iopl },
        { "fork, the old call", SYS_fork },
#endif
};

static long never_number;

/* Arguments that the kernel refuses, should the filter let them by. */
static int calls_never(void)
{
        return result_of(syscall(never_number, -1L, -1L, -1L, -1L, -1L, -1L));
}

static void some_calls_are_for_nobody(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
                for (int role = 0; role < CONFINE_ROLES; role++) {
                        never_number = never[i].number;
                        int status = ending(role, calls_never);
                        expect(never[i].name, role, status, is_killed(status));
                }
}

static int aborts(void)
{
        abort();
}

static void a_check_that_fails_still_aborts(void **state)
{
        (void)state;
        for (int role = 0; role < CONFINE_ROLES; role++) {
                int status = ending(role, aborts);
                expect("abort", role, status,
                       WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
        }
}

/* ---- Landlock alone, where seccomp would be there first ---- */

static int listen_abstract(struct sockaddr_un *name, socklen_t *size)
{
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);

        *name = (struct sockaddr_un){ .sun_family = AF_UNIX };
        *size = sizeof(sa_family_t); /* the kernel chooses an abstract name */
        assert_int_equal(bind(fd, (struct sockaddr *)name, *size), 0);
        *size = sizeof(*name);
        assert_int_equal(getsockname(fd, (struct sockaddr *)name, size), 0);
        assert_int_equal(listen(fd, 1), 0);
        return fd;
}

static int use_tcp(int (*call)(int, const struct sockaddr *, socklen_t))
{
        struct sockaddr_in at = { .sin_family = AF_INET,
                                  .sin_port = htons(9),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        int error = result_of(call(fd, (struct sockaddr *)&at, sizeof(at)));

        close(fd);
        return error;
}

static void try_landlock(enum confine_role role, const struct sockaddr_un *name,
                         socklen_t size)
{
        struct confine_options o = options_of(role);
        bool talks = role == CONFINE_SUPERVISOR || role == CONFINE_ENGINE;
        char error[CONFINE_ERROR_MAX];
        int abi, fd = socket(AF_UNIX, SOCK_STREAM, 0), to;

        CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
        CHECK(confine_landlock(&o, &abi, error) && abi == landlock);
        CHECK(reads_a_file() == EACCES);
        CHECK(executes() == EACCES);
        CHECK(reads_the_password_file() == (talks ? 0 : EACCES));
        if (abi >= 4 && geteuid() == 0)
                CHECK((use_tcp(bind) == EACCES) == !talks);
        if (abi >= 4)
                CHECK((use_tcp(connect) == EACCES) == !talks);
        if (abi >= 6) {
                to = role == CONFINE_SUPERVISOR ? 0 : EPERM;
                CHECK(signals_its_parent() == to);
                CHECK(result_of(connect(fd, (const struct sockaddr *)name, size)) == to);
        }
        _exit(0);
}

static void landlock_holds_without_seccomp(void **state)
{
        struct sockaddr_un name;
        socklen_t size;
        int fd = listen_abstract(&name, &size);

        (void)state;
        for (int role = 0; landlock && role < CONFINE_ROLES; role++) {
                pid_t pid = fork();
                if (pid == 0)
                        try_landlock(role, &name, size);
                int status = wait_for(pid);
                expect("Landlock", role, status, is_exit(status, 0));
        }
        close(fd);
}

static int exits(void)
{
        exit(7);
}

/* With what the C library and a sanitizer do at the end. */
static void a_confined_process_ends_as_others_do(void **state)
{
        (void)state;
        for (int role = 0; role < CONFINE_ROLES; role++) {
                int status = ending(role, exits);
                expect("exit", role, status, is_exit(status, 7));
        }
}

/* A name that libseccomp does not know is passed over: one that is written wrong, too. */
static void every_name_in_the_table_is_a_system_call(void **state)
{
        char names[512], *rest, *name;

        (void)state;
        for (const struct confine_call *row = confine_calls; row->names; row++) {
                int here = 0, on_arm = 0;
                assert_true(snprintf(names, sizeof(names), "%s", row->names) < 512);
                for (name = strtok_r(names, " ", &rest); name;
                     name = strtok_r(NULL, " ", &rest)) {
                        if (seccomp_syscall_resolve_name(name) == __NR_SCMP_ERROR)
                                fail_msg("there is no system call %s", name);
                        here += seccomp_syscall_resolve_name(name) >= 0;
                        on_arm += seccomp_syscall_resolve_name_arch(SCMP_ARCH_AARCH64,
                                                                    name) >= 0;
                }
                if (!here || !on_arm)
                        fail_msg("a machine has none of %s", row->names);
        }
}

/* Or its children would have less than their roles need. */
static void a_supervisor_may_do_what_its_children_may(void **state)
{
        const unsigned supervisor = CONFINE_BIT(CONFINE_SUPERVISOR);
        const unsigned engine = CONFINE_BIT(CONFINE_ENGINE);
        const unsigned snapshot = CONFINE_BIT(CONFINE_SNAPSHOT);

        (void)state;
        for (const struct confine_call *row = confine_calls; row->names; row++) {
                assert_non_null(row->why);
                if (row->roles == CONFINE_BIT(CONFINE_WORKER))
                        continue; /* less of what others have in a row of their own */
                assert_true(row->roles & supervisor);
                assert_true(!(row->roles & snapshot) || (row->roles & engine));
        }
}

/* ---- what /proc says of a confined process ---- */

static bool proc_has(pid_t pid, const char *file, const char *line)
{
        char path[64], text[256];
        bool found = false;
        FILE *f;

        snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
        f = fopen(path, "r");
        assert_non_null(f);
        while (!found && fgets(text, sizeof(text), f))
                found = strncmp(text, line, strlen(line)) == 0;
        fclose(f);
        if (!found)
                fprintf(stderr, "%s has no line '%s'\n", path, line);
        return found;
}

/* As systemd's AmbientCapabilities= does. */
static void raise_ambient(void)
{
        if (geteuid() != 0)
                return;
        CHECK(capng_get_caps_process() == 0);
        capng_update(CAPNG_ADD, CAPNG_INHERITABLE, CAP_NET_RAW);
        CHECK(capng_apply(CAPNG_SELECT_CAPS) == 0);
        CHECK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW, 0, 0) == 0);
}

/* A child that is confined, says so, and waits for the end of `hold`. */
struct held {
        pid_t pid;
        int hold;
};

static struct held hold_confined(enum confine_role role, uint64_t memory)
{
        int ready[2], hold[2];
        char byte;

        assert_int_equal(pipe(ready), 0);
        assert_int_equal(pipe(hold), 0);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                struct confine_options o = options_of(role);
                char error[CONFINE_ERROR_MAX];
                o.memory = memory;
                close(hold[1]);
                raise_ambient();
                CHECK(confine(&o, error));
                CHECK(write(ready[1], "x", 1) == 1);
                _exit(read(hold[0], &byte, 1) == 0 ? 0 : 1);
        }
        close(ready[1]);
        close(hold[0]);
        assert_int_equal(read(ready[0], &byte, 1), 1);
        close(ready[0]);
        return (struct held){ pid, hold[1] };
}

static void let_go(struct held h)
{
        close(h.hold);
        assert_int_equal(wait_for(h.pid), 0);
}

static void capabilities_and_limits_are_gone(void **state)
{
        static const char *const gone[] = { "CapInh:\t0000000000000000",
                                            "CapAmb:\t0000000000000000", "NoNewPrivs:\t1",
                                            "Seccomp:\t2" };
        static const char *const no_caps[] = { "CapPrm:\t0000000000000000",
                                               "CapEff:\t0000000000000000" };
        const char *raw =
            geteuid() == 0 ? "CapEff:\t0000000000002000" : "CapEff:\t0000000000000000";

        (void)state;
        for (int role = 0; role < CONFINE_ROLES; role++) {
                struct held h = hold_confined(role, 0);
                for (int i = 0; i < 4; i++)
                        assert_true(proc_has(h.pid, "status", gone[i]));
                if (role == CONFINE_SUPERVISOR)
                        assert_true(proc_has(h.pid, "status", raw));
                else
                        for (int i = 0; i < 2; i++)
                                assert_true(proc_has(h.pid, "status", no_caps[i]));
                if (geteuid() == 0)
                        assert_true(
                            proc_has(h.pid, "status", "CapBnd:\t0000000000000000"));
                assert_true(
                    proc_has(h.pid, "limits",
                             "Max core file size        0                    0 "));
                let_go(h);
        }
}

static void a_worker_has_the_tightest_limits(void **state)
{
        struct held h = hold_confined(CONFINE_WORKER, 64 << 20);

        (void)state;
        assert_true(proc_has(h.pid, "limits",
                             "Max processes             0                    0 "));
        assert_true(proc_has(h.pid, "limits",
                             "Max open files            256                  256 "));
#ifndef __SANITIZE_ADDRESS__
        assert_true(proc_has(h.pid, "limits",
                             "Max data size             67108864             67108864 "));
#endif
        let_go(h);
}

/* With its output in a pipe, or in a file as `2>log` has it. */
static int writes_to_files(bool logs_to_file)
{
        int pipes[2];
        pid_t pid;

        assert_int_equal(pipe(pipes), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                dup2(logs_to_file ? old_file : pipes[1], STDOUT_FILENO);
                dup2(logs_to_file ? old_file : pipes[1], STDERR_FILENO);
                confine_as(CONFINE_WORKER);
                if (write(STDERR_FILENO, "x", 1) != 1)
                        _exit(1);
                _exit(write(old_file, "x", 1) == 1 ? 0 : 2);
        }
        close(pipes[0]);
        close(pipes[1]);
        return wait_for(pid);
}

static void a_worker_makes_no_file_longer_unless_it_logs_there(void **state)
{
        int status = writes_to_files(false);

        (void)state;
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), SIGXFSZ);
        assert_true(is_exit(writes_to_files(true), 0));
}

/* ---- what goes on working ---- */

static int compare(const void *a, const void *b)
{
        const unsigned *x = a, *y = b;

        return *x < *y ? -1 : *x > *y;
}

static void use_memory(void)
{
        size_t count = 1 << 20;
        unsigned *numbers = malloc(count * sizeof(*numbers));

        CHECK(numbers);
        for (size_t i = 0; i < count; i++)
                numbers[i] = (unsigned)(i * 2654435761u >> 4);
        qsort(numbers, count, sizeof(*numbers), compare);
        CHECK(numbers[0] <= numbers[count - 1]);
        numbers = realloc(numbers, 8 * count * sizeof(*numbers));
        CHECK(numbers);
        free(numbers);
}

static void stop(evutil_socket_t fd, short what, void *loop)
{
        (void)fd, (void)what;
        event_base_loopbreak(loop);
}

/* The worker's: a loop made before, a signal that ends it, an eventfd that it writes. */
static void work_in_a_loop(int wake)
{
        struct event_base *loop = event_base_new();
        struct event *end = evsignal_new(loop, SIGTERM, stop, loop);
        uint64_t one = 1;

        event_add(end, NULL);
        confine_as(CONFINE_WORKER);
        use_memory();
        log_info("a confined worker logs");
        CHECK(write(wake, &one, sizeof(one)) == sizeof(one));
        CHECK(event_base_dispatch(loop) == 0);
        _exit(event_base_got_break(loop) ? 0 : 1);
}

/* Until it is written; false when its writer has ended before. */
static bool wait_for_event(int wake, pid_t writer)
{
        int fd = (int)syscall(SYS_pidfd_open, writer, 0);
        struct pollfd in[] = { { wake, POLLIN, 0 }, { fd, POLLIN, 0 } };

        CHECK(fd >= 0 && poll(in, 2, -1) > 0);
        close(fd);
        return in[0].revents;
}

static void a_worker_works(void **state)
{
        int wake = eventfd(0, EFD_CLOEXEC);
        pid_t pid = fork();

        (void)state;
        if (pid == 0)
                work_in_a_loop(wake);
        if (wait_for_event(wake, pid))
                assert_int_equal(kill(pid, SIGTERM), 0);
        int status = wait_for(pid);
        expect("loop", CONFINE_WORKER, status, is_exit(status, 0));
        close(wake);
}

static int keeps_a_journal(void)
{
        static struct counters counters;
        struct journal_options o = { .directory = own, .counters = &counters };
        struct journal *j = journal_open(&o, START);
        char from[128], to[128];

        CHECK(j);
        CHECK(journal_append(j, slice_str("one"), START) > 0);
        journal_flush(j, START);
        journal_free(&j);
        snprintf(from, sizeof(from), "%s/half", own);
        snprintf(to, sizeof(to), "%s/whole", own);
        FILE *f = fopen(from, "w");
        CHECK(f);
        CHECK(fputs("text", f) >= 0 && fflush(f) == 0 && fsync(fileno(f)) == 0);
        fclose(f);
        CHECK(rename(from, to) == 0 && unlink(to) == 0);
        o.directory = other;
        if (confine_status().landlock)
                CHECK(!journal_open(&o, START));
        return 0;
}

/* Listens, connects to itself, passes a byte. */
static int talks_tcp(void)
{
        struct sockaddr_in at = { .sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t size = sizeof(at);
        int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1, taken;
        int client = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        char byte;

        CHECK(setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0);
        CHECK(bind(server, (struct sockaddr *)&at, size) == 0 && listen(server, 1) == 0);
        CHECK(getsockname(server, (struct sockaddr *)&at, &size) == 0);
        CHECK(connect(client, (struct sockaddr *)&at, size) == 0 || errno == EINPROGRESS);
        taken = accept4(server, NULL, NULL, SOCK_CLOEXEC);
        CHECK(taken >= 0 && write(taken, "x", 1) == 1);
        struct pollfd in = { client, POLLIN, 0 };
        CHECK(poll(&in, 1, -1) == 1 && read(client, &byte, 1) == 1);
        return 0;
}

static int resolves_localhost(void)
{
        struct addrinfo hints = { .ai_family = AF_UNSPEC,
                                  .ai_flags = AI_ADDRCONFIG,
                                  .ai_socktype = SOCK_STREAM };
        struct addrinfo *found;

        CHECK(getaddrinfo("localhost", "6379", &hints, &found) == 0);
        freeaddrinfo(found);
        return 0;
}

/* A server of one question: echoes it back as an answer with the address 192.0.2.7. */
static void answer_question(int server)
{
        static const uint8_t record[] = { 0xc0, 12, 0, 1, 0,   1, 0, 0,
                                          0,    60, 0, 4, 192, 0, 2, 7 };
        uint8_t packet[512];
        struct sockaddr_in from;
        socklen_t size = sizeof(from);
        ssize_t len = recvfrom(server, packet, 256, 0, (struct sockaddr *)&from, &size);

        CHECK(len > 12);
        for (len = 12; packet[len]; len += packet[len] + 1)
                ;
        len += 5; /* without what stands behind the question (EDNS) */
        packet[2] = 0x81, packet[3] = 0x80;
        packet[7] = 1;
        packet[11] = 0;
        memcpy(packet + len, record, sizeof(record));
        CHECK(sendto(server, packet, (size_t)len + sizeof(record), 0,
                     (struct sockaddr *)&from, size) > 0);
}

static void on_answer(void *context, int status, int timeouts, unsigned char *answer,
                      int len)
{
        (void)timeouts, (void)answer, (void)len;
        *(int *)context = status;
}

static void pump(ares_channel channel, int server, int *status)
{
        while (*status == -1) {
                fd_set in, out;
                FD_ZERO(&in);
                FD_ZERO(&out);
                int most = ares_fds(channel, &in, &out);
                FD_SET(server, &in);
                CHECK(select((most > server ? most : server + 1), &in, &out, NULL, NULL) >
                      0);
                if (FD_ISSET(server, &in)) {
                        answer_question(server);
                        FD_CLR(server, &in);
                }
                ares_process(channel, &in, &out);
        }
}

static int asks_dns(void)
{
        struct sockaddr_in at = { .sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t size = sizeof(at);
        int server = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), status = -1;
        ares_channel channel;
        char address[32];

        CHECK(bind(server, (struct sockaddr *)&at, size) == 0);
        CHECK(getsockname(server, (struct sockaddr *)&at, &size) == 0);
        CHECK(ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS);
        CHECK(ares_init(&channel) == ARES_SUCCESS);
        snprintf(address, sizeof(address), "127.0.0.1:%d", ntohs(at.sin_port));
        CHECK(ares_set_servers_ports_csv(channel, address) == ARES_SUCCESS);
        ares_query(channel, "crawl.example", 1, 1, on_answer, &status);
        pump(channel, server, &status);
        CHECK(status == ARES_SUCCESS);
        ares_destroy(channel);
        return 0;
}

static int uses_tls(void)
{
        SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
        unsigned char bytes[32];

        CHECK(tls && RAND_bytes(bytes, sizeof(bytes)) == 1);
        SSL_CTX_set_default_verify_paths(tls);
        SSL *one = SSL_new(tls);
        CHECK(one);
        SSL_free(one);
        SSL_CTX_free(tls);
        return 0;
}

/* As observe/geo.c does it. */
static int copies_a_database_to_memory(void)
{
        int memory = memfd_create("copy", MFD_CLOEXEC), again;
        char path[64];

        CHECK(memory >= 0 && write(memory, "text", 4) == 4);
        snprintf(path, sizeof(path), "/proc/self/fd/%d", memory);
        again = open(path, O_RDONLY | O_CLOEXEC);
        CHECK(again >= 0);
        return maps(PROT_READ, MAP_SHARED, again);
}

static int saves_in_a_child(void)
{
        int status;
        pid_t pid = fork();

        if (pid == 0) {
                confine_as(CONFINE_SNAPSHOT);
                use_memory();
                _exit(keeps_a_journal());
        }
        CHECK(waitpid(pid, &status, 0) == pid);
        CHECK(is_exit(status, 0));
        pid = fork();
        if (pid == 0) {
                confine_as(CONFINE_SNAPSHOT);
                _exit(makes_a_tcp_socket());
        }
        CHECK(waitpid(pid, &status, 0) == pid);
        CHECK(is_killed(status));
        return 0;
}

static int runs_a_loop(void)
{
        struct event_base *loop = event_base_new();
        struct event *end = evsignal_new(loop, SIGTERM, stop, loop);

        CHECK(loop && end && event_add(end, NULL) == 0);
        event_active(end, EV_SIGNAL, 1);
        CHECK(event_base_dispatch(loop) == 0);
        event_free(end);
        event_base_free(loop);
        return 0;
}

static const struct {
        const char *what;
        int (*act)(void);
} duties[] = {
        { "journal", keeps_a_journal },
        { "TCP", talks_tcp },
        { "getaddrinfo", resolves_localhost },
        { "c-ares", asks_dns },
        { "TLS", uses_tls },
        { "copy of a database", copies_a_database_to_memory },
        { "snapshot", saves_in_a_child },
        { "event loop", runs_a_loop },
};

/* The supervisor too: its children have no more than it has. */
static void an_engine_works(void **state)
{
        static const enum confine_role roles[] = { CONFINE_ENGINE, CONFINE_SUPERVISOR };

        (void)state;
        for (int r = 0; r < 2; r++)
                for (size_t i = 0; i < sizeof(duties) / sizeof(duties[0]); i++) {
                        int status = ending(roles[r], duties[i].act);
                        expect(duties[i].what, roles[r], status, is_exit(status, 0));
                }
}

/* Children of a confined supervisor, as after a crash. */
static int starts_children_again(void)
{
        int status;
        pid_t pid = fork();

        if (pid == 0) {
                confine_as(CONFINE_WORKER);
                use_memory();
                _exit(0);
        }
        CHECK(waitpid(pid, &status, 0) == pid && is_exit(status, 0));
        for (size_t i = 0; i < sizeof(duties) / sizeof(duties[0]); i++) {
                pid = fork();
                if (pid == 0) {
                        confine_as(CONFINE_ENGINE);
                        _exit(duties[i].act());
                }
                CHECK(waitpid(pid, &status, 0) == pid && is_exit(status, 0));
        }
        pid = fork();
        if (pid == 0) {
                confine_as(CONFINE_WORKER);
                _exit(makes_a_tcp_socket());
        }
        CHECK(waitpid(pid, &status, 0) == pid && is_killed(status));
        return 0;
}

static void children_of_a_confined_supervisor_work(void **state)
{
        int status = ending(CONFINE_SUPERVISOR, starts_children_again);

        (void)state;
        expect("children", CONFINE_SUPERVISOR, status, is_exit(status, 0));
}

/* ---- options ---- */

static void what_is_on_is_told(void **state)
{
        pid_t pid = fork();

        (void)state;
        if (pid == 0) {
                struct buf out = { 0 };
                confine_as(CONFINE_WORKER);
                struct confine_status s = confine_status();
                confine_print(&s, &out);
                buf_put(&out, "", 1);
                CHECK(s.confined && s.seccomp && s.limits && s.capabilities);
                CHECK(strstr((char *)out.data, "worker: ") == (char *)out.data);
                CHECK(strstr((char *)out.data, "seccomp"));
                _exit(0);
        }
        assert_int_equal(wait_for(pid), 0);
}

static void it_can_be_turned_off(void **state)
{
        pid_t pid = fork();

        (void)state;
        if (pid == 0) {
                struct confine_options o = { .role = CONFINE_WORKER, .off = true };
                char error[CONFINE_ERROR_MAX];
                CHECK(confine(&o, error) && !confine_status().confined);
                _exit(makes_a_tcp_socket());
        }
        assert_int_equal(wait_for(pid), 0);
}

static void core_dumps_are_an_option(void **state)
{
        pid_t pid = fork();

        (void)state;
        if (pid == 0) {
                struct confine_options o = options_of(CONFINE_SUPERVISOR);
                struct rlimit before, after;
                char error[CONFINE_ERROR_MAX];
                o.core_dumps = true;
                CHECK(getrlimit(RLIMIT_CORE, &before) == 0 && confine(&o, error));
                CHECK(prlimit(0, RLIMIT_CORE, NULL, &after) == 0);
                CHECK(after.rlim_max == before.rlim_max);
                pid = fork();
                o = options_of(CONFINE_WORKER);
                o.core_dumps = true;
                if (pid == 0)
                        _exit(confine(&o, error) ? 0 : 1);
                int status;
                CHECK(waitpid(pid, &status, 0) == pid && is_exit(status, 0));
                _exit(0);
        }
        assert_int_equal(wait_for(pid), 0);
}

static void a_folder_that_is_missing_is_an_error(void **state)
{
        pid_t pid;

        (void)state;
        if (!landlock)
                return;
        pid = fork();
        if (pid == 0) {
                struct confine_path paths[] = { { "/no/rules.yaml", CONFINE_READ },
                                                { "/no/journal", CONFINE_WRITE } };
                struct confine_options o = { .role = CONFINE_ENGINE,
                                             .paths = paths,
                                             .path_count = 2 };
                char error[CONFINE_ERROR_MAX] = "";
                CHECK(!confine(&o, error) && !confine_status().confined);
                CHECK(strncmp(error, "/no/journal: ", 13) == 0);
                _exit(0);
        }
        assert_int_equal(wait_for(pid), 0);
}

static void replace_old(const char *folder)
{
        char path[128], fresh[128];
        FILE *f;

        snprintf(path, sizeof(path), "%s/old", folder);
        snprintf(fresh, sizeof(fresh), "%s/fresh", folder);
        f = fopen(fresh, "w");
        assert_non_null(f);
        fclose(f);
        assert_int_equal(rename(fresh, path), 0);
}

/* Editors write a new file and give it the old one's name. */
static void a_file_that_is_replaced_can_be_read_again(void **state)
{
        char path[128], byte;
        int ready[2], go[2];
        pid_t pid;

        (void)state;
        snprintf(path, sizeof(path), "%s/old", other);
        assert_true(pipe(ready) == 0 && pipe(go) == 0);
        pid = fork();
        if (pid == 0) {
                struct confine_path paths[] = { { path, CONFINE_READ } };
                struct confine_options o = { .role = CONFINE_ENGINE,
                                             .paths = paths,
                                             .path_count = 1 };
                char error[CONFINE_ERROR_MAX];
                CHECK(confine(&o, error) && write(ready[1], "x", 1) == 1);
                CHECK(read(go[0], &byte, 1) == 1);
                _exit(result_of(open(path, O_RDONLY)));
        }
        close(ready[1]);
        close(go[0]);
        assert_int_equal(read(ready[0], &byte, 1), 1);
        replace_old(other);
        assert_int_equal(write(go[1], "x", 1), 1);
        assert_int_equal(wait_for(pid), 0);
        close(ready[0]);
        close(go[1]);
}

static void nobody_becomes_another_without_root(void **state)
{
        char error[CONFINE_ERROR_MAX] = "";

        (void)state;
        if (geteuid() == 0) {
                pid_t pid = fork();
                if (pid == 0) {
                        CHECK(!confine_user("no-such-user", error));
                        CHECK(strstr(error, "no-such-user"));
                        CHECK(setresuid(65534, 65534, 65534) == 0);
                        CHECK(!confine_user("root", error) && strstr(error, "root"));
                        CHECK(confine_user("nobody", error) && confine_user(NULL, error));
                        _exit(0);
                }
                assert_int_equal(wait_for(pid), 0);
                return;
        }
        assert_false(confine_user("root", error));
        assert_non_null(strstr(error, "root"));
        assert_true(confine_user(NULL, error));
}

/* ---- with root: a capture in a network of its own ---- */

static struct capture_options capture_options = {
        .snaplen = 2048, .buffer = 1 << 20, .timeout_ms = 10, .promiscuous = true
};

static void raise_loopback(void)
{
        struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
        int fd = socket(AF_INET, SOCK_DGRAM, 0);

        CHECK(fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &request) == 0);
        close(fd);
}

static struct capture *open_capture(void)
{
        char error[CAPTURE_ERROR_MAX];
        struct capture *c = capture_open_live("lo", &capture_options, error);

        if (!c) {
                fprintf(stderr, "capture: %s\n", error);
                abort();
        }
        return c;
}

static void count_frame(void *context, const struct capture_frame *frame)
{
        (void)frame;
        ++*(int *)context;
}

static int read_frames(struct capture *c, int least)
{
        int frames = 0;

        while (frames < least) {
                struct pollfd in = { capture_fd(c), POLLIN, 0 };
                CHECK(poll(&in, 1, -1) == 1);
                CHECK(capture_read(c, 64, count_frame, &frames) == CAPTURE_MORE);
        }
        return frames;
}

static void send_datagrams(int count)
{
        struct sockaddr_in to = { .sin_family = AF_INET,
                                  .sin_port = htons(9),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        int fd = socket(AF_INET, SOCK_DGRAM, 0);

        for (int i = 0; i < count; i++)
                if (sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)) != 1)
                        CHECK(errno == ECONNREFUSED);
        close(fd);
}

/* The worker's life: frames in, an event out, and then it tries to put a frame out. */
static void capture_as_worker(struct capture *c, int wake, bool injects)
{
        uint64_t one = 1, kernel, interface;
        uint8_t frame[64] = { 0 };

        confine_as(CONFINE_WORKER);
        read_frames(c, 8);
        CHECK(capture_drops(c, &kernel, &interface) && interface == 0);
        CHECK(write(wake, &one, sizeof(one)) == sizeof(one));
        if (injects)
                _exit(write(capture_fd(c), frame, sizeof(frame)) > 0 ? 1 : 2);
        capture_close(&c);
        _exit(0);
}

static int start_worker(bool injects)
{
        int wake = eventfd(0, EFD_CLOEXEC), status;
        struct capture *c = open_capture(); /* after confinement, as after a crash */
        pid_t pid = fork();

        if (pid == 0)
                capture_as_worker(c, wake, injects);
        send_datagrams(16);
        CHECK(wait_for_event(wake, pid));
        CHECK(waitpid(pid, &status, 0) == pid);
        capture_close(&c);
        close(wake);
        return status;
}

/* Whatever comes of it: nobody answers here. */
static int resolves_a_name_elsewhere(void)
{
        struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found = NULL;

        if (getaddrinfo("crawl.example.invalid", "80", &hints, &found) == 0)
                freeaddrinfo(found);
        return 0;
}

static void be_an_engine_with_a_capture(void)
{
        struct confine_options o = options_of(CONFINE_ENGINE);
        char error[CONFINE_ERROR_MAX] = "";

        CHECK(!confine(&o, error) && strstr(error, "is a capture"));
        _exit(0);
}

static void start_engines(struct capture *c)
{
        int status;
        pid_t pid = fork();

        if (pid == 0)
                be_an_engine_with_a_capture();
        CHECK(waitpid(pid, &status, 0) == pid && is_exit(status, 0));
        pid = fork();
        if (pid == 0) {
                capture_close(&c);
                confine_as(CONFINE_ENGINE);
                _exit(resolves_a_name_elsewhere());
        }
        CHECK(waitpid(pid, &status, 0) == pid && is_exit(status, 0));
}

/* More than the ring holds, and nobody reads. */
static void count_drops(void)
{
        struct capture *c = open_capture();
        uint64_t kernel = 0, later, interface;

        send_datagrams(20000);
        CHECK(capture_drops(c, &kernel, &interface) && kernel > 0 && interface == 0);
        CHECK(capture_drops(c, &later, &interface) && later >= kernel);
        capture_close(&c);
}

static void be_a_daemon(void)
{
        char error[CONFINE_ERROR_MAX] = "";

        gid_t groups[8] = { 0, 4 };

        CHECK(unshare(CLONE_NEWNET) == 0);
        raise_loopback();
        CHECK(setgroups(2, groups) == 0);
        if (!confine_user("nobody", error)) {
                fprintf(stderr, "confine_user: %s\n", error);
                abort();
        }
        CHECK(getuid() == 65534 && getegid() != 0 && setuid(0) != 0);
        for (int i = getgroups(8, groups); i > 0; i--)
                CHECK(groups[i - 1] == getegid());
        struct capture *first = open_capture();
        confine_as(CONFINE_SUPERVISOR);
        start_engines(first);
        count_drops();
        capture_close(&first);
        CHECK(is_exit(start_worker(false), 0));
        CHECK(is_killed(start_worker(true)));
        _exit(starts_children_again());
}

static bool leaves_out(const char *what)
{
        const char *ci = getenv("CI");

        if (geteuid() == 0)
                return false;
        fprintf(stderr, "LEFT OUT, needs root: %s\n", what);
        assert_false(ci && strcmp(ci, "true") == 0);
        return true;
}

static void a_daemon_started_by_root_captures_as_nobody(void **state)
{
        pid_t pid;

        (void)state;
        if (leaves_out("becoming another user, capturing in a confined worker"))
                return;
        pid = fork();
        if (pid == 0) {
                CHECK(chmod(own, 0755) == 0);
                strcat(own, "/nobody");
                CHECK(mkdir(own, 0700) == 0 && chown(own, 65534, 65534) == 0);
                be_a_daemon();
        }
        int status = wait_for(pid);
        expect("whole daemon", CONFINE_SUPERVISOR, status, is_exit(status, 0));
}

static void make_file(const char *folder)
{
        char path[128];
        FILE *f;

        snprintf(path, sizeof(path), "%s/old", folder);
        f = fopen(path, "w");
        CHECK(f && fputs("text", f) >= 0);
        fclose(f);
}

static int landlock_of_engine(void)
{
        return confine_status().landlock;
}

static int set_up(void **state)
{
        char inherited[128];
        int pair[2];

        (void)state;
        snprintf(own, sizeof(own), "/tmp/confine-own-XXXXXX");
        snprintf(other, sizeof(other), "/tmp/confine-other-XXXXXX");
        if (!mkdtemp(own) || !mkdtemp(other) || socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
                return -1;
        make_file(own);
        make_file(other);
        parent_pid = getpid();
        snprintf(inherited, sizeof(inherited), "%s/inherited", own);
        old_file = open(inherited, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (old_file < 0 || unlink(inherited) != 0)
                return -1;
        old_socket = pair[0];
        close(pair[1]);
        landlock = WEXITSTATUS(ending(CONFINE_ENGINE, landlock_of_engine));
        if (!landlock)
                fprintf(stderr, "LEFT OUT: this kernel has no Landlock\n");
        return 0;
}

static int tear_down(void **state)
{
        char command[256];

        (void)state;
        snprintf(command, sizeof(command), "rm -rf %s %s", own, other);
        return system(command);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_role_is_refused_what_it_does_not_need),
                cmocka_unit_test(some_calls_are_for_nobody),
                cmocka_unit_test(a_check_that_fails_still_aborts),
                cmocka_unit_test(landlock_holds_without_seccomp),
                cmocka_unit_test(a_confined_process_ends_as_others_do),
                cmocka_unit_test(every_name_in_the_table_is_a_system_call),
                cmocka_unit_test(a_supervisor_may_do_what_its_children_may),
                cmocka_unit_test(capabilities_and_limits_are_gone),
                cmocka_unit_test(a_worker_has_the_tightest_limits),
                cmocka_unit_test(a_worker_makes_no_file_longer_unless_it_logs_there),
                cmocka_unit_test(a_worker_works),
                cmocka_unit_test(an_engine_works),
                cmocka_unit_test(children_of_a_confined_supervisor_work),
                cmocka_unit_test(what_is_on_is_told),
                cmocka_unit_test(it_can_be_turned_off),
                cmocka_unit_test(core_dumps_are_an_option),
                cmocka_unit_test(a_folder_that_is_missing_is_an_error),
                cmocka_unit_test(a_file_that_is_replaced_can_be_read_again),
                cmocka_unit_test(nobody_becomes_another_without_root),
                cmocka_unit_test(a_daemon_started_by_root_captures_as_nobody),
        };

        return cmocka_run_group_tests(tests, set_up, tear_down);
}
