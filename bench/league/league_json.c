/* SPDX-License-Identifier: Apache-2.0 */
/* league_json.c - a league as a result: rows, standings, oracles; and what a page shows of them. */
#include <math.h>
#include <string.h>

#include "league.h"
#include "league_stats.h"

typedef double (*figure_of)(const struct league_figures *figures);

#define FIGURE(name_)                                                                              \
	static double name_(const struct league_figures *figures)                                  \
	{                                                                                          \
		return figures->name_;                                                             \
	}
FIGURE(wall_ns)
FIGURE(stall_ns)
FIGURE(moving_ns)
FIGURE(tracking_ns)
FIGURE(fast_share)
FIGURE(moved_bytes)
FIGURE(pingpong_share)
FIGURE(decide_ns)

static const struct {
	const char *key;
	figure_of of;
	int of_oracle_too; /* a schedule has it */
} columns[] = {
	{"stall_ns", stall_ns, 1},       {"fast_share", fast_share, 1},
	{"moved_bytes", moved_bytes, 1}, {"pingpong_share", pingpong_share, 0},
	{"decide_ns", decide_ns, 0},     {"wall_ns", wall_ns, 1},
	{"moving_ns", moving_ns, 1},     {"tracking_ns", tracking_ns, 0},
};

#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

static json_t *
real_or_null(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

const char *
league_label(const char *workload)
{
	const char *slash = strrchr(workload, '/');

	return slash ? slash + 1 : workload;
}

static json_t *
row_begin(const struct league_options *options, struct league_place place, const char *input,
	  const char *policy)
{
	return json_pack("{s:s, s:f, s:s, s:s}", "workload",
			 league_label(options->workloads[place.workload]), "ratio",
			 options->ratios[place.ratio], "input", input, "policy", policy);
}

static json_t *
row_json(const struct league_options *options, const struct league_outcome *outcome,
	 struct league_place place)
{
	json_t *row = row_begin(options, place, options->inputs[place.input]->name,
				options->replay->policies[place.policy].label);
	struct league_figure of_oracle = league_of_oracle(options, outcome, place);

	json_object_set_new(row, "of_oracle", real_or_null(of_oracle.mean));
	json_object_set_new(row, "of_oracle_half", real_or_null(of_oracle.half));
	json_object_set_new(row, "behind",
			    real_or_null(league_behind(options, outcome, place, NULL)));
	for (size_t i = 0; i < COLUMNS; i++)
		json_object_set_new(
			row, columns[i].key,
			json_real(league_of(options, outcome, place, columns[i].of).mean));
	json_object_set_new(row, "wall_half_ns",
			    real_or_null(league_of(options, outcome, place, wall_ns).half));
	return row;
}

/* A mean over the seeds of a case. */
static double
case_mean(const struct league_options *options, const struct league_outcome *outcome,
	  struct league_place place, size_t offset, figure_of of)
{
	double values[REPLAY_RUNS_MAX];

	for (size_t s = 0; s < options->replay->runs; s++) {
		const struct league_case *c =
			&outcome->cases[league_case_at(options, place.workload, place.ratio, s)];

		values[s] = of((const struct league_figures *)((const char *)c + offset));
	}
	return league_mean(values, options->replay->runs).mean;
}

static json_t *
oracle_json(const struct league_options *options, const struct league_outcome *outcome,
	    struct league_place place)
{
	static const struct {
		const char *key;
		size_t offset;
	} ends[] = {
		{"all_fast_ns", offsetof(struct league_case, all_fast)},
		{"all_slow_ns", offsetof(struct league_case, all_slow)},
		{"first_touch_ns", offsetof(struct league_case, first_touch)},
	};
	const struct league_case *c =
		&outcome->cases[league_case_at(options, place.workload, place.ratio, 0)];
	json_t *row = row_begin(options, place, "future", "oracle");
	double gap = 0;

	for (size_t i = 0; i < COLUMNS; i++)
		json_object_set_new(
			row, columns[i].key,
			columns[i].of_oracle_too
				? json_real(case_mean(options, outcome, place,
						      offsetof(struct league_case, oracle),
						      columns[i].of))
				: json_null());
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		json_object_set_new(
			row, ends[i].key,
			json_real(case_mean(options, outcome, place, ends[i].offset, wall_ns)));
	for (size_t s = 0; s < options->replay->runs; s++)
		gap = fmax(gap, c[s].oracle_bound_gap);
	json_object_set_new(row, "gap", json_real(gap));
	json_object_set_new(row, "priced", json_string(c->oracle_loaded ? "loaded" : "idle"));
	json_object_set_new(row, "kind", json_string(c->shifting ? "shifting" : "stationary"));
	json_object_set_new(row, "bytes", json_integer((json_int_t)c->bytes));
	json_object_set_new(row, "fast_bytes", json_integer((json_int_t)c->fast_bytes));
	return row;
}

static json_t *
at_json(const struct league_options *options, struct league_place place)
{
	return json_pack("{s:s, s:f}", "workload", league_label(options->workloads[place.workload]),
			 "ratio", options->ratios[place.ratio]);
}

static json_t *
standing_json(const struct league_options *options, const struct league_outcome *outcome,
	      size_t input, size_t policy)
{
	struct league_standing s;

	league_standing(options, outcome, input, policy, &s);
	return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I}", "input",
			 options->inputs[input]->name, "policy",
			 options->replay->policies[policy].label, "stationary",
			 real_or_null(s.stationary), "shifting", real_or_null(s.shifting), "least",
			 real_or_null(s.least), "least_at", at_json(options, s.least_at), "behind",
			 real_or_null(s.behind), "behind_at", at_json(options, s.behind_at), "rows",
			 (json_int_t)s.rows, "rows_behind", (json_int_t)s.behind_rows);
}

static json_t *
league_part(const struct league_options *options, const struct league_outcome *outcome)
{
	const struct replay_options *replay = options->replay;
	json_t *rows = json_array(), *oracles = json_array(), *standings = json_array();
	struct league_place at = {0, 0, 0, 0};

	for (at.workload = 0; at.workload < options->workload_count; at.workload++) {
		for (at.ratio = 0; at.ratio < options->ratio_count; at.ratio++) {
			json_array_append_new(oracles, oracle_json(options, outcome, at));
			for (at.input = 0; at.input < options->input_count; at.input++) {
				for (at.policy = 0; at.policy < replay->policy_count; at.policy++)
					json_array_append_new(rows, row_json(options, outcome, at));
			}
		}
	}
	for (size_t i = 0; i < options->input_count; i++) {
		for (size_t p = 0; p < replay->policy_count; p++)
			json_array_append_new(standings, standing_json(options, outcome, i, p));
	}
	return json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:s, s:o, s:o, s:o}", "slow",
			 options->slow, "pages", replay->huge ? "2m" : "4k", "runs",
			 (json_int_t)replay->runs, "seed", (json_int_t)replay->of_workload.seed,
			 "epochs", (json_int_t)replay->of_workload.epoch_count, "epoch_ns",
			 (json_int_t)replay->of_workload.epoch_ns, "first", options->first, "rows",
			 rows, "oracles", oracles, "standings", standings);
}

/* ---- What a page shows ---- */

static json_t *
cell(double value, const char *unit)
{
	return json_pack("{s:o, s:s}", "value", real_or_null(value), "unit", unit);
}

static json_t *
standings_table(const struct league_options *options, const struct league_outcome *outcome,
		size_t input)
{
	json_t *rows = json_array();
	char title[96];

	snprintf(title, sizeof(title), "Standings, input %s", options->inputs[input]->name);
	for (size_t p = 0; p < options->replay->policy_count; p++) {
		struct league_standing s;
		char least[96], behind[96];

		league_standing(options, outcome, input, p, &s);
		snprintf(least, sizeof(least), "%s 1:%g",
			 league_label(options->workloads[s.least_at.workload]),
			 options->ratios[s.least_at.ratio]);
		snprintf(behind, sizeof(behind), "%s 1:%g",
			 league_label(options->workloads[s.behind_at.workload]),
			 options->ratios[s.behind_at.ratio]);
		json_array_append_new(
			rows, json_pack("{s:s, s:[o, o, o, s, o, s, o]}", "name",
					options->replay->policies[p].label, "values",
					cell(s.stationary, "share"), cell(s.shifting, "share"),
					cell(s.least, "share"), isfinite(s.least) ? least : "",
					cell(s.behind, "share"), isfinite(s.behind) ? behind : "",
					cell((double)s.behind_rows, "count")));
	}
	return json_pack("{s:s, s:[s, s, s, s, s, s, s], s:o}", "title", title, "columns",
			 "Stationary", "Shifting", "Least", "there", "Behind", "there", "Rows >1 %",
			 "rows", rows);
}

/* Every policy's share of the oracle's gain, a row for each workload and ratio. */
static json_t *
grid_json(const struct league_options *options, const struct league_outcome *outcome, size_t input)
{
	json_t *names = json_array(), *rows = json_array();
	struct league_place at = {0, 0, input, 0};
	char title[96];

	for (size_t p = 0; p < options->replay->policy_count; p++)
		json_array_append_new(names, json_string(options->replay->policies[p].label));
	for (at.workload = 0; at.workload < options->workload_count; at.workload++) {
		for (at.ratio = 0; at.ratio < options->ratio_count; at.ratio++) {
			json_t *values = json_array();
			char name[96];

			snprintf(name, sizeof(name), "%s 1:%g",
				 league_label(options->workloads[at.workload]),
				 options->ratios[at.ratio]);
			for (at.policy = 0; at.policy < options->replay->policy_count; at.policy++)
				json_array_append_new(
					values,
					real_or_null(league_of_oracle(options, outcome, at).mean));
			json_array_append_new(
				rows, json_pack("{s:s, s:o}", "name", name, "values", values));
		}
	}
	snprintf(title, sizeof(title), "Share of the oracle's gain, input %s",
		 options->inputs[input]->name);
	return json_pack("{s:s, s:o, s:o}", "title", title, "columns", names, "rows", rows);
}

json_t *
league_json(const struct league_options *options, const struct league_outcome *outcome)
{
	const struct replay_options *replay = options->replay;
	json_t *tables = json_array(), *grids = json_array();
	char summary[256], machine[160];

	for (size_t i = 0; i < options->input_count; i++) {
		json_array_append_new(grids, grid_json(options, outcome, i));
		json_array_append_new(tables, standings_table(options, outcome, i));
	}
	snprintf(summary, sizeof(summary),
		 "%zu policies over %zu workloads at %zu ratios of memory, %u epochs of %.3g s, %u "
		 "run%s each.",
		 replay->policy_count, options->workload_count, options->ratio_count,
		 replay->of_workload.epoch_count, (double)replay->of_workload.epoch_ns / 1e9,
		 replay->runs, replay->runs == 1 ? "" : "s");
	snprintf(machine, sizeof(machine), "dram beside %s, pages of %s.", options->slow,
		 replay->huge ? "2 MiB" : "4 KiB");
	return json_pack(
		"{s:s, s:s, s:s, s:{s:b, s:b, s:s}, s:o, s:o, s:[s, s, s, s], s:s, s:o}", "schema",
		"sluice-result/1", "title", "The league of policies", "summary", summary, "machine",
		"emulated", 0, "modelled", 1, "description", machine, "grids", grids, "tables",
		tables, "notes",
		"Share of the oracle's gain: (all slow - policy) / (all slow - oracle), of the "
		"time that the same work takes; stalls, moves and tracking are in it. Nothing is "
		"cut off.",
		"The oracle knows the future; its placement is replayed by the same model and at "
		"the same price of moves, in what the watermark leaves of fast memory.",
		"Behind: how much longer it takes than the best of the other policies there; the "
		"most of all workloads and ratios.",
		"Latencies and prices are a model's, from published figures; it compares policies, "
		"and does not foretell a machine's speed.",
		"command", "sluice-bench league", "league", league_part(options, outcome));
}
