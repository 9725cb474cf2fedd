/* SPDX-License-Identifier: Apache-2.0 */
/* engine_parts.h - the engine's state, shared by engine.c and engine_status.c; nobody else's. */
#ifndef SERVICE_ENGINE_PARTS_H
#define SERVICE_ENGINE_PARTS_H

#include <poll.h>
#include <pthread.h>

#include "engine.h"
#include "mover_watch.h"
#include "notes.h"
#include "process_hold.h"

struct engine {
	struct engine_options options;
	char sysroot[256], state_dir[256];
	char *nodes, *measured_dir;
	struct sluice_topology_options topology_options; /* of the strings above */
	struct sluice_topology *topology;
	struct ops_env env;
	struct round_parts parts;
	struct plugin *plugin;
	struct round *round;

	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	int stop;

	struct {
		int32_t pid;
		uint64_t since_ns;
		char comm[PROCESS_COMM_BYTES];
	} targets[ENGINE_TARGETS_MAX];
	struct pollfd holds[ENGINE_TARGETS_MAX]; /* pidfds of the targets */
	size_t target_count;
	uint64_t started_ns, started_cpu_ns;
	char note[256];         /* trouble that lasts */
	char sampler_note[200]; /* why not the best sampler, or "" */
	struct notes notes;
	struct mover_watch *watch; /* parts.mover */
};

/* engine_status.c, with the lock held, after each tick. */
void engine_note_counters(struct engine *engine);

#endif
