/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_heat.c - `sluice-bench heat`: how fast samples of each kind are folded, how long a view
 * takes, and what is kept for each page, of a made-up target with the service's own options.
 */
#include "bench.h"

#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "heat.h"
#include "round.h"

#define VERB "heat"
#define PID 1
#define BASE 0x100000000000ull
#define NS_PER_S 1000000000ull
#define BATCH 65536u
#define TOUCHED_AT_ONCE (1u << 20) /* pages that are marked and then touched */
#define RATE_OCTAVES 2.0           /* how far pages of a region differ, one sigma */
#define ODDS 1000.0f
#define PAGE_VIEWS 4
#define STEADY_VIEWS 60

static const char help[] =
	"Usage: sluice-bench heat [OPTION]...\n\n"
	"Folds samples of a made-up target and makes views of it, with the service's own "
	"options.\n\n"
	"  --gib N        size of the target in GiB (1024)\n"
	"  --seconds N    folding of each kind at least so long (2)\n"
	"  --json         {\"target_bytes\", \"kinds\": [{\"kind\", \"order\", \"samples\",\n"
	"                 \"samples_per_s\"}],\n"
	"                 \"view_ms\": {\"all\", \"steady\", \"steady_most\"},\n"
	"                 \"view_ns_per_page_in_detail\",\n"
	"                 \"metadata_bytes\", \"metadata_bytes_per_page\": {\"plain\", \"full\"},\n"
	"                 \"regions_in_detail\", \"entries\", \"resident_bytes_per_page\"}\n"
	"  --help         this text\n\n"
	"`plain` is before any page is known by itself, `full` with all room for single pages in\n"
	"use; `resident` is what the kernel says that the process has grown by.\n";

struct bench {
	struct heat *heat;
	struct sample *batch;
	uint64_t pages, detail_pages, now_ns, random;
	double seconds;
	json_t *kinds;
};

static uint64_t
next_random(struct bench *bench)
{
	bench->random ^= bench->random << 13;
	bench->random ^= bench->random >> 7;
	bench->random ^= bench->random << 17;
	return bench->random;
}

static double
uniform01(struct bench *bench)
{
	return ((double)(next_random(bench) >> 11) + 1) / 9007199254740994.0;
}

static uint64_t
resident_bytes(void)
{
	unsigned long long size, resident = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (f && fscanf(f, "%llu %llu", &size, &resident) != 2)
		resident = 0;
	if (f)
		fclose(f);
	return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* A fixed rate for each page, log-normal around its region's. */
static double
rate_of(uint64_t page)
{
	uint64_t hash = (page + 1) * 0x9e3779b97f4a7c15u,
		 region = (page >> 9) * 0xd1342543de82ef95u;
	double octaves = -4;

	for (int i = 0; i < 4; i++)
		octaves += (double)((hash >> (16 * i)) & 0xffff) / 32768.0;
	return exp2(octaves * RATE_OCTAVES * 0.87 + (double)(region >> 61));
}

static struct sample
sample_of(const struct bench *bench, enum sample_kind kind, uint64_t page)
{
	return (struct sample){.kind = kind,
			       .pid = PID,
			       .addr = BASE + page * HEAT_PAGE_BYTES,
			       .time_ns = bench->now_ns};
}

static int
kind_add(struct bench *bench, const char *kind, const char *order, uint64_t samples, double cpu_s)
{
	return json_array_append_new(bench->kinds,
				     json_pack("{s:s, s:s, s:I, s:f}", "kind", kind, "order", order,
					       "samples", (json_int_t)samples, "samples_per_s",
					       cpu_s > 0 ? (double)samples / cpu_s : 0.0));
}

static void
mark(struct bench *bench, uint64_t first, uint64_t pages)
{
	struct sample armed = sample_of(bench, SAMPLE_ARMED, first);

	armed.len_bytes = pages * HEAT_PAGE_BYTES;
	heat_fold(bench->heat, &armed, 1);
}

/* All pages with room for detail, a stretch at a time: marked, and touched after their gaps, in the
 * order of addresses or of any. `kind` is SAMPLE_TOUCH or SAMPLE_SEEN. */
static int
fold_touches(struct bench *bench, enum sample_kind kind, const char *name, int scattered)
{
	uint64_t samples = 0, first = 0;
	double cpu_s = 0, began_s = bench_now_s();

	while (bench_now_s() - began_s < bench->seconds || samples < 4 * bench->detail_pages) {
		uint64_t pages = bench->detail_pages - first < TOUCHED_AT_ONCE
					 ? bench->detail_pages - first
					 : TOUCHED_AT_ONCE;
		uint64_t at = first, marked_ns = bench->now_ns;

		mark(bench, first, pages);
		for (uint64_t done = 0; done < pages;) {
			uint32_t count = 0;
			double start_s;

			for (; count < BATCH && done < pages; count++, done++) {
				/* An odd step visits each page of a power of two once. */
				uint64_t page = scattered && pages == TOUCHED_AT_ONCE
							? first + (done * 479001599u) % pages
							: at++;
				double gap_s = -log(uniform01(bench)) / rate_of(page);

				bench->batch[count] = sample_of(bench, kind, page);
				bench->batch[count].time_ns =
					marked_ns + (uint64_t)(fmin(gap_s, 60) * 1e9);
				if (kind == SAMPLE_SEEN)
					bench->batch[count].len_bytes = HEAT_PAGE_BYTES;
			}
			start_s = bench_cpu_s();
			heat_fold(bench->heat, bench->batch, count);
			cpu_s += bench_cpu_s() - start_s;
			samples += count;
		}
		bench->now_ns += 60 * NS_PER_S;
		first = first + pages < bench->detail_pages ? first + pages : 0;
	}
	return kind_add(bench, name, scattered ? "scattered" : "in order", samples, cpu_s);
}

/* Kinds that need no marking: one sample of a page, or of a region, at a time. */
static int
fold_plain(struct bench *bench, enum sample_kind kind, const char *name, int scattered)
{
	uint64_t unit = kind == SAMPLE_COUNT ? 1 : HEAT_REGION_PAGES, at = 0, samples = 0;
	uint64_t units = (kind == SAMPLE_COUNT ? bench->detail_pages : bench->pages) / unit;
	double cpu_s = 0, began_s = bench_now_s();

	do {
		struct sample counting = sample_of(bench, SAMPLE_COUNTING, 0);
		double start_s;

		counting.events = ODDS;
		counting.addr = 0;
		for (uint32_t i = 0; i < BATCH; i++) {
			uint64_t page =
				(scattered ? next_random(bench) % units : at++ % units) * unit;

			bench->batch[i] = sample_of(bench, kind, page);
			if (kind == SAMPLE_COUNT) {
				bench->batch[i].events = ODDS;
			} else {
				bench->batch[i].len_bytes = HEAT_REGION_BYTES;
				bench->batch[i].events = (float)(next_random(bench) % 8);
				bench->batch[i].exposure_s = 1;
			}
		}
		start_s = bench_cpu_s();
		if (kind == SAMPLE_COUNT)
			heat_fold(bench->heat, &counting, 1);
		heat_fold(bench->heat, bench->batch, BATCH);
		cpu_s += bench_cpu_s() - start_s;
		samples += BATCH;
		bench->now_ns += NS_PER_S / 10;
	} while (bench_now_s() - began_s < bench->seconds);
	if (kind == SAMPLE_COUNT) {
		struct sample end = sample_of(bench, SAMPLE_COUNTING, 0);

		end.addr = 0;
		heat_fold(bench->heat, &end, 1);
	}
	return kind_add(bench, name, scattered ? "scattered" : "in order", samples, cpu_s);
}

static double
view_ms(struct bench *bench, size_t *ret_entries)
{
	double start_s = bench_cpu_s();

	heat_view(bench->heat, bench->now_ns, ret_entries);
	return (bench_cpu_s() - start_s) * 1000;
}

/* Something was heard of each region, which changes nothing but that. */
static void
touch_regions(struct bench *bench, uint64_t pages)
{
	for (uint64_t page = 0; page < pages; page += HEAT_REGION_PAGES) {
		struct sample touch = sample_of(bench, SAMPLE_TOUCH, page);

		heat_fold(bench->heat, &touch, 1);
	}
}

static double
all_anew_ms(struct bench *bench, size_t *ret_entries)
{
	double most_ms = 0;

	for (int i = 0; i < PAGE_VIEWS; i++) {
		touch_regions(bench, bench->pages);
		bench->now_ns += NS_PER_S;
		most_ms = fmax(most_ms, view_ms(bench, ret_entries));
	}
	return most_ms;
}

/* What a page costs in views in which all regions are new, by pages that are in detail: the
 * regions beside them are told apart by views in which only those are. */
static double
detail_page_ns(struct bench *bench)
{
	double with_ms = 0, without_ms = 0;
	size_t entries;

	for (int i = 0; i < PAGE_VIEWS; i++) {
		bench->now_ns += NS_PER_S / 100;
		view_ms(bench, &entries);
		without_ms += view_ms(bench, &entries);
		touch_regions(bench, bench->detail_pages);
		with_ms += view_ms(bench, &entries);
	}
	return (with_ms - without_ms) * 1e6 / ((double)bench->detail_pages * PAGE_VIEWS);
}

static int
begin(struct bench *bench, uint64_t gib)
{
	struct round_options options;
	struct heat_options heat_options;
	struct heat_span span = {BASE, BASE + (gib << 30)};
	uint8_t tiers[HEAT_REGION_PAGES];
	struct sluice_err err = {0, ""};
	int r;

	round_default_options(&options);
	heat_options = (struct heat_options){.region_max = options.region_max,
					     .detail_bytes_max = options.detail_bytes_max};
	bench->pages = (gib << 30) / HEAT_PAGE_BYTES;
	bench->detail_pages = options.detail_bytes_max / 4; /* of four bytes each */
	if (bench->detail_pages > bench->pages)
		bench->detail_pages = bench->pages;
	bench->now_ns = 10 * NS_PER_S;
	r = heat_new(&heat_options, &bench->heat, &err);
	if (r == 0)
		r = heat_set_spans(bench->heat, PID, &span, 1, bench->now_ns, &err);
	if (r < 0) {
		fprintf(stderr, "sluice-bench heat: %s\n", err.msg);
		return r;
	}
	for (size_t i = 0; i < heat_region_count(bench->heat); i++) {
		memset(tiers, i % 4 != 0, sizeof(tiers));
		heat_set_residency(bench->heat, i, tiers, 0, bench->now_ns);
	}
	return 0;
}

static int
measure(struct bench *bench, uint64_t gib, int json)
{
	struct heat_stats plain, full;
	uint64_t before = resident_bytes();
	double all_ms, steady_ms = 0, most_ms = 0, resident, page_ns;
	size_t entries;
	int r = begin(bench, gib);

	if (r < 0)
		return EXIT_FAILURE;
	r |= fold_plain(bench, SAMPLE_RATE, "rate", 0);
	view_ms(bench, &entries);
	view_ms(bench, &entries);
	heat_get_stats(bench->heat, &plain);
	r |= fold_touches(bench, SAMPLE_TOUCH, "touch", 0);
	r |= fold_touches(bench, SAMPLE_TOUCH, "touch", 1);
	r |= fold_touches(bench, SAMPLE_SEEN, "seen", 0);
	r |= fold_touches(bench, SAMPLE_SEEN, "seen", 1);
	all_ms = all_anew_ms(bench, &entries);
	for (int i = 0; i < STEADY_VIEWS; i++) {
		double took_ms;

		bench->now_ns += NS_PER_S;
		took_ms = view_ms(bench, &entries);
		steady_ms += took_ms / STEADY_VIEWS;
		most_ms = fmax(most_ms, took_ms);
	}
	page_ns = detail_page_ns(bench);
	heat_get_stats(bench->heat, &full);
	r |= fold_plain(bench, SAMPLE_COUNT, "count", 0);
	r |= fold_plain(bench, SAMPLE_COUNT, "count", 1);
	r |= fold_plain(bench, SAMPLE_EXACT, "exact", 0);
	r |= fold_plain(bench, SAMPLE_RATE, "rate", 1);
	resident = (double)(resident_bytes() - before - BATCH * sizeof(*bench->batch));
	if (r)
		return EXIT_FAILURE;
	if (json)
		return bench_print(json_pack(
			"{s:I, s:O, s:{s:f, s:f, s:f}, s:f, s:I, s:{s:f, s:f}, s:I, s:I, s:f}",
			"target_bytes", (json_int_t)(gib << 30), "kinds", bench->kinds, "view_ms",
			"all", all_ms, "steady", steady_ms, "steady_most", most_ms,
			"view_ns_per_page_in_detail", page_ns, "metadata_bytes",
			(json_int_t)full.metadata_bytes, "metadata_bytes_per_page", "plain",
			(double)plain.metadata_bytes / (double)bench->pages, "full",
			(double)full.metadata_bytes / (double)bench->pages, "regions_in_detail",
			(json_int_t)full.regions_in_detail, "entries", (json_int_t)entries,
			"resident_bytes_per_page", resident / (double)bench->pages));
	printf("Folding, a target of %llu GiB, one core:\n", (unsigned long long)gib);
	for (size_t i = 0; i < json_array_size(bench->kinds); i++) {
		const json_t *kind = json_array_get(bench->kinds, i);

		printf("  %-6s %-10s %8.1f M samples/s\n",
		       json_string_value(json_object_get(kind, "kind")),
		       json_string_value(json_object_get(kind, "order")),
		       json_number_value(json_object_get(kind, "samples_per_s")) / 1e6);
	}
	printf("A view: %.1f ms with all regions anew; of memory of which nothing is heard %.1f ms "
	       "on average over a minute, and %.1f at most; %zu entries\n",
	       all_ms, steady_ms, most_ms, entries);
	printf("A page in detail that is viewed anew: %.1f ns\n", page_ns);
	printf("Metadata: %.3f bytes a page, %.3f with %u regions in detail; resident: %.3f\n",
	       (double)plain.metadata_bytes / (double)bench->pages,
	       (double)full.metadata_bytes / (double)bench->pages, full.regions_in_detail,
	       resident / (double)bench->pages);
	return EXIT_SUCCESS;
}

int
bench_heat(int argc, char **argv)
{
	static const struct option options[] = {{"gib", required_argument, NULL, 'g'},
						{"seconds", required_argument, NULL, 's'},
						{"json", no_argument, NULL, 'j'},
						{"help", no_argument, NULL, 'h'},
						{0}};
	struct bench bench = {.random = 88172645463325252u};
	uint64_t gib = 1024, seconds = 2;
	int json = 0, option, status = 0;

	opterr = 0;
	while (!status && (option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (option == 'g')
			status = bench_number(VERB, "--gib", optarg, 1, 1024, &gib);
		else if (option == 's')
			status = bench_number(VERB, "--seconds", optarg, 0, 600, &seconds);
		else if (option == 'j')
			json = 1;
		else if (option == 'h')
			return fputs(help, stdout) < 0;
		else
			status = bench_usage(VERB, "what is '%s'?", argv[optind - 1]);
	}
	if (status || optind < argc)
		return status ? status : bench_usage(VERB, "what is '%s'?", argv[optind]);
	bench.seconds = (double)seconds;
	bench.batch = malloc(BATCH * sizeof(*bench.batch));
	bench.kinds = json_array();
	if (bench.batch && bench.kinds) {
		memset(bench.batch, 0, BATCH * sizeof(*bench.batch));
		status = measure(&bench, gib, json);
	} else {
		fprintf(stderr, "sluice-bench heat: no memory\n");
		status = EXIT_FAILURE;
	}
	heat_free(bench.heat);
	json_decref(bench.kinds);
	free(bench.batch);
	return status;
}
