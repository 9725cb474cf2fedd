/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_round_sim.c - the whole round against a simulated program: pages with known access rates,
 * marking and faulting as the kernel does it, two tiers, a virtual clock. What must come out is
 * what the rates say: hot pages up, nothing moved for nothing.
 */

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "round.h"

#include "policies/auto.c"

#define PID 77
#define BASE 0x100000000000ull
#define PAGE 4096ull
#define MS 1000000ull
#define FAULT_NS 15000.0
#define MOVE_NS 50000u

struct world {
	size_t pages;
	double *rate; /* accesses per second */
	uint8_t *tier;
	uint64_t *touch_ns; /* when the marked page will be touched; 0: not marked */
	size_t fast_pages, fast_used;
	uint64_t rng;
	size_t scan_next; /* page that is marked next */
	int slow_only;    /* this pass marks slow pages only, the next all of them */
	double effort, purse_ns;
	uint64_t read_ns;
	struct sample *waiting;
	size_t waiting_count, waiting_next;
	uint64_t faults;
	int ranges; /* the second sampler is on */
	uint64_t ranges_ns, clock_ns;
};

static double
uniform01(struct world *world)
{
	world->rng ^= world->rng << 13;
	world->rng ^= world->rng >> 7;
	world->rng ^= world->rng << 17;
	return ((double)(world->rng >> 11) + 0.5) / 9007199254740992.0;
}

static int
sim_add(void *self, int32_t pid, struct sluice_err *reterr)
{
	(void)self, (void)pid, (void)reterr;
	return 0;
}

static void
sim_remove(void *self, int32_t pid)
{
	(void)self, (void)pid;
}

static void
sim_effort(void *self, double share)
{
	struct world *world = self;

	if (world->purse_ns < 0 && world->effort > 0)
		world->purse_ns *= share > 2 * world->effort ? 0 : share / world->effort;
	if (share > 2 * world->effort) {
		world->scan_next = 0;
		world->slow_only = 1;
	}
	world->effort = share;
}

static void
sim_stats(void *self, struct sampler_stats *ret)
{
	(void)self;
	memset(ret, 0, sizeof(*ret));
}

static int
by_time(const void *va, const void *vb)
{
	const struct sample *a = va, *b = vb;

	return a->time_ns < b->time_ns ? -1 : a->time_ns > b->time_ns;
}

/* Marks windows in address order, as far as the purse allows, and reports what was touched. */
static int
sim_read(void *self, uint64_t now_ns, struct sample *samples, size_t capacity, size_t *ret_count,
	 struct sluice_err *reterr)
{
	struct world *world = self;
	size_t count;

	(void)reterr;
	if (world->waiting_next == world->waiting_count) {
		world->waiting_next = world->waiting_count = 0;
		world->purse_ns += world->effort * (double)(now_ns - world->read_ns);
		if (world->purse_ns > world->effort * 5e8)
			world->purse_ns = world->effort * 5e8;
		for (size_t i = 0; i < world->pages; i++) {
			if (!world->touch_ns[i] || world->touch_ns[i] > now_ns)
				continue;
			world->waiting[world->waiting_count++] =
				(struct sample){.kind = SAMPLE_TOUCH,
						.pid = PID,
						.addr = BASE + i * PAGE,
						.time_ns = world->touch_ns[i]};
			world->touch_ns[i] = 0;
			world->purse_ns -= FAULT_NS;
			world->faults++;
		}
		size_t window = (world->effort > 0.05 ? world->pages / 40 : 512) / 512 * 512;

		if (world->purse_ns > 0) {
			for (int w = 0; w < (world->effort > 0.05 ? 4 : 1); w++) {
				size_t end = world->scan_next + window;

				end = end < world->pages ? end : world->pages;
				world->waiting[world->waiting_count++] = (struct sample){
					.kind = SAMPLE_ARMED,
					.pid = PID,
					.addr = BASE + world->scan_next * PAGE,
					.len_bytes = (end - world->scan_next) * PAGE,
					.time_ns = now_ns,
					.tiers = world->slow_only ? ~1u : 0};
				for (size_t i = world->scan_next; i < end; i++) {
					if (!world->touch_ns[i] &&
					    (!world->slow_only || world->tier[i]))
						world->touch_ns[i] =
							now_ns + 1 +
							(uint64_t)(-log(uniform01(world)) /
								   world->rate[i] * 1e9);
				}
				world->scan_next = end == world->pages ? 0 : end;
				if (!world->scan_next)
					world->slow_only = !world->slow_only;
			}
		}
		world->read_ns = now_ns;
		qsort(world->waiting, world->waiting_count, sizeof(*world->waiting), by_time);
	}
	count = world->waiting_count - world->waiting_next;
	count = count < capacity ? count : capacity;
	memcpy(samples, world->waiting + world->waiting_next, count * sizeof(*samples));
	world->waiting_next += count;
	*ret_count = count;
	return 0;
}

/* As DAMON does: 100 ranges, 20 checks of one page each in 400 ms. */
static int
sim_ranges(void *self, uint64_t now_ns, struct sample *samples, size_t capacity, size_t *ret_count,
	   struct sluice_err *reterr)
{
	struct world *world = self;
	size_t range = world->pages / 100;

	(void)capacity, (void)reterr;
	*ret_count = 0;
	if (!world->ranges || now_ns - world->ranges_ns < 400 * MS)
		return 0;
	world->ranges_ns = now_ns;
	for (size_t r = 0; r < 100; r++) {
		double hits = 0;

		for (int check = 0; check < 20; check++) {
			size_t page = r * range + (size_t)(uniform01(world) * (double)range);

			hits += uniform01(world) < 1 - exp(-world->rate[page] * 0.02);
		}
		samples[(*ret_count)++] =
			(struct sample){.kind = SAMPLE_RATE,
					.pid = PID,
					.addr = BASE + r * range * PAGE,
					.len_bytes = range * PAGE,
					.time_ns = now_ns,
					.events = (float)(-log(1 - fmin(hits / 20, 0.975)) * 20),
					.exposure_s = 0.4f};
	}
	return 0;
}

static int
sim_spans(void *self, int32_t pid, struct heat_span *spans, size_t capacity, size_t *ret_count,
	  uint64_t *ret_pinned, struct sluice_err *reterr)
{
	(void)pid, (void)capacity, (void)reterr;
	spans[0] = (struct heat_span){BASE, BASE + ((struct world *)self)->pages * PAGE};
	*ret_count = 1;
	*ret_pinned = 0;
	return 0;
}

static int
sim_residency(void *self, int32_t pid, uint64_t addr, uint32_t len_bytes, uint8_t *tiers, int *huge,
	      struct sluice_err *reterr)
{
	struct world *world = self;

	(void)pid, (void)reterr;
	memcpy(tiers, world->tier + (addr - BASE) / PAGE, len_bytes / PAGE);
	*huge = 0;
	return 0;
}

static int
sim_resident(void *self, int32_t pid, uint64_t *ret_bytes, struct sluice_err *reterr)
{
	(void)pid, (void)reterr;
	*ret_bytes = ((struct world *)self)->pages * PAGE;
	return 0;
}

static int
sim_tiers(void *self, struct sluice_tier *tiers, size_t capacity, size_t *ret_count,
	  struct sluice_err *reterr)
{
	struct world *world = self;

	(void)capacity, (void)reterr;
	tiers[0] = (struct sluice_tier){.total_bytes = world->fast_pages * PAGE,
					.free_bytes = (world->fast_pages - world->fast_used) * PAGE,
					.latency_ns = 500};
	tiers[1] = (struct sluice_tier){.total_bytes = world->pages * 2 * PAGE,
					.free_bytes = world->pages * PAGE,
					.latency_ns = 1500};
	*ret_count = 2;
	return 0;
}

static int
sim_move(void *self, int32_t pid, const uint64_t *addrs, size_t count, uint32_t tier,
	 uint8_t *outcomes, uint32_t *bytes, uint8_t *landed, struct sluice_err *reterr)
{
	struct world *world = self;

	(void)pid, (void)reterr;
	world->clock_ns += count * MOVE_NS;
	for (size_t i = 0; i < count; i++) {
		size_t page = (addrs[i] - BASE) / PAGE;

		bytes[i] = (uint32_t)PAGE;
		if (world->tier[page] == tier) {
			outcomes[i] = MOVE_ALREADY;
		} else if (tier == 0 && world->fast_used >= world->fast_pages) {
			outcomes[i] = MOVE_NOMEM;
		} else {
			world->fast_used += tier == 0 ? 1 : (size_t)-1;
			world->tier[page] = (uint8_t)tier;
			world->touch_ns[page] = 0;
			outcomes[i] = MOVE_MOVED;
		}
		landed[i] = world->tier[page];
	}
	return 0;
}

static uint64_t
sim_clock(void *ctx)
{
	return ((struct world *)ctx)->clock_ns;
}

static const struct sampler_ops sim_sampler = {.name = "sim",
					       .page_granular = 1,
					       .add = sim_add,
					       .remove = sim_remove,
					       .read = sim_read,
					       .set_effort = sim_effort,
					       .get_stats = sim_stats};
static const struct sampler_ops sim_range_sampler = {.name = "ranges",
						     .add = sim_add,
						     .remove = sim_remove,
						     .read = sim_ranges,
						     .get_stats = sim_stats};
static const struct memory_ops sim_memory = {.name = "sim",
					     .spans = sim_spans,
					     .resident = sim_resident,
					     .residency = sim_residency,
					     .tiers = sim_tiers};
static const struct mover_ops sim_mover = {.name = "sim", .move = sim_move};

struct run {
	struct world world;
	struct round *round;
	void *policy;
	uint64_t now_ns;
	struct round_stats stats;
};

static double
fast_access_share(const struct world *world)
{
	double fast = 0, all = 0;

	for (size_t i = 0; i < world->pages; i++) {
		all += world->rate[i];
		fast += world->tier[i] == 0 ? world->rate[i] : 0;
	}
	return fast / all;
}

/* Tiers tell policies what the regions do: together, how many accesses each one serves. */
static int
checked_decide(void *self, const struct sluice_view *view, struct sluice_plan *plan,
	       struct sluice_err *reterr)
{
	double rates[2] = {0};

	for (uint64_t i = 0; i < view->region_count; i++) {
		const struct sluice_region *r = sluice_view_region(view, i);

		rates[r->tier] += (double)r->heat * (r->bytes / PAGE);
	}
	for (uint32_t t = 0; t < view->tier_count; t++) {
		const struct sluice_tier *tier = sluice_view_tier(view, t);

		assert_true(SLUICE_HAS(view->tier_stride, tier, loaded_latency_ns));
		assert_true(fabs((double)tier->access_rate - rates[t]) <= 1e-3 * rates[t] + 1e-3);
		assert_int_equal(tier->loaded_latency_ns, 0); /* nobody measures it here */
	}
	return sluice_policy.decide(self, view, plan, reterr);
}

static const struct sluice_policy checked_policy = {.name = "checked", .decide = checked_decide};

/* Fast memory holds the first pages in address order, as first touch does. */
static void
run_start(struct run *run, size_t pages, size_t fast_pages)
{
	struct round_options options;
	struct round_parts parts = {.sampler_ops = {&sim_sampler, &sim_range_sampler},
				    .samplers = {&run->world, &run->world},
				    .sampler_count = 2,
				    .clock_ns = sim_clock,
				    .clock_ctx = &run->world,
				    .memory_ops = &sim_memory,
				    .memory = &run->world,
				    .mover_ops = &sim_mover,
				    .mover = &run->world,
				    .policy = &checked_policy};
	const char *values[16];
	struct sluice_err err;
	size_t n = 0;

	memset(run, 0, sizeof(*run));
	run->world.pages = pages;
	run->world.fast_pages = fast_pages;
	run->world.fast_used = fast_pages * 96 / 100;
	run->world.slow_only = run->world.ranges = 1;
	run->world.rng = 88172645463325252ull;
	run->world.rate = calloc(pages, sizeof(double));
	run->world.tier = malloc(pages);
	run->world.touch_ns = calloc(pages, sizeof(uint64_t));
	run->world.waiting = calloc(pages + 64, sizeof(struct sample));
	for (size_t i = 0; i < pages; i++)
		run->world.tier[i] = i >= run->world.fast_used;
	for (const struct sluice_param *p = sluice_policy.params; p && p->key; p++)
		values[n++] = p->fallback;
	assert_int_equal(sluice_policy.init(round_host(), values, &run->policy, &err), 0);
	parts.policy_self = run->policy;
	round_default_options(&options);
	run->now_ns = 1000 * MS;
	assert_int_equal(round_new(&options, &parts, &run->round, &err), 0);
	assert_int_equal(round_add(run->round, PID, run->now_ns, &err), 0);
}

static void
run_for(struct run *run, unsigned int seconds)
{
	uint64_t end = run->now_ns + seconds * 1000 * MS;
	int show = getenv("SIM_SHOW") != NULL;
	uint64_t shown = run->now_ns;

	while (run->now_ns < end) {
		int32_t ended[4];
		size_t ended_count;
		struct sluice_err err;

		assert_true(round_tick(run->round, run->now_ns, ended, 4, &ended_count, &err) >= 0);
		run->now_ns += 100 * MS;
		round_get_stats(run->round, &run->stats);
		if (show && run->now_ns - shown >= 1000 * MS) {
			shown = run->now_ns;
			printf("t %3.0f s  fast share %.3f (believed %.3f)  up %4llu down %4llu "
			       "MiB  faults %llu "
			       "effort %.3f refused %llu %llu %llu\n",
			       (double)run->now_ns / 1e9 - 1, fast_access_share(&run->world),
			       run->stats.fast_share,
			       (unsigned long long)run->stats.promoted_bytes >> 20,
			       (unsigned long long)run->stats.demoted_bytes >> 20,
			       (unsigned long long)run->world.faults, run->stats.effort,
			       (unsigned long long)run->stats.refused_bytes[0] >> 20,
			       (unsigned long long)run->stats.refused_bytes[1] >> 20,
			       (unsigned long long)run->stats.refused_bytes[2] >> 20);
		}
	}
}

static void
run_end(struct run *run)
{
	round_free(run->round);
	sluice_policy.fini(run->policy);
	free(run->world.rate);
	free(run->world.tier);
	free(run->world.touch_ns);
	free(run->world.waiting);
}

/* 90 % of a million accesses a second on the pages that are chosen, the rest everywhere else. */
static void
set_hot(struct world *world, size_t first, size_t count, size_t every)
{
	size_t hot = 0;

	for (size_t i = 0; i < world->pages; i++)
		hot += i >= first && i < first + count && (i - first) % every == 0;
	for (size_t i = 0; i < world->pages; i++) {
		int is_hot = i >= first && i < first + count && (i - first) % every == 0;

		world->rate[i] =
			is_hot ? 0.9e6 / (double)hot : 0.1e6 / (double)(world->pages - hot);
	}
}

#define PAGES (700u * 256)
#define FAST (440u * 256)
#define HOT (100u * 256)

static double
share_in_fast(const struct world *world, size_t first, size_t count, size_t every)
{
	size_t hot = 0, fast = 0;

	for (size_t i = first; i < first + count; i += every) {
		hot++;
		fast += world->tier[i] == 0;
	}
	return (double)fast / (double)hot;
}

static void
test_hot_block(void **state)
{
	struct run run;

	(void)state;
	run_start(&run, PAGES, FAST);
	set_hot(&run.world, PAGES - HOT, HOT, 1);
	run_for(&run, 10);
	assert_true(share_in_fast(&run.world, PAGES - HOT, HOT, 1) > 0.97);
	run_for(&run, 60);
	assert_true(share_in_fast(&run.world, PAGES - HOT, HOT, 1) > 0.98);
	assert_true(run.stats.promoted_bytes + run.stats.demoted_bytes < 3 * HOT * PAGE);
	assert_true(fabs(run.stats.fast_share - fast_access_share(&run.world)) < 0.04);
	run_end(&run);
}

static void
test_jump(void **state)
{
	struct run run;

	(void)state;
	run_start(&run, PAGES, FAST);
	set_hot(&run.world, PAGES - HOT, HOT, 1);
	run_for(&run, 30);
	set_hot(&run.world, PAGES - 3 * HOT, HOT, 1);
	run_for(&run, 10);
	assert_true(share_in_fast(&run.world, PAGES - 3 * HOT, HOT, 1) > 0.95);
	run_end(&run);
}

static void
test_every_eighth_page(void **state)
{
	struct run run;

	(void)state;
	run_start(&run, PAGES, FAST);
	set_hot(&run.world, 0, PAGES, 8);
	run_for(&run, 15);
	assert_true(share_in_fast(&run.world, 0, PAGES, 8) > 0.95);
	run_end(&run);
}

static void
test_zipf_scattered(void **state)
{
	struct run run;
	double sum = 0;

	(void)state;
	run_start(&run, PAGES, FAST);
	for (size_t i = 0; i < PAGES; i++) {
		/* An odd multiplier coprime to the page count scatters the ranks. */
		run.world.rate[i * 79999 % PAGES] = 1e6 / pow((double)i + 1, 0.99);
		sum += 1 / pow((double)i + 1, 0.99);
	}
	for (size_t i = 0; i < PAGES; i++)
		run.world.rate[i] /= sum;
	run_for(&run, 60);
	assert_true(fast_access_share(&run.world) > 0.93);
	run_end(&run);
}

static void
test_uniform_moves_next_to_nothing(void **state)
{
	struct run run;
	uint64_t moved, faults;

	(void)state;
	run_start(&run, PAGES, FAST);
	for (size_t i = 0; i < PAGES; i++)
		run.world.rate[i] = 1e6 / PAGES;
	run_for(&run, 10);
	moved = run.stats.promoted_bytes + run.stats.demoted_bytes;
	faults = run.world.faults;
	assert_true(moved < 30 * 256 * PAGE);
	run_for(&run, 60);
	assert_true(run.stats.promoted_bytes + run.stats.demoted_bytes - moved < 4 * 256 * PAGE);
	/* Faults of the steady state: within twice of what was allowed. */
	assert_true((double)(run.world.faults - faults) * FAULT_NS < 0.02 * 60e9);
	run_end(&run);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hot_block),
		cmocka_unit_test(test_jump),
		cmocka_unit_test(test_every_eighth_page),
		cmocka_unit_test(test_zipf_scattered),
		cmocka_unit_test(test_uniform_moves_next_to_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
