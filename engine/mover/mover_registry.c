/* SPDX-License-Identifier: Apache-2.0 */
/* mover_registry.c - see mover_registry.h. Adding a mover is adding a line. */
#include "mover_registry.h"

#include <string.h>

static const struct mover_ops *const movers[] = {
	&mover_pages,
	&mover_fake,
};

size_t
mover_count(void)
{
	return sizeof(movers) / sizeof(*movers);
}

const struct mover_ops *
mover_at(size_t i)
{
	return i < mover_count() ? movers[i] : NULL;
}

const struct mover_ops *
mover_by_name(const char *name)
{
	for (size_t i = 0; i < mover_count(); i++) {
		if (strcmp(movers[i]->name, name) == 0)
			return movers[i];
	}
	return NULL;
}
