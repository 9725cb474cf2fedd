/* SPDX-License-Identifier: Apache-2.0 */
/*
 * phys_heat.h - how often physical memory was seen accessed, chunk by chunk, over one interval
 * after the other: while one is being filled the one before can be asked. Pure; memory is bounded.
 * One thread.
 */
#ifndef SAMPLER_PHYS_HEAT_H
#define SAMPLER_PHYS_HEAT_H

#include <stddef.h>
#include <stdint.h>

#include "damon_sysfs.h"

/* 2 MiB; more where there would be more chunks than this. */
#define PHYS_HEAT_CHUNKS_MOST (1u << 20)

struct phys_heat;

/* events and exposure_s as of a SAMPLE_RATE; exposure_s 0: nothing was told of it. */
struct phys_rate {
	float events, exposure_s;
};

/* Of ranges that are sorted, do not overlap, and are borrowed for the call. NULL: no memory. */
struct phys_heat *phys_heat_new(const struct damon_range *ranges, size_t count);
void phys_heat_free(struct phys_heat *heat); /* NULL is fine */

/* What was found of [start, end), in the interval under way. What is out of all ranges is passed
 * over. */
void phys_heat_add(struct phys_heat *heat, uint64_t start, uint64_t end, struct phys_rate rate);
/* Whether anything was. */
int phys_heat_has_news(const struct phys_heat *heat);
/* The interval under way becomes the one before, and another begins. */
void phys_heat_turn(struct phys_heat *heat);
/* Of the interval before. */
struct phys_rate phys_heat_at(const struct phys_heat *heat, uint64_t addr);

uint64_t phys_heat_total_bytes(const struct phys_heat *heat); /* of all ranges */
uint64_t phys_heat_chunk_bytes(const struct phys_heat *heat);

#endif
