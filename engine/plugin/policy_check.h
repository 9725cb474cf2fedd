/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_check.h - does a policy keep the contract of policy.h? For `sluice policy check`.
 *
 * The policy runs in a process of its own, on views that are made up: whatever it does, the checks
 * go on. A check that fails is a bug of the policy's; a warning is a thing that costs or gains
 * nothing, which the engine corrects.
 */
#ifndef PLUGIN_POLICY_CHECK_H
#define PLUGIN_POLICY_CHECK_H

#include "policy_process.h"

enum check_verdict { CHECK_OK, CHECK_WARNING, CHECK_FAILED };

struct policy_check_row {
	const char *check; /* what was looked at, in a word or two */
	enum check_verdict verdict;
	char detail[400]; /* a sentence, or "" */
};

/* The time of one decision: the best of a few, as the machine may be busy with other things. */
struct policy_check_time {
	uint64_t regions, bytes; /* what the view stands for */
	double best_ms;          /* negative: it did not decide */
};

struct policy_check_options {
	const char *path; /* of the policy; a name is looked up in the folders */
	const char *const *folders;
	const struct plugin_setting *settings;
	size_t setting_count;
	uint64_t decide_ms; /* as in policy_process.h */
	int quick;          /* no more than 1 TiB */
};

struct policy_check_report {
	char path[4096];
	struct policy_card card; /* name "": it did not even load */
	struct policy_check_row rows[64];
	size_t row_count;
	struct policy_check_time times[4];
	size_t time_count;
	unsigned int failed, warnings;
};

/* 0 whatever comes out; -errno when nothing could be checked: no such file, no host program. ret is
 * about 40 KiB. */
int policy_check(const struct policy_check_options *options, struct policy_check_report *ret,
		 struct sluice_err *reterr);

#endif
