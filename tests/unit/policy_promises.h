/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_promises.h - what every policy must do whatever it wants: for the policies' tests.
 *
 * First what makes small views. promises_hold() runs it over random machines and checks each plan
 * in the order of its moves: known entries, each once, within room and budget; equal views give
 * equal plans; views of older and newer engines are read alike. decides_in_time() times it over a
 * tebibyte.
 */
#ifndef POLICY_PROMISES_H
#define POLICY_PROMISES_H

#include <stdio.h>
#include <time.h>

#include "policy_world.h"

#define PROMISE_REGIONS 1500u
#define PROMISE_ENTRIES (3 * PROMISE_REGIONS)
#define OLD_TIER_BYTES offsetof(struct sluice_tier, access_rate)

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define DECIDE_MS_MAX 4000.0
#else
#define DECIDE_MS_MAX 200.0
#endif

/* ---- small views ---- */

#define GIB (1ull << 30)

/* Two tiers of 1 GiB with this much room. */
static void __attribute__((unused))
two_tiers(struct sluice_tier tiers[2], uint64_t fast_room, uint64_t slow_room)
{
	tiers[0] = (struct sluice_tier){.total_bytes = GIB,
					.free_bytes = fast_room,
					.room_bytes = fast_room,
					.latency_ns = 100};
	tiers[1] = (struct sluice_tier){.total_bytes = GIB,
					.free_bytes = slow_room,
					.room_bytes = slow_room,
					.latency_ns = 250};
}

/* One 2 MiB region after the other. */
static void __attribute__((unused)) spread(struct sluice_region *regions, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		regions[i].addr = 0x7f0000000000u + i * 2 * MIB;
}

/* Decide again after a while. */
static void __attribute__((unused))
decide_after(uint32_t ms, void *self, const struct sluice_tier *tiers,
	     const struct sluice_region *regions, uint64_t count)
{
	struct sluice_err err = {0};

	view_now_ms += ms;
	if (decide(self, tiers, 2, regions, count, GIB, &err) < 0)
		fail_msg("%s", err.msg);
}

/* ---- any view ---- */

struct promise {
	struct sluice_tier tiers[4];
	struct sluice_region regions[PROMISE_ENTRIES];
	uint32_t tier_count;
	uint64_t count, budget_bytes, seed;
};

static uint64_t
promise_random(struct promise *p, uint64_t below)
{
	p->seed ^= p->seed << 13;
	p->seed ^= p->seed >> 7;
	p->seed ^= p->seed << 17;
	return (p->seed >> 11) % below;
}

/* Regions of two processes, some in 4 KiB detail, of every heat and none, known and unknown; they
 * stay from round to round, but a few are missing each time. */
static void
promise_fill(struct promise *p)
{
	p->count = 0;
	for (uint64_t i = 0; i < PROMISE_REGIONS; i++) {
		uint64_t parts = i % 10 == 3 ? 1 + i / 10 % 3 : 1;

		if (promise_random(p, 50) == 0)
			continue;
		for (uint64_t part = 0; part < parts; part++) {
			double heat = exp((double)((i * 7919 + part * 31) % 140) / 10.0 - 4);
			struct sluice_region *r = &p->regions[p->count++];

			*r = piece((uint32_t)promise_random(p, p->tier_count),
				   parts > 1 ? PAGE * (1 + (uint32_t)promise_random(p, 100))
					     : 2 * MIB,
				   heat * (0.8 + 0.1 * (double)promise_random(p, 5)), 1.2);
			r->addr = 0x7f0000000000u + i * 2 * MIB;
			r->pid = i < PROMISE_REGIONS / 3 ? 7 : 4000;
			r->age_ms = (uint32_t)promise_random(p, 20000);
			if (i % 11 == 5)
				r->heat = r->heat_low = 0;
			if (i % 17 == 6)
				r->heat_high = HUGE_VALF;
		}
	}
}

static void
promise_new_round(struct promise *p)
{
	static const uint64_t budgets[] = {0, 1, PAGE, 10 * MIB, 300 * MIB, 1ull << 40};

	for (uint32_t t = 0; t < p->tier_count; t++) {
		struct sluice_tier *tier = &p->tiers[t];
		uint64_t total = (256 + promise_random(p, 2048)) * MIB;

		*tier = (struct sluice_tier){.total_bytes = total,
					     .free_bytes = promise_random(p, total / 4),
					     .latency_ns = (uint32_t)promise_random(p, 3) * 100,
					     .kind = t};
		if (promise_random(p, 3) == 0)
			tier->shortage_bytes =
				t + 1 < p->tier_count ? promise_random(p, 64 * MIB) : 0;
		else
			tier->room_bytes = promise_random(p, tier->free_bytes + 1);
		tier->access_rate = (float)promise_random(p, 1000000);
		tier->loaded_latency_ns = (uint32_t)promise_random(p, 4) * 90;
	}
	if (promise_random(p, 20) == 0)
		p->tiers[p->tier_count - 1] = (struct sluice_tier){0}; /* left without memory */
	p->budget_bytes = budgets[promise_random(p, 6)];
	promise_fill(p);
}

/* The view as engines of three ages would give it; copies end where they may be read. */
static int
promise_decide(struct promise *p, void *self, unsigned age)
{
	size_t tier_stride = age == 0 ? OLD_TIER_BYTES : sizeof(p->tiers[0]) + (age == 2 ? 16 : 0);
	size_t region_stride = sizeof(p->regions[0]) + (age == 2 ? 8 : 0);
	size_t tier_copy = age == 0 ? OLD_TIER_BYTES : sizeof(p->tiers[0]);
	char *tiers = malloc(p->tier_count * tier_stride);
	char *regions = malloc(p->count * region_stride);
	struct sluice_view view = {
		.size = sizeof(view),
		.tier_count = p->tier_count,
		.tier_stride = (uint32_t)tier_stride,
		.region_stride = (uint32_t)region_stride,
		.region_count = p->count,
		.budget_bytes = p->budget_bytes,
		.now_ms = view_now_ms,
	};
	struct sluice_err err = {0};
	int r;

	assert_non_null(tiers);
	assert_non_null(regions);
	memset(tiers, 0xee, p->tier_count * tier_stride);
	memset(regions, 0xee, p->count * region_stride);
	for (uint32_t t = 0; t < p->tier_count; t++)
		memcpy(tiers + t * tier_stride, &p->tiers[t], tier_copy);
	for (uint64_t i = 0; i < p->count; i++)
		memcpy(regions + i * region_stride, &p->regions[i], sizeof(p->regions[i]));
	view.tiers = tiers;
	view.regions = regions;
	plan.view = &view;
	plan.count = 0;
	r = sluice_policy.decide(self, &view, &plan, &err);
	if (r < 0)
		fail_msg("%s", err.msg);
	plan.view = NULL;
	free(tiers);
	free(regions);
	return r;
}

static void
promise_check_plan(const struct promise *p)
{
	static uint8_t asked[PROMISE_ENTRIES];
	uint64_t room[4], shortage[4], bytes = 0;

	memset(asked, 0, sizeof(asked));
	for (uint32_t t = 0; t < p->tier_count; t++) {
		room[t] = p->tiers[t].room_bytes;
		shortage[t] = p->tiers[t].shortage_bytes;
	}
	for (size_t k = 0; k < plan.count; k++) {
		const struct plan_move *move = &plan.moves[k];
		const struct sluice_region *r = &p->regions[move->region];
		uint64_t cured = r->bytes < shortage[r->tier] ? r->bytes : shortage[r->tier];

		assert_true(move->tier != r->tier);
		assert_false(asked[move->region]);
		asked[move->region] = 1;
		assert_true(room[move->tier] >= r->bytes); /* what makes room comes before */
		room[move->tier] -= r->bytes;
		shortage[r->tier] -= cured;
		room[r->tier] += r->bytes - cured;
		bytes += r->bytes;
		assert_true(isfinite(move->gain) && move->gain >= 0);
		if (move->tier > r->tier) /* pays by making room */
			assert_float_equal(move->gain, 0, 0);
	}
	assert_true(bytes <= p->budget_bytes || (plan.count == 1 && p->budget_bytes > 0));
}

static void __attribute__((unused)) promises_hold(void **state)
{
	static struct promise p;
	static struct plan_move first[PLAN_CAPACITY];
	size_t moves = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 6; seed++) {
		void *a = start("with", NULL), *b = start("with", NULL);

		p = (struct promise){.tier_count = 1 + (uint32_t)(seed + 1) % 4,
				     .seed = seed * 0x9e3779b97f4a7c15u};
		for (unsigned round = 0; round < 16; round++) {
			size_t count;

			view_now_ms += 500 + promise_random(&p, 3000);
			promise_new_round(&p);
			plan.capacity = round == 9 ? 5 : PLAN_CAPACITY;
			promise_decide(&p, a, round % 3);
			promise_check_plan(&p);
			count = plan.count;
			moves += count;
			memcpy(first, plan.moves, count * sizeof(*first));
			/* Same views, same plans: also after all that came before. */
			promise_decide(&p, b, round % 3);
			assert_int_equal(plan.count, count);
			for (size_t k = 0; k < count; k++) {
				assert_int_equal(plan.moves[k].region, first[k].region);
				assert_int_equal(plan.moves[k].tier, first[k].tier);
				assert_float_equal(plan.moves[k].gain, first[k].gain, 0);
			}
		}
		plan.capacity = PLAN_CAPACITY;
		/* No memory at all, and no tier. */
		p.count = 0;
		promise_decide(&p, a, 1);
		assert_int_equal(plan.count, 0);
		p.tier_count = 0;
		promise_decide(&p, a, 1);
		assert_int_equal(plan.count, 0);
		if (sluice_policy.fini) {
			sluice_policy.fini(a);
			sluice_policy.fini(b);
			sluice_policy.fini(NULL);
		}
	}
	print_message("%zu moves kept their promises\n", moves);
}

static double
promise_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* A quarter of a tebibyte is fast, everything is full, heat is spread log-normally. */
static void __attribute__((unused)) decides_in_time(void **state)
{
	const uint64_t count = 1u << 19;
	struct sluice_tier tiers[2] = {{.total_bytes = 256ull << 30, .latency_ns = 100},
				       {.total_bytes = 1024ull << 30, .latency_ns = 250}};
	struct sluice_region *regions = calloc(count, sizeof(*regions));
	struct world dice = {.seed = 88172645463325252u};
	void *self = start("with", NULL);
	struct sluice_err err = {0};
	double worst_ms = 0;

	(void)state;
	assert_non_null(regions);
	tiers[1].free_bytes = tiers[1].room_bytes = 100ull << 30;
	for (uint64_t i = 0; i < count; i++) {
		double u = world_random(&dice) + world_random(&dice) + world_random(&dice) - 1.5;

		regions[i] = piece(i % 4 != 0, 2 * MIB, exp(4 * u), 1.1);
		regions[i].addr = 0x7f0000000000u + i * 2 * MIB;
	}
	for (int round = 0; round < 5; round++) {
		double began_ms;

		view_now_ms += 1000;
		began_ms = promise_now_ms();
		if (decide(self, tiers, 2, regions, count, 10ull << 30, &err) < 0)
			fail_msg("%s", err.msg);
		/* Two rounds touch the policy's memory for the first time. */
		if (round >= 2 && promise_now_ms() - began_ms > worst_ms)
			worst_ms = promise_now_ms() - began_ms;
	}
	print_message("%s: %.1f ms at most for %llu regions, %zu moves\n", sluice_policy.name,
		      worst_ms, (unsigned long long)count, plan.count);
	assert_true(worst_ms <= DECIDE_MS_MAX);
	free(regions);
	if (sluice_policy.fini)
		sluice_policy.fini(self);
}

#endif
