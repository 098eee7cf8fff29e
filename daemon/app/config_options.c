/* SPDX-License-Identifier: MIT */
/* The table of options. A new key is a row here and a field in struct config. */
#include <stdio.h>

#include "alert/journal.h"
#include "alert/privacy.h"
#include "alert/redis.h"
#include "app/config_priv.h"
#include "base/clock.h"
#include "base/ip.h"
#include "base/sample.h"

#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define MS  ((uint64_t)NS_PER_MS)
#define SEC ((uint64_t)NS_PER_SEC)
#define DAY (86400 * SEC)

#define PATH_LENGTH 4000

static const char *const checksum_words[] = { "ignore", "verify", NULL };
static const char *const fsync_words[] = { "always", "interval", "off", NULL };
static const char *const clear_words[] = { "session", "account", "email", NULL };
static const char *const dns_words[] = { "auto", "on", "off", NULL };
static const char *const level_words[] = { "error", "warning", "info", "debug", NULL };

static const char *const overload_words[] = { "auto", "off", NULL };
static const char *const sample_words[] = { "all",  "1/2",  "1/4",  "1/8",
                                            "1/16", "1/32", "1/64", NULL };

/* A word's number is its value in the layer that is told. */
_Static_assert(JOURNAL_SYNC_ALWAYS == 0 && JOURNAL_SYNC_INTERVAL == 1 &&
                   JOURNAL_SYNC_OFF == 2,
               "fsync_words");
_Static_assert(PRIVACY_CLEAR_SESSION == 1 && PRIVACY_CLEAR_ACCOUNT == 2 &&
                   PRIVACY_CLEAR_EMAIL == 4,
               "clear_words");
_Static_assert(DNS_AUTO == 0 && DNS_ON == 1 && DNS_OFF == 2, "dns_words");
_Static_assert(sizeof(sample_words) / sizeof(*sample_words) == SAMPLE_SHIFT_MAX + 2,
               "sample_words");
_Static_assert(LOG_LEVEL_ERROR == 0 && LOG_LEVEL_DEBUG == 3, "level_words");

static bool is_none(const char *text)
{
        return !*text || strcmp(text, "none") == 0;
}

static const char *refuse_listen(const char *text)
{
        struct slice rest = slice_str(text), address;
        size_t colon = rest.len;
        struct ip ip;
        uint64_t port;

        if (is_none(text))
                return NULL;
        while (colon > 0 && rest.data[colon - 1] != ':')
                colon--;
        if (colon == 0)
                return "needs a port, as in 127.0.0.1:9477";
        address = slice_first(rest, colon - 1);
        if (address.len > 1 && address.data[0] == '[' &&
            address.data[address.len - 1] == ']')
                address = slice_of(address.data + 1, address.len - 2);
        else if (slice_find(address, ':') < address.len)
                return "needs brackets around an IPv6 address, as in [::1]:9477";
        if (!ip_parse(address, &ip))
                return "needs an address before the port, as in 127.0.0.1:9477";
        if (!slice_to_u64(slice_from(rest, colon), &port) || port == 0 || port > 65535)
                return "needs a port from 1 to 65535";
        return NULL;
}

/* An address, or one with a port as refuse_listen has it. */
static const char *refuse_server(const char *text)
{
        struct ip ip;

        if (ip_parse(slice_str(text), &ip) || (!is_none(text) && !refuse_listen(text)))
                return NULL;
        return "needs an address, as 127.0.0.1, or one with a port, as [::1]:53";
}

static const char *refuse_socket(const char *text)
{
        return is_none(text) || text[0] == '/'
                   ? NULL
                   : "needs a path that begins with /, or none";
}

static const char *refuse_redis_url(const char *text)
{
        struct redis_url url;

        return redis_url_parse(text, &url);
}

static const char *refuse_prefix(const char *text)
{
        return redis_prefix_is_good(slice_str(text))
                   ? NULL
                   : "needs one tag in braces and no blanks, as in {trawlwatch}";
}

static const char *refuse_word(const char *text)
{
        for (; *text; text++)
                if ((unsigned char)*text <= ' ' || *text == 0x7f)
                        return "may not hold blanks or control characters";
        return NULL;
}

static const char *refuse_status(const char *text)
{
        uint64_t status;

        if (slice_to_u64(slice_str(text), &status) && status >= 100 && status <= 599)
                return NULL;
        return "needs a status from 100 to 599";
}

static const char *refuse_source(const char *text)
{
        struct network network;
        bool host_bits;

        if (strcmp(text, "any") == 0 || strcmp(text, "none") == 0)
                return NULL;
        if (!network_parse(slice_str(text), &network, &host_bits))
                return "needs an address or a network, as in 192.0.2.0/24, or any, or "
                       "none";
        return host_bits ? "has bits behind its prefix" : NULL;
}

#define AT(field) offsetof(struct config, field)

/* clang-format off */
const struct option config_options[] = {
        { "capture", "interfaces", OPTION_LIST, AT(capture.interfaces), NULL, 1, 64, NULL, refuse_word,
          RELOAD_CAPTURE, false, "Interfaces to read from, such as [eth0, lo]." },
        { "capture", "filter", OPTION_TEXT, AT(capture.filter), NULL, 0, 8192, NULL, NULL,
          RELOAD_CAPTURE, false, "BPF filter (pcap-filter(7)). Choose one side of the proxy: a request that is seen in the clear on both counts twice." },
        { "capture", "snaplen", OPTION_SIZE, AT(capture.snaplen), "256k", 128, 256 * KIB, NULL, NULL,
          RELOAD_CAPTURE, false, "Bytes taken of a packet. What is cut off counts as lost." },
        { "capture", "buffer", OPTION_SIZE, AT(capture.buffer), "32M", 1 * MIB, 2047 * MIB, NULL, NULL,
          RELOAD_CAPTURE, false, "The kernel's buffer for each interface. Make it larger when kernel_drops_total grows." },
        { "capture", "timeout", OPTION_DURATION, AT(capture.timeout_ns), "10ms", 1 * MS, 1 * SEC, NULL, NULL,
          RELOAD_CAPTURE, false, "How long the kernel may collect packets before it hands them over: the latency of a quiet link." },
        { "capture", "promiscuous", OPTION_TRUTH, AT(capture.promiscuous), "true", 0, 0, NULL, NULL,
          RELOAD_CAPTURE, false, "Take packets for other hosts too, as a mirror port needs it." },
        { "capture", "checksums", OPTION_CHOICE, AT(capture.checksums), "ignore", 0, 0, checksum_words, NULL,
          RELOAD_CAPTURE, false, "ignore, or verify: refuse segments with a wrong TCP checksum. Network cards that fill it in later make all outgoing ones look wrong." },
        { "capture", "tunnel_sources", OPTION_LIST, AT(capture.tunnel_sources), "any", 1, NETWORK_TEXT_MAX, NULL, refuse_source,
          RELOAD_CAPTURE, false, "Addresses and networks whose tunnels (VXLAN, Geneve, GRE, ERSPAN, IP in IP) are unwrapped: those of the mirror. any, or none." },
        { "capture", "workers", OPTION_COUNT, AT(capture.workers), "1", 0, 64, NULL, NULL,
          RELOAD_CAPTURE, false, "Processes that share an interface, each with the limits below. 0: everything in one process, for debugging." },

        { "site", "file", OPTION_PATH, AT(site.file), NULL, 1, PATH_LENGTH, NULL, NULL,
          RELOAD_RULES, false, "The site map: pages, visitors behind proxies, sessions. Default: the shipped map of a profile network." },
        { "rules", "paths", OPTION_PATHS, AT(rules.paths), NULL, 1, PATH_LENGTH, NULL, NULL,
          RELOAD_RULES, false, "Rule files, or folders whose *.yaml are read. Default: the shipped rules; none: no rules." },

        { "limits", "flows", OPTION_COUNT, AT(limits.flows), "1M", 16, 64 * MIB, NULL, NULL,
          RELOAD_CAPTURE, false, "TCP connections followed at a time; past it the longest silent one is dropped." },
        { "limits", "flow_idle", OPTION_DURATION, AT(limits.flow_idle_ns), "5m", 1 * SEC, 7 * DAY, NULL, NULL,
          RELOAD_CAPTURE, false, "A connection that is silent for so long is forgotten." },
        { "limits", "flow_half_open", OPTION_DURATION, AT(limits.flow_half_open_ns), "30s", 1 * SEC, 1 * DAY, NULL, NULL,
          RELOAD_CAPTURE, false, "The same for one that is only half opened or half closed." },
        { "limits", "fragments", OPTION_SIZE, AT(limits.fragments), "4M", 256 * KIB, 1 * GIB, NULL, NULL,
          RELOAD_CAPTURE, false, "Fragments of IP packets that wait for the rest." },
        { "limits", "reassembly", OPTION_SIZE, AT(limits.reassembly), "64M", 64 * KIB, 64 * GIB, NULL, NULL,
          RELOAD_CAPTURE, false, "Bytes held back behind holes, over all connections." },
        { "limits", "reassembly_flow", OPTION_SIZE, AT(limits.reassembly_flow), "256k", 4 * KIB, 1 * GIB, NULL, NULL,
          RELOAD_CAPTURE, false, "The same for one direction of one connection." },
        { "limits", "reorder", OPTION_DURATION, AT(limits.reorder_ns), "200ms", 0, 60 * SEC, NULL, NULL,
          RELOAD_CAPTURE, false, "How long a hole waits to be filled once the receiver has acknowledged what was in it." },
        { "limits", "head", OPTION_SIZE, AT(limits.head), "64k", 1 * KIB, 96 * KIB, NULL, NULL,
          RELOAD_CAPTURE, false, "Longest head of a message, from its first line to the blank one." },
        { "limits", "headers", OPTION_COUNT, AT(limits.headers), "100", 8, 256, NULL, NULL,
          RELOAD_CAPTURE, false, "Header lines of a message that are looked at." },
        { "limits", "http_memory", OPTION_SIZE, AT(limits.http_memory), "64M", 1 * MIB, 64 * GIB, NULL, NULL,
          RELOAD_CAPTURE, false, "Memory for heads that came in pieces and for requests without an answer yet, over all connections." },
        { "limits", "pipeline", OPTION_COUNT, AT(limits.pipeline), "32", 1, 255, NULL, NULL,
          RELOAD_CAPTURE, false, "Requests of one connection that may wait for their answers." },
        { "limits", "h2_streams", OPTION_COUNT, AT(limits.h2_streams), "256", 1, 4096, NULL, NULL,
          RELOAD_CAPTURE, false, "The same for a connection of HTTP/2, where they are streams." },
        { "limits", "form_body", OPTION_SIZE, AT(limits.form_body), "64k", 1 * KIB, 128 * KIB, NULL, NULL,
          RELOAD_CAPTURE, false, "Bytes of a sign-up's body that are looked at, as sent and again after its content coding is off." },
        { "limits", "detect", OPTION_SIZE, AT(limits.detect), "256M", 8 * MIB, 1024 * GIB, NULL, NULL,
          RELOAD_ENGINE, false, "Memory for what the rules count. When it is full the least telling keys are forgotten." },
        { "limits", "hellos", OPTION_COUNT, AT(limits.hellos), "256k", 1 * KIB, 64 * MIB, NULL, NULL,
          RELOAD_ENGINE, false, "ClientHellos that are remembered for the requests behind a TLS terminator." },
        { "limits", "hello_join", OPTION_DURATION, AT(limits.hello_join_ns), "10m", 1 * SEC, 1 * DAY, NULL, NULL,
          RELOAD_ENGINE, false, "How long a ClientHello speaks for its address where the port of a request's visitor is not known." },
        { "limits", "hello_memory", OPTION_SIZE, AT(limits.hello_memory), "8M", 64 * KIB, 1 * GIB, NULL, NULL,
          RELOAD_CAPTURE, false, "Bytes of QUIC ClientHellos that are not whole yet; those of TCP wait as heads do (head, http_memory)." },
        { "limits", "quic", OPTION_COUNT, AT(limits.quic), "8192", 16, 1 * MIB, NULL, NULL,
          RELOAD_CAPTURE, false, "QUIC connections whose ClientHello is awaited, or was seen a moment ago." },
        { "limits", "incidents", OPTION_COUNT, AT(limits.incidents), "10000", 1, 10 * MIB, NULL, NULL,
          RELOAD_ENGINE, false, "Incidents open at a time." },
        { "limits", "agents", OPTION_COUNT, AT(limits.agents), "16384", 8, 16 * MIB, NULL, NULL,
          RELOAD_CAPTURE, false, "Different User-Agents whose family is remembered, where rules ask for it." },
        { "limits", "dns_cache", OPTION_COUNT, AT(limits.dns_cache), "8192", 8, 1 * MIB, NULL, NULL,
          RELOAD_ENGINE, false, "Addresses whose names are remembered, where a rule asks whether a crawler is what it claims to be." },
        { "limits", "merge_wait", OPTION_DURATION, AT(limits.merge_wait_ns), "200ms", 0, 10 * SEC, NULL, NULL,
          RELOAD_ENGINE, false, "How long the packets of one interface wait for those of a quiet one." },
        { "limits", "ring", OPTION_SIZE, AT(limits.ring), "16M", 64 * KIB, 1 * GIB, NULL, NULL,
          RELOAD_CAPTURE, false, "Memory between each capture and the engine: requests that wait while that one is busy or begins anew; a power of two, or the next one." },
        { "limits", "overload", OPTION_CHOICE, AT(limits.overload), "auto", 0, 0, overload_words, NULL,
          RELOAD_CAPTURE, false, "What captures do that cannot keep up. auto: leave out the bodies of sign-ups and shapes, then all of some visitors; off: lose packets. Files are read as slowly as it takes, and capture.workers 0 loses packets." },
        { "limits", "sample", OPTION_CHOICE, AT(limits.sample), "all", 0, 0, sample_words, NULL,
          RELOAD_CAPTURE, false, "Visitors that are looked at, at the most: all, or 1/2, 1/4 ... 1/64 of them by a hash of the address. Each is seen fully or not at all." },
        { "limits", "hung", OPTION_DURATION, AT(limits.hung_ns), "10s", 1 * SEC, 600 * SEC, NULL, NULL,
          RELOAD_RULES, false, "A process that gives no sign of life for so long is killed and replaced." },

        { "redis", "url", OPTION_TEXT, AT(redis.url), NULL, 1, 1024, NULL, refuse_redis_url,
          RELOAD_ENGINE, false, "redis://[USER[:PASSWORD]@]HOST[:PORT][/DATABASE] or unix:/PATH[?db=N]; redis://HOST,HOST2 for a cluster, redis+sentinel://HOST,HOST2/MASTER[/DATABASE] for Sentinel; rediss:// and rediss+sentinel:// over TLS. Unset: alerts stay in the journal." },
        { "redis", "prefix", OPTION_TEXT, AT(redis.prefix), "{trawlwatch}", 1, 128, NULL, refuse_prefix,
          RELOAD_ENGINE, false, "What every key begins with. The braces keep all keys in one slot of a cluster." },
        { "redis", "keep", OPTION_COUNT, AT(redis.keep), "100000", 1, 1 * GIB, NULL, NULL,
          RELOAD_ENGINE, false, "Alerts kept in the stream, about." },
        { "redis", "sensor", OPTION_TEXT, AT(redis.sensor), NULL, 1, 128, NULL, refuse_word,
          RELOAD_ENGINE, false, "Name of this sensor in Redis; no two may share one. Default: the host's name." },

        { "redis", "user", OPTION_TEXT, AT(redis.user), NULL, 1, 127, NULL, refuse_word,
          RELOAD_ENGINE, false, "User of Redis' ACL, where redis.url names none." },
        { "redis", "password_file", OPTION_PATH, AT(redis.password_file), NULL, 1, PATH_LENGTH, NULL, NULL,
          RELOAD_ENGINE, false, "File with the password (mode 0600), read at the start. Else the environment's TRAWLWATCH_REDIS_PASSWORD is taken." },
        { "redis", "sentinel_user", OPTION_TEXT, AT(redis.sentinel_user), NULL, 1, 127, NULL, refuse_word,
          RELOAD_ENGINE, false, "User of the sentinels' ACL, where they want another than the default one." },
        { "redis", "sentinel_password_file", OPTION_PATH, AT(redis.sentinel_password_file), NULL, 1, PATH_LENGTH, NULL, NULL,
          RELOAD_ENGINE, false, "File with the password for the sentinels, where they want one, as above." },
        { "redis", "tls_ca", OPTION_PATH, AT(redis.tls_ca), NULL, 1, PATH_LENGTH, NULL, NULL,
          RELOAD_ENGINE, false, "Certificates (PEM, a file or a folder) of those who may sign Redis' certificate. Default: the system's." },
        { "redis", "tls_cert", OPTION_PATH, AT(redis.tls_cert), NULL, 1, PATH_LENGTH, NULL, NULL,
          RELOAD_ENGINE, false, "Our certificate (PEM), where Redis wants one." },
        { "redis", "tls_key", OPTION_PATH, AT(redis.tls_key), NULL, 1, PATH_LENGTH, NULL, NULL,
          RELOAD_ENGINE, false, "Its key (PEM, no passphrase). Default: it stands in redis.tls_cert." },
        { "redis", "tls_name", OPTION_TEXT, AT(redis.tls_name), NULL, 1, 253, NULL, refuse_word,
          RELOAD_ENGINE, false, "Name that Redis' certificate must have. Default: the host that is connected to." },

        { "blocks", "verify_after", OPTION_DURATION, AT(blocks.verify_after_ns), "10s", 0, 1 * DAY, NULL, NULL,
          RELOAD_RULES, false, "Who is blocked and still served in requests that begin later than that ignores the block: an alert of its own. 0s: nobody looks whether blocks work." },
        { "blocks", "refused_status", OPTION_LIST, AT(blocks.refused_status), "403,429", 3, 3, NULL, refuse_status,
          RELOAD_RULES, false, "Statuses by which whatever enforces the blocks refuses a request." },

        { "blocks", "per_minute", OPTION_COUNT, AT(blocks.per_minute), "600", 0, 1 * GIB, NULL, NULL,
          RELOAD_RULES, false, "Blocks that rules may put within a minute. What is due past that is not put, and block-limit is an alert of its own. 0: no limit." },
        { "blocks", "share", OPTION_SHARE, AT(blocks.share), "5%", 0, 1000000, NULL, NULL,
          RELOAD_RULES, false, "The same against visitors: how many blocks put within the last hour may run, as a share of the visitors seen within it, from 200 visitors on. 0%: no limit." },

        { "journal", "dir", OPTION_PATH, AT(journal.dir), NULL, 1, PATH_LENGTH, NULL, NULL,
          RELOAD_RESTART, false, "Folder of the alert journal. Default: journal/ in /var/lib/trawlwatch, or in $XDG_STATE_HOME/trawlwatch." },
        { "journal", "max", OPTION_SIZE, AT(journal.max), "1G", 1 * MIB, 1024 * GIB, NULL, NULL,
          RELOAD_ENGINE, false, "Room the journal may take; the oldest alerts go first." },
        { "journal", "keep", OPTION_DURATION, AT(journal.keep_ns), "30d", 3600 * SEC, 3660 * DAY, NULL, NULL,
          RELOAD_ENGINE, false, "How long the journal keeps an alert, and Redis remembers that it had it." },
        { "journal", "fsync", OPTION_CHOICE, AT(journal.fsync), "interval", 0, 0, fsync_words, NULL,
          RELOAD_ENGINE, false, "When alerts are forced to disk: always (each), interval (once a second) or off." },

        { "journal", "snapshot", OPTION_DURATION, AT(journal.snapshot_ns), "5m", 0, 86400 * NS_PER_SEC, NULL, NULL,
          RELOAD_ENGINE, false, "How often what the rules know is written beside the journal, and at the end, so that a restart goes on with it. 0s: never." },
        { "privacy", "key_file", OPTION_PATH, AT(privacy.key_file), NULL, 1, PATH_LENGTH, NULL, NULL,
          RELOAD_RULES, false, "64 hex digits: the key under which sessions and accounts are published as hashes. A blocker needs the same. trawlctl key changes it." },
        { "privacy", "clear", OPTION_SET, AT(privacy.clear), NULL, 0, 0, clear_words, NULL,
          RELOAD_RULES, false, "What is published as it is instead: any of session, account, email." },

        { "data", "asn", OPTION_PATH, AT(data.asn), NULL, 1, PATH_LENGTH, NULL, NULL,
          RELOAD_RULES, false, "Database of autonomous systems, MaxMind format: client.asn." },
        { "data", "country", OPTION_PATH, AT(data.country), NULL, 1, PATH_LENGTH, NULL, NULL,
          RELOAD_RULES, false, "Database of countries, MaxMind format: client.country." },
        { "data", "crawlers", OPTION_PATH, AT(data.crawlers), NULL, 1, PATH_LENGTH, NULL, NULL,
          RELOAD_RULES, false, "Folder with the address ranges of crawlers, a file for each family of ua.family: googlebot.json, gptbot.txt." },
        { "data", "crawler_hosts", OPTION_PATH, AT(data.crawler_hosts), NULL, 1, PATH_LENGTH, NULL, NULL,
          RELOAD_RULES, false, "In which domains crawlers have their names: a map from families to domains. Default: the shipped one." },
        { "data", "dns", OPTION_CHOICE, AT(data.dns), "auto", 0, 0, dns_words, NULL,
          RELOAD_RULES, false, "Whether the names of crawlers are asked for: on, off, or auto: on live, off with -r. With -r, on waits for each answer." },
        { "data", "dns_servers", OPTION_LIST, AT(data.dns_servers), NULL, 1, 64, NULL, refuse_server,
          RELOAD_RULES, false, "DNS servers to ask, such as [127.0.0.1, \"[::1]:5353\"]. Default: those of /etc/resolv.conf." },
        { "data", "agents", OPTION_PATH, AT(data.agents), NULL, 1, PATH_LENGTH, NULL, NULL,
          RELOAD_RULES, false, "List of declared bots: on each line a pattern, a tab and a family (ua.family). Default: the shipped one." },
        { "data", "disposable", OPTION_PATH, AT(data.disposable), NULL, 1, PATH_LENGTH, NULL, NULL,
          RELOAD_RULES, false, "Domains of disposable e-mail addresses, one a line. Default: the shipped list." },

        { "admin", "listen", OPTION_TEXT, AT(admin.listen), "127.0.0.1:9477", 0, 64, NULL, refuse_listen,
          RELOAD_ENGINE, false, "Address and port of /healthz, /metrics and the status page; none: there is none. The default is given up for a while where another program has it; one that is written here must be free." },
        { "admin", "names", OPTION_LIST, AT(admin.names), NULL, 1, 253, NULL, refuse_word,
          RELOAD_ENGINE, false, "Host names under which the status page may be asked for, beside addresses and localhost: others are refused, as pages of other sites could use them." },
        { "admin", "socket", OPTION_TEXT, AT(admin.socket), NULL, 0, 107, NULL, refuse_socket,
          RELOAD_ENGINE, false, "Unix socket of trawlctl status, top and reload, for the daemon's user and group; none: there is none. Default: control.sock in /run/trawlwatch where that is there, else in the state folder." },
        { "admin", "redis_grace", OPTION_DURATION, AT(admin.redis_grace_ns), "1m", 0, 1 * DAY, NULL, NULL,
          RELOAD_ENGINE, false, "How long Redis may be away before /healthz says so." },
        { "admin", "user", OPTION_TEXT, AT(admin.user), NULL, 1, 32, NULL, refuse_word,
          RELOAD_RESTART, false, "Whom the daemon becomes when root starts it; it keeps CAP_NET_RAW alone. Default: trawlwatch, where there is such a user." },
        { "admin", "confine", OPTION_TRUTH, AT(admin.confine), "true", 0, 0, NULL, NULL,
          RELOAD_RESTART, false, "Each process gives up what it does not need: system calls, files, capabilities. false: for a debugger." },
        { "admin", "core_dumps", OPTION_TRUTH, AT(admin.core_dumps), "false", 0, 0, NULL, NULL,
          RELOAD_RESTART, false, "Let a crash leave a core dump. It has passwords and what visitors sent in it." },
        { "log", "level", OPTION_CHOICE, AT(log.level), "info", 0, 0, level_words, NULL,
          RELOAD_RULES, false, "error, warning, info or debug." },
        { NULL, NULL, OPTION_TEXT, 0, NULL, 0, 0, NULL, NULL, RELOAD_ENGINE, false, NULL },
};
/* clang-format on */

const unsigned config_option_count =
    sizeof(config_options) / sizeof(config_options[0]) - 1;

const char *option_key(const struct option *o, char key[OPTION_KEY_MAX])
{
        snprintf(key, OPTION_KEY_MAX, "%s.%s", o->section, o->name);
        return key;
}

const struct option *option_find(struct slice key)
{
        char name[OPTION_KEY_MAX];

        for (const struct option *o = config_options; o->section; o++)
                if (slice_is(key, option_key(o, name)))
                        return o;
        return NULL;
}

bool option_is_redis_url(const struct option *o)
{
        return o->refuse == refuse_redis_url;
}

const char *const *config_sections(void)
{
        static const char *const sections[] = { "capture", "site",   "rules",   "limits",
                                                "redis",   "blocks", "journal", "privacy",
                                                "data",    "admin",  "log",     NULL };
        return sections;
}
