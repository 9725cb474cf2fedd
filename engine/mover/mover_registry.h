/* SPDX-License-Identifier: Apache-2.0 */
/* mover_registry.h - the movers that there are, best first. */
#ifndef MOVER_REGISTRY_H
#define MOVER_REGISTRY_H

#include <stddef.h>

#include "ops.h"

extern const struct mover_ops mover_pages;
extern const struct mover_ops mover_fake; /* its probe says no unless a test has set it up */

size_t mover_count(void);
const struct mover_ops *mover_at(size_t i);              /* NULL out of range */
const struct mover_ops *mover_by_name(const char *name); /* NULL none */

#endif
