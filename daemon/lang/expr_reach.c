/* SPDX-License-Identifier: MIT */
/* Which addresses a condition is true for, or false, whatever else it is asked of. */
#include "lang/expr_priv.h"

struct reach {
        expr_is_address_fn *is_address;
        const struct network *network;
};

static bool is_address(const struct reach *r, const struct expr *node)
{
        return node->kind == NODE_FIELD && node->type == VALUE_NETWORK &&
               r->is_address(node->field);
}

static bool overlaps(const struct reach *r, const struct value *value)
{
        return value->type == VALUE_NETWORK &&
               networks_overlap(&value->network, r->network);
}

static bool list_reaches(const struct reach *r, const struct expr *node)
{
        for (unsigned i = 0; i < node->list.count; i++)
                if (overlaps(r, &node->list.values[i]))
                        return true;
        return false;
}

/* `client.ip == 192.0.2.1`, or the other way round. */
static bool equality_reaches(const struct reach *r, const struct expr *node)
{
        const struct expr *left = node->child, *right = left->next;

        if (is_address(r, right) && left->kind == NODE_CONSTANT)
                return overlaps(r, &left->constant);
        return is_address(r, left) && right->kind == NODE_CONSTANT &&
               overlaps(r, &right->constant);
}

static bool reaches(const struct reach *r, const struct expr *node)
{
        const struct expr *child = node->child;

        switch (node->kind) {
        case NODE_OR:
                while (child && !reaches(r, child))
                        child = child->next;
                return child;
        case NODE_AND:
                while (child && reaches(r, child))
                        child = child->next;
                return !child;
        case NODE_IN_LIST:
                return is_address(r, child) && list_reaches(r, node);
        case NODE_IN_NAMED:
                return is_address(r, child) && node->named->overlaps &&
                       node->named->overlaps(node->named, r->network);
        case NODE_EQUAL:
                return equality_reaches(r, node);
        default:
                return false;
        }
}

static bool spares(const struct reach *r, const struct expr *node)
{
        switch (node->kind) {
        case NODE_AND:
                for (const struct expr *child = node->child; child; child = child->next)
                        if (spares(r, child))
                                return true;
                return false;
        case NODE_NOT:
                return reaches(r, node->child);
        case NODE_NOT_EQUAL:
                return equality_reaches(r, node);
        default:
                return false;
        }
}

bool expr_reaches(const struct expr *expr, expr_is_address_fn *address,
                  const struct network *network)
{
        return reaches(&(struct reach){ address, network }, expr);
}

bool expr_spares(const struct expr *expr, expr_is_address_fn *address,
                 const struct network *network)
{
        return spares(&(struct reach){ address, network }, expr);
}
