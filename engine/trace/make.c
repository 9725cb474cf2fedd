/* SPDX-License-Identifier: Apache-2.0 */
/* make.c - see make.h. Time goes on in intervals, within which rates stay as they are. */
#include "make.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BASE_ADDR UINT64_C(0x7f0000000000)
#define BASE_NS UINT64_C(10000000000) /* so that nothing is before 0 */
#define PAGE_BYTES SLUICE_TRACE_PAGE_BYTES
#define REGION_PAGES SLUICE_TRACE_REGION_PAGES
#define MARK_PAGES_PER_S (14 * 256 * 10) /* 14 MiB in 100 ms, as hint faults are marked */
#define LOOK_S 0.005
#define DAMON_REGIONS 1000
#define PMU_SAMPLES_PER_S 20000

struct make {
	const struct make_options *options;
	struct sluice_trace_writer *writer;
	struct synth synth;
	uint64_t random;
	uint64_t marked;  /* the page that is marked next */
	uint64_t *due_ns; /* hintfault: since when each page is marked; 0: it is not */
	struct sluice_trace_sample batch[SLUICE_TRACE_BATCH_MAX];
	size_t count;
	uint64_t now_ns;
};

const char *
make_tracker_name(size_t i)
{
	static const char *const names[] = {"exact", "hintfault", "damon", "pmu"};

	return i < MAKE_TRACKERS ? names[i] : NULL;
}

static void
flush(struct make *make)
{
	if (make->count)
		sluice_trace_write_samples(make->writer, make->now_ns, make->batch, make->count);
	make->count = 0;
}

static void
put(struct make *make, struct sluice_trace_sample sample)
{
	sample.pid = make->options->pid;
	make->batch[make->count++] = sample;
	if (make->count == SLUICE_TRACE_BATCH_MAX)
		flush(make);
}

static uint64_t
address(uint64_t page)
{
	return BASE_ADDR + page * PAGE_BYTES;
}

/* ---- Trackers: each for the interval up to make->now_ns ---- */

/* Neighbours that were accessed equally often are one sample. */
static void
tell_exact(struct make *make, double t_s)
{
	double interval_s = make->options->interval_s;
	uint64_t pages = make->synth.pages, run = 0, last = 0;

	for (uint64_t page = 0; page <= pages; page++) {
		uint64_t count = 0;

		if (page < pages)
			count = synth_poisson(synth_rate(&make->synth, page, t_s) * interval_s,
					      &make->random);
		if (page < pages && run && count == last) {
			run++;
			continue;
		}
		if (run)
			put(make, (struct sluice_trace_sample){.kind = SLUICE_TRACE_EXACT,
							       .addr = address(page - run),
							       .len_bytes = run * PAGE_BYTES,
							       .time_ns = make->now_ns,
							       .events = (float)last,
							       .exposure_s = (float)interval_s});
		run = 1;
		last = count;
	}
}

static int
by_time(const void *a, const void *b)
{
	const struct sluice_trace_sample *x = a, *y = b;

	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

/* Marks what its turn is, then accesses: a page is touched within the interval as its rate says. */
static int
tell_hintfault(struct make *make, double t_s)
{
	double interval_s = make->options->interval_s;
	uint64_t interval_ns = (uint64_t)(interval_s * 1e9), from_ns = make->now_ns - interval_ns;
	uint64_t pages = make->synth.pages, marks = (uint64_t)(MARK_PAGES_PER_S * interval_s) + 1;
	struct sluice_trace_sample *touched = malloc(pages * sizeof(*touched));
	size_t count = 0;

	if (!touched)
		return -ENOMEM;
	for (uint64_t left = marks < pages ? marks : pages; left > 0;) {
		uint64_t run = pages - make->marked < left ? pages - make->marked : left;

		for (uint64_t i = 0; i < run; i++)
			make->due_ns[make->marked + i] = from_ns;
		put(make, (struct sluice_trace_sample){.kind = SLUICE_TRACE_ARMED,
						       .addr = address(make->marked),
						       .len_bytes = run * PAGE_BYTES,
						       .time_ns = from_ns});
		make->marked = (make->marked + run) % pages;
		left -= run;
	}
	for (uint64_t page = 0; page < pages; page++) {
		double rate, after_s;

		if (!make->due_ns[page])
			continue;
		rate = synth_rate(&make->synth, page, t_s);
		after_s = rate > 0 ? -log(1 - synth_fraction(&make->random)) / rate : 1e9;
		if (after_s >= interval_s)
			continue;
		make->due_ns[page] = 0;
		touched[count++] = (struct sluice_trace_sample){
			.kind = SLUICE_TRACE_TOUCH,
			.addr = address(page),
			.time_ns = from_ns + (uint64_t)(after_s * 1e9),
		};
	}
	qsort(touched, count, sizeof(*touched), by_time);
	for (size_t i = 0; i < count; i++)
		put(make, touched[i]);
	free(touched);
	return 0;
}

/* Equal regions; at each look a page of each, drawn anew each interval. */
static void
tell_damon(struct make *make, double t_s)
{
	uint64_t pages = make->synth.pages, size = (pages + DAMON_REGIONS - 1) / DAMON_REGIONS;
	double interval_s = make->options->interval_s, looks = interval_s / LOOK_S;

	if (looks < 1)
		looks = 1;
	for (uint64_t first = 0; first < pages; first += size) {
		uint64_t run = pages - first < size ? pages - first : size;
		double seen = 0, most = 1 - 0.5 / looks, share;

		for (int i = 0; i < (int)looks; i++) {
			uint64_t page = first + synth_below(&make->random, run);
			double rate = synth_rate(&make->synth, page, t_s);

			seen += synth_fraction(&make->random) < 1 - exp(-rate * LOOK_S);
		}
		share = seen / floor(looks);
		put(make,
		    (struct sluice_trace_sample){
			    .kind = SLUICE_TRACE_RATE,
			    .addr = address(first),
			    .len_bytes = run * PAGE_BYTES,
			    .time_ns = make->now_ns,
			    .events = (float)(looks * -log(1 - (share < most ? share : most))),
			    .exposure_s = (float)interval_s});
	}
}

static void
tell_pmu(struct make *make, double t_s)
{
	double interval_s = make->options->interval_s;
	double period = floor(make->options->rate / PMU_SAMPLES_PER_S) + 1;
	uint64_t interval_ns = (uint64_t)(interval_s * 1e9), from_ns = make->now_ns - interval_ns;
	uint64_t draws = synth_poisson(make->options->rate / period * interval_s, &make->random);

	put(make, (struct sluice_trace_sample){.kind = SLUICE_TRACE_COUNTING,
					       .time_ns = from_ns,
					       .events = (float)period});
	for (uint64_t i = 0; i < draws; i++)
		put(make,
		    (struct sluice_trace_sample){
			    .kind = SLUICE_TRACE_COUNT,
			    .addr = address(synth_draw(&make->synth, t_s, &make->random)),
			    .time_ns = from_ns + (uint64_t)((double)interval_ns *
							    ((double)i + 0.5) / (double)draws),
			    .events = (float)period});
}

/* ---- The machine, and the whole ---- */

static void
tell_machine(struct make *make)
{
	const struct make_options *options = make->options;
	uint64_t bytes = make->synth.pages * PAGE_BYTES;
	uint64_t fast = options->fast_bytes ? options->fast_bytes : bytes / 4;
	uint64_t fast_pages = fast / PAGE_BYTES;
	struct sluice_trace_tier tiers[2] = {
		{.total_bytes = fast,
		 .free_bytes = fast > bytes ? fast - bytes : 0,
		 .latency_ns = 80,
		 .bw_mbps = 100000,
		 .kind = 1},
		{.total_bytes = 2 * bytes,
		 .free_bytes = 2 * bytes - (bytes > fast ? bytes - fast : 0),
		 .latency_ns = 250,
		 .bw_mbps = 30000,
		 .kind = 3},
	};
	struct sluice_trace_span span = {BASE_ADDR, BASE_ADDR + bytes};
	uint8_t where[REGION_PAGES];
	char text[256];

	sluice_trace_write_meta(make->writer, BASE_NS, "sluice", SLUICE_VERSION);
	sluice_trace_write_meta(make->writer, BASE_NS, "tracker",
				make_tracker_name(options->tracker));
	sluice_trace_write_meta(make->writer, BASE_NS, "pattern",
				synth_text(&options->pattern, text, sizeof(text)));
	snprintf(text, sizeof(text), "%llu", (unsigned long long)options->seed);
	sluice_trace_write_meta(make->writer, BASE_NS, "seed", text);
	snprintf(text, sizeof(text), "%.17g", options->rate);
	sluice_trace_write_meta(make->writer, BASE_NS, "rate", text);
	sluice_trace_write_tiers(make->writer, BASE_NS, tiers, 2);
	sluice_trace_write_process(make->writer, BASE_NS, options->pid,
				   synth_name(options->pattern.kind));
	sluice_trace_write_spans(make->writer, BASE_NS, options->pid, &span, 1);
	for (uint64_t page = 0; page < make->synth.pages; page += REGION_PAGES) {
		uint64_t left = make->synth.pages - page;
		uint32_t count = left < REGION_PAGES ? (uint32_t)left : REGION_PAGES;

		for (uint32_t i = 0; i < count; i++)
			where[i] = page + i >= fast_pages;
		sluice_trace_write_residency(make->writer, BASE_NS, options->pid, address(page),
					     count * PAGE_BYTES, where, 0);
	}
}

int
make_trace(const struct make_options *options, struct sluice_trace_writer *writer,
	   struct sluice_err *reterr)
{
	struct make *make;
	uint64_t steps;
	int r;

	if (!(options->interval_s >= 0.01 && options->interval_s <= 60) ||
	    !(options->seconds >= options->interval_s && options->seconds <= 1e6))
		return sluice_fail(reterr, -EINVAL,
				   "a made-up trace has intervals of 10 ms to 60 s, one at least");
	make = calloc(1, sizeof(*make));
	if (!make)
		return sluice_fail(reterr, -ENOMEM, "out of memory");
	make->options = options;
	make->writer = writer;
	make->random = options->seed * 0x9e3779b97f4a7c15u + 1;
	r = synth_init(&make->synth, &options->pattern, options->bytes / PAGE_BYTES, options->rate,
		       options->seed, reterr);
	if (r == 0 && options->tracker == MAKE_HINTFAULT) {
		make->due_ns = calloc(make->synth.pages, sizeof(*make->due_ns));
		if (!make->due_ns)
			r = sluice_fail(reterr, -ENOMEM, "out of memory");
	}
	if (r == 0)
		tell_machine(make);
	steps = (uint64_t)(options->seconds / options->interval_s + 1e-9);
	for (uint64_t i = 0; i < steps && r == 0; i++) {
		double t_s = options->interval_s * ((double)i + 0.5);

		make->now_ns = BASE_NS + (uint64_t)(options->interval_s * 1e9 * (double)(i + 1));
		if (options->tracker == MAKE_EXACT)
			tell_exact(make, t_s);
		else if (options->tracker == MAKE_HINTFAULT)
			r = tell_hintfault(make, t_s);
		else if (options->tracker == MAKE_DAMON)
			tell_damon(make, t_s);
		else
			tell_pmu(make, t_s);
		if (r < 0)
			sluice_fail(reterr, r, "out of memory");
		flush(make);
	}
	free(make->due_ns);
	free(make);
	return r;
}
