/* SPDX-License-Identifier: Apache-2.0 */
/* figure.h - what is measured of a CPU node and a memory node. */
#ifndef MEASURE_FIGURE_H
#define MEASURE_FIGURE_H

#include <stdint.h>

#define MEASURE_NOISY_PERCENT 10.0 /* a larger spread: said wherever the figure is shown */

enum measure_what {
	MEASURE_LATENCY, /* ns of a dependent load that no cache serves, with one thread */
	MEASURE_READ,    /* 10^6 bytes per second, by all CPUs of the node together */
	MEASURE_WRITE,
	MEASURE_MIXED, /* two bytes read for each one written, all three counted */
	MEASURE_COUNT
};

struct measure_figure {
	double value;          /* median of the passes; 0: unknown, and the rest means nothing */
	double spread_percent; /* half the middle 90 % of the passes, in percent of the median */
	uint32_t passes;
	uint32_t threads; /* with which the value was reached */
};

/* "read_latency_ns", "read_bw_mbps", "write_bw_mbps", "mixed_bw_mbps": as topology.h has them. */
const char *measure_what_name(enum measure_what what);

#endif
