/* SPDX-License-Identifier: Apache-2.0 */
/* tlb_flush.c - see tlb_flush.h. */
#include "tlb_flush.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "procfs.h"

#define CPUS_MOST 16
#define THREADS_MOST 64 /* that are looked at, in all */
#define LOOK_EVERY_NS 1000000000ull
#define NS_PER_S 1000000000ull
#define STATE_FIELD 3 /* of stat, from 1 */
#define CPU_FIELD 39

struct tlb_flush {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	/* Under the lock. */
	int32_t pids[TLB_FLUSH_PIDS];
	size_t pid_count;
	uint64_t every_ns, due_ns; /* the next visit; 0: at once */
	unsigned int visits;       /* so far */
	int is_new, stop;
	/* The thread's own. */
	int cpus[CPUS_MOST];
	size_t cpu_count;
};

int
tlb_flush_works(const char *sysroot)
{
	struct procfs_lines lines;
	const char *line;
	int works = 0, r;

	if (procfs_lines_open(&lines, sysroot, 0, "proc/cpuinfo") < 0)
		return 0;
	while ((line = procfs_lines_next(&lines, &r))) {
		if (strncmp(line, "flags", 5) != 0)
			continue;
		works = strstr(line, " fpu") && !strstr(line, " pcid");
		break;
	}
	procfs_lines_close(&lines);
	return works;
}

/* The CPU of a thread that runs or waits for one; -1 it sleeps, or has ended. */
static int
thread_cpu(const char *sysroot, int32_t pid, const char *thread)
{
	char name[64], text[1024], *at;

	snprintf(name, sizeof(name), "task/%.20s/stat", thread);
	if (procfs_text(sysroot, pid, name, text, sizeof(text)) < 0)
		return -1;
	at = strrchr(text, ')'); /* the name in brackets may hold anything */
	if (!at || strncmp(at, ") R", 3) != 0)
		return -1;
	at += 2;
	for (int i = STATE_FIELD; at && i < CPU_FIELD; i++)
		at = strchr(at + 1, ' ');
	return at ? atoi(at) : -1;
}

static size_t
add_cpu(int *cpus, size_t count, size_t capacity, int cpu)
{
	for (size_t i = 0; i < count; i++) {
		if (cpus[i] == cpu)
			return count;
	}
	if (count < capacity && cpu >= 0 && cpu < CPU_SETSIZE)
		cpus[count++] = cpu;
	return count;
}

int
tlb_flush_cpus(const char *sysroot, int32_t pid, int *threads, int *cpus, size_t *count,
	       size_t capacity)
{
	const struct dirent *entry;
	char path[512];
	DIR *folder;

	snprintf(path, sizeof(path), "%s/proc/%d/task", sysroot, pid);
	folder = opendir(path);
	if (!folder)
		return -errno;
	while (*threads > 0 && *count < capacity && (entry = readdir(folder))) {
		if (entry->d_name[0] == '.')
			continue;
		--*threads;
		*count = add_cpu(cpus, *count, capacity, thread_cpu(sysroot, pid, entry->d_name));
	}
	closedir(folder);
	return 0;
}

/* Who runs nowhere just now may go on where it was. */
static void
find_cpus(struct tlb_flush *flush, const int32_t *pids, size_t pid_count)
{
	int cpus[CPUS_MOST], threads = THREADS_MOST;
	size_t count = 0;

	for (size_t i = 0; i < pid_count; i++)
		(void)tlb_flush_cpus("", pids[i], &threads, cpus, &count, CPUS_MOST);
	if (!count)
		return;
	memcpy(flush->cpus, cpus, sizeof(flush->cpus));
	flush->cpu_count = count;
}

/* To run there for an instant is enough. On some we may not. */
static void
visit(const struct tlb_flush *flush)
{
	for (size_t i = 0; i < flush->cpu_count; i++) {
		cpu_set_t only;

		CPU_ZERO(&only);
		CPU_SET(flush->cpus[i], &only);
		(void)sched_setaffinity(0, sizeof(only), &only);
	}
}

static void *
flush_thread(void *arg)
{
	struct tlb_flush *flush = arg;
	int32_t pids[TLB_FLUSH_PIDS];
	uint64_t looked_ns = 0;

	pthread_mutex_lock(&flush->lock);
	while (!flush->stop) {
		uint64_t now_ns = clock_now_ns(), due_ns = flush->due_ns;
		struct timespec until = {(time_t)(due_ns / NS_PER_S), (long)(due_ns % NS_PER_S)};
		int look = flush->is_new || now_ns - looked_ns >= LOOK_EVERY_NS;
		size_t count = flush->pid_count;

		if (!flush->every_ns) {
			pthread_cond_wait(&flush->changed, &flush->lock);
			continue;
		}
		if (now_ns < due_ns) {
			(void)pthread_cond_timedwait(&flush->changed, &flush->lock, &until);
			continue;
		}
		flush->due_ns = now_ns + flush->every_ns;
		flush->is_new = 0;
		memcpy(pids, flush->pids, sizeof(pids));
		pthread_mutex_unlock(&flush->lock);
		if (look) {
			find_cpus(flush, pids, count);
			looked_ns = now_ns;
		}
		visit(flush);
		pthread_mutex_lock(&flush->lock);
		flush->visits++;
	}
	pthread_mutex_unlock(&flush->lock);
	return NULL;
}

int
tlb_flush_new(struct tlb_flush **ret)
{
	struct tlb_flush *flush = calloc(1, sizeof(*flush));
	pthread_condattr_t attr;
	sigset_t all, old;
	int r;

	if (!flush)
		return -ENOMEM;
	pthread_mutex_init(&flush->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&flush->changed, &attr);
	pthread_condattr_destroy(&attr);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = -pthread_create(&flush->thread, NULL, flush_thread, flush);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r < 0) {
		pthread_cond_destroy(&flush->changed);
		pthread_mutex_destroy(&flush->lock);
		free(flush);
		return r;
	}
	*ret = flush;
	return 0;
}

void
tlb_flush_free(struct tlb_flush *flush)
{
	if (!flush)
		return;
	pthread_mutex_lock(&flush->lock);
	flush->stop = 1;
	pthread_cond_signal(&flush->changed);
	pthread_mutex_unlock(&flush->lock);
	pthread_join(flush->thread, NULL);
	pthread_cond_destroy(&flush->changed);
	pthread_mutex_destroy(&flush->lock);
	free(flush);
}

void
tlb_flush_watch(struct tlb_flush *flush, const int32_t *pids, size_t count, uint64_t every_ns)
{
	pthread_mutex_lock(&flush->lock);
	flush->pid_count = count < TLB_FLUSH_PIDS ? count : TLB_FLUSH_PIDS;
	memcpy(flush->pids, pids, flush->pid_count * sizeof(*pids));
	flush->every_ns = count ? every_ns : 0;
	flush->due_ns = 0;
	flush->is_new = 1;
	pthread_cond_signal(&flush->changed);
	pthread_mutex_unlock(&flush->lock);
}

void
tlb_flush_next(struct tlb_flush *flush, uint64_t at_ns)
{
	pthread_mutex_lock(&flush->lock);
	flush->due_ns = at_ns;
	pthread_cond_signal(&flush->changed);
	pthread_mutex_unlock(&flush->lock);
}

unsigned int
tlb_flush_visits(struct tlb_flush *flush)
{
	unsigned int visits;

	pthread_mutex_lock(&flush->lock);
	visits = flush->visits;
	pthread_mutex_unlock(&flush->lock);
	return visits;
}

uint64_t
tlb_flush_cpu_ns(const struct tlb_flush *flush)
{
	struct timespec spent;
	clockid_t id;

	if (!flush || pthread_getcpuclockid(flush->thread, &id) != 0 ||
	    clock_gettime(id, &spent) < 0)
		return 0;
	return (uint64_t)spent.tv_sec * NS_PER_S + (uint64_t)spent.tv_nsec;
}
