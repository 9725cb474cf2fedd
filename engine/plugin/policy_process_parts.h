/* SPDX-License-Identifier: Apache-2.0 */
/* policy_process_parts.h - what the files about a policy's process share; nobody else includes it,
 * but the fuzzer of plans. */
#ifndef PLUGIN_POLICY_PROCESS_PARTS_H
#define PLUGIN_POLICY_PROCESS_PARTS_H

#include <limits.h>

#include "channel.h"
#include "policy_process.h"

struct policy_process {
	struct {
		char program[PATH_MAX];
		size_t entry_max, view_bytes;
		size_t view_bytes_all; /* of the file: head, view_bytes, room for a copy */
		uint64_t decide_ms;
	} options;
	char path[PATH_MAX]; /* of the policy */
	const struct plugin_setting *settings;
	size_t setting_count;
	int policy_fd, view_fd, plan_fd;

	struct channel_view *view;  /* ours to write */
	size_t copy_offset;         /* where views are copied to that lie elsewhere */
	struct channel_plan *plan;  /* theirs */
	struct channel_move *moves; /* theirs */
	uint32_t asked;
	pid_t pid;                /* 0: none */
	uint64_t answered_cpu_ns; /* its CPU time when it had answered last */
	struct policy_card card;
};

/* policy_spawn.c: shared memory, and a process that starts. */
int policy_spawn(struct policy_process *process, struct sluice_err *reterr);

/* policy_fault.c: sentences, and texts of strangers made safe to print. */
const char *policy_phase_name(uint32_t phase);
int policy_fault_tell(const struct channel_plan *plan, int wait_status, size_t view_bytes,
		      enum policy_fault *ret_fault, struct sluice_err *reterr);
void policy_text_mend(char *text, size_t size);
void policy_card_mend(struct policy_card *card);

/* Check what a policy's process wrote and add it to a plan: all of it, or with -EPROTO nothing. */
int policy_plan_take(const struct channel_plan *shared, const struct channel_move *moves,
		     uint64_t moves_max, struct sluice_plan *plan, enum policy_fault *ret_fault,
		     struct sluice_err *reterr);

#endif
