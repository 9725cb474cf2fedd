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
#include "hotplug.h"
#include "log.h"
#include "process_hold.h"
#include "settings.h"
#include "trace_tap.h"

#define NS_PER_S 1000000000ull
#define NOTE_NS (20 * NS_PER_S) /* how long trouble that may be over is told of */
#define IDLE_NS (NS_PER_S / 2)  /* with one tier there is nothing to do but to wait for another */
#define DEFAULT_STATE_DIR "/run/sluice"

static void
engine_free(struct engine *engine)
{
	if (!engine)
		return;
	engine_parts_stop(engine);
	trace_tap_free(engine->tap);
	hotplug_free(engine->hotplug);
	for (size_t i = 0; i < engine->target_count; i++)
		close(engine->holds[i].fd);
	plugin_unload(engine->plugin);
	sluice_topology_free(engine->latest);
	sluice_topology_free(engine->topology);
	pthread_cond_destroy(&engine->wake);
	pthread_mutex_destroy(&engine->lock);
	free(engine->nodes);
	free(engine->measured_dir);
	free(engine);
}

/* All that engine_start() does and that may fail. */
static int
begin(struct engine *engine, struct sluice_err *reterr)
{
	const struct engine_options *options = &engine->options;
	int r;

	if (!engine->nodes || !engine->measured_dir || !engine->tap)
		return sluice_fail(reterr, -ENOMEM, "no memory for the engine");
	/* Before the first look, so that nothing falls between the two. Without it, we look now and
	 * then. */
	if (!engine->sysroot[0] && hotplug_new(&engine->hotplug, reterr) < 0)
		log_info("engine", "the kernel does not tell of memory that comes or goes");
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
		.leaving = engine->leaving,
	};
	if (sluice_topology_tier_count(engine->topology) < 2 && !options->watch_only)
		return sluice_fail(
			reterr, -ENXIO,
			"this machine has one memory tier only, so there is nowhere to move "
			"pages to; see sluice topology");
	/* The policy first: it is the likeliest to be wrong, and nothing has been changed yet. */
	r = options->watch_only
		    ? 0
		    : plugin_load(options->policy, options->folders, options->settings,
				  options->setting_count, round_host(), &engine->plugin, reterr);
	return r < 0 ? r : engine_parts_start(engine, reterr);
}

void
engine_forget_target(struct engine *engine, size_t i)
{
	close(engine->holds[i].fd);
	engine->targets[i] = engine->targets[--engine->target_count];
	engine->holds[i] = engine->holds[engine->target_count];
}

/* 0: it is none. */
static int
forget_target(struct engine *engine, int32_t pid)
{
	for (size_t i = 0; i < engine->target_count; i++) {
		if (engine->targets[i].pid == pid) {
			trace_tap_exit(engine->tap, pid, clock_now_ns());
			engine_forget_target(engine, i);
			return 1;
		}
	}
	return 0;
}

static void
drop_target(struct engine *engine, int32_t pid)
{
	log_info("engine", "process %d has ended", pid);
	if (engine->round)
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

/* Trouble of one tick is seldom that of the next, as pages do not move in each, and would be gone
 * before anybody sees it. */
static void
note_trouble(struct engine *engine, const char *sentence)
{
	uint64_t now_ns = clock_now_ns();

	if (sentence[0]) {
		snprintf(engine->note, sizeof(engine->note), "%.255s", sentence);
		engine->note_until_ns = now_ns + NOTE_NS;
	} else if (now_ns >= engine->note_until_ns) {
		engine->note[0] = '\0';
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
		engine_nodes_watch(engine, clock_now_ns());
		wait_ns = IDLE_NS;
		if (engine->round) {
			wait_ns = round_tick(engine->round, clock_now_ns(), ended,
					     ENGINE_TARGETS_MAX, &ended_count, &err);
			note_trouble(engine, err.msg);
		}
		for (size_t i = 0; i < ended_count; i++)
			drop_target(engine, ended[i]);
		engine_note_counters(engine);
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
	engine->tap = trace_tap_new();
	engine->nodes = strdup(options->nodes ? options->nodes : "");
	engine->measured_dir = strdup(options->measured_dir ? options->measured_dir : "");
	pthread_mutex_init(&engine->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&engine->wake, &attr);
	pthread_condattr_destroy(&attr);
	engine->started_ns = clock_now_ns();
	engine->started_cpu_ns = clock_process_cpu_ns();
	engine->leaving_node = -1;
	r = begin(engine, reterr);
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

static int
is_target(const struct engine *engine, int32_t pid)
{
	for (size_t i = 0; i < engine->target_count; i++) {
		if (engine->targets[i].pid == pid)
			return 1;
	}
	return 0;
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
	else if (is_target(engine, pid))
		r = sluice_fail(reterr, -EALREADY, "process %d is attached already", pid);
	else
		r = engine->round ? round_add(engine->round, pid, clock_now_ns(), reterr) : 0;
	if (r == 0) {
		engine->targets[engine->target_count].pid = pid;
		engine->targets[engine->target_count].since_ns = clock_now_ns();
		memcpy(engine->targets[engine->target_count].comm, comm, sizeof(comm));
		trace_tap_process(engine->tap, pid, comm, clock_now_ns());
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
	int was_target;

	pthread_mutex_lock(&engine->lock);
	was_target = forget_target(engine, pid);
	if (was_target && engine->round)
		round_remove(engine->round, pid);
	pthread_mutex_unlock(&engine->lock);
	return was_target ? 0 : sluice_fail(reterr, -ESRCH, "process %d is not attached", pid);
}

int
engine_drain(struct engine *engine, int node, struct round_drain *ret, int *ret_guards,
	     struct sluice_err *reterr)
{
	int r = 0;

	pthread_mutex_lock(&engine->lock);
	if (engine->leaving_node >= 0 && engine->leaving_node != node) {
		r = sluice_fail(reterr, -EBUSY, "node %d is being emptied already",
				engine->leaving_node);
	} else if (engine->leaving_node < 0) {
		if (node < 0 || !sluice_topology_node_by_id(engine->topology, (uint32_t)node))
			r = sluice_fail(reterr, -ENODEV, "there is no node %d with memory", node);
		else if (sluice_topology_node_count(engine->topology) < 2)
			r = sluice_fail(reterr, -ENOSPC, "node %d is all the memory there is",
					node);
	}
	if (r == 0 && engine->leaving_node < 0) {
		engine->leaving_node = node;
		engine->leaving[node / 64] |= 1ull << (node % 64);
		if (engine->round)
			round_drain(engine->round, 1);
		log_info("engine", "node %d leaves", node);
		pthread_cond_signal(&engine->wake);
	}
	if (r == 0) {
		engine_fill_drain(engine, ret);
		*ret_guards = engine->round != NULL;
		if (ret->refused)
			r = sluice_fail(
				reterr, -EBUSY,
				"a sampler cannot let pages move just now (the log says why), "
				"and without that the kernel could crash: try again later, or "
				"stop the service first");
	}
	pthread_mutex_unlock(&engine->lock);
	return r;
}

void
engine_undrain(struct engine *engine)
{
	pthread_mutex_lock(&engine->lock);
	if (engine->leaving_node >= 0) {
		log_info("engine", "node %d leaves no longer", engine->leaving_node);
		engine->leaving_node = -1;
		memset(engine->leaving, 0, sizeof(engine->leaving));
		if (engine->round)
			round_drain(engine->round, 0);
		engine->look_ns = 0; /* it may be gone */
		pthread_cond_signal(&engine->wake);
	}
	pthread_mutex_unlock(&engine->lock);
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
