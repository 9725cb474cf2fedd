/* SPDX-License-Identifier: Apache-2.0 */
/*
 * procfs.h - reading the files of /proc/PID under a replaceable root, line by line and without
 * allocating. Lines come from other people's processes: any text must be survived. Any thread, one
 * reader each.
 */
#ifndef BASE_PROCFS_H
#define BASE_PROCFS_H

#include <stddef.h>
#include <stdint.h>

struct procfs_lines {
	int fd;
	int eof, skip; /* skip: the rest of a line that was too long */
	size_t start, end;
	char buffer[8192]; /* longer lines are cut */
};

/* Open SYSROOT/proc/PID/NAME, or with pid 0 SYSROOT/NAME, which may begin with a '/'. -errno. */
int procfs_open(const char *sysroot, int32_t pid, const char *name, int flags);
int procfs_lines_open(struct procfs_lines *lines, const char *sysroot, int32_t pid,
		      const char *name);
/* The next line without its newline, valid until the next call; NULL at the end or on an error,
 * which *ret_error tells (0 or -errno). The reader closes itself then. */
char *procfs_lines_next(struct procfs_lines *lines, int *ret_error);
void procfs_lines_close(struct procfs_lines *lines); /* also when closed already */

/* The beginning of a small file as text, at most size - 1 bytes of it: its length, or -errno. A
 * process's file that is empty is one that has ended: -ESRCH. */
int procfs_text(const char *sysroot, int32_t pid, const char *name, char *ret_text, size_t size);
/* Its first line, without blanks at its end. */
int procfs_line(const char *sysroot, int32_t pid, const char *name, char *ret_line, size_t size);
/* Its first line as a whole decimal number. -EBADMSG: it is none. */
int procfs_number(const char *sysroot, int32_t pid, const char *name, int64_t *ret);

/* Write a short text to SYSROOT/proc/PID/NAME. -errno. */
int procfs_write(const char *sysroot, int32_t pid, const char *name, const char *text);

/* The name that the kernel keeps of a process, at most 15 characters; any text. -errno. */
int procfs_comm(const char *sysroot, int32_t pid, char *ret_comm, size_t size);

/* 0 it runs, -ESRCH it has ended (a zombie has), -EINVAL it is a kernel thread, -errno. */
int procfs_state(const char *sysroot, int32_t pid);
/* As procfs_state, and when the process started, in ticks since the machine did: no two processes
 * of one pid have the same. */
int procfs_started(const char *sysroot, int32_t pid, uint64_t *ret_start_ticks);

/* Resident memory, of all kinds. -errno. */
int procfs_resident(const char *sysroot, int32_t pid, uint64_t *ret_bytes);

/* A line of maps, or the head of an entry of smaps. */
struct procfs_map {
	uint64_t start, end;
	char perms[5]; /* "rw-p" */
	uint64_t inode;
	const char *name; /* into the line; "" for plain anonymous memory */
};

/* 1 it is one, with a sane range; 0 it is something else. */
int procfs_map_parse(const char *line, struct procfs_map *ret);

/* "VmLck:   12 kB": the number when the line begins with key; 1 it does, 0 not. */
int procfs_number_parse(const char *line, const char *key, uint64_t *ret);

#endif
