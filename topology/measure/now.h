/* SPDX-License-Identifier: Apache-2.0 */
/* now.h - the clock that everything here is timed by. */
#ifndef MEASURE_NOW_H
#define MEASURE_NOW_H

#include <stdint.h>
#include <time.h>

static inline uint64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

#endif
