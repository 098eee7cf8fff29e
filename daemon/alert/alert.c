/* SPDX-License-Identifier: MIT */
#include "alert/alert.h"

#include "base/bytes.h"
#include "base/json.h"

#define VERSION 1

static void put_u32(struct buf *out, uint32_t value)
{
        uint8_t bytes[4] = { (uint8_t)value, (uint8_t)(value >> 8),
                             (uint8_t)(value >> 16), (uint8_t)(value >> 24) };
        buf_put(out, bytes, sizeof(bytes));
}

static void put_i64(struct buf *out, int64_t value)
{
        put_u32(out, (uint32_t)(uint64_t)value);
        put_u32(out, (uint32_t)((uint64_t)value >> 32));
}

static void put_text(struct buf *out, struct slice text)
{
        put_u32(out, (uint32_t)text.len);
        buf_put_slice(out, text);
}

/* Made valid UTF-8, so that whoever reads the fields as text can. */
static void put_clean(struct buf *out, struct slice text)
{
        size_t at = out->len;

        put_u32(out, 0);
        json_put_utf8(out, text);
        uint32_t len = (uint32_t)(out->len - at - 4);
        for (int i = 0; i < 4; i++)
                out->data[at + (size_t)i] = (uint8_t)(len >> 8 * i);
}

static void put_blocks(struct buf *out, const struct incident *in)
{
        unsigned count = in->blocks_are_new && !in->dry_run ? in->block_count : 0;

        if (count > ALERT_BLOCKS_MAX)
                count = ALERT_BLOCKS_MAX;
        put_u32(out, count);
        for (unsigned i = 0; i < count; i++) {
                const struct incident_block *block = &in->blocks[i];
                put_text(out, slice_str(block->type));
                put_text(out, block->value);
                put_i64(out, block->since_ns);
                put_i64(out, block->until_ns);
                put_u32(out, block->level);
        }
}

static void put_named(struct buf *out, const struct incident *in)
{
        unsigned count = in->blocks_are_new || in->dry_run ? 0 : in->block_count;

        if (count > ALERT_BLOCKS_MAX)
                count = ALERT_BLOCKS_MAX;
        put_u32(out, count);
        for (unsigned i = 0; i < count; i++) {
                put_text(out, slice_str(in->blocks[i].type));
                put_text(out, in->blocks[i].value);
        }
}

/* Who does not know of it takes no notice. */
static void put_rest(struct buf *out, const struct incident *in)
{
        buf_put_byte(out, in->dry_run);
        put_text(out, slice_str(in->group));
        put_i64(out, in->start_ns);
        put_i64(out, in->last_ns);
        put_i64(out, (int64_t)in->served_targets);
        put_i64(out, (int64_t)in->served_bytes);
        put_named(out, in);
}

void alert_encode(struct buf *out, const struct incident *in, struct slice json)
{
        buf_put_byte(out, VERSION);
        buf_put_byte(out, (uint8_t)in->action);
        buf_put_byte(out, (uint8_t)in->severity);
        put_u32(out, in->n);
        put_i64(out, in->time_ns);
        put_text(out, slice_str(in->id));
        put_clean(out, slice_str(in->rule));
        put_clean(out, slice_str(in->subject_type));
        put_clean(out, in->subject);
        put_clean(out, slice_str(in->description));
        put_text(out, json);
        put_blocks(out, in);
        put_rest(out, in);
}

static bool take_u8(struct slice *from, uint8_t *value)
{
        if (from->len < 1)
                return false;
        *value = from->data[0];
        *from = slice_from(*from, 1);
        return true;
}

static bool take_u32(struct slice *from, uint32_t *value)
{
        if (from->len < 4)
                return false;
        *value = load_le32(from->data);
        *from = slice_from(*from, 4);
        return true;
}

static bool take_i64(struct slice *from, int64_t *value)
{
        if (from->len < 8)
                return false;
        *value = (int64_t)load_le64(from->data);
        *from = slice_from(*from, 8);
        return true;
}

static bool take_text(struct slice *from, struct slice *text)
{
        uint32_t len;

        return take_u32(from, &len) && slice_take(from, len, text);
}

static bool take_u64(struct slice *from, uint64_t *value)
{
        int64_t bits;

        if (!take_i64(from, &bits))
                return false;
        *value = (uint64_t)bits;
        return true;
}

static void take_rest(struct alert *alert)
{
        struct alert walk = *alert;
        struct block block;
        uint8_t dry_run;

        for (uint32_t i = 0; i < alert->block_count; i++)
                if (!alert_block_next(&walk, &block))
                        return;
        alert->has_rest = take_u8(&walk.blocks, &dry_run) &&
                          take_text(&walk.blocks, &alert->group) &&
                          take_i64(&walk.blocks, &alert->start_ns) &&
                          take_i64(&walk.blocks, &alert->last_ns) &&
                          take_u64(&walk.blocks, &alert->served_targets) &&
                          take_u64(&walk.blocks, &alert->served_bytes) &&
                          take_u32(&walk.blocks, &alert->named_count) &&
                          alert->named_count <= ALERT_BLOCKS_MAX;
        alert->named_count = alert->has_rest ? alert->named_count : 0;
        alert->named = walk.blocks;
        alert->dry_run = alert->has_rest && dry_run;
}

bool alert_decode(struct slice payload, struct alert *alert)
{
        struct slice at = payload;
        uint8_t version, action, severity;

        memset(alert, 0, sizeof(*alert));
        if (!take_u8(&at, &version) || version != VERSION || !take_u8(&at, &action) ||
            action > INCIDENT_ENDED || !take_u8(&at, &severity) ||
            severity > SEVERITY_CRITICAL)
                return false;
        alert->action = slice_str(incident_action_name(action));
        alert->severity = severity;
        if (!take_u32(&at, &alert->n) || !take_i64(&at, &alert->time_ns) ||
            !take_text(&at, &alert->id) || !take_text(&at, &alert->rule) ||
            !take_text(&at, &alert->subject_type) || !take_text(&at, &alert->subject) ||
            !take_text(&at, &alert->why) || !take_text(&at, &alert->json) ||
            !take_u32(&at, &alert->block_count) || alert->block_count > ALERT_BLOCKS_MAX)
                return false;
        alert->blocks = at;
        take_rest(alert);
        return true;
}

bool alert_block_next(struct alert *alert, struct block *block)
{
        struct slice at = alert->blocks;

        *block =
            (struct block){ .rule = alert->rule, .id = alert->id, .why = alert->why };
        if (alert->block_count == 0 || !take_text(&at, &block->type) ||
            !take_text(&at, &block->value) || !take_i64(&at, &block->since_ns) ||
            !take_i64(&at, &block->until_ns) || !take_u32(&at, &block->level)) {
                alert->block_count = 0;
                return false;
        }
        alert->block_count--;
        alert->blocks = at;
        return true;
}

bool alert_named_next(struct alert *alert, struct block *block)
{
        *block = (struct block){ .level = 0 };
        if (alert->named_count == 0 || !take_text(&alert->named, &block->type) ||
            !take_text(&alert->named, &block->value)) {
                alert->named_count = 0;
                return false;
        }
        alert->named_count--;
        return true;
}

void block_json(const struct block *block, struct buf *out)
{
        struct json json = json_into(out), *j = &json;

        json_open(j, NULL);
        json_string(j, "rule", block->rule);
        json_string(j, "id", block->id);
        json_time(j, "since", block->since_ns);
        json_time(j, "until", block->until_ns);
        json_u64(j, "level", block->level);
        json_string(j, "why", block->why);
        json_close(j);
}

void block_change_json(const struct block *block, const char *action, struct buf *out)
{
        struct json json = json_into(out), *j = &json;

        json_open(j, NULL);
        json_time(j, "@timestamp", block->since_ns);
        json_open(j, "event");
        json_text(j, "kind", "event");
        json_text(j, "action", action);
        json_close(j);
        json_open(j, "trawlwatch");
        json_open(j, "block");
        json_string(j, "type", block->type);
        json_string(j, "value", block->value);
        json_time(j, "until", block->until_ns);
        json_string(j, "why", block->why);
        json_close(j);
        json_close(j);
        json_close(j);
}
