/* SPDX-License-Identifier: Apache-2.0 */
/* workload_trace_parts.h - what the two passes over a trace share; private to workload_trace*.c. */
#ifndef REPLAY_WORKLOAD_TRACE_PARTS_H
#define REPLAY_WORKLOAD_TRACE_PARTS_H

#include "sluice/trace.h"
#include "workload_parts.h"

#define TRACE_RATES_MAX (1u << 26) /* 800 MB of them */

/* From an epoch on, a page of the unit is accessed so often a second. */
struct trace_rate {
	uint32_t unit, epoch;
	float per_s;
};

struct trace_rates {
	struct trace_rate *list; /* once it is done, by unit, then epoch */
	size_t count, capacity;
	size_t *first; /* of each unit, and the end of the last */
};

/* What is being learned of a unit. */
struct trace_unit {
	double events, exposure_s; /* told rates of this epoch, weighted */
	double drawn;              /* accesses that draws of this window stand for */
	uint64_t armed_ns;         /* its pages were marked then, */
	uint32_t armed;            /* so many, */
	double touches, watched_s; /* and of all markings: pages touched, page-seconds watched */
};

struct trace_learning {
	struct workload *workload;
	struct trace_rates *rates;
	struct trace_unit *units;
	uint64_t first_ns;
	uint32_t window_epochs; /* that draws are counted over, */
	uint32_t window_first;  /* from this epoch on */
	int draws;              /* some accesses were drawn */
	uint32_t epoch;
	int failed; /* -ENOMEM, -E2BIG */
};

/* Fold one sample. Time never goes back by more than a window. */
void trace_learn(struct trace_learning *learning, const struct sluice_trace_sample *sample);
/* The trace is at this time: write down what the epochs before it were. */
void trace_learn_until(struct trace_learning *learning, uint64_t time_ns);
void trace_learn_end(struct trace_learning *learning);

#endif
