/* SPDX-License-Identifier: Apache-2.0 */
/* test_follow.c - children are found at once, and a little later where none came for long. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "follow.h"

static int32_t found;

static int
attach(void *ctx, int32_t pid, uint64_t start_ticks)
{
	(void)ctx, (void)start_ticks;
	found = pid;
	return 0;
}

static pid_t
child_new(void)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		for (;;)
			pause();
	}
	return pid;
}

static void
child_end(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* Ticks until a new child is found; `most` when it is not. */
static int
ticks_to_find(struct follow *follow, int most)
{
	pid_t pid = child_new();
	int ticks = 0;

	found = 0;
	while (found != pid && ticks < most) {
		follow_tick(follow);
		ticks++;
	}
	child_end(pid);
	return found == pid ? ticks : most;
}

static void
test_children(void **state)
{
	struct follow *follow = follow_new(attach, NULL);

	(void)state;
	assert_non_null(follow);
	assert_int_equal(follow_add(follow, getpid()), 0);
	assert_int_equal(ticks_to_find(follow, 2), 1);
	/* In each fourth tick when nobody came or went, and at once after somebody did. */
	for (int still = 100; still < 108; still++) {
		for (int i = 0; i < still; i++)
			follow_tick(follow);
		assert_in_range(ticks_to_find(follow, 10), 1, 4);
		assert_int_equal(ticks_to_find(follow, 2), 1);
	}
	follow_remove(follow, getpid());
	assert_int_equal(ticks_to_find(follow, 2), 2);
	follow_free(follow);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_children),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
