/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine_parts.h - the engine as its own files share it: engine.c (life, thread, targets),
 * engine_parts.c (what is built for one topology), engine_nodes.c (nodes that come, go and leave),
 * engine_status.c. All under engine->lock once the thread runs.
 */
#ifndef SERVICE_ENGINE_PARTS_H
#define SERVICE_ENGINE_PARTS_H

#include <poll.h>
#include <pthread.h>

#include "engine.h"
#include "mover_watch.h"
#include "notes.h"
#include "process_hold.h"

struct hotplug;
struct trace_tap;

struct engine {
	struct engine_options options;
	char sysroot[256], state_dir[256];
	char *nodes, *measured_dir;
	struct sluice_topology_options topology_options; /* of the strings above */
	struct sluice_topology *topology;                /* that the parts were built for */
	struct sluice_topology *latest; /* differs from it in sizes only; NULL: not even so */
	struct ops_env env;
	struct round_parts parts;
	struct plugin *plugin;
	struct round *round; /* NULL: there is one tier only just now, or the parts do not start */

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
	char note[256];         /* trouble of the round, or why there is none */
	uint64_t note_until_ns; /* of the round's */
	char sampler_note[200]; /* why not the best sampler, or "" */
	struct notes notes;
	struct mover_watch *watch;             /* below parts.mover */
	struct trace_tap *tap;                 /* between the round and its parts */
	struct sluice_trace_writer *recording; /* NULL: nothing is recorded */

	struct hotplug *hotplug; /* NULL: nodes are looked for now and then only */
	uint64_t look_ns;        /* when to compare the topology with the machine next */
	uint64_t unsettled_ns;   /* since when the kernel tells of changes, 0 it does not */
	uint64_t leaving[SLUICE_NODES_MAX / 64];
	int leaving_node; /* -1 none */

	struct round_stats carried; /* counters of rounds before this one */
	struct sampler_stats carried_sampling;
};

void engine_forget_target(struct engine *engine, size_t i); /* another takes its place */

/* engine_status.c, with the lock held, after each tick. */
void engine_note_counters(struct engine *engine);
void engine_fill_drain(const struct engine *engine, struct round_drain *ret);

/* Memory, mover, samplers and round for engine->topology; the targets are not in it yet. On failure
 * engine_parts_stop() is due. */
int engine_parts_start(struct engine *engine, struct sluice_err *reterr);
void engine_parts_stop(struct engine *engine); /* half-built parts are fine */
void engine_parts_stats(const struct engine *engine, struct round_stats *ret,
			struct sampler_stats *ret_sampling);

/* Looks whether nodes came or went, and builds the parts anew when they did. Every tick. */
void engine_nodes_watch(struct engine *engine, uint64_t now_ns);

#endif
