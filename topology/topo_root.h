/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topo_root.h - the root that a load reads under: a folder, or a capture, which is unpacked for the
 * length of the load into a folder of its own.
 */
#ifndef TOPO_ROOT_H
#define TOPO_ROOT_H

#include "sluice/err.h"

struct topo_root {
	int fd;            /* the folder, -1 when it is not open */
	char unpacked[72]; /* "" for a folder that was there before */
	int lock;          /* of what was unpacked: whoever dies gives it up */
};

/* sysroot: NULL or "" is "/". -EINVAL: a file that is no capture; the sentence names it. On failure
 * nothing is open and nothing is left. */
int topo_root_open(const char *sysroot, struct topo_root *ret, struct sluice_err *reterr);

/* Closes what is open and removes what was unpacked. What a process that was killed in between left
 * of its own is removed by the next one of its user that unpacks a capture. */
void topo_root_close(struct topo_root *root);

#endif
