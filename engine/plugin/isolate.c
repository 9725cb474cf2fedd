/* SPDX-License-Identifier: Apache-2.0 */
/* isolate.c - see isolate.h. */
#include "isolate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "safe_policy.h"

struct isolate {
	struct sluice_policy policy; /* what the round sees */
	char name[64];
	struct policy_process *process;
	struct isolate_status status;
	unsigned int strikes;
	uint64_t fault_ms, benched_until_ms; /* 0: never */
	int was_declined;                    /* the last decision, so it was told already */
};

static uint64_t
bench_ms(unsigned int strikes)
{
	uint64_t ms = ISOLATE_BENCH_MS;

	if (strikes <= ISOLATE_STRIKES_FREE)
		return 0;
	while (--strikes > ISOLATE_STRIKES_FREE && ms < ISOLATE_BENCH_MS_MAX)
		ms *= 2;
	return ms < ISOLATE_BENCH_MS_MAX ? ms : ISOLATE_BENCH_MS_MAX;
}

static void
strike(struct isolate *isolate, enum policy_fault fault, const struct sluice_err *err,
       uint64_t now_ms)
{
	struct isolate_status *status = &isolate->status;
	uint64_t bench;

	status->faults[fault]++;
	snprintf(status->fault, sizeof(status->fault), "%.199s", err->msg);
	isolate->fault_ms = now_ms;
	isolate->strikes++;
	/* Who wrote garbage may have it in its own memory too. */
	policy_process_end(isolate->process);
	bench = bench_ms(isolate->strikes);
	isolate->benched_until_ms = bench ? now_ms + bench : 0;
	if (bench)
		log_warn("policy",
			 "%s: %s; that was fault %u, so the safe policy decides for the next %llu "
			 "s",
			 isolate->name, err->msg, isolate->strikes,
			 (unsigned long long)bench / 1000);
	else
		log_warn("policy",
			 "%s: %s; the safe policy decides this round, and it is started "
			 "anew",
			 isolate->name, err->msg);
}

/* 0: it runs. */
static int
revive(struct isolate *isolate, uint64_t now_ms)
{
	struct sluice_err err = {0, ""};

	if (isolate->strikes && now_ms - isolate->fault_ms > ISOLATE_FORGET_MS)
		isolate->strikes = 0;
	if (policy_process_runs(isolate->process))
		return 0;
	if (isolate->benched_until_ms && now_ms < isolate->benched_until_ms)
		return -1;
	isolate->benched_until_ms = 0;
	isolate->status.starts++;
	if (policy_process_start(isolate->process, 0, &err) == 0)
		return 0;
	strike(isolate, POLICY_FAULT_START, &err, now_ms);
	return -1;
}

static int
isolate_decide(void *self, const struct sluice_view *view, struct sluice_plan *plan,
	       struct sluice_err *reterr)
{
	struct isolate *isolate = self;
	enum policy_fault fault = POLICY_FAULT_NONE;
	struct sluice_err err = {0, ""};
	int r = revive(isolate, view->now_ms);

	(void)reterr;
	if (r == 0) {
		r = policy_process_decide(isolate->process, view, plan, &fault, &err);
		if (r == 0) {
			isolate->status.safe = isolate->was_declined = 0;
			return 0;
		}
		if (fault) {
			strike(isolate, fault, &err, view->now_ms);
		} else {
			isolate->status.declined++;
			snprintf(isolate->status.fault, sizeof(isolate->status.fault), "%.199s",
				 err.msg);
			isolate->fault_ms = view->now_ms;
			if (!isolate->was_declined)
				log_warn("policy",
					 "%s cannot decide: %s; the safe policy does, until it can",
					 isolate->name, err.msg);
		}
		isolate->was_declined = !fault;
	}
	isolate->status.safe = 1;
	isolate->status.safe_rounds++;
	safe_policy_decide(view, plan);
	return 0;
}

int
isolate_new(const struct policy_process_options *options, const char *name,
	    const char *const *folders, const struct plugin_setting *settings, size_t setting_count,
	    struct isolate **ret, struct sluice_err *reterr)
{
	struct isolate *isolate = calloc(1, sizeof(*isolate));
	int r;

	if (!isolate)
		return sluice_fail(reterr, -ENOMEM, "no memory for a policy's process");
	r = policy_process_new(options, name, folders, settings, setting_count, &isolate->process,
			       reterr);
	if (r == 0)
		r = policy_process_start(isolate->process, 0, reterr);
	if (r < 0) {
		isolate_free(isolate);
		return r;
	}
	isolate->status.starts = 1;
	snprintf(isolate->name, sizeof(isolate->name), "%s",
		 policy_process_card(isolate->process)->name);
	isolate->policy = (struct sluice_policy){
		.abi = SLUICE_POLICY_ABI,
		.size = sizeof(isolate->policy),
		.name = isolate->name,
		.summary = policy_process_card(isolate->process)->summary,
		.decide = isolate_decide,
	};
	*ret = isolate;
	return 0;
}

void
isolate_free(struct isolate *isolate)
{
	if (!isolate)
		return;
	policy_process_free(isolate->process);
	free(isolate);
}

const struct sluice_policy *
isolate_policy(const struct isolate *isolate)
{
	return &isolate->policy;
}

void *
isolate_view_memory(const struct isolate *isolate)
{
	return policy_process_view_memory(isolate->process);
}

void
isolate_get_status(const struct isolate *isolate, uint64_t now_ms, struct isolate_status *ret)
{
	*ret = isolate->status;
	ret->pid = (int)policy_process_pid(isolate->process);
	ret->fault_age_ms =
		ret->fault[0] && now_ms > isolate->fault_ms ? now_ms - isolate->fault_ms : 0;
	if (!ret->pid && isolate->benched_until_ms > now_ms)
		ret->benched_ms = isolate->benched_until_ms - now_ms;
}
