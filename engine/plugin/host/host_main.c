/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host_main.c - main of sluice-policy, the process that a policy runs in. sluiced starts it.
 *
 *     sluice-policy PARENT-PID VIEW-BYTES MOVES-MAX POLICY-FILE [KEY VALUE]...
 * *
 * It maps the memory of channel.h, loads the policy, enters the cage step by step, and then waits
 * for views to decide on. A program of its own, not a fork of sluiced: that has threads, which a
 * fork would leave half-done, and memory that is none of a policy's business.
 */
#include <errno.h>
#include <linux/futex.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "cage.h"
#include "channel.h"
#include "clock.h"
#include "plugin_internal.h"

/* Opaque to policies. */
struct sluice_plan {
	struct channel_move *moves; /* shared */
	uint32_t *move_of_region;   /* 1 + index of the last ask for an entry, 0 none */
	uint64_t capacity, count;
	uint64_t region_count;
	uint32_t tier_count;
	uint64_t wrong_count;
	struct channel_move wrong;
};

static struct channel_plan *shared;
static const struct channel_view *asked_view;
static struct sluice_plan plan;

static void
answer(void)
{
	atomic_fetch_add(&shared->answered, 1);
	if (atomic_load(&shared->engine_sleeps))
		syscall(SYS_futex, &shared->answered, FUTEX_WAKE, 1, NULL, NULL, 0);
}

/* On a stack of its own, as the policy's may be what overflowed. */
static void
on_fatal(int signal, siginfo_t *info, void *context)
{
	(void)context;
	shared->fault_addr = (uint64_t)(uintptr_t)info->si_addr;
	shared->fault_syscall = signal == SIGSYS ? (uint32_t)info->si_syscall : 0;
	atomic_store(&shared->signal, (uint32_t)signal);
	answer();
	_exit(128 + signal);
}

static int
catch_signals(void)
{
	static const int fatal[] = {SIGSYS, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP};
	static char stack[65536];
	stack_t other = {.ss_sp = stack, .ss_size = sizeof(stack)};
	struct sigaction action = {.sa_sigaction = on_fatal, .sa_flags = SA_SIGINFO | SA_ONSTACK};

	if (sigaltstack(&other, NULL) < 0)
		return -errno;
	for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++) {
		if (sigaction(fatal[i], &action, NULL) < 0)
			return -errno;
	}
	return 0;
}

/* See policy.h; the engine asks the same of what arrives. */
static int
host_move(struct sluice_plan *p, uint64_t i, uint32_t tier, float gain)
{
	struct channel_move move = {i, tier, gain};
	uint64_t at;

	if (i >= p->region_count || i >= p->capacity || tier >= p->tier_count || isnan(gain)) {
		if (!p->wrong_count++)
			p->wrong = move;
		return -EINVAL;
	}
	at = p->move_of_region[i];
	if (!at) {
		if (p->count == p->capacity)
			return -ENOSPC;
		at = ++p->count;
		p->move_of_region[i] = (uint32_t)at;
	}
	p->moves[at - 1] = move;
	return 0;
}

static const struct sluice_host host = {.size = sizeof(host), .move = host_move};

static void
copy_text(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from ? from : "");
}

static void
fill_card(const struct sluice_policy *policy)
{
	struct policy_card *card = &shared->card;

	card->abi = policy->abi;
	card->size = policy->size;
	copy_text(card->name, sizeof(card->name), policy->name);
	copy_text(card->summary, sizeof(card->summary), policy->summary);
	for (const struct sluice_param *p = policy->params;
	     p && p->key && card->param_count < POLICY_CARD_PARAMS_MAX; p++) {
		struct policy_card_param *param = &card->params[card->param_count++];

		copy_text(param->key, sizeof(param->key), p->key);
		copy_text(param->fallback, sizeof(param->fallback), p->fallback);
		copy_text(param->help, sizeof(param->help), p->help);
	}
}

/* The next thing to do. Looks for a moment, as another view may follow at once (a replay); then
 * sleeps. */
static uint32_t
wait_for_ask(uint32_t last)
{
	uint64_t until_ns = clock_now_ns() + CHANNEL_SPIN_NS;
	uint32_t now;

	while ((now = atomic_load(&shared->asked)) == last) {
		if (clock_now_ns() < until_ns)
			continue;
		atomic_store(&shared->policy_sleeps, 1);
		if (atomic_load(&shared->asked) == last)
			syscall(SYS_futex, &shared->asked, FUTEX_WAIT, last, NULL, NULL, 0);
		atomic_store(&shared->policy_sleeps, 0);
	}
	return now;
}

static void
decide(struct plugin *plugin, const char *view_file)
{
	struct sluice_view view = asked_view->view;

	view.tiers = view_file + asked_view->tiers_offset;
	view.regions = view_file + asked_view->regions_offset;
	/* Only what the last plan touched, so that a short plan over a long view stays cheap. */
	for (uint64_t i = 0; i < plan.count; i++) {
		/* The shared copy may have been scribbled on. */
		if (plan.moves[i].region < plan.capacity)
			plan.move_of_region[plan.moves[i].region] = 0;
	}
	plan.count = plan.wrong_count = 0;
	plan.region_count = view.region_count;
	plan.tier_count = view.tier_count;
	shared->err.msg[0] = '\0';
	shared->phase = CHANNEL_DECIDING;
	shared->result =
		plugin_policy(plugin)->decide(plugin_self(plugin), &view, &plan, &shared->err);
	shared->phase = CHANNEL_WAITING;
	shared->move_count = plan.count;
	shared->wrong_count = plan.wrong_count;
	shared->wrong = plan.wrong;
}

static int
map_shared(uint64_t view_bytes, uint64_t moves_max, const char **ret_view)
{
	size_t plan_bytes = CHANNEL_PLAN_BYTES + moves_max * sizeof(struct channel_move);
	char *moves =
		mmap(NULL, plan_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, CHANNEL_PLAN_FD, 0);
	void *view = mmap(NULL, view_bytes, PROT_READ, MAP_SHARED, CHANNEL_VIEW_FD, 0);

	if (moves == MAP_FAILED || view == MAP_FAILED)
		return -errno;
	shared = (struct channel_plan *)(void *)moves;
	shared->view_addr = (uint64_t)(uintptr_t)view;
	plan.moves = (struct channel_move *)(void *)(moves + CHANNEL_PLAN_BYTES);
	plan.capacity = moves_max;
	plan.move_of_region =
		mmap(NULL, (moves_max + 1) * sizeof(*plan.move_of_region), PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (plan.move_of_region == MAP_FAILED)
		return -errno;
	asked_view = view;
	*ret_view = view;
	return 0;
}

/* From a started program to a policy that waits for its first view. */
static int
set_up(int argc, char **argv, struct plugin **ret, struct sluice_err *reterr)
{
	struct plugin_setting settings[PLUGIN_SETTINGS_MAX];
	size_t setting_count = 0;
	int r = cage_build(atoi(argv[1]), reterr);

	for (int i = 5; i + 1 < argc && setting_count < PLUGIN_SETTINGS_MAX; i += 2)
		settings[setting_count++] = (struct plugin_setting){argv[i], argv[i + 1]};
	if (r == 0)
		r = cage_enter(CAGE_LOAD, reterr);
	if (r < 0)
		return r;
	shared->phase = CHANNEL_LOADING;
	r = plugin_open(CHANNEL_POLICY_FD, argv[4], ret, reterr);
	if (r == 0)
		r = cage_enter(CAGE_INIT, reterr);
	if (r < 0)
		return r;
	fill_card(plugin_policy(*ret));
	if (asked_view->asked_verb == CHANNEL_QUIT) { /* the card is all that is wanted */
		shared->phase = CHANNEL_CHECKED;
		answer();
		_exit(0);
	}
	shared->phase = CHANNEL_INIT;
	r = plugin_init(*ret, settings, setting_count, &host, reterr);
	return r < 0 ? r : cage_enter(CAGE_DECIDE, reterr);
}

int
main(int argc, char **argv)
{
	struct sluice_err err = {0, ""};
	struct plugin *plugin = NULL;
	const char *view_file = NULL;
	uint32_t last;
	int r;

	if (argc < 5 || argc % 2 == 0) {
		fprintf(stderr, "sluice-policy: sluiced starts this to run a policy in; there is "
				"nothing to do for you here\n");
		return 2;
	}
	r = map_shared(strtoull(argv[2], NULL, 10), strtoull(argv[3], NULL, 10), &view_file);
	if (r < 0) {
		fprintf(stderr, "sluice-policy: cannot map the shared memory: %s\n", strerror(-r));
		return 1;
	}
	/* What the policy is asked first comes after this. */
	last = atomic_load(&shared->asked);
	r = catch_signals();
	if (r == 0)
		r = set_up(argc, argv, &plugin, &err);
	shared->result = r;
	shared->err = err;
	shared->phase = CHANNEL_WAITING;
	answer();
	while (r == 0) {
		last = wait_for_ask(last);
		if (asked_view->asked_verb == CHANNEL_QUIT)
			break;
		decide(plugin, view_file);
		answer();
	}
	if (r == 0 && plugin_policy(plugin)->fini) {
		shared->phase = CHANNEL_ENDING;
		plugin_policy(plugin)->fini(plugin_self(plugin));
	}
	answer();
	_exit(0);
}
