/* SPDX-License-Identifier: Apache-2.0 */
/*
 * placement.h - what the owner of a process has decided about its memory, read from the lines that
 * the kernel shows: which mappings may be moved, and which stay (safety rule 3). Pure.
 */
#ifndef MOVER_PLACEMENT_H
#define MOVER_PLACEMENT_H

#include <stdint.h>

#include "procfs.h"

/* By a line of maps alone: 1 for the process's own data (anonymous memory, heap, stack, private
 * writable file data, shared anonymous and memfd memory); 0 for programs and libraries, other
 * files, devices, kernel pages such as [vdso], and address space that is only reserved. */
int placement_movable_kind(const struct procfs_map *map);

struct numa_line {
	uint64_t start;
	uint64_t resident_bytes;
	int owner_placed; /* a policy other than default or local: of the mapping, or the task's */
	int hugetlb;      /* of the huge page pool, which the owner sized by hand */
};

/* A line of numa_maps. 1 it is one, 0 not. */
int placement_numa_line(const char *line, struct numa_line *ret);

/* The value of a VmFlags line: 1 when the mapping is locked in memory or not ordinary memory. */
int placement_flags_fixed(const char *flags);

#endif
