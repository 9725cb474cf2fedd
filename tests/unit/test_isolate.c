/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_isolate.c - whatever a policy does wrong costs one decision, is told, and the safe policy
 * makes that decision; a policy that goes on is benched. Nothing is left behind.
 */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "isolate.h"

#define POLICIES TEST_BUILD "/policies-test"
#define MIB (1u << 20)
#define REGIONS 8u

static const char *const folders[] = {POLICIES, TEST_BUILD "/policies", TEST_BUILD "/policies-bad",
				      NULL};
static const struct policy_process_options options = {.entry_max = 1000, .decide_ms = 120};
static struct sluice_err err;

/* Fast memory is short of 3 MiB; regions get hotter with their index, all of 2 MiB, half in each
 * tier. So the safe policy demotes regions 0 and 1. */
static struct sluice_tier tiers[2] = {
	{.total_bytes = 100 * MIB, .shortage_bytes = 3 * MIB},
	{.total_bytes = 400 * MIB, .free_bytes = 300 * MIB, .room_bytes = 200 * MIB},
};
static struct sluice_region regions[REGIONS];
static struct sluice_view view;
static struct sluice_plan plan;

static void
make_view(uint64_t now_ms)
{
	for (uint32_t i = 0; i < REGIONS; i++)
		regions[i] = (struct sluice_region){.addr = 0x10000000 + i * 2ull * MIB,
						    .span_bytes = 2 * MIB,
						    .bytes = 2 * MIB,
						    .pid = 42,
						    .tier = i >= REGIONS / 2,
						    .heat = (float)(i + 1),
						    .heat_low = (float)(i + 1) / 2,
						    .heat_high = (float)(i + 1) * 2,
						    .age_ms = 60000};
	view = (struct sluice_view){.size = sizeof(view),
				    .tier_count = 2,
				    .tier_stride = sizeof(tiers[0]),
				    .region_stride = sizeof(regions[0]),
				    .region_count = REGIONS,
				    .budget_bytes = 64 * MIB,
				    .now_ms = now_ms,
				    .tiers = tiers,
				    .regions = regions};
}

static int
decide(struct isolate *isolate, uint64_t now_ms)
{
	make_view(now_ms);
	plan_begin(&plan, &view);
	return isolate_policy(isolate)->decide(isolate, &view, &plan, &err);
}

static struct isolate *
misbehaving(const char *how, const char *every)
{
	static struct plugin_setting settings[2];
	struct isolate *isolate = NULL;

	settings[0] = (struct plugin_setting){"how", how};
	settings[1] = (struct plugin_setting){"every", every};
	if (isolate_new(&options, "misbehave", folders, settings, 2, &isolate, &err) < 0)
		fail_msg("%s", err.msg);
	return isolate;
}

static void
assert_policy_decided(void)
{
	assert_int_equal(plan.count, 1);
	assert_int_equal(plan.moves[0].region, 0);
	assert_int_equal(plan.moves[0].tier, 0);
}

static void
assert_safe_policy_decided(void)
{
	assert_int_equal(plan.count, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(plan.moves[i].region, i);
		assert_int_equal(plan.moves[i].tier, 1);
	}
}

static int
children(void)
{
	siginfo_t info;

	return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

static size_t
open_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t count = 0;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static const struct wrong {
	const char *how;
	enum policy_fault fault;
	const char *says;
} wrongs[] = {
	{"null", POLICY_FAULT_CRASH, "null pointer"},
	{"wild", POLICY_FAULT_CRASH, "SIGSEGV"},
	{"view", POLICY_FAULT_CRASH, "wrote to the view"},
	{"unprotect", POLICY_FAULT_CRASH, "wrote to the view"},
	{"overflow", POLICY_FAULT_CRASH, "SIGSEGV"},
	{"divide", POLICY_FAULT_CRASH, ""},
	{"trap", POLICY_FAULT_CRASH, "trap"},
	{"abort", POLICY_FAULT_SYSCALL, "aborted"},
	{"loop", POLICY_FAULT_TIME, "within 120 ms"},
	{"exit", POLICY_FAULT_EXIT, "exit status 3"},
	{"_exit", POLICY_FAULT_EXIT, "exit status 4"},
	{"fork", POLICY_FAULT_SYSCALL, "'clone"},
	{"thread", POLICY_FAULT_SYSCALL, "system call"},
	{"open", POLICY_FAULT_SYSCALL, "'openat'"},
	{"print", POLICY_FAULT_SYSCALL, "printed"},
	{"socket", POLICY_FAULT_SYSCALL, "'socket'"},
	{"kill", POLICY_FAULT_SYSCALL, "system call"},
	{"sleep", POLICY_FAULT_SYSCALL, "nanosleep"},
	{"region", POLICY_FAULT_PLAN, "region 8 to tier 0"},
	{"tier", POLICY_FAULT_PLAN, "region 0 to tier 2"},
	{"nan", POLICY_FAULT_PLAN, "nan"},
	{"scribble", POLICY_FAULT_PLAN, "region 1099511627776"},
	{"trample", POLICY_FAULT_NONE, ""}, /* what it is taken for does not matter */
};

/* One good decision, one wrong, one good again. */
static void
each_wrong_costs_one_decision(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
		const struct wrong *wrong = &wrongs[i];
		struct isolate *isolate = misbehaving(wrong->how, "2");
		struct isolate_status status;
		uint64_t faults = 0;

		assert_int_equal(decide(isolate, 1000), 0);
		assert_policy_decided();
		assert_int_equal(decide(isolate, 2000), 0);
		isolate_get_status(isolate, 2000, &status);
		for (int f = 0; f < POLICY_FAULTS; f++)
			faults += status.faults[f];
		if (wrong->fault != POLICY_FAULT_NONE &&
		    (status.faults[wrong->fault] != 1 || !strstr(status.fault, wrong->says)))
			fail_msg("%s: not '%s' but: %s", wrong->how, wrong->says, status.fault);
		if (faults != 1 || !status.safe || status.safe_rounds != 1)
			fail_msg("%s: %d faults, safe policy %d", wrong->how, (int)faults,
				 status.safe);
		assert_int_equal(status.pid, 0);
		assert_safe_policy_decided();
		assert_false(children());

		assert_int_equal(decide(isolate, 3000), 0);
		isolate_get_status(isolate, 3000, &status);
		assert_policy_decided();
		assert_int_equal(status.safe, 0);
		assert_int_equal(status.starts, 2);
		assert_true(status.pid > 0);
		assert_int_equal(status.fault_age_ms, 1000);
		isolate_free(isolate);
		assert_false(children());
	}
}

/* Asking for memory in decide(), or for too much in init(), fails and harms nobody; nor does a
 * policy that does nothing. */
static void
memory_is_refused(void **state)
{
	static const char *const hows[] = {"malloc", "init-much", "init-addresses", "not"};

	(void)state;
	for (size_t i = 0; i < sizeof(hows) / sizeof(hows[0]); i++) {
		struct isolate *isolate = misbehaving(hows[i], "1");

		for (int k = 1; k <= 3; k++) {
			struct isolate_status status;

			assert_int_equal(decide(isolate, (uint64_t)k * 1000), 0);
			isolate_get_status(isolate, 3000, &status);
			if (status.fault[0])
				fail_msg("%s", status.fault);
			assert_policy_decided();
			assert_int_equal(status.safe, 0);
		}
		isolate_free(isolate);
	}
}

/* A policy may say that it cannot decide; it goes on running. */
static void
declining_is_no_fault(void **state)
{
	struct isolate *isolate = misbehaving("decline", "2");
	struct isolate_status status;
	int pid;

	(void)state;
	assert_int_equal(decide(isolate, 1000), 0);
	isolate_get_status(isolate, 1000, &status);
	pid = status.pid;
	assert_int_equal(decide(isolate, 2000), 0);
	assert_safe_policy_decided();
	isolate_get_status(isolate, 2000, &status);
	assert_int_equal(status.declined, 1);
	assert_string_equal(status.fault, "nothing to decide on");
	assert_int_equal(status.pid, pid);
	assert_int_equal(decide(isolate, 3000), 0);
	assert_policy_decided();
	isolate_free(isolate);
}

/* What it says is one line, and none that a terminal obeys. */
static void
sentences_are_made_plain(void **state)
{
	struct isolate *isolate = misbehaving("forge", "1");
	struct isolate_status status;

	(void)state;
	assert_int_equal(decide(isolate, 1000), 0);
	isolate_get_status(isolate, 1000, &status);
	assert_string_equal(status.fault, "no?<0>kernel: panic?[2J??J");
	isolate_free(isolate);
}

/* One that answers and goes on would take a CPU for ever. */
static void
work_after_the_answer_is_seen(void **state)
{
	struct isolate *isolate = misbehaving("early", "2");
	struct isolate_status status;
	struct timespec used = {0}, pause = {.tv_nsec = 10000000};
	clockid_t clock;

	(void)state;
	assert_int_equal(decide(isolate, 1000), 0);
	assert_int_equal(decide(isolate, 2000), 0);
	isolate_get_status(isolate, 2000, &status);
	assert_false(status.safe);
	assert_int_equal(clock_getcpuclockid(status.pid, &clock), 0);
	for (int i = 0; i < 2000 && used.tv_sec == 0 && used.tv_nsec < 300000000; i++) {
		nanosleep(&pause, NULL);
		clock_gettime(clock, &used);
	}
	assert_int_equal(decide(isolate, 3000), 0);
	assert_safe_policy_decided();
	isolate_get_status(isolate, 3000, &status);
	assert_int_equal(status.faults[POLICY_FAULT_TIME], 1);
	assert_non_null(strstr(status.fault, "after its decision"));
	assert_false(children());
	isolate_free(isolate);
}

/* The first faults are forgiven; then it is left out for ten seconds, twenty, ... and given another
 * try after each. */
static void
offenders_are_benched(void **state)
{
	struct isolate *isolate = misbehaving("null", "1");
	struct isolate_status status;
	uint64_t now_ms = 1000, starts = 1;

	(void)state;
	for (unsigned int i = 0; i < ISOLATE_STRIKES_FREE; i++, now_ms += 1000) {
		assert_int_equal(decide(isolate, now_ms), 0);
		isolate_get_status(isolate, now_ms, &status);
		assert_int_equal(status.benched_ms, 0);
		assert_int_equal(status.starts, starts++);
	}
	for (uint64_t bench_ms = ISOLATE_BENCH_MS; bench_ms < 100000; bench_ms *= 2) {
		assert_int_equal(decide(isolate, now_ms), 0);
		isolate_get_status(isolate, now_ms, &status);
		assert_int_equal(status.benched_ms, bench_ms);
		assert_int_equal(status.starts, starts++);
		assert_int_equal(status.pid, 0);
		assert_safe_policy_decided();
		assert_int_equal(decide(isolate, now_ms + bench_ms - 1), 0);
		isolate_get_status(isolate, now_ms + bench_ms - 1, &status);
		assert_int_equal(status.benched_ms, 1);
		assert_int_equal(status.starts, starts - 1);
		assert_safe_policy_decided();
		now_ms += bench_ms;
	}
	/* After a long time in peace, all is forgotten. */
	now_ms += ISOLATE_FORGET_MS + ISOLATE_BENCH_MS_MAX;
	assert_int_equal(decide(isolate, now_ms), 0);
	isolate_get_status(isolate, now_ms, &status);
	assert_int_equal(status.benched_ms, 0);
	isolate_free(isolate);
}

/* A process that somebody kills is found dead and started anew. */
static void
killed_from_outside(void **state)
{
	struct isolate *isolate = misbehaving("not", "1");
	struct isolate_status status;

	(void)state;
	isolate_get_status(isolate, 0, &status);
	kill(status.pid, SIGKILL);
	assert_int_equal(decide(isolate, 1000), 0);
	isolate_get_status(isolate, 1000, &status);
	assert_int_equal(status.faults[POLICY_FAULT_EXIT], 1);
	assert_non_null(strstr(status.fault, "was killed"));
	assert_safe_policy_decided();
	assert_int_equal(decide(isolate, 2000), 0);
	assert_policy_decided();
	isolate_free(isolate);
}

static void
starting_fails(void **state)
{
	static const struct {
		const char *name, *how;
		int r;
		const char *says;
	} cases[] = {
		{"misbehave", "init-crash", -EPROTO, "init() crashed: it followed a null pointer"},
		{"misbehave", "init-open", -EPROTO, "init() made the system call 'openat'"},
		{"misbehave", "init-share", -EPROTO, "init() made the system call 'mmap'"},
		{"misbehave", "init-stack", -EPROTO, "init() made the system call 'mmap'"},
		{"misbehave", "load-outlive", -EPROTO, "loading made the system call 'prctl'"},
		{"misbehave", "load-limit", -EPROTO, "loading made the system call 'prlimit64'"},
		{"misbehave", "load-write", -EPROTO, "loading made the system call 'openat'"},
		{"nowhere", NULL, -ENOENT, "there is no policy 'nowhere'"},
		{"other-abi", NULL, -EPROTO, "was built for ABI 2"},
		{"no-symbol", NULL, -ENOEXEC, "exports no 'sluice_policy'"},
		{"unresolved", NULL, -ENOEXEC, "nobody_has_this"},
		{"misbehave", "unknown-key", -EINVAL, "has no setting"},
		{"hotness", "x", -EINVAL, "has no setting 'how'"},
	};
	size_t files = open_files();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct plugin_setting setting = {"how", cases[i].how};
		struct isolate *isolate = (struct isolate *)&setting;
		int r;

		if (cases[i].how && strcmp(cases[i].how, "unknown-key") == 0)
			setting.key = "unknown";
		err.msg[0] = '\0';
		r = isolate_new(&options, cases[i].name, folders, &setting, cases[i].how ? 1 : 0,
				&isolate, &err);
		if (r != cases[i].r || !strstr(err.msg, cases[i].says))
			fail_msg("%s: %d %s", cases[i].name, r, err.msg);
		assert_ptr_equal(isolate, &setting);
	}
	assert_false(children());
	assert_int_equal(open_files(), files);
	struct policy_process_options odd = options;
	struct isolate *isolate = NULL;

	odd.program = "/nowhere/sluice-policy";
	assert_int_equal(isolate_new(&odd, "hotness", folders, NULL, 0, &isolate, &err), -ENOENT);
	assert_non_null(strstr(err.msg, "/nowhere/sluice-policy"));
}

/* fini() gets its moment, not more. */
static void
ending_is_not_waited_for(void **state)
{
	struct isolate *isolate = misbehaving("fini-loop", "1");
	struct timespec a, b;

	(void)state;
	assert_int_equal(decide(isolate, 1000), 0);
	clock_gettime(CLOCK_MONOTONIC, &a);
	isolate_free(isolate);
	clock_gettime(CLOCK_MONOTONIC, &b);
	assert_true(b.tv_sec - a.tv_sec < 5);
	assert_false(children());
}

static long
status_number(int pid, const char *key, int base)
{
	char path[64], line[256];
	FILE *file;
	long value = -1;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "re");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		if (strncmp(line, key, strlen(key)) == 0)
			value = strtol(line + strlen(key) + 1, NULL, base);
	fclose(file);
	return value;
}

static void
the_cage_is_shut(void **state)
{
	struct isolate *isolate = misbehaving("not", "1");
	struct isolate_status status;
	char path[64];
	DIR *dir;
	int files = 0;

	(void)state;
	assert_int_equal(decide(isolate, 1000), 0);
	isolate_get_status(isolate, 1000, &status);
	assert_int_equal(status_number(status.pid, "Seccomp:", 10), 2);
	assert_int_equal(status_number(status.pid, "NoNewPrivs:", 10), 1);
	assert_int_equal(status_number(status.pid, "CapEff:", 16), 0);
	assert_int_equal(status_number(status.pid, "CapPrm:", 16), 0);
	assert_int_equal(status_number(status.pid, "Threads:", 10), 1);
	snprintf(path, sizeof(path), "/proc/%d/fd", status.pid);
	dir = opendir(path); /* as root; others may not look, which is as it should be */
	for (struct dirent *entry; dir && (entry = readdir(dir));)
		files += entry->d_name[0] != '.';
	if (dir)
		closedir(dir);
	assert_int_equal(files, 0);
	isolate_free(isolate);
}

/* When the engine is killed, nothing of it stays. */
static void
dies_with_its_parent(void **state)
{
	int ends[2], pid = 0, status;
	pid_t child;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	/* What is orphaned comes to us, so that we can wait for it. */
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	child = fork();
	if (child == 0) {
		struct isolate *isolate = misbehaving("not", "1");
		struct isolate_status now;

		isolate_get_status(isolate, 0, &now);
		if (write(ends[1], &now.pid, sizeof(now.pid)) < 0)
			_exit(1);
		raise(SIGKILL);
	}
	assert_int_equal(read(ends[0], &pid, sizeof(pid)), sizeof(pid));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	close(ends[0]);
	close(ends[1]);
}

/* Views that lie in the shared memory are not copied, and are the same to the policy. */
static void
views_in_shared_memory(void **state)
{
	struct policy_process_options shared = options;
	struct isolate *isolate = NULL;
	struct sluice_region *there;
	struct isolate_status status;

	(void)state;
	shared.view_bytes = sizeof(regions) * 4;
	assert_int_equal(isolate_new(&shared, "misbehave", folders, NULL, 0, &isolate, &err), 0);
	there = isolate_view_memory(isolate);
	assert_non_null(there);
	make_view(1000);
	memcpy(there + REGIONS, regions, sizeof(regions));
	view.regions = there + REGIONS;
	plan_begin(&plan, &view);
	assert_int_equal(isolate_policy(isolate)->decide(isolate, &view, &plan, &err), 0);
	assert_policy_decided();
	/* Without regions, and with more than was planned. */
	view.region_count = 0;
	plan_begin(&plan, &view);
	assert_int_equal(isolate_policy(isolate)->decide(isolate, &view, &plan, &err), 0);
	assert_int_equal(plan.count, 0);
	isolate_get_status(isolate, 1000, &status);
	assert_int_equal(status.safe, 0);
	isolate_free(isolate);
}

static void
cards_are_read(void **state)
{
	struct policy_process *process = NULL;

	(void)state;
	assert_int_equal(policy_process_new(&options, "good", folders, NULL, 0, &process, &err), 0);
	assert_int_equal(policy_process_start(process, 1, &err), 0);
	assert_false(policy_process_runs(process));
	assert_string_equal(policy_process_card(process)->name, "good");
	assert_string_equal(policy_process_card(process)->summary, "repeats what it was told");
	assert_int_equal(policy_process_card(process)->param_count, 2);
	assert_string_equal(policy_process_card(process)->params[0].key, "color");
	assert_string_equal(policy_process_card(process)->params[1].fallback, "7");
	policy_process_free(process);
}

static int
set_up(void **state)
{
	(void)state;
	return plan_init(&plan, 1000, &err);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_wrong_costs_one_decision),
		cmocka_unit_test(memory_is_refused),
		cmocka_unit_test(declining_is_no_fault),
		cmocka_unit_test(sentences_are_made_plain),
		cmocka_unit_test(work_after_the_answer_is_seen),
		cmocka_unit_test(offenders_are_benched),
		cmocka_unit_test(killed_from_outside),
		cmocka_unit_test(starting_fails),
		cmocka_unit_test(ending_is_not_waited_for),
		cmocka_unit_test(the_cage_is_shut),
		cmocka_unit_test(dies_with_its_parent),
		cmocka_unit_test(views_in_shared_memory),
		cmocka_unit_test(cards_are_read),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
