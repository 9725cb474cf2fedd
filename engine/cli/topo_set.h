/* SPDX-License-Identifier: Apache-2.0 */
/* topo_set.h - sets of node ids, or of indices of initiators. */
#ifndef CLI_TOPO_SET_H
#define CLI_TOPO_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOPO_IDS_MAX 1024 /* node ids, and so initiators, are fewer */

struct topo_set { /* of node ids, or of indices of initiators */
	uint64_t bits[TOPO_IDS_MAX / 64];
};

void topo_set_add(struct topo_set *set, size_t i);
bool topo_set_has(const struct topo_set *set, size_t i);
bool topo_set_within(const struct topo_set *inner, const struct topo_set *outer);
bool topo_set_meets(const struct topo_set *a, const struct topo_set *b);
/* "3", "8-15,20"; a list that does not fit ends with "...". */
const char *topo_set_text(const struct topo_set *set, char *buffer, size_t size);

#endif
