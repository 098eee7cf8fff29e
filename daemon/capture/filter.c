/* SPDX-License-Identifier: MIT */
#include "capture/filter.h"

#include "base/check.h"

#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>

enum {
        SNAPLEN = 1 << 18,
        RAW_IN_FILES = 101, /* raw IP: the one known type that files number otherwise */
};

struct program {
        int link;
        struct bpf_program code;
};

struct filter {
        char *text;
        struct program programs[FILTER_LINKS];
        unsigned count;
};

struct filter *filter_new(const char *text)
{
        struct filter *f = calloc(1, sizeof(*f));

        CHECK(f);
        f->text = text && *text ? strdup(text) : NULL;
        CHECK(f->text || !text || !*text);
        return f;
}

void filter_free(struct filter **filter)
{
        struct filter *f = *filter;

        if (!f)
                return;
        for (unsigned i = 0; i < f->count; i++)
                pcap_freecode(&f->programs[i].code);
        free(f->text);
        free(f);
        *filter = NULL;
}

static bool compile(const struct filter *f, int link, struct bpf_program *code,
                    char *error)
{
        pcap_t *type = pcap_open_dead(link == RAW_IN_FILES ? DLT_RAW : link, SNAPLEN);

        CHECK(type);
        bool good = pcap_compile(type, code, f->text, 1, PCAP_NETMASK_UNKNOWN) == 0;
        if (!good)
                snprintf(error, CAPTURE_ERROR_MAX,
                         "capture filter '%s', for link type %s: %s (see pcap-filter(7))",
                         f->text, capture_link_name(link), pcap_geterr(type));
        pcap_close(type);
        return good;
}

/* NULL when there is none to be had. */
static const struct program *program_for(struct filter *f, int link, char *error)
{
        for (unsigned i = 0; i < f->count; i++)
                if (f->programs[i].link == link)
                        return &f->programs[i];
        if (f->count == FILTER_LINKS) {
                snprintf(error, CAPTURE_ERROR_MAX,
                         "capture filter '%s': more than %d link types in one capture",
                         f->text, FILTER_LINKS);
                return NULL;
        }
        struct program *new = &f->programs[f->count];
        new->link = link;
        if (!compile(f, link, &new->code, error))
                return NULL;
        f->count++;
        return new;
}

bool filter_is_possible(struct filter *f, int link, char error[CAPTURE_ERROR_MAX])
{
        return !f->text || program_for(f, link, error);
}

enum filter_result filter_frame(struct filter *f, const struct capture_frame *frame,
                                char error[CAPTURE_ERROR_MAX])
{
        struct pcap_pkthdr header = { .caplen = (bpf_u_int32)frame->captured.len,
                                      .len = frame->wire_length };

        if (!f->text)
                return FILTER_PASS;
        const struct program *program = program_for(f, frame->link, error);
        if (!program)
                return FILTER_IMPOSSIBLE;
        return pcap_offline_filter(&program->code, &header, frame->captured.data)
                   ? FILTER_PASS
                   : FILTER_DROP;
}
