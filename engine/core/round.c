/* SPDX-License-Identifier: Apache-2.0 */
/* round.c - see round.h. */
#include "round_parts.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "doubt.h"
#include "log.h"
#include "reserve.h"
#include "tier_room.h"

#define NS_PER_MS 1000000ull
#define NS_PER_S 1000000000ull
#define TICK_MOVING_NS (5 * NS_PER_MS) /* after a slice of moving; the control socket's turn */
#define TICK_BUSY_NS (50 * NS_PER_MS)  /* while pages are queued that the rate holds up */
#define TICK_NS (100 * NS_PER_MS)
#define TICK_QUIET_NS (400 * NS_PER_MS) /* while there is little to learn */
#define CALM_MOST 7        /* so many intervals more between decisions when nothing changes, */
#define CALM_CHECK 2       /* and while what was moved is looked at */
#define CALM_SHARE 0.003   /* of resident memory: planning no more changes nothing */
#define LITTLE_SHARE 0.001 /* of accesses, won by a decision */
#define LITTLE_MOST 5      /* decisions in a row that move nothing for that */
#define BUSY_SHARE 0.02    /* planning more begins anew at one; between them calm is halved */
/* A sentinel takes time from nobody but its own kernel thread, and may cost more than tracking that
 * stops the targets. */
#define SENTINEL_TIMES 1.5
#define OUTLINE_TIMES 5.0 /* for the first seconds of what is new */
/* Accesses of a surprised page, against those of the mean one, at least. */
#define SURPRISED_TIMES 8.0
#define ALARM_AGAIN_NS (3 * NS_PER_S)
#define ALARMS_LEAST 4 /* within that time */

void
round_default_options(struct round_options *ret)
{
	*ret = (struct round_options){
		.interval_ms = 1000,
		.rate_bps = 200u << 20,
		.watermark_percent = 3,
		.payback_horizon_ms = 300000,
		.tracking_percent = 1,
		.region_max = 1u << 20,
		.detail_bytes_max = 32u << 20,
	};
}

static int
host_move(struct sluice_plan *plan, uint64_t i, uint32_t tier, float gain)
{
	return plan_ask(plan, i, tier, gain);
}

const struct sluice_host *
round_host(void)
{
	static const struct sluice_host host = {.size = sizeof(host), .move = host_move};

	return &host;
}

static struct heat_options
heat_options_of(const struct round_options *options)
{
	return (struct heat_options){.region_max = options->region_max,
				     .detail_bytes_max = options->detail_bytes_max};
}

size_t
round_entry_max(const struct round_options *options)
{
	struct heat_options heat_options = heat_options_of(options);

	return heat_entry_max(&heat_options);
}

size_t
round_view_bytes(const struct round_options *options)
{
	struct heat_options heat_options = heat_options_of(options);

	return heat_view_bytes(&heat_options);
}

uint64_t
round_cpu_ns(const struct round *round)
{
	return round->parts.cpu_ns ? round->parts.cpu_ns(round->parts.cpu_ctx)
				   : clock_thread_cpu_ns();
}

static void
start_price(struct round *round)
{
	int sentinel[ROUND_SAMPLERS_MAX] = {0};
	double ceiling = round->options.ceiling_percent / 100;

	effort_init(&round->effort, round->options.tracking_percent / 100);
	if (ceiling > 0)
		effort_fix(&round->effort, ceiling);
	for (size_t s = 0; s < round->parts.sampler_count; s++)
		sentinel[s] = round->parts.sampler_ops[s]->sentinel;
	price_init(&round->price, ceiling, sentinel, round->parts.sampler_count);
}

int
round_new(const struct round_options *options, const struct round_parts *parts, struct round **ret,
	  struct sluice_err *reterr)
{
	struct heat_options heat_options = heat_options_of(options);
	struct round *round;
	size_t entry_max;
	int r;

	if (options->interval_ms < 100 || options->interval_ms > 60000)
		return sluice_fail(reterr, -EINVAL,
				   "an interval of %u ms is not within 100 ms and 60 s",
				   options->interval_ms);
	if (!options->rate_bps)
		return sluice_fail(reterr, -EINVAL,
				   "a rate of 0 would never move a page; use dry-run");
	round = calloc(1, sizeof(*round));
	if (!round)
		return sluice_fail(reterr, -ENOMEM, "no memory for the round");
	round->options = *options;
	round->parts = *parts;
	horizon_init(&round->horizon, options->payback_horizon_ms);
	round->stats.page_move_ns = round->page_pace_ns = PAGE_MOVE_UNKNOWN_NS;
	start_price(round);
	heat_options.view_memory = parts->view_memory;
	r = heat_new(&heat_options, &round->heat, reterr);
	if (r < 0)
		goto fail;
	entry_max = heat_entry_max(&heat_options);
	round->queue_max = options->rate_bps / HEAT_PAGE_BYTES * options->interval_ms / 1000 + 1;
	if (round->queue_max > (1u << 24))
		round->queue_max = 1u << 24;
	round->queue = reserve(round->queue_max * sizeof(*round->queue));
	round->spans = reserve(ROUND_SPANS_MAX * sizeof(*round->spans));
	r = plan_init(&round->plan, entry_max, reterr);
	if (r == 0)
		r = journal_init(&round->journal, reterr);
	if (r == 0 && (!round->queue || !round->spans))
		r = sluice_fail(reterr, -ENOMEM, "no memory for a view of %zu entries", entry_max);
	if (r < 0)
		goto fail;
	*ret = round;
	return 0;

fail:
	round_free(round);
	return r;
}

void
round_free(struct round *round)
{
	if (!round)
		return;
	release(round->queue, round->queue_max * sizeof(*round->queue));
	release(round->spans, ROUND_SPANS_MAX * sizeof(*round->spans));
	plan_destroy(&round->plan);
	journal_destroy(&round->journal);
	heat_free(round->heat);
	free(round);
}

/* What one of the trackers may cost just now. */
static double
effort_of(const struct round *round, size_t s)
{
	double steady = round->effort.steady;

	/* A sentinel beside others has nothing to learn, but for where to look first: what the
	 * others take seconds to come to it outlines within one. */
	if (round->parts.sampler_ops[s]->sentinel && round->parts.sampler_count > 1)
		return round->effort.first ? fmax(fmin(OUTLINE_TIMES * steady, round->effort.full),
						  SENTINEL_TIMES * steady)
					   : SENTINEL_TIMES * steady;
	return effort_share(&round->effort);
}

void
round_set_effort(struct round *round)
{
	int fixed = round->price.ceiling > 0;

	round->stats.effort = effort_share(&round->effort);
	price_rest(&round->price, round->effort.paused || !round->target_count);
	for (size_t s = 0; s < round->parts.sampler_count; s++) {
		const struct sampler_ops *ops = round->parts.sampler_ops[s];
		double effort = !fixed                 ? effort_of(round, s)
				: round->effort.paused ? 0
						       : round->price.effort[s];

		if (ops->set_effort)
			ops->set_effort(round->parts.samplers[s], effort);
	}
}

/* What the trackers cost so far, and what they may from now on. */
static void
look_at_price(struct round *round, uint64_t now_ns)
{
	struct price_cost cost[ROUND_SAMPLERS_MAX];
	uint64_t own_ns = round->base_ns;

	if (!price_is_due(&round->price, now_ns))
		return;
	for (size_t s = 0; s < round->parts.sampler_count; s++) {
		struct sampler_stats stats;

		round->parts.sampler_ops[s]->get_stats(round->parts.samplers[s], &stats);
		cost[s] = (struct price_cost){
			.own_ns = round->drained_ns[s] + stats.thread_cpu_ns,
			.kernel_ns = stats.kernel_cpu_ns,
			.target_ns = stats.target_cost_ns,
		};
		own_ns += cost[s].own_ns;
	}
	round->stats.tracking_own_ns = own_ns;
	if (price_look(&round->price, cost, round->base_ns, now_ns))
		round_set_effort(round);
	round->stats.price = round->price.told;
}

int
round_add(struct round *round, int32_t pid, uint64_t now_ns, struct sluice_err *reterr)
{
	size_t started;
	int r = 0;

	for (size_t i = 0; i < round->target_count; i++) {
		if (round->targets[i].pid == pid)
			return sluice_fail(reterr, -EALREADY, "process %d is attached already",
					   pid);
	}
	if (round->target_count == ROUND_TARGETS_MAX)
		return sluice_fail(reterr, -ENOSPC, "no more than %d processes can be attached",
				   ROUND_TARGETS_MAX);
	for (started = 0; started < round->parts.sampler_count; started++) {
		r = round->parts.sampler_ops[started]->add(round->parts.samplers[started], pid,
							   reterr);
		if (r < 0)
			break;
	}
	if (r < 0) {
		while (started-- > 0)
			round->parts.sampler_ops[started]->remove(round->parts.samplers[started],
								  pid);
		return r;
	}
	round->targets[round->target_count++] = (struct target){.pid = pid, .added_ns = now_ns};
	/* The first may just be filling its memory; that is seen within half a second. */
	if (round->target_count == 1) {
		effort_pause(&round->effort, 1);
		round->still_looks = 0;
	}
	round_set_effort(round);
	round->calm = 0;
	round->next_decision_ns = now_ns;
	return 0;
}

void
round_remove(struct round *round, int32_t pid)
{
	for (size_t i = 0; i < round->target_count; i++) {
		if (round->targets[i].pid != pid)
			continue;
		for (size_t s = 0; s < round->parts.sampler_count; s++)
			round->parts.sampler_ops[s]->remove(round->parts.samplers[s], pid);
		heat_set_spans(round->heat, pid, NULL, 0, 0, NULL);
		/* What is queued for it must not be moved any more. The plan keeps its count: the
		 * next one clears by it what this one noted. */
		round->queue_done = round->queue_count;
		drain_restart(round);
		round->targets[i] = round->targets[--round->target_count];
		return;
	}
}

void
round_read_samplers(struct round *round, uint64_t now_ns)
{
	for (size_t s = 0; s < round->parts.sampler_count; s++) {
		const struct sampler_ops *ops = round->parts.sampler_ops[s];
		uint64_t began_ns = round_cpu_ns(round);
		size_t count;

		do {
			struct sluice_err err;

			count = 0;
			if (ops->read(round->parts.samplers[s], now_ns, round->samples,
				      ROUND_SAMPLES, &count, &err) < 0) {
				log_debug("round", "%s: %s", ops->name, err.msg);
				break;
			}
			heat_fold(round->heat, round->samples, count);
		} while (count == ROUND_SAMPLES);
		round->drained_ns[s] += round_cpu_ns(round) - began_ns;
	}
}

uint64_t
round_clock_ns(const struct round *round)
{
	return round->parts.clock_ns ? round->parts.clock_ns(round->parts.clock_ctx)
				     : clock_now_ns();
}

int
round_read_tiers(struct round *round, double watermark_percent,
		 struct sluice_tier tiers[ROUND_TIERS_MAX], size_t *ret_count)
{
	struct sluice_tier now[ROUND_TIERS_MAX];
	struct sluice_err err;
	size_t count = 0;
	int r = round->parts.memory_ops->tiers(round->parts.memory, now, ROUND_TIERS_MAX, &count,
					       &err);

	if (r < 0) {
		log_debug("round", "%s", err.msg);
		return r;
	}
	tiers_fill_room(now, count, watermark_percent);
	memcpy(tiers, now, count * sizeof(*now));
	*ret_count = count;
	return 0;
}

static void
update_shares(struct round *round)
{
	struct heat_stats *heat = &round->stats.heat;
	double all = 0;

	heat_get_stats(round->heat, heat);
	for (size_t t = 0; t < ROUND_TIERS_MAX; t++)
		all += heat->access_rate[t];
	round->stats.fast_share = all > 0 ? heat->access_rate[0] / all : 0;
	for (size_t t = 0; t < round->tier_count; t++)
		round->tiers[t].access_rate = (float)heat->access_rate[t];
}

/* The share of all accesses that the admitted moves are to win. */
static double
won_share(const struct round *round, uint64_t planned_bytes)
{
	double won = 0, all = 0;

	for (size_t i = 0; planned_bytes > 0 && i < round->plan.count; i++)
		won += (double)round->plan.moves[i].gain * round->plan.moves[i].bytes /
		       HEAT_PAGE_BYTES;
	for (size_t t = 0; t < ROUND_TIERS_MAX; t++)
		all += round->stats.heat.access_rate[t];
	return all > 0 ? won / all : 0;
}

/* Not worth the trouble yet: while pages move the kernel marks others, whose faults cost more than
 * so few accesses win. The next decision has more. */
static int
is_little(struct round *round, double won, uint64_t planned_bytes, uint64_t budget_bytes)
{
	if (!round_is_quiet(round) || won >= LITTLE_SHARE || round->little == LITTLE_MOST ||
	    planned_bytes > budget_bytes / 8)
		return 0;
	for (size_t t = 0; t < round->tier_count; t++) {
		if (round->tiers[t].shortage_bytes)
			return 0;
	}
	round->little++;
	return 1;
}

static uint64_t
resident_bytes(const struct round *round)
{
	uint64_t bytes = 0;

	for (size_t t = 0; t < ROUND_TIERS_MAX; t++)
		bytes += round->stats.heat.resident_bytes[t];
	return bytes;
}

/* After an alarm, what was not looked at since then is doubtful too, and what was touched too soon.
 */
static double
find_doubt(const struct round *round, size_t entry_count)
{
	const struct heat_stats *heat = &round->stats.heat;
	double doubt = doubt_share(round->entries, entry_count, round->tiers, round->tier_count,
				   (double)heat->never_known_var);
	double resident = (double)resident_bytes(round);
	uint64_t stale, surprised;

	if (!round->effort.alarmed || resident <= 0)
		return doubt;
	heat_unsettled(round->heat, round->effort.woken_ns, &stale, &surprised);
	doubt += ((double)stale + SURPRISED_TIMES * (double)surprised) / resident;
	return doubt < 1 ? doubt : 1;
}

static int
sees_pages(const struct round *round)
{
	for (size_t s = 0; s < round->parts.sampler_count; s++) {
		if (round->parts.sampler_ops[s]->page_granular)
			return 1;
	}
	return 0;
}

static void
decide(struct round *round, uint64_t now_ns)
{
	struct governor governor = {
		.budget_bytes = round->options.rate_bps * round->options.interval_ms / 1000,
		.page_move_ns = move_price_ns(&round->move_price, PAGE_MOVE_UNKNOWN_NS, now_ns),
	};
	struct sluice_view view = {
		.size = sizeof(view),
		.tier_stride = sizeof(struct sluice_tier),
		.region_stride = sizeof(struct sluice_region),
		.budget_bytes = governor.budget_bytes,
		.now_ms = now_ns / NS_PER_MS,
		.tiers = round->tiers,
	};
	struct sluice_err err = {0, ""};
	size_t entry_count = 0;
	uint64_t began_cpu_ns;
	uint64_t began, planned = 0, resident, movable;
	double won = 0;
	int r, crowded;

	round->stats.page_move_ns = governor.page_move_ns;
	/* No more than can be carried out by then, or the next decision would come late; but some
	 * calls that may measure the pace again. While more is known than can be moved, a late one
	 * is welcome: to decide takes time that moves need. */
	movable = round->options.interval_ms * NS_PER_MS * (round->effort.crowded ? 2 : 1) /
		  (round->page_pace_ns ? round->page_pace_ns : 1);
	if (movable < 4 * MOVE_PRICE_PAGES)
		movable = 4 * MOVE_PRICE_PAGES;
	if (movable * HEAT_PAGE_BYTES < governor.budget_bytes)
		view.budget_bytes = governor.budget_bytes = movable * HEAT_PAGE_BYTES;
	(void)round_read_tiers(round, round->options.watermark_percent, round->tiers,
			       &round->tier_count);
	view.tier_count = (uint32_t)round->tier_count;
	round->entries = heat_view(round->heat, now_ns, &entry_count);
	view.regions = round->entries;
	view.region_count = round->entry_count = entry_count;
	round->decided_ns = now_ns;
	targets_account(round, round->entries, view.region_count);
	update_shares(round);
	governor.horizon_ms = round->stats.horizon_ms =
		horizon_update(&round->horizon, round->promoted_standing,
			       round->tier_count ? round->tiers[0].total_bytes : 0, now_ns);
	/* While targets fill their memory what is seen will not last, and they take the room. */
	if (round->effort.paused)
		governor.horizon_ms = round->stats.horizon_ms = 0;
	round->stats.doubt = find_doubt(round, entry_count);

	plan_begin(&round->plan, &view);
	began = clock_now_ns();
	began_cpu_ns = round_cpu_ns(round);
	r = round->parts.policy->decide(round->parts.policy_self, &view, &round->plan, &err);
	round->stats.decide_ns = clock_now_ns() - began;
	round->no_track_ns += round_cpu_ns(round) - began_cpu_ns;
	if (r == 0 && round->plan.wrong_count)
		r = sluice_fail(&err, -EPROTO, "its plan has %zu moves of what is not there",
				round->plan.wrong_count);
	if (r < 0) {
		log_warn("policy", "%s: %s; nothing is moved this round", round->parts.policy->name,
			 err.msg[0] ? err.msg : strerror(-r));
	} else {
		for (size_t i = 0; i < round->plan.count; i++)
			round->plan.moves[i].unit_bytes =
				heat_entry_unit(round->heat, (size_t)round->plan.moves[i].region);
		planned = governor_admit(&governor, &round->plan, round->stats.refused_bytes);
		won = won_share(round, planned);
		if (is_little(round, won, planned, governor.budget_bytes)) {
			planned = 0;
			won = 0;
		} else {
			round->little = 0;
			round->stats.planned_bytes += planned;
			journal_add(&round->journal, &round->plan, now_ns);
			if (!round->options.dry_run)
				carry_enqueue(round);
		}
	}
	resident = resident_bytes(round);
	round->busy = (double)planned > BUSY_SHARE * (double)resident;
	if (round->busy || planned > governor.budget_bytes / 8 * 7 || !round_is_quiet(round))
		round->calm = 0;
	else if ((double)planned > CALM_SHARE * (double)resident)
		round->calm /= 2;
	else if (round->calm < (effort_is_unhurried(&round->effort) ? CALM_CHECK : CALM_MOST))
		round->calm++;
	effort_unknown(&round->effort,
		       resident ? (double)round->stats.heat.unknown_bytes / (double)resident : 0,
		       now_ns);
	if (resident && sees_pages(round)) {
		/* By the pages of now: by those of later it would change with resident memory. */
		round->seen += (double)(round->stats.heat.samples - round->seen_samples) *
			       HEAT_PAGE_BYTES / (double)resident;
		round->seen_samples = round->stats.heat.samples;
		effort_seen(&round->effort, round->seen);
	}
	effort_update(&round->effort, round->options.dry_run ? 0 : won, round->stats.doubt,
		      round->calm, now_ns);
	/* When the plan was as long as it may be, more is wanted as soon as it is carried out. */
	crowded = !round->options.dry_run && planned > governor.budget_bytes / 8 * 7;
	effort_crowd(&round->effort, crowded, round->stats.doubt);
	round->hurry_bytes = crowded ? round_moved_bytes(round) + planned / 2 : UINT64_MAX;
	round_set_effort(round);
	log_debug("round",
		  "doubt %.4f, effort %.3f, calm %u, unknown %llu MiB, planned %llu KiB; a page's "
		  "move %llu ns, for %llu s; variance within regions %.2f, between %.2f",
		  round->stats.doubt, round->stats.effort, round->calm,
		  (unsigned long long)(round->stats.heat.unknown_bytes >> 20),
		  (unsigned long long)(planned >> 10), (unsigned long long)governor.page_move_ns,
		  (unsigned long long)(governor.horizon_ms / 1000),
		  (double)round->stats.heat.within_var, (double)round->stats.heat.between_var);
	round->stats.rounds++;
}

void
round_decide_soon(struct round *round, uint64_t now_ns, double intervals)
{
	double wait_ns = intervals * round->options.interval_ms * NS_PER_MS;
	uint64_t soon_ns = now_ns + (uint64_t)wait_ns;

	if (round->next_decision_ns > soon_ns)
		round->next_decision_ns = soon_ns;
}

/* One alarm may be chance, and two: worth a decision, no more. A real change raises many within a
 * second or two. */
static void
hear_alarms(struct round *round, uint64_t now_ns)
{
	uint64_t alarms = heat_alarms(round->heat);

	if (alarms == round->alarms)
		return;
	if (now_ns - round->alarm_ns > ALARM_AGAIN_NS) {
		round->alarm_ns = now_ns;
		round->alarms_before = round->alarms;
	}
	round->alarms = alarms;
	/* Of memory that is on its way they say nothing new. Of other memory they come again while
	 * it is seen to be hot. */
	if (round->busy && round->queue_done < round->queue_count) {
		round->alarms_before = alarms;
		return;
	}
	round_decide_soon(round, now_ns, 1);
	if (alarms - round->alarms_before < ALARMS_LEAST)
		return;
	effort_alarm(&round->effort, now_ns);
	round_set_effort(round);
	round->calm = 0;
}

/* A decision takes a while, in which what a tracker has under way would go on unwatched: it waits
 * for that, if it ends soon. At a high pace there is always something. */
static int
must_wait(const struct round *round, uint64_t now_ns)
{
	uint64_t most_ns = round->options.interval_ms * NS_PER_MS / 5;

	if (!round_is_quiet(round) || now_ns > round->next_decision_ns + most_ns)
		return 0;
	for (size_t s = 0; s < round->parts.sampler_count; s++) {
		const struct sampler_ops *ops = round->parts.sampler_ops[s];

		if (ops->due_ns && ops->due_ns(round->parts.samplers[s], now_ns) <= most_ns)
			return 1;
	}
	return 0;
}

static int64_t
next_tick_ns(const struct round *round, uint64_t now_ns)
{
	int queued = round->queue_done < round->queue_count;
	uint64_t next_ns = round->slice_is_used           ? TICK_MOVING_NS
			   : queued || drain_works(round) ? TICK_BUSY_NS
			   : round_is_quiet(round) && !effort_is_unhurried(&round->effort)
				   ? TICK_QUIET_NS
				   : TICK_NS; /* rings fill at a check's pace */

	if (!queued && round->target_count && round->next_decision_ns < now_ns + next_ns &&
	    !must_wait(round, now_ns))
		next_ns = round->next_decision_ns > now_ns + TICK_MOVING_NS
				  ? round->next_decision_ns - now_ns
				  : TICK_MOVING_NS;

	for (size_t s = 0; s < round->parts.sampler_count; s++) {
		const struct sampler_ops *ops = round->parts.sampler_ops[s];
		uint64_t due_ns =
			ops->due_ns ? ops->due_ns(round->parts.samplers[s], now_ns) : next_ns;

		if (due_ns < next_ns)
			next_ns = due_ns;
	}
	return (int64_t)next_ns;
}

int64_t
round_tick(struct round *round, uint64_t now_ns, int32_t *ended, size_t capacity, size_t *ret_ended,
	   struct sluice_err *reterr)
{
	uint64_t began_ns;
	size_t count = 0;

	round_read_samplers(round, now_ns);
	began_ns = round_cpu_ns(round);
	round->no_track_ns = 0;
	targets_sync(round, now_ns);
	hear_alarms(round, now_ns);
	if (now_ns >= round->next_decision_ns && round->queue_done == round->queue_count &&
	    !must_wait(round, now_ns)) {
		if (round->target_count)
			decide(round, now_ns);
		round->next_decision_ns =
			now_ns + round->options.interval_ms * NS_PER_MS * (1 + round->calm);
	}
	round->base_ns += round_cpu_ns(round) - began_ns - round->no_track_ns;
	look_at_price(round, now_ns);
	carry_slice(round, now_ns, reterr);
	drain_slice(round, now_ns);
	for (size_t i = 0; i < round->target_count && count < capacity; i++) {
		if (round->targets[i].ended)
			ended[count++] = round->targets[i].pid;
	}
	*ret_ended = count;
	return next_tick_ns(round, now_ns);
}

void
round_get_stats(const struct round *round, struct round_stats *ret)
{
	*ret = round->stats;
}

int
round_target_stats(const struct round *round, int32_t pid, uint64_t *resident_bytes,
		   double *access_rate, uint64_t *ret_pinned_bytes)
{
	for (size_t i = 0; i < round->target_count; i++) {
		const struct target *target = &round->targets[i];

		if (target->pid != pid)
			continue;
		memcpy(resident_bytes, target->resident_bytes, sizeof(target->resident_bytes));
		memcpy(access_rate, target->access_rate, sizeof(target->access_rate));
		*ret_pinned_bytes = target->pinned_bytes;
		return 0;
	}
	return -ESRCH;
}
