/* SPDX-License-Identifier: MIT */
#include "detect/samples.h"

struct sample {
        uint64_t met;
        uint32_t seen;
        uint16_t len;
        bool few;
        uint8_t bytes[];
};

#define SAMPLE_HEAD offsetof(struct sample, bytes)
#define METHOD_MAX  16
#define STATUS_MAX  6 /* " 65535" */

static const uint32_t kept_nth[SAMPLES_KEPT] = { 6, 12, 24, 64 };
static const size_t text_sizes[SAMPLE_SIZES] = { 40, 56, 96, 256 };

struct list {
        uint32_t handles[SAMPLES_KEPT];
        uint32_t beside;
};

_Static_assert(SAMPLE_HEAD + SAMPLE_TEXT_MAX <= 256, "the longest has a class");

void sample_store_init(struct sample_store *s, struct budget *budget)
{
        *s = (struct sample_store){ .budget = budget };
        s->list_class = budget_class_of(budget, sizeof(struct list));
        for (unsigned i = 0; i < SAMPLE_SIZES; i++)
                s->text_classes[i] = budget_class_of(budget, text_sizes[i]);
}

/* " 200", or nothing when no answer was seen. */
static size_t print_status(uint16_t status, char out[STATUS_MAX])
{
        char digits[STATUS_MAX];
        size_t count = 0, len = 0;

        if (status == 0)
                return 0;
        for (; status; status /= 10)
                digits[count++] = (char)('0' + status % 10);
        out[len++] = ' ';
        while (count)
                out[len++] = digits[--count];
        return len;
}

static size_t put(char *out, size_t at, const void *bytes, size_t len)
{
        if (len)
                memcpy(out + at, bytes, len);
        return at + len;
}

size_t sample_print(const struct record *r, char out[SAMPLE_TEXT_MAX])
{
        struct slice method = slice_first(record_text(r, RECORD_METHOD), METHOD_MAX);
        struct slice path = record_text(r, RECORD_RAW_PATH);
        char status[STATUS_MAX];
        size_t status_len = print_status(r->status, status);
        size_t len = put(out, 0, method.data, method.len);

        out[len++] = ' ';
        path = slice_first(path, SAMPLE_TEXT_MAX - len - status_len);
        len = put(out, len, path.data, path.len);
        return put(out, len, status, status_len);
}

static uint32_t sample_new(const struct sample_store *s,
                           const struct sample_source *source)
{
        char text[SAMPLE_TEXT_MAX];
        size_t len = sample_print(source->record, text);
        unsigned size = 0;

        while (SAMPLE_HEAD + len > text_sizes[size])
                size++;
        uint32_t handle = budget_take(s->budget, s->text_classes[size], BUDGET_NEWCOMER);
        if (handle == 0)
                return 0;
        struct sample *sample = budget_at(s->budget, handle);
        sample->met = source->met;
        sample->seen = source->now;
        sample->len = (uint16_t)len;
        sample->few = source->few;
        memcpy(sample->bytes, text, len);
        return handle;
}

static bool is_kept(const struct sample_source *source)
{
        bool kept = source->few;

        for (unsigned i = 0; i < SAMPLES_KEPT; i++)
                kept |= kept_nth[i] == source->nth;
        return kept;
}

/* Lets go of the oldest that is not one of a few. Returns how many are left. */
static unsigned make_room(const struct sample_store *s, uint32_t *handles)
{
        unsigned i = 0;

        while (i < SAMPLES_KEPT &&
               ((const struct sample *)budget_at(s->budget, handles[i]))->few)
                i++;
        if (i == SAMPLES_KEPT)
                return SAMPLES_KEPT;
        budget_give(s->budget, handles[i]);
        memmove(&handles[i], &handles[i + 1], (SAMPLES_KEPT - 1 - i) * sizeof(*handles));
        handles[SAMPLES_KEPT - 1] = 0;
        return SAMPLES_KEPT - 1;
}

void samples_add(const struct sample_store *s, struct samples *samples,
                 const struct sample_source *source)
{
        unsigned count = 0;

        if (!is_kept(source))
                return;
        if (samples->block == 0)
                samples->block = budget_take(s->budget, s->list_class, BUDGET_NEWCOMER);
        if (samples->block == 0)
                return;
        uint32_t *handles = budget_at(s->budget, samples->block);
        while (count < SAMPLES_KEPT && handles[count])
                count++;
        if (count == SAMPLES_KEPT && source->few)
                count = make_room(s, handles);
        if (count < SAMPLES_KEPT)
                handles[count] = sample_new(s, source);
}

unsigned samples_get(const struct sample_store *s, const struct samples *samples,
                     uint64_t condition, uint32_t since, struct slice texts[SAMPLES_KEPT])
{
        unsigned count = 0;

        if (samples->block == 0)
                return 0;
        const uint32_t *handles = budget_at(s->budget, samples->block);
        for (unsigned i = 0; i < SAMPLES_KEPT && handles[i]; i++) {
                const struct sample *sample = budget_at(s->budget, handles[i]);
                if (sample->met & condition && sample->seen >= since)
                        texts[count++] = slice_of(sample->bytes, sample->len);
        }
        return count;
}

void samples_clear(const struct sample_store *s, struct samples *samples)
{
        if (samples->block == 0)
                return;
        struct list *list = budget_at(s->budget, samples->block);
        for (unsigned i = 0; i < SAMPLES_KEPT && list->handles[i]; i++)
                budget_give(s->budget, list->handles[i]);
        memset(list->handles, 0, sizeof(list->handles));
        if (list->beside)
                return;
        budget_give(s->budget, samples->block);
        samples->block = 0;
}

uint32_t *samples_beside(const struct sample_store *s, const struct samples *samples)
{
        struct list *list = budget_at(s->budget, samples->block);

        return samples->block ? &list->beside : NULL;
}

uint32_t *samples_take_beside(const struct sample_store *s, struct samples *samples)
{
        if (samples->block == 0)
                samples->block = budget_take(s->budget, s->list_class, BUDGET_GROWTH);
        return samples_beside(s, samples);
}

void samples_translate(const struct sample_store *s, struct samples *samples,
                       uint64_t (*met)(void *context, uint64_t), void *context)
{
        const uint32_t *handles =
            samples->block ? budget_at(s->budget, samples->block) : NULL;

        for (unsigned i = 0; handles && i < SAMPLES_KEPT && handles[i]; i++) {
                struct sample *sample = budget_at(s->budget, handles[i]);
                sample->met = met(context, sample->met);
        }
}
