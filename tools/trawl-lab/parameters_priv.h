/* SPDX-License-Identifier: MIT */
/*
 * parameters_priv - the table of parameters, for parameters.c and those that read it.
 */
#ifndef LAB_PARAMETERS_PRIV_H
#define LAB_PARAMETERS_PRIV_H

#include "parameters.h"

#include "base/arena.h"
#include "lang/yaml.h"

struct parameter_row {
        const char *name; /* NULL in the row that ends the table */
        enum parameter_type type;
        size_t offset;     /* in struct parameters */
        const char *usual; /* as it would be written */
        double least, most;
        const char *const *choices;
        const char *help;
};

extern const struct parameter_row parameter_rows[];

/*
 * Reads the node as the row wants it into `value` (of the row's type; texts are kept in
 * the arena). False after a mistake was told; `value` is as it was.
 */
bool parameter_take(const struct parameter_row *, const struct yaml_node *,
                    struct arena *, void *value, struct diag *);

/* The node on one line, as it was written. */
void parameter_put(const struct yaml_node *, struct buf *out);

#endif
