/* SPDX-License-Identifier: Apache-2.0 */
/*
 * measure.h - how fast each node's memory is to each node's CPUs, measured on the running machine:
 * idle latency, and read, write and mixed bandwidth, each with its spread.
 *
 * Needs no rights, changes no setting, touches only memory of its own. What it cannot prove it does
 * not claim: a page that is not on the node, too few passes, a node that is full or forbidden make
 * a figure unknown (value 0), and the pair's note says why.
 */
#ifndef MEASURE_H
#define MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "figure.h"
#include "schedule.h"
#include "sluice/err.h"

#define MEASURE_NODE_BYTES                                                                         \
	((uint64_t)512 << 20) /* on a node by default; less where it is fuller                     \
			       */
#define MEASURE_PAIR_MS 3000u /* for a pair by default */

struct measure_options {
	uint64_t time_ms;        /* for all; 0: MEASURE_PAIR_MS a pair */
	uint64_t node_bytes_max; /* on one node, and on one at a time; 0: the default */
	const struct schedule_pair *pairs;
	size_t pair_count; /* 0: all */
};

struct measure_progress {
	size_t pairs_done, pairs;
	uint32_t cpu_node, memory_node; /* of the pair under way */
	const char *doing;              /* "set-up", "latency", "read", "write", "mixed" */
	uint64_t elapsed_ms, time_ms;
};

/* Called from the measuring thread, several times a second at least; non-zero ends it. Required. */
typedef int (*measure_tick)(void *ctx, const struct measure_progress *progress);

struct measure_outcome {
	uint32_t cpu_node, memory_node;
	struct measure_figure figures[MEASURE_COUNT];
	uint64_t bytes;    /* of the node, that were used */
	double huge_share; /* of them on huge pages, 0 to 1 */
	bool done;         /* all of it was tried; false after an end before its turn */
	char note[512];    /* why something is unknown, or doubtful; sentences, or "" */
};

struct measure_result {
	struct measure_outcome *outcomes; /* by memory node, then CPU node */
	size_t count, done;
	uint64_t elapsed_ms, time_ms;
	bool interrupted; /* by tick; the pair that was under way is unknown then */
};

/* Measures, in the calling thread and threads of its own, till the time is over (passes under way
 * are finished, so at most a fraction of a second longer). *ret is the caller's, to be freed with
 * measure_free(); it exists also after an interruption, and when every pair turned out unknown.
 * -EINVAL: a pair that is not there; -ERANGE: too little time; -ENOTSUP: no memory policies;
 * -ENODEV, -ENOMEM. */
int measure_run(const struct measure_options *options, measure_tick tick, void *ctx,
		struct measure_result **ret, struct sluice_err *reterr);
void measure_free(struct measure_result *result); /* NULL is fine */

/* How write and mixed store: "non-temporal" (past the caches) or "plain". */
const char *measure_stores(void);

/* Adds what is known to this machine's kept figures in the folder (made when missing), where
 * topology finds them (topology.h: measured_dir). -ENOENT: nothing is known. Others of loading the
 * topology, and of writing. */
int measure_keep(const struct measure_result *result, const char *folder,
		 struct sluice_err *reterr);

#endif
