/* SPDX-License-Identifier: Apache-2.0 */
/* topo_capture.h - which files may go into a capture, and how. Paths are without links. */
#ifndef TOPO_CAPTURE_H
#define TOPO_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>

bool capture_harmless(const char *path);

/* What the file would tell, in words that are no path; NULL: it is not known to be private. */
const char *capture_private(const char *path);

/* Whether the kernel gives the names of folders and links there, and no user. */
bool capture_may_be_named(const char *path);

/* Only the lines of cpuinfo that tell the model. The caller's; NULL: no memory. */
char *capture_clean_cpuinfo(const char *text);

/* Folders, and names that people gave, become "/swap-1": kernel names stay. */
char *capture_clean_swaps(const char *text, size_t *ret_renamed);

#endif
