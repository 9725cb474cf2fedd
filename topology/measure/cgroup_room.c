/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup_room.c - see cgroup_room.h. */
#include "cgroup_room.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define MOUNT "/sys/fs/cgroup"

/* A file with one number. "max", or no such file, is none. */
static bool
read_number(const char *root, const char *group, const char *name, uint64_t *ret)
{
	char path[PATH_MAX];
	unsigned long long value;
	FILE *file;
	bool found;

	if (snprintf(path, sizeof(path), "%s" MOUNT "%s/%s", root, group, name) >=
	    (int)sizeof(path))
		return false;
	file = fopen(path, "re");
	if (!file)
		return false;
	found = fscanf(file, "%llu", &value) == 1;
	fclose(file);
	if (found)
		*ret = value;
	return found;
}

/* "0::/system.slice/x.service": the line of version 2. */
static bool
own_group(const char *root, char *group, size_t size)
{
	char path[PATH_MAX];
	bool found = false;
	FILE *file;

	if (snprintf(path, sizeof(path), "%s/proc/self/cgroup", root) >= (int)sizeof(path))
		return false;
	file = fopen(path, "re");
	if (!file)
		return false;
	while (!found && fgets(path, sizeof(path), file)) {
		path[strcspn(path, "\n")] = '\0';
		found = strncmp(path, "0::/", 4) == 0 && strlen(path + 3) < size;
		if (found)
			memcpy(group, path + 3, strlen(path + 3) + 1);
	}
	fclose(file);
	return found;
}

uint64_t
cgroup_room_under(const char *root)
{
	uint64_t least = UINT64_MAX;
	char group[PATH_MAX];
	char *slash;

	if (!own_group(root, group, sizeof(group)))
		return least;
	/* From our own up; the topmost has no limits, but in a container it stands for one that
	 * does.
	 */
	do {
		static const char *const limits[] = {"memory.max", "memory.high"};
		uint64_t limit, used = 0;

		slash = strrchr(group, '/');
		if (slash && !slash[1])
			*slash = '\0';
		for (int i = 0; i < 2; i++) {
			if (!read_number(root, group, limits[i], &limit))
				continue;
			(void)read_number(root, group, "memory.current", &used);
			limit = limit > used ? limit - used : 0;
			least = limit < least ? limit : least;
		}
		slash = strrchr(group, '/');
		if (slash)
			*slash = '\0';
	} while (slash);
	return least;
}

uint64_t
cgroup_room_bytes(void)
{
	return cgroup_room_under("");
}
