/* SPDX-License-Identifier: MIT */
#include "terminal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/clock.h"

#define ENTER "\033[?1049h\033[?25l" /* another screen, without a cursor */
#define LEAVE "\033[?25h\033[?1049l"
#define HOME  "\033[H\033[2J"

static struct termios before;
static bool has_entered;
static volatile sig_atomic_t caught, stopped, resized;

static void on_end(int number)
{
        caught = number;
}

static void on_stop(int number)
{
        stopped = number;
}

static void on_resize(int number)
{
        resized = number;
}

static const struct {
        int number;
        void (*handler)(int);
} signals[] = {
        { SIGINT, on_end },  { SIGTERM, on_end },  { SIGHUP, on_end },
        { SIGQUIT, on_end }, { SIGTSTP, on_stop }, { SIGWINCH, on_resize },
};

#define SIGNALS (sizeof(signals) / sizeof(signals[0]))

bool terminal_is_there(void)
{
        return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

static void write_all(const char *text)
{
        fputs(text, stdout);
        fflush(stdout);
}

static void take(void)
{
        struct termios raw = before;

        raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        raw.c_cc[VMIN] = 0;
        raw.c_cc[VTIME] = 0;
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw);
        write_all(ENTER);
        has_entered = true;
}

void terminal_leave(void)
{
        if (!has_entered)
                return;
        has_entered = false;
        write_all(LEAVE);
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
}

/* They are let in by terminal_wait alone, so that none comes between a look and a wait.
 */
static void set_signals(void)
{
        sigset_t mask;

        sigemptyset(&mask);
        for (size_t i = 0; i < SIGNALS; i++) {
                struct sigaction action = { .sa_handler = signals[i].handler };
                sigaction(signals[i].number, &action, NULL);
                sigaddset(&mask, signals[i].number);
        }
        sigprocmask(SIG_BLOCK, &mask, NULL);
}

void terminal_enter(void)
{
        tcgetattr(STDIN_FILENO, &before);
        atexit(terminal_leave);
        set_signals();
        take();
}

void terminal_begin(unsigned *lines, unsigned *columns)
{
        struct winsize size;
        bool is_known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row;

        *lines = is_known ? size.ws_row : 24;
        *columns = is_known && size.ws_col ? size.ws_col : 80;
        fputs(HOME, stdout);
}

static void pause_until_continued(void)
{
        stopped = 0;
        terminal_leave();
        kill(getpid(), SIGSTOP);
        take();
}

/* True when it was q, or there will be no more keys. */
static bool read_keys(void)
{
        char keys[64];
        ssize_t n = read(STDIN_FILENO, keys, sizeof(keys));

        for (ssize_t i = 0; i < n; i++)
                if (keys[i] == 'q' || keys[i] == 'Q' || keys[i] == 4)
                        return true;
        return n < 0 && errno != EINTR && errno != EAGAIN;
}

enum terminal_event terminal_wait(int64_t time_ns)
{
        int64_t until_ns = clock_monotonic_ns() + time_ns;
        sigset_t none;

        sigemptyset(&none);
        for (;;) {
                int64_t left_ns = until_ns - clock_monotonic_ns();
                if (left_ns <= 0)
                        return TERMINAL_TIME;
                struct timespec left = { left_ns / NS_PER_SEC, left_ns % NS_PER_SEC };
                struct pollfd keys = { .fd = STDIN_FILENO, .events = POLLIN };
                int n = ppoll(&keys, 1, &left, &none);
                if (caught)
                        return TERMINAL_SIGNAL;
                if (stopped || resized) {
                        if (stopped)
                                pause_until_continued();
                        resized = 0;
                        return TERMINAL_TIME;
                }
                if (n > 0 && (keys.revents & (POLLHUP | POLLERR | POLLNVAL)))
                        return TERMINAL_QUIT;
                if (n > 0 && read_keys())
                        return TERMINAL_QUIT;
        }
}

void terminal_die(void)
{
        sigset_t mask;

        signal(caught, SIG_DFL);
        raise(caught);
        sigemptyset(&mask);
        sigaddset(&mask, caught);
        sigprocmask(SIG_UNBLOCK, &mask, NULL);
}
