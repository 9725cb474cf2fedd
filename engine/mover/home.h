/* SPDX-License-Identifier: Apache-2.0 */
/*
 * home.h - on which nodes' CPUs a process runs: where its threads ran last, weighted by the CPU
 * time that they have taken. One thread.
 */
#ifndef MOVER_HOME_H
#define MOVER_HOME_H

#include <stdint.h>

#include "sluice/err.h"
#include "sluice/topology.h"

#define HOME_NODES 64 /* nodes with CPUs that are told apart */

struct home;

/* topology: looked at now only. */
int home_new(const char *sysroot, const struct sluice_topology *topology, struct home **ret,
	     struct sluice_err *reterr);
void home_free(struct home *home);

/* Permille of the process's CPU time by the index of the topology's initiators; they sum up to
 * 1000, or are all 0 when nothing is known. Reads a file for each of some threads. */
void home_shares(struct home *home, int32_t pid, uint32_t permille[HOME_NODES]);

#endif
