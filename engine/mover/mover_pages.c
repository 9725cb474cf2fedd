/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mover_pages.c - moves pages by move_pages(2), and believes only what the kernel shows afterwards.
 *
 * The kernel is asked three times: where the pages are, to move those that are elsewhere, and where
 * they are now. Its answer to the second alone does not do: when some pages of a run fail it says
 * how many, not which, and leaves the rest of the batch untouched.
 */
#include <errno.h>
#include <limits.h>
#include <numaif.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "destination.h"
#include "mover_registry.h"
#include "page_table.h"
#include "procfs.h"
#include "tier_map.h"

#define BATCH 512
#define ATTEMPTS 3 /* the kernel itself tries ten times in each */

struct mover_pages {
	char sysroot[256];
	struct tier_map tiers;
	struct destination *destination;
	struct page_table *pages;
	/* Of the call under way: pages to move, with the node to go to and the kernel's word. */
	void *list[BATCH];
	int nodes[BATCH], status[BATCH];
	uint16_t index[BATCH]; /* into the caller's arrays */
	int16_t from[BATCH];   /* by the caller's index: node at first, or -errno */
	int16_t to[BATCH];     /* by the caller's index: node asked for, or -1 */
	int16_t error[BATCH];  /* by the caller's index: the kernel's last error */
};

static int
probe(const struct ops_env *env, char sentence[OPS_SENTENCE_BYTES])
{
	void *page = (void *)((uintptr_t)&env & ~(uintptr_t)4095);
	int status;

	if (move_pages(0, 1, &page, NULL, &status, 0) == 0) {
		snprintf(sentence, OPS_SENTENCE_BYTES,
			 "moves pages in batches by move_pages(2) and reads back where they are");
		return 0;
	}
	if (errno == ENOSYS)
		snprintf(sentence, OPS_SENTENCE_BYTES,
			 "this kernel is built without page migration (CONFIG_MIGRATION, "
			 "CONFIG_NUMA)");
	else
		snprintf(
			sentence, OPS_SENTENCE_BYTES,
			"move_pages(2) is refused here (%s); in a container, allow the system call "
			"and give it CAP_SYS_NICE",
			strerror(errno));
	return errno == ENOSYS ? -ENOTSUP : -EPERM;
}

static void
stop(void *self)
{
	struct mover_pages *mover = self;

	if (!mover)
		return;
	page_table_free(mover->pages);
	destination_free(mover->destination);
	tier_map_unload(&mover->tiers);
	free(mover);
}

static int
start(const struct ops_env *env, void **ret_self, struct sluice_err *reterr)
{
	struct mover_pages *mover = calloc(1, sizeof(*mover));
	int r;

	if (!mover)
		return sluice_fail(reterr, -ENOMEM, "out of memory");
	snprintf(mover->sysroot, sizeof(mover->sysroot), "%s", env->sysroot);
	r = tier_map_load(&mover->tiers, env, reterr);
	if (r == 0)
		r = destination_new(env->sysroot, &mover->tiers, &mover->destination, reterr);
	if (r == 0)
		r = page_table_new(env->sysroot, &mover->pages, reterr);
	if (r < 0) {
		stop(mover);
		return r;
	}
	*ret_self = mover;
	return 0;
}

/* What an errno of a page or of the whole call says. */
static enum move_outcome
outcome_of(int error)
{
	switch (-error) {
	case ENOENT:
	case EFAULT:
	case ESRCH:
		return MOVE_GONE;
	case EBUSY:
	case EAGAIN:
		return MOVE_BUSY;
	case ENOMEM:
	case ENOSPC:
		return MOVE_NOMEM;
	default: /* EACCES: mapped by several processes; ENODEV, EPERM, EIO ... */
		return MOVE_FAILED;
	}
}

static void
fill(size_t count, enum move_outcome outcome, uint8_t *outcomes, uint32_t *bytes, uint8_t *landed)
{
	for (size_t i = 0; i < count; i++) {
		outcomes[i] = (uint8_t)outcome;
		bytes[i] = HEAT_PAGE_BYTES;
		landed[i] = HEAT_TIER_ABSENT;
	}
}

/* Where the pages of list[0..count) are, into status. */
static int
ask(struct mover_pages *mover, int32_t pid, size_t count)
{
	for (size_t i = 0; i < count; i++)
		mover->status[i] = -EFAULT;
	return move_pages(pid, count, mover->list, NULL, mover->status, 0) < 0 ? -errno : 0;
}

/* A page that stands alone at a 2 MiB boundary may be the first of a huge page. */
static int
may_be_huge(const uint64_t *addrs, size_t count, size_t i)
{
	return addrs[i] % HEAT_REGION_BYTES == 0 &&
	       (i + 1 == count || addrs[i + 1] != addrs[i] + HEAT_PAGE_BYTES);
}

/* How much of [addr, addr + 2 MiB) is in the tier: when a huge page could not move as one, the
 * kernel splits it and moves what it can. */
static uint32_t
bytes_in_tier(struct mover_pages *mover, int32_t pid, uint64_t addr, uint32_t tier)
{
	int16_t nodes[HEAT_REGION_PAGES];
	uint32_t bytes = 0;
	int huge;

	if (page_table_nodes(mover->pages, pid, addr, HEAT_REGION_PAGES, nodes, &huge, NULL) < 0)
		return HEAT_PAGE_BYTES;
	for (size_t i = 0; i < HEAT_REGION_PAGES; i++)
		bytes += tier_map_find(&mover->tiers, nodes[i]) == tier ? HEAT_PAGE_BYTES : 0;
	return bytes > HEAT_PAGE_BYTES ? bytes : HEAT_PAGE_BYTES;
}

/* Find where each page is and where it shall go. Returns how many of them are to be moved. */
static size_t
plan(struct mover_pages *mover, int32_t pid, const uint64_t *addrs, size_t count, uint32_t tier,
     uint8_t *outcomes, uint32_t *bytes, uint8_t *landed, int *ret_forbidden)
{
	uint64_t now_ns = clock_now_ns();
	size_t pending = 0;

	destination_refresh(mover->destination);
	for (size_t i = 0; i < count; i++) {
		int node = mover->status[i];
		uint8_t now_in = tier_map_find(&mover->tiers, node);

		mover->from[i] = (int16_t)node;
		mover->to[i] = -1;
		mover->error[i] = 0;
		bytes[i] = HEAT_PAGE_BYTES;
		landed[i] = now_in;
		if (node < 0) {
			outcomes[i] = (uint8_t)outcome_of(node);
			continue;
		}
		if (may_be_huge(addrs, count, i) && page_table_is_huge(mover->pages, pid, addrs[i]))
			bytes[i] = HEAT_REGION_BYTES;
		if (now_in == tier) {
			outcomes[i] = MOVE_ALREADY;
			continue;
		}
		node = destination_pick(mover->destination, pid, tier, node, bytes[i], now_ns);
		if (node < 0) {
			outcomes[i] = node == -ENOSPC ? MOVE_NOMEM : MOVE_FAILED;
			*ret_forbidden |= node == -EPERM;
			continue;
		}
		mover->to[i] = (int16_t)node;
		outcomes[i] = MOVE_BUSY; /* until it is seen elsewhere */
		pending++;
	}
	return pending;
}

/* One call of the kernel for the pages that shall go to `node` and are not there yet. Returns 0 or
 * the call's errno, when that concerns all pages; *ret_landed: how many came to be there. */
static int
push(struct mover_pages *mover, int32_t pid, const uint64_t *addrs, size_t count, int node,
     size_t *ret_landed)
{
	size_t used = 0;
	long r;
	int error;

	*ret_landed = 0;
	for (size_t i = 0; i < count; i++) {
		if (mover->to[i] != node || mover->from[i] == node ||
		    outcome_of(mover->error[i]) == MOVE_GONE)
			continue;
		mover->list[used] = (void *)(uintptr_t)addrs[i];
		mover->nodes[used] = node;
		mover->status[used] =
			INT_MIN; /* the kernel leaves it so when it did not get there */
		mover->index[used++] = (uint16_t)i;
	}
	if (used == 0)
		return 0;
	r = move_pages(pid, used, mover->list, mover->nodes, mover->status, MPOL_MF_MOVE);
	error = r < 0 ? -errno : 0;
	for (size_t k = 0; k < used; k++) {
		int status = mover->status[k];

		mover->error[mover->index[k]] = (int16_t)(status < 0 && status != INT_MIN ? status
							  : error                         ? error
											  : -EBUSY);
	}
	if (error == -ESRCH || error == -EPERM)
		return error;
	if (ask(mover, pid, used) < 0)
		return error;
	for (size_t k = 0; k < used; k++) {
		size_t i = mover->index[k];

		*ret_landed += mover->status[k] == node;
		if (mover->status[k] < 0)
			mover->error[i] = (int16_t)mover->status[k];
		else
			mover->from[i] = (int16_t)mover->status[k];
	}
	return 0;
}

/* Each destination in turn, again while that helps. */
static int
push_all(struct mover_pages *mover, int32_t pid, const uint64_t *addrs, size_t count)
{
	int16_t done[BATCH];
	size_t done_count = 0;

	for (size_t i = 0; i < count; i++) {
		int node = mover->to[i], seen = node < 0;

		for (size_t k = 0; k < done_count; k++)
			seen |= done[k] == node;
		if (seen)
			continue;
		done[done_count++] = (int16_t)node;
		for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
			size_t landed;
			int r = push(mover, pid, addrs, count, node, &landed);

			if (r < 0)
				return r;
			if (landed == 0)
				break;
		}
	}
	return 0;
}

static void
account(struct mover_pages *mover, int32_t pid, const uint64_t *addrs, size_t count, uint32_t tier,
	uint8_t *outcomes, uint32_t *bytes, uint8_t *landed)
{
	for (size_t i = 0; i < count; i++) {
		uint8_t before = landed[i];

		if (mover->to[i] < 0)
			continue;
		if (outcome_of(mover->error[i]) == MOVE_GONE) {
			outcomes[i] = MOVE_GONE;
			landed[i] = HEAT_TIER_ABSENT;
			continue;
		}
		landed[i] = tier_map_find(&mover->tiers, mover->from[i]);
		if (landed[i] == tier)
			outcomes[i] = MOVE_MOVED;
		else if (landed[i] != before)
			outcomes[i] = MOVE_ELSEWHERE;
		else
			outcomes[i] = (uint8_t)outcome_of(mover->error[i]);
		if (outcomes[i] == MOVE_MOVED && bytes[i] > HEAT_PAGE_BYTES)
			bytes[i] = bytes_in_tier(mover, pid, addrs[i], tier);
	}
}

static int
move(void *self, int32_t pid, const uint64_t *addrs, size_t count, uint32_t tier, uint8_t *outcomes,
     uint32_t *bytes, uint8_t *landed, struct sluice_err *reterr)
{
	struct mover_pages *mover = self;
	int r, forbidden = 0;

	/* pid 0 would be ourselves. */
	if (count > BATCH || pid <= 0 || tier >= sluice_topology_tier_count(mover->tiers.topology))
		return sluice_fail(reterr, -EINVAL,
				   "cannot move %zu pages of process %d to tier %u", count, pid,
				   tier);
	if (count == 0)
		return 0;
	for (size_t i = 0; i < count; i++)
		mover->list[i] = (void *)(uintptr_t)addrs[i];
	r = ask(mover, pid, count);
	if (r == 0) {
		if (plan(mover, pid, addrs, count, tier, outcomes, bytes, landed, &forbidden) > 0)
			r = push_all(mover, pid, addrs, count);
		account(mover, pid, addrs, count, tier, outcomes, bytes, landed);
	}
	/* The kernel's word for a process without memory: it is a zombie or a kernel thread. */
	if (r == -EINVAL && procfs_state(mover->sysroot, pid) == -ESRCH)
		r = -ESRCH;
	if (r == -ESRCH) {
		page_table_forget(mover->pages, pid);
		fill(count, MOVE_GONE, outcomes, bytes, landed);
		return sluice_fail(reterr, r, "process %d has ended", pid);
	}
	if (r < 0) {
		fill(count, MOVE_FAILED, outcomes, bytes, landed);
		return sluice_fail(reterr, r == -EACCES ? -EPERM : r,
				   "could not move pages of process %d: %s%s", pid, strerror(-r),
				   r == -EPERM    ? "; run Sluice as root, or with CAP_SYS_NICE"
				   : r == -EINVAL ? "; is it a kernel thread?"
						  : "");
	}
	if (forbidden)
		return sluice_fail(
			reterr, -EPERM,
			"the cpuset of process %d allows no node of tier %u; its pages stay", pid,
			tier);
	return 0;
}

const struct mover_ops mover_pages = {
	.name = "pages",
	.summary = "batched move_pages(2), each page's landing read back",
	.probe = probe,
	.start = start,
	.move = move,
	.stop = stop,
};
