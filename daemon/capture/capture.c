/* SPDX-License-Identifier: MIT */
#include "capture/capture.h"

#include "base/check.h"
#include "base/clock.h"
#include "capture/filter.h"
#include "capture/pcapng.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* One read(2) of a capture file: stdio's 4 KiB would cost a call every few frames, and
   more than 64 KiB falls out of the nearest caches before it is looked at (a sixth of the
   time of small requests). */
enum { FILE_BUFFER = 1 << 16 };

/* Of /sys/class/net/NAME/statistics. */
enum { INTERFACE_DROPS = 2 };
static const char *const drop_files[INTERFACE_DROPS] = { "rx_missed_errors",
                                                         "rx_fifo_errors" };

struct capture {
        pcap_t *pcap; /* NULL for pcapng: */
        struct pcapng *pcapng;
        struct filter *filter;
        FILE *file;
        int link;
        char *name;
        char *file_buffer;
        bool live;
        int64_t fraction_ns; /* what one unit of a packet's tv_usec is */
        char error[CAPTURE_ERROR_MAX];
        capture_frame_fn *each; /* of the capture_read that is running */
        void *context;
        uint64_t kernel_drops;
        struct {
                int fd; /* -1: not counted */
                uint64_t first;
        } interface_drops[INTERFACE_DROPS];
};

static struct capture *capture_new(const char *name, bool live)
{
        struct capture *c = calloc(1, sizeof(*c));

        CHECK(c);
        c->name = strdup(name);
        CHECK(c->name);
        c->live = live;
        for (int i = 0; i < INTERFACE_DROPS; i++)
                c->interface_drops[i].fd = -1;
        return c;
}

void capture_close(struct capture **capture)
{
        struct capture *c = *capture;

        if (!c)
                return;
        if (c->pcap)
                pcap_close(c->pcap);
        pcapng_free(&c->pcapng);
        filter_free(&c->filter);
        if (c->file && c->file != stdin)
                fclose(c->file);
        for (int i = 0; i < INTERFACE_DROPS; i++)
                if (c->interface_drops[i].fd >= 0)
                        close(c->interface_drops[i].fd);
        free(c->file_buffer);
        free(c->name);
        free(c);
        *capture = NULL;
}

/* Nanoseconds were asked for; whether they came shows only when it is open. */
static void note_kind(struct capture *c)
{
        bool nano = pcap_get_tstamp_precision(c->pcap) == PCAP_TSTAMP_PRECISION_NANO;

        c->fraction_ns = nano ? 1 : NS_PER_US;
        c->link = pcap_datalink(c->pcap);
}

static bool compile(struct capture *c, struct bpf_program *program, const char *filter,
                    char *error)
{
        if (pcap_compile(c->pcap, program, filter, 1, PCAP_NETMASK_UNKNOWN) == 0)
                return true;
        snprintf(error, CAPTURE_ERROR_MAX, "capture filter '%s': %s (see pcap-filter(7))",
                 filter, pcap_geterr(c->pcap));
        return false;
}

static bool set_filter(struct capture *c, const char *filter, char *error)
{
        struct bpf_program program;

        if (!filter || !*filter)
                return true;
        if (!compile(c, &program, filter, error))
                return false;
        int result = pcap_setfilter(c->pcap, &program);
        pcap_freecode(&program);
        if (result != 0)
                snprintf(error, CAPTURE_ERROR_MAX, "capture filter '%s' on %s: %s",
                         filter, c->name, pcap_geterr(c->pcap));
        return result == 0;
}

bool capture_check_filter(const char *text, char error[CAPTURE_ERROR_MAX])
{
        static const int links[] = { DLT_LINUX_SLL, DLT_LINUX_SLL2, DLT_NULL, DLT_RAW };
        struct filter *filter = filter_new(text);
        bool good = filter_is_possible(filter, DLT_EN10MB, error);
        char ignored[CAPTURE_ERROR_MAX];

        for (size_t i = 0; !good && i < sizeof(links) / sizeof(links[0]); i++)
                good = filter_is_possible(filter, links[i], ignored);
        filter_free(&filter);
        return good;
}

static bool open_input(struct capture *c, const char *path, char *error)
{
        c->file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
        if (!c->file) {
                snprintf(error, CAPTURE_ERROR_MAX, "%s: %s", path, strerror(errno));
                return false;
        }
        c->file_buffer = malloc(FILE_BUFFER);
        CHECK(c->file_buffer);
        setvbuf(c->file, c->file_buffer, _IOFBF, FILE_BUFFER);
        return true;
}

static bool is_pcapng(FILE *file)
{
        int first = getc(file);

        if (first != EOF)
                ungetc(first, file);
        return first == PCAPNG_FIRST_BYTE;
}

static bool open_pcapng(struct capture *c, const char *filter, char *error)
{
        int first = DLT_EN10MB; /* a filter must be right even if there is no interface */

        c->pcapng = pcapng_new(c->file);
        c->filter = filter_new(filter);
        c->link = CAPTURE_LINKS_DIFFER;
        if (pcapng_begin(c->pcapng, &first) == PCAPNG_DAMAGED) {
                snprintf(error, CAPTURE_ERROR_MAX,
                         "%s: not a capture that can be read: %s", c->name,
                         pcapng_error(c->pcapng));
                return false;
        }
        return filter_is_possible(c->filter, first, error);
}

static bool open_pcap(struct capture *c, const char *filter, char *error)
{
        char why[PCAP_ERRBUF_SIZE] = "";

        c->pcap = pcap_fopen_offline_with_tstamp_precision(
            c->file, PCAP_TSTAMP_PRECISION_NANO, why);
        if (!c->pcap) {
                snprintf(error, CAPTURE_ERROR_MAX,
                         "%s: not a capture that can be read: %s", c->name, why);
                return false;
        }
        c->file = NULL; /* libpcap closes it */
        note_kind(c);
        return set_filter(c, filter, error);
}

struct capture *capture_open_file(const char *path, const struct capture_options *options,
                                  char error[CAPTURE_ERROR_MAX])
{
        struct capture *c = capture_new(path, false);

        if (!open_input(c, path, error) ||
            !(is_pcapng(c->file) ? open_pcapng : open_pcap)(c, options->filter, error))
                capture_close(&c);
        return c;
}

static const char *live_remedy(int status)
{
        switch (status) {
        case PCAP_ERROR_NO_SUCH_DEVICE:
                return "; 'ip link' lists the interfaces there are";
        case PCAP_ERROR_PERM_DENIED:
        case PCAP_ERROR_PROMISC_PERM_DENIED:
                return "; capturing needs root or CAP_NET_RAW";
        case PCAP_ERROR_IFACE_NOT_UP:
                return "; bring it up with 'ip link set ... up'";
        default:
                return "";
        }
}

/* Warnings are positive; libpcap goes on in spite of them. */
static bool activate(struct capture *c, const struct capture_options *options,
                     char *error)
{
        pcap_set_snaplen(c->pcap, (int)options->snaplen);
        pcap_set_buffer_size(c->pcap, (int)options->buffer);
        pcap_set_timeout(c->pcap, options->timeout_ms);
        pcap_set_promisc(c->pcap, options->promiscuous);
        pcap_set_tstamp_precision(c->pcap, PCAP_TSTAMP_PRECISION_NANO);
        int status = pcap_activate(c->pcap);
        if (status >= 0)
                return true;
        const char *what = pcap_statustostr(status), *detail = pcap_geterr(c->pcap);
        bool says_more = detail[0] && strcmp(detail, what) != 0;
        snprintf(error, CAPTURE_ERROR_MAX, "interface %s: %s%s%s%s", c->name, what,
                 says_more ? ": " : "", says_more ? detail : "", live_remedy(status));
        return false;
}

static bool read_number(int fd, uint64_t *number)
{
        uint8_t text[32];
        ssize_t len = pread(fd, text, sizeof(text), 0);

        if (len > 0 && text[len - 1] == '\n')
                len--;
        return len > 0 && slice_to_u64(slice_of(text, (size_t)len), number);
}

/* Other programs' losses count as ours only where we take all that the card has. */
static void open_interface_drops(struct capture *c)
{
        char path[128];

        for (int i = 0; i < INTERFACE_DROPS; i++) {
                int n = snprintf(path, sizeof(path), "/sys/class/net/%s/statistics/%s",
                                 c->name, drop_files[i]);
                int fd = n < (int)sizeof(path) ? open(path, O_RDONLY | O_CLOEXEC) : -1;
                if (fd >= 0 && read_number(fd, &c->interface_drops[i].first))
                        c->interface_drops[i].fd = fd;
                else if (fd >= 0)
                        close(fd);
        }
}

struct capture *capture_open_live(const char *interface,
                                  const struct capture_options *options,
                                  char error[CAPTURE_ERROR_MAX])
{
        struct capture *c = capture_new(interface, true);
        char why[PCAP_ERRBUF_SIZE] = "";

        c->pcap = pcap_create(interface, why);
        if (!c->pcap) {
                snprintf(error, CAPTURE_ERROR_MAX, "interface %s: %s", interface, why);
                goto fail;
        }
        if (!activate(c, options, error) || !set_filter(c, options->filter, error))
                goto fail;
        note_kind(c);
        if (pcap_setnonblock(c->pcap, 1, why) != 0) {
                snprintf(error, CAPTURE_ERROR_MAX, "interface %s: %s", interface, why);
                goto fail;
        }
        if (options->promiscuous)
                open_interface_drops(c);
        return c;
fail:
        capture_close(&c);
        return NULL;
}

bool capture_fan_out(struct capture *c, int *group, char error[CAPTURE_ERROR_MAX])
{
        int type = PACKET_FANOUT_HASH | PACKET_FANOUT_FLAG_DEFRAG |
                   (*group < 0 ? PACKET_FANOUT_FLAG_UNIQUEID : 0);
        unsigned value = (unsigned)(*group < 0 ? 0 : *group) | (unsigned)type << 16;
        socklen_t size = sizeof(value);
        int fd = pcap_fileno(c->pcap);

        if (setsockopt(fd, SOL_PACKET, PACKET_FANOUT, &value, size) != 0 ||
            getsockopt(fd, SOL_PACKET, PACKET_FANOUT, &value, &size) != 0) {
                snprintf(error, CAPTURE_ERROR_MAX,
                         "interface %s: it cannot be shared by several workers: %s; set "
                         "capture.workers to 1",
                         c->name, strerror(errno));
                return false;
        }
        *group = value & 0xffff;
        return true;
}

int capture_link(const struct capture *c)
{
        return c->link;
}

const char *capture_link_name(int link)
{
        const char *name = pcap_datalink_val_to_name(link);

        return name ? name : "of a kind without a name";
}

const char *capture_name(const struct capture *c)
{
        return c->name;
}

int capture_fd(const struct capture *c)
{
        return pcap_get_selectable_fd(c->pcap);
}

unsigned capture_fds(const struct capture *c, int fds[CAPTURE_FDS])
{
        unsigned count = 0;

        fds[count++] = pcap_fileno(c->pcap);
        if (capture_fd(c) != fds[0])
                fds[count++] = capture_fd(c);
        for (int i = 0; i < INTERFACE_DROPS; i++)
                if (c->interface_drops[i].fd >= 0)
                        fds[count++] = c->interface_drops[i].fd;
        return count;
}

static void on_packet(u_char *user, const struct pcap_pkthdr *header, const u_char *data)
{
        struct capture *c = (struct capture *)user;
        struct capture_frame frame = {
                .time_ns = (int64_t)header->ts.tv_sec * NS_PER_SEC +
                           header->ts.tv_usec * c->fraction_ns,
                .captured = slice_of(data, header->caplen),
                .wire_length = header->len,
                .link = c->link,
        };

        c->each(c->context, &frame);
}

static enum capture_result read_pcap(struct capture *c, int most)
{
        int count = pcap_dispatch(c->pcap, most, on_packet, (u_char *)c);

        if (count < 0) {
                snprintf(c->error, sizeof(c->error), "%s: %s%s", c->name,
                         pcap_geterr(c->pcap),
                         c->live ? "" : "; everything before that was read");
                return CAPTURE_ERROR;
        }
        return count == 0 && !c->live ? CAPTURE_END : CAPTURE_MORE;
}

/* False when the frame cannot even be looked at by the filter. */
static bool give_if_wanted(struct capture *c, const struct pcapng_packet *packet)
{
        struct capture_frame frame = { packet->time_ns, packet->captured,
                                       packet->wire_length, packet->link };
        enum filter_result result = filter_frame(c->filter, &frame, c->error);

        if (result == FILTER_PASS)
                c->each(c->context, &frame);
        return result != FILTER_IMPOSSIBLE;
}

static enum capture_result read_pcapng(struct capture *c, int most)
{
        struct pcapng_packet packet;

        for (int i = 0; i < most; i++) {
                switch (pcapng_next(c->pcapng, &packet)) {
                case PCAPNG_END:
                        return CAPTURE_END;
                case PCAPNG_DAMAGED:
                        snprintf(c->error, sizeof(c->error),
                                 "%s: %s; everything before that was read", c->name,
                                 pcapng_error(c->pcapng));
                        return CAPTURE_ERROR;
                case PCAPNG_PACKET:
                        if (!give_if_wanted(c, &packet))
                                return CAPTURE_ERROR;
                }
        }
        return CAPTURE_MORE;
}

enum capture_result capture_read(struct capture *c, int most, capture_frame_fn *each,
                                 void *context)
{
        c->each = each;
        c->context = context;
        return c->pcapng ? read_pcapng(c, most) : read_pcap(c, most);
}

const char *capture_error(const struct capture *c)
{
        return c->error;
}

static uint64_t interface_drops(const struct capture *c)
{
        uint64_t total = 0, now;

        for (int i = 0; i < INTERFACE_DROPS; i++)
                if (c->interface_drops[i].fd >= 0 &&
                    read_number(c->interface_drops[i].fd, &now) &&
                    now > c->interface_drops[i].first)
                        total += now - c->interface_drops[i].first;
        return total;
}

/* pcap_stats() opens files below /sys for the same, which a confined worker may not. */
bool capture_drops(struct capture *c, uint64_t *kernel, uint64_t *interface)
{
        struct tpacket_stats_v3 stats = { 0 }; /* begins as that of older rings does */
        socklen_t size = sizeof(stats);

        /* Reading starts the kernel's count anew. */
        if (!c->live || getsockopt(pcap_fileno(c->pcap), SOL_PACKET, PACKET_STATISTICS,
                                   &stats, &size) != 0)
                return false;
        c->kernel_drops += stats.tp_drops;
        *kernel = c->kernel_drops;
        *interface = interface_drops(c);
        return true;
}
