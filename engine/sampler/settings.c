/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settings.c - see settings.h. A lock on the folder itself makes "look at the records, then act"
 * one step among all Sluice processes; it is held for moments only.
 */
#include "settings.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "procfs.h"
#include "settings_record.h"

struct owned {
	struct record record;
	char ours[SETTINGS_VALUE_BYTES]; /* as the kernel showed it after our last change */
	int fd;
};

struct settings {
	char sysroot[256];
	char dir[256];
	char boot[40];
	int dir_fd;
	size_t count;
	struct owned owned[SETTINGS_MAX];
};

static int
value_read(const char *sysroot, const char *path, char *value, size_t capacity)
{
	char text[1024], *start = text, *end;
	int length = procfs_text(sysroot, 0, path, text, sizeof(text));

	if (length < 0)
		return length;
	while (length > 0 && (text[length - 1] == '\n' || text[length - 1] == ' '))
		text[--length] = '\0';
	start = strchr(text, '[');
	end = start ? strchr(start, ']') : NULL;
	if (end) {
		start++;
		*end = '\0';
	} else {
		start = text;
	}
	/* What we could not write back as it was, we do not take. */
	if (strlen(start) >= capacity || strlen(start) >= SETTINGS_VALUE_BYTES)
		return -EMSGSIZE;
	for (const char *c = start; *c; c++) {
		if ((unsigned char)*c < 0x20 || (unsigned char)*c > 0x7e)
			return -EMSGSIZE;
	}
	strcpy(value, start);
	return 0;
}

static int
value_write(const char *sysroot, const char *path, const char *value)
{
	char full[512], line[SETTINGS_VALUE_BYTES + 1];
	int fd, length, r = 0;

	if (snprintf(full, sizeof(full), "%s%s", sysroot, path) >= (int)sizeof(full))
		return -ENAMETOOLONG;
	fd = open(full, O_WRONLY | O_TRUNC | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	length = snprintf(line, sizeof(line), "%s\n", value);
	if (write(fd, line, (size_t)length) != length)
		r = errno ? -errno : -EIO;
	if (close(fd) < 0 && r == 0)
		r = -errno;
	return r;
}

/* -ENOENT when missing and make is 0. */
static int
folder_open(const char *dir, int make, int *ret_fd, struct sluice_err *reterr)
{
	struct stat st;
	int fd;

	if (make) {
		char parent[256];
		char *slash;

		/* The state folder itself may not exist yet. */
		snprintf(parent, sizeof(parent), "%s", dir);
		slash = strrchr(parent, '/');
		if (slash && slash != parent) {
			*slash = '\0';
			if (mkdir(parent, 0755) < 0 && errno != EEXIST)
				return sluice_fail(
					reterr, -errno,
					"could not create %s to write kernel settings down "
					"in: %s",
					parent, strerror(errno));
		}
		if (mkdir(dir, 0700) < 0 && errno != EEXIST)
			return sluice_fail(
				reterr, -errno,
				"could not create %s to write kernel settings down in: %s", dir,
				strerror(errno));
	}
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return sluice_fail(reterr, -errno, "could not open %s: %s", dir, strerror(errno));
	if (fstat(fd, &st) < 0 || (st.st_uid != 0 && st.st_uid != geteuid()) ||
	    (st.st_mode & (S_IWGRP | S_IWOTH))) {
		close(fd);
		return sluice_fail(reterr, -EPERM,
				   "%s may be written by others, so what is noted there is not "
				   "trusted; make it yours with mode 0700, or remove it",
				   dir);
	}
	*ret_fd = fd;
	return 0;
}

/* Put back one record that we hold the lock of. It stays when that fails. */
static int
record_restore(const char *sysroot, const char *boot, int dir_fd, const char *dir,
	       const struct record *record, int fd, struct sluice_err *reterr)
{
	char name[RECORD_NAME_BYTES], now[SETTINGS_VALUE_BYTES];
	int r = 0;

	record_name(record->path, name);
	if (strcmp(record->boot, boot) == 0) {
		r = value_read(sysroot, record->path, now, sizeof(now));
		if (r < 0 || strcmp(now, record->old) != 0)
			r = value_write(sysroot, record->path, record->old);
	}
	/* A setting that is gone (module or device removed) has nothing left to put back. */
	if (r == -ENOENT)
		r = 0;
	if (r < 0) {
		close(fd);
		return sluice_fail(reterr, r,
				   "could not put %s back to '%s': %s; set it by hand, then remove "
				   "%s/%s",
				   record->path, record->old, strerror(-r), dir, name);
	}
	log_debug("settings", "%s is '%s' again", record->path, record->old);
	record_drop(dir_fd, name, fd);
	return 0;
}

struct stale {
	struct record record;
	int fd;
};

static int
stale_compare(const void *left, const void *right)
{
	const struct stale *a = left, *b = right;

	return a->record.order_ns < b->record.order_ns   ? 1
	       : a->record.order_ns > b->record.order_ns ? -1
							 : 0;
}

/* With the folder locked. */
static int
stale_restore(const char *sysroot, const char *dir, int dir_fd, size_t *ret_count,
	      struct sluice_err *reterr)
{
	struct stale *stale = calloc(SETTINGS_MAX, sizeof(*stale));
	struct dirent *entry;
	size_t count = 0, done = 0;
	int fd, r, result = 0;
	char boot[40];
	DIR *list;

	fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	list = fd >= 0 ? fdopendir(fd) : NULL;
	if (!stale || !list) {
		free(stale);
		if (list)
			closedir(list);
		else if (fd >= 0)
			close(fd);
		return sluice_fail(reterr, -ENOMEM, "could not list %s", dir);
	}
	record_boot_id(sysroot, boot);
	while ((entry = readdir(list)) && count < SETTINGS_MAX) {
		/* Temporary files of a writer that died, and the dots. */
		if (entry->d_name[0] == '.') {
			if (entry->d_name[1] != '\0' && strcmp(entry->d_name, "..") != 0)
				unlinkat(dir_fd, entry->d_name, 0);
			continue;
		}
		r = record_take(dir_fd, entry->d_name, &stale[count].record, &stale[count].fd);
		if (r == 0)
			count++;
		else if (r != -EAGAIN && r != -ENOENT && result == 0)
			result = sluice_fail(reterr, r,
					     "%s/%s is not a note of a kernel setting that Sluice "
					     "can use (%s); remove it",
					     dir, entry->d_name, strerror(-r));
	}
	closedir(list);
	qsort(stale, count, sizeof(*stale), stale_compare);
	for (size_t i = 0; i < count; i++) {
		r = record_restore(sysroot, boot, dir_fd, dir, &stale[i].record, stale[i].fd,
				   result ? NULL : reterr);
		if (r < 0 && result == 0)
			result = r;
		if (r == 0)
			done++;
	}
	free(stale);
	if (ret_count)
		*ret_count = done;
	return result;
}

int
settings_open(const char *sysroot, const char *state_dir, struct settings **ret,
	      struct sluice_err *reterr)
{
	struct settings *settings = calloc(1, sizeof(*settings));
	int r;

	if (!settings)
		return sluice_fail(reterr, -ENOMEM, "out of memory");
	settings->dir_fd = -1;
	if (snprintf(settings->sysroot, sizeof(settings->sysroot), "%s", sysroot) >=
		    (int)sizeof(settings->sysroot) ||
	    snprintf(settings->dir, sizeof(settings->dir), "%s/settings", state_dir) >=
		    (int)sizeof(settings->dir)) {
		r = sluice_fail(reterr, -ENAMETOOLONG, "the state folder's name is too long");
		goto failed;
	}
	r = folder_open(settings->dir, 1, &settings->dir_fd, reterr);
	if (r < 0)
		goto failed;
	record_boot_id(sysroot, settings->boot);
	flock(settings->dir_fd, LOCK_EX);
	r = stale_restore(sysroot, settings->dir, settings->dir_fd, NULL, reterr);
	flock(settings->dir_fd, LOCK_UN);
	if (r < 0)
		goto failed;
	*ret = settings;
	return 0;
failed:
	if (settings->dir_fd >= 0)
		close(settings->dir_fd);
	free(settings);
	return r;
}

int
settings_get(const struct settings *settings, const char *path, char *value, size_t capacity,
	     struct sluice_err *reterr)
{
	int r = value_read(settings->sysroot, path, value, capacity);

	if (r == -ENOENT && strncmp(path, "/sys/kernel/debug/", 18) == 0)
		return sluice_fail(
			reterr, r,
			"%s does not exist: the kernel lacks it, or debugfs is not mounted "
			"(mount -t debugfs none /sys/kernel/debug)",
			path);
	if (r < 0)
		return sluice_fail(reterr, r, "could not read %s: %s", path, strerror(-r));
	return 0;
}

/* Write down the present value of path and own it from now on. */
static int
setting_own(struct settings *settings, const char *path, struct sluice_err *reterr)
{
	struct owned *owned = &settings->owned[settings->count];
	char name[RECORD_NAME_BYTES];
	int fd, r;

	if (settings->count == SETTINGS_MAX)
		return sluice_fail(reterr, -ENOSPC, "more than %d kernel settings to change",
				   SETTINGS_MAX);
	memset(owned, 0, sizeof(*owned));
	record_name(path, name);
	flock(settings->dir_fd, LOCK_EX);
	r = record_take(settings->dir_fd, name, &owned->record, &fd);
	if (r == -EAGAIN) {
		r = sluice_fail(
			reterr, -EBUSY,
			"%s is in use by another running Sluice (process %d); stop that one "
			"first",
			path, owned->record.pid);
		goto out;
	}
	/* Left by one that was killed after our settings_open(). */
	if (r == 0)
		r = record_restore(settings->sysroot, settings->boot, settings->dir_fd,
				   settings->dir, &owned->record, fd, reterr);
	else if (r == -ENOENT)
		r = 0;
	else
		sluice_fail(reterr, r, "%s/%s cannot be used (%s); remove it", settings->dir, name,
			    strerror(-r));
	if (r < 0)
		goto out;
	memset(&owned->record, 0, sizeof(owned->record));
	r = settings_get(settings, path, owned->record.old, sizeof(owned->record.old), reterr);
	if (r < 0)
		goto out;
	strcpy(owned->record.path, path);
	strcpy(owned->record.boot, settings->boot);
	owned->record.order_ns = clock_now_ns();
	owned->record.pid = getpid();
	r = record_write(settings->dir_fd, &owned->record, &owned->fd, reterr);
	if (r == 0)
		settings->count++;
out:
	flock(settings->dir_fd, LOCK_UN);
	return r;
}

int
settings_set(struct settings *settings, const char *path, const char *value,
	     struct sluice_err *reterr)
{
	char name[RECORD_NAME_BYTES];
	struct owned *owned = NULL;
	int r, first;

	if (!record_path_ok(path) || strlen(value) >= SETTINGS_VALUE_BYTES || strchr(value, '\n'))
		return sluice_fail(reterr, -EINVAL,
				   "'%s' is not a kernel setting to be set to '%s'", path, value);
	for (size_t i = 0; i < settings->count; i++) {
		if (strcmp(settings->owned[i].record.path, path) == 0)
			owned = &settings->owned[i];
	}
	first = owned == NULL;
	if (first) {
		r = setting_own(settings, path, reterr);
		if (r < 0)
			return r;
		owned = &settings->owned[settings->count - 1];
	}
	r = value_write(settings->sysroot, path, value);
	if (r < 0) {
		if (first) {
			record_name(path, name);
			record_drop(settings->dir_fd, name, owned->fd);
			settings->count--;
		}
		return sluice_fail(reterr, r, "could not set %s to '%s': %s", path, value,
				   strerror(-r));
	}
	/* The kernel may show it otherwise than we wrote it; some files are not told apart. */
	if (value_read(settings->sysroot, path, owned->ours, sizeof(owned->ours)) < 0)
		snprintf(owned->ours, sizeof(owned->ours), "%s", value);
	return 0;
}

/* Returns the first error, having tried all. */
static int
put_back(struct settings *settings, struct sluice_err *reterr)
{
	int result = 0, r;

	flock(settings->dir_fd, LOCK_EX);
	while (settings->count > 0) {
		struct owned *owned = &settings->owned[--settings->count];
		char name[RECORD_NAME_BYTES], now[SETTINGS_VALUE_BYTES];

		if (value_read(settings->sysroot, owned->record.path, now, sizeof(now)) == 0 &&
		    strcmp(now, owned->ours) != 0) {
			log_debug("settings", "%s was changed to '%s' by somebody else; left so",
				  owned->record.path, now);
			record_name(owned->record.path, name);
			record_drop(settings->dir_fd, name, owned->fd);
			continue;
		}
		r = record_restore(settings->sysroot, settings->boot, settings->dir_fd,
				   settings->dir, &owned->record, owned->fd,
				   result ? NULL : reterr);
		if (r < 0 && result == 0)
			result = r;
	}
	flock(settings->dir_fd, LOCK_UN);
	return result;
}

void
settings_forget(struct settings *settings)
{
	char name[RECORD_NAME_BYTES];

	while (settings->count > 0) {
		struct owned *owned = &settings->owned[--settings->count];

		record_name(owned->record.path, name);
		record_drop(settings->dir_fd, name, owned->fd);
	}
}

void
settings_close(struct settings *settings)
{
	struct sluice_err err = {0};

	if (!settings)
		return;
	if (put_back(settings, &err) < 0)
		log_warn("settings", "%s", err.msg);
	close(settings->dir_fd);
	free(settings);
}

int
settings_restore_stale(const char *sysroot, const char *state_dir, size_t *ret_count,
		       struct sluice_err *reterr)
{
	char dir[256];
	int fd, r;

	if (snprintf(dir, sizeof(dir), "%s/settings", state_dir) >= (int)sizeof(dir))
		return sluice_fail(reterr, -ENAMETOOLONG, "the state folder's name is too long");
	r = folder_open(dir, 0, &fd, reterr);
	if (r == -ENOENT) {
		if (ret_count)
			*ret_count = 0;
		return 0;
	}
	if (r < 0)
		return r;
	flock(fd, LOCK_EX);
	r = stale_restore(sysroot, dir, fd, ret_count, reterr);
	flock(fd, LOCK_UN);
	close(fd);
	return r;
}
