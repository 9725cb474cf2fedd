/* SPDX-License-Identifier: Apache-2.0 */
/* verb_trace.c - sluice trace: its words and options, and looking into traces; trace_new.h writes
 * others. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "parse.h"
#include "trace_info.h"
#include "trace_new.h"

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

static int
trace_main(struct cli *cli, int argc, char **argv)
{
	static const struct {
		const char *name;
		int words; /* with its name */
		int (*run)(struct trace *trace);
	} what[] = {{"info", 2, run_info},
		    {"check", 2, run_check},
		    {"cut", 2, trace_new_cut},
		    {"import", 3, trace_new_import},
		    {"make", 2, trace_new_make}};
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
