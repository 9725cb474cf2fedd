/* SPDX-License-Identifier: Apache-2.0 */
/*
 * damo_json.c - see damo_json.h. A recording is a list of records, one a target, each a list of
 * snapshots, one an aggregation:
 *
 *     [ { "kdamond_idx": 0, "context_idx": 0, "target_id": 0,
 *         "intervals": { "sample_us": "5000", "aggr_us": "100000", ... },
 *         "snapshots": [ { "start_time": "539809434100", "end_time": "539914032967",
 *             "regions": [ { "start": "94,827,419,009,024", "end": "94,827,423,150,080",
 *                            "nr_accesses": { "samples": 3, "percent": null }, ... } ],
 *             "sample_interval_us": null, ... } ] } ]
 *
 * Which members there are differs between versions, and their order is nobody's promise; what is
 * not known here is passed over. Numbers are numbers or texts, with commas or units where `damo
 * report access --json` wrote it for people.
 */
#include "damo_json.h"

#include <errno.h>
#include <string.h>

#include "damo_words.h"
#include "import_bytes.h"
#include "json_pull.h"

struct reader {
	struct import *import;
	struct damo_snapshots *snapshots;
	struct import_bytes *bytes;
	struct json_pull pull;
	struct sluice_err *reterr;
};

static int
bad(struct reader *reader, const char *what)
{
	const char *problem = import_bytes_problem(reader->bytes);

	reader->import->stats.lines = reader->pull.line;
	if (problem)
		return import_bad(reader->import, reader->reterr, "%s", problem);
	if (reader->pull.why)
		return import_bad(reader->import, reader->reterr, "this is no JSON: %s",
				  reader->pull.why);
	return import_bad(reader->import, reader->reterr, "%s", what);
}

static int
skip(struct reader *reader, enum json_pull_token token)
{
	return json_pull_skip(&reader->pull, token) < 0 ? bad(reader, "") : 0;
}

/* What a member holds: *ret_text is NULL when it is null. */
static int
read_word(struct reader *reader, const char **ret_text, const char *what)
{
	enum json_pull_token token = json_pull_next(&reader->pull);

	if (token != JSON_PULL_TEXT && token != JSON_PULL_NUMBER && token != JSON_PULL_NULL)
		return bad(reader, what);
	*ret_text = token == JSON_PULL_NULL ? NULL : reader->pull.text;
	return 0;
}

static int
read_whole(struct reader *reader, uint64_t *ret, const char *what)
{
	const char *text = NULL;
	int r = read_word(reader, &text, what);

	if (r == 0 && text && !damo_whole(text, ret))
		r = bad(reader, what);
	return r;
}

static int
read_time(struct reader *reader, double unit_ns, uint64_t *ret_ns, int *ret_has, const char *what)
{
	const char *text = NULL;
	int r = read_word(reader, &text, what);

	if (r == 0 && text && !damo_duration(text, unit_ns, ret_ns))
		r = bad(reader, what);
	*ret_has |= r == 0 && text;
	return r;
}

/* Members of an object, one at a call: 1 and pull.text is the key, 0 the end, -errno. */
static int
next_member(struct reader *reader)
{
	enum json_pull_token token = json_pull_next(&reader->pull);

	if (token == JSON_PULL_OBJECT_END)
		return 0;
	return token == JSON_PULL_KEY ? 1 : bad(reader, "");
}

static int
is_key(const struct reader *reader, const char *key)
{
	return strcmp(reader->pull.text, key) == 0;
}

/* Each element of an array that is to be one of objects. null is an array of none. */
static int
read_objects(struct reader *reader, int (*read)(struct reader *reader, void *ctx), void *ctx,
	     const char *what)
{
	enum json_pull_token token = json_pull_next(&reader->pull);
	int r = 0;

	if (token == JSON_PULL_NULL)
		return 0;
	if (token != JSON_PULL_ARRAY)
		return bad(reader, what);
	while (r == 0) {
		token = json_pull_next(&reader->pull);
		if (token == JSON_PULL_ARRAY_END)
			return 0;
		r = token == JSON_PULL_OBJECT ? read(reader, ctx) : bad(reader, what);
	}
	return r;
}

/* {"samples": 3, "percent": null}: what either tells. Negative samples are those of a made-up
 * snapshot, by which damo keeps the length of the one before. */
static int
read_accesses(struct reader *reader, struct damo_region *region, int *ret_has)
{
	static const char what[] = "nr_accesses is not {\"samples\": .., \"percent\": ..}";
	int r;

	if (json_pull_next(&reader->pull) != JSON_PULL_OBJECT)
		return bad(reader, what);
	while ((r = next_member(reader)) == 1) {
		int is_samples = is_key(reader, "samples");
		const char *text = NULL;
		double number = 0;

		if (!is_samples && !is_key(reader, "percent")) {
			r = skip(reader, json_pull_next(&reader->pull));
		} else {
			r = read_word(reader, &text, what);
			if (r == 0 && text && text[0] != '-' && !damo_number(text, &number))
				r = bad(reader, what);
			if (r == 0 && text && (is_samples || !*ret_has)) {
				region->seen = (float)(is_samples ? number : number / 100);
				region->is_share = !is_samples;
				*ret_has = 1;
			}
		}
		if (r < 0)
			break;
	}
	return r;
}

static int
read_region(struct reader *reader, void *unused)
{
	struct damo_region region = {0};
	int has_accesses = 0, r;

	(void)unused;
	while ((r = next_member(reader)) == 1) {
		if (is_key(reader, "start"))
			r = read_whole(reader, &region.start, "a region's start is no address");
		else if (is_key(reader, "end"))
			r = read_whole(reader, &region.end, "a region's end is no address");
		else if (is_key(reader, "nr_accesses"))
			r = read_accesses(reader, &region, &has_accesses);
		else
			r = skip(reader, json_pull_next(&reader->pull));
		if (r < 0)
			break;
	}
	if (r < 0 || (!region.start && !region.end))
		return r;
	if (!damo_is_range(region.start, region.end))
		return bad(reader, "a region is no range of pages");
	if (!has_accesses)
		return bad(reader, "a region without nr_accesses");
	if (damo_snapshots_region(reader->snapshots, &region) < 0)
		return sluice_fail(reader->reterr, -EIO, "the temporary file cannot be written: %s",
				   strerror(errno));
	return 0;
}

static int
read_snapshot(struct reader *reader, void *unused)
{
	uint64_t start_ns = 0, end_ns = 0, look_ns = 0;
	int has_start = 0, has_end = 0, has_look = 0, r;

	(void)unused;
	while ((r = next_member(reader)) == 1) {
		if (is_key(reader, "start_time"))
			r = read_time(reader, 1, &start_ns, &has_start, "start_time is no time");
		else if (is_key(reader, "end_time"))
			r = read_time(reader, 1, &end_ns, &has_end, "end_time is no time");
		else if (is_key(reader, "sample_interval_us"))
			r = read_time(reader, 1e3, &look_ns, &has_look,
				      "sample_interval_us is no time");
		else if (is_key(reader, "regions"))
			r = read_objects(reader, read_region, NULL,
					 "regions is no list of regions");
		else
			r = skip(reader, json_pull_next(&reader->pull));
		if (r < 0)
			return r;
	}
	if (r < 0)
		return r;
	if (!has_start || !has_end || end_ns <= start_ns)
		return bad(reader, "a snapshot whose end_time is not after its start_time");
	if (damo_snapshots_end(reader->snapshots, 0, start_ns, end_ns, look_ns) < 0)
		return sluice_fail(reader->reterr, -ENOMEM, "out of memory");
	return 0;
}

static int
read_intervals(struct reader *reader, uint64_t *ret_look_ns)
{
	static const char what[] = "intervals is no object";
	enum json_pull_token token = json_pull_next(&reader->pull);
	int has = 0, r;

	if (token == JSON_PULL_NULL)
		return 0;
	if (token != JSON_PULL_OBJECT)
		return bad(reader, what);
	while ((r = next_member(reader)) == 1) {
		r = is_key(reader, "sample_us")
			    ? read_time(reader, 1e3, ret_look_ns, &has, "sample_us is no time")
			    : skip(reader, json_pull_next(&reader->pull));
		if (r < 0)
			break;
	}
	return r;
}

static int
read_record(struct reader *reader, void *unused)
{
	size_t before = damo_snapshots_count(reader->snapshots);
	struct damo_target target = {0};
	uint64_t look_ns = 0;
	int32_t pid;
	int r, is_record = 0;

	(void)unused;
	while ((r = next_member(reader)) == 1) {
		if (is_key(reader, "target_id"))
			r = read_whole(reader, &target.target, "target_id is no number");
		else if (is_key(reader, "kdamond_idx"))
			r = read_whole(reader, &target.kdamond, "kdamond_idx is no number");
		else if (is_key(reader, "context_idx"))
			r = read_whole(reader, &target.context, "context_idx is no number");
		else if (is_key(reader, "intervals"))
			r = read_intervals(reader, &look_ns);
		else if (is_key(reader, "snapshots")) {
			is_record = 1;
			r = read_objects(reader, read_snapshot, NULL,
					 "snapshots is no list of snapshots");
		} else
			r = skip(reader, json_pull_next(&reader->pull));
		if (r < 0)
			return r;
	}
	if (r < 0)
		return r;
	if (!is_record)
		return bad(reader, "a record without snapshots: damo's recordings have them");
	if (damo_snapshots_pid(reader->snapshots, &target, &pid) < 0)
		return bad(reader, "more targets than can be told apart");
	damo_snapshots_tell(reader->snapshots, before, pid, look_ns);
	return 0;
}

int
damo_json_read(struct import *import, int is_compressed, struct damo_snapshots *snapshots,
	       struct sluice_err *reterr)
{
	struct reader reader = {.import = import, .snapshots = snapshots, .reterr = reterr};
	int r;

	reader.bytes = import_bytes_new(import->in, is_compressed);
	if (!reader.bytes)
		return sluice_fail(reterr, -ENOMEM, "out of memory");
	json_pull_begin(&reader.pull, import_bytes_next, reader.bytes);
	r = read_objects(&reader, read_record, NULL, "this is no list of damo's records");
	if (r == 0 && json_pull_next(&reader.pull) != JSON_PULL_END)
		r = bad(&reader, "");
	/* Its end was reached, or so it seemed. */
	if (r == 0 && import_bytes_problem(reader.bytes))
		r = bad(&reader, "");
	import->stats.lines = reader.pull.line;
	import_bytes_free(reader.bytes);
	return r;
}
