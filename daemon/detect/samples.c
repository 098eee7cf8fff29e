/* SPDX-License-Identifier: MIT */
#include "detect/samples.h"

#include <stdio.h>

struct sample {
        uint32_t seen, met;
        uint16_t len;
        uint8_t bytes[];
};

static const uint32_t kept_nth[SAMPLES_KEPT] = { 3, 8, 24, 64 };
static const size_t text_sizes[3] = { 48, 96, 256 };

void sample_store_init(struct sample_store *s, struct budget *budget)
{
        *s = (struct sample_store){ .budget = budget };
        s->list_class = budget_class_of(budget, SAMPLES_KEPT * sizeof(uint32_t));
        for (unsigned i = 0; i < 3; i++)
                s->text_classes[i] = budget_class_of(budget, text_sizes[i]);
}

size_t sample_print(const struct record *r, char out[SAMPLE_TEXT_MAX])
{
        struct slice method = slice_first(record_text(r, RECORD_METHOD), 16);
        struct slice path = record_text(r, RECORD_RAW_PATH);
        char status[8] = "";
        size_t len = 0;

        if (r->status)
                snprintf(status, sizeof(status), " %u", r->status);
        size_t room = SAMPLE_TEXT_MAX - method.len - 1 - strlen(status);
        path = slice_first(path, room);
        if (method.len)
                memcpy(out, method.data, method.len);
        len = method.len;
        out[len++] = ' ';
        if (path.len)
                memcpy(out + len, path.data, path.len);
        len += path.len;
        memcpy(out + len, status, strlen(status));
        return len + strlen(status);
}

static uint32_t sample_new(const struct sample_store *s, const struct record *record,
                           uint32_t met, uint32_t now)
{
        char text[SAMPLE_TEXT_MAX];
        size_t len = sample_print(record, text);
        unsigned size = 0;

        while (sizeof(struct sample) + len > text_sizes[size])
                size++;
        uint32_t handle = budget_take(s->budget, s->text_classes[size], BUDGET_NEWCOMER);
        if (handle == 0)
                return 0;
        struct sample *sample = budget_at(s->budget, handle);
        *sample = (struct sample){ now, met, (uint16_t)len };
        memcpy(sample->bytes, text, len);
        return handle;
}

void samples_add(const struct sample_store *s, struct samples *samples, uint32_t nth,
                 const struct record *record, uint32_t met, uint32_t now)
{
        unsigned i = 0;

        while (i < SAMPLES_KEPT && kept_nth[i] != nth)
                i++;
        if (i == SAMPLES_KEPT)
                return;
        if (samples->block == 0)
                samples->block = budget_take(s->budget, s->list_class, BUDGET_NEWCOMER);
        if (samples->block == 0)
                return;
        uint32_t *handles = budget_at(s->budget, samples->block);
        handles[i] = sample_new(s, record, met, now);
}

unsigned samples_get(const struct sample_store *s, const struct samples *samples,
                     uint32_t condition, uint32_t since, struct slice texts[SAMPLES_KEPT])
{
        unsigned count = 0;

        if (samples->block == 0)
                return 0;
        const uint32_t *handles = budget_at(s->budget, samples->block);
        for (unsigned i = 0; i < SAMPLES_KEPT; i++) {
                const struct sample *sample = budget_at(s->budget, handles[i]);
                if (handles[i] && sample->met & condition && sample->seen >= since)
                        texts[count++] = slice_of(sample->bytes, sample->len);
        }
        return count;
}

void samples_clear(const struct sample_store *s, struct samples *samples)
{
        if (samples->block == 0)
                return;
        const uint32_t *handles = budget_at(s->budget, samples->block);
        for (unsigned i = 0; i < SAMPLES_KEPT; i++)
                if (handles[i])
                        budget_give(s->budget, handles[i]);
        budget_give(s->budget, samples->block);
        samples->block = 0;
}
