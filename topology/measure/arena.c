/* SPDX-License-Identifier: Apache-2.0 */
/* arena.c - see arena.h. */
#include "arena.h"

#include <errno.h>
#include <inttypes.h>
#include <numa.h>
#include <numaif.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "now.h"
#include "place.h"

#define HUGE_BYTES                                                                                 \
	((size_t)2 << 20) /* right on x86 and with 4 KiB pages elsewhere; else only slower */
#define QUERY_PAGES 1024u

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

/* How many bytes from base on are on the node, up to bytes; the page after them is on *ret_other
 * (or that is the query's negative errno). */
static size_t
bytes_on_node(const struct arena *arena, size_t bytes, int *ret_other)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *pages[QUERY_PAGES];
	int where[QUERY_PAGES];
	size_t done = 0;

	while (done < bytes) {
		unsigned long count = 0;

		for (; count < QUERY_PAGES && done + count * page < bytes; count++) {
			pages[count] = arena->base + done + count * page;
			where[count] = -EFAULT;
		}
		if (numa_move_pages(0, count, pages, NULL, where, 0) < 0) {
			*ret_other = -errno;
			return done;
		}
		for (unsigned long i = 0; i < count; i++) {
			if (where[i] != (int)arena->node) {
				*ret_other = where[i];
				return done + i * page;
			}
		}
		done += count * page;
	}
	return bytes;
}

static int
elsewhere(const struct arena *arena, int other, int code, struct sluice_err *reterr)
{
	if (other < 0)
		return sluice_fail(
			reterr, code,
			"the kernel does not say on which node a page is (%s), so nothing "
			"is claimed of node %" PRIu32,
			strerror(-other), arena->node);
	return sluice_fail(reterr, code,
			   "a page that was meant for node %" PRIu32 " is on node %d (is the node "
			   "full, or does something move pages?), so nothing is claimed",
			   arena->node, other);
}

int
arena_check(const struct arena *arena, struct sluice_err *reterr)
{
	int other = 0;

	if (bytes_on_node(arena, arena->bytes, &other) == arena->bytes)
		return 0;
	return elsewhere(arena, other, -ESTALE, reterr);
}

/* AnonHugePages of our mapping, which smaps tells; 0 when it does not. */
static double
huge_share(const struct arena *arena)
{
	unsigned long long start, end, kib = 0;
	FILE *file = fopen("/proc/self/smaps", "re");
	bool inside = false;
	char line[512];

	while (file && fgets(line, sizeof(line), file)) {
		unsigned long long value;

		if (sscanf(line, "%llx-%llx %*4c", &start, &end) == 2)
			inside = start < (uintptr_t)arena->base + arena->bytes &&
				 end > (uintptr_t)arena->base;
		else if (inside && sscanf(line, "AnonHugePages: %llu kB", &value) == 1)
			kib += value;
	}
	if (file)
		fclose(file);
	/* The map may reach beyond the arena by less than a huge page on either side. */
	return kib * 1024 >= arena->bytes ? 1 : (double)(kib * 1024) / (double)arena->bytes;
}

static int
map(struct arena *arena, size_t bytes, struct sluice_err *reterr)
{
	struct bitmask *nodes = numa_allocate_nodemask();
	int r = 0;

	arena->map_bytes = bytes + HUGE_BYTES;
	arena->map = mmap(NULL, arena->map_bytes, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (arena->map == MAP_FAILED || !nodes) {
		r = arena->map == MAP_FAILED ? -errno : -ENOMEM;
		if (arena->map == MAP_FAILED)
			arena->map = NULL;
		if (nodes)
			numa_free_nodemask(nodes);
		return sluice_fail(reterr, r, "cannot map %zu MiB: %s", bytes >> 20, strerror(-r));
	}
	arena->base = (char *)(((uintptr_t)arena->map + HUGE_BYTES - 1) & ~(HUGE_BYTES - 1));
	(void)madvise(arena->map, arena->map_bytes,
		      MADV_HUGEPAGE); /* where there are none: without */
	numa_bitmask_setbit(nodes, arena->node);
	if (mbind(arena->map, arena->map_bytes, MPOL_PREFERRED, nodes->maskp, nodes->size + 1, 0) <
	    0)
		r = sluice_fail(reterr, -errno, "cannot ask for memory of node %" PRIu32 ": %s",
				arena->node, strerror(errno));
	numa_free_nodemask(nodes);
	return r;
}

/* Fills huge page by huge page, as far as time and the node's free memory go. Where the kernel gave
 * small pages it is asked once to make a huge one of them: that helps where huge pages are for
 * those who ask only now, and is dropped at the first refusal. */
static int
fill(struct arena *arena, size_t bytes, uint64_t until_ns, int (*tick)(void *ctx), void *ctx,
     struct sluice_err *reterr)
{
	bool collapse = true;

	while (arena->bytes < bytes && now_ns() < until_ns) {
		char *at = arena->base + arena->bytes;
		uint64_t free_bytes;

		if (tick(ctx))
			return sluice_fail(reterr, -ECANCELED, "stopped");
		/* Others allocate too: leave them what was promised at the start. */
		if (place_node_bytes(arena->node, &free_bytes) == 0 ||
		    free_bytes < bytes - arena->bytes)
			break;
		if (madvise(at, HUGE_BYTES, MADV_POPULATE_WRITE) < 0) {
			int r = -errno;

			if (r != -ENOMEM && r != -EFAULT && r != -EHWPOISON)
				return sluice_fail(reterr, r,
						   "cannot fill memory of node %" PRIu32 ": %s",
						   arena->node, strerror(-r));
			break;
		}
		if (collapse && madvise(at, HUGE_BYTES, MADV_COLLAPSE) < 0)
			collapse = false;
		arena->bytes += HUGE_BYTES;
	}
	return 0;
}

int
arena_new(uint32_t node, size_t bytes, uint64_t until_ns, int (*tick)(void *ctx), void *ctx,
	  struct arena *ret, struct sluice_err *reterr)
{
	struct arena arena = {.node = node};
	int other = 0, r;
	size_t filled;

	bytes &= ~(HUGE_BYTES - 1);
	r = map(&arena, bytes, reterr);
	if (r == 0)
		r = fill(&arena, bytes, until_ns, tick, ctx, reterr);
	if (r == 0 && arena.bytes < ARENA_BYTES_MIN)
		r = sluice_fail(reterr, -ETIMEDOUT,
				"no %u MiB of node %" PRIu32
				" could be filled: it is too full, or the "
				"time too short",
				ARENA_BYTES_MIN >> 20, node);
	if (r == 0) {
		filled = bytes_on_node(&arena, arena.bytes, &other) & ~(HUGE_BYTES - 1);
		if (filled < ARENA_BYTES_MIN)
			r = elsewhere(&arena, other, -ENOMEM, reterr);
		arena.bytes = filled;
	}
	if (r < 0) {
		arena_clear(&arena);
		return r;
	}
	/* What lies elsewhere, or was never filled, goes back at once. */
	munmap(arena.base + arena.bytes,
	       (size_t)((char *)arena.map + arena.map_bytes - (arena.base + arena.bytes)));
	arena.map_bytes = (size_t)(arena.base + arena.bytes - (char *)arena.map);
	arena.huge_share = huge_share(&arena);
	*ret = arena;
	return 0;
}

void
arena_clear(struct arena *arena)
{
	if (arena->map)
		munmap(arena->map, arena->map_bytes);
	memset(arena, 0, sizeof(*arena));
}
