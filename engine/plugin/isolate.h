/* SPDX-License-Identifier: Apache-2.0 */
/*
 * isolate.h - a policy that looks to the round like any other, and runs in a process of its own.
 *
 * When that process crashes, hangs or writes garbage, the decision is made by the safe policy
 * (safe_policy.h), and the process is started anew for the next one. A policy that does so again
 * and again is benched: not before a time is over, longer each time, is it tried again. One thread
 * at a time.
 */
#ifndef PLUGIN_ISOLATE_H
#define PLUGIN_ISOLATE_H

#include "policy_process.h"

/* So many faults are forgiven at once; each one more doubles the time on the bench. */
#define ISOLATE_STRIKES_FREE 2u
#define ISOLATE_BENCH_MS 10000u
#define ISOLATE_BENCH_MS_MAX 600000u
#define ISOLATE_FORGET_MS 600000u /* without a fault; then all are forgotten */

struct isolate_status {
	int pid;         /* of the policy's process, 0: none runs just now */
	int safe;        /* 1: the last decision was the safe policy's */
	uint64_t starts; /* of the process, the first included */
	uint64_t faults[POLICY_FAULTS];
	uint64_t declined; /* decisions that the policy itself said it could not make */
	uint64_t safe_rounds;
	uint64_t benched_ms; /* from now on until the policy is tried again; 0: it is not benched */
	uint64_t fault_age_ms;
	char fault[200]; /* the last one in a sentence, or "" */
};

struct isolate;

/* Starts the policy. Errors as of policy_process_new() and policy_process_start(). settings are
 * borrowed until isolate_free(). */
int isolate_new(const struct policy_process_options *options, const char *name,
		const char *const *folders, const struct plugin_setting *settings,
		size_t setting_count, struct isolate **ret, struct sluice_err *reterr);
void isolate_free(struct isolate *isolate); /* NULL is fine */

/* For the round's parts: its self is the isolate. Borrowed. */
const struct sluice_policy *isolate_policy(const struct isolate *isolate);
void *isolate_view_memory(const struct isolate *isolate);

/* now_ms as in views. */
void isolate_get_status(const struct isolate *isolate, uint64_t now_ms, struct isolate_status *ret);

#endif
