/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a random dependent load costs on one memory node, seen by a program: the figure that the
 * guest's emulated latencies are set by and checked with.
 *
 * Usage: latency NODE MIB SECONDS; prints nanoseconds a load, with one decimal: the best of many
 * short stretches, as whatever else the machine does only makes them longer. One chain runs through
 * all the arena's cells in random order, each cell in a page of its own, so that every load waits
 * for the one before it. The arena lies where Sluice's workloads have theirs.
 */
#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define ARENA_ADDR 0x100000000000u
#define CELL_BYTES 4096u
#define STRETCH_LOADS 5000u
#define STRETCH_S 200e-6 /* at most: the machine takes its CPUs away for milliseconds */
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#define MPOL_BIND 2 /* from the kernel's interface; its header is not everywhere */

static double
now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static uint64_t
random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Where in its page a cell lies: spread over the page's lines, as a program's data is. */
static uint64_t
cell_offset(uint64_t i)
{
	return i * CELL_BYTES + i * 0x9e3779b97f4a7c15u % (CELL_BYTES / 64) * 64;
}

/* One cycle through all cells (Sattolo), so that no chain is short. */
static int
chain_build(char *arena, uint64_t n)
{
	uint32_t *order = malloc(n * sizeof(*order));
	uint64_t seed = 88172645463325252u;

	if (!order)
		return -ENOMEM;
	for (uint64_t i = 0; i < n; i++)
		order[i] = (uint32_t)i;
	for (uint64_t i = n - 1; i > 0; i--) {
		const uint64_t j = random_next(&seed) % i;
		const uint32_t t = order[i];

		order[i] = order[j];
		order[j] = t;
	}
	for (uint64_t i = 0; i < n; i++)
		*(void **)(arena + cell_offset(i)) = arena + cell_offset(order[i]);
	free(order);
	return 0;
}

/*
 * The emulator keeps address translations in a table that it resizes only when the guest drops all
 * of them, as it does at a switch to another program. A program that runs beside others soon has a
 * table that fits, one that was just started has not, and runs at a third of the speed. So drop
 * them a few times on purpose: taking write permission from many touched pages does it.
 */
static void
table_settle(const char *arena, uint64_t n)
{
	enum { ROUNDS = 14, BYTES = 1 << 20 };
	char *scratch =
		mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (scratch == MAP_FAILED)
		return;
	for (int round = 0; round < ROUNDS; round++) {
		for (uint64_t i = 0; i < n; i++)
			(void)*(const volatile char *)(arena + cell_offset(i));
		memset(scratch, round + 1, BYTES);
		(void)mprotect(scratch, BYTES, PROT_READ);
		(void)mprotect(scratch, BYTES, PROT_READ | PROT_WRITE);
	}
	(void)munmap(scratch, BYTES);
}

int
main(int argc, char **argv)
{
	unsigned long node, mask[2] = {0, 0};
	double seconds, start_s, last_s, t_s, best_s = 0; /* best_s: of one load */
	unsigned int loads = STRETCH_LOADS;
	uint64_t bytes;
	cpu_set_t here;
	void *volatile *cell;
	void *arena;

	if (argc != 4) {
		fprintf(stderr, "usage: latency NODE MIB SECONDS\n");
		return 2;
	}
	node = strtoul(argv[1], NULL, 10);
	bytes = strtoull(argv[2], NULL, 10) << 20;
	seconds = strtod(argv[3], NULL);
	if (node >= 64 || bytes < CELL_BYTES * 2 || seconds <= 0) {
		fprintf(stderr, "latency: node, MiB or seconds out of range\n");
		return 2;
	}
	arena = mmap((void *)(uintptr_t)ARENA_ADDR, bytes, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (arena == MAP_FAILED) {
		fprintf(stderr, "latency: mmap: %s\n", strerror(errno));
		return 1;
	}
	mask[0] = 1ul << node;
	if (syscall(SYS_mbind, arena, bytes, MPOL_BIND, mask, 64ul, 0ul)) {
		fprintf(stderr, "latency: mbind to node %lu: %s\n", node, strerror(errno));
		return 1;
	}
	/* In one go, which is quicker than a fault for each page; where it fails the faults do it.
	 */
	(void)madvise(arena, bytes, MADV_POPULATE_WRITE);
	if (chain_build(arena, bytes / CELL_BYTES)) {
		fprintf(stderr, "latency: out of memory\n");
		return 1;
	}

	/* Every virtual CPU has a table of its own: stay on one. */
	CPU_ZERO(&here);
	CPU_SET((size_t)sched_getcpu(), &here);
	(void)sched_setaffinity(0, sizeof(here), &here);
	table_settle(arena, bytes / CELL_BYTES);

	cell = arena;
	start_s = last_s = now_s();
	do {
		for (unsigned int i = 0; i < loads; i++)
			cell = *cell;
		t_s = now_s();
		if (best_s == 0 || (t_s - last_s) / loads < best_s)
			best_s = (t_s - last_s) / loads;
		loads = best_s * 100 > STRETCH_S             ? 100
			: best_s * STRETCH_LOADS < STRETCH_S ? STRETCH_LOADS
							     : (unsigned int)(STRETCH_S / best_s);
		last_s = t_s;
	} while (t_s - start_s < seconds);
	printf("%.1f\n", best_s * 1e9);
	return 0;
}
