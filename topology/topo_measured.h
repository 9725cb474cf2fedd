/* SPDX-License-Identifier: Apache-2.0 */
/* topo_measured.h - the file of kept measurements, as its reader and its writer share it. */
#ifndef TOPO_MEASURED_H
#define TOPO_MEASURED_H

#include <stddef.h>

#include "topo.h"

/* A word of a pair's line, and the member of struct sluice_measured that it is for. */
struct measured_key {
	const char *key;
	enum topo_figure figure; /* TOPO_FIGURES: a spread */
	size_t offset;
};
extern const struct measured_key measured_keys[];
extern const size_t measured_key_count;

uint32_t *measured_member(struct sluice_measured *measured, size_t key);

struct measured_kept {
	struct sluice_topology *topo;
	struct topo_list pairs; /* struct sluice_measured, in the topology's memory */
	bool whole;             /* the end was seen */
	struct nodeset as_then; /* nodes that are what they were */
	struct nodeset changed;
};

void measured_path(const struct sluice_topology *topo, const char *dir, char *path, size_t size);

/* Pairs of nodes that are what they were. False: there is no file, or it is of no use. */
bool measured_parse(struct sluice_topology *topo, const char *dir, struct measured_kept *kept,
		    const char **ret_path);

/* Whether both nodes are what they were, and a pair still. */
bool measured_is_valid(const struct measured_kept *kept, const struct sluice_measured *measured);

#endif
