/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_tracked.c - of the programs that trackers are scored with: what is told to be hot is what
 * they access, also after each move. They write where they would read, all accesses go to the hot
 * part, and their memory is looked at from outside, so what was written is what was accessed.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>

#include "hotset_access.h"
#include "tracked.h"

#define BYTES (16ull << 20)
#define PAGES (BYTES / ARENA_PAGE)
#define WORDS (ARENA_PAGE / 8)

static uint64_t memory[PAGES][WORDS];

/* Until all accesses are of batches that began after now, however busy the machine is: the count is
 * told now and then, so the first round makes sure of one that is not older. */
static void
wait_accesses(const struct tracked *tracked)
{
	for (int round = 0; round < 2; round++) {
		uint64_t count = tracked_count(tracked);

		while (tracked_count(tracked) < count + 2 * ACCESS_BATCH)
			nanosleep(&(struct timespec){0, 5000000L}, NULL);
	}
}

/* Reads all of the program's memory, or writes it. 0, or -errno. */
static int
transfer(const struct tracked *tracked, int write)
{
	struct iovec here = {memory, BYTES};
	struct iovec there = {(void *)(uintptr_t)tracked_base(tracked), BYTES};
	ssize_t length = write ? process_vm_writev(tracked_pid(tracked), &here, 1, &there, 1, 0)
			       : process_vm_readv(tracked_pid(tracked), &here, 1, &there, 1, 0);

	return length < 0 ? -errno : length == (ssize_t)BYTES ? 0 : -EIO;
}

/* Nothing that was written lies outside of what is said to be hot, and nearly all of that was. */
static void
wants_truth(const struct tracked *tracked, const char *name, int move)
{
	uint64_t hot = 0, written = 0;

	memset(memory, 0, sizeof(memory));
	assert_int_equal(transfer(tracked, 1), 0);
	for (int looks = 0; looks < 200 && written < tracked_hot_pages(tracked) * 9 / 10; looks++) {
		wait_accesses(tracked);
		assert_int_equal(transfer(tracked, 0), 0);
		written = hot = 0;
		for (uint64_t page = 0; page < PAGES; page++) {
			int is_written = 0;

			for (size_t word = 0; word < WORDS; word++)
				is_written |= memory[page][word] != 0;
			if (is_written && !tracked_is_hot(tracked, page))
				fail_msg("%s, move %d: page %llu is accessed and not hot", name,
					 move, (unsigned long long)page);
			written += (uint64_t)is_written;
			hot += (uint64_t)tracked_is_hot(tracked, page);
		}
	}
	assert_int_equal(hot, tracked_hot_pages(tracked));
	assert_true(written >= hot * 9 / 10);
}

static void
truth_is_what_is_accessed(void **unused)
{
	(void)unused;
	for (size_t k = 0; k < tracked_kind_count; k++) {
		struct tracked_kind kind = tracked_kinds[k];
		struct tracked *tracked;
		int r;

		/* All of Zipf's pages are accessed; test_workload_math.c has it. */
		if (strncmp(kind.pattern, "zipf", 4) == 0)
			continue;
		kind.hot_share = 1;
		kind.write_share = 1;
		kind.thp = ARENA_THP_DEFAULT; /* whether there are huge pages or not */
		assert_int_equal(tracked_start(&kind, BYTES, -1, &tracked), 0);
		memset(memory, 0, sizeof(memory));
		r = transfer(tracked, 1);
		if (r == -EPERM || r == -ENOSYS) {
			tracked_stop(tracked);
			skip();
		}
		assert_int_equal(r, 0);
		wait_accesses(tracked);
		for (int move = 0; move < (kind.moves == TRACKED_STAYS ? 1 : 12); move++) {
			if (move) {
				tracked_move(tracked);
				wait_accesses(tracked);
			}
			wants_truth(tracked, kind.name, move);
		}
		tracked_stop(tracked);
	}
}

/* Twelve jumps of an eighth go round; a slide is a small part of the block's length. */
static void
moves_by_its_kind(void **unused)
{
	struct tracked_kind kind = tracked_kinds[0];
	struct tracked *tracked;
	uint64_t kept = 0;

	(void)unused;
	kind.moves = TRACKED_JUMPS;
	assert_int_equal(tracked_start(&kind, BYTES, -1, &tracked), 0);
	assert_true(tracked_is_hot(tracked, PAGES - 1) && !tracked_is_hot(tracked, 0));
	for (int i = 0; i < 8; i++)
		tracked_move(tracked);
	assert_true(tracked_is_hot(tracked, PAGES - 1) && !tracked_is_hot(tracked, 0));
	tracked_move(tracked);
	assert_false(tracked_is_hot(tracked, PAGES - 1));
	tracked_stop(tracked);

	kind.moves = TRACKED_SLIDES;
	assert_int_equal(tracked_start(&kind, BYTES, -1, &tracked), 0);
	tracked_move(tracked);
	for (uint64_t page = PAGES - tracked_hot_pages(tracked); page < PAGES; page++)
		kept += (uint64_t)tracked_is_hot(tracked, page);
	assert_int_equal(kept, tracked_hot_pages(tracked) -
				       tracked_hot_pages(tracked) / TRACKED_SLIDES_PARTS);
	assert_false(tracked_is_hot(tracked, PAGES));
	tracked_stop(tracked);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(truth_is_what_is_accessed),
		cmocka_unit_test(moves_by_its_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
