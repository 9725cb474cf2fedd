/* SPDX-License-Identifier: Apache-2.0 */
/*
 * import_damo.c - recordings of damo. As JSON, compressed or not, they are `damo record`'s own
 * (damo_json.h). As lines they are of `damo report access --raw_form`, before of `damo report raw`:
 *
 *     base_time_absolute: 8 m 59.809 s
 *     data source: unknown
 *
 *     monitoring_start:                0 ns
 *     monitoring_end:            104.599 ms
 *     monitoring_duration:       104.599 ms
 *     target_id: 0
 *     nr_regions: 3
 *     # start_addr     end_addr        length  nr_accesses   age
 *     563ebaa00000-563ebc99e000(  31.617 MiB):        1
 *     7f938d7e1000-7f938ddfc000 (   6.105 MiB)            0       12
 *
 * Of each aggregation: when, and of each region how often it was seen accessed (and perhaps its
 * age). Which process a target is, no form tells.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "damo_json.h"
#include "damo_snapshots.h"
#include "damo_words.h"
#include "import_lines.h"

struct damo {
	struct import import;
	struct damo_snapshots *snapshots;
	int32_t pid; /* of the snapshot under way */
	int has_start, has_end;
	uint64_t base_ns, start_ns, end_ns;
	uint64_t regions, regions_left;
	int counts_regions; /* told how many there are */
};

/* The text behind "key:", or NULL: it is something else. */
static const char *
value_of(const char *line, const char *key)
{
	size_t len = strlen(key);

	return strncmp(line, key, len) == 0 && line[len] == ':' ? line + len + 1 : NULL;
}

/* A snapshot ends where the next begins. */
static int
end_snapshot(struct damo *damo, struct sluice_err *reterr)
{
	struct damo_target none = {0};

	/* It may have been told of which target they are, or not. */
	if (damo->regions && !damo->pid)
		damo_snapshots_pid(damo->snapshots, &none, &damo->pid);
	if (damo->regions &&
	    damo_snapshots_end(damo->snapshots, damo->pid, damo->base_ns + damo->start_ns,
			       damo->base_ns + damo->end_ns, 0) < 0)
		return sluice_fail(reterr, -ENOMEM, "out of memory");
	damo->regions = 0;
	return 0;
}

static int
take_region(struct damo *damo, struct sluice_err *reterr)
{
	struct import *import = &damo->import;
	const char *at = import->line + strspn(import->line, " \t");
	struct damo_region region = {0};
	uint64_t accesses;

	if (!import_hex(&at, &region.start) || *at != '-' || (at++, !import_hex(&at, &region.end)))
		return import_bad(import, reterr,
				  "'%.60s' is neither a region nor one of the lines of 'damo "
				  "report access --raw_form'",
				  import->line);
	at += strspn(at, " \t");
	if (*at == '(') {
		at = strchr(at, ')');
		at = at ? at + 1 : "";
	}
	at += strspn(at, ": \t");
	if (!import_decimal(&at, &accesses) || (*at && !isspace((unsigned char)*at)))
		return import_bad(import, reterr, "no number of accesses in '%.60s'", import->line);
	if (!damo_is_range(region.start, region.end))
		return import_bad(import, reterr, "'%.60s' is no range of pages", import->line);
	if (!damo->has_start || !damo->has_end || damo->end_ns <= damo->start_ns)
		return import_bad(import, reterr,
				  "a region before the times of its aggregation "
				  "(monitoring_start, monitoring_end)");
	if (damo->counts_regions && damo->regions_left-- == 0)
		return import_bad(import, reterr, "more regions than nr_regions said");
	region.seen = (float)accesses;
	if (damo_snapshots_region(damo->snapshots, &region) < 0)
		return sluice_fail(reterr, -EIO, "the temporary file cannot be written: %s",
				   strerror(errno));
	damo->regions++;
	return 0;
}

/* "0", a kernel's pointer of old versions, or "None". */
static int
take_target(struct damo *damo, const char *value, struct sluice_err *reterr)
{
	struct damo_target target = {0};

	if (!damo_whole(value, &target.target) && strcmp(value + strspn(value, " \t"), "None") != 0)
		return import_bad(&damo->import, reterr, "'%.60s' is no target", value);
	if (damo_snapshots_pid(damo->snapshots, &target, &damo->pid) < 0)
		return import_bad(&damo->import, reterr, "more targets than can be told apart");
	return 0;
}

static int
take_start(struct damo *damo, const char *value, struct sluice_err *reterr)
{
	int r = end_snapshot(damo, reterr);

	damo->has_start = damo_duration(value, 1, &damo->start_ns);
	damo->has_end = damo->counts_regions = 0;
	if (r == 0 && !damo->has_start)
		r = import_bad(&damo->import, reterr, "'%.60s' is no time", value);
	return r;
}

static int
take_line(struct damo *damo, struct sluice_err *reterr)
{
	struct import *import = &damo->import;
	const char *line = import->line, *value;

	if (!line[strspn(line, " \t")] || line[0] == '#')
		return 0;
	if ((value = value_of(line, "base_time_absolute")) != NULL) {
		int r = end_snapshot(damo, reterr);

		if (r == 0 && !damo_duration(value, 1, &damo->base_ns))
			r = import_bad(import, reterr, "'%.60s' is no time", value);
		return r;
	}
	if ((value = value_of(line, "monitoring_start")) != NULL)
		return take_start(damo, value, reterr);
	if ((value = value_of(line, "monitoring_end")) != NULL) {
		if (damo->regions)
			return import_bad(import, reterr, "'%.60s' comes after its regions", line);
		damo->has_end = damo_duration(value, 1, &damo->end_ns);
		return damo->has_end ? 0 : import_bad(import, reterr, "'%.60s' is no time", value);
	}
	if (value_of(line, "monitoring_duration") || value_of(line, "data source"))
		return 0;
	if ((value = value_of(line, "target_id")) != NULL)
		return take_target(damo, value, reterr);
	if ((value = value_of(line, "nr_regions")) != NULL) {
		value += strspn(value, " \t");
		if (!import_decimal(&value, &damo->regions_left))
			return import_bad(import, reterr, "'%.60s' is no number of regions", line);
		damo->counts_regions = 1;
		return 0;
	}
	return take_region(damo, reterr);
}

static int
take_lines(struct damo *damo, struct sluice_err *reterr)
{
	int r;

	while ((r = import_line(&damo->import, reterr)) == 1) {
		r = take_line(damo, reterr);
		if (r < 0)
			return r;
	}
	return r < 0 ? r : end_snapshot(damo, reterr);
}

/* Lines, JSON, or JSON that zlib or gzip compressed: the first byte tells. */
static int
take_any(struct damo *damo, struct sluice_err *reterr)
{
	FILE *in = damo->import.in;
	int first = getc(in);

	if (first != EOF)
		ungetc(first, in);
	if (first == '[' || first == '{')
		return damo_json_read(&damo->import, 0, damo->snapshots, reterr);
	if (first == 'x' || first == 0x1f)
		return damo_json_read(&damo->import, 1, damo->snapshots, reterr);
	return take_lines(damo, reterr);
}

int
import_damo(FILE *in, const char *name, const struct import_options *options,
	    struct sluice_trace_writer *writer, struct import_stats *ret, struct sluice_err *reterr)
{
	int32_t first_pid = options->pid > 0 && options->pid < INT32_MAX - 65536 ? options->pid : 1;
	struct damo *damo = calloc(1, sizeof(*damo));
	int r;

	if (!damo)
		return sluice_fail(reterr, -ENOMEM, "out of memory");
	r = import_begin(&damo->import, in, name, writer, "damon", reterr);
	if (r == 0)
		r = damo_snapshots_new(first_pid, &damo->snapshots, reterr);
	if (r == 0)
		r = take_any(damo, reterr);
	if (r == 0)
		r = damo_snapshots_import(damo->snapshots, &damo->import, reterr);
	damo_snapshots_free(damo->snapshots);
	r = import_end(&damo->import, r, ret, reterr);
	free(damo);
	return r;
}
