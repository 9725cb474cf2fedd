/* SPDX-License-Identifier: Apache-2.0 */
/* The access loops of hotset, one for each pattern, with and without writes. */
#include "hotset_access.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "wl_arena.h"

#define CACHE_LINE 128 /* neighbouring lines are fetched in pairs */
#define WORDS_IN_PAGE (ARENA_PAGE / sizeof(uint64_t))
#define INLINE static inline __attribute__((always_inline))

struct access_worker {
	_Alignas(CACHE_LINE) _Atomic uint64_t count; /* written by its thread only */
	uint64_t rng;
	struct access_crew *crew;
	pthread_t thread;
};

struct access_crew {
	struct access_plan plan;
	_Alignas(CACHE_LINE) _Atomic uint32_t orders; /* read once a batch, as is the turn */
	_Atomic uint64_t turn;                        /* of the patterns, or TURN_OWN */
	struct access_worker workers[];
};

enum { ORDER_JUMP = 1, ORDER_STOP = 2 };
#define TURN_OWN UINT64_MAX /* as the pattern has it */

/*
 * One batch. The pattern comes as a copy whose address goes nowhere, so that the compiler may keep
 * its members in registers across the volatile accesses, which are the only ones that matter.
 */
INLINE uint64_t
access_batch(const struct pattern p, enum pattern_kind kind, uint64_t rng, unsigned char *base,
	     uint32_t write_below)
{
	for (unsigned i = 0; i < ACCESS_BATCH; i++) {
		uint64_t page = pattern_draw(&p, kind, &rng);
		uint64_t random = rng_next(&rng);
		uint64_t word = random % WORDS_IN_PAGE;
		volatile uint64_t *at =
			(volatile uint64_t *)(void *)(base + page * ARENA_PAGE) + word;

		if (write_below && (random >> 16 & UINT16_MAX) < write_below)
			*at = random;
		else
			(void)*at;
	}
	return rng;
}

INLINE void
access_loop(struct access_worker *worker, enum pattern_kind kind, uint32_t write_below)
{
	struct access_crew *crew = worker->crew;
	const struct pattern *pattern = crew->plan.before;
	unsigned char *base = crew->plan.base;
	uint64_t rng = worker->rng, count = 0, turn;
	uint32_t orders;

	while (!((orders = atomic_load_explicit(&crew->orders, memory_order_acquire)) &
		 ORDER_STOP)) {
		if (orders & ORDER_JUMP)
			pattern = crew->plan.after;

		struct pattern now = *pattern;

		turn = atomic_load_explicit(&crew->turn, memory_order_relaxed);
		if (turn != TURN_OWN)
			now.turn = turn;
		rng = access_batch(now, kind, rng, base, write_below);
		count += ACCESS_BATCH;
		atomic_store_explicit(&worker->count, count, memory_order_relaxed);
	}
}

/* A function for each loop: together in one, they would take registers from each other. */
#define ACCESS_LOOP(name, kind, below)                                                             \
	static __attribute__((noinline)) void name(struct access_worker *worker,                   \
						   uint32_t write_below)                           \
	{                                                                                          \
		(void)write_below;                                                                 \
		access_loop(worker, kind, below);                                                  \
	}

ACCESS_LOOP(access_block_read, PATTERN_BLOCK, 0)
ACCESS_LOOP(access_block_write, PATTERN_BLOCK, write_below)
ACCESS_LOOP(access_stride_read, PATTERN_STRIDE, 0)
ACCESS_LOOP(access_stride_write, PATTERN_STRIDE, write_below)
ACCESS_LOOP(access_zipf_read, PATTERN_ZIPF, 0)
ACCESS_LOOP(access_zipf_write, PATTERN_ZIPF, write_below)
ACCESS_LOOP(access_uniform_read, PATTERN_UNIFORM, 0)
ACCESS_LOOP(access_uniform_write, PATTERN_UNIFORM, write_below)

typedef void access_loop_t(struct access_worker *worker, uint32_t write_below);

static void *
access_thread(void *argument)
{
	static access_loop_t *const loops[][2] = {
		[PATTERN_BLOCK] = {access_block_read, access_block_write},
		[PATTERN_STRIDE] = {access_stride_read, access_stride_write},
		[PATTERN_ZIPF] = {access_zipf_read, access_zipf_write},
		[PATTERN_UNIFORM] = {access_uniform_read, access_uniform_write},
	};
	struct access_worker *worker = argument;
	const struct access_plan *plan = &worker->crew->plan;
	uint32_t write_below = (uint32_t)lround(plan->write_share * (UINT16_MAX + 1));

	loops[plan->before->kind][write_below > 0](worker, write_below);
	return NULL;
}

static uint64_t
access_join(struct access_crew *crew, unsigned threads)
{
	uint64_t count = 0;

	atomic_fetch_or(&crew->orders, ORDER_STOP);
	for (unsigned i = 0; i < threads; i++) {
		pthread_join(crew->workers[i].thread, NULL);
		count += atomic_load(&crew->workers[i].count);
	}
	free(crew);
	return count;
}

int
access_start(const struct access_plan *plan, struct access_crew **ret_crew)
{
	struct access_crew *crew;

	if (plan->threads < 1 || plan->threads > ACCESS_THREADS)
		return -EINVAL;

	size_t bytes = sizeof(*crew) + plan->threads * sizeof(crew->workers[0]);

	crew = aligned_alloc(CACHE_LINE, (bytes + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE);
	if (!crew)
		return -ENOMEM;
	crew->plan = *plan;
	atomic_init(&crew->orders, 0);
	atomic_init(&crew->turn, TURN_OWN);
	for (unsigned i = 0; i < plan->threads; i++) {
		struct access_worker *worker = &crew->workers[i];

		atomic_init(&worker->count, 0);
		worker->rng = rng_seed(plan->seed, i);
		worker->crew = crew;

		int r = pthread_create(&worker->thread, NULL, access_thread, worker);

		if (r) {
			access_join(crew, i);
			return -r;
		}
	}
	*ret_crew = crew;
	return 0;
}

uint64_t
access_count(const struct access_crew *crew)
{
	uint64_t count = 0;

	for (unsigned i = 0; i < crew->plan.threads; i++)
		count += atomic_load_explicit(&crew->workers[i].count, memory_order_relaxed);
	return count;
}

void
access_jump(struct access_crew *crew)
{
	if (crew->plan.after)
		atomic_fetch_or(&crew->orders, ORDER_JUMP);
}

void
access_turn(struct access_crew *crew, uint64_t turn)
{
	atomic_store(&crew->turn, turn);
}

uint64_t
access_stop(struct access_crew *crew)
{
	return crew ? access_join(crew, crew->plan.threads) : 0;
}
