/* SPDX-License-Identifier: Apache-2.0 */
/* workload.c - the standard set of workloads, and what their generators share. See workload.h. */
#include "workload_parts.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BASE_ADDR 0x100000000000ull
#define FIRST_PID 1000
#define LINES_PER_PAGE 64.0

static const struct workload_row *const families[] = {
	workload_gups,   workload_zipf,   workload_sweeps,
	workload_graphs, workload_stores, workload_mixes,
};

static const struct workload_row *
row_at(size_t i)
{
	for (size_t f = 0; f < sizeof(families) / sizeof(families[0]); f++) {
		for (const struct workload_row *row = families[f]; row->name; row++) {
			if (i-- == 0)
				return row;
		}
	}
	return NULL;
}

size_t
workload_count(void)
{
	size_t count = 0;

	while (row_at(count))
		count++;
	return count;
}

const char *
workload_name(size_t i)
{
	const struct workload_row *row = row_at(i);

	return row ? row->name : NULL;
}

const char *
workload_summary(size_t i)
{
	const struct workload_row *row = row_at(i);

	return row ? row->summary : NULL;
}

uint64_t
workload_random(uint64_t seed, uint64_t index)
{
	uint64_t x = seed * 0x9e3779b97f4a7c15u + (index + 1) * 0xd1342543de82ef95u;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

static const struct workload_row *
find_row(const char *name, struct sluice_err *reterr)
{
	const struct workload_row *row;
	char list[400] = "";
	size_t len = 0;

	for (size_t i = 0; (row = row_at(i)) != NULL; i++) {
		if (strcmp(row->name, name) == 0)
			return row;
		if (len < sizeof(list))
			len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s",
						i ? ", " : "", row->name);
	}
	sluice_fail(reterr, -ENOENT, "there is no workload '%.60s'; there are %s", name, list);
	return NULL;
}

/* Units of all processes, each with an equal share. */
static int
make_units(struct workload *workload, uint64_t bytes)
{
	const struct workload_row *row = workload->row;
	uint64_t processes = row->processes ? row->processes : 1;
	uint32_t pages = row->page_grained ? 1 : WORKLOAD_REGION_PAGES;
	size_t each = (size_t)(bytes / processes / REGION_BYTES * (WORKLOAD_REGION_PAGES / pages));
	size_t count = each * processes;

	workload->units = calloc(count, sizeof(*workload->units));
	workload->order = calloc(count, sizeof(*workload->order));
	if (!workload->units || !workload->order)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		workload->units[i] = (struct workload_unit){
			.addr = BASE_ADDR + (uint64_t)(i % each) * pages * PAGE,
			.pages = pages,
			.pid = FIRST_PID + (int32_t)(i / each),
		};
		workload->order[i] = (uint32_t)i;
	}
	for (size_t i = count; i-- > 1;) {
		size_t k = (size_t)(workload_random(workload->seed, i) % (i + 1));
		uint32_t other = workload->order[k];

		workload->order[k] = workload->order[i];
		workload->order[i] = other;
	}
	workload->info.units = workload->units;
	workload->info.unit_count = count;
	workload->info.bytes = (uint64_t)count * pages * PAGE;
	return 0;
}

int
workload_new(const char *name, const struct workload_options *options, struct workload **ret,
	     struct sluice_err *reterr)
{
	const struct workload_row *row = find_row(name, reterr);
	uint64_t bytes = options->bytes ? options->bytes : row ? row->bytes : 0;
	struct workload *workload;
	int r = 0;

	if (!row)
		return -ENOENT;
	if (bytes < 64 * REGION_BYTES || bytes > (1ull << 44))
		return sluice_fail(reterr, -EINVAL,
				   "a workload has 128 MiB to 16 TiB, not %llu MiB",
				   (unsigned long long)(bytes >> 20));
	if (row->page_grained && bytes / PAGE > UINT32_MAX / 16)
		return sluice_fail(reterr, -EINVAL,
				   "%s is made page by page, and so has 1 TiB at most", name);
	if (options->epoch_ns < 1000000 || options->epoch_count == 0)
		return sluice_fail(reterr, -EINVAL,
				   "a workload has one epoch or more, of a millisecond or more");
	workload = calloc(1, sizeof(*workload));
	if (!workload)
		return sluice_fail(reterr, -ENOMEM, "no memory for a workload");
	workload->row = row;
	workload->seed = options->seed;
	workload->epoch_s = (double)options->epoch_ns / 1e9;
	workload->info = (struct workload_info){
		.name = row->name,
		.summary = row->summary,
		.epoch_ns = options->epoch_ns,
		.epoch_count = options->epoch_count,
		.threads = row->threads,
		.page_grained = row->page_grained,
	};
	workload->own = calloc(1, row->private_bytes + 1);
	if (!workload->own || make_units(workload, bytes) < 0)
		r = sluice_fail(reterr, -ENOMEM, "no memory for %s of %llu MiB", name,
				(unsigned long long)(bytes >> 20));
	if (r == 0 && row->prepare)
		r = row->prepare(workload, reterr);
	if (r < 0) {
		workload_free(workload);
		return r;
	}
	*ret = workload;
	return 0;
}

void
workload_free(struct workload *workload)
{
	if (!workload)
		return;
	if (workload->row->discard && workload->own)
		workload->row->discard(workload);
	free(workload->own);
	free(workload->units);
	free(workload->order);
	free(workload);
}

const struct workload_info *
workload_info(const struct workload *workload)
{
	return &workload->info;
}

uint64_t
workload_phase(const struct workload *workload, uint32_t epoch)
{
	return workload->row->phase ? workload->row->phase(workload, epoch) : PHASE_ONLY;
}

void
workload_epoch(const struct workload *workload, uint32_t epoch, struct workload_use *uses)
{
	memset(uses, 0, workload->info.unit_count * sizeof(*uses));
	workload->row->fill(workload, epoch, uses);
	for (size_t i = 0; i < workload->info.unit_count; i++) {
		if (uses[i].mlp < 1)
			uses[i].mlp = 1;
	}
}

struct workload_load
workload_load(const struct workload *workload, uint32_t epoch)
{
	return workload->row->load ? workload->row->load(workload, epoch)
				   : (struct workload_load){0, 0};
}

/* So many accesses of each page more. */
static void
use_add(struct workload_use *use, double reads, double writes, double mlp)
{
	double before = (double)use->reads + (double)use->writes, more = reads + writes;

	if (more <= 0)
		return;
	use->mlp = before > 0 ? (float)((before + more) / (before / (double)use->mlp + more / mlp))
			      : (float)mlp;
	use->reads += (float)reads;
	use->writes += (float)writes;
}

void
workload_spread(const struct workload *workload, struct workload_use *uses, size_t first,
		size_t count, double reads, double writes, double mlp)
{
	double pages = (double)count * workload->units[0].pages;
	double times = workload->epoch_s / pages;

	for (size_t i = first; i < first + count; i++)
		use_add(&uses[i], reads * times, writes * times, mlp);
}

void
workload_scatter(const struct workload *workload, struct workload_use *uses, size_t first,
		 size_t count, double reads, double writes, double mlp)
{
	double pages = (double)count * workload->units[0].pages;
	double times = workload->epoch_s / pages;

	for (size_t i = first; i < first + count; i++)
		use_add(&uses[workload->order[i]], reads * times, writes * times, mlp);
}

void
workload_walk(const struct workload *workload, struct workload_use *uses, uint32_t epoch,
	      size_t first, size_t count, double bytes_per_s, double write_share, double mlp)
{
	double unit_bytes = (double)workload->units[0].pages * PAGE;
	double from = workload_time_s(workload, epoch) * bytes_per_s / unit_bytes;
	double to = from + workload->epoch_s * bytes_per_s / unit_bytes;

	for (double at = from; at < to;) {
		double next = fmin(floor(at) + 1, to), lines = LINES_PER_PAGE * (next - at);

		use_add(&uses[first + (size_t)fmod(floor(at), (double)count)],
			lines * (1 - write_share), lines * write_share, mlp);
		at = next > at ? next : to;
	}
}

/* The sum of rank^-skew for ranks from + 1 to to: the first ones one by one, then by the integral
 * from middle to middle. */
static double
popularity(double from, double to, double skew)
{
	double sum = 0;

	while (from < to && from < 64) {
		sum += pow(from + 1, -skew);
		from += 1;
	}
	if (from >= to)
		return sum;
	if (fabs(skew - 1) < 1e-9)
		return sum + log((to + 0.5) / (from + 0.5));
	return sum + (pow(to + 0.5, 1 - skew) - pow(from + 0.5, 1 - skew)) / (1 - skew);
}

void
workload_popular(const struct workload *workload, struct workload_use *uses, size_t first,
		 size_t count, double skew, int scattered, double reads, double writes, double mlp)
{
	double pages = workload->units[0].pages;
	double all = popularity(0, (double)count * pages, skew);

	for (size_t i = 0; i < count; i++) {
		double share = popularity((double)i * pages, (double)(i + 1) * pages, skew) / all;
		size_t unit = scattered ? workload->order[first + i] : first + i;

		use_add(&uses[unit], reads * share * workload->epoch_s / pages,
			writes * share * workload->epoch_s / pages, mlp);
	}
}
