/* SPDX-License-Identifier: Apache-2.0 */
/* engine_status.c - what the engine tells of itself: counters of all its parts, and notes on them.
 */
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "engine_parts.h"
#include "procfs.h"
#include "tier_room.h"
#include "trace_tap.h"

#define NOTE_REFUSAL_NS 20000000000ull /* how long a refused move is told of */

void
engine_note_counters(struct engine *engine)
{
	struct sampler_stats sampling;
	struct round_stats round;

	engine_parts_stats(engine, &round, &sampling);
	notes_look(&engine->notes, clock_now_ns(), &round, &sampling);
}

static void
fill_target(struct engine *engine, size_t i, struct engine_target *ret)
{
	double rate[ROUND_TIERS_MAX] = {0}, all = 0;

	*ret = (struct engine_target){
		.pid = engine->targets[i].pid,
		.age_ms = (clock_now_ns() - engine->targets[i].since_ns) / 1000000,
	};
	/* A program that was attached before its exec has another name since. */
	procfs_comm("", ret->pid, engine->targets[i].comm, sizeof(engine->targets[i].comm));
	trace_tap_process(engine->tap, ret->pid, engine->targets[i].comm, clock_now_ns());
	memcpy(ret->comm, engine->targets[i].comm, sizeof(ret->comm));
	if (!engine->round || round_target_stats(engine->round, ret->pid, ret->resident_bytes, rate,
						 &ret->pinned_bytes) < 0)
		return;
	for (size_t t = 0; t < ROUND_TIERS_MAX; t++)
		all += rate[t];
	for (size_t t = 0; t < ROUND_TIERS_MAX && all > 0; t++)
		ret->access_share[t] = rate[t] / all;
	snprintf(ret->note, sizeof(ret->note), "%s",
		 mover_watch_refusal(engine->watch, ret->pid, clock_now_ns(), NOTE_REFUSAL_NS));
	notes_target(ret);
}

static void
fill_idle_tiers(struct engine *engine, struct engine_status *ret)
{
	const struct sluice_tier_info *info;

	sluice_topology_refresh(engine->topology, NULL);
	while (ret->tier_count < SLUICE_TIERS_MAX &&
	       (info = sluice_topology_tier(engine->topology, ret->tier_count)))
		ret->tiers[ret->tier_count++] = (struct sluice_tier){
			.total_bytes = info->total_bytes,
			.free_bytes = info->free_bytes,
			.latency_ns = info->read_latency_ns,
			.kind = info->kind,
		};
}

void
engine_fill_drain(const struct engine *engine, struct round_drain *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (engine->round)
		round_get_drain(engine->round, ret);
	else if (engine->leaving_node >= 0)
		*ret = (struct round_drain){.under_way = 1, .complete = 1};
}

void
engine_get_status(struct engine *engine, struct engine_status *ret)
{
	const struct round_parts *parts = &engine->parts;
	size_t used = 0, tier_count = 0;

	pthread_mutex_lock(&engine->lock);
	memset(ret, 0, sizeof(*ret));
	ret->uptime_ms = (clock_now_ns() - engine->started_ns) / 1000000;
	ret->own_cpu_ns = clock_process_cpu_ns() - engine->started_cpu_ns;
	snprintf(ret->policy, sizeof(ret->policy), "%s", parts->policy->name);
	snprintf(ret->mover, sizeof(ret->mover), "%s", engine->options.mover);
	memcpy(ret->note, engine->note, sizeof(ret->note));
	for (size_t i = 0; i < parts->sampler_count && used < sizeof(ret->samplers); i++)
		used += (size_t)snprintf(ret->samplers + used, sizeof(ret->samplers) - used, "%s%s",
					 i ? "," : "", parts->sampler_ops[i]->name);
	if (parts->memory && parts->memory_ops->tiers(parts->memory, ret->tiers, SLUICE_TIERS_MAX,
						      &tier_count, NULL) == 0)
		ret->tier_count = (uint32_t)tier_count;
	else
		fill_idle_tiers(engine, ret);
	tiers_fill_room(ret->tiers, ret->tier_count, engine->options.round.watermark_percent);
	engine_parts_stats(engine, &ret->round, &ret->sampling);
	ret->leaving_node = engine->leaving_node;
	ret->guards = engine->round != NULL;
	engine_fill_drain(engine, &ret->drain);
	ret->target_count = engine->target_count;
	for (size_t i = 0; i < engine->target_count; i++)
		fill_target(engine, i, &ret->targets[i]);
	if (engine->sampler_note[0])
		snprintf(ret->note + strlen(ret->note), sizeof(ret->note) - strlen(ret->note),
			 "%s%s", ret->note[0] ? "; " : "", engine->sampler_note);
	notes_write(&engine->notes, clock_now_ns(), ret);
	pthread_mutex_unlock(&engine->lock);
}
