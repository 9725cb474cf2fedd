/* SPDX-License-Identifier: Apache-2.0 */
/* trace_info.c - see trace_info.h. */
#include "trace_info.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "json_text.h"
#include "parse.h"
#include "pid_list.h"
#include "text.h"

#define META_MAX 256u /* keys; whoever has more means no good */

struct process {
	int32_t pid;
	char name[SLUICE_TRACE_NAME_MAX + 1];
	uint64_t samples, moves, moved_bytes, mapped_bytes;
};

struct counts {
	uint64_t items[SLUICE_TRACE_ITEM_KINDS], samples[SLUICE_TRACE_SAMPLE_KINDS];
	uint64_t outcomes[SLUICE_TRACE_OUTCOMES];
	uint64_t lost, move_ns;
	struct process *processes;
	size_t process_count, process_capacity, last;
	struct pid_list list;
	size_t tier_count;
	struct sluice_trace_tier tiers[SLUICE_TRACE_TIERS_MAX];
	json_t *meta;
	double read_s;
};

/* 0 or -errno, as of pid_list_add(). */
static int
find_process(struct counts *counts, int32_t pid, struct process **ret)
{
	int64_t at =
		counts->last < counts->process_count && counts->processes[counts->last].pid == pid
			? (int64_t)counts->last
			: pid_list_find(&counts->list, pid);

	if (at < 0) {
		int r = pid_list_add(&counts->list, pid, (uint32_t)counts->process_count);

		if (r == 0 && counts->process_count == counts->process_capacity) {
			size_t capacity = 2 * counts->process_capacity + 16;
			struct process *grown =
				realloc(counts->processes, capacity * sizeof(*grown));

			if (!grown)
				return -ENOMEM;
			counts->processes = grown;
			counts->process_capacity = capacity;
		}
		if (r < 0)
			return r;
		at = (int64_t)counts->process_count++;
		counts->processes[at] = (struct process){.pid = pid};
	}
	counts->last = (size_t)at;
	*ret = &counts->processes[at];
	return 0;
}

static int
count_samples(struct counts *counts, const struct sluice_trace_item *item)
{
	for (size_t i = 0; i < item->count;) {
		struct process *process;
		int r = find_process(counts, item->samples[i].pid, &process);
		size_t run = 0;

		if (r < 0)
			return r;
		for (; i < item->count && item->samples[i].pid == process->pid; i++, run++)
			counts->samples[item->samples[i].kind]++;
		process->samples += run;
	}
	return 0;
}

static int
count_item(struct counts *counts, const struct sluice_trace_item *item)
{
	struct process *process;
	int r;

	counts->items[item->kind]++;
	counts->lost += item->kind == SLUICE_TRACE_LOST ? item->lost : 0;
	if (item->kind == SLUICE_TRACE_SAMPLES)
		return count_samples(counts, item);
	if (item->kind == SLUICE_TRACE_META &&
	    (json_object_size(counts->meta) < META_MAX || json_object_get(counts->meta, item->key)))
		/* Text of strangers: left out when it is no UTF-8. */
		json_object_set_new(counts->meta, item->key, json_string(item->text));
	if (item->kind == SLUICE_TRACE_TIERS) {
		counts->tier_count = item->count;
		memcpy(counts->tiers, item->tier_list, item->count * sizeof(*item->tier_list));
	}
	if (item->kind != SLUICE_TRACE_PROCESS && item->kind != SLUICE_TRACE_SPANS &&
	    item->kind != SLUICE_TRACE_MOVES)
		return 0;
	r = find_process(counts, item->pid, &process);
	if (r < 0)
		return r;
	if (item->kind == SLUICE_TRACE_PROCESS)
		snprintf(process->name, sizeof(process->name), "%s", item->text);
	if (item->kind == SLUICE_TRACE_SPANS) {
		uint64_t bytes = 0;

		for (size_t i = 0; i < item->count; i++)
			bytes += item->spans[i].end - item->spans[i].start;
		if (bytes > process->mapped_bytes)
			process->mapped_bytes = bytes;
	}
	if (item->kind != SLUICE_TRACE_MOVES)
		return 0;
	counts->move_ns += item->took_ns;
	process->moves += item->count;
	for (size_t i = 0; i < item->count; i++) {
		counts->outcomes[item->moves[i].outcome]++;
		if (item->moves[i].outcome == SLUICE_TRACE_MOVED)
			process->moved_bytes += item->moves[i].bytes;
	}
	return 0;
}

static json_t *
processes_json(const struct counts *counts)
{
	json_t *list = json_array();

	for (size_t i = 0; i < counts->process_count; i++) {
		const struct process *process = &counts->processes[i];

		json_array_append_new(list,
				      json_pack("{s:i, s:o, s:I, s:I, s:I, s:I}", "pid",
						(int)process->pid, "name", json_text(process->name),
						"samples", (json_int_t)process->samples,
						"mapped_bytes", (json_int_t)process->mapped_bytes,
						"moves", (json_int_t)process->moves, "moved_bytes",
						(json_int_t)process->moved_bytes));
	}
	return list;
}

static json_t *
kinds_json(const uint64_t *counts, size_t count, const char *(*name)(uint32_t kind))
{
	json_t *object = json_object();

	for (uint32_t i = 0; i < count; i++) {
		if (counts[i])
			json_object_set_new(object, name(i), json_integer((json_int_t)counts[i]));
	}
	return object;
}

static json_t *
tiers_json(const struct counts *counts)
{
	json_t *list = json_array();

	for (size_t i = 0; i < counts->tier_count; i++)
		json_array_append_new(
			list, json_pack("{s:I, s:I, s:i}", "total_bytes",
					(json_int_t)counts->tiers[i].total_bytes, "free_bytes",
					(json_int_t)counts->tiers[i].free_bytes, "latency_ns",
					(int)counts->tiers[i].latency_ns));
	return list;
}

static json_t *
info_json(struct counts *counts, const struct sluice_trace_info *info, const char *path)
{
	double seconds = (double)(info->last_ns - info->first_ns) / 1e9;
	double samples = 0;
	json_t *object;

	for (size_t i = 0; i < SLUICE_TRACE_SAMPLE_KINDS; i++)
		samples += (double)counts->samples[i];
	object = json_pack(
		"{s:b, s:o, s:i, s:b, s:I, s:I, s:I, s:f, s:I, s:I, s:I, s:I, s:f, s:O}", "ok", 1,
		"file", json_text(path), "version", (int)info->version, "whole",
		(int)info->is_whole, "file_bytes", (json_int_t)info->file_bytes, "raw_bytes",
		(json_int_t)info->raw_bytes, "blocks", (json_int_t)info->blocks, "seconds", seconds,
		"samples", (json_int_t)samples, "lost_samples", (json_int_t)counts->lost,
		"damaged_bytes", (json_int_t)info->damaged_bytes, "tail_bytes",
		(json_int_t)info->tail_bytes, "read_seconds", counts->read_s, "meta", counts->meta);
	if (!object)
		return NULL;
	json_object_set_new(object, "samples_per_s",
			    seconds > 0 ? json_real(samples / seconds) : json_null());
	json_object_set_new(object, "bytes_per_sample",
			    samples > 0 ? json_real((double)info->file_bytes / samples)
					: json_null());
	json_object_set_new(
		object, "items",
		kinds_json(counts->items, SLUICE_TRACE_ITEM_KINDS, sluice_trace_item_kind_name));
	json_object_set_new(object, "sample_kinds",
			    kinds_json(counts->samples, SLUICE_TRACE_SAMPLE_KINDS,
				       sluice_trace_sample_kind_name));
	json_object_set_new(object, "processes", processes_json(counts));
	json_object_set_new(object, "tiers", tiers_json(counts));
	return object;
}

int
trace_info_read(struct sluice_trace_reader *reader, const char *path, json_t **ret,
		struct sluice_err *reterr)
{
	struct counts *counts = calloc(1, sizeof(*counts));
	const struct sluice_trace_item *item;
	struct sluice_trace_info info;
	uint64_t began = clock_now_ns();
	int r = 0;

	if (!counts)
		return sluice_fail(reterr, -ENOMEM, "out of memory");
	counts->meta = json_object();
	while (r == 0 && (r = sluice_trace_next(reader, &item, reterr)) == 1) {
		r = count_item(counts, item);
		if (r == -E2BIG)
			sluice_fail(reterr, r, "'%s' has more than %u processes", path,
				    PID_LIST_MAX);
		else if (r < 0)
			sluice_fail(reterr, r, "out of memory");
	}
	counts->read_s = (double)(clock_now_ns() - began) / 1e9;
	sluice_trace_get_info(reader, &info);
	if (r == 0) {
		*ret = info_json(counts, &info, path);
		if (!*ret)
			r = sluice_fail(reterr, -ENOMEM, "out of memory");
	}
	json_decref(counts->meta);
	free(counts->processes);
	pid_list_free(&counts->list);
	free(counts);
	return r;
}

static void
print_kinds(const json_t *kinds, FILE *stream)
{
	const char *key, *between = "";
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)kinds, key, value) {
		fprintf(stream, "%s%lld %s", between, (long long)json_integer_value(value), key);
		between = ", ";
	}
	fputs(between[0] ? "\n" : "none\n", stream);
}

static void
print_meta(const json_t *meta, FILE *stream)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)meta, key, value) {
		char text[512];

		snprintf(text, sizeof(text), "%-11.63s %.400s", key, json_string_value(value));
		fprintf(stream, "%s\n", text_plain(text));
	}
}

static void
print_processes(const json_t *info, FILE *stream)
{
	static const char *const headings[] = {"PID", "<NAME", "SAMPLES", "MAPPED", "MOVED", NULL};
	struct text_table *table = text_table_new(headings);
	const json_t *processes = json_object_get(info, "processes");

	for (size_t i = 0; table && i < json_array_size(processes); i++) {
		const json_t *process = json_array_get(processes, i);
		char pid[16], samples[24], mapped[16], moved[16];
		const char *cells[] = {pid, text_of(process, "name"), samples, mapped, moved, NULL};

		snprintf(pid, sizeof(pid), "%.0f", number_of(process, "pid"));
		snprintf(samples, sizeof(samples), "%.0f", number_of(process, "samples"));
		format_size((uint64_t)number_of(process, "mapped_bytes"), mapped, sizeof(mapped));
		format_size((uint64_t)number_of(process, "moved_bytes"), moved, sizeof(moved));
		text_table_row(table, cells);
	}
	if (table)
		text_table_print(table, stream);
}

void
trace_info_print(const json_t *info, FILE *stream)
{
	double bytes = number_of(info, "file_bytes"), samples = number_of(info, "samples");
	char size[16], tail[16];

	fprintf(stream, "format      version %.0f, %.0f blocks, %s", number_of(info, "version"),
		number_of(info, "blocks"), format_size((uint64_t)bytes, size, sizeof(size)));
	if (!json_is_true(json_object_get(info, "whole")))
		fprintf(stream,
			"; not finished: cut off, or still being written (%s behind the last "
			"whole block)",
			format_size((uint64_t)number_of(info, "tail_bytes"), tail, sizeof(tail)));
	fprintf(stream, "\ntime        %.3f s\n", number_of(info, "seconds"));
	fprintf(stream, "samples     %.0f", samples);
	if (samples > 0)
		fprintf(stream, ", %.0f a second, %.2f bytes each",
			number_of(info, "samples_per_s"), number_of(info, "bytes_per_sample"));
	if (number_of(info, "lost_samples") > 0)
		fprintf(stream, "; %.0f were lost", number_of(info, "lost_samples"));
	fputs("\nof these    ", stream);
	print_kinds(json_object_get(info, "sample_kinds"), stream);
	fputs("items       ", stream);
	print_kinds(json_object_get(info, "items"), stream);
	print_meta(json_object_get(info, "meta"), stream);
	if (number_of(info, "damaged_bytes") > 0)
		fprintf(stream, "DAMAGED     %.0f bytes cannot be read\n",
			number_of(info, "damaged_bytes"));
	print_processes(info, stream);
}
