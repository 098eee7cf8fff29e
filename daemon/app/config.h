/* SPDX-License-Identifier: MIT */
/*
 * config - what an operator may set, as plain values.
 *
 * One table (config_options.c) has a row for each key: name, type, default,
 * limits, what a change needs, help. The parser of trawlwatch.yaml, `-o
 * KEY=VALUE`, the printed form, the help and the commented default file are all
 * made from the rows. Defaults go through the same parser as what is written.
 *
 * Mistakes go to a struct diag, all of them in one run; what is right beside
 * them is still taken. Does not look at the machine: whether an interface or a
 * file is there is found out by whoever opens it (config_place says where it
 * was written).
 *
 * Owns its texts. Reading costs nothing worth a figure; it is done once.
 */
#ifndef APP_CONFIG_H
#define APP_CONFIG_H

#include "base/log.h"
#include "detect/engine.h"
#include "lang/diag.h"

/* Texts in the order written. `given` tells an empty list from none at all. */
struct text_list {
        char **items;
        unsigned count;
        bool given;
};

enum config_overload { OVERLOAD_AUTO, OVERLOAD_OFF };

enum config_dns { DNS_AUTO, DNS_ON, DNS_OFF };

enum config_checksums { CHECKSUMS_IGNORE, CHECKSUMS_VERIFY };

struct config_source;

/* Keys are written `section.name`. Sizes in bytes. A text that is not set is NULL. */
struct config {
        struct {
                struct text_list interfaces;
                char *filter;
                uint64_t snaplen;
                uint64_t buffer;
                int64_t timeout_ns;
                bool promiscuous;
                unsigned checksums;              /* enum config_checksums */
                struct text_list tunnel_sources; /* networks, `any`, `none` */
                uint64_t workers; /* processes an interface; 0: all in one process */
        } capture;
        struct {
                char *file;
        } site;
        struct {
                struct text_list paths; /* given and empty: no rules at all */
        } rules;
        struct {
                uint64_t flows;
                int64_t flow_idle_ns;
                int64_t flow_half_open_ns;
                uint64_t fragments;
                uint64_t reassembly;
                uint64_t reassembly_flow;
                int64_t reorder_ns;
                uint64_t head;
                uint64_t headers;
                uint64_t http_memory;
                uint64_t pipeline;
                uint64_t h2_streams;
                uint64_t form_body;
                uint64_t detect;
                uint64_t hellos;
                int64_t hello_join_ns;
                uint64_t hello_memory, quic;
                uint64_t incidents;
                uint64_t agents;
                uint64_t dns_cache;
                int64_t merge_wait_ns;
                uint64_t ring;
                unsigned overload; /* enum config_overload */
                unsigned sample;   /* 1 in 2^this: visitors */
                int64_t hung_ns;
        } limits;
        struct {
                char *url;
                char *prefix;
                uint64_t keep;
                char *sensor; /* NULL: the host's name */
                char *user, *password_file;
                char *sentinel_user, *sentinel_password_file;
                char *tls_ca, *tls_cert, *tls_key, *tls_name;
        } redis;
        struct {
                int64_t verify_after_ns; /* 0: what comes of blocks is not looked at */
                struct text_list refused_status;
                uint64_t per_minute, share; /* share: millionths; 0: no limit */
        } blocks;
        struct {
                char *dir; /* NULL: below the state directory */
                uint64_t max;
                int64_t keep_ns;
                unsigned fsync; /* enum journal_sync */
                int64_t snapshot_ns;
        } journal;
        struct {
                char *key_file;
                unsigned clear; /* bits of enum privacy_clear */
        } privacy;
        struct {
                char *asn;
                char *country;
                char *crawlers, *crawler_hosts;
                unsigned dns; /* enum config_dns */
                struct text_list dns_servers;
                char *agents;
                char *disposable;
        } data;
        struct {
                char *listen; /* ADDRESS:PORT; empty or `none`: off */
                struct text_list names;
                char *socket; /* NULL: the default; empty or `none`: off */
                int64_t redis_grace_ns;
                char *user; /* NULL: CONFINE_USER, if there is one */
                bool confine, core_dumps;
        } admin;
        struct {
                unsigned level; /* enum log_level */
        } log;
        struct config_source *source; /* where each key was written */
};

/* All defaults. */
void config_init(struct config *);
void config_free(struct config *);

/* Wipes redis.url, which may hold a password, here and in what was read. For a process
   that parses what strangers send; config_free does it as well. */
void config_forget_secrets(struct config *);

/*
 * Takes what the file says. Paths in it are relative to its folder. False after
 * at least one diag_error.
 */
bool config_read(struct config *, const char *path, struct diag *);

/* The same from memory. */
bool config_parse(struct config *, const char *name, struct slice text, struct diag *);

/*
 * One `-o KEY=VALUE`. Lists are written with commas and replace what the file
 * says. Mistakes stand at `-o:1:COLUMN`.
 */
bool config_set(struct config *, const char *argument, struct diag *);

/* What no single key can show: values that contradict each other. Last of all. */
bool config_check(const struct config *, struct diag *);

/* Section blocks as the engine takes it; it raises nothing. */
struct watch_options config_watch(const struct config *);
struct block_limits config_block_limits(const struct config *);

/* Where `key` got its value, for messages; its file is NULL for a default. */
struct place config_place(const struct config *, const char *key);

/* True when the last word on `key` was said by `-o`, not by a file or a default. */
bool config_is_from_option(const struct config *, const char *key);

/* The sections in their order; ends with a NULL. */
const char *const *config_sections(void);

/* All keys with their values as YAML that config_parse reads back to the same. */
void config_print(const struct config *, struct buf *out);

/* What a reload does about a changed value. A process of its own for captures and engine
   is taken for granted (supervisor.h); without, only the first is possible. */
enum config_reload {
        RELOAD_RULES,   /* taken up in place */
        RELOAD_CAPTURE, /* by new captures */
        RELOAD_ENGINE,  /* by a new engine, which goes on from the last one's snapshot */
        RELOAD_RESTART, /* nothing: the daemon has to start again */
};

/*
 * Names of the options whose values differ and that are of class `from` to `to`, with
 * commas between; nothing when there are none.
 */
void config_print_changed(const struct config *, const struct config *,
                          enum config_reload from, enum config_reload to,
                          struct buf *out);

/* For `-h`: a line or two for each key with its default. */
void config_help(struct buf *out);

/* The default file: every key commented out, with its help. */
void config_example(struct buf *out);

/* The manual page trawlwatch.yaml(5), for scdoc. */
void config_manual(struct buf *out);

void text_list_add(struct text_list *, const char *text);
void text_list_clear(struct text_list *);

#endif
