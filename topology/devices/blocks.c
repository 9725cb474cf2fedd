/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blocks.c - the blocks of memory that the kernel makes of a dax device: bringing
 * them online in the zone that was asked for, and taking them offline.
 *
 * libdaxctl can do that too, but all at once: it tells neither which block failed nor brings back
 * those that went before.
 */
#include "change.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../sysroot.h"

#define MEMORY "sys/devices/system/memory"
#define NAP_US 10000

static const char *const online_words[] = {"offline", "online_movable", "online_kernel"};

static int
block_write(const struct change *change, uint32_t id, enum block_state state,
	    struct sluice_err *reterr)
{
	char path[96];

	snprintf(path, sizeof(path), MEMORY "/memory%u/state", id);
	return change_write(change, path, online_words[state], reterr);
}

static int
act_find_blocks(struct change *change, struct step *step, struct sluice_err *reterr)
{
	uint64_t until = change_now_ms() + PIECE_MS;
	int r;

	(void)step;
	while ((r = blocks_find(change, reterr)) == -ENOENT) {
		if (change_now_ms() - change->began_ms >= change->env.wait_ms)
			return r;
		if (change_now_ms() >= until)
			return STEP_AGAIN;
		usleep(NAP_US);
	}
	return r;
}

void
step_find_blocks(struct change *change)
{
	struct step *step = step_add(change, "wait for its blocks of memory to appear");

	step->act = act_find_blocks;
}

/* Why the kernel keeps a block. Only said of what it refused: memory in a zone of the kernel may be
 * free of kernel memory all the same. */
static const char *
why_kept(const struct block *block, int error)
{
	if (error == -ENOMEM)
		return "the other nodes have no room for what is in it";
	if (block->was == BLOCK_KERNEL)
		return "it holds memory of the kernel itself, which cannot be moved (it was "
		       "brought "
		       "online for the kernel, not as movable memory)";
	return "pages in it cannot be moved: somebody keeps them pinned (a device's DMA, RDMA, "
	       "io_uring, a virtual machine), or the other nodes have no room for them";
}

static int
kept(const struct change *change, const struct block *block, int error, struct sluice_err *reterr)
{
	char late[64];

	snprintf(late, sizeof(late), "the kernel was still trying after %u s",
		 (change->env.offline_ms + 999) / 1000);
	return sluice_fail(reterr, error, "memory%u of node %d could not be emptied (%s): %s",
			   block->id, change->node, error == -ETIMEDOUT ? late : strerror(-error),
			   why_kept(block, error));
}

/* Emptying a block lasts as long as its pages take to move, and for ever when one is pinned: a
 * child waits for it, since the kernel gives up when that is killed. */
static int
writer_start(struct change *change, const struct block *block, struct sluice_err *reterr)
{
	pid_t parent = getpid();

	change->writer = fork();
	if (change->writer < 0) {
		change->writer = 0;
		return sluice_fail(reterr, -errno, "cannot start a process: %s", strerror(errno));
	}
	change->writer_began_ms = change_now_ms();
	if (change->writer == 0) {
		sigset_t none;
		int r;

		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(EINTR);
		r = block_write(change, block->id, BLOCK_OFFLINE, NULL);
		_exit(-r > 255 ? EIO : -r);
	}
	return 0;
}

void
blocks_stop_writer(struct change *change)
{
	if (change->writer <= 0)
		return;
	kill(change->writer, SIGKILL);
	while (waitpid(change->writer, NULL, 0) < 0 && errno == EINTR)
		;
	change->writer = 0;
}

/* 0 it is offline, STEP_AGAIN, or what the kernel said. */
static int
writer_wait(struct change *change, uint64_t until_ms)
{
	int status;
	pid_t ended;

	while ((ended = waitpid(change->writer, &status, WNOHANG)) == 0) {
		if (change_now_ms() - change->writer_began_ms >= change->env.offline_ms) {
			blocks_stop_writer(change);
			return -ETIMEDOUT;
		}
		if (change_now_ms() >= until_ms)
			return STEP_AGAIN;
		usleep(1000);
	}
	change->writer = 0;
	if (ended < 0 || !WIFEXITED(status))
		return -EINTR;
	return -WEXITSTATUS(status);
}

/* 0 it is offline, STEP_AGAIN when that time has come, or why not. */
static int
empty_block(struct change *change, const struct block *block, uint64_t until_ms,
	    struct sluice_err *reterr)
{
	int r = change->writer ? 0 : writer_start(change, block, reterr);

	if (r < 0)
		return r;
	r = writer_wait(change, until_ms);
	return r < 0 ? kept(change, block, r, reterr) : r;
}

static int
act_offline(struct change *change, struct step *step, struct sluice_err *reterr)
{
	uint64_t until = change_now_ms() + PIECE_MS;

	(void)step;
	for (; change->block_next < change->block_count; change->block_next++) {
		const struct block *block = &change->blocks[change->block_next];
		int r = 0;

		if (change->writer || block_read(change->root, block->id) != BLOCK_OFFLINE)
			r = empty_block(change, block, until, reterr);
		if (r != 0)
			return r;
	}
	return 0;
}

/* Every block goes back to what it was, also those that a driver's way out and in brought anew.
 * When the time for emptying one was up, no other is waited for: what holds it may hold them all.
 */
static int
undo_blocks(struct change *change, struct step *step, struct sluice_err *reterr)
{
	int worst = 0;

	(void)step;
	for (size_t i = change->block_count; i-- > 0;) {
		struct block *block = &change->blocks[i];
		enum block_state now = block_read(change->root, block->id);
		struct sluice_err err = {0, ""};
		int r = 0;

		if (now == block->was || !block_exists(change->root, block->id))
			continue;
		if (now != BLOCK_OFFLINE && worst == -ETIMEDOUT)
			continue;
		if (now != BLOCK_OFFLINE)
			r = empty_block(change, block, UINT64_MAX, &err);
		if (r == 0 && block->was != BLOCK_OFFLINE)
			r = block_write(change, block->id, (enum block_state)block->was, &err);
		if (r < 0 && (worst == 0 || r == -ETIMEDOUT))
			worst = sluice_fail(reterr, r, "%s", err.msg);
	}
	return worst;
}

void
step_offline_blocks(struct change *change)
{
	struct step *step =
		step_add(change, "take the memory of node %d that %s feeds offline (%zu blocks)",
			 change->node, change->dax, change->block_count);

	step->act = act_offline;
	step->undo = undo_blocks;
}

int
blocks_clear(struct change *change, struct sluice_err *reterr)
{
	int r = blocks_find(change, reterr);

	if (r == -ENOENT)
		return 0;
	for (size_t i = 0; r == 0 && i < change->block_count; i++) {
		if (block_read(change->root, change->blocks[i].id) != BLOCK_OFFLINE)
			r = empty_block(change, &change->blocks[i], UINT64_MAX, reterr);
	}
	return r;
}

static int
act_online(struct change *change, struct step *step, struct sluice_err *reterr)
{
	uint64_t until = change_now_ms() + PIECE_MS;

	(void)step;
	for (; change->block_next < change->block_count; change->block_next++) {
		struct block *block = &change->blocks[change->block_next];
		enum block_state now = block_read(change->root, block->id);
		int r = 0;

		if (!change->writer && now == change->want)
			continue;
		if (change_now_ms() >= until)
			return STEP_AGAIN;
		/* The kernel's own policy brought it online in the other zone. */
		if (change->writer || now != BLOCK_OFFLINE)
			r = empty_block(change, block, until, reterr);
		if (r != 0)
			return r;
		r = block_write(change, block->id, change->want, reterr);
		if (r < 0)
			return r;
	}
	return 0;
}

void
step_online_blocks(struct change *change)
{
	struct step *step = step_add(
		change, "bring them online %s",
		change->want == BLOCK_MOVABLE
			? "as movable memory: for programs only, so that they can be emptied again"
			: "for the kernel too: they may be impossible to take offline later");

	step->act = act_online;
	step->undo = undo_blocks;
}

static int
node_total(int root, int node, uint64_t *ret_bytes)
{
	char text[4096];
	const char *at;

	*ret_bytes = 0;
	if (sysroot_read_head(root, text, sizeof(text), "sys/devices/system/node/node%d/meminfo",
			      node) <= 0)
		return -ENOENT;
	at = strstr(text, "MemTotal:");
	if (!at)
		return -EINVAL;
	*ret_bytes = strtoull(at + strlen("MemTotal:"), NULL, 10) * 1024;
	return 0;
}

static int
act_check_node(struct change *change, struct step *step, struct sluice_err *reterr)
{
	uint64_t until = change_now_ms() + PIECE_MS, bytes = 0;

	(void)step;
	while (node_total(change->root, change->node, &bytes) < 0 || bytes == 0) {
		if (change_now_ms() - change->began_ms >= change->env.wait_ms)
			return sluice_fail(
				reterr, -ETIMEDOUT,
				"node %d shows no memory after %u s though all blocks are "
				"online",
				change->node, change->env.wait_ms / 1000);
		if (change_now_ms() >= until)
			return STEP_AGAIN;
		usleep(NAP_US);
	}
	return 0;
}

void
step_check_node(struct change *change)
{
	struct step *step = step_add(change, "see that the node has the memory");

	step->act = act_check_node;
}
