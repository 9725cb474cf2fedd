/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine.h - the live engine: topology, samplers, policy and mover wired to one round, driven by a
 * thread of its own. The service talks to it from its control thread only.
 *
 * Nodes may come and go while it runs: the engine builds itself anew for the tiers that there are
 * then, and rests while there is only one. Its targets stay, what was known of their heat is lost.
 *
 * engine_stop puts every kernel setting back and leaves all targets running where they are.
 */
#ifndef SERVICE_ENGINE_H
#define SERVICE_ENGINE_H

#include <stddef.h>
#include <stdint.h>

#include "ops.h"
#include "plugin.h"
#include "round.h"
#include "sluice/err.h"
#include "sluice/topology.h"
#include "sluice/trace.h"

#define ENGINE_TARGETS_MAX 256
#define ENGINE_FOLDERS_MAX 8
#define ENGINE_MARKS_NOTE "marked" /* in the state folder: pages were marked since it was made */

struct engine_options {
	const char *sysroot;      /* "" is the machine itself */
	const char *state_dir;    /* default "/run/sluice" */
	const char *nodes;        /* corrections of the topology; NULL or "" is none */
	const char *measured_dir; /* kept measurements of memory; NULL is none */
	const char *sampler;      /* "auto", "damon", "hintfault", "smaps", "fake" */
	const char *mover;        /* "pages", "fake" */
	const char *policy;       /* name or path */
	const char *folders[ENGINE_FOLDERS_MAX + 1]; /* policy folders, NULL ends */
	struct plugin_setting settings[PLUGIN_SETTINGS_MAX];
	size_t setting_count;
	int watch_only; /* samples only, for a recording: one tier is enough, no policy is loaded */
	struct round_options round;
};

struct engine_target {
	int32_t pid;
	char comm[32];
	uint64_t age_ms;
	uint64_t resident_bytes[SLUICE_TIERS_MAX]; /* by tier, of what is tracked */
	double access_share[SLUICE_TIERS_MAX]; /* estimated share of its accesses; sums to 1 or 0 */
	uint64_t pinned_bytes;                 /* left alone for the owner's sake */
	char note[160];                        /* last problem with it, or "" */
};

struct engine_status {
	uint64_t uptime_ms;
	char policy[64], mover[32];
	char samplers[128]; /* names of those in use, "damon,hintfault" */
	char note[256];     /* last trouble or a warning, or "" */
	uint32_t tier_count;
	struct sluice_tier tiers[SLUICE_TIERS_MAX];
	struct round_stats round;
	uint64_t own_cpu_ns; /* of this process since the engine started */
	struct sampler_stats sampling;
	int leaving_node; /* -1: none */
	int guards;       /* 1 samplers are prepared for the kernel to move pages off it */
	struct round_drain drain;
	size_t target_count;
	struct engine_target targets[ENGINE_TARGETS_MAX];
};

struct engine;

/* Reads the topology, probes, loads the policy, starts the thread. Nothing is changed on failure.
 * -ENXIO: no second tier; -ENOTSUP: no sampler works; others as from the rooms below. */
int engine_start(const struct engine_options *options, struct engine **ret,
		 struct sluice_err *reterr);
/* One last decided move finishes; then everything is put back. NULL is fine. */
void engine_stop(struct engine *engine);

/* start_ticks: of the process that is meant (procfs_started), or 0. A process that comes to have
 * the pid of a target that ended is not a target. -ESRCH no such process, -EINVAL a kernel thread,
 * ourselves or pid 1, -EPERM not allowed, -EALREADY attached already, -ENOSPC too many. */
int engine_attach(struct engine *engine, int32_t pid, uint64_t start_ticks,
		  struct sluice_err *reterr);
/* -ESRCH: not attached. */
int engine_detach(struct engine *engine, int32_t pid, struct sluice_err *reterr);

/* Move the targets' pages off a node, whose memory is about to go: the first call begins that and
 * returns, each tells how far it is. Until engine_undrain() nothing is moved to the node, and
 * (*ret_guards, unless the engine rests) the kernel may move pages off it. -ENODEV: no such node;
 * -EBUSY: another is leaving, or a sampler cannot let pages move; -ENOSPC: it is the only one. */
int engine_drain(struct engine *engine, int node, struct round_drain *ret, int *ret_guards,
		 struct sluice_err *reterr);
void engine_undrain(struct engine *engine); /* the node stays, or is gone; none leaving is fine */

/* Record what the engine sees and does, of these processes or with pid_count 0 of all, until
 * engine_record_end(), which gives the writer back (NULL: nothing was recorded). -EBUSY: one is
 * under way already. */
int engine_record(struct engine *engine, struct sluice_trace_writer *writer, const int32_t *pids,
		  size_t pid_count, struct sluice_err *reterr);
struct sluice_trace_writer *engine_record_end(struct engine *engine);

/* A copy of the state after the last round; any thread. ret is the caller's (about 80 KiB). */
void engine_get_status(struct engine *engine, struct engine_status *ret);

/* Put back what an earlier run that was killed left changed (safety rule 7). Returns the number of
 * settings put back, or -errno; to be called before engine_start and by `sluice restore`. */
int engine_restore(const char *sysroot, const char *state_dir, struct sluice_err *reterr);

#endif
