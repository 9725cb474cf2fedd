/* SPDX-License-Identifier: Apache-2.0 */
/* smaps_entry.h - from the lines of /proc/PID/smaps to one access rate a mapping. Pure. */
#ifndef SAMPLER_SMAPS_ENTRY_H
#define SAMPLER_SMAPS_ENTRY_H

#include <stdint.h>

#include "heat.h"
#include "procfs.h"

struct smaps_entry {
	int open; /* a head was seen, its numbers are awaited */
	uint64_t start, end;
	uint64_t resident_kb;
};

/* Feed line by line. 1: `sample` is filled with the rate of the mapping that the line completed;
 * its pid and time are the caller's. watched_s: since the referenced bits were cleared. */
int smaps_entry_line(struct smaps_entry *entry, const char *line, double watched_s,
		     struct sample *sample);

#endif
