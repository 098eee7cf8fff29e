/* SPDX-License-Identifier: MIT */
#include "alert/redis_script_priv.h"

#include "alert/redis.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/json.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <unistd.h>

/*
 * KEYS  seen, cursor, stream, blocks, then for each block its key and that of its hold,
 *       then for each block that is running and only named that of its hold
 * ARGV  expected cursor, number, ms that `seen` lives, entries to keep, channel,
 *       id, action, n, sensor, rule, severity, subject_type, subject, time, json,
 *       number of blocks, then for each block: member, JSON, ms that it has to live,
 *       then for each that is only named: member
 *
 * Redis' own clock says when a block ends, so that sensors whose clocks differ do
 * not prune each other's. A running block is never shortened, least of all one without an
 * end, and none is put on a subject that a person let in again and holds: of these the
 * answer tells, behind the incident and its rule, and of those named whose subject is
 * held by now.
 */
static const char script[] =
    "if (redis.call('GET', KEYS[2]) or '') ~= ARGV[1] then return -1 end\n"
    "if redis.call('EXISTS', KEYS[1]) == 1 then\n"
    "  redis.call('SET', KEYS[2], ARGV[2])\n"
    "  return 0\n"
    "end\n"
    "local kind = redis.call('TYPE', KEYS[4]).ok\n"
    "if kind ~= 'none' and kind ~= 'zset' then\n"
    "  return redis.error_reply('WRONGTYPE ' .. KEYS[4] .. ' is a ' .. kind)\n"
    "end\n"
    "redis.call('XADD', KEYS[3], '*',\n"
    "  'id', ARGV[6], 'action', ARGV[7], 'n', ARGV[8], 'sensor', ARGV[9],\n"
    "  'seq', ARGV[2], 'rule', ARGV[10], 'severity', ARGV[11],\n"
    "  'subject_type', ARGV[12], 'subject', ARGV[13], 'time', ARGV[14],\n"
    "  'json', ARGV[15])\n"
    "redis.call('XTRIM', KEYS[3], 'MAXLEN', '~', ARGV[4])\n"
    "redis.call('SET', KEYS[1], '', 'PX', ARGV[3])\n"
    "redis.call('SET', KEYS[2], ARGV[2])\n"
    "local time = redis.call('TIME')\n"
    "local now = time[1] * 1000 + math.floor(time[2] / 1000)\n"
    "redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', string.format('%.0f', now))\n"
    "local new, held = 0, {}\n"
    "local blocks = tonumber(ARGV[16])\n"
    "for i = 5, 3 + 2 * blocks, 2 do\n"
    "  local at = 17 + (i - 5) / 2 * 3\n"
    "  local ttl, left = tonumber(ARGV[at + 2]), redis.call('PTTL', KEYS[i])\n"
    "  if redis.call('EXISTS', KEYS[i + 1]) == 1 then\n"
    "    held[#held + 1] = ARGV[at]\n"
    "    left = ttl\n"
    "  end\n"
    "  if left == -2 then new = new + 1 end\n"
    "  if left ~= -1 and left < ttl then\n"
    "    redis.call('SET', KEYS[i], ARGV[at + 1], 'PX', ARGV[at + 2])\n"
    "    redis.call('ZADD', KEYS[4], string.format('%.0f', now + ttl), ARGV[at])\n"
    "  end\n"
    "end\n"
    "for i = 5 + 2 * blocks, #KEYS do\n"
    "  if redis.call('EXISTS', KEYS[i]) == 1 then\n"
    "    held[#held + 1] = ARGV[17 + 3 * blocks + i - (5 + 2 * blocks)]\n"
    "  end\n"
    "end\n"
    "redis.call('PUBLISH', ARGV[5], ARGV[15])\n"
    "if #held == 0 then return 1 + new end\n"
    "return { 1 + new, ARGV[6], ARGV[10], unpack(held) }\n";

/* KEYS sensor; ARGV ms to live, then fields and values. */
static const char heartbeat_script[] = "redis.call('HSET', KEYS[1], unpack(ARGV, 2))\n"
                                       "return redis.call('PEXPIRE', KEYS[1], ARGV[1])\n";

/*
 * What people do to a block, told on the channel as well.
 *
 * KEYS block, blocks, hold, holds; ARGV member, JSON, ms to live, channel, message,
 * 1 to shorten a block that runs for longer. Without that it stays as it is, and the
 * answer is how many ms it has left, or -1.
 */
static const char block_add_script[] =
    "local time = redis.call('TIME')\n"
    "local now = time[1] * 1000 + math.floor(time[2] / 1000)\n"
    "local left = redis.call('PTTL', KEYS[1])\n"
    "redis.call('DEL', KEYS[3])\n"
    "redis.call('ZREM', KEYS[4], ARGV[1])\n"
    "if ARGV[6] ~= '1' and (left == -1 or left > tonumber(ARGV[3])) then return left "
    "end\n"
    "redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])\n"
    "redis.call('ZADD', KEYS[2], string.format('%.0f', now + tonumber(ARGV[3])), "
    "ARGV[1])\n"
    "redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', string.format('%.0f', now))\n"
    "redis.call('PUBLISH', ARGV[4], ARGV[5])\n"
    "return 0\n";

/* KEYS block, blocks, hold, holds; ARGV member, JSON, ms of the hold (0: none), channel,
 * message. */
static const char block_remove_script[] =
    "local time = redis.call('TIME')\n"
    "local now = time[1] * 1000 + math.floor(time[2] / 1000)\n"
    "redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', string.format('%.0f', now))\n"
    "if tonumber(ARGV[3]) > 0 then\n"
    "  redis.call('SET', KEYS[3], ARGV[2], 'PX', ARGV[3])\n"
    "  redis.call('ZADD', KEYS[4], string.format('%.0f', now + tonumber(ARGV[3])), "
    "ARGV[1])\n"
    "end\n"
    "local had = redis.call('DEL', KEYS[1])\n"
    "redis.call('ZREM', KEYS[2], ARGV[1])\n"
    "redis.call('PUBLISH', ARGV[4], ARGV[5])\n"
    "return had\n";

void args_free(struct redis_args *a)
{
        buf_free(&a->text);
        buf_free(&a->ends);
        buf_free(&a->argv);
        buf_free(&a->lens);
}

/* The text of an argument was put; this ends it. */
static void args_end(struct redis_args *a)
{
        buf_put(&a->ends, &a->text.len, sizeof(a->text.len));
}

void args_begin(struct redis_args *a, const char *command)
{
        buf_clear(&a->text);
        buf_clear(&a->ends);
        args_text(a, command);
}

void args_add(struct redis_args *a, struct slice s)
{
        buf_put_slice(&a->text, s);
        args_end(a);
}

void args_text(struct redis_args *a, const char *text)
{
        args_add(a, slice_str(text));
}

void args_number(struct redis_args *a, int64_t number)
{
        char text[24];
        int len = snprintf(text, sizeof(text), "%" PRId64, number);
        args_add(a, slice_of(text, (size_t)len));
}

unsigned args_count(const struct redis_args *a)
{
        return (unsigned)(a->ends.len / sizeof(size_t));
}

const char **args_argv(struct redis_args *a)
{
        const size_t *ends = (const size_t *)(const void *)a->ends.data;
        size_t from = 0;

        /* Room for one byte more, so that data is never NULL. */
        buf_reserve(&a->text, 1);
        buf_clear(&a->argv);
        buf_clear(&a->lens);
        for (unsigned i = 0; i < args_count(a); i++) {
                const uint8_t *at = a->text.data + from;
                size_t len = ends[i] - from;
                buf_put(&a->argv, &at, sizeof(at));
                buf_put(&a->lens, &len, sizeof(len));
                from = ends[i];
        }
        return (const char **)(void *)a->argv.data;
}

const size_t *args_lens(const struct redis_args *a)
{
        return (const size_t *)(const void *)a->lens.data;
}

const char *publish_script(void)
{
        return script;
}

const char *publish_sha1(void)
{
        static char text[41];
        uint8_t digest[EVP_MAX_MD_SIZE];

        if (text[0])
                return text;
        CHECK(EVP_Digest(script, strlen(script), digest, NULL, EVP_sha1(), NULL) == 1);
        for (size_t i = 0; i < 20; i++)
                snprintf(text + 2 * i, 3, "%02x", digest[i]);
        return text;
}

bool redis_prefix_is_good(struct slice prefix)
{
        size_t open = slice_find(prefix, '{');
        struct slice tag = slice_from(prefix, open + 1);
        size_t close = slice_find(tag, '}');

        for (size_t i = 0; i < prefix.len; i++)
                if (prefix.data[i] <= ' ' || prefix.data[i] == 0x7f)
                        return false;
        return open < prefix.len && close > 0 && close < tag.len;
}

void key_put(struct buf *out, const char *prefix, const char *name)
{
        buf_put_str(out, prefix);
        buf_put_byte(out, ':');
        buf_put_str(out, name);
}

/* `prefix`:`name`:`value` */
static void key_put_of(struct buf *out, const char *prefix, const char *name,
                       struct slice value)
{
        key_put(out, prefix, name);
        buf_put_byte(out, ':');
        buf_put_slice(out, value);
}

static void add_key(struct redis_args *a, const char *prefix, const char *name)
{
        key_put(&a->text, prefix, name);
        args_end(a);
}

static void add_key_of(struct redis_args *a, const char *prefix, const char *name,
                       struct slice value)
{
        key_put_of(&a->text, prefix, name, value);
        args_end(a);
}

static void add_seen_key(struct redis_args *a, const char *prefix,
                         const struct alert *alert)
{
        key_put_of(&a->text, prefix, "seen", alert->id);
        buf_put_byte(&a->text, ':');
        buf_put_slice(&a->text, alert->action);
        buf_printf(&a->text, ":%" PRIu32, alert->n);
        args_end(a);
}

static void put_member(struct buf *out, struct slice type, struct slice value)
{
        buf_put_slice(out, type);
        buf_put_byte(out, ':');
        buf_put_slice(out, value);
}

/* `name`: block, or hold. */
static void add_block_key(struct redis_args *a, const char *prefix, const char *name,
                          struct slice type, struct slice value)
{
        key_put(&a->text, prefix, name);
        buf_put_byte(&a->text, ':');
        put_member(&a->text, type, value);
        args_end(a);
}

static void add_member(struct redis_args *a, struct slice type, struct slice value)
{
        put_member(&a->text, type, value);
        args_end(a);
}

static void add_block_json(struct redis_args *a, const struct block *block)
{
        block_json(block, &a->text);
        args_end(a);
}

static int64_t ms_left(const struct block *block, int64_t wall_ns)
{
        return block->until_ns > wall_ns ? (block->until_ns - wall_ns) / NS_PER_MS : 0;
}

static unsigned live_blocks(struct alert alert, int64_t wall_ns)
{
        struct block block;
        unsigned live = 0;

        while (alert_block_next(&alert, &block))
                live += ms_left(&block, wall_ns) > 0;
        return live;
}

static unsigned named_blocks(struct alert alert)
{
        struct block block;
        unsigned named = 0;

        while (alert_named_next(&alert, &block))
                named++;
        return named;
}

static void add_keys(struct redis_args *a, const struct publish_settings *set,
                     struct alert alert, int64_t wall_ns)
{
        struct block block;

        add_seen_key(a, set->prefix, &alert);
        add_key_of(a, set->prefix, "cursor", slice_str(set->sensor));
        add_key(a, set->prefix, "alerts");
        add_key(a, set->prefix, "blocks");
        while (alert_block_next(&alert, &block))
                if (ms_left(&block, wall_ns) > 0) {
                        add_block_key(a, set->prefix, "block", block.type, block.value);
                        add_block_key(a, set->prefix, "hold", block.type, block.value);
                }
        while (alert_named_next(&alert, &block))
                add_block_key(a, set->prefix, "hold", block.type, block.value);
}

static void add_fields(struct redis_args *a, const struct publish_settings *set,
                       const struct alert *alert)
{
        char time[CLOCK_TEXT_MAX];

        clock_format(alert->time_ns, time);
        args_add(a, alert->id);
        args_add(a, alert->action);
        args_number(a, alert->n);
        args_text(a, set->sensor);
        args_add(a, alert->rule);
        args_text(a, severity_name(alert->severity));
        args_add(a, alert->subject_type);
        args_add(a, alert->subject);
        args_text(a, time);
        args_add(a, alert->json);
}

static void add_blocks(struct redis_args *a, struct alert alert, int64_t wall_ns)
{
        struct block block;

        while (alert_block_next(&alert, &block)) {
                if (ms_left(&block, wall_ns) == 0)
                        continue;
                add_member(a, block.type, block.value);
                add_block_json(a, &block);
                args_number(a, ms_left(&block, wall_ns));
        }
        while (alert_named_next(&alert, &block))
                add_member(a, block.type, block.value);
}

void publish_args(struct redis_args *a, const struct publish_settings *set, bool whole,
                  struct slice expected, const struct alert *alert, int64_t wall_ns)
{
        args_begin(a, whole ? "EVAL" : "EVALSHA");
        args_text(a, whole ? script : publish_sha1());
        args_number(a, 4 + 2 * live_blocks(*alert, wall_ns) + named_blocks(*alert));
        add_keys(a, set, *alert, wall_ns);
        args_add(a, expected);
        args_number(a, (int64_t)alert->sequence);
        args_number(a, set->seen_ms);
        args_number(a, set->keep);
        add_key(a, set->prefix, "events");
        add_fields(a, set, alert);
        args_number(a, live_blocks(*alert, wall_ns));
        add_blocks(a, *alert, wall_ns);
}

void cursor_args(struct redis_args *a, const struct publish_settings *set)
{
        args_begin(a, "GET");
        add_key_of(a, set->prefix, "cursor", slice_str(set->sensor));
}

static void add_counters(struct redis_args *a, const struct counters *counters)
{
#define ADD_COUNTER(field, metric, help) \
        args_text(a, metric);            \
        args_number(a, (int64_t)counters->field);
        COUNTERS(ADD_COUNTER)
#undef ADD_COUNTER
}

void heartbeat_args(struct redis_args *a, const struct publish_settings *set,
                    int64_t ttl_ms, int64_t wall_ns, const struct counters *counters)
{
        char host[256] = "", time[CLOCK_TEXT_MAX];

        gethostname(host, sizeof(host) - 1);
        clock_format(wall_ns, time);
        args_begin(a, "EVAL");
        args_text(a, heartbeat_script);
        args_number(a, 1);
        add_key_of(a, set->prefix, "sensor", slice_str(set->sensor));
        args_number(a, ttl_ms);
        args_text(a, "version");
        args_text(a, TRAWLWATCH_VERSION);
        args_text(a, "host");
        args_text(a, host);
        args_text(a, "time");
        args_text(a, time);
        add_counters(a, counters);
}

/* What every change of a person begins with. */
static void begin_change(struct redis_args *a, const char *change, const char *prefix,
                         const struct block *block)
{
        args_begin(a, "EVAL");
        args_text(a, change);
        args_number(a, 4);
        add_block_key(a, prefix, "block", block->type, block->value);
        add_key(a, prefix, "blocks");
        add_block_key(a, prefix, "hold", block->type, block->value);
        add_key(a, prefix, "holds");
        add_member(a, block->type, block->value);
}

/* And ends with: where it is told, and what. */
static void end_change(struct redis_args *a, const char *prefix, const char *action,
                       const struct block *block)
{
        add_key(a, prefix, "events");
        block_change_json(block, action, &a->text);
        args_end(a);
}

void block_add_args(struct redis_args *a, const char *prefix, const struct block *block,
                    int64_t ttl_ms, bool shortens)
{
        begin_change(a, block_add_script, prefix, block);
        add_block_json(a, block);
        args_number(a, ttl_ms);
        end_change(a, prefix, "blocked", block);
        args_number(a, shortens);
}

void block_remove_args(struct redis_args *a, const char *prefix, const struct block *hold,
                       int64_t hold_ms)
{
        begin_change(a, block_remove_script, prefix, hold);
        add_block_json(a, hold);
        args_number(a, hold_ms);
        end_change(a, prefix, "unblocked", hold);
}

const char *redis_remedy(const char *error)
{
        static const struct {
                const char *word, *remedy;
        } remedies[] = {
                { "NOAUTH", "; set redis.user and redis.password_file, or "
                            "TRAWLWATCH_REDIS_PASSWORD" },
                { "WRONGPASS", "; check the user and the password" },
                { "NOPERM",
                  "; allow this user EVAL, EVALSHA and the keys and channels under "
                  "the prefix (ACL SETUSER, see docs/redis.md)" },
                { "OOM", "; give Redis more memory (maxmemory)" },
                { "MISCONF", "; Redis cannot save: see its log and its disk" },
                { "READONLY", "; this is a replica: set redis.url to the master, or to "
                              "its sentinels (redis+sentinel://)" },
                { "LOADING", "; it is still reading its data" },
                { "MOVED", "; the nodes of the cluster do not agree who has this slot" },
                { "CLUSTERDOWN", "; see CLUSTER INFO: a slot has no node" },
                { "WRONGTYPE", "; another program uses this prefix: set redis.prefix" },
        };

        for (size_t i = 0; i < sizeof(remedies) / sizeof(remedies[0]); i++)
                if (strncmp(error, remedies[i].word, strlen(remedies[i].word)) == 0)
                        return remedies[i].remedy;
        return "";
}
