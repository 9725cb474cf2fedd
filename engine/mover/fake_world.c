/* SPDX-License-Identifier: Apache-2.0 */
/* fake_world.c - see fake_world.h. */
#include "fake_world.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct mapping {
	int32_t pid;
	uint64_t start, end;
	uint8_t *tiers; /* one a page */
	uint8_t *huge;  /* one a page: it is part of a huge page */
};

struct failure {
	int32_t pid;
	uint64_t addr;
	enum move_outcome outcome;
	uint32_t times;
};

struct process {
	int32_t pid;
	int refusal;
};

struct fake_world {
	size_t tier_count;
	uint64_t total[SLUICE_TIERS_MAX], used[SLUICE_TIERS_MAX];
	uint8_t leaves[SLUICE_TIERS_MAX];
	struct mapping *mappings; /* sorted by pid and address */
	size_t mapping_count;
	struct failure *failures;
	size_t failure_count;
	struct process *processes;
	size_t process_count;
	uint64_t calls;
};

static struct fake_world *used_world;

struct fake_world *
fake_world_new(const uint64_t *tier_bytes, size_t tier_count)
{
	struct fake_world *world = calloc(1, sizeof(*world));

	if (!world)
		return NULL;
	world->tier_count = tier_count < SLUICE_TIERS_MAX ? tier_count : SLUICE_TIERS_MAX;
	memcpy(world->total, tier_bytes, world->tier_count * sizeof(*tier_bytes));
	return world;
}

void
fake_world_free(struct fake_world *world)
{
	if (!world)
		return;
	if (used_world == world)
		used_world = NULL;
	for (size_t i = 0; i < world->mapping_count; i++)
		free(world->mappings[i].tiers);
	free(world->mappings);
	free(world->failures);
	free(world->processes);
	free(world);
}

void
fake_world_leave(struct fake_world *world, uint8_t tier)
{
	world->leaves[tier] = 1;
}

int
fake_world_leaves(const struct fake_world *world, uint8_t tier)
{
	return tier < SLUICE_TIERS_MAX && world->leaves[tier];
}

void
fake_world_use(struct fake_world *world)
{
	used_world = world;
}

struct fake_world *
fake_world_used(void)
{
	return used_world;
}

/* Room for one more element at the end of an array. */
static void *
grow(void *array, size_t count, size_t size)
{
	return realloc(array, (count + 1) * size);
}

static struct mapping *
find(const struct fake_world *world, int32_t pid, uint64_t addr)
{
	for (size_t i = 0; i < world->mapping_count; i++) {
		struct mapping *mapping = &world->mappings[i];

		if (mapping->pid == pid && addr >= mapping->start && addr < mapping->end)
			return mapping;
	}
	return NULL;
}

static void
put(struct fake_world *world, struct mapping *mapping, size_t page, uint8_t tier)
{
	uint8_t old = mapping->tiers[page];

	if (old < world->tier_count)
		world->used[old] -= HEAT_PAGE_BYTES;
	if (tier < world->tier_count)
		world->used[tier] += HEAT_PAGE_BYTES;
	else
		tier = HEAT_TIER_ABSENT;
	mapping->tiers[page] = tier;
}

int
fake_world_map(struct fake_world *world, int32_t pid, uint64_t addr, uint64_t bytes, uint8_t tier)
{
	size_t pages = bytes / HEAT_PAGE_BYTES, at = 0;
	struct mapping *mappings, mapping = {.pid = pid, .start = addr, .end = addr + bytes};

	if ((addr | bytes) % HEAT_PAGE_BYTES || bytes == 0)
		return -EINVAL;
	for (size_t i = 0; i < world->mapping_count; i++) {
		const struct mapping *other = &world->mappings[i];

		if (other->pid == pid && other->start < mapping.end && mapping.start < other->end)
			return -EEXIST;
		if (other->pid < pid || (other->pid == pid && other->start < addr))
			at = i + 1;
	}
	mapping.tiers = malloc(2 * pages);
	mappings = grow(world->mappings, world->mapping_count, sizeof(*mappings));
	if (mappings)
		world->mappings = mappings;
	if (!mappings || !mapping.tiers) {
		free(mapping.tiers);
		return -ENOMEM;
	}
	memset(mapping.tiers, HEAT_TIER_ABSENT, pages);
	mapping.huge = mapping.tiers + pages;
	memset(mapping.huge, 0, pages);
	memmove(&mappings[at + 1], &mappings[at], (world->mapping_count - at) * sizeof(*mappings));
	mappings[at] = mapping;
	world->mapping_count++;
	fake_world_place(world, pid, addr, bytes, tier);
	return 0;
}

int
fake_world_unmap(struct fake_world *world, int32_t pid, uint64_t addr)
{
	struct mapping *mapping = find(world, pid, addr);
	size_t at;

	if (!mapping)
		return -ENOENT;
	fake_world_place(world, pid, mapping->start, mapping->end - mapping->start,
			 HEAT_TIER_ABSENT);
	free(mapping->tiers);
	at = (size_t)(mapping - world->mappings);
	memmove(mapping, mapping + 1, (--world->mapping_count - at) * sizeof(*mapping));
	return 0;
}

void
fake_world_place(struct fake_world *world, int32_t pid, uint64_t addr, uint64_t bytes, uint8_t tier)
{
	for (uint64_t end = addr + bytes; addr < end; addr += HEAT_PAGE_BYTES) {
		struct mapping *mapping = find(world, pid, addr);

		if (mapping)
			put(world, mapping, (addr - mapping->start) / HEAT_PAGE_BYTES, tier);
	}
}

int
fake_world_make_huge(struct fake_world *world, int32_t pid, uint64_t addr)
{
	struct mapping *mapping = find(world, pid, addr);

	if (!mapping || addr % HEAT_REGION_BYTES || addr + HEAT_REGION_BYTES > mapping->end)
		return -EINVAL;
	memset(mapping->huge + (addr - mapping->start) / HEAT_PAGE_BYTES, 1, HEAT_REGION_PAGES);
	return 0;
}

int
fake_world_fail(struct fake_world *world, int32_t pid, uint64_t addr, enum move_outcome outcome,
		uint32_t times)
{
	struct failure *failures = grow(world->failures, world->failure_count, sizeof(*failures));

	if (!failures)
		return -ENOMEM;
	world->failures = failures;
	failures[world->failure_count++] = (struct failure){pid, addr, outcome, times};
	return 0;
}

static struct process *
process_find(struct fake_world *world, int32_t pid)
{
	struct process *processes;

	for (size_t i = 0; i < world->process_count; i++) {
		if (world->processes[i].pid == pid)
			return &world->processes[i];
	}
	processes = grow(world->processes, world->process_count, sizeof(*processes));
	if (!processes)
		return NULL;
	world->processes = processes;
	processes[world->process_count] = (struct process){.pid = pid};
	return &processes[world->process_count++];
}

int
fake_world_refuse(struct fake_world *world, int32_t pid, int error)
{
	struct process *process = process_find(world, pid);

	if (!process)
		return -ENOMEM;
	process->refusal = error;
	return 0;
}

/* -ESRCH too for a pid that has no mapping at all. */
int
fake_world_refusal(const struct fake_world *world, int32_t pid)
{
	for (size_t i = 0; i < world->process_count; i++) {
		if (world->processes[i].pid == pid && world->processes[i].refusal)
			return world->processes[i].refusal;
	}
	for (size_t i = 0; i < world->mapping_count; i++) {
		if (world->mappings[i].pid == pid)
			return 0;
	}
	return -ESRCH;
}

uint8_t
fake_world_tier_of(const struct fake_world *world, int32_t pid, uint64_t addr)
{
	const struct mapping *mapping = find(world, pid, addr);

	return mapping ? mapping->tiers[(addr - mapping->start) / HEAT_PAGE_BYTES]
		       : HEAT_TIER_ABSENT;
}

int
fake_world_is_huge(const struct fake_world *world, int32_t pid, uint64_t addr)
{
	const struct mapping *mapping = find(world, pid, addr);

	return mapping && mapping->huge[(addr - mapping->start) / HEAT_PAGE_BYTES];
}

uint64_t
fake_world_resident(const struct fake_world *world, int32_t pid, uint8_t tier)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < world->mapping_count; i++) {
		const struct mapping *mapping = &world->mappings[i];

		if (mapping->pid != pid)
			continue;
		for (size_t k = 0; k < (mapping->end - mapping->start) / HEAT_PAGE_BYTES; k++)
			bytes += mapping->tiers[k] == tier ? HEAT_PAGE_BYTES : 0;
	}
	return bytes;
}

uint64_t
fake_world_free_bytes(const struct fake_world *world, uint8_t tier)
{
	return world->total[tier] > world->used[tier] ? world->total[tier] - world->used[tier] : 0;
}

uint64_t
fake_world_total_bytes(const struct fake_world *world, uint8_t tier)
{
	return world->total[tier];
}

size_t
fake_world_tier_count(const struct fake_world *world)
{
	return world->tier_count;
}

uint64_t
fake_world_calls(const struct fake_world *world)
{
	return world->calls;
}

void
fake_world_called(struct fake_world *world)
{
	world->calls++;
}

size_t
fake_world_spans(const struct fake_world *world, int32_t pid, struct heat_span *spans,
		 size_t capacity)
{
	size_t count = 0;

	for (size_t i = 0; i < world->mapping_count && count < capacity; i++) {
		const struct mapping *mapping = &world->mappings[i];

		if (mapping->pid == pid)
			spans[count++] = (struct heat_span){mapping->start, mapping->end};
	}
	return count;
}

enum move_outcome
fake_world_move(struct fake_world *world, int32_t pid, uint64_t addr, uint8_t tier,
		uint32_t *ret_bytes, uint8_t *ret_landed)
{
	struct mapping *mapping = find(world, pid, addr);
	enum move_outcome outcome = MOVE_MOVED;
	uint8_t now_in = fake_world_tier_of(world, pid, addr), to = tier;

	*ret_bytes = HEAT_PAGE_BYTES;
	*ret_landed = now_in;
	if (!mapping || now_in == HEAT_TIER_ABSENT)
		return MOVE_GONE;
	if (fake_world_is_huge(world, pid, addr)) {
		*ret_bytes = HEAT_REGION_BYTES;
		addr -= addr % HEAT_REGION_BYTES;
	}
	if (now_in == tier)
		return MOVE_ALREADY;
	for (size_t i = 0; i < world->failure_count && outcome == MOVE_MOVED; i++) {
		struct failure *failure = &world->failures[i];

		if (failure->pid != pid || failure->addr != addr || failure->times == 0)
			continue;
		failure->times--;
		outcome = failure->outcome;
	}
	if (outcome == MOVE_GONE)
		to = HEAT_TIER_ABSENT;
	else if (outcome == MOVE_ELSEWHERE)
		to = (uint8_t)(world->tier_count - 1);
	else if (outcome != MOVE_MOVED)
		return outcome;
	else if (fake_world_free_bytes(world, tier) < *ret_bytes)
		return MOVE_NOMEM;
	fake_world_place(world, pid, addr, *ret_bytes, to);
	*ret_landed = to;
	return outcome;
}
