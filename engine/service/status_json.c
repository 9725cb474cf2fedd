/* SPDX-License-Identifier: Apache-2.0 */
/* status_json.c - see status_json.h. */
#include "status_json.h"

#include <string.h>

#include "json_text.h"

static json_t *
tier_to_json(const struct engine_status *status, uint32_t i, double rate_sum)
{
	const struct sluice_tier *tier = &status->tiers[i];
	double rate = status->round.heat.access_rate[i];

	return json_pack("{s:i, s:s, s:I, s:I, s:I, s:I, s:o, s:I, s:o}", "index", (int)i, "kind",
			 sluice_tier_kind_name(tier->kind), "total_bytes",
			 (json_int_t)tier->total_bytes, "free_bytes", (json_int_t)tier->free_bytes,
			 "room_bytes", (json_int_t)tier->room_bytes, "shortage_bytes",
			 (json_int_t)tier->shortage_bytes, "latency_ns",
			 tier->latency_ns ? json_integer(tier->latency_ns) : json_null(),
			 "resident_bytes", (json_int_t)status->round.heat.resident_bytes[i],
			 "access_share", rate_sum > 0 ? json_real(rate / rate_sum) : json_null());
}

static json_t *
target_to_json(const struct engine_target *target, uint32_t tier_count)
{
	json_t *resident = json_array(), *share = json_array();
	double sum = 0;

	for (uint32_t i = 0; i < tier_count; i++)
		sum += target->access_share[i];
	for (uint32_t i = 0; i < tier_count; i++) {
		json_array_append_new(resident,
				      json_integer((json_int_t)target->resident_bytes[i]));
		json_array_append_new(share,
				      sum > 0 ? json_real(target->access_share[i]) : json_null());
	}
	return json_pack("{s:i, s:o, s:I, s:o, s:o, s:I, s:o}", "pid", (int)target->pid, "comm",
			 json_text(target->comm), "age_ms", (json_int_t)target->age_ms,
			 "resident_bytes", resident, "access_share", share, "pinned_bytes",
			 (json_int_t)target->pinned_bytes, "note", json_text(target->note));
}

static json_t *
round_to_json(const struct round_stats *round, int knows_share)
{
	const uint64_t *refused = round->refused_bytes, *outcome = round->outcome_pages;
	json_t *refusals = json_pack("{s:I, s:I, s:I}", "room", (json_int_t)refused[REFUSED_ROOM],
				     "budget", (json_int_t)refused[REFUSED_BUDGET], "payback",
				     (json_int_t)refused[REFUSED_PAYBACK]);
	json_t *outcomes = json_pack(
		"{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "moved", (json_int_t)outcome[MOVE_MOVED],
		"already", (json_int_t)outcome[MOVE_ALREADY], "busy",
		(json_int_t)outcome[MOVE_BUSY], "no_memory", (json_int_t)outcome[MOVE_NOMEM],
		"gone", (json_int_t)outcome[MOVE_GONE], "elsewhere",
		(json_int_t)outcome[MOVE_ELSEWHERE], "failed", (json_int_t)outcome[MOVE_FAILED]);

	return json_pack(
		"{s:I, s:I, s:I, s:I, s:o, s:o, s:I, s:I, s:I, s:I, s:o, s:f, s:I, s:I}", "rounds",
		(json_int_t)round->rounds, "promoted_bytes", (json_int_t)round->promoted_bytes,
		"demoted_bytes", (json_int_t)round->demoted_bytes, "planned_bytes",
		(json_int_t)round->planned_bytes, "refused_bytes", refusals, "outcome_pages",
		outcomes, "move_calls", (json_int_t)round->move_calls, "move_ns",
		(json_int_t)round->move_ns, "decide_ns", (json_int_t)round->decide_ns,
		"pingpong_bytes", (json_int_t)round->pingpong_bytes, "fast_share",
		knows_share ? json_real(round->fast_share) : json_null(), "effort", round->effort,
		"page_move_ns", (json_int_t)round->page_move_ns, "horizon_ms",
		(json_int_t)round->horizon_ms);
}

static json_t *
samplers_to_json(const char *names)
{
	json_t *array = json_array();

	while (*names) {
		size_t len = strcspn(names, ",");

		if (len > 0)
			json_array_append_new(array, json_stringn(names, len));
		names += len + (names[len] == ',');
	}
	return array;
}

static json_t *
policy_process_to_json(const struct engine_status *status)
{
	const struct isolate_status *process = &status->policy_process;
	json_t *faults = json_object();

	if (!status->isolated) {
		json_decref(faults);
		return json_null();
	}
	for (int f = POLICY_FAULT_NONE + 1; f < POLICY_FAULTS; f++)
		json_object_set_new(faults, policy_fault_name((enum policy_fault)f),
				    json_integer((json_int_t)process->faults[f]));
	return json_pack(
		"{s:o, s:b, s:I, s:o, s:I, s:I, s:o, s:o, s:o}", "pid",
		process->pid ? json_integer(process->pid) : json_null(), "safe_policy",
		process->safe, "starts", (json_int_t)process->starts, "faults", faults, "declined",
		(json_int_t)process->declined, "safe_rounds", (json_int_t)process->safe_rounds,
		"benched_ms",
		process->benched_ms ? json_integer((json_int_t)process->benched_ms) : json_null(),
		"last_fault", process->fault[0] ? json_text(process->fault) : json_null(),
		"last_fault_age_ms",
		process->fault[0] ? json_integer((json_int_t)process->fault_age_ms) : json_null());
}

static json_t *
leaving_to_json(const struct engine_status *status)
{
	return status->leaving_node >= 0
		       ? drain_to_json(status->leaving_node, &status->drain, status->guards)
		       : json_null();
}

/* Shares of one CPU: 0.01 is 1 %. */
static json_t *
tracking_to_json(const struct engine_status *status)
{
	const struct price_told *told = &status->round.price;
	json_t *ceiling =
		status->tracking_ceiling > 0 ? json_real(status->tracking_ceiling) : json_null();

	if (!told->known)
		return json_pack("{s:o, s:n, s:n, s:n, s:n, s:I}", "ceiling", ceiling, "share",
				 "own_share", "kernel_share", "target_share", "own_ns",
				 (json_int_t)status->round.tracking_own_ns);
	return json_pack("{s:o, s:f, s:f, s:f, s:f, s:I}", "ceiling", ceiling, "share", told->all,
			 "own_share", told->own, "kernel_share", told->kernel, "target_share",
			 told->target, "own_ns", (json_int_t)status->round.tracking_own_ns);
}

static json_t *
working_set_to_json(const struct sampler_working_set *set)
{
	json_t *generations = json_array();

	for (uint32_t i = 0; i < set->count; i++)
		json_array_append_new(generations,
				      json_pack("{s:I, s:I, s:I}", "age_ms",
						(json_int_t)set->generation[i].age_ms, "anon_bytes",
						(json_int_t)set->generation[i].anon_bytes,
						"file_bytes",
						(json_int_t)set->generation[i].file_bytes));
	return json_pack("{s:o, s:i, s:o}", "memcg", json_text(set->memcg), "node", set->node,
			 "generations", generations);
}

static json_t *
working_sets_to_json(const struct engine_status *status)
{
	json_t *array;

	if (!status->tells_working_sets)
		return json_null();
	array = json_array();
	for (size_t i = 0; i < status->working_set_count; i++)
		json_array_append_new(array, working_set_to_json(&status->working_sets[i]));
	return array;
}

json_t *
status_to_json(const struct engine_status *status)
{
	const struct sampler_stats *sampling = &status->sampling;
	const struct heat_stats *heat = &status->round.heat;
	json_t *tiers = json_array(), *targets = json_array();
	double rate_sum = 0;

	for (uint32_t i = 0; i < status->tier_count; i++)
		rate_sum += heat->access_rate[i];
	for (uint32_t i = 0; i < status->tier_count; i++)
		json_array_append_new(tiers, tier_to_json(status, i, rate_sum));
	for (size_t i = 0; i < status->target_count; i++)
		json_array_append_new(targets,
				      target_to_json(&status->targets[i], status->tier_count));
	return json_pack("{s:s, s:I, s:s, s:s, s:o, s:o, s:o, s:o,"
			 " s:{s:I, s:i, s:i, s:I}, s:{s:I, s:I, s:I}, s:{s:I, s:I, s:I}, s:o, s:o, "
			 "s:o, s:o, s:o}",
			 "version", SLUICE_VERSION, "uptime_ms", (json_int_t)status->uptime_ms,
			 "policy", status->policy, "mover", status->mover, "samplers",
			 samplers_to_json(status->samplers), "note", json_text(status->note),
			 "tiers", tiers, "round", round_to_json(&status->round, rate_sum > 0),
			 "heat", "metadata_bytes", (json_int_t)heat->metadata_bytes, "regions",
			 (int)heat->regions, "regions_in_detail", (int)heat->regions_in_detail,
			 "tracked_bytes", (json_int_t)heat->tracked_bytes, "sampling", "samples",
			 (json_int_t)sampling->samples, "lost", (json_int_t)sampling->lost,
			 "kernel_moved_pages", (json_int_t)sampling->kernel_moved_pages, "cpu",
			 "own_ns", (json_int_t)status->own_cpu_ns, "kernel_ns",
			 (json_int_t)sampling->kernel_cpu_ns, "target_ns",
			 (json_int_t)sampling->target_cost_ns, "tracking", tracking_to_json(status),
			 "working_sets", working_sets_to_json(status), "leaving",
			 leaving_to_json(status), "policy_process", policy_process_to_json(status),
			 "targets", targets);
}

json_t *
drain_to_json(int node, const struct round_drain *drain, int guards)
{
	return json_pack(
		"{s:i, s:b, s:b, s:I, s:o, s:o}", "node", node, "guards", guards, "complete",
		drain->complete, "moved_bytes", (json_int_t)drain->moved_bytes, "left_bytes",
		drain->knows_left ? json_integer((json_int_t)drain->left_bytes) : json_null(),
		"no_room_bytes",
		drain->knows_left ? json_integer((json_int_t)drain->no_room_bytes) : json_null());
}
