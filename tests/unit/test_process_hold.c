/* SPDX-License-Identifier: Apache-2.0 */
/* test_process_hold.c - who a target is: never the next process that gets its pid. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "process_hold.h"
#include "procfs.h"

static pid_t
child_new(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		pause();
		_exit(0);
	}
	assert_true(pid > 0);
	return pid;
}

static void
holds(void **unused)
{
	char comm[PROCESS_COMM_BYTES] = "";
	struct sluice_err err = {0, ""};
	uint64_t start;
	pid_t pid = child_new();
	int fd, by_start;
	siginfo_t info;

	(void)unused;
	fd = process_hold(pid, 0, comm, &err);
	assert_true(fd >= 0);
	assert_true(strlen(comm) > 0);
	assert_false(process_has_ended(fd));
	assert_int_equal(procfs_started("", pid, &start), 0);
	by_start = process_hold(pid, start, comm, &err);
	assert_true(by_start >= 0);
	kill(pid, SIGKILL);
	/* A zombie has ended, though its pid is still its own. */
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	assert_true(process_has_ended(fd));
	assert_int_equal(process_hold(pid, 0, comm, &err), -ESRCH);
	waitpid(pid, NULL, 0);
	assert_true(process_has_ended(fd));
	assert_true(process_has_ended(by_start));
	assert_int_equal(process_hold(pid, 0, comm, &err), -ESRCH);
	close(fd);
	close(by_start);
}

/* The pid that was meant belongs to another process now: it began at another time. */
static void
another_start(void **unused)
{
	char comm[PROCESS_COMM_BYTES] = "as it was";
	struct sluice_err err = {0, ""};
	uint64_t start;
	pid_t pid = child_new();

	(void)unused;
	assert_int_equal(procfs_started("", pid, &start), 0);
	assert_int_equal(process_hold(pid, start - 1, comm, &err), -ESRCH);
	assert_non_null(strstr(err.msg, "another's"));
	assert_string_equal(comm, "as it was");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void
refusals(void **unused)
{
	char comm[PROCESS_COMM_BYTES];
	struct sluice_err err = {0, ""};

	(void)unused;
	assert_int_equal(process_hold(0, 0, comm, &err), -EINVAL);
	assert_int_equal(process_hold(-5, 0, comm, &err), -EINVAL);
	assert_int_equal(process_hold(1, 0, comm, &err), -EINVAL);
	assert_int_equal(process_hold(getpid(), 0, comm, &err), -EINVAL);
	assert_int_equal(process_hold(INT32_MAX, 0, comm, &err), -ESRCH);
	assert_non_null(strstr(err.msg, "there is no process"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(holds),
		cmocka_unit_test(another_start),
		cmocka_unit_test(refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
