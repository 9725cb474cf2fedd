/* SPDX-License-Identifier: Apache-2.0 */
/*
 * import_damo.c - lines of `damo report raw`:
 *
 *     base_time_absolute: 8 m 59.809 s
 *
 *     monitoring_start:                0 ns
 *     monitoring_end:            104.599 ms
 *     monitoring_duration:       104.599 ms
 *     target_id: 0
 *     nr_regions: 3
 *     563ebaa00000-563ebc99e000(  31.617 MiB):        1
 *     7f938d7e1000-7f938ddfc000(   6.105 MiB):        0       12
 *
 * Of each aggregation: when, and of each region how often it was seen accessed (and perhaps its
 * age). Which process a target is, is not told.
 */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "import_lines.h"

#define LOOK_NS 5e6
#define PAGE_MASK (SLUICE_TRACE_PAGE_BYTES - 1u)

struct damo {
	struct import import;
	int32_t first_pid, pid;
	int has_start, has_end;
	uint64_t start_ns, end_ns;
	uint64_t regions_left;
	int counts_regions; /* told how many there are */
};

/* "8 m 59.809 s", "104.599 ms", "0 ns", "1 h 2 m 3 s". */
static int
read_duration(const char *text, uint64_t *ret_ns)
{
	static const struct {
		const char *unit;
		double ns;
	} units[] = {{"ns", 1},       {"us", 1e3},       {"ms", 1e6},       {"s", 1e9},
		     {"m", 60 * 1e9}, {"h", 3600 * 1e9}, {"d", 86400 * 1e9}};
	double sum = 0;
	int parts = 0;

	for (;;) {
		char *end;
		double number;
		size_t i = 0, len;

		while (isspace((unsigned char)*text))
			text++;
		if (!*text)
			break;
		if (!isdigit((unsigned char)*text))
			return 0;
		number = strtod(text, &end);
		while (*end == ' ' || *end == ',')
			end++;
		len = strcspn(end, " \t");
		while (i < 7 &&
		       (strlen(units[i].unit) != len || strncmp(units[i].unit, end, len) != 0))
			i++;
		if (i == 7)
			return 0;
		sum += number * units[i].ns;
		text = end + len;
		parts++;
	}
	if (!parts || !(sum >= 0 && sum < 1e18))
		return 0;
	*ret_ns = (uint64_t)sum;
	return 1;
}

/* The text behind "key:", or NULL: it is something else. */
static const char *
value_of(const char *line, const char *key)
{
	size_t len = strlen(key);

	return strncmp(line, key, len) == 0 && line[len] == ':' ? line + len + 1 : NULL;
}

/* DAMON looks every 5 ms, if nothing else was set, whether a page was accessed since: of all looks
 * so many saw that, so with accesses at random there were so many. */
static float
accesses_of(uint64_t seen, double duration_ns)
{
	double looks = duration_ns / LOOK_NS, share, most;

	if (looks < 1)
		looks = 1;
	most = 1 - 0.5 / looks;
	share = (double)seen / looks;
	return (float)(looks * -log(1 - (share < most ? share : most)));
}

static int
take_region(struct damo *damo, struct sluice_err *reterr)
{
	struct import *import = &damo->import;
	const char *at = import->line + strspn(import->line, " \t");
	struct sluice_trace_sample sample = {.kind = SLUICE_TRACE_RATE, .pid = damo->pid};
	uint64_t start, end, accesses;

	if (!import_hex(&at, &start) || *at != '-' || (at++, !import_hex(&at, &end)))
		return import_bad(import, reterr,
				  "'%.60s' is neither a region nor one of the lines of 'damo "
				  "report raw'",
				  import->line);
	at += strspn(at, " \t");
	if (*at == '(') {
		at = strchr(at, ')');
		at = at ? at + 1 : "";
	}
	at += strspn(at, ": \t");
	if (!import_decimal(&at, &accesses) || (*at && !isspace((unsigned char)*at)))
		return import_bad(import, reterr, "no number of accesses in '%.60s'", import->line);
	if (end <= start || ((start | end) & PAGE_MASK) || end >> 57)
		return import_bad(import, reterr, "'%.60s' is no range of pages", import->line);
	if (!damo->has_start || !damo->has_end || damo->end_ns <= damo->start_ns)
		return import_bad(import, reterr,
				  "a region before the times of its aggregation "
				  "(monitoring_start, monitoring_end)");
	if (damo->counts_regions && damo->regions_left-- == 0)
		return import_bad(import, reterr, "more regions than nr_regions said");
	sample.addr = start;
	sample.len_bytes = end - start;
	sample.time_ns = IMPORT_EARLIEST_NS + damo->end_ns;
	sample.exposure_s = (float)((double)(damo->end_ns - damo->start_ns) / 1e9);
	sample.events = accesses_of(accesses, (double)(damo->end_ns - damo->start_ns));
	return import_sample(import, &sample) < 0 ? sluice_fail(reterr, -ENOMEM, "out of memory")
						  : 0;
}

static int
take_line(struct damo *damo, struct sluice_err *reterr)
{
	struct import *import = &damo->import;
	const char *line = import->line, *value;
	uint64_t number;

	if (!line[strspn(line, " \t")] || line[0] == '#')
		return 0;
	if (value_of(line, "base_time_absolute"))
		return 0;
	if ((value = value_of(line, "monitoring_start")) != NULL) {
		damo->has_start = read_duration(value, &damo->start_ns);
		damo->has_end = damo->counts_regions = 0;
		return damo->has_start ? 0
				       : import_bad(import, reterr, "'%.60s' is no time", value);
	}
	if ((value = value_of(line, "monitoring_end")) != NULL) {
		damo->has_end = read_duration(value, &damo->end_ns);
		return damo->has_end ? 0 : import_bad(import, reterr, "'%.60s' is no time", value);
	}
	if (value_of(line, "monitoring_duration"))
		return 0;
	if ((value = value_of(line, "target_id")) != NULL) {
		/* Old ones are kernel pointers; the new ones count from 0. */
		value += strspn(value, " \t");
		if (!import_decimal(&value, &number))
			return import_bad(import, reterr, "'%.60s' is no target", line);
		damo->pid = number < 65536 ? damo->first_pid + (int32_t)number : damo->first_pid;
		return 0;
	}
	if ((value = value_of(line, "nr_regions")) != NULL) {
		value += strspn(value, " \t");
		if (!import_decimal(&value, &damo->regions_left))
			return import_bad(import, reterr, "'%.60s' is no number of regions", line);
		damo->counts_regions = 1;
		return 0;
	}
	return take_region(damo, reterr);
}

int
import_damo(FILE *in, const char *name, const struct import_options *options,
	    struct sluice_trace_writer *writer, struct import_stats *ret, struct sluice_err *reterr)
{
	struct damo *damo = calloc(1, sizeof(*damo));
	int r;

	if (!damo)
		return sluice_fail(reterr, -ENOMEM, "out of memory");
	damo->first_pid = options->pid > 0 && options->pid < INT32_MAX - 65536 ? options->pid : 1;
	damo->pid = damo->first_pid;
	r = import_begin(&damo->import, in, name, writer, "damon", reterr);
	while (r == 0 && (r = import_line(&damo->import, reterr)) == 1)
		r = take_line(damo, reterr);
	r = import_end(&damo->import, r, ret, reterr);
	free(damo);
	return r;
}
