/* SPDX-License-Identifier: Apache-2.0 */
/* status_text.c - see status_text.h. */
#include "status_text.h"

#include "text.h"

#include <stdint.h>

/* Only when there is something to tell. */
static void
print_policy_process(const json_t *process, FILE *stream)
{
	const json_t *faults = json_object_get(process, "faults"), *count;
	const char *kind;
	double all = 0;
	int several = 0;

	json_object_foreach ((json_t *)(uintptr_t)faults, kind, count)
		all += json_number_value(count);
	if (all + number_of(process, "declined") < 1)
		return;
	fprintf(stream, "the policy failed in %.0f rounds (", all + number_of(process, "declined"));
	json_object_foreach ((json_t *)(uintptr_t)faults, kind, count) {
		if (json_number_value(count) > 0)
			fprintf(stream, "%s%s %.0f", several++ ? ", " : "", kind,
				json_number_value(count));
	}
	if (number_of(process, "declined") > 0)
		fprintf(stream, "%sdeclined %.0f", several ? ", " : "",
			number_of(process, "declined"));
	fprintf(stream, "); the safe policy decided %.0f%s\n", number_of(process, "safe_rounds"),
		json_is_true(json_object_get(process, "safe_policy")) ? ", the last one too" : "");
}

/* What tracking costs, as it was measured over the last seconds. */
static void
print_tracking(const json_t *tracking, FILE *stream)
{
	const json_t *ceiling = json_object_get(tracking, "ceiling");

	if (!json_is_number(json_object_get(tracking, "share")))
		return;
	fprintf(stream, "tracking costs %.2f %% of a CPU just now",
		number_of(tracking, "share") * 100);
	if (json_is_number(ceiling))
		fprintf(stream, " (%.4g %% is set)", json_number_value(ceiling) * 100);
	fprintf(stream, ": its own thread %.2f, the kernel's %.2f, taken from programs %.2f\n",
		number_of(tracking, "own_share") * 100, number_of(tracking, "kernel_share") * 100,
		number_of(tracking, "target_share") * 100);
}

static void
print_head(const json_t *status, FILE *stream)
{
	const json_t *samplers = json_object_get(status, "samplers");
	const json_t *round = json_object_get(status, "round");
	const json_t *cpu = json_object_get(status, "cpu");
	double up_s = number_of(status, "uptime_ms") / 1e3;
	double cpu_s = (number_of(cpu, "own_ns") + number_of(cpu, "kernel_ns")) / 1e9;
	char up[32], promoted[32], demoted[32];

	fprintf(stream, "%ssluiced %s%s  up %s, policy %s, mover %s%s, samplers",
		text_style(stream, TEXT_BOLD), text_of(status, "version"), text_reset(stream),
		text_seconds(up_s, up, sizeof(up)), text_of(status, "policy"),
		text_of(status, "mover"),
		json_is_true(json_object_get(status, "dry_run")) ? " (dry run)" : "");
	for (size_t i = 0; i < json_array_size(samplers); i++)
		fprintf(stream, "%s %s", i ? "," : "", text_item(samplers, i));
	fprintf(stream, "\nmoved %s up, %s down in %.0f rounds; cost %.1f %% of a CPU on average\n",
		text_bytes(json_object_get(round, "promoted_bytes"), promoted, sizeof(promoted)),
		text_bytes(json_object_get(round, "demoted_bytes"), demoted, sizeof(demoted)),
		number_of(round, "rounds"), up_s > 0 ? cpu_s / up_s * 100 : 0);
	print_policy_process(json_object_get(status, "policy_process"), stream);
	print_tracking(json_object_get(status, "tracking"), stream);
	if (text_of(status, "note")[0]) {
		fprintf(stream, "%snote: ", text_style(stream, TEXT_YELLOW));
		text_wrap(stream, 6, text_of(status, "note"));
		fputs(text_reset(stream), stream);
	}
}

static void
print_tiers(const json_t *tiers, FILE *stream)
{
	static const char *const headings[] = {"<TIER",   "<KIND",   "SIZE",     "FREE",
					       "LATENCY", "TRACKED", "ACCESSES", NULL};
	struct text_table *table = text_table_new(headings);
	const json_t *tier;
	size_t i;

	json_array_foreach (tiers, i, tier) {
		const json_t *latency_ns = json_object_get(tier, "latency_ns");
		char index[24], size[32], unused[32], latency[32] = "unknown", resident[32],
						      share[32];

		snprintf(index, sizeof(index), "%zu", i);
		if (json_is_number(latency_ns))
			snprintf(latency, sizeof(latency), "%.0f ns",
				 json_number_value(latency_ns));
		text_table_row(table,
			       (const char *[]){index, text_of(tier, "kind"),
						text_bytes(json_object_get(tier, "total_bytes"),
							   size, sizeof(size)),
						text_bytes(json_object_get(tier, "free_bytes"),
							   unused, sizeof(unused)),
						latency,
						text_bytes(json_object_get(tier, "resident_bytes"),
							   resident, sizeof(resident)),
						text_percent(json_object_get(tier, "access_share"),
							     share, sizeof(share))});
	}
	text_table_print(table, stream);
}

static void
print_targets(const json_t *status, FILE *stream)
{
	static const char *const headings[] = {"PID",    "<COMMAND",      "FAST",  "SLOW",
					       "PINNED", "FAST ACCESSES", "<NOTE", NULL};
	struct text_table *table;
	const json_t *targets = json_object_get(status, "targets"), *target;
	size_t i;

	if (json_array_size(targets) == 0) {
		fprintf(stream, "no targets; 'sluice attach PID' adds one\n");
		return;
	}
	table = text_table_new(headings);
	json_array_foreach (targets, i, target) {
		const json_t *resident = json_object_get(target, "resident_bytes");
		const json_t *share = json_object_get(target, "access_share");
		char pid[16], fast[32], slow[32], pinned[32], fast_share[32];
		json_int_t slow_bytes = 0;
		json_t *sum;

		for (size_t k = 1; k < json_array_size(resident); k++)
			slow_bytes += json_integer_value(json_array_get(resident, k));
		sum = json_integer(slow_bytes);
		snprintf(pid, sizeof(pid), "%.0f", number_of(target, "pid"));
		text_table_row(table,
			       (const char *[]){
				       pid, text_of(target, "comm"),
				       text_bytes(json_array_get(resident, 0), fast, sizeof(fast)),
				       text_bytes(sum, slow, sizeof(slow)),
				       text_bytes(json_object_get(target, "pinned_bytes"), pinned,
						  sizeof(pinned)),
				       text_percent(json_array_get(share, 0), fast_share,
						    sizeof(fast_share)),
				       text_of(target, "note")});
		json_decref(sum);
	}
	text_table_print(table, stream);
}

/* How much of a cgroup was in use within how long: all generations up to each age. */
static void
print_working_sets(const json_t *sets, FILE *stream)
{
	static const char *const headings[] = {"<CGROUP", "NODE", "IN USE", "<WITHIN", NULL};
	struct text_table *table;
	const json_t *set, *generation;
	size_t i;

	if (json_array_size(sets) == 0)
		return;
	table = text_table_new(headings);
	json_array_foreach (sets, i, set) {
		const json_t *generations = json_object_get(set, "generations");
		json_int_t bytes = 0;
		char node[16];

		snprintf(node, sizeof(node), "%.0f", number_of(set, "node"));
		for (size_t k = json_array_size(generations); k-- > 0;) {
			char size[32], age[32];
			json_t *sum;

			generation = json_array_get(generations, k);
			bytes += (json_int_t)(number_of(generation, "anon_bytes") +
					      number_of(generation, "file_bytes"));
			sum = json_integer(bytes);
			text_table_row(
				table,
				(const char *[]){text_of(set, "memcg"), node,
						 text_bytes(sum, size, sizeof(size)),
						 text_seconds(number_of(generation, "age_ms") / 1e3,
							      age, sizeof(age))});
			json_decref(sum);
		}
	}
	fputc('\n', stream);
	text_table_print(table, stream);
}

void
status_text_print(const json_t *status, FILE *stream)
{
	print_head(status, stream);
	fputc('\n', stream);
	print_tiers(json_object_get(status, "tiers"), stream);
	fputc('\n', stream);
	print_targets(status, stream);
	print_working_sets(json_object_get(status, "working_sets"), stream);
	fflush(stream);
}

void
status_text_policy(const json_t *status, FILE *stream)
{
	const json_t *process = json_object_get(status, "policy_process");
	double decide_ms = number_of(json_object_get(status, "round"), "decide_ns") / 1e6;

	if (!json_is_object(process))
		fprintf(stream, "it runs in the service itself (policy-in-process)");
	else if (json_is_integer(json_object_get(process, "pid")))
		fprintf(stream, "it runs, as process %.0f", number_of(process, "pid"));
	else if (json_is_number(json_object_get(process, "benched_ms")))
		fprintf(stream, "it is benched for another %.0f s",
			number_of(process, "benched_ms") / 1e3);
	else
		fprintf(stream, "it is about to be started anew");
	fprintf(stream, "; the last decision took %.3g ms\n", decide_ms);
	print_policy_process(process, stream);
	if (text_of(process, "last_fault")[0]) {
		fprintf(stream,
			"last fault, %.0f s ago: ", number_of(process, "last_fault_age_ms") / 1e3);
		text_wrap(stream, 0, text_of(process, "last_fault"));
	}
}
