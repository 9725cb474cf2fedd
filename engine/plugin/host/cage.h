/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cage.h - what a policy's process may do: less with each of three steps, and never more again.
 * One thread.
 */
#ifndef HOST_CAGE_H
#define HOST_CAGE_H

#include "sluice/err.h"

enum cage_step {
	CAGE_LOAD,   /* the dynamic linker's needs: files to read, memory */
	CAGE_INIT,   /* memory only, and no descriptor is open any more */
	CAGE_DECIDE, /* waiting and exiting; asking for memory fails */
	CAGE_STEPS
};

/* No capabilities, no new privileges, limits; ends with its parent. -ESRCH: that has ended. */
int cage_build(int parent_pid, struct sluice_err *reterr);
int cage_enter(enum cage_step step, struct sluice_err *reterr);

#endif
