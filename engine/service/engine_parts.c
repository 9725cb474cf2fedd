/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine_parts.c - what the engine builds for one topology: memory, mover, samplers, round. Tiers
 * go by their index in all of them, so they are built anew when the tiers change.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine_parts.h"
#include "log.h"
#include "memory_registry.h"
#include "mover_registry.h"
#include "mover_watch.h"
#include "sampler_registry.h"
#include "trace_tap.h"

/* Pages that a sampler has marked stay so when it is gone, and whoever moves them up has to know:
 * the tiering bit must be set then (invariant 19). The note is gone with the next boot, as they
 * are. */
static void
note_marks(const struct engine *engine)
{
	char path[300];
	int fd;

	snprintf(path, sizeof(path), "%s/" ENGINE_MARKS_NOTE, engine->state_dir);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0)
		close(fd);
	else
		log_warn("engine", "cannot write '%s': %s", path, strerror(errno));
}

static int
start_sampler(struct engine *engine, const struct sampler_ops *ops, struct sluice_err *reterr)
{
	struct round_parts *parts = &engine->parts;
	int r = ops->start(&engine->env, &parts->samplers[parts->sampler_count], reterr);

	if (r < 0)
		return r;
	parts->sampler_ops[parts->sampler_count++] = ops;
	trace_tap_sampler(engine->tap, parts, parts->sampler_count - 1);
	if (ops->moving)
		note_marks(engine);
	log_info("engine", "samples with %s", ops->name);
	return 0;
}

/* The best sampler that works here, and a sentinel beside it if it sees single pages. When none
 * works, the user needs all their reasons. */
static int
start_best_samplers(struct engine *engine, struct sluice_err *reterr)
{
	const struct round_parts *parts = &engine->parts;
	char reasons[400] = "";
	size_t used = 0;

	for (size_t i = 0; sampler_at(i); i++) {
		const struct sampler_ops *ops = sampler_at(i);
		char sentence[OPS_SENTENCE_BYTES];
		struct sluice_err err = {0, ""};

		if (ops->for_tests || (parts->sampler_count && !ops->sentinel))
			continue;
		if (ops->probe(&engine->env, sentence) == 0) {
			if (start_sampler(engine, ops, &err) == 0) {
				if (!ops->page_granular && parts->sampler_count == 1 && used)
					snprintf(engine->sampler_note, sizeof(engine->sampler_note),
						 "heat is known by regions only, as %.160s",
						 reasons);
				if (!ops->page_granular || parts->sampler_count == 2)
					return 0;
				continue;
			}
			snprintf(sentence, sizeof(sentence), "%s", err.msg);
		}
		log_info("engine", "%s cannot be used: %s", ops->name, sentence);
		if (used < sizeof(reasons))
			used += (size_t)snprintf(reasons + used, sizeof(reasons) - used,
						 "%s%s %.110s", used ? "; " : "", ops->name,
						 sentence);
	}
	return parts->sampler_count
		       ? 0
		       : sluice_fail(reterr, -ENOTSUP, "no sampler works here: %s", reasons);
}

static int
start_named_sampler(struct engine *engine, const char *name, struct sluice_err *reterr)
{
	const struct sampler_ops *ops = sampler_by_name(name);
	char sentence[OPS_SENTENCE_BYTES];
	int r;

	if (!ops)
		return sluice_fail(reterr, -EINVAL, "there is no sampler '%s'; see sluice doctor",
				   name);
	r = ops->probe(&engine->env, sentence);
	if (r < 0)
		return sluice_fail(reterr, r, "the sampler '%s' cannot be used: %s", name,
				   sentence);
	return start_sampler(engine, ops, reterr);
}

static int
start_mover(struct engine *engine, struct sluice_err *reterr)
{
	const struct mover_ops *ops = mover_by_name(engine->options.mover);
	char sentence[OPS_SENTENCE_BYTES];
	void *mover;
	int r;

	if (!ops)
		return sluice_fail(reterr, -EINVAL, "there is no mover '%s'; see sluice doctor",
				   engine->options.mover);
	r = ops->probe(&engine->env, sentence);
	if (r < 0)
		return sluice_fail(reterr, r, "the mover '%s' cannot be used: %s", ops->name,
				   sentence);
	r = ops->start(&engine->env, &mover, reterr);
	if (r < 0)
		return r;
	engine->watch = mover_watch_new(ops, mover);
	if (!engine->watch) {
		ops->stop(mover);
		return sluice_fail(reterr, -ENOMEM, "no memory for the engine");
	}
	engine->parts.mover = engine->watch;
	engine->parts.mover_ops = mover_watch_ops(engine->watch);
	trace_tap_mover(engine->tap, &engine->parts);
	return 0;
}

/* Where nothing is to be moved: a recording only. */
static int
decide_nothing(void *self, const struct sluice_view *view, struct sluice_plan *plan,
	       struct sluice_err *reterr)
{
	(void)self;
	(void)view;
	(void)plan;
	(void)reterr;
	return 0;
}

static const struct sluice_policy policy_none = {.abi = SLUICE_POLICY_ABI,
						 .size = sizeof(struct sluice_policy),
						 .name = "none",
						 .summary = "moves nothing",
						 .decide = decide_nothing};

int
engine_parts_start(struct engine *engine, struct sluice_err *reterr)
{
	const struct engine_options *options = &engine->options;
	struct round_parts *parts = &engine->parts;
	int r;

	engine->sampler_note[0] = '\0';
	parts->policy = engine->plugin ? plugin_policy(engine->plugin) : &policy_none;
	parts->policy_self = engine->plugin ? plugin_self(engine->plugin) : NULL;
	parts->memory_ops = &memory_proc;
	r = parts->memory_ops->start(&engine->env, &parts->memory, reterr);
	if (r == 0) {
		trace_tap_memory(engine->tap, parts);
		r = start_mover(engine, reterr);
	}
	if (r == 0)
		r = strcmp(options->sampler, "auto") == 0
			    ? start_best_samplers(engine, reterr)
			    : start_named_sampler(engine, options->sampler, reterr);
	if (r == 0)
		r = round_new(&options->round, parts, &engine->round, reterr);
	return r;
}

void
engine_parts_stop(struct engine *engine)
{
	struct round_parts *parts = &engine->parts;

	/* Figures of a round that ends go on counting in the next. */
	engine_parts_stats(engine, &engine->carried, &engine->carried_sampling);
	round_free(engine->round);
	engine->round = NULL;
	for (size_t i = 0; i < parts->sampler_count; i++)
		parts->sampler_ops[i]->stop(parts->samplers[i]);
	parts->sampler_count = 0;
	if (parts->mover)
		parts->mover_ops->stop(parts->mover);
	parts->mover = NULL;
	engine->watch = NULL;
	if (parts->memory)
		parts->memory_ops->stop(parts->memory);
	parts->memory = NULL;
}

void
engine_parts_stats(const struct engine *engine, struct round_stats *ret,
		   struct sampler_stats *ret_sampling)
{
	const struct round_stats *before = &engine->carried;
	struct sampler_stats sampling = engine->carried_sampling;
	struct round_stats stats = *before;

	if (engine->round) {
		round_get_stats(engine->round, &stats);
		stats.rounds += before->rounds;
		stats.promoted_bytes += before->promoted_bytes;
		stats.demoted_bytes += before->demoted_bytes;
		stats.planned_bytes += before->planned_bytes;
		stats.pingpong_bytes += before->pingpong_bytes;
		stats.move_calls += before->move_calls;
		stats.move_ns += before->move_ns;
		for (size_t i = 0; i < ROUND_REFUSALS; i++)
			stats.refused_bytes[i] += before->refused_bytes[i];
		for (size_t i = 0; i < MOVE_OUTCOMES; i++)
			stats.outcome_pages[i] += before->outcome_pages[i];
	} else {
		/* What is true of a moment only is not true any more. */
		memset(&stats.heat, 0, sizeof(stats.heat));
		stats.fast_share = stats.effort = 0;
	}
	for (size_t i = 0; i < engine->parts.sampler_count; i++) {
		struct sampler_stats one;

		engine->parts.sampler_ops[i]->get_stats(engine->parts.samplers[i], &one);
		sampling.samples += one.samples;
		sampling.lost += one.lost;
		sampling.kernel_cpu_ns += one.kernel_cpu_ns;
		sampling.target_cost_ns += one.target_cost_ns;
		sampling.kernel_moved_pages += one.kernel_moved_pages;
	}
	*ret = stats;
	*ret_sampling = sampling;
}
