/* SPDX-License-Identifier: Apache-2.0 */
/* heat_ranges.h - which memory a trace tells of, and which rows of a picture it gets. */
#ifndef CLI_HEAT_RANGES_H
#define CLI_HEAT_RANGES_H

#include "heat_map.h"

struct ranges;

struct ranges *ranges_new(void); /* NULL: no memory */
void ranges_free(struct ranges *ranges);

/* Memory is noted by chunks, which become larger when there are too many, so what this costs is
 * bounded. */
void ranges_add(struct ranges *ranges, int32_t pid, uint64_t addr, uint64_t len_bytes,
		double weight);
/* Fills the map's ranges and rows. -ENODATA: there is no memory; -ENOMEM. */
int ranges_choose(struct ranges *ranges, uint32_t rows, struct heat_map *map,
		  struct sluice_err *reterr);
/* The first range of that process that ends after the address, or one of a later process, or count.
 */
size_t ranges_find(const struct heat_range *ranges, size_t count, int32_t pid, uint64_t addr);

#endif
