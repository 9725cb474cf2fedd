/* SPDX-License-Identifier: Apache-2.0 */
/* follow.c - see follow.h. */
#include "follow.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "procfs.h"

#define FOLLOW_MAX 256
/* When nobody came or went for so many ticks, all are looked at in each fourth only. */
#define STILL_TICKS 40
#define STILL_EVERY 4

struct followed {
	int32_t pid;
	int32_t root;         /* the process that follow_add named */
	uint64_t start_ticks; /* tells a reused pid from the process we knew */
};

struct follow {
	int (*attach)(void *ctx, int32_t pid, uint64_t start_ticks);
	void *ctx;
	struct followed known[FOLLOW_MAX];
	size_t count;
	unsigned int still; /* ticks in which nobody came or went */
};

struct follow *
follow_new(int (*attach)(void *ctx, int32_t pid, uint64_t start_ticks), void *ctx)
{
	struct follow *follow = calloc(1, sizeof(*follow));

	if (follow) {
		follow->attach = attach;
		follow->ctx = ctx;
	}
	return follow;
}

void
follow_free(struct follow *follow)
{
	free(follow);
}

static int
add(struct follow *follow, int32_t pid, int32_t root)
{
	uint64_t start;

	if (procfs_started("", pid, &start) < 0)
		return -ESRCH;
	if (follow->count == FOLLOW_MAX)
		return -ENOSPC;
	follow->known[follow->count++] = (struct followed){pid, root, start};
	follow->still = 0;
	return 0;
}

static int
is_known(const struct follow *follow, int32_t pid)
{
	for (size_t i = 0; i < follow->count; i++) {
		if (follow->known[i].pid == pid)
			return 1;
	}
	return 0;
}

int
follow_add(struct follow *follow, int32_t pid)
{
	return is_known(follow, pid) ? 0 : add(follow, pid, pid);
}

void
follow_remove(struct follow *follow, int32_t pid)
{
	size_t kept = 0;

	for (size_t i = 0; i < follow->count; i++) {
		if (follow->known[i].pid != pid && follow->known[i].root != pid)
			follow->known[kept++] = follow->known[i];
	}
	follow->count = kept;
}

static void
read_children(struct follow *follow, const char *path, int32_t root)
{
	FILE *file = fopen(path, "re");
	char *line = NULL, *at, *end;
	size_t size = 0;

	if (!file)
		return;
	if (getline(&line, &size, file) > 0) { /* "12 34 56 " */
		for (at = line;; at = end) {
			int32_t pid = (int32_t)strtol(at, &end, 10);

			if (end == at)
				break;
			if (!is_known(follow, pid) && add(follow, pid, root) == 0)
				follow->attach(follow->ctx, pid,
					       follow->known[follow->count - 1].start_ticks);
		}
	}
	free(line);
	fclose(file);
}

/* Each thread has a list of the children that it made. */
static void
look_below(struct follow *follow, const struct followed *parent)
{
	const int32_t pid = parent->pid, root = parent->root;
	char path[320];
	struct dirent *entry;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	tasks = opendir(path);
	if (!tasks)
		return;
	while ((entry = readdir(tasks)) != NULL) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task/%.16s/children", pid, entry->d_name);
		read_children(follow, path, root);
	}
	closedir(tasks);
}

void
follow_tick(struct follow *follow)
{
	size_t kept = 0;

	if (follow->still++ > STILL_TICKS && follow->still % STILL_EVERY)
		return;
	for (size_t i = 0; i < follow->count; i++) {
		uint64_t start;

		if (procfs_started("", follow->known[i].pid, &start) == 0 &&
		    start == follow->known[i].start_ticks)
			follow->known[kept++] = follow->known[i];
	}
	if (kept < follow->count)
		follow->still = 0;
	follow->count = kept;
	/* What is found joins the end, so children of children are found in the same tick. */
	for (size_t i = 0; i < follow->count; i++)
		look_below(follow, &follow->known[i]);
}
