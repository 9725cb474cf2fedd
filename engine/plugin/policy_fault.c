/* SPDX-License-Identifier: Apache-2.0 */
/* policy_fault.c - what became of a policy's process, in a sentence. What is known of it was
 * written by that process, so it is told, and nothing rests on it. */
#include <errno.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "policy_process_parts.h"

#define NEAR_NULL 65536u

const char *
policy_fault_name(enum policy_fault fault)
{
	static const char *const names[POLICY_FAULTS] = {"none", "crash", "system-call", "time",
							 "exit", "plan",  "start"};

	return fault < POLICY_FAULTS ? names[fault] : "unknown";
}

/* The subject of a sentence. */
const char *
policy_phase_name(uint32_t phase)
{
	switch (phase) {
	case CHANNEL_STARTING:
		return "its process";
	case CHANNEL_LOADING:
		return "loading";
	case CHANNEL_INIT:
		return "init()";
	case CHANNEL_DECIDING:
		return "decide()";
	case CHANNEL_ENDING:
		return "fini()";
	default:
		return "it";
	}
}

static int
tell_syscall(const struct channel_plan *plan, struct sluice_err *reterr)
{
	uint32_t number = plan->fault_syscall;
	char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, (int)number);
	const char *where = policy_phase_name(plan->phase), *why = "";
	int r;

	if (name && (strcmp(name, "write") == 0 || strcmp(name, "writev") == 0))
		why = ": it printed something";
	else if (name && (strcmp(name, "rt_sigprocmask") == 0 || strcmp(name, "tgkill") == 0 ||
			  strcmp(name, "gettid") == 0))
		why = ": it aborted";
	r = sluice_fail(reterr, -EPROTO,
			"%s made the system call '%s', and policies may make none%s", where,
			name ? name : "?", why);
	free(name);
	return r;
}

static int
tell_signal(const struct channel_plan *plan, int signal, size_t view_bytes,
	    struct sluice_err *reterr)
{
	const char *where = policy_phase_name(plan->phase), *name = sigabbrev_np(signal);
	uint64_t addr = plan->fault_addr;

	if (signal == SIGSEGV && addr - plan->view_addr < view_bytes)
		return sluice_fail(reterr, -EPROTO,
				   "%s crashed: it wrote to the view, which is read-only", where);
	if (signal == SIGSEGV && addr < NEAR_NULL)
		return sluice_fail(reterr, -EPROTO, "%s crashed: it followed a null pointer",
				   where);
	if (signal == SIGFPE)
		return sluice_fail(reterr, -EPROTO, "%s crashed: it divided by zero", where);
	if (signal == SIGILL || signal == SIGTRAP)
		return sluice_fail(reterr, -EPROTO, "%s crashed: it ran into a trap (SIG%s)", where,
				   name);
	return sluice_fail(reterr, -EPROTO, "%s crashed (SIG%s at address 0x%llx)", where,
			   name ? name : "?", (unsigned long long)addr);
}

int
policy_fault_tell(const struct channel_plan *plan, int wait_status, size_t view_bytes,
		  enum policy_fault *ret_fault, struct sluice_err *reterr)
{
	uint32_t signal = atomic_load(&plan->signal);

	if (signal == SIGSYS) {
		*ret_fault = POLICY_FAULT_SYSCALL;
		return tell_syscall(plan, reterr);
	}
	if (signal) {
		*ret_fault = POLICY_FAULT_CRASH;
		return tell_signal(plan, (int)signal, view_bytes, reterr);
	}
	*ret_fault = POLICY_FAULT_EXIT;
	if (WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == SIGKILL)
		return sluice_fail(reterr, -EPROTO,
				   "its process was killed, by the kernel when memory was short or "
				   "by somebody");
	if (WIFSIGNALED(wait_status))
		return sluice_fail(reterr, -EPROTO, "its process was ended by SIG%s",
				   sigabbrev_np(WTERMSIG(wait_status)));
	return sluice_fail(reterr, -EPROTO, "%s ended its process (exit status %d)",
			   policy_phase_name(plan->phase), WEXITSTATUS(wait_status));
}

/* It ends, and holds nothing that begins a line of the log or speaks to a terminal (C0, DEL, and C1
 * as UTF-8). */
void
policy_text_mend(char *text, size_t size)
{
	unsigned char last = 0;

	text[size - 1] = '\0';
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (last == 0xc2 && c >= 0x80 && c < 0xa0)
			text[-1] = text[0] = '?';
		else if (c < 0x20 || c == 0x7f)
			*text = '?';
		last = c;
	}
}

void
policy_card_mend(struct policy_card *card)
{
	if (card->param_count > POLICY_CARD_PARAMS_MAX)
		card->param_count = POLICY_CARD_PARAMS_MAX;
	policy_text_mend(card->name, sizeof(card->name));
	policy_text_mend(card->summary, sizeof(card->summary));
	for (uint32_t i = 0; i < card->param_count; i++) {
		policy_text_mend(card->params[i].key, sizeof(card->params[i].key));
		policy_text_mend(card->params[i].fallback, sizeof(card->params[i].fallback));
		policy_text_mend(card->params[i].help, sizeof(card->params[i].help));
	}
}
