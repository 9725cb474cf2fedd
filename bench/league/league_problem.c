/* SPDX-License-Identifier: Apache-2.0 */
/* league_problem.c - see league_problem.h. */
#include "league_problem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

static uint32_t
count_segments(const struct workload *workload, uint32_t *first_epoch)
{
	uint32_t epochs = workload_info(workload)->epoch_count, count = 1;

	for (uint32_t n = 1; n < epochs; n++) {
		if (workload_phase(workload, n) != workload_phase(workload, n - 1))
			first_epoch[count++] = n;
	}
	first_epoch[count] = epochs;
	return count;
}

/* What one access takes longer in slow memory, added up over the epochs of a segment. */
static void
longer_ns(const struct model *model, const double (*times)[MODEL_TIERS_MAX], uint32_t from,
	  uint32_t to, double *ret_read_ns, double *ret_write_ns)
{
	const struct model_kind *fast = &model->tiers[0].kind, *slow = &model->tiers[1].kind;

	*ret_read_ns = *ret_write_ns = 0;
	for (uint32_t n = from; n < to; n++) {
		double of_fast = times ? times[n][0] : 1, of_slow = times ? times[n][1] : 1;

		*ret_read_ns += slow->read_ns * of_slow - fast->read_ns * of_fast;
		*ret_write_ns += slow->write_ns * of_slow - fast->write_ns * of_fast;
	}
}

static void
fill_rows(const struct replay_setup *setup, const double (*times)[MODEL_TIERS_MAX],
	  struct workload_use *uses, struct league_problem *ret)
{
	const struct workload_info *info = workload_info(setup->workload);

	for (uint32_t s = 0; s < ret->problem.epoch_count; s++) {
		double read_ns, write_ns;

		longer_ns(setup->model, times, ret->first_epoch[s], ret->first_epoch[s + 1],
			  &read_ns, &write_ns);
		workload_epoch(setup->workload, ret->first_epoch[s], uses);
		for (size_t u = 0; u < info->unit_count; u++) {
			const struct workload_use *use = &uses[u];
			double stall_ns =
				(double)use->reads * read_ns + (double)use->writes * write_ns;

			ret->rows[s][u] =
				(float)(info->units[u].pages * stall_ns / (double)use->mlp);
		}
	}
}

/* A unit's move in a full call, of threads' time. */
static double
move_ns(const struct replay_setup *setup, const struct workload_unit *unit, int huge)
{
	const struct model_costs *costs = &setup->model->costs;
	uint64_t small = huge ? 0 : unit->pages;
	double call_ns =
		costs->call_ns + costs->interrupt_ns * workload_info(setup->workload)->threads;

	return model_move_ns(costs, small, (uint64_t)huge) - costs->call_ns +
	       call_ns * (double)(small + (uint64_t)huge) / MOVER_MODEL_BATCH;
}

/* Sizes, prices, and where everything is at first. */
static void
fill_items(const struct replay_setup *setup, const struct world *world, struct league_problem *ret)
{
	const struct workload_info *info = world->info;
	uint64_t used = 0;

	for (size_t u = 0; u < info->unit_count; u++) {
		const struct workload_unit *unit = &info->units[u];
		int huge = world->huge && unit->pages == WORKLOAD_REGION_PAGES;

		ret->bytes[u] = unit->pages * WORKLOAD_PAGE_BYTES;
		ret->cost[u] = (float)move_ns(setup, unit, huge);
		if (world->resident[u][0] == unit->pages &&
		    used + ret->bytes[u] <= ret->problem.capacity_bytes) {
			used += ret->bytes[u];
			ret->initial[u / 64] |= 1ull << (u % 64);
		}
	}
}

static int
allocate(const struct workload *workload, struct league_problem *ret)
{
	const struct workload_info *info = workload_info(workload);
	uint32_t segments;

	ret->first_epoch = calloc(info->epoch_count + 1, sizeof(*ret->first_epoch));
	if (!ret->first_epoch)
		return -ENOMEM;
	segments = count_segments(workload, ret->first_epoch);
	ret->problem.item_count = (uint32_t)info->unit_count;
	ret->problem.epoch_count = segments;
	ret->rows = calloc(segments, sizeof(*ret->rows));
	ret->bytes = calloc(info->unit_count, sizeof(*ret->bytes));
	ret->cost = calloc(info->unit_count, sizeof(*ret->cost));
	ret->initial = calloc(oracle_words((uint32_t)info->unit_count), sizeof(*ret->initial));
	if (!ret->rows || !ret->bytes || !ret->cost || !ret->initial)
		return -ENOMEM;
	/* One block for all, which the first row owns. */
	ret->rows[0] = calloc((size_t)segments * info->unit_count, sizeof(**ret->rows));
	for (uint32_t s = 1; s < segments && ret->rows[0]; s++)
		ret->rows[s] = ret->rows[0] + s * info->unit_count;
	ret->problem.bytes = ret->bytes;
	ret->problem.saved = (const float *const *)ret->rows;
	ret->problem.up = ret->problem.down = ret->cost;
	ret->problem.initial = ret->initial;
	return ret->rows[0] ? 0 : -ENOMEM;
}

int
league_problem_make(const struct replay_setup *setup, const double (*times)[MODEL_TIERS_MAX],
		    struct league_problem *ret, struct sluice_err *reterr)
{
	const struct workload_info *info = workload_info(setup->workload);
	struct workload_use *uses = calloc(info->unit_count, sizeof(*uses));
	struct world *world = NULL;
	int r;

	memset(ret, 0, sizeof(*ret));
	if (setup->model->tier_count != 2) {
		free(uses);
		return sluice_fail(reterr, -EINVAL, "the oracle knows two tiers, not %u",
				   setup->model->tier_count);
	}
	r = uses ? allocate(setup->workload, ret) : -ENOMEM;
	if (r < 0)
		sluice_fail(reterr, r, "no memory for the oracle's problem");
	else
		r = world_new(setup->model, setup->workload, setup->huge, &world, reterr);
	if (r == 0) {
		ret->problem.capacity_bytes =
			(uint64_t)((double)setup->model->tiers[0].bytes *
				   (100 - setup->round.watermark_percent) / 100);
		fill_rows(setup, times, uses, ret);
		fill_items(setup, world, ret);
	} else {
		league_problem_clear(ret);
	}
	world_free(world);
	free(uses);
	return r;
}

void
league_problem_clear(struct league_problem *problem)
{
	if (problem->rows)
		free(problem->rows[0]);
	free(problem->rows);
	free(problem->first_epoch);
	free(problem->bytes);
	free(problem->cost);
	free(problem->initial);
	memset(problem, 0, sizeof(*problem));
}
