/* SPDX-License-Identifier: Apache-2.0 */
/* import_lines.c - see import_lines.h. */
#include "import_lines.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define REGION_BYTES (UINT64_C(1) << SEEN_REGION_SHIFT)
#define TELL_EVERY_NS 100000000u
/* Telling a process's memory takes all of it, so where there is much, samples wait for each other:
 * one for so many ranges. */
#define SPANS_OF_SAMPLE 16u

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
	if (!import->line)
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

static void
flush(struct import *import)
{
	if (!import->batch_count)
		return;
	/* Mappings first: samples outside of them mean nothing. */
	seen_tell(&import->seen, import->writer, import->now_ns);
	sluice_trace_write_samples(import->writer, import->now_ns, import->batch,
				   import->batch_count);
	import->batch_count = 0;
	import->told_ns = import->now_ns;
}

static int
is_due(const struct import *import, uint64_t time_ns)
{
	return import->batch_count == SLUICE_TRACE_BATCH_MAX ||
	       (time_ns > import->told_ns + TELL_EVERY_NS &&
		import->batch_count >= import->seen.fresh_spans / SPANS_OF_SAMPLE);
}

int
import_sample(struct import *import, const struct sluice_trace_sample *sample,
	      struct sluice_err *reterr)
{
	int is_place = sample->kind != SLUICE_TRACE_COUNTING, r;
	uint64_t start = sample->addr & ~(REGION_BYTES - 1);
	uint64_t last = sample->addr + (sample->len_bytes ? sample->len_bytes - 1 : 0);
	/* The very last 2 MiB have no end that could be told. */
	uint64_t end = last < UINT64_MAX - REGION_BYTES ? (last | (REGION_BYTES - 1)) + 1
							: UINT64_MAX - REGION_BYTES + 1;

	r = seen_add(&import->seen, sample->pid, start, is_place ? end : start);
	if (r == -E2BIG)
		return sluice_fail(reterr, r, "%.150s:%llu: more than %u processes", import->name,
				   (unsigned long long)import->stats.lines, PID_LIST_MAX);
	if (r < 0)
		return sluice_fail(reterr, r, "out of memory");
	if (is_due(import, sample->time_ns))
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
	seen_free(&import->seen);
	free(import->line);
	return r;
}
