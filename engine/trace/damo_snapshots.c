/* SPDX-License-Identifier: Apache-2.0 */
/* damo_snapshots.c - see damo_snapshots.h. */
#include "damo_snapshots.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_NS 5000000u /* as DAMON has it, if nothing else is set */
#define TARGETS_MAX 4096
#define BATCH 512
/* A compressed recording may say a thousand times its length: 400 MB, and 12 GB of a file. */
#define SNAPSHOTS_MAX ((size_t)1 << 23)
#define REGIONS_MAX (UINT64_C(1) << 29)

struct snapshot {
	uint64_t start_ns, end_ns, look_ns;
	uint64_t first, count; /* regions in the file */
	int32_t pid;
};

struct damo_snapshots {
	FILE *file;
	uint64_t regions; /* in the file */
	uint64_t ended;   /* of them, of snapshots that have ended */
	struct snapshot *list;
	size_t count, capacity;
	int32_t first_pid;
	struct damo_target targets[TARGETS_MAX];
	size_t target_count;
};

int
damo_snapshots_new(int32_t first_pid, struct damo_snapshots **ret, struct sluice_err *reterr)
{
	struct damo_snapshots *snapshots = calloc(1, sizeof(*snapshots));

	if (!snapshots)
		return sluice_fail(reterr, -ENOMEM, "out of memory");
	snapshots->file = tmpfile();
	if (!snapshots->file) {
		free(snapshots);
		return sluice_fail(reterr, -EIO,
				   "no temporary file to put what DAMON found in order: %s",
				   strerror(errno));
	}
	snapshots->first_pid = first_pid;
	*ret = snapshots;
	return 0;
}

void
damo_snapshots_free(struct damo_snapshots *snapshots)
{
	if (!snapshots)
		return;
	fclose(snapshots->file);
	free(snapshots->list);
	free(snapshots);
}

int
damo_snapshots_pid(struct damo_snapshots *snapshots, const struct damo_target *target,
		   int32_t *ret_pid)
{
	size_t i = 0;

	while (i < snapshots->target_count && (snapshots->targets[i].kdamond != target->kdamond ||
					       snapshots->targets[i].context != target->context ||
					       snapshots->targets[i].target != target->target))
		i++;
	if (i == TARGETS_MAX)
		return -ENOSPC;
	if (i == snapshots->target_count)
		snapshots->targets[snapshots->target_count++] = *target;
	*ret_pid = snapshots->first_pid + (int32_t)i;
	return 0;
}

int
damo_snapshots_region(struct damo_snapshots *snapshots, const struct damo_region *region)
{
	if (snapshots->regions == REGIONS_MAX) {
		errno = EFBIG;
		return -EIO;
	}
	if (fwrite(region, sizeof(*region), 1, snapshots->file) != 1)
		return -EIO;
	snapshots->regions++;
	return 0;
}

int
damo_snapshots_end(struct damo_snapshots *snapshots, int32_t pid, uint64_t start_ns,
		   uint64_t end_ns, uint64_t look_ns)
{
	if (snapshots->count == SNAPSHOTS_MAX)
		return -ENOMEM;
	if (snapshots->count == snapshots->capacity) {
		size_t capacity = snapshots->capacity * 2 + 64;
		struct snapshot *list =
			realloc(snapshots->list, capacity * sizeof(*snapshots->list));

		if (!list)
			return -ENOMEM;
		snapshots->list = list;
		snapshots->capacity = capacity;
	}
	snapshots->list[snapshots->count++] =
		(struct snapshot){.start_ns = start_ns,
				  .end_ns = end_ns,
				  .look_ns = look_ns,
				  .first = snapshots->ended,
				  .count = snapshots->regions - snapshots->ended,
				  .pid = pid};
	snapshots->ended = snapshots->regions;
	return 0;
}

size_t
damo_snapshots_count(const struct damo_snapshots *snapshots)
{
	return snapshots->count;
}

void
damo_snapshots_tell(struct damo_snapshots *snapshots, size_t from, int32_t pid, uint64_t look_ns)
{
	for (size_t i = from; i < snapshots->count; i++) {
		struct snapshot *snapshot = &snapshots->list[i];

		snapshot->pid = snapshot->pid ? snapshot->pid : pid;
		snapshot->look_ns = snapshot->look_ns ? snapshot->look_ns : look_ns;
	}
}

static int
earlier_first(const void *a, const void *b)
{
	const struct snapshot *x = a, *y = b;

	if (x->end_ns != y->end_ns)
		return x->end_ns < y->end_ns ? -1 : 1;
	return x->first < y->first ? -1 : x->first > y->first;
}

/* Of all looks so many saw that a page was accessed since the one before, so with accesses at
 * random there were so many. */
static float
accesses_of(const struct damo_region *region, double looks)
{
	double share = region->is_share ? (double)region->seen : (double)region->seen / looks;
	double most = 1 - 0.5 / looks;

	return (float)(looks * -log(1 - (share < most ? share : most)));
}

static int
import_snapshot(struct damo_snapshots *snapshots, const struct snapshot *snapshot,
		uint64_t origin_ns, struct import *import, struct sluice_err *reterr)
{
	double duration_ns = (double)(snapshot->end_ns - snapshot->start_ns);
	double looks = duration_ns / (snapshot->look_ns ? (double)snapshot->look_ns : LOOK_NS);
	struct damo_region regions[BATCH];

	if (fseeko(snapshots->file, (off_t)(snapshot->first * sizeof(*regions)), SEEK_SET) < 0)
		return sluice_fail(reterr, -EIO, "the temporary file cannot be read: %s",
				   strerror(errno));
	for (uint64_t left = snapshot->count; left > 0;) {
		size_t count = left < BATCH ? (size_t)left : BATCH;

		if (fread(regions, sizeof(*regions), count, snapshots->file) != count)
			return sluice_fail(reterr, -EIO, "the temporary file cannot be read");
		left -= count;
		for (size_t i = 0; i < count; i++) {
			struct sluice_trace_sample sample = {
				.kind = SLUICE_TRACE_RATE,
				.pid = snapshot->pid,
				.addr = regions[i].start,
				.len_bytes = regions[i].end - regions[i].start,
				.time_ns = IMPORT_EARLIEST_NS + (snapshot->end_ns - origin_ns),
				.events = accesses_of(&regions[i], looks < 1 ? 1 : looks),
				.exposure_s = (float)(duration_ns / 1e9)};

			int r = import_sample(import, &sample, reterr);

			if (r < 0)
				return r;
		}
	}
	return 0;
}

int
damo_snapshots_import(struct damo_snapshots *snapshots, struct import *import,
		      struct sluice_err *reterr)
{
	uint64_t origin_ns = UINT64_MAX;
	int r = 0;

	if (fflush(snapshots->file) != 0)
		return sluice_fail(reterr, -EIO, "the temporary file cannot be written: %s",
				   strerror(errno));
	for (size_t i = 0; i < snapshots->count; i++) {
		if (snapshots->list[i].start_ns < origin_ns)
			origin_ns = snapshots->list[i].start_ns;
	}
	if (snapshots->count)
		qsort(snapshots->list, snapshots->count, sizeof(*snapshots->list), earlier_first);
	for (size_t i = 0; r == 0 && i < snapshots->count; i++)
		r = import_snapshot(snapshots, &snapshots->list[i], origin_ns, import, reterr);
	return r;
}
