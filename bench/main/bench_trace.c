/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_trace.c - `sluice-bench trace`: what recording costs the engine's thread and the writer's,
 * what a sample takes on disk, and how fast it is read, of what each tracker would tell of a
 * made-up program.
 */
#include "bench.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "make.h"
#include "sluice/trace.h"

#define VERB "trace"
#define KEPT_MAX (4u << 20) /* samples that are written once more, to time the caller */
#define RATE_TOLD 100000.0  /* samples a second for which the share of a core is told */
#define ACCESSES_PER_S 2e6

static const char help[] =
	"Usage: sluice-bench trace [OPTION]...\n\n"
	"Records what trackers would tell of a made-up program (Zipf, scattered), and reads it\n"
	"again.\n\n"
	"  --seconds N    of the program's time (60)\n"
	"  --mib N        of its memory (512)\n"
	"  --json         [{\"tracker\", \"samples\", \"bytes_per_sample\", \"caller_ns\", "
	"\"writer_ns\",\n"
	"                 \"core_percent_at_100k\", \"read_per_s\", \"times_real_time\"}]\n"
	"  --help         this text\n\n"
	"caller_ns and writer_ns are CPU time per sample, of the thread that tells and of the one\n"
	"that compresses and writes; the share of a core is both, at 100,000 samples a second.\n";

struct trace_row {
	const char *tracker;
	struct sluice_trace_writer_stats written;
	double caller_ns, writer_ns, read_s, span_s;
};

static int
temporary(void)
{
	const char *folder = getenv("TMPDIR");
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/sluice-bench-XXXXXX", folder && *folder ? folder : "/tmp");
	fd = mkstemp(path);
	if (fd >= 0)
		unlink(path);
	return fd;
}

/* A writer of a file that has no name any more; fd stays the caller's. */
static int
writer_of(int fd, struct sluice_trace_writer **ret, struct sluice_err *reterr)
{
	struct sluice_trace_writer_options options = {
		.size = sizeof(options), .waits = 1, .time_shift = UINT32_MAX};
	int writers = fd < 0 ? -1 : dup(fd);

	if (writers < 0)
		return sluice_fail(reterr, -errno, "no temporary file: %s", strerror(errno));
	return sluice_trace_writer_new(writers, &options, ret, reterr);
}

/* Reads all of it; the first samples are kept. */
static int
read_all(int fd, struct trace_row *row, struct sluice_trace_sample *kept, size_t *ret_kept,
	 struct sluice_err *reterr)
{
	struct sluice_trace_reader *reader;
	const struct sluice_trace_item *item;
	struct sluice_trace_info info;
	double began_s;
	size_t count = 0;
	int own = dup(fd), r;

	if (own < 0)
		return sluice_fail(reterr, -errno, "dup: %s", strerror(errno));
	r = sluice_trace_open_fd(own, "the recording", &reader, reterr);
	if (r < 0)
		return r;
	began_s = bench_cpu_s();
	while ((r = sluice_trace_next(reader, &item, reterr)) == 1) {
		size_t some = item->kind == SLUICE_TRACE_SAMPLES ? item->count : 0;

		if (!kept || !some)
			continue;
		some = some < KEPT_MAX - count ? some : KEPT_MAX - count;
		memcpy(kept + count, item->samples, some * sizeof(*kept));
		count += some;
	}
	if (!kept)
		row->read_s = bench_cpu_s() - began_s;
	sluice_trace_get_info(reader, &info);
	row->span_s = (double)(info.last_ns - info.first_ns) / 1e9;
	sluice_trace_close(reader);
	*ret_kept = count;
	return r;
}

/* What telling costs the thread that tells. */
static int
time_caller(const struct sluice_trace_sample *samples, size_t count, struct trace_row *row,
	    struct sluice_err *reterr)
{
	struct sluice_trace_writer *writer;
	struct sluice_trace_writer_stats stats;
	int fd = temporary(), r = writer_of(fd, &writer, reterr);
	double cpu_s = 0;

	for (size_t i = 0; r == 0 && i < count; i += SLUICE_TRACE_BATCH_MAX) {
		size_t some =
			count - i < SLUICE_TRACE_BATCH_MAX ? count - i : SLUICE_TRACE_BATCH_MAX;
		double began_s = bench_cpu_s();

		sluice_trace_write_samples(writer, samples[i + some - 1].time_ns, samples + i,
					   some);
		cpu_s += bench_cpu_s() - began_s;
	}
	if (r == 0)
		r = sluice_trace_writer_finish(writer, &stats, reterr);
	if (fd >= 0)
		close(fd);
	row->caller_ns = count ? cpu_s * 1e9 / (double)count : 0;
	return r;
}

static int
measure(const struct make_options *options, struct trace_row *row, struct sluice_trace_sample *kept,
	struct sluice_err *reterr)
{
	struct sluice_trace_writer *writer;
	size_t count = 0, none;
	int fd = temporary(), r = writer_of(fd, &writer, reterr);

	row->tracker = make_tracker_name(options->tracker);
	if (r == 0) {
		int finished;

		r = make_trace(options, writer, reterr);
		finished = sluice_trace_writer_finish(writer, &row->written, r ? NULL : reterr);
		r = r ? r : finished;
	}
	if (r == 0)
		r = read_all(fd, row, NULL, &none, reterr);
	if (r == 0)
		r = read_all(fd, row, kept, &count, reterr);
	if (r == 0)
		r = time_caller(kept, count, row, reterr);
	if (r == 0 && !row->written.samples)
		r = sluice_fail(reterr, -ENODATA, "%s told nothing", row->tracker);
	row->writer_ns = row->written.samples
				 ? (double)row->written.cpu_ns / (double)row->written.samples
				 : 0;
	if (fd >= 0)
		close(fd);
	return r;
}

static json_t *
row_json(const struct trace_row *row)
{
	double samples = (double)row->written.samples;

	return json_pack("{s:s, s:I, s:f, s:f, s:f, s:f, s:f, s:f}", "tracker", row->tracker,
			 "samples", (json_int_t)row->written.samples, "bytes_per_sample",
			 (double)row->written.file_bytes / samples, "caller_ns", row->caller_ns,
			 "writer_ns", row->writer_ns, "core_percent_at_100k",
			 (row->caller_ns + row->writer_ns) * RATE_TOLD / 1e9 * 100, "read_per_s",
			 samples / row->read_s, "times_real_time", row->span_s / row->read_s);
}

static void
row_print(const json_t *row)
{
	printf("%-10s %8.2f M %8.2f %8.1f %8.1f %8.2f %% %8.1f M/s %8.0fx\n",
	       json_string_value(json_object_get(row, "tracker")),
	       json_number_value(json_object_get(row, "samples")) / 1e6,
	       json_number_value(json_object_get(row, "bytes_per_sample")),
	       json_number_value(json_object_get(row, "caller_ns")),
	       json_number_value(json_object_get(row, "writer_ns")),
	       json_number_value(json_object_get(row, "core_percent_at_100k")),
	       json_number_value(json_object_get(row, "read_per_s")) / 1e6,
	       json_number_value(json_object_get(row, "times_real_time")));
}

static int
measure_all(struct make_options *options, int as_json)
{
	struct sluice_trace_sample *kept = malloc(KEPT_MAX * sizeof(*kept));
	json_t *rows = json_array();
	struct sluice_err err = {0, "no memory"};
	int r = kept && rows ? 0 : -ENOMEM;

	if (r == 0 && !as_json)
		printf("%-10s %10s %8s %8s %8s %10s %12s %9s\n", "TRACKER", "SAMPLES", "BYTES",
		       "TELL NS", "WRITE NS", "AT 100K/S", "READ", "REAL TIME");
	for (int t = 0; r == 0 && t < MAKE_TRACKERS; t++) {
		struct trace_row row = {0};
		json_t *json;

		options->tracker = (enum make_tracker)t;
		r = measure(options, &row, kept, &err);
		if (r < 0)
			break;
		json = row_json(&row);
		if (!as_json)
			row_print(json);
		json_array_append_new(rows, json);
	}
	free(kept);
	if (r < 0) {
		fprintf(stderr, "sluice-bench trace: %s\n", err.msg);
		json_decref(rows);
		return EXIT_FAILURE;
	}
	if (as_json)
		return bench_print(rows);
	json_decref(rows);
	return EXIT_SUCCESS;
}

int
bench_trace(int argc, char **argv)
{
	static const struct option options[] = {{"seconds", required_argument, NULL, 's'},
						{"mib", required_argument, NULL, 'm'},
						{"json", no_argument, NULL, 'j'},
						{"help", no_argument, NULL, 'h'},
						{0}};
	struct make_options make = {.rate = ACCESSES_PER_S, .interval_s = 1, .seed = 1, .pid = 1};
	struct sluice_err err = {0, ""};
	uint64_t seconds = 60, mib = 512;
	int json = 0, option, status = 0;

	opterr = 0;
	while (!status && (option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (option == 's')
			status = bench_number(VERB, "--seconds", optarg, 2, 3600, &seconds);
		else if (option == 'm')
			status = bench_number(VERB, "--mib", optarg, 1, 65536, &mib);
		else if (option == 'j')
			json = 1;
		else if (option == 'h')
			return fputs(help, stdout) < 0;
		else
			status = bench_usage(VERB, "what is '%s'?", argv[optind - 1]);
	}
	if (status || optind < argc)
		return status ? status : bench_usage(VERB, "what is '%s'?", argv[optind]);
	if (synth_parse("zipf", &make.pattern, &err) < 0) {
		fprintf(stderr, "sluice-bench trace: %s\n", err.msg);
		return EXIT_FAILURE;
	}
	make.seconds = (double)seconds;
	make.bytes = mib << 20;
	return measure_all(&make, json);
}
