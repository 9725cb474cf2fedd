/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_world.h - a small machine to run one policy on, for the policies' tests.
 *
 * Pieces of memory have a true heat; each round they are watched for a moment, and the policy sees
 * what an honest estimator makes of the counts. Its plan is carried out in its order, and every
 * promise of policy.h is asserted on the way: indices, room, budget, nothing asked twice.
 */
#ifndef POLICY_WORLD_H
#define POLICY_WORLD_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sluice/policy.h"

#define PLAN_CAPACITY 65536u
#define PAGE 4096u
#define MIB (1u << 20)

struct plan_move {
	uint64_t region;
	uint32_t tier;
	float gain;
};

struct sluice_plan {
	const struct sluice_view *view;
	size_t count, capacity;
	struct plan_move moves[PLAN_CAPACITY];
};

static struct sluice_plan plan = {.capacity = PLAN_CAPACITY};

static int __attribute__((unused))
plan_ask(struct sluice_plan *p, uint64_t i, uint32_t tier, float gain)
{
	if (i >= p->view->region_count || tier >= p->view->tier_count || isnan(gain))
		return -EINVAL;
	if (p->count == p->capacity)
		return -ENOSPC;
	for (size_t k = 0; p->count < 512 && k < p->count; k++)
		assert_true(p->moves[k].region != i); /* asked twice */
	p->moves[p->count++] = (struct plan_move){i, tier, gain};
	return 0;
}

static const struct sluice_host host = {.size = sizeof(host), .move = plan_ask};

/* Start the policy with KEY, VALUE, KEY, VALUE, ..., NULL; its fallbacks for the rest. */
static int __attribute__((unused))
try_start(void **ret_self, struct sluice_err *reterr, va_list settings)
{
	const char *values[16] = {0}, *key;
	size_t count = 0;

	for (; sluice_policy.params && sluice_policy.params[count].key; count++)
		values[count] = sluice_policy.params[count].fallback;
	while ((key = va_arg(settings, const char *))) {
		size_t k = 0;

		while (k < count && strcmp(sluice_policy.params[k].key, key) != 0)
			k++;
		assert_true(k < count);
		values[k] = va_arg(settings, const char *);
	}
	return sluice_policy.init(&host, values, ret_self, reterr);
}

static void *
start(const char *first, ...)
{
	struct sluice_err err = {0};
	void *self = NULL;
	va_list settings;

	(void)first; /* "with", so that there may be no settings */
	va_start(settings, first);
	if (try_start(&self, &err, settings) < 0)
		fail_msg("%s", err.msg);
	va_end(settings);
	return self;
}

/* The sentence with which the policy refuses to start. */
__attribute__((unused)) static const char *
start_fails(const char *first, ...)
{
	static struct sluice_err err;
	void *self = NULL;
	va_list settings;

	(void)first;
	va_start(settings, first);
	assert_true(try_start(&self, &err, settings) < 0);
	va_end(settings);
	assert_null(self);
	return err.msg;
}

/* What views say the time is; worlds let it pass. */
static uint64_t view_now_ms __attribute__((unused)) = 1000000;

/* One decision over these arrays; the plan is left in `plan`. */
static int __attribute__((unused))
decide(void *self, const struct sluice_tier *tiers, uint32_t tier_count,
       const struct sluice_region *regions, uint64_t region_count, uint64_t budget_bytes,
       struct sluice_err *reterr)
{
	static struct sluice_view view; /* tests look at it after the decision */

	view = (struct sluice_view){
		.size = sizeof(view),
		.tier_count = tier_count,
		.tier_stride = sizeof(*tiers),
		.region_stride = sizeof(*regions),
		.region_count = region_count,
		.budget_bytes = budget_bytes,
		.now_ms = view_now_ms,
		.tiers = tiers,
		.regions = regions,
	};

	plan.view = &view;
	plan.count = 0;
	return sluice_policy.decide(self, &view, &plan, reterr);
}

/* The target tier of region i in the plan, or -1. */
static int __attribute__((unused)) planned(uint64_t i)
{
	for (size_t k = 0; k < plan.count; k++)
		if (plan.moves[k].region == i)
			return (int)plan.moves[k].tier;
	return -1;
}

static struct sluice_region __attribute__((unused))
piece(uint32_t tier, uint32_t bytes, double heat, double doubt)
{
	return (struct sluice_region){.addr = 0x10000000,
				      .span_bytes = 2 * MIB,
				      .bytes = bytes,
				      .pid = 100,
				      .tier = tier,
				      .heat = (float)heat,
				      .heat_low = (float)(heat / doubt),
				      .heat_high = (float)(heat * doubt),
				      .age_ms = 1000000};
}

/* ---- the machine ---- */

struct world_piece {
	double rate;           /* the truth, accesses per second and page */
	double counts, time_s; /* what was seen, fading */
	uint32_t bytes, tier, moved_ms, moves_back, was_tier;
};

struct world {
	struct sluice_tier tiers[4];
	uint32_t tier_count;
	struct world_piece *pieces;
	struct sluice_region *regions;
	uint64_t count;
	uint64_t budget_bytes, seed;
	uint32_t now_ms;
	double watch_s;   /* seconds of watching a round */
	double memory;    /* share of the evidence that is kept from round to round */
	double watermark; /* share of each tier that stays free */
	int naive;        /* estimate each piece by itself, as noisy as that is */
	uint64_t moved_bytes, back_bytes; /* back: to where it came from, within a minute */
};

static double __attribute__((unused)) world_random(struct world *world)
{
	world->seed ^= world->seed << 13;
	world->seed ^= world->seed >> 7;
	world->seed ^= world->seed << 17;
	return (double)(world->seed >> 11) / 9007199254740992.0;
}

static double __attribute__((unused)) world_poisson(struct world *world, double mean)
{
	double limit = exp(-mean), product = world_random(world);
	unsigned count = 0;

	if (mean > 30) { /* near enough to normal */
		double u =
			sqrt(-2 * log(product + 1e-300)) * cos(6.283185307 * world_random(world));
		double n = floor(mean + sqrt(mean) * u + 0.5);

		return n > 0 ? n : 0;
	}
	for (; product > limit; count++)
		product *= world_random(world);
	return count;
}

/* fast_bytes of tier 0 and slow_bytes of the last are there; pieces fill from the fast end. */
static void
world_new(struct world *world, uint64_t count, uint32_t bytes, const uint64_t *tier_bytes,
	  uint32_t tier_count)
{
	uint32_t tier = 0;

	*world = (struct world){.tier_count = tier_count,
				.count = count,
				.budget_bytes = 64 * MIB,
				.seed = 88172645463325252u,
				.watch_s = 0.05,
				.memory = 0.9,
				.watermark = 0.03};
	world->pieces = calloc(count, sizeof(*world->pieces));
	world->regions = calloc(count, sizeof(*world->regions));
	assert_non_null(world->pieces);
	assert_non_null(world->regions);
	for (uint32_t t = 0; t < tier_count; t++)
		world->tiers[t].total_bytes = world->tiers[t].free_bytes = tier_bytes[t];
	for (uint64_t i = 0; i < count; i++) {
		while (world->tiers[tier].free_bytes <
		       bytes + (uint64_t)(world->watermark * (double)tier_bytes[tier]))
			assert_true(++tier < tier_count);
		world->tiers[tier].free_bytes -= bytes;
		world->pieces[i] =
			(struct world_piece){.bytes = bytes, .tier = tier, .was_tier = tier};
	}
}

static void __attribute__((unused)) world_free(struct world *world)
{
	free(world->pieces);
	free(world->regions);
}

/* Watch all for a while and say what is now believed. Unless naive, pieces borrow strength from
 * each other: a Gamma prior is fitted to all of them, so equal memory looks equal. */
static void
world_watch(struct world *world)
{
	double counts = 0, time_s = 0, squares = 0, noise = 0, mean, spread;

	for (uint64_t i = 0; i < world->count; i++) {
		struct world_piece *p = &world->pieces[i];

		p->counts =
			p->counts * world->memory + world_poisson(world, p->rate * world->watch_s);
		p->time_s = p->time_s * world->memory + world->watch_s;
		counts += p->counts;
		time_s += p->time_s;
	}
	mean = counts / time_s;
	for (uint64_t i = 0; i < world->count; i++) {
		const struct world_piece *p = &world->pieces[i];
		double off = p->counts / p->time_s - mean;

		squares += off * off;
		noise += mean / p->time_s;
	}
	spread = (squares - noise) / (double)world->count;
	for (uint64_t i = 0; i < world->count; i++) {
		const struct world_piece *p = &world->pieces[i];
		struct sluice_region *r = &world->regions[i];
		double heat = p->counts / p->time_s, doubt = sqrt(p->counts + 1) / p->time_s;

		if (!world->naive && mean > 0) {
			double shape = mean * mean /
				       (spread > 1e-9 * mean * mean ? spread : 1e-9 * mean * mean);
			double time = p->time_s + shape / mean;

			heat = (p->counts + shape) / time;
			doubt = sqrt(p->counts + shape) / time;
		}
		*r = (struct sluice_region){
			.addr = 0x100000000u + i * 2 * MIB,
			.span_bytes = 2 * MIB,
			.bytes = p->bytes,
			.pid = 100,
			.tier = p->tier,
			.heat = (float)heat,
			.heat_low = (float)fmax(0, heat - doubt),
			.heat_high = (float)(heat + doubt),
			.age_ms = p->moved_ms ? world->now_ms - p->moved_ms : 1000000,
		};
	}
}

static void
world_carry_out(struct world *world)
{
	uint64_t bytes = 0;

	for (size_t k = 0; k < plan.count; k++) {
		const struct plan_move *move = &plan.moves[k];
		struct world_piece *p = &world->pieces[move->region];
		struct sluice_tier *from = &world->tiers[p->tier], *to = &world->tiers[move->tier];

		assert_true(move->tier != p->tier);
		assert_true(to->free_bytes >=
			    p->bytes + (uint64_t)(world->watermark * (double)to->total_bytes));
		to->free_bytes -= p->bytes;
		from->free_bytes += p->bytes;
		bytes += p->bytes;
		if (p->moved_ms && p->was_tier == move->tier && world->now_ms - p->moved_ms < 60000)
			world->back_bytes += p->bytes;
		p->was_tier = p->tier;
		p->tier = move->tier;
		p->moved_ms = world->now_ms;
	}
	world->moved_bytes += bytes;
	assert_true(bytes <= world->budget_bytes);
}

/* One second. */
static void
world_round(struct world *world, void *self)
{
	struct sluice_err err = {0};

	world->now_ms += 1000;
	view_now_ms += 1000;
	world_watch(world);
	for (uint32_t t = 0; t < world->tier_count; t++) {
		struct sluice_tier *tier = &world->tiers[t];
		uint64_t keep = (uint64_t)(world->watermark * (double)tier->total_bytes);

		tier->room_bytes = tier->free_bytes > keep ? tier->free_bytes - keep : 0;
		tier->shortage_bytes = tier->free_bytes < keep && t + 1 < world->tier_count
					       ? keep - tier->free_bytes
					       : 0;
	}
	if (decide(self, world->tiers, world->tier_count, world->regions, world->count,
		   world->budget_bytes, &err) < 0)
		fail_msg("%s", err.msg);
	world_carry_out(world);
}

/* Share of the accesses that the fastest tier serves. */
static void __attribute__((unused)) world_rounds(struct world *world, void *self, int seconds)
{
	for (int second = 0; second < seconds; second++)
		world_round(world, self);
}

/* The machine of most tests: 512 MiB fast, 1 GiB slow, 700 MiB used in pieces of 64 KiB. */
#define WORLD_PIECES (700u * 16)

static void __attribute__((unused)) world_usual(struct world *world)
{
	static const uint64_t sizes[] = {512ull * MIB, 1024ull * MIB};

	world_new(world, WORLD_PIECES, 64 * 1024, sizes, 2);
}

/* Every 7th piece is hot, 100 MiB together, with 9 of 10 accesses. */
static void __attribute__((unused)) world_scattered(struct world *world)
{
	for (uint64_t i = 0; i < world->count; i++)
		world->pieces[i].rate = i % 7 == 0 ? 54 : 1;
}

static void __attribute__((unused)) world_uniform(struct world *world)
{
	for (uint64_t i = 0; i < world->count; i++)
		world->pieces[i].rate = 20;
}

static double __attribute__((unused)) world_fast_share(const struct world *world)
{
	double fast = 0, all = 0;

	for (uint64_t i = 0; i < world->count; i++) {
		double rate = world->pieces[i].rate * world->pieces[i].bytes;

		all += rate;
		fast += world->pieces[i].tier == 0 ? rate : 0;
	}
	return fast / all;
}

/* The best share that any placement could reach in so many bytes of fast memory. */
static int __attribute__((unused)) world_by_rate(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x < y) - (x > y);
}

static double __attribute__((unused))
world_best_share(const struct world *world, uint64_t fast_bytes)
{
	double *rates = calloc(world->count, sizeof(*rates)), fast = 0, all = 0;
	uint64_t fit = fast_bytes / world->pieces[0].bytes; /* pieces are of one size */

	assert_non_null(rates);
	for (uint64_t i = 0; i < world->count; i++)
		rates[i] = world->pieces[i].rate;
	qsort(rates, world->count, sizeof(*rates), world_by_rate);
	for (uint64_t i = 0; i < world->count; i++) {
		all += rates[i];
		fast += i < fit ? rates[i] : 0;
	}
	free(rates);
	return fast / all;
}

#endif
