/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place.h - which nodes there are, which CPUs and how much memory of them this process may use, and
 * why not. Asks the running machine (libnuma, cgroups); changes nothing. Any thread.
 */
#ifndef MEASURE_PLACE_H
#define MEASURE_PLACE_H

#include <stddef.h>
#include <stdint.h>

#include "sluice/err.h"

/* Of what is free, on a node or below a limit of a cgroup, at most this share is used. */
#define PLACE_SHARE 4

/* -ENOTSUP: the kernel has no memory policies, so nothing can be put on a node. */
int place_probe(struct sluice_err *reterr);

/* Ids of the nodes with CPUs, and with memory; rising. *ret is the caller's, to be freed. */
int place_cpu_nodes(uint32_t **ret, size_t *ret_count, struct sluice_err *reterr);
int place_memory_nodes(uint32_t **ret, size_t *ret_count, struct sluice_err *reterr);
uint64_t place_node_bytes(uint32_t id, uint64_t *ret_free_bytes); /* 0: no memory; may be NULL */

/* The node's CPUs that we may run on, at most max of them; *ret_all counts all it has. -ENODEV: it
 * has none. -EPERM: it has some, but none is allowed (affinity, cpuset). */
int place_cpus(uint32_t node, int *ret_cpus, size_t max, size_t *ret_count, size_t *ret_all,
	       struct sluice_err *reterr);

/* How much may be allocated on the node now: at most most_bytes, and a share of what is free there
 * above the kernel's watermarks, and in our cgroups. -ENODEV, -EPERM (cpuset); -ENOMEM: less than
 * least_bytes. */
int place_room(uint32_t node, uint64_t least_bytes, uint64_t most_bytes, uint64_t *ret_bytes,
	       struct sluice_err *reterr);

#endif
