/* SPDX-License-Identifier: Apache-2.0 */
/* policy_process.c - see policy_process.h; how the process itself is made is policy_spawn.c. */
#include "policy_process.h"

#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "policy_process_parts.h"

#define NS_PER_MS 1000000ull
#define LOOK_NS (5 * NS_PER_MS) /* how often a wait looks whether the process still is there */
#define START_TIMES 2u          /* of a decision's CPU time, to load and for init(), */
#define START_MS_LEAST 1000u    /* and this in any case */
#define END_MS 100u             /* for fini() */
#define START_MS_MOST 5000u
#define WALL_TIMES 4u /* a busy machine may be that much slower */

static uint64_t
cpu_ns(pid_t pid)
{
	struct timespec ts;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &ts) < 0)
		return 0;
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* The process ended, or says that it is about to; what it was doing is in the channel, as far as it
 * is to be believed: we wait for nothing that it promises. */
static int
ended(struct policy_process *process, enum policy_fault *ret_fault, struct sluice_err *reterr)
{
	int status = 0;

	kill(process->pid, SIGKILL); /* it is ours until we have waited for it */
	while (waitpid(process->pid, &status, 0) < 0 && errno == EINTR)
		continue;
	process->pid = 0;
	return policy_fault_tell(process->plan, status, process->options.view_bytes_all, ret_fault,
				 reterr);
}

static void
kill_now(struct policy_process *process)
{
	if (!process->pid)
		return;
	kill(process->pid, SIGKILL);
	while (waitpid(process->pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	process->pid = 0;
}

static int
has_ended(const struct policy_process *process)
{
	siginfo_t info = {0};

	return waitid(P_PID, (id_t)process->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 ||
	       info.si_pid != 0;
}

static void
sleep_for_answer(struct channel_plan *plan, uint32_t last)
{
	struct timespec slice = {0, LOOK_NS};

	atomic_store(&plan->engine_sleeps, 1);
	if (atomic_load(&plan->answered) == last)
		syscall(SYS_futex, &plan->answered, FUTEX_WAIT, last, &slice, NULL, 0);
	atomic_store(&plan->engine_sleeps, 0);
}

/* Wait until the number of answers is another than `last`. -ETIMEDOUT: the process used up its CPU
 * time, or four times that have passed; it is killed. -EPROTO: it has ended. */
static int
wait_for_answer(struct policy_process *process, uint32_t last, uint64_t cpu_ms,
		enum policy_fault *ret_fault, struct sluice_err *reterr)
{
	struct channel_plan *plan = process->plan;
	uint64_t began_ns = clock_now_ns(), began_cpu_ns = cpu_ns(process->pid), now_ns;
	uint64_t limit_ns = cpu_ms * NS_PER_MS;

	do {
		if (atomic_load(&plan->answered) != last)
			return atomic_load(&plan->signal) ? ended(process, ret_fault, reterr) : 0;
		now_ns = clock_now_ns();
		if (now_ns - began_ns < CHANNEL_SPIN_ENGINE_NS)
			continue;
		sleep_for_answer(plan, last);
		if (atomic_load(&plan->answered) == last && has_ended(process))
			return ended(process, ret_fault, reterr);
	} while (now_ns - began_ns < limit_ns || (now_ns - began_ns < WALL_TIMES * limit_ns &&
						  cpu_ns(process->pid) - began_cpu_ns < limit_ns));
	kill_now(process);
	*ret_fault = POLICY_FAULT_TIME;
	return sluice_fail(reterr, -ETIMEDOUT, "%s has not come to an end within %llu ms",
			   policy_phase_name(plan->phase), (unsigned long long)cpu_ms);
}

/* Ask, and wake who sleeps. Returns the number of answers so far. */
static uint32_t
ask(struct policy_process *process, enum channel_verb verb)
{
	struct channel_plan *plan = process->plan;
	uint32_t last = atomic_load(&plan->answered);

	process->view->asked_verb = verb;
	atomic_store(&plan->asked, ++process->asked);
	if (atomic_load(&plan->policy_sleeps))
		syscall(SYS_futex, &plan->asked, FUTEX_WAKE, 1, NULL, NULL, 0);
	return last;
}

/* What init() or decide() gave; read once, as it may be another the next time. */
static int
result_of(const struct channel_plan *plan)
{
	int32_t result = *(const volatile int32_t *)&plan->result;

	return result > -4096 ? result : -EPROTO;
}

/* A sentence that the process wrote. */
static void
copy_err(const struct channel_plan *plan, struct sluice_err *ret)
{
	memcpy(ret, &plan->err, sizeof(*ret));
	policy_text_mend(ret->msg, sizeof(ret->msg));
}

int
policy_process_start(struct policy_process *process, int card_only, struct sluice_err *reterr)
{
	struct channel_plan *plan = process->plan;
	enum policy_fault fault = POLICY_FAULT_NONE;
	struct sluice_err err = {0, ""};
	uint64_t start_ms = START_TIMES * process->options.decide_ms;
	int r;

	if (start_ms < START_MS_LEAST)
		start_ms = START_MS_LEAST;
	if (start_ms > START_MS_MOST)
		start_ms = START_MS_MOST;
	policy_process_end(process);
	memset(plan, 0, sizeof(*plan));
	process->asked = 0;
	process->view->asked_verb = card_only ? CHANNEL_QUIT : CHANNEL_DECIDE;
	r = policy_spawn(process, reterr);
	if (r < 0)
		return r;
	r = wait_for_answer(process, 0, start_ms, &fault, &err);
	memcpy(&process->card, &plan->card, sizeof(process->card));
	policy_card_mend(&process->card);
	if (r < 0) {
		kill_now(process);
		return sluice_fail(reterr, r, "the policy '%s' does not start: %s", process->path,
				   err.msg);
	}
	r = result_of(plan);
	if (r < 0) {
		copy_err(plan, &err);
		kill_now(process);
		return sluice_fail(reterr, r, "%s", err.msg);
	}
	process->answered_cpu_ns = cpu_ns(process->pid);
	if (card_only)
		kill_now(process);
	return 0;
}

void
policy_process_end(struct policy_process *process)
{
	enum policy_fault fault;
	uint32_t last;

	if (!process->pid)
		return;
	last = ask(process, CHANNEL_QUIT);
	(void)wait_for_answer(process, last, END_MS, &fault, NULL);
	kill_now(process);
}

/* Put the view where the process sees it: its regions where they are, if that is in the memory that
 * is shared, or else as a copy. */
static int
hand_over(struct policy_process *process, const struct sluice_view *view, struct sluice_err *reterr)
{
	struct channel_view *head = process->view;
	const char *file = (const char *)head, *regions = view->regions;
	size_t view_size = view->size < sizeof(head->view) ? view->size : sizeof(head->view);
	size_t tiers_bytes = (size_t)view->tier_count * view->tier_stride;
	size_t regions_bytes = (size_t)view->region_count * view->region_stride;

	if (tiers_bytes > sizeof(head->tiers) || view->region_count > process->options.entry_max)
		return sluice_fail(reterr, -E2BIG,
				   "a view of %u tiers and %llu regions is larger than was planned",
				   view->tier_count, (unsigned long long)view->region_count);
	memset(&head->view, 0, sizeof(head->view));
	memcpy(&head->view, view, view_size);
	head->view.tiers = head->view.regions = NULL;
	memcpy(head->tiers, view->tiers, tiers_bytes);
	head->tiers_offset = offsetof(struct channel_view, tiers);
	if (regions >= file && regions + regions_bytes <= file + process->copy_offset) {
		head->regions_offset = (uint64_t)(regions - file);
		return 0;
	}
	if (regions_bytes > process->options.view_bytes_all - process->copy_offset)
		return sluice_fail(reterr, -E2BIG, "a view of %llu regions does not fit",
				   (unsigned long long)view->region_count);
	if (regions_bytes)
		memcpy((char *)process->view + process->copy_offset, regions, regions_bytes);
	head->regions_offset = process->copy_offset;
	return 0;
}

static int
fail_wrong(const struct channel_move *wrong, uint64_t count, enum policy_fault *ret_fault,
	   struct sluice_err *reterr)
{
	*ret_fault = POLICY_FAULT_PLAN;
	return sluice_fail(
		reterr, -EPROTO,
		"its plan is none: %llu of its moves are wrong, the first of region %llu "
		"to tier %u with a gain of %g",
		(unsigned long long)count, (unsigned long long)wrong->region, wrong->tier,
		(double)wrong->gain);
}

/* Invariant 16: all of the plan, or nothing. */
int
policy_plan_take(const struct channel_plan *shared, const struct channel_move *moves,
		 uint64_t moves_max, struct sluice_plan *plan, enum policy_fault *ret_fault,
		 struct sluice_err *reterr)
{
	uint64_t count = *(const volatile uint64_t *)&shared->move_count;
	uint64_t wrong_count = *(const volatile uint64_t *)&shared->wrong_count;
	struct channel_move wrong = shared->wrong;

	if (wrong_count)
		return fail_wrong(&wrong, wrong_count, ret_fault, reterr);
	if (count > moves_max) {
		*ret_fault = POLICY_FAULT_PLAN;
		return sluice_fail(reterr, -EPROTO,
				   "its plan is none: it is said to have %llu moves, of %llu at "
				   "most",
				   (unsigned long long)count, (unsigned long long)moves_max);
	}
	for (uint64_t i = 0; i < count; i++) {
		const volatile struct channel_move *at = &moves[i];
		struct channel_move move = {at->region, at->tier, at->gain};

		if (plan_ask(plan, move.region, move.tier, move.gain) < 0) {
			plan_begin(plan, plan->view);
			return fail_wrong(&move, 1, ret_fault, reterr);
		}
	}
	return 0;
}

int
policy_process_decide(struct policy_process *process, const struct sluice_view *view,
		      struct sluice_plan *plan, enum policy_fault *ret_fault,
		      struct sluice_err *reterr)
{
	struct channel_plan *shared = process->plan;
	int r;

	*ret_fault = POLICY_FAULT_NONE;
	if (!process->pid) {
		*ret_fault = POLICY_FAULT_EXIT;
		return sluice_fail(reterr, -ESRCH, "its process does not run");
	}
	/* Who answers before it is done could take a CPU for ever, unseen by wait_for_answer(). */
	if (cpu_ns(process->pid) >
	    process->answered_cpu_ns + process->options.decide_ms * NS_PER_MS) {
		kill_now(process);
		*ret_fault = POLICY_FAULT_TIME;
		return sluice_fail(reterr, -ETIMEDOUT,
				   "it worked for more than %llu ms after its decision",
				   (unsigned long long)process->options.decide_ms);
	}
	r = hand_over(process, view, reterr);
	if (r < 0)
		return r;
	r = wait_for_answer(process, ask(process, CHANNEL_DECIDE), process->options.decide_ms,
			    ret_fault, reterr);
	if (r < 0)
		return r;
	process->answered_cpu_ns = cpu_ns(process->pid);
	r = result_of(shared);
	if (r < 0) {
		struct sluice_err err;

		copy_err(shared, &err);
		return sluice_fail(reterr, r, "%s",
				   err.msg[0] ? err.msg : "it failed without a reason");
	}
	return policy_plan_take(shared, process->moves, process->options.entry_max, plan, ret_fault,
				reterr);
}

int
policy_process_runs(const struct policy_process *process)
{
	return process->pid != 0;
}

pid_t
policy_process_pid(const struct policy_process *process)
{
	return process->pid;
}

const char *
policy_process_path(const struct policy_process *process)
{
	return process->path;
}

const struct policy_card *
policy_process_card(const struct policy_process *process)
{
	return &process->card;
}

void *
policy_process_view_memory(const struct policy_process *process)
{
	return process->options.view_bytes ? (char *)process->view + CHANNEL_VIEW_BYTES : NULL;
}
