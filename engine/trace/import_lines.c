/* SPDX-License-Identifier: Apache-2.0 */
/* import_lines.c - see import_lines.h. */
#include "import_lines.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define REGION_BYTES (UINT64_C(1) << 21)
#define TELL_EVERY_NS 1000000000u

/* Memory that was seen of each process, as sorted ranges of whole 2 MiB. */
struct seen_process {
	int32_t pid;
	int is_new; /* has more than was told */
	struct sluice_trace_span *spans;
	size_t count, capacity, last;
};

struct seen {
	struct seen_process *processes;
	size_t count, last;
};

int
import_bad(const struct import *import, struct sluice_err *reterr, const char *format, ...)
{
	char text[300];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	for (char *at = text; *at; at++) {
		if ((unsigned char)*at < 0x20 || *at == 0x7f)
			*at = '?';
	}
	return sluice_fail(reterr, -EBADMSG, "%.150s:%llu: %s", import->name,
			   (unsigned long long)import->stats.lines, text);
}

int
import_begin(struct import *import, FILE *in, const char *name, struct sluice_trace_writer *writer,
	     const char *tool, struct sluice_err *reterr)
{
	memset(import, 0, sizeof(*import));
	import->in = in;
	import->name = name;
	import->writer = writer;
	import->line = malloc(IMPORT_LINE_BYTES);
	import->seen = calloc(1, sizeof(*import->seen));
	if (!import->line || !import->seen)
		return sluice_fail(reterr, -ENOMEM, "out of memory");
	sluice_trace_write_meta(writer, 0, "sluice", SLUICE_VERSION);
	sluice_trace_write_meta(writer, 0, "tracker", tool);
	sluice_trace_write_meta(writer, 0, "imported", name);
	return 0;
}

int
import_line(struct import *import, struct sluice_err *reterr)
{
	size_t len;

	errno = 0;
	if (!fgets(import->line, IMPORT_LINE_BYTES, import->in)) {
		if (ferror(import->in))
			return sluice_fail(reterr, -EIO, "cannot read '%.150s' after line %llu: %s",
					   import->name, (unsigned long long)import->stats.lines,
					   strerror(errno));
		return 0;
	}
	import->stats.lines++;
	len = strlen(import->line);
	if (len == IMPORT_LINE_BYTES - 1 && import->line[len - 1] != '\n')
		return import_bad(import, reterr, "the line is longer than %d bytes",
				  IMPORT_LINE_BYTES - 2);
	while (len && (import->line[len - 1] == '\n' || import->line[len - 1] == '\r'))
		import->line[--len] = '\0';
	return 1;
}

int
import_hex(const char **text, uint64_t *ret)
{
	const char *at = *text;
	uint64_t number = 0;

	if (at[0] == '0' && (at[1] == 'x' || at[1] == 'X'))
		at += 2;
	for (*ret = 0;; at++) {
		unsigned int digit = *at >= '0' && *at <= '9'   ? (unsigned int)(*at - '0')
				     : *at >= 'a' && *at <= 'f' ? (unsigned int)(*at - 'a') + 10
				     : *at >= 'A' && *at <= 'F' ? (unsigned int)(*at - 'A') + 10
								: 16;

		if (digit == 16)
			break;
		if (number >> 60)
			return 0;
		number = number << 4 | digit;
		*ret = number;
	}
	if (at == *text)
		return 0;
	*text = at;
	return 1;
}

int
import_decimal(const char **text, uint64_t *ret)
{
	const char *at = *text;
	uint64_t number = 0;

	for (; *at >= '0' && *at <= '9'; at++) {
		if (number > (UINT64_MAX - 9) / 10)
			return 0;
		number = number * 10 + (uint64_t)(*at - '0');
	}
	if (at == *text)
		return 0;
	*ret = number;
	*text = at;
	return 1;
}

int
import_time(const char **text, uint64_t *ret_ns)
{
	const char *at = *text;
	uint64_t seconds, ns = 0, unit = 100000000;

	if (!import_decimal(&at, &seconds) || *at != '.' || seconds > 4000000000u)
		return 0;
	at++;
	if (*at < '0' || *at > '9')
		return 0;
	for (; *at >= '0' && *at <= '9'; at++) {
		ns += unit * (uint64_t)(*at - '0');
		unit /= 10;
	}
	*ret_ns = seconds * 1000000000u + ns;
	*text = at;
	return 1;
}

/* ---- Memory that was seen ---- */

static struct seen_process *
find_process(struct seen *seen, int32_t pid)
{
	struct seen_process *grown;

	if (seen->count && seen->processes[seen->last].pid == pid)
		return &seen->processes[seen->last];
	for (seen->last = 0; seen->last < seen->count; seen->last++) {
		if (seen->processes[seen->last].pid == pid)
			return &seen->processes[seen->last];
	}
	grown = realloc(seen->processes, (seen->count + 1) * sizeof(*grown));
	if (!grown)
		return NULL;
	seen->processes = grown;
	grown[seen->count] = (struct seen_process){.pid = pid};
	return &grown[seen->count++];
}

/* The first range that ends after the address, or count. */
static size_t
find_span(const struct seen_process *process, uint64_t addr)
{
	size_t low = 0, count = process->count;

	while (count > 0) {
		size_t half = count / 2;

		if (process->spans[low + half].end > addr) {
			count = half;
		} else {
			low += half + 1;
			count -= half + 1;
		}
	}
	return low;
}

/* Whole 2 MiB more, which join those that they touch. */
static int
see_range(struct seen_process *process, uint64_t start, uint64_t end)
{
	struct sluice_trace_span *spans = process->spans;
	size_t i = process->last, past;

	if (i < process->count && spans[i].start <= start && end <= spans[i].end)
		return 0;
	i = process->last = find_span(process, start ? start - 1 : 0);
	for (past = i; past < process->count && spans[past].start <= end; past++) {
		if (spans[past].start <= start && end <= spans[past].end)
			return 0;
		start = spans[past].start < start ? spans[past].start : start;
		end = spans[past].end > end ? spans[past].end : end;
	}
	if (past == i && process->count == SLUICE_TRACE_SPANS_MAX)
		return 0; /* the rest is outside of all mappings */
	process->is_new = 1;
	if (past == i && process->count == process->capacity) {
		size_t capacity = process->capacity * 2 + 16;

		spans = realloc(spans, capacity * sizeof(*spans));
		if (!spans)
			return -ENOMEM;
		process->spans = spans;
		process->capacity = capacity;
	}
	if (i < process->count)
		memmove(&spans[i + 1], &spans[past], (process->count - past) * sizeof(*spans));
	process->count = process->count - (past - i) + 1;
	spans[i] = (struct sluice_trace_span){start, end};
	return 0;
}

static void
tell_seen(struct import *import)
{
	for (size_t i = 0; i < import->seen->count; i++) {
		struct seen_process *process = &import->seen->processes[i];

		if (!process->is_new)
			continue;
		sluice_trace_write_process(import->writer, import->now_ns, process->pid, "");
		sluice_trace_write_spans(import->writer, import->now_ns, process->pid,
					 process->spans, process->count);
		process->is_new = 0;
	}
}

static void
flush(struct import *import)
{
	if (!import->batch_count)
		return;
	/* Mappings first: samples outside of them mean nothing. */
	tell_seen(import);
	sluice_trace_write_samples(import->writer, import->now_ns, import->batch,
				   import->batch_count);
	import->batch_count = 0;
	import->told_ns = import->now_ns;
}

int
import_sample(struct import *import, const struct sluice_trace_sample *sample)
{
	struct seen_process *process = find_process(import->seen, sample->pid);
	uint64_t start = sample->addr & ~(REGION_BYTES - 1);
	uint64_t last = sample->addr + (sample->len_bytes ? sample->len_bytes - 1 : 0);
	/* The very last 2 MiB have no end that could be told. */
	uint64_t end = last < UINT64_MAX - REGION_BYTES ? (last | (REGION_BYTES - 1)) + 1
							: UINT64_MAX - REGION_BYTES + 1;

	if (!process || (sample->kind != SLUICE_TRACE_COUNTING && start < end &&
			 see_range(process, start, end) < 0))
		return -ENOMEM;
	if (import->batch_count == SLUICE_TRACE_BATCH_MAX ||
	    sample->time_ns > import->told_ns + TELL_EVERY_NS / 10)
		flush(import);
	import->batch[import->batch_count++] = *sample;
	if (sample->time_ns > import->now_ns)
		import->now_ns = sample->time_ns;
	import->stats.samples++;
	return 0;
}

int
import_end(struct import *import, int r, struct import_stats *ret, struct sluice_err *reterr)
{
	flush(import);
	*ret = import->stats;
	if (r == 0 && !import->stats.samples)
		r = sluice_fail(reterr, -ENODATA, "'%.150s' has no samples in %llu lines",
				import->name, (unsigned long long)import->stats.lines);
	for (size_t i = 0; import->seen && i < import->seen->count; i++)
		free(import->seen->processes[i].spans);
	if (import->seen)
		free(import->seen->processes);
	free(import->seen);
	free(import->line);
	return r;
}
