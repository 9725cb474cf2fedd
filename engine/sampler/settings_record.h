/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settings_record.h - the file that remembers one setting: its name, content and lock.
 * Only settings.c uses it.
 */
#ifndef SAMPLER_SETTINGS_RECORD_H
#define SAMPLER_SETTINGS_RECORD_H

#include <stdint.h>

#include "settings.h"

#define RECORD_PATH_BYTES 200
#define RECORD_NAME_BYTES (RECORD_PATH_BYTES + 8)

struct record {
	char path[RECORD_PATH_BYTES];
	char old[SETTINGS_VALUE_BYTES];
	uint64_t order_ns; /* later changes have larger ones, and are put back first */
	int pid;           /* who wrote it, for the sentence */
	char boot[40];     /* of another boot: the kernel has forgotten the change */
};

/* Only lines of printable text, below /proc/sys/ or /sys/, without "..": a record is acted upon
 * as root, so nothing else may be in it. */
int record_path_ok(const char *path);
void record_name(const char *path, char name[RECORD_NAME_BYTES]);

/* Written to a temporary name, on disk, then renamed; *ret_fd holds the lock. */
int record_write(int dir_fd, const struct record *record, int *ret_fd, struct sluice_err *reterr);
/* -ENOENT none of that name; -EAGAIN it is locked: *ret is filled, its owner runs; -EBADMSG it is
 * not a record. On 0 *ret_fd holds the lock. */
int record_take(int dir_fd, const char *name, struct record *ret, int *ret_fd);
/* Remove it and let go of the lock. */
void record_drop(int dir_fd, const char *name, int fd);

void record_boot_id(const char *sysroot, char boot[40]);

#endif
