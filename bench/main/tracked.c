/* SPDX-License-Identifier: Apache-2.0 */
/* tracked.c - see tracked.h. */
#include "tracked.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "hotset_access.h"
#include "uffd.h"

#define SEED 1
#define POLL_NS 5000000L
#define WAIT_S 120 /* for the touching */
#define MOVE_POLLS 1000
#define HUGE_LEAST 0.9 /* of the memory: the rest is no matter */

const struct tracked_kind tracked_kinds[] = {
	{"block", "neighbouring hot pages", "block", 0.125, 0.9, 0, ARENA_THP_OFF, TRACKED_STAYS},
	{"zipf", "Zipf's law over scattered pages", "zipf:0.99", 0.125, 0, 0, ARENA_THP_OFF,
	 TRACKED_STAYS},
	{"moving", "a hot block that slides on and on", "block", 0.125, 0.9, 0, ARENA_THP_OFF,
	 TRACKED_SLIDES},
	{"jump", "a hot block that jumps once", "block", 0.125, 0.9, 0, ARENA_THP_OFF,
	 TRACKED_JUMPS},
	{"stride", "every eighth page hot", "stride:8", 0.125, 0.9, 0, ARENA_THP_OFF,
	 TRACKED_STAYS},
	{"write", "a hot block that is only written", "block", 0.125, 0.9, 1, ARENA_THP_OFF,
	 TRACKED_STAYS},
	/* Elsewhere a huge page is accessed as often as a small one of `block` is: with 512 times
	 * as much no bit and no fault could tell it from a hot one. */
	{"huge", "a hot block of huge pages", "block", 0.125, 0.9998, 0, ARENA_THP_ON,
	 TRACKED_STAYS},
};
const size_t tracked_kind_count = sizeof(tracked_kinds) / sizeof(tracked_kinds[0]);

/* What both processes see. */
struct shared {
	_Atomic uint64_t count;
	_Atomic uint32_t moves; /* asked for */
	_Atomic uint32_t moved; /* done */
	_Atomic int ready;      /* 1, or -errno */
	uint64_t base;          /* before ready is set */
};

struct tracked {
	const struct tracked_kind *kind;
	struct shared *shared;
	struct pattern pattern;
	unsigned char *is_hot;
	pid_t pid;
};

/* Backwards, as hotset does: the block begins at the arena's end. */
static uint64_t
turn_after(const struct tracked *tracked, uint32_t moves)
{
	const struct pattern *pattern = &tracked->pattern;
	uint64_t step = tracked->kind->moves == TRACKED_SLIDES
				? pattern->hot_pages / TRACKED_SLIDES_PARTS
				: pattern->hot_pages;

	return (pattern->pages - moves * step % pattern->pages) % pattern->pages;
}

static void
find_hot(struct tracked *tracked, uint32_t moves)
{
	struct pattern pattern = tracked->pattern;

	pattern.turn = turn_after(tracked, moves);
	memset(tracked->is_hot, 0, pattern.pages);
	for (uint64_t place = 0; place < pattern.hot_pages; place++)
		tracked->is_hot[pattern_page(&pattern, pattern.kind, place)] = 1;
}

static int
access_for_ever(const struct tracked *tracked, unsigned char *base)
{
	struct shared *shared = tracked->shared;
	struct access_plan plan = {.before = &tracked->pattern,
				   .base = base,
				   .threads = 1,
				   .write_share = tracked->kind->write_share,
				   .seed = SEED};
	struct access_crew *crew;
	uint32_t moves = 0;
	int r = access_start(&plan, &crew);

	while (r == 0) {
		nanosleep(&(struct timespec){0, POLL_NS}, NULL);
		atomic_store(&shared->count, access_count(crew));
		if (atomic_load(&shared->moves) != moves) {
			moves = atomic_load(&shared->moves);
			access_turn(crew, turn_after(tracked, moves));
			atomic_store(&shared->moved, moves);
		}
	}
	return r;
}

/* How much of the mapping at base is in huge pages. */
static uint64_t
huge_bytes(const unsigned char *base)
{
	FILE *smaps = fopen("/proc/self/smaps", "re");
	unsigned long long start, end, kib, huge_kib = 0;
	char line[512];
	int inside = 0;

	while (smaps && fgets(line, sizeof(line), smaps)) {
		if (sscanf(line, "%llx-%llx ", &start, &end) == 2)
			inside = start == (uintptr_t)base;
		else if (inside && sscanf(line, "AnonHugePages: %llu kB", &kib) == 1)
			huge_kib = kib;
	}
	if (smaps)
		fclose(smaps);
	return huge_kib << 10;
}

static void
child(const struct tracked *tracked, uint64_t bytes, int node)
{
	unsigned char *base = NULL;
	int r = arena_map(bytes, tracked->kind->thp, &base);

	if (r == 0 && node >= 0)
		r = arena_bind((unsigned)node);
	for (uint64_t at = 0; r == 0 && at < bytes; at += ARENA_PAGE)
		base[at] = 1;
	if (r == 0 && node >= 0)
		r = arena_unbind();
	if (r == 0 && tracked->kind->thp == ARENA_THP_ON &&
	    (double)huge_bytes(base) < HUGE_LEAST * (double)bytes)
		r = -EOPNOTSUPP;
	/* So that the tracker wp can watch, as where `sluice run` started the program. It stays
	 * unused, and ends with the process; without it only wp says that it cannot. */
	uffd_open();
	tracked->shared->base = (uint64_t)(uintptr_t)base;
	atomic_store(&tracked->shared->ready, r < 0 ? r : 1);
	if (r == 0)
		r = access_for_ever(tracked, base);
	_exit(r < 0);
}

static int
wait_ready(struct tracked *tracked)
{
	for (int waited = 0; waited < WAIT_S * 100; waited++) {
		int ready = atomic_load(&tracked->shared->ready), status;

		if (ready)
			return ready < 0 ? ready : 0;
		if (waitpid(tracked->pid, &status, WNOHANG) != 0) {
			tracked->pid = 0; /* others' from now on, not to be killed */
			ready = atomic_load(&tracked->shared->ready);
			return ready < 0 ? ready : -ECHILD;
		}
		nanosleep(&(struct timespec){0, 10000000L}, NULL);
	}
	return -ETIMEDOUT;
}

int
tracked_start(const struct tracked_kind *kind, uint64_t bytes, int node, struct tracked **ret)
{
	struct tracked *tracked = calloc(1, sizeof(*tracked));
	struct pattern_choice choice;
	uint64_t pages = bytes / ARENA_PAGE;
	pid_t parent = getpid();
	int r = tracked ? pattern_parse(kind->pattern, &choice) : -ENOMEM;

	if (r == 0) {
		tracked->kind = kind;
		tracked->shared = mmap(NULL, sizeof(*tracked->shared), PROT_READ | PROT_WRITE,
				       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		tracked->is_hot = malloc(pages);
		if (tracked->shared == MAP_FAILED || !tracked->is_hot)
			r = -ENOMEM;
	}
	if (r == 0)
		r = pattern_init(&tracked->pattern, &choice, pages,
				 (uint64_t)((double)pages * kind->hot_part), kind->hot_share, SEED);
	if (r == 0) {
		tracked->pid = fork();
		r = tracked->pid < 0 ? -errno : 0;
	}
	if (r == 0 && tracked->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		child(tracked, pages * ARENA_PAGE, node);
	}
	if (r == 0)
		r = wait_ready(tracked);
	if (r < 0) {
		tracked_stop(tracked);
		return r;
	}
	find_hot(tracked, 0);
	*ret = tracked;
	return 0;
}

void
tracked_stop(struct tracked *tracked)
{
	if (!tracked)
		return;
	if (tracked->pid > 0) {
		kill(tracked->pid, SIGKILL);
		waitpid(tracked->pid, NULL, 0);
	}
	if (tracked->shared && tracked->shared != MAP_FAILED)
		munmap(tracked->shared, sizeof(*tracked->shared));
	free(tracked->is_hot);
	free(tracked);
}

pid_t
tracked_pid(const struct tracked *tracked)
{
	return tracked->pid;
}

uint64_t
tracked_base(const struct tracked *tracked)
{
	return tracked->shared->base;
}

uint64_t
tracked_hot_pages(const struct tracked *tracked)
{
	return tracked->pattern.hot_pages;
}

uint64_t
tracked_count(const struct tracked *tracked)
{
	return atomic_load(&tracked->shared->count);
}

void
tracked_move(struct tracked *tracked)
{
	uint32_t moves = atomic_fetch_add(&tracked->shared->moves, 1) + 1;

	for (int waited = 0; waited < MOVE_POLLS && atomic_load(&tracked->shared->moved) != moves;
	     waited++)
		nanosleep(&(struct timespec){0, POLL_NS / 5}, NULL);
	find_hot(tracked, moves);
}

int
tracked_is_hot(const struct tracked *tracked, uint64_t page)
{
	return page < tracked->pattern.pages && tracked->is_hot[page];
}
