/* SPDX-License-Identifier: Apache-2.0 */
/* watching.c - see watching.h. */
#include "watching.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench.h"
#include "clock.h"
#include "memory_registry.h"
#include "round.h"
#include "sampler_registry.h"

#define NS_PER_S 1000000000ull
#define TICK_NS (NS_PER_S / 20)
#define MAPS_NS (2 * NS_PER_S) /* pages are looked up anew */
#define SAMPLES 16384
#define SPANS 4096
#define SENTINEL_TIMES 3 /* as the round has it */

struct watching {
	const struct sampler_ops *ops[WATCHING_SAMPLERS];
	void *samplers[WATCHING_SAMPLERS];
	size_t count;
	void *memory;
	struct heat *heat;
	pid_t pid;
	uint64_t maps_due_ns;
	double cpu_s;
	struct sample samples[SAMPLES];
	struct heat_span spans[SPANS];
};

static int
start_one(struct watching *watching, const struct ops_env *env, const char *name,
	  struct sluice_err *reterr)
{
	const struct sampler_ops *ops = sampler_by_name(name);
	char sentence[OPS_SENTENCE_BYTES] = "";
	int r;

	if (!ops || ops->for_tests)
		return sluice_fail(reterr, -EINVAL, "there is no tracker '%s'; see sluice doctor",
				   name);
	if (watching->count == WATCHING_SAMPLERS)
		return sluice_fail(reterr, -EINVAL, "at most %d trackers work together",
				   WATCHING_SAMPLERS);
	r = ops->probe(env, sentence);
	if (r < 0)
		return sluice_fail(reterr, -ENOTSUP, "%s: %s", name, sentence);
	r = ops->start(env, &watching->samplers[watching->count], reterr);
	if (r < 0)
		return r;
	watching->ops[watching->count++] = ops;
	return ops->add(watching->samplers[watching->count - 1], watching->pid, reterr);
}

static int
look_up(struct watching *watching, struct sluice_err *reterr)
{
	uint8_t tiers[HEAT_REGION_PAGES];
	uint64_t pinned, now_ns = clock_now_ns();
	size_t count;
	int r = memory_proc.spans(watching->memory, watching->pid, watching->spans, SPANS, &count,
				  &pinned, reterr);

	if (r == 0)
		r = heat_set_spans(watching->heat, watching->pid, watching->spans, count, now_ns,
				   reterr);
	for (size_t i = 0; r == 0 && i < heat_region_count(watching->heat); i++) {
		uint64_t addr;
		uint32_t len_bytes;
		int32_t pid;
		int huge = 0;

		heat_region_at(watching->heat, i, &pid, &addr, &len_bytes);
		r = memory_proc.residency(watching->memory, pid, addr, len_bytes, tiers, &huge,
					  reterr);
		if (r == 0)
			heat_set_residency(watching->heat, i, tiers, huge, now_ns);
	}
	watching->maps_due_ns = now_ns + MAPS_NS;
	return r;
}

int
watching_start(const struct ops_env *env, const char *names, pid_t pid, struct watching **ret,
	       struct sluice_err *reterr)
{
	struct watching *watching = calloc(1, sizeof(*watching));
	struct round_options options;
	struct heat_options heat_options = {0};
	char copy[128], *rest = copy;
	int r;

	if (!watching)
		return sluice_fail(reterr, -ENOMEM, "no memory to track with");
	watching->pid = pid;
	round_default_options(&options);
	heat_options.region_max = options.region_max;
	heat_options.detail_bytes_max = options.detail_bytes_max;
	r = heat_new(&heat_options, &watching->heat, reterr);
	if (r == 0)
		r = memory_proc.start(env, &watching->memory, reterr);
	if (r == 0)
		r = look_up(watching, reterr);
	snprintf(copy, sizeof(copy), "%s", names);
	for (char *name = strsep(&rest, "+"); r == 0 && name; name = strsep(&rest, "+"))
		r = start_one(watching, env, name, reterr);
	if (r < 0) {
		watching_stop(watching);
		return r;
	}
	*ret = watching;
	return 0;
}

void
watching_stop(struct watching *watching)
{
	if (!watching)
		return;
	while (watching->count > 0) {
		watching->count--;
		watching->ops[watching->count]->stop(watching->samplers[watching->count]);
	}
	if (watching->memory)
		memory_proc.stop(watching->memory);
	heat_free(watching->heat);
	free(watching);
}

void
watching_set_effort(struct watching *watching, double effort, double steady)
{
	for (size_t i = 0; i < watching->count; i++) {
		int watches = watching->ops[i]->sentinel && watching->count > 1;

		if (watching->ops[i]->set_effort)
			watching->ops[i]->set_effort(watching->samplers[i],
						     watches ? SENTINEL_TIMES * steady : effort);
	}
}

static uint64_t
read_all(struct watching *watching, uint64_t now_ns, int *ret_r, struct sluice_err *reterr)
{
	uint64_t due_ns = now_ns + TICK_NS;

	for (size_t i = 0; i < watching->count; i++) {
		const struct sampler_ops *ops = watching->ops[i];
		size_t count = SAMPLES;

		while (*ret_r == 0 && count == SAMPLES) {
			*ret_r = ops->read(watching->samplers[i], now_ns, watching->samples,
					   SAMPLES, &count, reterr);
			if (*ret_r == 0)
				heat_fold(watching->heat, watching->samples, count);
		}
		if (ops->due_ns && ops->due_ns(watching->samplers[i], now_ns) < due_ns)
			due_ns = ops->due_ns(watching->samplers[i], now_ns);
	}
	return due_ns > now_ns ? due_ns : now_ns;
}

int
watching_run(struct watching *watching, uint64_t until_ns, struct sluice_err *reterr)
{
	int r = 0;

	while (r == 0) {
		uint64_t now_ns = clock_now_ns(), due_ns;
		double began_s = bench_cpu_s();
		struct timespec until;

		if (now_ns >= until_ns)
			break;
		due_ns = read_all(watching, now_ns, &r, reterr);
		watching->cpu_s += bench_cpu_s() - began_s;
		if (r == 0 && now_ns >= watching->maps_due_ns)
			r = look_up(watching, reterr);
		if (due_ns > until_ns)
			due_ns = until_ns;
		until = (struct timespec){(time_t)(due_ns / NS_PER_S), (long)(due_ns % NS_PER_S)};
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
	}
	return r;
}

struct ranked {
	float heat;
	uint32_t entry;
};

static int
hotter_first(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	return x->heat < y->heat ? 1 : x->heat > y->heat ? -1 : 0;
}

/* Pages of an entry, and how many of them are hot in truth. */
static void
count_hot(const struct watching *watching, const struct tracked *tracked, uint32_t entry,
	  double *ret_pages, double *ret_hot)
{
	uint64_t addrs[HEAT_REGION_PAGES], base = tracked_base(tracked);
	size_t count = heat_entry_pages(watching->heat, entry, addrs, HEAT_REGION_PAGES);
	uint32_t each = heat_entry_unit(watching->heat, entry) / HEAT_PAGE_BYTES;

	*ret_pages = (double)count * each;
	*ret_hot = 0;
	for (size_t i = 0; i < count; i++) {
		for (uint64_t p = 0; addrs[i] >= base && p < each; p++)
			*ret_hot +=
				tracked_is_hot(tracked, (addrs[i] - base) / HEAT_PAGE_BYTES + p);
	}
}

void
watching_judge(struct watching *watching, const struct tracked *tracked, struct watching_score *ret)
{
	const struct sluice_region *entries;
	struct ranked *ranked;
	double wanted = (double)tracked_hot_pages(tracked), taken = 0, right = 0;
	size_t count, known = 0;

	entries = heat_view(watching->heat, clock_now_ns(), &count);
	ranked = malloc((count + 1) * sizeof(*ranked));
	for (size_t i = 0; ranked && i < count; i++) {
		/* Of memory of which nothing is known it is not claimed that it is hot. */
		if (isfinite(entries[i].heat_high))
			ranked[known++] = (struct ranked){entries[i].heat, (uint32_t)i};
	}
	if (known)
		qsort(ranked, known, sizeof(*ranked), hotter_first);
	for (size_t i = 0; i < known && taken < wanted; i++) {
		double pages, hot, part;

		count_hot(watching, tracked, ranked[i].entry, &pages, &hot);
		/* Of the last entry only a part is wanted: any of its pages. */
		part = fmin(1, (wanted - taken) / fmax(pages, 1));
		taken += pages * part;
		right += hot * part;
	}
	free(ranked);
	ret->precision = taken > 0 ? right / taken : (double)NAN;
	ret->recall = right / wanted;
}

void
watching_cost(const struct watching *watching, struct watching_cost *ret)
{
	struct heat_stats stats;

	heat_get_stats(watching->heat, &stats);
	*ret = (struct watching_cost){.cpu_s = watching->cpu_s,
				      .metadata_bytes = stats.metadata_bytes};
	for (size_t i = 0; i < watching->count; i++) {
		struct sampler_stats sampling = {0};

		watching->ops[i]->get_stats(watching->samplers[i], &sampling);
		ret->cpu_s += (double)sampling.kernel_cpu_ns / 1e9;
		ret->target_s += (double)sampling.target_cost_ns / 1e9;
		ret->samples += sampling.samples;
		ret->lost += sampling.lost;
	}
}
