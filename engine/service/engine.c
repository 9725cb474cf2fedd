/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine.c - see engine.h. One lock guards the round; the engine's thread holds it for a tick, the
 * control thread for a request. A tick is short, since the mover works in slices.
 */
#include "engine_parts.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "memory_registry.h"
#include "mover_registry.h"
#include "mover_watch.h"
#include "process_hold.h"
#include "procfs.h"
#include "sampler_registry.h"
#include "settings.h"

#define NS_PER_S 1000000000ull
#define DEFAULT_STATE_DIR "/run/sluice"

static void
engine_free(struct engine *engine)
{
	if (!engine)
		return;
	round_free(engine->round);
	for (size_t i = 0; i < engine->parts.sampler_count; i++)
		engine->parts.sampler_ops[i]->stop(engine->parts.samplers[i]);
	if (engine->parts.mover)
		engine->parts.mover_ops->stop(engine->parts.mover);
	if (engine->parts.memory)
		engine->parts.memory_ops->stop(engine->parts.memory);
	for (size_t i = 0; i < engine->target_count; i++)
		close(engine->holds[i].fd);
	plugin_unload(engine->plugin);
	sluice_topology_free(engine->topology);
	pthread_cond_destroy(&engine->wake);
	pthread_mutex_destroy(&engine->lock);
	free(engine->nodes);
	free(engine->measured_dir);
	free(engine);
}

static int
start_sampler(struct engine *engine, const struct sampler_ops *ops, struct sluice_err *reterr)
{
	struct round_parts *parts = &engine->parts;
	int r = ops->start(&engine->env, &parts->samplers[parts->sampler_count], reterr);

	if (r < 0)
		return r;
	parts->sampler_ops[parts->sampler_count++] = ops;
	log_info("engine", "samples with %s", ops->name);
	return 0;
}

/* The best sampler that works here, and a sentinel beside it if it sees single pages. When none
 * works, the user needs all their reasons. */
static int
start_best_samplers(struct engine *engine, struct sluice_err *reterr)
{
	const struct round_parts *parts = &engine->parts;
	char reasons[400] = "";
	size_t used = 0;

	for (size_t i = 0; sampler_at(i); i++) {
		const struct sampler_ops *ops = sampler_at(i);
		char sentence[OPS_SENTENCE_BYTES];
		struct sluice_err err = {0, ""};

		if (ops->for_tests || (parts->sampler_count && !ops->sentinel))
			continue;
		if (ops->probe(&engine->env, sentence) == 0) {
			if (start_sampler(engine, ops, &err) == 0) {
				if (!ops->page_granular && parts->sampler_count == 1 && used)
					snprintf(engine->sampler_note, sizeof(engine->sampler_note),
						 "heat is known by regions only, as %.160s",
						 reasons);
				if (!ops->page_granular || parts->sampler_count == 2)
					return 0;
				continue;
			}
			snprintf(sentence, sizeof(sentence), "%s", err.msg);
		}
		log_info("engine", "%s cannot be used: %s", ops->name, sentence);
		if (used < sizeof(reasons))
			used += (size_t)snprintf(reasons + used, sizeof(reasons) - used,
						 "%s%s %.110s", used ? "; " : "", ops->name,
						 sentence);
	}
	return parts->sampler_count
		       ? 0
		       : sluice_fail(reterr, -ENOTSUP, "no sampler works here: %s", reasons);
}

static int
start_named_sampler(struct engine *engine, const char *name, struct sluice_err *reterr)
{
	const struct sampler_ops *ops = sampler_by_name(name);
	char sentence[OPS_SENTENCE_BYTES];
	int r;

	if (!ops)
		return sluice_fail(reterr, -EINVAL, "there is no sampler '%s'; see sluice doctor",
				   name);
	r = ops->probe(&engine->env, sentence);
	if (r < 0)
		return sluice_fail(reterr, r, "the sampler '%s' cannot be used: %s", name,
				   sentence);
	return start_sampler(engine, ops, reterr);
}

static int
start_mover(struct engine *engine, struct sluice_err *reterr)
{
	const struct mover_ops *ops = mover_by_name(engine->options.mover);
	char sentence[OPS_SENTENCE_BYTES];
	void *mover;
	int r;

	if (!ops)
		return sluice_fail(reterr, -EINVAL, "there is no mover '%s'; see sluice doctor",
				   engine->options.mover);
	r = ops->probe(&engine->env, sentence);
	if (r < 0)
		return sluice_fail(reterr, r, "the mover '%s' cannot be used: %s", ops->name,
				   sentence);
	r = ops->start(&engine->env, &mover, reterr);
	if (r < 0)
		return r;
	engine->watch = mover_watch_new(ops, mover);
	if (!engine->watch) {
		ops->stop(mover);
		return sluice_fail(reterr, -ENOMEM, "no memory for the engine");
	}
	engine->parts.mover = engine->watch;
	engine->parts.mover_ops = mover_watch_ops(engine->watch);
	return 0;
}

static int
start_parts(struct engine *engine, struct sluice_err *reterr)
{
	const struct engine_options *options = &engine->options;
	struct round_parts *parts = &engine->parts;
	int r;

	engine->topology_options = (struct sluice_topology_options){
		.sysroot = engine->sysroot,
		.overrides = engine->nodes,
		.measured_dir = engine->measured_dir,
	};
	r = sluice_topology_load(&engine->topology_options, &engine->topology, reterr);
	if (r < 0)
		return r;
	engine->env = (struct ops_env){
		.sysroot = engine->sysroot,
		.state_dir = engine->state_dir,
		.topology = engine->topology,
		.topology_options = &engine->topology_options,
	};
	if (sluice_topology_tier_count(engine->topology) < 2)
		return sluice_fail(
			reterr, -ENXIO,
			"this machine has one memory tier only, so there is nowhere to move "
			"pages to; see sluice topology");
	/* The policy first: it is the likeliest to be wrong, and nothing has been changed yet. */
	r = plugin_load(options->policy, options->folders, options->settings,
			options->setting_count, round_host(), &engine->plugin, reterr);
	if (r < 0)
		return r;
	parts->policy = plugin_policy(engine->plugin);
	parts->policy_self = plugin_self(engine->plugin);
	parts->memory_ops = &memory_proc;
	r = parts->memory_ops->start(&engine->env, &parts->memory, reterr);
	if (r == 0)
		r = start_mover(engine, reterr);
	if (r == 0)
		r = strcmp(options->sampler, "auto") == 0
			    ? start_best_samplers(engine, reterr)
			    : start_named_sampler(engine, options->sampler, reterr);
	if (r == 0)
		r = round_new(&options->round, parts, &engine->round, reterr);
	return r;
}

static void
forget_target(struct engine *engine, int32_t pid)
{
	for (size_t i = 0; i < engine->target_count; i++) {
		if (engine->targets[i].pid == pid) {
			close(engine->holds[i].fd);
			engine->targets[i] = engine->targets[--engine->target_count];
			engine->holds[i] = engine->holds[engine->target_count];
			return;
		}
	}
}

static void
drop_target(struct engine *engine, int32_t pid)
{
	log_info("engine", "process %d has ended", pid);
	round_remove(engine->round, pid);
	forget_target(engine, pid);
}

/* Before each tick, as the round knows processes by their pids only: from the moment on that one
 * has ended, its pid may become somebody else's. */
static void
forget_ended(struct engine *engine)
{
	if (poll(engine->holds, engine->target_count, 0) <= 0)
		return;
	for (size_t i = engine->target_count; i-- > 0;) {
		if (engine->holds[i].revents)
			drop_target(engine, engine->targets[i].pid);
	}
}

static void *
engine_thread(void *arg)
{
	struct engine *engine = arg;
	int32_t ended[ENGINE_TARGETS_MAX];

	pthread_mutex_lock(&engine->lock);
	while (!engine->stop) {
		struct sluice_err err = {0, ""};
		struct timespec until;
		size_t ended_count = 0;
		int64_t wait_ns;

		forget_ended(engine);
		wait_ns = round_tick(engine->round, clock_now_ns(), ended, ENGINE_TARGETS_MAX,
				     &ended_count, &err);
		for (size_t i = 0; i < ended_count; i++)
			drop_target(engine, ended[i]);
		engine_note_counters(engine);
		engine->note[0] = '\0';
		if (wait_ns < 0) {
			snprintf(engine->note, sizeof(engine->note), "%.255s", err.msg);
			wait_ns = (int64_t)NS_PER_S;
		}
		uint64_t at = clock_now_ns() + (uint64_t)wait_ns;

		until = (struct timespec){(time_t)(at / NS_PER_S), (long)(at % NS_PER_S)};
		pthread_cond_timedwait(&engine->wake, &engine->lock, &until);
	}
	pthread_mutex_unlock(&engine->lock);
	return NULL;
}

int
engine_start(const struct engine_options *options, struct engine **ret, struct sluice_err *reterr)
{
	struct engine *engine = calloc(1, sizeof(*engine));
	pthread_condattr_t attr;
	sigset_t all, old;
	int r;

	if (!engine)
		return sluice_fail(reterr, -ENOMEM, "no memory for the engine");
	engine->options = *options;
	snprintf(engine->sysroot, sizeof(engine->sysroot), "%s",
		 options->sysroot && strcmp(options->sysroot, "/") != 0 ? options->sysroot : "");
	snprintf(engine->state_dir, sizeof(engine->state_dir), "%s",
		 options->state_dir && options->state_dir[0] ? options->state_dir
							     : DEFAULT_STATE_DIR);
	engine->nodes = strdup(options->nodes ? options->nodes : "");
	engine->measured_dir = strdup(options->measured_dir ? options->measured_dir : "");
	pthread_mutex_init(&engine->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&engine->wake, &attr);
	pthread_condattr_destroy(&attr);
	engine->started_ns = clock_now_ns();
	engine->started_cpu_ns = clock_process_cpu_ns();
	r = engine->nodes && engine->measured_dir
		    ? start_parts(engine, reterr)
		    : sluice_fail(reterr, -ENOMEM, "no memory for the engine");
	if (r < 0) {
		engine_free(engine);
		return r;
	}
	/* Signals are the control thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = -pthread_create(&engine->thread, NULL, engine_thread, engine);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r < 0) {
		engine_free(engine);
		return sluice_fail(reterr, r, "cannot start the engine's thread: %s", strerror(-r));
	}
	*ret = engine;
	return 0;
}

void
engine_stop(struct engine *engine)
{
	if (!engine)
		return;
	pthread_mutex_lock(&engine->lock);
	engine->stop = 1;
	pthread_cond_signal(&engine->wake);
	pthread_mutex_unlock(&engine->lock);
	pthread_join(engine->thread, NULL);
	engine_free(engine);
}

int
engine_attach(struct engine *engine, int32_t pid, uint64_t start_ticks, struct sluice_err *reterr)
{
	char comm[PROCESS_COMM_BYTES];
	int fd = process_hold(pid, start_ticks, comm, reterr), r;

	if (fd < 0)
		return fd;
	pthread_mutex_lock(&engine->lock);
	forget_ended(engine); /* one of this pid may be among them */
	if (engine->target_count == ENGINE_TARGETS_MAX)
		r = sluice_fail(reterr, -ENOSPC, "no more than %d processes can be attached",
				ENGINE_TARGETS_MAX);
	else
		r = round_add(engine->round, pid, clock_now_ns(), reterr);
	if (r == 0) {
		engine->targets[engine->target_count].pid = pid;
		engine->targets[engine->target_count].since_ns = clock_now_ns();
		memcpy(engine->targets[engine->target_count].comm, comm, sizeof(comm));
		engine->holds[engine->target_count++] = (struct pollfd){.fd = fd, .events = POLLIN};
		pthread_cond_signal(&engine->wake);
	}
	pthread_mutex_unlock(&engine->lock);
	if (r < 0)
		close(fd);
	return r;
}

int
engine_detach(struct engine *engine, int32_t pid, struct sluice_err *reterr)
{
	size_t before;

	pthread_mutex_lock(&engine->lock);
	before = engine->target_count;
	forget_target(engine, pid);
	if (engine->target_count < before)
		round_remove(engine->round, pid);
	before -= engine->target_count;
	pthread_mutex_unlock(&engine->lock);
	return before ? 0 : sluice_fail(reterr, -ESRCH, "process %d is not attached", pid);
}

int
engine_restore(const char *sysroot, const char *state_dir, struct sluice_err *reterr)
{
	size_t count = 0;
	int r = settings_restore_stale(sysroot && strcmp(sysroot, "/") != 0 ? sysroot : "",
				       state_dir && state_dir[0] ? state_dir : DEFAULT_STATE_DIR,
				       &count, reterr);

	return r < 0 ? r : (int)count;
}
