/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_process.h - one policy in a process of its own: starting, asking, ending it.
 *
 * The process (program sluice-policy, host/) has no descriptor, no right, and no system call but
 * those for waiting and exiting; it reads views in shared memory that it cannot write, and writes
 * its plan where nothing else lies. What it does wrong costs a decision and is told as a fault.
 * One thread at a time; the process dies with the thread that started it.
 */
#ifndef PLUGIN_POLICY_PROCESS_H
#define PLUGIN_POLICY_PROCESS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "plan.h"
#include "plugin.h"
#include "policy_card.h"
#include "sluice/err.h"

enum policy_fault {
	POLICY_FAULT_NONE,
	POLICY_FAULT_CRASH,   /* a fatal signal of its own making */
	POLICY_FAULT_SYSCALL, /* asked the kernel for something */
	POLICY_FAULT_TIME,    /* did not come to an end */
	POLICY_FAULT_EXIT,    /* ended its process, or somebody ended it */
	POLICY_FAULT_PLAN,    /* asked for what is not there */
	POLICY_FAULT_START,   /* did not start again */
	POLICY_FAULTS
};

const char *policy_fault_name(enum policy_fault fault); /* "crash", ... */

struct policy_process;

struct policy_process_options {
	const char *program; /* the host program; NULL: "sluice-policy" near the running program */
	size_t entry_max;    /* of a view, and moves of a plan */
	size_t view_bytes;   /* that views can be made in, see below; 0: they are copied */
	uint64_t decide_ms;  /* of CPU time that a decision may take; four times that in all */
	uint64_t list_ms;    /* policy_process_list(): after that no more is looked at; 0: 10 s */
};

/* Look up the policy's file as plugin_load() does, check what can be checked from outside, and make
 * the shared memory. Nothing of the policy runs yet. Errors as of plugin_load(); -ENOENT also when
 * there is no host program. settings are borrowed. */
int policy_process_new(const struct policy_process_options *options, const char *name,
		       const char *const *folders, const struct plugin_setting *settings,
		       size_t setting_count, struct policy_process **ret,
		       struct sluice_err *reterr);
void policy_process_free(struct policy_process *process); /* ends it; NULL is fine */

/* Start the process and the policy's init(), or with card_only stop short of init(): the process is
 * gone then. -errno as of plugin_load(), -ENOTSUP: no seccomp here; -ETIMEDOUT, or -EPROTO when it
 * crashed on the way. */
int policy_process_start(struct policy_process *process, int card_only, struct sluice_err *reterr);
/* fini(), as long as it is quick, and the end. Not running is fine. */
void policy_process_end(struct policy_process *process);

/* One decision, into a plan that was begun for the view. -errno: nothing was added to it, and
 * *ret_fault tells whether that was the policy's own answer (NONE: what its decide() gave) or a
 * fault; after one but PLAN the process is gone. */
int policy_process_decide(struct policy_process *process, const struct sluice_view *view,
			  struct sluice_plan *plan, enum policy_fault *ret_fault,
			  struct sluice_err *reterr);

int policy_process_runs(const struct policy_process *process);
pid_t policy_process_pid(const struct policy_process *process); /* 0: none */
const char *policy_process_path(const struct policy_process *process);
/* Of the last start. */
const struct policy_card *policy_process_card(const struct policy_process *process);
/* Page-aligned, view_bytes long: regions of a view that lie in it are not copied. */
void *policy_process_view_memory(const struct policy_process *process);

/* All *.so of the folders, by name, each looked at in a process of its own; those that would not
 * load, or whose turn did not come within list_ms, come with `problem` set. It takes that and one
 * policy's start at most. The callback runs for each; card is NULL when there is a problem,
 * and borrowed for the call. */
int policy_process_list(const struct policy_process_options *options, const char *const *folders,
			void (*each)(void *ctx, const char *path, const struct policy_card *card,
				     const char *problem),
			void *ctx, struct sluice_err *reterr);

#endif
