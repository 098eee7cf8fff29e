/* SPDX-License-Identifier: MIT */
#include "script.h"

#include "base/clock.h"
#include "h2_text.h"

#include <ctype.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>

struct reader {
        const char *path;
        unsigned line;
        struct script *script;
        struct script_step now; /* what the next step takes over */
};

static _Noreturn void bad(const struct reader *r, const char *what)
{
        errx(1, "%s:%u: %s", r->path, r->line, what);
}

static int hex_digit(char c)
{
        return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

static const char *put_escape(struct buf *out, const char *at)
{
        static const char letters[] = "rnt\\0{", bytes[] = "\r\n\t\\\0{";

        if (at[1] == 'x') {
                buf_put_byte(out, (uint8_t)(hex_digit(at[2]) << 4 | hex_digit(at[3])));
                return at + 4;
        }
        const char *found = strchr(letters, at[1]);
        buf_put_byte(out, (uint8_t)(found ? bytes[found - letters] : at[1]));
        return at + 2;
}

/* {1448*x} */
static const char *put_repeated(const struct reader *r, struct buf *out, const char *at)
{
        char *end;
        unsigned long times = strtoul(at + 1, &end, 10);
        struct buf what = { 0 };

        if (end == at + 1 || *end != '*')
                bad(r, "a repetition is {TIMES*TEXT}");
        const char *text = end + 1;
        while (*text && *text != '}')
                text = *text == '\\' ? put_escape(&what, text)
                                     : (buf_put_byte(&what, (uint8_t)*text), text + 1);
        for (unsigned long i = 0; i < times; i++)
                buf_put(out, what.data, what.len);
        buf_free(&what);
        return text + 1;
}

static void put_text(const struct reader *r, struct buf *out, const char *at)
{
        while (*at) {
                if (*at == '\\') {
                        at = put_escape(out, at);
                } else if (*at == '{') {
                        at = put_repeated(r, out, at);
                } else {
                        buf_put_byte(out, (uint8_t)*at++);
                }
        }
}

/* Repetitions and escapes first, then frames. */
static bool put_frames(const struct reader *r, struct buf *out, const char *at)
{
        struct buf text = { 0 };

        put_text(r, &text, at);
        buf_put_byte(&text, '\0');
        bool good = h2_text_put(out, (const char *)text.data);
        buf_free(&text);
        return good;
}

static struct script_step *add_step(struct reader *r, enum script_kind kind)
{
        if (r->script->step_count == SCRIPT_STEPS_MAX)
                bad(r, "too many steps");
        struct script_step *step = &r->script->steps[r->script->step_count++];
        *step = r->now;
        step->kind = kind;
        return step;
}

/* "lost> text", "fin<", "> text" */
static bool read_segment(struct reader *r, const char *text)
{
        static const struct {
                const char *word;
                enum script_kind kind;
                bool lost, http2;
        } words[] = {
                { "", SCRIPT_DATA, false, false },
                { "lost", SCRIPT_DATA, true, false },
                { "h2", SCRIPT_DATA, false, true },
                { "losth2", SCRIPT_DATA, true, true },
                { "fin", SCRIPT_FIN, false, false },
                { "lostfin", SCRIPT_FIN, true, false },
                { "rst", SCRIPT_RST, false, false },
                { "ack", SCRIPT_ACK, false, false },
        };
        size_t len = strcspn(text, "<> ");

        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
                if (strlen(words[i].word) != len ||
                    strncmp(words[i].word, text, len) != 0 ||
                    (text[len] != '<' && text[len] != '>'))
                        continue;
                struct script_step *step = add_step(r, words[i].kind);
                step->lost = words[i].lost;
                step->from_server = text[len] == '<';
                text += text[len + 1] == ' ' ? len + 2 : len + 1;
                if (!words[i].http2)
                        put_text(r, &step->bytes, text);
                else if (!put_frames(r, &step->bytes, text))
                        bad(r, "no frame of HTTP/2");
                return true;
        }
        return false;
}

static void read_line(struct reader *r, char *text)
{
        unsigned long number;
        struct script_count *count = &r->script->counts[r->script->count_count];

        text[strcspn(text, "\n")] = '\0';
        if (!*text || *text == '#')
                return;
        if (strncmp(text, "name: ", 6) == 0) {
                snprintf(r->script->name, sizeof(r->script->name), "%.100s", text + 6);
        } else if (strncmp(text, "= ", 2) == 0) {
                buf_printf(&r->script->expected, "%s\n", text + 2);
        } else if (sscanf(text, "wait %lums", &number) == 1) {
                add_step(r, SCRIPT_WAIT)->wait_ns = (int64_t)number * NS_PER_MS;
        } else if (sscanf(text, "port %lu", &number) == 1) {
                r->now.port = (uint16_t)number;
                r->now.midstream = false;
        } else if (sscanf(text, "seq %lu", &number) == 1) {
                r->now.seq = (uint32_t)number;
        } else if (strcmp(text, "midstream") == 0) {
                r->now.midstream = true;
        } else if (strcmp(text, "as-is") == 0) {
                r->script->as_is = true;
        } else if (strcmp(text, "distrust") == 0) {
                r->script->distrust = true;
        } else if (sscanf(text, "count %63s %lu", count->name, &number) == 2) {
                count->value = number;
                r->script->count_count++;
        } else if (!read_segment(r, text)) {
                bad(r, "neither a segment, an expectation nor a setting");
        }
}

static void finish_script(struct reader *r, script_fn *each, void *context)
{
        if (!r->script->name[0])
                bad(r, "a scenario without a name");
        each(context, r->script);
        for (unsigned i = 0; i < r->script->step_count; i++)
                buf_free(&r->script->steps[i].bytes);
        buf_free(&r->script->expected);
}

void script_read(const char *path, script_fn *each, void *context)
{
        static struct script script;
        struct reader r = { .path = path, .script = &script };
        FILE *file = fopen(path, "r");
        char text[8192];

        if (!file)
                err(1, "%s", path);
        script = (struct script){ 0 };
        r.now = (struct script_step){ .port = 4000, .seq = 1000 };
        while (fgets(text, sizeof(text), file)) {
                r.line++;
                if (strncmp(text, "---", 3) == 0) {
                        finish_script(&r, each, context);
                        script = (struct script){ 0 };
                        r.now = (struct script_step){ .port = 4000, .seq = 1000 };
                } else {
                        read_line(&r, text);
                }
        }
        finish_script(&r, each, context);
        fclose(file);
}
