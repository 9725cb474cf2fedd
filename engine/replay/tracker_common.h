/* SPDX-License-Identifier: Apache-2.0 */
/* tracker_common.h - what all replayed trackers have; private to them. Each begins with a struct
 * tracker_common, so that its callbacks serve all. */
#ifndef REPLAY_TRACKER_COMMON_H
#define REPLAY_TRACKER_COMMON_H

#include "tracker.h"

struct tracker_common {
	struct world *world;
	struct sample *queue; /* waiting to be read, in order of time */
	size_t count, next, capacity;
	double effort; /* share of a CPU */
	struct tracker_dice dice;
	struct sampler_stats stats;
};

/* Put a sample at the queue's end. One that there is no memory for is lost, and counted. */
void tracker_push(struct tracker_common *common, const struct sample *sample);
void tracker_common_destroy(struct tracker_common *common);

int tracker_probe(const struct ops_env *env, char sentence[OPS_SENTENCE_BYTES]);
int tracker_start_live(const struct ops_env *env, void **ret_self, struct sluice_err *reterr);
int tracker_add(void *self, int32_t pid, struct sluice_err *reterr);
void tracker_remove(void *self, int32_t pid);
int tracker_read(void *self, uint64_t now_ns, struct sample *samples, size_t capacity,
		 size_t *ret_count, struct sluice_err *reterr);
void tracker_set_effort(void *self, double cpu_share);
void tracker_get_stats(void *self, struct sampler_stats *ret);

/* A sampler_ops but for its own name and stop, and read and set_effort where they differ. */
#define TRACKER_SAMPLER                                                                            \
	.probe = tracker_probe, .start = tracker_start_live, .add = tracker_add,                   \
	.remove = tracker_remove, .get_stats = tracker_get_stats

static inline double
tracker_accesses(const struct workload_use *use)
{
	return (double)use->reads + (double)use->writes;
}

/* The unit of a page, by number. */
size_t tracker_unit_of(const struct world *world, uint64_t page);

#endif
