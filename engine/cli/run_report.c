/* SPDX-License-Identifier: Apache-2.0 */
/* run_report.c - see run_report.h. */
#include "run_report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "output_file.h"
#include "parse.h"
#include "text.h"

#define SHORT_S 3 /* what is hot cannot be told in less */

struct run_report {
	char *const *command;
	json_t *options, *error, *last; /* last: the last status; NULL when there was none */
	json_t *series;
	json_t *note;          /* the last that was said while there were targets; NULL: none */
	double seen_s, full_s; /* of the last status, and for how long fast memory was full then */
	uint64_t begin_ns, end_ns;
	uint64_t metadata_bytes_max;
	int exit_status, signal_number;
};

struct run_report *
run_report_new(char *const *command)
{
	struct run_report *report = calloc(1, sizeof(*report));

	if (!report)
		return NULL;
	report->command = command;
	report->options = json_object();
	report->series = json_array();
	report->error = json_null();
	report->begin_ns = clock_now_ns();
	return report;
}

void
run_report_free(struct run_report *report)
{
	if (!report)
		return;
	json_decref(report->options);
	json_decref(report->series);
	json_decref(report->error);
	json_decref(report->last);
	json_decref(report->note);
	free(report);
}

void
run_report_options(struct run_report *report, const json_t *config)
{
	size_t i;
	json_t *row;

	json_array_foreach (json_object_get(config, "options"), i, row) {
		const char *key = text_of(row, "key");
		json_t *values = json_object_get(row, "values");
		int is_list = strcmp(key, "policy-set") == 0 || strcmp(key, "policy-dir") == 0;
		json_t *first = json_array_get(values, 0);

		json_object_set(report->options, key,
				is_list ? values
				: first ? first
					: json_null());
	}
}

void
run_report_error(struct run_report *report, const char *why)
{
	json_decref(report->error);
	report->error = json_string(why);
}

void
run_report_begin(struct run_report *report)
{
	report->begin_ns = clock_now_ns();
}

static double
seconds_since(const struct run_report *report, uint64_t now_ns)
{
	return (double)(now_ns - report->begin_ns) / 1e9;
}

/* What this run cost in our own processes: the service, and the sluice that waits for it. */
static double
own_cpu_ms(const json_t *status)
{
	return number_of(json_object_get(status, "cpu"), "own_ns") / 1e6 +
	       (double)clock_process_cpu_ns() / 1e6;
}

static json_t *
tier_members(const json_t *status, const char *key)
{
	json_t *values = json_array(), *tier;
	size_t i;

	json_array_foreach (json_object_get(status, "tiers"), i, tier)
		json_array_append(values, json_object_get(tier, key));
	return values;
}

static json_t *
member(const json_t *object, const char *key)
{
	json_t *value = json_object_get(object, key);

	return value ? json_incref(value) : json_null();
}

/* A full tier lives a little above its watermark: less than 1 % is as good as nothing. */
static int
fast_is_full(const json_t *status)
{
	const json_t *fast = json_array_get(json_object_get(status, "tiers"), 0);
	const json_t *room = json_object_get(fast, "room_bytes");

	return json_is_integer(room) &&
	       (double)json_integer_value(room) < number_of(fast, "total_bytes") / 100;
}

/* When the command has ended there is nothing to say of it any more: the last word before counts.
 */
static void
follow_state(struct run_report *report, const json_t *status)
{
	double now_s = seconds_since(report, clock_now_ns());

	if (json_array_size(json_object_get(status, "targets")) == 0)
		return;
	json_decref(report->note);
	report->note = text_of(status, "note")[0] ? json_string(text_of(status, "note")) : NULL;
	if (fast_is_full(status) && now_s > report->seen_s)
		report->full_s += now_s - report->seen_s;
	report->seen_s = now_s;
}

void
run_report_status(struct run_report *report, const json_t *status)
{
	const json_t *round = json_object_get(status, "round");
	const json_t *sampling = json_object_get(status, "sampling");
	const json_t *cpu = json_object_get(status, "cpu");
	double metadata = number_of(json_object_get(status, "heat"), "metadata_bytes");

	if ((uint64_t)metadata > report->metadata_bytes_max)
		report->metadata_bytes_max = (uint64_t)metadata;
	json_array_append_new(report->series,
			      json_pack("{s:f, s:o, s:o, s:o, s:f, s:f, s:o, s:f, s:o, s:o, s:o}",
					"t_s", seconds_since(report, clock_now_ns()), "fast_share",
					member(round, "fast_share"), "promoted_bytes",
					member(round, "promoted_bytes"), "demoted_bytes",
					member(round, "demoted_bytes"), "cpu_ms",
					own_cpu_ms(status), "kernel_cpu_ms",
					number_of(cpu, "kernel_ns") / 1e6, "samples",
					member(sampling, "samples"), "target_cost_ms",
					number_of(cpu, "target_ns") / 1e6, "tier_free_bytes",
					tier_members(status, "free_bytes"), "tier_resident_bytes",
					tier_members(status, "resident_bytes"), "tier_access_share",
					tier_members(status, "access_share")));
	follow_state(report, status);
	json_decref(report->last);
	report->last = json_deep_copy(status);
}

void
run_report_end(struct run_report *report, int exit_status, int signal_number)
{
	report->end_ns = clock_now_ns();
	report->exit_status = exit_status;
	report->signal_number = signal_number;
}

/* CPU of ours and of kernel threads that work for us, in % of one CPU, over the last third of the
 * run; null when the run was too short to have one. */
static json_t *
steady_cpu_percent(const struct run_report *report)
{
	size_t count = json_array_size(report->series), i;
	const json_t *last = json_array_get(report->series, count - 1), *first = NULL, *row;
	double from_s, elapsed_s, spent_ms;

	if (count < 3)
		return json_null();
	from_s = number_of(last, "t_s") * 2 / 3;
	json_array_foreach (report->series, i, row) {
		if (number_of(row, "t_s") >= from_s) {
			first = row;
			break;
		}
	}
	elapsed_s = number_of(last, "t_s") - number_of(first, "t_s");
	if (elapsed_s < 0.5)
		return json_null();
	spent_ms = number_of(last, "cpu_ms") - number_of(first, "cpu_ms") +
		   number_of(last, "kernel_cpu_ms") - number_of(first, "kernel_cpu_ms");
	return json_real(spent_ms / elapsed_s / 10);
}

static json_t *
summary_to_json(const struct run_report *report)
{
	const json_t *round = json_object_get(report->last, "round");
	const json_t *sampling = json_object_get(report->last, "sampling");
	const json_t *cpu = json_object_get(report->last, "cpu");

	return json_pack(
		"{s:f, s:o, s:o, s:o, s:o, s:o, s:o, s:f, s:f, s:f, s:o, s:I, s:o, s:o, s:f}",
		"seconds", seconds_since(report, report->end_ns), "promoted_bytes",
		member(round, "promoted_bytes"), "demoted_bytes", member(round, "demoted_bytes"),
		"pingpong_bytes", member(round, "pingpong_bytes"), "outcome_pages",
		member(round, "outcome_pages"), "refused_bytes", member(round, "refused_bytes"),
		"fast_share", member(round, "fast_share"), "own_cpu_s",
		own_cpu_ms(report->last) / 1e3, "kernel_cpu_s", number_of(cpu, "kernel_ns") / 1e9,
		"target_cost_s", number_of(cpu, "target_ns") / 1e9, "cpu_percent_steady",
		steady_cpu_percent(report), "metadata_bytes",
		(json_int_t)report->metadata_bytes_max, "samples", member(sampling, "samples"),
		"samples_lost", member(sampling, "lost"), "fast_full_s", report->full_s);
}

static json_t *
document(const struct run_report *report)
{
	json_t *command = json_array();

	for (size_t i = 0; report->command[i]; i++) {
		json_t *word = json_string(report->command[i]);

		json_array_append_new(command, word ? word : json_string("(not UTF-8)"));
	}
	return json_pack(
		"{s:s, s:o, s:i, s:o, s:b, s:O, s:o, s:o, s:o, s:o, s:O, s:o, s:o, s:O}", "version",
		SLUICE_VERSION, "command", command, "exit_status", report->exit_status, "signal",
		report->signal_number ? json_integer(report->signal_number) : json_null(), "tiered",
		report->last != NULL && json_is_null(report->error), "error", report->error, "note",
		report->note ? json_incref(report->note) : json_null(), "policy",
		member(report->last, "policy"), "samplers", member(report->last, "samplers"),
		"mover", member(report->last, "mover"), "options", report->options, "tiers",
		member(report->last, "tiers"), "summary", summary_to_json(report), "series",
		report->series);
}

int
run_report_write(struct run_report *report, const char *path, struct sluice_err *reterr)
{
	json_t *json = document(report);
	struct output_file file;
	int r = output_file_open(&file, path);

	if (r == 0) {
		errno = 0;
		if (!json ||
		    json_dumpf(json, file.stream, JSON_INDENT(1) | JSON_REAL_PRECISION(9)) < 0 ||
		    fputc('\n', file.stream) == EOF)
			r = errno ? -errno : -EIO;
		r = output_file_close(&file, r);
	}
	json_decref(json);
	return r < 0 ? sluice_fail(reterr, r, "cannot write '%s': %s", path, strerror(-r)) : 0;
}

void
run_report_print_json(struct run_report *report, FILE *stream)
{
	json_t *json = document(report);

	json_dumpf(json, stream, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
	fputc('\n', stream);
	json_decref(json);
}

static void
line(FILE *stream, const char *left, const char *right)
{
	fprintf(stream, "  %s%-7s%s ", text_style(stream, TEXT_DIM), left, text_reset(stream));
	text_wrap(stream, 10, right);
}

/* Why nothing moved, as far as the note has not said it. */
static const char *
why_still(const struct run_report *report)
{
	const json_t *round = json_object_get(report->last, "round");
	const json_t *refused = json_object_get(round, "refused_bytes");
	double room = number_of(refused, "room"), payback = number_of(refused, "payback");

	if (json_is_true(json_object_get(report->last, "dry_run")))
		return "it was a dry run";
	if (seconds_since(report, report->end_ns) < SHORT_S)
		return "it ran too short to learn from";
	if (number_of(json_object_get(report->last, "sampling"), "samples") == 0)
		return "no accesses were seen";
	if (room > 0 && room >= payback)
		return "there was no room in fast memory";
	if (payback > 0)
		return "no move would have saved what it costs";
	return number_of(round, "planned_bytes") > 0 ? "no move succeeded"
						     : "nothing was worth moving";
}

static void
print_moved(const struct run_report *report, FILE *stream)
{
	const json_t *round = json_object_get(report->last, "round");
	char up[32], down[32], text[256];

	text_bytes(json_object_get(round, "promoted_bytes"), up, sizeof(up));
	text_bytes(json_object_get(round, "demoted_bytes"), down, sizeof(down));
	if (number_of(round, "promoted_bytes") + number_of(round, "demoted_bytes") > 0)
		snprintf(text, sizeof(text), "%s up, %s down", up, down);
	else
		snprintf(text, sizeof(text), "nothing, as %s", why_still(report));
	line(stream, "moved", text);
}

void
run_report_print(struct run_report *report, FILE *stream)
{
	const json_t *round = json_object_get(report->last, "round");
	const json_t *share = json_object_get(round, "fast_share");
	const json_t *fast = json_array_get(json_object_get(report->last, "tiers"), 0);
	const json_t *cpu = json_object_get(report->last, "cpu");
	json_t *steady = steady_cpu_percent(report);
	double seconds = seconds_since(report, report->end_ns);
	double spent_ms = own_cpu_ms(report->last) + number_of(cpu, "kernel_ns") / 1e6;
	char size[32], text[256];

	if (!report->last) { /* untiered: the warning has said so */
		json_decref(steady);
		return;
	}
	fprintf(stream, "%ssluice: %.100s ran %.1f s%s\n", text_style(stream, TEXT_BOLD),
		report->command[0], seconds, text_reset(stream));
	print_moved(report, stream);
	if (json_is_number(share))
		snprintf(text, sizeof(text), "%.0f %% of accesses by fast memory (%s) at the end",
			 json_number_value(share) * 100, text_of(fast, "kind"));
	else
		snprintf(text, sizeof(text), "unknown: no accesses were seen");
	line(stream, "served", text);
	if (report->full_s >= 1) {
		snprintf(text, sizeof(text), "fast memory was full for %.0f of %.0f s",
			 report->full_s, seconds);
		line(stream, "room", text);
	}
	format_size(report->metadata_bytes_max, size, sizeof(size));
	if (json_is_real(steady))
		snprintf(text, sizeof(text), "%.1f %% of a CPU in the steady state, %s of metadata",
			 json_real_value(steady), size);
	else
		snprintf(text, sizeof(text), "%.2f s of CPU time, %s of metadata", spent_ms / 1e3,
			 size);
	line(stream, "cost", text);
	if (json_is_string(report->error))
		line(stream, "trouble", json_string_value(report->error));
	if (report->note)
		line(stream, "note", json_string_value(report->note));
	json_decref(steady);
}
