/* SPDX-License-Identifier: Apache-2.0 */
/* topo_capture.h - sluice topology --capture: this machine's files in one, for --sysroot. */
#ifndef CLI_TOPO_CAPTURE_H
#define CLI_TOPO_CAPTURE_H

#include "cli.h"

/* Asks the service for a capture and writes it to path ("-": standard output), all of it or
 * nothing; tells on standard error what was left out. Returns the exit status. */
int topo_capture(struct cli *cli, const char *path);

#endif
