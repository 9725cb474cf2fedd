/* SPDX-License-Identifier: Apache-2.0 */
/* replay_json.c - see replay_json.h. */
#include "replay_json.h"

#include <math.h>
#include <stdio.h>

#define LINES_MAX 4 /* of a chart */

/* The mean of a figure over the seeds, and half of its interval that holds with 95 %. */
struct figure {
	double mean, half;
};

typedef double (*figure_of)(const struct replay_seed *seed, size_t policy);

/* Student's t at 97.5 %, by degrees of freedom: a table, then Fisher's series around the normal
 * distribution, which is right to three digits from there on. */
static double
student(size_t freedom)
{
	static const double t[] = {0,     12.706, 4.303, 3.182, 2.776,
				   2.571, 2.447,  2.365, 2.306, 2.262};
	const double z = 1.95996;
	double f = (double)freedom;

	if (freedom < sizeof(t) / sizeof(t[0]))
		return t[freedom];
	return z + (pow(z, 3) + z) / (4 * f) +
	       (5 * pow(z, 5) + 16 * pow(z, 3) + 3 * z) / (96 * f * f) +
	       (3 * pow(z, 7) + 19 * pow(z, 5) + 17 * pow(z, 3) - 15 * z) / (384 * f * f * f);
}

static struct figure
figure_over(const struct replay_outcome *outcome, size_t policy, figure_of of)
{
	double sum = 0, squares = 0, n = (double)outcome->seed_count;
	struct figure figure;

	for (size_t s = 0; s < outcome->seed_count; s++)
		sum += of(&outcome->seeds[s], policy);
	figure.mean = sum / n;
	for (size_t s = 0; s < outcome->seed_count; s++) {
		double off = of(&outcome->seeds[s], policy) - figure.mean;

		squares += off * off;
	}
	figure.half = outcome->seed_count < 2
			      ? (double)NAN
			      : student(outcome->seed_count - 1) * sqrt(squares / (n - 1) / n);
	return figure;
}

#define FIGURE(name_, expression_)                                                                 \
	static double name_(const struct replay_seed *seed, size_t policy)                         \
	{                                                                                          \
		const struct replay_result *r = &seed->policies[policy];                           \
                                                                                                   \
		return expression_;                                                                \
	}

FIGURE(wall_ns, r->wall_ns)
FIGURE(stall_ns, r->stall_ns)
FIGURE(moving_ns, r->moving_ns)
FIGURE(tracking_ns, r->tracking_ns)
FIGURE(kernel_ns, r->kernel_ns)
FIGURE(fast_share, r->accesses > 0 ? r->fast_accesses / r->accesses : 0)
FIGURE(promoted, (double)r->promoted_bytes)
FIGURE(demoted, (double)r->demoted_bytes)
FIGURE(moved, (double)(r->promoted_bytes + r->demoted_bytes))
FIGURE(pingpong,
       r->promoted_bytes + r->demoted_bytes
	       ? (double)r->pingpong_bytes / (double)(r->promoted_bytes + r->demoted_bytes)
	       : 0)
FIGURE(refused_room, (double)r->refused_bytes[REFUSED_ROOM])
FIGURE(refused_budget, (double)r->refused_bytes[REFUSED_BUDGET])
FIGURE(refused_payback, (double)r->refused_bytes[REFUSED_PAYBACK])
FIGURE(decide_ns, r->decide_ns)
FIGURE(decide_max_ns, r->decide_max_ns)
FIGURE(decisions, (double)r->decisions)
FIGURE(samples, (double)r->samples)
FIGURE(samples_lost, (double)r->samples_lost)
FIGURE(metadata, (double)r->metadata_bytes)

/* How much of what all-fast is better than all-slow. Where the two are alike it is nothing. */
static double
gain(const struct replay_seed *seed, size_t policy)
{
	double slow = seed->bounds[REPLAY_ALL_SLOW].wall_ns;
	double most = slow - seed->bounds[REPLAY_ALL_FAST].wall_ns;

	return most > 0 ? (slow - seed->policies[policy].wall_ns) / most : 0;
}

static double
bound_mean(const struct replay_outcome *outcome, enum replay_bound bound,
	   double (*of)(const struct replay_result *))
{
	double sum = 0;

	for (size_t s = 0; s < outcome->seed_count; s++)
		sum += of(&outcome->seeds[s].bounds[bound]);
	return sum / (double)outcome->seed_count;
}

static double
bound_wall(const struct replay_result *r)
{
	return r->wall_ns;
}

static double
bound_stall(const struct replay_result *r)
{
	return r->stall_ns;
}

static double
bound_fast(const struct replay_result *r)
{
	return r->accesses > 0 ? r->fast_accesses / r->accesses : 0;
}

static const char *const bound_names[REPLAY_BOUNDS] = {
	[REPLAY_ALL_FAST] = "all_fast",
	[REPLAY_ALL_SLOW] = "all_slow",
	[REPLAY_FIRST_TOUCH] = "first_touch",
};

static json_t *
real_or_null(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

/* The rest of the program's memory for each byte of the fastest tier. */
static double
ratio(const struct replay_outcome *outcome)
{
	double fast = (double)outcome->model.tiers[0].bytes;
	double all = (double)workload_info(outcome->seeds[0].workload)->bytes;

	return all > fast ? (all - fast) / fast : 0;
}

static json_t *
row_json(const struct replay_options *options, const struct replay_outcome *outcome, size_t p)
{
	static const struct {
		const char *key;
		figure_of of;
	} columns[] = {
		{"wall_ns", wall_ns},
		{"stall_ns", stall_ns},
		{"fast_share", fast_share},
		{"gain", gain},
		{"moved_bytes", moved},
		{"promoted_bytes", promoted},
		{"demoted_bytes", demoted},
		{"pingpong_share", pingpong},
		{"moving_ns", moving_ns},
		{"tracking_ns", tracking_ns},
		{"kernel_tracking_ns", kernel_ns},
		{"refused_room_bytes", refused_room},
		{"refused_budget_bytes", refused_budget},
		{"refused_payback_bytes", refused_payback},
		{"decide_ns", decide_ns},
		{"decide_max_ns", decide_max_ns},
		{"decisions", decisions},
		{"samples", samples},
		{"samples_lost", samples_lost},
		{"metadata_bytes", metadata},
	};
	json_t *row = json_pack("{s:s, s:f, s:s, s:s}", "workload", options->workload, "ratio",
				ratio(outcome), "input", options->tracker->name, "policy",
				options->policies[p].label);

	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
		json_object_set_new(row, columns[i].key,
				    real_or_null(figure_over(outcome, p, columns[i].of).mean));
	json_object_set_new(row, "wall_half_ns",
			    real_or_null(figure_over(outcome, p, wall_ns).half));
	json_object_set_new(row, "gain_half", real_or_null(figure_over(outcome, p, gain).half));
	return row;
}

static json_t *
tiers_json(const struct replay_outcome *outcome)
{
	json_t *list = json_array();

	for (uint32_t t = 0; t < outcome->model.tier_count; t++) {
		const struct model_tier *tier = &outcome->model.tiers[t];

		json_array_append_new(
			list,
			json_pack("{s:s, s:I, s:f, s:f, s:f, s:f, s:s}", "kind", tier->kind.name,
				  "bytes", (json_int_t)tier->bytes, "read_ns", tier->kind.read_ns,
				  "write_ns", tier->kind.write_ns, "read_bps", tier->kind.read_bps,
				  "write_bps", tier->kind.write_bps, "source", tier->kind.source));
	}
	return list;
}

static json_t *
figures_json(const struct replay_options *options, const struct replay_outcome *outcome)
{
	const struct workload_info *info = workload_info(outcome->seeds[0].workload);
	json_t *rows = json_array(), *bounds = json_object();

	for (size_t p = 0; p < options->policy_count; p++)
		json_array_append_new(rows, row_json(options, outcome, p));
	for (size_t b = 0; b < REPLAY_BOUNDS; b++) {
		enum replay_bound bound = (enum replay_bound)b;

		json_object_set_new(bounds, bound_names[b],
				    json_pack("{s:f, s:f, s:f}", "wall_ns",
					      bound_mean(outcome, bound, bound_wall), "stall_ns",
					      bound_mean(outcome, bound, bound_stall), "fast_share",
					      bound_mean(outcome, bound, bound_fast)));
	}
	return json_pack(
		"{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:i, s:s, s:s, s:o, s:o, s:o}", "workload",
		options->workload, "summary", info->summary, "bytes", (json_int_t)info->bytes,
		"epochs", (json_int_t)info->epoch_count, "epoch_ns", (json_int_t)info->epoch_ns,
		"seed", (json_int_t)options->of_workload.seed, "runs",
		(json_int_t)outcome->seed_count, "threads", (int)info->threads, "input",
		options->tracker->name, "pages", options->huge && !info->page_grained ? "2m" : "4k",
		"tiers", tiers_json(outcome), "bounds", bounds, "rows", rows);
}

/* The fast share of the first four policies over time; of the first seed. */
static json_t *
chart_json(const struct replay_options *options, const struct replay_outcome *outcome)
{
	json_t *lines = json_array();

	for (size_t p = 0; p < options->policy_count && p < LINES_MAX; p++) {
		const struct replay_result *result = &outcome->seeds[0].policies[p];
		json_t *points = json_array();
		double before = -1;

		for (size_t i = 0; i < REPLAY_POINTS; i++) {
			const struct replay_point *point = &result->points[i];

			if (point->wall_ns <= before)
				continue;
			before = point->wall_ns;
			json_array_append_new(points, json_pack("[f, f]", point->wall_ns / 1e9,
								point->fast_share));
		}
		json_array_append_new(lines,
				      json_pack("{s:s, s:o}", "name", options->policies[p].label,
						"points", points));
	}
	return json_pack("{s:s, s:s, s:s, s:o}", "title", "Accesses served by fast memory", "note",
			 options->policy_count > LINES_MAX
				 ? "Of the first four policies; the table has all."
				 : "Over the time that each policy's work took.",
			 "unit", "share", "lines", lines);
}

static json_t *
cell(double value, const char *unit)
{
	return json_pack("{s:o, s:s}", "value", real_or_null(value), "unit", unit);
}

static json_t *
table_json(const struct replay_options *options, const struct replay_outcome *outcome)
{
	json_t *rows = json_array();

	for (size_t b = 0; b < REPLAY_BOUNDS; b++) {
		enum replay_bound bound = (enum replay_bound)b;
		char name[32];

		snprintf(name, sizeof(name), "(%s)",
			 b == REPLAY_ALL_FAST   ? "all fast"
			 : b == REPLAY_ALL_SLOW ? "all slow"
						: "first touch");
		json_array_append_new(
			rows, json_pack("{s:s, s:[o, o, o, o, o, o, o]}", "name", name, "values",
					cell(bound_mean(outcome, bound, bound_wall) / 1e9, "s"),
					cell(bound_mean(outcome, bound, bound_stall) / 1e9, "s"),
					cell(bound_mean(outcome, bound, bound_fast), "share"),
					json_string(""), json_string(""), json_string(""),
					json_string("")));
	}
	for (size_t p = 0; p < options->policy_count; p++)
		json_array_append_new(
			rows,
			json_pack("{s:s, s:[o, o, o, o, o, o, o]}", "name",
				  options->policies[p].label, "values",
				  cell(figure_over(outcome, p, wall_ns).mean / 1e9, "s"),
				  cell(figure_over(outcome, p, stall_ns).mean / 1e9, "s"),
				  cell(figure_over(outcome, p, fast_share).mean, "share"),
				  cell(figure_over(outcome, p, gain).mean, "share"),
				  cell(figure_over(outcome, p, moved).mean, "bytes"),
				  cell(figure_over(outcome, p, pingpong).mean, "share"),
				  cell(figure_over(outcome, p, tracking_ns).mean / 1e9, "s")));
	return json_pack("{s:s, s:[s, s, s, s, s, s, s], s:o}", "title", "Policies", "columns",
			 "Time", "Stall of all threads", "Fast share", "Gain", "Moved",
			 "Moved back", "Tracking", "rows", rows);
}

json_t *
replay_json(const struct replay_options *options, const struct replay_outcome *outcome)
{
	const struct workload_info *info = workload_info(outcome->seeds[0].workload);
	char title[128], summary[400], machine[400];
	size_t len = 0;

	snprintf(title, sizeof(title), "Replay of %.60s", options->workload);
	snprintf(summary, sizeof(summary),
		 "%s. %.1f GiB, %u epochs of %.3g s, input %s, %zu run%s.", info->summary,
		 (double)info->bytes / 1073741824.0, info->epoch_count,
		 (double)info->epoch_ns / 1e9, options->tracker->name, outcome->seed_count,
		 outcome->seed_count == 1 ? "" : "s");
	machine[0] = '\0';
	for (uint32_t t = 0; t < outcome->model.tier_count && len < sizeof(machine); t++) {
		const struct model_tier *tier = &outcome->model.tiers[t];

		len += (size_t)snprintf(machine + len, sizeof(machine) - len,
					"%s%s %.1f GiB at %.0f ns", t ? ", " : "", tier->kind.name,
					(double)tier->bytes / 1073741824.0, tier->kind.read_ns);
	}
	return json_pack(
		"{s:s, s:s, s:s, s:{s:b, s:b, s:s}, s:[o], s:[o], s:[s, s], s:s, s:o}", "schema",
		"sluice-result/1", "title", title, "summary", summary, "machine", "emulated", 0,
		"modelled", 1, "description", machine, "charts", chart_json(options, outcome),
		"tables", table_json(options, outcome), "notes",
		"Latencies and prices are a model's, from published figures; it compares policies, "
		"and does not foretell a machine's speed.",
		"Gain: how much of what all-fast is faster than all-slow.", "command",
		"sluice replay", "replay", figures_json(options, outcome));
}

json_t *
replay_list_json(void)
{
	json_t *workloads = json_array(), *inputs = json_array(), *kinds = json_array();

	for (size_t i = 0; i < workload_count(); i++)
		json_array_append_new(workloads, json_pack("{s:s, s:s}", "name", workload_name(i),
							   "summary", workload_summary(i)));
	for (size_t i = 0; trackers[i]; i++)
		json_array_append_new(inputs, json_pack("{s:s, s:s}", "name", trackers[i]->name,
							"summary", trackers[i]->summary));
	for (const struct model_kind *kind = model_kinds; kind->name; kind++)
		json_array_append_new(kinds,
				      json_pack("{s:s, s:f, s:s}", "name", kind->name, "read_ns",
						kind->read_ns, "source", kind->source));
	return json_pack("{s:o, s:o, s:o}", "workloads", workloads, "inputs", inputs, "kinds",
			 kinds);
}
