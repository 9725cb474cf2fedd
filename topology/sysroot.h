/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sysroot.h - read small files of /sys and /proc under a replaceable root, and what they say.
 *
 * A captured tree may hold anything: everything that is not a readable regular file is "unknown"
 * to the caller, told by a negative errno, and never blocks, crashes or leads outside the root.
 * Paths are relative to the root ("sys/devices/..."). Nothing here allocates but sysroot_list().
 */
#ifndef SYSROOT_H
#define SYSROOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Returns a descriptor of the root, the caller's to close, or -errno. NULL or "" is "/". */
int sysroot_open(const char *root);

/* Read at most size-1 bytes and end them with NUL, without trailing white space. Returns the
 * length, or -errno: -EISDIR and -EINVAL for what is not a regular file, -ELOOP for looping links,
 * -EFBIG when the file is longer than the buffer. The buffer is an empty string on failure. */
int sysroot_read(int root, char *buffer, size_t size, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* As sysroot_read(), but a longer file is cut, for files whose first lines are enough. */
int sysroot_read_head(int root, char *buffer, size_t size, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Read a file that holds one decimal number (or, with 0x, a hexadecimal one) in [min, max]. */
int sysroot_read_number(int root, uint64_t min, uint64_t max, uint64_t *ret, const char *format,
			...) __attribute__((format(printf, 5, 6)));

/* Open a file that exists for writing, for topology/devices. Returns a descriptor, the caller's to
 * close, or -errno. */
int sysroot_open_write(int root, const char *path);

/* Where a symbolic link points, as its text says. Returns the length or -errno. */
int sysroot_read_link(int root, char *buffer, size_t size, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Call each() with the name of every entry of a folder, numbers by their value, until it returns
 * non-zero, which is then returned; else 0, or -errno when the folder cannot be listed. */
int sysroot_list(int root, const char *path, int (*each)(const char *name, void *userdata),
		 void *userdata);

/* Told of all that is read, while it watches: what a capture has to hold. Paths are as the reader
 * gave them, through links where there are some. Each Required. */
struct sysroot_watcher {
	void (*file)(void *userdata, int root, const char *path, const char *text);
	void (*link)(void *userdata, int root, const char *path, const char *target);
	/* An entry of a folder that is listed; then, with NULL, that the folder is there. */
	void (*entry)(void *userdata, int root, const char *path, const char *name);
	void (*unreadable)(void *userdata, const char *path); /* the kernel refuses it to us */
	void *userdata;
};

/* Watch what this thread reads, until NULL is given. Borrowed. What a watcher reads itself is not
 * told. */
void sysroot_watch(const struct sysroot_watcher *watcher);

/* Parse digits at *text, decimal or 0x, and step over them. False when there is none or it is
 * larger than max; *text and *ret are then untouched. A sign is no digit. */
bool sysroot_number(const char **text, uint64_t max, uint64_t *ret);

/* Whether name is prefix followed by a decimal number up to max and nothing else. */
bool sysroot_numbered(const char *name, const char *prefix, uint64_t max, uint32_t *ret);

#endif
