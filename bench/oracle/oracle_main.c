/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oracle_main.c - sluice-oracle: what could be earned at most, of a problem from a file or made of
 * a named pattern.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "bench/workloads/wl_args.h"
#include "bench/workloads/wl_parse.h"
#include "engine/base/clock.h"
#include "instance.h"

static const char help[] =
	"Usage: sluice-oracle --problem FILE [OPTION]...\n"
	"       sluice-oracle --pattern NAME [OPTION]...\n"
	"Prints what a placement that knows the future earns: static, moving (moves paid for), "
	"and\n"
	"moving free of cost, which bounds both. Times are what the problem's are in; patterns' "
	"are\n"
	"nanoseconds of stall. Modelled, not measured.\n"
	"\n"
	"What is solved\n"
	"  --problem FILE     a problem in JSON (bench/oracle/README.md); -: standard input\n"
	"  --pattern NAME     hotset   a hot set gets 9 of 10 accesses, another one each period\n"
	"                     zipf     Zipf 0.99, scattered, in another order each period\n"
	"                     phases   two hot sets in turns, a period each\n"
	"                     drift    a hot set slides through all memory in a period\n"
	"                     scan     all memory in order, once a period\n"
	"                     uniform  every item alike\n"
	"                     random   every item and epoch by itself\n"
	"  --items N          regions (4096)\n"
	"  --epochs N         (100)\n"
	"  --item-size SIZE   of each; 0: drawn from 4 KiB to 2 MiB (2M)\n"
	"  --fast PERCENT     of all memory that fits into fast memory (25)\n"
	"  --hot PERCENT      of the items that are the hot set (20)\n"
	"  --period N         epochs; 0: nothing changes (0)\n"
	"  --accesses N       per epoch, of all items (1e8)\n"
	"  --delta-ns NS      by which slow memory is slower, per access (100)\n"
	"  --move-ns NS       to move 2 MiB, either way (190000)\n"
	"  --noise PERCENT    by which accesses are off at most (10)\n"
	"  --seed N           of the random numbers (1)\n"
	"\n"
	"How\n"
	"  --gap PERCENT      stop when the bound is this close (0.1)\n"
	"  --sweeps N         or after so many sweeps (200)\n"
	"  --exact-cells N    solve up to so many items times epochs exactly, where sizes are "
	"equal\n"
	"                     (50000)\n"
	"\n"
	"  --json             one JSON object, schema sluice-oracle/1\n"
	"  --moves            with --json: the moves of the best placement too\n"
	"  --help\n"
	"\n"
	"Exit status: 0 solved, 1 the problem cannot be read or solved, 2 wrong usage.\n";

struct choice {
	struct pattern pattern;
	struct oracle_options options;
	const char *problem;
	bool has_pattern, json, moves;
	uint64_t items, epochs, item_bytes, period, sweeps;
	double gap_percent;
};

static int
take_pattern(const char *text, void *at)
{
	for (unsigned i = 0; i < PATTERNS; i++) {
		if (strcmp(text, pattern_names[i]) == 0) {
			*(enum pattern_name *)at = (enum pattern_name)i;
			return 0;
		}
	}
	return -EINVAL;
}

static int
take_item_size(const char *text, void *at)
{
	uint64_t bytes = 0;
	int error = strcmp(text, "0") == 0 ? 0 : wl_parse_size(text, &bytes);

	if (error < 0)
		return error;
	if (bytes > UINT32_MAX)
		return -ERANGE;
	*(uint64_t *)at = bytes;
	return 0;
}

static int
read_choice(struct choice *c, int argc, char **argv)
{
	struct pattern *p = &c->pattern;
	const struct args_row rows[] = {
		{"problem", ARGS_TEXT, &c->problem, .wanted = ""},
		{"pattern", ARGS_OTHER, &p->name, .parse = take_pattern, .given = &c->has_pattern,
		 .wanted = "hotset, zipf, phases, drift, scan, uniform or random"},
		{"items", ARGS_COUNT, &c->items, .wanted = "a number from 1 to 16777216", .min = 1,
		 .max = 1u << 24},
		{"epochs", ARGS_COUNT, &c->epochs, .wanted = "a number from 1 to 1000000", .min = 1,
		 .max = 1000000},
		{"item-size", ARGS_OTHER, &c->item_bytes, .parse = take_item_size,
		 .wanted = "a size such as 2M, below 4G, or 0"},
		{"fast", ARGS_NUMBER, &p->fast_percent, .wanted = "0 to 100", .min = 0, .max = 100},
		{"hot", ARGS_NUMBER, &p->hot_percent, .wanted = "0 to 100", .min = 0, .max = 100},
		{"period", ARGS_COUNT, &c->period, .wanted = "a number from 0 to 1000000", .min = 0,
		 .max = 1000000},
		{"accesses", ARGS_NUMBER, &p->accesses, .wanted = "0 to 1e15", .min = 0,
		 .max = 1000000000000000},
		{"delta-ns", ARGS_NUMBER, &p->delta_ns, .wanted = "0 to 1000000", .min = 0,
		 .max = 1000000},
		{"move-ns", ARGS_NUMBER, &p->move_ns, .wanted = "0 to 1e12", .min = 0,
		 .max = 1000000000000},
		{"noise", ARGS_NUMBER, &p->noise_percent, .wanted = "0 to 100", .min = 0,
		 .max = 100},
		{"seed", ARGS_COUNT, &p->seed, .wanted = "a number from 0 to 4294967295", .min = 0,
		 .max = UINT32_MAX},
		{"gap", ARGS_NUMBER, &c->gap_percent, .wanted = "0 to 100", .min = 0, .max = 100},
		{"sweeps", ARGS_COUNT, &c->sweeps, .wanted = "a number from 1 to 1000000", .min = 1,
		 .max = 1000000},
		{"exact-cells", ARGS_COUNT, &c->options.exact_cells_max,
		 .wanted = "a number from 0 to 100000000", .min = 0, .max = 100000000},
		{"json", ARGS_SWITCH, &c->json, .wanted = ""},
		{"moves", ARGS_SWITCH, &c->moves, .wanted = ""},
		{0},
	};
	int status;

	oracle_default_options(&c->options);
	c->sweeps = c->options.sweeps_max;
	c->gap_percent = c->options.gap * 100;
	status = args_read("sluice-oracle", help, rows, argc, argv);
	if (status >= 0)
		return status;
	if (!c->problem == !c->has_pattern)
		return args_usage("sluice-oracle", "%s", "give one of --problem and --pattern");
	if (c->moves && !c->json)
		return args_usage("sluice-oracle", "%s", "--moves needs --json");
	p->item_count = (uint32_t)c->items;
	p->epoch_count = (uint32_t)c->epochs;
	p->item_bytes = (uint32_t)c->item_bytes;
	p->period = (uint32_t)c->period;
	c->options.sweeps_max = (uint32_t)c->sweeps;
	c->options.gap = c->gap_percent / 100;
	return -1;
}

static int
load(const char *name, struct instance *ret, struct sluice_err *reterr)
{
	json_error_t wrong;
	const char *shown = strcmp(name, "-") == 0 ? "standard input" : name;
	json_t *json = strcmp(name, "-") == 0
			       ? json_loadf(stdin, JSON_REJECT_DUPLICATES, &wrong)
			       : json_load_file(name, JSON_REJECT_DUPLICATES, &wrong);
	int error;

	if (!json)
		return sluice_fail(reterr, -EINVAL, "%s:%d: %s", shown, wrong.line, wrong.text);
	error = instance_read(json, shown, ret, reterr);
	json_decref(json);
	return error;
}

struct answers {
	struct oracle_answer fixed, moving, free;
	double fixed_s, moving_s, free_s;
};

static int
solve(const struct oracle_problem *problem, const struct oracle_options *options,
      struct answers *ret, struct sluice_err *reterr)
{
	uint64_t t0 = clock_now_ns(), t1, t2, t3;
	int error;

	if ((error = oracle_static(problem, &ret->fixed, reterr)) < 0)
		return error;
	t1 = clock_now_ns();
	if ((error = oracle_moving(problem, options, &ret->moving, reterr)) < 0)
		return error;
	t2 = clock_now_ns();
	if ((error = oracle_free(problem, &ret->free, reterr)) < 0)
		return error;
	t3 = clock_now_ns();
	ret->fixed_s = (double)(t1 - t0) * 1e-9;
	ret->moving_s = (double)(t2 - t1) * 1e-9;
	ret->free_s = (double)(t3 - t2) * 1e-9;
	return 0;
}

/* By how much the bound is above the value, as a share of the bound. */
static double
gap_of(const struct oracle_answer *answer)
{
	double gap = answer->bound - answer->value;

	return gap > 0 ? gap / fabs(answer->bound) : 0;
}

static json_t *
answer_json(const struct oracle_answer *a, double seconds)
{
	return json_pack("{s:f s:f s:f s:f s:f s:I s:I s:I s:f}", "value", a->value, "bound",
			 a->bound, "gap", gap_of(a), "saved", a->saved, "cost", a->cost, "up_bytes",
			 (json_int_t)a->up_bytes, "down_bytes", (json_int_t)a->down_bytes, "sweeps",
			 (json_int_t)a->sweeps, "seconds", seconds);
}

/* One object for each epoch in which something moves. */
static json_t *
moves_json(const struct oracle_problem *problem, const uint64_t *placement)
{
	size_t words = oracle_words(problem->item_count);
	const uint64_t *before = problem->initial, *row = placement;
	json_t *moves = json_array();

	for (uint32_t t = 0; t < problem->epoch_count; t++, before = row, row += words) {
		json_t *up = json_array(), *down = json_array();

		for (uint32_t i = 0; i < problem->item_count; i++) {
			int was = before && oracle_bit(before, i), is = oracle_bit(row, i);

			if (was != is)
				json_array_append_new(is ? up : down, json_integer(i));
		}
		if (json_array_size(up) + json_array_size(down) == 0) {
			json_decref(up);
			json_decref(down);
			continue;
		}
		json_array_append_new(moves, json_pack("{s:I s:o s:o}", "epoch", (json_int_t)t,
						       "up", up, "down", down));
	}
	return moves;
}

static int
print_json(const struct choice *c, const struct oracle_problem *problem, const struct answers *a)
{
	json_t *json = json_pack(
		"{s:s s:s s:I s:I s:I s:o s:o s:o}", "schema", "sluice-oracle/1", "source",
		c->problem ? c->problem : pattern_names[c->pattern.name], "items",
		(json_int_t)problem->item_count, "epochs", (json_int_t)problem->epoch_count,
		"capacity_bytes", (json_int_t)problem->capacity_bytes, "static",
		answer_json(&a->fixed, a->fixed_s), "moving", answer_json(&a->moving, a->moving_s),
		"free", answer_json(&a->free, a->free_s));
	int error;

	if (json && c->moves)
		json_object_set_new(json, "moves", moves_json(problem, a->moving.placement));
	error = !json || json_dumpf(json, stdout, JSON_INDENT(2)) != 0;
	putchar('\n');
	json_decref(json);
	return error ? -EIO : 0;
}

static void
print_row(const char *name, const struct oracle_answer *a, double seconds)
{
	printf("%-8s %14.6g %14.6g %8.3f %% %10.1f %10.1f %7.2f\n", name, a->value, a->bound,
	       100 * gap_of(a), (double)a->up_bytes / (1 << 20), (double)a->down_bytes / (1 << 20),
	       seconds);
}

static int
run(const struct choice *c, struct sluice_err *reterr)
{
	struct instance instance = {0};
	struct answers answers = {0};
	int error = c->problem ? load(c->problem, &instance, reterr)
			       : instance_make(&c->pattern, &instance, reterr);

	if (error < 0)
		return error;
	error = solve(&instance.problem, &c->options, &answers, reterr);
	if (error == 0 && c->json) {
		error = print_json(c, &instance.problem, &answers);
	} else if (error == 0) {
		printf("%u items, %u epochs, %.1f MiB of fast memory\n\n%-8s %14s %14s %10s %10s "
		       "%10s %7s\n",
		       instance.problem.item_count, instance.problem.epoch_count,
		       (double)instance.problem.capacity_bytes / (1 << 20), "", "value", "bound",
		       "gap", "up MiB", "down MiB", "s");
		print_row("static", &answers.fixed, answers.fixed_s);
		print_row("moving", &answers.moving, answers.moving_s);
		print_row("free", &answers.free, answers.free_s);
	}
	if (error == 0 && fflush(stdout) != 0)
		error = -EIO;
	if (error == -EIO)
		sluice_fail(reterr, error, "cannot write to standard output");
	oracle_answer_clear(&answers.fixed);
	oracle_answer_clear(&answers.moving);
	oracle_answer_clear(&answers.free);
	instance_free(&instance);
	return error;
}

int
main(int argc, char **argv)
{
	struct choice choice = {
		.items = 4096,
		.epochs = 100,
		.item_bytes = 2u << 20,
		.pattern = {.fast_percent = 25,
			    .hot_percent = 20,
			    .accesses = 1e8,
			    .delta_ns = 100,
			    .move_ns = 190000,
			    .noise_percent = 10,
			    .seed = 1},
	};
	struct sluice_err err = {0};
	int status = read_choice(&choice, argc, argv);

	if (status >= 0)
		return status;
	if (run(&choice, &err) < 0) {
		fprintf(stderr, "sluice-oracle: %s\n", err.msg);
		return 1;
	}
	return 0;
}
