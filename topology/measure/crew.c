/* SPDX-License-Identifier: Apache-2.0 */
/* crew.c - see crew.h. */
#include "crew.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define SPINS_BEFORE_YIELD 2000 /* a thread that still has no CPU needs ours more than we do */
#define STACK_BYTES (128u << 10)

struct member {
	struct crew *crew;
	size_t index;
	int cpu;
	pthread_t thread;
};

struct crew {
	size_t count;
	struct member *members;
	pthread_mutex_t lock;
	pthread_cond_t begin, end;
	/* Below: under the lock. */
	uint64_t round; /* counts up with each job */
	size_t active, running;
	void (*job)(void *ctx, struct crew *crew, size_t index);
	void *ctx;
	bool stop;
	/* Of crew_meet: who came, and how often all have met. */
	atomic_size_t met;
	atomic_size_t meetings;
};

static void *
member_main(void *arg)
{
	struct member *member = arg;
	struct crew *crew = member->crew;
	uint64_t seen = 0;

	pthread_mutex_lock(&crew->lock);
	for (;;) {
		while (!crew->stop && crew->round == seen)
			pthread_cond_wait(&crew->begin, &crew->lock);
		if (crew->stop)
			break;
		seen = crew->round;
		if (member->index >= crew->active)
			continue;
		pthread_mutex_unlock(&crew->lock);
		crew->job(crew->ctx, crew, member->index);
		pthread_mutex_lock(&crew->lock);
		if (--crew->running == 0)
			pthread_cond_signal(&crew->end);
	}
	pthread_mutex_unlock(&crew->lock);
	return NULL;
}

static int
member_start(struct crew *crew, int cpu)
{
	struct member *member = &crew->members[crew->count];
	cpu_set_t *set = CPU_ALLOC((size_t)cpu + 1);
	size_t size = CPU_ALLOC_SIZE((size_t)cpu + 1);
	pthread_attr_t attr;
	int r;

	if (!set)
		return -ENOMEM;
	CPU_ZERO_S(size, set);
	CPU_SET_S((size_t)cpu, size, set);
	*member = (struct member){.crew = crew, .index = crew->count, .cpu = cpu};
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	r = -pthread_attr_setaffinity_np(&attr, size, set);
	if (r == 0)
		r = -pthread_create(&member->thread, &attr, member_main, member);
	pthread_attr_destroy(&attr);
	CPU_FREE(set);
	if (r == 0)
		crew->count++;
	return r;
}

int
crew_new(const int *cpus, size_t count, struct crew **ret, struct sluice_err *reterr)
{
	struct crew *crew = calloc(1, sizeof(*crew));
	int r = 0;

	if (crew)
		crew->members = calloc(count, sizeof(*crew->members));
	if (!crew || !crew->members) {
		free(crew);
		return sluice_fail(reterr, -ENOMEM, "out of memory");
	}
	pthread_mutex_init(&crew->lock, NULL);
	pthread_cond_init(&crew->begin, NULL);
	pthread_cond_init(&crew->end, NULL);
	for (size_t i = 0; i < count && r == 0; i++) {
		r = member_start(crew, cpus[i]);
		if (r < 0)
			sluice_fail(reterr, r, "cannot start a thread on CPU %d: %s", cpus[i],
				    strerror(-r));
	}
	if (r < 0) {
		crew_free(crew);
		return r;
	}
	*ret = crew;
	return 0;
}

void
crew_free(struct crew *crew)
{
	if (!crew)
		return;
	pthread_mutex_lock(&crew->lock);
	crew->stop = true;
	pthread_cond_broadcast(&crew->begin);
	pthread_mutex_unlock(&crew->lock);
	for (size_t i = 0; i < crew->count; i++)
		pthread_join(crew->members[i].thread, NULL);
	pthread_cond_destroy(&crew->end);
	pthread_cond_destroy(&crew->begin);
	pthread_mutex_destroy(&crew->lock);
	free(crew->members);
	free(crew);
}

size_t
crew_count(const struct crew *crew)
{
	return crew->count;
}

void
crew_run(struct crew *crew, size_t active, void (*job)(void *ctx, struct crew *crew, size_t index),
	 void *ctx)
{
	pthread_mutex_lock(&crew->lock);
	crew->active = crew->running = active;
	crew->job = job;
	crew->ctx = ctx;
	atomic_store(&crew->met, 0);
	crew->round++;
	pthread_cond_broadcast(&crew->begin);
	while (crew->running > 0)
		pthread_cond_wait(&crew->end, &crew->lock);
	pthread_mutex_unlock(&crew->lock);
}

void
crew_meet(struct crew *crew)
{
	size_t meetings = atomic_load(&crew->meetings);

	if (atomic_fetch_add(&crew->met, 1) + 1 == crew->active) {
		atomic_store(&crew->met, 0);
		atomic_store(&crew->meetings, meetings + 1);
		return;
	}
	for (unsigned int spins = 0; atomic_load(&crew->meetings) == meetings; spins++) {
		if (spins >= SPINS_BEFORE_YIELD)
			sched_yield();
	}
}
