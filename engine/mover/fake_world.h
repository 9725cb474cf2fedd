/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake_world.h - made-up processes and tiers for tests: memory_fake shows them, mover_fake moves
 * their pages, and what the mover did is what the memory shows next. One thread.
 *
 *     struct fake_world *world = fake_world_new((uint64_t[]){64 << 20, 256 << 20}, 2);
 *     fake_world_use(world);                              memory_fake and mover_fake see this one
 *     fake_world_map(world, 7, 0x10000000, 8 << 20, 1);   pid 7 has 8 MiB in tier 1
 *     fake_world_fail(world, 7, 0x10000000, MOVE_BUSY, 2); its first page is busy twice
 */
#ifndef MOVER_FAKE_WORLD_H
#define MOVER_FAKE_WORLD_H

#include <stddef.h>
#include <stdint.h>

#include "ops.h"

struct fake_world;

struct fake_world *fake_world_new(const uint64_t *tier_bytes, size_t tier_count); /* NULL: ENOMEM */
void fake_world_free(struct fake_world *world); /* no longer used by the fakes either */
void fake_world_use(struct fake_world *world);  /* borrowed; NULL for none */
struct fake_world *fake_world_used(void);

/* A new mapping, all of it in a tier (HEAT_TIER_ABSENT: nothing resident). Page aligned, must not
 * overlap another of this pid. -ENOMEM, -EINVAL, -EEXIST. */
int fake_world_map(struct fake_world *world, int32_t pid, uint64_t addr, uint64_t bytes,
		   uint8_t tier);
int fake_world_unmap(struct fake_world *world, int32_t pid, uint64_t addr); /* -ENOENT */
/* Pages in [addr, addr+bytes) are somewhere else from now on; those not mapped are skipped. */
void fake_world_place(struct fake_world *world, int32_t pid, uint64_t addr, uint64_t bytes,
		      uint8_t tier);
/* The 2 MiB at addr are one huge page. -EINVAL when not aligned or not mapped. */
int fake_world_make_huge(struct fake_world *world, int32_t pid, uint64_t addr);
/* The next `times` attempts to move the page end so; MOVE_ELSEWHERE lands in the last tier. */
int fake_world_fail(struct fake_world *world, int32_t pid, uint64_t addr, enum move_outcome outcome,
		    uint32_t times);
/* Every call for the process fails from now on: -ESRCH it ended, -EPERM we may not. */
int fake_world_refuse(struct fake_world *world, int32_t pid, int error);

/* The tier's memory is about to go: memory_fake shows what is there as ops_env.leaving would have
 * it. */
void fake_world_leave(struct fake_world *world, uint8_t tier);
int fake_world_leaves(const struct fake_world *world, uint8_t tier);

uint8_t fake_world_tier_of(const struct fake_world *world, int32_t pid, uint64_t addr);
uint64_t fake_world_resident(const struct fake_world *world, int32_t pid, uint8_t tier); /* bytes */
uint64_t fake_world_free_bytes(const struct fake_world *world, uint8_t tier);
uint64_t fake_world_calls(const struct fake_world *world); /* of the mover */

/* For the two fakes. Outcome of moving one page, as mover_ops.move tells it. */
int fake_world_refusal(const struct fake_world *world, int32_t pid);
enum move_outcome fake_world_move(struct fake_world *world, int32_t pid, uint64_t addr,
				  uint8_t tier, uint32_t *ret_bytes, uint8_t *ret_landed);
void fake_world_called(struct fake_world *world);
size_t fake_world_spans(const struct fake_world *world, int32_t pid, struct heat_span *spans,
			size_t capacity);
int fake_world_is_huge(const struct fake_world *world, int32_t pid, uint64_t addr);
size_t fake_world_tier_count(const struct fake_world *world);
uint64_t fake_world_total_bytes(const struct fake_world *world, uint8_t tier);

#endif
