/* SPDX-License-Identifier: Apache-2.0 */
/* verb_trace.c - sluice trace: looking into traces, checking, cutting, making and importing them.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "import.h"
#include "json_text.h"
#include "make.h"
#include "output_file.h"
#include "parse.h"
#include "text.h"
#include "trace_cut.h"
#include "trace_info.h"

enum {
	TRACE_OUTPUT,
	TRACE_FROM,
	TRACE_TO,
	TRACE_PID,
	TRACE_SIZE,
	TRACE_FAST,
	TRACE_RATE,
	TRACE_SECONDS,
	TRACE_EVERY,
	TRACE_AS,
	TRACE_SEED,
	TRACE_STEP,
	TRACE_EXACT_TIMES
};
static const struct verb_option trace_options[] = {
	[TRACE_OUTPUT] = {"output", "FILE", "where the new trace goes (also -o FILE)"},
	[TRACE_FROM] = {"from", "S", "cut: begin so many seconds after its beginning"},
	[TRACE_TO] = {"to", "S", "cut: end so many seconds after its beginning"},
	[TRACE_PID] = {"pid", "PID", "cut: only this process; make and import: call it so"},
	[TRACE_SIZE] = {"size", "BYTES", "make: memory of the program (256M)"},
	[TRACE_FAST] = {"fast", "BYTES", "make: size of the fast tier (a quarter of it)"},
	[TRACE_RATE] = {"accesses", "N", "make: accesses a second (1e7)"},
	[TRACE_SECONDS] = {"seconds", "S", "make: length (60)"},
	[TRACE_EVERY] = {"every", "S", "make: interval of counting and of changes (0.1)"},
	[TRACE_AS] = {"as", "TRACKER",
		      "make: what exact, hintfault, damon or pmu would tell (exact)"},
	[TRACE_SEED] = {"seed", "N", "make: another seed, another trace (1)"},
	[TRACE_STEP] = {"step", "NS", "import lackey: an instruction takes so long (1)"},
	[TRACE_EXACT_TIMES] = {"exact-times", NULL,
			       "keep times of samples to the nanosecond, not in 66 us"},
	{NULL, NULL, NULL},
};

struct trace {
	struct cli *cli;
	const char *words[3];
	int word_count;
	const char *output;
	int exact_times;
	struct trace_cut cut;
	struct make_options make;
	struct import_options import;
	struct sluice_trace_writer *writer;
};

static int
read_real(struct trace *trace, int option, const char *text, double min, double *ret)
{
	char *end;

	*ret = strtod(text, &end);
	if (end == text || *end || !(*ret >= min && *ret <= 1e15))
		return cli_fail(trace->cli, EXIT_USAGE, -EINVAL,
				"--%s: '%s' is not a number from %g on", trace_options[option].name,
				text, min);
	return EXIT_OK;
}

static int
read_value(struct trace *trace, int option, const char *value)
{
	struct sluice_err err = {0, ""};
	uint64_t number = 0;
	int r = 0;

	switch (option) {
	case TRACE_OUTPUT:
		trace->output = value;
		return EXIT_OK;
	case TRACE_EXACT_TIMES:
		trace->exact_times = 1;
		return EXIT_OK;
	case TRACE_FROM:
		return read_real(trace, option, value, 0, &trace->cut.from_s);
	case TRACE_TO:
		return read_real(trace, option, value, 1e-9, &trace->cut.to_s);
	case TRACE_RATE:
		return read_real(trace, option, value, 1e-3, &trace->make.rate);
	case TRACE_SECONDS:
		return read_real(trace, option, value, 0.01, &trace->make.seconds);
	case TRACE_EVERY:
		return read_real(trace, option, value, 0.01, &trace->make.interval_s);
	case TRACE_STEP:
		return read_real(trace, option, value, 1e-3, &trace->import.ns_per_step);
	case TRACE_PID:
		r = parse_u64(value, 1, INT32_MAX, &number, &err);
		trace->cut.pid = trace->make.pid = trace->import.pid = (int32_t)number;
		break;
	case TRACE_SIZE:
		r = parse_size(value, &trace->make.bytes, &err);
		break;
	case TRACE_FAST:
		r = parse_size(value, &trace->make.fast_bytes, &err);
		break;
	case TRACE_SEED:
		r = parse_u64(value, 0, UINT64_MAX, &trace->make.seed, &err);
		break;
	default:
		for (size_t i = 0; make_tracker_name(i); i++) {
			if (strcmp(make_tracker_name(i), value) == 0) {
				trace->make.tracker = (enum make_tracker)i;
				return EXIT_OK;
			}
		}
		return cli_fail(
			trace->cli, EXIT_USAGE, -EINVAL,
			"--as: there is no tracker '%s'; known: exact, hintfault, damon, pmu",
			value);
	}
	return r < 0 ? cli_fail(trace->cli, EXIT_USAGE, r, "--%s: %s", trace_options[option].name,
				err.msg)
		     : EXIT_OK;
}

static int
read_words(struct trace *trace, int argc, char **argv)
{
	int status = EXIT_OK;

	for (int i = 0; i < argc && status == EXIT_OK; i++) {
		const char *value;
		int option;

		if (strcmp(argv[i], "-o") == 0 && i + 1 < argc) {
			trace->output = argv[++i];
			continue;
		}
		option = cli_own_option(trace->cli, &verb_trace, argc, argv, &i, &value);
		if (option >= 0)
			status = read_value(trace, option, value);
		else if (option == -EINVAL)
			status = EXIT_USAGE;
		else if ((argv[i][0] == '-' && argv[i][1]) || trace->word_count == 3)
			status = cli_unexpected(trace->cli, &verb_trace, argv[i]);
		else
			trace->words[trace->word_count++] = argv[i];
	}
	return status;
}

static int
open_trace(struct trace *trace, struct sluice_trace_reader **ret)
{
	struct sluice_err err = {0, ""};
	int r = sluice_trace_open(trace->words[1], ret, &err);

	return r < 0 ? cli_fail(trace->cli, EXIT_GENERAL, r, "%s", err.msg) : EXIT_OK;
}

static int
run_info(struct trace *trace)
{
	struct sluice_trace_reader *reader = NULL;
	struct sluice_err err = {0, ""};
	json_t *info = NULL;
	int status = open_trace(trace, &reader), r;

	if (status != EXIT_OK)
		return status;
	r = trace_info_read(reader, trace->words[1], &info, &err);
	if (r < 0)
		status = cli_fail(trace->cli, EXIT_GENERAL, r, "%s", err.msg);
	else if (trace->cli->json)
		cli_print_json(info);
	else
		trace_info_print(info, stdout);
	json_decref(info);
	sluice_trace_close(reader);
	return status;
}

/* Every block is read, and with it its checksum. */
static int
run_check(struct trace *trace)
{
	struct sluice_trace_reader *reader = NULL;
	const struct sluice_trace_item *item;
	struct sluice_trace_info info;
	struct sluice_err err = {0, ""};
	int status = open_trace(trace, &reader), r;
	uint64_t places = 0;

	if (status != EXIT_OK)
		return status;
	while ((r = sluice_trace_next(reader, &item, &err)) == 1) {
		if (item->kind != SLUICE_TRACE_DAMAGE)
			continue;
		places++;
		if (!trace->cli->json)
			printf("damaged: %llu bytes, %.3f s after its beginning\n",
			       (unsigned long long)item->lost,
			       item->time_ns ? (double)item->time_ns / 1e9 : 0);
	}
	sluice_trace_get_info(reader, &info);
	sluice_trace_close(reader);
	if (r < 0)
		return cli_fail(trace->cli, EXIT_GENERAL, r, "%s", err.msg);
	if (places)
		return cli_fail(trace->cli, EXIT_GENERAL, -EBADMSG,
				"'%s' is damaged: %llu of %llu bytes cannot be read; 'sluice trace "
				"cut' keeps the rest",
				trace->words[1], (unsigned long long)info.damaged_bytes,
				(unsigned long long)info.file_bytes);
	if (trace->cli->json) {
		json_t *answer = json_pack("{s:b, s:b, s:I, s:I}", "ok", 1, "whole",
					   (int)info.is_whole, "blocks", (json_int_t)info.blocks,
					   "tail_bytes", (json_int_t)info.tail_bytes);

		cli_print_json(answer);
		json_decref(answer);
	} else {
		printf("'%s' is sound: %llu blocks%s\n", trace->words[1],
		       (unsigned long long)info.blocks,
		       info.is_whole ? "" : ", up to where it is cut off or still being written");
	}
	return EXIT_OK;
}

/* input: what is read for it, or NULL. */
static int
begin_output(struct trace *trace, const char *input)
{
	struct sluice_trace_writer_options options = {
		.size = sizeof(options),
		.waits = 1,
		.time_shift = trace->exact_times ? 0 : UINT32_MAX,
	};
	struct sluice_err err = {0, ""};
	int fd, r;

	if (!trace->output)
		return cli_fail(trace->cli, EXIT_USAGE, -EINVAL,
				"where to? sluice trace %s needs -o FILE", trace->words[0]);
	if (input && output_file_same(input, trace->output))
		return cli_fail(trace->cli, EXIT_USAGE, -EINVAL,
				"'%s' is what is read; the new trace needs another file",
				trace->output);
	fd = open(trace->output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return cli_fail(trace->cli, EXIT_GENERAL, -errno, "cannot write '%s': %s",
				trace->output, strerror(errno));
	r = sluice_trace_writer_new(fd, &options, &trace->writer, &err);
	return r < 0 ? cli_fail(trace->cli, EXIT_GENERAL, r, "%s", err.msg) : EXIT_OK;
}

/* r, with its sentence, is what came before. What went wrong leaves no file. */
static int
end_output(struct trace *trace, int r, struct sluice_err *err, uint64_t skipped)
{
	struct sluice_trace_writer_stats stats;
	struct sluice_err own = {0, ""};
	int finish = sluice_trace_writer_finish(trace->writer, &stats, &own);
	char size[16];

	if (r == 0 && finish < 0) {
		r = finish;
		*err = own;
	}
	if (r < 0) {
		output_file_remove(trace->output);
		return cli_fail(trace->cli, EXIT_GENERAL, r, "%s", err->msg);
	}
	if (trace->cli->json) {
		json_t *answer =
			json_pack("{s:b, s:o, s:I, s:I, s:I, s:I}", "ok", 1, "file",
				  json_text(trace->output), "samples", (json_int_t)stats.samples,
				  "lost_samples", (json_int_t)stats.lost_samples, "skipped",
				  (json_int_t)skipped, "file_bytes", (json_int_t)stats.file_bytes);

		cli_print_json(answer);
		json_decref(answer);
	} else {
		printf("%llu samples in '%s' (%s)", (unsigned long long)stats.samples,
		       trace->output, format_size(stats.file_bytes, size, sizeof(size)));
		if (skipped)
			printf("; %llu without an address were left out",
			       (unsigned long long)skipped);
		putchar('\n');
	}
	return EXIT_OK;
}

static int
run_cut(struct trace *trace)
{
	struct sluice_trace_reader *reader = NULL;
	struct sluice_err err = {0, ""};
	int status = open_trace(trace, &reader);

	if (status == EXIT_OK)
		status = begin_output(trace, trace->words[1]);
	if (status == EXIT_OK)
		status = end_output(trace, trace_cut(reader, &trace->cut, trace->writer, &err),
				    &err, 0);
	sluice_trace_close(reader);
	return status;
}

static int
run_import(struct trace *trace)
{
	static const struct {
		const char *name;
		int (*read)(FILE *in, const char *name, const struct import_options *options,
			    struct sluice_trace_writer *writer, struct import_stats *ret,
			    struct sluice_err *reterr);
	} formats[] = {{"perf", import_perf}, {"damo", import_damo}, {"lackey", import_lackey}};
	struct import_stats stats = {0};
	struct sluice_err err = {0, ""};
	const char *path = trace->words[2];
	size_t i = 0;
	FILE *in;
	int status, r;

	while (i < 3 && strcmp(formats[i].name, trace->words[1]) != 0)
		i++;
	if (i == 3)
		return cli_fail(trace->cli, EXIT_USAGE, -EINVAL,
				"cannot import '%s'; known: perf, damo, lackey", trace->words[1]);
	in = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	if (!in)
		return cli_fail(trace->cli, EXIT_GENERAL, -errno, "cannot open '%s': %s", path,
				strerror(errno));
	status = begin_output(trace, path);
	if (status == EXIT_OK) {
		r = formats[i].read(in, in == stdin ? "standard input" : path, &trace->import,
				    trace->writer, &stats, &err);
		status = end_output(trace, r, &err, stats.skipped);
	}
	if (in != stdin)
		fclose(in);
	return status;
}

static int
run_make(struct trace *trace)
{
	struct sluice_err err = {0, ""};
	int r = synth_parse(trace->words[1], &trace->make.pattern, &err), status;

	if (r < 0)
		return cli_fail(trace->cli, EXIT_USAGE, r, "%s", err.msg);
	status = begin_output(trace, NULL);
	if (status != EXIT_OK)
		return status;
	return end_output(trace, make_trace(&trace->make, trace->writer, &err), &err, 0);
}

static int
trace_main(struct cli *cli, int argc, char **argv)
{
	static const struct {
		const char *name;
		int words; /* with its name */
		int (*run)(struct trace *trace);
	} what[] = {{"info", 2, run_info},
		    {"check", 2, run_check},
		    {"cut", 2, run_cut},
		    {"import", 3, run_import},
		    {"make", 2, run_make}};
	struct trace trace = {.cli = cli,
			      .make = {.bytes = 256u << 20,
				       .rate = 1e7,
				       .seconds = 60,
				       .interval_s = 0.1,
				       .seed = 1,
				       .pid = 1000}};
	int status = read_words(&trace, argc, argv);

	if (status != EXIT_OK)
		return status;
	for (size_t i = 0; trace.word_count && i < sizeof(what) / sizeof(what[0]); i++) {
		if (strcmp(what[i].name, trace.words[0]) == 0)
			return trace.word_count == what[i].words ? what[i].run(&trace)
								 : cli_usage(cli, &verb_trace);
	}
	return cli_usage(cli, &verb_trace);
}

const struct verb verb_trace = {
	.name = "trace",
	.arguments = "info|check FILE | cut FILE -o NEW | import perf|damo|lackey FILE|- -o NEW | "
		     "make PATTERN -o NEW",
	.summary = "look into, check, cut, import and make traces",
	.reach = REACH_PRIVATE,
	.options = trace_options,
	.minds = VERB_MINDS(OPTION_LOG_LEVEL),
	.run = trace_main,
};
