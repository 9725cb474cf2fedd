/* SPDX-License-Identifier: Apache-2.0 */
/* replay.c - see replay.h. */
#include "replay.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

#define DETAIL_REGION_BYTES 2048u /* of heat's pool, for a region in detail */
#define ENDED_MAX 4
#define OWED_MOST 0.9 /* of a stretch: the program always gets on a little */
#define DONE (1 - 1e-9)

struct run {
	const struct replay_setup *setup;
	struct world *world;
	const struct replay_schedule *schedule; /* NULL: a policy, or nobody, decides */
	void *tracker;
	struct round *round;
	uint64_t next_tick_ns;
	double tracked_ns; /* threads' time that tracking has taken, as last seen */
	uint64_t decisions_seen;

	uint32_t epoch;
	double done;   /* of the epoch */
	double cpu_ns; /* wall time that the epoch computes */
	double point_wall_ns, point_accesses, point_fast;
	uint64_t point_moved;
	struct model_result now; /* while nothing is stirred */
	int stale;               /* it does not hold any more */
	struct replay_result result;
};

void
replay_round_options(const struct workload *workload, struct round_options *ret)
{
	const struct workload_info *info = workload_info(workload);
	uint64_t regions = info->bytes / HEAT_REGION_BYTES + info->unit_count / 256 + 64;

	round_default_options(ret);
	ret->region_max = (uint32_t)(regions * 2);
}

static void
enter_epoch(struct run *run)
{
	const struct replay_setup *setup = run->setup;
	const struct workload_info *info = run->world->info;
	int changes = run->epoch > 0 && workload_phase(setup->workload, run->epoch) !=
						workload_phase(setup->workload, run->epoch - 1);

	if (changes && run->tracker && setup->tracker->changing)
		setup->tracker->changing(run->tracker);
	if (world_epoch(run->world, run->epoch)) {
		run->cpu_ns = model_cpu_ns(setup->model, &run->world->all, (double)info->epoch_ns,
					   info->threads);
		if (changes && run->tracker && setup->tracker->changed)
			setup->tracker->changed(run->tracker);
	}
	if (run->schedule && (run->epoch == 0 || run->schedule->fast[run->epoch] !=
							 run->schedule->fast[run->epoch - 1]))
		mover_model_place(run->world, run->schedule->fast[run->epoch]);
}

/* What moves and the antagonist take of each tier's bandwidth during the next stretch. 1 when moves
 * take some. */
static int
find_others(struct run *run, double stretch_ns, struct model_others *others)
{
	struct world *world = run->world;
	struct workload_load load = workload_load(world->workload, run->epoch);
	int moves = 0;

	for (uint32_t t = 0; t < world->model->tier_count; t++) {
		others[t].read_bps = world->read_bytes[t] / stretch_ns * 1e9;
		others[t].write_bps = world->write_bytes[t] / stretch_ns * 1e9;
		moves |= world->read_bytes[t] + world->write_bytes[t] > 0;
	}
	others[0].read_bps += load.read_bps;
	others[0].write_bps += load.write_bps;
	return moves;
}

static void
end_point(struct run *run)
{
	struct replay_result *result = &run->result;
	uint32_t count = run->world->info->epoch_count;
	uint32_t at = (uint32_t)((uint64_t)run->epoch * REPLAY_POINTS / count);
	uint32_t next = (uint32_t)((uint64_t)(run->epoch + 1) * REPLAY_POINTS / count);
	uint64_t moved = run->world->up_bytes + run->world->down_bytes;

	if (next == at)
		return;
	/* With few epochs one of them is several points. */
	for (; at < next; at++)
		result->points[at] = (struct replay_point){
			.wall_ns = result->wall_ns,
			.fast_share =
				run->point_accesses > 0 ? run->point_fast / run->point_accesses : 0,
			.moved_bytes = moved - run->point_moved,
		};
	run->point_accesses = run->point_fast = 0;
	run->point_moved = moved;
}

/* The program runs until the time given or the end of its epoch, whichever comes first. */
static void
run_stretch(struct run *run, uint64_t until_ns)
{
	struct world *world = run->world;
	struct replay_result *result = &run->result;
	struct model_others others[MODEL_TIERS_MAX];
	double stretch_ns = (double)(until_ns - world->now_ns), lost_ns, part;
	struct tracker_stretch told;
	int moves = find_others(run, stretch_ns, others);

	if (moves || run->stale || world->stirred)
		model_epoch(run->setup->model, world->demand, others, run->cpu_ns,
			    world->info->threads, &run->now);
	memcpy(world->times, run->now.times, sizeof(world->times));
	run->stale = moves; /* their bandwidth is over after this stretch */
	world->stirred = 0;
	memset(world->read_bytes, 0, sizeof(world->read_bytes));
	memset(world->write_bytes, 0, sizeof(world->write_bytes));

	lost_ns = fmin(world->owed_ns / world->info->threads, OWED_MOST * stretch_ns);
	part = (stretch_ns - lost_ns) / run->now.wall_ns;
	if (part > 1 - run->done) {
		part = 1 - run->done;
		stretch_ns = fmax(ceil(lost_ns + part * run->now.wall_ns), 1);
	}
	world->owed_ns -= lost_ns * world->info->threads;
	for (uint32_t t = 0; run->schedule && run->schedule->ret_times && t < MODEL_TIERS_MAX; t++)
		run->schedule->ret_times[run->epoch][t] += part * run->now.times[t];
	result->stall_ns += part * run->now.stall_ns;
	result->accesses += part * (world->all.reads + world->all.writes);
	result->fast_accesses += part * (world->demand[0].reads + world->demand[0].writes);
	run->point_accesses += part * (world->all.reads + world->all.writes);
	run->point_fast += part * (world->demand[0].reads + world->demand[0].writes);
	result->wall_ns += stretch_ns;
	told = (struct tracker_stretch){world->now_ns, world->now_ns + (uint64_t)stretch_ns, part};
	world->now_ns = told.to_ns;
	if (run->tracker)
		run->setup->tracker->ran(run->tracker, &told);
	run->done += part;
	if (run->done < DONE)
		return;
	end_point(run);
	run->done = 0;
	run->epoch++;
	run->stale = 1;
	if (run->epoch < world->info->epoch_count)
		enter_epoch(run);
}

static void
take_price(struct run *run)
{
	struct sampler_stats stats;
	double now_ns;

	run->setup->tracker->sampler->get_stats(run->tracker, &stats);
	now_ns = (double)stats.target_cost_ns;
	run->world->owed_ns += now_ns - run->tracked_ns;
	run->tracked_ns = now_ns;
	run->result.tracking_ns = now_ns;
	run->result.kernel_ns = (double)stats.kernel_cpu_ns;
	run->result.samples = stats.samples;
	run->result.samples_lost = stats.lost;
}

static void
tick(struct run *run)
{
	struct world *world = run->world;
	int32_t ended[ENDED_MAX];
	size_t ended_count;
	struct round_stats stats;
	int64_t wait_ns;
	uint64_t busy_ns;

	world->mover_ns = 0;
	wait_ns = round_tick(run->round, world->now_ns, ended, ENDED_MAX, &ended_count, NULL);
	busy_ns = (uint64_t)world->mover_ns;
	world->mover_ns = 0;
	run->next_tick_ns =
		world->now_ns + ((uint64_t)wait_ns > busy_ns ? (uint64_t)wait_ns : busy_ns) + 1;
	take_price(run);
	round_get_stats(run->round, &stats);
	if (stats.rounds == run->decisions_seen)
		return;
	run->decisions_seen = stats.rounds;
	run->result.decisions++;
	run->result.decide_ns += (double)stats.decide_ns;
	run->result.decide_max_ns = fmax(run->result.decide_max_ns, (double)stats.decide_ns);
}

static void
finish(struct run *run)
{
	struct replay_result *result = &run->result;
	struct round_stats stats;

	result->moving_ns = run->world->moving_ns;
	result->wall_ns += run->world->owed_ns / run->world->info->threads;
	if (!run->round) {
		result->promoted_bytes = run->world->up_bytes;
		result->demoted_bytes = run->world->down_bytes;
		return;
	}
	round_get_stats(run->round, &stats);
	result->promoted_bytes = stats.promoted_bytes;
	result->demoted_bytes = stats.demoted_bytes;
	result->pingpong_bytes = stats.pingpong_bytes;
	memcpy(result->refused_bytes, stats.refused_bytes, sizeof(result->refused_bytes));
	result->metadata_bytes = stats.heat.metadata_bytes;
	result->region_count = stats.heat.regions;
	if (result->decisions)
		result->decide_ns /= (double)result->decisions;
}

/* The targets are the workload's processes. */
static int
add_targets(struct run *run, struct sluice_err *reterr)
{
	const struct workload_info *info = run->world->info;
	int r = 0;

	for (size_t u = 0; r == 0 && u < info->unit_count; u++) {
		if (u == 0 || info->units[u].pid != info->units[u - 1].pid)
			r = round_add(run->round, info->units[u].pid, 0, reterr);
	}
	return r;
}

static int
start_round(struct run *run, const struct sluice_policy *policy, void *policy_self,
	    struct sluice_err *reterr)
{
	const struct replay_setup *setup = run->setup;
	struct round_parts parts = {
		.sampler_ops = {setup->tracker->sampler},
		.sampler_count = 1,
		.memory_ops = &memory_replay,
		.memory = run->world,
		.mover_ops = &mover_model,
		.mover = run->world,
		.policy = policy,
		.policy_self = policy_self,
		.clock_ns = world_clock_ns,
		.clock_ctx = run->world,
	};
	int r = setup->tracker->start(run->world, setup->seed, &run->tracker, reterr);

	if (r < 0)
		return r;
	parts.samplers[0] = run->tracker;
	r = round_new(&setup->round, &parts, &run->round, reterr);
	return r < 0 ? r : add_targets(run, reterr);
}

static void
run_all(struct run *run)
{
	while (run->epoch < run->world->info->epoch_count) {
		if (run->round && run->world->now_ns >= run->next_tick_ns)
			tick(run);
		run_stretch(run, run->round ? run->next_tick_ns
					    : run->world->now_ns + run->world->info->epoch_ns);
	}
	finish(run);
}

static int
begin(struct run *run, const struct replay_setup *setup, const struct replay_schedule *schedule,
      struct sluice_err *reterr)
{
	int r;

	memset(run, 0, sizeof(*run));
	run->setup = setup;
	run->schedule = schedule;
	r = world_new(setup->model, setup->workload, setup->huge, &run->world, reterr);
	if (r == 0)
		enter_epoch(run);
	return r;
}

int
replay_run(const struct replay_setup *setup, const struct sluice_policy *policy, void *policy_self,
	   struct replay_result *ret, struct sluice_err *reterr)
{
	struct run *run = malloc(sizeof(*run));
	int r;

	if (!run)
		return sluice_fail(reterr, -ENOMEM, "no memory for a replay");
	r = begin(run, setup, NULL, reterr);
	if (r == 0)
		r = start_round(run, policy, policy_self, reterr);
	if (r == 0) {
		run_all(run);
		*ret = run->result;
	}
	round_free(run->round);
	if (run->tracker)
		setup->tracker->sampler->stop(run->tracker);
	world_free(run->world);
	free(run);
	return r;
}

/* No policy: all in one tier, unless that is -1, or by a schedule. */
static int
run_fixed(const struct replay_setup *setup, const struct replay_schedule *schedule, int tier,
	  struct replay_result *ret, struct sluice_err *reterr)
{
	struct run *run = malloc(sizeof(*run));
	int r;

	if (!run)
		return sluice_fail(reterr, -ENOMEM, "no memory for a replay");
	r = begin(run, setup, schedule, reterr);
	if (r == 0) {
		if (tier >= 0)
			world_place_all(run->world, (uint32_t)tier);
		run_all(run);
		*ret = run->result;
	}
	world_free(run->world);
	free(run);
	return r;
}

int
replay_bound(const struct replay_setup *setup, enum replay_bound bound, struct replay_result *ret,
	     struct sluice_err *reterr)
{
	int slowest = (int)setup->model->tier_count - 1;

	return run_fixed(setup, NULL,
			 bound == REPLAY_FIRST_TOUCH ? -1
			 : bound == REPLAY_ALL_FAST  ? 0
						     : slowest,
			 ret, reterr);
}

int
replay_scheduled(const struct replay_setup *setup, const struct replay_schedule *schedule,
		 struct replay_result *ret, struct sluice_err *reterr)
{
	if (setup->model->tier_count != 2)
		return sluice_fail(reterr, -EINVAL, "a schedule is of two tiers, not of %u",
				   setup->model->tier_count);
	if (schedule->ret_times)
		memset(schedule->ret_times, 0,
		       workload_info(setup->workload)->epoch_count * sizeof(*schedule->ret_times));
	return run_fixed(setup, schedule, -1, ret, reterr);
}
