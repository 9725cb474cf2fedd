/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settings.h - change a kernel setting so that it is always put back, even when we are killed.
 *
 * Before the first change of a setting its value is written down, one small file a setting, in
 * STATE_DIR/settings, and is on disk before the kernel sees the change. While we live we hold a
 * lock on that file: a record that is locked belongs to a running Sluice, one that is not was left
 * by a killed one, and whoever comes next puts the setting back. So two handles, of one process or
 * two, may be open at once, but only one at a time owns a given setting.
 *
 * Settings are files with one short line under /proc/sys or /sys. One handle, one thread at a
 * time. A child that was forked without exec keeps the locks as long as it lives.
 */
#ifndef SAMPLER_SETTINGS_H
#define SAMPLER_SETTINGS_H

#include <stddef.h>

#include "sluice/err.h"

#define SETTINGS_VALUE_BYTES 128 /* longest value and its terminator */
#define SETTINGS_MAX 32          /* settings that one handle may change */

struct settings;

/* Opens STATE_DIR/settings (made when missing, mode 0700) and first puts back what a killed run
 * left. sysroot: "" for the real machine. *ret is the caller's, freed by settings_close().
 * -EACCES, -EPERM: the folder cannot be made, or others may write to it. */
int settings_open(const char *sysroot, const char *state_dir, struct settings **ret,
		  struct sluice_err *reterr);

/* The present value without the newline; of a choice such as "always [madvise] never" the chosen
 * word. -ENOENT: this kernel has no such setting (or debugfs is not mounted). value holds at
 * least SETTINGS_VALUE_BYTES. Changes nothing, owns nothing. */
int settings_get(const struct settings *settings, const char *path, char *value, size_t capacity,
		 struct sluice_err *reterr);

/* Changes a setting; path as on a real machine, "/proc/sys/kernel/numa_balancing". The value that
 * was there at the first change of this path through this handle is what is put back, however
 * often it is set. -EBUSY: another running Sluice owns it. -ENOENT, -EACCES, -EROFS, or what the
 * kernel says to the value; after a failed first change nothing is left written down. */
int settings_set(struct settings *settings, const char *path, const char *value,
		 struct sluice_err *reterr);

/* Let go of everything without putting it back: somebody else has taken these settings over. */
void settings_forget(struct settings *settings);

/* Puts back everything that was changed through this handle, last change first, and frees it; NULL
 * is fine. A setting that somebody else changed after us is left as they want it; what cannot be
 * put back is logged, and stays written down for the next start. */
void settings_close(struct settings *settings);

/* Puts back what killed runs left, last change first; what running ones own is not touched. A
 * missing folder is nothing to do. *ret_count, may be NULL: how many were put back. Returns the
 * first error, having tried all. */
int settings_restore_stale(const char *sysroot, const char *state_dir, size_t *ret_count,
			   struct sluice_err *reterr);

#endif
