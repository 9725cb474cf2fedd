/* SPDX-License-Identifier: Apache-2.0 */
/* lru_look.c - see lru_look.h. */
#include "lru_look.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "lru_gen.h"
#include "procfs.h"

#define PATHS_MOST 32
#define PIDS_MOST 256

/* What to write to have a generation made. */
struct wish {
	uint64_t memcg, newest;
	int node;
};

enum { UNDER_WAY, DONE, LEFT };

struct lru_look {
	char sysroot[256];
	int32_t pids[PIDS_MOST];
	size_t pid_count;
	char paths[PATHS_MOST][SAMPLER_MEMCG_BYTES];
	struct wish wishes[SAMPLER_WORKING_SETS_MAX];
	struct lru_found found;
	pthread_t thread;
	atomic_int state; /* whoever changes it second, frees all of this */
};

/* The memory cgroup of a process: "0::/a/b", or "9:memory:/a/b" where there are hierarchies of the
 * first kind. */
static int
memcg_of(const char *sysroot, int32_t pid, char *path, size_t capacity)
{
	struct procfs_lines lines;
	const char *line;
	int found = 0, r = procfs_lines_open(&lines, sysroot, pid, "cgroup");

	if (r < 0)
		return r;
	while (found < 2 && (line = procfs_lines_next(&lines, &r))) {
		const char *name = strchr(line, ':'), *at = name ? strchr(name + 1, ':') : NULL;

		if (!at || (name[1] != ':' && strncmp(name, ":memory:", 8) != 0))
			continue;
		if (strlen(at + 1) >= capacity)
			continue;
		memcpy(path, at + 1, strlen(at + 1) + 1);
		found = name[1] == ':' ? 1 : 2;
	}
	procfs_lines_close(&lines);
	return found ? 0 : -ENOENT;
}

static size_t
find_memcgs(struct lru_look *look)
{
	size_t count = 0;

	for (size_t i = 0; i < look->pid_count && count < PATHS_MOST; i++) {
		size_t k = 0;

		if (memcg_of(look->sysroot, look->pids[i], look->paths[count],
			     SAMPLER_MEMCG_BYTES) < 0)
			continue;
		while (strcmp(look->paths[k], look->paths[count]) != 0)
			k++;
		count += k == count;
	}
	return count;
}

static int
is_among(const struct lru_look *look, size_t count, const char *path)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(look->paths[i], path) == 0)
			return 1;
	}
	return 0;
}

/* One generation of the set under way; those that have no page are told too, for their age. */
static void
generation_add(struct lru_look *look, const struct lru_gen_line *line)
{
	struct sampler_working_set *set = &look->found.sets[look->found.count - 1];
	struct wish *wish = &look->wishes[look->found.count - 1];

	if (line->number > wish->newest)
		wish->newest = line->number;
	if (set->count == SAMPLER_GENERATIONS_MAX)
		return;
	set->generation[set->count].age_ms = line->age_ms;
	set->generation[set->count].anon_bytes = line->anon_pages * HEAT_PAGE_BYTES;
	set->generation[set->count++].file_bytes = line->file_pages * HEAT_PAGE_BYTES;
}

static void
read_sets(struct lru_look *look, size_t path_count)
{
	char path[SAMPLER_MEMCG_BYTES] = "";
	struct procfs_lines lines;
	uint64_t memcg = 0;
	int wanted = 0, in_set = 0, error;
	char *text;

	look->found.count = 0;
	if (procfs_lines_open(&lines, look->sysroot, 0, LRU_GENERATIONS) < 0)
		return;
	while ((text = procfs_lines_next(&lines, &error))) {
		struct lru_gen_line line;

		lru_gen_parse(text, &line);
		if (line.kind == LRU_GEN_MEMCG) {
			/* The root's path is empty in some kernels. */
			snprintf(path, sizeof(path), "%s", line.path[0] ? line.path : "/");
			memcg = line.memcg;
			wanted = is_among(look, path_count, path);
			in_set = 0;
		} else if (line.kind == LRU_GEN_NODE) {
			size_t at = look->found.count;

			in_set = wanted && at < SAMPLER_WORKING_SETS_MAX;
			if (!in_set)
				continue;
			look->wishes[at] = (struct wish){memcg, 0, line.node};
			look->found.sets[at] = (struct sampler_working_set){.node = line.node};
			memcpy(look->found.sets[at].memcg, path, sizeof(path));
			look->found.count++;
		} else if (line.kind == LRU_GEN_GENERATION && in_set) {
			generation_add(look, &line);
		}
	}
	procfs_lines_close(&lines);
}

/* Pages that were accessed since the last one become the youngest generation. */
static void
ask_for_look(const struct lru_look *look)
{
	for (size_t i = 0; i < look->found.count; i++) {
		const struct wish *wish = &look->wishes[i];
		char text[96];
		int r;

		if (!look->found.sets[i].count)
			continue;
		/* Anonymous pages too, also where there is no swap; all page tables. */
		snprintf(text, sizeof(text), "+ %llu %d %llu 1 1\n",
			 (unsigned long long)wish->memcg, wish->node,
			 (unsigned long long)wish->newest);
		r = procfs_write(look->sysroot, 0, LRU_GENERATIONS, text);
		if (r < 0)
			log_debug("mglru", "%s: %s", text, strerror(-r));
	}
}

static void *
look_thread(void *arg)
{
	struct lru_look *look = arg;
	size_t path_count = find_memcgs(look);

	read_sets(look, path_count);
	ask_for_look(look);
	read_sets(look, path_count);
	look->found.cpu_ns = clock_thread_cpu_ns();
	if (atomic_exchange(&look->state, DONE) == LEFT)
		free(look);
	return NULL;
}

int
lru_look_begin(const char *sysroot, const int32_t *pids, size_t count, struct lru_look **ret)
{
	struct lru_look *look = calloc(1, sizeof(*look));
	sigset_t all, old;
	int r;

	if (!look)
		return -ENOMEM;
	snprintf(look->sysroot, sizeof(look->sysroot), "%s", sysroot);
	look->pid_count = count < PIDS_MOST ? count : PIDS_MOST;
	memcpy(look->pids, pids, look->pid_count * sizeof(*pids));
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = -pthread_create(&look->thread, NULL, look_thread, look);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r < 0)
		free(look);
	else
		*ret = look;
	return r;
}

int
lru_look_end(struct lru_look *look, struct lru_found *ret)
{
	if (atomic_load(&look->state) != DONE)
		return 0;
	pthread_join(look->thread, NULL);
	*ret = look->found;
	free(look);
	return 1;
}

void
lru_look_leave(struct lru_look *look)
{
	pthread_t thread;

	if (!look)
		return;
	thread = look->thread;
	if (atomic_exchange(&look->state, LEFT) == DONE) {
		pthread_join(thread, NULL);
		free(look);
	} else {
		pthread_detach(thread);
	}
}
